//! The time of a sandbox: invariant 33.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[Check {
    number: 33,
    name: "The ledger's time is as far ahead as it was let pass, in a sandbox only",
    sql: "select 'the ledger is ' || sums.ahead || ' microseconds ahead, and was let pass to ' || sums.passed as what
        from (
            select coalesce((select max(ahead) from ledger_clock), -1) as ahead,
                coalesce((select max(ahead) from clock_advance), 0) as passed,
                (select count(*) from network where mode = 2) as sandboxes
        ) as sums
        where sums.ahead <> sums.passed or (sums.ahead > 0 and sums.sandboxes = 0)",
}];
