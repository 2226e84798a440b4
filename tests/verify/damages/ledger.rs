//! Damages to wallets, their journal, lots and holds.

use super::{Damage, change, copy, delete};

pub(super) fn wallets() -> Vec<Damage> {
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
        delete(10, "member deleted", "member", "member_id not in (select member_id from relation)"),
    ]
}

pub(super) fn journal() -> Vec<Damage> {
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
        change(
            10,
            "an entry on another wallet",
            "entry",
            "account_id = (select max_id from (select wallet_id as \
            max_id from wallet order by wallet_id desc limit 1) as w)",
            "account_kind = 1",
        ),
        change(10, "an entry on another kind of account", "entry", "account_kind = 8", "account_kind = 4"),
        change(10, "points in transit", "entry", "account_kind = 7", "account_kind = 1"),
        change(18, "points in transit for long", "entry", "account_kind = 7", "account_kind = 1"),
        delete(1, "an entry deleted", "entry", "account_kind = 1"),
        copy(
            10,
            "an entry without operation",
            "entry",
            entry,
            "shard_no, wallet_id, 9001, leg, account_kind, account_id, amount, value",
            "account_kind = 1",
        ),
        copy(
            1,
            "an entry inserted",
            "entry",
            entry,
            "shard_no, wallet_id, seq, 99, account_kind, account_id, amount, value",
            "account_kind = 1",
        ),
        change(9, "posted after an operation", "op", "posted_after = posted_after + 1", "seq = 2"),
        change(9, "held after an operation", "op", "held_after = held_after + 1", "kind = 2"),
        change(9, "pending after an operation", "op", "pending_after = pending_after + 1", "kind = 8"),
        change(9, "debt after an operation", "op", "debt_after = debt_after + 1", "debt_after > 0"),
        change(
            9,
            "balances after the last operation",
            "op",
            "posted_after = posted_after + 1",
            "seq = (select version from wallet where wallet.wallet_id = op.wallet_id)",
        ),
        change(
            10,
            "an earn's amount",
            "op",
            "amount = amount + 1",
            "kind = 1 and reject_code is null and amount > 0",
        ),
        change(10, "a hold's amount", "op", "amount = amount + 1", "kind = 2"),
        change(10, "a redemption's amount", "op", "amount = amount + 1", "kind = 5 and reject_code is null"),
        change(10, "a release's amount", "op", "amount = amount + 1", "kind = 4"),
        change(10, "a refund's amount", "op", "amount = amount + 1", "kind = 6"),
        change(10, "an activation's amount", "op", "amount = amount + 1", "kind = 8"),
        change(10, "an expiry's amount", "op", "amount = amount + 1", "kind = 10"),
        change(10, "a kind", "op", "kind = 5", "kind = 4"),
        change(10, "a kind of the ledger's own", "op", "kind = 5", "kind = 10"),
        change(10, "an applied one rejected", "op", "reject_code = 11", "kind = 5 and reject_code is null"),
        change(
            10,
            "a rejected one applied",
            "op",
            "reject_code = null",
            "kind = 5 and reject_code is not null",
        ),
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
        delete(
            8,
            "the last operation deleted",
            "op",
            "seq = (select version from wallet where wallet.wallet_id = op.wallet_id)",
        ),
        delete(8, "a rejected operation deleted", "op", "reject_code is not null"),
        copy(8, "an operation inserted", "op", every_op, op_later, "kind = 1"),
        Damage {
            name: "a wallet's operations deleted with all that hangs on them",
            number: 11,
            sql: ["entry", "lot_use", "lot", "hold", "purchase", "purchase_line", "receipt_redemption", "op"]
                .map(|table| {
                    format!(
                        "delete from {table} where wallet_id = (select wallet_id from member \
                    order by wallet_id limit 1)"
                    )
                })
                .join(";"),
        },
    ]
}

pub(super) fn lots() -> Vec<Damage> {
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

pub(super) fn holds() -> Vec<Damage> {
    let columns =
        "shard_no, wallet_id, seq, merchant_id, branch_id, receipt_no, amount, captured, expires_at, state";
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
        copy(
            7,
            "hold inserted",
            "hold",
            columns,
            "shard_no, wallet_id, 9004, merchant_id, branch_id, receipt_no, amount, captured, expires_at, state",
            "state = 1",
        ),
    ]
}
