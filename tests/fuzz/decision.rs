//! The ledger's decision on any operation in any state that operations lead to, at the ends of all ranges: it is
//! answered and never a fault, all rules hold after it, and what is due can always be settled.

use std::collections::BTreeSet;

use amvaj_domain::{
    calendar::{ExpiryPolicy, LocalDay},
    earn::{Basket, BasketLine, EarnRule, Rate},
    id::{MerchantId, WalletId},
    ledger::{
        Command, CommandEarn, CommandHold, CommandRedeem, CommandRefund, Digest, Idem, Operation, Outcome,
        Prices, ReceiptKey, RefundSpec, Tenant, Wallet, WalletState, WalletStatus, Window, apply, settle,
    },
    merchant::MOST_EXPENSIVE_POINT,
    money::{Currency, Money},
    points::Points,
    text::ReceiptNumber,
    time::{Instant, Span},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use uuid::Uuid;

use super::{fuzz, rules};

/// A number between two ends, often one of them or near it.
fn between(least: i64, most: i64) -> impl Strategy<Value = i64> + Clone {
    let near =
        move |from: i64| (0..3_i64).prop_map(move |by| if from == least { from + by } else { from - by });
    prop_oneof![
        2 => near(least),
        1 => near(most),
        2 => (0..63_u32).prop_map(move |shift| (1_i64 << shift).clamp(least, most)),
        2 => least..=most,
    ]
    .prop_map(move |number| number.clamp(least, most))
}

/// Moments and spans of any size, and small ones.
fn any_span() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![4 => -30..30_i64, 1 => select(vec![i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX]), 1 => any::<i64>()]
}

fn points(least: i64) -> impl Strategy<Value = Points> + Clone {
    let amount = prop_oneof![3 => least..100_i64, 2 => between(least, Points::MAX)];
    amount.prop_map(|amount| Points::new(amount).unwrap())
}

fn receipt() -> impl Strategy<Value = ReceiptNumber> + Clone {
    (0..6_u8).prop_map(|number| ReceiptNumber::parse(&format!("R{number}")).unwrap())
}

fn basket() -> impl Strategy<Value = Basket> {
    let amount = || prop_oneof![2 => 0..500_i64, 2 => between(0, Money::MAX)];
    let line = (amount(), between(1, 1_000_000_000), option::of(Just("gift".to_owned())));
    vec(line, 0..5).prop_map(|lines| {
        let mut left = Money::MAX;
        let lines: Vec<BasketLine> = (1..)
            .zip(lines)
            .map(|(line_no, (amount, quantity, category))| {
                let amount = amount.min(left);
                left -= amount;
                BasketLine { line_no, product: None, category, amount, quantity }
            })
            .collect();
        let total = lines.iter().map(|line| line.amount).sum::<i64>();
        let (total, lines) = if total == 0 { (Money::MAX, Vec::new()) } else { (total, lines) };
        Basket::new(Money::new(total, Currency::IRR).unwrap(), lines).unwrap()
    })
}

fn rule() -> impl Strategy<Value = EarnRule> {
    let rate = (between(1, 1_000_000), between(1, 1_000_000_000_000));
    let rate = prop_oneof![Just((1, 1)), rate];
    let minimum = prop_oneof![2 => Just(0), 1 => between(0, i64::MAX)];
    (rate, minimum, option::of(points(0)), option::of(points(0)), any::<bool>(), 1..3_i32).prop_map(
        |((points, per), minimum_basket, cap_per_purchase, cap_per_day, spend_only_at_issuer, version)| {
            EarnRule {
                version,
                effective_from: Instant::from_micros(0),
                rate: Rate { points, per },
                minimum_basket,
                cap_per_purchase,
                cap_per_day,
                excluded_categories: ["gift".to_owned()].into(),
                pending_days: 0,
                expiry: ExpiryPolicy::Never,
                spend_only_at_issuer,
            }
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let earn = (receipt(), basket(), rule(), 0..2_i64, any_span(), option::of(any_span())).prop_map(
        |(receipt, basket, rule, day, active_from, expires_at)| {
            let day = LocalDay::from_days(day);
            let active_from = Instant::from_micros(active_from);
            let expires_at = expires_at.map(Instant::from_micros);
            Command::Earn(CommandEarn { receipt, basket, rule: Some(rule), day, active_from, expires_at })
        },
    );
    let hold = (points(0), any_span(), option::of(receipt())).prop_map(|(amount, ttl, receipt)| {
        Command::Hold(CommandHold { amount, ttl: Span::from_micros(ttl.max(1)), receipt })
    });
    let part = prop_oneof![
        3 => Just(RefundSpec::Whole),
        2 => between(i64::MIN, i64::MAX).prop_map(RefundSpec::Amount),
        2 => vec((0..6_i32, prop_oneof![between(1, 1_000_000_000), any::<i64>()]), 0..3).prop_map(RefundSpec::Lines),
    ];
    let refund = (receipt(), part, option::of(any_span())).prop_map(|(receipt, what, grace)| {
        Command::Refund(CommandRefund {
            receipt,
            what,
            grace: grace.map(|grace| Span::from_micros(grace.max(0))),
        })
    });
    let status = any::<bool>().prop_map(|blocked| {
        Command::SetStatus(if blocked { WalletStatus::Blocked } else { WalletStatus::Open })
    });
    prop_oneof![
        6 => earn,
        3 => hold,
        2 => (0..40_i64, option::of(points(0))).prop_map(|(hold, amount)| Command::Capture { hold, amount }),
        1 => (0..40_i64).prop_map(|hold| Command::Release { hold }),
        4 => (points(0), option::of(receipt()))
            .prop_map(|(amount, receipt)| Command::Redeem(CommandRedeem { amount, receipt })),
        5 => refund,
        1 => status,
        1 => Just(Command::Settle),
    ]
}

/// Commands of somebody who fills a wallet to its brim, empties it at once, and brings everything back.
fn great_command(price: i64) -> impl Strategy<Value = Command> {
    // The most that is worth 64 bits, and the most that is worth what money can be.
    let [bits, money] = [i64::MAX, Money::MAX].map(|most| (most / price.max(1)).min(Money::MAX));
    let amounts = vec![bits, bits, money, 1];
    let earn = (receipt(), select(amounts), option::of(0..120_i64)).prop_map(|(receipt, amount, last)| {
        let basket = Basket::new(Money::new(amount, Currency::IRR).unwrap(), Vec::new()).unwrap();
        let plain = EarnRule {
            version: 1,
            effective_from: Instant::from_micros(0),
            rate: Rate { points: 1, per: 1 },
            minimum_basket: 0,
            cap_per_purchase: None,
            cap_per_day: None,
            excluded_categories: BTreeSet::new(),
            pending_days: 0,
            expiry: ExpiryPolicy::Never,
            spend_only_at_issuer: false,
        };
        Command::Earn(CommandEarn {
            receipt,
            basket,
            rule: Some(plain),
            day: LocalDay::from_days(0),
            active_from: Instant::from_micros(0),
            expires_at: last.map(Instant::from_micros),
        })
    });
    let amount = || Just(Points::ZERO);
    prop_oneof![
        4 => earn,
        2 => (amount(), 1..40_i64, option::of(receipt())).prop_map(|(amount, ttl, receipt)| {
            Command::Hold(CommandHold { amount, ttl: Span::from_micros(ttl), receipt })
        }),
        2 => (0..20_i64).prop_map(|hold| Command::Capture { hold, amount: None }),
        4 => (amount(), option::of(receipt()))
            .prop_map(|(amount, receipt)| Command::Redeem(CommandRedeem { amount, receipt })),
        3 => receipt().prop_map(|receipt| {
            Command::Refund(CommandRefund { receipt, what: RefundSpec::Whole, grace: None })
        }),
    ]
}

/// Points cost nothing, or as much as they can.
fn great_requests() -> impl Strategy<Value = Vec<Request>> {
    prop_oneof![Just(0), Just(MOST_EXPENSIVE_POINT)].prop_flat_map(|price| {
        let asked = (0..5_i64, 0..2_u128, great_command(price));
        let request = asked.prop_map(move |(wait, merchant, command)| {
            let prices = Prices { issue: price, redeem: price };
            Request { wait, merchant, command, prices, all: true, elsewhere: (false, false), internal: false }
        });
        vec(request, 1..60)
    })
}

#[derive(Debug, Clone)]
struct Request {
    /// How far the clock moves before it, or back.
    wait: i64,
    merchant: u128,
    command: Command,
    prices: Prices,
    /// Redeem and hold ask for all there is.
    all: bool,
    elsewhere: (bool, bool),
    internal: bool,
}

fn request() -> impl Strategy<Value = Request> {
    let price = || prop_oneof![2 => 0..4_i64, 1 => between(0, MOST_EXPENSIVE_POINT)];
    let wait = prop_oneof![6 => 0..12_i64, 1 => -9..0_i64, 1 => any_span()];
    let rarely = || prop::bool::weighted(0.03);
    (
        wait,
        0..3_u128,
        command(),
        price(),
        price(),
        any::<bool>(),
        (rarely(), rarely()),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(wait, merchant, command, issue, redeem, all, elsewhere, internal)| Request {
            wait,
            merchant,
            command,
            prices: Prices { issue, redeem },
            all,
            elsewhere,
            internal,
        })
}

impl Request {
    fn operation(&self, number: usize, state: &WalletState, now: Instant) -> Operation {
        let merchant = MerchantId::new(Uuid::from_u128(self.merchant));
        let key = format!("key-{number}");
        let mut command = self.command.clone();
        let available = state.wallet.balances.available();
        match &mut command {
            Command::Hold(CommandHold { amount, .. }) | Command::Redeem(CommandRedeem { amount, .. })
                if self.all =>
            {
                *amount = available;
            }
            _ => {}
        }
        Operation {
            wallet: state.wallet.id,
            tenant: if self.internal { Tenant::Internal } else { Tenant::Merchant(merchant) },
            idem: Idem::internal(&key),
            body: Digest::of([key.as_bytes()]).into(),
            merchant: Some(merchant),
            branch: None,
            occurred_at: now,
            window: Window { look_back: Span::days(30), ahead: Span::minutes(5) },
            prices: self.prices,
            refusal: None,
            command,
        }
    }

    /// Notes that another wallet has the receipt of the command, as a writer would before its purchase is here.
    fn note_elsewhere(&self, operation: &Operation, state: &mut WalletState) {
        let (Some(number), Some(merchant)) = (operation.command.receipt(), operation.merchant) else {
            return;
        };
        let file = state.receipts.entry(ReceiptKey { merchant, number: number.clone() }).or_default();
        if file.purchase.is_none() && file.redemptions.is_empty() {
            (file.earned_elsewhere, file.redeemed_elsewhere) = self.elsewhere;
        }
    }
}

#[test]
fn every_decision_is_an_answer_and_every_rule_holds_after_it() {
    let requests = prop_oneof![vec(request(), 1..60), great_requests()];
    fuzz(800, requests, |requests| {
        let wallet = Wallet::new(WalletId::new(Uuid::from_u128(0x77a1)));
        let mut state = WalletState { detail_read: true, ..WalletState::head(wallet) };
        let mut now = Instant::from_micros(0);
        for (number, request) in requests.iter().enumerate() {
            // A hold lasts for an instant at least, so there must be one more.
            now = now.plus(Span::from_micros(request.wait)).min(Instant::from_micros(i64::MAX - 1));
            let operation = request.operation(number, &state, now);
            request.note_elsewhere(&operation, &mut state);
            let outcome = apply(&mut state, &operation, now)
                .map_err(|fault| TestCaseError::fail(format!("{fault}: {operation:?}")))?;
            let recorded = match outcome {
                Outcome::Applied(seq) => {
                    state.journal.ops.last().is_some_and(|op| op.seq == seq && op.rejection.is_none())
                }
                Outcome::Rejected(seq) => {
                    state.journal.ops.last().is_some_and(|op| op.seq == seq && op.rejection.is_some())
                }
                Outcome::Dismissed(_) => operation.tenant == Tenant::Internal,
                Outcome::Settled => operation.command == Command::Settle,
            };
            prop_assert!(recorded, "{:?} of {:?}", outcome, operation);
            rules::hold(&state)?;
            let mut once = state.clone();
            settle(&mut once, now).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
            prop_assert_eq!(&once, &state, "what is due was settled before the answer");
        }
        for end in [Instant::from_micros(i64::MAX - 1), Instant::from_micros(i64::MAX)] {
            settle(&mut state, end).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
            rules::hold(&state)?;
        }
        Ok(())
    });
}
