//! A merchant gives a member its own reference, by which its tills and its web shop know the customer. From then on there
//! is a relation between them.

use amvaj_domain::access::Caller;
use amvaj_domain::audit::Author;
use amvaj_domain::member::{MemberLookup, SeenMember};
use amvaj_domain::text::CustomerRef;
use amvaj_infra::directory::LinkRefused;

use super::access::merchant_only;
use super::look_up::{Purpose, Seeker, look_up};
use super::{App, AppError, Stopped};

/// Links a member, in place of the reference that the merchant had for it, and answers with what the merchant sees of it
/// now. Doing it twice changes nothing.
pub async fn link_customer(
    app: &App,
    caller: Caller,
    author: &Author,
    lookup: &MemberLookup,
    reference: &CustomerRef,
) -> Result<SeenMember, Stopped<LinkRefused>> {
    let merchant = merchant_only(caller)?;
    let members = app.directory.members(caller);
    let seeker = Seeker::from(author);
    let named = if seeker.is_counted(lookup) {
        look_up(app, seeker, Purpose::Look, members.named(lookup)).await?
    } else {
        members.named(lookup).await.map_err(AppError::from)?
    };
    let Some(named) = named else { return Err(Stopped::Refused(LinkRefused::MemberNotFound)) };
    let linked = app.directory.link_customer(merchant, reference, named.id, app.now()).await?;
    linked.map_err(Stopped::Refused)?;
    let found = members.find(&MemberLookup::Id(named.id)).await?;
    found.ok_or(Stopped::Failed(AppError::NotFound))
}
