//! Erasure of a member: everything that is a person's goes, and what the ledger needs stays under a pseudonym.
//!
//! It is one transaction, which holds the member's row. Whoever writes anything of a member holds that row as well (see
//! [`present`](super::present)): so what comes before is found and taken away, and what comes after finds nobody.

use amvaj_domain::audit::Act;
use amvaj_domain::id::{MemberId, MerchantId, WalletId};
use amvaj_domain::member::Member;
use amvaj_domain::relation::{Consent, RelationSource};
use amvaj_domain::time::Instant;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{Directory, rows};
use crate::access::Sessions;
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::member::{Column, Entity, Model};
use crate::db::entity::{board_hidden, customer_ref, export_chunk, export_job, relation};

/// Members that one page of [`Directory::erased_since`] has.
const PAGE: u64 = 1_000;

impl Directory {
    /// Takes a member's identity away: names, numbers, merchants' references, consents, files that hold them, and what lets
    /// it in. Nothing when there is no such member; one that was erased before stays as it is, and is not told of again.
    ///
    /// # Errors
    /// When the database fails; nothing was erased then.
    pub async fn erase_member(
        &self,
        id: MemberId,
        sessions: &Sessions,
        act: &Act,
    ) -> Result<Option<Member>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let found = Entity::find_by_id(id.uuid()).lock_exclusive().one(transaction).await?;
        let Some(row) = found else { return Ok(None) };
        if row.erased_at.is_some() {
            return rows::member(&row).map(Some);
        }
        let wallet = WalletId::new(row.wallet_id);
        let merchants = forget_dealings(transaction, id, act.at).await?;
        forget_exports(transaction, id).await?;
        hide(transaction, id, act.at).await?;
        let ended = sessions.erase_in(transaction, id, act.at).await?;
        let erased = forget_identity(transaction, row, act.at).await?;
        unit.commit().await?;
        sessions.note_erased(&ended);
        for merchant in merchants {
            self.relations().forget(merchant, wallet);
        }
        rows::member(&erased).map(Some)
    }

    /// Members that were erased at or after a moment, in that order, by a page after the last one that was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erased_since(
        &self,
        since: Instant,
        after: Option<(Instant, MemberId)>,
    ) -> Result<Vec<(Instant, MemberId)>, StoreError> {
        let mut list = Entity::find().filter(Column::ErasedAt.gte(since.micros()));
        if let Some((at, id)) = after {
            let later = Column::ErasedAt.gt(at.micros());
            let same = Column::ErasedAt.eq(at.micros());
            let behind = sea_orm::Condition::all().add(same).add(Column::MemberId.gt(id.uuid()));
            list = list.filter(sea_orm::Condition::any().add(later).add(behind));
        }
        let found = list
            .order_by_asc(Column::ErasedAt)
            .order_by_asc(Column::MemberId)
            .limit(PAGE)
            .all(self.db.reader())
            .await?;
        let named = found
            .iter()
            .filter_map(|row| Some((Instant::from_micros(row.erased_at?), MemberId::new(row.member_id))));
        Ok(named.collect())
    }
}

async fn forget_identity(
    transaction: &DatabaseTransaction,
    row: Model,
    now: Instant,
) -> Result<Model, StoreError> {
    let (mobile, name) = pseudonyms(row.member_id);
    let mut erased = row.into_active_model();
    erased.mobile = Set(mobile);
    erased.name = Set(name);
    erased.card_number = Set(None);
    erased.search_key = Set(String::new());
    erased.language = Set(None);
    erased.status = Set(amvaj_domain::member::MemberStatus::Erased.stored());
    erased.erased_at = Set(Some(now.micros()));
    Ok(sea_orm::ActiveModelTrait::update(erased, transaction).await?)
}

/// What stands in the place of a mobile number, of which no two members have the same, and of a name. Neither reads as what
/// it stands for.
fn pseudonyms(member: Uuid) -> (String, String) {
    let id = member.simple().to_string();
    let end = id.get(24..).unwrap_or_default();
    (format!("erased-{id}"), format!("erased-{end}"))
}

/// Takes back what merchants call the member and what it allowed them, and answers which merchants may know of it. Relations
/// stay, which follow from what is in the ledger, and nobody is shown more than an id for them.
async fn forget_dealings(
    transaction: &DatabaseTransaction,
    member: MemberId,
    now: Instant,
) -> Result<Vec<MerchantId>, StoreError> {
    use relation::Column as Of;
    let own = || Of::MemberId.eq(member.uuid());
    let known = relation::Entity::find().filter(own()).all(transaction).await?;
    customer_ref::Entity::delete_many()
        .filter(customer_ref::Column::MemberId.eq(member.uuid()))
        .exec(transaction)
        .await?;
    relation::Entity::delete_many()
        .filter(own())
        .filter(Of::Source.eq(RelationSource::Consent.stored()))
        .exec(transaction)
        .await?;
    relation::Entity::update_many()
        .col_expr(Of::Consent, Expr::value(Consent::Hidden.stored()))
        .col_expr(Of::ConsentedAt, Expr::value(now.micros()))
        .filter(own())
        .exec(transaction)
        .await?;
    Ok(known.iter().map(|row| MerchantId::new(row.merchant_id)).collect())
}

/// Removes files of all that is held about the member, whoever asked for them.
async fn forget_exports(transaction: &DatabaseTransaction, member: MemberId) -> Result<(), StoreError> {
    use export_job::Column as Of;
    let jobs = export_job::Entity::find().filter(Of::MemberId.eq(member.uuid())).all(transaction).await?;
    let jobs: Vec<Uuid> = jobs.iter().map(|job| job.export_id).collect();
    // The job first: that waits for a maker who is writing a chunk, and whoever comes after finds no job to write for.
    export_job::Entity::delete_many()
        .filter(Of::ExportId.is_in(jobs.iter().copied()))
        .exec(transaction)
        .await?;
    export_chunk::Entity::delete_many()
        .filter(export_chunk::Column::ExportId.is_in(jobs))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Others see nobody in the member's place on boards.
async fn hide(transaction: &DatabaseTransaction, member: MemberId, now: Instant) -> Result<(), StoreError> {
    let row = board_hidden::ActiveModel { member_id: Set(member.uuid()), hidden_at: Set(now.micros()) };
    let once = sea_orm::sea_query::OnConflict::column(board_hidden::Column::MemberId).do_nothing().to_owned();
    board_hidden::Entity::insert(row).on_conflict(once).exec_without_returning(transaction).await?;
    Ok(())
}
