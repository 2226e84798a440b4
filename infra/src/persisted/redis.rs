//! Texts in Redis: of each budget a hash of texts by name and a sorted set of when each was used last. Scripts keep the two
//! together and within their bound.

use std::time::Duration;

use redis::Script;

use super::{Budget, LIFE, Sharers, TextHash};
use crate::link::{Limits, Link, LinkError};

/// When the breaker opens, and how it closes.
const CONNECT: Duration = Duration::from_secs(1);
const FAILURES_TO_OPEN: u32 = 3;
const COOL_DOWN: Duration = Duration::from_millis(500);
/// Seconds for which texts are kept.
const LIFE_SECONDS: i64 = LIFE.micros() / 1_000_000;

#[derive(Debug)]
pub(super) struct RedisTexts {
    link: Link,
    signed_in: Keys,
    strangers: Keys,
    find: Script,
    keep: Script,
}

/// The keys of a budget: its texts, and when each was used. All are in one slot of a cluster.
type Keys = [String; 2];

impl RedisTexts {
    pub(super) async fn connect(url: &str, epoch: &str, call_timeout: Duration) -> Result<Self, LinkError> {
        let limits =
            Limits { call: call_timeout, connect: CONNECT, failures: FAILURES_TO_OPEN, cool_down: COOL_DOWN };
        let keys = |parts: [&str; 2]| parts.map(|part| format!("amvaj:{epoch}:{{documents}}:{part}"));
        Ok(Self {
            link: Link::open(url, limits, "documents").await?,
            signed_in: keys(["texts", "used"]),
            strangers: keys(["strangers-texts", "strangers-used"]),
            find: Script::new(include_str!("find.lua")),
            keep: Script::new(include_str!("keep.lua")),
        })
    }

    /// What is kept of a hash where the sharers look, with the budget that it is in.
    pub(super) async fn find(
        &self,
        sharers: Sharers,
        hash: TextHash,
    ) -> Result<Option<(String, Budget)>, LinkError> {
        let mut call = self.find.prepare_invoke();
        call.key(&self.signed_in);
        if !sharers.are_alone() {
            call.key(&self.strangers);
        }
        call.arg(name(sharers, hash)).arg(LIFE_SECONDS);
        let answer =
            self.link.call(async |connection| call.invoke_async::<Option<(Vec<u8>, i64)>>(connection).await);
        Ok(answer.await?.and_then(|(bytes, number)| {
            let budget = if number == 1 { Budget::SIGNED_IN } else { Budget::STRANGERS };
            Some((String::from_utf8(bytes).ok()?, budget))
        }))
    }

    /// Keeps a text for sharers; as many others of their budget go as have to.
    pub(super) async fn keep(&self, sharers: Sharers, hash: TextHash, text: &str) -> Result<(), LinkError> {
        let (own, other, elsewhere) = match sharers {
            Sharers::Merchant(_) => (&self.signed_in, &self.strangers, "apart"),
            Sharers::SignedIn => (&self.signed_in, &self.strangers, "moves"),
            Sharers::Strangers => (&self.strangers, &self.signed_in, "stays"),
        };
        let mut call = self.keep.prepare_invoke();
        call.key(own).key(other);
        call.arg(name(sharers, hash)).arg(text).arg(sharers.budget().shared).arg(LIFE_SECONDS).arg(elsewhere);
        self.link.call(async |connection| call.invoke_async::<()>(connection).await).await
    }
}

/// The name of a text in Redis.
fn name(sharers: Sharers, hash: TextHash) -> String {
    match sharers.merchant() {
        Some(merchant) => format!("{}:{hash}", merchant.uuid().simple()),
        None => hash.to_string(),
    }
}
