//! A merchant's owner, or the operator, removes somebody from the merchant's staff.

use amvaj_domain::access::{EndReason, Identity, Subject};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::StaffId;
use amvaj_domain::staff::Staff;
use amvaj_infra::directory::StaffRefused;

use super::add_staff::staff_reach;
use super::{App, Stopped};

/// Removes a person; that it was removed already is no fault. Its sessions end after that was written (see
/// [`super::sessions`]), on every node within a second. If the process ends in between, asking again does what is left.
/// [`StaffRefused::OwnerNotYours`] is the answer about an owner to whoever could not make one.
pub async fn remove_staff(
    app: &App,
    identity: &Identity,
    author: &Author,
    id: StaffId,
) -> Result<Staff, Stopped<StaffRefused>> {
    let reach = staff_reach(identity, author)?;
    let act = Act::new(author, ActKind::StaffRemoved, Target::Staff(id), app.now());
    let staff = app.directory.remove_staff(id, reach, &act).await?.map_err(Stopped::Refused)?;
    app.sessions.end_all(Subject::Staff(id), EndReason::Blocked, app.now()).await?;
    Ok(staff)
}
