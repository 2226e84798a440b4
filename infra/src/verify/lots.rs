//! Lots and holds: invariants 5–7 and 15.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 5,
        name: "What is left of active lots is posted, what is left of pending lots is pending",
        sql: "select {wallet} || ': against its lots, posted is off by ' || sum(posted) || ' and pending by '
                || sum(pending) as what
            from (
                select shard_no, wallet_id, posted, pending from wallet
                union all
                select shard_no, wallet_id, case state when 2 then -remaining else 0 end,
                    case state when 1 then -remaining else 0 end
                from lot
            ) as both_sides
            group by shard_no, wallet_id having sum(posted) <> 0 or sum(pending) <> 0",
    },
    Check {
        number: 6,
        name: "A lot has left what its uses left of it, and reserved what they reserved",
        sql: "select {lot} || ': against its uses, remaining is off by ' || sum(remaining) || ' and reserved by '
                || sum(reserved) as what
            from (
                select shard_no, wallet_id, lot_no, remaining - original as remaining, reserved from lot
                union all
                select shard_no, wallet_id, lot_no,
                    case when kind in (2, 3) then 0 when kind = 4 then -qty else qty end,
                    case kind when 2 then -qty when 3 then qty else 0 end
                from lot_use
            ) as both_sides
            group by shard_no, wallet_id, lot_no having sum(remaining) <> 0 or sum(reserved) <> 0",
    },
    Check {
        number: 6,
        name: "The lot of an earn has the points, issuer, price and rule of its purchase",
        sql: "select {lot} || ': no lot has the terms of its purchase at seq ' || max(seq) as what
            from (
                select shard_no, wallet_id, lot_no, original, issuer_merchant, price, rule_version, 1 as lots, 0 as seq
                from lot
                union all
                select purchase.shard_no, purchase.wallet_id, purchase.lot_no, op.amount, purchase.merchant_id,
                    purchase.price, purchase.rule_version, 0, purchase.seq
                from purchase
                join op on op.shard_no = purchase.shard_no and op.wallet_id = purchase.wallet_id
                    and op.seq = purchase.seq
                where purchase.lot_no is not null
            ) as both_sides
            group by shard_no, wallet_id, lot_no, original, issuer_merchant, price, rule_version
            having sum(lots) <> 1",
    },
    Check {
        number: 6,
        name: "Every other lot took over the points of one that had expired when they came back",
        sql: "select {wallet} || ': lots made at ' || made_at || ' have ' || sum(qty)
                || ' points more than moved there' as what
            from (
                select shard_no, wallet_id, max(made_at) as made_at, max(issuer) as issuer, max(price) as price,
                    max(original) as qty
                from (
                    select shard_no, wallet_id, lot_no, active_from as made_at, {uuid issuer_merchant} as issuer,
                        price, original, 0 as purchases
                    from lot
                    union all
                    select shard_no, wallet_id, lot_no, null, null, null, null, 1
                    from purchase where lot_no is not null
                ) as made
                group by shard_no, wallet_id, lot_no having sum(purchases) = 0
                union all
                select lot_use.shard_no, lot_use.wallet_id, op.recorded_at, {uuid lot.issuer_merchant}, lot.price,
                    -lot_use.qty
                from lot_use
                join op on op.shard_no = lot_use.shard_no and op.wallet_id = lot_use.wallet_id
                    and op.seq = lot_use.seq
                join lot on lot.shard_no = lot_use.shard_no and lot.wallet_id = lot_use.wallet_id
                    and lot.lot_no = lot_use.lot_no
                where lot_use.kind = 9
            ) as both_sides
            group by shard_no, wallet_id, made_at, issuer, price having sum(qty) <> 0",
    },
    Check {
        number: 6,
        name: "One purchase has one lot, and lots are numbered without gaps",
        sql: "select {lot} || ': ' || count(*) || ' purchases have it' as what
            from purchase where lot_no is not null group by shard_no, wallet_id, lot_no having count(*) > 1
            union all
            select {wallet} || ': has ' || sum(lots) || ' lots up to number ' || max(lot_no)
                || ', the next is to be number ' || sum(next_lot) as what
            from (
                select shard_no, wallet_id, next_lot, 0 as lots, 0 as lot_no from wallet
                union all
                select shard_no, wallet_id, 0, 1, lot_no from lot
            ) as both_sides
            group by shard_no, wallet_id
            having sum(next_lot) <> sum(lots) + 1 or sum(next_lot) <> max(lot_no) + 1",
    },
    Check {
        number: 6,
        name: "A lot is restricted to its issuer or not at all, as the rule of its purchase says",
        sql: "select {lot} || ': it is restricted otherwise than its rule says' as what
            from lot left join earn_rule
                on earn_rule.merchant_id = lot.issuer_merchant and earn_rule.version = lot.rule_version
            where lot.restriction <> lot.issuer_merchant
                or earn_rule.spend_only_at_issuer <> case when lot.restriction is null then 0 else 1 end",
    },
    Check {
        number: 7,
        name: "A wallet's held points are those of its open holds, and those that its lots have reserved",
        sql: "select {wallet} || ': held is off by ' || sum(by_holds) || ' against its holds and by ' || sum(by_lots)
                || ' against its lots' as what
            from (
                select shard_no, wallet_id, held as by_holds, held as by_lots from wallet
                union all
                select shard_no, wallet_id, -amount, 0 from hold where state = 1
                union all
                select shard_no, wallet_id, 0, -reserved from lot where reserved <> 0
            ) as both_sides
            group by shard_no, wallet_id having sum(by_holds) <> 0 or sum(by_lots) <> 0",
    },
    Check {
        number: 7,
        name: "Every hold is an operation that reserved its points",
        sql: "select {wallet} || ' hold ' || seq || ': it is off by ' || sum(by_op) || ' points against its operation '
                || 'and by ' || sum(by_uses) || ' against its lots' as what
            from (
                select shard_no, wallet_id, seq, merchant_id, branch_id, receipt_no, amount as by_op,
                    amount as by_uses, 1 as n
                from hold
                union all
                select shard_no, wallet_id, seq, merchant_id, branch_id, receipt_no, -amount, -reserved, -1
                from (
                    select op.shard_no, op.wallet_id, op.seq, op.merchant_id, op.branch_id, op.receipt_no, op.amount,
                        (select coalesce(sum(lot_use.qty), 0) from lot_use where lot_use.shard_no = op.shard_no
                            and lot_use.wallet_id = op.wallet_id and lot_use.seq = op.seq and lot_use.kind = 2)
                            as reserved
                    from op where op.kind = 2 and op.reject_code is null
                ) as made
            ) as both_sides
            group by shard_no, wallet_id, seq, merchant_id, branch_id, receipt_no
            having sum(by_op) <> 0 or sum(by_uses) <> 0 or sum(n) <> 0",
    },
    Check {
        number: 7,
        name: "What a hold reserved of a lot is freed by its end, and only by its end",
        sql: "select {wallet} || ' hold ' || seq || ' lot ' || lot_no || ': ' || sum(qty)
                || ' points are reserved but not freed' as what
            from (
                select hold.shard_no, hold.wallet_id, hold.seq, lot_use.lot_no, lot_use.qty
                from hold
                join lot_use on lot_use.shard_no = hold.shard_no and lot_use.wallet_id = hold.wallet_id
                    and lot_use.seq = hold.seq and lot_use.kind = 2
                where hold.state <> 1
                union all
                select op.shard_no, op.wallet_id, op.ref_seq, lot_use.lot_no, -lot_use.qty
                from lot_use
                join op on op.shard_no = lot_use.shard_no and op.wallet_id = lot_use.wallet_id
                    and op.seq = lot_use.seq
                where lot_use.kind = 3
            ) as both_sides
            group by shard_no, wallet_id, seq, lot_no having sum(qty) <> 0",
    },
    Check {
        number: 7,
        name: "A capture spends of a lot at most what its hold had reserved there",
        sql: "select {op} || ' lot ' || lot_no || ': it spends ' || qty || ' of ' || reserved || ' reserved' as what
            from (
                select lot_use.wallet_id, lot_use.seq, lot_use.lot_no, lot_use.qty,
                    (select coalesce(sum(made.qty), 0) from lot_use as made where made.shard_no = op.shard_no
                        and made.wallet_id = op.wallet_id and made.seq = op.ref_seq
                        and made.lot_no = lot_use.lot_no and made.kind = 2) as reserved
                from lot_use
                join op on op.shard_no = lot_use.shard_no and op.wallet_id = lot_use.wallet_id
                    and op.seq = lot_use.seq
                where lot_use.kind = 1 and op.kind = 3
            ) as spent
            where qty > reserved",
    },
    Check {
        number: 7,
        name: "No hold is open past its end",
        sql: "select {wallet} || ' hold ' || hold.seq || ': it is open past its end at ' || hold.expires_at as what
            from hold left join wallet using (shard_no, wallet_id)
            where hold.state = 1 and (hold.expires_at < {stale} or hold.expires_at <= wallet.last_recorded_at)",
    },
    Check {
        number: 7,
        name: "A hold is captured or released before its time is over, and ended by the ledger after it",
        sql: "select 'wallet ' || {uuid hold.wallet_id} || ' hold ' || hold.seq || ': it ended at seq ' || op.seq || ', recorded at '
                || op.recorded_at || ', with its time over at ' || hold.expires_at as what
            from op cross join hold
            where hold.shard_no = op.shard_no and hold.wallet_id = op.wallet_id and hold.seq = op.ref_seq
                and op.reject_code is null
                and ((op.kind in (3, 4) and op.recorded_at >= hold.expires_at)
                    or (op.kind = 9 and (op.recorded_at < hold.expires_at or op.occurred_at <> hold.expires_at)))",
    },
    Check {
        number: 15,
        name: "Points are spent and reserved only while their lot is valid, and where it may be spent",
        sql: "select {op} || ' lot ' || lot_no || ': it was used out of its time or at another merchant' as what
            from (
                select op.wallet_id, op.seq, lot.lot_no
                from lot_use
                join op on op.shard_no = lot_use.shard_no and op.wallet_id = lot_use.wallet_id
                    and op.seq = lot_use.seq
                join lot on lot.shard_no = lot_use.shard_no and lot.wallet_id = lot_use.wallet_id
                    and lot.lot_no = lot_use.lot_no
                where (lot_use.kind = 2 or (lot_use.kind = 1 and op.kind = 5))
                    and (lot.expires_at < op.recorded_at or lot.active_from > op.recorded_at
                        or lot.restriction <> op.merchant_id)
            ) as misused",
    },
    Check {
        number: 15,
        name: "Points expire only after their lot's last instant, and an expiry of its own names that instant",
        sql: "select {op} || ' lot ' || lot_no || ': it expired out of its time' as what
            from (
                select op.wallet_id, op.seq, lot.lot_no
                from lot_use
                join op on op.shard_no = lot_use.shard_no and op.wallet_id = lot_use.wallet_id
                    and op.seq = lot_use.seq
                join lot on lot.shard_no = lot_use.shard_no and lot.wallet_id = lot_use.wallet_id
                    and lot.lot_no = lot_use.lot_no
                where lot_use.kind in (5, 9)
                    and (lot.expires_at >= case when op.kind in (8, 9, 10) then op.occurred_at else op.recorded_at end
                        or (op.kind = 10 and op.occurred_at <> lot.expires_at + 1))
            ) as misused",
    },
    Check {
        number: 15,
        name: "What expired is its issuer's breakage, at the price of its issue",
        sql: "select {op} || ': expired points and breakage differ by ' || sum(qty) || ' points and ' || sum(value)
                || ' minor units' as what
            from (
                select lot_use.shard_no, lot_use.wallet_id, lot_use.seq, lot.issuer_merchant as issuer, lot_use.qty,
                    lot_use.qty * lot.price as value
                from lot_use
                join lot on lot.shard_no = lot_use.shard_no and lot.wallet_id = lot_use.wallet_id
                    and lot.lot_no = lot_use.lot_no
                where lot_use.kind = 5
                union all
                select shard_no, wallet_id, seq, account_id, -amount, -value from entry where account_kind = 6
            ) as both_sides
            group by shard_no, wallet_id, seq, issuer having sum(qty) <> 0 or sum(value) <> 0",
    },
    Check {
        number: 15,
        name: "No free points of an active lot outlive an operation recorded after its last instant",
        sql: "select {lot} || ': it expired at ' || lot.expires_at || ' and its free points did not' as what
            from lot join wallet using (shard_no, wallet_id)
            where lot.state = 2 and lot.remaining > lot.reserved and lot.expires_at < wallet.last_recorded_at",
    },
    Check {
        number: 15,
        name: "Under one version of a rule, what was earned later does not expire earlier",
        sql: "select {lot} || ': it expires at ' || expires_at || ', and what was earned before it at ' || earlier
                as what
            from (
                select lot.wallet_id, lot.lot_no, lot.expires_at,
                    lag(lot.expires_at) over (partition by lot.issuer_merchant, lot.rule_version
                        order by op.occurred_at, lot.expires_at) as earlier
                from purchase
                join op on op.shard_no = purchase.shard_no and op.wallet_id = purchase.wallet_id
                    and op.seq = purchase.seq
                join lot on lot.shard_no = purchase.shard_no and lot.wallet_id = purchase.wallet_id
                    and lot.lot_no = purchase.lot_no
                join earn_rule on earn_rule.merchant_id = lot.issuer_merchant
                    and earn_rule.version = lot.rule_version
            ) as in_order
            where expires_at < earlier",
    },
];
