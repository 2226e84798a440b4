//! The operator blocks a member or opens the account again.
//!
//! The member's row says what people see; the wallet has a status of its own, which the ledger's decisions read.

use amvaj_domain::access::Caller;
use amvaj_domain::id::MemberId;
use amvaj_domain::member::{Member, MemberStatus};

use super::access::operator_only;
use super::{App, AppError};

/// Sets a member's status; that the member has it already is no fault.
pub async fn set_member_status(
    app: &App,
    caller: Caller,
    member: MemberId,
    status: MemberStatus,
) -> Result<Member, AppError> {
    operator_only(caller)?;
    app.directory.set_member_status(member, status).await?.ok_or(AppError::NotFound)
}
