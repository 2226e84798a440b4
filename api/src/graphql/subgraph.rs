//! The schema as a subgraph of a federation (Apollo Federation, version 2): the whole of it, or one domain alone, which
//! composes with the others to the whole again.
//!
//! One table says whose each root field and each entity is. A part has its own root fields and entities, of other domains'
//! entities only the key, and every value that can be reached from there: values are made by the same code wherever they
//! are, so they may be shared. The library validates, introspects, prints and finds entities by its registry, so a part is
//! the registry with the rest taken out, and what a part does not own is to it as if it had never been.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::Directive;
use async_graphql::registry::{MetaType, Registry};
use async_graphql::{ContextDirective, CustomDirective, CustomDirectiveFactory, ServerError, ServerResult};

use super::entity::{ENTITIES, ID_KEY};

/// A domain that can be served alone, and what it owns.
#[derive(Debug, PartialEq, Eq)]
pub struct Subgraph {
    /// The name on the command line and in the settings.
    pub name: &'static str,
    /// Its entities.
    pub entities: &'static [&'static str],
    /// Fields of entities of other domains that are its own: type and field.
    pub extensions: &'static [(&'static str, &'static str)],
    /// Its root fields.
    pub roots: &'static [&'static str],
}

/// Everything that has an owner. A new root field or entity is to be added here, and a new domain gets a row of its own.
#[rustfmt::skip]
pub static SUBGRAPHS: &[Subgraph] = &[
    // The network, its merchants, and everybody's log-ins.
    Subgraph {
        name: "merchants",
        entities: &["Merchant", "Branch", "WebhookEndpoint", "WebhookDelivery"],
        extensions: &[("Member", "sessions")],
        roots: &[
            "network", "version", "rateLimit", "viewer", "node", "nodes", "auditLog",
            "merchant", "merchants", "registerMerchant", "blockMerchant", "unblockMerchant",
            "registerBranch", "closeBranch", "reopenBranch", "setEarnRule",
            "addStaff", "setStaffPosts", "removeStaff",
            "createApiKey", "rotateApiKey", "revokeApiKey", "exchangeApiKey",
            "createWebhookEndpoint", "updateWebhookEndpoint", "removeWebhookEndpoint", "rotateWebhookSecret",
            "pingWebhookEndpoint", "replayWebhookEvents", "redeliverWebhookEvent",
            "requestLoginCode", "verifyLoginCode", "refreshSession", "sessions", "endSession", "endSessionsOf",
            "users", "inviteUser", "renewInvitation", "disableUser", "enableUser", "logIn", "acceptInvitation",
            "confirmTotp", "changePassword", "replaceRecoveryCodes", "resetTotp",
        ],
    },
    // Members, their wallets, and what happens in them.
    Subgraph {
        name: "wallets",
        entities: &["Member", "Wallet", "Operation", "Hold", "Purchase"],
        extensions: &[],
        roots: &[
            "member", "members", "enrolMember", "linkCustomer", "setLanguage", "setConsent", "withdrawConsent",
            "blockMember", "unblockMember", "eraseMember",
            "wallet", "operations", "purchase", "quoteEarn", "earnPoints", "earnPointsBulk", "redeemPoints",
            "holdPoints", "captureHold", "releaseHold", "refundPurchase", "ledgerHeads", "walletChanged", "operationRecorded",
            "exportOperations", "exportMember", "export", "exports", "clock", "advanceClock",
        ],
    },
    // What points buy, and what becomes of it.
    Subgraph {
        name: "rewards",
        entities: &["Reward", "Redemption"],
        extensions: &[("Member", "redemptions")],
        roots: &[
            "reward", "rewards", "redemptions", "createReward", "updateReward", "changeRewardStock", "closeReward",
            "reopenReward", "redeemReward", "captureRedemption", "releaseRedemption", "redemptionChanged",
        ],
    },
    // What makes collecting an experience.
    Subgraph {
        name: "experience",
        entities: &["Leaderboard"],
        extensions: &[],
        roots: &[
            "leaderboards", "leaderboard", "leaderboardAround", "myRank", "setLeaderboardVisibility",
            "createLeaderboard", "closeLeaderboard", "leaderboardChanged",
        ],
    },
];

impl Subgraph {
    /// The domain of a name.
    pub fn parse(name: &str) -> Option<&'static Self> {
        SUBGRAPHS.iter().find(|subgraph| subgraph.name == name)
    }

    /// All names, for those who wrote another one.
    pub fn names() -> String {
        let names: Vec<&str> = SUBGRAPHS.iter().map(|subgraph| subgraph.name).collect();
        names.join(", ")
    }

    fn owns_root(&self, field: &str) -> bool {
        self.roots.contains(&field)
    }

    fn owns_entity(&self, entity: &str) -> bool {
        self.entities.contains(&entity)
    }

    /// An extension belongs to whom the table names, every other field to the owner of its entity.
    fn owns_field(&self, entity: &str, field: &str) -> bool {
        let extension = (entity, field);
        let is_extension = SUBGRAPHS.iter().any(|subgraph| subgraph.extensions.contains(&extension));
        if is_extension { self.extensions.contains(&extension) } else { self.owns_entity(entity) }
    }

    fn extends(&self, entity: &str) -> bool {
        self.extensions.iter().any(|(extended, _)| *extended == entity)
    }
}

/// Makes a schema a subgraph. It has the form of a directive because these are what the library lets change its registry
/// before a schema is finished; there is none that a document could use.
pub struct Federated(pub Option<&'static Subgraph>);

impl CustomDirectiveFactory for Federated {
    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed("federated")
    }

    fn register(&self, registry: &mut Registry) {
        add_keys(registry);
        share_values(registry);
        if let Some(subgraph) = self.0 {
            cut(registry, subgraph);
        }
    }

    fn create(&self, _: &ContextDirective<'_>, _: &Directive) -> ServerResult<Box<dyn CustomDirective>> {
        Err(ServerError::new("no document can use this directive", None))
    }
}

fn add_keys(registry: &mut Registry) {
    for (entity, keys) in ENTITIES {
        for key in *keys {
            registry.add_keys(entity, *key);
        }
    }
}

/// Lets other subgraphs define the values too, as our own parts do, and partners who have a `PageInfo` like ours.
fn share_values(registry: &mut Registry) {
    let roots = roots(registry);
    for object in registry.types.values_mut() {
        if let MetaType::Object { name, shareable, keys: None, .. } = object {
            *shareable = !name.starts_with("__") && !roots.contains(name);
        }
    }
}

/// Takes out what is not the subgraph's.
fn cut(registry: &mut Registry, subgraph: &Subgraph) {
    for root in roots(registry) {
        keep_fields(registry, &root, |field| field.starts_with("__") || subgraph.owns_root(field));
    }
    drop_empty_roots(registry);
    let foreign = ENTITIES.iter().map(|(name, _)| *name).filter(|name| !subgraph.owns_entity(name));
    let (extended, referred): (Vec<&str>, Vec<&str>) = foreign.partition(|name| subgraph.extends(name));
    for (entity, _) in ENTITIES {
        keep_fields(registry, entity, |field| field == ID_KEY || subgraph.owns_field(entity, field));
    }
    for entity in extended {
        set_keys(registry, entity, Some(ID_KEY), true);
    }
    // What has a key counts as reached, so these get theirs afterwards.
    for entity in &referred {
        set_keys(registry, entity, None, false);
    }
    drop_unreached(registry);
    for entity in &referred {
        set_keys(registry, entity, Some(ID_KEY), false);
    }
}

fn roots(registry: &Registry) -> Vec<String> {
    let Registry { query_type, mutation_type, subscription_type, .. } = registry;
    [Some(query_type), mutation_type.as_ref(), subscription_type.as_ref()]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

fn keep_fields(registry: &mut Registry, of: &str, is_kept: impl Fn(&str) -> bool) {
    if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(of) {
        fields.retain(|name, _| is_kept(name));
    }
}

fn set_keys(registry: &mut Registry, entity: &str, key: Option<&str>, is_found: bool) {
    if let Some(MetaType::Object { keys, resolvable, .. }) = registry.types.get_mut(entity) {
        *keys = key.map(|key| vec![key.to_owned()]);
        *resolvable = is_found;
    }
}

/// A type without fields is none.
fn drop_empty_roots(registry: &mut Registry) {
    let Registry { types, mutation_type, subscription_type, .. } = registry;
    for root in [mutation_type, subscription_type] {
        let is_empty =
            |name: &String| types.get(name).and_then(MetaType::fields).is_none_or(IndexMap::is_empty);
        if root.as_ref().is_some_and(is_empty) {
            *root = None;
        }
    }
}

/// Interfaces stay with those of their types that stay.
fn drop_unreached(registry: &mut Registry) {
    let interfaces = registry.types.iter().filter(|(_, kind)| matches!(kind, MetaType::Interface { .. }));
    let interfaces: Vec<(String, MetaType)> =
        interfaces.map(|(name, kind)| (name.clone(), kind.clone())).collect();
    registry.remove_unused_types();
    for (name, mut interface) in interfaces {
        if let MetaType::Interface { possible_types, .. } = &mut interface {
            possible_types.retain(|possible| registry.types.contains_key(possible));
            registry.types.insert(name, interface);
        }
    }
}
