//! The checks that go through the wallets page by page, because SQL cannot say them.

use std::collections::HashMap;

use amvaj_domain::id::WalletId;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::{CheckResult, replay};
use crate::db::{
    StoreError,
    entity::{purchase, purchase_line, receipt_redemption},
};
use crate::ledger::keys::Keys;

/// What the progress bar says meanwhile.
pub(super) const NAME: &str = "Wallet by wallet: lots in their order, purchases by their terms";

/// The checks: number of the invariant and what must hold.
pub(super) const CHECKS: [(u8, &str); 4] = [
    (
        6,
        "A lot has points for each of its uses at the time, and was last changed by the operation that it names",
    ),
    (13, "A purchase keeps what its kept basket earns under the terms of its sale"),
    (13, "Refunds took back the money that a purchase no longer keeps"),
    (14, "Lots are spent, reserved and used to repay in the order of their expiry"),
];

/// Which of [`CHECKS`] a violation belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Finding {
    /// A lot's history does not lead to its row.
    Lot,
    /// A purchase earns or keeps something else.
    Kept,
    /// Refunds and purchase differ in money.
    Refunded,
    /// Points were taken from a later lot while an earlier one had some.
    Order,
}

/// Violations as they are found.
pub(super) struct Findings {
    pub(super) results: Vec<CheckResult>,
    limit: u32,
}

impl Findings {
    pub(super) fn new(limit: u32) -> Self {
        let results =
            CHECKS.map(|(number, name)| CheckResult { number, name, violations: 0, rows: Vec::new() });
        Self { results: results.into(), limit }
    }

    /// Counts a violation, and names it unless enough are named.
    pub(super) fn add(&mut self, finding: Finding, what: impl FnOnce() -> String) {
        let place = match finding {
            Finding::Lot => 0,
            Finding::Kept => 1,
            Finding::Refunded => 2,
            Finding::Order => 3,
        };
        let Some(result) = self.results.get_mut(place) else { return };
        result.found(self.limit, what);
    }
}

/// What a wallet's checks read.
#[derive(Debug, Default)]
pub(super) struct WalletRows {
    pub(super) ops: Vec<OpRow>,
    pub(super) lots: Vec<LotRow>,
    pub(super) uses: Vec<UseRow>,
    pub(super) purchases: Vec<purchase::Model>,
    pub(super) lines: Vec<purchase_line::Model>,
    pub(super) redemptions: Vec<receipt_redemption::Model>,
}

/// An applied operation.
#[derive(Debug, FromQueryResult)]
pub(super) struct OpRow {
    pub(super) wallet_id: Uuid,
    pub(super) seq: i64,
    pub(super) kind: i16,
    pub(super) amount: i64,
    pub(super) money: Option<i64>,
    pub(super) merchant_id: Option<Uuid>,
    pub(super) ref_seq: Option<i64>,
    pub(super) occurred_at: i64,
    pub(super) recorded_at: i64,
}

/// A lot.
#[derive(Debug, FromQueryResult)]
pub(super) struct LotRow {
    pub(super) wallet_id: Uuid,
    pub(super) lot_no: i64,
    pub(super) original: i64,
    pub(super) state: i16,
    pub(super) active_from: i64,
    pub(super) expires_at: i64,
    pub(super) restriction: Option<Uuid>,
    pub(super) changed_seq: i64,
}

/// A use of a lot.
#[derive(Debug, FromQueryResult)]
pub(super) struct UseRow {
    pub(super) wallet_id: Uuid,
    pub(super) seq: i64,
    pub(super) lot_no: i64,
    pub(super) qty: i64,
    pub(super) kind: i16,
}

#[derive(Debug, FromQueryResult)]
struct WalletRow {
    shard_no: i16,
    wallet_id: Uuid,
    version: i64,
}

/// A wallet's place in the order of the tables.
type Place = (i16, Uuid);

/// Wallets of a list whose histories, however long, are in memory at once.
const WALLETS_AT_ONCE: usize = 10;
/// The most wallets of one page.
const WALLETS_PER_PAGE: u32 = 500;
/// A page ends with the wallet that fills it up to so many operations.
const OPERATIONS_PER_PAGE: i64 = 20_000;

/// Runs the checks over all wallets; says after each page how many wallets are done, and how many there are.
pub(super) async fn run<C: ConnectionTrait>(
    connection: &C,
    limit: u32,
    mut progress: impl FnMut((u64, u64)),
) -> Result<Vec<CheckResult>, StoreError> {
    let mut findings = Findings::new(limit);
    let total = wallets(connection).await?;
    let mut done: u64 = 0;
    let mut after: Place = (i16::MIN, Uuid::nil());
    progress((0, total));
    while let Some((first, last, wallets)) = next_page(connection, after).await? {
        for (wallet, rows) in read(connection, Which::Range(first, last)).await? {
            replay::check(WalletId::new(wallet), &rows, &mut findings);
        }
        done = done.saturating_add(wallets);
        after = last;
        progress((done, total));
    }
    Ok(findings.results)
}

/// Runs the checks over some wallets.
pub(super) async fn run_for<C: ConnectionTrait>(
    connection: &C,
    wallets: &[WalletId],
    limit: u32,
) -> Result<Vec<CheckResult>, StoreError> {
    let mut findings = Findings::new(limit);
    for some in wallets.chunks(WALLETS_AT_ONCE) {
        for (wallet, rows) in read(connection, Which::Only(some)).await? {
            replay::check(WalletId::new(wallet), &rows, &mut findings);
        }
    }
    Ok(findings.results)
}

async fn wallets<C: ConnectionTrait>(connection: &C) -> Result<u64, StoreError> {
    let statement = Statement::from_string(connection.get_database_backend(), "select count(*) from wallet");
    let row = connection.query_one_raw(statement).await?;
    let wallets: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(u64::try_from(wallets).unwrap_or(0))
}

/// The first and last wallet of the page after a place, and how many it has.
async fn next_page<C: ConnectionTrait>(
    connection: &C,
    after: Place,
) -> Result<Option<(Place, Place, u64)>, StoreError> {
    let sql = format!(
        "select shard_no, wallet_id, version from wallet where (shard_no, wallet_id) > ($1, $2)
        order by shard_no, wallet_id limit {WALLETS_PER_PAGE}"
    );
    let mut page: Option<(Place, Place, u64)> = None;
    let mut operations: i64 = 0;
    for row in select::<WalletRow, C>(connection, &sql, vec![after.0.into(), after.1.into()]).await? {
        let place = (row.shard_no, row.wallet_id);
        page = Some(
            page.map_or((place, place, 1), |(first, _, wallets)| (first, place, wallets.saturating_add(1))),
        );
        operations = operations.saturating_add(row.version);
        if operations >= OPERATIONS_PER_PAGE {
            break;
        }
    }
    Ok(page)
}

async fn read<C: ConnectionTrait>(
    connection: &C,
    which: Which<'_>,
) -> Result<HashMap<Uuid, WalletRows>, StoreError> {
    let mut wallets: HashMap<Uuid, WalletRows> = HashMap::new();
    let page = Page { connection, which };
    let ops = "select wallet_id, seq, kind, amount, money, merchant_id, ref_seq, occurred_at, recorded_at
        from op where reject_code is null and {page} order by shard_no, wallet_id, seq";
    for row in page.select::<OpRow>(ops).await? {
        wallets.entry(row.wallet_id).or_default().ops.push(row);
    }
    let lots = "select wallet_id, lot_no, original, state, active_from, expires_at, restriction, changed_seq
        from lot where {page} order by shard_no, wallet_id, lot_no";
    for row in page.select::<LotRow>(lots).await? {
        wallets.entry(row.wallet_id).or_default().lots.push(row);
    }
    let uses = "select wallet_id, seq, lot_no, qty, kind
        from lot_use where {page} order by shard_no, wallet_id, seq, lot_no";
    for row in page.select::<UseRow>(uses).await? {
        wallets.entry(row.wallet_id).or_default().uses.push(row);
    }
    let purchases = "select * from purchase where {page} order by shard_no, wallet_id, seq";
    for row in page.select::<purchase::Model>(purchases).await? {
        wallets.entry(row.wallet_id).or_default().purchases.push(row);
    }
    let lines = "select * from purchase_line where {page} order by shard_no, wallet_id, seq, line_no";
    for row in page.select::<purchase_line::Model>(lines).await? {
        wallets.entry(row.wallet_id).or_default().lines.push(row);
    }
    let redemptions = "select * from receipt_redemption where {page} order by shard_no, wallet_id, seq";
    for row in page.select::<receipt_redemption::Model>(redemptions).await? {
        wallets.entry(row.wallet_id).or_default().redemptions.push(row);
    }
    Ok(wallets)
}

/// Wallets whose rows are read at a time.
struct Page<'a, C> {
    connection: &'a C,
    which: Which<'a>,
}

/// Which wallets.
#[derive(Clone, Copy)]
enum Which<'a> {
    /// From the first to the last.
    Range(Place, Place),
    /// These.
    Only(&'a [WalletId]),
}

impl Which<'_> {
    /// A query, in which `{page}` stands for the condition that a row is of these wallets.
    fn statement(self, backend: DbBackend, sql: &str) -> Statement {
        match self {
            Self::Range(first, last) => {
                let range = "(shard_no, wallet_id) >= ($1, $2) and (shard_no, wallet_id) <= ($3, $4)";
                let values = [first.0.into(), first.1.into(), last.0.into(), last.1.into()];
                Statement::from_sql_and_values(backend, sql.replace("{page}", range), values)
            }
            Self::Only(wallets) => {
                let listed = "(shard_no, wallet_id) in (select shard_no, wallet_id from {k})";
                Keys::wallets(backend, wallets).statement(&sql.replace("{page}", listed))
            }
        }
    }
}

impl<C: ConnectionTrait> Page<'_, C> {
    async fn select<R: FromQueryResult>(&self, sql: &str) -> Result<Vec<R>, StoreError> {
        let statement = self.which.statement(self.connection.get_database_backend(), sql);
        let rows = self.connection.query_all_raw(statement).await?;
        Ok(rows.iter().map(|row| R::from_query_result(row, "")).collect::<Result<Vec<R>, _>>()?)
    }
}

async fn select<R: FromQueryResult, C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<R>, StoreError> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let rows = connection.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| R::from_query_result(row, "")).collect::<Result<Vec<R>, _>>()?)
}
