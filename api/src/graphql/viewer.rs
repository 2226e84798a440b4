//! The caller as it sees itself.

use amvaj_domain::access::{self, Caller, Identity};
use async_graphql::{Context, Enum, Object, Result};

use super::context::identity_if_any;
use super::error::fault;
use super::loader::loader;
use super::member::Member;
use super::merchant::Merchant;

/// What a caller may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "access::Role")]
pub enum Role {
    /// Runs the network: registers merchants, sets rules, blocks.
    Operator,
    /// Looks after members for the operator: sees what the operator sees of them and changes nothing of the network.
    Agent,
    /// A merchant's systems: issue and accept points for that merchant.
    Merchant,
    /// A person who collects: sees the own wallet.
    Member,
}

/// Queries about the caller.
#[derive(Default)]
pub struct ViewerQueries;

/// The caller: whom the access token stands for.
pub struct Viewer(Identity);

#[Object]
impl ViewerQueries {
    /// Whom the access token stands for; null without a token.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        identity_if_any(ctx).cloned().map(Viewer)
    }
}

/// The caller: whom the access token stands for.
#[Object]
impl Viewer {
    /// What the caller may do at all.
    async fn role(&self) -> Role {
        self.0.caller.role().into()
    }

    /// What the token or key may do, by the names of its scopes. Members need none for their own affairs.
    /// Example: `["points:earn", "points:redeem"]`.
    async fn scopes(&self) -> Vec<&'static str> {
        self.0.scopes.iter().map(access::Scope::as_str).collect()
    }

    /// The merchant, when a merchant is calling.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        let Caller::Merchant(id) = self.0.caller else { return Ok(None) };
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Merchant))
    }

    /// The member, when a member is calling.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        let Caller::Member(id) = self.0.caller else { return Ok(None) };
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Member))
    }
}
