//! The audit log: no entry is missing, none was changed, and the chain ends where its head says: invariants 19 to 22.

use sea_orm::{
    ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, entity::prelude::ColumnTrait,
};

use super::CheckResult;
use super::check::Check;
use crate::audit::record;
use crate::db::StoreError;
use crate::db::entity::audit_entry::{Column, Entity};

/// What the progress bar says meanwhile.
pub(super) const NAME: &str = "Audit log: entry by entry";

/// Entries that are read at a time.
const PAGE: u64 = 1_000;

/// The checks that are one statement each.
pub(super) const QUERIES: &[Check] = &[
    Check {
        number: 19,
        name: "The audit log has an entry for every number",
        sql: "select 'audit log: ' || count(*) || ' entries, numbered from ' || min(seq) || ' to ' || max(seq) as what
            from audit_entry having count(*) > 0 and (min(seq) <> 1 or max(seq) <> count(*))",
    },
    Check {
        number: 20,
        name: "The audit log ends where its head says",
        sql: "select 'audit log: the head is at entry ' || coalesce(cast(head.seq as text), 'none')
                || ', the last entry is ' || coalesce(cast(entry.seq as text), 'none') as what
            from (select max(seq) as seq from audit_entry) as last
            left join audit_entry as entry on entry.seq = last.seq
            left join audit_head as head on head.id = 1
            where head.seq is null or head.seq <> coalesce(entry.seq, 0)
                or (entry.seq is not null and head.hash <> entry.hash)",
    },
];

/// The checks that go through the entries: number of the invariant and what must hold.
pub(super) const CHECKS: [(u8, &str); 2] = [
    (21, "An entry of the audit log names the hash of the entry before it"),
    (22, "The hash of an entry of the audit log is the hash of what it says"),
];

/// Goes through the chain, page by page.
pub(super) async fn run<C: ConnectionTrait>(
    connection: &C,
    limit: u32,
) -> Result<Vec<CheckResult>, StoreError> {
    let [mut links, mut hashes] =
        CHECKS.map(|(number, name)| CheckResult { number, name, violations: 0, rows: Vec::new() });
    let mut before = (0, Vec::new());
    loop {
        let page = Entity::find().filter(Column::Seq.gt(before.0)).order_by_asc(Column::Seq).limit(PAGE);
        let page = page.all(connection).await?;
        if page.is_empty() {
            return Ok(vec![links, hashes]);
        }
        for row in page {
            if row.previous_hash != before.1 {
                links.found(limit, || {
                    format!("audit entry {}: it does not follow from the entry before it", row.seq)
                });
            }
            if record(&row).hash()[..] != row.hash {
                hashes.found(limit, || format!("audit entry {}: it does not say what was written", row.seq));
            }
            before = (row.seq, row.hash);
        }
    }
}
