//! A connection to Redis with its breaker; each part of the program that uses Redis opens one of its own.
//!
//! The breaker is the connection: while it is open there is none, and calls are refused at once. One task of its own
//! connects again and tries the server, so that no caller ever pays for a probe, and there is never more than one.
//! Every opening throws the old connection away, because one that hangs may never report its death.

use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo as _, RedisError, RedisResult,
    aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time};
use tokio_util::task::AbortOnDropHandle;

/// Why Redis did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address is not a Redis URL.
    #[error("the Redis URL is malformed: {0}")]
    Url(#[source] RedisError),
    /// Redis failed too often; calls are refused until it answers again.
    #[error("Redis is not asked until it answers again")]
    Open,
    /// Redis did not answer within the time-out of one call.
    #[error("Redis did not answer in time")]
    TimedOut,
    /// Redis, or the connection to it, reported an error.
    #[error("Redis failed: {0}")]
    Failed(#[source] RedisError),
}

/// When the breaker opens and closes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest that one call may take.
    pub(crate) call: Duration,
    /// The longest that connecting may take, the first answer included.
    pub(crate) connect: Duration,
    /// The number of failures in a row that open the breaker.
    pub(crate) failures: u32,
    /// The rest between two attempts to connect.
    pub(crate) cool_down: Duration,
}

#[derive(Debug)]
pub(crate) struct Link {
    shared: Arc<Shared>,
    limits: Limits,
    /// Ends the keeper with the link.
    _keeper: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What the connection is for, in the log and in the metrics.
    purpose: &'static str,
    state: Mutex<State>,
    lost: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// None while the breaker is open.
    connection: Option<MultiplexedConnection>,
    /// Tells connections apart: a late failure of a former one says nothing about the present one.
    generation: u64,
    failures_in_a_row: u32,
}

impl Link {
    /// Tries to connect once, and goes on trying by itself. The purpose is a word or two for the log and the metrics.
    ///
    /// # Errors
    /// [`LinkError::Url`] when the address is malformed, and nothing else.
    pub(crate) async fn open(url: &str, limits: Limits, purpose: &'static str) -> Result<Self, LinkError> {
        let client = client(url).map_err(LinkError::Url)?;
        let shared = Arc::new(Shared { purpose, state: Mutex::default(), lost: Notify::new() });
        match connect(&client, limits).await {
            Ok(connection) => shared.close_breaker(connection),
            Err(error) => {
                tracing::warn!(%error, purpose, "starting without Redis");
                shared.show_breaker(true);
                shared.lost.notify_one();
            }
        }
        let keeper = tokio::spawn(keep_connected(Arc::clone(&shared), client, limits));
        Ok(Self { shared, limits, _keeper: AbortOnDropHandle::new(keeper) })
    }

    /// Whether calls are let through.
    pub(crate) fn is_up(&self) -> bool {
        self.shared.state().connection.is_some()
    }

    /// Runs one exchange with Redis under the time-out and the breaker.
    pub(crate) async fn call<T>(
        &self,
        exchange: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> Result<T, LinkError> {
        let (mut connection, generation) = self.shared.connection().ok_or(LinkError::Open)?;
        match time::timeout(self.limits.call, exchange(&mut connection)).await {
            Ok(Ok(answer)) => {
                self.shared.note_answer(generation);
                Ok(answer)
            }
            Ok(Err(error)) => {
                // A broken connection does not mend, so there is nothing to count.
                let failures = if is_broken(&error) { 1 } else { self.limits.failures };
                self.shared.note_failure(generation, failures, &error);
                Err(LinkError::Failed(error))
            }
            Err(elapsed) => {
                self.shared.note_failure(generation, self.limits.failures, &elapsed);
                Err(LinkError::TimedOut)
            }
        }
    }
}

impl Shared {
    fn connection(&self) -> Option<(MultiplexedConnection, u64)> {
        let state = self.state();
        state.connection.clone().map(|connection| (connection, state.generation))
    }

    fn note_answer(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            state.failures_in_a_row = 0;
        }
    }

    /// Opens the breaker when this is the last of `allowed` failures in a row of the present connection.
    fn note_failure(&self, generation: u64, allowed: u32, cause: &dyn std::fmt::Display) {
        let mut state = self.state();
        if state.generation != generation || state.connection.is_none() {
            return;
        }
        state.failures_in_a_row = state.failures_in_a_row.saturating_add(1);
        if state.failures_in_a_row < allowed {
            return;
        }
        state.connection = None;
        drop(state);
        tracing::warn!(%cause, purpose = self.purpose, "Redis fails and is not asked until it answers again");
        self.show_breaker(true);
        self.lost.notify_one();
    }

    fn close_breaker(&self, connection: MultiplexedConnection) {
        let mut state = self.state();
        let generation = state.generation.wrapping_add(1);
        *state = State { connection: Some(connection), generation, failures_in_a_row: 0 };
        drop(state);
        tracing::info!(purpose = self.purpose, "connected to Redis");
        self.show_breaker(false);
    }

    /// 1 while calls to Redis are refused, 0 while they are let through.
    fn show_breaker(&self, open: bool) {
        metrics::gauge!("amvaj_redis_breaker_open", "purpose" => self.purpose).set(u8::from(open));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is one statement or idempotent, so a panic elsewhere cannot have left it broken.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client whose connections send at once: calls of many callers share one, and the system would keep each back until the
/// one before is acknowledged.
fn client(url: &str) -> RedisResult<Client> {
    let info = url.into_connection_info()?;
    Client::open(info.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

/// Waits until the connection is lost, and brings it back: for ever.
async fn keep_connected(shared: Arc<Shared>, client: Client, limits: Limits) {
    loop {
        shared.lost.notified().await;
        let connection = loop {
            // The rest comes first: a server that just failed gets it, and a restarted one needs it.
            time::sleep(limits.cool_down).await;
            match connect(&client, limits).await {
                Ok(connection) => break connection,
                Err(error) => tracing::debug!(%error, purpose = shared.purpose, "Redis is still away"),
            }
        };
        shared.close_breaker(connection);
    }
}

/// A connection over which the server has answered.
async fn connect(client: &Client, limits: Limits) -> Result<MultiplexedConnection, LinkError> {
    // The time-outs are ours, because they must cover the queue in front of the connection too.
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let attempt = async {
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("PING").exec_async(&mut connection).await?;
        Ok(connection)
    };
    time::timeout(limits.connect, attempt).await.map_err(|_| LinkError::TimedOut)?.map_err(LinkError::Failed)
}

fn is_broken(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.is_io_error()
}
