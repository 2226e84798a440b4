//! Refresh tokens: a session, a number, and a keyed hash of both. Nothing of them is stored but the number, and the
//! same number always makes the same token.

use amvaj_domain::id::SessionId;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::secret::{Purpose, ServerSecret};

/// What every refresh token begins with, so that people and scanners know one when they see it.
const PREFIX: &str = "amvaj_refresh_";

/// The refresh token of a session's generation.
pub fn write(secret: &ServerSecret, session: SessionId, generation: i32) -> String {
    let mut bytes = Vec::with_capacity(52);
    bytes.extend_from_slice(session.uuid().as_bytes());
    bytes.extend_from_slice(&generation.to_be_bytes());
    let hash = secret.keyed_hash(Purpose::RefreshToken, &[&bytes]);
    bytes.extend_from_slice(&hash);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The session and generation of a refresh token; nothing when we never made it.
pub fn read(secret: &ServerSecret, token: &str) -> Option<(SessionId, i32)> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim().strip_prefix(PREFIX)?).ok()?;
    let (named, hash) = bytes.split_at_checked(20)?;
    let expected = secret.keyed_hash(Purpose::RefreshToken, &[named]);
    verify_slices_are_equal(&expected, hash).ok()?;
    let (session, generation) = named.split_at_checked(16)?;
    let session = SessionId::new(Uuid::from_slice(session).ok()?);
    Some((session, i32::from_be_bytes(generation.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_no_other_text_does() {
        let secret = ServerSecret::generate().unwrap();
        let session = SessionId::new(Uuid::from_u128(7));
        let token = write(&secret, session, 3);
        assert_eq!(read(&secret, &token), Some((session, 3)));
        assert_ne!(write(&secret, session, 4), token);
        assert_eq!(read(&ServerSecret::generate().unwrap(), &token), None, "another server's");
        for length in 0..token.len() {
            assert_eq!(read(&secret, &token[..length]), None, "{length} characters");
        }
        assert_eq!(read(&secret, &token.replace(PREFIX, "amvaj_live_")), None);
        assert_eq!(read(&secret, &format!("{token}AAAA")), None);
    }
}
