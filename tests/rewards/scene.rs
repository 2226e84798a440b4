//! A shop with rewards, and short calls on them.

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::time::Span;
use amvaj_infra::worker::{Sweep, SweepSettings};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::till::{Till, codes};

/// The operations on rewards.
pub(super) const REWARD: &str = include_str!("../queries/reward.graphql");

/// The only field of an answer.
fn payload(data: &Value) -> Value {
    data.as_object().unwrap().values().next().unwrap().clone()
}

/// Sends one mutation and answers its payload.
pub(super) async fn ask(app: &TestApp, caller: Caller, name: &str, input: Value) -> Value {
    payload(&app.data(caller, REWARD, name, json!({ "input": input })).await)
}

/// `base` with the fields of `changes`; null takes one away.
fn with(mut base: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// A coffee for fifty points, with what is different about it.
pub(super) fn coffee(key: &str, changes: &Value) -> Value {
    let coffee = json!({ "idempotencyKey": key, "kind": "ITEM", "title": "یک فنجان قهوه", "points": "50" });
    with(coffee, changes)
}

/// Offers a coffee and answers its id.
pub(super) async fn offer(till: &Till<'_>, key: &str, changes: Value) -> String {
    let made = ask(till.app, till.caller(), "Create", coffee(key, &changes)).await;
    assert_eq!(codes(&made), Vec::<&str>::new(), "{made:#}");
    made["reward"]["id"].as_str().unwrap().to_owned()
}

/// The member before the till redeems by itself.
pub(super) async fn redeem(till: &Till<'_>, key: &str, reward: &str) -> Value {
    let input = json!({ "idempotencyKey": key, "rewardId": reward });
    ask(till.app, Caller::Member(till.member), "Redeem", input).await
}

/// The till redeems for the member before it.
pub(super) async fn redeem_at_till(till: &Till<'_>, key: &str, reward: &str) -> Value {
    let input = json!({ "idempotencyKey": key, "rewardId": reward, "member": till.member_ref() });
    ask(till.app, till.caller(), "Redeem", input).await
}

pub(super) async fn capture(till: &Till<'_>, key: &str, code: &Value) -> Value {
    let input = json!({ "idempotencyKey": key, "voucherCode": code });
    ask(till.app, till.caller(), "Capture", input).await
}

pub(super) async fn release(app: &TestApp, caller: Caller, key: &str, redemption: &Value) -> Value {
    let input = json!({ "idempotencyKey": key, "redemptionId": redemption });
    ask(app, caller, "Release", input).await
}

/// How many pieces are left.
pub(super) async fn stock(app: &TestApp, reward: &str) -> Value {
    let shown = app.data(Caller::Operator, REWARD, "Reward", json!({ "id": reward })).await;
    shown["reward"]["stock"].clone()
}

/// A redemption as the operator sees it.
pub(super) async fn shown(app: &TestApp, redemption: &Value) -> Value {
    app.data(Caller::Operator, REWARD, "Redemption", json!({ "id": redemption })).await["node"].clone()
}

/// Lets time pass, and what follows from it be done as a worker does it.
pub(super) async fn later(app: &TestApp, span: Span) {
    app.clock.advance_to(app.clock.now().plus(span));
    let mut sweep = Sweep::new(app.app.db.clone(), app.app.ledger.clone(), SweepSettings::default());
    sweep.sweep_once(app.clock.now()).await.unwrap();
    relay_outbox(&app.app, app.clock.now()).await.unwrap();
}

/// The id of a merchant.
pub(super) fn merchant_id(till: &Till<'_>) -> Value {
    json!(GlobalId::Merchant(till.merchant).write().as_str())
}
