//! How many events are delivered in a second while purchases are made, and what receivers that hang cost everybody else.
//!
//! Three times the same load: with no endpoint, with one for each merchant that takes everything, and with as many beside
//! them that never answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as Stopwatch};

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::audit::Author;
use amvaj_domain::id::{MerchantId, WebhookEndpointId};
use amvaj_domain::text::Name;
use amvaj_domain::webhook::EventTypes;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::{Effort, Measured, Scenario, World, measure};
use crate::app::webhooks::change::remove_webhook_endpoint;
use crate::app::webhooks::create::{CreateWebhookEndpoint, create_webhook_endpoint};
use crate::app::{App, Stopped};

/// How long the last events may take to arrive.
const PATIENCE: Duration = Duration::from_mins(2);

/// One of the three times.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// Endpoints that take everything.
    pub taking: usize,
    /// Endpoints that never answer.
    pub hanging: usize,
    /// Purchases a second.
    pub purchases_per_second: f64,
    /// Milliseconds within which 99 of 100 purchases were answered.
    pub purchases_p99_ms: f64,
    /// Events that arrived.
    pub delivered: u64,
    /// Events that arrived in a second, from the first purchase to the last event.
    pub delivered_per_second: f64,
    /// Seconds from the last purchase to the last event.
    pub behind_seconds: f64,
}

/// A receiver on this machine.
struct Receiver {
    address: SocketAddr,
    taken: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

/// Measures one after the other.
///
/// # Errors
/// When a receiver cannot be started, an endpoint is not registered, or events do not arrive.
pub async fn measure_webhooks(
    app: &Arc<App>,
    world: &Arc<World>,
    effort: Effort,
) -> anyhow::Result<Vec<Round>> {
    let mut rounds = Vec::new();
    for (taking, hanging) in [(false, false), (true, false), (true, true)] {
        let (good, bad) = (Receiver::start(true).await?, Receiver::start(false).await?);
        let mut endpoints = Vec::new();
        for merchant in world.merchant_ids() {
            for receiver in taking.then_some(&good).into_iter().chain(hanging.then_some(&bad)) {
                endpoints.push((merchant, register(app, merchant, receiver.address).await?));
            }
        }
        let began = Stopwatch::now();
        let measured = measure(world, Scenario::Earn, effort).await?;
        let ended = Stopwatch::now();
        let last = if taking { good.last().await? } else { ended };
        for (merchant, id) in &endpoints {
            let (identity, author) = merchant_itself(*merchant);
            remove_webhook_endpoint(app, &identity, &author, *id).await?;
        }
        let merchants = world.merchant_ids().count();
        rounds.push(round(
            &measured,
            (if taking { merchants } else { 0 }, if hanging { merchants } else { 0 }),
            good.taken.load(Ordering::Relaxed),
            (last.duration_since(began), last.saturating_duration_since(ended)),
        ));
    }
    Ok(rounds)
}

fn round(
    measured: &Measured,
    (taking, hanging): (usize, usize),
    delivered: u64,
    (all, behind): (Duration, Duration),
) -> Round {
    let delivered_f64 = f64::from(u32::try_from(delivered).unwrap_or(u32::MAX));
    Round {
        taking,
        hanging,
        purchases_per_second: measured.per_second,
        purchases_p99_ms: measured.p99_ms,
        delivered,
        delivered_per_second: delivered_f64 / all.as_secs_f64(),
        behind_seconds: behind.as_secs_f64(),
    }
}

async fn register(app: &App, merchant: MerchantId, address: SocketAddr) -> anyhow::Result<WebhookEndpointId> {
    let (identity, author) = merchant_itself(merchant);
    let name = Name::parse("Bench").map_err(|_| anyhow::anyhow!("the bench's own name is malformed"))?;
    let request = CreateWebhookEndpoint { url: format!("http://{address}/"), name, types: EventTypes::all() };
    match create_webhook_endpoint(app, &identity, &author, request).await {
        Ok(made) => Ok(made.endpoint.id),
        Err(Stopped::Refused(refused)) => anyhow::bail!("an endpoint was refused: {refused:?}"),
        Err(Stopped::Failed(error)) => Err(error.into()),
    }
}

fn merchant_itself(merchant: MerchantId) -> (Identity, Author) {
    let identity = Identity::console(Caller::Merchant(merchant));
    let author = Author::new(&identity, "");
    (identity, author)
}

impl Receiver {
    /// A receiver that takes everything, or one that reads and never answers.
    async fn start(takes: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let taken = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&taken);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = takes.then(|| Arc::clone(&count));
                tokio::spawn(async move { converse(stream, count.as_deref()).await });
            }
        });
        Ok(Self { address, taken, _task: AbortOnDropHandle::new(task) })
    }

    /// Waits until nothing has come for longer than the worker rests, and answers when the last event came.
    async fn last(&self) -> anyhow::Result<Stopwatch> {
        const QUIET: Duration = Duration::from_secs(3);
        let began = Stopwatch::now();
        let (mut seen, mut since) = (0, began);
        while since.elapsed() < QUIET {
            anyhow::ensure!(began.elapsed() < PATIENCE, "events are still coming after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            let taken = self.taken.load(Ordering::Relaxed);
            if taken != seen {
                (seen, since) = (taken, Stopwatch::now());
            }
        }
        Ok(since)
    }
}

/// Answers requests until the connection ends; without a count it only reads.
async fn converse(stream: TcpStream, count: Option<&AtomicU64>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        match count {
            Some(count) => {
                count.fetch_add(1, Ordering::Relaxed);
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.ok()?;
            }
            None => std::future::pending().await,
        }
    }
}
