//! Staff: a merchant's people. Whatever takes a post away holds the merchant's row, so that of two owners who remove each
//! other one stays.

use std::collections::HashMap;

use amvaj_domain::access::{Post, Posts, StaffRole};
use amvaj_domain::audit::Act;
use amvaj_domain::id::{BranchId, MerchantId, StaffId};
use amvaj_domain::staff::Staff;
use amvaj_domain::text::Mobile;
use amvaj_domain::time::Instant;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::{Directory, listing, rows};
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::staff::{ActiveModel, Column, Entity, Model};
use crate::db::entity::{branch, merchant, staff_post};
use crate::page::{Page, PageRequest};

/// Why nobody was added, changed or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StaffRefused {
    /// There is no such merchant.
    #[error("there is no such merchant")]
    MerchantNotFound,
    /// The merchant has no such person.
    #[error("there is no such person")]
    StaffNotFound,
    /// Another of the merchant's people has the mobile.
    #[error("another of the merchant's people has the mobile")]
    MobileTaken,
    /// A post is at a branch that the merchant does not have.
    #[error("the merchant has no such branch")]
    BranchNotFound,
    /// The person is an owner, and whoever asks may not make one.
    #[error("whoever may not make an owner takes no owner's posts away")]
    OwnerNotYours,
    /// Nobody else is an owner of the merchant.
    #[error("the merchant would have no owner")]
    LastOwner,
}

/// Whose posts somebody may take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaffReach {
    /// The merchant whose people are found; everybody's when absent.
    pub of: Option<MerchantId>,
    /// Whether owners are among those who may be changed.
    pub owners: bool,
}

impl Directory {
    /// The people of these ids, also those who were removed; unknown ones are left out.
    pub async fn staff_by_id(&self, ids: &[StaffId]) -> Result<Vec<Staff>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = Entity::find().filter(Column::StaffId.is_in(ids)).all(self.db.reader()).await?;
        self.with_posts(&found).await
    }

    /// Whoever of a merchant's people logs in with a number.
    pub async fn staff_with_mobile(
        &self,
        merchant: MerchantId,
        mobile: &Mobile,
    ) -> Result<Option<StaffId>, StoreError> {
        let found = Entity::find()
            .filter(Column::MerchantId.eq(merchant.uuid()))
            .filter(Column::Mobile.eq(mobile.as_str()))
            .filter(Column::RemovedAt.is_null())
            .one(self.db.reader())
            .await?;
        Ok(found.map(|row| StaffId::new(row.staff_id)))
    }

    /// A page of a merchant's people, in the order in which they were added; those who were removed are left out.
    pub async fn staff(
        &self,
        merchant: MerchantId,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Staff>, StoreError> {
        let list =
            Entity::find().filter(Column::MerchantId.eq(merchant.uuid())).filter(Column::RemovedAt.is_null());
        let page =
            listing::page(&self.db, list, Column::StaffId, request, |row: &Model| Ok(row.clone())).await?;
        let items = self.with_posts(&page.items).await?;
        Ok(Page { items, has_next: page.has_next, has_previous: page.has_previous, total: page.total })
    }

    /// Adds a person.
    pub async fn add_staff(&self, staff: &Staff, act: &Act) -> Result<Result<(), StaffRefused>, StoreError> {
        let Some(posts) = &staff.posts else { return Ok(Err(StaffRefused::StaffNotFound)) };
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        if !hold_merchant(unit.transaction(), staff.merchant).await? {
            return Ok(Err(StaffRefused::MerchantNotFound));
        }
        if !are_branches_of(unit.transaction(), staff.merchant, posts).await? {
            return Ok(Err(StaffRefused::BranchNotFound));
        }
        let row = ActiveModel {
            staff_id: Set(staff.id.uuid()),
            merchant_id: Set(staff.merchant.uuid()),
            name: Set(staff.name.to_string()),
            mobile: Set(staff.mobile.to_string()),
            added_at: Set(staff.added_at.micros()),
            removed_at: Set(None),
        };
        match Entity::insert(row).exec_without_returning(unit.transaction()).await.map_err(StoreError::from) {
            Ok(_) => {}
            Err(StoreError::Duplicate(_)) => return Ok(Err(StaffRefused::MobileTaken)),
            Err(error) => return Err(error),
        }
        insert_posts(unit.transaction(), staff.id, posts).await?;
        unit.commit().await?;
        Ok(Ok(()))
    }

    /// Gives a person other posts; the same ones change nothing and are not told of. Another merchant's people are not
    /// found, an owner beyond `reach` is refused.
    pub async fn set_staff_posts(
        &self,
        id: StaffId,
        reach: StaffReach,
        posts: &Posts,
        act: &Act,
    ) -> Result<Result<Staff, StaffRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let Some((row, held)) = held(transaction, id, reach.of).await? else {
            return Ok(Err(StaffRefused::StaffNotFound));
        };
        if row.removed_at.is_some() {
            return Ok(Err(StaffRefused::StaffNotFound));
        }
        if !reach.owners && is_owner(&held) {
            return Ok(Err(StaffRefused::OwnerNotYours));
        }
        let merchant = MerchantId::new(row.merchant_id);
        if !are_branches_of(transaction, merchant, posts).await? {
            return Ok(Err(StaffRefused::BranchNotFound));
        }
        if !posts.own() && is_last_owner(transaction, &row).await? {
            return Ok(Err(StaffRefused::LastOwner));
        }
        let staff = rows::staff(&row, &held.iter().collect::<Vec<_>>())?;
        if staff.posts.as_ref() == Some(posts) {
            return Ok(Ok(staff));
        }
        delete_posts(transaction, id).await?;
        insert_posts(transaction, id, posts).await?;
        unit.commit().await?;
        Ok(Ok(Staff { posts: Some(posts.clone()), ..staff }))
    }

    /// Removes a person; one that was removed already stays so and is not told of. Another merchant's people
    /// are not found, an owner beyond `reach` is refused.
    pub async fn remove_staff(
        &self,
        id: StaffId,
        reach: StaffReach,
        act: &Act,
    ) -> Result<Result<Staff, StaffRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let Some((row, held)) = held(transaction, id, reach.of).await? else {
            return Ok(Err(StaffRefused::StaffNotFound));
        };
        let staff = rows::staff(&row, &held.iter().collect::<Vec<_>>())?;
        if staff.removed_at.is_some() {
            return Ok(Ok(staff));
        }
        if !reach.owners && is_owner(&held) {
            return Ok(Err(StaffRefused::OwnerNotYours));
        }
        if is_last_owner(transaction, &row).await? {
            return Ok(Err(StaffRefused::LastOwner));
        }
        delete_posts(transaction, id).await?;
        Entity::update_many()
            .col_expr(Column::RemovedAt, act.at.micros().into())
            .filter(Column::StaffId.eq(id.uuid()))
            .exec(transaction)
            .await?;
        unit.commit().await?;
        Ok(Ok(Staff { posts: None, removed_at: Some(Instant::from_micros(act.at.micros())), ..staff }))
    }

    async fn with_posts(&self, found: &[Model]) -> Result<Vec<Staff>, StoreError> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let posts = staff_post::Entity::find()
            .filter(staff_post::Column::StaffId.is_in(found.iter().map(|row| row.staff_id)))
            .all(self.db.reader())
            .await?;
        let mut posts_of: HashMap<Uuid, Vec<&staff_post::Model>> = HashMap::new();
        for post in &posts {
            posts_of.entry(post.staff_id).or_default().push(post);
        }
        found
            .iter()
            .map(|row| rows::staff(row, posts_of.get(&row.staff_id).map_or(&[], Vec::as_slice)))
            .collect()
    }
}

/// Holds a merchant's row until the end of the transaction; whether there is one.
async fn hold_merchant(transaction: &DatabaseTransaction, id: MerchantId) -> Result<bool, StoreError> {
    let found = merchant::Entity::find_by_id(id.uuid()).lock_exclusive().one(transaction).await?;
    Ok(found.is_some())
}

/// A person with its posts, as they are while the merchant's row is held.
async fn held(
    transaction: &DatabaseTransaction,
    id: StaffId,
    of: Option<MerchantId>,
) -> Result<Option<(Model, Vec<staff_post::Model>)>, StoreError> {
    let Some(row) = Entity::find_by_id(id.uuid()).one(transaction).await? else { return Ok(None) };
    if of.is_some_and(|merchant| merchant.uuid() != row.merchant_id)
        || !hold_merchant(transaction, MerchantId::new(row.merchant_id)).await?
    {
        return Ok(None);
    }
    // Read again: whoever held the merchant before may have changed the person.
    let row = Entity::find_by_id(id.uuid()).one(transaction).await?;
    let posts =
        staff_post::Entity::find().filter(staff_post::Column::StaffId.eq(id.uuid())).all(transaction).await?;
    Ok(row.map(|row| (row, posts)))
}

async fn are_branches_of(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
    posts: &Posts,
) -> Result<bool, StoreError> {
    let named: Vec<Uuid> =
        posts.as_slice().iter().filter_map(|post| post.branch).map(BranchId::uuid).collect();
    if named.is_empty() {
        return Ok(true);
    }
    let count = u64::try_from(named.len()).unwrap_or(u64::MAX);
    let own = branch::Entity::find()
        .filter(branch::Column::MerchantId.eq(merchant.uuid()))
        .filter(branch::Column::BranchId.is_in(named))
        .count(transaction)
        .await?;
    Ok(own == count)
}

/// Whether one of a person's posts is an owner's.
fn is_owner(held: &[staff_post::Model]) -> bool {
    held.iter().any(|post| post.role == StaffRole::Owner.stored())
}

/// Whether a person is an owner and nobody else is one.
async fn is_last_owner(transaction: &DatabaseTransaction, row: &Model) -> Result<bool, StoreError> {
    let present = Entity::find()
        .select_only()
        .column(Column::StaffId)
        .filter(Column::MerchantId.eq(row.merchant_id))
        .filter(Column::RemovedAt.is_null());
    let owners: Vec<staff_post::Model> = staff_post::Entity::find()
        .filter(staff_post::Column::Role.eq(StaffRole::Owner.stored()))
        .filter(staff_post::Column::StaffId.in_subquery(present.into_query()))
        .order_by_asc(staff_post::Column::StaffId)
        .limit(2)
        .all(transaction)
        .await?;
    Ok(matches!(&owners[..], [only] if only.staff_id == row.staff_id))
}

async fn delete_posts(transaction: &DatabaseTransaction, id: StaffId) -> Result<(), StoreError> {
    let posts = staff_post::Entity::delete_many().filter(staff_post::Column::StaffId.eq(id.uuid()));
    posts.exec(transaction).await?;
    Ok(())
}

async fn insert_posts(
    transaction: &DatabaseTransaction,
    id: StaffId,
    posts: &Posts,
) -> Result<(), StoreError> {
    let rows = (0..).zip(posts.as_slice()).map(|(number, post): (i16, &Post)| staff_post::ActiveModel {
        staff_id: Set(id.uuid()),
        post_no: Set(number),
        branch_id: Set(post.branch.map(BranchId::uuid)),
        role: Set(post.role.stored()),
    });
    staff_post::Entity::insert_many(rows).exec_without_returning(transaction).await?;
    Ok(())
}
