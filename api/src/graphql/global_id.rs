//! Global ids: one opaque text per object, which says its type and key, so that `node(id)` can find any of them.
//!
//! The text is the base64url form of a tag byte, the UUID, and for objects within another their number. Clients
//! must not read it; we may change it, but old ids keep their meaning: tags are never reused.

use amvaj_domain::id::{
    ApiKeyId, BoardId, BranchId, ExportId, MemberId, MerchantId, RedemptionId, RewardId, SessionId, StaffId,
    UserId, WalletId, WebhookDeliveryId, WebhookEndpointId,
};
use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The key of an object that has a global id. A new type needs a variant, its tag in both directions below, and an
/// arm in [`super::node`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GlobalId {
    /// A merchant.
    Merchant(MerchantId),
    /// A branch.
    Branch(BranchId),
    /// A version of a merchant's earn rule.
    EarnRule(MerchantId, i32),
    /// A member.
    Member(MemberId),
    /// A wallet.
    Wallet(WalletId),
    /// An operation, by its wallet and its number there.
    Operation(WalletId, i64),
    /// A hold, by its wallet and the number of the operation that made it.
    Hold(WalletId, i64),
    /// A purchase, by its wallet and the number of its earn.
    Purchase(WalletId, i64),
    /// An operator or an agent.
    User(UserId),
    /// One of a merchant's people.
    Staff(StaffId),
    /// A merchant's key.
    ApiKey(ApiKeyId),
    /// A log-in.
    Session(SessionId),
    /// A leaderboard.
    Leaderboard(BoardId),
    /// A merchant's endpoint for webhooks.
    WebhookEndpoint(WebhookEndpointId),
    /// An event on its way to an endpoint.
    WebhookDelivery(WebhookDeliveryId),
    /// A file that is made in the background.
    Export(ExportId),
    /// A reward.
    Reward(RewardId),
    /// A redemption of a reward.
    Redemption(RedemptionId),
}

impl GlobalId {
    /// Reads an id; nothing when we never made such a one.
    pub fn read(id: &ID) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id.as_str()).ok()?;
        let (tag, key) = bytes.split_first()?;
        let (uuid, number) = key.split_at_checked(16)?;
        let uuid = Uuid::from_slice(uuid).ok()?;
        let number: Option<i64> = match number {
            [] => None,
            number => Some(i64::from_be_bytes(number.try_into().ok()?)),
        };
        match (tag, number) {
            (1, None) => Some(Self::Merchant(MerchantId::new(uuid))),
            (2, None) => Some(Self::Branch(BranchId::new(uuid))),
            (3, Some(version)) => Some(Self::EarnRule(MerchantId::new(uuid), i32::try_from(version).ok()?)),
            (4, None) => Some(Self::Member(MemberId::new(uuid))),
            (5, None) => Some(Self::Wallet(WalletId::new(uuid))),
            (6, Some(seq)) => Some(Self::Operation(WalletId::new(uuid), seq)),
            (7, Some(seq)) => Some(Self::Hold(WalletId::new(uuid), seq)),
            (8, Some(seq)) => Some(Self::Purchase(WalletId::new(uuid), seq)),
            (14, None) => Some(Self::User(UserId::new(uuid))),
            (13, None) => Some(Self::Staff(StaffId::new(uuid))),
            (12, None) => Some(Self::ApiKey(ApiKeyId::new(uuid))),
            (15, None) => Some(Self::Session(SessionId::new(uuid))),
            (16, None) => Some(Self::Leaderboard(BoardId::new(uuid))),
            (17, None) => Some(Self::WebhookEndpoint(WebhookEndpointId::new(uuid))),
            (18, None) => Some(Self::WebhookDelivery(WebhookDeliveryId::new(uuid))),
            (21, None) => Some(Self::Export(ExportId::new(uuid))),
            (19, None) => Some(Self::Reward(RewardId::new(uuid))),
            (20, None) => Some(Self::Redemption(RedemptionId::new(uuid))),
            _ => None,
        }
    }

    /// Writes the id.
    pub fn write(self) -> ID {
        let (tag, uuid, number): (u8, Uuid, Option<i64>) = match self {
            Self::Merchant(id) => (1, id.uuid(), None),
            Self::Branch(id) => (2, id.uuid(), None),
            Self::EarnRule(merchant, version) => (3, merchant.uuid(), Some(version.into())),
            Self::Member(id) => (4, id.uuid(), None),
            Self::Wallet(id) => (5, id.uuid(), None),
            Self::Operation(wallet, seq) => (6, wallet.uuid(), Some(seq)),
            Self::Hold(wallet, seq) => (7, wallet.uuid(), Some(seq)),
            Self::Purchase(wallet, seq) => (8, wallet.uuid(), Some(seq)),
            Self::User(id) => (14, id.uuid(), None),
            Self::Staff(id) => (13, id.uuid(), None),
            Self::ApiKey(id) => (12, id.uuid(), None),
            Self::Session(id) => (15, id.uuid(), None),
            Self::Leaderboard(id) => (16, id.uuid(), None),
            Self::WebhookEndpoint(id) => (17, id.uuid(), None),
            Self::WebhookDelivery(id) => (18, id.uuid(), None),
            Self::Export(id) => (21, id.uuid(), None),
            Self::Reward(id) => (19, id.uuid(), None),
            Self::Redemption(id) => (20, id.uuid(), None),
        };
        let mut bytes = vec![tag];
        bytes.extend_from_slice(uuid.as_bytes());
        if let Some(number) = number {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        ID(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The merchant that an id names; nothing when it names something else.
    pub fn merchant(id: &ID) -> Option<MerchantId> {
        match Self::read(id)? {
            Self::Merchant(id) => Some(id),
            _ => None,
        }
    }

    /// The branch that an id names; nothing when it names something else.
    pub fn branch(id: &ID) -> Option<BranchId> {
        match Self::read(id)? {
            Self::Branch(id) => Some(id),
            _ => None,
        }
    }

    /// The person of a merchant's staff that an id names; nothing when it names something else.
    pub fn staff(id: &ID) -> Option<StaffId> {
        match Self::read(id)? {
            Self::Staff(id) => Some(id),
            _ => None,
        }
    }

    /// The session that an id names; nothing when it names something else.
    pub fn session(id: &ID) -> Option<SessionId> {
        match Self::read(id)? {
            Self::Session(id) => Some(id),
            _ => None,
        }
    }

    /// The leaderboard that an id names; nothing when it names something else.
    pub fn leaderboard(id: &ID) -> Option<BoardId> {
        match Self::read(id)? {
            Self::Leaderboard(id) => Some(id),
            _ => None,
        }
    }

    /// The user that an id names; nothing when it names something else.
    pub fn user(id: &ID) -> Option<UserId> {
        match Self::read(id)? {
            Self::User(id) => Some(id),
            _ => None,
        }
    }

    /// The reward that an id names; nothing when it names something else.
    pub fn reward(id: &ID) -> Option<RewardId> {
        match Self::read(id)? {
            Self::Reward(id) => Some(id),
            _ => None,
        }
    }

    /// The redemption that an id names; nothing when it names something else.
    pub fn redemption(id: &ID) -> Option<RedemptionId> {
        match Self::read(id)? {
            Self::Redemption(id) => Some(id),
            _ => None,
        }
    }

    /// The member that an id names; nothing when it names something else.
    pub fn member(id: &ID) -> Option<MemberId> {
        match Self::read(id)? {
            Self::Member(id) => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_never_as_another_type() {
        let uuid = Uuid::from_u128(0x0193_e4a0_7a1b_7c3d_8e4f_5a6b_7c8d_9e0f);
        let ids = [
            GlobalId::Merchant(MerchantId::new(uuid)),
            GlobalId::Branch(BranchId::new(uuid)),
            GlobalId::EarnRule(MerchantId::new(uuid), 7),
            GlobalId::Member(MemberId::new(uuid)),
            GlobalId::User(UserId::new(uuid)),
            GlobalId::Staff(StaffId::new(uuid)),
            GlobalId::ApiKey(ApiKeyId::new(uuid)),
            GlobalId::Session(SessionId::new(uuid)),
            GlobalId::Leaderboard(BoardId::new(uuid)),
            GlobalId::WebhookEndpoint(WebhookEndpointId::new(uuid)),
            GlobalId::WebhookDelivery(WebhookDeliveryId::new(uuid)),
            GlobalId::Export(ExportId::new(uuid)),
            GlobalId::Reward(RewardId::new(uuid)),
            GlobalId::Redemption(RedemptionId::new(uuid)),
        ];
        let written: std::collections::HashSet<_> = ids.iter().map(|id| id.write()).collect();
        assert_eq!(written.len(), ids.len());
        for id in ids {
            assert_eq!(GlobalId::read(&id.write()), Some(id));
        }
        assert_eq!(GlobalId::merchant(&ids[3].write()), None);
    }

    #[test]
    fn foreign_texts_are_no_ids() {
        for wrong in ["", "1", "AQ", "merchant:1", "AZPkoHobfD2OT1prfI2eDwAAAA", "Zm9v", "۱۲"] {
            assert_eq!(GlobalId::read(&ID(wrong.to_owned())), None, "{wrong}");
        }
    }
}
