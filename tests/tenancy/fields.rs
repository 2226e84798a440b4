//! The walk over the fields: who sees which field of which object, by a table, and that nothing of a member, a merchant or
//! a purchase comes out on any path to whom it is not for.
//!
//! A new type with a global id needs a place in [`PROBES`] and an object in the scene. What is an entity is looked at by
//! `_entities` too, beside `node` and `nodes`.

use std::collections::BTreeSet;

use amvaj_api::graphql::entity::ENTITIES;
use amvaj_domain::access::Caller;
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::scene::{BALANCE, CARD, MOBILE, NAME, Scene, both};
use super::schema::Schema;

const EVERYBODY: &str = "operator agent shop related profile hidden stranger member other";
/// Who sees the member's own business.
const OWN: &str = "operator agent member";
/// Who sees what the member did at the shop.
const AT_SHOP: &str = "operator agent shop member";
const KNOWN: &str = "operator agent shop related profile member";

/// A type, the way to an object of it (ids by type in braces, the field in place of `FIELD`), and who sees such an object.
const PROBES: &[(&str, &str, &str)] = &[
    (
        "Member",
        "node(id: {Member}) { ... on Member { FIELD } }",
        "operator agent shop related profile hidden member",
    ),
    ("Wallet", "node(id: {Wallet}) { ... on Wallet { FIELD } }", KNOWN),
    ("Operation", "node(id: {Operation}) { ... on Operation { FIELD } }", AT_SHOP),
    ("Hold", "node(id: {Hold}) { ... on Hold { FIELD } }", AT_SHOP),
    ("Purchase", "node(id: {Purchase}) { ... on Purchase { FIELD } }", AT_SHOP),
    ("Merchant", "node(id: {Merchant}) { ... on Merchant { FIELD } }", EVERYBODY),
    ("Branch", "node(id: {Branch}) { ... on Branch { FIELD } }", EVERYBODY),
    ("EarnRule", "node(id: {EarnRule}) { ... on EarnRule { FIELD } }", EVERYBODY),
    ("EarnRule", "node(id: {PlannedEarnRule}) { ... on EarnRule { FIELD } }", "operator agent shop"),
    ("Reward", "node(id: {Reward}) { ... on Reward { FIELD } }", EVERYBODY),
    ("Reward", "node(id: {ClosedReward}) { ... on Reward { FIELD } }", "operator agent shop"),
    ("Redemption", "node(id: {Redemption}) { ... on Redemption { FIELD } }", AT_SHOP),
    ("Staff", "node(id: {Staff}) { ... on Staff { FIELD } }", "operator shop"),
    ("User", "node(id: {User}) { ... on User { FIELD } }", "operator"),
    ("ApiKey", "node(id: {ApiKey}) { ... on ApiKey { FIELD } }", "operator shop"),
    ("WebhookEndpoint", "node(id: {WebhookEndpoint}) { ... on WebhookEndpoint { FIELD } }", "operator shop"),
    ("WebhookDelivery", "node(id: {WebhookDelivery}) { ... on WebhookDelivery { FIELD } }", "operator shop"),
    ("Export", "node(id: {Export}) { ... on Export { FIELD } }", "shop"),
    ("Session", "node(id: {Session}) { ... on Session { FIELD } }", "member"),
    ("Entry", "node(id: {Operation}) { ... on Operation { entries { FIELD } } }", AT_SHOP),
    ("BalanceAfter", "node(id: {Operation}) { ... on Operation { balanceAfter { FIELD } } }", AT_SHOP),
    (
        "BalanceAfter",
        "node(id: {RefusedOperation}) { ... on Operation { balanceAfter { FIELD } } }",
        "operator agent member",
    ),
    ("Explanation", "node(id: {Earn}) { ... on Operation { explanation { FIELD } } }", AT_SHOP),
    ("LotUse", "node(id: {Operation}) { ... on Operation { lots { FIELD } } }", OWN),
    ("PurchaseLine", "node(id: {Purchase}) { ... on Purchase { lines { FIELD } } }", AT_SHOP),
    ("WalletLot", "wallet(id: {Wallet}) { lots { FIELD } }", OWN),
    ("Relation", "member(ref: { id: {Member} }) { relations(first: 9) { nodes { FIELD } } }", OWN),
    ("Leaderboard", "node(id: {Leaderboard}) { ... on Leaderboard { FIELD } }", AT_SHOP),
    (
        "LeaderboardEntry",
        "leaderboard(id: {NetworkLeaderboard}) { entries(first: 9) { nodes { FIELD } } }",
        EVERYBODY,
    ),
    (
        "LeaderboardEntry",
        "leaderboardAround(id: {NetworkLeaderboard}, member: {Member}) { FIELD }",
        "operator agent shop related profile hidden member",
    ),
    ("AuditEntry", "auditLog(last: 9) { nodes { FIELD } }", "operator"),
];

/// Who sees a field when it is not everybody who sees the object; nobody sees what the scene's object does not have.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("Member", "mobile", "operator agent profile member"),
    ("Member", "cardNumber", "operator agent profile member"),
    ("Member", "customerRef", "shop"),
    ("Member", "merchantRef", "shop"),
    ("Member", "language", OWN),
    ("Member", "enrolledAt", KNOWN),
    ("Member", "wallet", KNOWN),
    ("Member", "relations", OWN),
    ("Member", "sessions", "operator member"),
    ("Member", "redemptions", AT_SHOP),
    ("Redemption", "voucherCode", "member"),
    ("Redemption", "endedAt", ""),
    ("Wallet", "expiring", OWN),
    ("Wallet", "activating", OWN),
    ("Wallet", "lots", OWN),
    ("Wallet", "openHolds", OWN),
    // The profile merchant has done nothing there, so that its list is empty.
    ("Wallet", "operations", "operator agent shop related member"),
    ("Operation", "rejection", ""),
    ("Operation", "money", ""),
    ("Operation", "lots", OWN),
    ("Leaderboard", "closedAt", ""),
    // Others see no more of the member than its initials.
    ("LeaderboardEntry", "reachedAt", KNOWN),
    ("LeaderboardEntry", "member", "operator agent shop related profile hidden member"),
    ("Merchant", "prices", "operator agent shop"),
    ("Merchant", "staff", "operator shop"),
    ("Merchant", "apiKeys", "operator shop"),
    ("Merchant", "webhookEndpoints", "operator shop"),
    // It was sent to by nobody yet.
    ("WebhookEndpoint", "disabledReason", ""),
    ("WebhookEndpoint", "failingSince", ""),
    ("WebhookEndpoint", "pausedUntil", ""),
    ("WebhookDelivery", "nextTryAt", ""),
    ("WebhookDelivery", "lastTriedAt", ""),
    ("WebhookDelivery", "durationMs", ""),
    ("WebhookDelivery", "responseStatus", ""),
    ("WebhookDelivery", "failure", ""),
    ("WebhookDelivery", "deliveredAt", ""),
    ("WebhookDelivery", "operation", ""),
    // Nobody made the file yet.
    ("Export", "failure", ""),
    ("Export", "rowsTotal", ""),
    ("Export", "sha256", ""),
    ("Export", "url", ""),
    ("Export", "finishedAt", ""),
    ("Export", "expiresAt", ""),
    // Nobody of the staff has logged in, and the key was neither used nor replaced.
    ("Staff", "sessions", ""),
    ("Staff", "removedAt", ""),
    ("User", "lastLoggedInAt", ""),
    ("User", "recoveryCodesLeft", ""),
    ("ApiKey", "expiresAt", ""),
    ("ApiKey", "revokedAt", ""),
    ("ApiKey", "lastUsedAt", ""),
    ("ApiKey", "replaces", ""),
    ("ApiKey", "replacedBy", ""),
    ("EarnRule", "capPerPurchase", ""),
    ("EarnRule", "capPerDay", ""),
    ("WalletLot", "onlyAt", ""),
];

/// Texts that may come out for these callers only, whatever they ask for.
const SECRETS: &[(&str, &str)] = &[
    (MOBILE, "operator agent profile member"),
    (CARD, "operator agent profile member"),
    (NAME, KNOWN),
    (BALANCE, KNOWN),
    ("REFERENCE-OF-SHOP", "shop"),
    ("RECEIPT-SHOP", AT_SHOP),
    ("PRODUCT-OF-SHOP", AT_SHOP),
    ("RECEIPT-RELATED", "operator agent related member"),
    ("RECEIPT-HIDDEN", "operator agent hidden member"),
    ("987650", "operator agent shop"),
    ("AGENT-OF-MEMBER", "operator member"),
    ("CLOSED-REWARD", "operator agent shop"),
    ("STAFF-OF-SHOP", "operator shop"),
    ("KEY-OF-SHOP", "operator shop"),
    ("HOOK-OF-SHOP", "operator shop"),
    ("user-of-network", "operator"),
];

/// The way by which a gateway gets to an object that `node` finds, when it is an entity.
fn as_entity(of: &str, way: &str) -> Option<String> {
    let (id, rest) = way.strip_prefix("node(id: ")?.split_once(')')?;
    let is_entity = ENTITIES.iter().any(|(entity, _)| *entity == of);
    is_entity.then(|| format!("_entities(representations: [{{ __typename: {of:?}, id: {id} }}]){rest}"))
}

/// Every way to every object, with its type and who sees it.
fn ways() -> Vec<(&'static str, String, &'static str)> {
    let both = PROBES.iter().flat_map(|(of, way, seers)| {
        let ways = [Some((*way).to_owned()), as_entity(of, way)];
        ways.into_iter().flatten().map(|way| (*of, way, *seers))
    });
    both.collect()
}

fn has(callers: &str, caller: &str) -> bool {
    callers.split(' ').any(|name| name == caller)
}

/// Who sees a field of an object that `seers` see.
fn seers_of<'a>(of: &str, field: &str, seers: &'a str) -> &'a str {
    let exception = EXCEPTIONS.iter().find(|(name, of_it, _)| (*name, *of_it) == (of, field));
    exception.map_or(seers, |(.., callers)| callers)
}

/// The query with the ids of the scene.
fn filled(scene: &Scene<'_>, way: &str, field: &str) -> String {
    let way = scene
        .ids
        .iter()
        .fold(way.to_owned(), |way, (name, id)| way.replace(&format!("{{{name}}}"), &format!("{id:?}")));
    format!("query Walk {{ {} }}", way.replace("FIELD", field))
}

/// Every value that an answer has under this name, wherever.
fn under<'a>(answer: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match answer {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == name { found.push(value) } else { under(value, name, found) }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| under(item, name, found)),
        _ => {}
    }
}

/// Whether there is something to see.
fn shows(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => items.iter().any(shows),
        Value::Object(fields) => fields.get("nodes").is_none_or(shows),
        _ => true,
    }
}

async fn ask(scene: &Scene<'_>, caller: Caller, document: &str) -> Value {
    let answer = scene.app.send(Some(caller), document, "Walk", json!({})).await;
    let code = answer["errors"][0]["extensions"]["code"].as_str();
    assert!(
        matches!(code, None | Some("FORBIDDEN" | "NOT_FOUND")),
        "a walk meets only what is not to be seen: {document} {answer:#}"
    );
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_is_seen_by_whom_the_table_names_and_by_nobody_else() {
    let schema = Schema::of_program().await;
    for node in schema.nodes() {
        assert!(PROBES.iter().any(|(name, ..)| *name == node), "{node} needs a place in the walk");
    }
    let ways = ways();
    for (entity, _) in ENTITIES {
        let is_walked = |(of, way, _): &(&str, String, &str)| of == entity && way.starts_with("_entities");
        assert!(ways.iter().any(is_walked), "{entity} needs an object that `node` finds in the walk");
    }
    for app in both().await {
        let scene = &Scene::of(&app).await;
        let tries = ways.iter().flat_map(|(of, way, seers)| {
            let fields = schema.fields(of).into_iter();
            fields.flat_map(move |field| {
                scene.callers().into_iter().map(move |caller| (*of, way.as_str(), *seers, field, caller))
            })
        });
        let wrong: Vec<String> = stream::iter(tries)
            .map(|(of, way, seers, field, (name, caller))| {
                let schema = &schema;
                async move {
                    let (is_list, leaf) = (schema.type_of(of, field).ends_with("Connection"), "probe: ");
                    let looked = if is_list {
                        format!("{leaf}{field}(first: 1) {{ nodes {{ __typename }} }}")
                    } else {
                        format!("{leaf}{}", schema.looked_at(of, field, 0, &|_, _| false)?)
                    };
                    let document = filled(scene, way, &looked);
                    let answer = ask(scene, caller, &document).await;
                    let mut found = Vec::new();
                    under(&answer["data"], "probe", &mut found);
                    let sees = found.into_iter().any(shows);
                    let expected = has(seers, name) && has(seers_of(of, field, seers), name);
                    (sees != expected).then(|| {
                        format!(
                            "{name} {} {of}.{field}: {document} {answer}",
                            if sees { "sees" } else { "misses" }
                        )
                    })
                }
            })
            .buffer_unordered(8)
            .filter_map(|wrong| async { wrong })
            .collect()
            .await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_finds_by_a_type_and_an_id_what_node_finds_and_nothing_else() {
    for app in both().await {
        let scene = Scene::of(&app).await;
        let ids: Vec<String> = scene.ids.values().map(|id| format!("{id:?}")).collect();
        for (name, caller) in scene.callers() {
            let all = format!("query Walk {{ nodes(ids: [{}]) {{ __typename id }} }}", ids.join(", "));
            let nodes = ask(&scene, caller, &all).await;
            for (entity, _) in ENTITIES {
                let named = ids.iter().map(|id| format!("{{ __typename: {entity:?}, id: {id} }}"));
                let named = named.collect::<Vec<_>>().join(", ");
                let found = format!(
                    "query Walk {{ _entities(representations: [{named}]) {{ __typename ... on {entity} {{ id }} }} }}"
                );
                let found = ask(&scene, caller, &found).await;
                for place in 0..ids.len() {
                    let node = &nodes["data"]["nodes"][place];
                    let node = if node["__typename"] == *entity { node } else { &Value::Null };
                    assert_eq!(&found["data"]["_entities"][place], node, "{name} {entity} {}", ids[place]);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_finds_together_what_node_finds_one_by_one() {
    for app in both().await {
        let scene = Scene::of(&app).await;
        let ids: Vec<String> = scene.ids.values().map(|id| format!("{id:?}")).collect();
        for (name, caller) in scene.callers() {
            let all = format!("query Walk {{ nodes(ids: [{}]) {{ __typename id }} }}", ids.join(", "));
            let together = ask(&scene, caller, &all).await;
            for (place, id) in ids.iter().enumerate() {
                let one = format!("query Walk {{ node(id: {id}) {{ __typename id }} }}");
                let alone = ask(&scene, caller, &one).await;
                assert_eq!(together["data"]["nodes"][place], alone["data"]["node"], "{name}");
            }
        }
    }
}

/// Everything that a caller gets to see, asked for field by field and some objects deep.
async fn everything(scene: &Scene<'_>, schema: &Schema, (name, caller): (&str, Caller)) -> String {
    // What is refused would take what stands beside it out of the answer.
    let skips = |of: &str, field: &str| {
        let mut exceptions = EXCEPTIONS.iter().filter(|(name, of_it, _)| (*name, *of_it) == (of, field));
        exceptions.any(|(.., callers)| !callers.is_empty() && !has(callers, name))
    };
    let mut documents = BTreeSet::new();
    for (of, way, _) in &ways() {
        for field in schema.fields(of).into_iter().filter(|field| !skips(of, field)) {
            if let Some(looked) = schema.looked_at(of, field, 2, &skips) {
                documents.insert(filled(scene, way, &looked));
            }
        }
    }
    for root in [
        "leaderboards",
        "operations",
        "rewards",
        "redemptions",
        "merchants",
        "members",
        "auditLog",
        "viewer",
        "sessions",
        "network",
    ] {
        if let Some(looked) = schema.looked_at("Query", root, 2, &skips) {
            documents.insert(format!("query Walk {{ {looked} }}"));
        }
    }
    for reference in [
        format!("mobile: {MOBILE:?}"),
        format!("cardNumber: {CARD:?}"),
        "customer: { customerRef: \"REFERENCE-OF-SHOP\" }".to_owned(),
    ] {
        // Operators have to say whose reference it is.
        if matches!(caller, Caller::Merchant(_)) || !reference.starts_with("customer") {
            for field in schema.fields("Member").into_iter().filter(|field| !skips("Member", field)) {
                if let Some(looked) = schema.looked_at("Member", field, 2, &skips) {
                    documents
                        .insert(format!("query Walk {{ member(ref: {{ {reference} }}) {{ {looked} }} }}"));
                }
            }
        }
    }
    let answers = stream::iter(&documents)
        .map(|document| async move { ask(scene, caller, document).await.to_string() });
    answers.buffer_unordered(8).collect::<Vec<_>>().await.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_tells_a_secret_to_whom_it_is_not_for() {
    let schema = Schema::of_program().await;
    for app in both().await {
        let scene = Scene::of(&app).await;
        for (name, caller) in scene.callers() {
            let seen = everything(&scene, &schema, (name, caller)).await;
            for (secret, callers) in SECRETS {
                assert_eq!(seen.contains(secret), has(callers, name), "{name}: {secret}");
            }
        }
    }
}
