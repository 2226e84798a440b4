//! What a server proves itself with: the keys that sign tokens, and the secret that keys hashes.

use std::sync::Arc;

use amvaj_domain::network::NetworkMode;
use tokio_util::task::AbortOnDropHandle;

use crate::config::AuthConfig;

use super::key::{KeyError, KeySet, SigningKey};
use super::key_files::KeyFiles;
use super::secret::{SecretError, ServerSecret};
use super::token::Tokens;

/// The keys and the secret of an installation; all its nodes have the same. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Access tokens.
    pub tokens: Tokens,
    /// The secret behind keyed hashes.
    pub secret: ServerSecret,
    files: Option<KeyFiles>,
    /// Ends the reading of the files with the last clone.
    follow: Option<Arc<AbortOnDropHandle<()>>>,
}

/// Why a server cannot prove itself.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// There is no signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Credentials {
    /// Reads the configured files, or makes them.
    pub fn load_or_create(config: &AuthConfig) -> Result<Self, CredentialsError> {
        let files = KeyFiles::new(&config.key_file);
        let tokens = Tokens::new(files.load_or_create()?, config);
        let secret = ServerSecret::load_or_create(&config.secret_file)?;
        Ok(Self { tokens, secret, files: Some(files), follow: None })
    }

    /// Fresh ones that no file knows, for servers that are gone in a minute.
    pub fn generate(config: &AuthConfig) -> Result<Self, CredentialsError> {
        let tokens = Tokens::new(KeySet::new(SigningKey::generate()?), config);
        Ok(Self { tokens, secret: ServerSecret::generate()?, files: None, follow: None })
    }

    /// The same for an installation of this mode.
    #[must_use]
    pub fn in_mode(self, mode: NetworkMode) -> Self {
        Self { tokens: self.tokens.in_mode(mode), ..self }
    }

    /// Follows what rotations change in the files, on the runtime that calls.
    #[must_use]
    pub fn following_files(mut self) -> Self {
        if let Some(files) = self.files.clone() {
            let task = tokio::spawn(self.tokens.keys().clone().follow(files));
            self.follow = Some(Arc::new(AbortOnDropHandle::new(task)));
        }
        self
    }
}
