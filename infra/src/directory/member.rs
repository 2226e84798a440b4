//! Members, as a caller may see them: the operator all of each, a member itself, a merchant what relation and consent
//! allow.

use std::collections::HashMap;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, MerchantId, WalletId};
use amvaj_domain::member::{Member, MemberLookup, MemberSearch, MemberStatus, SeenMember};
use amvaj_domain::relation::Disclosure;
use amvaj_domain::text::CustomerRef;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};
use uuid::Uuid;

use super::listing::{self, begins_with, contains};
use super::{Directory, rows};
use crate::db::StoreError;
use crate::db::entity::customer_ref;
use crate::db::entity::member::{Column, Entity};
use crate::page::{Page, PageRequest};

/// The members as one caller may see them.
#[derive(Debug)]
pub struct Members<'a> {
    directory: &'a Directory,
    caller: Caller,
}

/// A member that was named to do something with it, not to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedMember {
    /// The member.
    pub id: MemberId,
    /// Its wallet.
    pub wallet: WalletId,
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
    pub(super) const fn new(directory: &'a Directory, caller: Caller) -> Self {
        Self { directory, caller }
    }

    /// The member that a look-up names, as far as the caller may see it; nothing when there is none, or none for this
    /// caller. A merchant finds a member by its id or wallet only where [`Tie::finds_by_id`] says so.
    ///
    /// [`Tie::finds_by_id`]: amvaj_domain::relation::Tie::finds_by_id
    pub async fn find(&self, lookup: &MemberLookup) -> Result<Option<SeenMember>, StoreError> {
        let Some(member) = self.one(lookup).await? else { return Ok(None) };
        match (self.caller, lookup) {
            (Caller::Merchant(own), MemberLookup::Id(_) | MemberLookup::Wallet(_)) => {
                let tie = self.directory.relations.tie(own, member.wallet).await?;
                Ok(tie.finds_by_id().then(|| SeenMember::new(member, tie.disclosure())))
            }
            _ => Ok(self.seen(vec![member]).await?.pop()),
        }
    }

    /// The member that a look-up names, to do something with it: a merchant names any member by its id here.
    pub async fn named(&self, lookup: &MemberLookup) -> Result<Option<NamedMember>, StoreError> {
        if let MemberLookup::Id(id) = lookup {
            let knows = !matches!(self.caller, Caller::Member(own) if own != *id);
            let wallet = if knows { self.directory.wallet_of(*id).await? } else { None };
            return Ok(wallet.map(|wallet| NamedMember { id: *id, wallet }));
        }
        let found = self.one(lookup).await?;
        Ok(found.map(|member| NamedMember { id: member.id, wallet: member.wallet }))
    }

    /// The members of these ids; unknown ones and those that the caller may not find by their ids are left out.
    pub async fn by_id(&self, ids: &[MemberId]) -> Result<Vec<SeenMember>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = self.all(Entity::find().filter(Column::MemberId.is_in(ids))).await?;
        let Caller::Merchant(own) = self.caller else { return self.seen(found).await };
        let ties = self.directory.relations.ties(own, &wallets(&found)).await?;
        let shown = found.into_iter().filter_map(|member| {
            let tie = ties.get(&member.wallet).copied().unwrap_or_default();
            tie.finds_by_id().then(|| SeenMember::new(member, tie.disclosure()))
        });
        Ok(shown.collect())
    }

    /// The members of wallets that the caller may know of, such as those of its own operations; unknown ones are left
    /// out.
    pub async fn by_wallet(&self, wallets: &[WalletId]) -> Result<Vec<SeenMember>, StoreError> {
        let ids = wallets.iter().map(|id| id.uuid());
        let found = self.all(Entity::find().filter(Column::WalletId.is_in(ids))).await?;
        self.seen(found).await
    }

    /// Whether the caller sees what is in a wallet.
    pub async fn shows_wallet(&self, wallet: WalletId) -> Result<bool, StoreError> {
        Ok(!self.shown_wallets(&[wallet]).await?.is_empty())
    }

    /// Those of the wallets in which the caller sees what there is.
    pub async fn shown_wallets(&self, wallets: &[WalletId]) -> Result<Vec<WalletId>, StoreError> {
        let mut shown = wallets.to_vec();
        match self.caller {
            Caller::Operator | Caller::Agent => {}
            Caller::Merchant(own) => {
                let ties = self.directory.relations.ties(own, wallets).await?;
                let tie = |wallet: &WalletId| ties.get(wallet).copied().unwrap_or_default();
                shown.retain(|wallet| tie(wallet).disclosure() >= Disclosure::Known);
            }
            Caller::Member(own) => {
                let own = self.directory.wallet_of(own).await?;
                shown.retain(|wallet| Some(*wallet) == own);
            }
        }
        Ok(shown)
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
            .all(self.directory.db.reader())
            .await?;
        found.iter().map(|row| Ok((MemberId::new(row.member_id), rows::customer_ref(row)?))).collect()
    }

    /// The members that the calling merchant has these references of; unknown ones are left out, and for other callers
    /// all.
    pub async fn by_customer_ref(
        &self,
        references: &[CustomerRef],
    ) -> Result<HashMap<CustomerRef, SeenMember>, StoreError> {
        let Caller::Merchant(merchant) = self.caller else { return Ok(HashMap::new()) };
        let references = references.iter().map(CustomerRef::as_str);
        let linked = customer_ref::Entity::find()
            .filter(customer_ref::Column::MerchantId.eq(merchant.uuid()))
            .filter(customer_ref::Column::CustomerRef.is_in(references))
            .all(self.directory.db.reader())
            .await?;
        let members = linked.iter().map(|row| row.member_id);
        let members = self.all(Entity::find().filter(Column::MemberId.is_in(members))).await?;
        let seen: HashMap<Uuid, SeenMember> =
            self.seen(members).await?.into_iter().map(|member| (member.id.uuid(), member)).collect();
        let found = linked.iter().filter_map(|row| Some((row, seen.get(&row.member_id)?)));
        found.map(|(row, member)| Ok((rows::customer_ref(row)?, member.clone()))).collect()
    }

    /// A page of members, in the order of their enrolment: for the operator all of them, for a member itself. Nobody
    /// else lists members: what a search finds would tell what is not shown.
    pub async fn page(
        &self,
        filter: &MemberFilter,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<SeenMember>, StoreError> {
        let mut list = Entity::find();
        list = match self.caller {
            Caller::Operator | Caller::Agent => list,
            Caller::Member(id) => list.filter(Column::MemberId.eq(id.uuid())),
            Caller::Merchant(_) => list.filter(Column::MemberId.is_null()),
        };
        if let Some(status) = filter.status {
            list = list.filter(Column::Status.eq(status.stored())).filter(match status {
                MemberStatus::Erased => Column::ErasedAt.is_not_null(),
                MemberStatus::Open | MemberStatus::Blocked => Column::ErasedAt.is_null(),
            });
        }
        list = match &filter.search {
            Some(MemberSearch::Name(part)) => list.filter(Column::SearchKey.like(contains(part))),
            Some(MemberSearch::MobilePrefix(start)) => list.filter(Column::Mobile.like(begins_with(start))),
            None => list,
        };
        let page = listing::page(&self.directory.db, list, Column::MemberId, request, rows::member).await?;
        Ok(page.map(|member| SeenMember::new(member, Disclosure::Whole)))
    }

    /// The member that a look-up names, unless it is another member than the one that calls. A merchant's reference is
    /// known to that merchant and the operator only.
    async fn one(&self, lookup: &MemberLookup) -> Result<Option<Member>, StoreError> {
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
        let found = list.one(self.directory.db.reader()).await?.as_ref().map(rows::member).transpose()?;
        Ok(found.filter(|member| self.knows_of(member)))
    }

    async fn all(&self, list: Select<Entity>) -> Result<Vec<Member>, StoreError> {
        let found = list.all(self.directory.db.reader()).await?;
        let members: Vec<Member> = found.iter().map(rows::member).collect::<Result<_, _>>()?;
        Ok(members.into_iter().filter(|member| self.knows_of(member)).collect())
    }

    fn knows_of(&self, member: &Member) -> bool {
        match self.caller {
            Caller::Operator | Caller::Agent | Caller::Merchant(_) => true,
            Caller::Member(id) => member.id == id,
        }
    }

    /// What the caller sees of members that it knows of.
    async fn seen(&self, members: Vec<Member>) -> Result<Vec<SeenMember>, StoreError> {
        let ties = match self.caller {
            Caller::Merchant(own) => self.directory.relations.ties(own, &wallets(&members)).await?,
            Caller::Operator | Caller::Agent | Caller::Member(_) => HashMap::new(),
        };
        let disclosure = |member: &Member| match self.caller {
            Caller::Operator | Caller::Agent | Caller::Member(_) => Disclosure::Whole,
            Caller::Merchant(_) => ties.get(&member.wallet).copied().unwrap_or_default().disclosure(),
        };
        let seen = members.into_iter().map(|member| {
            let disclosure = disclosure(&member);
            SeenMember::new(member, disclosure)
        });
        Ok(seen.collect())
    }
}

impl Directory {
    /// The references that merchants have of a member, by merchant: the member's own business, and the operator's.
    pub async fn references_of(
        &self,
        member: MemberId,
    ) -> Result<Vec<(MerchantId, CustomerRef)>, StoreError> {
        let found = customer_ref::Entity::find()
            .filter(customer_ref::Column::MemberId.eq(member.uuid()))
            .order_by_asc(customer_ref::Column::MerchantId)
            .all(self.db.reader())
            .await?;
        found.iter().map(|row| Ok((MerchantId::new(row.merchant_id), rows::customer_ref(row)?))).collect()
    }
}

fn wallets(members: &[Member]) -> Vec<WalletId> {
    members.iter().map(|member| member.wallet).collect()
}
