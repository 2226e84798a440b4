//! The schema: its roots and its limits.

use async_graphql::{EmptySubscription, MergedObject, Schema, SchemaBuilder};

use super::access::Guarded;
use super::audit::AuditQueries;
use super::branch::BranchMutations;
use super::earn::{EarnMutation, EarnQuery};
use super::earn_rule::EarnRuleMutations;
use super::member::{MemberMutations, MemberQueries};
use super::merchant::{MerchantMutations, MerchantQueries};
use super::network::NetworkQueries;
use super::node::NodeQueries;
use super::operation::OperationQueries;
use super::purchase::PurchaseQuery;
use super::refund::RefundMutation;
use super::session::{SessionMutations, SessionQueries};
use super::spend::SpendMutation;
use super::viewer::ViewerQueries;
use super::wallet::WalletQueries;

/// Deepest selection. Standard introspection queries are more than 12 deep.
const DEEPEST: usize = 20;
/// Most fields that one operation may ask for, spread fragments counted each time.
const MOST_FIELDS: usize = 5_000;
/// Most directives on one field.
const MOST_DIRECTIVES: usize = 10;

/// The schema that is served.
pub type AmvajSchema = Schema<Guarded<Query>, Guarded<Mutation>, EmptySubscription>;

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    NodeQueries,
    ViewerQueries,
    NetworkQueries,
    MerchantQueries,
    MemberQueries,
    WalletQueries,
    OperationQueries,
    PurchaseQuery,
    EarnQuery,
    AuditQueries,
    SessionQueries,
);

/// Everything that can be changed. Expected refusals are `userErrors` of the payload; nothing has changed then.
#[derive(Default, MergedObject)]
pub struct Mutation(
    MerchantMutations,
    BranchMutations,
    EarnRuleMutations,
    MemberMutations,
    EarnMutation,
    SpendMutation,
    RefundMutation,
    SessionMutations,
);

/// A schema with its limits set; the composition root adds its data and finishes it.
pub fn builder() -> SchemaBuilder<Guarded<Query>, Guarded<Mutation>, EmptySubscription> {
    Schema::build(Guarded::default(), Guarded::default(), EmptySubscription)
        .limit_depth(DEEPEST)
        .limit_complexity(MOST_FIELDS)
        .limit_directives(MOST_DIRECTIVES)
}
