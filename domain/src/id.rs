//! Identifiers: one newtype over a UUID for each noun, so that a member is never passed for a merchant.

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID that is already known to name this noun.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID, for storage and the wire.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A partner business that issues and accepts points.
    MerchantId;
    /// A place or channel of a merchant.
    BranchId;
    /// A person who collects points.
    MemberId;
    /// The account of points of one member.
    WalletId;
    /// A log-in that lasts until it is ended: all access tokens and refresh tokens that follow from it.
    SessionId;
    /// An operator or an agent, who logs in with a password.
    UserId;
    /// One of a merchant's people, who logs in with a code sent to a mobile.
    StaffId;
    /// A secret by which a merchant's program is known.
    ApiKeyId;
    /// A board that ranks members.
    BoardId;
    /// A place of a merchant to which events are sent.
    WebhookEndpointId;
    /// An event on its way to an endpoint.
    WebhookDeliveryId;
    /// A file that is made in the background.
    ExportId;
    /// Something that points buy.
    RewardId;
    /// A reward that somebody redeems.
    RedemptionId;
    /// One commit of a ledger writer; time-ordered, but commits do not follow that order.
    BatchId;
}

/// Number of shards that wallets are spread over; fixed for ever, because every wallet-side key starts with it.
pub const SHARDS: i16 = 256;

impl WalletId {
    /// The wallet's shard: the last byte of its id, 0–255. Pinned for ever by a test vector.
    pub fn shard_no(self) -> i16 {
        let [.., last] = self.0.into_bytes();
        i16::from(last)
    }

    /// The outbox bucket of the wallet's shard, 0–15, whatever the number of lanes.
    pub fn bucket(self) -> i16 {
        self.shard_no().rem_euclid(OUTBOX_BUCKETS)
    }
}

impl RedemptionId {
    /// The id in a wallet of what was first named by `fresh`: its last byte is the wallet's shard, so that the id alone
    /// finds the redemption.
    pub fn in_wallet(fresh: Uuid, wallet: WalletId) -> Self {
        let ([first @ .., _], [.., shard]) = (fresh.into_bytes(), wallet.0.into_bytes());
        let mut bytes = [shard; 16];
        for (place, byte) in bytes.iter_mut().zip(first) {
            *place = byte;
        }
        Self(Uuid::from_bytes(bytes))
    }

    /// The shard of its wallet.
    pub fn shard_no(self) -> i16 {
        let [.., last] = self.0.into_bytes();
        i16::from(last)
    }
}

/// Number of outbox buckets, each relayed by one lease holder.
pub const OUTBOX_BUCKETS: i16 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_keeps_its_shard_for_ever() {
        let wallet = WalletId::new(Uuid::from_u128(0x0193_4f2a_7c00_7abc_8def_0123_4567_89ab));
        assert_eq!(wallet.shard_no(), 0xab);
        assert_eq!(wallet.bucket(), 11);
    }

    #[test]
    fn a_redemption_is_in_the_shard_of_its_wallet() {
        let wallet = WalletId::new(Uuid::from_u128(0x07_ab));
        let id = RedemptionId::in_wallet(Uuid::from_u128(0x0193_4f2a_7c00_7abc_8def_0123_4567_8901), wallet);
        assert_eq!(id.shard_no(), wallet.shard_no());
        assert_eq!(id.uuid(), Uuid::from_u128(0x0193_4f2a_7c00_7abc_8def_0123_4567_89ab));
    }
}
