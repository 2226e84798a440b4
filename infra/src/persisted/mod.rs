//! Documents that clients name by their hash instead of sending them: texts by SHA-256, near in this process and, where
//! there is a Redis, shared there by all nodes. Both are bounded; what was asked for least recently goes first.
//!
//! A text is nothing but its hash's meaning, so it never changes and is never out of date. What Redis holds is believed only
//! when it has the hash that was asked for. Strangers have a smaller budget of their own, so that they drive out nothing of
//! those who are signed in; what one of these uses of theirs moves into the larger one. Without Redis, or while that is away, a text may be missing; then the client is
//! told so and sends it again.
//!
//! | call | round trips to Redis |
//! |---|---|
//! | `find` | none when the text is near, else 1; 1 more when it moves. Redis is told of a text that is used near alone a few times a day, beside the request |
//! | `keep` | none when the text is near already, else 1 |

mod near;
mod redis;

use std::{fmt, sync::Arc, time::Duration};

use amvaj_domain::{
    id::MerchantId,
    sealed::{Hash, hash_from_hex, hex},
    time::{Instant, Span},
};
use sha2::{Digest as _, Sha256};

use crate::link::LinkError;
use near::{Found, NearTexts};
use redis::RedisTexts;

/// How long Redis keeps texts after the last use of any.
const LIFE: Span = Span::days(30);
/// How long a text that is in use near goes without telling Redis so: long before its life is over, and before it is the
/// oldest by mistake where much comes and goes.
const RENEWED_AFTER: Span = Span::minutes(6 * 60);

/// How much is kept of what some callers introduce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Budget {
    /// Most bytes near.
    near: u64,
    /// Most bytes in Redis.
    shared: usize,
    /// The longest text, in bytes.
    longest: usize,
}

impl Budget {
    /// For all who are signed in together.
    const SIGNED_IN: Self = Self { near: 4 * 1024 * 1024, shared: 16 * 1024 * 1024, longest: 256 * 1024 };
    /// For all others: room for the documents with which people log in.
    const STRANGERS: Self = Self { near: 1024 * 1024, shared: 4 * 1024 * 1024, longest: 16 * 1024 };
}

/// The SHA-256 of a text.
#[derive(Clone, Copy, PartialEq, Eq, std::hash::Hash)]
pub struct TextHash(Hash);

/// Those who share texts. A text may hold what its sender wrote into it, and nobody shall find out by its hash that another
/// merchant has sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharers {
    /// A merchant with all of its keys and people, who share with nobody.
    Merchant(MerchantId),
    /// All others who are signed in. They share with strangers too.
    SignedIn,
    /// Whoever sends no token or key.
    Strangers,
}

/// Texts by their hash.
#[derive(Debug, Clone)]
pub struct PersistedTexts {
    near: NearTexts,
    shared: Option<Arc<RedisTexts>>,
}

impl TextHash {
    /// The hash of a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Reads 64 hexadecimal digits in lower case.
    pub fn parse(digits: &str) -> Option<Self> {
        let is_lower = !digits.bytes().any(|digit| digit.is_ascii_uppercase());
        hash_from_hex(digits).filter(|_| is_lower).map(Self)
    }
}

impl fmt::Display for TextHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl PersistedTexts {
    /// Texts in this process alone.
    pub fn memory() -> Self {
        Self { near: NearTexts::new(), shared: None }
    }

    /// Texts that all nodes share in Redis, under keys of one database epoch. Starts without Redis when it is down, and
    /// finds it by itself later. Must be called within the runtime that outlives the texts, because the connection is
    /// driven there.
    ///
    /// # Errors
    /// [`LinkError::Url`] when the URL is malformed, and nothing else.
    pub async fn redis(url: &str, epoch: &str, call_timeout: Duration) -> Result<Self, LinkError> {
        let shared = RedisTexts::connect(url, epoch, call_timeout).await?;
        Ok(Self { shared: Some(Arc::new(shared)), ..Self::memory() })
    }

    /// The text of a hash, if one is kept.
    pub async fn find(&self, sharers: Sharers, hash: TextHash, now: Instant) -> Option<Arc<str>> {
        if let Some(Found { kept, budget }) = self.near.find(sharers, hash) {
            count_read("near");
            if sharers == Sharers::SignedIn && budget == Budget::STRANGERS {
                self.keep(sharers, hash, Arc::clone(&kept.text), now).await;
            } else if kept.is_to_renew(now) {
                let owners = if budget == Budget::STRANGERS { Sharers::Strangers } else { sharers.owners() };
                self.renew(owners, hash, &kept.text);
            }
            return Some(Arc::clone(&kept.text));
        }
        let (text, budget) = self.find_shared(sharers, hash).await?;
        if sharers == Sharers::SignedIn && budget == Budget::STRANGERS {
            self.keep(sharers, hash, Arc::clone(&text), now).await;
        } else {
            self.near.keep(sharers, hash, Arc::clone(&text), now);
        }
        Some(text)
    }

    /// The text in Redis, with the budget that it is in there.
    async fn find_shared(&self, sharers: Sharers, hash: TextHash) -> Option<(Arc<str>, Budget)> {
        let Some(shared) = &self.shared else {
            count_read("miss");
            return None;
        };
        let outcome = match shared.find(sharers, hash).await {
            Ok(Some((text, budget))) if TextHash::of(&text) == hash => {
                count_read("redis");
                return Some((text.into(), budget));
            }
            Ok(Some(_)) => "foreign",
            Ok(None) => "miss",
            Err(error) => {
                tracing::debug!(%error, "a document was looked for in this process alone");
                "error"
            }
        };
        count_read(outcome);
        None
    }

    /// Keeps a text that was found valid, unless it is too long.
    pub async fn keep(&self, sharers: Sharers, hash: TextHash, text: Arc<str>, now: Instant) {
        if text.len() > sharers.budget().longest {
            count_write("too-long");
            return;
        }
        if let Some(shared) = &self.shared
            && let Err(error) = shared.keep(sharers, hash, &text).await
        {
            tracing::debug!(%error, "a document is kept in this process alone");
            count_write("error");
        } else {
            count_write("kept");
        }
        self.near.keep(sharers, hash, text, now);
    }

    /// Tells Redis that a text is in use, and gives it back what it has lost. Nobody waits for it, and when Redis does not
    /// answer now, it is told the next time.
    fn renew(&self, owners: Sharers, hash: TextHash, text: &Arc<str>) {
        let Some(shared) = self.shared.clone() else { return };
        let text = Arc::clone(text);
        tokio::spawn(async move {
            let renewed = shared.keep(owners, hash, &text).await;
            count_write(if renewed.is_ok() { "renewed" } else { "error" });
        });
    }
}

impl Sharers {
    /// The budget that their texts are in.
    const fn budget(self) -> Budget {
        match self {
            Self::Merchant(_) | Self::SignedIn => Budget::SIGNED_IN,
            Self::Strangers => Budget::STRANGERS,
        }
    }

    /// Whose the texts in the budget of those who are signed in are, of which they know.
    const fn owners(self) -> Self {
        match self {
            Self::Merchant(_) => self,
            Self::SignedIn | Self::Strangers => Self::SignedIn,
        }
    }

    /// The merchant whose texts nobody else finds.
    const fn merchant(self) -> Option<MerchantId> {
        match self {
            Self::Merchant(merchant) => Some(merchant),
            Self::SignedIn | Self::Strangers => None,
        }
    }

    const fn are_alone(self) -> bool {
        matches!(self, Self::Merchant(_))
    }
}

fn count_read(outcome: &'static str) {
    metrics::counter!("amvaj_persisted_documents_reads_total", "outcome" => outcome).increment(1);
}

fn count_write(outcome: &'static str) {
    metrics::counter!("amvaj_persisted_documents_writes_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(0);

    #[test]
    fn a_hash_is_read_as_it_is_written_and_nothing_else_is() {
        let hash = TextHash::of("{ __typename }");
        let written = hash.to_string();
        assert_eq!(written, "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b");
        assert_eq!(TextHash::parse(&written), Some(hash));
        let upper = written.to_uppercase();
        for wrong in ["", "0f", &written[1..], &format!("{written}0"), &upper, &written.replace('7', "g")] {
            assert_eq!(TextHash::parse(wrong), None, "{wrong}");
        }
        assert_eq!(TextHash::parse(&"é".repeat(32)), None);
    }

    #[tokio::test]
    async fn what_is_kept_near_is_bounded_and_what_was_asked_for_last_stays() {
        for sharers in [Sharers::SignedIn, Sharers::Strangers] {
            let texts = PersistedTexts::memory();
            let text = |number: u32| format!("{number}{}", "#".repeat(10_000));
            let wanted = text(0);
            for number in 0..1_000 {
                let one = text(number);
                texts.keep(sharers, TextHash::of(&one), one.as_str().into(), NOW).await;
                assert!(texts.find(sharers, TextHash::of(&wanted), NOW).await.is_some(), "after {number}");
                texts.near.bytes();
            }
            let bytes = texts.near.bytes();
            assert!(bytes[0] <= Budget::SIGNED_IN.near && bytes[1] <= Budget::STRANGERS.near, "{bytes:?}");
            assert!(texts.find(sharers, TextHash::of(&text(1)), NOW).await.is_none());
        }
    }

    #[tokio::test]
    async fn a_text_too_long_is_not_kept_and_nobody_finds_what_another_merchant_keeps() {
        let texts = PersistedTexts::memory();
        for sharers in [Sharers::SignedIn, Sharers::Strangers] {
            let longest = "#".repeat(sharers.budget().longest);
            let longer = format!("{longest}#");
            for (text, is_kept) in [(longest, true), (longer, false)] {
                let hash = TextHash::of(&text);
                texts.keep(sharers, hash, text.as_str().into(), NOW).await;
                assert_eq!(texts.find(sharers, hash, NOW).await.is_some(), is_kept);
            }
        }
        let merchant = |number| Sharers::Merchant(MerchantId::new(uuid::Uuid::from_u128(number)));
        let hash = TextHash::of("{ version }");
        texts.keep(merchant(1), hash, "{ version }".into(), NOW).await;
        assert!(texts.find(merchant(1), hash, NOW).await.is_some());
        for other in [merchant(2), Sharers::SignedIn, Sharers::Strangers] {
            assert!(texts.find(other, hash, NOW).await.is_none());
        }
    }

    #[tokio::test]
    async fn what_somebody_signed_in_uses_leaves_the_budget_of_strangers() {
        let texts = PersistedTexts::memory();
        let hash = TextHash::of("{ version }");
        texts.keep(Sharers::Strangers, hash, "{ version }".into(), NOW).await;
        assert!(texts.near.bytes()[1] > 0);
        assert!(texts.find(Sharers::SignedIn, hash, NOW).await.is_some());
        let [signed_in, strangers] = texts.near.bytes();
        assert!(signed_in > 0 && strangers == 0);
        // Strangers find it there, and keep it no second time.
        texts.keep(Sharers::Strangers, hash, "{ version }".into(), NOW).await;
        assert!(texts.find(Sharers::Strangers, hash, NOW).await.is_some());
        assert_eq!(texts.near.bytes(), [signed_in, 0]);
    }
}
