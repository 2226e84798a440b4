//! What is sent to a person.

use std::fmt;

use amvaj_domain::text::Mobile;
use amvaj_domain::time::Instant;
use uuid::Uuid;

/// A message to one person. `Debug` shows neither the number nor the text.
#[derive(Clone)]
pub struct Message {
    /// Its reference: the same one at every try, so that a panel can tell a repetition from a second message.
    pub id: Uuid,
    /// Whom it goes to.
    pub to: Mobile,
    /// What it is, with what a panel's own template is filled with.
    pub kind: MessageKind,
    /// The whole text, for panels that are sent texts.
    pub text: String,
    /// From when on it is of no use; no try begins after it.
    pub good_until: Instant,
}

/// What a message is.
#[derive(Clone, PartialEq, Eq)]
pub enum MessageKind {
    /// A code to log in with.
    LoginCode {
        /// The code, in ASCII digits.
        code: String,
        /// The web address whose page may fill it in by itself.
        domain: Option<String>,
    },
}

impl MessageKind {
    /// The names of all kinds, as a provider's file writes them.
    pub const NAMES: [&str; 1] = ["login_code"];

    /// The kind's name in files, logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LoginCode { .. } => "login_code",
        }
    }

    /// The code that the message brings.
    pub fn code(&self) -> &str {
        match self {
            Self::LoginCode { code, .. } => code,
        }
    }

    /// The web address that the message names; empty without one.
    pub fn domain(&self) -> &str {
        match self {
            Self::LoginCode { domain, .. } => domain.as_deref().unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("good_until", &self.good_until)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for MessageKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
