//! `setStaffPosts`.

use amvaj_infra::directory::StaffRefused;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{PostInput, PostsProblem, Staff, read_posts};
use crate::app::set_staff_posts::set_staff_posts;
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// Where somebody works from now on.
#[derive(Debug, InputObject)]
pub struct SetStaffPostsInput {
    /// Global id of the person, from the merchant's `staff`.
    pub staff_id: ID,
    /// Where the person works and as what: 1 to 20 posts, at most one for each branch and one for all. They replace those
    /// that it had.
    pub posts: Vec<PostInput>,
}

/// What `setStaffPosts` did.
#[derive(Default, SimpleObject)]
pub struct SetStaffPostsPayload {
    /// The person with its posts; null when nothing changed.
    pub staff: Option<Staff>,
    /// Why nothing changed; empty when the person has these posts.
    pub user_errors: Vec<SetStaffPostsUserError>,
}

user_errors! {
    /// Why `setStaffPosts` changed nothing.
    SetStaffPostsUserError, SetStaffPostsErrorCode {
        /// There is no such person, or it is another merchant's.
        StaffNotFound,
        /// There is no post or more than 20, two are for the same branch, or an owner's is for one branch.
        InvalidPosts,
        /// A post is at a branch that the merchant does not have.
        BranchNotFound,
        /// A post lets its holder do more than the caller may, or the person is an owner and the caller could not make
        /// one.
        ScopesTooWide,
        /// The person is the merchant's only owner: make somebody else an owner first.
        LastOwner,
    }
}

/// The mutation.
#[derive(Default)]
pub struct SetStaffPosts;

#[Object]
impl SetStaffPosts {
    /// Says where one of a merchant's people works and as what (owner of the merchant, or operator). Whoever may not make
    /// an owner changes none. The person's sessions end within a second on every server, and its next log-in has the new
    /// posts.
    async fn set_staff_posts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Person and posts.")] input: SetStaffPostsInput,
    ) -> Result<SetStaffPostsPayload> {
        use SetStaffPostsErrorCode as Code;
        let mut problems = Problems::new();
        let id =
            problems.take(GlobalId::staff(&input.staff_id).ok_or(()), Code::StaffNotFound, "input.staffId");
        let posts = read_posts(&input.posts);
        match &posts {
            Ok(_) => {}
            Err(PostsProblem::Branch) => problems.add(Code::BranchNotFound, "input.posts"),
            Err(PostsProblem::Posts) => problems.add(Code::InvalidPosts, "input.posts"),
        }
        let (Some(id), Ok(posts)) = (id, posts) else {
            return Ok(SetStaffPostsPayload { staff: None, user_errors: problems.into_errors() });
        };
        let identity = identity(ctx)?;
        if !identity.may_give(posts.as_slice()) {
            let user_errors = Problems::one(Code::ScopesTooWide, "input.posts");
            return Ok(SetStaffPostsPayload { staff: None, user_errors });
        }
        match refusal_or_fault(set_staff_posts(app(ctx)?, identity, &author(ctx)?, id, &posts).await)? {
            Ok(staff) => Ok(SetStaffPostsPayload { staff: Some(Staff(staff)), user_errors: Vec::new() }),
            Err(refused) => {
                let (code, path) = match refused {
                    StaffRefused::BranchNotFound => (Code::BranchNotFound, "input.posts"),
                    StaffRefused::LastOwner => (Code::LastOwner, "input.posts"),
                    StaffRefused::OwnerNotYours => (Code::ScopesTooWide, "input.staffId"),
                    // Neither merchant nor mobile are named here.
                    StaffRefused::StaffNotFound
                    | StaffRefused::MerchantNotFound
                    | StaffRefused::MobileTaken => (Code::StaffNotFound, "input.staffId"),
                };
                Ok(SetStaffPostsPayload { staff: None, user_errors: Problems::one(code, path) })
            }
        }
    }
}
