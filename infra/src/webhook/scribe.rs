//! What is told of an event, and who writes and signs it.

use std::fmt;

use amvaj_domain::id::{BranchId, MemberId, MerchantId, WalletId, WebhookEndpointId};
use amvaj_domain::money::Currency;
use amvaj_domain::time::Instant;
use amvaj_domain::webhook::EventType;

/// Writes and signs what is sent. Secrets are opened nowhere else.
pub trait Scribe: fmt::Debug + Send + Sync + 'static {
    /// The body that tells of an event; the same for the same event.
    fn body(&self, event: &Event) -> String;

    /// The signatures of a letter by each of the secrets, with spaces between them; nothing when one cannot be opened.
    fn signatures(
        &self,
        endpoint: WebhookEndpointId,
        secrets: &[SealedSecret],
        letter: &Letter<'_>,
    ) -> Option<String>;
}

/// Something to tell a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, the same at every endpoint and at every try.
    pub id: String,
    /// What it tells of.
    pub event: EventType,
    /// Who is told.
    pub merchant: MerchantId,
    /// When it was recorded.
    pub recorded_at: Instant,
    /// The operation; nothing for a ping.
    pub told: Option<Told>,
}

/// What a merchant may know of an operation of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The wallet.
    pub wallet: WalletId,
    /// The operation's number in the wallet.
    pub seq: i64,
    /// Points that it moved, reserved or freed.
    pub points: i64,
    /// The basket of an earn, or the part of it that a refund took back, in minor units.
    pub money: Option<i64>,
    /// The merchant's currency.
    pub currency: Currency,
    /// The member in whose wallet it happened.
    pub member: Option<MemberId>,
    /// The merchant's own reference of the member.
    pub customer_ref: Option<String>,
    /// The branch where it happened.
    pub branch: Option<BranchId>,
    /// The merchant's receipt.
    pub receipt: Option<String>,
    /// The operation that it follows: the hold of a capture, the earn of a refund.
    pub ref_seq: Option<i64>,
    /// When it happened.
    pub occurred_at: Instant,
}

/// What a signature is made over.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The event's id.
    pub id: &'a str,
    /// When it is sent, in seconds since the epoch.
    pub timestamp: i64,
    /// The body.
    pub body: &'a str,
}

/// A secret of an endpoint as it is stored. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Its number at the endpoint.
    pub number: i32,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SealedSecret").field("number", &self.number).finish_non_exhaustive()
    }
}
