//! Damages to the time of a sandbox.

use super::{Damage, change, delete};

pub(super) fn clock() -> Vec<Damage> {
    vec![
        change(33, "time that nobody let pass", "ledger_clock", "ahead = 1", "id = 1"),
        delete(33, "no time", "ledger_clock", "id = 1"),
        Damage {
            name: "a step that the time has not made",
            number: 33,
            sql: "insert into clock_advance (tenant, idem_key, asked, ledger_time, ahead) \
                select member_id, 'k', 'by 7', 7, 7 from member limit 1"
                .to_owned(),
        },
    ]
}
