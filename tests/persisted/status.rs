//! With which status a name that nobody knows is answered, and whether sending it again helps.

use amvaj_domain::access::Caller;
use reqwest::Client;
use serde_json::{Value, json};

use super::{apq, document, id, token};
use crate::support::app::TestApp;

/// Status, code and whether it is worth another try.
async fn answered(app: &TestApp, is_get: bool, accept: &str, parameters: &Value) -> (u16, String, bool) {
    let url = format!("{}graphql", app.home());
    let client = Client::new();
    let request = if is_get {
        let pairs = parameters.as_object().unwrap().iter().map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        let mut url = reqwest::Url::parse(&url).unwrap();
        url.query_pairs_mut().extend_pairs(pairs);
        client.get(url).header("apollo-require-preflight", "true")
    } else {
        client.post(url).json(parameters)
    };
    let request = request.header("accept", accept).bearer_auth(token(app, Caller::Operator));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    assert!(headers["content-type"].to_str().unwrap().starts_with(accept), "{headers:?}");
    // A miss is over as soon as the text is sent, so nobody between may keep it.
    assert_eq!(headers["cache-control"], "no-store");
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer.get("data"), None, "{answer:#}");
    let extensions = &answer["errors"][0]["extensions"];
    (status, extensions["code"].as_str().unwrap().to_owned(), extensions["retryable"].as_bool().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_hash_is_answered_so_that_links_send_the_text_and_an_unknown_id_is_the_clients_fault() {
    let unknown = "PERSISTED_QUERY_NOT_FOUND".to_owned();
    for app in TestApp::both().await {
        let text = document("that nobody has sent");
        for is_get in [false, true] {
            for (accept, of_id) in [("application/json", 200), ("application/graphql-response+json", 400)] {
                let by_hash = answered(&app, is_get, accept, &apq(&text)).await;
                assert_eq!(by_hash, (200, unknown.clone(), true), "{accept}");
                let by_id = answered(&app, is_get, accept, &id(&text)).await;
                assert_eq!(by_id, (of_id, unknown.clone(), false), "{accept}");
                // Every other request that is not executed stays as it was.
                let none = json!({ "query": "query Q { nothing }" });
                let (status, code, retryable) = answered(&app, is_get, accept, &none).await;
                assert_eq!((status, code.as_str(), retryable), (of_id, "GRAPHQL_VALIDATION_FAILED", false));
            }
        }
    }
}
