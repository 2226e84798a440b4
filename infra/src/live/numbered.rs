//! The numbered rows of the outbox with the operations that they tell of.

use std::{collections::HashMap, sync::Arc};

use amvaj_domain::id::{OUTBOX_BUCKETS, WalletId};
use sea_orm::{ConnectionTrait as _, EntityTrait as _, FromQueryResult, Statement, Value};

use crate::{
    db::{Database, StoreError, entity::op},
    ledger::{StoredOperation, Touched, history::stored, keys::Keys, touched::touched_from},
};

/// Buckets of the outbox.
pub const BUCKETS: usize = 16;
const _: () = assert!(OUTBOX_BUCKETS == 16, "a place has a number for each bucket");

/// A number for each bucket.
pub(super) type Numbers = [i64; BUCKETS];

/// A row of the outbox.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) bucket: usize,
    pub(super) relay_no: i64,
    pub(super) touched: Vec<Touched>,
}

/// A row with operations that it tells of, by wallet and number.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) bucket: usize,
    pub(super) relay_no: i64,
    pub(super) operations: Vec<StoredOperation>,
    /// Up to which rows everything was handed on before this one; nothing when it was not handed on.
    pub(super) passed: Option<Arc<Numbers>>,
}

/// The number of the last numbered row of each bucket.
pub(super) async fn last_numbers(database: &Database) -> Result<Numbers, StoreError> {
    numbers(database, "select bucket, relay_no from relay").await
}

/// The number of the first row of each bucket that is still kept; zero where none is.
pub(super) async fn first_numbers(database: &Database) -> Result<Numbers, StoreError> {
    let of_bucket = |bucket: usize| {
        format!(
            "select {bucket} as bucket, (select min(relay_no) from outbox where bucket = {bucket} \
             and relay_no is not null) as relay_no"
        )
    };
    numbers(database, &(0..BUCKETS).map(of_bucket).collect::<Vec<_>>().join(" union all ")).await
}

async fn numbers(database: &Database, sql: &str) -> Result<Numbers, StoreError> {
    let statement = Statement::from_string(
        database.backend(),
        format!("select cast(bucket as integer) as bucket, relay_no from ({sql}) as t"),
    );
    let mut numbers = [0; BUCKETS];
    for row in database.for_outbox().query_all_raw(statement).await? {
        let bucket: i32 = row.try_get("", "bucket")?;
        let number: Option<i64> = row.try_get("", "relay_no")?;
        if let Some(place) = usize::try_from(bucket).ok().and_then(|bucket| numbers.get_mut(bucket)) {
            *place = number.unwrap_or_default();
        }
    }
    Ok(numbers)
}

/// Up to `limit` rows of each bucket behind these numbers, bucket by bucket in order.
pub(super) async fn rows_after(
    database: &Database,
    after: &Numbers,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    #[derive(FromQueryResult)]
    struct Read {
        bucket: i16,
        relay_no: i64,
        payload: String,
    }
    let page = |bucket: usize| {
        format!(
            "select * from (select bucket, relay_no, payload from outbox where bucket = {bucket} \
             and relay_no > ${number} order by relay_no limit {limit}) as b{bucket}",
            number = bucket + 1
        )
    };
    let sql = (0..BUCKETS).map(page).collect::<Vec<_>>().join(" union all ");
    let values: Vec<Value> = after.iter().map(|number| (*number).into()).collect();
    let statement = Statement::from_sql_and_values(database.backend(), sql, values);
    Read::find_by_statement(statement)
        .all(database.for_outbox())
        .await?
        .into_iter()
        .map(|row| {
            let corrupt = || StoreError::CorruptRow {
                table: "outbox",
                id: format!("{}/{}", row.bucket, row.relay_no),
                what: "payload",
            };
            Ok(Row {
                bucket: usize::try_from(row.bucket).unwrap_or_default(),
                relay_no: row.relay_no,
                touched: touched_from(&row.payload).ok_or_else(corrupt)?,
            })
        })
        .collect()
}

/// The rows with those of their operations that a condition on the table `op` lets through; rows without any are left out.
pub(super) async fn told(
    database: &Database,
    rows: &[Row],
    condition: Option<(&str, Value)>,
    passed: Option<Arc<Numbers>>,
) -> Result<Vec<Told>, StoreError> {
    let touched: Vec<Touched> = rows.iter().flat_map(|row| row.touched.iter().copied()).collect();
    let (which, value) = condition.map_or(("", None), |(which, value)| (which, Some(value)));
    let mut keys = Keys::touched(database.backend(), &touched);
    if let Some(value) = value {
        keys = keys.with(value);
    }
    let statement = keys.statement(&format!("{OPERATIONS} {which}"));
    let mut by_wallet: HashMap<WalletId, Vec<StoredOperation>> = HashMap::new();
    for row in op::Entity::find().from_raw_sql(statement).all(database.for_outbox()).await? {
        let operation = stored(&row)?;
        by_wallet.entry(operation.wallet).or_default().push(operation);
    }
    let told = rows.iter().map(|row| {
        let of_row = |touched: &Touched| {
            let (first, last) = (touched.first(), touched.last());
            let all = by_wallet.get(&touched.wallet()).map_or(&[][..], Vec::as_slice);
            all.iter().filter(move |one| (first..=last).contains(&one.op.seq)).cloned()
        };
        let mut operations: Vec<StoredOperation> = row.touched.iter().flat_map(of_row).collect();
        operations.sort_by_key(|one| (one.wallet, one.op.seq));
        Told { bucket: row.bucket, relay_no: row.relay_no, operations, passed: passed.clone() }
    });
    Ok(told.filter(|told| !told.operations.is_empty()).collect())
}

const OPERATIONS: &str = "select op.* from {k} join op on op.shard_no = k.shard_no and op.wallet_id = k.wallet_id \
     and op.seq between k.first_seq and k.last_seq";
