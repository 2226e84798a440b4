//! Finding members, within the limits of [`super::look_up`]. Whoever of the operator's people looks for a person is told of
//! in the audit log, before the answer.

use amvaj_domain::access::Caller;
use amvaj_domain::audit::{Act, ActKind, Author, Detail, Target};
use amvaj_domain::member::{MemberLookup, MemberSearch, SeenMember};
use amvaj_infra::directory::MemberFilter;
use amvaj_infra::page::{Page, PageRequest};
use uuid::Uuid;

use super::look_up::{Purpose, Seeker, look_up};
use super::{App, AppError};

/// The member that a look-up names, as `caller` may see it.
pub async fn find_member(
    app: &App,
    caller: Caller,
    author: &Author,
    lookup: &MemberLookup,
) -> Result<Option<SeenMember>, AppError> {
    let seeker = Seeker::from(author);
    let members = app.directory.members(caller);
    let found = if seeker.is_counted(lookup) {
        look_up(app, seeker, Purpose::Look, members.find(lookup)).await?
    } else {
        members.find(lookup).await?
    };
    if looks_after_members(caller) {
        let target = found.as_ref().map_or(Target::Nothing, |member| Target::Member(member.id));
        let act = Act::new(author, ActKind::MemberLookedUp, target, app.now());
        let act = match lookup {
            // Whoever has an id has found the member before.
            MemberLookup::Id(_) | MemberLookup::Wallet(_) => return Ok(found),
            MemberLookup::Mobile(mobile) => act.detail("mobile", mobile),
            MemberLookup::CardNumber(card) => act.detail("cardNumber", card),
            MemberLookup::Customer { merchant, customer_ref } => {
                act.detail("merchant", merchant.to_string().as_str()).detail("customerRef", customer_ref)
            }
        };
        app.audit.record(act).await?;
    }
    Ok(found)
}

/// A page of members, as `caller` may see them.
pub async fn list_members(
    app: &App,
    caller: Caller,
    author: &Author,
    filter: &MemberFilter,
    request: &PageRequest<Uuid>,
) -> Result<Page<SeenMember>, AppError> {
    let page = app.directory.members(caller).page(filter, request).await?;
    if looks_after_members(caller) {
        let act = Act::new(author, ActKind::MembersListed, Target::Nothing, app.now());
        let act = match &filter.search {
            None => act,
            Some(MemberSearch::Name(part)) => act.detail("name", Detail::masked(part)),
            Some(MemberSearch::MobilePrefix(start)) => act.detail("mobile", masked(start).as_str()),
        };
        app.audit.record(act).await?;
    }
    Ok(page)
}

const fn looks_after_members(caller: Caller) -> bool {
    match caller {
        Caller::Operator | Caller::Agent => true,
        Caller::Merchant(_) | Caller::Member(_) => false,
    }
}

/// The beginning of a mobile number without the digits that make it one person's.
fn masked(start: &str) -> String {
    const SHOWN: usize = 6;
    let shown: String = start.chars().take(SHOWN).collect();
    if shown.len() < start.len() { format!("{shown}***") } else { shown }
}
