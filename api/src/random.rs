//! Identifiers made from a given time and the system's randomness, and what nobody may guess.

use amvaj_domain::time::Instant;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::{Builder, Uuid};

/// A fresh UUID of version 7 for `now`: sorted by time to the millisecond, 74 random bits.
pub fn uuid(now: Instant) -> Uuid {
    let millis = u64::try_from(now.micros().div_euclid(1_000)).unwrap_or_default();
    let mut random = [0; 10];
    // The library can only fail here before the system has gathered its first randomness. Uniqueness is all that
    // these identifiers need and no secret rests on them, so the time alone has to do then.
    if aws_lc_rs::rand::fill(&mut random).is_err() {
        tracing::warn!("the system has no randomness yet; identifiers rest on the time alone");
    }
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// A number used once: 128 random bits in base64. Nothing while the system has no randomness.
pub fn nonce() -> Option<String> {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).ok()?;
    Some(STANDARD.encode(random))
}
