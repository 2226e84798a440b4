//! What the use cases on points share: from a merchant's request to an operation, and from the ledger's answer back.
//!
//! Nothing here decides. What can change with time or configuration is looked up and travels with the operation
//! as a possible refusal; the ledger looks at the idempotency key first.

use std::sync::Arc;

use amvaj_domain::{
    access::{Actor, Caller},
    id::{BranchId, MerchantId, WalletId},
    ledger::{Body, Command, Idem, Operation, Rejection, Tenant},
    member::MemberLookup,
    merchant::{BranchStatus, MerchantStatus},
    money::Currency,
    text::IdempotencyKey,
    time::Instant,
};
use amvaj_infra::{
    directory::{MerchantFile, NamedMember},
    ledger::{Answer, LedgerScope, OperationKey, Recorded, Request, SubmitError},
};

use super::{
    App,
    error::{AppError, Stopped},
    look_up::{Purpose, Seeker, look_up},
};

/// Why a request on points did not become an operation. Refusals of the ledger itself are in the operation's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointsRefusal {
    /// No member is named by the reference.
    MemberNotFound,
    /// The merchant has no such hold.
    HoldNotFound,
    /// The idempotency key was used with another input.
    IdempotencyMismatch,
    /// The ledger refused something that has no wallet to be recorded in.
    Rejected(Rejection),
    /// A refund of an earlier request with this key waited, and was refused when its purchase came.
    RejectedBefore(Rejection),
}

/// What a merchant's request on points has in common.
#[derive(Debug, Clone)]
pub struct PointsRequest {
    /// The merchant's idempotency key.
    pub key: IdempotencyKey,
    /// The branch as the request names it: a retry has to name the same.
    pub named: Option<BranchId>,
    /// Where it happens: the branch that is named, or the only one where the caller may do this.
    pub branch: Option<BranchId>,
    /// When it happened; now when absent.
    pub occurred_at: Option<Instant>,
    /// Who asks in person, as far as that is known.
    pub actor: Option<Actor>,
    /// The branches where whoever asks may do this; nothing when that is everywhere.
    pub only_at: Option<Arc<[BranchId]>>,
}

impl PointsRequest {
    /// The request of whoever may act everywhere, with the branch that it names.
    pub const fn at(key: IdempotencyKey, branch: Option<BranchId>, occurred_at: Option<Instant>) -> Self {
        Self { key, named: branch, branch, occurred_at, actor: None, only_at: None }
    }

    /// The part of a merchant's ledger in which whoever asks may do this.
    pub(super) fn scope(&self, merchant: MerchantId) -> LedgerScope {
        match &self.only_at {
            Some(branches) => LedgerScope::Branches(merchant, Arc::clone(branches)),
            None => LedgerScope::Merchant(merchant),
        }
    }
}

/// The merchant that acts, as it stands now.
pub(super) struct Acting {
    pub(super) file: Arc<MerchantFile>,
    pub(super) occurred_at: Instant,
    tenant: Tenant,
    idem: Idem,
    branch: Option<BranchId>,
    actor: Option<Actor>,
    /// The part of the merchant's ledger in which the caller may do this.
    scope: LedgerScope,
}

impl Acting {
    /// Looks the merchant up.
    pub(super) async fn load(
        app: &App,
        merchant: MerchantId,
        request: &PointsRequest,
    ) -> Result<Self, AppError> {
        Self::on_behalf(app, merchant, Tenant::Merchant(merchant), request).await
    }

    /// Looks the merchant up at which something happens on behalf of somebody, who is the owner of the request's key.
    pub(super) async fn on_behalf(
        app: &App,
        merchant: MerchantId,
        tenant: Tenant,
        request: &PointsRequest,
    ) -> Result<Self, AppError> {
        let file = app.directory.merchant_file(merchant).await?.ok_or(AppError::NotFound)?;
        let now = app.ledger_now();
        Ok(Self {
            file,
            occurred_at: request.occurred_at.unwrap_or(now),
            tenant,
            idem: Idem::of(tenant, &request.key),
            branch: request.branch,
            actor: request.actor,
            scope: request.scope(merchant),
        })
    }

    pub(super) fn merchant(&self) -> MerchantId {
        self.file.merchant.id
    }

    /// What stands against new business of this merchant at this branch.
    pub(super) fn standing(&self) -> Option<Rejection> {
        match self.file.merchant.status {
            MerchantStatus::Blocked => Some(Rejection::MerchantBlocked),
            MerchantStatus::Open => self.branch_standing(),
        }
    }

    fn branch_standing(&self) -> Option<Rejection> {
        match self.file.branches.get(&self.branch?).map(|branch| branch.status) {
            None => Some(Rejection::BranchNotFound),
            Some(BranchStatus::Closed) => Some(Rejection::BranchClosed),
            Some(BranchStatus::Open) => None,
        }
    }

    /// What stands against ending something that was begun: only a branch that is not the merchant's.
    pub(super) fn ending(&self) -> Option<Rejection> {
        self.branch_standing().filter(|standing| *standing == Rejection::BranchNotFound)
    }

    /// What stands against an amount in this currency.
    pub(super) fn currency(&self, currency: Currency) -> Option<Rejection> {
        (currency != self.file.merchant.currency).then_some(Rejection::CurrencyMismatch)
    }

    /// The member's wallet. A key that is in use keeps its wallet, whoever the reference names by now.
    pub(super) async fn wallet(
        &self,
        app: &App,
        member: &MemberLookup,
    ) -> Result<WalletId, Stopped<PointsRefusal>> {
        if let Some(named) = self.named(app, member, Purpose::Operate).await? {
            return Ok(named.wallet);
        }
        let claimed = app.reader.claimed_wallet(self.idem).await?.flatten();
        claimed.ok_or(Stopped::Refused(PointsRefusal::MemberNotFound))
    }

    /// The member that the merchant names, whatever it sees of it.
    pub(super) async fn named(
        &self,
        app: &App,
        member: &MemberLookup,
        purpose: Purpose,
    ) -> Result<Option<NamedMember>, AppError> {
        let members = app.directory.members(Caller::Merchant(self.merchant()));
        let seeker = Seeker::of_merchant(self.merchant(), self.actor);
        if seeker.is_counted(member) {
            look_up(app, seeker, purpose, members.named(member)).await
        } else {
            Ok(members.named(member).await?)
        }
    }

    /// Lets the merchant's own hold pass, but none of a redemption to be captured, which needs its voucher, or of one that the
    /// caller does not see. Another merchant's is not there, and nothing is written to its wallet; but a key that is in use
    /// answers what it answered.
    pub(super) async fn find_hold(
        &self,
        app: &App,
        hold: OperationKey,
        to_capture: bool,
    ) -> Result<(), Stopped<PointsRefusal>> {
        let own = app.reader.within(LedgerScope::Merchant(self.merchant())).hold(hold).await?;
        let sees_all = matches!(self.scope, LedgerScope::Merchant(_));
        // Not before the hold was seen: a redemption is written before its hold, so whoever looked for both at once could
        // find the hold of a redemption and not the redemption.
        let of_redemption = if own.is_some() && (to_capture || !sees_all) {
            app.rewards.redemption_of_hold(hold, app.ledger_now()).await?
        } else {
            None
        };
        let is_barred = of_redemption.is_some_and(|found| to_capture || !self.scope.shows_redemption(&found));
        if (own.is_none() || is_barred) && app.reader.claimed_wallet(self.idem).await?.is_none() {
            return Err(Stopped::Refused(PointsRefusal::HoldNotFound));
        }
        Ok(())
    }

    /// The operation that asks for `command`.
    pub(super) fn operation(
        &self,
        app: &App,
        wallet: WalletId,
        body: impl Into<Body>,
        refusal: Option<Rejection>,
        command: Command,
    ) -> Operation {
        Operation {
            wallet,
            tenant: self.tenant,
            idem: self.idem,
            body: body.into(),
            merchant: Some(self.merchant()),
            branch: self.branch.filter(|branch| self.file.branches.contains_key(branch)),
            occurred_at: self.occurred_at,
            window: app.window,
            prices: self.file.merchant.prices,
            refusal,
            command,
        }
    }
}

/// What became of a request on points.
#[derive(Debug, Clone)]
pub enum PointsOutcome {
    /// It is in the journal, applied or rejected.
    Recorded(Box<Recorded>),
    /// It is a refund that waits for its purchase.
    Waiting {
        /// Whether an earlier request with this key made it wait.
        replayed: bool,
    },
}

/// Submits an operation and reads the ledger's answer.
pub(super) async fn submit(app: &App, request: Request) -> Result<PointsOutcome, Stopped<PointsRefusal>> {
    match app.ledger.submit(request).await {
        Ok(Answer::Recorded(recorded)) => {
            // A relation begins with it, which other nodes learn from the outbox.
            if let (Some(merchant), None) = (recorded.op.merchant, recorded.op.rejection) {
                app.directory.relations().note_operation(merchant, recorded.wallet);
            }
            Ok(PointsOutcome::Recorded(recorded))
        }
        Ok(Answer::Waiting { replayed }) => Ok(PointsOutcome::Waiting { replayed }),
        Ok(Answer::Mismatch) => Err(Stopped::Refused(PointsRefusal::IdempotencyMismatch)),
        Ok(Answer::RefusedLater(rejection)) => {
            Err(Stopped::Refused(PointsRefusal::RejectedBefore(rejection)))
        }
        Ok(Answer::Dismissed(rejection)) => Err(Stopped::Refused(PointsRefusal::Rejected(rejection))),
        // Only requests of the ledger itself are answered so.
        Ok(Answer::Tended) => Err(Stopped::Failed(AppError::OutcomeUnknown)),
        Err(SubmitError::NoSuchWallet(_)) => Err(Stopped::Refused(PointsRefusal::HoldNotFound)),
        Err(error) => Err(Stopped::Failed(AppError::from(error))),
    }
}

/// Submits an operation that cannot wait for a purchase.
pub(super) async fn submit_now(app: &App, operation: Operation) -> Result<Recorded, Stopped<PointsRefusal>> {
    match submit(app, Request::Apply(operation)).await? {
        PointsOutcome::Recorded(recorded) => Ok(*recorded),
        PointsOutcome::Waiting { .. } => Err(Stopped::Failed(AppError::OutcomeUnknown)),
    }
}
