//! Documents that clients name by their hash instead of sending them: texts by SHA-256, near in this process and, where
//! there is a Redis, shared there by all nodes. Both are bounded; what was asked for least recently goes first.
//!
//! A text is nothing but its hash's meaning, so it never changes and is never out of date. What Redis holds is believed only
//! when it has the hash that was asked for. Without Redis, or while that is away, a text may be missing; then the client is
//! told so and sends it again.
//!
//! | call | round trips to Redis |
//! |---|---|
//! | `find` | none when the text is near, else 1 |
//! | `keep` | none when the text is near already, else 1 |

mod redis;

use std::{fmt, sync::Arc, time::Duration};

use amvaj_domain::{
    id::MerchantId,
    sealed::{Hash, hash_from_hex, hex},
};
use moka::policy::EvictionPolicy;
use sha2::{Digest as _, Sha256};

use crate::link::LinkError;
use redis::RedisTexts;

/// Most bytes that are kept near.
const MOST_NEAR: u64 = 4 * 1024 * 1024;
/// What a text takes besides its own bytes.
const OVERHEAD: u64 = 200;
/// The longest text that is kept, in bytes.
const LONGEST: usize = 256 * 1024;

/// The SHA-256 of a text.
#[derive(Clone, Copy, PartialEq, Eq, std::hash::Hash)]
pub struct TextHash(Hash);

/// Those who share texts: a merchant with all of its keys and people, or everybody else. A text may hold what its sender
/// wrote into it, and nobody shall find out by its hash that another merchant has sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, std::hash::Hash)]
pub struct Sharers(pub Option<MerchantId>);

/// Texts by their hash.
#[derive(Debug, Clone)]
pub struct PersistedTexts {
    near: moka::sync::Cache<(Sharers, TextHash), Arc<str>>,
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
        let weight = |_: &(Sharers, TextHash), text: &Arc<str>| {
            let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(OVERHEAD);
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let near = moka::sync::Cache::builder()
            .max_capacity(MOST_NEAR)
            .weigher(weight)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { near, shared: None }
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
    pub async fn find(&self, sharers: Sharers, hash: TextHash) -> Option<Arc<str>> {
        if let Some(text) = self.near.get(&(sharers, hash)) {
            count_read("near");
            return Some(text);
        }
        let Some(shared) = &self.shared else {
            count_read("miss");
            return None;
        };
        match shared.find(&field(sharers, hash)).await {
            Ok(Some(text)) if TextHash::of(&text) == hash => {
                let text: Arc<str> = text.into();
                self.near.insert((sharers, hash), Arc::clone(&text));
                count_read("redis");
                Some(text)
            }
            Ok(Some(_)) => {
                count_read("foreign");
                None
            }
            Ok(None) => {
                count_read("miss");
                None
            }
            Err(error) => {
                tracing::debug!(%error, "a document was looked for in this process alone");
                count_read("error");
                None
            }
        }
    }

    /// Keeps a text that was found valid, unless it is too long.
    pub async fn keep(&self, sharers: Sharers, hash: TextHash, text: Arc<str>) {
        if text.len() > LONGEST {
            count_write("too-long");
            return;
        }
        if let Some(shared) = &self.shared
            && let Err(error) = shared.keep(&field(sharers, hash), &text).await
        {
            tracing::debug!(%error, "a document is kept in this process alone");
            count_write("error");
        } else {
            count_write("kept");
        }
        self.near.insert((sharers, hash), text);
    }
}

/// The name of a text in Redis.
fn field(Sharers(merchant): Sharers, hash: TextHash) -> String {
    match merchant {
        Some(merchant) => format!("{}:{hash}", merchant.uuid().simple()),
        None => hash.to_string(),
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

    const ALL: Sharers = Sharers(None);

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
        let texts = PersistedTexts::memory();
        let text = |number: u32| format!("{number}{}", "#".repeat(10_000));
        let wanted = text(0);
        for number in 0..2_000 {
            let one = text(number);
            texts.keep(ALL, TextHash::of(&one), one.as_str().into()).await;
            assert!(texts.find(ALL, TextHash::of(&wanted)).await.is_some(), "after {number}");
            texts.near.run_pending_tasks();
        }
        assert!(texts.near.weighted_size() <= MOST_NEAR, "{}", texts.near.weighted_size());
        assert!(texts.find(ALL, TextHash::of(&text(1))).await.is_none());
    }

    #[tokio::test]
    async fn a_text_too_long_is_not_kept_and_nobody_finds_what_another_merchant_keeps() {
        let texts = PersistedTexts::memory();
        let long = "#".repeat(LONGEST + 1);
        texts.keep(ALL, TextHash::of(&long), long.as_str().into()).await;
        assert!(texts.find(ALL, TextHash::of(&long)).await.is_none());

        let merchant = |number| Sharers(Some(MerchantId::new(uuid::Uuid::from_u128(number))));
        let hash = TextHash::of("{ version }");
        texts.keep(merchant(1), hash, "{ version }".into()).await;
        assert!(texts.find(merchant(1), hash).await.is_some());
        for other in [merchant(2), ALL] {
            assert!(texts.find(other, hash).await.is_none());
        }
    }
}
