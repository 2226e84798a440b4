//! The Ed25519 key that signs access tokens: kept in a PEM file, made on the first start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use amvaj_domain::time::Instant;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use thiserror::Error;

/// The keys that are in use: one signs, all of them verify. A rotation adds a key to verify with before it signs.
#[derive(Clone)]
pub struct KeySet {
    first: Dated,
    later: Vec<Dated>,
}

#[derive(Clone)]
struct Dated {
    key: SigningKey,
    signs_from: Instant,
}

impl KeySet {
    /// A set of one key, which signs.
    pub fn new(signing: SigningKey) -> Self {
        Self { first: Dated { key: signing, signs_from: Instant::from_micros(0) }, later: Vec::new() }
    }

    /// The same with another time from which its first key signs.
    #[must_use]
    pub(super) fn signing_from(mut self, signs_from: Instant) -> Self {
        self.first.signs_from = signs_from;
        self
    }

    /// Adds a key that signs from `signs_from` on, which is not before any other's time, and verifies at once.
    #[must_use]
    pub fn with(mut self, key: SigningKey, signs_from: Instant) -> Self {
        self.later.push(Dated { key, signs_from });
        self
    }

    /// The key that signs at `now`: the latest whose time has come.
    pub fn signing(&self, now: Instant) -> &SigningKey {
        let due = self.later.iter().rev().find(|dated| dated.signs_from <= now);
        &due.unwrap_or(&self.first).key
    }

    /// The key that a token names.
    pub fn find(&self, id: &str) -> Option<&SigningKey> {
        self.keys().find(|key| key.id == id)
    }

    /// All keys, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.first).chain(&self.later).map(|dated| &dated.key)
    }

    /// Whether the other set has the same keys that sign from the same times on.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let dates = |set: &Self| -> Vec<(String, Instant)> {
            let dated = std::iter::once(&set.first).chain(&set.later);
            dated.map(|dated| (dated.key.id.clone(), dated.signs_from)).collect()
        };
        dates(self) == dates(other)
    }

    /// The public keys as others read them (RFC 7517), those that will sign soon included.
    pub fn public(&self) -> JwkSet {
        JwkSet { keys: self.keys().filter_map(SigningKey::public).collect() }
    }
}

/// An Ed25519 key pair, named by the RFC 7638 thumbprint of its public half.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Why there is no signing key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The file or its folder cannot be read or written.
    #[error(
        "the signing key {} cannot be {action}: {source}; check the folder's permissions or set AMVAJ_AUTH_KEY_FILE",
        path.display()
    )]
    File {
        /// The key's file.
        path: PathBuf,
        /// What was being done with it.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there but holds something else.
    #[error(
        "{} is not an Ed25519 private key in PEM (PKCS#8); move it away and a new one is made at the next start",
        path.display()
    )]
    NotAKey {
        /// The key's file.
        path: PathBuf,
    },
    /// The cryptographic library could not make a key.
    #[error("the system could not make a signing key")]
    Generate,
}

impl SigningKey {
    /// Reads the key from its file, or makes the file. Processes that start together agree on one key: each writes
    /// its own candidate in full and only one of them can take the name.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        let (_, pem) = Self::draw()?;
        publish(path, &pem).map_err(|source| KeyError::File {
            path: path.to_path_buf(),
            action: "made",
            source,
        })?;
        Self::load(path)?.ok_or_else(|| KeyError::NotAKey { path: path.to_path_buf() })
    }

    /// A key that no file knows, for tests.
    pub fn generate() -> Result<Self, KeyError> {
        Self::draw().map(|(key, _)| key)
    }

    /// A new key and its text.
    pub(super) fn draw() -> Result<(Self, String), KeyError> {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(|_| KeyError::Generate)?;
        let pem = to_pem(pkcs8.as_ref());
        Ok((Self::from_pem(&pem).ok_or(KeyError::Generate)?, pem))
    }

    /// The key's name in a token's `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half as others read it.
    fn public(&self) -> Option<Jwk> {
        let mut jwk = Jwk::from_decoding_key(&self.decoding, Some(Algorithm::EdDSA)).ok()?;
        jwk.common.key_id = Some(self.id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(jwk)
    }

    pub(super) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    pub(super) fn load(path: &Path) -> Result<Option<Self>, KeyError> {
        match fs::read_to_string(path) {
            Ok(pem) => match Self::from_pem(&pem) {
                Some(key) => Ok(Some(key)),
                None => Err(KeyError::NotAKey { path: path.to_path_buf() }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(KeyError::NotAKey { path: path.to_path_buf() })
            }
            Err(source) => Err(KeyError::File { path: path.to_path_buf(), action: "read", source }),
        }
    }

    /// Nothing when the text holds no Ed25519 private key. What stands before it does not matter.
    pub(super) fn from_pem(text: &str) -> Option<Self> {
        let pem = text.get(text.find("-----BEGIN")?..)?;
        let encoding = EncodingKey::from_ed_pem(pem.as_bytes()).ok()?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(encoding.as_bytes()).ok()?;
        let decoding = DecodingKey::from_ed_der(pair.public_key().as_ref());
        let id = Jwk::from_decoding_key(&decoding, Some(Algorithm::EdDSA))
            .and_then(|jwk| jwk.thumbprint(ThumbprintHash::SHA256))
            .ok()?;
        Some(Self { id, encoding, decoding })
    }
}

/// An Ed25519 key in PKCS#8 is 48 bytes, so its base64 is exactly one line of PEM.
fn to_pem(pkcs8: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8))
}

/// Gives the text the path's name, unless another process was first; a reader never sees half a file. A hard link
/// is made rather than a rename, because it fails where a rename would replace the other's key.
pub(super) fn publish(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let name = crate::random::uuid(Instant::from_micros(0));
    let candidate = path.with_extension(format!("{name}.new"));
    let mut file = create_private(&candidate)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&candidate, path);
    fs::remove_file(&candidate)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes a file that only its owner can read from its first byte on.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("amvaj-key-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let path = folder("once").join("deep/signing-key.pem");
        let first = SigningKey::load_or_create(&path).unwrap();
        let second = SigningKey::load_or_create(&path).unwrap();
        assert_eq!(first.id(), second.id());
        assert_eq!(first.id().len(), 43);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_second_publisher_does_not_replace_the_first_key() {
        let path = folder("race").join("signing-key.pem");
        publish(&path, "first").unwrap();
        publish(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
    }

    #[test]
    fn starts_at_the_same_time_agree_on_one_key() {
        let path = folder("together").join("signing-key.pem");
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || SigningKey::load_or_create(&path).unwrap().id().to_owned())
            })
            .collect();
        let ids: std::collections::HashSet<_> =
            starts.into_iter().map(|start| start.join().unwrap()).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_with_something_else_is_named_and_left_alone() {
        let path = folder("other").join("signing-key.pem");
        publish(&path, "not a key").unwrap();
        let error = SigningKey::load_or_create(&path).err().unwrap();
        assert!(error.to_string().contains("signing-key.pem is not an Ed25519 private key"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "not a key");
    }

    #[test]
    fn a_set_finds_its_older_keys_too_and_publishes_nothing_secret() {
        let (new, old) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let turn = Instant::from_micros(1_000);
        let set = KeySet::new(old.clone()).with(new.clone(), turn);
        assert_eq!(set.signing(turn).id(), new.id());
        assert_eq!(set.signing(Instant::from_micros(999)).id(), old.id());
        assert!(set.find(old.id()).is_some());
        assert!(set.find("unknown").is_none());
        let published = serde_json::to_value(set.public()).unwrap();
        for (key, of) in published["keys"].as_array().unwrap().iter().zip([&old, &new]) {
            let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
            assert_eq!(
                (&key["kid"], &key["kty"], &key["use"]),
                (&of.id().into(), &"OKP".into(), &"sig".into())
            );
        }
    }
}
