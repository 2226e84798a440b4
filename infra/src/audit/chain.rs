//! The end of the chain: adding entries to it, one transaction after the other.

use amvaj_domain::audit::{Act, Detail, Record};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use crate::db::StoreError;
use crate::db::entity::audit_entry;
use crate::db::entity::audit_head::{Column, Entity};

/// The key of the only row of the head.
const HEAD: i16 = 1;

/// Adds an entry per act at the end of the chain, in order. Until the transaction ends, everybody else who would add
/// one waits: so it is the last thing that a transaction does.
pub(super) async fn append(transaction: &DatabaseTransaction, acts: &[Act]) -> Result<(), StoreError> {
    let head = Entity::find_by_id(HEAD).lock_exclusive().one(transaction).await?;
    let missing = StoreError::CorruptRow { table: "audit_head", id: HEAD.to_string(), what: "it is missing" };
    let head = head.ok_or(missing)?;
    let (mut seq, mut hash) = (head.seq, head.hash);
    let mut rows = Vec::with_capacity(acts.len());
    for act in acts {
        seq = seq.saturating_add(1);
        let record = Record::of(act, details(act)?, seq, hash);
        hash = record.hash().to_vec();
        rows.push(row(record, hash.clone()));
    }
    audit_entry::Entity::insert_many(rows).exec_without_returning(transaction).await?;
    let moved = Entity::update_many()
        .col_expr(Column::Seq, seq.into())
        .col_expr(Column::Hash, hash.into())
        .filter(Column::Id.eq(HEAD))
        .filter(Column::Seq.eq(head.seq))
        .exec(transaction)
        .await?;
    if moved.rows_affected == 1 {
        Ok(())
    } else {
        Err(StoreError::Contention("the audit log was written by somebody else".to_owned()))
    }
}

/// The details as a JSON object, in their order.
fn details(act: &Act) -> Result<String, StoreError> {
    let mut text = String::from("{");
    for (name, detail) in &act.details {
        let value = match detail {
            Detail::Text(value) => serde_json::to_string(value),
            Detail::Number(value) => serde_json::to_string(value),
            Detail::Flag(value) => serde_json::to_string(value),
        };
        let name = serde_json::to_string(name);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(StoreError::Failed("a detail of the audit log is no JSON".to_owned()));
        };
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&name);
        text.push(':');
        text.push_str(&value);
    }
    text.push('}');
    Ok(text)
}

fn row(record: Record, hash: Vec<u8>) -> audit_entry::ActiveModel {
    audit_entry::ActiveModel {
        seq: Set(record.seq),
        recorded_at: Set(record.recorded_at),
        actor_kind: Set(record.actor_kind),
        actor_id: Set(record.actor_id),
        caller_role: Set(record.caller_role),
        caller_id: Set(record.caller_id),
        act: Set(record.act),
        target_kind: Set(record.target_kind),
        target_id: Set(record.target_id),
        detail: Set(record.detail),
        request_id: Set(record.request_id),
        previous_hash: Set(record.previous_hash),
        hash: Set(hash),
    }
}

/// A row of the log as the record that its hash was made of.
pub(crate) fn record(row: &audit_entry::Model) -> Record {
    Record {
        seq: row.seq,
        recorded_at: row.recorded_at,
        actor_kind: row.actor_kind,
        actor_id: row.actor_id,
        caller_role: row.caller_role,
        caller_id: row.caller_id,
        act: row.act,
        target_kind: row.target_kind,
        target_id: row.target_id,
        detail: row.detail.clone(),
        request_id: row.request_id.clone(),
        previous_hash: row.previous_hash.clone(),
    }
}

#[cfg(test)]
mod tests {
    use amvaj_domain::audit::{ActKind, Author, Target};
    use amvaj_domain::time::Instant;

    use super::*;

    #[test]
    fn details_are_an_object_in_their_order() {
        let act =
            Act::new(&Author::console(), ActKind::EarnRuleSet, Target::Nothing, Instant::from_micros(0));
        assert_eq!(details(&act).unwrap(), "{}");
        let act = act.detail("version", 7_i64).detail("name", "کافه \"باغ\"\n").detail("again", false);
        assert_eq!(details(&act).unwrap(), r#"{"version":7,"name":"کافه \"باغ\"\n","again":false}"#);
    }
}
