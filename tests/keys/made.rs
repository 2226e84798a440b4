//! Keys that make keys: whatever a revoked one made ends with it, also what it makes at that moment.

use amvaj_domain::access::Caller;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{KEYS, ask, ask_with, key, refusal, viewer, within_a_second};
use crate::support::app::TestApp;
use crate::support::till::assert_sound;

#[tokio::test]
async fn a_key_that_is_revoked_takes_those_with_it_that_were_made_with_it() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let (maker, secret) = key(&app, merchant, &["keys:manage", "points:earn"]).await;
        let input = json!({ "name": "Child", "scopes": ["keys:manage", "points:earn"] });
        let child = ask_with(&app, &secret, "Create", input).await;
        let child_id = child["apiKey"]["id"].clone();
        let child = child["secret"].as_str().unwrap().to_owned();
        let input = json!({ "name": "Grandchild", "scopes": ["points:earn"] });
        let grandchild = ask_with(&app, &child, "Create", input).await["secret"].as_str().unwrap().to_owned();
        let rotate = async |secret: &str, input: Value| -> (String, String) {
            let made = ask_with(&app, secret, "Rotate", input).await;
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&made["apiKey"]["id"]), text(&made["secret"]))
        };
        let (next_id, next) = rotate(&child, json!({ "apiKeyId": child_id })).await;
        // At once, which revokes the one before.
        let (last_id, last) = rotate(&next, json!({ "apiKeyId": next_id, "overlapHours": 0 })).await;
        let (_, replacement) = rotate(&secret, json!({ "apiKeyId": maker })).await;
        let (_, other) = key(&app, merchant, &["points:earn"]).await;
        let revoked = ask(&app, Caller::Merchant(merchant), "Revoke", json!({ "apiKeyId": maker })).await;
        assert_eq!(revoked["userErrors"], json!([]), "{revoked:#}");
        for ended in [&secret, &child, &grandchild, &next, &last] {
            refusal(&app, ended).await;
        }
        assert_eq!(viewer(&app, &other).await.unwrap(), ["points:earn"]);
        assert!(viewer(&app, &replacement).await.is_ok(), "what replaces the key itself goes on");
        let again = ask(&app, Caller::Merchant(merchant), "Revoke", json!({ "apiKeyId": last_id })).await;
        assert_eq!(again["userErrors"], json!([]), "{again:#}");
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_rotates_another_while_it_is_revoked_leaves_none_behind() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        for _ in 0..4 {
            let (maker, secret) = key(&app, merchant, &["keys:manage", "points:earn"]).await;
            let input = json!({ "name": "Child", "scopes": ["points:earn"] });
            let child = ask_with(&app, &secret, "Create", input).await["apiKey"]["id"].clone();
            let rotate = json!({ "input": { "apiKeyId": child } });
            let rotate = app.send_with(Some(&secret), KEYS, "Rotate", rotate);
            let revoke = ask(&app, Caller::Merchant(merchant), "Revoke", json!({ "apiKeyId": maker }));
            let (rotated, revoked) = tokio::join!(rotate, revoke);
            assert_eq!(revoked["apiKey"]["status"], "REVOKED", "{revoked:#}");
            if let Some(secret) = rotated["data"]["rotateApiKey"]["secret"].as_str() {
                refusal(&app, secret).await;
            }
        }
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_while_it_makes_others_leaves_none_behind() {
    for app in TestApp::both().await {
        let node = app.second_node().await;
        let merchant = app.merchant("Garden").await;
        let (id, secret) = key(&app, merchant, &["keys:manage", "points:earn"]).await;
        assert!(viewer(&node, &secret).await.is_ok());
        let make = || {
            let input = json!({ "input": { "name": "Late", "scopes": ["points:earn"] } });
            node.send_with(Some(&secret), KEYS, "Create", input)
        };
        let revoke = ask(&app, Caller::Merchant(merchant), "Revoke", json!({ "apiKeyId": id }));
        let (revoked, made) = tokio::join!(revoke, join_all((0..4).map(|_| make())));
        assert_eq!(revoked["apiKey"]["status"], "REVOKED");
        // The other node may not have heard of it yet.
        for answer in join_all((0..4).map(|_| make())).await {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
        }
        for secret in made.iter().filter_map(|answer| answer["data"]["createApiKey"]["secret"].as_str()) {
            within_a_second(async || viewer(&node, secret).await.is_err()).await;
        }
    }
}
