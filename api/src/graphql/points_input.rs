//! What the mutations on points have in common: reading their inputs, and answering.

use amvaj_domain::{
    access::{Caller, Identity, Scope},
    id::{BranchId, MerchantId, WalletId},
    ledger::Rejection,
    member::MemberLookup,
    money::Money as DomainMoney,
    points::Points,
    text::{IdempotencyKey, ReceiptNumber},
};
use amvaj_infra::ledger::Recorded;
use async_graphql::{Context, Error, ID, Result};

use super::{
    error::{Code, fault},
    global_id::GlobalId,
    member::{MemberRef, MemberRefProblem},
    operation::Operation,
    points_error::{InputProblem, PointsUserError, Refused},
    scalar::{DateTime, PointsScalar},
    user_error::UserErrorCode,
    value::MoneyInput,
    wallet::Wallet,
};
use crate::app::{
    Stopped,
    access::{BranchRefused, branch_for},
    points::{PointsRefusal, PointsRequest},
};
use crate::language::Message;

/// Reads the fields of an input and collects what is wrong with them, so that a client learns of all at once.
pub struct InputReader<E> {
    errors: Vec<E>,
    /// A problem that the mutation has no code for: our defect, not the client's.
    unnamed: Option<String>,
}

impl<E> Default for InputReader<E> {
    fn default() -> Self {
        Self { errors: Vec::new(), unnamed: None }
    }
}

impl<E: PointsUserError> InputReader<E> {
    /// Notes a problem of a field.
    pub fn problem(&mut self, problem: InputProblem, field: &str) {
        let error = E::code(&format!("{problem:?}")).map(|code| code.at(field));
        self.note(problem, error);
    }

    /// Notes a problem of a field in words of its own.
    pub fn problem_saying(&mut self, problem: InputProblem, message: Message, field: &str) {
        let error = E::code(&format!("{problem:?}")).map(|code| code.saying(message, field));
        self.note(problem, error);
    }

    fn note(&mut self, problem: InputProblem, error: Option<E>) {
        match error {
            Some(error) => self.errors.push(error),
            None => self.unnamed = Some(format!("{problem:?}")),
        }
    }

    /// The value that was read, or nothing and a problem.
    pub fn take<T, X>(&mut self, read: Result<T, X>, problem: InputProblem, field: &str) -> Option<T> {
        if read.is_err() {
            self.problem(problem, field);
        }
        read.ok()
    }

    /// The idempotency key.
    pub fn key(&mut self, key: &str) -> Option<IdempotencyKey> {
        let key = IdempotencyKey::parse(key);
        self.take(key, InputProblem::InvalidIdempotencyKey, "input.idempotencyKey")
    }

    /// Key, branch and time of a request that needs `scope` where it happens.
    pub fn request(
        &mut self,
        (identity, scope): (&Identity, Scope),
        key: &str,
        branch: Option<&ID>,
        occurred_at: Option<DateTime>,
    ) -> Option<PointsRequest> {
        let key = self.key(key);
        let named = self.branch(branch)?;
        let branch = match branch_for(identity, scope, named) {
            Ok(branch) => branch,
            Err(refused) => {
                let problem = match refused {
                    BranchRefused::Needed => InputProblem::BranchNeeded,
                    BranchRefused::NotYours => InputProblem::BranchNotYours,
                };
                self.problem(problem, "input.branchId");
                return None;
            }
        };
        let occurred_at = occurred_at.map(|DateTime(at)| at);
        let only_at = identity.branches(scope).map(Into::into);
        let actor = Some(identity.actor);
        Some(PointsRequest { key: key?, named, branch, occurred_at, actor, only_at })
    }

    fn branch(&mut self, branch: Option<&ID>) -> Option<Option<BranchId>> {
        let Some(id) = branch else { return Some(None) };
        let branch = GlobalId::branch(id);
        if branch.is_none() {
            self.problem(InputProblem::InvalidBranchId, "input.branchId");
        }
        branch.map(Some)
    }

    /// How a merchant names a member.
    pub fn member(&mut self, reference: &MemberRef, merchant: MerchantId) -> Option<MemberLookup> {
        match reference.read(Caller::Merchant(merchant)) {
            Ok(lookup) => Some(lookup),
            Err(MemberRefProblem::NotFound) => {
                self.problem(InputProblem::MemberNotFound, "input.member");
                None
            }
            Err(MemberRefProblem::Invalid(what)) => {
                self.problem_saying(InputProblem::InvalidMember, what.into_message(), "input.member");
                None
            }
        }
    }

    /// Points above zero.
    pub fn points(&mut self, points: PointsScalar) -> Option<Points> {
        let points = points.points().ok().filter(|points| !points.is_zero());
        if points.is_none() {
            self.problem(InputProblem::InvalidPoints, "input.points");
        }
        points
    }

    /// Money above zero.
    pub fn money(&mut self, money: MoneyInput, field: &str) -> Option<DomainMoney> {
        let money = money.money().ok().filter(|money| money.minor_units() > 0);
        if money.is_none() {
            self.problem(InputProblem::InvalidAmount, field);
        }
        money
    }

    /// A receipt number.
    pub fn receipt(&mut self, number: &str) -> Option<ReceiptNumber> {
        self.take(ReceiptNumber::parse(number), InputProblem::InvalidReceiptNumber, "input.receiptNumber")
    }

    /// A receipt number that may be absent.
    pub fn optional_receipt(&mut self, number: Option<&str>) -> Option<Option<ReceiptNumber>> {
        number.map_or(Some(None), |number| self.receipt(number).map(Some))
    }

    /// The wallet and number of a hold.
    pub fn hold(&mut self, id: &ID) -> Option<(WalletId, i64)> {
        let key = match GlobalId::read(id) {
            Some(GlobalId::Hold(wallet, seq)) => Some((wallet, seq)),
            _ => None,
        };
        if key.is_none() {
            self.problem(InputProblem::InvalidHoldId, "input.holdId");
        }
        key
    }

    /// What was wrong.
    pub fn into_errors(self) -> Result<Vec<E>> {
        match self.unnamed {
            None => Ok(self.errors),
            Some(problem) => Err(unnamed(&problem)),
        }
    }
}

/// What a mutation on points answers, before it is put in the mutation's own payload.
pub struct PointsAnswer<E> {
    pub operation: Option<Operation>,
    pub wallet: Option<Wallet>,
    pub replayed: bool,
    pub user_errors: Vec<E>,
}

impl<E: PointsUserError> PointsAnswer<E> {
    /// The answer to an input that could not be read.
    pub fn unread(reader: InputReader<E>) -> Result<Self> {
        Ok(Self::refused(reader.into_errors()?))
    }

    /// The answer to a request that was submitted.
    pub async fn of(ctx: &Context<'_>, outcome: Result<Recorded, Stopped<PointsRefusal>>) -> Result<Self> {
        match outcome {
            Ok(recorded) => Self::recorded(ctx, &recorded).await,
            Err(Stopped::Refused(refusal)) => {
                let replayed = matches!(refusal, PointsRefusal::RejectedBefore(_));
                Ok(Self { replayed, ..Self::refused(vec![refusal_error(refusal)?]) })
            }
            Err(Stopped::Failed(error)) => Err(fault(error)),
        }
    }

    /// The answer of an operation in the journal, applied or rejected.
    pub async fn recorded(ctx: &Context<'_>, recorded: &Recorded) -> Result<Self> {
        let wallet = Wallet::after(ctx, recorded).await?;
        let replayed = recorded.replayed;
        // What a refusal says of the balance it says to whom it shows the wallet.
        let Some(refused) = Refused::recorded(&recorded.op, wallet.is_some()) else {
            let operation = Some(Operation::new(recorded.wallet, recorded.op.clone()));
            return Ok(Self { operation, wallet, replayed, user_errors: Vec::new() });
        };
        let operation = match recorded.first {
            Some((wallet, seq)) => Operation::at_hand(ctx, wallet, seq).await?,
            None => None,
        };
        Ok(Self { operation, wallet, replayed, user_errors: vec![refused_error(refused)?] })
    }

    const fn refused(user_errors: Vec<E>) -> Self {
        Self { operation: None, wallet: None, replayed: false, user_errors }
    }
}

/// The user error of a request that did not become an operation.
pub fn refusal_error<E: PointsUserError>(refusal: PointsRefusal) -> Result<E> {
    let (problem, field) = match refusal {
        PointsRefusal::MemberNotFound => (InputProblem::MemberNotFound, "input.member"),
        PointsRefusal::IdempotencyMismatch => (InputProblem::IdempotencyMismatch, "input.idempotencyKey"),
        PointsRefusal::HoldNotFound => return refused_error(Refused::bare(Rejection::HoldNotFound)),
        PointsRefusal::Rejected(rejection) | PointsRefusal::RejectedBefore(rejection) => {
            return refused_error(Refused::bare(rejection));
        }
    };
    let name = format!("{problem:?}");
    E::code(&name).map(|code| code.at(field)).ok_or_else(|| unnamed(&name))
}

fn refused_error<E: PointsUserError>(refused: Refused) -> Result<E> {
    let name = refused.code_name();
    let code = E::code(&name).ok_or_else(|| unnamed(&name))?;
    Ok(code.saying(refused.say(code.message()), refused.field()))
}

/// A mutation met a refusal that its codes do not name.
fn unnamed(name: &str) -> Error {
    Code::internal(format!("a mutation has no code for {name}"))
}
