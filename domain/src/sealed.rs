//! Hashes over stored columns: the links of the chains that make a later change evident.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// A link of a chain: SHA-256.
pub type Hash = [u8; 32];

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The hash that a text of 64 hexadecimal digits stands for.
pub fn hash_from_hex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let places = (0..text.len()).step_by(2);
    if text.len() != hash.len().saturating_mul(2) {
        return None;
    }
    for (byte, at) in hash.iter_mut().zip(places) {
        let pair = text
            .get(at..at.saturating_add(2))
            .filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(hash)
}

/// SHA-256 over columns, each with its length before it, so that no two rows are encoded alike.
#[derive(Debug, Clone)]
pub struct Sealing(Sha256);

impl Sealing {
    /// Begins with what is sealed, so that the hash of one thing is never that of another.
    pub fn new(what: &[u8]) -> Self {
        let mut sealing = Self(Sha256::new());
        sealing.column(Some(what));
        sealing
    }

    /// Adds a column; none is not the same as an empty one.
    pub fn column(&mut self, bytes: Option<&[u8]>) {
        self.0.update([u8::from(bytes.is_some())]);
        if let Some(bytes) = bytes {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.0.update(length.to_be_bytes());
            self.0.update(bytes);
        }
    }

    /// The hash of all columns.
    pub fn hash(self) -> Hash {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(columns: &[Option<&[u8]>]) -> Hash {
        let mut sealing = Sealing::new(b"test");
        for column in columns {
            sealing.column(*column);
        }
        sealing.hash()
    }

    #[test]
    fn a_hash_survives_being_written_and_read() {
        let hash = hash(&[]);
        assert_eq!(hash_from_hex(&hex(&hash)), Some(hash));
        for text in ["", "ab", &"zz".repeat(32), &"+1".repeat(32), &"é".repeat(32), &"ab".repeat(33)] {
            assert_eq!(hash_from_hex(text), None, "{text}");
        }
    }

    #[test]
    fn columns_do_not_run_together() {
        let hashes = [
            hash(&[Some(b"ab"), Some(b"c")]),
            hash(&[Some(b"a"), Some(b"bc")]),
            hash(&[Some(b"abc")]),
            hash(&[Some(b"abc"), None]),
            hash(&[Some(b"abc"), Some(b"")]),
            Sealing::new(b"other").hash(),
        ];
        for (at, one) in hashes.iter().enumerate() {
            assert!(hashes[at + 1..].iter().all(|other| other != one));
        }
    }
}
