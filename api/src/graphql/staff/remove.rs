//! `removeStaff`.

use amvaj_infra::directory::StaffRefused;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Staff;
use crate::app::remove_staff::remove_staff;
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// Somebody to remove.
#[derive(Debug, InputObject)]
pub struct RemoveStaffInput {
    /// Global id of the person, from the merchant's `staff`.
    pub staff_id: ID,
}

/// What `removeStaff` did.
#[derive(Default, SimpleObject)]
pub struct RemoveStaffPayload {
    /// The person, removed; null when nothing changed.
    pub staff: Option<Staff>,
    /// Why nothing changed; empty when the person is removed.
    pub user_errors: Vec<RemoveStaffUserError>,
}

user_errors! {
    /// Why `removeStaff` removed nobody.
    RemoveStaffUserError, RemoveStaffErrorCode {
        /// There is no such person, or it is another merchant's.
        StaffNotFound,
        /// The person is an owner, who may do more than the caller.
        ScopesTooWide,
        /// The person is the merchant's only owner: make somebody else an owner first.
        LastOwner,
    }
}

/// The mutation.
#[derive(Default)]
pub struct RemoveStaff;

#[Object]
impl RemoveStaff {
    /// Removes somebody from a merchant's staff (owner of the merchant, or operator). Whoever may not make an owner removes
    /// none. The person's sessions end within a second on every server, and it cannot log in any more. Removing it again
    /// changes nothing.
    async fn remove_staff(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person.")] input: RemoveStaffInput,
    ) -> Result<RemoveStaffPayload> {
        let refused = |code| {
            let user_errors = Problems::one(code, "input.staffId");
            Ok(RemoveStaffPayload { staff: None, user_errors })
        };
        let Some(id) = GlobalId::staff(&input.staff_id) else {
            return refused(RemoveStaffErrorCode::StaffNotFound);
        };
        match refusal_or_fault(remove_staff(app(ctx)?, identity(ctx)?, &author(ctx)?, id).await)? {
            Ok(staff) => Ok(RemoveStaffPayload { staff: Some(Staff(staff)), user_errors: Vec::new() }),
            Err(StaffRefused::OwnerNotYours) => refused(RemoveStaffErrorCode::ScopesTooWide),
            Err(StaffRefused::LastOwner) => refused(RemoveStaffErrorCode::LastOwner),
            // Nothing else is named here.
            Err(
                StaffRefused::StaffNotFound
                | StaffRefused::MerchantNotFound
                | StaffRefused::MobileTaken
                | StaffRefused::BranchNotFound,
            ) => refused(RemoveStaffErrorCode::StaffNotFound),
        }
    }
}
