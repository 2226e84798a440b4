//! The text of an API key.
//!
//! ```text
//! amvaj_live_3xK9aQ7e…            live or sandbox
//!            └──┬───┘└─ 43 random signs (256 bits) ── 10 signs of a keyed hash ── 6 signs of a checksum
//!      the visible beginning, one key's alone
//! ```
//!
//! Everything after the mode is letters and digits, so that a double click takes the whole. The checksum (CRC-32) tells
//! a typing error without asking anybody; the keyed hash tells a key that this installation never made, so that nobody
//! can have the database asked for keys that do not exist. What is stored is the SHA-256 of the whole text.

use amvaj_domain::network::NetworkMode;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use flate2::Crc;
use sha2::{Digest as _, Sha256};

use super::secret::{Purpose, ServerSecret};

const SIGNS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Signs of the beginning that everybody may see.
const VISIBLE: usize = 8;
/// Random signs after it: 43 of them hold 256 bits.
const SECRET: usize = 43;
/// Signs of the keyed hash: 59 bits.
const TAG: usize = 10;
/// Signs of the checksum: 32 bits.
const CHECKSUM: usize = 6;

/// A new key's text and what is kept of it. `Debug` shows the visible beginning only.
pub struct NewSecret {
    /// The whole text, to be shown once.
    pub text: String,
    /// Its visible beginning.
    pub prefix: String,
    /// SHA-256 of the whole text.
    pub hash: [u8; 32],
}

/// Why a text is no key of this installation, as far as the text alone tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTextError {
    /// It is mistyped or cut off.
    Mistyped,
    /// It is for another mode.
    Mode(NetworkMode),
    /// Nobody made it here.
    Unknown,
}

/// Whether a credential is meant as an API key.
pub fn is_meant(credential: &str) -> bool {
    NetworkMode::ALL.into_iter().any(|mode| credential.starts_with(beginning(mode)))
}

/// What a key is stored and remembered by.
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Makes a key; nothing while the system has no randomness.
pub fn make(secret: &ServerSecret, mode: NetworkMode) -> Option<NewSecret> {
    let mut text = beginning(mode).to_owned();
    let visible = text.len().saturating_add(VISIBLE);
    random_signs(&mut text, VISIBLE.saturating_add(SECRET))?;
    text.push_str(&tag(secret, &text));
    text.push_str(&checksum(&text));
    let prefix = text.get(..visible)?.to_owned();
    Some(NewSecret { hash: hash(&text), prefix, text })
}

/// The visible beginning of a key that this installation made.
pub fn read<'a>(secret: &ServerSecret, mode: NetworkMode, text: &'a str) -> Result<&'a str, KeyTextError> {
    let of = NetworkMode::ALL.into_iter().find(|mode| text.starts_with(beginning(*mode)));
    let of = of.ok_or(KeyTextError::Mistyped)?;
    let start = beginning(of).len();
    let end = start.saturating_add(VISIBLE + SECRET + TAG);
    let (checked, written) = text.split_at_checked(end).ok_or(KeyTextError::Mistyped)?;
    if !text.is_ascii() || checksum(checked) != written {
        return Err(KeyTextError::Mistyped);
    }
    if of != mode {
        return Err(KeyTextError::Mode(of));
    }
    let (made, written) = checked.split_at_checked(end.saturating_sub(TAG)).ok_or(KeyTextError::Mistyped)?;
    verify_slices_are_equal(tag(secret, made).as_bytes(), written.as_bytes())
        .map_err(|_| KeyTextError::Unknown)?;
    text.get(..start.saturating_add(VISIBLE)).ok_or(KeyTextError::Mistyped)
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NewSecret").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

const fn beginning(mode: NetworkMode) -> &'static str {
    match mode {
        NetworkMode::Live => "amvaj_live_",
        NetworkMode::Sandbox => "amvaj_sandbox_",
    }
}

/// Appends so many random signs. Bytes that would make some signs likelier than others are left out.
fn random_signs(text: &mut String, count: usize) -> Option<()> {
    let wanted = text.len().saturating_add(count);
    let mut random = [0; 64];
    while text.len() < wanted {
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let fair = random.iter().filter(|byte| **byte < 248);
        let signs = fair.filter_map(|byte| SIGNS.get(usize::from(*byte) % SIGNS.len()));
        text.extend(signs.take(wanted.saturating_sub(text.len())).copied().map(char::from));
    }
    Some(())
}

fn tag(secret: &ServerSecret, text: &str) -> String {
    let hash = secret.keyed_hash(Purpose::ApiKey, &[text.as_bytes()]);
    let number = hash.first_chunk().copied().map_or(0, u64::from_be_bytes);
    signs(number, TAG)
}

fn checksum(text: &str) -> String {
    let mut crc = Crc::new();
    crc.update(text.as_bytes());
    signs(crc.sum().into(), CHECKSUM)
}

/// The last so many signs of a number in base 62.
fn signs(mut number: u64, count: usize) -> String {
    let mut signs = Vec::with_capacity(count);
    for _ in 0..count {
        let sign = usize::try_from(number % 62).ok().and_then(|place| SIGNS.get(place));
        signs.extend(sign.copied().map(char::from));
        number /= 62;
    }
    signs.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (ServerSecret, NewSecret) {
        let secret = ServerSecret::generate().unwrap();
        let made = make(&secret, NetworkMode::Live).unwrap();
        (secret, made)
    }

    #[test]
    fn a_key_reads_back_and_has_a_fixed_shape() {
        let (secret, key) = made();
        assert_eq!(read(&secret, NetworkMode::Live, &key.text), Ok(key.prefix.as_str()));
        assert_eq!((key.text.len(), key.prefix.len()), (11 + 67, 11 + 8));
        assert!(key.text[11..].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", key.text);
        assert!(is_meant(&key.text) && !is_meant("amvaj_refresh_x") && !is_meant("eyJhbGciOiJFZERTQSJ9"));
        assert!(!format!("{key:?}").contains(&key.text));
        assert_ne!(make(&secret, NetworkMode::Live).unwrap().prefix, key.prefix);
    }

    #[test]
    fn every_typing_error_is_told_as_one() {
        let (secret, key) = made();
        let read = |text: &str| read(&secret, NetworkMode::Live, text).map(str::to_owned);
        for length in 0..key.text.len() {
            assert_eq!(read(&key.text[..length]), Err(KeyTextError::Mistyped), "{length} signs");
        }
        for place in 11..key.text.len() {
            let mut wrong = key.text.clone().into_bytes();
            wrong[place] = if wrong[place] == b'x' { b'y' } else { b'x' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(read(&wrong), Err(KeyTextError::Mistyped), "sign {place}");
        }
        for wrong in
            [format!("{}0", key.text), key.text.replace("live", "life"), key.text.replacen('_', "۱", 1)]
        {
            assert_eq!(read(&wrong), Err(KeyTextError::Mistyped), "{wrong}");
        }
    }

    #[test]
    fn a_key_of_another_mode_or_another_installation_is_told_as_such() {
        let (secret, key) = made();
        assert_eq!(
            read(&secret, NetworkMode::Sandbox, &key.text),
            Err(KeyTextError::Mode(NetworkMode::Live))
        );
        let stranger = ServerSecret::generate().unwrap();
        assert_eq!(read(&stranger, NetworkMode::Live, &key.text), Err(KeyTextError::Unknown));
    }

    #[test]
    fn all_signs_are_drawn_alike() {
        let mut text = String::new();
        random_signs(&mut text, 62_000).unwrap();
        for sign in SIGNS {
            let times = text.bytes().filter(|byte| byte == sign).count();
            assert!((800..1_200).contains(&times), "{} came {times} times", char::from(*sign));
        }
    }
}
