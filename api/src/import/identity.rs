//! Identities that depend on the map and the file alone, so that a second run finds what the first one made; those of members
//! on the server's secret as well, because an erased member leaves its id, which would tell whoever tries numbers out.

use amvaj_domain::id::{BranchId, MemberId, MerchantId, WalletId};
use amvaj_domain::text::IdempotencyKey;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::auth::{Purpose, ServerSecret};

/// Gives out the identities of one map; its name is part of each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identities {
    name: String,
}

impl Identities {
    /// The identities of the map with this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// The merchant with this code in the map.
    pub fn merchant(&self, code: &str) -> MerchantId {
        MerchantId::new(self.uuid("merchant", &[code]))
    }

    /// The merchant's branch with this name in the file.
    pub fn branch(&self, merchant: MerchantId, name: &str) -> BranchId {
        BranchId::new(self.uuid("branch", &[&merchant.to_string(), name]))
    }

    /// The member with this reference in the file, and its wallet.
    pub fn member(&self, secret: &ServerSecret, reference: &str) -> (MemberId, WalletId) {
        let keyed = |kind: &str| {
            let parts = [self.name.as_bytes(), kind.as_bytes(), reference.as_bytes()];
            custom(secret.keyed_hash(Purpose::ImportedMember, &parts))
        };
        (MemberId::new(keyed("member")), WalletId::new(keyed("wallet")))
    }

    /// The id that the member with this reference got from imports before ids depended on a secret.
    pub fn member_before(&self, reference: &str) -> MemberId {
        MemberId::new(self.uuid("member", &[reference]))
    }

    /// A number below `limit` for a member's placeholder mobile; `attempt` gives another one when it is taken.
    pub fn mobile(&self, reference: &str, attempt: u32, limit: u64) -> u64 {
        let number = self.uuid("mobile", &[reference, &attempt.to_string()]).as_u128();
        let below = number.checked_rem(limit.into()).unwrap_or_default();
        u64::try_from(below).unwrap_or_default()
    }

    /// The idempotency key of the earn for a receipt.
    pub fn earn_key(&self, receipt: &str) -> IdempotencyKey {
        self.key("earn", &[receipt])
    }

    /// The idempotency key of what a cancellation takes back of a receipt.
    pub fn refund_key(&self, receipt: &str, cancellation: &str) -> IdempotencyKey {
        self.key("refund", &[receipt, cancellation])
    }

    #[expect(clippy::expect_used, reason = "a UUID after a prefix is ASCII and shorter than 64")]
    fn key(&self, kind: &str, parts: &[&str]) -> IdempotencyKey {
        let key = format!("import-{kind}-{}", self.uuid(kind, parts).simple());
        IdempotencyKey::parse(&key).expect("a key of legal length")
    }

    fn uuid(&self, kind: &str, parts: &[&str]) -> Uuid {
        custom(self.hash(kind, parts))
    }

    /// Every part is length-prefixed, so that no two identities run together.
    fn hash(&self, kind: &str, parts: &[&str]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in ["amvaj import", &self.name, kind].iter().chain(parts) {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

fn custom(hash: [u8; 32]) -> Uuid {
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(hash) {
        *place = byte;
    }
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_pinned_for_ever() {
        let ids = Identities::new("shop");
        assert_eq!(ids.merchant("a").to_string(), Identities::new("shop").merchant("a").to_string());
        assert_ne!(ids.merchant("a"), Identities::new("shop 2").merchant("a"));
        assert_eq!(ids.earn_key("1001").as_str(), "import-earn-da66c53ba8df8994b4c2189f0c31d658");
        assert_eq!(ids.member_before("7").to_string(), "424027b8-ca5d-8bf8-9a6a-5348785522df");
    }

    #[test]
    fn nobody_makes_the_ids_of_a_member_without_the_secret() {
        let ids = Identities::new("shop");
        let [one, other] = [(), ()].map(|()| ServerSecret::generate().unwrap());
        let (member, wallet) = ids.member(&one, "7");
        assert_eq!((member, wallet), ids.member(&one, "7"));
        assert_ne!(member.uuid(), wallet.uuid());
        assert_eq!(member.uuid().get_version_num(), 8);
        for differs in
            [ids.member(&one, "8"), ids.member(&other, "7"), Identities::new("x").member(&one, "7")]
        {
            assert!(differs.0 != member && differs.1 != wallet);
        }
        assert_ne!(member, ids.member_before("7"));
    }

    #[test]
    fn parts_do_not_run_together() {
        let ids = Identities::new("shop");
        assert_ne!(ids.refund_key("1", "23"), ids.refund_key("12", "3"));
    }
}
