//! What a server proves itself with: the keys that sign tokens, and the secret that keys hashes.

use amvaj_domain::network::NetworkMode;

use crate::config::AuthConfig;

use super::key::{KeyError, KeySet, SigningKey};
use super::secret::{SecretError, ServerSecret};
use super::token::Tokens;

/// The keys and the secret of an installation; all its nodes have the same. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Access tokens.
    pub tokens: Tokens,
    /// The secret behind keyed hashes.
    pub secret: ServerSecret,
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
        let keys = KeySet::new(SigningKey::load_or_create(&config.key_file)?);
        let secret = ServerSecret::load_or_create(&config.secret_file)?;
        Ok(Self { tokens: Tokens::new(keys, config), secret })
    }

    /// Fresh ones that no file knows, for servers that are gone in a minute.
    pub fn generate(config: &AuthConfig) -> Result<Self, CredentialsError> {
        let keys = KeySet::new(SigningKey::generate()?);
        Ok(Self { tokens: Tokens::new(keys, config), secret: ServerSecret::generate()? })
    }

    /// The same for an installation of this mode.
    #[must_use]
    pub fn in_mode(self, mode: NetworkMode) -> Self {
        Self { tokens: self.tokens.in_mode(mode), ..self }
    }
}
