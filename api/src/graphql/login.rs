//! Logging in with a code that is sent to a mobile.

pub mod request;
pub mod verify;

use async_graphql::{ID, MergedObject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// Mutations that log somebody in.
#[derive(Default, MergedObject)]
pub struct LoginMutations(request::RequestLoginCode, verify::VerifyLoginCode);

/// How a challenge is written; only whoever asked for its code gets to know it.
fn write_challenge(id: Uuid) -> ID {
    ID(URL_SAFE_NO_PAD.encode(id.as_bytes()))
}

/// Reads a challenge; nothing when we never made such a one.
fn read_challenge(id: &ID) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(id.as_str()).ok()?).ok()
}
