//! A member says what a merchant may see of it. It is the member's own business: nobody else does it, and the audit log does
//! not tell of it.

use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::relation::{Consent, Relation};
use amvaj_infra::relation::ConsentRefused;

use super::{App, Stopped};

/// Allows or forbids, in place of what was said before. Saying it again changes nothing.
pub async fn set_consent(
    app: &App,
    member: MemberId,
    merchant: MerchantId,
    consent: Consent,
) -> Result<Relation, Stopped<ConsentRefused>> {
    let said = app.directory.relations().set_consent(member, merchant, consent, app.now()).await?;
    said.map_err(Stopped::Refused)
}

/// Takes back what was said: the relation alone decides again. Answers with the relation, if there is one.
pub async fn withdraw_consent(
    app: &App,
    member: MemberId,
    merchant: MerchantId,
) -> Result<Option<Relation>, Stopped<ConsentRefused>> {
    let withdrawn = app.directory.relations().withdraw_consent(member, merchant).await?;
    withdrawn.map_err(Stopped::Refused)
}
