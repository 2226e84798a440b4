//! Damages to the audit log.

use super::{Damage, change, copy, delete};

pub(super) fn log() -> Vec<Damage> {
    const LAST: &str = "seq = (select max(seq) from audit_entry)";
    let statements = |name, number, sql: &str| Damage { name, number, sql: sql.to_owned() };
    vec![
        change(22, "a detail of the log", "audit_entry", "detail = '{}'", "seq = 3"),
        change(22, "an actor of the log", "audit_entry", "actor_id = target_id", "seq = 3"),
        change(22, "a kind of actor", "audit_entry", "actor_kind = 1, actor_id = null", "seq = 3"),
        change(22, "a role of the log", "audit_entry", "caller_role = 2", "seq = 3"),
        change(22, "an act of the log", "audit_entry", "act = act + 1", "seq = 3"),
        change(22, "a target of the log", "audit_entry", "target_id = actor_id", "seq = 3"),
        change(22, "a time of the log", "audit_entry", "recorded_at = recorded_at - 1", "seq = 3"),
        change(22, "a request of the log", "audit_entry", "request_id = 'r-0'", "seq = 3"),
        change(22, "the last entry of the log", "audit_entry", "detail = '[]'", LAST),
        change(21, "a hash of the log", "audit_entry", "hash = previous_hash", "seq = 3"),
        change(21, "a link of the log", "audit_entry", "previous_hash = hash", "seq = 3"),
        delete(19, "an entry in the middle of the log", "audit_entry", "seq = 3"),
        delete(21, "an entry that the next one follows from", "audit_entry", "seq = 3"),
        delete(19, "the first entry of the log", "audit_entry", "seq = 1"),
        delete(20, "the last entry of the log deleted", "audit_entry", LAST),
        statements("two entries of the log deleted", 20, "delete from audit_entry where seq >= 5"),
        statements("the whole log deleted", 20, "delete from audit_entry"),
        statements(
            "two entries of the log swapped",
            22,
            "update audit_entry set seq = 100 where seq = 2; update audit_entry set seq = 2 where seq = 3;
                update audit_entry set seq = 3 where seq = 100",
        ),
        statements(
            "the numbers of the log closed up",
            22,
            "delete from audit_entry where seq = 3; update audit_entry set seq = 3 where seq = 4;
                update audit_entry set seq = 4 where seq = 5; update audit_entry set seq = 5 where seq = 6",
        ),
        copy(
            20,
            "an entry added to the log",
            "audit_entry",
            "seq, recorded_at, actor_kind, actor_id, caller_role, caller_id, act, target_kind, target_id, detail, \
            request_id, previous_hash, hash",
            "seq + 1, recorded_at, actor_kind, actor_id, caller_role, caller_id, act, target_kind, target_id, detail, \
            request_id, hash, hash",
            LAST,
        ),
        change(
            20,
            "the hash of the log's head",
            "audit_head",
            "hash = (select previous_hash from audit_entry where seq = 2)",
            "1 = 1",
        ),
        change(20, "the place of the log's head", "audit_head", "seq = seq - 1", "1 = 1"),
        delete(20, "the log's head", "audit_head", "1 = 1"),
    ]
}
