//! WRITE on PostgreSQL: one autocommit statement of many parts.
//!
//! The parts of such a statement run in no order of their own, so each depends by data on the one before:
//! lock the wallets whose version is the expected one, in order of their key → move them → claims → receipts →
//! all other rows → merchants' totals and outbox, summed over what was really inserted. No table is changed by
//! two parts.

use std::{collections::HashSet, sync::LazyLock};

use amvaj_domain::id::{OUTBOX_BUCKETS, WalletId};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row as _, Transaction};
use uuid::Uuid;

use super::{
    batch::{GuardedWallet, Replaces, WriteBatch},
    touched::MERCHANT_ACCOUNTS,
};
use crate::db::{
    StoreError,
    columns::{Columns, PgQuery},
    entity::{
        cap_used, claim, entry, hold, lot, lot_use, op, purchase, purchase_line, receipt, receipt_redemption,
        refund_waiting, wallet,
    },
};

/// The locks of wallets whose guard failed too often.
pub(super) type Locks = Transaction<'static, Postgres>;

/// Locks wallets, in order, until the answered transaction ends.
pub(super) async fn lock(pool: &PgPool, wallets: &[WalletId]) -> Result<Locks, StoreError> {
    let mut transaction = pool.begin().await?;
    let shards: Vec<i16> = wallets.iter().map(|wallet| wallet.shard_no()).collect();
    let ids: Vec<Uuid> = wallets.iter().map(|wallet| wallet.uuid()).collect();
    sqlx::query(
        "select 1 from wallet w join unnest($1::smallint[], $2::uuid[]) as k(shard_no, wallet_id) \
         on w.shard_no = k.shard_no and w.wallet_id = k.wallet_id \
         order by w.shard_no, w.wallet_id for update of w",
    )
    .bind(shards)
    .bind(ids)
    .execute(&mut *transaction)
    .await?;
    Ok(transaction)
}

/// Writes a batch and answers the wallets whose guard held.
pub(super) async fn write(
    pool: &PgPool,
    locks: Option<Locks>,
    batch: &WriteBatch,
) -> Result<HashSet<WalletId>, StoreError> {
    if let Some(mut locks) = locks {
        let survivors = run(&mut locks, batch).await?;
        locks.commit().await?;
        return Ok(survivors);
    }
    let mut connection = pool.acquire().await?;
    run(&mut connection, batch).await
}

async fn run(connection: &mut PgConnection, batch: &WriteBatch) -> Result<HashSet<WalletId>, StoreError> {
    let query = sqlx::query(AssertSqlSafe(STATEMENT.as_str())).bind(batch.batch.uuid()).bind(batch.bucket);
    let query = bind_wallets(&batch.wallets, query);
    let query = claim::Model::bind(&batch.claims, query);
    let query = receipt::Model::bind(&batch.receipts, query);
    let query = op::Model::bind(&batch.ops, query);
    let query = entry::Model::bind(&batch.entries, query);
    let query = lot_use::Model::bind(&batch.lot_uses, query);
    let query = lot::Model::bind(&batch.lots, query);
    let query = hold::Model::bind(&batch.holds, query);
    let query = purchase::Model::bind(&batch.purchases, query);
    let query = purchase_line::Model::bind(&batch.purchase_lines, query);
    let query = receipt_redemption::Model::bind(&batch.redemptions, query);
    let query = cap_used::Model::bind(&batch.caps, query);
    let query = refund_waiting::Model::bind(&batch.refunds, query);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok(WalletId::new(row.try_get(0)?))).collect()
}

fn bind_wallets<'q>(wallets: &[GuardedWallet], query: PgQuery<'q>) -> PgQuery<'q> {
    let rows: Vec<wallet::Model> = wallets.iter().map(|wallet| wallet.row.clone()).collect();
    let expected: Vec<i64> = wallets.iter().map(|wallet| wallet.expected).collect();
    wallet::Model::bind(&rows, query).bind(expected)
}

/// Rows of a surviving wallet.
const ALIVE: &str = "n.wallet_id in (select wallet_id from moved)";
/// Rows of a surviving wallet, and rows that have none.
const FREE_OR_ALIVE: &str = "(n.wallet_id is null or n.wallet_id in (select wallet_id from moved))";

static STATEMENT: LazyLock<String> = LazyLock::new(|| {
    // $1 is the batch, $2 the bucket of merchants' totals.
    let mut next = 3;
    let wallets = wallet::Model::unnest("n", &mut next);
    let (head, tail) = wallets.split_once(") as n(").unwrap_or_default();
    let wallets = format!("{head}, ${next}::bigint[]) as n({}", tail.replacen(')', ", expected)", 1));
    next += 1;
    let set: Vec<String> = wallet::Model::columns()
        .into_iter()
        .map(|(name, ..)| name)
        .filter(|name| !["shard_no", "wallet_id"].contains(name))
        .map(|name| format!("{name} = n.{name}"))
        .collect();
    let mut parts = vec![
        format!("input as materialized (select * from {wallets})"),
        "locked as materialized (select w.shard_no, w.wallet_id from wallet w join input n \
         on w.shard_no = n.shard_no and w.wallet_id = n.wallet_id where w.version = n.expected \
         order by w.shard_no, w.wallet_id for update of w)"
            .to_owned(),
        format!(
            "moved as (update wallet w set {} from input n where w.shard_no = n.shard_no \
             and w.wallet_id = n.wallet_id and w.version = n.expected \
             and w.wallet_id = any (array(select wallet_id from locked)) returning w.wallet_id)",
            set.join(", ")
        ),
    ];
    parts.push(insert::<claim::Model>("claims", &mut next, FREE_OR_ALIVE, "moved", "order by n.idem", ""));
    let by_receipt = "order by n.merchant_id, n.receipt_no";
    parts.push(insert::<receipt::Model>("receipts", &mut next, ALIVE, "claims", by_receipt, ""));
    parts.push(insert::<op::Model>("ops", &mut next, ALIVE, "receipts", "", ""));
    parts.push(insert::<entry::Model>("entries", &mut next, ALIVE, "receipts", "", ""));
    parts.push(insert::<lot_use::Model>("lot_uses", &mut next, ALIVE, "receipts", "", ""));
    parts.push(replace::<lot::Model>("lots", &mut next, ALIVE));
    parts.push(replace::<hold::Model>("holds", &mut next, ALIVE));
    parts.push(replace::<purchase::Model>("purchases", &mut next, ALIVE));
    parts.push(replace::<purchase_line::Model>("purchase_lines", &mut next, ALIVE));
    parts.push(replace::<receipt_redemption::Model>("redemptions", &mut next, ALIVE));
    parts.push(replace::<cap_used::Model>("caps", &mut next, ALIVE));
    parts.push(replace::<refund_waiting::Model>("refunds", &mut next, FREE_OR_ALIVE));
    parts.push(merchant_totals());
    parts.push(outbox());
    format!("with {} select wallet_id from moved", parts.join(", "))
});

/// One part that inserts rows, after the part `after`.
fn insert<M: Columns>(
    part: &str,
    next: &mut usize,
    which: &str,
    after: &str,
    order: &str,
    on_conflict: &str,
) -> String {
    let names = M::names();
    format!(
        "{part} as (insert into {table} ({names}) select {names} from {rows} \
         where {which} and (select count(*) from {after}) >= 0 {order} {on_conflict} returning *)",
        table = M::TABLE,
        rows = M::unnest("n", next),
    )
}

/// One part that inserts rows or changes those that are there.
fn replace<M: Replaces>(part: &str, next: &mut usize, which: &str) -> String {
    insert::<M>(part, next, which, "receipts", "", &M::on_conflict())
}

/// Adds the inserted legs of merchants' accounts to the totals of the lane's bucket.
fn merchant_totals() -> String {
    let kinds = MERCHANT_ACCOUNTS.map(|kind| kind.to_string()).join(", ");
    format!(
        "totals as (insert into merchant_balance as t (bucket, merchant_id, kind, points, value, n) \
         select $2::smallint, account_id, account_kind, sum(amount)::bigint, sum(value)::bigint, count(*) \
         from entries where account_kind in ({kinds}) group by account_id, account_kind \
         order by account_id, account_kind \
         on conflict (bucket, merchant_id, kind) do update set points = t.points + excluded.points, \
         value = t.value + excluded.value, n = t.n + excluded.n)"
    )
}

/// One outbox row per bucket that the inserted operations touched.
fn outbox() -> String {
    format!(
        "sent as (insert into outbox (bucket, batch_id, payload) \
         select bucket, $1::uuid, '[' || string_agg(format('[\"%s\",%s,%s]', wallet_id, first, last), ',' \
         order by wallet_id) || ']' \
         from (select (shard_no % {OUTBOX_BUCKETS})::smallint as bucket, wallet_id, min(seq) as first, \
         max(seq) as last from ops group by shard_no, wallet_id) as t group by bucket)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_statement_waits_for_the_one_before() {
        let order = ["input", "locked", "moved", "claims", "receipts", "ops", "totals", "sent"];
        let places: Vec<usize> = order
            .iter()
            .map(|part| STATEMENT.find(&format!("{part} as ")).expect("the part exists"))
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        for (part, before) in [
            ("moved as", "select wallet_id from locked"),
            ("claims as", "select count(*) from moved"),
            ("receipts as", "select count(*) from claims"),
            ("ops as", "select count(*) from receipts"),
            ("lots as", "select count(*) from receipts"),
            ("totals as", "from entries"),
            ("sent as", "from ops"),
        ] {
            let from = STATEMENT.find(part).expect("the part exists");
            let text = &STATEMENT[from..];
            let end = text.find(", ").map_or(text.len(), |_| text.len());
            assert!(text[..end].contains(before), "{part} does not read {before}");
        }
    }

    #[test]
    fn no_table_is_changed_by_two_parts() {
        let mut tables: Vec<&str> = STATEMENT
            .match_indices("insert into ")
            .map(|(at, word)| STATEMENT[at + word.len()..].split_whitespace().next().expect("a table"))
            .collect();
        tables.push("wallet");
        let distinct: HashSet<&&str> = tables.iter().collect();
        assert_eq!(distinct.len(), tables.len(), "{tables:?}");
    }
}
