//! `addStaff`.

use amvaj_domain::text::{Mobile, Name};
use amvaj_infra::directory::StaffRefused;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{PostInput, PostsProblem, Staff, read_posts};
use crate::app::add_staff::{self, add_staff};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// Somebody to add.
#[derive(Debug, InputObject)]
pub struct AddStaffInput {
    /// Global id of the merchant. An owner may leave it out, and can name no other than its own.
    pub merchant_id: Option<ID>,
    /// The name, 1 to 120 characters. Example: `"آرش محمدی"`.
    pub name: String,
    /// The mobile number with which the person logs in, in Persian, Arabic or ASCII digits. One number can belong to the
    /// staff of several merchants. Example: `"۰۹۱۲ ۳۴۵ ۶۷۸۹"`.
    pub mobile: String,
    /// Where the person works and as what: 1 to 20 posts, at most one for each branch and one for all.
    pub posts: Vec<PostInput>,
}

/// What `addStaff` did.
#[derive(Default, SimpleObject)]
pub struct AddStaffPayload {
    /// The person; null when nobody was added.
    pub staff: Option<Staff>,
    /// Why nobody was added; empty when somebody was.
    pub user_errors: Vec<AddStaffUserError>,
}

user_errors! {
    /// Why `addStaff` added nobody.
    AddStaffUserError, AddStaffErrorCode {
        /// There is no such merchant, it is another one than the caller's, or the operator named none.
        MerchantNotFound,
        /// The name is empty, too long, or has control characters.
        InvalidName,
        /// The mobile number is none of Iran.
        InvalidMobile,
        /// There is no post or more than 20, two are for the same branch, or an owner's is for one branch.
        InvalidPosts,
        /// A post is at a branch that the merchant does not have.
        BranchNotFound,
        /// A post lets its holder do more than the caller may.
        ScopesTooWide,
        /// Another of the merchant's people has the mobile number.
        MobileTaken,
    }
}

/// The mutation.
#[derive(Default)]
pub struct AddStaff;

#[Object]
impl AddStaff {
    /// Adds somebody to a merchant's staff (owner of the merchant, or operator). The person logs in with
    /// `requestLoginCode(input: { mobile: …, staffOf: … })`.
    async fn add_staff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] input: AddStaffInput,
    ) -> Result<AddStaffPayload> {
        let request = match read(&input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(AddStaffPayload { staff: None, user_errors }),
        };
        if !identity(ctx)?.may_give(request.posts.as_slice()) {
            let user_errors = Problems::one(AddStaffErrorCode::ScopesTooWide, "input.posts");
            return Ok(AddStaffPayload { staff: None, user_errors });
        }
        match refusal_or_fault(add_staff(app(ctx)?, &author(ctx)?, request).await)? {
            Ok(staff) => Ok(AddStaffPayload { staff: Some(Staff(staff)), user_errors: Vec::new() }),
            Err(refused) => {
                let (code, path) = match refused {
                    StaffRefused::MobileTaken => (AddStaffErrorCode::MobileTaken, "input.mobile"),
                    StaffRefused::BranchNotFound => (AddStaffErrorCode::BranchNotFound, "input.posts"),
                    // Whoever is added cannot be missing, nor an owner already.
                    StaffRefused::MerchantNotFound
                    | StaffRefused::StaffNotFound
                    | StaffRefused::OwnerNotYours
                    | StaffRefused::LastOwner => (AddStaffErrorCode::MerchantNotFound, "input.merchantId"),
                };
                Ok(AddStaffPayload { staff: None, user_errors: Problems::one(code, path) })
            }
        }
    }
}

fn read(input: &AddStaffInput) -> Result<add_staff::AddStaff, Vec<AddStaffUserError>> {
    use AddStaffErrorCode as Code;
    let mut problems = Problems::new();
    let merchant = input.merchant_id.as_ref().map(|id| GlobalId::merchant(id).ok_or(())).transpose();
    let merchant = problems.take(merchant, Code::MerchantNotFound, "input.merchantId");
    let name = problems.take(Name::parse(&input.name), Code::InvalidName, "input.name");
    let mobile = problems.take(Mobile::parse(&input.mobile), Code::InvalidMobile, "input.mobile");
    let posts = match read_posts(&input.posts) {
        Ok(posts) => Some(posts),
        Err(PostsProblem::Branch) => {
            problems.add(Code::BranchNotFound, "input.posts");
            None
        }
        Err(PostsProblem::Posts) => {
            problems.add(Code::InvalidPosts, "input.posts");
            None
        }
    };
    match (merchant, name, mobile, posts) {
        (Some(merchant), Some(name), Some(mobile), Some(posts)) => {
            Ok(add_staff::AddStaff { merchant, name, mobile, posts })
        }
        _ => Err(problems.into_errors()),
    }
}
