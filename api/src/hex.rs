//! Bytes as people compare them.

use std::fmt::Write as _;

/// Two hexadecimal digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A text takes everything that is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
