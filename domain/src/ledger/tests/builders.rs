//! Small builders: one wallet, a clock that the test moves, and commands that name only what a test is about.
//!
//! Time is counted in ticks of one microsecond, so that random histories often meet the very instant at which
//! something is due.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::{
    calendar::{ExpiryPolicy, LocalDay},
    earn::{Basket, BasketLine, EarnRule, Rate},
    id::{MerchantId, WalletId},
    ledger::{
        Balances, Command, CommandEarn, CommandHold, CommandRedeem, CommandRefund, Digest, Idem, OpRecord,
        Operation, Outcome, Prices, RefundSpec, Rejection, Tenant, Wallet, WalletState, Window, apply,
        invariants, settle,
    },
    money::{Currency, Money},
    points::Points,
    text::ReceiptNumber,
    time::{Instant, Span},
};

/// Prices of every merchant in these tests: different, so that a mixed-up value shows.
pub(super) const PRICES: Prices = Prices { issue: 3, redeem: 2 };

/// The first tick. It is far from zero, so that purchases of the past have room.
const START: i64 = 1_700_000_000_000_000;

/// The instant of a tick.
pub(super) fn at(tick: i64) -> Instant {
    Instant::from_micros(START + tick)
}

/// A span of so many ticks.
pub(super) fn ticks(count: i64) -> Span {
    Span::from_micros(count)
}

/// A merchant by number.
pub(super) fn shop(number: u8) -> MerchantId {
    MerchantId::new(Uuid::from_u128(0x5400 + u128::from(number)))
}

/// A day by number.
pub(super) fn day(number: i64) -> LocalDay {
    LocalDay::from_days(20_000 + number)
}

pub(super) fn points(count: i64) -> Points {
    Points::new(count).unwrap()
}

pub(super) fn receipt(number: &str) -> ReceiptNumber {
    ReceiptNumber::parse(number).unwrap()
}

/// A rule of one point for one minor unit, without any limit.
pub(super) fn rule() -> EarnRule {
    EarnRule {
        version: 1,
        effective_from: at(0),
        rate: Rate { points: 1, per: 1 },
        minimum_basket: 0,
        cap_per_purchase: None,
        cap_per_day: None,
        excluded_categories: BTreeSet::new(),
        pending_days: 0,
        expiry: ExpiryPolicy::Never,
        spend_only_at_issuer: false,
    }
}

pub(super) fn line(line_no: i32, amount: i64, quantity: i64, category: Option<&str>) -> BasketLine {
    BasketLine { line_no, product: None, category: category.map(str::to_owned), amount, quantity }
}

/// A basket of lines, or of one line when none are given.
pub(super) fn basket(amount: i64, lines: Vec<BasketLine>) -> Basket {
    Basket::new(Money::new(amount, Currency::IRR).unwrap(), lines).unwrap()
}

/// A purchase whose points are active at once and never expire.
pub(super) fn purchase(number: &str, amount: i64) -> CommandEarn {
    CommandEarn {
        receipt: receipt(number),
        basket: basket(amount, Vec::new()),
        rule: Some(rule()),
        day: day(0),
        active_from: at(0),
        expires_at: None,
    }
}

pub(super) fn hold(amount: i64, ttl: i64, number: Option<&str>) -> Command {
    Command::Hold(CommandHold { amount: points(amount), ttl: ticks(ttl), receipt: number.map(receipt) })
}

pub(super) fn capture(hold: i64, amount: Option<i64>) -> Command {
    Command::Capture { hold, amount: amount.map(points) }
}

pub(super) fn redeem(amount: i64, number: Option<&str>) -> Command {
    Command::Redeem(CommandRedeem { amount: points(amount), receipt: number.map(receipt) })
}

pub(super) fn refund(number: &str, what: RefundSpec, grace: Option<i64>) -> Command {
    Command::Refund(CommandRefund { receipt: receipt(number), what, grace: grace.map(ticks) })
}

/// A merchant's operation that happens when it is recorded. Its key is new for each number.
pub(super) fn operation(number: u64, merchant: MerchantId, command: Command, now: Instant) -> Operation {
    let key = format!("key-{number}");
    Operation {
        wallet: wallet_id(),
        tenant: Tenant::Merchant(merchant),
        idem: Idem::internal(&key),
        body: Digest::of([key.as_bytes()]).into(),
        merchant: Some(merchant),
        branch: None,
        occurred_at: now,
        window: Window { look_back: Span::days(30), ahead: Span::minutes(5) },
        prices: PRICES,
        refusal: None,
        command,
    }
}

fn wallet_id() -> WalletId {
    WalletId::new(Uuid::from_u128(0x77a1))
}

/// A new wallet with all of its details (it has none).
pub(super) fn new_wallet() -> WalletState {
    WalletState { detail_read: true, ..WalletState::head(Wallet::new(wallet_id())) }
}

/// One wallet and a clock. Every operation is followed by a check of all invariants.
#[derive(Clone)]
pub(super) struct Till {
    pub(super) state: WalletState,
    pub(super) now: Instant,
    keys: u64,
}

impl Till {
    pub(super) fn new() -> Self {
        Self { state: new_wallet(), now: at(0), keys: 0 }
    }

    /// Moves the clock to a tick.
    pub(super) fn clock(&mut self, tick: i64) -> &mut Self {
        self.now = at(tick);
        self
    }

    /// The next operation, to be changed before it is run.
    pub(super) fn operation(&mut self, merchant: MerchantId, command: Command) -> Operation {
        self.keys += 1;
        operation(self.keys, merchant, command, self.now)
    }

    pub(super) fn run(&mut self, operation: &Operation) -> Outcome {
        let outcome = apply(&mut self.state, operation, self.now).unwrap();
        invariants::check(&self.state, PRICES);
        outcome
    }

    /// Runs a command that must be applied; answers its sequence number.
    pub(super) fn does(&mut self, merchant: MerchantId, command: Command) -> i64 {
        let operation = self.operation(merchant, command);
        match self.run(&operation) {
            Outcome::Applied(seq) => seq,
            outcome @ (Outcome::Rejected(_) | Outcome::Dismissed(_) | Outcome::Settled) => {
                panic!("{operation:?} should be applied: {outcome:?}, {:?}", self.last())
            }
        }
    }

    /// Runs a command that must be refused; answers why, and with which limit.
    pub(super) fn refuses(&mut self, merchant: MerchantId, command: Command) -> (Rejection, Option<i64>) {
        let operation = self.operation(merchant, command);
        self.refuses_operation(&operation)
    }

    pub(super) fn refuses_operation(&mut self, operation: &Operation) -> (Rejection, Option<i64>) {
        settle(&mut self.state, self.now).unwrap();
        let before = self.state.clone();
        let outcome = self.run(operation);
        let seq = before.wallet.version + 1;
        assert_eq!(outcome, Outcome::Rejected(seq));
        assert_eq!(self.state.wallet.balances, before.wallet.balances);
        assert_eq!((&self.state.lots, &self.state.holds), (&before.lots, &before.holds));
        assert_eq!((&self.state.receipts, &self.state.caps), (&before.receipts, &before.caps));
        assert_eq!(self.state.journal.entries, before.journal.entries);
        assert_eq!(self.state.journal.lot_uses, before.journal.lot_uses);
        (self.last().rejection.unwrap(), self.last().limit)
    }

    /// Points of a purchase that are active at once and expire after a tick, if any. Answers the lot's number.
    pub(super) fn earns(&mut self, merchant: MerchantId, amount: i64, last_tick: Option<i64>) -> i64 {
        let number = format!("receipt-{}", self.keys);
        let lot_no = self.state.wallet.next_lot;
        let command = CommandEarn { expires_at: last_tick.map(at), ..purchase(&number, amount) };
        self.does(merchant, Command::Earn(command));
        lot_no
    }

    /// Settles what is due at a tick; answers how many operations that took.
    pub(super) fn settles(&mut self, tick: i64) -> usize {
        self.clock(tick);
        let before = self.state.journal.ops.len();
        settle(&mut self.state, self.now).unwrap();
        invariants::check(&self.state, PRICES);
        self.state.journal.ops.len() - before
    }

    /// Posted, held, pending and debt.
    pub(super) fn balances(&self) -> [i64; 4] {
        numbers(self.state.wallet.balances)
    }

    pub(super) fn last(&self) -> &OpRecord {
        self.state.journal.ops.last().unwrap()
    }

    /// What remains of a lot.
    pub(super) fn remaining(&self, lot_no: i64) -> i64 {
        self.state.lots[&lot_no].remaining.get()
    }
}

/// Posted, held, pending and debt.
pub(super) fn numbers(balances: Balances) -> [i64; 4] {
    [balances.posted.get(), balances.held.get(), balances.pending.get(), balances.debt.get()]
}
