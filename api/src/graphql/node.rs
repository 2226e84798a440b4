//! Any object by its global id, after Relay's object identification.

use amvaj_domain::access::{Caller, Identity, Scope};
use async_graphql::{Context, ID, Interface, Object, Result};
use futures_util::future::try_join_all;

use super::api_key::ApiKey;
use super::branch::Branch;
use super::context::{app, caller, identity_if_any};
use super::earn_rule::EarnRule;
use super::error::{Code, fault};
use super::export::Export;
use super::global_id::GlobalId;
use super::hold::Hold;
use super::leaderboard::Leaderboard;
use super::loader::loader;
use super::member::Member;
use super::merchant::Merchant;
use super::operation::Operation;
use super::purchase::Purchase;
use super::redemption::Redemption;
use super::reward::Reward;
use super::session::Session;
use super::staff::Staff;
use super::user::User;
use super::wallet::Wallet;
use super::webhook::WebhookEndpoint;
use super::webhook::delivery::WebhookDelivery;
use crate::language::Message;

/// Most ids that `nodes` takes.
const MOST_IDS: usize = 100;

/// An object with a global id, by which it can be fetched again.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "The object's global id: opaque, and never another object's."
))]
pub enum Node {
    /// A merchant.
    Merchant(Merchant),
    /// A branch.
    Branch(Branch),
    /// A version of an earn rule.
    EarnRule(EarnRule),
    /// A member.
    Member(Member),
    /// A wallet.
    Wallet(Wallet),
    /// An operation in a wallet.
    Operation(Operation),
    /// A hold.
    Hold(Hold),
    /// A purchase.
    Purchase(Purchase),
    /// A reward.
    Reward(Reward),
    /// A redemption of a reward.
    Redemption(Redemption),
    /// One of a merchant's people.
    Staff(Staff),
    /// An API key of a merchant.
    ApiKey(ApiKey),
    /// An operator or an agent.
    User(User),
    /// A log-in of the caller's own.
    Session(Session),
    /// A leaderboard in its present period.
    Leaderboard(Leaderboard),
    /// A merchant's endpoint for webhooks.
    WebhookEndpoint(WebhookEndpoint),
    /// An event on its way to an endpoint.
    WebhookDelivery(WebhookDelivery),
    /// A file that is made in the background.
    Export(Export),
}

/// Queries for objects by id.
#[derive(Default)]
pub struct NodeQueries;

#[Object]
impl NodeQueries {
    /// The object with this id; null when there is none, or none that the caller may see.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id from an earlier answer.")] id: ID,
    ) -> Result<Option<Node>> {
        caller(ctx)?;
        find(ctx, &id).await
    }

    /// The objects with these ids, in the order of the ids; null in the place of one that does not exist or that the
    /// caller may not see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100 global ids from earlier answers.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        caller(ctx)?;
        if ids.len() > MOST_IDS {
            return Err(Code::BadUserInput.saying(Message::new("too-many-ids").with("limit", MOST_IDS)));
        }
        try_join_all(ids.iter().map(|id| find(ctx, id))).await
    }
}

/// Finds one object as the caller may see it, by data loaders where there may be many.
pub(super) async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some(id) = GlobalId::read(id).filter(|id| may_find(identity_if_any(ctx), id)) else {
        return Ok(None);
    };
    let loader = loader(ctx)?;
    Ok(match id {
        GlobalId::Merchant(id) => {
            loader.load_one(id).await.map_err(fault)?.map(|merchant| Node::Merchant(Merchant(merchant)))
        }
        GlobalId::Branch(id) => {
            loader.load_one(id).await.map_err(fault)?.map(|branch| Node::Branch(Branch(branch)))
        }
        GlobalId::Wallet(wallet) => Wallet::load(ctx, wallet).await?.map(Node::Wallet),
        GlobalId::Operation(wallet, seq) => Operation::find(ctx, wallet, seq).await?.map(Node::Operation),
        GlobalId::Hold(wallet, seq) => Hold::find(ctx, wallet, seq).await?.map(Node::Hold),
        GlobalId::ApiKey(id) => ApiKey::find(ctx, id).await?.map(Node::ApiKey),
        GlobalId::Purchase(wallet, seq) => Purchase::find(ctx, wallet, seq).await?.map(Node::Purchase),
        GlobalId::EarnRule(merchant, version) => {
            let rule = loader.load_one((merchant, version)).await.map_err(fault)?;
            // A version of the future is between the merchant and the operator.
            let planned = match caller(ctx)? {
                Caller::Operator | Caller::Agent => true,
                Caller::Merchant(own) => own == merchant,
                Caller::Member(_) => false,
            };
            let now = app(ctx)?.ledger_now();
            rule.filter(|rule| planned || rule.effective_from <= now)
                .map(|rule| Node::EarnRule(EarnRule { merchant, rule }))
        }
        GlobalId::Member(id) => {
            loader.load_one(id).await.map_err(fault)?.map(|member| Node::Member(Member(member)))
        }
        GlobalId::Reward(id) => Reward::find(ctx, id).await?.map(Node::Reward),
        GlobalId::Redemption(id) => Redemption::find(ctx, id).await?.map(Node::Redemption),
        GlobalId::Staff(id) => Staff::find(ctx, id).await?.map(Node::Staff),
        GlobalId::Session(id) => Session::find(ctx, id).await?.map(Node::Session),
        GlobalId::User(id) => User::find(ctx, id).await?.map(Node::User),
        GlobalId::Leaderboard(id) => Leaderboard::find(ctx, id).await?.map(Node::Leaderboard),
        GlobalId::Export(id) => Export::find(ctx, id).await?.map(Node::Export),
        GlobalId::WebhookEndpoint(id) => WebhookEndpoint::find(ctx, id).await?.map(Node::WebhookEndpoint),
        GlobalId::WebhookDelivery(id) => WebhookDelivery::find(ctx, id).await?.map(Node::WebhookDelivery),
    })
}

/// Whether the caller may ask for such an object at all, as for the root field that shows it. What has no scope here says
/// itself who may find it.
fn may_find(identity: Option<&Identity>, id: &GlobalId) -> bool {
    let scope = match id {
        GlobalId::Member(_) | GlobalId::Wallet(_) | GlobalId::Leaderboard(_) => Scope::MembersRead,
        GlobalId::Operation(..) | GlobalId::Hold(..) | GlobalId::Purchase(..) | GlobalId::Redemption(_) => {
            Scope::OperationsRead
        }
        GlobalId::Merchant(_)
        | GlobalId::Branch(_)
        | GlobalId::EarnRule(..)
        | GlobalId::Reward(_)
        | GlobalId::ApiKey(_)
        | GlobalId::Staff(_)
        | GlobalId::Session(_)
        | GlobalId::User(_)
        | GlobalId::WebhookEndpoint(_)
        | GlobalId::WebhookDelivery(_)
        | GlobalId::Export(_) => return true,
    };
    may_read(identity, scope)
}

/// Whether the caller may see what others need this scope for. Members find their own without one.
pub(super) fn may_read(identity: Option<&Identity>, scope: Scope) -> bool {
    identity.is_some_and(|identity| matches!(identity.caller, Caller::Member(_)) || identity.may(scope))
}
