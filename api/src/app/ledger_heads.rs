//! The ends of the ledger's chains as a text that can be kept anywhere.

use amvaj_domain::id::OUTBOX_BUCKETS;
use amvaj_domain::sealed::{hash_from_hex, hex};
use amvaj_domain::time::Instant;
use amvaj_infra::outbox;
use serde::{Deserialize, Serialize};

use super::{App, AppError};

/// The ends of the ledger's chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHeads {
    /// One hash for each chain, in hexadecimal digits; none where nothing is yet.
    pub hashes: Vec<Option<String>>,
}

impl LedgerHeads {
    /// From hashes as they are stored.
    pub fn from_bytes(heads: &[Option<Vec<u8>>]) -> Self {
        Self { hashes: heads.iter().map(|hash| hash.as_deref().map(hex)).collect() }
    }

    /// The hashes as they are stored; nothing when one of them is no hash, or when there are too few or too many.
    pub fn to_bytes(&self) -> Option<Vec<Option<Vec<u8>>>> {
        if i16::try_from(self.hashes.len()) != Ok(OUTBOX_BUCKETS) {
            return None;
        }
        let bytes = |text: &str| hash_from_hex(text).map(|hash| hash.to_vec());
        self.hashes
            .iter()
            .map(|hash| hash.as_deref().map_or(Some(None), |text| bytes(text).map(Some)))
            .collect()
    }
}

/// The ends of the chains as they are now, with the instant.
///
/// # Errors
/// When the database fails.
pub async fn ledger_heads(app: &App) -> Result<(LedgerHeads, Instant), AppError> {
    let now = app.now();
    let heads = outbox::heads(&app.db).await?;
    Ok((LedgerHeads::from_bytes(&heads), now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_survive_being_written_and_read() {
        let mut heads = vec![None; 16];
        heads[3] = Some(vec![0xab; 32]);
        heads[15] = Some((0..32).collect());
        let text = serde_json::to_string(&LedgerHeads::from_bytes(&heads)).unwrap();
        let read: LedgerHeads = serde_json::from_str(&text).unwrap();
        assert_eq!(read.to_bytes(), Some(heads));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let mut hashes = vec![None; 16];
        assert!(LedgerHeads { hashes: hashes.clone() }.to_bytes().is_some());
        assert!(LedgerHeads { hashes: hashes[1..].to_vec() }.to_bytes().is_none(), "too few");
        hashes[1] = Some("ab".to_owned());
        assert!(LedgerHeads { hashes }.to_bytes().is_none(), "no hash");
    }
}
