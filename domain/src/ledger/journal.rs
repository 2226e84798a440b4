//! The append-only facts of decisions: operations, their entries, and the allocation of lots.

use uuid::Uuid;

use super::{Digest, Idem, Rejection, Tenant};
use crate::{
    id::{BranchId, MerchantId},
    points::Points,
    text::ReceiptNumber,
    time::Instant,
};

macro_rules! stored {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The number that storage keeps; numbers are never reused.
            pub const fn stored(self) -> i16 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// What storage keeps under a number.
            pub const fn from_stored(number: i16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use stored;

stored! {
    /// What an operation did.
    OpKind {
        /// A merchant issued points.
        Earn = 1,
        /// A merchant reserved points.
        Hold = 2,
        /// A merchant took reserved points.
        Capture = 3,
        /// A merchant gave reserved points back.
        Release = 4,
        /// A member spent points.
        Redeem = 5,
        /// A merchant took a purchase back.
        Refund = 6,
        /// The operator blocked the wallet.
        Block = 7,
        /// Pending points became active.
        Activation = 8,
        /// A hold's time was over.
        HoldEnd = 9,
        /// Points lapsed.
        Expiry = 10,
        /// The operator reopened the wallet.
        Unblock = 11,
    }
}

stored! {
    /// A ledger account by kind.
    AccountKind {
        /// A wallet's posted points.
        Wallet = 1,
        /// A wallet's points that cannot be spent yet.
        Pending = 2,
        /// Points that a merchant issued (negative).
        MerchantIssue = 3,
        /// Points that a merchant accepted.
        MerchantRedeem = 4,
        /// Points that a wallet owes (negative).
        Debt = 5,
        /// Points that lapsed, by their issuer.
        Breakage = 6,
        /// Points between two wallets.
        Transit = 7,
        /// Corrections by the operator.
        Adjustment = 8,
    }
}

stored! {
    /// How an operation used a lot. `used = spend + clawback + cancel + expire + repay + transfer − restore`,
    /// `reserved = reserve − release`.
    LotUseKind {
        /// Taken for a redemption.
        Spend = 1,
        /// Reserved by a hold.
        Reserve = 2,
        /// No longer reserved.
        Release = 3,
        /// Given back by a refund.
        Restore = 4,
        /// Lapsed.
        Expire = 5,
        /// Taken to repay debt.
        Repay = 6,
        /// Taken back by a refund.
        Clawback = 7,
        /// Taken back while pending.
        Cancel = 8,
        /// Moved to another lot.
        Transfer = 9,
    }
}

/// One operation on one wallet, applied or rejected: journal and idempotency record in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpRecord {
    /// Place in the wallet's history, from 1 without gaps.
    pub seq: i64,
    /// On whose behalf it ran.
    pub tenant: Tenant,
    /// The identity of tenant and idempotency key.
    pub idem: Idem,
    /// The fingerprint of the input.
    pub body: Digest,
    /// What it did.
    pub kind: OpKind,
    /// Points that it moved, reserved or freed; for a rejected one, the points asked for.
    pub amount: Points,
    /// Minor units: the basket of an earn, the part that a refund took back.
    pub money: Option<i64>,
    /// The merchant that acted.
    pub merchant: Option<MerchantId>,
    /// The branch where it happened.
    pub branch: Option<BranchId>,
    /// The receipt it belongs to.
    pub receipt: Option<ReceiptNumber>,
    /// The operation it follows: the hold of a capture, the earn of a refund.
    pub ref_seq: Option<i64>,
    /// Why it was refused; none when it was applied.
    pub rejection: Option<Rejection>,
    /// The number that a rejection met.
    pub limit: Option<i64>,
    /// Balances after it.
    pub after: Balances,
    /// When it happened, by the caller.
    pub occurred_at: Instant,
    /// When the ledger recorded it; never falls within a wallet.
    pub recorded_at: Instant,
}

/// A wallet's balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balances {
    /// Active points, reserved ones included.
    pub posted: Points,
    /// Points of `posted` that holds have reserved.
    pub held: Points,
    /// Points that cannot be spent yet.
    pub pending: Points,
    /// Points owed after a clawback; repaid from the next points that come in.
    pub debt: Points,
}

impl Balances {
    /// Points that can be spent: posted less held.
    pub fn available(&self) -> Points {
        self.posted.less(self.held)
    }
}

/// One leg of an applied operation. The legs of an operation sum to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The operation.
    pub seq: i64,
    /// Number of the leg, from 1.
    pub leg: i16,
    /// Kind of the account.
    pub account_kind: AccountKind,
    /// The wallet or merchant that the account belongs to.
    pub account: Uuid,
    /// Points, signed.
    pub amount: i64,
    /// What the points are worth between merchant and network, in minor units, signed; zero on other accounts.
    pub value: i64,
}

/// One allocation of one lot by one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotUse {
    /// The operation.
    pub seq: i64,
    /// The lot.
    pub lot_no: i64,
    /// Points, above zero.
    pub quantity: Points,
    /// How the lot was used.
    pub kind: LotUseKind,
}

/// The facts that decisions on one wallet recorded, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    /// Operations by sequence number.
    pub ops: Vec<OpRecord>,
    /// Their entries.
    pub entries: Vec<Entry>,
    /// Their allocations of lots.
    pub lot_uses: Vec<LotUse>,
}
