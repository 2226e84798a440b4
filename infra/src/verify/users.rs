//! Operators and agents, and what they log in with: invariant 25.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 25,
        name: "Whoever has joined logs in with something; whoever has not has an invitation and nothing else",
        sql: "select 'user ' || {uuid login_user.user_id} || case
                when login_user.joined_at is not null then ': has joined, and there is nothing to log in with'
                when user_invitation.user_id is null then ': has not joined and has no invitation'
                else ': has not joined, and has what only an accepted invitation gives' end as what
            from login_user
            left join user_credential on user_credential.user_id = login_user.user_id
            left join user_invitation on user_invitation.user_id = login_user.user_id
            where (login_user.joined_at is not null and user_credential.user_id is null)
                or (login_user.joined_at is null and (user_invitation.user_id is null
                    or user_credential.user_id is not null or login_user.logged_in_at is not null))",
    },
    Check {
        number: 25,
        name: "A password or a secret of codes is missing only where the audit log tells of a reset",
        sql: "select 'user ' || {uuid user_credential.user_id} || ': has no '
                || case when user_credential.password_hash is null and coalesce(reset.password, 0) = 0
                then 'password' else 'secret of codes' end || ', and nobody reset it' as what
            from user_credential
            left join (
                select target_id, max(case act when 35 then 1 else 0 end) as password,
                    max(case act when 36 then 1 else 0 end) as totp
                from audit_entry
                where act in (35, 36) and target_kind = 4 and detail like '%\"invitation\":true%'
                group by target_id
            ) as reset on reset.target_id = user_credential.user_id
            where (user_credential.password_hash is null and coalesce(reset.password, 0) = 0)
                or (user_credential.totp_secret is null and coalesce(reset.totp, 0) = 0)",
    },
    Check {
        number: 25,
        name: "Recovery codes are only with those who have a secret of codes",
        sql: "select 'user ' || {uuid codes.user_id} || ': has ' || codes.n
                || ' recovery codes and no secret that they stand in for' as what
            from (select user_id, count(*) as n from user_recovery_code group by user_id) as codes
            left join user_credential on user_credential.user_id = codes.user_id
            where user_credential.totp_secret is null",
    },
    // Whoever holds one that sets a password in the place of another could become that user.
    Check {
        number: 25,
        name: "An invitation is to set a password where there is none, and only there",
        sql: "select 'user ' || {uuid user_invitation.user_id} || case
                when user_invitation.wants = 2 then ': has no password, and the invitation sets none'
                when user_credential.password_hash is not null then ': has a password that the invitation replaces'
                else ': has no secret of codes, and the invitation sets none' end as what
            from user_invitation
            left join user_credential on user_credential.user_id = user_invitation.user_id
            where (user_invitation.wants <> 2) <> (user_credential.password_hash is null)
                or (user_invitation.wants = 1 and user_credential.totp_secret is null)",
    },
];
