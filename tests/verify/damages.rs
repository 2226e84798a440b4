//! What a person could do to the tables by SQL, and the invariant that it breaks.

mod around;
mod audit;
mod boards;
mod chain;
mod exports;
mod ledger;
mod people;
mod rewards;
mod sandbox;
mod webhooks;

/// A damage.
pub(super) struct Damage {
    pub(super) name: &'static str,
    pub(super) number: u8,
    pub(super) sql: String,
}

/// The keys of the tables that damages pick one row of.
const KEYS: [(&str, &str); 48] = [
    ("wallet", "shard_no, wallet_id"),
    ("op", "shard_no, wallet_id, seq"),
    ("entry", "shard_no, wallet_id, seq, leg"),
    ("lot", "shard_no, wallet_id, lot_no"),
    ("lot_use", "shard_no, wallet_id, seq, lot_no, kind"),
    ("hold", "shard_no, wallet_id, seq"),
    ("purchase", "shard_no, wallet_id, seq"),
    ("purchase_line", "shard_no, wallet_id, seq, line_no"),
    ("receipt_redemption", "shard_no, wallet_id, seq"),
    ("cap_used", "shard_no, wallet_id, rule_id, day"),
    ("claim", "idem"),
    ("receipt", "merchant_id, receipt_no"),
    ("refund_waiting", "merchant_id, receipt_no, idem"),
    ("merchant_balance", "bucket, merchant_id, kind"),
    ("outbox", "bucket, batch_id"),
    ("relay", "bucket"),
    ("chain", "bucket, relay_no"),
    ("consumer_cursor", "consumer, bucket"),
    ("member", "member_id"),
    ("relation", "member_id, merchant_id"),
    ("board", "board_id"),
    ("board_period", "board_id, period"),
    ("board_wallet", "shard_no, wallet_id"),
    ("board_total", "shard_no, wallet_id, board_id, period"),
    ("board_merchant", "shard_no, wallet_id, board_id, period, merchant_id"),
    ("board_snapshot", "board_id, period, position"),
    ("audit_entry", "seq"),
    ("audit_head", "id"),
    ("staff", "staff_id"),
    ("staff_post", "staff_id, post_no"),
    ("login_user", "user_id"),
    ("user_credential", "user_id"),
    ("user_invitation", "user_id"),
    ("api_key", "api_key_id"),
    ("session", "session_id"),
    ("webhook_endpoint", "endpoint_id"),
    ("webhook_secret", "endpoint_id, secret_no"),
    ("webhook_queue", "endpoint_id, wallet_id"),
    ("webhook_delivery", "delivery_id"),
    ("reward", "reward_id"),
    ("reward_stock", "reward_id, idem"),
    ("reward_taken", "shard_no, wallet_id, reward_id"),
    ("redemption", "shard_no, redemption_id"),
    ("redemption_claim", "idem"),
    ("voucher", "merchant_id, code"),
    ("ledger_clock", "id"),
    ("export_job", "export_id"),
    ("export_chunk", "export_id, starts_at"),
];

/// The first row of a table that meets a condition, as a condition.
fn one(table: &str, condition: &str) -> String {
    let (_, key) = KEYS.iter().find(|(name, _)| *name == table).unwrap();
    format!("({key}) = (select {key} from {table} where {condition} order by {key} limit 1)")
}

/// Changes one row.
fn change(number: u8, name: &'static str, table: &str, set: &str, condition: &str) -> Damage {
    Damage { name, number, sql: format!("update {table} set {set} where {}", one(table, condition)) }
}

/// Deletes one row.
fn delete(number: u8, name: &'static str, table: &str, condition: &str) -> Damage {
    Damage { name, number, sql: format!("delete from {table} where {}", one(table, condition)) }
}

/// Copies one row with other values in some columns.
fn copy(number: u8, name: &'static str, table: &str, columns: &str, values: &str, condition: &str) -> Damage {
    let sql = format!(
        "insert into {table} ({columns}) select {values} from {table} where {}",
        one(table, condition)
    );
    Damage { name, number, sql }
}

pub(super) fn all() -> Vec<Damage> {
    let tables = [
        ledger::wallets(),
        ledger::journal(),
        ledger::lots(),
        ledger::holds(),
        around::purchases(),
        around::keys(),
        around::outside(),
        around::relations(),
        chain::sealed(),
        boards::totals(),
        boards::snapshots(),
        audit::log(),
        people::staff(),
        people::users(),
        people::keys(),
        people::sessions(),
        people::erased(),
        webhooks::webhooks(),
        rewards::rewards(),
        rewards::redemptions(),
        sandbox::clock(),
        exports::files(),
    ];
    tables.into_iter().flatten().collect()
}
