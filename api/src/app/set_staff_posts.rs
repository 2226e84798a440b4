//! A merchant's owner, or the operator, says where somebody works and as what.

use amvaj_domain::access::{EndReason, Identity, Posts, Subject};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::StaffId;
use amvaj_domain::staff::Staff;
use amvaj_infra::directory::StaffRefused;

use super::add_staff::{staff_reach, with_posts};
use super::{App, Stopped};

/// Gives a person other posts. Its sessions end, on every node within a second, and the next log-in has the new posts. They
/// end after the posts were written (see [`super::sessions`]), and also when nothing changed: if the process ends in
/// between, asking again does what is left. [`StaffRefused::OwnerNotYours`] is the answer about an owner to whoever could
/// not make one.
pub async fn set_staff_posts(
    app: &App,
    identity: &Identity,
    author: &Author,
    id: StaffId,
    posts: &Posts,
) -> Result<Staff, Stopped<StaffRefused>> {
    let reach = staff_reach(identity, author)?;
    let act = with_posts(Act::new(author, ActKind::StaffChanged, Target::Staff(id), app.now()), posts);
    let staff = app.directory.set_staff_posts(id, reach, posts, &act).await?.map_err(Stopped::Refused)?;
    app.sessions.end_all(Subject::Staff(id), EndReason::Changed, app.now()).await?;
    Ok(staff)
}
