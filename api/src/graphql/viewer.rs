//! The caller as it sees itself.

use amvaj_domain::access::{self, Actor, Caller, Identity};
use async_graphql::{Context, Enum, Object, Result};

use super::context::identity_if_any;
use super::error::fault;
use super::loader::loader;
use super::member::Member;
use super::merchant::Merchant;
use super::session::Session;
use super::staff::{Post, Staff};
use super::user::User;

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

    /// Where the caller works and as what, when it is one of a merchant's people; empty for others, who are bound to no
    /// branch. These are the posts of the access token.
    async fn posts(&self) -> Vec<Post> {
        self.0.posts.iter().copied().map(Post).collect()
    }

    /// The person, when one of a merchant's people is calling.
    async fn staff(&self, ctx: &Context<'_>) -> Result<Option<Staff>> {
        let Actor::Staff(id) = self.0.actor else { return Ok(None) };
        Staff::find(ctx, id).await
    }

    /// The session of the access token; null for keys, for tokens made on the command line, and once it is over.
    async fn session(&self, ctx: &Context<'_>) -> Result<Option<Session>> {
        match self.0.session {
            Some(id) => Session::find(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The merchant, when a merchant is calling.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        let Caller::Merchant(id) = self.0.caller else { return Ok(None) };
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Merchant))
    }

    /// The operator or agent, when one who logged in is calling; null for tokens of the command line.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.actor {
            Actor::User(id) => User::find(ctx, id).await,
            Actor::Console | Actor::Staff(_) | Actor::ApiKey(_) | Actor::Member(_) | Actor::Outside => {
                Ok(None)
            }
        }
    }

    /// The member, when a member is calling.
    async fn member(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        let Caller::Member(id) = self.0.caller else { return Ok(None) };
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Member))
    }
}
