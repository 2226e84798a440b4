//! The ledger's chain: links that make a later change of the journal evident.
//!
//! Each bucket of the outbox has a chain of its own. A link seals the operations of one batch in that bucket; its hash
//! covers the hash of the link before it, so whoever keeps the last one can tell that nothing before it was changed,
//! removed or put in.

use uuid::Uuid;

use crate::sealed::{Hash, Sealing};

const OPERATIONS: &[u8] = b"amvaj operations 1";
const LINK: &[u8] = b"amvaj ledger link 1";

/// What the operations of a batch come to, column by column as they are stored, in the order of wallet and sequence
/// number.
pub fn operations() -> Sealing {
    Sealing::new(OPERATIONS)
}

/// A link before it has its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// The bucket of the outbox.
    pub bucket: i16,
    /// The batch's number in its bucket.
    pub relay_no: i64,
    /// The batch.
    pub batch: Uuid,
    /// How many operations it has in this bucket.
    pub operations: i64,
    /// What they come to.
    pub digest: &'a [u8],
    /// The hash of the link before it; empty in the first one.
    pub previous: &'a [u8],
}

impl Link<'_> {
    /// The link's hash. Pinned for ever by a test vector.
    pub fn hash(&self) -> Hash {
        let mut sealing = Sealing::new(LINK);
        sealing.column(Some(self.previous));
        sealing.column(Some(&self.bucket.to_be_bytes()));
        sealing.column(Some(&self.relay_no.to_be_bytes()));
        sealing.column(Some(self.batch.as_bytes()));
        sealing.column(Some(&self.operations.to_be_bytes()));
        sealing.column(Some(self.digest));
        sealing.hash()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::hex;

    const FIRST: Link<'_> = Link {
        bucket: 3,
        relay_no: 1,
        batch: Uuid::from_u128(7),
        operations: 2,
        digest: b"digest",
        previous: b"",
    };

    #[test]
    fn a_links_hash_is_pinned_for_ever() {
        assert_eq!(hex(&FIRST.hash()), "08d21dc84c65321eed87ed010306469bd3b36ef6aef9d885bd8cbbd1ec09f0c6");
    }

    #[test]
    fn whatever_a_link_says_changes_its_hash() {
        let others = [
            Link { bucket: 4, ..FIRST },
            Link { relay_no: 2, ..FIRST },
            Link { batch: Uuid::from_u128(8), ..FIRST },
            Link { operations: 3, ..FIRST },
            Link { digest: b"other", ..FIRST },
            Link { previous: b"other", ..FIRST },
        ];
        assert!(others.iter().all(|other| other.hash() != FIRST.hash()));
    }
}
