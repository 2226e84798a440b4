//! What resolvers ask of their context: who calls, what the application is, and in which language to answer.

use std::sync::Arc;

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::audit::Author;
use amvaj_domain::id::{MemberId, MerchantId};
use async_graphql::{Context, Error, Result};

use super::error::Code;
use crate::app::App;
use crate::http::client::Client;
use crate::http::language::RequestLanguage;
use crate::http::response::RequestId;
use crate::language::{Language, Message};

/// The application.
pub fn app<'a>(ctx: &Context<'a>) -> Result<&'a App> {
    Ok(ctx.data::<Arc<App>>()?.as_ref())
}

/// Who calls and what it may do; nobody when the request had no token.
pub fn identity_if_any<'a>(ctx: &Context<'a>) -> Option<&'a Identity> {
    ctx.data_opt::<Option<Identity>>().and_then(Option::as_ref)
}

/// Who calls and what it may do, or `UNAUTHENTICATED`.
pub fn identity<'a>(ctx: &Context<'a>) -> Result<&'a Identity> {
    identity_if_any(ctx).ok_or_else(|| Code::Unauthenticated.error())
}

/// Who acts, for the audit log, or `UNAUTHENTICATED`.
pub fn author(ctx: &Context<'_>) -> Result<Author> {
    Ok(Author::new(identity(ctx)?, request_id(ctx)))
}

/// In whose name the request is made; nobody when it had no token.
pub fn caller_if_any(ctx: &Context<'_>) -> Option<Caller> {
    identity_if_any(ctx).map(|identity| identity.caller)
}

/// In whose name the request is made, or `UNAUTHENTICATED`.
pub fn caller(ctx: &Context<'_>) -> Result<Caller> {
    caller_if_any(ctx).ok_or_else(|| Code::Unauthenticated.error())
}

/// Lets the operator pass; others meet `FORBIDDEN`.
pub fn require_operator(ctx: &Context<'_>) -> Result<Caller> {
    match caller(ctx)? {
        operator @ Caller::Operator => Ok(operator),
        Caller::Agent | Caller::Merchant(_) | Caller::Member(_) => {
            Err(only(Message::new("only-the-operator")))
        }
    }
}

/// The merchant that calls; others meet `FORBIDDEN`.
pub fn require_merchant(ctx: &Context<'_>) -> Result<MerchantId> {
    match caller(ctx)? {
        Caller::Merchant(id) => Ok(id),
        Caller::Operator | Caller::Agent | Caller::Member(_) => Err(only(Message::new("only-a-merchant"))),
    }
}

/// The member that calls; others meet `FORBIDDEN`.
pub fn require_member(ctx: &Context<'_>) -> Result<MemberId> {
    match caller(ctx)? {
        Caller::Member(id) => Ok(id),
        Caller::Operator | Caller::Agent | Caller::Merchant(_) => Err(only(Message::new("only-a-member"))),
    }
}

/// The language of messages for this request.
pub async fn language(ctx: &Context<'_>) -> Language {
    match ctx.data_opt::<RequestLanguage>() {
        Some(language) => language.get().await,
        None => app(ctx).map_or(Language::English, |app| app.network.language),
    }
}

/// Where the request comes from.
pub fn client<'a>(ctx: &Context<'a>) -> Result<&'a Client> {
    ctx.data::<Client>()
}

/// The id of this request, for logs.
pub fn request_id<'a>(ctx: &Context<'a>) -> &'a str {
    ctx.data_opt::<RequestId>().map_or("", RequestId::as_str)
}

fn only(message: Message) -> Error {
    Code::Forbidden.saying(message)
}
