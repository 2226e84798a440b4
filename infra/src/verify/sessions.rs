//! Log-ins: whose they are, and that they end with what they rest on: invariant 27.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 27,
        name: "A session, or a code to log in with, is somebody's who is there",
        sql: "select log_in.name || ': there is no such ' || case log_in.kind when 1 then 'member'
                when 2 then 'person of a merchant' else 'user' end as what
            from (
                select 'session ' || {uuid session_id} as name, kind, subject from session
                union all
                select 'code ' || {uuid challenge_id}, kind, subject from login_challenge
                where subject is not null
            ) as log_in
            left join (
                select 1 as kind, member_id as id from member
                union all
                select 2, staff_id from staff
                union all
                select 3, user_id from login_user
            ) as somebody on somebody.kind = log_in.kind and somebody.id = log_in.subject
            where somebody.id is null",
    },
    Check {
        number: 27,
        name: "A session that was ended says why, and no other does",
        sql: "select 'session ' || {uuid session_id} || case when ended_at is null
                then ': goes on with a reason to have ended' else ': ended without a reason' end as what
            from session where (ended_at is null) <> (end_reason is null)",
    },
    // Sessions of a merchant's person end after the removal was written; whatever stopped in between is asked for again.
    Check {
        number: 27,
        name: "The sessions of whoever was removed or disabled ended with that",
        sql: "select 'session ' || {uuid session.session_id} || ': goes on, and whose it is was '
                || case session.kind when 2 then 'removed' else 'disabled' end as what
            from session
            join (
                select 2 as kind, staff_id as id, removed_at as gone_at from staff where removed_at < {stale present}
                union all
                select 3, user_id, disabled_at from login_user where disabled_at is not null
            ) as gone on gone.kind = session.kind and gone.id = session.subject
            where session.ended_at is null and session.expires_at > gone.gone_at",
    },
];
