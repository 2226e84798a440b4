//! The outbox and its relay: nothing is lost on the way out, and nothing is stuck: invariants 17 and 18.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 17,
        name: "Relayed batches are numbered without gaps up to the relay's cursor",
        sql: "select 'bucket ' || bucket || ': ' || sum(n) || ' numbers are kept from ' || min(first) || ' to '
                || max(last) || ', the relay is at ' || sum(relay_no) as what
            from (
                select bucket, relay_no, 0 as n, null as first, null as last from relay
                union all
                select bucket, 0, 1, relay_no, relay_no from outbox where relay_no is not null
            ) as both_sides
            group by bucket
            having sum(n) > 0 and (max(last) <> sum(relay_no) or sum(n) <> max(last) - min(first) + 1)",
    },
    Check {
        number: 17,
        name: "No consumer is ahead of the relay",
        sql: "select 'consumer ' || consumer || ' bucket ' || bucket || ': it is at ' || consumer_cursor.relay_no
                || ', the relay at ' || coalesce(relay.relay_no, 0) as what
            from consumer_cursor left join relay using (bucket)
            where consumer_cursor.relay_no > coalesce(relay.relay_no, 0)",
    },
    Check {
        number: 17,
        name: "A batch is in the outbox while its bucket keeps all, and what is in the outbox is a batch",
        sql: "select 'batch ' || {uuid batch_id} || ' bucket ' || bucket || case when sum(kept) = 0
                then ': it is not in the outbox' else ': it has no operations' end as what
            from (
                select distinct shard_no % 16 as bucket, batch_id, 1 as written, 0 as kept from op
                union all
                select bucket, batch_id, 0, 1 from outbox
            ) as both_sides
            left join (
                select bucket, max(relay_no) - sum(numbered) as dropped
                from (
                    select bucket, relay_no, 0 as numbered from relay
                    union all
                    select bucket, 0, 1 from outbox where relay_no is not null
                ) as numbers
                group by bucket
            ) as retention using (bucket)
            group by bucket, batch_id
            having sum(written) = 0 or (sum(kept) = 0 and coalesce(max(dropped), 0) <= 0)",
    },
    Check {
        number: 17,
        name: "The outbox tells exactly which operations of which wallets a batch has",
        sql: "select 'batch ' || {uuid batch_id} || ' bucket ' || bucket || ': it tells of other operations' as what
            from (
                select bucket, batch_id, '[' || string_agg('[\"' || {uuid wallet_id} || '\",' || first || ',' || last
                    || ']', ',' order by wallet_id) || ']' as told
                from (
                    select shard_no % 16 as bucket, batch_id, wallet_id, min(seq) as first, max(seq) as last from op
                    group by shard_no, batch_id, wallet_id
                ) as touched
                group by bucket, batch_id
            ) as written
            join outbox using (bucket, batch_id)
            where payload <> told",
    },
    Check {
        number: 18,
        name: "Every batch is relayed in time",
        sql: "select 'batch ' || {uuid batch_id} || ' bucket ' || bucket || ': it waits since ' || recorded_at as what
            from (
                select shard_no % 16 as bucket, batch_id, min(recorded_at) as recorded_at from op
                where batch_id in (select batch_id from outbox where relay_no is null)
                group by shard_no % 16, batch_id
            ) as batches
            join outbox using (bucket, batch_id)
            where relay_no is null and recorded_at < {stale}",
    },
    Check {
        number: 18,
        name: "What left one wallet for another has arrived",
        sql: "select sum(entry.amount) || ' points are between two wallets' as what
            from entry join op using (shard_no, wallet_id, seq)
            where entry.account_kind = 7 and op.recorded_at < {stale}
            having sum(entry.amount) <> 0",
    },
];
