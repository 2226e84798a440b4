//! Couriers: each sends what is due at one endpoint, under a lease of its own, until nothing is.
//!
//! A courier never waits for one event while others could go: it sends several wallets' events side by side, few at first and
//! more while they are taken, and writes together what ended together. Those of one node take turns in writing, so that
//! however many there are, the ledger meets at most one or two of them in the database.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::id::WebhookEndpointId;
use amvaj_domain::time::{Instant, Span};
use amvaj_domain::webhook::Failure;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use sea_orm::{ConnectionTrait as _, Statement};
use tokio::sync::Semaphore;
use tokio::task::{self, JoinSet};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::endpoint::{Served, served};
use super::post::Ending;
use super::queue::{self, Head};
use super::record::{Tried, record};
use super::scribe::{Letter, SealedSecret};
use super::{Sender, replay};
use crate::clock::Clock;
use crate::db::{Database, StoreError};
use crate::worker::{Keeper, Lease, WorkError};

/// Events that are on their way to an endpoint at a time: at first, at most, and after a failure.
const FEW: usize = 4;
const MOST: usize = 32;
/// How long what is known of an endpoint may be behind what its merchant changes.
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// How long a stop waits for what is on its way; the next courier sends what was left behind again.
const LAST_MOMENT: Duration = Duration::from_secs(3);
/// The pause between two pages of a replay.
const BETWEEN_PAGES: Duration = Duration::from_millis(20);

/// The couriers of one node.
#[derive(Debug)]
pub(crate) struct Couriers {
    database: Database,
    sender: Sender,
    clock: Clock,
    holder: Uuid,
    lease: Span,
    writers: Arc<Semaphore>,
    tasks: JoinSet<Ended>,
    busy: HashMap<task::Id, Uuid>,
    /// How often couriers were sent out.
    round: u64,
    /// Endpoints that another node sends to or whose courier failed, and until when none is sent there.
    let_be: HashMap<Uuid, Instant>,
    closing: CancellationToken,
}

/// How a courier came home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Nothing more was due, or somebody else wrote the same rows.
    Done,
    /// Another node has the endpoint.
    Elsewhere,
    /// The database failed, or holds something that cannot be read.
    Failed,
}

/// Who sends to one endpoint.
struct Courier {
    database: Database,
    sender: Sender,
    clock: Clock,
    keeper: Keeper,
    name: String,
    endpoint: Uuid,
    writers: Arc<Semaphore>,
    closing: CancellationToken,
}

/// What is on its way: wallet by wallet, one event each.
#[derive(Default)]
struct OnTheWay {
    sending: FuturesUnordered<BoxFuture<'static, Tried>>,
    wallets: BTreeSet<Uuid>,
}

/// The endpoints at which something is due.
///
/// # Errors
/// When the database fails.
pub(crate) async fn due(database: &Database, now: Instant) -> Result<Vec<Uuid>, StoreError> {
    let statement = Statement::from_sql_and_values(database.backend(), DUE, [now.micros().into()]);
    let rows = database.for_outbox().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get("", "endpoint_id")?)).collect()
}

impl Couriers {
    pub(crate) fn new(
        database: Database,
        sender: Sender,
        clock: Clock,
        (holder, lease): (Uuid, Span),
        closing: CancellationToken,
    ) -> Self {
        let writers = if database.is_postgres() { 2 } else { 1 };
        Self {
            database,
            sender,
            clock,
            holder,
            lease,
            writers: Arc::new(Semaphore::new(writers)),
            tasks: JoinSet::new(),
            busy: HashMap::new(),
            round: 0,
            let_be: HashMap::new(),
            closing,
        }
    }

    /// Sends couriers to up to `most` of these endpoints that have none of this node, and answers how many went. Which ones
    /// come first differs between nodes, so that they share the work.
    pub(crate) fn send_out(&mut self, mut endpoints: Vec<Uuid>, most: usize) -> usize {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
        let now = self.clock.now();
        self.let_be.retain(|_, until| now < *until);
        let busy: HashSet<Uuid> = self.busy.values().copied().collect();
        endpoints.retain(|endpoint| !busy.contains(endpoint) && !self.let_be.contains_key(endpoint));
        let holder = self.holder.as_u128();
        // In another order each time, so that none waits for ever where there are more than can be sent to.
        self.round = self.round.wrapping_add(1);
        let mixed = holder ^ u128::from(self.round).wrapping_mul(0xd1b5_4a32_d192_ed03_8cb9_2ba7_2f3d_8dd7);
        endpoints.sort_by_key(|endpoint| (endpoint.as_u128() ^ mixed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        endpoints.truncate(most);
        for endpoint in &endpoints {
            let courier = Courier {
                database: self.database.clone(),
                sender: self.sender.clone(),
                clock: self.clock.clone(),
                keeper: Keeper::new(self.database.clone(), self.holder, self.lease),
                name: format!("webhook:{}", endpoint.simple()),
                endpoint: *endpoint,
                writers: Arc::clone(&self.writers),
                closing: self.closing.clone(),
            };
            let task = self.tasks.spawn(courier.run());
            self.busy.insert(task.id(), *endpoint);
        }
        endpoints.len()
    }

    /// How many are on their way.
    pub(crate) fn busy(&self) -> usize {
        self.busy.len()
    }

    /// Waits for all of them.
    pub(crate) async fn come_home(mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended);
        }
    }

    fn ended(&mut self, ended: Result<(task::Id, Ended), task::JoinError>) {
        let (id, how) = ended.unwrap_or_else(|error| {
            tracing::error!(%error, "a courier ended badly");
            (error.id(), Ended::Failed)
        });
        if let Some(endpoint) = self.busy.remove(&id)
            && how != Ended::Done
        {
            let until = self.clock.now().plus(Span::from_micros(self.lease.micros() / 4));
            self.let_be.insert(endpoint, until);
        }
    }
}

impl Courier {
    async fn run(mut self) -> Ended {
        let ended = match self.work().await {
            Ok(ended) => ended,
            Err(WorkError::Fenced(_)) => Ended::Elsewhere,
            Err(error) if error.retryable() => {
                metrics::counter!("amvaj_worker_conflicts_total", "job" => "webhooks").increment(1);
                Ended::Done
            }
            Err(error) => {
                metrics::counter!("amvaj_worker_failures_total", "job" => "webhooks").increment(1);
                tracing::warn!(%error, endpoint = %self.endpoint, "what is due at an endpoint waits");
                Ended::Failed
            }
        };
        self.keeper.release(self.clock.now()).await;
        ended
    }

    /// Sends until nothing is due, or another node has the lease.
    async fn work(&mut self) -> Result<Ended, WorkError> {
        let mut on_the_way = OnTheWay::default();
        let (mut known, mut known_since) = (None, None);
        let (mut window, mut end): (usize, Option<time::Instant>) = (FEW, None);
        loop {
            let now = self.clock.now();
            let Some(lease) = self.keeper.lease(&self.name, now).await? else { return Ok(Ended::Elsewhere) };
            if known_since.is_none_or(|since: time::Instant| since.elapsed() >= KNOWN_FOR) {
                known = served(&self.database, self.endpoint, now).await?;
                known_since = Some(time::Instant::now());
            }
            let Some(endpoint) = known.as_mut().filter(|_| end.is_none()) else {
                if on_the_way.is_empty() || end.is_some_and(|end| end <= time::Instant::now()) {
                    return Ok(Ended::Done);
                }
                self.wait(&mut on_the_way, &mut end, known.as_mut(), &lease).await?;
                continue;
            };
            if let Some(again) = endpoint.replay {
                if on_the_way.is_empty() {
                    if self.closing.is_cancelled() {
                        return Ok(Ended::Done);
                    }
                    // Others write between two pages: the ledger, and couriers whose events have ended.
                    time::sleep(BETWEEN_PAGES).await;
                    let Ok(_turn) = self.writers.acquire().await else { return Ok(Ended::Done) };
                    let (of, what) = ((&lease, self.endpoint), (&again, endpoint.types));
                    replay::step(&self.database, of, what, now, self.sender.fresh).await?;
                    known_since = None;
                    continue;
                }
            } else if !endpoint.standing.health.is_paused(now) && endpoint.standing.disabled.is_none() {
                let most = most(endpoint, window);
                self.send_more(endpoint, &mut on_the_way, most, now).await?;
            }
            if on_the_way.is_empty() {
                return Ok(Ended::Done);
            }
            if self.wait(&mut on_the_way, &mut end, Some(&mut *endpoint), &lease).await? {
                let good = endpoint.standing.health.failures == 0;
                window = if good { window.saturating_mul(2).min(MOST) } else { FEW };
            }
        }
    }

    /// Sends events of further wallets, until `most` are on their way.
    async fn send_more(
        &self,
        endpoint: &Served,
        on_the_way: &mut OnTheWay,
        most: usize,
        now: Instant,
    ) -> Result<(), WorkError> {
        let room = most.saturating_sub(on_the_way.wallets.len());
        if room == 0 {
            return Ok(());
        }
        let limit = room.saturating_add(on_the_way.wallets.len());
        let due = queue::due(&self.database, self.endpoint, now, limit).await?;
        if !due.empty.is_empty() {
            queue::forget(self.database.writer(), &due.empty).await?;
        }
        let heads: Vec<Head> =
            due.heads.into_iter().filter(|head| !on_the_way.has(&head.delivery.wallet_id)).collect();
        for head in heads.into_iter().take(room) {
            on_the_way.wallets.insert(head.delivery.wallet_id);
            on_the_way.sending.push(self.send(endpoint, head, now));
        }
        Ok(())
    }

    /// Sends an event on a task of its own, so that it goes on while others are written.
    fn send(&self, endpoint: &Served, head: Head, now: Instant) -> BoxFuture<'static, Tried> {
        let Sender { post, scribe, .. } = self.sender.clone();
        let (url, secrets, event) = (endpoint.url.clone(), endpoint.secrets.clone(), head.event.clone());
        let to = url.clone();
        let id = WebhookEndpointId::new(self.endpoint);
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let body = scribe.body(&event);
            let timestamp = now.micros().div_euclid(1_000_000);
            let letter = Letter { id: &event.id, timestamp, body: &body };
            match scribe.signatures(id, &secrets, &letter) {
                Some(signatures) => post.send(&to, &letter, &signatures).await,
                None => unsigned(id, &secrets),
            }
        }));
        async move {
            let ending = task.await.unwrap_or_else(|error| {
                tracing::error!(%error, "a try ended badly");
                Ending::unsent(Failure::Broken)
            });
            Tried { head, url, ending }
        }
        .boxed()
    }

    /// Waits until something has ended, writes all that has by the time it is this courier's turn, and answers whether there
    /// was anything. Waits no longer than what is known of the endpoint may be used.
    async fn wait(
        &self,
        on_the_way: &mut OnTheWay,
        end: &mut Option<time::Instant>,
        endpoint: Option<&mut Served>,
        lease: &Lease,
    ) -> Result<bool, WorkError> {
        let first = tokio::select! {
            tried = on_the_way.sending.next() => tried,
            () = self.closing.cancelled(), if end.is_none() => {
                *end = Some(time::Instant::now() + LAST_MOMENT);
                None
            }
            () = time::sleep(KNOWN_FOR) => None,
        };
        let Some(first) = first else { return Ok(false) };
        // The semaphore is never closed; without a turn nothing is written.
        let Ok(_turn) = self.writers.acquire().await else { return Ok(false) };
        let mut tried = vec![first];
        while let Some(Some(next)) = on_the_way.sending.next().now_or_never() {
            tried.push(next);
        }
        let of = (lease, self.endpoint);
        let now = self.clock.now();
        let after = record(&self.database, of, &tried, now, self.sender.fresh).await?;
        for one in &tried {
            on_the_way.wallets.remove(&one.head.delivery.wallet_id);
        }
        if let Some(endpoint) = endpoint {
            endpoint.standing = after;
        }
        Ok(true)
    }
}

impl OnTheWay {
    fn is_empty(&self) -> bool {
        self.sending.is_empty()
    }

    fn has(&self, wallet: &Uuid) -> bool {
        self.wallets.contains(wallet)
    }
}

/// How many events may be on their way to an endpoint.
fn most(endpoint: &Served, window: usize) -> usize {
    let health = endpoint.standing.health;
    if health.is_broken() {
        1
    } else if health.failures > 0 {
        FEW
    } else {
        window
    }
}

/// What ends a try for which there is no signature: the server has another secret than the one that sealed them.
fn unsigned(endpoint: WebhookEndpointId, secrets: &[SealedSecret]) -> Ending {
    tracing::error!(
        %endpoint,
        secrets = secrets.len(),
        "the secrets of an endpoint cannot be opened: is the server's secret the one that they were made with?"
    );
    Ending::unsent(Failure::Unsigned)
}

const DUE: &str = "select e.endpoint_id from webhook_endpoint e where e.status = 1 \
     and (e.paused_until is null or e.paused_until <= $1) \
     and (e.replay_until is not null or exists (select 1 from webhook_queue q \
         where q.endpoint_id = e.endpoint_id and q.next_try_at <= $1))";
