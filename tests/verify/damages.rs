//! What a person could do to the tables by SQL, and the invariant that it breaks.

/// A damage.
pub(super) struct Damage {
    pub(super) name: &'static str,
    pub(super) number: u8,
    pub(super) sql: String,
}

/// The keys of the tables that damages pick one row of.
const KEYS: [(&str, &str); 18] = [
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
    ("consumer_cursor", "consumer, bucket"),
    ("member", "member_id"),
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
    let sql = format!("insert into {table} ({columns}) select {values} from {table} where {}", one(table, condition));
    Damage { name, number, sql }
}

pub(super) fn all() -> Vec<Damage> {
    [wallets(), journal(), lots(), holds(), purchases(), keys(), outside()].into_iter().flatten().collect()
}

fn wallets() -> Vec<Damage> {
    let used = "posted > 0 and version > 3";
    vec![
        change(3, "posted raised", "wallet", "posted = posted + 1", used),
        change(3, "pending raised", "wallet", "pending = pending + 1", used),
        change(4, "debt invented", "wallet", "debt = debt + 5", "posted = held and version > 0"),
        change(4, "debt beside points", "wallet", "debt = 5", used),
        change(4, "debt forgiven", "wallet", "debt = 0", "debt > 0"),
        change(4, "more held than posted", "wallet", "held = posted + 1", used),
        change(7, "held raised", "wallet", "held = held + 1", used),
        change(9, "balances moved together", "wallet", "posted = posted + 1, held = held + 1", used),
        change(8, "version raised", "wallet", "version = version + 1", used),
        change(8, "last record moved", "wallet", "last_recorded_at = last_recorded_at - 1", used),
        change(6, "next lot skipped", "wallet", "next_lot = next_lot + 1", used),
        change(9, "next due put off", "wallet", "next_due = next_due + 1000", "next_due < 9000000000000000"),
        change(9, "next due forgotten", "wallet", "next_due = 9223372036854775807", "held > 0"),
        change(9, "unblocked by hand", "wallet", "status = 1", "status = 2"),
        change(9, "blocked by hand", "wallet", "status = 2", "status = 1"),
        change(8, "in another shard", "wallet", "shard_no = 255", "version = 0"),
        delete(10, "wallet deleted", "wallet", used),
        delete(10, "unused wallet deleted", "wallet", "version = 0"),
        delete(10, "member deleted", "member", "1 = 1"),
    ]
}

fn journal() -> Vec<Damage> {
    let every_op = "shard_no, wallet_id, seq, caller, idem, kind, amount, money, merchant_id, branch_id, receipt_no, \
        ref_seq, body_hash, reject_code, reject_limit, posted_after, held_after, pending_after, debt_after, batch_id, \
        occurred_at, recorded_at";
    let op_later = "shard_no, wallet_id, 9000, caller, body_hash, kind, amount, money, merchant_id, branch_id, \
        receipt_no, ref_seq, idem, reject_code, reject_limit, posted_after, held_after, pending_after, debt_after, \
        batch_id, occurred_at, recorded_at";
    let entry = "shard_no, wallet_id, seq, leg, account_kind, account_id, amount, value";
    vec![
        change(1, "an entry's amount", "entry", "amount = amount + 1", "account_kind = 1"),
        change(2, "a merchant's entry", "entry", "amount = amount - 1", "account_kind = 3"),
        Damage {
            name: "an operation's entries, in balance",
            number: 3,
            sql: "update entry set amount = amount + case when amount > 0 then 7 else -7 end
                where (shard_no, wallet_id, seq) = (select shard_no, wallet_id, seq from op
                    where kind = 1 and amount > 0 and reject_code is null order by wallet_id, seq limit 1)"
                .to_owned(),
        },
        change(12, "an issue's value", "entry", "value = value + 1", "account_kind = 3"),
        change(12, "a redemption's value", "entry", "value = value + 1", "account_kind = 4 and amount > 0"),
        change(15, "a breakage's value", "entry", "value = value + 1", "account_kind = 6"),
        change(12, "a wallet's entry with a value", "entry", "value = 5", "account_kind = 1"),
        change(10, "an entry on another wallet", "entry", "account_id = (select max_id from (select wallet_id as \
            max_id from wallet order by wallet_id desc limit 1) as w)", "account_kind = 1"),
        change(10, "an entry on another kind of account", "entry", "account_kind = 8", "account_kind = 4"),
        change(10, "points in transit", "entry", "account_kind = 7", "account_kind = 1"),
        change(18, "points in transit for long", "entry", "account_kind = 7", "account_kind = 1"),
        delete(1, "an entry deleted", "entry", "account_kind = 1"),
        copy(10, "an entry without operation", "entry", entry,
            "shard_no, wallet_id, 9001, leg, account_kind, account_id, amount, value", "account_kind = 1"),
        copy(1, "an entry inserted", "entry", entry,
            "shard_no, wallet_id, seq, 99, account_kind, account_id, amount, value", "account_kind = 1"),
        change(9, "posted after an operation", "op", "posted_after = posted_after + 1", "seq = 2"),
        change(9, "held after an operation", "op", "held_after = held_after + 1", "kind = 2"),
        change(9, "pending after an operation", "op", "pending_after = pending_after + 1", "kind = 8"),
        change(9, "debt after an operation", "op", "debt_after = debt_after + 1", "debt_after > 0"),
        change(9, "balances after the last operation", "op", "posted_after = posted_after + 1",
            "seq = (select version from wallet where wallet.wallet_id = op.wallet_id)"),
        change(10, "an earn's amount", "op", "amount = amount + 1", "kind = 1 and reject_code is null and amount > 0"),
        change(10, "a hold's amount", "op", "amount = amount + 1", "kind = 2"),
        change(10, "a redemption's amount", "op", "amount = amount + 1", "kind = 5 and reject_code is null"),
        change(10, "a release's amount", "op", "amount = amount + 1", "kind = 4"),
        change(10, "a refund's amount", "op", "amount = amount + 1", "kind = 6"),
        change(10, "an activation's amount", "op", "amount = amount + 1", "kind = 8"),
        change(10, "an expiry's amount", "op", "amount = amount + 1", "kind = 10"),
        change(10, "a kind", "op", "kind = 5", "kind = 4"),
        change(10, "a kind of the ledger's own", "op", "kind = 5", "kind = 10"),
        change(10, "an applied one rejected", "op", "reject_code = 11", "kind = 5 and reject_code is null"),
        change(10, "a rejected one applied", "op", "reject_code = null", "kind = 5 and reject_code is not null"),
        change(11, "a basket", "op", "money = money + 1", "kind = 1 and reject_code is null"),
        change(13, "a refund's money", "op", "money = money + 1", "kind = 6 and money is not null"),
        change(11, "a receipt of an earn", "op", "receipt_no = 'X'", "kind = 1 and reject_code is null"),
        change(11, "a receipt of a refund", "op", "receipt_no = 'X'", "kind = 6"),
        change(11, "a refund follows another", "op", "ref_seq = ref_seq + 1", "kind = 6"),
        change(13, "an end follows another hold", "op", "ref_seq = ref_seq - 1", "kind = 4"),
        change(11, "a key", "op", "idem = body_hash", "kind = 1"),
        change(11, "an input", "op", "body_hash = idem", "kind = 1"),
        change(8, "a time of record", "op", "recorded_at = recorded_at - 86400000000000", "seq = 2"),
        change(15, "the time of an expiry", "op", "occurred_at = occurred_at + 1", "kind = 10"),
        change(7, "the time of a hold's end", "op", "occurred_at = occurred_at + 1", "kind = 9"),
        change(6, "the time of an activation", "op", "occurred_at = occurred_at + 1", "kind = 8"),
        change(17, "another batch", "op", "batch_id = idem", "kind = 1"),
        delete(8, "an operation deleted", "op", "kind = 5"),
        delete(10, "an operation deleted from its entries", "op", "kind = 1 and reject_code is null"),
        delete(8, "the last operation deleted", "op",
            "seq = (select version from wallet where wallet.wallet_id = op.wallet_id)"),
        delete(8, "a rejected operation deleted", "op", "reject_code is not null"),
        copy(8, "an operation inserted", "op", every_op, op_later, "kind = 1"),
        Damage {
            name: "a wallet's operations deleted with all that hangs on them",
            number: 11,
            sql: ["entry", "lot_use", "lot", "hold", "purchase", "purchase_line", "receipt_redemption", "op"]
                .map(|table| format!("delete from {table} where wallet_id = (select wallet_id from member \
                    order by wallet_id limit 1)"))
                .join(";"),
        },
    ]
}

fn lots() -> Vec<Damage> {
    let open = "remaining > 0 and state = 2";
    let uses = "shard_no, wallet_id, seq, lot_no, qty, kind";
    vec![
        change(5, "remaining lowered", "lot", "remaining = remaining - 1", open),
        change(6, "remaining raised", "lot", "remaining = remaining + 1", "remaining < original"),
        change(6, "original and remaining raised", "lot", "original = original + 1, remaining = remaining + 1", open),
        change(4, "more reserved than remaining", "lot", "reserved = remaining + 1", open),
        change(7, "reserved raised", "lot", "reserved = reserved + 1", "remaining > reserved and state = 2"),
        change(6, "reserved lowered", "lot", "reserved = reserved - 1", "reserved > 0"),
        change(5, "activated by hand", "lot", "state = 2", "state = 1 and remaining > 0"),
        change(6, "a used-up lot pending", "lot", "state = 1", "state = 2 and remaining = 0"),
        change(6, "issuer", "lot", "issuer_merchant = wallet_id", open),
        change(6, "price", "lot", "price = price + 1", open),
        change(15, "price of an expired lot", "lot", "price = price + 1",
            "exists (select 1 from lot_use where lot_use.wallet_id = lot.wallet_id \
                and lot_use.lot_no = lot.lot_no and lot_use.kind = 5)"),
        change(6, "rule version", "lot", "rule_version = rule_version + 7", open),
        change(6, "restriction to its issuer", "lot", "restriction = issuer_merchant", open),
        change(6, "restriction to another", "lot", "restriction = wallet_id", open),
        change(15, "restriction of a spent lot", "lot", "restriction = wallet_id", "exists (select 1 from lot_use \
            where lot_use.wallet_id = lot.wallet_id and lot_use.lot_no = lot.lot_no and lot_use.kind = 1)"),
        change(6, "last change", "lot", "changed_seq = changed_seq + 1", open),
        change(9, "expiry of the next to expire", "lot", "expires_at = expires_at + 1000000", "remaining > reserved \
            and state = 2 and expires_at = (select next_due - 1 from wallet where wallet.wallet_id = lot.wallet_id)"),
        change(9, "expiry brought forward", "lot", "expires_at = active_from", open),
        change(15, "expired by hand", "lot", "expires_at = active_from", open),
        change(15, "expiry of an expired lot", "lot", "expires_at = expires_at + 1000000", "exists (select 1 from \
            lot_use join op using (shard_no, wallet_id, seq) where lot_use.wallet_id = lot.wallet_id \
            and lot_use.lot_no = lot.lot_no and lot_use.kind = 5 and op.kind = 10)"),
        change(14, "expiry of a lot spent first", "lot", "expires_at = 9223372036854775807", "remaining > 0 \
            and expires_at < 9000000000000000 and exists (select 1 from lot_use where lot_use.wallet_id = lot.wallet_id \
            and lot_use.lot_no = lot.lot_no and lot_use.kind = 1) and exists (select 1 from lot as later where \
            later.wallet_id = lot.wallet_id and later.lot_no < lot.lot_no and later.remaining = later.original)"),
        change(15, "expiry of a lot among others", "lot", "expires_at = expires_at + 1000000", "lot_no = 1 \
            and remaining > 0 and rule_version = 1 and expires_at < (select max(expires_at) from lot)"),
        change(9, "activation of a pending lot", "lot", "active_from = active_from + 1", "state = 1 and remaining > 0"),
        delete(6, "lot deleted", "lot", "remaining < original"),
        delete(5, "untouched lot deleted", "lot", "remaining = original"),
        copy(6, "lot inserted", "lot", "shard_no, wallet_id, lot_no, issuer_merchant, price, original, remaining, \
            reserved, state, active_from, expires_at, restriction, rule_version, changed_seq",
            "shard_no, wallet_id, 900, issuer_merchant, price, 10, 10, 0, state, active_from, expires_at, restriction, \
            rule_version, changed_seq", open),
        change(6, "a use's quantity", "lot_use", "qty = qty + 1", "kind = 1"),
        change(9, "a reservation's quantity", "lot_use", "qty = qty + 1", "kind = 2"),
        change(10, "a use's kind", "lot_use", "kind = 7", "kind = 1"),
        change(10, "a clawback as repayment", "lot_use", "kind = 9", "kind = 7"),
        change(6, "a use of another lot", "lot_use", "lot_no = lot_no + 1", "kind = 1"),
        delete(6, "a use deleted", "lot_use", "kind = 1"),
        delete(7, "a release deleted", "lot_use", "kind = 3"),
        copy(10, "a use without operation", "lot_use", uses, "shard_no, wallet_id, 9002, lot_no, qty, kind", "kind = 1"),
        copy(10, "a use without lot", "lot_use", uses, "shard_no, wallet_id, seq, 9003, qty, kind", "kind = 1"),
        Damage {
            name: "points spent from the later of two lots",
            number: 14,
            sql: "update lot_use set lot_no = 3 - lot_no where kind = 1 and wallet_id = (select wallet_id from op
                    where receipt_no = 'B-30');
                update lot set remaining = 140 - remaining, changed_seq = 3 - changed_seq
                    + (select max(version) from wallet where wallet.wallet_id = lot.wallet_id) - lot_no
                where wallet_id = (select wallet_id from op where receipt_no = 'B-30')"
                .to_owned(),
        },
    ]
}

fn holds() -> Vec<Damage> {
    let columns = "shard_no, wallet_id, seq, merchant_id, branch_id, receipt_no, amount, captured, expires_at, state";
    vec![
        change(7, "amount of an open hold", "hold", "amount = amount + 1", "state = 1"),
        change(7, "amount of an ended hold", "hold", "amount = amount + 1", "state = 3"),
        change(13, "captured", "hold", "captured = captured + 1", "state = 2"),
        change(4, "captured more than held", "hold", "captured = amount + 1", "state = 2"),
        change(13, "captured of an open hold", "hold", "captured = 1", "state = 1"),
        change(7, "reopened", "hold", "state = 1", "state = 3"),
        change(13, "released instead of captured", "hold", "state = 3, captured = 0", "state = 2"),
        change(7, "ended by hand", "hold", "state = 3", "state = 1"),
        change(13, "expired by hand", "hold", "state = 4", "state = 1"),
        change(7, "open past its end", "hold", "expires_at = 1000", "state = 1"),
        change(9, "end of an open hold", "hold", "expires_at = expires_at + 1", "state = 1"),
        change(7, "end of an expired hold", "hold", "expires_at = expires_at + 1", "state = 4"),
        change(7, "end of a captured hold", "hold", "expires_at = 1000", "state = 2"),
        change(7, "merchant", "hold", "merchant_id = wallet_id", "state = 1"),
        change(7, "receipt", "hold", "receipt_no = 'X'", "state = 1"),
        delete(7, "open hold deleted", "hold", "state = 1"),
        delete(7, "ended hold deleted", "hold", "state = 2"),
        copy(7, "hold inserted", "hold", columns,
            "shard_no, wallet_id, 9004, merchant_id, branch_id, receipt_no, amount, captured, expires_at, state",
            "state = 1"),
    ]
}

fn purchases() -> Vec<Damage> {
    vec![
        change(13, "kept", "purchase", "kept = kept + 1", "kept > 0"),
        change(13, "refunded by amount", "purchase", "refunded_amount = refunded_amount - 100", "refunded_amount > 0"),
        change(13, "refunded and never taken back", "purchase", "refunded_amount = refunded_amount + 10", "kept > 10"),
        change(13, "basket", "purchase", "basket = basket + 1", "1 = 1"),
        change(11, "basket against the journal", "purchase", "basket = basket + 1", "1 = 1"),
        change(13, "paid value", "purchase", "paid_value = paid_value + 1", "1 = 1"),
        change(13, "rate", "purchase", "rate_points = rate_points + 1", "kept > 0"),
        change(13, "minimum basket", "purchase", "minimum_basket = minimum_basket + 1", "kept > 0"),
        change(13, "cap", "purchase", "cap_left = cap_left - 100", "cap_left > 100"),
        change(13, "cap removed", "purchase", "cap_left = null", "cap_left is not null"),
        change(13, "day of the cap", "purchase", "cap_day = cap_day + 1", "cap_day is not null and kept > 0"),
        change(12, "price", "purchase", "price = price + 1", "kept > 0"),
        change(6, "price against its lot", "purchase", "price = price + 1", "kept > 0"),
        change(6, "rule version", "purchase", "rule_version = rule_version + 1", "kept > 0"),
        change(13, "lot forgotten", "purchase", "lot_no = null", "kept > 0"),
        change(6, "another's lot", "purchase", "lot_no = lot_no + 1", "kept > 0"),
        change(11, "receipt", "purchase", "receipt_no = 'X'", "1 = 1"),
        change(11, "merchant", "purchase", "merchant_id = wallet_id", "1 = 1"),
        delete(11, "purchase deleted", "purchase", "1 = 1"),
        change(13, "a line's refunded units", "purchase_line", "refunded = refunded + 1", "refunded < quantity"),
        change(13, "more refunded than bought", "purchase_line", "refunded = quantity + 1", "1 = 1"),
        change(13, "a line's amount", "purchase_line", "amount = amount + 1", "1 = 1"),
        change(13, "a line that may not earn", "purchase_line", "eligible = 1 - eligible", "amount >= 100"),
        delete(13, "a line deleted", "purchase_line", "1 = 1"),
        copy(13, "a line inserted", "purchase_line",
            "shard_no, wallet_id, seq, line_no, amount, quantity, refunded, eligible",
            "shard_no, wallet_id, 9005, line_no, 0, quantity, refunded, eligible", "1 = 1"),
        change(13, "points reversed", "receipt_redemption", "reversed = reversed + 1", "points > reversed"),
        change(13, "more reversed than paid", "receipt_redemption", "reversed = points + 1", "1 = 1"),
        change(11, "points paid", "receipt_redemption", "points = points + 1", "1 = 1"),
        change(12, "price of a redemption", "receipt_redemption", "price = price + 1", "1 = 1"),
        delete(11, "redemption deleted", "receipt_redemption", "1 = 1"),
        change(13, "used of a cap", "cap_used", "used = used + 1", "1 = 1"),
        delete(13, "use of a cap deleted", "cap_used", "1 = 1"),
        copy(13, "use of a cap inserted", "cap_used", "shard_no, wallet_id, rule_id, day, used",
            "shard_no, wallet_id, rule_id, day + 1, 0", "1 = 1"),
    ]
}

fn keys() -> Vec<Damage> {
    vec![
        delete(11, "claim deleted", "claim", "wallet_id is not null"),
        delete(11, "claim of a waiting refund deleted", "claim", "wallet_id is null"),
        copy(11, "claim inserted", "claim", "idem, wallet_id, body_hash", "body_hash, wallet_id, body_hash",
            "wallet_id is not null"),
        copy(11, "claim without wallet inserted", "claim", "idem, wallet_id, body_hash", "body_hash, null, body_hash",
            "wallet_id is not null"),
        change(11, "claim of another input", "claim", "body_hash = idem", "wallet_id is not null"),
        change(11, "claim for another wallet", "claim", "wallet_id = body_hash", "wallet_id is not null"),
        change(11, "claim that lost its wallet", "claim", "wallet_id = null", "wallet_id is not null"),
        Damage {
            name: "an operation's key used twice",
            number: 11,
            sql: "update op set idem = (select idem from op as o where o.kind = 1 order by wallet_id, seq limit 1),
                body_hash = (select body_hash from op as o where o.kind = 1 order by wallet_id, seq limit 1)
                where (wallet_id, seq) = (select wallet_id, seq from op as o where o.kind = 1
                    order by wallet_id desc, seq limit 1)"
                .to_owned(),
        },
        delete(11, "receipt deleted", "receipt", "1 = 1"),
        change(11, "receipt of another operation", "receipt", "seq = seq + 1", "1 = 1"),
        change(11, "receipt of another wallet", "receipt", "wallet_id = merchant_id", "1 = 1"),
        copy(11, "receipt inserted", "receipt", "merchant_id, receipt_no, wallet_id, seq",
            "merchant_id, 'X', wallet_id, seq", "1 = 1"),
        delete(11, "waiting refund deleted", "refund_waiting", "state = 1"),
        delete(11, "posted refund deleted", "refund_waiting", "state = 2"),
        change(11, "posted refund waits again", "refund_waiting", "state = 1", "state = 2"),
        change(18, "posted refund waits anew", "refund_waiting", "state = 1, wallet_id = null, seq = null", "state = 2"),
        change(11, "waiting refund posted nowhere", "refund_waiting", "state = 2", "state = 1"),
        change(11, "refused without a reason", "refund_waiting", "reject_code = null", "state = 3"),
        change(18, "waiting beside its purchase", "refund_waiting", "receipt_no = 'B-1'", "state = 1"),
    ]
}

fn outside() -> Vec<Damage> {
    vec![
        change(12, "a merchant's bucket in points", "merchant_balance", "points = points + 1", "1 = 1"),
        change(12, "a merchant's bucket in value", "merchant_balance", "value = value + 1", "1 = 1"),
        change(12, "a merchant's count", "merchant_balance", "n = n + 1", "1 = 1"),
        change(12, "a bucket of another account", "merchant_balance", "kind = 9", "1 = 1"),
        delete(12, "a merchant's bucket deleted", "merchant_balance", "1 = 1"),
        delete(17, "relayed batch lost", "outbox", "relay_no is not null and relay_no < (select max(o.relay_no) \
            from outbox as o where o.bucket = outbox.bucket) and relay_no > (select min(o.relay_no) \
            from outbox as o where o.bucket = outbox.bucket)"),
        delete(17, "last relayed batch lost", "outbox", "relay_no = (select relay.relay_no from relay \
            where relay.bucket = outbox.bucket)"),
        delete(17, "batch lost before its relay", "outbox", "relay_no is null"),
        copy(17, "batch invented", "outbox", "bucket, batch_id, relay_no, relayed_at, payload",
            "bucket, (select wallet_id from wallet order by wallet_id limit 1), null, null, payload",
            "relay_no is not null"),
        change(17, "what a batch tells", "outbox", "payload = '[]'", "relay_no is null"),
        change(17, "a number skipped", "outbox", "relay_no = relay_no + 100", "relay_no is not null"),
        change(17, "the relay set back", "relay", "relay_no = relay_no - 1", "relay_no > 1"),
        change(17, "a consumer ahead", "consumer_cursor", "relay_no = relay_no + 1", "1 = 1"),
        Damage {
            name: "batches stuck",
            number: 18,
            sql: "update outbox set relay_no = null where relay_no is not null; update relay set relay_no = 0".to_owned(),
        },
    ]
}
