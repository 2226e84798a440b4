//! Who may come in: codes that were sent, sessions, API keys, and what was revoked before its time.
//!
//! Secrets reach this module as hashes only; it compares them and never sees what they are made of.

mod api_key;
mod key_use;
mod login_code;
pub(crate) mod revocation;
mod session;
mod used_token;

pub use api_key::{ApiKeys, CreateRefused, RotateRefused, StoredKey};
pub use login_code::{
    CODE_LIFE, Challenge, ChallengeOutcome, CodeRequest, LoginCodes, MOST_TRIES, RESEND_WAIT, SendDecision,
};
pub use revocation::{Revocations, Revoked};
pub(crate) use session::purge as purge_sessions;
pub use session::{Refresh, Refreshed, Session, Sessions};
pub use used_token::UsedTokens;
