//! What merchants may see of members, kept in this process for a second.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use amvaj_domain::id::{MerchantId, WalletId};
use amvaj_domain::relation::{Consent, RelationSource, Tie};
use moka::sync::Cache;
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::db::{Database, StoreError};
use crate::ledger::keys::Keys;

/// How long what was read may be behind a write on another node.
const LIFETIME: Duration = Duration::from_secs(1);
/// How long a node knows by itself that an operation began a relation; the keeper needs a moment only.
const NOTED: Duration = Duration::from_mins(1);
/// Most pairs that are kept, in about 200 bytes each.
const MOST_PAIRS: u64 = 50_000;

type Pair = (MerchantId, WalletId);
/// Made before the database is read, so that what is in it is never older than its age tells. Forgetting a pair
/// detaches its cell: a read that began before a write cannot bring back what the write replaced.
type Cell = Arc<OnceLock<Tie>>;

/// The pairs in this process.
#[derive(Debug, Clone)]
pub(super) struct Ties {
    read: Cache<Pair, Cell>,
    noted: Cache<Pair, ()>,
}

#[derive(FromQueryResult)]
struct Row {
    wallet_id: Uuid,
    source: i16,
    consent: Option<i16>,
}

const READ: &str = "select member.wallet_id, relation.source, relation.consent \
     from {k} join member on member.wallet_id = k.id \
     join relation on relation.member_id = member.member_id and relation.merchant_id = {v1}";

impl Ties {
    pub(super) fn new() -> Self {
        let kept = |lifetime| Cache::builder().max_capacity(MOST_PAIRS).time_to_live(lifetime);
        Self {
            read: kept(LIFETIME).build(),
            noted: Cache::builder().max_capacity(MOST_PAIRS).time_to_live(NOTED).build(),
        }
    }

    pub(super) fn note(&self, merchant: MerchantId, wallet: WalletId) {
        self.noted.insert((merchant, wallet), ());
    }

    pub(super) fn forget(&self, merchant: MerchantId, wallet: WalletId) {
        self.read.invalidate(&(merchant, wallet));
    }

    /// The ties of these wallets. Of all that are not known one query is made.
    pub(super) async fn read(
        &self,
        db: &Database,
        merchant: MerchantId,
        wallets: &[WalletId],
    ) -> Result<HashMap<WalletId, Tie>, StoreError> {
        let cells: Vec<(WalletId, Cell)> = wallets
            .iter()
            .map(|wallet| (*wallet, self.read.get_with((merchant, *wallet), Cell::default)))
            .collect();
        let unknown: Vec<Uuid> =
            cells.iter().filter(|(_, cell)| cell.get().is_none()).map(|(wallet, _)| wallet.uuid()).collect();
        let found = if unknown.is_empty() { HashMap::new() } else { query(db, merchant, &unknown).await? };
        let tie = |(wallet, cell): (WalletId, Cell)| {
            let tie = *cell.get_or_init(|| found.get(&wallet).copied().unwrap_or_default());
            let related = tie.related || self.noted.contains_key(&(merchant, wallet));
            (wallet, Tie { related, ..tie })
        };
        Ok(cells.into_iter().map(tie).collect())
    }
}

async fn query(
    db: &Database,
    merchant: MerchantId,
    wallets: &[Uuid],
) -> Result<HashMap<WalletId, Tie>, StoreError> {
    let statement = Keys::uuids(db.backend(), wallets).with(merchant.uuid()).statement(READ);
    let rows = Row::find_by_statement(statement).all(db.reader()).await?;
    let tie = |row: Row| {
        let source = RelationSource::from_stored(row.source);
        let related = source.is_some_and(RelationSource::is_dealing);
        // What is not understood shows nothing.
        let consent = row.consent.map(|number| Consent::from_stored(number).unwrap_or(Consent::Hidden));
        (WalletId::new(row.wallet_id), Tie { related, consent })
    };
    Ok(rows.into_iter().map(tie).collect())
}
