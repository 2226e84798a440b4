//! A client: asks, waits, loses patience, asks again under the same key at another node, and reads what it wrote.

use std::{sync::Arc, time::Duration};

use amvaj_domain::{
    id::WalletId,
    ledger::{Command, OpKind, Operation, ReceiptKey},
};
use tokio::time;

use super::{
    asks::{self, KnownHold},
    balances,
    random::Random,
    world::World,
};
use crate::ledger::request::{Answer, Recorded, Request, SubmitError};

/// How often a client asks again before it gives up for good.
const TRIES: u32 = 8;

/// One client of a run.
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) world: Arc<World>,
    pub(crate) random: Random,
}

impl Client {
    /// Asks for everything that the plan has for a client.
    pub(crate) async fn run(mut self) {
        for ask in 0..self.world.plan.asks {
            self.pause(120_000).await;
            let operation = self.draw(ask);
            self.carry_through(operation).await;
        }
    }

    /// Draws an operation: mostly a new one, sometimes one that somebody has asked for already, or its key with
    /// another input.
    fn draw(&mut self, ask: usize) -> Operation {
        let world = Arc::clone(&self.world);
        let holds = world.holds.lock().unwrap();
        let now = world.nodes[0].now();
        let key = format!("client-{}-{ask}", self.number);
        let fresh = asks::draw(&world.plan, &holds, &key, now, &mut self.random);
        let mut asked = world.asked.lock().unwrap();
        if !asked.is_empty() && self.random.per_mille(120) {
            let earlier = self.random.pick(&asked).clone();
            let Operation { idem, tenant, merchant, .. } = earlier;
            // What happens to be the same input is the same request, of which the world knows one time only.
            let is_same = fresh.body.kept() == earlier.body.kept();
            if tenant != fresh.tenant || is_same || self.random.per_mille(700) {
                return earlier;
            }
            return Operation { idem, tenant, merchant, ..fresh };
        }
        asked.push(fresh.clone());
        fresh
    }

    /// Delivers an operation until an answer is final or the client gives up.
    async fn carry_through(&mut self, operation: Operation) {
        for attempt in 0..TRIES {
            let node = usize::try_from(self.random.below(2)).unwrap();
            let ending = if self.random.per_mille(150) {
                self.deliver_twice(&operation).await
            } else if self.random.per_mille(100) {
                self.deliver_without_patience(node, &operation).await
            } else {
                deliver(&self.world, node, &operation).await
            };
            match ending {
                Ending::Answered(answer) => return self.heard(&answer).await,
                Ending::Refused => return,
                Ending::Open if self.random.per_mille(50) => return,
                Ending::Open => {}
            }
            self.pause(20_000 << attempt).await;
        }
    }

    /// Delivers to both nodes at once; answers what came from either.
    async fn deliver_twice(&mut self, operation: &Operation) -> Ending {
        let (one, other) =
            tokio::join!(deliver(&self.world, 0, operation), deliver(&self.world, 1, operation));
        if let Ending::Open = one { other } else { one }
    }

    /// Delivers and stops waiting after a short while.
    async fn deliver_without_patience(&mut self, node: usize, operation: &Operation) -> Ending {
        let patience = Duration::from_micros(self.random.below(30_000));
        time::timeout(patience, deliver(&self.world, node, operation)).await.unwrap_or(Ending::Open)
    }

    /// Learns from an answer, and reads what was written, wherever it is asked.
    async fn heard(&mut self, answer: &Answer) {
        let Answer::Recorded(recorded) = answer else { return };
        let Recorded { wallet, op, .. } = &**recorded;
        if let (OpKind::Hold, None, Some(merchant)) = (op.kind, op.rejection, op.merchant) {
            self.world.holds.lock().unwrap().push(KnownHold { wallet: *wallet, merchant, seq: op.seq });
        }
        let node = usize::try_from(self.random.below(2)).unwrap();
        balances::read_own(&self.world, node, *wallet, op.seq).await;
        self.read_somebody().await;
    }

    /// Reads some wallet without knowing its version.
    async fn read_somebody(&mut self) {
        let node = usize::try_from(self.random.below(2)).unwrap();
        let wallet: WalletId = *self.random.pick(&self.world.plan.wallets);
        balances::read_any(&self.world, node, wallet).await;
    }

    async fn pause(&mut self, most_micros: i64) {
        let micros = u64::try_from(self.random.within(0, most_micros)).unwrap();
        time::sleep(Duration::from_micros(micros)).await;
    }
}

/// How a delivery ended for its client.
enum Ending {
    /// With an answer of the ledger.
    Answered(Answer),
    /// There is no such wallet.
    Refused,
    /// The client does not know, or nothing was done: it may ask again.
    Open,
}

/// Delivers an operation to a node.
async fn deliver(world: &World, node: usize, operation: &Operation) -> Ending {
    let place = world.history.sends(operation);
    world.trace.note(|| format!("delivery {place} to node {node}: {}", told(operation)));
    let request = request_of(world, operation);
    let answer = world.nodes[node].submit(request).await;
    world.trace.note(|| format!("delivery {place} is answered: {answer:?}"));
    let ending = match &answer {
        Ok(answer) => Ending::Answered(answer.clone()),
        Err(SubmitError::NoSuchWallet(_)) => Ending::Refused,
        Err(
            SubmitError::Overloaded
            | SubmitError::OutcomeUnknown
            | SubmitError::Store(_)
            | SubmitError::Quarantined(_),
        ) => Ending::Open,
    };
    world.history.answers(place, answer);
    ending
}

/// The request for an operation: a refund looks for the wallet that has its receipt, as its use case does.
fn request_of(world: &World, operation: &Operation) -> Request {
    let Command::Refund(refund) = &operation.command else { return Request::Apply(operation.clone()) };
    let Some(merchant) = operation.merchant else { return Request::Apply(operation.clone()) };
    let key = ReceiptKey { merchant, number: refund.receipt.clone() };
    match super::answers::receipts(&world.store.inner().tables, &[key]).first() {
        Some(row) => Request::Apply(Operation { wallet: WalletId::new(row.wallet_id), ..operation.clone() }),
        None => Request::AwaitPurchase(operation.clone()),
    }
}

fn told(operation: &Operation) -> String {
    let Operation { wallet, idem, command, .. } = operation;
    format!("{} on {wallet}: {command:?}", idem.uuid())
}
