//! The ledger's chain: each batch that the relay numbers becomes a link, in the transaction that numbers it.
//!
//! A bucket has one relay at a time, so its chain never forks. Links are never removed: they outlive the rows of the
//! outbox.

use std::collections::{BTreeMap, HashMap};

use amvaj_domain::{
    id::OUTBOX_BUCKETS,
    ledger::chain::{self, Link},
    sealed::Hash,
};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, FromQueryResult, QueryResult, Statement,
};
use uuid::Uuid;

use super::order::Unnumbered;
use crate::{
    db::{
        Database, StoreError,
        entity::{chain as link, op},
        insert,
    },
    ledger::{Touched, keys::Keys},
};

/// Wallets whose operations are read at a time. One batch may bring more.
const MOST_WALLETS: usize = 2_000;

/// The end of a bucket's chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct End {
    /// The number of the last link, zero when there is none.
    pub(super) relay_no: i64,
    /// Its hash.
    hash: Vec<u8>,
}

/// The ends of the chains by bucket.
pub(super) type Ends = BTreeMap<i16, End>;

/// A batch and the number that it has got.
pub(super) type Numbered<'a> = (&'a Unnumbered, i64);

/// Reads the ends.
pub(super) async fn ends(transaction: &DatabaseTransaction) -> Result<Ends, StoreError> {
    let rows =
        transaction.query_all_raw(Statement::from_string(transaction.get_database_backend(), ENDS)).await?;
    rows.iter()
        .map(|row| {
            let hash: Option<Vec<u8>> = row.try_get("", "hash")?;
            let end = End { relay_no: row.try_get("", "relay_no")?, hash: hash.unwrap_or_default() };
            Ok((row.try_get("", "bucket")?, end))
        })
        .collect()
}

/// Adds a link for each batch behind `ends`, which are those before the batches got their numbers.
pub(super) async fn seal(
    transaction: &DatabaseTransaction,
    mut ends: Ends,
    numbered: &[Numbered<'_>],
) -> Result<(), StoreError> {
    for part in parts(numbered) {
        let touched: Vec<Touched> = part.iter().flat_map(|(row, _)| row.touched.iter().copied()).collect();
        let backend = transaction.get_database_backend();
        let sql = format!("select {} {OF_TOUCHED}", sealable(backend));
        let statement = Keys::touched(backend, &touched).statement(&sql);
        let mut by_batch: HashMap<(i16, Uuid), Vec<Sealable>> = HashMap::new();
        for one in Sealable::find_by_statement(statement).all(transaction).await? {
            let place = (one.operation.shard_no % OUTBOX_BUCKETS, one.operation.batch_id);
            by_batch.entry(place).or_default().push(one);
        }
        let links: Vec<link::Model> = part
            .iter()
            .map(|(row, relay_no)| {
                let operations = by_batch.remove(&(row.bucket, row.batch)).unwrap_or_default();
                next_link(ends.entry(row.bucket).or_default(), (row, *relay_no), operations)
            })
            .collect();
        insert(transaction, &links, "").await?;
    }
    Ok(())
}

/// Cuts batches into parts of so many wallets.
fn parts<'a, 'b>(numbered: &'a [Numbered<'b>]) -> impl Iterator<Item = &'a [Numbered<'b>]> {
    let mut rest = numbered;
    std::iter::from_fn(move || {
        let mut wallets = 0_usize;
        let fitting = rest.iter().take_while(|(row, _)| {
            wallets = wallets.saturating_add(row.touched.len());
            wallets <= MOST_WALLETS
        });
        let (part, behind) = rest.split_at_checked(fitting.count().max(1))?;
        rest = behind;
        Some(part)
    })
}

fn next_link(end: &mut End, (row, relay_no): Numbered<'_>, mut operations: Vec<Sealable>) -> link::Model {
    operations.sort_by_key(|one| (one.operation.wallet_id, one.operation.seq));
    let digest = digest(&operations);
    let n = i64::try_from(operations.len()).unwrap_or(i64::MAX);
    let (bucket, batch) = (row.bucket, row.batch);
    let hash =
        Link { bucket, relay_no, batch, operations: n, digest: &digest, previous: &end.hash }.hash().to_vec();
    *end = End { relay_no, hash: hash.clone() };
    link::Model { bucket, relay_no, batch_id: batch, n, digest: digest.to_vec(), hash }
}

/// An operation as it is stored, with its entries in one text.
pub(crate) struct Sealable {
    pub(crate) operation: op::Model,
    entries: Option<String>,
}

impl FromQueryResult for Sealable {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let operation = op::Model::from_query_result(row, prefix)?;
        Ok(Self { operation, entries: row.try_get(prefix, "entries")? })
    }
}

/// The columns of a [`Sealable`] from `op`, the same on both databases.
pub(crate) fn sealable(backend: DbBackend) -> String {
    let account = if backend == DbBackend::Postgres {
        "encode(uuid_send(e.account_id), 'hex')"
    } else {
        "lower(hex(e.account_id))"
    };
    format!(
        "op.*, (select string_agg(e.leg || ' ' || e.account_kind || ' ' || {account} || ' ' || e.amount || ' ' || e.value, \
         ';' order by e.leg) from entry e where e.shard_no = op.shard_no and e.wallet_id = op.wallet_id \
         and e.seq = op.seq) as entries"
    )
}

/// What operations come to, which are in the order of wallet and sequence number. Every column is sealed as it is stored,
/// and their entries with them, which say what merchants owe each other. Pinned for ever by a test vector.
pub(crate) fn digest<'a>(operations: impl IntoIterator<Item = &'a Sealable>) -> Hash {
    let mut sealing = chain::operations();
    for Sealable { operation: row, entries } in operations {
        let number = |value: Option<i64>| value.map(i64::to_be_bytes);
        let mut column = |bytes: Option<&[u8]>| sealing.column(bytes);
        column(Some(&row.shard_no.to_be_bytes()));
        column(Some(row.wallet_id.as_bytes()));
        column(Some(&row.seq.to_be_bytes()));
        column(Some(&row.caller));
        column(Some(row.idem.as_bytes()));
        column(Some(&row.kind.to_be_bytes()));
        column(Some(&row.amount.to_be_bytes()));
        column(number(row.money).as_ref().map(|bytes| &bytes[..]));
        column(row.merchant_id.as_ref().map(|id| &id.as_bytes()[..]));
        column(row.branch_id.as_ref().map(|id| &id.as_bytes()[..]));
        column(row.receipt_no.as_ref().map(String::as_bytes));
        column(number(row.ref_seq).as_ref().map(|bytes| &bytes[..]));
        column(Some(row.body_hash.as_bytes()));
        column(row.reject_code.map(i16::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
        column(number(row.reject_limit).as_ref().map(|bytes| &bytes[..]));
        column(Some(&row.posted_after.to_be_bytes()));
        column(Some(&row.held_after.to_be_bytes()));
        column(Some(&row.pending_after.to_be_bytes()));
        column(Some(&row.debt_after.to_be_bytes()));
        column(Some(row.batch_id.as_bytes()));
        column(Some(&row.occurred_at.to_be_bytes()));
        column(Some(&row.recorded_at.to_be_bytes()));
        column(entries.as_ref().map(String::as_bytes));
    }
    sealing.hash()
}

/// The ends of the ledger's chains, one hash for each bucket; none while nothing is in a bucket. Whoever keeps them can
/// tell later whether anything before them was changed (`amvaj verify --heads`).
///
/// # Errors
/// When the database fails.
pub async fn heads(database: &Database) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    heads_in(database.reader()).await
}

/// The same on a connection.
pub(crate) async fn heads_in<C: ConnectionTrait>(connection: &C) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let statement = Statement::from_string(connection.get_database_backend(), ENDS);
    let rows = connection.query_all_raw(statement).await?;
    let mut found: HashMap<i16, Option<Vec<u8>>> = HashMap::new();
    for row in &rows {
        found.insert(row.try_get("", "bucket")?, row.try_get("", "hash")?);
    }
    Ok((0..OUTBOX_BUCKETS).map(|bucket| found.remove(&bucket).flatten()).collect())
}

const ENDS: &str = "select relay.bucket, relay.relay_no, chain.hash from relay \
     left join chain on chain.bucket = relay.bucket and chain.relay_no = relay.relay_no";
const OF_TOUCHED: &str = "from {k} join op on op.shard_no = k.shard_no and op.wallet_id = k.wallet_id \
     and op.seq between k.first_seq and k.last_seq";

#[cfg(test)]
mod tests {
    use amvaj_domain::sealed;

    use super::*;

    fn sealable() -> Sealable {
        Sealable { operation: operation(), entries: Some("1 3 00 -7 -70;2 1 01 7 0".to_owned()) }
    }

    fn operation() -> op::Model {
        op::Model {
            shard_no: 1,
            wallet_id: Uuid::from_u128(2),
            seq: 3,
            caller: vec![4],
            idem: Uuid::from_u128(5),
            kind: 6,
            amount: 7,
            money: None,
            merchant_id: None,
            branch_id: None,
            receipt_no: None,
            ref_seq: None,
            body_hash: Uuid::from_u128(8),
            reject_code: None,
            reject_limit: None,
            posted_after: 9,
            held_after: 10,
            pending_after: 11,
            debt_after: 12,
            batch_id: Uuid::from_u128(13),
            occurred_at: 14,
            recorded_at: 15,
        }
    }

    #[test]
    fn the_digest_of_operations_is_pinned_for_ever() {
        assert_eq!(
            sealed::hex(&digest(&[sealable()])),
            "fbbd28c49b63e4d070e7d0ffa7780b7c586e011cff89bf269c06fec4ba89cc68"
        );
    }

    #[test]
    fn every_column_of_an_operation_is_sealed() {
        let changes: [fn(&mut op::Model); 22] = [
            |row| row.shard_no += 1,
            |row| row.wallet_id = Uuid::max(),
            |row| row.seq += 1,
            |row| row.caller = vec![5],
            |row| row.idem = Uuid::max(),
            |row| row.kind += 1,
            |row| row.amount += 1,
            |row| row.money = Some(0),
            |row| row.merchant_id = Some(Uuid::nil()),
            |row| row.branch_id = Some(Uuid::nil()),
            |row| row.receipt_no = Some(String::new()),
            |row| row.ref_seq = Some(0),
            |row| row.body_hash = Uuid::max(),
            |row| row.reject_code = Some(0),
            |row| row.reject_limit = Some(0),
            |row| row.posted_after += 1,
            |row| row.held_after += 1,
            |row| row.pending_after += 1,
            |row| row.debt_after += 1,
            |row| row.batch_id = Uuid::max(),
            |row| row.occurred_at += 1,
            |row| row.recorded_at += 1,
        ];
        let other = Sealable { entries: Some(String::new()), ..sealable() };
        let none = Sealable { entries: None, ..sealable() };
        let mut digests: Vec<Hash> =
            [vec![], vec![sealable()], vec![sealable(), sealable()], vec![other], vec![none]]
                .iter()
                .map(digest)
                .collect();
        for change in changes {
            let mut changed = sealable();
            change(&mut changed.operation);
            digests.push(digest(&[changed]));
        }
        let count = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
    }

    #[test]
    fn parts_keep_all_batches_in_their_order() {
        let batch = |wallets: u128| {
            let touched: Vec<_> =
                (0..wallets).map(|id| format!("[\"{}\",1,1]", Uuid::from_u128(id))).collect();
            let touched = crate::ledger::touched::touched_from(&format!("[{}]", touched.join(",")));
            Unnumbered { bucket: 0, batch: Uuid::nil(), touched: touched.expect("a payload") }
        };
        let rows = [batch(1_500), batch(600), batch(3_000), batch(1), batch(1_999)];
        let numbered: Vec<Numbered<'_>> = rows.iter().zip(1..).collect();
        let sizes: Vec<usize> = parts(&numbered).map(<[_]>::len).collect();
        assert_eq!(sizes, [1, 1, 1, 2]);
    }
}
