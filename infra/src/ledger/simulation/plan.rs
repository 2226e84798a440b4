//! What a seed decides before anything runs: how large the network is and how its nodes are set.

use std::time::Duration;

use amvaj_domain::{
    id::{MerchantId, WalletId},
    time::Span,
};
use uuid::Uuid;

use super::random::Random;
use crate::ledger::writer::WriterSettings;

/// The network of a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) wallets: Vec<WalletId>,
    pub(crate) merchants: Vec<MerchantId>,
    /// How many receipt numbers the merchants have: the fewer, the more often they clash.
    pub(crate) receipts: u64,
    pub(crate) clients: usize,
    /// What each client asks for.
    pub(crate) asks: usize,
    pub(crate) lanes: usize,
    pub(crate) settings: WriterSettings,
    /// How long balances live in the cache.
    pub(crate) time_to_live: Span,
    /// How often a node crashes.
    pub(crate) crashes: u64,
    /// The most that a node's clock is off, either way, in microseconds.
    pub(crate) clocks_off: i64,
}

impl Plan {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let count = |random: &mut Random, first, last| usize::try_from(random.within(first, last)).unwrap();
        let wallets = (0..random.within(1, 4)).map(|number| wallet(number, random)).collect();
        let merchants = (0..random.within(1, 3)).map(merchant).collect();
        let settings = WriterSettings {
            lanes: None,
            queue: count(random, 1, 24),
            batch: *random.pick(&[1, 3, 8, 256]),
            answer_within: Duration::from_millis(*random.pick(&[60, 600, 10_000])),
        };
        Self {
            wallets,
            merchants,
            receipts: *random.pick(&[3, 6, 12]),
            clients: count(random, 2, 5),
            asks: count(random, 4, 10),
            lanes: count(random, 1, 3),
            settings,
            time_to_live: Span::from_micros(random.within(50_000, 2_000_000)),
            crashes: *random.pick(&[0, 0, 1, 3]),
            clocks_off: *random.pick(&[0, 2_000, 300_000]),
        }
    }
}

/// A wallet of any shard.
fn wallet(number: i64, random: &mut Random) -> WalletId {
    let number = u128::try_from(number + 1).unwrap();
    WalletId::new(Uuid::from_u128(number << 64 | u128::from(random.below(256))))
}

fn merchant(number: i64) -> MerchantId {
    MerchantId::new(Uuid::from_u128(0x5400 + u128::try_from(number).unwrap()))
}
