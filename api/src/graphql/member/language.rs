//! `setLanguage`.

use amvaj_domain::language;
use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject};

use super::Member;
use crate::app::AppError;
use crate::app::set_language::set_language;
use crate::graphql::context::{app, require_member};
use crate::graphql::error::fault;
use crate::graphql::user_error::{Problems, user_errors};

/// A language in which people are told things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "language::Language")]
pub enum Language {
    /// Persian, with Persian digits and money in tomans.
    #[graphql(name = "FA")]
    Persian,
    /// English.
    #[graphql(name = "EN")]
    English,
}

/// The language to set.
#[derive(Debug, InputObject)]
pub struct SetLanguageInput {
    /// The language. Example: `FA`.
    pub language: Language,
}

/// What `setLanguage` did.
#[derive(Default, SimpleObject)]
pub struct SetLanguagePayload {
    /// The member with the language; null when nothing changed.
    pub member: Option<Member>,
    /// Why nothing changed; empty when the language is set.
    pub user_errors: Vec<SetLanguageUserError>,
}

user_errors! {
    /// Why `setLanguage` changed nothing.
    SetLanguageUserError, SetLanguageErrorCode {
        /// The calling member is not enrolled here.
        MemberNotFound,
    }
}

/// The mutation.
#[derive(Default)]
pub struct SetLanguage;

#[Object]
impl SetLanguage {
    /// Chooses the language in which the calling member is told things (member), whatever device asks; a request's
    /// `Accept-Language` goes before it. Choosing it again changes nothing.
    async fn set_language(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language.")] input: SetLanguageInput,
    ) -> Result<SetLanguagePayload> {
        let member = require_member(ctx)?;
        match set_language(app(ctx)?, member, input.language.into()).await {
            Ok(member) => {
                Ok(SetLanguagePayload { member: Some(Member::whole(member)), user_errors: Vec::new() })
            }
            Err(AppError::NotFound) => {
                let user_errors = Problems::one(SetLanguageErrorCode::MemberNotFound, "");
                Ok(SetLanguagePayload { member: None, user_errors })
            }
            Err(error) => Err(fault(error)),
        }
    }
}
