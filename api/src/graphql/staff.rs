//! Staff: a merchant's people, for those who may know them.

pub mod add;
pub mod posts;
pub mod remove;

use amvaj_domain::access::{self, Actor, Caller, Scope, Subject};
use amvaj_domain::id::{MerchantId, StaffId};
use amvaj_domain::staff;
use async_graphql::{Context, Enum, ID, InputObject, MergedObject, Object, Result};

use super::branch::Branch;
use super::connection::connection;
use super::context::identity_if_any;
use super::error::fault;
use super::global_id::GlobalId;
use super::loader::loader;
use super::merchant::Merchant;
use super::scalar::DateTime;
use super::session::Session;

/// What somebody is at a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "access::StaffRole")]
pub enum StaffRole {
    /// Serves at a till: earns, redeems, enrols.
    Cashier,
    /// Leads a branch: refunds and reads its operations as well.
    Manager,
    /// May do everything that the merchant may: keys and people as well. Always for the whole merchant.
    Owner,
}

/// A place of work.
#[derive(Debug, InputObject)]
pub struct PostInput {
    /// Global id of one of the merchant's branches; leave it out for all branches and for business at none of them.
    pub branch_id: Option<ID>,
    /// What the person is there. Example: `CASHIER`.
    pub role: StaffRole,
}

/// A place of work of one of a merchant's people.
#[derive(Debug, Clone, Copy)]
pub struct Post(pub access::Post);

connection! {
    /// A merchant's people, a page at a time, in the order in which they were added.
    StaffConnection, StaffEdge, Staff
}

/// One of a merchant's people, who logs in with a code sent to a mobile.
#[derive(Debug, Clone)]
pub struct Staff(pub staff::Staff);

/// Mutations of staff.
#[derive(Default, MergedObject)]
pub struct StaffMutations(add::AddStaff, posts::SetStaffPosts, remove::RemoveStaff);

/// A place of work of one of a merchant's people.
#[Object]
impl Post {
    /// The branch; null for all branches and for business at none of them.
    async fn branch(&self, ctx: &Context<'_>) -> Result<Option<Branch>> {
        match self.0.branch {
            Some(branch) => Branch::load(ctx, branch).await,
            None => Ok(None),
        }
    }

    /// What the person is there.
    async fn role(&self) -> StaffRole {
        self.0.role.into()
    }
}

/// One of a merchant's people, who logs in with a code sent to a mobile. The merchant's owners, the operator and the
/// person itself see it.
#[Object]
impl Staff {
    /// The person's global id.
    pub async fn id(&self) -> ID {
        GlobalId::Staff(self.0.id).write()
    }

    /// The merchant.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.0.merchant).await
    }

    /// The name. Example: `"آرش محمدی"`.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// The mobile number with which the person logs in. Example: `"+989123456789"`.
    async fn mobile(&self) -> String {
        self.0.mobile.to_string()
    }

    /// Where the person works and as what; empty once it is removed.
    async fn posts(&self) -> Vec<Post> {
        let posts = self.0.posts.as_ref().map_or(&[][..], access::Posts::as_slice);
        posts.iter().copied().map(Post).collect()
    }

    /// The log-ins that go on, the latest used first. Only the operator and the person see them; null for others.
    async fn sessions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Session>>> {
        Session::of(ctx, Subject::Staff(self.0.id)).await
    }

    /// When the person was added.
    async fn added_at(&self) -> DateTime {
        DateTime(self.0.added_at)
    }

    /// When the person was removed; null while it works here.
    async fn removed_at(&self) -> Option<DateTime> {
        self.0.removed_at.map(DateTime)
    }
}

impl Staff {
    /// The person, when the caller may see it.
    pub async fn find(ctx: &Context<'_>, id: StaffId) -> Result<Option<Self>> {
        let found = loader(ctx)?.load_one(id).await.map_err(fault)?;
        let itself = identity_if_any(ctx).is_some_and(|identity| identity.actor == Actor::Staff(id));
        Ok(found.filter(|staff| itself || may_see(ctx, staff.merchant)).map(Self))
    }
}

/// Whether the caller may see the people of a merchant: its owner, or the operator.
pub(super) fn may_see(ctx: &Context<'_>, merchant: MerchantId) -> bool {
    let Some(identity) = identity_if_any(ctx).filter(|identity| identity.may(Scope::StaffManage)) else {
        return false;
    };
    match identity.caller {
        Caller::Operator => true,
        Caller::Merchant(own) => own == merchant,
        Caller::Agent | Caller::Member(_) => false,
    }
}

/// What cannot be read of a list of posts.
enum PostsProblem {
    /// An id is not the id of a branch.
    Branch,
    /// The list as a whole is none that somebody can have.
    Posts,
}

/// Reads where somebody works.
fn read_posts(posts: &[PostInput]) -> Result<access::Posts, PostsProblem> {
    let read = |post: &PostInput| {
        let branch = post.branch_id.as_ref().map(|id| GlobalId::branch(id).ok_or(PostsProblem::Branch));
        Ok(access::Post { branch: branch.transpose()?, role: post.role.into() })
    };
    let posts: Vec<access::Post> = posts.iter().map(read).collect::<Result<_, PostsProblem>>()?;
    access::Posts::new(posts).map_err(|_| PostsProblem::Posts)
}
