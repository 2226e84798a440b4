//! Secrets that are handed out once and kept as hashes: invitations and recovery codes; and the mark of a device on
//! which a user has logged in.

use amvaj_domain::id::UserId;
use amvaj_domain::text::ascii_digits;
use amvaj_domain::time::{Instant, Span};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::secret::{Purpose, ServerSecret};
use crate::random;

/// How many recovery codes a user has.
pub const RECOVERY_CODES: usize = 10;
/// For how long a device is known after a log-in on it.
pub const DEVICE_LIFE: Span = Span::days(180);

/// What invitations and devices begin with, so that people and scanners know one when they see it.
const INVITATION: &str = "amvaj_invitation_";
const DEVICE: &str = "amvaj_device_";
/// Letters and digits of recovery codes: none that is taken for another one.
const ALPHABET: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x',
    'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9', '1',
];
/// Characters of a recovery code, 5 bits each.
const CODE_LENGTH: usize = 12;
/// Characters between two dashes of a recovery code.
const GROUP: usize = 4;
/// Bytes of a device: the user, a number of its own, the time, and the hash.
const DEVICE_BYTES: usize = 16 + 16 + 8;

/// A new invitation; nothing while the system has no randomness.
pub fn invitation() -> Option<String> {
    Some(format!("{INVITATION}{}", URL_SAFE_NO_PAD.encode(random::bytes::<32>()?)))
}

/// What is kept of an invitation; of a text that is none, the hash of none.
pub fn invitation_hash(secret: &ServerSecret, invitation: &str) -> [u8; 32] {
    secret.keyed_hash(Purpose::Invitation, &[invitation.trim().as_bytes()])
}

/// New recovery codes; nothing while the system has no randomness.
pub fn recovery_codes() -> Option<Vec<String>> {
    (0..RECOVERY_CODES).map(|_| recovery_code()).collect()
}

fn recovery_code() -> Option<String> {
    let bytes = random::bytes::<CODE_LENGTH>()?;
    let mut code = String::with_capacity(CODE_LENGTH + CODE_LENGTH / GROUP);
    for (place, byte) in bytes.into_iter().enumerate() {
        if place > 0 && place.is_multiple_of(GROUP) {
            code.push('-');
        }
        code.extend(ALPHABET.get(usize::from(byte % 32)));
    }
    Some(code)
}

/// What is kept of a user's recovery code. Small and capital letters are the same; spaces and dashes do not count.
pub fn recovery_code_hash(secret: &ServerSecret, user: Option<UserId>, code: &str) -> [u8; 32] {
    let code: String = ascii_digits(code).chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let user = user.map_or(Uuid::nil(), UserId::uuid);
    secret.keyed_hash(Purpose::RecoveryCode, &[user.as_bytes(), code.to_ascii_lowercase().as_bytes()])
}

/// Marks the device on which a user has just logged in; nothing while the system has no randomness. It proves nothing
/// but that: whoever has it still needs password and code.
pub fn device(secret: &ServerSecret, user: UserId, now: Instant) -> Option<String> {
    let mut bytes = Vec::with_capacity(DEVICE_BYTES + 32);
    bytes.extend_from_slice(user.uuid().as_bytes());
    bytes.extend_from_slice(&random::bytes::<16>()?);
    bytes.extend_from_slice(&now.micros().to_be_bytes());
    let hash = secret.keyed_hash(Purpose::Device, &[&bytes]);
    bytes.extend_from_slice(&hash);
    Some(format!("{DEVICE}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The number of a device on which this user has logged in lately; nothing when it is none of ours, another user's or
/// too old.
pub fn known_device(secret: &ServerSecret, user: UserId, token: &str, now: Instant) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim().strip_prefix(DEVICE)?).ok()?;
    let (told, hash) = bytes.split_at_checked(DEVICE_BYTES)?;
    verify_slices_are_equal(&secret.keyed_hash(Purpose::Device, &[told]), hash).ok()?;
    let (owner, rest) = told.split_at_checked(16)?;
    let (number, since) = rest.split_at_checked(16)?;
    let since = Instant::from_micros(i64::from_be_bytes(since.try_into().ok()?));
    let good = owner == user.uuid().as_bytes() && now < since.plus(DEVICE_LIFE);
    good.then(|| Uuid::from_slice(number).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[test]
    fn recovery_codes_differ_and_are_read_as_people_type_them() {
        let secret = ServerSecret::generate().unwrap();
        let codes = recovery_codes().unwrap();
        let different: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(different.len(), RECOVERY_CODES);
        let code = &codes[0];
        assert_eq!(code.len(), 14, "{code}");
        let hash = |user, text: &str| recovery_code_hash(&secret, Some(user), text);
        let typed = format!(" {} ", code.to_uppercase().replace('-', " "));
        assert_eq!(hash(user(1), &typed), hash(user(1), code));
        assert_ne!(hash(user(2), code), hash(user(1), code), "each user has its own");
        assert_ne!(hash(user(1), &codes[1]), hash(user(1), code));
    }

    #[test]
    fn the_alphabet_has_no_letter_twice() {
        let letters: std::collections::HashSet<_> = ALPHABET.iter().collect();
        assert_eq!(letters.len(), ALPHABET.len());
        assert!(ALPHABET.iter().all(|letter| letter.is_ascii_alphanumeric() && !letter.is_ascii_uppercase()));
    }

    #[test]
    fn a_device_is_known_for_its_user_on_this_server_for_half_a_year() {
        let (secret, now) = (ServerSecret::generate().unwrap(), Instant::from_micros(1_800_000_000_000_000));
        let token = device(&secret, user(1), now).unwrap();
        assert!(known_device(&secret, user(1), &token, now).is_some());
        assert_ne!(device(&secret, user(1), now).unwrap(), token);
        assert_eq!(known_device(&secret, user(2), &token, now), None);
        assert_eq!(known_device(&ServerSecret::generate().unwrap(), user(1), &token, now), None);
        assert_eq!(known_device(&secret, user(1), &token, now.plus(DEVICE_LIFE)), None);
        for length in 0..token.len() {
            assert_eq!(known_device(&secret, user(1), &token[..length], now), None, "{length} characters");
        }
    }

    #[test]
    fn no_two_invitations_are_alike() {
        let secret = ServerSecret::generate().unwrap();
        let (one, other) = (invitation().unwrap(), invitation().unwrap());
        assert_ne!(invitation_hash(&secret, &one), invitation_hash(&secret, &other));
        assert_eq!(invitation_hash(&secret, &format!(" {one}\n")), invitation_hash(&secret, &one));
    }
}
