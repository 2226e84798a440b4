//! A wallet's state as one decision after another folds it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    Balances, Fault, Hold, HoldState, Journal, Lot, LotState, ReceiptFile, ReceiptKey, journal::stored,
    lot::NEVER,
};
use crate::{
    calendar::LocalDay,
    id::{MerchantId, WalletId},
    points::Points,
    time::Instant,
};

stored! {
    /// Whether a wallet can earn and spend.
    WalletStatus {
        /// It can.
        Open = 1,
        /// The operator blocked its member.
        Blocked = 2,
    }
}

/// The head of a wallet: the row that guards every write by its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wallet {
    /// The wallet.
    pub id: WalletId,
    /// Its balances.
    pub balances: Balances,
    /// Sequence number of its last operation; zero when it has none.
    pub version: i64,
    /// Number of its next lot.
    pub next_lot: i64,
    /// Whether it can earn and spend.
    pub status: WalletStatus,
    /// When its last operation was recorded.
    pub last_recorded_at: Instant,
    /// No activation, hold end or expiry is due before this instant.
    pub next_due: Instant,
}

impl Wallet {
    /// A wallet without points or history.
    pub fn new(id: WalletId) -> Self {
        Self {
            id,
            balances: Balances::default(),
            version: 0,
            next_lot: 1,
            status: WalletStatus::Open,
            last_recorded_at: Instant::from_micros(0),
            next_due: NEVER,
        }
    }
}

/// A wallet with what its decisions read, the facts they recorded, and the rows they changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletState {
    /// The head.
    pub wallet: Wallet,
    /// Whether all open lots and open holds were read. Without them only decisions that need none can be made.
    pub detail_read: bool,
    /// Lots by number: the open ones and those that a named hold or receipt refers to.
    pub lots: BTreeMap<i64, Lot>,
    /// Holds by number: the open ones and those that an operation names.
    pub holds: BTreeMap<i64, Hold>,
    /// The receipts that operations name.
    pub receipts: BTreeMap<ReceiptKey, ReceiptFile>,
    /// Points used of a rule's daily cap, for the days that operations name. The rule is named by its merchant.
    pub caps: BTreeMap<(MerchantId, LocalDay), Points>,
    /// The facts recorded since the state was read.
    pub journal: Journal,
    /// The rows changed since the state was read.
    pub changes: Changes,
}

/// Names of the rows that decisions changed; their values are in the state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Lots, new and old.
    pub lots: BTreeSet<i64>,
    /// Holds, new and old.
    pub holds: BTreeSet<i64>,
    /// Receipts, new and old.
    pub receipts: BTreeSet<ReceiptKey>,
    /// Daily caps.
    pub caps: BTreeSet<(MerchantId, LocalDay)>,
}

impl WalletState {
    /// The state of a wallet whose details were not read.
    pub fn head(wallet: Wallet) -> Self {
        Self {
            wallet,
            detail_read: false,
            lots: BTreeMap::new(),
            holds: BTreeMap::new(),
            receipts: BTreeMap::new(),
            caps: BTreeMap::new(),
            journal: Journal::default(),
            changes: Changes::default(),
        }
    }

    /// Points that can be spent at `merchant` now (`None`: anywhere).
    pub fn spendable_at(&self, merchant: Option<MerchantId>, now: Instant) -> i64 {
        self.lots.values().fold(0, |sum: i64, lot| sum.saturating_add(lot.spendable_at(merchant, now).get()))
    }

    /// Numbers of the lots in spending order, those first that `order` puts first.
    pub(super) fn lots_by_spending_order(&self) -> Vec<i64> {
        let mut lots: Vec<&Lot> = self.lots.values().filter(|lot| !lot.free().is_zero()).collect();
        lots.sort_by_key(|lot| lot.spending_order());
        lots.into_iter().map(|lot| lot.lot_no).collect()
    }

    /// The account id of the wallet in entries.
    pub(super) const fn account(&self) -> Uuid {
        self.wallet.id.uuid()
    }

    pub(super) fn lot_mut(&mut self, lot_no: i64) -> Result<&mut Lot, Fault> {
        self.changes.lots.insert(lot_no);
        self.lots.get_mut(&lot_no).ok_or(Fault::Missing("a lot"))
    }

    /// Recomputes when the wallet is next due, exactly when its details were read; otherwise the instants of new
    /// rows lower what was known, which is early at worst.
    pub(super) fn refresh_next_due(&mut self) {
        let lots = self.lots.values().filter_map(|lot| match lot.state {
            LotState::Pending if !lot.remaining.is_zero() => Some(lot.active_from),
            LotState::Active if !lot.free().is_zero() => Some(due_after(lot.expires_at)),
            LotState::Pending | LotState::Active => None,
        });
        let holds =
            self.holds.values().filter(|hold| hold.state == HoldState::Open).map(|hold| hold.expires_at);
        let soonest = lots.chain(holds).min().unwrap_or(NEVER);
        self.wallet.next_due = if self.detail_read { soonest } else { soonest.min(self.wallet.next_due) };
    }
}

/// The first instant after a last valid one.
pub(super) fn due_after(last_valid: Instant) -> Instant {
    Instant::from_micros(last_valid.micros().saturating_add(1))
}
