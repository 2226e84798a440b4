//! Damages to files of exports.

use super::{Damage, change, copy, delete};

pub(super) fn files() -> Vec<Damage> {
    vec![
        delete(34, "the job of a file deleted", "export_job", "status = 3"),
        delete(34, "a part of a file deleted", "export_chunk", "starts_at = 0"),
        change(34, "a part of a file moved", "export_chunk", "starts_at = 7", "starts_at = 0"),
        change(34, "a file of another size", "export_job", "size = size + 1", "status = 3"),
        change(34, "a file that has nothing and says otherwise", "export_job", "size = 9", "status = 1"),
        copy(
            34,
            "a part of another file",
            "export_chunk",
            "export_id, starts_at, bytes",
            "(select export_id from export_job where status = 1), starts_at, bytes",
            "starts_at = 0",
        ),
    ]
}
