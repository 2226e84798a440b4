//! Files of exports: invariant 34.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 34,
        name: "Every part of a file belongs to an export",
        sql: "select 'export ' || {uuid export_chunk.export_id} || ': nobody asked for the part at '
                || export_chunk.starts_at as what
            from export_chunk
            left join export_job on export_job.export_id = export_chunk.export_id
            where export_job.export_id is null",
    },
    // A file that could not be made, or whose time is over, is removed in pages.
    Check {
        number: 34,
        name: "The parts of a file follow one another and add up to its size",
        sql: "select 'export ' || {uuid export_id} || ': its parts have ' || held || ' bytes, and it has ' || size as what
            from (
                select j.export_id, j.size, coalesce(sum(length(c.bytes)), 0) as held,
                    coalesce(max(c.starts_at + length(c.bytes)), 0) as ends_at
                from export_job j
                left join export_chunk c on c.export_id = j.export_id
                where j.status <= 2 or (j.status = 3 and j.expires_at > {now})
                group by j.export_id, j.size
            ) as files
            where held <> size or ends_at <> size",
    },
];
