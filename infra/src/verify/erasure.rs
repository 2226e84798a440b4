//! Erased members: invariant 30.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 30,
        name: "An erased member's row holds a pseudonym and nothing that is a person's, and no other row does",
        sql: "select 'member ' || {uuid member_id} || case when erased_at is null then ': has a pseudonym and was not erased'
                else ': was erased and has an identity' end as what
            from member
            where (erased_at is not null) <> (mobile like 'erased-%' and name like 'erased-%')
                or erased_at is not null
                    and (card_number is not null or language is not null or search_key <> '' or status <> 2)",
    },
    Check {
        number: 30,
        name: "Nothing else knows an erased member as a person, and nothing lets it in",
        sql: "select 'member ' || {uuid member.member_id} || ': was erased and ' || left_over.what as what
            from member
            join (
                select member_id, 'a merchant has a reference of it' as what from customer_ref
                union all
                select member_id, 'a consent is kept' from relation where consent = 2
                union all
                select member_id, 'a merchant sees what it has' from relation where consent is null
                union all
                select subject, 'a code to log in with is kept' from login_challenge where kind = 1
                union all
                select subject, 'a session goes on' from session where kind = 1 and ended_at is null
                union all
                select member_id, 'a file holds what was known of it' from export_job where member_id is not null
                union all
                select member.member_id, 'others see it on boards' from member
                left join board_hidden on board_hidden.member_id = member.member_id
                where board_hidden.member_id is null
                union all
                select member.member_id, 'a token that is made for it lets it in' from member
                left join revocation on revocation.kind = 2 and revocation.subject = member.member_id
                    and revocation.expires_at = 9223372036854775807
                where revocation.subject is null
            ) as left_over on left_over.member_id = member.member_id
            where member.erased_at is not null",
    },
    Check {
        number: 30,
        name: "The wallet of an erased member is blocked",
        sql: "select {wallet} || ': its member was erased, and it is open' as what
            from (
                select wallet.wallet_id from wallet
                join member on member.wallet_id = wallet.wallet_id
                where member.erased_at is not null and wallet.status = 1
            ) as still_open",
    },
];
