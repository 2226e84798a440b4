//! Who takes part in a round: one merchant and a few members, so that operations meet on their wallets; and how all of
//! them are reached through the API.

use std::time::{Duration, Instant};

use amvaj_api::graphql::global_id::GlobalId;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::stage::Stage;
use crate::support::till::POINTS;

/// Members of a round.
const MEMBERS: usize = 5;
/// How long a client under faults waits before it tries again: shorter than some faults last, so that the same key is
/// on its way twice.
const HASTE: Duration = Duration::from_millis(800);
/// How long a client waits when all servers are there.
const PATIENCE: Duration = Duration::from_secs(30);
/// Within this time an operation is answered, also on a machine that is busy with other things.
const ANSWERED_WITHIN: Duration = Duration::from_secs(120);

/// Who takes part.
pub(super) struct Scene {
    pub(super) members: Vec<Member>,
    nodes: Vec<String>,
    hasty: Client,
    patient: Client,
    merchant: String,
    operator: String,
}

pub(super) struct Member {
    pub(super) id: String,
    pub(super) wallet: String,
}

/// What a try led to.
pub(super) enum Said {
    /// The payload of the operation: a final answer.
    Payload(Value),
    /// An error after which the same operation may be tried again, with its code.
    Later(String),
    /// The connection broke, or nothing came in time.
    Nothing,
}

impl Scene {
    /// Registers the merchant, its rule of one point for ten rials for ever, and the members.
    pub(super) async fn open(stage: &Stage) -> Self {
        let mut scene = Self {
            members: Vec::new(),
            nodes: stage.urls(),
            hasty: Client::builder().timeout(HASTE).build().unwrap(),
            patient: Client::builder().timeout(PATIENCE).build().unwrap(),
            merchant: String::new(),
            operator: stage.token(&["operator"]),
        };
        let registered = json!({ "nameFa": "کافه باغ", "nameEn": "Garden Café", "issuePrice": "100", "redeemPrice": "90" });
        let merchant = scene.arrange(SETUP, "RegisterMerchant", registered).await["merchant"].clone();
        let rule = json!({
            "merchantId": merchant["id"], "rate": { "points": "1", "per": "10" }, "expiry": { "never": true },
        });
        scene.arrange(SETUP, "SetEarnRule", rule).await;
        for number in 0..MEMBERS {
            let member = json!({ "name": "مینا کریمی", "mobile": format!("0912500{number:04}") });
            let member = scene.arrange(SETUP, "EnrolMember", member).await["member"].clone();
            scene.members.push(Member { id: text(&member["id"]), wallet: text(&member["wallet"]["id"]) });
        }
        let id = GlobalId::merchant(&text(&merchant["id"]).into()).unwrap();
        scene.merchant = stage.token(&["merchant", &id.to_string()]);
        scene
    }

    pub(super) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Tries an operation on points of the merchant at a node, while faults happen.
    pub(super) async fn try_at(&self, node: usize, name: &str, input: &Value) -> Said {
        self.send(&self.hasty, node, &self.merchant, POINTS, name, json!({ "input": input })).await
    }

    /// Asks for an operation on points of the merchant at a node, with all servers there: sooner or later it is answered.
    pub(super) async fn ask_at(&self, node: usize, name: &str, input: &Value) -> Value {
        let began = Instant::now();
        loop {
            let variables = json!({ "input": input });
            let told = match self.send(&self.patient, node, &self.merchant, POINTS, name, variables).await {
                Said::Payload(payload) => return payload,
                Said::Later(code) => code,
                Said::Nothing => "no answer".to_owned(),
            };
            assert!(began.elapsed() < ANSWERED_WITHIN, "{name} {input}: {told} with all servers there");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the operator reads at a node.
    pub(super) async fn read(&self, node: usize, document: &str, name: &str, variables: Value) -> Value {
        match self.send(&self.patient, node, &self.operator, document, name, variables).await {
            Said::Payload(read) => read,
            Said::Later(code) => panic!("{name}: {code} with all servers there"),
            Said::Nothing => panic!("{name}: no answer with all servers there"),
        }
    }

    async fn arrange(&self, document: &str, name: &str, input: Value) -> Value {
        let payload = self.read(0, document, name, json!({ "input": input })).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
        payload
    }

    /// An error that is no reason to try again is a defect: nothing here asks for what it may not.
    async fn send(
        &self,
        client: &Client,
        node: usize,
        token: &str,
        document: &str,
        name: &str,
        variables: Value,
    ) -> Said {
        let body = json!({ "query": document, "operationName": name, "variables": variables });
        let Ok(sent) = client.post(&self.nodes[node]).bearer_auth(token).json(&body).send().await else {
            return Said::Nothing;
        };
        let Ok(mut answer) = sent.json::<Value>().await else { return Said::Nothing };
        let error = &answer["errors"][0]["extensions"];
        if error.is_null() {
            let fields = answer["data"].as_object_mut().unwrap_or_else(|| panic!("no data for {body}"));
            return Said::Payload(fields.values_mut().next().unwrap().take());
        }
        assert_eq!(error["retryable"], true, "{name} at node {node}: {answer:#}");
        Said::Later(text(&error["code"]))
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

const SETUP: &str = include_str!("../queries/crash.graphql");
