//! What the cache keeps of a wallet, how two states of it are ordered, and what a reader asks of one.

use amvaj_domain::{
    id::WalletId,
    ledger::{Wallet, WalletStatus},
    points::Points,
    time::Instant,
};

/// Spendable view of one wallet as of `version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Whose balance it is.
    pub wallet: WalletId,
    /// The version of the wallet's row, 0 or more; greater is newer.
    pub version: i64,
    /// Active points, those held among them.
    pub posted: Points,
    /// Points reserved by open holds.
    pub held: Points,
    /// Points earned and not yet active.
    pub pending: Points,
    /// Points owed, to be repaid by what comes in.
    pub debt: Points,
    /// Whether the wallet may not be used.
    pub blocked: bool,
    /// First instant at which a due activation, expiry or hold end makes these figures wrong; [`Balance::FOREVER`]
    /// when nothing is due.
    pub valid_until: Instant,
    /// When the row was committed, or when the read that found it began.
    pub as_of: Instant,
}

impl Balance {
    /// The `valid_until` of a wallet on which nothing is due.
    pub const FOREVER: Instant = Instant::from_micros(i64::MAX);

    /// The balance of a wallet's head as of `as_of`.
    pub fn of(wallet: &Wallet, as_of: Instant) -> Self {
        Self {
            wallet: wallet.id,
            version: wallet.version,
            posted: wallet.balances.posted,
            held: wallet.balances.held,
            pending: wallet.balances.pending,
            debt: wallet.balances.debt,
            blocked: wallet.status == WalletStatus::Blocked,
            valid_until: wallet.next_due,
            as_of,
        }
    }

    /// Points that can be spent: posted less held.
    pub fn available(&self) -> Points {
        self.posted.less(self.held)
    }

    /// The place of this state among the states of its wallet. Of two states only the greater is kept: the later
    /// version; of one version the one that had more of what was due settled; of equal ones the later read.
    pub(super) const fn rank(&self) -> Rank {
        Rank { version: self.version, valid_until: self.valid_until, as_of: self.as_of }
    }
}

/// See [`Balance::rank`]. The order of the fields is the order of comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    version: i64,
    valid_until: Instant,
    as_of: Instant,
}

/// What a reader asks of a balance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// The version that the reader knows the wallet to have reached.
    pub(super) at_least: Option<i64>,
    /// When the reader asks.
    pub(super) now: Instant,
}

impl Need {
    /// Whether the figures are right for this reader, however old they are.
    pub(super) fn is_met_by(self, balance: &Balance) -> bool {
        self.at_least.is_none_or(|version| balance.version >= version) && self.now < balance.valid_until
    }
}
