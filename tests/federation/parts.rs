//! One domain alone, as a subgraph: what it owns it answers, what it does not own it has never heard of.

use std::collections::BTreeMap;

use amvaj_api::graphql::access::ROOT_FIELDS;
use amvaj_api::graphql::entity::ENTITIES;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_api::graphql::schema;
use amvaj_api::graphql::subgraph::{SUBGRAPHS, Subgraph};
use amvaj_domain::access::Caller;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::database::TestDb;

/// A server of one domain on each kind of database.
async fn both(subgraph: &'static Subgraph) -> [TestApp; 2] {
    let [sqlite, postgres] = TestDb::both().await;
    let only = move |config: &mut amvaj_api::config::Config| config.graphql.subgraph = Some(subgraph);
    [TestApp::start_with(sqlite, only).await, TestApp::start_with(postgres, only).await]
}

async fn ask(app: &TestApp, document: &str, variables: Value) -> Value {
    app.send(Some(Caller::Operator), document, "Ask", variables).await
}

/// What all of them own, in order.
fn owned(by: impl Fn(&Subgraph) -> &'static [&'static str]) -> Vec<&'static str> {
    let mut owned: Vec<&str> = SUBGRAPHS.iter().flat_map(by).copied().collect();
    owned.sort_unstable();
    owned
}

#[test]
fn every_root_field_and_every_entity_belongs_to_exactly_one_domain() {
    let mut roots: Vec<&str> = ROOT_FIELDS.iter().map(|(name, _)| *name).collect();
    roots.sort_unstable();
    assert_eq!(owned(|subgraph| subgraph.roots), roots);
    let mut entities: Vec<&str> = ENTITIES.iter().map(|(name, _)| *name).collect();
    entities.sort_unstable();
    assert_eq!(owned(|subgraph| subgraph.entities), entities);
    for (entity, field) in SUBGRAPHS.iter().flat_map(|subgraph| subgraph.extensions) {
        let whole = schema::sdl(None);
        let (_, fields) = whole.split_once(&format!("type {entity} implements Node {{")).unwrap();
        let (fields, _) = fields.split_once("\n}").unwrap();
        assert!(fields.contains(&format!("\t{field}")), "{entity} has no {field}");
    }
}

#[test]
fn each_type_of_another_domain_is_a_key_and_each_own_one_is_whole() {
    for subgraph in SUBGRAPHS {
        let sdl = schema::subgraph_sdl(Some(subgraph));
        for owner in SUBGRAPHS {
            for entity in owner.entities {
                let begins = format!("type {entity} implements Node @key(fields: \"id\"");
                let Some((_, rest)) = sdl.split_once(&begins) else {
                    assert_ne!(owner.name, subgraph.name, "{entity} is missing in its own subgraph");
                    continue;
                };
                let (head, _) = rest.split_once('{').unwrap();
                let extends = subgraph.extensions.iter().any(|(extended, _)| extended == entity);
                let finds = owner == subgraph || extends;
                assert_eq!(!head.contains("resolvable: false"), finds, "{} {entity} {head}", subgraph.name);
            }
        }
    }
}

#[tokio::test]
async fn a_part_refuses_what_it_does_not_own_as_what_is_not_there() {
    // Root fields that are there without an argument, one for each domain at least.
    let asks: BTreeMap<&str, &str> = BTreeMap::from([
        ("network", "{ network { nameEn } }"),
        ("viewer", "{ viewer { role member { name } } }"),
        ("merchants", "{ merchants(first: 1) { nodes { nameEn } } }"),
        ("sessions", "{ sessions { id } }"),
        ("members", "{ members(first: 1) { nodes { name } } }"),
        ("operations", "{ operations(first: 1) { nodes { merchant { nameEn } } } }"),
        ("ledgerHeads", "{ ledgerHeads { hashes } }"),
        ("rewards", "{ rewards(first: 1) { nodes { title } } }"),
        ("leaderboards", "{ leaderboards(first: 1) { nodes { nameEn } } }"),
    ]);
    for subgraph in SUBGRAPHS {
        for app in both(subgraph).await {
            // Twice, because a document that was answered is known then.
            for (root, document) in asks.iter().chain(&asks) {
                let answer = ask(&app, &format!("query Ask {document}"), json!({})).await;
                let code = answer["errors"][0]["extensions"]["code"].as_str();
                // Of another domain's objects there is the id, and no more.
                let is_answered = subgraph.roots.contains(root) && !["viewer", "operations"].contains(root);
                let expected = if is_answered { None } else { Some("GRAPHQL_VALIDATION_FAILED") };
                assert_eq!(code, expected, "{} {document}: {answer:#}", subgraph.name);
            }
            let types = ask(&app, "query Ask { __schema { types { name } } }", json!({})).await.to_string();
            assert_eq!(types.contains("EarnPointsInput"), subgraph.name == "wallets");
            assert_eq!(types.contains("RegisterMerchantInput"), subgraph.name == "merchants");
            let sdl = ask(&app, "query Ask { _service { sdl } }", json!({})).await;
            assert_eq!(sdl["data"]["_service"]["sdl"], schema::subgraph_sdl(Some(subgraph)));
            assert_eq!(app.page("/schema.graphql").await, schema::subgraph_sdl(Some(subgraph)));
        }
    }
}

#[tokio::test]
async fn a_part_finds_its_own_entities_and_those_that_it_extends() {
    const FOUND: &str = "query Ask($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }";
    for subgraph in SUBGRAPHS {
        for app in both(subgraph).await {
            let merchant = GlobalId::Merchant(app.merchant("Shop").await).write();
            let member = GlobalId::Member(app.member("مینا", "09121110001").await).write();
            let representations = json!([
                { "__typename": "Merchant", "id": merchant }, { "__typename": "Member", "id": member },
            ]);
            let answer = ask(&app, FOUND, json!({ "representations": representations })).await;
            let found: Vec<Option<&str>> = answer["data"]["_entities"]
                .as_array()
                .unwrap_or_else(|| panic!("{answer:#}"))
                .iter()
                .map(|entity| entity["__typename"].as_str())
                .collect();
            let expected = match subgraph.name {
                "merchants" => [Some("Merchant"), Some("Member")],
                "wallets" | "rewards" => [None, Some("Member")],
                _ => [None, None],
            };
            assert_eq!(found, expected, "{} {answer:#}", subgraph.name);
            let errors = answer["errors"].as_array().map_or(0, Vec::len);
            assert_eq!(errors, expected.iter().filter(|found| found.is_none()).count());
        }
    }
}

#[tokio::test]
async fn what_a_part_extends_is_there_and_the_rest_of_it_is_not() {
    const SESSIONS: &str = "query Ask($representations: [_Any!]!) { _entities(representations: $representations) { \
        ... on Member { id sessions { id } } } }";
    for app in both(Subgraph::parse("merchants").unwrap()).await {
        let member = GlobalId::Member(app.member("مینا", "09121110001").await).write();
        let variables = json!({ "representations": [{ "__typename": "Member", "id": member }] });
        let answer = ask(&app, SESSIONS, variables.clone()).await;
        assert_eq!(answer["data"]["_entities"][0], json!({ "id": member, "sessions": [] }), "{answer:#}");
        let named = SESSIONS.replace("sessions { id }", "name");
        let answer = ask(&app, &named, variables).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer:#}");
        let node = "query Ask($id: ID!) { node(id: $id) { __typename id } }";
        let answer = ask(&app, node, json!({ "id": member })).await;
        assert_eq!(answer["data"]["node"], json!({ "__typename": "Member", "id": member }));
    }
}
