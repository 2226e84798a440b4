//! What merchants are sent: the bodies of events, and their signatures.
//!
//! ```text
//! { "type": "points.earned", "version": 1, "timestamp": "2027-01-15T08:00:00Z", "cursor": "…", "data": { … } }
//! ```
//!
//! A body has only what its merchant may see of an operation of its own: ids, points, its receipt, branch and reference of
//! the member, and neither a name nor a balance. Fields may be added to a version; none is taken away or changes its meaning.

use amvaj_domain::id::WebhookEndpointId;
use amvaj_domain::webhook::EventType;
use amvaj_infra::webhook::{Event, Letter, Scribe, SealedSecret, Told};
use async_graphql::{ID, ScalarType as _};
use serde_json::{Map, Value, json};

use crate::auth::secret::ServerSecret;
use crate::auth::webhook_secret::WebhookSecret;
use crate::graphql::connection::cursor;
use crate::graphql::global_id::GlobalId;
use crate::graphql::scalar::DateTime;

/// The version of the bodies.
const VERSION: i32 = 1;

/// Writes bodies, and signs them with secrets that it opens by the server's.
#[derive(Debug)]
pub struct WebhookScribe {
    server: ServerSecret,
}

impl WebhookScribe {
    /// A scribe that opens secrets by this one.
    pub const fn new(server: ServerSecret) -> Self {
        Self { server }
    }
}

impl Scribe for WebhookScribe {
    fn body(&self, event: &Event) -> String {
        let mut body = Map::from_iter([
            ("type".to_owned(), json!(event.event.name())),
            ("version".to_owned(), json!(VERSION)),
            ("timestamp".to_owned(), moment(DateTime(event.recorded_at))),
            ("data".to_owned(), data(event)),
        ]);
        if let Some(told) = &event.told {
            let place = (event.recorded_at.micros(), told.wallet.uuid(), told.seq);
            body.insert("cursor".to_owned(), json!(cursor(&place)));
        }
        Value::Object(body).to_string()
    }

    fn signatures(
        &self,
        endpoint: WebhookEndpointId,
        secrets: &[SealedSecret],
        letter: &Letter<'_>,
    ) -> Option<String> {
        let signature = |sealed: &SealedSecret| {
            let secret = WebhookSecret::open(&self.server, endpoint, sealed.number, &sealed.sealed)?;
            Some(secret.sign(letter.id, letter.timestamp, letter.body))
        };
        let signatures: Vec<String> = secrets.iter().map(signature).collect::<Option<_>>()?;
        (!signatures.is_empty()).then(|| signatures.join(" "))
    }
}

fn data(event: &Event) -> Value {
    let merchant = id(GlobalId::Merchant(event.merchant));
    let Some(told) = &event.told else { return json!({ "merchantId": merchant }) };
    let money =
        told.money.map(|money| json!({ "amount": money.to_string(), "currency": told.currency.code() }));
    let mut data = json!({
        "merchantId": merchant,
        "operationId": id(GlobalId::Operation(told.wallet, told.seq)),
        "sequence": told.seq.to_string(),
        "memberId": told.member.map(|member| id(GlobalId::Member(member))),
        "customerRef": told.customer_ref,
        "branchId": told.branch.map(|branch| id(GlobalId::Branch(branch))),
        "receiptNumber": told.receipt,
        "points": told.points.to_string(),
        "amount": money,
        "occurredAt": moment(DateTime(told.occurred_at)),
    });
    if let (Some(fields), Some((name, of))) = (data.as_object_mut(), subject(event.event, told)) {
        fields.insert(name.to_owned(), json!(id(of)));
    }
    data
}

/// What the operation is about: the hold that it made or ended, the purchase that earned or came back.
fn subject(event: EventType, told: &Told) -> Option<(&'static str, GlobalId)> {
    let (wallet, own, before) = (told.wallet, Some(told.seq), told.ref_seq);
    let hold = |seq: Option<i64>| seq.map(|seq| ("holdId", GlobalId::Hold(wallet, seq)));
    let purchase = |seq: Option<i64>| seq.map(|seq| ("purchaseId", GlobalId::Purchase(wallet, seq)));
    match event {
        EventType::PointsHeld => hold(own),
        EventType::HoldCaptured | EventType::HoldReleased | EventType::HoldExpired => hold(before),
        EventType::PointsEarned => purchase(own),
        EventType::PurchaseRefunded => purchase(before),
        EventType::PointsRedeemed | EventType::Ping => None,
    }
}

fn id(id: GlobalId) -> String {
    let ID(text) = id.write();
    text
}

fn moment(moment: DateTime) -> Value {
    moment.to_value().into_json().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use amvaj_domain::id::{MemberId, MerchantId, WalletId};
    use amvaj_domain::money::Currency;
    use amvaj_domain::time::Instant;
    use uuid::Uuid;

    use super::*;

    fn fields(value: &Value) -> Vec<&str> {
        let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_integrators_page_shows_a_body_as_it_is() {
        let (_, shown) = include_str!("../../docs/integrate.md").split_once("```json\n").unwrap();
        let shown: Value = serde_json::from_str(shown.split("\n```").next().unwrap()).unwrap();
        let told = Told {
            wallet: WalletId::new(Uuid::from_u128(1)),
            seq: 12,
            points: 120,
            money: Some(1_200_000),
            currency: Currency::parse("IRR").unwrap(),
            member: Some(MemberId::new(Uuid::from_u128(2))),
            customer_ref: None,
            branch: None,
            receipt: Some("R-1001".to_owned()),
            ref_seq: None,
            occurred_at: Instant::from_micros(0),
        };
        let event = Event {
            id: "evt_1".to_owned(),
            event: EventType::PointsEarned,
            merchant: MerchantId::new(Uuid::from_u128(3)),
            recorded_at: Instant::from_micros(0),
            told: Some(told),
        };
        let body = WebhookScribe::new(ServerSecret::generate().unwrap()).body(&event);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(fields(&shown), fields(&body));
        assert_eq!(fields(&shown["data"]), fields(&body["data"]));
        assert_eq!(shown["version"], body["version"]);
    }
}
