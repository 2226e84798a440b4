//! Entries, and the balances that are their sums: invariants 1–4, 8 and 12.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 1,
        name: "The entries of every operation sum to zero",
        sql: "select {op} || ': its entries sum to ' || sum(amount) as what from entry
            group by shard_no, wallet_id, seq having sum(amount) <> 0",
    },
    Check {
        number: 3,
        name: "A wallet's posted and pending points are the sums of its entries",
        sql: "select {wallet} || ': against its entries, posted is off by ' || sum(posted)
                || ' and pending by ' || sum(pending) as what
            from (
                select shard_no, wallet_id, posted, pending from wallet
                union all
                select shard_no, wallet_id, case account_kind when 1 then -amount else 0 end,
                    case account_kind when 2 then -amount else 0 end
                from entry where account_kind in (1, 2)
            ) as both_sides
            group by shard_no, wallet_id having sum(posted) <> 0 or sum(pending) <> 0",
    },
    Check {
        number: 4,
        name: "No balance is negative, no more is held than posted, and a wallet that owes has nothing to spend",
        sql: "select {wallet} || ' at seq ' || seq || ': posted ' || posted || ', held ' || held || ', pending '
                || pending || ', debt ' || debt as what
            from (
                select wallet_id, version as seq, posted, held, pending, debt from wallet
                union all
                select wallet_id, seq, posted_after, held_after, pending_after, debt_after from op
            ) as balances
            where held < 0 or posted < held or pending < 0 or debt < 0 or (debt > 0 and posted <> held)",
    },
    Check {
        number: 4,
        name: "A wallet's debt is what its debt account owes",
        sql: "select {wallet} || ': against its entries, debt is off by ' || sum(debt) as what
            from (
                select shard_no, wallet_id, debt from wallet
                union all
                select shard_no, wallet_id, amount from entry where account_kind = 5
            ) as both_sides
            group by shard_no, wallet_id having sum(debt) <> 0",
    },
    Check {
        number: 4,
        name: "No lot has more reserved than left or more left than issued; no hold has more captured than held",
        sql: "select {wallet} || ' lot ' || lot_no || ': original ' || original || ', remaining ' || remaining
                || ', reserved ' || reserved as what
            from lot where reserved < 0 or remaining < reserved or original < remaining or original <= 0
            union all
            select {wallet} || ' hold ' || seq || ': amount ' || amount || ', captured ' || captured
            from hold where captured < 0 or amount < captured or amount <= 0",
    },
    Check {
        number: 12,
        name: "Issued points have the price of their purchase, redeemed points that of their receipt",
        sql: "select {op} || ': ' || amount || ' points have the value ' || value || ' at the price ' || price as what
            from (
                select entry.wallet_id, entry.seq, entry.amount, entry.value, purchase.price
                from entry
                join op on op.shard_no = entry.shard_no and op.wallet_id = entry.wallet_id and op.seq = entry.seq
                join receipt on receipt.merchant_id = op.merchant_id and receipt.receipt_no = op.receipt_no
                join purchase on purchase.shard_no = op.shard_no and purchase.wallet_id = op.wallet_id
                    and purchase.seq = receipt.seq
                where entry.account_kind = 3 and receipt.wallet_id = op.wallet_id
                union all
                select entry.wallet_id, entry.seq, entry.amount, entry.value, receipt_redemption.price
                from entry
                join receipt_redemption on receipt_redemption.shard_no = entry.shard_no
                    and receipt_redemption.wallet_id = entry.wallet_id and receipt_redemption.seq = entry.seq
                where entry.account_kind = 4
            ) as priced
            where value <> amount * price",
    },
    Check {
        number: 12,
        name: "Entries of accounts without a merchant have no value",
        sql: "select {op} || ' leg ' || leg || ': an account of kind ' || account_kind || ' has the value ' || value
                as what
            from entry where value <> 0 and account_kind not in (3, 4, 6)",
    },
];

/// Checks that no wallet can be asked alone: sums of all, and wallets that are not where their ids say.
pub(super) const OF_THE_BOOK: &[Check] = &[
    Check {
        number: 8,
        name: "A wallet is in the shard of its id",
        sql: "select {wallet} || ': it is in shard ' || shard_no as what
            from wallet where shard_no <> {shard wallet_id}",
    },
    Check {
        number: 2,
        name: "The whole book sums to zero",
        sql: "select 'the book sums to ' || sum(amount) as what from entry having sum(amount) <> 0",
    },
    Check {
        number: 12,
        name: "A merchant's buckets add up to its entries: points, value and how many",
        sql: "select 'merchant ' || {uuid merchant_id} || ' account ' || kind || ': its buckets are off by '
                || sum(points) || ' points, ' || sum(value) || ' minor units and ' || sum(n) || ' entries' as what
            from (
                select merchant_id, kind, points, value, n from merchant_balance
                union all
                select account_id, account_kind, -amount, -value, -1 from entry where account_kind in (3, 4, 6)
            ) as both_sides
            group by merchant_id, kind having sum(points) <> 0 or sum(value) <> 0 or sum(n) <> 0",
    },
];
