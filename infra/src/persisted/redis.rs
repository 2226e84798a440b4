//! Texts in Redis: a hash of texts by name and a sorted set of when each was used last. Scripts keep the two together and
//! within their bound.

use std::time::Duration;

use redis::{Client, Script};

use crate::link::{Limits, Link, LinkError};

/// When the breaker opens, and how it closes.
const CONNECT: Duration = Duration::from_secs(1);
const FAILURES_TO_OPEN: u32 = 3;
const COOL_DOWN: Duration = Duration::from_millis(500);
/// Most bytes that are kept, of all callers together.
const MOST_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct RedisTexts {
    link: Link,
    /// The texts, and when each was used.
    keys: [String; 2],
    find: Script,
    keep: Script,
}

impl RedisTexts {
    pub(super) async fn connect(url: &str, epoch: &str, call_timeout: Duration) -> Result<Self, LinkError> {
        let client = Client::open(url).map_err(LinkError::Url)?;
        let limits =
            Limits { call: call_timeout, connect: CONNECT, failures: FAILURES_TO_OPEN, cool_down: COOL_DOWN };
        Ok(Self {
            link: Link::open(client, limits, "documents").await,
            // Both are in one slot of a cluster.
            keys: ["texts", "used"].map(|part| format!("amvaj:{epoch}:{{documents}}:{part}")),
            find: Script::new(include_str!("find.lua")),
            keep: Script::new(include_str!("keep.lua")),
        })
    }

    /// What is kept under a name.
    pub(super) async fn find(&self, name: &str) -> Result<Option<String>, LinkError> {
        let [texts, used] = &self.keys;
        let mut call = self.find.key(texts);
        call.key(used).arg(name);
        let answer =
            self.link.call(async |connection| call.invoke_async::<Option<Vec<u8>>>(connection).await);
        Ok(answer.await?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// Keeps a text under a name; as many others go as have to.
    pub(super) async fn keep(&self, name: &str, text: &str) -> Result<(), LinkError> {
        let [texts, used] = &self.keys;
        let mut call = self.keep.key(texts);
        call.key(used).arg(name).arg(text).arg(MOST_BYTES);
        self.link.call(async |connection| call.invoke_async::<()>(connection).await).await
    }
}
