//! Who may do what, what is refused, and that no secret is told a second time.

use amvaj_domain::access::{Caller, Identity, Post, Scope, Scopes, StaffRole};
use amvaj_domain::id::StaffId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{Hook, WEBHOOK, ask, both, merchant_id, taking};
use crate::support::till::{Till, codes};

const AUDIT: &str = "query Log { auditLog(last: 20) { nodes { act targetId details { name value } } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_managers_of_all_branches_and_keys_with_the_scope_manage_and_operators_look() {
    for app in both().await {
        let till = Till::open(&app, "09121110001").await;
        let (stranger, branch) = (app.merchant("Stranger").await, app.branch(till.merchant, "Vanak").await);
        let web = taking().await;
        let hook = Hook::at(&app, till.merchant, &web.url("/"), Value::Null).await;
        let staff = |branch, role| {
            let posts = vec![Post { branch, role }];
            Identity::staff(till.merchant, StaffId::new(Uuid::from_u128(9)), posts)
        };
        let key = |scopes: &[Scope]| Identity::console(till.caller()).limited_to(Scopes::of(scopes));
        let rename = json!({ "input": { "webhookEndpointId": hook.id, "name": "New" } });
        for (who, may) in [
            (staff(None, StaffRole::Owner), true),
            (staff(None, StaffRole::Manager), true),
            (staff(Some(branch), StaffRole::Manager), false),
            (staff(None, StaffRole::Cashier), false),
            (key(&[Scope::WebhooksManage]), true),
            (key(&[Scope::PointsEarn, Scope::KeysManage]), false),
            (Identity::console(Caller::Operator), false),
            (Identity::console(Caller::Agent), false),
            (Identity::console(Caller::Member(till.member)), false),
            (Identity::console(Caller::Merchant(stranger)), false),
        ] {
            let token = app.token(&who);
            let create = json!({ "input": { "url": web.url("/x"), "name": "X" } });
            let changed = app.send_with(Some(&token), WEBHOOK, "Update", rename.clone()).await;
            let name = &changed["data"]["updateWebhookEndpoint"]["webhookEndpoint"]["name"];
            assert_eq!(name == "New", may, "{who:?}: {changed}");
            if who.caller == till.caller() {
                let made = app.send_with(Some(&token), WEBHOOK, "Create", create).await;
                let code = &made["errors"][0]["extensions"]["code"];
                assert_eq!(code == "FORBIDDEN", !may, "{who:?}: {made}");
            }
            let looked = app.send_with(Some(&token), WEBHOOK, "Log", json!({ "id": hook.id })).await;
            let sees = looked["data"]["node"]["id"] == json!(hook.id);
            assert_eq!(sees, may || who.caller == Caller::Operator, "{who:?}: {looked}");
            let variables = json!({ "id": merchant_id(till.merchant) });
            let listed = app.send_with(Some(&token), WEBHOOK, "OfMerchant", variables).await;
            assert_eq!(listed["data"]["merchant"]["webhookEndpoints"].is_object(), sees, "{who:?}: {listed}");
        }
        // Of somebody else's there is nothing, whatever is asked.
        for (name, input) in [
            ("Update", json!({ "webhookEndpointId": hook.id, "enabled": false })),
            ("Remove", json!({ "webhookEndpointId": hook.id })),
            ("Rotate", json!({ "webhookEndpointId": hook.id })),
            ("Ping", json!({ "webhookEndpointId": hook.id })),
            ("Replay", json!({ "webhookEndpointId": hook.id, "since": "2027-01-15T08:00:00Z" })),
            ("Ping", json!({ "webhookEndpointId": merchant_id(stranger) })),
        ] {
            assert_eq!(codes(&ask(&app, stranger, name, input).await), ["ENDPOINT_NOT_FOUND"], "{name}");
        }
        let ping = hook.ask("Ping", json!({})).await["webhookDelivery"]["id"].clone();
        for id in [ping, json!(hook.id), json!("nonsense")] {
            let input = json!({ "webhookDeliveryId": id });
            assert_eq!(codes(&ask(&app, stranger, "Redeliver", input).await), ["DELIVERY_NOT_FOUND"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_endpoint_is_said_and_their_number_is_limited() {
    for app in both().await {
        let merchant = app.merchant("Shop").await;
        let create = async |input: Value| ask(&app, merchant, "Create", input).await;
        let good = json!({ "url": "https://shop.example/hook", "name": "Shop" });
        let with = |name: &str, value: Value| {
            let mut input = good.clone();
            input[name] = value;
            input
        };
        assert_eq!(codes(&create(with("name", json!(" "))).await), ["INVALID_NAME"]);
        for url in ["nonsense", "ftp://shop.example/", "https://a:b@shop.example/", "https://shop.example/#x"]
        {
            assert_eq!(codes(&create(with("url", json!(url))).await), ["INVALID_URL"], "{url}");
        }
        for types in [json!([]), json!(["PING"])] {
            assert_eq!(codes(&create(with("eventTypes", types)).await), ["NO_EVENT_TYPES"]);
        }
        let first = create(good.clone()).await;
        let all = first["webhookEndpoint"]["eventTypes"].as_array().unwrap();
        assert_eq!(all.len(), 7, "all that operations are told as");
        let update = async |mut input: Value| {
            input["webhookEndpointId"] = first["webhookEndpoint"]["id"].clone();
            ask(&app, merchant, "Update", input).await
        };
        assert_eq!(codes(&update(json!({ "url": "nonsense" })).await), ["INVALID_URL"]);
        assert_eq!(codes(&update(json!({ "name": "\n" })).await), ["INVALID_NAME"]);
        assert_eq!(codes(&update(json!({ "eventTypes": [] })).await), ["NO_EVENT_TYPES"]);
        let disabled = update(json!({ "enabled": false, "eventTypes": ["HOLD_EXPIRED"] })).await;
        let endpoint = &disabled["webhookEndpoint"];
        assert_eq!(
            (&endpoint["status"], &endpoint["disabledReason"]),
            (&json!("DISABLED"), &json!("BY_MERCHANT"))
        );
        assert_eq!(endpoint["eventTypes"], json!(["HOLD_EXPIRED"]));
        for _ in 0..9 {
            assert_eq!(codes(&create(good.clone()).await), Vec::<&str>::new());
        }
        assert_eq!(codes(&create(good.clone()).await), ["TOO_MANY_ENDPOINTS"]);
        let id = merchant_id(merchant);
        let block =
            "mutation Block($id: ID!) { blockMerchant(input: { merchantId: $id }) { userErrors { code } } }";
        app.data(Caller::Operator, block, "Block", json!({ "id": id })).await;
        assert_eq!(codes(&create(good.clone()).await), ["MERCHANT_BLOCKED"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_tells_who_did_it_and_no_secret() {
    for app in both().await {
        let merchant = app.merchant("Shop").await;
        let web = taking().await;
        let hook = Hook::at(&app, merchant, &web.url("/path?token=hunter2"), Value::Null).await;
        hook.ask("Update", json!({ "enabled": false })).await;
        hook.ask("Update", json!({ "enabled": false })).await;
        let second = hook.ask("Rotate", json!({})).await["secret"].as_str().unwrap().to_owned();
        hook.ask("Remove", json!({})).await;
        let log = app.data(Caller::Operator, AUDIT, "Log", json!({})).await;
        let acts: Vec<_> = log["auditLog"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["targetId"] == json!(hook.id))
            .map(|entry| entry["act"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            acts,
            [
                "WEBHOOK_ENDPOINT_CREATED",
                "WEBHOOK_ENDPOINT_UPDATED",
                "WEBHOOK_SECRET_ROTATED",
                "WEBHOOK_ENDPOINT_REMOVED"
            ],
            "what changed nothing is not told of"
        );
        let text = log.to_string();
        for secret in [hook.secret.as_str(), second.as_str(), "whsec_", "hunter2"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        let shown = format!("{:?}", app.app.webhooks);
        assert!(!shown.contains("whsec_"));
    }
}
