//! Clients under faults: each sends one operation after the other to either node, and the same one with the same key until
//! it is answered.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use tokio::time::{Instant, sleep};

use super::operation::{Answer, Held, Operation, What};
use super::plan::Random;
use super::scene::{Said, Scene};

/// Clients of a round.
const CLIENTS: u64 = 24;
/// Within this time every operation gets its answer once all servers are there again.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

/// What the clients of a round remember.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Every operation with the answer that it got.
    pub(super) answered: Vec<(Operation, Answer)>,
    /// What had no final answer when the load was over.
    open: Vec<Operation>,
    /// Operations that were sent more than once.
    pub(super) retried: usize,
    /// Tries after which nobody knew what became of the operation.
    pub(super) unknown: usize,
}

/// Sends operations for so long.
pub(super) async fn load(scene: &Scene, seed: u64, load: Duration) -> Book {
    let end = Instant::now() + load;
    let clients = (0..CLIENTS).map(|number| Client::new(scene, seed, number).run(end));
    let mut book = Book::default();
    for part in join_all(clients).await {
        book.answered.extend(part.answered);
        book.open.extend(part.open);
        book.retried += part.retried;
        book.unknown += part.unknown;
    }
    book
}

/// Sends what is open until each has its answer.
pub(super) async fn settle(scene: &Scene, book: &mut Book) {
    let end = Instant::now() + SETTLED_WITHIN;
    let open: Vec<Operation> = book.open.drain(..).collect();
    let settled = stream::iter(open.into_iter().zip(0..)).map(async |(operation, number)| {
        let mut client = Client::new(scene, 0, number);
        let answer = client.perform(&operation, end).await;
        let answer = answer.unwrap_or_else(|| panic!("{operation:?} was not answered in {SETTLED_WITHIN:?}"));
        (operation, answer)
    });
    let settled: Vec<(Operation, Answer)> = settled.buffer_unordered(16).collect().await;
    book.answered.extend(settled);
}

/// One client, with what it can still end or refund.
struct Client<'a> {
    scene: &'a Scene,
    random: Random,
    /// What its keys and receipts begin with.
    name: String,
    sent: usize,
    holds: Vec<(usize, Held)>,
    purchases: Vec<(usize, String, i64)>,
    /// A purchase whose refund was sent before it.
    late: Option<(usize, What)>,
    /// Whether the operation under way is such a purchase.
    refunded: bool,
    book: Book,
}

impl<'a> Client<'a> {
    fn new(scene: &'a Scene, seed: u64, number: u64) -> Self {
        Self {
            scene,
            random: Random::new(seed ^ (number << 32)),
            name: format!("c{number}"),
            sent: 0,
            holds: Vec::new(),
            purchases: Vec::new(),
            late: None,
            refunded: false,
            book: Book::default(),
        }
    }

    async fn run(mut self, end: Instant) -> Book {
        while Instant::now() < end {
            let operation = self.next();
            match self.perform(&operation, end).await {
                Some(answer) => {
                    self.remember(&operation, &answer);
                    self.book.answered.push((operation, answer));
                }
                None => self.book.open.push(operation),
            }
        }
        if self.late.is_some() {
            let purchase = self.next();
            self.book.open.push(purchase);
        }
        self.book
    }

    /// Sends an operation until it is answered, or until the end: `None`.
    async fn perform(&mut self, operation: &Operation, end: Instant) -> Option<Answer> {
        let input = operation.input(&self.scene.members);
        for attempt in 0.. {
            self.book.retried += usize::from(attempt == 1);
            let node = self.random.index(self.scene.nodes());
            match self.scene.try_at(node, operation.name(), &input).await {
                Said::Payload(payload) => return Some(Answer::of(&payload)),
                Said::Later(code) => self.book.unknown += usize::from(code == "OUTCOME_UNKNOWN"),
                Said::Nothing => self.book.unknown += 1,
            }
            if Instant::now() >= end {
                break;
            }
            sleep(Duration::from_millis(20 + self.random.below(100))).await;
        }
        None
    }

    fn next(&mut self) -> Operation {
        self.sent += 1;
        let late = self.late.take();
        self.refunded = late.is_some();
        let (member, what) = late.unwrap_or_else(|| self.draw());
        Operation { key: format!("{}-{}", self.name, self.sent), member, what }
    }

    fn draw(&mut self) -> (usize, What) {
        let member = self.random.index(self.scene.members.len());
        let amount = |random: &mut Random, most| i64::try_from(1 + random.below(most)).unwrap();
        match self.random.below(10) {
            0..2 => (member, What::Redeem { points: amount(&mut self.random, 60) }),
            2..4 => (member, What::Hold { points: amount(&mut self.random, 30) }),
            4..6 if !self.holds.is_empty() => {
                let (member, hold) = self.holds.swap_remove(self.random.index(self.holds.len()));
                if self.random.below(2) == 0 {
                    (member, What::Release { hold })
                } else {
                    let points = amount(&mut self.random, u64::try_from(hold.points).unwrap());
                    (member, What::Capture { hold, points })
                }
            }
            6 if !self.purchases.is_empty() => {
                let purchase = self.random.index(self.purchases.len());
                let (member, receipt, points) = self.purchases.swap_remove(purchase);
                (member, What::Refund { receipt, points })
            }
            chance => {
                let points = amount(&mut self.random, 50);
                let receipt = format!("{}-R{}", self.name, self.sent);
                let purchase = What::Earn { receipt: receipt.clone(), points };
                if chance == 7 {
                    self.late = Some((member, purchase));
                    (member, What::Refund { receipt, points })
                } else {
                    (member, purchase)
                }
            }
        }
    }

    fn remember(&mut self, operation: &Operation, answer: &Answer) {
        match (&operation.what, &answer.hold) {
            (What::Hold { points }, Some(id)) if answer.is_done() => {
                self.holds.push((operation.member, Held { id: id.clone(), points: *points }));
            }
            (What::Earn { receipt, points }, _) if !self.refunded => {
                self.purchases.push((operation.member, receipt.clone(), *points));
            }
            _ => {}
        }
    }
}
