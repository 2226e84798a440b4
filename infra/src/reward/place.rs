//! The hold of a redemption: asked of the ledger, and its answer noted.

use amvaj_domain::id::MerchantId;
use amvaj_domain::ledger::{Command, CommandHold, Operation, Rejection};
use amvaj_domain::merchant::{BranchStatus, MerchantStatus};
use amvaj_domain::reward::{Redemption, RedemptionState};

use super::Rewards;
use super::follow::{End, end};
use crate::db::StoreError;
use crate::directory::MerchantFile;
use crate::ledger::{Answer, Recorded, Request, SubmitError};

impl Rewards {
    /// Asks the ledger for the hold, however often it was asked before, and notes what it answers, once. The answer is the
    /// one that it gave first.
    ///
    /// # Errors
    /// As for [`crate::ledger::LedgerWriter::submit`]. The redemption stays pending then, and is finished later.
    pub async fn place(&self, redemption: &Redemption) -> Result<Recorded, SubmitError> {
        let operation = self.hold_of(redemption).await?;
        let recorded = match self.writer.submit(Request::Apply(operation)).await? {
            Answer::Recorded(recorded) => *recorded,
            other => {
                let what = format!("the hold of redemption {} was answered {other:?}", redemption.id);
                return Err(SubmitError::Quarantined(what));
            }
        };
        if recorded.op.rejection.is_none() {
            self.directory.relations().note_operation(redemption.merchant, redemption.wallet);
        }
        if redemption.state == RedemptionState::Pending {
            self.note(redemption, &recorded).await?;
            if recorded.replayed {
                // A hold that was made before may have ended meanwhile.
                self.note_end(redemption.id, redemption.wallet, recorded.op.seq).await?;
            }
        }
        Ok(recorded)
    }

    async fn hold_of(&self, redemption: &Redemption) -> Result<Operation, StoreError> {
        let file = self.directory.merchant_file(redemption.merchant).await?;
        let file = file.ok_or_else(|| no_merchant(redemption.merchant))?;
        let command = CommandHold { amount: redemption.points, ttl: redemption.reserve, receipt: None };
        Ok(Operation {
            wallet: redemption.wallet,
            tenant: redemption.tenant,
            idem: Redemption::hold_idem(redemption.id),
            body: Redemption::hold_body(redemption.id).into(),
            merchant: Some(redemption.merchant),
            branch: redemption.branch.filter(|branch| file.branches.contains_key(branch)),
            occurred_at: redemption.created_at,
            window: self.window,
            prices: file.merchant.prices,
            refusal: standing(&file, redemption),
            command: Command::Hold(command),
        })
    }

    /// Notes the answer of a redemption that was pending; what was noted already stays.
    async fn note(&self, redemption: &Redemption, recorded: &Recorded) -> Result<(), StoreError> {
        let at = recorded.op.recorded_at;
        let state = match recorded.op.rejection {
            None => RedemptionState::Reserved,
            Some(_) => RedemptionState::Refused,
        };
        let noted = End { state, seq: recorded.op.seq, expires_at: at.plus(redemption.reserve), at };
        end(&self.db, redemption.id, &noted).await?;
        Ok(())
    }
}

/// What stands against new business of the merchant at the branch.
fn standing(file: &MerchantFile, redemption: &Redemption) -> Option<Rejection> {
    if file.merchant.status == MerchantStatus::Blocked {
        return Some(Rejection::MerchantBlocked);
    }
    match file.branches.get(&redemption.branch?).map(|branch| branch.status) {
        None => Some(Rejection::BranchNotFound),
        Some(BranchStatus::Closed) => Some(Rejection::BranchClosed),
        Some(BranchStatus::Open) => None,
    }
}

fn no_merchant(id: MerchantId) -> StoreError {
    StoreError::CorruptRow { table: "redemption", id: id.to_string(), what: "its merchant" }
}
