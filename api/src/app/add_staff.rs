//! A merchant's owner, or the operator, adds somebody to the merchant's staff.

use amvaj_domain::access::{Caller, Identity, Post, Posts, StaffRole};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MerchantId, StaffId};
use amvaj_domain::staff::Staff;
use amvaj_domain::text::{Mobile, Name};
use amvaj_infra::directory::{StaffReach, StaffRefused};

use super::{App, AppError, Stopped};
use crate::random;

/// Somebody to add.
#[derive(Debug, Clone)]
pub struct AddStaff {
    /// The merchant; the caller's own when absent.
    pub merchant: Option<MerchantId>,
    /// The name.
    pub name: Name,
    /// The number with which the person logs in.
    pub mobile: Mobile,
    /// Where the person works and as what.
    pub posts: Posts,
}

/// The names of the details that tell posts.
const POSTS: [&str; amvaj_domain::access::MOST_POSTS] = [
    "post1", "post2", "post3", "post4", "post5", "post6", "post7", "post8", "post9", "post10", "post11",
    "post12", "post13", "post14", "post15", "post16", "post17", "post18", "post19", "post20",
];

/// Adds a person. [`StaffRefused::MerchantNotFound`] is also the answer to whoever names another merchant than its own,
/// or the operator that names none.
pub async fn add_staff(
    app: &App,
    author: &Author,
    request: AddStaff,
) -> Result<Staff, Stopped<StaffRefused>> {
    let refused = Stopped::Refused(StaffRefused::MerchantNotFound);
    let merchant = match (staff_scope(author)?, request.merchant) {
        (Some(own), None) => own,
        (Some(own), Some(named)) if own == named => own,
        (None, Some(named)) => named,
        (Some(_), Some(_)) | (None, None) => return Err(refused),
    };
    let now = app.now();
    let id = StaffId::new(random::uuid(now));
    let act = Act::new(author, ActKind::StaffAdded, Target::Staff(id), now)
        .detail("merchant", merchant.to_string().as_str())
        .detail("name", request.name.as_str())
        .detail("mobile", &request.mobile);
    let act = with_posts(act, &request.posts);
    let AddStaff { name, mobile, posts, .. } = request;
    let staff = Staff { id, merchant, name, mobile, posts: Some(posts), added_at: now, removed_at: None };
    app.directory.add_staff(&staff, &act).await?.map_err(Stopped::Refused)?;
    Ok(staff)
}

/// Whose posts the caller may take away. An owner's are beyond whoever could not give them.
pub(super) fn staff_reach(identity: &Identity, author: &Author) -> Result<StaffReach, AppError> {
    let owner = Post { branch: None, role: StaffRole::Owner };
    Ok(StaffReach { of: staff_scope(author)?, owners: identity.may_give(&[owner]) })
}

/// Whose staff the author may change: one merchant's, or everybody's.
fn staff_scope(author: &Author) -> Result<Option<MerchantId>, AppError> {
    match author.caller {
        Some(Caller::Operator) => Ok(None),
        Some(Caller::Merchant(id)) => Ok(Some(id)),
        Some(Caller::Agent | Caller::Member(_)) => Err(AppError::Forbidden),
        None => Err(AppError::Unauthenticated),
    }
}

/// Tells each post of a person.
pub(super) fn with_posts(act: Act, posts: &Posts) -> Act {
    POSTS.iter().zip(posts.as_slice()).fold(act, |act, (name, post)| {
        let role = post.role.as_str();
        let told = post.branch.map_or_else(|| role.to_owned(), |branch| format!("{role} at {branch}"));
        act.detail(name, told.as_str())
    })
}
