//! The schema: its roots.

use async_graphql::{MergedObject, SDLExportOptions, Schema, SchemaBuilder};

use super::access::Guarded;
use super::api_key::ApiKeyMutations;
use super::audit::AuditQueries;
use super::branch::BranchMutations;
use super::clock::{ClockMutation, ClockQuery};
use super::earn::bulk::EarnBulkMutation;
use super::earn::{EarnMutation, EarnQuery};
use super::earn_rule::EarnRuleMutations;
use super::export::{ExportMutations, ExportQueries};
use super::leaderboard::{LeaderboardMutations, LeaderboardQueries};
use super::live::LiveSubscriptions;
use super::login::LoginMutations;
use super::member::{MemberMutations, MemberQueries};
use super::merchant::{MerchantMutations, MerchantQueries};
use super::network::NetworkQueries;
use super::node::NodeQueries;
use super::operation::OperationQueries;
use super::purchase::PurchaseQuery;
use super::rate_limit::RateLimitQuery;
use super::redemption::{RedemptionMutations, RedemptionQueries};
use super::refund::RefundMutation;
use super::relation::consent::ConsentMutations;
use super::reward::{RewardMutations, RewardQueries};
use super::session::{SessionMutations, SessionQueries};
use super::spend::SpendMutation;
use super::staff::StaffMutations;
use super::subgraph::{Federated, Subgraph};
use super::user::{UserMutations, UserQueries};
use super::viewer::ViewerQueries;
use super::wallet::WalletQueries;
use super::webhook::WebhookMutations;
use crate::config::GraphqlConfig;

/// The schema that is served.
pub type AmvajSchema = Schema<Guarded<Query>, Guarded<Mutation>, Guarded<Subscription>>;

// A field is looked for in the order of these lists, so what is asked and done most comes first.

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    WalletQueries,
    LeaderboardQueries,
    NodeQueries,
    ViewerQueries,
    NetworkQueries,
    MerchantQueries,
    MemberQueries,
    OperationQueries,
    PurchaseQuery,
    EarnQuery,
    AuditQueries,
    UserQueries,
    SessionQueries,
    ExportQueries,
    RateLimitQuery,
    RewardQueries,
    RedemptionQueries,
    ClockQuery,
);

/// Everything that can be changed. Expected refusals are `userErrors` of the payload; nothing has changed then.
#[derive(Default, MergedObject)]
pub struct Mutation(
    EarnMutation,
    SpendMutation,
    RefundMutation,
    EarnBulkMutation,
    MerchantMutations,
    BranchMutations,
    EarnRuleMutations,
    MemberMutations,
    ApiKeyMutations,
    ConsentMutations,
    LoginMutations,
    UserMutations,
    SessionMutations,
    StaffMutations,
    LeaderboardMutations,
    WebhookMutations,
    ExportMutations,
    RewardMutations,
    RedemptionMutations,
    ClockMutation,
);

/// Everything that can be listened to.
pub type Subscription = LiveSubscriptions;

/// What makes a schema.
pub type AmvajSchemaBuilder = SchemaBuilder<Guarded<Query>, Guarded<Mutation>, Guarded<Subscription>>;

/// A schema; the composition root adds its data and finishes it. How large a document may be is found out before it gets
/// here ([`super::document`]).
pub fn builder() -> AmvajSchemaBuilder {
    Schema::build(Guarded::default(), Guarded::default(), Guarded::default())
}

/// The schema as it is served: a subgraph, the whole or a part of it. That it is one is said here as well, or the library
/// would look through all types for entities at each root field.
pub fn served(config: &GraphqlConfig) -> AmvajSchemaBuilder {
    let served = federated(config.subgraph);
    if config.suggestions { served } else { served.disable_suggestions() }
}

/// The schema that clients see, in the schema definition language. A part is not for clients, so of it this is
/// [`subgraph_sdl`].
pub fn sdl(subgraph: Option<&'static Subgraph>) -> String {
    match subgraph {
        None => builder().finish().sdl(),
        part => subgraph_sdl(part),
    }
}

/// The whole or a part as it is given to composers, who get it from `_service { sdl }` too.
pub fn subgraph_sdl(subgraph: Option<&'static Subgraph>) -> String {
    federated(subgraph).finish().sdl_with_options(SDLExportOptions::new().federation().compose_directive())
}

fn federated(subgraph: Option<&'static Subgraph>) -> AmvajSchemaBuilder {
    builder().enable_federation().enable_subscription_in_federation().directive(Federated(subgraph))
}
