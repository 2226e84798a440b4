//! Members, as a caller may see them: the operator and merchants any member, a member only itself.

use std::collections::HashMap;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, WalletId};
use amvaj_domain::member::{Member, MemberLookup, MemberSearch, MemberStatus};
use amvaj_domain::text::CustomerRef;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select};
use uuid::Uuid;

use super::listing::{self, begins_with, contains};
use super::rows;
use crate::db::entity::customer_ref;
use crate::db::entity::member::{Column, Entity};
use crate::db::{Database, StoreError};
use crate::page::{Page, PageRequest};

/// The members as one caller may see them.
#[derive(Debug)]
pub struct Members<'a> {
    db: &'a Database,
    caller: Caller,
}

/// Which members to list.
#[derive(Debug, Clone, Default)]
pub struct MemberFilter {
    /// Only those with this status.
    pub status: Option<MemberStatus>,
    /// Only those that this finds.
    pub search: Option<MemberSearch>,
}

impl<'a> Members<'a> {
    pub(super) const fn new(db: &'a Database, caller: Caller) -> Self {
        Self { db, caller }
    }

    /// The member that a look-up names; nothing when there is none, or none for this caller. A merchant's reference
    /// is known to that merchant and the operator only.
    pub async fn find(&self, lookup: &MemberLookup) -> Result<Option<Member>, StoreError> {
        let list = match lookup {
            MemberLookup::Id(id) => Entity::find_by_id(id.uuid()),
            MemberLookup::Mobile(mobile) => Entity::find().filter(Column::Mobile.eq(mobile.as_str())),
            MemberLookup::CardNumber(card) => Entity::find().filter(Column::CardNumber.eq(card.as_str())),
            MemberLookup::Wallet(wallet) => Entity::find().filter(Column::WalletId.eq(wallet.uuid())),
            MemberLookup::Customer { merchant, customer_ref } => {
                if !matches!(self.caller, Caller::Operator | Caller::Agent)
                    && self.caller != Caller::Merchant(*merchant)
                {
                    return Ok(None);
                }
                let linked = customer_ref::Entity::find()
                    .select_only()
                    .column(customer_ref::Column::MemberId)
                    .filter(customer_ref::Column::MerchantId.eq(merchant.uuid()))
                    .filter(customer_ref::Column::CustomerRef.eq(customer_ref.as_str()));
                Entity::find().filter(Column::MemberId.in_subquery(linked.into_query()))
            }
        };
        let found = list.one(self.db.reader()).await?.as_ref().map(rows::member).transpose()?;
        Ok(found.filter(|member| self.sees(member)))
    }

    /// The members of these ids; unknown ones and those that the caller may not see are left out.
    pub async fn by_id(&self, ids: &[MemberId]) -> Result<Vec<Member>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        self.all(Entity::find().filter(Column::MemberId.is_in(ids))).await
    }

    /// The members of these wallets; unknown ones and those that the caller may not see are left out.
    pub async fn by_wallet(&self, wallets: &[WalletId]) -> Result<Vec<Member>, StoreError> {
        let ids = wallets.iter().map(|id| id.uuid());
        self.all(Entity::find().filter(Column::WalletId.is_in(ids))).await
    }

    /// The calling merchant's own references of these members; nothing for other callers.
    pub async fn customer_refs(
        &self,
        members: &[MemberId],
    ) -> Result<HashMap<MemberId, CustomerRef>, StoreError> {
        let Caller::Merchant(merchant) = self.caller else { return Ok(HashMap::new()) };
        let found = customer_ref::Entity::find()
            .filter(customer_ref::Column::MerchantId.eq(merchant.uuid()))
            .filter(customer_ref::Column::MemberId.is_in(members.iter().map(|id| id.uuid())))
            .all(self.db.reader())
            .await?;
        found.iter().map(|row| Ok((MemberId::new(row.member_id), rows::customer_ref(row)?))).collect()
    }

    /// A page of members, in the order of their enrolment: for the operator all of them, for a merchant those it has
    /// a reference for, for a member itself.
    pub async fn page(
        &self,
        filter: &MemberFilter,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Member>, StoreError> {
        let mut list = self.listed();
        if let Some(status) = filter.status {
            list = list.filter(Column::Status.eq(status.stored()));
        }
        list = match &filter.search {
            Some(MemberSearch::Name(part)) => list.filter(Column::SearchKey.like(contains(part))),
            Some(MemberSearch::MobilePrefix(start)) => list.filter(Column::Mobile.like(begins_with(start))),
            None => list,
        };
        listing::page(self.db, list, Column::MemberId, request, rows::member).await
    }

    fn listed(&self) -> Select<Entity> {
        match self.caller {
            Caller::Operator | Caller::Agent => Entity::find(),
            Caller::Member(id) => Entity::find().filter(Column::MemberId.eq(id.uuid())),
            Caller::Merchant(merchant) => {
                let linked = customer_ref::Entity::find()
                    .select_only()
                    .column(customer_ref::Column::MemberId)
                    .filter(customer_ref::Column::MerchantId.eq(merchant.uuid()));
                Entity::find().filter(Column::MemberId.in_subquery(linked.into_query()))
            }
        }
    }

    async fn all(&self, list: Select<Entity>) -> Result<Vec<Member>, StoreError> {
        let found = list.all(self.db.reader()).await?;
        let members: Vec<Member> = found.iter().map(rows::member).collect::<Result<_, _>>()?;
        Ok(members.into_iter().filter(|member| self.sees(member)).collect())
    }

    fn sees(&self, member: &Member) -> bool {
        match self.caller {
            Caller::Operator | Caller::Agent | Caller::Merchant(_) => true,
            Caller::Member(id) => member.id == id,
        }
    }
}
