//! The messages of `graphql-transport-ws`, and the codes with which a socket is closed.

use actix_ws::{CloseCode, CloseReason};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The subprotocol.
pub(super) const NAME: &str = "graphql-transport-ws";
/// The longest id of an operation.
const LONGEST_ID: usize = 128;

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientMessage {
    /// The first message.
    ConnectionInit {
        /// May hold a credential.
        payload: Option<Map<String, Value>>,
    },
    /// Begins an operation.
    Subscribe {
        /// The client's name for it.
        id: String,
        /// The request.
        payload: Map<String, Value>,
    },
    /// Ends an operation.
    Complete {
        /// Which one.
        id: String,
    },
    /// Asks for a pong.
    Ping {},
    /// Answers a ping.
    Pong {},
}

/// Why a socket is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Close {
    /// The server stops.
    GoingAway,
    /// The client is silent, or does not take what it is sent.
    Gone,
    /// The credential cannot be checked now, or too many that are not good come from there.
    TryLater,
    /// A message that is none of the protocol's.
    BadMessage(&'static str),
    /// An operation before the connection was acknowledged.
    Unauthorized,
    /// The credential is not good any more.
    Ended,
    /// The credential is not good.
    Forbidden,
    /// No first message in time.
    InitTimeout,
    /// An operation of the same id is going on.
    IdInUse(String),
    /// A second first message.
    SecondInit,
}

impl ClientMessage {
    /// Reads a frame.
    pub(super) fn read(frame: &str) -> Result<Self, Close> {
        let unread = Close::BadMessage("a message has to be a JSON object of graphql-transport-ws");
        crate::http::json_size::check(frame.as_bytes()).map_err(|_| unread.clone())?;
        let message: Self = serde_json::from_str(frame).map_err(|_| unread)?;
        match &message {
            Self::Subscribe { id, .. } if id.is_empty() || id.len() > LONGEST_ID => {
                Err(Close::BadMessage("an id has 1 to 128 bytes"))
            }
            _ => Ok(message),
        }
    }
}

impl Close {
    /// The code and the reason.
    pub(super) fn reason(&self) -> CloseReason {
        let (code, description) = match self {
            Self::GoingAway => (1001, "the server stops; connect again".to_owned()),
            // Clients come back after these, and are told what they missed.
            Self::Gone => (1013, "the client does not answer; connect again".to_owned()),
            Self::TryLater => (1013, "the credential cannot be checked now; connect again later".to_owned()),
            Self::BadMessage(what) => (4400, (*what).to_owned()),
            Self::Unauthorized => (4401, "Unauthorized".to_owned()),
            Self::Ended => (4401, "the credential is not good any more; log in again".to_owned()),
            Self::Forbidden => (4403, "Forbidden".to_owned()),
            Self::InitTimeout => (4408, "Connection initialisation timeout".to_owned()),
            Self::IdInUse(id) => (4409, format!("Subscriber for {id} already exists")),
            Self::SecondInit => (4429, "Too many initialisation requests".to_owned()),
        };
        CloseReason { code: CloseCode::Other(code), description: Some(shortened(description)) }
    }
}

/// A reason has 123 bytes at most.
fn shortened(mut text: String) -> String {
    let end = (0..=text.len().min(120)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    text
}

/// The message that acknowledges a connection.
pub(super) const ACK: &str = r#"{"type":"connection_ack"}"#;
/// The message that answers a ping.
pub(super) const PONG: &str = r#"{"type":"pong"}"#;

/// A message about an operation, around a payload that is JSON already.
pub(super) fn about(id: &str, kind: &str, payload: Option<&[u8]>) -> String {
    let id = Value::from(id);
    match payload.map(String::from_utf8_lossy) {
        Some(payload) => format!(r#"{{"id":{id},"type":"{kind}","payload":{payload}}}"#),
        None => format!(r#"{{"id":{id},"type":"{kind}"}}"#),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_the_protocol_are_read() {
        for wrong in [
            "",
            "not json",
            "[]",
            "{}",
            r#"{"type":"bogus"}"#,
            r#"{"type":"subscribe","payload":{"query":"{__typename}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{}}"#,
            r#"{"type":"subscribe","id":1,"payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":"{}"}"#,
            r#"{"type":"connection_init","payload":[]}"#,
        ] {
            assert!(matches!(ClientMessage::read(wrong), Err(Close::BadMessage(_))), "{wrong}");
        }
        for right in [
            r#"{"type":"connection_init"}"#,
            r#"{"type":"connection_init","payload":null}"#,
            r#"{"type":"ping","payload":{"a":1}}"#,
            r#"{"type":"pong"}"#,
            r#"{"type":"complete","id":"x"}"#,
            r#"{"type":"subscribe","id":"x","payload":{"query":"{__typename}"}}"#,
        ] {
            assert!(ClientMessage::read(right).is_ok(), "{right}");
        }
    }

    #[test]
    fn a_reason_fits_into_a_frame() {
        let reason = Close::IdInUse("آ".repeat(64)).reason();
        assert!(reason.description.is_some_and(|text| text.len() <= 123));
    }
}
