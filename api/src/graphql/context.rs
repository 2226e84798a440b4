//! What resolvers ask of their context: who calls, what the application is, and in which language to answer.

use std::sync::Arc;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, MerchantId};
use async_graphql::{Context, Error, Result};

use super::error::{Code, Language};
use crate::app::App;
use crate::http::response::RequestId;

/// The application.
pub fn app<'a>(ctx: &Context<'a>) -> Result<&'a App> {
    Ok(ctx.data::<Arc<App>>()?.as_ref())
}

/// Who calls; nobody when the request had no token.
pub fn caller_if_any(ctx: &Context<'_>) -> Option<Caller> {
    ctx.data_opt::<Option<Caller>>().copied().flatten()
}

/// Who calls, or `UNAUTHENTICATED`.
pub fn caller(ctx: &Context<'_>) -> Result<Caller> {
    caller_if_any(ctx).ok_or_else(|| Code::Unauthenticated.error())
}

/// Lets the operator pass; others meet `FORBIDDEN`.
pub fn require_operator(ctx: &Context<'_>) -> Result<Caller> {
    match caller(ctx)? {
        operator @ Caller::Operator => Ok(operator),
        Caller::Merchant(_) | Caller::Member(_) => Err(only("the operator")),
    }
}

/// The merchant that calls; others meet `FORBIDDEN`.
pub fn require_merchant(ctx: &Context<'_>) -> Result<MerchantId> {
    match caller(ctx)? {
        Caller::Merchant(id) => Ok(id),
        Caller::Operator | Caller::Member(_) => Err(only("a merchant")),
    }
}

/// The member that calls; others meet `FORBIDDEN`.
pub fn require_member(ctx: &Context<'_>) -> Result<MemberId> {
    match caller(ctx)? {
        Caller::Member(id) => Ok(id),
        Caller::Operator | Caller::Merchant(_) => Err(only("a member")),
    }
}

/// The language of messages for this request.
pub fn language(ctx: &Context<'_>) -> Language {
    ctx.data_opt::<Language>().copied().unwrap_or(Language::English)
}

/// The id of this request, for logs.
pub fn request_id<'a>(ctx: &Context<'a>) -> &'a str {
    ctx.data_opt::<RequestId>().map_or("", RequestId::as_str)
}

fn only(who: &str) -> Error {
    Code::Forbidden.with_message(format!("Only {who} may do this; your token is for another role."))
}
