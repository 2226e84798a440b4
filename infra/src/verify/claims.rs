//! Keys and receipts: whoever used one is where its look-up row says: invariants 11 and 18.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 11,
        name: "Every request's key is claimed for the one operation that has it, with the same input",
        sql: "select {wallet} || ' key ' || {uuid idem} || case when sum(n) > 0
                then ': claimed for seq ' || seq || ', which is no such operation'
                else ': the operation at seq ' || seq || ' has no such claim' end as what
            from (
                select idem, wallet_id, body_hash, seq, 1 as n from claim where wallet_id is not null
                union all
                select idem, wallet_id, body_hash, seq, -1 from op where {hex caller} not like '04%'
            ) as both_sides
            group by idem, wallet_id, body_hash, seq having sum(n) <> 0",
    },
    Check {
        number: 11,
        name: "An operation of the ledger itself has a key of its own",
        sql: "select {wallet} || ' key ' || {uuid idem} || ': ' || count(*) || ' operations have it' as what
            from op where {hex caller} like '04%'
            group by shard_no, wallet_id, idem having count(*) > 1",
    },
    Check {
        number: 11,
        name: "One earn has each receipt: receipts and purchases name each other",
        sql: "select {op} || ': receipt ' || receipt_no || ' of merchant ' || {uuid merchant_id}
                || case when sum(n) > 0 then ' has no such purchase' else ' is not taken by this purchase' end as what
            from (
                select merchant_id, receipt_no, wallet_id, seq, 1 as n from receipt where seq is not null
                union all
                select merchant_id, receipt_no, wallet_id, seq, -1 from purchase
            ) as both_sides
            group by merchant_id, receipt_no, wallet_id, seq having sum(n) <> 0",
    },
    Check {
        number: 11,
        name: "A receipt is of one wallet, which earned with it or paid for it",
        sql: "select {wallet} || ' receipt ' || receipt_no || ' of merchant ' || {uuid merchant_id}
                || case when sum(n) > 0 then ': the wallet has neither earned with it nor paid for it'
                else ': it is not said to be of this wallet' end as what
            from (
                select merchant_id, receipt_no, wallet_id, 1 as n from receipt
                union all
                select merchant_id, receipt_no, wallet_id, -1 from (
                    select merchant_id, receipt_no, wallet_id from purchase
                    union
                    select merchant_id, receipt_no, wallet_id from receipt_redemption
                ) as named
            ) as both_sides
            group by merchant_id, receipt_no, wallet_id having sum(n) <> 0",
    },
    Check {
        number: 11,
        name: "Every applied earn has its purchase, of the same merchant, receipt and basket",
        sql: "select {op} || ': ' || case when sum(n) > 0 then 'no applied earn has this purchase'
                else 'this earn has no such purchase' end as what
            from (
                select wallet_id, seq, shard_no, merchant_id, receipt_no, basket, 1 as n from purchase
                union all
                select wallet_id, seq, shard_no, merchant_id, receipt_no, money, -1
                from op where kind = 1 and reject_code is null
            ) as both_sides
            group by shard_no, wallet_id, seq, merchant_id, receipt_no, basket having sum(n) <> 0",
    },
    Check {
        number: 11,
        name: "Every redemption that names a receipt has its row beside that receipt",
        sql: "select {op} || ': ' || case when sum(n) > 0 then 'no applied operation paid for receipt ' || receipt_no
                else 'its payment for receipt ' || receipt_no || ' is not recorded' end as what
            from (
                select wallet_id, seq, shard_no, merchant_id, receipt_no, points, 1 as n from receipt_redemption
                union all
                select wallet_id, seq, shard_no, merchant_id, receipt_no, amount, -1
                from op where kind in (3, 5) and reject_code is null and receipt_no is not null
            ) as both_sides
            group by shard_no, wallet_id, seq, merchant_id, receipt_no, points having sum(n) <> 0",
    },
    Check {
        number: 11,
        name: "A refund follows a purchase with its receipt, the end of a hold a hold of its merchant and receipt",
        sql: "select {op} || ': it follows seq ' || ref_seq || ', which is of another merchant or receipt' as what
            from (
                select op.wallet_id, op.seq, op.ref_seq
                from op left join purchase on purchase.shard_no = op.shard_no and purchase.wallet_id = op.wallet_id
                    and purchase.seq = op.ref_seq and purchase.merchant_id = op.merchant_id
                    and purchase.receipt_no = op.receipt_no
                where op.kind = 6 and op.reject_code is null and purchase.seq is null
                union all
                select op.wallet_id, op.seq, op.ref_seq
                from op left join hold on hold.shard_no = op.shard_no and hold.wallet_id = op.wallet_id
                    and hold.seq = op.ref_seq and hold.merchant_id = op.merchant_id
                    and coalesce(hold.receipt_no, '') = coalesce(op.receipt_no,
                        case op.kind when 9 then hold.receipt_no end, '')
                where op.kind in (3, 4, 9) and op.reject_code is null and hold.seq is null
            ) as following",
    },
];

/// Checks of what no wallet has: refunds that wait or waited.
pub(super) const OF_WAITING_REFUNDS: &[Check] = &[
    Check {
        number: 11,
        name: "A claim without a wallet has its refund, which waits or waited",
        sql: "select 'key ' || {uuid idem} || case when sum(n) > 0 then ': claimed without a wallet, and no refund waits'
                else ': the refund that waits has no such claim' end as what
            from (
                select idem, body_hash, 1 as n from claim where wallet_id is null
                union all
                select idem, body_hash, -1 from refund_waiting
            ) as both_sides
            group by idem, body_hash having sum(n) <> 0",
    },
    Check {
        number: 11,
        name: "A refund that waited is the operation that its row names, or was refused for a reason",
        sql: "select 'receipt ' || receipt_no || ' of merchant ' || {uuid merchant_id} || ': a refund of it is in state '
                || state || ', which its other columns contradict' as what
            from refund_waiting
            where (state = 1 and (seq is not null or reject_code is not null))
                or (state = 2 and (wallet_id is null or seq is null or reject_code is not null))
                or (state = 3 and (reject_code is null or seq is not null))
            union all
            select {op} || ': receipt ' || receipt_no || case when sum(n) > 0
                then ': no refund that waited was posted here' else ': this refund waited nowhere' end
            from (
                select merchant_id, receipt_no, wallet_id, seq, 1 as n from refund_waiting where state = 2
                union all
                select merchant_id, receipt_no, wallet_id, seq, -1
                from op where kind = 6 and reject_code is null and {hex caller} like '04%'
            ) as both_sides
            group by merchant_id, receipt_no, wallet_id, seq having sum(n) <> 0",
    },
    Check {
        number: 18,
        name: "No refund waits beside its purchase",
        sql: "select 'wallet ' || {uuid op.wallet_id} || ' seq ' || op.seq || ': a refund of receipt ' || receipt.receipt_no
                || ' still waits for this purchase' as what
            from refund_waiting
            join receipt on receipt.merchant_id = refund_waiting.merchant_id
                and receipt.receipt_no = refund_waiting.receipt_no
            join op on op.shard_no = {shard receipt.wallet_id} and op.wallet_id = receipt.wallet_id
                and op.seq = receipt.seq
            where refund_waiting.state = 1 and refund_waiting.created_at < {stale} and op.recorded_at < {stale}",
    },
];
