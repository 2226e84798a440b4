//! Damages to purchases, keys and receipts, merchants' totals and the outbox.

use super::{Damage, change, copy, delete};

pub(super) fn purchases() -> Vec<Damage> {
    vec![
        change(13, "kept", "purchase", "kept = kept + 1", "kept > 0"),
        change(
            13,
            "refunded by amount",
            "purchase",
            "refunded_amount = refunded_amount - 100",
            "refunded_amount > 0",
        ),
        change(
            13,
            "refunded and never taken back",
            "purchase",
            "refunded_amount = refunded_amount + 10",
            "kept > 10",
        ),
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
        change(
            13,
            "a line's refunded units",
            "purchase_line",
            "refunded = refunded + 1",
            "refunded < quantity",
        ),
        change(13, "more refunded than bought", "purchase_line", "refunded = quantity + 1", "1 = 1"),
        change(13, "a line's amount", "purchase_line", "amount = amount + 1", "1 = 1"),
        change(13, "a line that may not earn", "purchase_line", "eligible = 1 - eligible", "amount >= 100"),
        delete(13, "a line deleted", "purchase_line", "1 = 1"),
        change(13, "the lines forgotten", "purchase", "lines = 0", "lines > 0"),
        copy(
            13,
            "a line inserted",
            "purchase_line",
            "shard_no, wallet_id, seq, line_no, amount, quantity, refunded, eligible",
            "shard_no, wallet_id, 9005, line_no, 0, quantity, refunded, eligible",
            "1 = 1",
        ),
        change(13, "points reversed", "receipt_redemption", "reversed = reversed + 1", "points > reversed"),
        change(13, "more reversed than paid", "receipt_redemption", "reversed = points + 1", "1 = 1"),
        change(11, "points paid", "receipt_redemption", "points = points + 1", "1 = 1"),
        change(12, "price of a redemption", "receipt_redemption", "price = price + 1", "1 = 1"),
        delete(11, "redemption deleted", "receipt_redemption", "1 = 1"),
        change(13, "used of a cap", "cap_used", "used = used + 1", "1 = 1"),
        delete(13, "use of a cap deleted", "cap_used", "1 = 1"),
        copy(
            13,
            "use of a cap inserted",
            "cap_used",
            "shard_no, wallet_id, rule_id, day, used",
            "shard_no, wallet_id, rule_id, day + 1, 0",
            "1 = 1",
        ),
    ]
}

pub(super) fn keys() -> Vec<Damage> {
    vec![
        delete(11, "claim deleted", "claim", "wallet_id is not null"),
        delete(11, "claim of a waiting refund deleted", "claim", "wallet_id is null"),
        copy(11, "claim inserted", "claim", "idem, wallet_id, seq, body_hash",
            "body_hash, wallet_id, seq, body_hash", "wallet_id is not null"),
        copy(11, "claim without wallet inserted", "claim", "idem, wallet_id, body_hash", "body_hash, null, body_hash",
            "wallet_id is not null"),
        change(11, "claim of another input", "claim", "body_hash = idem", "wallet_id is not null"),
        change(11, "claim for another wallet", "claim", "wallet_id = body_hash", "wallet_id is not null"),
        change(11, "claim for another operation", "claim", "seq = seq + 1", "wallet_id is not null"),
        change(11, "claim that lost its wallet", "claim", "wallet_id = null, seq = null", "wallet_id is not null"),
        Damage {
            name: "an operation's key used twice",
            number: 11,
            sql: "update op set idem = (select idem from op as o where o.kind = 1 order by wallet_id, seq limit 1),
                body_hash = (select body_hash from op as o where o.kind = 1 order by wallet_id, seq limit 1)
                where (wallet_id, seq) = (select wallet_id, seq from op as o where o.kind = 1
                    order by wallet_id desc, seq limit 1)"
                .to_owned(),
        },
        Damage {
            name: "a key of the ledger itself used twice",
            number: 11,
            sql: "update op set idem = (select o.idem from op as o where o.wallet_id = op.wallet_id and o.seq < op.seq
                    and not exists (select 1 from claim where claim.idem = o.idem) order by o.seq limit 1)
                where (wallet_id, seq) = (select wallet_id, seq from op as o
                    where not exists (select 1 from claim where claim.idem = o.idem)
                    and exists (select 1 from op as p where p.wallet_id = o.wallet_id and p.seq < o.seq
                        and not exists (select 1 from claim where claim.idem = p.idem))
                    order by wallet_id, seq limit 1)"
                .to_owned(),
        },
        delete(11, "receipt deleted", "receipt", "seq is not null"),
        delete(11, "receipt that was only paid for deleted", "receipt", "seq is null"),
        change(11, "receipt that lost its earn", "receipt", "seq = null", "seq is not null"),
        change(11, "receipt that was only paid for given to another wallet", "receipt", "wallet_id = merchant_id",
            "seq is null"),
        change(11, "receipt of another operation", "receipt", "seq = seq + 1", "seq is not null"),
        change(11, "receipt of another wallet", "receipt", "wallet_id = merchant_id", "seq is not null"),
        copy(11, "receipt inserted", "receipt", "merchant_id, receipt_no, wallet_id, seq",
            "merchant_id, 'X', wallet_id, seq", "seq is not null"),
        copy(11, "receipt that nobody named inserted", "receipt", "merchant_id, receipt_no, wallet_id, seq",
            "merchant_id, 'X', wallet_id, null", "1 = 1"),
        delete(11, "waiting refund deleted", "refund_waiting", "state = 1"),
        delete(11, "posted refund deleted", "refund_waiting", "state = 2"),
        change(11, "posted refund waits again", "refund_waiting", "state = 1", "state = 2"),
        change(18, "posted refund waits anew", "refund_waiting", "state = 1, wallet_id = null, seq = null", "state = 2"),
        change(11, "waiting refund posted nowhere", "refund_waiting", "state = 2", "state = 1"),
        change(11, "refused without a reason", "refund_waiting", "reject_code = null", "state = 3"),
        change(18, "waiting beside its purchase", "refund_waiting", "receipt_no = 'B-1'", "state = 1"),
    ]
}

pub(super) fn outside() -> Vec<Damage> {
    vec![
        change(12, "a merchant's bucket in points", "merchant_balance", "points = points + 1", "1 = 1"),
        change(12, "a merchant's bucket in value", "merchant_balance", "value = value + 1", "1 = 1"),
        change(12, "a merchant's count", "merchant_balance", "n = n + 1", "1 = 1"),
        change(12, "a bucket of another account", "merchant_balance", "kind = 9", "1 = 1"),
        delete(12, "a merchant's bucket deleted", "merchant_balance", "1 = 1"),
        delete(
            17,
            "relayed batch lost",
            "outbox",
            "relay_no is not null and relay_no < (select max(o.relay_no) \
            from outbox as o where o.bucket = outbox.bucket) and relay_no > (select min(o.relay_no) \
            from outbox as o where o.bucket = outbox.bucket)",
        ),
        delete(
            17,
            "last relayed batch lost",
            "outbox",
            "relay_no = (select relay.relay_no from relay \
            where relay.bucket = outbox.bucket)",
        ),
        delete(17, "batch lost before its relay", "outbox", "relay_no is null"),
        copy(
            17,
            "batch invented",
            "outbox",
            "bucket, batch_id, relay_no, relayed_at, payload",
            "bucket, (select wallet_id from wallet order by wallet_id limit 1), null, null, payload",
            "relay_no is not null",
        ),
        change(17, "what a batch tells", "outbox", "payload = '[]'", "relay_no is null"),
        change(17, "a number skipped", "outbox", "relay_no = relay_no + 100", "relay_no is not null"),
        change(17, "the relay set back", "relay", "relay_no = relay_no - 1", "relay_no > 1"),
        change(17, "a consumer ahead", "consumer_cursor", "relay_no = relay_no + 1", "1 = 1"),
        Damage {
            name: "batches stuck",
            number: 18,
            sql:
                "update outbox set relay_no = null where relay_no is not null; update relay set relay_no = 0"
                    .to_owned(),
        },
    ]
}

pub(super) fn relations() -> Vec<Damage> {
    vec![
        change(
            23,
            "a relation of an operation that is not there",
            "relation",
            "seq = seq + 100",
            "source = 3",
        ),
        change(
            23,
            "a relation of another merchant's operation",
            "relation",
            "seq = (select min(op.seq) from op join member using (wallet_id) \
                where member.member_id = relation.member_id and op.merchant_id <> relation.merchant_id)",
            "source = 3 and member_id in (select member_id from relation group by member_id having count(*) > 1)",
        ),
        delete(18, "a relation deleted", "relation", "source = 3"),
        change(
            18,
            "a relation that is only a consent",
            "relation",
            "source = 4, seq = null, consent = 2, consented_at = 0",
            "source = 3",
        ),
    ]
}
