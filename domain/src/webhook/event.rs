//! What merchants are told of, by kind, and the ids of it.

use crate::id::{WalletId, WebhookEndpointId};
use crate::ledger::OpKind;
use crate::sealed::{Sealing, hex};

macro_rules! event_types {
    ($($(#[doc = $doc:literal])+ $name:ident = $bit:literal, $text:literal, $kind:expr;)+) => {
        /// What an event tells of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType { $($(#[doc = $doc])+ $name,)+ }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name that receivers see.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The number that storage keeps, also its place in a stored set; numbers are never reused.
            pub const fn stored(self) -> i16 {
                match self { $(Self::$name => $bit,)+ }
            }

            /// What storage keeps under a number.
            pub const fn from_stored(number: i16) -> Option<Self> {
                match number { $($bit => Some(Self::$name),)+ _ => None }
            }

            /// The kind of operation that it tells of; none for a ping.
            pub const fn operation(self) -> Option<OpKind> {
                match self { $(Self::$name => $kind,)+ }
            }

            const fn bit(self) -> u32 {
                match self { $(Self::$name => 1 << $bit,)+ }
            }
        }
    };
}

event_types! {
    /// Points were issued for a purchase.
    PointsEarned = 1, "points.earned", Some(OpKind::Earn);
    /// Points were reserved.
    PointsHeld = 2, "points.held", Some(OpKind::Hold);
    /// Reserved points were taken; the rest of the hold became free.
    HoldCaptured = 3, "hold.captured", Some(OpKind::Capture);
    /// Reserved points were given back.
    HoldReleased = 4, "hold.released", Some(OpKind::Release);
    /// A hold's time was over, and its points became free.
    HoldExpired = 5, "hold.expired", Some(OpKind::HoldEnd);
    /// The member paid with points.
    PointsRedeemed = 6, "points.redeemed", Some(OpKind::Redeem);
    /// A purchase, or a part of it, was taken back.
    PurchaseRefunded = 7, "purchase.refunded", Some(OpKind::Refund);
    /// Nothing happened: somebody tries out whether an endpoint answers.
    Ping = 8, "webhook.ping", None;
}

impl EventType {
    /// What an applied operation of this kind is told as; nothing when it is not told of.
    pub fn of(kind: OpKind) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.operation() == Some(kind))
    }
}

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EventTypes(u32);

impl EventTypes {
    /// All that operations are told as.
    pub fn all() -> Self {
        Self::of(EventType::ALL.iter().copied().filter(|event| event.operation().is_some()))
    }

    /// The set of these types.
    pub fn of(types: impl IntoIterator<Item = EventType>) -> Self {
        types.into_iter().fold(Self::default(), |set, event| Self(set.0 | event.bit()))
    }

    /// Whether the type is in the set.
    pub const fn contain(self, event: EventType) -> bool {
        self.0 & event.bit() != 0
    }

    /// Whether none is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The types of the set, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        EventType::ALL.iter().copied().filter(move |event| self.contain(*event))
    }

    /// The kinds of operations that the set tells of.
    pub fn operations(self) -> impl Iterator<Item = OpKind> {
        self.iter().filter_map(EventType::operation)
    }

    /// The number that storage keeps.
    pub const fn stored(self) -> u32 {
        self.0
    }

    /// What storage keeps under a number; places that are unknown here are left out.
    pub fn from_stored(number: u32) -> Self {
        Self::of(EventType::ALL.iter().copied().filter(|event| number & event.bit() != 0))
    }
}

/// The id of the event that tells of an operation: `evt_` and 128 bits of a hash. Pinned for ever by a test vector.
pub fn event_id(wallet: WalletId, seq: i64) -> String {
    id(b"amvaj webhook event 1", wallet.uuid().as_bytes(), seq)
}

/// The id of a ping of an endpoint.
pub fn ping_id(endpoint: WebhookEndpointId, number: i64) -> String {
    id(b"amvaj webhook ping 1", endpoint.uuid().as_bytes(), number)
}

fn id(what: &[u8], of: &[u8], number: i64) -> String {
    let mut sealing = Sealing::new(what);
    sealing.column(Some(of));
    sealing.column(Some(&number.to_be_bytes()));
    let hash = sealing.hash();
    format!("evt_{}", hex(hash.first_chunk::<16>().unwrap_or(&[0; 16])))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_id_of_an_event_is_pinned_for_ever() {
        let wallet = WalletId::new(Uuid::from_u128(0x0193_4f2a_7c00_7abc_8def_0123_4567_89ab));
        assert_eq!(event_id(wallet, 7), "evt_39a109784c71f26a4178f857e2b2177b");
        assert_ne!(event_id(wallet, 7), event_id(wallet, 8));
        assert_ne!(event_id(wallet, 7), ping_id(WebhookEndpointId::new(wallet.uuid()), 7));
    }

    #[test]
    fn every_type_and_every_set_reads_back() {
        for event in EventType::ALL {
            assert_eq!(EventType::from_stored(event.stored()), Some(*event));
            assert_eq!(event.operation().and_then(EventType::of), event.operation().map(|_| *event));
        }
        let set = EventTypes::of([EventType::HoldExpired, EventType::PointsEarned]);
        assert_eq!(EventTypes::from_stored(set.stored()), set);
        assert_eq!(EventTypes::from_stored(u32::MAX), EventTypes::of(EventType::ALL.iter().copied()));
        assert_eq!(set.operations().collect::<Vec<_>>(), [OpKind::Earn, OpKind::HoldEnd]);
        assert!(!EventTypes::all().contain(EventType::Ping));
    }

    #[test]
    fn what_time_alone_does_to_a_wallet_is_told_to_no_merchant() {
        for kind in [OpKind::Activation, OpKind::Expiry, OpKind::Block, OpKind::Unblock] {
            assert_eq!(EventType::of(kind), None);
        }
    }
}
