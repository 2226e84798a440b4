//! WRITE on PostgreSQL: one autocommit statement, with a part for each table that the batch has rows for.
//!
//! The parts of such a statement run in no order of their own, so each depends by data on the one before:
//! lock the wallets whose version is the expected one, in order of their key → move them → claims → receipts →
//! all other rows → merchants' totals and outbox, summed over what was really inserted. No row is changed by two
//! parts.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use amvaj_domain::id::{OUTBOX_BUCKETS, WalletId};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row as _, Transaction};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    batch::{GuardedWallet, Replaces, WriteBatch},
    own::Own,
    store::{still_fresh, within},
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

/// Writes a batch and answers the wallets whose guard held. What is not answered within `patience` may be written all the
/// same, later.
pub(super) async fn write(
    own: &mut Own<Postgres>,
    batch: &WriteBatch,
    (patience, fresh_until): (Duration, Instant),
) -> Result<HashSet<WalletId>, StoreError> {
    within(patience, async {
        let connection = own.connection().await?;
        still_fresh(fresh_until)?;
        run(connection, batch).await
    })
    .await
}

/// The same for a batch whose wallets are locked.
pub(super) async fn write_locked(
    mut locks: Locks,
    batch: &WriteBatch,
    (patience, fresh_until): (Duration, Instant),
) -> Result<HashSet<WalletId>, StoreError> {
    still_fresh(fresh_until)?;
    within(patience, async {
        let survivors = run(&mut locks, batch).await?;
        locks.commit().await?;
        Ok(survivors)
    })
    .await
}

async fn run(connection: &mut PgConnection, batch: &WriteBatch) -> Result<HashSet<WalletId>, StoreError> {
    let sql = statement_of(shape_of(batch));
    let query = sqlx::query(AssertSqlSafe(&*sql)).bind(batch.batch.uuid()).bind(batch.bucket);
    let query = bind_wallets(&batch.wallets, query);
    let query = bind(&batch.claims, query);
    let query = bind(&batch.receipts.new, query);
    let query = bind(&batch.ops, query);
    let query = bind(&batch.entries, query);
    let query = bind(&batch.lot_uses, query);
    let query = bind(&batch.lots.new, query);
    let query = bind(&batch.holds.new, query);
    let query = bind(&batch.purchases.new, query);
    let query = bind(&batch.redemptions.new, query);
    let query = bind(&batch.receipts.changed, query);
    let query = bind(&batch.lots.changed, query);
    let query = bind(&batch.holds.changed, query);
    let query = bind(&batch.purchases.changed, query);
    let query = bind(&batch.redemptions.changed, query);
    let query = bind(&batch.purchase_lines, query);
    let query = bind(&batch.caps, query);
    let query = bind(&batch.refunds, query);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok(WalletId::new(row.try_get(0)?))).collect()
}

/// A part without rows is not in the statement.
fn bind<'q, M: Columns>(rows: &[M], query: PgQuery<'q>) -> PgQuery<'q> {
    if rows.is_empty() { query } else { M::bind(rows, query) }
}

fn bind_wallets<'q>(wallets: &[GuardedWallet], query: PgQuery<'q>) -> PgQuery<'q> {
    let rows: Vec<wallet::Model> = wallets.iter().map(|wallet| wallet.row.clone()).collect();
    let expected: Vec<i64> = wallets.iter().map(|wallet| wallet.expected).collect();
    wallet::Model::bind(&rows, query).bind(expected)
}

/// Rows of a surviving wallet. Nearly always all wallets survive, which is asked once; a join instead would compare each
/// row with each wallet. $4 are the wallets of the batch.
const ALIVE: &str = "((select count(*) from moved) = cardinality($4::uuid[]) \
     or n.wallet_id = any (array(select wallet_id from moved)))";
/// Rows of a surviving wallet, and rows that have none.
const FREE_OR_ALIVE: &str = "((select count(*) from moved) = cardinality($4::uuid[]) or n.wallet_id is null \
     or n.wallet_id = any (array(select wallet_id from moved)))";

/// The parts for the tables that a batch has rows for. A statement has no part for the others: PostgreSQL would set up
/// each of them only to find nothing.
type Shape = Vec<&'static str>;

fn shape_of(batch: &WriteBatch) -> Shape {
    let parts = [
        ("claims", batch.claims.is_empty()),
        ("receipts", batch.receipts.new.is_empty()),
        ("ops", batch.ops.is_empty()),
        ("entries", batch.entries.is_empty()),
        ("lot_uses", batch.lot_uses.is_empty()),
        ("lots", batch.lots.new.is_empty()),
        ("holds", batch.holds.new.is_empty()),
        ("purchases", batch.purchases.new.is_empty()),
        ("redemptions", batch.redemptions.new.is_empty()),
        ("receipts_changed", batch.receipts.changed.is_empty()),
        ("lots_changed", batch.lots.changed.is_empty()),
        ("holds_changed", batch.holds.changed.is_empty()),
        ("purchases_changed", batch.purchases.changed.is_empty()),
        ("redemptions_changed", batch.redemptions.changed.is_empty()),
        ("purchase_lines", batch.purchase_lines.is_empty()),
        ("caps", batch.caps.is_empty()),
        ("refunds", batch.refunds.is_empty()),
    ];
    parts.into_iter().filter(|(_, is_empty)| !is_empty).map(|(part, _)| part).collect()
}

/// The statement for batches of a shape. What merchants do at a time makes some dozens of shapes, so each is put together
/// once.
fn statement_of(shape: Shape) -> Arc<str> {
    static KNOWN: LazyLock<Mutex<HashMap<Shape, Arc<str>>>> = LazyLock::new(Mutex::default);
    // A thread that panicked while it held the lock has left whole statements behind.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(statement) = known.get(&shape) {
        return Arc::clone(statement);
    }
    let statement: Arc<str> = statement(&shape).into();
    known.insert(shape, Arc::clone(&statement));
    statement
}

fn statement(shape: &[&str]) -> String {
    let has = |part: &str| shape.contains(&part);
    // $1 is the batch, $2 the bucket of merchants' totals.
    let mut parts = Parts { next: 3, texts: Vec::new(), after: "moved" };
    parts.wallets();
    parts.insert::<claim::Model>(has("claims"), "claims", FREE_OR_ALIVE, "order by n.idem returning 1");
    parts.go_on_after(has("claims"), "claims");
    let in_order = "order by n.merchant_id, n.receipt_no returning 1";
    parts.insert::<receipt::Model>(has("receipts"), "receipts", ALIVE, in_order);
    parts.go_on_after(has("receipts"), "receipts");
    parts.insert::<op::Model>(has("ops"), "ops", ALIVE, "returning shard_no, wallet_id, seq");
    let legs = "returning account_kind, account_id, amount, value";
    parts.insert::<entry::Model>(has("entries"), "entries", ALIVE, legs);
    parts.insert::<lot_use::Model>(has("lot_uses"), "lot_uses", ALIVE, "");
    parts.insert::<lot::Model>(has("lots"), "lots", ALIVE, "");
    parts.insert::<hold::Model>(has("holds"), "holds", ALIVE, "");
    parts.insert::<purchase::Model>(has("purchases"), "purchases", ALIVE, "");
    parts.insert::<receipt_redemption::Model>(has("redemptions"), "redemptions", ALIVE, "");
    parts.replace::<receipt::Model>(has("receipts_changed"), "receipts_changed", ALIVE);
    parts.replace::<lot::Model>(has("lots_changed"), "lots_changed", ALIVE);
    parts.replace::<hold::Model>(has("holds_changed"), "holds_changed", ALIVE);
    parts.replace::<purchase::Model>(has("purchases_changed"), "purchases_changed", ALIVE);
    parts.replace::<receipt_redemption::Model>(has("redemptions_changed"), "redemptions_changed", ALIVE);
    parts.replace::<purchase_line::Model>(has("purchase_lines"), "purchase_lines", ALIVE);
    parts.replace::<cap_used::Model>(has("caps"), "caps", ALIVE);
    parts.replace::<refund_waiting::Model>(has("refunds"), "refunds", FREE_OR_ALIVE);
    if has("entries") {
        parts.texts.push(merchant_totals());
    }
    if has("ops") {
        parts.texts.push(outbox());
    }
    format!("with {} select wallet_id from moved", parts.texts.join(", "))
}

/// A statement that is being put together.
struct Parts {
    /// The number of the next parameter.
    next: usize,
    texts: Vec<String>,
    /// The part that the next ones wait for.
    after: &'static str,
}

impl Parts {
    /// Locks the wallets whose version is the expected one, in order of their key, and moves them.
    fn wallets(&mut self) {
        let wallets = wallet::Model::unnest("n", &mut self.next);
        let (head, tail) = wallets.split_once(") as n(").unwrap_or_default();
        let wallets =
            format!("{head}, ${}::bigint[]) as n({}", self.next, tail.replacen(')', ", expected)", 1));
        self.next += 1;
        let set: Vec<String> = wallet::Model::columns()
            .into_iter()
            .map(|(name, ..)| name)
            .filter(|name| !["shard_no", "wallet_id"].contains(name))
            .map(|name| format!("{name} = n.{name}"))
            .collect();
        self.texts.push(format!("input as materialized (select * from {wallets})"));
        self.texts.push(
            "locked as materialized (select w.shard_no, w.wallet_id from wallet w join input n \
             on w.shard_no = n.shard_no and w.wallet_id = n.wallet_id where w.version = n.expected \
             order by w.shard_no, w.wallet_id for update of w)"
                .to_owned(),
        );
        self.texts.push(format!(
            "moved as (update wallet w set {} from input n where w.shard_no = n.shard_no \
             and w.wallet_id = n.wallet_id and w.version = n.expected \
             and w.wallet_id = any (array(select wallet_id from locked)) returning w.wallet_id)",
            set.join(", ")
        ));
    }

    /// One part, if there is to be one, that inserts rows after the part that is waited for; `then` is how the statement
    /// goes on.
    fn insert<M: Columns>(&mut self, wanted: bool, part: &str, which: &str, then: &str) {
        if wanted {
            self.texts.push(format!(
                "{part} as (insert into {table} ({names}) select {names} from {rows} \
                 where {which} and (select count(*) from {after}) >= 0 {then})",
                table = M::TABLE,
                names = M::names(),
                rows = M::unnest("n", &mut self.next),
                after = self.after,
            ));
        }
    }

    /// The same for rows that change those that are there.
    fn replace<M: Replaces>(&mut self, wanted: bool, part: &str, which: &str) {
        self.insert::<M>(wanted, part, which, &M::on_conflict());
    }

    /// Lets the next parts wait for this one, if it is there.
    fn go_on_after(&mut self, is_there: bool, part: &'static str) {
        if is_there {
            self.after = part;
        }
    }
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
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const ALL: [&str; 17] = [
        "claims",
        "receipts",
        "ops",
        "entries",
        "lot_uses",
        "lots",
        "holds",
        "purchases",
        "redemptions",
        "receipts_changed",
        "lots_changed",
        "holds_changed",
        "purchases_changed",
        "redemptions_changed",
        "purchase_lines",
        "caps",
        "refunds",
    ];

    /// The shape that has the parts whose bits are set.
    fn shape(bits: u32) -> Shape {
        (0..).zip(ALL).filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, part)| part).collect()
    }

    /// The text of a part, if the statement has it.
    fn part<'a>(statement: &'a str, name: &str) -> Option<&'a str> {
        let from = statement.find(&format!("{name} as "))?;
        let text = &statement[from..];
        Some(text.find("), ").map_or(text, |end| &text[..end]))
    }

    #[test]
    fn each_part_of_a_statement_waits_for_the_one_before() {
        // So many that each part has met each other one, in both ways.
        for bits in (0..1 << ALL.len()).step_by(37) {
            let shape = shape(bits);
            let text = statement(&shape);
            assert!(part(&text, "moved").unwrap().contains("select wallet_id from locked"));
            let mut after = "moved";
            for name in ALL {
                assert_eq!(part(&text, name).is_some(), shape.contains(&name), "{name} in {shape:?}");
                let waits = format!("select count(*) from {after})");
                assert!(part(&text, name).is_none_or(|part| part.contains(&waits)), "{name} in {shape:?}");
                if ["claims", "receipts"].contains(&name) && shape.contains(&name) {
                    after = name;
                }
            }
            let totals = part(&text, "totals").map(|part| part.contains("from entries"));
            assert_eq!(totals, shape.contains(&"entries").then_some(true));
            assert_eq!(text.contains("sent as "), shape.contains(&"ops"));
        }
    }

    #[test]
    fn the_parameters_of_a_statement_are_numbered_without_gaps() {
        for bits in [0, 0b1111, 0b1_1010_1010_1010_1010, 0b1_1111_1111_1111_1111] {
            let text = statement(&shape(bits));
            let numbers =
                text.split('$').skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
            let numbers: BTreeSet<usize> = numbers.map(|number| number.unwrap().parse().unwrap()).collect();
            // Without operations the batch and the bucket are bound and not used.
            let first = *numbers.first().unwrap();
            assert!(first <= 3, "{text}");
            assert!(numbers.iter().copied().eq(first..first + numbers.len()), "{text}");
        }
    }

    #[test]
    fn a_table_is_written_by_two_parts_only_as_new_rows_and_changed_ones() {
        let text = statement(&shape(u32::MAX));
        let inserting = text.match_indices(" as (insert into ").map(|(at, word)| {
            let part = text[..at].rsplit(' ').next().expect("a part");
            (text[at + word.len()..].split_whitespace().next().expect("a table"), part)
        });
        let mut parts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        inserting.for_each(|(table, part)| parts.entry(table).or_default().push(part));
        assert!(!parts.contains_key("wallet"), "heads are updated");
        for (table, parts) in parts {
            let changed = format!("{}_changed", parts[0]);
            assert!(parts.len() == 1 || parts[1..] == [changed], "{table} is written by {parts:?}");
        }
    }
}
