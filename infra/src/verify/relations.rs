//! Relations between merchants and members: invariant 23, and a part of invariant 18.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 23,
        name: "An operation of its merchant in its member's wallet began each relation that names one",
        sql: "select 'relation of member ' || {uuid relation.member_id} || ' with merchant ' || {uuid relation.merchant_id}
                || ': seq ' || relation.seq || ' of the wallet is not its applied operation' as what
            from relation
            left join member on member.member_id = relation.member_id
            left join op on op.shard_no = {shard member.wallet_id} and op.wallet_id = member.wallet_id
                and op.seq = relation.seq and op.merchant_id = relation.merchant_id and op.reject_code is null
            where relation.source = 3 and op.seq is null",
    },
    Check {
        number: 23,
        name: "Each relation is of a member with a merchant",
        sql: "select 'relation of member ' || {uuid relation.member_id} || ' with merchant ' || {uuid relation.merchant_id}
                || ': there is no such member or no such merchant' as what
            from relation
            left join member on member.member_id = relation.member_id
            left join merchant on merchant.merchant_id = relation.merchant_id
            where member.member_id is null or merchant.merchant_id is null",
    },
    Check {
        number: 18,
        name: "Whoever had points of a member earned or spent has a relation with it in time",
        sql: "select 'wallet ' || {uuid begun.wallet_id} || ' seq ' || begun.seq
                || ': no relation with merchant ' || {uuid begun.merchant_id} as what
            from (
                select wallet_id, merchant_id, min(seq) as seq, min(recorded_at) as recorded_at from op
                where reject_code is null and merchant_id is not null
                group by wallet_id, merchant_id
            ) as begun
            join member on member.wallet_id = begun.wallet_id
            join merchant on merchant.merchant_id = begun.merchant_id
            left join relation on relation.member_id = member.member_id
                and relation.merchant_id = begun.merchant_id and relation.source <> 4
            where relation.member_id is null and begun.recorded_at < {stale}",
    },
];
