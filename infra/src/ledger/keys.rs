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

/// A list of keys for one statement.
pub(crate) struct Keys {
    backend: DbBackend,
    table: &'static str,
    values: Vec<Value>,
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

    /// `k(shard_no, wallet_id, id)`: a wallet and the identity of a key in it.
    pub(crate) fn keyed(backend: DbBackend, keys: &[(WalletId, Uuid)]) -> Self {
        if backend == DbBackend::Postgres {
            let shards: Vec<i16> = keys.iter().map(|(wallet, _)| wallet.shard_no()).collect();
            let wallets: Vec<Uuid> = keys.iter().map(|(wallet, _)| wallet.uuid()).collect();
            let ids: Vec<Uuid> = keys.iter().map(|(_, id)| *id).collect();
            Self::arrays(
                "unnest($1::smallint[], $2::uuid[], $3::uuid[]) as k(shard_no, wallet_id, id)",
                vec![shards.into(), wallets.into(), ids.into()],
            )
        } else {
            let rows = keys.iter().map(|(wallet, id)| {
                json!([wallet.shard_no(), wallet.uuid().simple().to_string(), id.simple().to_string()])
            });
            Self::json(
                "(select value ->> 0 as shard_no, unhex(value ->> 1) as wallet_id, unhex(value ->> 2) as id \
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

    /// The same with one more parameter, after those of the keys.
    pub(crate) fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// The statement, with `{k}` replaced by the table of keys.
    pub(crate) fn statement(self, sql: &str) -> Statement {
        Statement::from_sql_and_values(self.backend, sql.replace("{k}", self.table), self.values)
    }

    fn arrays(table: &'static str, values: Vec<Value>) -> Self {
        Self { backend: DbBackend::Postgres, table, values }
    }

    fn json(table: &'static str, rows: Vec<serde_json::Value>) -> Self {
        let text = serde_json::Value::Array(rows).to_string();
        Self { backend: DbBackend::Sqlite, table, values: vec![text.into()] }
    }
}
