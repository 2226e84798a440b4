//! Who takes part, over the API: what each role may do and see, and what every bad input is told.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_api::random;
use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::time::Span;
use serde_json::{Value, json};

use crate::support::app::{START, TestApp};

const MERCHANT: &str = include_str!("queries/merchant.graphql");
const MEMBER: &str = include_str!("queries/member.graphql");

fn merchant_id(id: MerchantId) -> Value {
    json!(GlobalId::Merchant(id).write().as_str())
}

fn member_id(id: MemberId) -> Value {
    json!(GlobalId::Member(id).write().as_str())
}

/// A merchant that is nowhere registered.
fn nobody() -> MerchantId {
    MerchantId::new(random::uuid(START))
}

/// The codes and fields of a payload's user errors.
fn refusals(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["userErrors"].as_array().expect("a payload has userErrors");
    let path = |error: &Value| {
        let parts: Vec<_> =
            error["field"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        parts.join(".")
    };
    errors.iter().map(|error| (error["code"].as_str().unwrap().to_owned(), path(error))).collect()
}

#[track_caller]
fn assert_refused(payload: &Value, expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(code, path)| ((*code).to_owned(), (*path).to_owned())).collect();
    assert_eq!(refusals(payload), expected, "{payload:#}");
}

fn rule(merchant: &Value) -> Value {
    json!({
        "merchantId": merchant,
        "rate": { "points": "1", "per": 10_000 },
        "expiry": { "after": { "count": 12, "unit": "MONTH" } },
    })
}

/// The same object with some fields set.
fn with(mut object: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

#[tokio::test]
async fn an_operator_registers_a_merchant_with_branch_and_rule() {
    for app in TestApp::both().await {
        let input =
            json!({ "nameFa": "كافه باغ", "nameEn": "Garden", "issuePrice": "100", "redeemPrice": 90 });
        let registered =
            app.data(Caller::Operator, MERCHANT, "RegisterMerchant", json!({ "input": input })).await;
        let merchant = &registered["registerMerchant"]["merchant"];
        assert_eq!(merchant["currency"], "IRR");
        assert_eq!(merchant["createdAt"], "2027-01-15T08:00:00Z");
        assert_eq!(merchant["prices"]["redeem"]["amount"], "90");
        let id = &merchant["id"];
        let input = json!({ "merchantId": id, "nameFa": "ونک", "nameEn": "Vanak" });
        let branch = app.data(Caller::Operator, MERCHANT, "RegisterBranch", json!({ "input": input })).await;
        let branch_id = &branch["registerBranch"]["branch"]["id"];
        let extras = json!({
            "minimumBasket": "500000",
            "capPerDay": "300",
            "excludedCategories": ["tip"],
            "expiry": { "endOf": { "period": "YEAR", "calendar": "JALALI" } },
        });
        let input = with(rule(id), extras);
        let set = app.data(Caller::Operator, MERCHANT, "SetEarnRule", json!({ "input": input })).await;
        assert_eq!(set["setEarnRule"]["earnRule"]["version"], 1);
        let read = app.data(Caller::Operator, MERCHANT, "Merchant", json!({ "id": id })).await;
        let merchant = &read["merchant"];
        assert_eq!(merchant["branches"]["totalCount"], 1);
        assert_eq!(merchant["branches"]["nodes"][0]["id"], *branch_id);
        assert_eq!(merchant["branches"]["nodes"][0]["merchant"]["id"], *id);
        assert_eq!(merchant["earnRules"]["totalCount"], 1);
        let rule = &merchant["earnRule"];
        assert_eq!(rule["expiry"]["kind"], "END_OF");
        assert_eq!(rule["expiry"]["term"], json!({ "count": 0, "unit": "DAY" }));
        assert_eq!(rule["capPerDay"], "300");
        assert_eq!(rule["excludedCategories"], json!(["tip"]));
        for (name, field, status) in
            [("CloseBranch", "closeBranch", "CLOSED"), ("ReopenBranch", "reopenBranch", "OPEN")]
        {
            let done = app.data(Caller::Operator, MERCHANT, name, json!({ "id": branch_id })).await;
            assert_eq!(done[field]["branch"]["status"], status);
        }
        for (name, field, status) in
            [("BlockMerchant", "blockMerchant", "BLOCKED"), ("UnblockMerchant", "unblockMerchant", "OPEN")]
        {
            let done = app.data(Caller::Operator, MERCHANT, name, json!({ "id": id })).await;
            assert_eq!(done[field]["merchant"]["status"], status);
        }
    }
}

#[tokio::test]
async fn every_mistake_in_a_merchant_or_branch_is_named_at_once() {
    for app in TestApp::both().await {
        let input = json!({ "nameFa": "", "nameEn": "a\nb", "issuePrice": "-1", "redeemPrice": "9223372036854775808" });
        let refused =
            app.data(Caller::Operator, MERCHANT, "RegisterMerchant", json!({ "input": input })).await;
        assert_refused(
            &refused["registerMerchant"],
            &[
                ("INVALID_NAME", "input.nameFa"),
                ("INVALID_NAME", "input.nameEn"),
                ("INVALID_PRICE", "input.issuePrice"),
                ("INVALID_PRICE", "input.redeemPrice"),
            ],
        );
        let listed = app.data(Caller::Operator, MERCHANT, "Merchants", json!({ "first": 1 })).await;
        assert_eq!(listed["merchants"]["totalCount"], 0);
        let nobody = merchant_id(nobody());
        let input = json!({ "merchantId": nobody, "nameFa": "x", "nameEn": "y" });
        let refused = app.data(Caller::Operator, MERCHANT, "RegisterBranch", json!({ "input": input })).await;
        assert_refused(&refused["registerBranch"], &[("MERCHANT_NOT_FOUND", "input.merchantId")]);
        let input = json!({ "merchantId": "?", "nameFa": "", "nameEn": "y" });
        let refused = app.data(Caller::Operator, MERCHANT, "RegisterBranch", json!({ "input": input })).await;
        let expected = [("MERCHANT_NOT_FOUND", "input.merchantId"), ("INVALID_NAME", "input.nameFa")];
        assert_refused(&refused["registerBranch"], &expected);
        for (name, field) in [("BlockMerchant", "blockMerchant"), ("UnblockMerchant", "unblockMerchant")] {
            for id in [&nobody, &json!("nonsense")] {
                let refused = app.data(Caller::Operator, MERCHANT, name, json!({ "id": id })).await;
                assert_refused(&refused[field], &[("MERCHANT_NOT_FOUND", "input.merchantId")]);
            }
        }
        for (name, field) in [("CloseBranch", "closeBranch"), ("ReopenBranch", "reopenBranch")] {
            let refused = app.data(Caller::Operator, MERCHANT, name, json!({ "id": nobody })).await;
            assert_refused(&refused[field], &[("BRANCH_NOT_FOUND", "input.branchId")]);
        }
    }
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_refused_with_its_reason() {
    for app in TestApp::both().await {
        let id = merchant_id(app.merchant("کافه").await);
        let yesterday = "2027-01-14T08:00:00Z";
        let long = "x".repeat(65);
        for (changes, code, field) in [
            (json!({ "merchantId": merchant_id(nobody()) }), "MERCHANT_NOT_FOUND", "merchantId"),
            (json!({ "rate": { "points": "0", "per": "1" } }), "INVALID_RATE", "rate"),
            (json!({ "rate": { "points": "1", "per": "9".repeat(40) } }), "INVALID_RATE", "rate"),
            (json!({ "minimumBasket": "-1" }), "INVALID_MINIMUM_BASKET", "minimumBasket"),
            (json!({ "capPerPurchase": "0" }), "INVALID_CAP", "capPerPurchase"),
            (json!({ "capPerDay": "9223372036854775808" }), "INVALID_CAP", "capPerDay"),
            (json!({ "excludedCategories": [long] }), "INVALID_CATEGORIES", "excludedCategories"),
            (json!({ "pendingDays": -1 }), "INVALID_PENDING_DAYS", "pendingDays"),
            (json!({ "pendingDays": 3651 }), "INVALID_PENDING_DAYS", "pendingDays"),
            (json!({ "expiry": { "never": false } }), "INVALID_EXPIRY", "expiry"),
            (json!({ "expiry": { "after": { "count": -1, "unit": "DAY" } } }), "INVALID_EXPIRY", "expiry"),
            (json!({ "expiry": { "on": "2027-01-14" } }), "INVALID_EXPIRY", "expiry"),
            (json!({ "effectiveFrom": yesterday }), "INVALID_EFFECTIVE_FROM", "effectiveFrom"),
        ] {
            let input = with(rule(&id), changes);
            let refused =
                app.data(Caller::Operator, MERCHANT, "SetEarnRule", json!({ "input": input })).await;
            assert_refused(&refused["setEarnRule"], &[(code, &format!("input.{field}"))]);
        }
        let read = app.data(Caller::Operator, MERCHANT, "Merchant", json!({ "id": id })).await;
        assert_eq!(read["merchant"]["earnRules"]["totalCount"], 0);
        assert_eq!(read["merchant"]["earnRule"], Value::Null);
    }
}

#[tokio::test]
async fn a_later_version_of_a_rule_holds_from_its_date() {
    for app in TestApp::both().await {
        let id = merchant_id(app.merchant("کافه").await);
        let tomorrow = json!({ "effectiveFrom": "2027-01-16T11:30:00+03:30", "expiry": { "never": true } });
        for input in [rule(&id), with(rule(&id), tomorrow)] {
            let set = app.data(Caller::Operator, MERCHANT, "SetEarnRule", json!({ "input": input })).await;
            assert_refused(&set["setEarnRule"], &[]);
        }
        let version = async || {
            let read = app.data(Caller::Operator, MERCHANT, "Merchant", json!({ "id": id })).await;
            read["merchant"]["earnRule"]["version"].clone()
        };
        assert_eq!(version().await, 1);
        app.clock.advance_to(START.plus(Span::days(1)));
        assert_eq!(version().await, 2);
    }
}

#[tokio::test]
async fn fractions_and_nonsense_are_bad_input_before_anything_happens() {
    for app in TestApp::both().await {
        let id = merchant_id(app.merchant("کافه").await);
        for changes in [
            json!({ "capPerDay": "1.5" }),
            json!({ "capPerDay": 1.5 }),
            json!({ "capPerDay": "۱۲" }),
            json!({ "effectiveFrom": "tomorrow" }),
            json!({ "expiry": { "on": "2027-02-30" } }),
            json!({ "expiry": { "never": true, "on": "2027-02-03" } }),
        ] {
            let input = json!({ "input": with(rule(&id), changes) });
            let code = app.code(Some(Caller::Operator), MERCHANT, "SetEarnRule", input.clone()).await;
            assert!(
                ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&code.as_str()),
                "{code} {input}"
            );
        }
        let read = app.data(Caller::Operator, MERCHANT, "Merchant", json!({ "id": id })).await;
        assert_eq!(read["merchant"]["earnRules"]["totalCount"], 0);
    }
}

#[tokio::test]
async fn merchants_are_paged_with_opaque_cursors() {
    for app in TestApp::both().await {
        for number in 0..3 {
            app.clock.advance_to(START.plus(Span::seconds(number)));
            app.merchant(&format!("Shop {number}")).await;
        }
        let member = Caller::Member(app.member("علی", "09121234567").await);
        let list = async |variables: Value| {
            let data = app.data(member, MERCHANT, "Merchants", variables).await;
            data["merchants"].clone()
        };
        let first = list(json!({ "first": 2 })).await;
        assert_eq!(first["totalCount"], 3);
        assert_eq!(first["nodes"], json!([{ "nameEn": "Shop 0" }, { "nameEn": "Shop 1" }]));
        assert_eq!(first["edges"][1]["cursor"], first["pageInfo"]["endCursor"]);
        assert_eq!(first["pageInfo"]["hasNextPage"], true);
        let next = list(json!({ "first": 2, "after": first["pageInfo"]["endCursor"] })).await;
        assert_eq!(next["nodes"], json!([{ "nameEn": "Shop 2" }]));
        assert_eq!(next["pageInfo"]["hasNextPage"], false);
        assert_eq!(next["pageInfo"]["hasPreviousPage"], true);
        let found = list(json!({ "last": 1, "filter": { "search": "SHOP ۱" } })).await;
        assert_eq!(found["nodes"], json!([{ "nameEn": "Shop 1" }]));
        for wrong in [
            json!({}),
            json!({ "first": 0 }),
            json!({ "first": -1 }),
            json!({ "last": 101 }),
            json!({ "first": i32::MAX }),
            json!({ "first": 1, "last": 1 }),
            json!({ "first": 1, "after": "nonsense" }),
            json!({ "first": 1, "before": "" }),
        ] {
            assert_eq!(
                app.code(Some(member), MERCHANT, "Merchants", wrong.clone()).await,
                "BAD_USER_INPUT",
                "{wrong}"
            );
        }
    }
}

#[tokio::test]
async fn prices_are_shown_to_the_operator_and_the_merchant_itself() {
    for app in TestApp::both().await {
        let (shop, other) = (app.merchant("Shop").await, app.merchant("Other").await);
        let member = app.member("علی", "09121234567").await;
        for (caller, sees) in [
            (Caller::Operator, true),
            (Caller::Merchant(shop), true),
            (Caller::Merchant(other), false),
            (Caller::Member(member), false),
        ] {
            let read = app.data(caller, MERCHANT, "Merchant", json!({ "id": merchant_id(shop) })).await;
            assert_eq!(read["merchant"]["prices"].is_object(), sees, "{caller:?}");
        }
    }
}

#[tokio::test]
async fn a_till_enrols_a_member_and_finds_it_in_every_way() {
    for app in TestApp::both().await {
        let shop = app.merchant("Shop").await;
        let (till, other) = (Caller::Merchant(shop), Caller::Merchant(app.merchant("Other").await));
        let input = json!({
            "name": "مینا",
            "mobile": "۰۹۱۲ ٣٤٥ ۶۷۸۹",
            "cardNumber": "۶۲۷۳-۰۰۱۲",
            "customer": { "customerRef": "17850" },
        });
        let enrolled = app.data(till, MEMBER, "EnrolMember", json!({ "input": input })).await;
        let member = &enrolled["enrolMember"]["member"];
        assert_eq!(member["maskedMobile"], "+98912***6789");
        assert_eq!(member["mobile"], Value::Null);
        assert_eq!(member["cardNumber"], Value::Null);
        assert_eq!(member["customerRef"], "17850");
        let own = json!({ "merchantId": merchant_id(shop), "customerRef": "17850" });
        for reference in [
            json!({ "id": member["id"] }),
            json!({ "mobile": "+98 912 345 6789" }),
            json!({ "cardNumber": "62730012" }),
            json!({ "customer": { "customerRef": "17850" } }),
            json!({ "customer": own }),
        ] {
            let found = app.data(till, MEMBER, "Member", json!({ "ref": reference })).await;
            assert_eq!(found["member"]["id"], member["id"], "{reference}");
        }
        for reference in [json!({ "customer": { "customerRef": "17850" } }), json!({ "customer": own })] {
            let found = app.data(other, MEMBER, "Member", json!({ "ref": reference })).await;
            assert_eq!(found["member"], Value::Null, "{reference}");
        }
        let found = app.data(other, MEMBER, "Member", json!({ "ref": { "mobile": "09123456789" } })).await;
        assert_eq!(found["member"]["customerRef"], Value::Null);
        let found = app.data(Caller::Operator, MEMBER, "Member", json!({ "ref": { "customer": own } })).await;
        assert_eq!(found["member"]["mobile"], "+989123456789");
        assert_eq!(found["member"]["cardNumber"], "62730012");
        let wrong = json!({ "ref": { "mobile": "021 8888 7777" } });
        assert_eq!(app.code(Some(till), MEMBER, "Member", wrong).await, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn every_mistake_in_an_enrolment_is_named_and_nobody_is_enrolled() {
    for app in TestApp::both().await {
        let (shop, other) = (app.merchant("Shop").await, app.merchant("Other").await);
        let till = Caller::Merchant(shop);
        let enrol = async |caller: Caller, input: Value| {
            let data = app.data(caller, MEMBER, "EnrolMember", json!({ "input": input })).await;
            data["enrolMember"].clone()
        };
        let wrong =
            json!({ "name": "", "mobile": "123", "cardNumber": "1", "customer": { "customerRef": "" } });
        let all = [
            ("INVALID_NAME", "input.name"),
            ("INVALID_MOBILE", "input.mobile"),
            ("INVALID_CARD_NUMBER", "input.cardNumber"),
            ("INVALID_CUSTOMER_REF", "input.customer"),
        ];
        assert_refused(&enrol(till, wrong).await, &all);
        let good = json!({ "name": "علی", "mobile": "09120000001", "cardNumber": "123456" });
        let foreign = json!({ "merchantId": merchant_id(other), "customerRef": "7" });
        let refused = enrol(till, with(good.clone(), json!({ "customer": foreign }))).await;
        assert_refused(&refused, &[("MERCHANT_NOT_FOUND", "input.customer.merchantId")]);
        let unsaid = json!({ "customer": { "customerRef": "7" } });
        let refused = enrol(Caller::Operator, with(good.clone(), unsaid.clone())).await;
        assert_refused(&refused, &[("INVALID_CUSTOMER_REF", "input.customer")]);
        assert_refused(&enrol(till, with(good.clone(), unsaid.clone())).await, &[]);
        let again = json!({ "mobile": "۰۹۱۲ ۰۰۰ ۰۰۰۱" });
        assert_refused(&enrol(till, with(good.clone(), again)).await, &[("MOBILE_TAKEN", "input.mobile")]);
        let second = json!({ "mobile": "09120000002" });
        let refused = enrol(till, with(good.clone(), second)).await;
        assert_refused(&refused, &[("CARD_TAKEN", "input.cardNumber")]);
        let third = json!({ "name": "علی", "mobile": "09120000002" });
        let refused = enrol(till, with(third.clone(), unsaid)).await;
        assert_refused(&refused, &[("CUSTOMER_REF_TAKEN", "input.customer.customerRef")]);
        app.data(Caller::Operator, MERCHANT, "BlockMerchant", json!({ "id": merchant_id(shop) })).await;
        assert_refused(&enrol(till, third).await, &[("MERCHANT_BLOCKED", "")]);
        let listed = app.data(Caller::Operator, MEMBER, "Members", json!({ "first": 9 })).await;
        assert_eq!(listed["members"]["totalCount"], 1);
    }
}

#[tokio::test]
async fn a_merchant_links_its_own_reference() {
    for app in TestApp::both().await {
        let till = Caller::Merchant(app.merchant("Shop").await);
        app.member("علی", "09120000001").await;
        app.member("مینا", "09120000002").await;
        let link = async |mobile: &str, reference: &str| {
            let input = json!({ "member": { "mobile": mobile }, "customerRef": reference });
            app.data(till, MEMBER, "LinkCustomer", json!({ "input": input })).await["linkCustomer"].clone()
        };
        let linked = link("09120000001", "A-1").await;
        assert_eq!(linked["member"]["customerRef"], "A-1");
        assert_eq!(link("09120000001", "A-2").await["member"]["customerRef"], "A-2");
        assert_refused(&link("09120000002", "A-2").await, &[("CUSTOMER_REF_TAKEN", "input.customerRef")]);
        assert_refused(&link("09120000003", "A-3").await, &[("MEMBER_NOT_FOUND", "input.member")]);
        let both = [("INVALID_CUSTOMER_REF", "input.customerRef"), ("INVALID_MEMBER_REF", "input.member")];
        assert_refused(&link("12", "").await, &both);
        let unknown = Caller::Merchant(nobody());
        let input = json!({ "input": { "member": { "mobile": "09120000001" }, "customerRef": "x" } });
        let refused = app.data(unknown, MEMBER, "LinkCustomer", input).await;
        assert_refused(&refused["linkCustomer"], &[("MERCHANT_NOT_FOUND", "")]);
    }
}

#[tokio::test]
async fn a_member_sees_only_itself() {
    for app in TestApp::both().await {
        let (me, other) = (app.member("من", "09120000001").await, app.member("او", "09120000002").await);
        let find = async |reference: Value| {
            app.data(Caller::Member(me), MEMBER, "Member", json!({ "ref": reference })).await["member"]
                .clone()
        };
        assert_eq!(find(json!({ "id": member_id(me) })).await["mobile"], "+989120000001");
        assert_eq!(find(json!({ "mobile": "09120000002" })).await, Value::Null);
        assert_eq!(find(json!({ "id": member_id(other) })).await, Value::Null);
        let node = app.data(Caller::Member(me), MEMBER, "Node", json!({ "id": member_id(other) })).await;
        assert_eq!(node["node"], Value::Null);
        let viewer = app.data(Caller::Member(me), MEMBER, "Viewer", json!({})).await;
        assert_eq!(viewer["viewer"]["role"], "MEMBER");
        assert_eq!(viewer["viewer"]["member"]["mobile"], "+989120000001");
    }
}

#[tokio::test]
async fn nodes_keep_their_order_and_are_null_when_unknown() {
    for app in TestApp::both().await {
        let (shop, member) = (app.merchant("Shop").await, app.member("علی", "09120000001").await);
        let ids =
            json!([member_id(member), "?", merchant_id(shop), merchant_id(nobody()), member_id(member)]);
        let read = app.data(Caller::Operator, MEMBER, "Nodes", json!({ "ids": ids })).await;
        let kinds: Vec<_> =
            read["nodes"].as_array().unwrap().iter().map(|node| node["__typename"].clone()).collect();
        assert_eq!(json!(kinds), json!(["Member", null, "Merchant", null, "Member"]));
        assert_eq!(read["nodes"][2]["id"], ids[2]);
        let many = json!({ "ids": vec!["?"; 101] });
        assert_eq!(app.code(Some(Caller::Operator), MEMBER, "Nodes", many).await, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn an_operator_blocks_and_unblocks_a_member() {
    for app in TestApp::both().await {
        let member = app.member("علی", "09120000001").await;
        for (name, field, status) in
            [("BlockMember", "blockMember", "BLOCKED"), ("UnblockMember", "unblockMember", "OPEN")]
        {
            let done = app.data(Caller::Operator, MEMBER, name, json!({ "id": member_id(member) })).await;
            assert_eq!(done[field]["member"]["status"], status);
            let refused = app.data(Caller::Operator, MEMBER, name, json!({ "id": "?" })).await;
            assert_refused(&refused[field], &[("MEMBER_NOT_FOUND", "input.memberId")]);
        }
        let filter = json!({ "first": 5, "filter": { "status": "OPEN", "search": "۰۹۱۲" } });
        let listed = app.data(Caller::Operator, MEMBER, "Members", filter).await;
        assert_eq!(listed["members"]["totalCount"], 1);
    }
}

#[tokio::test]
async fn nobody_does_what_its_role_may_not() {
    for app in TestApp::both().await {
        let shop = app.merchant("Shop").await;
        let member = app.member("علی", "09120000001").await;
        let id = json!({ "id": merchant_id(shop) });
        let merchant = json!({ "input": { "nameFa": "", "nameEn": "", "issuePrice": 1, "redeemPrice": 1 } });
        let branch = json!({ "input": { "merchantId": "?", "nameFa": "", "nameEn": "" } });
        let someone = json!({ "input": { "name": "", "mobile": "" } });
        let customer = json!({ "input": { "member": { "id": "?" }, "customerRef": "" } });
        let of_operator = [
            (MERCHANT, "RegisterMerchant", merchant),
            (MERCHANT, "BlockMerchant", id.clone()),
            (MERCHANT, "UnblockMerchant", id.clone()),
            (MERCHANT, "RegisterBranch", branch),
            (MERCHANT, "CloseBranch", id.clone()),
            (MERCHANT, "ReopenBranch", id.clone()),
            (MERCHANT, "SetEarnRule", json!({ "input": rule(&merchant_id(shop)) })),
            (MEMBER, "BlockMember", id.clone()),
            (MEMBER, "UnblockMember", id.clone()),
            (MEMBER, "Members", json!({ "first": 1 })),
        ];
        let others = [
            (MERCHANT, "Merchant", id.clone()),
            (MERCHANT, "Merchants", json!({ "first": 1 })),
            (MEMBER, "Member", json!({ "ref": { "id": "?" } })),
            (MEMBER, "Node", id),
            (MEMBER, "EnrolMember", someone.clone()),
            (MEMBER, "LinkCustomer", customer.clone()),
        ];
        for (document, name, variables) in of_operator.iter().chain(&others) {
            let code = app.code(None, document, name, variables.clone()).await;
            assert_eq!(code, "UNAUTHENTICATED", "{name}");
        }
        for (document, name, variables) in &of_operator {
            for caller in [Caller::Merchant(shop), Caller::Member(member)] {
                let code = app.code(Some(caller), document, name, variables.clone()).await;
                assert_eq!(code, "FORBIDDEN", "{name} {caller:?}");
            }
        }
        let code = app.code(Some(Caller::Member(member)), MEMBER, "EnrolMember", someone).await;
        assert_eq!(code, "FORBIDDEN");
        for caller in [Caller::Operator, Caller::Member(member)] {
            assert_eq!(app.code(Some(caller), MEMBER, "LinkCustomer", customer.clone()).await, "FORBIDDEN");
        }
    }
}

#[tokio::test]
async fn the_network_and_the_scalars_are_open_to_everybody() {
    for app in TestApp::both().await {
        let answer = app.send(None, MEMBER, "Network", json!({})).await;
        let network = &answer["data"]["network"];
        assert_eq!(network["today"], json!({ "gregorian": "2027-01-15", "jalali": "1405-10-25" }));
        assert_eq!(network["timeZone"], "Asia/Tehran");
        let answer = app.send(None, MEMBER, "Viewer", json!({})).await;
        assert_eq!(answer["data"]["viewer"], Value::Null);
        let page = app.page("/docs/scalars").await;
        for heading in
            ["## Points", "## MinorUnits", "## Version", "## DateTime", "## Date\n", "## CurrencyCode"]
        {
            assert!(page.contains(heading), "{heading}");
        }
    }
}
