//! The next page of a file: what is read, as its owner sees it, and what a pen makes of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use amvaj_domain::access::Caller;
use amvaj_domain::export::{Export, ExportOf, ExportStage};
use amvaj_domain::id::{BranchId, MemberId, MerchantId, WalletId};
use amvaj_domain::merchant::{Branch, Merchant};
use amvaj_domain::text::CustomerRef;
use amvaj_domain::time::Instant;

use super::held::HeldReader;
use super::pen::{Pen, ShownOperation};
use crate::access::Sessions;
use crate::db::{Database, StoreError};
use crate::directory::Directory;
use crate::ledger::{HistoryKey, LedgerReader, LedgerScope, OperationFilter, StoredOperation};

/// Operations of one page: about 180 kB of a file.
const PAGE: u64 = 500;

/// Reads pages and has them written.
#[derive(Debug)]
pub(super) struct Pages {
    directory: Directory,
    ledger: LedgerReader,
    held: HeldReader,
    pen: Arc<dyn Pen>,
}

/// A page.
#[derive(Debug)]
pub(super) struct Written {
    /// Its text.
    pub(super) text: String,
    /// How many rows it has.
    pub(super) rows: i64,
    /// The place of its last operation.
    pub(super) place: Option<HistoryKey>,
    /// Whether the file ends with it.
    pub(super) ends: bool,
}

/// What stands around the operations of a page.
#[derive(Debug, Default)]
struct Around {
    merchants: HashMap<MerchantId, Merchant>,
    branches: HashMap<BranchId, Branch>,
    members: HashMap<WalletId, MemberId>,
    references: HashMap<MemberId, CustomerRef>,
    shown: Vec<WalletId>,
}

impl Pages {
    pub(super) fn new(db: &Database, sessions: Sessions, pen: Arc<dyn Pen>) -> Self {
        Self {
            directory: Directory::new(db.clone()),
            ledger: LedgerReader::new(db.clone()),
            held: HeldReader::new(db, sessions),
            pen,
        }
    }

    /// About how many rows the file will have; nothing when there are so many that counting them takes longer than a read
    /// may. The file does not depend on it, and others would have to wait.
    pub(super) async fn count(&self, export: &Export) -> Result<Option<i64>, StoreError> {
        let (_, scope, filter) = wanted(export)?;
        match self.ledger.within(scope).count(&filter).await {
            Ok(rows) => Ok(Some(i64::try_from(rows).unwrap_or(i64::MAX))),
            Err(StoreError::Unavailable(reason)) => {
                tracing::info!(export = %export.id, reason, "the rows of an export are not counted");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The page after a place.
    pub(super) async fn next(
        &self,
        export: &Export,
        after: Option<HistoryKey>,
        now: Instant,
    ) -> Result<Written, StoreError> {
        let (caller, scope, filter) = wanted(export)?;
        let mut written = self.beginning(export, now).await?;
        let found = self.ledger.within(scope).onward(&filter, after, PAGE).await?;
        let around = self.around(caller, &found).await?;
        for operation in &found {
            let shown = around.of(operation);
            match export.of {
                ExportOf::Operations(_) => self.pen.operation(export.format, &shown, &mut written.text),
                ExportOf::Member(..) => self.pen.held_operation(&shown, &mut written.text),
            }
        }
        let read = i64::try_from(found.len()).unwrap_or(i64::MAX);
        written.rows = written.rows.saturating_add(read);
        written.place = found.last().map(StoredOperation::history_key);
        written.ends = u64::try_from(found.len()).is_ok_and(|found| found < PAGE);
        Ok(written)
    }

    /// What stands before the first operation.
    async fn beginning(&self, export: &Export, now: Instant) -> Result<Written, StoreError> {
        let mut written = Written { text: String::new(), rows: 0, place: None, ends: false };
        if export.stage != ExportStage::Queued {
            return Ok(written);
        }
        match export.of {
            ExportOf::Operations(_) => self.pen.head(export.format, &mut written.text),
            ExportOf::Member(member, wallet) => {
                for held in self.held.all(member, wallet, now).await? {
                    self.pen.held(&held, &mut written.text);
                    written.rows = written.rows.saturating_add(1);
                }
            }
        }
        Ok(written)
    }

    async fn around(&self, caller: Caller, found: &[StoredOperation]) -> Result<Around, StoreError> {
        let merchants: BTreeSet<MerchantId> = found.iter().filter_map(|one| one.op.merchant).collect();
        let branches: BTreeSet<BranchId> = found.iter().filter_map(|one| one.op.branch).collect();
        let wallets: BTreeSet<WalletId> = found.iter().map(|one| one.wallet).collect();
        let refused = found.iter().filter(|one| one.op.rejection.is_some()).map(|one| one.wallet);
        let refused: BTreeSet<WalletId> = refused.collect();
        let members = self.directory.members(caller);
        let merchants = self.directory.merchants_by_id(&listed(merchants)).await?;
        let branches = self.directory.branches_by_id(&listed(branches)).await?;
        let seen = members.by_wallet(&listed(wallets)).await?;
        let ids: Vec<MemberId> = seen.iter().map(|member| member.id).collect();
        Ok(Around {
            merchants: merchants.into_iter().map(|merchant| (merchant.id, merchant)).collect(),
            branches: branches.into_iter().map(|branch| (branch.id, branch)).collect(),
            members: seen.into_iter().map(|member| (member.wallet, member.id)).collect(),
            references: members.customer_refs(&ids).await?,
            shown: members.shown_wallets(&listed(refused)).await?,
        })
    }
}

impl Around {
    fn of<'a>(&'a self, operation: &'a StoredOperation) -> ShownOperation<'a> {
        let op = &operation.op;
        let member = self.members.get(&operation.wallet).copied();
        ShownOperation {
            operation,
            merchant: op.merchant.and_then(|id| self.merchants.get(&id)),
            branch: op.branch.and_then(|id| self.branches.get(&id)),
            member,
            customer_ref: member.and_then(|id| self.references.get(&id)),
            // A refusal is no way to look into a wallet.
            shows_balance: op.rejection.is_none() || self.shown.contains(&operation.wallet),
        }
    }
}

/// As whom a file is read, the part of the ledger that this caller may see, and what of it is wanted.
fn wanted(export: &Export) -> Result<(Caller, LedgerScope, OperationFilter), StoreError> {
    let corrupt =
        StoreError::CorruptRow { table: "export_job", id: export.id.to_string(), what: "its owner" };
    let caller = export.caller().ok_or(corrupt)?;
    let mut filter = OperationFilter { until: Some(export.until), ..OperationFilter::default() };
    let scope = match &export.of {
        ExportOf::Member(_, wallet) => LedgerScope::Wallet(*wallet),
        ExportOf::Operations(wanted) => {
            filter.merchant = wanted.merchant;
            filter.kinds.clone_from(&wanted.kinds);
            filter.from = wanted.from;
            match (caller, &wanted.branches) {
                (Caller::Merchant(own), Some(branches)) => {
                    LedgerScope::Branches(own, branches.as_slice().into())
                }
                (Caller::Merchant(own), None) => LedgerScope::Merchant(own),
                (Caller::Operator | Caller::Agent | Caller::Member(_), _) => LedgerScope::Network,
            }
        }
    };
    Ok((caller, scope, filter))
}

fn listed<T>(set: BTreeSet<T>) -> Vec<T> {
    set.into_iter().collect()
}
