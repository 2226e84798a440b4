//! Idempotency keys at the writer, against a naive book of them: whoever comes first with a key decides what it stands
//! for, everybody after it gets the same answer or is told that the input differs, and nothing runs twice. Requests
//! come side by side, so that twins meet in one batch.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use amvaj_domain::{
    calendar::{ExpiryPolicy, LocalDay},
    earn::{Basket, EarnRule, Rate},
    id::{MerchantId, WalletId},
    ledger::{
        Command, CommandEarn, CommandHold, CommandRedeem, CommandRefund, Digest, Idem, Operation, Prices,
        RefundSpec, Tenant, Window,
    },
    money::{Currency, Money},
    points::Points,
    text::{IdempotencyKey, ReceiptNumber},
    time::{Instant, Span},
};
use amvaj_infra::{
    cache::{BalanceCache, MemorySettings},
    clock::Clock,
    ledger::{Answer, LedgerWriter, Request, WriterSettings},
};
use futures_util::future::join_all;
use proptest::{collection::vec, prelude::*};
use sea_orm::{ConnectionTrait as _, Statement};
use uuid::Uuid;

use super::fuzz;
use crate::support::database::TestDb;

const NOW: Instant = Instant::from_micros(1_700_000_000_000_000);

/// Numbers of batches: the clock stands still, and ids must differ.
static BATCHES: AtomicU64 = AtomicU64::new(1);

/// What is asked under a key. Everything in it belongs to the fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    key: u8,
    wallet: u8,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Earn(u8, i64),
    Redeem(u8, i64),
    Hold(i64),
    Capture(i64),
    Refund(u8),
    /// A refund that does not know whose the receipt is.
    RefundOfUnknown(u8),
}

fn asked() -> impl Strategy<Value = Asked> {
    let what = prop_oneof![
        4 => (0..4_u8, 1..3_i64).prop_map(|(receipt, amount)| What::Earn(receipt, amount * 50)),
        2 => (0..4_u8, 1..3_i64).prop_map(|(receipt, amount)| What::Redeem(receipt, amount * 20)),
        1 => (1..40_i64).prop_map(What::Hold),
        1 => (1..6_i64).prop_map(What::Capture),
        2 => (0..4_u8).prop_map(What::Refund),
        2 => (0..4_u8).prop_map(What::RefundOfUnknown),
    ];
    (0..16_u8, 0..2_u8, what).prop_map(|(key, wallet, what)| Asked { key, wallet, what })
}

fn wallet(number: u8) -> WalletId {
    WalletId::new(Uuid::from_u128(0xB00_0000 + u128::from(number) * 77))
}

impl Asked {
    fn request(&self) -> Request {
        let merchant = MerchantId::new(Uuid::from_u128(0xA000));
        let tenant = Tenant::Merchant(merchant);
        let key = IdempotencyKey::parse(&format!("k{}", self.key)).unwrap();
        let operation = Operation {
            wallet: wallet(self.wallet),
            tenant,
            idem: Idem::of(tenant, &key),
            body: Digest::of([format!("{self:?}").as_bytes()]).into(),
            merchant: Some(merchant),
            branch: None,
            occurred_at: NOW,
            window: Window { look_back: Span::days(30), ahead: Span::minutes(5) },
            prices: Prices { issue: 10, redeem: 1 },
            refusal: None,
            command: self.what.command(),
        };
        match self.what {
            What::RefundOfUnknown(_) => Request::AwaitPurchase(operation),
            _ => Request::Apply(operation),
        }
    }
}

impl What {
    fn command(&self) -> Command {
        let receipt = |number: u8| ReceiptNumber::parse(&format!("R{number}")).unwrap();
        let points = |amount: i64| Points::new(amount).unwrap();
        match *self {
            Self::Earn(number, amount) => Command::Earn(CommandEarn {
                receipt: receipt(number),
                basket: Basket::new(Money::new(amount, Currency::IRR).unwrap(), Vec::new()).unwrap(),
                rule: Some(rule()),
                day: LocalDay::from_days(19_000),
                active_from: NOW,
                expires_at: None,
            }),
            Self::Redeem(number, amount) => {
                Command::Redeem(CommandRedeem { amount: points(amount), receipt: Some(receipt(number)) })
            }
            Self::Hold(amount) => {
                Command::Hold(CommandHold { amount: points(amount), ttl: Span::days(1), receipt: None })
            }
            Self::Capture(hold) => Command::Capture { hold, amount: None },
            Self::Refund(number) | Self::RefundOfUnknown(number) => Command::Refund(CommandRefund {
                receipt: receipt(number),
                what: RefundSpec::Amount(10),
                grace: None,
            }),
        }
    }
}

fn rule() -> EarnRule {
    EarnRule {
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
    }
}

/// What a key is known to stand for.
#[derive(Debug)]
struct Page {
    asked: Asked,
    /// The operation, once there is one; until then a refund waits.
    op: Option<(WalletId, String, i64)>,
    refused_later: bool,
}

/// The naive book of keys.
#[derive(Debug, Default)]
struct Book(BTreeMap<u8, Page>);

impl Book {
    /// Compares the answers to requests that came together with what the book says, and notes what is new.
    fn compare(&mut self, answers: &[(Asked, Answer)]) -> Result<(), TestCaseError> {
        let keys: BTreeSet<u8> = answers.iter().map(|(asked, _)| asked.key).collect();
        for key in keys {
            let of_key: Vec<_> = answers.iter().filter(|(asked, _)| asked.key == key).collect();
            let firsts: Vec<&Asked> =
                of_key.iter().filter(|(_, answer)| is_first(answer)).map(|(asked, _)| asked).collect();
            let page = match self.0.entry(key) {
                Entry::Occupied(page) => {
                    prop_assert!(firsts.is_empty(), "it ran again: {:?}", of_key);
                    page.into_mut()
                }
                Entry::Vacant(page) => {
                    prop_assert_eq!(firsts.len(), 1, "one request with a new key runs: {:?}", of_key);
                    page.insert(Page { asked: firsts[0].clone(), op: None, refused_later: false })
                }
            };
            of_key.iter().try_for_each(|(asked, answer)| page.compare(asked, answer))?;
        }
        Ok(())
    }
}

fn is_first(answer: &Answer) -> bool {
    match answer {
        Answer::Recorded(recorded) => !recorded.replayed,
        Answer::Waiting { replayed } => !replayed,
        _ => false,
    }
}

impl Page {
    fn compare(&mut self, asked: &Asked, answer: &Answer) -> Result<(), TestCaseError> {
        if *asked != self.asked {
            prop_assert!(
                matches!(answer, Answer::Mismatch),
                "{:?} is not {:?}: {:?}",
                asked,
                self.asked,
                answer
            );
            return Ok(());
        }
        let waits = matches!(self.asked.what, What::RefundOfUnknown(_));
        match answer {
            Answer::Recorded(recorded) => {
                let op = (recorded.wallet, format!("{:?}", recorded.op), recorded.op.seq);
                prop_assert!(!self.refused_later);
                prop_assert_eq!(self.op.get_or_insert_with(|| op.clone()), &op, "another answer than before");
            }
            Answer::Waiting { .. } => prop_assert!(waits && self.op.is_none() && !self.refused_later),
            Answer::RefusedLater(_) => {
                prop_assert!(waits && self.op.is_none());
                self.refused_later = true;
            }
            other => prop_assert!(false, "{:?} is answered {:?}", asked, other),
        }
        Ok(())
    }
}

async fn play(batches: &[Vec<Asked>]) -> Result<(), TestCaseError> {
    let file = TestDb::sqlite().await;
    let database = &file.database;
    let connection = database.for_migrations();
    for id in [wallet(0), wallet(1)] {
        let sql = "insert into wallet (shard_no, wallet_id, posted, held, pending, debt, version, next_lot, status, \
             last_recorded_at, next_due) values ($1, $2, 0, 0, 0, 0, 0, 1, 1, 0, 9223372036854775807)";
        let values = [id.shard_no().into(), id.uuid().into()];
        let backend = connection.get_database_backend();
        connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
    }
    let cache = Arc::new(BalanceCache::memory(&MemorySettings::default()));
    let writer = LedgerWriter::start(
        database,
        cache,
        &Clock::manual(NOW),
        |_| Uuid::from_u128(BATCHES.fetch_add(1, Ordering::Relaxed).into()),
        &WriterSettings::default(),
    );
    let mut book = Book::default();
    for together in batches {
        let answers = join_all(together.iter().map(|asked| writer.submit(asked.request()))).await;
        let answers: Vec<_> =
            together.iter().cloned().zip(answers.into_iter().map(|answer| answer.unwrap())).collect();
        book.compare(&answers)?;
    }
    // Everybody asks once more, so that refunds that waited are known too.
    let again: Vec<Asked> = book.0.values().map(|page| page.asked.clone()).collect();
    for asked in again {
        let answer = writer.submit(asked.request()).await.unwrap();
        book.compare(&[(asked, answer)])?;
    }
    for id in [wallet(0), wallet(1)] {
        let ops = book.0.values().filter_map(|page| page.op.as_ref()).filter(|(of, _, _)| *of == id);
        let seqs: BTreeSet<i64> = ops.clone().map(|(_, _, seq)| *seq).collect();
        prop_assert_eq!(seqs.len(), ops.count(), "two keys share an operation");
        prop_assert!(
            (1..).zip(&seqs).all(|(place, seq)| place == *seq),
            "an operation has no key: {:?}",
            seqs
        );
    }
    writer.close().await;
    Ok(())
}

#[test]
fn a_key_stands_for_one_request_whoever_comes_together() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    fuzz(10, vec(vec(asked(), 1..20), 1..12), |batches| runtime.block_on(play(&batches)));
}
