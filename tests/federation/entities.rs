//! Entities: found in order, one by one refused, and paid for. Who finds which is compared with `node` in
//! `tenancy::fields`.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity, Scope, Scopes};
use amvaj_domain::id::{MemberId, MerchantId};
use serde_json::{Value, json};

use crate::support::app::TestApp;

const MEMBER: &str = include_str!("../queries/member.graphql");
const AUDIT: &str = include_str!("../queries/audit.graphql");
const NAMES: &str = "query Entities($representations: [_Any!]!) { _entities(representations: $representations) { \
    __typename ... on Member { id name merchantRef { merchantId customerRef } } ... on Merchant { id nameEn } \
    ... on Wallet { id } ... on Branch { id merchant { nameEn } } } }";

fn id(id: GlobalId) -> String {
    id.write().to_string()
}

fn entity(typename: &str, id: &str) -> Value {
    json!({ "__typename": typename, "id": id })
}

fn by_reference(merchant: MerchantId, reference: &str) -> Value {
    let merchant = id(GlobalId::Merchant(merchant));
    json!({ "__typename": "Member", "merchantRef": { "merchantId": merchant, "customerRef": reference } })
}

async fn ask(app: &TestApp, caller: Caller, representations: &[Value]) -> Value {
    app.send(Some(caller), NAMES, "Entities", json!({ "representations": representations })).await
}

/// Asks for what has to be answered without an error.
async fn found(app: &TestApp, caller: Caller, representations: &[Value]) -> Vec<Value> {
    let answer = ask(app, caller, representations).await;
    assert!(answer["errors"].is_null(), "{answer:#}");
    answer["data"]["_entities"].as_array().unwrap().clone()
}

/// A member that the merchant enrolled under a reference of its own.
async fn customer(app: &TestApp, merchant: MerchantId, reference: &str, mobile: &str) -> MemberId {
    let input = json!({ "name": "مینا", "mobile": mobile, "customer": { "customerRef": reference } });
    let caller = Caller::Merchant(merchant);
    let enrolled = app.data(caller, MEMBER, "EnrolMember", json!({ "input": input })).await;
    let id = enrolled["enrolMember"]["member"]["id"].as_str().unwrap().to_owned();
    GlobalId::member(&id.into()).unwrap()
}

#[tokio::test]
async fn entities_come_in_the_order_of_their_representations_and_one_that_is_wrong_spoils_no_other() {
    for app in TestApp::both().await {
        let shop = app.merchant("Shop").await;
        let branch = id(GlobalId::Branch(app.branch(shop, "Vanak").await));
        let other = id(GlobalId::Merchant(app.merchant("Other").await));
        let shop = id(GlobalId::Merchant(shop));
        let nobody = id(GlobalId::Member(MemberId::new(uuid::Uuid::from_u128(7))));
        let representations = [
            entity("Merchant", &shop),
            json!({ "__typename": "NoSuchType", "id": shop }),
            entity("Merchant", "not an id"),
            entity("Branch", &branch),
            entity("Wallet", &shop),
            entity("Member", &nobody),
            json!({ "__typename": "Merchant" }),
            json!({ "__typename": "Merchant", "id": null }),
            json!({ "__typename": "Merchant", "id": { "of": shop } }),
            json!({ "id": shop }),
            json!({ "__typename": 7, "id": shop }),
            json!(shop),
            json!({ "__typename": "Member", "merchantRef": { "customerRef": "7" } }),
            json!({ "__typename": "Session", "id": "x" }),
            entity("Merchant", &other),
            entity("Merchant", &shop),
        ];
        let answer = ask(&app, Caller::Operator, &representations).await;
        let names: Vec<Option<&str>> = answer["data"]["_entities"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer:#}"))
            .iter()
            .map(|entity| entity["nameEn"].as_str().or(entity["merchant"]["nameEn"].as_str()))
            .collect();
        let entities = answer["data"]["_entities"].as_array().unwrap();
        assert!(entities.iter().all(|entity| entity.is_object() || entity.is_null()), "{answer:#}");
        let mut expected = vec![None; representations.len()];
        for (place, name) in [(0, "Shop"), (3, "Shop"), (14, "Other"), (15, "Shop")] {
            expected[place] = Some(name);
        }
        assert_eq!(names, expected);
        let errors = answer["errors"].as_array().unwrap();
        // What is not there, and what is of another type, is null without a word, as `node` has it.
        assert_eq!(errors.len(), 9, "{answer:#}");
        for error in errors {
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
            assert_eq!(error["path"], json!(["_entities"]));
        }
        let told: Vec<&str> = errors.iter().map(|error| error["message"].as_str().unwrap()).collect();
        for hint in ["`NoSuchType`", "`Session`", "`merchantRef { merchantId customerRef }`", "`__typename`"]
        {
            assert!(told.iter().any(|message| message.contains(hint)), "{hint}: {told:#?}");
        }
    }
}

#[tokio::test]
async fn a_field_that_is_refused_takes_out_its_own_entity_only() {
    const LOTS: &str = "query Entities($representations: [_Any!]!) { _entities(representations: $representations) { \
        ... on Merchant { nameEn } ... on Member { relations(first: 1) { totalCount } } } }";
    for app in TestApp::both().await {
        let shop = app.merchant("Shop").await;
        let member = id(GlobalId::Member(customer(&app, shop, "17850", "09121110001").await));
        let shop_id = id(GlobalId::Merchant(shop));
        let representations =
            json!([entity("Merchant", &shop_id), entity("Member", &member), entity("Merchant", &shop_id)]);
        let variables = json!({ "representations": representations });
        let answer = app.send(Some(Caller::Merchant(shop)), LOTS, "Entities", variables).await;
        let name = json!({ "nameEn": "Shop" });
        assert_eq!(answer["data"]["_entities"], json!([name, null, name]), "{answer:#}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

#[tokio::test]
async fn a_member_is_found_by_a_merchants_reference_as_the_field_member_finds_it() {
    for app in TestApp::both().await {
        let (shop, other) = (app.merchant("Shop").await, app.merchant("Other").await);
        let mut references = Vec::new();
        for number in 0..3 {
            let mobile = format!("0912111000{number}");
            customer(&app, shop, &format!("C-{number}"), &mobile).await;
            references.push(by_reference(shop, &format!("C-{number}")));
        }
        references.insert(1, by_reference(shop, "nobody"));
        references.push(references[0].clone());
        let own = found(&app, Caller::Merchant(shop), &references).await;
        let merchant = id(GlobalId::Merchant(shop));
        for (place, reference) in [(0, "C-0"), (2, "C-1"), (3, "C-2"), (4, "C-0")] {
            let named = json!({ "merchantId": merchant, "customerRef": reference });
            assert_eq!(own[place]["merchantRef"], named, "{own:#?}");
        }
        assert_eq!(own[1], Value::Null);
        // Another merchant's references are nobody's business, and a member has none.
        let member = customer(&app, other, "O-1", "09121110009").await;
        for caller in [Caller::Merchant(other), Caller::Member(member)] {
            assert!(found(&app, caller, &references).await.iter().all(Value::is_null));
        }
        // The operator finds all of them, which is told of in the audit log.
        let all = found(&app, Caller::Operator, &references[..1]).await;
        assert_eq!(all[0]["name"], "مینا");
        let log = app.data(Caller::Operator, AUDIT, "AuditLog", json!({ "last": 1 })).await.to_string();
        assert!(log.contains("MEMBER_LOOKED_UP") && log.contains("C-***") && !log.contains("C-0"), "{log}");
        let answer =
            ask(&app, Caller::Merchant(shop), &[by_reference(shop, ""), references[0].clone()]).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer:#}");
        assert_eq!(answer["data"]["_entities"][1]["merchantRef"]["customerRef"], "C-0");
    }
}

#[tokio::test]
async fn nobody_finds_an_entity_without_a_token_or_without_the_scope_that_its_field_needs() {
    for app in TestApp::both().await {
        let shop = app.merchant("Shop").await;
        let member = customer(&app, shop, "17850", "09121110001").await;
        let (merchant, member) = (id(GlobalId::Merchant(shop)), id(GlobalId::Member(member)));
        let representations =
            [entity("Member", &member), by_reference(shop, "17850"), entity("Merchant", &merchant)];
        let variables = json!({ "representations": representations });
        let answer = app.send(None, NAMES, "Entities", variables.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1));
        assert!(answer["data"].is_null());
        let till = Identity::console(Caller::Merchant(shop));
        for (scope, finds) in [(Scope::MembersRead, true), (Scope::PointsEarn, false)] {
            let token = app.token(&till.clone().limited_to(Scopes::of(&[scope])));
            let answer = app.send_with(Some(&token), NAMES, "Entities", variables.clone()).await;
            let shown: Vec<bool> =
                answer["data"]["_entities"].as_array().unwrap().iter().map(|one| !one.is_null()).collect();
            assert_eq!(shown, [finds, finds, true], "{answer:#}");
        }
    }
}

#[tokio::test]
async fn entities_are_paid_for_by_their_number_whether_they_are_there_or_not() {
    for app in TestApp::both().await {
        let merchant = id(GlobalId::Merchant(app.merchant("Shop").await));
        let nobody = id(GlobalId::Merchant(MerchantId::new(uuid::Uuid::from_u128(7))));
        for (name, there) in [(&merchant, true), (&nobody, false)] {
            for count in [0, 1, 100, 500] {
                let representations = vec![entity("Merchant", name); count];
                let answer = ask(&app, Caller::Operator, &representations).await;
                let found = answer["data"]["_entities"].as_array().unwrap();
                assert_eq!(found.len(), count);
                assert!(found.iter().all(|one| one.is_null() != there));
                let cost = &answer["extensions"]["cost"];
                assert_eq!(cost["actual"], count.max(1), "{count} {cost}");
                // By estimate each may be a branch with its merchant, and a member with its reference.
                assert_eq!(cost["requested"], 3 * count.max(1), "{cost}");
            }
        }
        // An alias is a field of its own.
        let twice = NAMES.replace(
            "{ _entities",
            "{ again: _entities(representations: $representations) { __typename } _entities",
        );
        let variables = json!({ "representations": vec![entity("Merchant", &merchant); 100] });
        let answer = app.send(Some(Caller::Operator), &twice, "Entities", variables).await;
        assert_eq!(answer["data"]["again"].as_array().map(Vec::len), Some(100), "{answer:#}");
        assert_eq!(answer["extensions"]["cost"]["actual"], 200);
        assert_eq!(answer["extensions"]["cost"]["requested"], 400);
        let answer = ask(&app, Caller::Operator, &vec![entity("Merchant", &merchant); 501]).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer:#}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("500"));
    }
}
