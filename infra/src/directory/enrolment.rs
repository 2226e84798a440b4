//! What changes members: enrolment with a wallet, blocking, and merchants' references.

use amvaj_domain::audit::Act;
use amvaj_domain::id::{MemberId, MerchantId, WalletId};
use amvaj_domain::language::Language;
use amvaj_domain::ledger::Wallet;
use amvaj_domain::member::{Member, MemberStatus};
use amvaj_domain::relation::RelationSource;
use amvaj_domain::text::{CardNumber, CustomerRef};
use amvaj_domain::time::Instant;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Value};

use super::present::present;
use super::set_column::set_column;
use super::{Directory, rows};
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::member::{ActiveModel, Column, Entity};
use crate::db::entity::{customer_ref, wallet};
use crate::relation;

/// A member to enrol.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The new member with its new wallet.
    pub member: Member,
    /// A merchant's own reference of the member.
    pub customer: Option<(MerchantId, CustomerRef)>,
}

/// Why nobody was enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentRefused {
    /// Another member has the mobile number.
    #[error("the mobile number belongs to member {0}")]
    MobileTaken(MemberId),
    /// Another member has the card.
    #[error("the card belongs to another member")]
    CardTaken,
    /// The merchant's reference belongs to another member.
    #[error("the reference belongs to another member")]
    CustomerRefTaken,
    /// There is no such merchant.
    #[error("there is no such merchant")]
    MerchantNotFound,
}

/// Why a reference was not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// The reference belongs to another member.
    #[error("the reference belongs to another member")]
    CustomerRefTaken,
    /// There is no such merchant.
    #[error("there is no such merchant")]
    MerchantNotFound,
    /// There is no such member.
    #[error("there is no such member")]
    MemberNotFound,
}

/// How often a link is tried again when another one is made at the same time.
const TRIES: usize = 3;

impl Directory {
    /// Writes a new member, its empty wallet and the merchant's reference: all or nothing.
    pub async fn enrol_member(
        &self,
        enrolment: &Enrolment,
        audit: Audit<'_>,
    ) -> Result<Result<(), EnrolmentRefused>, StoreError> {
        self.enrol(enrolment, None, audit).await
    }

    /// Writes a new member whom a merchant enrols at its till: the merchant's daily work, and the beginning of a
    /// relation.
    pub async fn enrol_member_at(
        &self,
        merchant: MerchantId,
        enrolment: &Enrolment,
    ) -> Result<Result<(), EnrolmentRefused>, StoreError> {
        self.enrol(enrolment, Some(merchant), Audit::Ordinary).await
    }

    async fn enrol(
        &self,
        enrolment: &Enrolment,
        by: Option<MerchantId>,
        audit: Audit<'_>,
    ) -> Result<Result<(), EnrolmentRefused>, StoreError> {
        let mut tries = TRIES;
        loop {
            let unit = Unit::begin(&self.db, audit).await?;
            if let Some(refused) = obstacle(unit.transaction(), enrolment).await? {
                return Ok(Err(refused));
            }
            match insert(unit.transaction(), enrolment, by).await {
                Ok(()) => {
                    unit.commit().await?;
                    return Ok(Ok(()));
                }
                // Another enrolment took a unique value in between: the next round sees which one.
                Err(StoreError::Duplicate(_)) if tries > 1 => tries -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Sets a member's status; one that it has already changes nothing and is not told of. Nothing when there is no such
    /// member. The wallet has a status of its own, which an operation of the ledger sets.
    pub async fn set_member_status(
        &self,
        id: MemberId,
        status: MemberStatus,
        act: &Act,
    ) -> Result<Option<Member>, StoreError> {
        self.set_column(id, Column::Status, status.stored().into(), Audit::Entry(act)).await
    }

    /// Sets the language in which a member is told things; nothing when there is no such member.
    pub async fn set_member_language(
        &self,
        id: MemberId,
        language: Language,
    ) -> Result<Option<Member>, StoreError> {
        // The member's own business.
        self.set_column(id, Column::Language, language.code().into(), Audit::Ordinary).await
    }

    async fn set_column(
        &self,
        id: MemberId,
        column: Column,
        value: Value,
        audit: Audit<'_>,
    ) -> Result<Option<Member>, StoreError> {
        let unit = Unit::begin(&self.db, audit).await?;
        // Of an erased member nothing changes any more.
        let which = Entity::find_by_id(id.uuid()).filter(Column::ErasedAt.is_null());
        let found = set_column(unit, which, column, value).await?;
        found.as_ref().map(rows::member).transpose()
    }

    /// Makes `reference` the merchant's name for a member, in place of the one it had.
    pub async fn link_customer(
        &self,
        merchant: MerchantId,
        reference: &CustomerRef,
        member: MemberId,
        now: Instant,
    ) -> Result<Result<(), LinkRefused>, StoreError> {
        let mut tries = TRIES;
        loop {
            // A merchant's own business.
            let unit = Unit::begin(&self.db, Audit::Ordinary).await?;
            let transaction = unit.transaction();
            let Some(row) = present(transaction, member).await? else {
                return Ok(Err(LinkRefused::MemberNotFound));
            };
            if !merchant_exists(transaction, merchant).await? {
                return Ok(Err(LinkRefused::MerchantNotFound));
            }
            match holder(transaction, merchant, reference).await? {
                Some(holder) if holder == member => return Ok(Ok(())),
                Some(_) => return Ok(Err(LinkRefused::CustomerRefTaken)),
                None => {}
            }
            customer_ref::Entity::delete_many()
                .filter(customer_ref::Column::MerchantId.eq(merchant.uuid()))
                .filter(customer_ref::Column::MemberId.eq(member.uuid()))
                .exec(transaction)
                .await?;
            match insert_reference(transaction, merchant, reference, member, now).await {
                Ok(()) => {
                    unit.commit().await?;
                    self.relations.forget(merchant, WalletId::new(row.wallet_id));
                    return Ok(Ok(()));
                }
                Err(StoreError::Duplicate(_)) if tries > 1 => tries -= 1,
                Err(error) => return Err(error),
            }
        }
    }
}

/// What stands in the way of an enrolment, if anything does.
async fn obstacle(
    transaction: &DatabaseTransaction,
    enrolment: &Enrolment,
) -> Result<Option<EnrolmentRefused>, StoreError> {
    let Enrolment { member, customer } = enrolment;
    let mobile = Entity::find().filter(Column::Mobile.eq(member.mobile.as_str())).one(transaction).await?;
    if let Some(holder) = mobile {
        return Ok(Some(EnrolmentRefused::MobileTaken(MemberId::new(holder.member_id))));
    }
    if let Some(card) = &member.card_number
        && Entity::find().filter(Column::CardNumber.eq(card.as_str())).one(transaction).await?.is_some()
    {
        return Ok(Some(EnrolmentRefused::CardTaken));
    }
    if let Some((merchant, reference)) = customer {
        if !merchant_exists(transaction, *merchant).await? {
            return Ok(Some(EnrolmentRefused::MerchantNotFound));
        }
        if holder(transaction, *merchant, reference).await?.is_some() {
            return Ok(Some(EnrolmentRefused::CustomerRefTaken));
        }
    }
    Ok(None)
}

async fn insert(
    transaction: &DatabaseTransaction,
    enrolment: &Enrolment,
    by: Option<MerchantId>,
) -> Result<(), StoreError> {
    let Enrolment { member, customer } = enrolment;
    Entity::insert(member_row(member)).exec_without_returning(transaction).await?;
    let wallet = wallet_row(&Wallet::new(member.wallet));
    wallet::Entity::insert(wallet).exec_without_returning(transaction).await?;
    if let Some(merchant) = by {
        let (source, at) = (RelationSource::Enrolled, member.enrolled_at);
        relation::insert(transaction, member.id, merchant, source, at).await?;
    }
    if let Some((merchant, reference)) = customer {
        insert_reference(transaction, *merchant, reference, member.id, member.enrolled_at).await?;
    }
    Ok(())
}

pub(super) fn member_row(member: &Member) -> ActiveModel {
    ActiveModel {
        member_id: Set(member.id.uuid()),
        wallet_id: Set(member.wallet.uuid()),
        mobile: Set(member.mobile.to_string()),
        card_number: Set(member.card_number.as_ref().map(CardNumber::to_string)),
        name: Set(member.name.to_string()),
        search_key: Set(amvaj_domain::text::search_key(member.name.as_str())),
        status: Set(member.status.stored()),
        enrolled_at: Set(member.enrolled_at.micros()),
        language: Set(member.language.map(|language| language.code().to_owned())),
        erased_at: Set(None),
    }
}

pub(super) fn wallet_row(wallet: &Wallet) -> wallet::ActiveModel {
    wallet::ActiveModel {
        shard_no: Set(wallet.id.shard_no()),
        wallet_id: Set(wallet.id.uuid()),
        posted: Set(wallet.balances.posted.get()),
        held: Set(wallet.balances.held.get()),
        pending: Set(wallet.balances.pending.get()),
        debt: Set(wallet.balances.debt.get()),
        version: Set(wallet.version),
        next_lot: Set(wallet.next_lot),
        status: Set(wallet.status.stored()),
        last_recorded_at: Set(wallet.last_recorded_at.micros()),
        next_due: Set(wallet.next_due.micros()),
    }
}

/// Links a member, which is the beginning of a relation if there was none.
async fn insert_reference(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
    reference: &CustomerRef,
    member: MemberId,
    now: Instant,
) -> Result<(), StoreError> {
    customer_ref::Entity::insert(customer_ref::ActiveModel {
        merchant_id: Set(merchant.uuid()),
        customer_ref: Set(reference.to_string()),
        member_id: Set(member.uuid()),
        created_at: Set(now.micros()),
    })
    .exec_without_returning(transaction)
    .await?;
    relation::insert(transaction, member, merchant, RelationSource::Linked, now).await
}

async fn merchant_exists(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
) -> Result<bool, StoreError> {
    let found = crate::db::entity::merchant::Entity::find_by_id(merchant.uuid()).one(transaction).await?;
    Ok(found.is_some())
}

/// The member that a merchant's reference names.
async fn holder(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
    reference: &CustomerRef,
) -> Result<Option<MemberId>, StoreError> {
    let key = (merchant.uuid(), reference.to_string());
    let found = customer_ref::Entity::find_by_id(key).one(transaction).await?;
    Ok(found.map(|row| MemberId::new(row.member_id)))
}
