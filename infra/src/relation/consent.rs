//! What a member allows or forbids a merchant. It is the member's own business, so the audit log does not tell of it.

use amvaj_domain::id::{MemberId, MerchantId, WalletId};
use amvaj_domain::relation::{Consent, Relation, RelationSource};
use amvaj_domain::time::Instant;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{Relations, read};
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::merchant as merchants;
use crate::db::entity::relation::{ActiveModel, Column, Entity};
use crate::directory::present::present;

/// Why a consent was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConsentRefused {
    /// There is no such member.
    #[error("there is no such member")]
    MemberNotFound,
    /// There is no such merchant.
    #[error("there is no such merchant")]
    MerchantNotFound,
}

impl Relations {
    /// Says what a merchant sees of a member, in place of what was said before. Saying it again changes nothing.
    pub async fn set_consent(
        &self,
        member: MemberId,
        merchant: MerchantId,
        consent: Consent,
        now: Instant,
    ) -> Result<Result<Relation, ConsentRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Ordinary).await?;
        let transaction = unit.transaction();
        let Some(wallet) = wallet_of(transaction, member).await? else {
            return Ok(Err(ConsentRefused::MemberNotFound));
        };
        if !merchant_exists(transaction, merchant).await? {
            return Ok(Err(ConsentRefused::MerchantNotFound));
        }
        let row = ActiveModel {
            member_id: Set(member.uuid()),
            merchant_id: Set(merchant.uuid()),
            since: Set(now.micros()),
            source: Set(RelationSource::Consent.stored()),
            seq: Set(None),
            consent: Set(Some(consent.stored())),
            consented_at: Set(Some(now.micros())),
        };
        let something_else = Column::Consent.is_null().or(Column::Consent.ne(consent.stored()));
        let said = OnConflict::columns([Column::MemberId, Column::MerchantId])
            .update_columns([Column::Consent, Column::ConsentedAt])
            .action_and_where(something_else)
            .to_owned();
        Entity::insert(row).on_conflict(said).exec_without_returning(transaction).await?;
        let found = relation(transaction, member, merchant).await?;
        unit.commit().await?;
        self.forget(merchant, wallet);
        found.map(Ok).ok_or(StoreError::CorruptRow {
            table: "relation",
            id: format!("{member}/{merchant}"),
            what: "it is missing right after it was written",
        })
    }

    /// Takes back what was said, so that the relation alone decides what the merchant sees. Answers with the relation
    /// if there is one.
    pub async fn withdraw_consent(
        &self,
        member: MemberId,
        merchant: MerchantId,
    ) -> Result<Result<Option<Relation>, ConsentRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Ordinary).await?;
        let transaction = unit.transaction();
        let Some(wallet) = wallet_of(transaction, member).await? else {
            return Ok(Err(ConsentRefused::MemberNotFound));
        };
        if !merchant_exists(transaction, merchant).await? {
            return Ok(Err(ConsentRefused::MerchantNotFound));
        }
        let this = || {
            let member = Column::MemberId.eq(member.uuid());
            member.and(Column::MerchantId.eq(merchant.uuid()))
        };
        Entity::delete_many()
            .filter(this())
            .filter(Column::Source.eq(RelationSource::Consent.stored()))
            .exec(transaction)
            .await?;
        Entity::update_many()
            .col_expr(Column::Consent, Expr::value(Option::<i16>::None))
            .col_expr(Column::ConsentedAt, Expr::value(Option::<i64>::None))
            .filter(this())
            // A consent that is being given at this moment comes after this.
            .filter(Column::Source.ne(RelationSource::Consent.stored()))
            .exec(transaction)
            .await?;
        let found = relation(transaction, member, merchant).await?;
        unit.commit().await?;
        self.forget(merchant, wallet);
        Ok(Ok(found))
    }
}

async fn merchant_exists(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
) -> Result<bool, StoreError> {
    Ok(merchants::Entity::find_by_id(merchant.uuid()).one(transaction).await?.is_some())
}

async fn wallet_of(
    transaction: &DatabaseTransaction,
    member: MemberId,
) -> Result<Option<WalletId>, StoreError> {
    Ok(present(transaction, member).await?.map(|row| WalletId::new(row.wallet_id)))
}

async fn relation(
    transaction: &DatabaseTransaction,
    member: MemberId,
    merchant: MerchantId,
) -> Result<Option<Relation>, StoreError> {
    let found = Entity::find_by_id((member.uuid(), merchant.uuid())).one(transaction).await?;
    found.as_ref().map(read).transpose()
}
