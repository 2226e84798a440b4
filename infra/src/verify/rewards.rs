//! Rewards and redemptions, which no foreign key binds to anything: invariant 29.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 29,
        name: "A reward is one of a merchant that is there",
        sql: "select 'reward ' || {uuid reward.reward_id} || ': there is no merchant ' || {uuid reward.merchant_id} as what
            from reward
            left join merchant on merchant.merchant_id = reward.merchant_id
            where merchant.merchant_id is null",
    },
    Check {
        number: 29,
        name: "A redemption is of its merchant's reward, in a wallet of its shard, and has the voucher that names it",
        sql: "select 'redemption ' || {uuid r.redemption_id} || case
                when w.reward_id is null then ': its merchant has no such reward'
                when v.redemption_id is null then ': no voucher has its code'
                else ': it is not in the shard of its wallet' end as what
            from redemption r
            left join reward w on w.reward_id = r.reward_id and w.merchant_id = r.merchant_id
            left join voucher v on v.merchant_id = r.merchant_id and v.code = r.voucher
                and v.redemption_id = r.redemption_id
            where w.reward_id is null or v.redemption_id is null or r.shard_no <> {shard r.wallet_id}
                or r.shard_no <> {shard r.redemption_id}",
    },
    Check {
        number: 29,
        name: "A redemption was begun by one key and has one voucher, and none of these is without it",
        sql: "select 'redemption ' || {uuid redemption_id} || ': there are ' || sum(claims) || ' keys, ' || sum(vouchers)
                || ' vouchers and ' || sum(redemptions) || ' redemptions' as what
            from (
                select redemption_id, 0 as claims, 0 as vouchers, 1 as redemptions from redemption
                union all
                select redemption_id, 1, 0, 0 from redemption_claim
                union all
                select redemption_id, 0, 1, 0 from voucher
            ) as all_sides
            group by redemption_id having sum(claims) <> 1 or sum(vouchers) <> 1 or sum(redemptions) <> 1",
    },
    // States of redemptions are those of holds and one more: as in the domain. The end of a hold is noted from the outbox,
    // so that one which is still reserved may be behind for a while.
    Check {
        number: 29,
        name: "A redemption stands where its hold does, which its merchant has for its price",
        sql: "select 'redemption ' || {uuid r.redemption_id} || case
                when o.seq is null then ': seq ' || r.hold_seq || ' of the wallet did not ask for its points'
                when h.seq is null then ': it has no hold of its merchant over its points'
                when h.captured <> r.points and r.state = 3 then ': not its price was taken, but ' || h.captured
                else ': its state is ' || r.state || ', and that of its hold ' || h.state end as what
            from redemption r
            left join op o on o.shard_no = r.shard_no and o.wallet_id = r.wallet_id and o.seq = r.hold_seq
                and o.idem = r.hold_idem
            left join hold h on h.shard_no = r.shard_no and h.wallet_id = r.wallet_id and h.seq = r.hold_seq
                and h.merchant_id = r.merchant_id and h.amount = r.points and h.expires_at = r.expires_at
            where r.state <> 1 and (o.seq is null
                or (r.state = 6 and o.reject_code is null)
                or (r.state <> 6 and h.seq is null)
                or (r.state in (3, 4, 5) and h.state <> r.state - 1)
                or (r.state = 3 and h.captured <> r.points)
                or (r.state = 2 and h.state <> 1 and h.expires_at < {stale}))",
    },
    Check {
        number: 29,
        name: "A redemption that a crash left pending is finished",
        sql: "select 'redemption ' || {uuid redemption_id} || ': it is pending since ' || created_at as what
            from redemption where state = 1 and created_at < {stale}",
    },
    Check {
        number: 29,
        name: "A stock is what came and went, without the pieces that are with redemptions",
        sql: "select 'reward ' || {uuid reward_id} || ': its stock is off by ' || sum(pieces) as what
            from (
                select reward_id, stock as pieces from reward where stock is not null
                union all
                select reward_id, -change from reward_stock
                union all
                select r.reward_id, 1 from redemption r
                join reward w on w.reward_id = r.reward_id and w.stock is not null
                where r.state in (1, 2, 3)
            ) as all_sides
            group by reward_id having sum(pieces) <> 0",
    },
    Check {
        number: 29,
        name: "What is counted of a reward for a wallet are its redemptions there",
        sql: "select {wallet} || ': of reward ' || {uuid reward_id} || ' it has ' || sum(live) || ' pieces, and '
                || sum(counted) || ' are counted' as what
            from (
                select wallet_id, reward_id, 1 as live, 0 as counted from redemption where state in (1, 2, 3)
                union all
                select wallet_id, reward_id, 0, taken from reward_taken
            ) as both_sides
            group by wallet_id, reward_id having sum(live) <> sum(counted)",
    },
];
