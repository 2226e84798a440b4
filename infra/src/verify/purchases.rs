//! Purchases, what came back of them, and the caps that they used: invariant 13.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 13,
        name: "The points that a purchase keeps are those issued for its receipt, less those taken back",
        sql: "select {wallet} || ' receipt ' || receipt_no || ' of merchant ' || {uuid merchant_id}
                || ': kept is off by ' || sum(points) || ' points' as what
            from (
                select shard_no, wallet_id, merchant_id, receipt_no, kept as points from purchase
                union all
                select op.shard_no, op.wallet_id, op.merchant_id, op.receipt_no, entry.amount
                from entry
                join op on op.shard_no = entry.shard_no and op.wallet_id = entry.wallet_id and op.seq = entry.seq
                where entry.account_kind = 3
            ) as both_sides
            group by shard_no, wallet_id, merchant_id, receipt_no having sum(points) <> 0",
    },
    Check {
        number: 13,
        name: "The points that paid for a receipt, less those given back, are its redeemed points, in value too",
        sql: "select {wallet} || ' receipt ' || receipt_no || ' of merchant ' || {uuid merchant_id}
                || ': off by ' || sum(points) || ' points and ' || sum(value) || ' minor units' as what
            from (
                select shard_no, wallet_id, merchant_id, receipt_no, points - reversed as points,
                    (points - reversed) * price as value
                from receipt_redemption
                union all
                select op.shard_no, op.wallet_id, op.merchant_id, op.receipt_no, -entry.amount, -entry.value
                from entry
                join op on op.shard_no = entry.shard_no and op.wallet_id = entry.wallet_id and op.seq = entry.seq
                where entry.account_kind = 4 and op.receipt_no is not null
            ) as both_sides
            group by shard_no, wallet_id, merchant_id, receipt_no having sum(points) <> 0 or sum(value) <> 0",
    },
    Check {
        number: 13,
        name: "A purchase knows the value of the points that paid for its receipt",
        sql: "select {wallet} || ' receipt ' || receipt_no || ' of merchant ' || {uuid merchant_id}
                || ': the paid value is off by ' || sum(value) || ' minor units' as what
            from (
                select shard_no, wallet_id, merchant_id, receipt_no, paid_value as value, 1 as purchases from purchase
                union all
                select shard_no, wallet_id, merchant_id, receipt_no, -points * price, 0 from receipt_redemption
            ) as both_sides
            group by shard_no, wallet_id, merchant_id, receipt_no having sum(purchases) > 0 and sum(value) <> 0",
    },
    Check {
        number: 13,
        name: "A purchase has all its lines, and they add up to its basket",
        sql: "select {op} || ': basket and lines differ by ' || sum(amount) || ' minor units and ' || sum(lines) || ' lines'
                as what
            from (
                select shard_no, wallet_id, seq, case lines when 0 then 0 else basket end as amount, 1 as purchases, lines
                from purchase
                union all
                select shard_no, wallet_id, seq, -amount, 0, -1 from purchase_line
            ) as both_sides
            group by shard_no, wallet_id, seq
            having sum(amount) <> 0 or sum(purchases) <> 1 or sum(lines) <> 0",
    },
    Check {
        number: 13,
        name: "No more is refunded than was bought, no more reversed than was paid",
        sql: "select {op} || ' line ' || line_no || ': ' || refunded || ' of ' || quantity || ' units refunded' as what
            from purchase_line where refunded < 0 or refunded > quantity
            union all
            select {op} || ': ' || refunded_amount || ' of ' || basket || ' minor units refunded'
            from purchase where refunded_amount < 0 or refunded_amount > basket
            union all
            select {op} || ': ' || reversed || ' of ' || points || ' points given back'
            from receipt_redemption where reversed < 0 or reversed > points",
    },
    Check {
        number: 13,
        name: "A purchase that earned has a lot, and one that did not has none",
        sql: "select {wallet} || ' seq ' || op.seq || ': it earned ' || op.amount || ' points, and its lot is '
                || coalesce('number ' || purchase.lot_no, 'none') as what
            from purchase join op using (shard_no, wallet_id, seq)
            where (op.amount = 0) <> (purchase.lot_no is null)",
    },
    Check {
        number: 13,
        name: "A purchase has the terms of its version of the merchant's rule",
        sql: "select {op} || ': its terms are not those of rule version ' || rule_version as what
            from purchase
            join earn_rule on earn_rule.merchant_id = purchase.merchant_id
                and earn_rule.version = purchase.rule_version
            where purchase.rate_points <> earn_rule.rate_points or purchase.rate_per <> earn_rule.rate_per
                or purchase.minimum_basket <> earn_rule.minimum_basket
                or (purchase.cap_day is null) <> (earn_rule.cap_per_day is null)
                or (purchase.cap_left is null)
                    <> (earn_rule.cap_per_day is null and earn_rule.cap_per_purchase is null)
                or purchase.cap_left > earn_rule.cap_per_purchase or purchase.cap_left > earn_rule.cap_per_day",
    },
    Check {
        number: 13,
        name: "A day's cap has used what that day's purchases keep",
        sql: "select {wallet} || ' merchant ' || {uuid merchant_id} || ' day ' || day || ': its cap is off by '
                || sum(used) || ' points' as what
            from (
                select shard_no, wallet_id, rule_id as merchant_id, day, used, 1 as caps, 0 as purchases from cap_used
                union all
                select shard_no, wallet_id, merchant_id, cap_day, -kept, 0, 1 from purchase where cap_day is not null
            ) as both_sides
            group by shard_no, wallet_id, merchant_id, day
            having sum(used) <> 0 or sum(caps) = 0 or sum(purchases) = 0",
    },
];
