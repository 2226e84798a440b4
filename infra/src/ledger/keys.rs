//! Lists of keys as a table `k` that a statement of fixed shape joins with: arrays on PostgreSQL, JSON on SQLite.

use amvaj_domain::{
    calendar::LocalDay,
    id::{MerchantId, WalletId},
    ledger::ReceiptKey,
};
use sea_orm::{DbBackend, Statement, Value};
use serde_json::json;
use uuid::Uuid;

use super::touched::Touched;

/// What to look for on behalf of one request. What is absent is sent as a value that no row has.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) wallet: Option<WalletId>,
    pub(crate) idem: Option<Uuid>,
    pub(crate) receipt: Option<ReceiptKey>,
    /// A merchant's cap on a day.
    pub(crate) cap: Option<(MerchantId, LocalDay)>,
}

/// A list of keys for one statement.
pub(crate) struct Keys {
    backend: DbBackend,
    table: &'static str,
    values: Vec<Value>,
    /// Values beside the keys.
    others: Vec<Value>,
}

impl Keys {
    /// `k(shard_no, wallet_id)`.
    pub(crate) fn wallets(backend: DbBackend, wallets: &[WalletId]) -> Self {
        if backend == DbBackend::Postgres {
            let shards: Vec<i16> = wallets.iter().map(|wallet| wallet.shard_no()).collect();
            let ids: Vec<Uuid> = wallets.iter().map(|wallet| wallet.uuid()).collect();
            Self::arrays(
                "unnest($1::smallint[], $2::uuid[]) as k(shard_no, wallet_id)",
                vec![shards.into(), ids.into()],
            )
        } else {
            let rows =
                wallets.iter().map(|wallet| json!([wallet.shard_no(), wallet.uuid().simple().to_string()]));
            Self::json(
                "(select value ->> 0 as shard_no, unhex(value ->> 1) as wallet_id from json_each(?1)) as k",
                rows.collect(),
            )
        }
    }

    /// `k(n, shard_no, wallet_id, idem, merchant_id, receipt_no, rule_id, day)`: what to look for, numbered from 0.
    pub(crate) fn probes(backend: DbBackend, probes: &[Probe]) -> Self {
        let shard = |probe: &Probe| probe.wallet.map_or(-1, WalletId::shard_no);
        let wallet = |probe: &Probe| probe.wallet.map_or(Uuid::nil(), WalletId::uuid);
        let idem = |probe: &Probe| probe.idem.unwrap_or(Uuid::nil());
        let merchant = |probe: &Probe| probe.receipt.as_ref().map_or(Uuid::nil(), |key| key.merchant.uuid());
        let number = |probe: &Probe| probe.receipt.as_ref().map_or("", |key| key.number.as_str()).to_owned();
        let rule = |probe: &Probe| probe.cap.map_or(Uuid::nil(), |(merchant, _)| merchant.uuid());
        let day = |probe: &Probe| probe.cap.map_or(0, |(_, day)| day.days());
        if backend == DbBackend::Postgres {
            let numbers: Vec<i32> = (0..).take(probes.len()).collect();
            Self::arrays(
                "unnest($1::integer[], $2::smallint[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[], \
                 $8::integer[]) as k(n, shard_no, wallet_id, idem, merchant_id, receipt_no, rule_id, day)",
                vec![
                    numbers.into(),
                    probes.iter().map(shard).collect::<Vec<_>>().into(),
                    probes.iter().map(wallet).collect::<Vec<_>>().into(),
                    probes.iter().map(idem).collect::<Vec<_>>().into(),
                    probes.iter().map(merchant).collect::<Vec<_>>().into(),
                    probes.iter().map(number).collect::<Vec<_>>().into(),
                    probes.iter().map(rule).collect::<Vec<_>>().into(),
                    probes.iter().map(day).collect::<Vec<_>>().into(),
                ],
            )
        } else {
            let hex = |id: Uuid| id.simple().to_string();
            let rows = (0_i32..).zip(probes).map(|(n, probe)| {
                json!([
                    n,
                    shard(probe),
                    hex(wallet(probe)),
                    hex(idem(probe)),
                    hex(merchant(probe)),
                    number(probe),
                    hex(rule(probe)),
                    day(probe)
                ])
            });
            Self::json(
                "(select value ->> 0 as n, value ->> 1 as shard_no, unhex(value ->> 2) as wallet_id, \
                 unhex(value ->> 3) as idem, unhex(value ->> 4) as merchant_id, value ->> 5 as receipt_no, \
                 unhex(value ->> 6) as rule_id, value ->> 7 as day from json_each(?1)) as k",
                rows.collect(),
            )
        }
    }

    /// `k(shard_no, wallet_id, n)`: a wallet and a number in it.
    pub(crate) fn numbered(backend: DbBackend, keys: &[(WalletId, i64)]) -> Self {
        if backend == DbBackend::Postgres {
            let shards: Vec<i16> = keys.iter().map(|(wallet, _)| wallet.shard_no()).collect();
            let ids: Vec<Uuid> = keys.iter().map(|(wallet, _)| wallet.uuid()).collect();
            let numbers: Vec<i64> = keys.iter().map(|(_, number)| *number).collect();
            Self::arrays(
                "unnest($1::smallint[], $2::uuid[], $3::bigint[]) as k(shard_no, wallet_id, n)",
                vec![shards.into(), ids.into(), numbers.into()],
            )
        } else {
            let rows = keys.iter().map(|(wallet, number)| {
                json!([wallet.shard_no(), wallet.uuid().simple().to_string(), number])
            });
            Self::json(
                "(select value ->> 0 as shard_no, unhex(value ->> 1) as wallet_id, value ->> 2 as n \
                 from json_each(?1)) as k",
                rows.collect(),
            )
        }
    }

    /// `k(shard_no, wallet_id, first_seq, last_seq)`: operations of wallets.
    pub(crate) fn touched(backend: DbBackend, touched: &[Touched]) -> Self {
        if backend == DbBackend::Postgres {
            let shards: Vec<i16> = touched.iter().map(|of| of.wallet().shard_no()).collect();
            let wallets: Vec<Uuid> = touched.iter().map(|of| of.wallet().uuid()).collect();
            let firsts: Vec<i64> = touched.iter().map(|of| of.first()).collect();
            let lasts: Vec<i64> = touched.iter().map(|of| of.last()).collect();
            Self::arrays(
                "unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::bigint[]) \
                 as k(shard_no, wallet_id, first_seq, last_seq)",
                vec![shards.into(), wallets.into(), firsts.into(), lasts.into()],
            )
        } else {
            let rows = touched.iter().map(|of| {
                let wallet = of.wallet();
                json!([wallet.shard_no(), wallet.uuid().simple().to_string(), of.first(), of.last()])
            });
            Self::json(
                "(select value ->> 0 as shard_no, unhex(value ->> 1) as wallet_id, value ->> 2 as first_seq, \
                 value ->> 3 as last_seq from json_each(?1)) as k",
                rows.collect(),
            )
        }
    }

    /// `k(bucket, batch_id, n)`: a batch's row in a bucket of the outbox, and a number for it.
    pub(crate) fn batches(backend: DbBackend, keys: &[(i16, Uuid, i64)]) -> Self {
        if backend == DbBackend::Postgres {
            let buckets: Vec<i16> = keys.iter().map(|(bucket, ..)| *bucket).collect();
            let batches: Vec<Uuid> = keys.iter().map(|(_, batch, _)| *batch).collect();
            let numbers: Vec<i64> = keys.iter().map(|(.., number)| *number).collect();
            Self::arrays(
                "unnest($1::smallint[], $2::uuid[], $3::bigint[]) as k(bucket, batch_id, n)",
                vec![buckets.into(), batches.into(), numbers.into()],
            )
        } else {
            let rows = keys
                .iter()
                .map(|(bucket, batch, number)| json!([bucket, batch.simple().to_string(), number]));
            Self::json(
                "(select value ->> 0 as bucket, unhex(value ->> 1) as batch_id, value ->> 2 as n \
                 from json_each(?1)) as k",
                rows.collect(),
            )
        }
    }

    /// `k(bucket, n)`: a bucket of the outbox and a number in it.
    pub(crate) fn buckets(backend: DbBackend, keys: &[(i16, i64)]) -> Self {
        if backend == DbBackend::Postgres {
            let buckets: Vec<i16> = keys.iter().map(|(bucket, _)| *bucket).collect();
            let numbers: Vec<i64> = keys.iter().map(|(_, number)| *number).collect();
            Self::arrays(
                "unnest($1::smallint[], $2::bigint[]) as k(bucket, n)",
                vec![buckets.into(), numbers.into()],
            )
        } else {
            let rows = keys.iter().map(|(bucket, number)| json!([bucket, number]));
            Self::json(
                "(select value ->> 0 as bucket, value ->> 1 as n from json_each(?1)) as k",
                rows.collect(),
            )
        }
    }

    /// `k(id)`.
    pub(crate) fn uuids(backend: DbBackend, ids: &[Uuid]) -> Self {
        if backend == DbBackend::Postgres {
            Self::arrays("unnest($1::uuid[]) as k(id)", vec![ids.to_vec().into()])
        } else {
            let rows = ids.iter().map(|id| json!(id.simple().to_string()));
            Self::json("(select unhex(value) as id from json_each(?1)) as k", rows.collect())
        }
    }

    /// `k(merchant_id, receipt_no)`.
    pub(crate) fn receipts(backend: DbBackend, keys: &[ReceiptKey]) -> Self {
        if backend == DbBackend::Postgres {
            let merchants: Vec<Uuid> = keys.iter().map(|key| key.merchant.uuid()).collect();
            let numbers: Vec<String> = keys.iter().map(|key| key.number.as_str().to_owned()).collect();
            Self::arrays(
                "unnest($1::uuid[], $2::text[]) as k(merchant_id, receipt_no)",
                vec![merchants.into(), numbers.into()],
            )
        } else {
            let rows =
                keys.iter().map(|key| json!([key.merchant.uuid().simple().to_string(), key.number.as_str()]));
            Self::json(
                "(select unhex(value ->> 0) as merchant_id, value ->> 1 as receipt_no from json_each(?1)) as k",
                rows.collect(),
            )
        }
    }

    /// `k(shard_no, wallet_id, rule_id, day)`.
    pub(crate) fn caps(backend: DbBackend, keys: &[(WalletId, MerchantId, LocalDay)]) -> Self {
        if backend == DbBackend::Postgres {
            let shards: Vec<i16> = keys.iter().map(|(wallet, ..)| wallet.shard_no()).collect();
            let wallets: Vec<Uuid> = keys.iter().map(|(wallet, ..)| wallet.uuid()).collect();
            let rules: Vec<Uuid> = keys.iter().map(|(_, rule, _)| rule.uuid()).collect();
            let days: Vec<i32> = keys.iter().map(|(.., day)| day.days()).collect();
            Self::arrays(
                "unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::integer[]) as k(shard_no, wallet_id, rule_id, day)",
                vec![shards.into(), wallets.into(), rules.into(), days.into()],
            )
        } else {
            let rows = keys.iter().map(|(wallet, rule, day)| {
                json!([
                    wallet.shard_no(),
                    wallet.uuid().simple().to_string(),
                    rule.uuid().simple().to_string(),
                    day.days()
                ])
            });
            Self::json(
                "(select value ->> 0 as shard_no, unhex(value ->> 1) as wallet_id, \
                 unhex(value ->> 2) as rule_id, value ->> 3 as day from json_each(?1)) as k",
                rows.collect(),
            )
        }
    }

    /// The same with one more value, which the statement calls `{v1}`, the next `{v2}`, and so on.
    pub(crate) fn with(mut self, value: impl Into<Value>) -> Self {
        self.others.push(value.into());
        self
    }

    /// The statement, with `{k}` replaced by the table of keys.
    pub(crate) fn statement(self, sql: &str) -> Statement {
        let Self { backend, table, mut values, others } = self;
        let mut sql = sql.replace("{k}", table);
        // To SQLite `$2` would be a name, which takes the first number that is free where it stands.
        let sign = if backend == DbBackend::Postgres { '$' } else { '?' };
        for (number, other) in (1..).zip(others) {
            values.push(other);
            sql = sql.replace(&format!("{{v{number}}}"), &format!("{sign}{}", values.len()));
        }
        Statement::from_sql_and_values(backend, sql, values)
    }

    fn arrays(table: &'static str, values: Vec<Value>) -> Self {
        Self { backend: DbBackend::Postgres, table, values, others: Vec::new() }
    }

    fn json(table: &'static str, rows: Vec<serde_json::Value>) -> Self {
        let text = serde_json::Value::Array(rows).to_string();
        Self { backend: DbBackend::Sqlite, table, values: vec![text.into()], others: Vec::new() }
    }
}
