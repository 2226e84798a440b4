//! Redemptions: a reward that a member has asked for. What becomes of one is decided by its hold in the ledger.

use super::VoucherCode;
use crate::{
    id::{BranchId, MerchantId, RedemptionId, RewardId, WalletId},
    ledger::{Digest, Hold, HoldState, Idem, Tenant},
    points::Points,
    time::{Instant, Span},
};

/// A reward that is being redeemed, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redemption {
    /// Its id.
    pub id: RedemptionId,
    /// The reward.
    pub reward: RewardId,
    /// The merchant that gives it.
    pub merchant: MerchantId,
    /// The wallet that pays.
    pub wallet: WalletId,
    /// The branch whose till asked for it.
    pub branch: Option<BranchId>,
    /// On whose behalf it was asked for.
    pub tenant: Tenant,
    /// What it costs, as the reward did then.
    pub points: Points,
    /// What proves that somebody may collect it.
    pub voucher: VoucherCode,
    /// How long its points are reserved.
    pub reserve: Span,
    /// Where it stands.
    pub state: RedemptionState,
    /// The number of its hold in the wallet; of a refused one, of the operation that says why.
    pub hold: Option<i64>,
    /// When it was asked for.
    pub created_at: Instant,
    /// The first moment at which its points are free again unless it was captured.
    pub expires_at: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
}

/// Where a redemption stands. All but the first two are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RedemptionState {
    /// A piece is put aside, and the ledger is being asked for the points.
    Pending,
    /// The points are reserved.
    Reserved,
    /// The points are taken, and the reward was given.
    Captured,
    /// It was called off; piece and points are free again.
    Released,
    /// Nobody collected it in time; piece and points are free again.
    Expired,
    /// The ledger did not reserve the points; the piece is free again.
    Refused,
}

impl Redemption {
    /// The key under which the ledger is asked for the points: however often it is asked, there is one hold.
    pub fn hold_idem(id: RedemptionId) -> Idem {
        Idem::internal(&format!("redemption:{}", id.uuid().simple()))
    }

    /// The fingerprint of what the ledger is asked for. It never changes, so the id stands for all of it.
    pub fn hold_body(id: RedemptionId) -> Digest {
        Digest::of([b"redemption".as_slice(), id.uuid().as_bytes()])
    }

    /// The redemption as its hold is at `now`, whether or not that is recorded of it yet.
    #[must_use]
    pub fn following(self, hold: &Hold, now: Instant) -> Self {
        let is_over = hold.state == HoldState::Open && hold.expires_at <= now;
        let state = if is_over { RedemptionState::Expired } else { RedemptionState::of_hold(hold.state) };
        let expired_at = (state == RedemptionState::Expired).then_some(hold.expires_at);
        Self {
            state,
            hold: Some(hold.seq),
            expires_at: Some(hold.expires_at),
            ended_at: self.ended_at.or(expired_at),
            ..self
        }
    }
}

impl RedemptionState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Reserved, Self::Captured, Self::Released, Self::Expired, Self::Refused];

    /// What follows from where the hold stands.
    pub const fn of_hold(hold: HoldState) -> Self {
        match hold {
            HoldState::Open => Self::Reserved,
            HoldState::Captured => Self::Captured,
            HoldState::Released => Self::Released,
            HoldState::Expired => Self::Expired,
        }
    }

    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Reserved)
    }

    /// Whether a piece of the stock is with it, and counts for its member.
    pub const fn keeps_piece(self) -> bool {
        matches!(self, Self::Pending | Self::Reserved | Self::Captured)
    }

    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Pending => 1,
            Self::Reserved => 2,
            Self::Captured => 3,
            Self::Released => 4,
            Self::Expired => 5,
            Self::Refused => 6,
        }
    }

    /// What storage keeps under a number.
    pub fn from_stored(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.stored() == number)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_redemption_follows_its_hold() {
        use RedemptionState::{Captured, Expired, Released, Reserved};
        let holds = [HoldState::Open, HoldState::Captured, HoldState::Released, HoldState::Expired];
        assert_eq!(holds.map(RedemptionState::of_hold), [Reserved, Captured, Released, Expired]);
        let keep = RedemptionState::ALL.map(RedemptionState::keeps_piece);
        assert_eq!(keep, [true, true, true, false, false, false]);
        let ends = RedemptionState::ALL.map(RedemptionState::is_final);
        assert_eq!(ends, [false, false, true, true, true, true]);
    }

    #[test]
    fn every_state_survives_storage() {
        for state in RedemptionState::ALL {
            assert_eq!(RedemptionState::from_stored(state.stored()), Some(state));
        }
        assert_eq!(RedemptionState::from_stored(0), None);
    }

    #[test]
    fn two_redemptions_ask_for_two_holds() {
        let [one, two] = [1, 2].map(|number| RedemptionId::new(Uuid::from_u128(number)));
        assert_ne!(Redemption::hold_idem(one), Redemption::hold_idem(two));
        assert_ne!(Redemption::hold_body(one), Redemption::hold_body(two));
    }
}
