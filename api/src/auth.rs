//! Who is calling: signing keys and access tokens.

pub mod key;
pub mod token;

pub use key::{KeyError, KeySet, SigningKey};
pub use token::{Bearer, TokenError, Tokens};
