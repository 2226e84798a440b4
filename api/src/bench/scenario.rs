//! What is asked: one operation of the API each, with the check of its answer.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::world::World;
use crate::demo::random::Random;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// A merchant issues points for a purchase.
    Earn,
    /// A merchant reserves a point, then takes it: two requests.
    Hold,
    /// A member spends a point.
    Redeem,
    /// A member looks at its balance.
    Balance,
}

/// A request that is ready to be sent.
pub(super) struct Question<'a> {
    /// The access token.
    pub(super) token: &'a str,
    /// The JSON body.
    pub(super) body: Vec<u8>,
    /// Where in the answer the expected thing is; it must not be null.
    expected: &'static str,
    /// Where in the answer the refusals are, for a mutation.
    refusals: Option<&'static str>,
}

const EARN: &str = "mutation($i: EarnPointsInput!) \
    { earnPoints(input: $i) { operation { id } userErrors { code message } } }";
const HOLD: &str = "mutation($i: HoldPointsInput!) \
    { holdPoints(input: $i) { hold { id } userErrors { code message } } }";
const CAPTURE: &str = "mutation($i: CaptureHoldInput!) \
    { captureHold(input: $i) { operation { id } userErrors { code message } } }";
const REDEEM: &str = "mutation($i: RedeemPointsInput!) \
    { redeemPoints(input: $i) { operation { id } userErrors { code message } } }";
const BALANCE: &str = "{ wallet { available posted held version } }";

impl Scenario {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Hold => "hold",
            Self::Redeem => "redeem",
            Self::Balance => "balance",
        }
    }

    /// The first request of a turn, for merchants and members drawn by chance.
    pub(super) fn question<'a>(self, world: &'a World, random: &mut Random, key: &str) -> Question<'a> {
        let (merchant, member) = (world.merchant(random), world.member(random));
        match self {
            Self::Earn => {
                let amount = json!({ "amount": random.between(1, 5_000).to_string() + "000", "currency": world.currency() });
                let input = json!({
                    "idempotencyKey": key, "receiptNumber": key, "amount": amount, "member": { "id": member.id },
                });
                mutation(
                    &merchant.token,
                    EARN,
                    &input,
                    "/data/earnPoints/operation",
                    "/data/earnPoints/userErrors",
                )
            }
            Self::Hold => {
                let input = json!({ "idempotencyKey": key, "points": "1", "member": { "id": member.id } });
                mutation(
                    &merchant.token,
                    HOLD,
                    &input,
                    "/data/holdPoints/hold/id",
                    "/data/holdPoints/userErrors",
                )
            }
            Self::Redeem => {
                let input = json!({ "idempotencyKey": key, "points": "1", "member": { "id": member.id } });
                let (expected, refusals) = ("/data/redeemPoints/operation", "/data/redeemPoints/userErrors");
                mutation(&merchant.token, REDEEM, &input, expected, refusals)
            }
            Self::Balance => Question {
                token: &member.token,
                body: json!({ "query": BALANCE }).to_string().into_bytes(),
                expected: "/data/wallet/available",
                refusals: None,
            },
        }
    }

    /// What is asked next in the same turn: the hold that was made is captured.
    pub(super) fn follow_up<'a>(
        self,
        asked: &Question<'a>,
        answer: &Value,
        key: &str,
    ) -> Option<Question<'a>> {
        match self {
            Self::Hold => {
                let hold = answer.pointer("/data/holdPoints/hold/id")?;
                let input = json!({ "idempotencyKey": key, "holdId": hold });
                let (expected, refusals) = ("/data/captureHold/operation", "/data/captureHold/userErrors");
                Some(mutation(asked.token, CAPTURE, &input, expected, refusals))
            }
            Self::Earn | Self::Redeem | Self::Balance => None,
        }
    }
}

impl Question<'_> {
    /// Whether this is the answer that was hoped for.
    pub(super) fn is_answered(&self, answer: &Value) -> bool {
        let there = answer.pointer(self.expected).is_some_and(|expected| !expected.is_null());
        let refused = self.refusals.is_some_and(|place| {
            answer.pointer(place).and_then(Value::as_array).is_none_or(|refusals| !refusals.is_empty())
        });
        there && !refused && answer.get("errors").is_none()
    }
}

fn mutation<'a>(
    token: &'a str,
    query: &str,
    input: &Value,
    expected: &'static str,
    refusals: &'static str,
) -> Question<'a> {
    let body = json!({ "query": query, "variables": { "i": input } }).to_string().into_bytes();
    Question { token, body, expected, refusals: Some(refusals) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_that_was_hoped_for_counts() {
        let question = mutation("", "", &json!({}), "/data/a/operation", "/data/a/userErrors");
        let answered = |answer: Value| question.is_answered(&answer);
        assert!(answered(json!({ "data": { "a": { "operation": { "id": "1" }, "userErrors": [] } } })));
        assert!(!answered(json!({ "data": { "a": { "operation": null, "userErrors": [] } } })));
        assert!(!answered(json!({ "data": { "a": { "operation": 1, "userErrors": [{ "code": "X" }] } } })));
        assert!(!answered(json!({ "data": { "a": { "operation": 1 } } })));
        assert!(!answered(json!({ "data": { "a": { "operation": 1, "userErrors": [] } }, "errors": [] })));
    }
}
