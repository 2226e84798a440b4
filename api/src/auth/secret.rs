//! The server's secret: what keys the hashes of codes and makes refresh tokens. Whoever has the database alone can
//! neither guess a code nor make a token. It marks the API keys that were made here as well.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::key::publish;

/// Bytes of the secret.
const LENGTH: usize = 32;

/// What a keyed hash is for. Hashes of one purpose are of no use for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A number that asked for a code.
    LoginNumber,
    /// A code that was sent.
    LoginCode,
    /// A refresh token.
    RefreshToken,
    /// A client's retry key of a refresh.
    RetryKey,
    /// The address of a client.
    Address,
    /// An API key that was made here.
    ApiKey,
    /// The key that seals secrets of one-time codes.
    TotpSecret,
    /// A recovery code.
    RecoveryCode,
    /// An invitation.
    Invitation,
    /// A device on which a user has logged in.
    Device,
    /// The name that somebody tries to log in with.
    UserName,
    /// The key that seals secrets of endpoints for webhooks.
    WebhookSecret,
    /// A link to a file that was exported.
    ExportLink,
    /// The fingerprint of a request that names somebody.
    RequestBody,
    /// The ids of a member that an import brings in.
    ImportedMember,
}

/// The server's secret. Cheap to clone; it cannot print itself.
#[derive(Clone)]
pub struct ServerSecret(Arc<hmac::Key>);

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The file or its folder cannot be read or written.
    #[error("the server's secret {} cannot be {action}: {source}; check the folder's permissions or set AMVAJ_AUTH_SECRET_FILE", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done with it.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there but holds something else.
    #[error("{} is not a secret of 32 bytes in base64; restore it from a backup, or move it away: then everybody has to log in again, merchants need new API keys and webhook secrets, and earlier requests that named a member by number are not known any more", path.display())]
    NotASecret {
        /// The file.
        path: PathBuf,
    },
    /// The system has no randomness.
    #[error("the system could not make a secret")]
    Generate,
}

impl ServerSecret {
    /// Reads the secret from its file, or makes the file. Processes that start together agree on one.
    pub fn load_or_create(path: &Path) -> Result<Self, SecretError> {
        if let Some(secret) = Self::load(path)? {
            return Ok(secret);
        }
        let mut bytes = [0; LENGTH];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SecretError::Generate)?;
        publish(path, &format!("{}\n", STANDARD.encode(bytes))).map_err(|source| SecretError::File {
            path: path.to_path_buf(),
            action: "made",
            source,
        })?;
        Self::load(path)?.ok_or_else(|| SecretError::NotASecret { path: path.to_path_buf() })
    }

    /// A secret that no file knows, for tests and for servers that are gone in a minute.
    pub fn generate() -> Result<Self, SecretError> {
        let mut bytes = [0; LENGTH];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SecretError::Generate)?;
        Ok(Self::new(&bytes))
    }

    /// A hash that only this secret can make, of the parts with their boundaries.
    pub fn keyed_hash(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[purpose.tag()]);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }

    /// Encrypts `clear` so that only this secret opens it again, for this purpose and beside the same `context`.
    /// Nothing when the system has no randomness.
    pub fn seal(&self, purpose: Purpose, context: &[u8], clear: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = clear.to_vec();
        let key = self.sealing_key(purpose)?;
        let nonce = key.seal_in_place_append_tag(Aad::from(context), &mut sealed).ok()?;
        Some([&nonce.as_ref()[..], &sealed].concat())
    }

    /// What was sealed; nothing when it was not by this secret, for this purpose and beside this `context`.
    pub fn open(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        let clear = self.sealing_key(purpose)?.open_in_place(nonce, Aad::from(context), &mut opened).ok()?;
        Some(clear.to_vec())
    }

    /// AES-256-GCM with a key that is a keyed hash of nothing but the purpose.
    fn sealing_key(&self, purpose: Purpose) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.keyed_hash(purpose, &[b"sealing key"])).ok()
    }

    fn new(bytes: &[u8]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    fn load(path: &Path) -> Result<Option<Self>, SecretError> {
        match fs::read_to_string(path) {
            Ok(text) => match STANDARD.decode(text.trim()) {
                Ok(bytes) if bytes.len() == LENGTH => Ok(Some(Self::new(&bytes))),
                Ok(_) | Err(_) => Err(SecretError::NotASecret { path: path.to_path_buf() }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(SecretError::NotASecret { path: path.to_path_buf() })
            }
            Err(source) => Err(SecretError::File { path: path.to_path_buf(), action: "read", source }),
        }
    }
}

impl std::fmt::Debug for ServerSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[secret]")
    }
}

impl Purpose {
    /// What sets this purpose apart; tags are never reused.
    const fn tag(self) -> u8 {
        match self {
            Self::LoginNumber => 1,
            Self::LoginCode => 2,
            Self::RefreshToken => 3,
            Self::RetryKey => 4,
            Self::Address => 5,
            Self::ApiKey => 16,
            Self::TotpSecret => 20,
            Self::RecoveryCode => 21,
            Self::Invitation => 22,
            Self::Device => 23,
            Self::UserName => 24,
            Self::WebhookSecret => 30,
            Self::ExportLink => 40,
            Self::RequestBody => 50,
            Self::ImportedMember => 51,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_secret_purpose_and_the_boundaries_of_its_parts() {
        let secret = ServerSecret::generate().unwrap();
        let hash = |parts: &[&[u8]]| secret.keyed_hash(Purpose::LoginCode, parts);
        assert_eq!(hash(&[b"ab", b"c"]), hash(&[b"ab", b"c"]));
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"abc"]), secret.keyed_hash(Purpose::RefreshToken, &[b"abc"]));
        assert_ne!(
            hash(&[b"abc"]),
            ServerSecret::generate().unwrap().keyed_hash(Purpose::LoginCode, &[b"abc"])
        );
    }

    #[test]
    fn a_secret_is_made_once_and_a_spoiled_file_is_named() {
        let folder = std::env::temp_dir().join(format!("amvaj-secret-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let path = folder.join("server-secret.key");
        let hash = |secret: ServerSecret| secret.keyed_hash(Purpose::Address, &[b"x"]);
        let first = hash(ServerSecret::load_or_create(&path).unwrap());
        assert_eq!(hash(ServerSecret::load_or_create(&path).unwrap()), first);
        fs::write(&path, "short").unwrap();
        let error = ServerSecret::load_or_create(&path).unwrap_err();
        assert!(error.to_string().contains("server-secret.key is not a secret"), "{error}");
    }
}
