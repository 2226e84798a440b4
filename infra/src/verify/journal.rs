//! The journal: operations in their order, the balances after each, and what each did: invariants 8–10 and 13.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 8,
        name: "A wallet's operations are numbered without gaps up to its version",
        sql: "select {wallet} || ': version ' || sum(version) || ', ' || sum(ops) || ' operations up to number '
                || max(seq) as what
            from (
                select shard_no, wallet_id, version, 0 as ops, 0 as seq from wallet
                union all
                select shard_no, wallet_id, 0, 1, seq from op
            ) as both_sides
            group by shard_no, wallet_id having sum(version) <> sum(ops) or sum(version) <> max(seq)",
    },
    Check {
        number: 8,
        name: "The time of record never falls within a wallet, whose head has the last",
        sql: "select {op} || ': recorded at ' || recorded_at || ', before or after ' || neighbour as what
            from (
                select wallet_id, seq, recorded_at,
                    lag(recorded_at) over (partition by shard_no, wallet_id order by seq) as neighbour
                from op
            ) as ordered
            where recorded_at < neighbour
            union all
            select {wallet} || ' seq ' || op.seq || ': recorded at ' || op.recorded_at || ', the wallet says '
                || wallet.last_recorded_at
            from wallet join op using (shard_no, wallet_id)
            where op.seq = wallet.version and op.recorded_at <> wallet.last_recorded_at",
    },
    Check {
        number: 9,
        name: "Balances after each operation are those before it and what its entries and lots moved",
        sql: "select {op} || ': posted is off by ' || sum(posted) || ', held by ' || sum(held) || ', pending by '
                || sum(pending) || ', debt by ' || sum(debt) as what
            from (
                select shard_no, wallet_id, seq,
                    posted_after - lag(posted_after, 1, 0) over history as posted,
                    held_after - lag(held_after, 1, 0) over history as held,
                    pending_after - lag(pending_after, 1, 0) over history as pending,
                    debt_after - lag(debt_after, 1, 0) over history as debt
                from op
                window history as (partition by shard_no, wallet_id order by seq)
                union all
                select shard_no, wallet_id, seq, case account_kind when 1 then -amount else 0 end, 0,
                    case account_kind when 2 then -amount else 0 end,
                    case account_kind when 5 then amount else 0 end
                from entry where account_kind in (1, 2, 5)
                union all
                select shard_no, wallet_id, seq, 0, case kind when 2 then -qty else qty end, 0, 0
                from lot_use where kind in (2, 3)
            ) as both_sides
            group by shard_no, wallet_id, seq
            having sum(posted) <> 0 or sum(held) <> 0 or sum(pending) <> 0 or sum(debt) <> 0",
    },
    Check {
        number: 9,
        name: "A wallet has the balances of its last operation",
        sql: "select 'wallet ' || {uuid wallet.wallet_id} || ': its balances are not those after seq ' || version as what
            from wallet left join op on op.shard_no = wallet.shard_no and op.wallet_id = wallet.wallet_id
                and op.seq = wallet.version
            where posted <> coalesce(posted_after, 0) or held <> coalesce(held_after, 0)
                or pending <> coalesce(pending_after, 0) or debt <> coalesce(debt_after, 0)"
    },
    Check {
        number: 9,
        name: "A wallet is blocked when its last change of status blocked it",
        sql: "select {wallet} || ': its status is ' || max(status) || ', its journal says ' ||
                case when max(blocked) > max(opened) then 2 else 1 end as what
            from (
                select shard_no, wallet_id, status, 0 as blocked, 0 as opened from wallet
                union all
                select shard_no, wallet_id, 0, case kind when 7 then seq else 0 end,
                    case kind when 11 then seq else 0 end
                from op where kind in (7, 11) and reject_code is null
            ) as both_sides
            group by shard_no, wallet_id
            having max(status) <> case when max(blocked) > max(opened) then 2 else 1 end",
    },
    Check {
        number: 9,
        name: "A wallet is next due when its first lot activates or expires or its first hold ends",
        sql: "select {wallet} || ': it is next due at ' || max(next_due) || ', its lots and holds say ' || min(due)
                as what
            from (
                select shard_no, wallet_id, next_due, 9223372036854775807 as due from wallet
                union all
                select shard_no, wallet_id, null, active_from from lot where state = 1 and remaining > 0
                union all
                select shard_no, wallet_id, null,
                    case when expires_at < 9223372036854775807 then expires_at + 1 else expires_at end
                from lot where state = 2 and remaining > reserved
                union all
                select shard_no, wallet_id, null, expires_at from hold where state = 1
            ) as both_sides
            group by shard_no, wallet_id having max(next_due) <> min(due)",
    },
    Check {
        number: 10,
        name: "An operation's amount, its entries and its use of lots tell one story",
        sql: "select {op} || ': its amount, entries and lots differ' as what
            from (
                select shard_no, wallet_id, seq, sum(kind) as kind, sum(amount) as amount, sum(posted) as posted,
                    sum(pending) as pending, sum(issued) as issued, sum(redeemed) as redeemed, sum(spent) as spent,
                    sum(reserved) as reserved, sum(released) as released, sum(restored) as restored,
                    sum(lost) as lost, sum(cancelled) as cancelled, sum(expired) as expired
                from (
                    select shard_no, wallet_id, seq, kind, case when reject_code is null then amount else 0 end as amount,
                        0 as posted, 0 as pending, 0 as issued, 0 as redeemed, 0 as spent, 0 as reserved,
                        0 as released, 0 as restored, 0 as lost, 0 as cancelled, 0 as expired
                    from op
                    union all
                    select shard_no, wallet_id, seq, 0, 0, case account_kind when 1 then amount else 0 end,
                        case account_kind when 2 then amount else 0 end,
                        case account_kind when 3 then amount else 0 end,
                        case account_kind when 4 then amount else 0 end, 0, 0, 0, 0, 0, 0, 0
                    from entry
                    union all
                    select shard_no, wallet_id, seq, 0, 0, 0, 0, 0, 0, case kind when 1 then qty else 0 end,
                        case kind when 2 then qty else 0 end, case kind when 3 then qty else 0 end,
                        case kind when 4 then qty else 0 end, case when kind in (6, 7) then qty else 0 end,
                        case kind when 8 then qty else 0 end, case kind when 5 then qty else 0 end
                    from lot_use
                ) as rows_of_ops
                group by shard_no, wallet_id, seq
            ) as story
            where posted + pending <> case kind when 1 then amount else 0 end + restored - spent - expired - lost
                    - cancelled
                or (kind = 1 and pending not in (0, amount))
                or (kind = 8 and pending <> -amount)
                or (kind not in (1, 8) and pending <> -cancelled)
                or redeemed <> spent - restored
                or amount <> case
                    when kind = 1 then -issued
                    when kind = 2 then reserved
                    when kind in (3, 5) then spent
                    when kind in (4, 9) then released
                    when kind = 6 then issued
                    when kind = 8 then amount
                    when kind = 10 then expired
                    else 0 end",
    },
    Check {
        number: 10,
        name: "Each kind of operation moves only its own accounts, and a rejected one none",
        sql: "select {wallet} || ' seq ' || op.seq || ' leg ' || entry.leg || ': an operation of kind ' || op.kind
                || ' has an entry of an account of kind ' || entry.account_kind as what
            from entry join op using (shard_no, wallet_id, seq)
            where op.reject_code is not null or not (
                (op.kind = 1 and entry.account_kind in (1, 2, 3, 5, 6))
                or (op.kind in (3, 6) and entry.account_kind between 1 and 6)
                or (op.kind in (4, 9) and entry.account_kind in (1, 5, 6))
                or (op.kind = 5 and entry.account_kind between 1 and 5)
                or (op.kind = 8 and entry.account_kind in (1, 2, 5, 6))
                or (op.kind = 10 and entry.account_kind in (1, 6)))",
    },
    Check {
        number: 10,
        name: "Each kind of operation uses lots only in its own ways, and a rejected one in none",
        sql: "select {wallet} || ' seq ' || op.seq || ' lot ' || lot_use.lot_no || ': an operation of kind ' || op.kind
                || ' has a use of kind ' || lot_use.kind as what
            from lot_use join op using (shard_no, wallet_id, seq)
            where op.reject_code is not null or not (
                (op.kind in (1, 8) and lot_use.kind in (5, 6))
                or (op.kind = 2 and lot_use.kind = 2)
                or (op.kind = 3 and lot_use.kind in (1, 3, 5, 6, 7, 8))
                or (op.kind in (4, 9) and lot_use.kind in (3, 5, 6))
                or (op.kind = 5 and lot_use.kind in (1, 6, 7, 8))
                or (op.kind = 6 and lot_use.kind in (4, 5, 6, 7, 8, 9))
                or (op.kind = 10 and lot_use.kind = 5))",
    },
    Check {
        number: 10,
        name: "Entries belong to the wallet or to the merchant of their operation, and are numbered without gaps",
        sql: "select {wallet} || ' seq ' || op.seq || ' leg ' || entry.leg || ': its account is of another' as what
            from entry join op using (shard_no, wallet_id, seq)
            where (entry.account_kind in (1, 2, 5) and entry.account_id <> wallet_id)
                or (entry.account_kind in (3, 4) and (op.merchant_id is null or entry.account_id <> op.merchant_id))
            union all
            select {op} || ': it has ' || count(*) || ' entries up to number ' || max(leg)
            from entry group by shard_no, wallet_id, seq having count(*) <> max(leg)",
    },
    Check {
        number: 10,
        name: "Entries, uses of lots and operations have what they belong to",
        sql: "select {op} || ' leg ' || leg || ': this entry has no operation' as what
            from entry left join op using (shard_no, wallet_id, seq) where op.kind is null
            union all
            select {op} || ' lot ' || lot_no || ': this use of a lot has no operation'
            from lot_use left join op using (shard_no, wallet_id, seq) where op.kind is null
            union all
            select {lot} || ': used at seq ' || seq || ', but there is no such lot'
            from lot_use left join lot using (shard_no, wallet_id, lot_no) where lot.state is null
            union all
            select {op} || ': this operation has no wallet'
            from op left join wallet using (shard_no, wallet_id) where wallet.status is null
            union all
            select {lot} || ': this lot has no wallet'
            from lot left join wallet using (shard_no, wallet_id) where wallet.status is null",
    },
    Check {
        number: 10,
        name: "The ledger itself activates, ends and expires, and nothing else; what follows another operation names it",
        sql: "select {op} || ': an operation of kind ' || kind || ' was recorded for another caller or without the '
                || 'operation it follows' as what
            from op
            where (kind in (8, 9, 10) and {hex caller} not like '04%')
                or (kind not in (6, 8, 9, 10) and {hex caller} like '04%')
                or (reject_code is null and (ref_seq is null) = (kind in (3, 4, 6, 9)))
                or ref_seq >= seq",
    },
    Check {
        number: 13,
        name: "Every hold that is over has one end, of the kind and with the points that it says",
        sql: "select {wallet} || ' hold ' || seq || ': its state and its end differ' as what
            from (
                select shard_no, wallet_id, seq, case state when 2 then 3 when 3 then 4 else 9 end as ended_by,
                    captured, 1 as n
                from hold where state <> 1
                union all
                select shard_no, wallet_id, ref_seq, kind, case kind when 3 then amount else 0 end, -1
                from op where kind in (3, 4, 9) and reject_code is null
                union all
                select shard_no, wallet_id, seq, 0, captured, 1 from hold where state = 1 and captured <> 0
            ) as both_sides
            group by shard_no, wallet_id, seq, ended_by, captured having sum(n) <> 0",
    },
];
