//! Random histories of one wallet: steps that a test turns into commands as it goes, so that captures name holds
//! and refunds name purchases that exist.

use proptest::{collection::vec, option, prelude::*};

use super::builders::{at, basket, capture, day, hold, line, points, receipt, redeem, refund, rule, shop};
use crate::{
    earn::{EarnRule, Rate},
    id::MerchantId,
    ledger::{Command, CommandEarn, HoldState, RefundSpec, WalletState, WalletStatus},
};

/// One step of a history.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Wait(i64),
    Earn { shop: u8, number: u8, amounts: (i64, i64), terms: Terms },
    Hold { shop: u8, amount: i64, ttl: i64, number: Option<u8> },
    Capture { nth: usize, amount: Option<i64> },
    Release { nth: usize },
    Redeem { shop: u8, amount: i64, number: Option<u8> },
    Refund { nth: usize, what: What, grace: Option<i64> },
    Status(WalletStatus),
}

/// The terms of an earn, in ticks from its now; both may lie in the past.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    active_in: i64,
    last_valid_in: Option<i64>,
    rate: (i64, i64),
    minimum: i64,
    cap: Option<i64>,
    day_cap: Option<i64>,
    day: i64,
    restricted: bool,
}

/// What comes back, as far as it can be said before the purchase is known.
#[derive(Debug, Clone)]
pub(super) enum What {
    Whole,
    Amount(i64),
    Lines(Vec<(i32, i64)>),
}

/// Histories of up to `most` steps.
pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(5), 1..most)
}

/// A step with receipts of so many numbers.
pub(super) fn step(numbers: u8) -> impl Strategy<Value = Step> {
    // Mostly little time passes, so that holds and lots live through several commands.
    let wait = prop_oneof![2 => 0..3_i64, 1 => 3..12_i64];
    let ttl = prop_oneof![2 => 1..15_i64, 1 => 15..60_i64];
    let status = prop_oneof![1 => Just(WalletStatus::Blocked), 6 => Just(WalletStatus::Open)];
    prop_oneof![
        5 => wait.prop_map(Step::Wait),
        6 => (0..3_u8, 0..numbers, (1..60_i64, 0..30_i64), terms())
            .prop_map(|(shop, number, amounts, terms)| Step::Earn { shop, number, amounts, terms }),
        3 => (0..3_u8, 1..50_i64, ttl, option::of(0..numbers))
            .prop_map(|(shop, amount, ttl, number)| Step::Hold { shop, amount, ttl, number }),
        4 => (any::<usize>(), option::of(1..50_i64)).prop_map(|(nth, amount)| Step::Capture { nth, amount }),
        2 => any::<usize>().prop_map(|nth| Step::Release { nth }),
        3 => (0..3_u8, 1..50_i64, option::of(0..numbers))
            .prop_map(|(shop, amount, number)| Step::Redeem { shop, amount, number }),
        5 => (any::<usize>(), what(), option::of(0..10_i64))
            .prop_map(|(nth, what, grace)| Step::Refund { nth, what, grace }),
        1 => status.prop_map(Step::Status),
    ]
}

fn terms() -> impl Strategy<Value = Terms> {
    (
        prop_oneof![2 => Just(0), 1 => -3..60_i64],
        option::of(prop_oneof![2 => -3..25_i64, 1 => 25..150_i64]),
        (1..3_i64, 1..3_i64),
        prop_oneof![3 => Just(0), 1 => 0..60_i64],
        option::weighted(0.2, 1..60_i64),
        option::weighted(0.3, 1..90_i64),
        0..2_i64,
        prop::bool::weighted(0.3),
    )
        .prop_map(|(active_in, last_valid_in, rate, minimum, cap, day_cap, day, restricted)| Terms {
            active_in,
            last_valid_in,
            rate,
            minimum,
            cap,
            day_cap,
            day,
            restricted,
        })
}

pub(super) fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        2 => Just(What::Whole),
        2 => (1..60_i64).prop_map(What::Amount),
        1 => vec((1..4_i32, 1..3_i64), 1..3).prop_map(What::Lines),
    ]
}

impl Step {
    /// The command of the step on a wallet as it stands, and who asks; nothing for a step that only waits.
    pub(super) fn command(&self, state: &WalletState, tick: i64) -> Option<(MerchantId, Command)> {
        let numbered = |number: &u8| format!("receipt-{number}");
        match self {
            Self::Wait(_) => None,
            Self::Earn { shop: at_shop, number, amounts, terms } => {
                Some((shop(*at_shop), Command::Earn(terms.earn(&numbered(number), *amounts, tick))))
            }
            Self::Hold { shop: at_shop, amount, ttl, number } => {
                Some((shop(*at_shop), hold(*amount, *ttl, number.as_ref().map(numbered).as_deref())))
            }
            Self::Capture { nth, amount } => {
                let (merchant, seq) = nth_hold(state, *nth);
                Some((merchant, capture(seq, *amount)))
            }
            Self::Release { nth } => {
                let (merchant, hold) = nth_hold(state, *nth);
                Some((merchant, Command::Release { hold }))
            }
            Self::Redeem { shop: at_shop, amount, number } => {
                Some((shop(*at_shop), redeem(*amount, number.as_ref().map(numbered).as_deref())))
            }
            Self::Refund { nth, what, grace } => {
                let (merchant, number) = nth_receipt(state, *nth);
                Some((merchant, refund(&number, what.spec(), *grace)))
            }
            Self::Status(status) => Some((shop(0), Command::SetStatus(*status))),
        }
    }
}

impl What {
    pub(super) fn spec(&self) -> RefundSpec {
        match self {
            Self::Whole => RefundSpec::Whole,
            Self::Amount(amount) => RefundSpec::Amount(*amount),
            Self::Lines(lines) => RefundSpec::Lines(lines.clone()),
        }
    }
}

impl Terms {
    /// An earn of two lines, one of them a gift card without points, or of one line when the other has no price.
    fn earn(&self, number: &str, amounts: (i64, i64), tick: i64) -> CommandEarn {
        let mut lines = vec![line(1, amounts.0, 2, None)];
        if amounts.1 > 0 {
            lines.push(line(2, amounts.1, 1, Some("gift card")));
        }
        let rule = EarnRule {
            rate: Rate { points: self.rate.0, per: self.rate.1 },
            minimum_basket: self.minimum,
            cap_per_purchase: self.cap.map(points),
            cap_per_day: self.day_cap.map(points),
            excluded_categories: ["gift card".to_owned()].into(),
            spend_only_at_issuer: self.restricted,
            ..rule()
        };
        CommandEarn {
            receipt: receipt(number),
            basket: basket(amounts.0 + amounts.1, lines),
            rule: Some(rule),
            day: day(self.day),
            active_from: at(tick + self.active_in),
            expires_at: self.last_valid_in.map(|last| at(tick + last)),
        }
    }
}

/// One of the wallet's holds, mostly an open one, or a number that no hold has.
fn nth_hold(state: &WalletState, nth: usize) -> (MerchantId, i64) {
    let ended_too = nth.is_multiple_of(4);
    let holds = state.holds.values().filter(|hold| ended_too || hold.state == HoldState::Open);
    let holds: Vec<_> = holds.map(|hold| (hold.merchant, hold.seq)).collect();
    holds.get(nth / 4 % (holds.len() + 1)).copied().unwrap_or((shop(0), 999_999))
}

/// One of the wallet's receipts, or a number that no receipt has.
fn nth_receipt(state: &WalletState, nth: usize) -> (MerchantId, String) {
    let keys: Vec<_> = state.receipts.keys().collect();
    let key = keys.get(nth % (keys.len() + 1));
    key.map_or((shop(0), "unknown".to_owned()), |key| (key.merchant, key.number.to_string()))
}
