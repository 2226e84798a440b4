//! Documents that a request names instead of sending them, and those that are trusted.
//!
//! A document is named by the SHA-256 of its text: in `extensions.persistedQuery`, with which a client also introduces a text
//! that it names from then on, or as `documentId`. It is found among the trusted documents of the operator's manifest, which
//! are always there, or among those that clients have introduced. However it was found, it goes through everything that a
//! text goes through: a hash says which text is meant and nothing else.

pub mod check;
pub mod manifest;
pub mod source;

use std::sync::Arc;

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::time::Instant;
use amvaj_infra::persisted::{PersistedTexts, Sharers, TextHash};
use async_graphql::Request;

use super::error::Code;
use crate::language::Message;
use manifest::Trusted;

/// Who may send no other documents than trusted ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedOnly {
    /// Everybody may send any document.
    Nobody,
    /// Members, and whoever sends no token or key: those whose programs are in everybody's hands.
    Members,
    /// All callers.
    Everyone,
}

/// How a request says which document it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It has the text.
    Text,
    /// It has the text, and the hash by which its client names it from now on.
    Introduced(TextHash),
    /// By a hash, which its client introduces when it is told that nobody knows it.
    Hash(TextHash),
    /// By an id.
    Id(TextHash),
}

/// A text that is kept for those who share it, once it was found valid.
#[derive(Debug, Clone)]
pub struct Introduced {
    sharers: Sharers,
    hash: TextHash,
    text: Arc<str>,
}

/// Why a request has no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoText {
    /// The hash is unknown.
    UnknownHash,
    /// The id is unknown.
    UnknownId,
    /// The text has another hash than is said.
    Mismatch,
    /// Only trusted documents are taken, and this is none.
    NotTrusted,
}

/// The documents that can be named.
#[derive(Debug, Clone)]
pub struct Persisted {
    texts: PersistedTexts,
    trusted: Arc<Trusted>,
    only: TrustedOnly,
}

impl TrustedOnly {
    /// The policy of a name in the configuration.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Nobody, Self::Members, Self::Everyone].into_iter().find(|policy| policy.as_str() == text)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Members => "members",
            Self::Everyone => "everyone",
        }
    }

    /// Whether it is meant for whoever calls.
    const fn binds(self, identity: Option<&Identity>) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everyone => true,
            Self::Members => match identity {
                None => true,
                Some(identity) => matches!(identity.caller, Caller::Member(_)),
            },
        }
    }
}

impl std::fmt::Display for TrustedOnly {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl NoText {
    /// The code of the refusal.
    pub const fn code(self) -> Code {
        match self {
            Self::UnknownHash | Self::UnknownId => Code::PersistedQueryNotFound,
            Self::Mismatch => Code::BadUserInput,
            Self::NotTrusted => Code::Forbidden,
        }
    }

    /// Whether the same request fails the same way, other than its code says: nobody introduces a document by an id.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::UnknownId)
    }

    /// What to tell the client.
    pub fn message(self) -> Message {
        match self {
            Self::UnknownHash => Code::PersistedQueryNotFound.message(),
            Self::UnknownId => Message::new("document-unknown"),
            Self::Mismatch => Message::new("document-hash-mismatch"),
            Self::NotTrusted => Message::new("document-not-trusted"),
        }
    }
}

impl Persisted {
    /// What clients introduce goes to `texts`.
    pub fn new(texts: PersistedTexts, trusted: Trusted, only: TrustedOnly) -> Self {
        Self { texts, trusted: Arc::new(trusted), only }
    }

    /// Puts the text of the wanted document into a request. What the client introduces with it is answered, to be kept when
    /// it was found valid.
    pub async fn resolve(
        &self,
        request: &mut Request,
        wanted: Wanted,
        identity: Option<&Identity>,
        now: Instant,
    ) -> Result<Option<Introduced>, NoText> {
        let only_trusted = self.only.binds(identity);
        match wanted {
            Wanted::Text if only_trusted && !self.trusted.has(TextHash::of(&request.query)) => {
                Err(NoText::NotTrusted)
            }
            Wanted::Text => Ok(None),
            // A client may have rewritten the text that it was built with; what is trusted is the manifest's.
            Wanted::Introduced(hash) if self.trusted.has(hash) => {
                let text = self.trusted.text(hash).ok_or(NoText::UnknownHash)?;
                text.as_ref().clone_into(&mut request.query);
                Ok(None)
            }
            Wanted::Introduced(hash) if TextHash::of(&request.query) != hash => Err(NoText::Mismatch),
            Wanted::Introduced(_) if only_trusted => Err(NoText::NotTrusted),
            Wanted::Introduced(hash) => {
                let text = request.query.as_str().into();
                Ok(Some(Introduced { sharers: sharers(identity), hash, text }))
            }
            Wanted::Hash(hash) | Wanted::Id(hash) => {
                let text = match self.trusted.text(hash) {
                    Some(text) => Some(text),
                    None if only_trusted => return Err(NoText::NotTrusted),
                    None => self.texts.find(sharers(identity), hash, now).await,
                };
                let is_id = matches!(wanted, Wanted::Id(_));
                let unknown = if is_id { NoText::UnknownId } else { NoText::UnknownHash };
                text.ok_or(unknown)?.as_ref().clone_into(&mut request.query);
                Ok(None)
            }
        }
    }

    /// Keeps a text that was introduced. Whoever calls has found it valid.
    pub async fn keep(&self, introduced: Introduced, now: Instant) {
        let Introduced { sharers, hash, text } = introduced;
        self.texts.keep(sharers, hash, text, now).await;
    }
}

fn sharers(identity: Option<&Identity>) -> Sharers {
    match identity.map(|identity| identity.caller) {
        Some(Caller::Merchant(merchant)) => Sharers::Merchant(merchant),
        Some(Caller::Operator | Caller::Agent | Caller::Member(_)) => Sharers::SignedIn,
        None => Sharers::Strangers,
    }
}
