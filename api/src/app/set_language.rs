//! A member chooses the language in which to be told things.

use amvaj_domain::access::Caller;
use amvaj_domain::id::MemberId;
use amvaj_domain::language::Language;
use amvaj_domain::member::{Member, MemberLookup};

use super::{App, AppError};

/// Sets the member's own language; that it is the language already is no fault.
pub async fn set_language(app: &App, member: MemberId, language: Language) -> Result<Member, AppError> {
    app.directory.set_member_language(member, language).await?.ok_or(AppError::NotFound)
}

/// The language that a member has chosen, if there is such a member and it has.
pub async fn language_of(app: &App, member: MemberId) -> Result<Option<Language>, AppError> {
    let found = app.directory.members(Caller::Member(member)).find(&MemberLookup::Id(member)).await?;
    Ok(found.and_then(|member| member.language()))
}
