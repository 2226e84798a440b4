//! Operations of the clients, what became of them, and what they do to a wallet by the clients' own arithmetic.

use serde_json::{Value, json};

use super::scene::{Member, text};
use crate::support::till::codes;

/// An operation with its idempotency key.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) key: String,
    /// The number of the member whose wallet it is about.
    pub(super) member: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// A purchase, at one point for ten rials.
    Earn {
        receipt: String,
        points: i64,
    },
    Redeem {
        points: i64,
    },
    Hold {
        points: i64,
    },
    /// Takes some of what is held and gives the rest back.
    Capture {
        hold: Held,
        points: i64,
    },
    Release {
        hold: Held,
    },
    /// Takes back what the whole purchase earned.
    Refund {
        receipt: String,
        points: i64,
    },
}

/// A hold of a client.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) id: String,
    pub(super) points: i64,
}

/// What was answered, as far as it has to be the same whenever the key is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The id of the operation in the journal; none when it was refused.
    pub(super) operation: Option<String>,
    pub(super) points: Option<i64>,
    /// The hold that was made or ended.
    pub(super) hold: Option<String>,
    pub(super) refused: Vec<String>,
    /// Whether it is a refund whose purchase has not come yet.
    pub(super) waits: bool,
}

impl Operation {
    /// The operation's name in `tests/queries/points.graphql`.
    pub(super) fn name(&self) -> &'static str {
        match self.what {
            What::Earn { .. } => "Earn",
            What::Redeem { .. } => "Redeem",
            What::Hold { .. } => "Hold",
            What::Capture { .. } => "Capture",
            What::Release { .. } => "Release",
            What::Refund { .. } => "Refund",
        }
    }

    pub(super) fn input(&self, members: &[Member]) -> Value {
        let member = json!({ "id": members[self.member].id });
        let mut input = match &self.what {
            What::Earn { receipt, points } => {
                let amount = json!({ "amount": points * 10, "currency": "IRR" });
                json!({ "member": member, "receiptNumber": receipt, "amount": amount })
            }
            What::Redeem { points } => json!({ "member": member, "points": points }),
            What::Hold { points } => json!({ "member": member, "points": points, "seconds": 86_400 }),
            What::Capture { hold, points } => json!({ "holdId": hold.id, "points": points }),
            What::Release { hold } => json!({ "holdId": hold.id }),
            What::Refund { receipt, .. } => json!({ "receiptNumber": receipt, "what": { "whole": true } }),
        };
        input["idempotencyKey"] = json!(self.key);
        input
    }

    /// How many points more, in all and held, the wallet has when this was done.
    pub(super) fn effect(&self) -> (i64, i64) {
        match &self.what {
            What::Earn { points, .. } => (*points, 0),
            What::Redeem { points } | What::Refund { points, .. } => (-points, 0),
            What::Hold { points } => (0, *points),
            What::Capture { hold, points } => (-points, -hold.points),
            What::Release { hold } => (0, -hold.points),
        }
    }

    /// The points that the operation is about, as its answer has to say.
    pub(super) fn points(&self) -> i64 {
        match &self.what {
            What::Earn { points, .. }
            | What::Redeem { points }
            | What::Hold { points }
            | What::Capture { points, .. }
            | What::Refund { points, .. } => *points,
            What::Release { hold } => hold.points,
        }
    }

    /// Whether the wallet may have too little for it.
    pub(super) const fn can_be_refused(&self) -> bool {
        matches!(self.what, What::Redeem { .. } | What::Hold { .. })
    }
}

impl Answer {
    pub(super) fn of(payload: &Value) -> Self {
        let operation = &payload["operation"];
        Self {
            operation: operation["id"].as_str().map(str::to_owned),
            points: operation["points"].as_str().map(|points| points.parse().unwrap()),
            hold: payload["hold"].is_object().then(|| text(&payload["hold"]["id"])),
            refused: codes(payload).into_iter().map(str::to_owned).collect(),
            waits: payload["status"] == "WAITING_FOR_PURCHASE",
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.operation.is_some() && self.refused.is_empty()
    }
}
