//! One request of the load and the check of its answer.

use serde_json::{Value, json};

/// A request that is ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Question<'a> {
    /// What is asked.
    pub(super) asks: Asks,
    /// The access token.
    pub(super) token: &'a str,
    /// The JSON body.
    pub(super) body: Vec<u8>,
    /// What has to come back.
    expected: Expected,
}

/// The operations of the API that are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Earn,
    Hold,
    Capture,
    Redeem,
    Refund,
    Balance,
    TopTen,
    TopHundred,
    Neighbours,
    Entities,
}

/// What has to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// What was asked for.
    Done,
    /// A refusal with this code.
    Refused(&'static str),
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What had to come.
    Right,
    /// The server has more to do than it can queue; nothing was done.
    Overloaded,
    /// Something else.
    Wrong,
}

impl Asks {
    const fn document(self) -> &'static str {
        match self {
            Self::Earn => {
                "mutation($i: EarnPointsInput!) { earnPoints(input: $i) { operation { id } userErrors { code } } }"
            }
            Self::Hold => {
                "mutation($i: HoldPointsInput!) { holdPoints(input: $i) { hold { id } userErrors { code } } }"
            }
            Self::Capture => {
                "mutation($i: CaptureHoldInput!) { captureHold(input: $i) { operation { id } userErrors { code } } }"
            }
            Self::Redeem => {
                "mutation($i: RedeemPointsInput!) { redeemPoints(input: $i) { operation { id } userErrors { code } } }"
            }
            Self::Refund => {
                "mutation($i: RefundPurchaseInput!) \
                 { refundPurchase(input: $i) { operation { id } userErrors { code } } }"
            }
            Self::Balance => "{ wallet { available posted held version } }",
            Self::TopTen => {
                "query($id: ID!) { leaderboard(id: $id) { entries(first: 10) { nodes { rank score name isMine } } } }"
            }
            Self::TopHundred => {
                "query($id: ID!) { leaderboard(id: $id) { entries(first: 100) { nodes { rank score name isMine } } } }"
            }
            Self::Neighbours => "query($id: ID!) { leaderboardAround(id: $id) { rank score name isMine } }",
            Self::Entities => {
                "query($r: [_Any!]!) \
                 { _entities(representations: $r) { __typename ... on Merchant { nameFa nameEn status } } }"
            }
        }
    }

    /// The root field, and in it what must be there and not be null, as a JSON pointer.
    const fn fields(self) -> (&'static str, &'static str) {
        match self {
            Self::Earn => ("earnPoints", "/operation"),
            Self::Hold => ("holdPoints", "/hold"),
            Self::Capture => ("captureHold", "/operation"),
            Self::Redeem => ("redeemPoints", "/operation"),
            Self::Refund => ("refundPurchase", "/operation"),
            Self::Balance => ("wallet", "/available"),
            Self::TopTen | Self::TopHundred => ("leaderboard", "/entries/nodes/0/score"),
            Self::Neighbours => ("leaderboardAround", "/0/score"),
            Self::Entities => ("_entities", "/0/nameEn"),
        }
    }
}

impl<'a> Question<'a> {
    /// A mutation with its input.
    pub(super) fn mutation(asks: Asks, token: &'a str, input: &Value) -> Self {
        let body = json!({ "query": asks.document(), "variables": { "i": input } }).to_string().into_bytes();
        Self { asks, token, body, expected: Expected::Done }
    }

    /// A query about the thing with a global id.
    pub(super) fn query_of(asks: Asks, token: &'a str, id: &str) -> Self {
        let body = json!({ "query": asks.document(), "variables": { "id": id } }).to_string().into_bytes();
        Self { asks, token, body, expected: Expected::Done }
    }

    /// A gateway's query for the merchants with these global ids.
    pub(super) fn entities(token: &'a str, merchants: &[&str]) -> Self {
        let representation = |id: &&str| json!({ "__typename": "Merchant", "id": id });
        let representations: Vec<Value> = merchants.iter().map(representation).collect();
        let asks = Asks::Entities;
        let body = json!({ "query": asks.document(), "variables": { "r": representations } });
        Self { asks, token, body: body.to_string().into_bytes(), expected: Expected::Done }
    }

    /// A query without variables.
    pub(super) fn query(asks: Asks, token: &'a str) -> Self {
        let body = json!({ "query": asks.document() }).to_string().into_bytes();
        Self { asks, token, body, expected: Expected::Done }
    }

    /// The same, to be refused with a code.
    pub(super) fn refused_with(self, code: &'static str) -> Self {
        Self { expected: Expected::Refused(code), ..self }
    }

    /// Judges an answer.
    pub(super) fn judge(&self, status: u16, answer: &Value) -> Verdict {
        if answer.pointer("/errors/0/extensions/code").and_then(Value::as_str) == Some("OVERLOADED") {
            return Verdict::Overloaded;
        }
        let (root, field) = self.asks.fields();
        let Some(payload) = answer.pointer("/data").and_then(|data| data.get(root)) else {
            return Verdict::Wrong;
        };
        let code = payload.pointer("/userErrors/0/code").and_then(Value::as_str);
        let there = payload.pointer(field).is_some_and(|value| !value.is_null());
        let right = match self.expected {
            Expected::Done => there && code.is_none(),
            Expected::Refused(expected) => code == Some(expected),
        };
        if right && status == 200 && answer.get("errors").is_none() { Verdict::Right } else { Verdict::Wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(question: &Question<'_>, answer: &Value) -> Verdict {
        question.judge(200, answer)
    }

    #[test]
    fn an_answer_is_judged_by_what_had_to_come() {
        let earn = Question::mutation(Asks::Earn, "", &json!({}));
        let payload = |operation: Value, errors: Value| json!({ "data": { "earnPoints": { "operation": operation, "userErrors": errors } } });
        let (done, refused) =
            (payload(json!({}), json!([])), payload(json!({}), json!([{ "code": "TOO_OLD" }])));
        assert_eq!(verdict(&earn, &done), Verdict::Right);
        assert_eq!(earn.judge(500, &done), Verdict::Wrong);
        assert_eq!(verdict(&earn, &payload(Value::Null, json!([]))), Verdict::Wrong);
        assert_eq!(verdict(&earn, &refused), Verdict::Wrong);
        assert_eq!(verdict(&earn, &json!({ "data": null })), Verdict::Wrong);
        let overloaded = json!({ "data": null, "errors": [{ "extensions": { "code": "OVERLOADED" } }] });
        assert_eq!(verdict(&earn, &overloaded), Verdict::Overloaded);
        let earn = earn.refused_with("TOO_OLD");
        assert_eq!(verdict(&earn, &refused), Verdict::Right);
        assert_eq!(verdict(&earn, &done), Verdict::Wrong);
        let balance = Question::query(Asks::Balance, "");
        assert_eq!(verdict(&balance, &json!({ "data": { "wallet": { "available": "0" } } })), Verdict::Right);
        assert_eq!(verdict(&balance, &json!({ "data": { "wallet": null } })), Verdict::Wrong);
    }
}
