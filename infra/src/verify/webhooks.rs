//! Webhooks, which no foreign key binds to anything: invariant 28, and a part of invariant 18.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 28,
        name: "An endpoint for webhooks is one of a merchant that is there",
        sql: "select 'endpoint ' || {uuid webhook_endpoint.endpoint_id} || ': there is no merchant '
                || {uuid webhook_endpoint.merchant_id} as what
            from webhook_endpoint
            left join merchant on merchant.merchant_id = webhook_endpoint.merchant_id
            where merchant.merchant_id is null",
    },
    Check {
        number: 28,
        name: "An endpoint that was not removed has one secret without an end, and no other thing has secrets",
        sql: "select 'endpoint ' || {uuid endpoint_id} || ': it has ' || sum(lasting) || ' secrets without an end, and '
                || sum(secrets) || ' in all' as what
            from (
                select endpoint_id, case when status <> 3 then 1 else 0 end as wanted, 0 as lasting, 0 as secrets
                from webhook_endpoint
                union all
                select endpoint_id, 0, case when expires_at is null then 1 else 0 end, 1 from webhook_secret
            ) as both_sides
            group by endpoint_id having sum(lasting) <> sum(wanted) or (sum(wanted) = 0 and sum(secrets) > 0)",
    },
    // A ping tells of nothing. Types of events and kinds of operations, in pairs: as in the domain.
    Check {
        number: 28,
        name: "What an endpoint is told of is an applied operation of its merchant, of the kind that it tells",
        sql: "select 'delivery ' || {uuid d.delivery_id} || case
                when e.endpoint_id is null then ': there is no such endpoint'
                else ': seq ' || d.seq || ' of the wallet is no such operation of its merchant' end as what
            from webhook_delivery d
            left join webhook_endpoint e on e.endpoint_id = d.endpoint_id
            left join op o on o.shard_no = d.shard_no and o.wallet_id = d.wallet_id and o.seq = d.seq
                and o.merchant_id = e.merchant_id and o.reject_code is null and o.recorded_at = d.recorded_at
                and o.kind = case d.event_type when 1 then 1 when 2 then 2 when 3 then 3 when 4 then 4
                    when 5 then 9 when 6 then 5 when 7 then 6 end
            where e.endpoint_id is null or (o.seq is null and d.event_type <> 8)",
    },
    Check {
        number: 28,
        name: "What waits for an endpoint is in its queue",
        sql: "select 'delivery ' || {uuid d.delivery_id} || ': nobody will ever send it' as what
            from webhook_delivery d
            join webhook_endpoint e on e.endpoint_id = d.endpoint_id and e.status <> 3
            left join webhook_queue q on q.endpoint_id = d.endpoint_id and q.wallet_id = d.wallet_id
            where d.status = 1 and q.endpoint_id is null",
    },
    Check {
        number: 18,
        name: "What is due at an endpoint is tried in time",
        sql: "select 'endpoint ' || {uuid q.endpoint_id} || ': an event in wallet ' || {uuid q.wallet_id}
                || ' is due since ' || q.next_try_at as what
            from webhook_queue q
            join webhook_endpoint e on e.endpoint_id = q.endpoint_id and e.status = 1
            where q.next_try_at < {stale present} and coalesce(e.paused_until, 0) < {stale present} and not exists (
                select 1 from webhook_delivery d where d.endpoint_id = e.endpoint_id and d.tried_at >= {stale present})",
    },
];
