//! Endpoints of the story: one that waits with what happened at its merchant, and one that was removed.

use std::time::Duration;

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MerchantId, WebhookEndpointId};
use amvaj_domain::text::Name;
use amvaj_domain::time::{Instant, Span};
use amvaj_domain::webhook::{Endpoint, EventTypes, Health};
use amvaj_infra::db::Database;
use amvaj_infra::outbox::Buckets;
use amvaj_infra::webhook::{Reach, WebhookSettings, Webhooks};
use uuid::Uuid;

use super::scene::new_id;

fn endpoint(number: u128, merchant: MerchantId, now: Instant) -> Endpoint {
    Endpoint {
        id: WebhookEndpointId::new(Uuid::from_u128(0xf000 + number)),
        merchant,
        url: "https://shop.example/".to_owned(),
        name: Name::parse("shop").unwrap(),
        types: EventTypes::all(),
        disabled: None,
        health: Health::GOOD,
        replaying: false,
        created_at: now,
    }
}

/// Registers the endpoints, and queues whatever is numbered.
pub(super) async fn play(database: &Database, merchants: [MerchantId; 2], held: &Buckets, now: Instant) {
    let settings =
        WebhookSettings { reach: Reach::Public, timeout: Duration::from_secs(1), retention: Span::days(30) };
    let webhooks = Webhooks::new(database.clone(), settings, new_id);
    let act = |kind, of: &Endpoint| {
        Act::new(&Author::console(), kind, Target::Webhook(of.id), now).detail("name", "shop")
    };
    for (number, merchant) in (1..).zip(merchants) {
        let endpoint = endpoint(number, merchant, now);
        let seal = |number: i32| Some(number.to_be_bytes().to_vec());
        webhooks.create(&endpoint, &seal, &act(ActKind::WebhookMade, &endpoint)).await.unwrap().unwrap();
        let of = (merchant, endpoint.id);
        let rotated = act(ActKind::WebhookSecretRotated, &endpoint);
        webhooks.rotate(of, Span::days(1), &seal, now, &rotated).await.unwrap().unwrap();
        webhooks.ping(of, now).await.unwrap().unwrap();
    }
    let keeper = webhooks.keeper();
    keeper.register().await.unwrap();
    while keeper.keep(held, now, 100).await.unwrap() > 0 {}
    let second = endpoint(2, merchants[1], now);
    assert!(
        webhooks.remove((second.merchant, second.id), &act(ActKind::WebhookRemoved, &second)).await.unwrap()
    );
}
