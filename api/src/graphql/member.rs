//! Members: what each caller may see of them, and the ways to name one.

pub mod enrol;
pub mod erase;
pub mod language;
pub mod link;
pub mod reference;
pub mod status;

use std::borrow::Cow;

use amvaj_domain::access::{Caller, Subject};
use amvaj_domain::member::{self, MemberSearch, MemberStatus as Status, SeenMember};
use amvaj_domain::relation::Disclosure as Disclosed;
use amvaj_domain::text::{CardNumber, Mobile};
use amvaj_infra::directory;
use async_graphql::{Context, Enum, ID, InputObject, MergedObject, Object, Result};

use super::connection::{PageArguments, connection};
use super::context::{app, author, caller};
use super::error::{Code, fault};
use super::global_id::GlobalId;
use super::loader::{CustomerRefOf, loader};
use super::redemption::{Redemption, RedemptionConnection};
use super::relation::{Disclosure, Relation, RelationConnection};
use super::scalar::{DateTime, Version};
use super::session::Session;
use super::wallet::Wallet;
use crate::app::find_member::list_members;
use crate::language::Message;
pub use reference::{CustomerRefInput, MemberRef, MemberRefProblem, MerchantRef};

/// Whether a member takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "member::MemberStatus")]
pub enum MemberStatus {
    /// The member earns and spends.
    Open,
    /// The operator blocked the member: what was begun can be ended, and nothing begun.
    Blocked,
    /// The member was erased: nothing is known of the person any more. The wallet is blocked.
    Erased,
}

/// Which members to list.
#[derive(Debug, Default, InputObject)]
pub struct MemberFilter {
    /// Only those with this status.
    pub status: Option<MemberStatus>,
    /// Digits find the beginning of a mobile number, other text a part of a name; Persian and Arabic letters and
    /// digits are taken for one another. Example: `"۰۹۱۲۳"` or `"کریمی"`.
    pub search: Option<String>,
}

connection! {
    /// Members, a page at a time, in the order of their enrolment.
    MemberConnection, MemberEdge, Member
}

/// A person who collects points, as far as the caller sees it.
#[derive(Debug, Clone)]
pub struct Member(pub SeenMember);

/// Queries about members.
#[derive(Default)]
pub struct MemberQueries;

/// Mutations of members.
#[derive(Default, MergedObject)]
pub struct MemberMutations(
    enrol::EnrolMember,
    status::SetMemberStatus,
    erase::EraseMember,
    link::LinkCustomer,
    language::SetLanguage,
);

#[Object]
impl MemberQueries {
    /// The member that is named; null when there is none that the caller may see. The operator finds any member, a member
    /// only itself. A merchant finds any member by what it shows at the till (mobile, card), by its own references, and by
    /// id those it has a relation with; `disclosure` says how much it sees. How often mobiles and cards can be looked for
    /// is limited (`THROTTLED`). That an operator or agent looked for somebody is in the audit log.
    async fn member(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "ref", desc = "How the member is named.")] reference: MemberRef,
    ) -> Result<Option<Member>> {
        match reference.find(ctx).await? {
            Ok(member) => Ok(Some(Member(member))),
            Err(MemberRefProblem::NotFound) => Ok(None),
            Err(MemberRefProblem::Invalid(what)) => Err(what.error()),
        }
    }

    /// The members of the network, in the order of their enrolment (operator or agent). That they were listed is in the
    /// audit log.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which members; all when left out.")] filter: Option<MemberFilter>,
    ) -> Result<MemberConnection> {
        let caller = caller(ctx)?;
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let filter = filter.unwrap_or_default();
        let filter = directory::MemberFilter {
            status: filter.status.map(Status::from),
            search: filter.search.as_deref().and_then(MemberSearch::parse),
        };
        let page = list_members(app(ctx)?, caller, &author(ctx)?, &filter, &request).await.map_err(fault)?;
        Ok(MemberConnection::new(page, |member| member.id.uuid(), Member))
    }
}

/// A person who collects points. What is shown of it depends on the caller: see `disclosure`.
#[Object]
impl Member {
    /// The member's global id.
    pub async fn id(&self) -> ID {
        GlobalId::Member(self.0.id).write()
    }

    /// How much of the member the caller sees. The operator, agents and the member see everything; a merchant sees what
    /// their relation and the member's consent allow.
    async fn disclosure(&self) -> Disclosure {
        self.0.disclosure().into()
    }

    /// The name; its initials when no more is shown (`MASKED`). Example: `"مینا کریمی"`, masked `"م*** ک***"`.
    async fn name(&self) -> Cow<'_, str> {
        self.0.name()
    }

    /// Whether the member takes part.
    async fn status(&self) -> MemberStatus {
        self.0.status.into()
    }

    /// The mobile number without its middle digits, for a look at the till. Example: `"+98912***6789"`.
    async fn masked_mobile(&self) -> String {
        self.0.masked_mobile()
    }

    /// The mobile number; null for a merchant to which the member has not given its `PROFILE`.
    /// Example: `"+989123456789"`.
    async fn mobile(&self) -> Option<&str> {
        self.0.mobile().map(Mobile::as_str)
    }

    /// The number of the member's card; null for a merchant to which the member has not given its `PROFILE`, and when
    /// there is no card. Example: `"6273001234567890"`.
    async fn card_number(&self) -> Option<&str> {
        self.0.card_number().map(CardNumber::as_str)
    }

    /// The language in which the member wants to be told things; null for merchants, and when the member has not said:
    /// then it is the network's.
    async fn language(&self) -> Option<language::Language> {
        self.0.language().map(Into::into)
    }

    /// The calling merchant's own reference of the member; null when it has none, and for other callers.
    /// Example: `"17850"`.
    async fn customer_ref(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        caller(ctx)?;
        let reference = loader(ctx)?.load_one(CustomerRefOf(self.0.id)).await.map_err(fault)?;
        Ok(reference.map(|reference| reference.to_string()))
    }

    /// `customerRef` with the merchant whose reference it is: other subgraphs refer to members by it; null when there is
    /// no `customerRef`.
    async fn merchant_ref(&self, ctx: &Context<'_>) -> Result<Option<MerchantRef>> {
        let Caller::Merchant(merchant) = caller(ctx)? else { return Ok(None) };
        let reference = loader(ctx)?.load_one(CustomerRefOf(self.0.id)).await.map_err(fault)?;
        Ok(reference.map(|reference| MerchantRef {
            merchant_id: GlobalId::Merchant(merchant).write(),
            customer_ref: reference.to_string(),
        }))
    }

    /// The member's wallet; null for a merchant that the member is `MASKED` for. Other merchants see its balance; its lots
    /// and holds only the member and the operator.
    async fn wallet(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The answer must not be older than this version; send the one that a mutation gave you."
        )]
        at_least: Option<Version>,
    ) -> Result<Option<Wallet>> {
        Wallet::find(ctx, self.0.wallet, at_least).await
    }

    /// The log-ins that go on, the latest used first. Only the operator and the member see them; null for others.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Session>>> {
        Session::of(ctx, Subject::Member(self.0.id)).await
    }

    /// What the member has redeemed, in the order in which it asked for it; `last` gives the newest. A merchant sees what it
    /// gives itself.
    async fn redemptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<RedemptionConnection> {
        Redemption::of_wallet(ctx, &PageArguments { first, after, last, before }, self.0.wallet).await
    }

    /// When the member joined; null for a merchant that the member is `MASKED` for.
    async fn enrolled_at(&self) -> Option<DateTime> {
        self.0.enrolled_at().map(DateTime)
    }

    /// The merchants that the member dealt with or said something about, and what each of them sees. Not shown to
    /// merchants: it tells where else a member collects.
    async fn relations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<RelationConnection> {
        if self.0.disclosure() < Disclosed::Whole {
            return Err(Code::Forbidden.saying(Message::new("relations-are-private")));
        }
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let page = app(ctx)?.directory.relations().of_member(self.0.id, &request).await.map_err(fault)?;
        Ok(RelationConnection::new(page, |relation| relation.merchant.uuid(), Relation))
    }
}

impl Member {
    /// A member to whom or to the operator everything is shown.
    pub const fn whole(member: member::Member) -> Self {
        Self(SeenMember::new(member, Disclosed::Whole))
    }
}
