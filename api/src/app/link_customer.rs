//! A merchant gives a member its own reference, by which its tills and its web shop know the customer.

use amvaj_domain::access::Caller;
use amvaj_domain::id::MemberId;
use amvaj_domain::text::CustomerRef;
use amvaj_infra::directory::LinkRefused;

use super::access::merchant_only;
use super::{App, Stopped};

/// Links a member, in place of the reference that the merchant had for it. Doing it twice changes nothing.
pub async fn link_customer(
    app: &App,
    caller: Caller,
    member: MemberId,
    reference: &CustomerRef,
) -> Result<(), Stopped<LinkRefused>> {
    let merchant = merchant_only(caller)?;
    app.directory.link_customer(merchant, reference, member, app.now()).await?.map_err(Stopped::Refused)
}
