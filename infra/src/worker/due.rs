//! What is due, by kind: readings over the indexes that hold only what can be due.

use std::collections::BTreeSet;

use amvaj_domain::{id::WalletId, time::Instant};
use sea_orm::{DbBackend, FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::sweep::{SweepReport, Task};
use crate::{
    db::{Database, StoreError},
    ledger::read::receipt_key,
};

/// What can be due, in the order in which a round goes through it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Due {
    HoldEnds,
    Activations,
    Expiries,
    Refunds,
}

impl Due {
    pub(super) const ALL: [Self; 4] = [Self::HoldEnds, Self::Activations, Self::Expiries, Self::Refunds];

    /// Where a round counts what it did.
    pub(super) const fn counter(self, report: &mut SweepReport) -> &mut usize {
        match self {
            Self::HoldEnds => &mut report.hold_ends,
            Self::Activations => &mut report.activations,
            Self::Expiries => &mut report.expiries,
            Self::Refunds => &mut report.refunds,
        }
    }

    /// The reading: `$1` is now, `$2` the limit, `{left_out}` the wallets to leave out. The earliest come first
    /// where the index gives that order.
    const fn sql(self) -> &'static str {
        match self {
            Self::HoldEnds => {
                "select t.wallet_id, cast(null as uuid) as merchant_id, cast(null as text) as receipt_no \
                 from hold t where t.state = 1 and t.expires_at <= $1 and {left_out} limit $2"
            }
            Self::Activations => {
                "select t.wallet_id, cast(null as uuid) as merchant_id, cast(null as text) as receipt_no \
                 from lot t where t.state = 1 and t.remaining > 0 and t.active_from <= $1 and {left_out} \
                 order by t.active_from limit $2"
            }
            Self::Expiries => {
                "select t.wallet_id, cast(null as uuid) as merchant_id, cast(null as text) as receipt_no \
                 from lot t where t.state = 2 and t.remaining > t.reserved and t.expires_at < $1 and {left_out} \
                 order by t.expires_at limit $2"
            }
            Self::Refunds => {
                "select t.wallet_id, w.merchant_id, w.receipt_no from refund_waiting w \
                 join receipt t on t.merchant_id = w.merchant_id and t.receipt_no = w.receipt_no \
                 where w.state = 1 and w.created_at <= $1 and t.seq is not null and {left_out} \
                 order by w.created_at limit $2"
            }
        }
    }
}

/// A page of what is due at `now`, each wallet or receipt once, without the wallets in `left_out`.
pub(super) async fn due(
    database: &Database,
    kind: Due,
    now: Instant,
    left_out: &BTreeSet<WalletId>,
    limit: u32,
) -> Result<BTreeSet<Task>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        wallet_id: Uuid,
        merchant_id: Option<Uuid>,
        receipt_no: Option<String>,
    }
    let backend = database.backend();
    let (condition, wallets) = without(backend, left_out);
    let values = [now.micros().into(), i64::from(limit.max(1)).into(), wallets];
    let sql = kind.sql().replace("{left_out}", condition);
    let statement = Statement::from_sql_and_values(backend, sql, values);
    let rows = Row::find_by_statement(statement).all(database.reader()).await?;
    rows.into_iter()
        .map(|row| {
            let receipt = row.merchant_id.zip(row.receipt_no.as_deref());
            let receipt = receipt
                .map(|(merchant, number)| receipt_key(merchant, number, "refund_waiting"))
                .transpose()?;
            Ok((WalletId::new(row.wallet_id), receipt))
        })
        .collect()
}

/// The condition that leaves wallets out, and its parameter `$3`.
fn without(backend: DbBackend, wallets: &BTreeSet<WalletId>) -> (&'static str, Value) {
    if backend == DbBackend::Postgres {
        let ids: Vec<Uuid> = wallets.iter().map(|wallet| wallet.uuid()).collect();
        ("t.wallet_id <> all ($3::uuid[])", ids.into())
    } else {
        let ids: Vec<String> = wallets.iter().map(|wallet| wallet.uuid().simple().to_string()).collect();
        let text = serde_json::Value::from(ids).to_string();
        ("t.wallet_id not in (select unhex(value) from json_each($3))", text.into())
    }
}
