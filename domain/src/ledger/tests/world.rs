//! Random histories of a small network: three wallets that buy at three merchants and give the same receipts, played
//! by the ledger and by the naive model side by side.
//!
//! The world does here what a writer does with its tables: it knows which wallet has a receipt, and lets a refund
//! wait until its purchase comes.

use proptest::{collection::vec, option, prelude::*};

use super::{
    builders::{at, new_wallet, operation, points, refund, shop, ticks},
    compare::agree,
    histories::{Step, What, step},
    naive::{Elsewhere, Naive},
};
use crate::{
    id::MerchantId,
    ledger::{
        Command, CommandHold, CommandRedeem, CommandRefund, Operation, Outcome, Prices, ReceiptKey,
        Rejection, Tenant, WalletState, Window, apply, settle,
    },
    text::ReceiptNumber,
};

/// How far a purchase may lie back and ahead here, in ticks.
const WINDOW: (i64, i64) = (20, 3);

/// One move of a history.
#[derive(Debug, Clone)]
pub(super) enum Move {
    /// Somebody asks something of a wallet.
    Ask(Asked),
    /// A receipt is refunded without knowing whose it is, or whether its purchase has come.
    RefundOf { shop: u8, number: u8, what: What, grace: Option<i64> },
}

#[derive(Debug, Clone)]
pub(super) struct Asked {
    wallet: usize,
    step: Step,
    /// When it happened, in ticks after it is asked.
    occurred_in: i64,
    prices: Prices,
    refusal: Option<Rejection>,
    /// Whether another merchant asks than the one whose hold it is.
    by_stranger: bool,
    /// Whether points pay for one of the wallet's own purchases, instead of any receipt.
    for_own: Option<usize>,
    /// Whether all points are spent or reserved that can be.
    all: bool,
}

/// Histories of so many moves.
pub(super) fn moves(many: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Move>> {
    // In a short list of receipts they clash, in a long one purchases go on.
    prop_oneof![Just(4_u8), Just(30), Just(120)]
        .prop_flat_map(move |numbers| vec(one_move(numbers), many.clone()))
}

fn one_move(numbers: u8) -> impl Strategy<Value = Move> {
    let refusal = prop_oneof![
        Just(Rejection::MerchantBlocked),
        Just(Rejection::BranchClosed),
        Just(Rejection::CurrencyMismatch),
        Just(Rejection::NoEarnRule),
    ];
    let prices = (0..4_i64, 0..4_i64).prop_map(|(issue, redeem)| Prices { issue, redeem });
    let asked = (
        0..3_usize,
        step(numbers),
        prop_oneof![4 => Just(0), 1 => -23..6_i64],
        prices,
        option::weighted(0.02, refusal),
        prop::bool::weighted(0.05),
        option::of(any::<usize>()),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(wallet, step, occurred_in, prices, refusal, by_stranger, for_own, all)| {
            Move::Ask(Asked { wallet, step, occurred_in, prices, refusal, by_stranger, for_own, all })
        });
    let refund_of = (0..3_u8, 0..numbers, super::histories::what(), option::of(0..10_i64))
        .prop_map(|(shop, number, what, grace)| Move::RefundOf { shop, number, what, grace });
    prop_oneof![9 => asked, 1 => refund_of]
}

/// The network as the ledger and as the model have it.
pub(super) struct World {
    ledger: [WalletState; 3],
    naive: [Naive; 3],
    waiting: Vec<(MerchantId, CommandRefund)>,
    tick: i64,
    keys: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let ledger = [new_wallet(), new_wallet(), new_wallet()];
        Self { ledger, naive: Default::default(), waiting: Vec::new(), tick: 0, keys: 0 }
    }

    pub(super) fn play(&mut self, next: &Move) -> Result<(), TestCaseError> {
        match next {
            Move::Ask(Asked { step: Step::Wait(wait), .. }) => {
                self.wait(*wait);
                Ok(())
            }
            Move::Ask(asked) => self.asked(asked),
            Move::RefundOf { shop: of, number, what, grace } => {
                let command = refund(&format!("receipt-{number}"), what.spec(), *grace);
                let Command::Refund(back) = &command else { return Ok(()) };
                let holder = (0..3).find(|wallet| self.has_earned(*wallet, shop(*of), &back.receipt));
                if let Some(wallet) = holder {
                    let operation = self.operation(shop(*of), command);
                    self.does(wallet, &operation)?;
                } else {
                    self.waiting.push((shop(*of), back.clone()));
                }
                Ok(())
            }
        }
    }

    /// Settles what is due on every wallet and compares all of it.
    pub(super) fn end(&mut self) -> Result<(), TestCaseError> {
        for (state, naive) in self.ledger.iter_mut().zip(&self.naive) {
            settle(state, at(self.tick)).unwrap();
            agree(state, naive)?;
        }
        Ok(())
    }

    /// The wallets as the ledger has them.
    pub(super) const fn ledger(&self) -> &[WalletState; 3] {
        &self.ledger
    }

    fn wait(&mut self, wait: i64) {
        for passing in self.tick + 1..=self.tick + wait {
            self.naive.iter_mut().for_each(|naive| naive.tick(at(passing)));
        }
        self.tick += wait;
    }

    fn operation(&mut self, merchant: MerchantId, command: Command) -> Operation {
        self.keys += 1;
        let window = Window { look_back: ticks(WINDOW.0), ahead: ticks(WINDOW.1) };
        Operation { window, ..operation(self.keys, merchant, command, at(self.tick)) }
    }

    fn asked(&mut self, asked: &Asked) -> Result<(), TestCaseError> {
        let Asked { wallet, occurred_in, prices, refusal, .. } = asked;
        let Some((merchant, command)) = self.command(asked) else { return Ok(()) };
        let occurred_at = at(self.tick + occurred_in);
        let operation = Operation {
            occurred_at,
            prices: *prices,
            refusal: *refusal,
            ..self.operation(merchant, command)
        };
        let applied = self.does(*wallet, &operation)?;
        if let (true, Command::Earn(earn)) = (applied, &operation.command) {
            self.post_waiting(*wallet, merchant, &earn.receipt)?;
        }
        Ok(())
    }

    /// What is asked of the wallet as it stands, and who asks.
    fn command(&self, asked: &Asked) -> Option<(MerchantId, Command)> {
        let state = &self.ledger[asked.wallet];
        let (mut merchant, mut command) = asked.step.command(state, self.tick)?;
        match &mut command {
            Command::Capture { .. } | Command::Release { .. } if asked.by_stranger => merchant = shop(7),
            Command::Hold(CommandHold { amount, receipt, .. })
            | Command::Redeem(CommandRedeem { amount, receipt }) => {
                let purchases =
                    state.receipts.iter().filter_map(|(key, file)| Some((file.purchase.as_ref()?.seq, key)));
                // One of the last three, whose points may still be pending.
                let mut own: Vec<_> = purchases.collect();
                own.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
                own.truncate(3);
                if let (Some(nth), false) = (asked.for_own, own.is_empty()) {
                    let (_, key) = own[nth % own.len()];
                    (merchant, *receipt) = (key.merchant, Some(key.number.clone()));
                }
                let spendable = state.spendable_at(Some(merchant), at(self.tick));
                if asked.all && spendable > 0 {
                    *amount = points(spendable);
                }
            }
            Command::Capture { .. }
            | Command::Release { .. }
            | Command::Earn(_)
            | Command::Refund(_)
            | Command::SetStatus(_)
            | Command::Reopen { .. }
            | Command::Settle => {}
        }
        Some((merchant, command))
    }

    /// The refunds that waited for a purchase follow it, in the order in which they came.
    fn post_waiting(
        &mut self,
        wallet: usize,
        merchant: MerchantId,
        receipt: &ReceiptNumber,
    ) -> Result<(), TestCaseError> {
        let waiting = std::mem::take(&mut self.waiting);
        let (now_due, rest) =
            waiting.into_iter().partition(|(of, back)| *of == merchant && back.receipt == *receipt);
        self.waiting = rest;
        let now_due: Vec<(MerchantId, CommandRefund)> = now_due;
        for (_, back) in now_due {
            let operation = self.operation(merchant, Command::Refund(back));
            // However long it waited, it is not too late.
            let occurred_at = at(self.tick - 1_000);
            self.does(wallet, &Operation { tenant: Tenant::Internal, occurred_at, ..operation })?;
        }
        Ok(())
    }

    /// Has both sides do one operation, and compares all that can be seen; whether it was applied.
    fn does(&mut self, wallet: usize, operation: &Operation) -> Result<bool, TestCaseError> {
        let now = at(self.tick);
        let own = operation.tenant == Tenant::Internal;
        let key = self.receipt_of(wallet, operation);
        let elsewhere = key.as_ref().map_or_else(Elsewhere::default, |key| self.elsewhere(wallet, key));
        let state = &mut self.ledger[wallet];
        if let Some(key) = key.filter(|_| elsewhere.earned || elsewhere.paid) {
            let file = state.receipts.entry(key).or_default();
            file.earned_elsewhere = elsewhere.earned;
            file.redeemed_elsewhere = elsewhere.paid;
        }
        let outcome = apply(state, operation, now).unwrap();
        let answer = self.naive[wallet].ask(operation, elsewhere, now, own);
        let said = match outcome {
            Outcome::Applied(seq) | Outcome::Rejected(seq) => {
                let record = state.journal.ops.last().unwrap();
                prop_assert_eq!(record.seq, seq);
                prop_assert_eq!(record.recorded_at, now);
                let refused = record.rejection.map(|rejection| (rejection, record.limit));
                prop_assert_eq!(matches!(outcome, Outcome::Applied(_)), refused.is_none());
                refused.map_or_else(|| Ok(record.amount.get()), Err)
            }
            Outcome::Dismissed(rejection) => Err((rejection, answer.err().and_then(|(_, limit)| limit))),
            Outcome::Settled => Ok(0),
        };
        prop_assert_eq!(said, answer, "{:?}", operation);
        prop_assert_eq!(own && answer.is_err(), matches!(outcome, Outcome::Dismissed(_)));
        agree(state, &self.naive[wallet])?;
        Ok(answer.is_ok())
    }

    fn has_earned(&self, wallet: usize, merchant: MerchantId, receipt: &ReceiptNumber) -> bool {
        let bill = self.naive[wallet].bills.get(&(merchant, receipt.to_string()));
        bill.is_some_and(|bill| bill.sale.is_some())
    }

    /// The receipt that an operation names, through its hold if need be.
    fn receipt_of(&self, wallet: usize, operation: &Operation) -> Option<ReceiptKey> {
        let merchant = operation.merchant?;
        let number = if let Command::Capture { hold, .. } = &operation.command {
            self.ledger[wallet].holds.get(hold)?.receipt.as_ref()
        } else {
            operation.command.receipt()
        };
        Some(ReceiptKey { merchant, number: number?.clone() })
    }

    fn elsewhere(&self, wallet: usize, key: &ReceiptKey) -> Elsewhere {
        let name = (key.merchant, key.number.to_string());
        let others = self.naive.iter().enumerate().filter(|(other, _)| *other != wallet);
        let bills: Vec<_> = others.filter_map(|(_, naive)| naive.bills.get(&name)).collect();
        Elsewhere {
            earned: bills.iter().any(|bill| bill.sale.is_some()),
            paid: bills.iter().any(|bill| !bill.payments.is_empty()),
        }
    }
}
