//! Damages to merchants' people, operators and agents, keys and sessions.

use super::{Damage, change, copy, delete};

pub(super) fn staff() -> Vec<Damage> {
    vec![
        change(
            24,
            "a post at another merchant's branch",
            "staff_post",
            "branch_id = (select branch_id from branch order by branch_id desc limit 1)",
            "role = 2",
        ),
        change(
            24,
            "somebody moved to another merchant",
            "staff",
            "merchant_id = (select merchant_id from merchant order by merchant_id desc limit 1)",
            "staff_id = (select staff_id from staff_post where role = 2)",
        ),
        delete(24, "the only post deleted", "staff_post", "role = 3 and branch_id is not null"),
        change(24, "somebody removed with posts", "staff", "removed_at = 1", "removed_at is null"),
        change(24, "somebody removed who came back", "staff", "removed_at = null", "removed_at is not null"),
        change(24, "two posts for all branches", "staff_post", "branch_id = null", "role = 2"),
        copy(
            24,
            "two posts for one branch",
            "staff_post",
            "staff_id, post_no, branch_id, role",
            "staff_id, 7, branch_id, 3",
            "role = 2",
        ),
        change(24, "the last owner demoted", "staff_post", "role = 3", "role = 1"),
    ]
}

pub(super) fn users() -> Vec<Damage> {
    let joined = "user_id = (select user_id from login_user where name = 'joined')";
    let lost_codes = "user_id = (select user_id from login_user where name = 'lost-codes')";
    let named = |name, number, sql: String| Damage { name, number, sql };
    vec![
        named(
            "what a user logs in with deleted",
            25,
            format!("delete from user_recovery_code where {joined}; delete from user_credential where {joined}"),
        ),
        change(25, "a user who never joined", "login_user", "joined_at = null", "name = 'joined'"),
        change(25, "a user who joined without a password", "login_user", "joined_at = 1", "name = 'invited'"),
        change(25, "an invited user who logged in", "login_user", "logged_in_at = 1", "name = 'invited'"),
        delete(25, "the invitation of a user who has not joined", "user_invitation", "wants = 3"),
        change(25, "a password lost", "user_credential", "password_hash = null", joined),
        change(25, "a secret of codes lost", "user_credential", "totp_secret = null", joined),
        change(25, "a password lost beside a reset of codes", "user_credential", "password_hash = null", lost_codes),
        named(
            "recovery codes without a secret",
            25,
            format!("update user_recovery_code set user_id = (select user_id from login_user where name = 'lost-codes')
                where {joined}"),
        ),
        change(25, "an invitation to replace a password", "user_invitation", "wants = 3", lost_codes),
        change(25, "an invitation that lacks the secret", "user_invitation", "wants = 1", lost_codes),
        change(25, "an invitation that lacks the password", "user_invitation", "wants = 2", "wants = 3"),
    ]
}

pub(super) fn keys() -> Vec<Damage> {
    vec![
        change(26, "a key of no merchant", "api_key", "merchant_id = api_key_id", "prefix = 'key-1'"),
        change(26, "a replacement forgotten", "api_key", "replaced_by = null", "prefix = 'key-4'"),
        change(
            26,
            "a replacement that is not there",
            "api_key",
            "replaced_by = merchant_id",
            "prefix = 'key-1'",
        ),
        change(26, "a key that replaces nothing any more", "api_key", "replaces = null", "prefix = 'key-6'"),
        change(26, "a replacement that may do more", "api_key", "scopes = 255", "prefix = 'key-9'"),
        delete(26, "the maker of a key deleted", "api_key", "prefix = 'key-2'"),
        change(
            26,
            "a key that another merchant's key made",
            "api_key",
            "merchant_id = (select merchant_id from merchant order by merchant_id desc limit 1)",
            "prefix = 'key-3'",
        ),
        change(26, "a key that may do more than its maker", "api_key", "scopes = 255", "prefix = 'key-3'"),
        change(
            26,
            "a key that outlives its maker",
            "api_key",
            "expires_at = expires_at + 1",
            "prefix = 'key-3'",
        ),
        change(
            26,
            "a key without an end whose maker has one",
            "api_key",
            "expires_at = null",
            "prefix = 'key-3'",
        ),
        change(
            26,
            "a key revoked without what it made",
            "api_key",
            "revoked_at = created_at",
            "prefix = 'key-2'",
        ),
        change(26, "a key of a revoked one made good", "api_key", "revoked_at = null", "prefix = 'key-5'"),
        change(26, "a key further down made good", "api_key", "revoked_at = null", "prefix = 'key-10'"),
    ]
}

/// Members that were erased, each with something that should have gone.
pub(super) fn erased() -> Vec<Damage> {
    /// Somebody whom a merchant has dealt with.
    const RELATED: &str = "member_id in (select member_id from relation where source <> 4)";
    // What an erasure leaves of the first member that meets a condition.
    const ERASED: &str = "name = 'erased-1', mobile = 'erased-1', card_number = null, language = null, search_key = '', \
         status = 2, erased_at = 9000000000000000";
    const BLOCKED: &str = "update wallet set status = 2
            where wallet_id in (select wallet_id from member where erased_at is not null);
        insert into board_hidden (member_id, hidden_at) select member_id, 1 from member where erased_at is not null
            on conflict (member_id) do update set hidden_at = 1;
        insert into revocation (kind, subject, revoked_at, expires_at)
            select 2, member_id, 1, 9223372036854775807 from member where erased_at is not null
            on conflict (kind, subject) do update set expires_at = excluded.expires_at;
        update relation set consent = 1, consented_at = 1
            where member_id in (select member_id from member where erased_at is not null)";
    let one = |condition: &str| {
        format!("member_id = (select member_id from member where {condition} order by member_id limit 1)")
    };
    let named = |name, sql: String| Damage { name, number: 30, sql };
    let with = |name, then: &str| {
        named(name, format!("update member set {ERASED} where {}; {BLOCKED}; {then}", one(RELATED)))
    };
    let keeps = |name, what: &str| {
        let whole = format!("update member set {ERASED} where {}; {BLOCKED}", one(RELATED));
        named(name, format!("{whole}; update member set {what} where erased_at is not null"))
    };
    vec![
        named(
            "a member that was not erased under a pseudonym",
            format!("update member set name = 'erased-1', mobile = 'erased-1' where {}", one(RELATED)),
        ),
        keeps("an erased member with a name", "name = 'Mina'"),
        keeps("an erased member with a number", "mobile = '+989120000000'"),
        keeps("an erased member with a card", "card_number = '6273001234'"),
        keeps("an erased member with a language", "language = 'fa'"),
        keeps("an erased member that a search finds", "search_key = 'mina'"),
        keeps("an erased member that is open", "status = 1"),
        with(
            "a reference of an erased member",
            "insert into customer_ref (merchant_id, customer_ref, member_id, created_at)
                select merchant_id, 'C-30', member_id, 1 from member, merchant
                where erased_at is not null and merchant_id = (select merchant_id from staff order by staff_id limit 1)",
        ),
        with(
            "a session of an erased member",
            "update session set ended_at = null, end_reason = null,
                subject = (select member_id from member where erased_at is not null) where kind = 1",
        ),
        with(
            "a code to log in with of an erased member",
            "insert into login_challenge (challenge_id, kind, subject, code_hash, tries_left, expires_at)
                select session_id, 1, member_id, secret_hash, 1, 1 from session, api_key, member
                where session.kind = 1 and api_key.prefix = 'key-1' and erased_at is not null",
        ),
        with(
            "an erased member on boards",
            "delete from board_hidden where member_id in (select member_id from member where erased_at is not null)",
        ),
        with(
            "a token that is good for an erased member",
            "update revocation set expires_at = 9000000000000000
                where subject in (select member_id from member where erased_at is not null)",
        ),
        named(
            "a merchant that sees what an erased member has",
            format!(
                "update member set {ERASED} where {}; {BLOCKED}; update relation set consent = null, consented_at = null
                    where source <> 4 and member_id in (select member_id from member where erased_at is not null)",
                one(RELATED),
            ),
        ),
        named(
            "the wallet of an erased member open",
            format!("update member set {ERASED} where {}; {BLOCKED}; update wallet set status = 1
                where wallet_id in (select wallet_id from member where erased_at is not null)", one(RELATED)),
        ),
    ]
}

pub(super) fn sessions() -> Vec<Damage> {
    let named = |name, sql: &str| Damage { name, number: 27, sql: sql.to_owned() };
    vec![
        change(27, "a session of nobody", "session", "subject = session_id", "kind = 1"),
        change(27, "a session of another kind", "session", "kind = 2", "kind = 1"),
        change(27, "a session of staff of nobody", "session", "subject = session_id", "kind = 2"),
        change(27, "a session of no user", "session", "subject = session_id", "kind = 3"),
        named(
            "a code to log in that is nobody's",
            "insert into login_challenge (challenge_id, kind, subject, code_hash, tries_left, expires_at)
                select session_id, 1, session_id, secret_hash, 1, 1 from session, api_key
                where session.kind = 1 and api_key.prefix = 'key-1'",
        ),
        change(
            27,
            "a session that ended without a reason",
            "session",
            "end_reason = null",
            "ended_at is not null",
        ),
        change(
            27,
            "a session that goes on with a reason",
            "session",
            "ended_at = null",
            "ended_at is not null",
        ),
        named(
            "a session of somebody removed goes on",
            "update staff set removed_at = 1 where removed_at is not null;
                update session set ended_at = null, end_reason = null
                where subject in (select staff_id from staff where removed_at is not null)",
        ),
        named(
            "a session of a disabled user goes on",
            "update session set ended_at = null, end_reason = null
                where subject in (select user_id from login_user where disabled_at is not null)",
        ),
    ]
}
