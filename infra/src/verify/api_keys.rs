//! Merchants' API keys, which no foreign key binds to anything: invariant 26.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 26,
        name: "An API key is one of a merchant that is there",
        sql: "select 'key ' || {uuid api_key.api_key_id} || ': there is no merchant '
                || {uuid api_key.merchant_id} as what
            from api_key
            left join merchant on merchant.merchant_id = api_key.merchant_id
            where merchant.merchant_id is null",
    },
    Check {
        number: 26,
        name: "A key and the one that replaces it name each other, are one merchant's and may do the same",
        sql: "select 'key ' || {uuid earlier} || case when sum(n) > 0 then ': names ' || {uuid later}
                || ' as its replacement, which is none' else ': does not name ' || {uuid later}
                || ', which says that it replaces it' end as what
            from (
                select merchant_id, scopes, api_key_id as earlier, replaced_by as later, 1 as n from api_key
                where replaced_by is not null
                union all
                select merchant_id, scopes, replaces, api_key_id, -1 from api_key where replaces is not null
            ) as both_sides
            group by merchant_id, scopes, earlier, later having sum(n) <> 0",
    },
    // The end of a key moves when it is replaced, after it has made others.
    Check {
        number: 26,
        name: "What a key makes is its merchant's, may do no more than it, and ends no later",
        sql: "select 'key ' || {uuid made.api_key_id} || ', made with key ' || {uuid made.made_by_id} || case
                when maker.api_key_id is null then ': which is not there'
                when maker.merchant_id <> made.merchant_id then ': which is another merchant''s'
                when (made.scopes & ~maker.scopes) <> 0 then ': may do more'
                else ': ends later' end as what
            from api_key as made
            left join api_key as maker on maker.api_key_id = made.made_by_id
            where made.made_by_kind = 4 and (maker.api_key_id is null
                or maker.merchant_id <> made.merchant_id
                or (made.scopes & ~maker.scopes) <> 0
                or (maker.replaced_by is null and maker.expires_at is not null
                    and (made.expires_at is null or made.expires_at > maker.expires_at)))",
    },
    // Whoever made the key, and whoever made that one, and so on. What replaces a key goes on when that is revoked; a key
    // that was replaced at once is revoked in the moment in which the other one was made, and nobody took it away.
    Check {
        number: 26,
        name: "What a revoked key made is revoked, and what that made, but for its replacement",
        sql: "with recursive line as (
                select api_key_id as key_id, api_key_id as child_id, made_by_id as maker_id from api_key
                where made_by_kind = 4 and revoked_at is null
                union
                select line.key_id, above.api_key_id, above.made_by_id from line
                join api_key as above on above.api_key_id = line.maker_id and above.made_by_kind = 4
            )
            select 'key ' || {uuid line.key_id} || ': is good, and key ' || {uuid maker.api_key_id}
                || ' that made it is revoked' as what
            from line
            join api_key as child on child.api_key_id = line.child_id
            join api_key as maker on maker.api_key_id = line.maker_id
            left join api_key as replacement on replacement.api_key_id = maker.replaced_by
                and replacement.created_at = maker.revoked_at
            where maker.revoked_at is not null and replacement.api_key_id is null
                and (child.replaces is null or child.replaces <> maker.api_key_id)",
    },
];
