//! Who is calling: API keys, signing keys, access tokens, refresh tokens, and the secret behind keyed hashes.

pub mod api_key;
pub mod authenticate;
pub mod credentials;
pub mod key;
pub mod key_ring;
pub mod refresh;
pub mod secret;
pub mod token;

pub use authenticate::{AuthError, Authenticator};
pub use credentials::{Credentials, CredentialsError};
pub use key::{KeyError, KeySet, SigningKey};
pub use key_ring::{KeyError as ApiKeyError, KeyRing};
pub use secret::{Purpose, ServerSecret};
pub use token::{Bearer, TokenError, Tokens};
