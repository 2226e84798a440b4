//! The schema: its roots.

use async_graphql::{EmptySubscription, MergedObject, Schema, SchemaBuilder};

use super::access::Guarded;
use super::api_key::ApiKeyMutations;
use super::audit::AuditQueries;
use super::branch::BranchMutations;
use super::earn::{EarnMutation, EarnQuery};
use super::earn_rule::EarnRuleMutations;
use super::leaderboard::{LeaderboardMutations, LeaderboardQueries};
use super::login::LoginMutations;
use super::member::{MemberMutations, MemberQueries};
use super::merchant::{MerchantMutations, MerchantQueries};
use super::network::NetworkQueries;
use super::node::NodeQueries;
use super::operation::OperationQueries;
use super::purchase::PurchaseQuery;
use super::rate_limit::RateLimitQuery;
use super::refund::RefundMutation;
use super::relation::consent::ConsentMutations;
use super::session::{SessionMutations, SessionQueries};
use super::spend::SpendMutation;
use super::staff::StaffMutations;
use super::user::{UserMutations, UserQueries};
use super::viewer::ViewerQueries;
use super::wallet::WalletQueries;
use super::webhook::WebhookMutations;
use crate::config::GraphqlConfig;

/// The schema that is served.
pub type AmvajSchema = Schema<Guarded<Query>, Guarded<Mutation>, EmptySubscription>;

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
    RateLimitQuery,
);

/// Everything that can be changed. Expected refusals are `userErrors` of the payload; nothing has changed then.
#[derive(Default, MergedObject)]
pub struct Mutation(
    EarnMutation,
    SpendMutation,
    RefundMutation,
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
);

/// A schema; the composition root adds its data and finishes it. How large a document may be is found out before it gets
/// here ([`super::document`]).
pub fn builder() -> SchemaBuilder<Guarded<Query>, Guarded<Mutation>, EmptySubscription> {
    Schema::build(Guarded::default(), Guarded::default(), EmptySubscription)
}

/// The schema as it is served: with the root field `_service` of a subgraph, and so without a search through all types for
/// entities at each root field.
pub fn served(config: &GraphqlConfig) -> SchemaBuilder<Guarded<Query>, Guarded<Mutation>, EmptySubscription> {
    let served = builder().enable_federation();
    if config.suggestions { served } else { served.disable_suggestions() }
}
