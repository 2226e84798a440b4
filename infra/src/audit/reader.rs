//! Reading the log, for whoever may.

use amvaj_domain::access::{Actor, Caller};
use amvaj_domain::audit::{ActKind, ActorKind, Target, stored_actor};
use amvaj_domain::time::Instant;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use super::{AuditLog, chain};
use crate::db::entity::audit_entry::{Column, Entity as Table, Model};
use crate::db::{StoreError, listing};
use crate::page::{Page, PageRequest};

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1 without gaps.
    pub seq: i64,
    /// When it was done.
    pub at: Instant,
    /// Who did it in person; nobody when that is not known.
    pub actor: Option<Actor>,
    /// In whose name; nobody when that is not known.
    pub caller: Option<Caller>,
    /// What was done.
    pub kind: ActKind,
    /// What it was done to.
    pub target: Target,
    /// What else is told: names and values.
    pub details: Vec<(String, String)>,
    /// The request; empty on the command line.
    pub request_id: String,
    /// The hash of the entry before it; empty in the first one.
    pub previous_hash: Vec<u8>,
    /// Its own hash.
    pub hash: Vec<u8>,
}

/// Which entries to list; those that meet all of it.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Done in person by such an actor.
    pub actor_kind: Option<ActorKind>,
    /// Done in person by this actor.
    pub actor: Option<Actor>,
    /// Of this kind.
    pub kind: Option<ActKind>,
    /// Done to this.
    pub target: Option<Target>,
    /// Not before this.
    pub from: Option<Instant>,
    /// Before this.
    pub until: Option<Instant>,
}

impl AuditLog {
    /// A page of the log, in the order of the entries.
    pub async fn page(
        &self,
        filter: &AuditFilter,
        request: &PageRequest<i64>,
    ) -> Result<Page<Entry>, StoreError> {
        listing::page(&self.db, filter.list(), Column::Seq, request, entry).await
    }

    /// Whether the log tells of an act of this kind with this detail. Reads all entries of the kind, so it is for kinds
    /// that are rare.
    pub async fn tells(&self, kind: ActKind, detail: (&str, &str)) -> Result<bool, StoreError> {
        let filter = AuditFilter { kind: Some(kind), ..AuditFilter::default() };
        let told = filter.list().all(self.db.reader()).await?;
        for row in &told {
            let entry = entry(row)?;
            if entry.details.iter().any(|(name, value)| (name.as_str(), value.as_str()) == detail) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl AuditFilter {
    fn list(&self) -> Select<Table> {
        let mut list = Table::find();
        if let Some(kind) = self.actor_kind {
            list = list.filter(Column::ActorKind.eq(kind.stored()));
        }
        if let Some(actor) = self.actor {
            let (kind, id) = stored_actor(Some(actor));
            list = list.filter(Column::ActorKind.eq(kind.stored()));
            // Null equals nothing in SQL; where there is no id, the kind says it all.
            list = if id.is_some() { list.filter(Column::ActorId.eq(id)) } else { list };
        }
        if let Some(kind) = self.kind {
            list = list.filter(Column::Act.eq(kind.stored()));
        }
        if let Some(target) = self.target {
            let (kind, id) = target.stored();
            list = list.filter(Column::TargetKind.eq(kind));
            list = if id.is_some() { list.filter(Column::TargetId.eq(id)) } else { list };
        }
        if let Some(from) = self.from {
            list = list.filter(Column::RecordedAt.gte(from.micros()));
        }
        if let Some(until) = self.until {
            list = list.filter(Column::RecordedAt.lt(until.micros()));
        }
        list
    }
}

fn entry(row: &Model) -> Result<Entry, StoreError> {
    let record = chain::record(row);
    let corrupt = |what| StoreError::CorruptRow { table: "audit_entry", id: row.seq.to_string(), what };
    Ok(Entry {
        seq: record.seq,
        at: Instant::from_micros(record.recorded_at),
        actor: record.actor().ok_or_else(|| corrupt("its actor"))?,
        caller: record.caller().ok_or_else(|| corrupt("its caller"))?,
        kind: record.kind().ok_or_else(|| corrupt("its act"))?,
        target: record.target().ok_or_else(|| corrupt("its target"))?,
        details: details(&record.detail).ok_or_else(|| corrupt("its details"))?,
        request_id: record.request_id,
        previous_hash: record.previous_hash,
        hash: row.hash.clone(),
    })
}

/// The names and values of the JSON object; nothing when it is none.
fn details(text: &str) -> Option<Vec<(String, String)>> {
    let details: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let member = |(name, value)| match value {
        serde_json::Value::String(text) => (name, text),
        other => (name, other.to_string()),
    };
    Some(details.into_iter().map(member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_read_back() {
        let read = details(r#"{"again":false,"name":"کافه \"باغ\"","version":7}"#).unwrap();
        let read: Vec<(&str, &str)> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, [("again", "false"), ("name", "کافه \"باغ\""), ("version", "7")]);
        assert_eq!(details("[]"), None);
        assert_eq!(details(""), None);
    }
}
