//! Versions of merchants' earn rules.

use amvaj_domain::audit::Act;
use amvaj_domain::earn::{EarnRule, next_version};
use amvaj_domain::id::MerchantId;
use amvaj_domain::points::Points;
use amvaj_domain::time::Instant;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
};

use super::{Directory, listing, rows};
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::earn_rule::{ActiveModel, Column, Entity};
use crate::db::entity::merchant;
use crate::page::{Page, PageRequest};

/// Why a version was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleRefused {
    /// There is no such merchant.
    #[error("there is no such merchant")]
    MerchantNotFound,
    /// The version would hold from before now, or from before the version it follows.
    #[error("a version takes effect now or later, and after the version before it")]
    EffectiveFrom,
}

/// How often a version is tried again when others add one at the same time.
const TRIES: usize = 5;

impl Directory {
    /// The versions of these merchants and numbers, each with its merchant; unknown ones are left out.
    pub async fn rules_by_version(
        &self,
        keys: &[(MerchantId, i32)],
    ) -> Result<Vec<(MerchantId, EarnRule)>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let any = keys.iter().fold(Condition::any(), |any, (merchant, version)| {
            let one = Condition::all().add(Column::MerchantId.eq(merchant.uuid()));
            any.add(one.add(Column::Version.eq(*version)))
        });
        let found = Entity::find().filter(any).all(self.db.reader()).await?;
        found.iter().map(|row| Ok((MerchantId::new(row.merchant_id), rows::earn_rule(row)?))).collect()
    }

    /// A page of the versions of a merchant's rule, oldest first; with `until` only those that hold by then.
    pub async fn rules(
        &self,
        merchant: MerchantId,
        until: Option<Instant>,
        request: &PageRequest<i32>,
    ) -> Result<Page<EarnRule>, StoreError> {
        let mut list = Entity::find().filter(Column::MerchantId.eq(merchant.uuid()));
        if let Some(until) = until {
            list = list.filter(Column::EffectiveFrom.lte(until.micros()));
        }
        listing::page(&self.db, list, Column::Version, request, rows::earn_rule).await
    }

    /// Writes a new version of a merchant's rule and gives it the next number, whatever number `rule` has. Of two
    /// writers at the same time each gets a number of its own.
    pub async fn add_rule_version(
        &self,
        merchant: MerchantId,
        rule: &EarnRule,
        now: Instant,
        act: &Act,
    ) -> Result<Result<EarnRule, RuleRefused>, StoreError> {
        let mut tries = TRIES;
        loop {
            let mut unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
            match add(unit.transaction(), merchant, rule, now).await {
                Ok(Ok(added)) => {
                    unit.detail("version", added.version);
                    unit.commit().await?;
                    self.files.forget(merchant);
                    return Ok(Ok(added));
                }
                Ok(Err(refused)) => return Ok(Err(refused)),
                // Another writer took the number: its version is the newest now.
                Err(StoreError::Duplicate(_)) if tries > 1 => tries -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) async fn all_rules(&self, merchant: MerchantId) -> Result<Vec<EarnRule>, StoreError> {
        let list = Entity::find().filter(Column::MerchantId.eq(merchant.uuid()));
        let found = list.order_by_asc(Column::Version).all(self.db.reader()).await?;
        found.iter().map(rows::earn_rule).collect()
    }
}

async fn add(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
    rule: &EarnRule,
    now: Instant,
) -> Result<Result<EarnRule, RuleRefused>, StoreError> {
    if merchant::Entity::find_by_id(merchant.uuid()).one(transaction).await?.is_none() {
        return Ok(Err(RuleRefused::MerchantNotFound));
    }
    let list = Entity::find().filter(Column::MerchantId.eq(merchant.uuid()));
    let newest = list.order_by_desc(Column::Version).one(transaction).await?;
    let newest = newest.as_ref().map(rows::earn_rule).transpose()?;
    let Ok(version) = next_version(newest.as_ref(), rule.effective_from, now) else {
        return Ok(Err(RuleRefused::EffectiveFrom));
    };
    let rule = EarnRule { version, ..rule.clone() };
    Entity::insert(row(merchant, &rule, now)?).exec_without_returning(transaction).await?;
    Ok(Ok(rule))
}

fn row(merchant: MerchantId, rule: &EarnRule, now: Instant) -> Result<ActiveModel, StoreError> {
    let categories = serde_json::to_string(&rule.excluded_categories);
    Ok(ActiveModel {
        merchant_id: Set(merchant.uuid()),
        version: Set(rule.version),
        effective_from: Set(rule.effective_from.micros()),
        rate_points: Set(rule.rate.points),
        rate_per: Set(rule.rate.per),
        minimum_basket: Set(rule.minimum_basket),
        cap_per_purchase: Set(rule.cap_per_purchase.map(Points::get)),
        cap_per_day: Set(rule.cap_per_day.map(Points::get)),
        excluded_categories: Set(categories.map_err(|error| StoreError::Failed(error.to_string()))?),
        pending_days: Set(i16::try_from(rule.pending_days).unwrap_or(i16::MAX)),
        expiry: Set(rule.expiry.to_text()),
        spend_only_at_issuer: Set(i16::from(rule.spend_only_at_issuer)),
        created_at: Set(now.micros()),
    })
}
