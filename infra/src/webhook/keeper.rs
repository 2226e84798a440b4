//! The consumer of the outbox that puts events into the queues of endpoints.

use amvaj_domain::id::WalletId;
use amvaj_domain::ledger::OpKind;
use amvaj_domain::time::Instant;
use amvaj_domain::webhook::{EventType, EventTypes};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::queue::{Queued, put};
use crate::{
    db::{Database, StoreError},
    ledger::{Touched, keys::Keys},
    outbox::{Backlog, Buckets, Consumer, Relayed},
    worker::WorkError,
};

/// Wallets of one statement. A row of the outbox may bring more, and then is one alone.
const MOST_WALLETS: usize = 500;

/// The consumer that queues events.
#[derive(Debug, Clone)]
pub struct WebhookKeeper {
    database: Database,
    consumer: Consumer,
    fresh: fn(Instant) -> Uuid,
}

#[derive(FromQueryResult)]
struct Row {
    endpoint_id: Uuid,
    event_types: i64,
    wallet_id: Uuid,
    seq: i64,
    kind: i16,
    recorded_at: i64,
}

impl WebhookKeeper {
    /// A keeper of the queues in a database. `fresh` makes ids from a time.
    pub fn new(database: Database, fresh: fn(Instant) -> Uuid) -> Self {
        Self { consumer: Consumer::new(database.clone(), "webhooks"), database, fresh }
    }

    /// Makes its cursors.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register(&self) -> Result<(), StoreError> {
        self.consumer.register().await
    }

    /// What waits for the relay, and then for the keeper.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.consumer.backlog().await
    }

    /// Queues the events that up to `limit` rows of each bucket tell of, together with the cursors, and answers how many rows
    /// it has passed. A network without endpoints pays for the cursors only.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when a lease is lost; otherwise when the database fails. Nothing is written then.
    pub async fn keep(&self, buckets: &Buckets, now: Instant, limit: u32) -> Result<usize, WorkError> {
        let rows = self.consumer.read_after(buckets, limit).await?;
        let rows = Relayed::few(&rows, MOST_WALLETS);
        if rows.is_empty() {
            return Ok(0);
        }
        let transaction = buckets.fence(&self.database).await?;
        let somebody_listens = transaction.query_one_raw(self.statement(SOMEBODY_LISTENS)).await?.is_some();
        if somebody_listens {
            let touched: Vec<Touched> = rows.iter().flat_map(|row| row.touched.iter().copied()).collect();
            let events = self.events(&transaction, &touched).await?;
            metrics::counter!("amvaj_webhook_events_queued_total")
                .increment(u64::try_from(events.len()).unwrap_or(u64::MAX));
            put(&transaction, &events, false, now, self.fresh).await?;
        }
        self.consumer.advance_in(&transaction, rows).await?;
        transaction.commit().await?;
        Ok(rows.len())
    }

    /// What endpoints are to be told of these operations. The endpoints stay until the transaction ends; SQLite has one
    /// writer at a time anyway.
    async fn events(
        &self,
        transaction: &DatabaseTransaction,
        touched: &[Touched],
    ) -> Result<Vec<Queued>, StoreError> {
        let lock = if self.database.is_postgres() { " for key share of e" } else { "" };
        let statement = Keys::touched(self.database.backend(), touched).statement(&format!("{EVENTS}{lock}"));
        let rows = Row::find_by_statement(statement).all(transaction).await?;
        Ok(rows.iter().filter_map(Row::queued).collect())
    }

    fn statement(&self, sql: &str) -> sea_orm::Statement {
        sea_orm::Statement::from_string(self.database.backend(), sql)
    }
}

impl Row {
    /// The event, when the endpoint is told of such.
    fn queued(&self) -> Option<Queued> {
        let event = EventType::of(OpKind::from_stored(self.kind)?)?;
        let types = EventTypes::from_stored(u32::try_from(self.event_types).ok()?);
        types.contain(event).then_some(Queued {
            endpoint: self.endpoint_id,
            wallet: WalletId::new(self.wallet_id),
            seq: self.seq,
            event,
            recorded_at: self.recorded_at,
        })
    }
}

const SOMEBODY_LISTENS: &str = "select 1 from webhook_endpoint where status = 1 limit 1";
const EVENTS: &str = "select e.endpoint_id, e.event_types, o.wallet_id, o.seq, o.kind, o.recorded_at \
     from {k} join op o on o.shard_no = k.shard_no and o.wallet_id = k.wallet_id and o.seq between k.first_seq and k.last_seq \
     join webhook_endpoint e on e.merchant_id = o.merchant_id \
     where o.reject_code is null and e.status = 1";
