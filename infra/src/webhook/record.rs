//! What became of tries, written in one transaction for all of an endpoint that ended together.

use amvaj_domain::time::{Instant, Span};
use amvaj_domain::webhook::{
    DeliveryStatus, DisabledReason, EndpointStatus, Failure, Health, MOST_TRIES, pause,
};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, Statement};
use uuid::Uuid;

use super::endpoint::hold_endpoint;
use super::post::Ending;
use super::queue::{Head, forget};
use crate::db::entity::{webhook_delivery as delivery, webhook_endpoint, webhook_queue as queue};
use crate::db::{Database, StoreError, select, update};
use crate::worker::{Lease, WorkError};

/// The status by which an endpoint says that it is gone for good.
const GONE: i16 = 410;
/// How long an endpoint waits for whose events the server has no secret: until whoever runs it has set that right.
const WHILE_UNSIGNED: Span = Span::minutes(1);

/// A try that ended.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) head: Head,
    /// Where it was sent to.
    pub(super) url: String,
    pub(super) ending: Ending,
}

/// How an endpoint stands after some tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Standing {
    pub(super) health: Health,
    pub(super) disabled: Option<DisabledReason>,
}

impl Standing {
    /// How the row of an endpoint says that it stands.
    fn of(row: &webhook_endpoint::Model) -> Self {
        let health = Health {
            failures: row.failures,
            failing_since: row.failing_since.map(Instant::from_micros),
            paused_until: row.paused_until.map(Instant::from_micros),
        };
        Self { health, disabled: row.disabled_reason.and_then(DisabledReason::from_stored) }
    }

    /// After these tries, which ended at `now`. `jitter` is drawn for them.
    fn after<'a>(self, tried: impl Iterator<Item = &'a Tried>, now: Instant, jitter: u8) -> Self {
        let mut standing = self;
        let mut told = false;
        for one in tried {
            if one.is_ours() {
                // The next event would fare no better.
                let until = now.plus(WHILE_UNSIGNED);
                standing.health.paused_until = standing.health.paused_until.max(Some(until));
                continue;
            }
            told = true;
            if one.ending.failure.is_none() {
                standing.health = Health::GOOD;
            } else if !standing.health.is_paused(now) {
                // What was on its way when the breaker opened says nothing new.
                standing.health = standing.health.failed(now, jitter);
            }
            if one.ending.status == Some(GONE) {
                standing.disabled = Some(DisabledReason::Gone);
            }
        }
        if told && standing.health.is_hopeless(now) {
            standing.disabled = standing.disabled.or(Some(DisabledReason::Failing));
        }
        standing
    }
}

/// Writes what became of the tries and answers how the endpoint stands now. Events that were not taken are tried again after
/// a pause, or are dead letters; behind the others the next one of the wallet is due.
///
/// # Errors
/// [`WorkError::Fenced`] when the lease is lost; otherwise when the database fails. Nothing is written then.
pub(super) async fn record(
    database: &Database,
    (lease, endpoint): (&Lease, Uuid),
    tried: &[Tried],
    now: Instant,
    fresh: fn(Instant) -> Uuid,
) -> Result<Standing, WorkError> {
    let jitter = || {
        let [.., last] = fresh(now).into_bytes();
        last
    };
    let (mut deliveries, mut wallets, mut through) = (Vec::new(), Vec::new(), Vec::new());
    for one in tried {
        let delivery = one.delivery(now, jitter());
        let waits = queue::Model {
            endpoint_id: delivery.endpoint_id,
            wallet_id: delivery.wallet_id,
            next_try_at: delivery.next_try_at.unwrap_or(now.micros()),
            version: one.head.version,
        };
        if delivery.status != DeliveryStatus::Waiting.stored() {
            through.push(waits.clone());
        }
        wallets.push(waits);
        deliveries.push(delivery);
    }
    let transaction = lease.fence(database).await?;
    let row = hold_endpoint(&transaction, endpoint).await?;
    // What its merchant has changed meanwhile counts: it stands as the row says, and what another address has answered says
    // nothing of it. One that is not there has no standing.
    let before = row.as_ref().map(Standing::of).unwrap_or_default();
    let url = row.as_ref().map(|row| row.url.as_str());
    let telling = tried.iter().filter(|one| url == Some(one.url.as_str()));
    let standing = before.after(telling, now, jitter());
    hold(&transaction, &wallets).await?;
    update(&transaction, &deliveries, SET_DELIVERY, THIS_DELIVERY).await?;
    update(&transaction, &wallets, "next_try_at = k.next_try_at", THIS_WALLET).await?;
    forget(&transaction, &through).await?;
    if standing != before {
        write_standing(&transaction, endpoint, standing).await?;
    }
    if before.health.is_broken() && !standing.health.is_broken() {
        let values = [endpoint.into(), now.micros().into()];
        let wake = Statement::from_sql_and_values(database.backend(), ALL_DUE, values);
        transaction.execute_raw(wake).await?;
    }
    transaction.commit().await?;
    count(tried, &deliveries);
    if let Some(reason) = standing.disabled.filter(|_| before.disabled.is_none()) {
        tracing::warn!(%endpoint, ?reason, "an endpoint of a merchant is no longer sent to");
        metrics::counter!("amvaj_webhook_endpoints_disabled_total").increment(1);
    }
    Ok(standing)
}

impl Tried {
    /// Whether it failed on this side, so that it counts neither against the event nor against the endpoint.
    fn is_ours(&self) -> bool {
        self.ending.failure == Some(Failure::Unsigned)
    }

    /// The delivery after the try.
    fn delivery(&self, now: Instant, jitter: u8) -> delivery::Model {
        let Ending { failure, status, took, retry_after } = self.ending;
        let mut delivery = self.head.delivery.clone();
        if !self.is_ours() {
            delivery.tries = delivery.tries.saturating_add(1);
        }
        delivery.tried_at = Some(now.micros());
        delivery.took = Some(took.micros());
        delivery.response_status = status;
        delivery.failure = failure.map(Failure::stored);
        delivery.next_try_at = None;
        if failure.is_none() {
            delivery.status = DeliveryStatus::Delivered.stored();
            delivery.delivered_at = Some(now.micros());
        } else if delivery.tries >= MOST_TRIES {
            delivery.status = DeliveryStatus::Dead.stored();
        } else {
            let own = if self.is_ours() { WHILE_UNSIGNED } else { pause(delivery.tries, jitter) };
            let pause = retry_after.map_or(own, |asked| asked.max(own));
            delivery.next_try_at = Some(now.plus(pause).micros());
        }
        delivery
    }
}

/// Locks rows of the queue in the order in which whoever adds to it takes them.
async fn hold(transaction: &DatabaseTransaction, rows: &[queue::Model]) -> Result<(), StoreError> {
    let backend = transaction.get_database_backend();
    if backend != sea_orm::DbBackend::Postgres {
        return Ok(());
    }
    let sql = HOLD.replace("{rows}", &select::<queue::Model>(backend));
    let values = [<queue::Model as crate::db::columns::Columns>::json_rows(rows).into()];
    transaction.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

async fn write_standing(
    transaction: &DatabaseTransaction,
    endpoint: Uuid,
    Standing { health, disabled }: Standing,
) -> Result<(), StoreError> {
    let status = if disabled.is_some() { EndpointStatus::Disabled } else { EndpointStatus::Active };
    let values = [
        endpoint.into(),
        health.failures.into(),
        health.failing_since.map(Instant::micros).into(),
        health.paused_until.map(Instant::micros).into(),
        status.stored().into(),
        disabled.map(DisabledReason::stored).into(),
    ];
    let backend = transaction.get_database_backend();
    transaction.execute_raw(Statement::from_sql_and_values(backend, WRITE_STANDING, values)).await?;
    Ok(())
}

fn count(tried: &[Tried], deliveries: &[delivery::Model]) {
    for (one, delivery) in tried.iter().zip(deliveries) {
        let outcome = match DeliveryStatus::from_stored(delivery.status) {
            Some(DeliveryStatus::Delivered) => "delivered",
            Some(DeliveryStatus::Dead) => "dead",
            Some(DeliveryStatus::Waiting) | None => "failed",
        };
        metrics::counter!("amvaj_webhook_tries_total", "outcome" => outcome).increment(1);
        let micros = u32::try_from(one.ending.took.micros()).unwrap_or(u32::MAX);
        metrics::histogram!("amvaj_webhook_seconds").record(f64::from(micros) / 1_000_000.0);
    }
}

const SET_DELIVERY: &str = "status = k.status, tries = k.tries, next_try_at = k.next_try_at, tried_at = k.tried_at, \
     took = k.took, response_status = k.response_status, failure = k.failure, delivered_at = k.delivered_at";
// Waiting is the first status. It is not asked for by name, so that PostgreSQL has no way to these rows but their ids: planned
// while the tables are empty, a statement that names it reads what waits at all endpoints, over and over.
const THIS_DELIVERY: &str = "webhook_delivery.delivery_id = k.delivery_id and webhook_delivery.status < 2";
const THIS_WALLET: &str =
    "webhook_queue.endpoint_id = k.endpoint_id and webhook_queue.wallet_id = k.wallet_id";
const HOLD: &str = "select 1 from ({rows}) as k join webhook_queue q on q.endpoint_id = k.endpoint_id \
     and q.wallet_id = k.wallet_id order by q.endpoint_id, q.wallet_id for update of q";
const ALL_DUE: &str = "update webhook_queue set next_try_at = $2 where endpoint_id = $1 and next_try_at > $2";
// What its merchant has changed meanwhile stays.
const WRITE_STANDING: &str = "update webhook_endpoint set failures = $2, failing_since = $3, paused_until = $4, \
     status = $5, disabled_reason = $6 where endpoint_id = $1 and status = 1";
