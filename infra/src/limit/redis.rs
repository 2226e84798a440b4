//! Buckets in Redis, shared by all nodes; each node holds a little of each bucket that it uses.

use super::{
    Limit, Standing, Taken,
    bucket::{CLOCKS_DIFFER, Level},
    memory::MemoryBuckets,
    share::{Draw, Share},
};
use crate::link::{Limits, Link, LinkError};
use amvaj_domain::time::Instant;
use moka::policy::EvictionPolicy;
use redis::Script;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// When the breaker opens, and how it closes.
const CONNECT: Duration = Duration::from_secs(1);
const FAILURES_TO_OPEN: u32 = 3;
const COOL_DOWN: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct RedisBuckets {
    link: Link,
    epoch: String,
    take: Script,
    /// Of those who need the same bucket at the same time one draws, the others wait for it.
    shares: moka::sync::Cache<String, Arc<Mutex<Share>>>,
    /// Counts while Redis is away.
    alone: MemoryBuckets,
}

impl RedisBuckets {
    pub(super) async fn connect(
        url: &str,
        epoch: &str,
        call_timeout: Duration,
        capacity: u64,
    ) -> Result<Self, LinkError> {
        let limits =
            Limits { call: call_timeout, connect: CONNECT, failures: FAILURES_TO_OPEN, cool_down: COOL_DOWN };
        let shares = moka::sync::Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Ok(Self {
            link: Link::open(url, limits, "limits").await?,
            epoch: epoch.to_owned(),
            take: Script::new(include_str!("take.lua")),
            shares,
            alone: MemoryBuckets::new(capacity),
        })
    }

    pub(super) async fn take(&self, limit: &Limit, key: String, cost: u64, now: Instant) -> Taken {
        let share = self.share(&key);
        let mut share = share.lock().await;
        if let Some(taken) = share.answer(limit, cost, now) {
            return taken;
        }
        let draw = share.draw(limit, cost, now);
        let Some(drawn) = self.exchange(limit, &key, draw, &mut share, now).await else {
            return self.alone.take(limit, key, cost, now);
        };
        let granted = drawn >= cost;
        if granted {
            share.spend(cost);
        }
        match share.known(limit, now) {
            Some(level) if granted => Taken::granted(level, limit, now),
            Some(level) => Taken::refused(level, limit, cost, now),
            // What was just read is always known; counting alone would be right otherwise.
            None => self.alone.take(limit, key, cost, now),
        }
    }

    pub(super) async fn give_back(
        &self,
        limit: &Limit,
        key: String,
        cost: u64,
        taken: Instant,
        now: Instant,
    ) {
        let share = self.share(&key);
        let mut share = share.lock().await;
        if self.link.is_up() {
            share.keep(limit, cost, taken, now);
        } else {
            self.alone.give_back(limit, key, cost, taken, now);
        }
    }

    pub(super) async fn peek(&self, limit: &Limit, key: String, now: Instant) -> Standing {
        let share = self.share(&key);
        let mut share = share.lock().await;
        if let Some(level) = share.known(limit, now) {
            return level.standing(limit, now);
        }
        let draw = share.look(limit, now);
        match self.exchange(limit, &key, draw, &mut share, now).await {
            Some(_) => {
                share.known(limit, now).unwrap_or_else(|| Level::at(limit, now, now)).standing(limit, now)
            }
            None => self.alone.peek(limit, key, now),
        }
    }

    pub(super) async fn ping(&self) -> bool {
        self.link.call(async |connection| redis::cmd("PING").exec_async(connection).await).await.is_ok()
    }

    /// One call; answers the units drawn, or nothing when Redis is out of reach, and then forgets the share.
    async fn exchange(
        &self,
        limit: &Limit,
        key: &str,
        draw: Draw,
        share: &mut Share,
        now: Instant,
    ) -> Option<u64> {
        let mut call = self.take.key(format!("amvaj:{}:limit:{key}", self.epoch));
        call.arg(now.micros()).arg(limit.unit()).arg(limit.full()).arg(CLOCKS_DIFFER.micros());
        call.arg(draw.returned).arg(draw.least).arg(draw.most);
        match self.link.call(async |connection| call.invoke_async::<(u64, i64)>(connection).await).await {
            Ok((drawn, empty_at)) => {
                share.fill(drawn, Instant::from_micros(empty_at), now);
                Some(drawn)
            }
            Err(error) => {
                tracing::debug!(%error, limit = limit.name, "counting alone");
                share.forget();
                None
            }
        }
    }

    fn share(&self, key: &str) -> Arc<Mutex<Share>> {
        self.shares.get_with_by_ref(key, Arc::default)
    }
}
