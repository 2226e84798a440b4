//! Who is calling: API keys, signing keys, access tokens, refresh tokens, and the secret behind keyed hashes.

pub mod api_key;
pub mod authenticate;
pub mod credentials;
pub mod export_link;
pub mod issuer;
pub mod key;
pub mod key_files;
pub mod key_ring;
pub mod live_keys;
pub mod one_time;
pub mod password;
pub mod refresh;
pub mod secret;
pub mod token;
pub mod totp;
pub mod webhook_secret;

pub use authenticate::{AuthError, Authenticator};
pub use credentials::{Credentials, CredentialsError};
pub use key::{KeyError, KeySet, SigningKey};
pub use key_ring::{KeyError as ApiKeyError, KeyRing};
pub use password::{Asker, HashError, Passwords, Verdict};
pub use secret::{Purpose, ServerSecret};
pub use token::{Bearer, TokenError, Tokens};
pub use totp::Totp;
