//! Idempotency: who asked, with which key, for what.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    id::{MemberId, MerchantId},
    text::IdempotencyKey,
};

/// On whose behalf an operation runs: the owner of its idempotency key. It is the tenant, never the credential,
/// so that two tills of one merchant share their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tenant {
    /// A merchant.
    Merchant(MerchantId),
    /// A member.
    Member(MemberId),
    /// The operator of the network.
    Network,
    /// The ledger itself: activation, hold end, expiry, a refund that waited. Its keys are deterministic.
    Internal,
}

impl Tenant {
    /// The stored form: one byte of kind and sixteen of id (zeros where there is none).
    pub fn to_bytes(self) -> [u8; 17] {
        let (kind, id) = match self {
            Self::Merchant(id) => (1, id.uuid()),
            Self::Member(id) => (2, id.uuid()),
            Self::Network => (3, Uuid::nil()),
            Self::Internal => (4, Uuid::nil()),
        };
        let mut bytes = [kind; 17];
        for (place, byte) in bytes.iter_mut().skip(1).zip(id.into_bytes()) {
            *place = byte;
        }
        bytes
    }

    /// Reads the stored form.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, id) = bytes.split_first()?;
        let id = Uuid::from_slice(id).ok()?;
        match kind {
            1 => Some(Self::Merchant(MerchantId::new(id))),
            2 => Some(Self::Member(MemberId::new(id))),
            3 => Some(Self::Network),
            4 => Some(Self::Internal),
            _ => None,
        }
    }
}

/// The identity of a request: the first sixteen bytes of SHA-256(length-prefixed tenant ‖ key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Idem(Uuid);

impl Idem {
    /// The identity of `key` when `tenant` uses it.
    pub fn of(tenant: Tenant, key: &IdempotencyKey) -> Self {
        Self::hash(tenant, key.as_str())
    }

    /// The identity of an operation of the ledger itself, from its deterministic key.
    pub fn internal(key: &str) -> Self {
        Self::hash(Tenant::Internal, key)
    }

    /// An identity read back from storage.
    pub const fn stored(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The sixteen bytes.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    fn hash(tenant: Tenant, key: &str) -> Self {
        let tenant = tenant.to_bytes();
        let mut hash = Sha256::new();
        hash.update([17]);
        hash.update(tenant);
        hash.update(key.as_bytes());
        Self(first_sixteen(hash))
    }
}

/// A fingerprint of a request's input, by which a repeated key with another body is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(Uuid);

impl Digest {
    /// No input: operations of the ledger itself.
    pub const NONE: Self = Self(Uuid::nil());

    /// The fingerprint of an input as it was given, field by field. Every field is length-prefixed, so that
    /// no two inputs run together.
    pub fn of<'a>(fields: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for field in fields {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        Self(first_sixteen(hash))
    }

    /// A fingerprint read back from storage.
    pub const fn stored(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The sixteen bytes.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

/// What a request is known by when its key comes again.
///
/// A fingerprint that anybody can make of a request tells whoever has the database which number it named: numbers are few
/// enough to try all of them. So what names a person is kept with a key, and the fingerprint without one is known again
/// where it was kept before there was a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Body {
    kept: Digest,
    former: Digest,
}

impl Body {
    /// A request with a fingerprint that only the holder of a key can make, and the one that anybody can.
    pub const fn keyed(kept: Digest, former: Digest) -> Self {
        Self { kept, former }
    }

    /// The fingerprint that is kept.
    pub const fn kept(self) -> Digest {
        self.kept
    }

    /// Whether `stored` was kept of this request.
    pub fn was_kept_as(self, stored: Digest) -> bool {
        stored == self.kept || stored == self.former
    }
}

impl From<Digest> for Body {
    /// A request that names nobody.
    fn from(digest: Digest) -> Self {
        Self { kept: digest, former: digest }
    }
}

fn first_sixteen(hash: Sha256) -> Uuid {
    let mut first = [0; 16];
    for (place, byte) in first.iter_mut().zip(hash.finalize()) {
        *place = byte;
    }
    Uuid::from_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_of_a_key_is_pinned_for_ever() {
        let merchant =
            Tenant::Merchant(MerchantId::new(Uuid::from_u128(0x0193_4f2a_7c00_7abc_8def_0123_4567_89ab)));
        let key = IdempotencyKey::parse("till-7/2026-11-22/000123").unwrap();
        assert_eq!(
            Idem::of(merchant, &key).uuid(),
            Uuid::from_u128(0xa7a5_39c2_4ba3_5e42_9529_56f8_a9d0_de40)
        );
        assert_ne!(Idem::of(Tenant::Network, &key), Idem::of(merchant, &key));
    }

    #[test]
    fn fields_of_a_fingerprint_do_not_run_together() {
        assert_ne!(Digest::of([b"ab".as_slice(), b"c"]), Digest::of([b"a".as_slice(), b"bc"]));
    }

    #[test]
    fn a_request_is_known_again_by_what_is_kept_now_and_by_what_was_kept_before() {
        let [keyed, plain, other] = [[1], [2], [3]].map(|field| Digest::of([field.as_slice()]));
        let body = Body::keyed(keyed, plain);
        assert_eq!(body.kept(), keyed);
        assert!(body.was_kept_as(keyed) && body.was_kept_as(plain) && !body.was_kept_as(other));
        assert!(Body::from(plain).was_kept_as(plain) && !Body::from(plain).was_kept_as(keyed));
    }

    #[test]
    fn a_tenant_survives_storage() {
        let id = Uuid::from_u128(7);
        for tenant in [
            Tenant::Merchant(MerchantId::new(id)),
            Tenant::Member(MemberId::new(id)),
            Tenant::Network,
            Tenant::Internal,
        ] {
            assert_eq!(Tenant::from_bytes(&tenant.to_bytes()), Some(tenant));
        }
        assert_eq!(Tenant::from_bytes(&[9; 17]), None);
        assert_eq!(Tenant::from_bytes(&[1, 2]), None);
    }
}
