//! The catalogue: rewards are offered, changed, closed, and their stock filled.

use amvaj_domain::audit::Act;
use amvaj_domain::id::{MerchantId, RewardId};
use amvaj_domain::ledger::{Digest, Idem};
use amvaj_domain::reward::{MOST_PIECES, Reward, RewardStatus, RewardTerms};
use amvaj_domain::text::Description;
use amvaj_domain::time::Instant;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::{Rewards, rows};
use crate::audit::{Audit, Unit};
use crate::db::entity::reward::{ActiveModel, Column, Entity};
use crate::db::entity::reward_stock as stock;
use crate::db::{StoreError, listing};
use crate::page::{Page, PageRequest};

/// Which rewards to list.
#[derive(Debug, Clone, Copy)]
pub struct RewardFilter {
    /// Only this merchant's.
    pub merchant: Option<MerchantId>,
    /// Only those with this status.
    pub status: Option<RewardStatus>,
    /// Whose closed ones.
    pub closed: ClosedRewards,
}

/// Which of the closed rewards are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedRewards {
    /// All of them.
    All,
    /// This merchant's.
    Of(MerchantId),
    /// None.
    None,
}

/// What became of a request to offer a reward.
#[derive(Debug, Clone)]
pub enum Created {
    /// The reward is there.
    Reward {
        /// The reward as it is now.
        reward: Box<Reward>,
        /// Whether an earlier request with this key made it.
        replayed: bool,
    },
    /// The key was used before with another input.
    Mismatch,
}

/// Why a reward is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeRefused {
    /// There is no such reward.
    NoReward,
    /// It was changed since: this is its version.
    Version(i32),
}

/// A change of a stock.
#[derive(Debug, Clone, Copy)]
pub struct StockChange {
    /// The merchant.
    pub merchant: MerchantId,
    /// The reward.
    pub reward: RewardId,
    /// The request's key.
    pub idem: Idem,
    /// Pieces to add, or to take out when negative.
    pub change: i64,
}

/// Why a stock is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockRefused {
    /// There is no such reward.
    NoReward,
    /// The key was used before with another change.
    Mismatch,
    /// The reward never runs out.
    Unlimited,
    /// There would be fewer pieces than none, or too many.
    OutOfRange,
}

impl Rewards {
    /// The rewards of these ids; unknown ones are left out.
    pub async fn by_id(&self, ids: &[RewardId]) -> Result<Vec<Reward>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = Entity::find().filter(Column::RewardId.is_in(ids)).all(self.db.reader()).await?;
        found.iter().map(rows::reward).collect()
    }

    /// A page of rewards, in the order in which they were first offered.
    pub async fn page(
        &self,
        filter: &RewardFilter,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Reward>, StoreError> {
        let mut list = Entity::find();
        if let Some(merchant) = filter.merchant {
            list = list.filter(Column::MerchantId.eq(merchant.uuid()));
        }
        if let Some(status) = filter.status {
            list = list.filter(Column::Status.eq(status.stored()));
        }
        let active = Column::Status.eq(RewardStatus::Active.stored());
        list = match filter.closed {
            ClosedRewards::All => list,
            ClosedRewards::Of(owner) => list.filter(active.or(Column::MerchantId.eq(owner.uuid()))),
            ClosedRewards::None => list.filter(active),
        };
        listing::page(&self.db, list, Column::RewardId, request, rows::reward).await
    }

    /// Writes a new reward, once for each key.
    pub async fn create(
        &self,
        reward: &Reward,
        (idem, body): (Idem, Digest),
        act: &Act,
    ) -> Result<Created, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let row = row_of(reward, idem, body);
        let once = OnConflict::column(Column::Idem).do_nothing().to_owned();
        let written =
            Entity::insert(row).on_conflict(once).exec_without_returning(unit.transaction()).await?;
        if written == 0 {
            let first = Entity::find().filter(Column::Idem.eq(idem.uuid())).one(unit.transaction()).await?;
            return match first {
                Some(first) if first.body_hash == body.uuid() => {
                    Ok(Created::Reward { reward: Box::new(rows::reward(&first)?), replayed: true })
                }
                _ => Ok(Created::Mismatch),
            };
        }
        if let Some(pieces) = reward.stock {
            let row = stock::ActiveModel {
                reward_id: Set(reward.id.uuid()),
                // A key of its own, so that no change of the stock is taken for the beginning.
                idem: Set(Idem::internal(&format!("stock:{}", reward.id.uuid().simple())).uuid()),
                change: Set(pieces),
                changed_at: Set(reward.created_at.micros()),
            };
            stock::Entity::insert(row).exec_without_returning(unit.transaction()).await?;
        }
        unit.commit().await?;
        Ok(Created::Reward { reward: Box::new(reward.clone()), replayed: false })
    }

    /// Writes other terms, unless the reward is no longer the `version` that they were made of.
    pub async fn change(
        &self,
        (merchant, id): (MerchantId, RewardId),
        version: i32,
        terms: &RewardTerms,
        act: &Act,
    ) -> Result<Result<Reward, ChangeRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let changed = Entity::update_many()
            .col_expr(Column::Kind, Expr::value(terms.kind.stored()))
            .col_expr(Column::Title, Expr::value(terms.title.as_str()))
            .col_expr(Column::Description, Expr::value(terms.description.as_ref().map(Description::as_str)))
            .col_expr(Column::Points, Expr::value(terms.points.get()))
            .col_expr(Column::LimitPerMember, Expr::value(terms.limit_per_member))
            .col_expr(Column::ValidFrom, Expr::value(terms.valid_from.map(Instant::micros)))
            .col_expr(Column::ValidUntil, Expr::value(terms.valid_until.map(Instant::micros)))
            .col_expr(Column::Reserve, Expr::value(terms.reserve.micros()))
            .col_expr(Column::Version, Expr::value(version.saturating_add(1)))
            .filter(Column::RewardId.eq(id.uuid()))
            .filter(Column::Version.eq(version))
            .exec(unit.transaction())
            .await?;
        let found = own(unit.transaction(), merchant, id).await?;
        match (found, changed.rows_affected) {
            (None, _) => Ok(Err(ChangeRefused::NoReward)),
            (Some(found), 0) => Ok(Err(ChangeRefused::Version(found.version))),
            (Some(found), _) => {
                unit.commit().await?;
                Ok(Ok(found))
            }
        }
    }

    /// Closes a reward or opens it again; what it is already changes nothing and is not told of. Nothing when the merchant
    /// has no such reward.
    pub async fn set_status(
        &self,
        (merchant, id): (MerchantId, RewardId),
        status: RewardStatus,
        act: &Act,
    ) -> Result<Option<Reward>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let changed = Entity::update_many()
            .col_expr(Column::Status, Expr::value(status.stored()))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .filter(Column::RewardId.eq(id.uuid()))
            .filter(Column::MerchantId.eq(merchant.uuid()))
            .filter(Column::Status.ne(status.stored()))
            .exec(unit.transaction())
            .await?;
        let found = own(unit.transaction(), merchant, id).await?;
        if changed.rows_affected > 0 {
            unit.commit().await?;
        }
        Ok(found)
    }

    /// Changes a stock, once for each key. Answers the reward as it is now, and whether an earlier request did it.
    pub async fn change_stock(
        &self,
        asked: &StockChange,
        act: &Act,
    ) -> Result<Result<(Reward, bool), StockRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let Some(before) = own(unit.transaction(), asked.merchant, asked.reward).await? else {
            return Ok(Err(StockRefused::NoReward));
        };
        let offered =
            Entity::find().filter(Column::Idem.eq(asked.idem.uuid())).one(unit.transaction()).await?;
        if offered.is_some() {
            return Ok(Err(StockRefused::Mismatch));
        }
        if !note_change(unit.transaction(), asked, act.at.micros()).await? {
            let key = (asked.reward.uuid(), asked.idem.uuid());
            let noted = stock::Entity::find_by_id(key).one(unit.transaction()).await?;
            let is_same = noted.is_some_and(|noted| noted.change == asked.change);
            return Ok(if is_same { Ok((before, true)) } else { Err(StockRefused::Mismatch) });
        }
        let after = Expr::col(Column::Stock).add(asked.change);
        let changed = Entity::update_many()
            .col_expr(Column::Stock, after.clone())
            .filter(Column::RewardId.eq(asked.reward.uuid()))
            .filter(after.between(0, i64::from(MOST_PIECES)))
            .exec(unit.transaction())
            .await?;
        let found = own(unit.transaction(), asked.merchant, asked.reward).await?;
        match (found, changed.rows_affected) {
            (None, _) => Ok(Err(StockRefused::NoReward)),
            (Some(found), 0) => {
                Ok(Err(found.stock.map_or(StockRefused::Unlimited, |_| StockRefused::OutOfRange)))
            }
            (Some(found), _) => {
                unit.commit().await?;
                Ok(Ok((found, false)))
            }
        }
    }
}

/// Notes a change; `false` when something is noted under its key already.
async fn note_change(
    transaction: &DatabaseTransaction,
    asked: &StockChange,
    at: i64,
) -> Result<bool, StoreError> {
    let row = stock::ActiveModel {
        reward_id: Set(asked.reward.uuid()),
        idem: Set(asked.idem.uuid()),
        change: Set(asked.change),
        changed_at: Set(at),
    };
    let once = OnConflict::columns([stock::Column::RewardId, stock::Column::Idem]).do_nothing().to_owned();
    let written = stock::Entity::insert(row).on_conflict(once).exec_without_returning(transaction).await?;
    Ok(written > 0)
}

async fn own(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
    id: RewardId,
) -> Result<Option<Reward>, StoreError> {
    let own = Entity::find_by_id(id.uuid()).filter(Column::MerchantId.eq(merchant.uuid()));
    own.one(transaction).await?.as_ref().map(rows::reward).transpose()
}

fn row_of(reward: &Reward, idem: Idem, body: Digest) -> ActiveModel {
    let terms = &reward.terms;
    ActiveModel {
        reward_id: Set(reward.id.uuid()),
        merchant_id: Set(reward.merchant.uuid()),
        kind: Set(terms.kind.stored()),
        status: Set(reward.status.stored()),
        title: Set(terms.title.to_string()),
        description: Set(terms.description.as_ref().map(ToString::to_string)),
        points: Set(terms.points.get()),
        stock: Set(reward.stock),
        limit_per_member: Set(terms.limit_per_member),
        valid_from: Set(terms.valid_from.map(Instant::micros)),
        valid_until: Set(terms.valid_until.map(Instant::micros)),
        reserve: Set(terms.reserve.micros()),
        version: Set(reward.version),
        idem: Set(idem.uuid()),
        body_hash: Set(body.uuid()),
        created_at: Set(reward.created_at.micros()),
    }
}
