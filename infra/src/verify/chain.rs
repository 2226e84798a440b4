//! The ledger's chain: no operation was changed, removed or put in since its batch was sealed: a part of invariant 17.

use amvaj_domain::{
    id::{OUTBOX_BUCKETS, SHARDS},
    ledger::chain::Link,
    sealed::Hash,
};
use futures_util::TryStreamExt as _;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, Statement, StreamTrait,
};

use super::CheckResult;
use super::check::Check;
use crate::db::StoreError;
use crate::db::entity::chain::{Column, Entity, Model};
use crate::outbox::chain::{Sealable, digest, sealable};

/// What the progress bar says meanwhile.
pub(super) const NAME: &str = "Chain: link by link, and the operations that each seals";

/// Links that are read at a time.
const PAGE: u64 = 2_000;

/// The checks that are one statement each.
pub(super) const QUERIES: &[Check] = &[
    Check {
        number: 17,
        name: "The chain has a link for every number that the relay gave",
        sql: "select 'bucket ' || bucket || ': ' || sum(n) || ' links up to number ' || max(last) || ', the relay is at '
                || sum(relay_no) as what
            from (
                select bucket, relay_no, 0 as n, 0 as last from relay
                union all
                select bucket, 0, 1, relay_no from chain
            ) as both_sides
            group by bucket having sum(n) <> sum(relay_no) or max(last) <> sum(relay_no)",
    },
    Check {
        number: 17,
        name: "A link has as many operations as its batch had, and every batch that was relayed has one link",
        sql: "select 'batch ' || {uuid batch_id} || ' bucket ' || bucket || ': it has ' || sum(ops) || ' operations, '
                || sum(sealed) || ' were sealed in ' || sum(links) || ' links' as what
            from (
                select shard_no % 16 as bucket, batch_id, 1 as ops, 0 as sealed, 0 as links, 0 as waits from op
                union all
                select bucket, batch_id, 0, n, 1, 0 from chain
                union all
                select bucket, batch_id, 0, 0, 0, 1 from outbox where relay_no is null
            ) as both_sides
            group by bucket, batch_id
            having sum(links) + sum(waits) <> 1 or (sum(links) > 0 and sum(ops) <> sum(sealed))",
    },
];

/// The checks that go through links and operations: number of the invariant and what must hold.
pub(super) const CHECKS: [(u8, &str); 3] = [
    (17, "The hash of a link is the hash of what it says after the link before it"),
    (17, "The operations of a batch are those that were sealed"),
    (17, "The heads that were kept are links of the chain"),
];

/// Goes through the chain of each bucket, and through its operations in the order of their batches. `kept` are heads of
/// the buckets that were kept elsewhere, in the order of the buckets.
pub(super) async fn run<C: ConnectionTrait + StreamTrait>(
    connection: &C,
    limit: u32,
    kept: &[Option<Vec<u8>>],
) -> Result<Vec<CheckResult>, StoreError> {
    let [mut links, mut batches, mut heads] =
        CHECKS.map(|(number, name)| CheckResult { number, name, violations: 0, rows: Vec::new() });
    let kept = kept.iter().map(Option::as_deref).chain(std::iter::repeat(None));
    for (bucket, kept) in (0..OUTBOX_BUCKETS).zip(kept) {
        let is_there = check_links(connection, bucket, limit, kept, &mut links).await?;
        if !is_there {
            heads.found(limit, || format!("bucket {bucket}: no link has the hash that was kept"));
        }
        check_batches(connection, bucket, limit, &mut batches).await?;
    }
    Ok(vec![links, batches, heads])
}

/// Goes through the links of a bucket in their order, and answers whether the hash that was kept is one of theirs.
async fn check_links<C: ConnectionTrait>(
    connection: &C,
    bucket: i16,
    limit: u32,
    kept: Option<&[u8]>,
    result: &mut CheckResult,
) -> Result<bool, StoreError> {
    let (mut before, mut previous) = (0, Vec::new());
    let mut is_there = kept.is_none();
    loop {
        let page = Entity::find().filter(Column::Bucket.eq(bucket)).filter(Column::RelayNo.gt(before));
        let page = page.order_by_asc(Column::RelayNo).limit(PAGE).all(connection).await?;
        if page.is_empty() {
            return Ok(is_there);
        }
        for row in page {
            if hash(&row, &previous)[..] != row.hash {
                let relay_no = row.relay_no;
                result.found(limit, || {
                    format!("bucket {bucket} link {relay_no}: it does not follow from the one before")
                });
            }
            is_there |= kept == Some(&row.hash);
            (before, previous) = (row.relay_no, row.hash);
        }
    }
}

fn hash(row: &Model, previous: &[u8]) -> Hash {
    let Model { bucket, relay_no, batch_id: batch, n: operations, .. } = *row;
    Link { bucket, relay_no, batch, operations, digest: &row.digest, previous }.hash()
}

/// An operation with the digest of its batch.
struct Sealed {
    sealable: Sealable,
    relay_no: i64,
    digest: Vec<u8>,
}

impl FromQueryResult for Sealed {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            sealable: Sealable::from_query_result(row, prefix)?,
            relay_no: row.try_get(prefix, "relay_no")?,
            digest: row.try_get(prefix, "digest")?,
        })
    }
}

/// Goes through the operations of a bucket, batch by batch. The database sorts them, so that no more than one batch is in
/// memory.
async fn check_batches<C: ConnectionTrait + StreamTrait>(
    connection: &C,
    bucket: i16,
    limit: u32,
    result: &mut CheckResult,
) -> Result<(), StoreError> {
    let mut check = |batch: &[Sealed]| {
        let Some(Sealed { relay_no, digest: sealed, .. }) = batch.first() else { return };
        if digest(batch.iter().map(|row| &row.sealable))[..] != sealed[..] {
            result.found(limit, || {
                format!("bucket {bucket} link {relay_no}: its operations are not those that it seals")
            });
        }
    };
    let backend = ConnectionTrait::get_database_backend(connection);
    let statement = Statement::from_string(backend, operations_of(backend, bucket));
    let mut rows = Sealed::find_by_statement(statement).stream(connection).await?;
    let mut batch: Vec<Sealed> = Vec::new();
    while let Some(row) = rows.try_next().await? {
        if batch
            .last()
            .is_some_and(|last| last.sealable.operation.batch_id != row.sealable.operation.batch_id)
        {
            check(&batch);
            batch.clear();
        }
        batch.push(row);
    }
    check(&batch);
    Ok(())
}

/// The sealed operations of a bucket in the order in which they were sealed, batch by batch.
fn operations_of(backend: DbBackend, bucket: i16) -> String {
    let shards: Vec<String> =
        (0..SHARDS).filter(|shard| shard % OUTBOX_BUCKETS == bucket).map(|shard| shard.to_string()).collect();
    format!(
        "select {}, chain.relay_no, chain.digest from op \
         join chain on chain.bucket = {bucket} and chain.batch_id = op.batch_id \
         where op.shard_no in ({}) order by op.batch_id, op.wallet_id, op.seq",
        sealable(backend),
        shards.join(", ")
    )
}
