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

/// Six digits that nobody can guess, each of the million equally likely. Nothing while the system has no randomness.
pub fn code() -> Option<String> {
    const CODES: u32 = 1_000_000;
    // What the last round of a million does not fill is drawn again, or low codes would be likelier than high ones.
    const FAIR: u32 = u32::MAX - u32::MAX % CODES;
    loop {
        let mut random = [0; 4];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let number = u32::from_be_bytes(random);
        if number < FAIR {
            return Some(format!("{:06}", number % CODES));
        }
    }
}

/// 128 random bits that name something whose name is a secret. Nothing while the system has no randomness.
pub fn secret_uuid() -> Option<Uuid> {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).ok()?;
    Some(Builder::from_random_bytes(random).into_uuid())
}

/// So many random bytes, for secrets. Nothing while the system has no randomness.
pub fn bytes<const N: usize>() -> Option<[u8; N]> {
    let mut random = [0; N];
    aws_lc_rs::rand::fill(&mut random).ok()?;
    Some(random)
}

/// A number used once: 128 random bits in base64. Nothing while the system has no randomness.
pub fn nonce() -> Option<String> {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).ok()?;
    Some(STANDARD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_six_digits_and_begin_with_each_of_them() {
        let mut beginnings = [0_u32; 10];
        for _ in 0..10_000 {
            let code = code().unwrap();
            assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            beginnings[usize::from(code.as_bytes()[0] - b'0')] += 1;
        }
        // A thousand each; one of them outside of this range comes once in far more runs than there will be.
        assert!(beginnings.iter().all(|count| (750..1_250).contains(count)), "{beginnings:?}");
    }
}
