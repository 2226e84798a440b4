//! Who puts what was read into the words of a file. The ids and names that clients know are not known here.

use amvaj_domain::export::ExportFormat;
use amvaj_domain::id::{MemberId, MerchantId, WalletId};
use amvaj_domain::ledger::{Hold, Lot, Wallet};
use amvaj_domain::member::Member;
use amvaj_domain::merchant::{Branch, Merchant};
use amvaj_domain::relation::Relation;
use amvaj_domain::reward::Redemption;
use amvaj_domain::text::CustomerRef;

use crate::access::Session;
use crate::ledger::StoredOperation;

/// An operation with what its reader sees around it.
#[derive(Debug, Clone, Copy)]
pub struct ShownOperation<'a> {
    /// The operation.
    pub operation: &'a StoredOperation,
    /// The merchant that acted.
    pub merchant: Option<&'a Merchant>,
    /// The branch where it happened.
    pub branch: Option<&'a Branch>,
    /// The member in whose wallet it happened, when the reader knows of it.
    pub member: Option<MemberId>,
    /// The reader's own reference of the member.
    pub customer_ref: Option<&'a CustomerRef>,
    /// Whether the reader sees the balances after it.
    pub shows_balance: bool,
}

/// Something that is held about a member. A new kind of thing gets a variant here, is read in [`super::held`], and is put
/// into words by the pen.
#[derive(Debug, Clone)]
pub enum Held {
    /// Who the member is.
    Profile(Box<Member>),
    /// Whether the member is shown on leaderboards.
    Boards {
        /// Whether it hides.
        hidden: bool,
    },
    /// A merchant's own reference of the member.
    Reference(MerchantId, CustomerRef),
    /// What there is between the member and a merchant, with the member's consent.
    Relation(Relation),
    /// A log-in that goes on.
    Session(Session),
    /// The wallet.
    Wallet(Box<Wallet>),
    /// Points that were earned together and are not used up.
    Lot(WalletId, Box<Lot>),
    /// Points that are reserved.
    Hold(WalletId, Box<Hold>),
    /// A reward that the member has redeemed, or wanted to.
    Redemption(Box<Redemption>),
}

/// Writes rows. Whatever it writes is added to `out` and ends a line.
pub trait Pen: std::fmt::Debug + Send + Sync {
    /// What a file of operations begins with.
    fn head(&self, format: ExportFormat, out: &mut String);

    /// An operation in a file of operations.
    fn operation(&self, format: ExportFormat, operation: &ShownOperation<'_>, out: &mut String);

    /// Something that is held about a member, in the member's own file.
    fn held(&self, held: &Held, out: &mut String);

    /// An operation in a member's own file.
    fn held_operation(&self, operation: &ShownOperation<'_>, out: &mut String);
}
