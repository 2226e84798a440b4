//! The queue of each endpoint: what is put into it, and which events come next.

use amvaj_domain::id::{BranchId, MemberId, MerchantId, WalletId};
use amvaj_domain::money::Currency;
use amvaj_domain::time::Instant;
use amvaj_domain::webhook::{DeliveryStatus, EventType, event_id, ping_id};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, FromQueryResult, QueryResult, Statement};
use uuid::Uuid;

use super::scribe::{Event, Told};
use crate::db::entity::{webhook_delivery as delivery, webhook_queue as queue};
use crate::db::{Database, StoreError, insert};
use amvaj_domain::id::WebhookEndpointId;

/// An event for an endpoint's queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queued {
    pub(super) endpoint: Uuid,
    pub(super) wallet: WalletId,
    pub(super) seq: i64,
    pub(super) event: EventType,
    pub(super) recorded_at: i64,
}

/// The first event that waits in a wallet.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) delivery: delivery::Model,
    /// The version of the wallet's row in the queue when the event was read.
    pub(super) version: i64,
    pub(super) event: Event,
}

/// The wallets that are due: the first event of each, or that nothing waits there any more.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) heads: Vec<Head>,
    /// Rows of the queue behind which nothing waits.
    pub(super) empty: Vec<queue::Model>,
}

impl Queued {
    fn delivery(&self, id: Uuid, now: Instant) -> delivery::Model {
        delivery::Model {
            delivery_id: id,
            endpoint_id: self.endpoint,
            shard_no: self.wallet.shard_no(),
            wallet_id: self.wallet.uuid(),
            seq: self.seq,
            event_type: self.event.stored(),
            status: DeliveryStatus::Waiting.stored(),
            tries: 0,
            recorded_at: self.recorded_at,
            next_try_at: None,
            tried_at: None,
            took: None,
            response_status: None,
            failure: None,
            delivered_at: None,
            queued_at: now.micros(),
        }
    }
}

/// Puts events into their queues. Those that were there before stay as they are, or wait `again`.
pub(super) async fn put(
    transaction: &DatabaseTransaction,
    events: &[Queued],
    again: bool,
    now: Instant,
    fresh: fn(Instant) -> Uuid,
) -> Result<(), StoreError> {
    let mut ids: Vec<Uuid> = events.iter().map(|_| fresh(now)).collect();
    ids.sort_unstable();
    let mut events = events.to_vec();
    // Lists of deliveries are in the order of their ids.
    events.sort_by_key(|event| (event.recorded_at, event.wallet, event.seq));
    let mut events: Vec<(Queued, Uuid)> = events.into_iter().zip(ids).collect();
    // Whoever else writes these rows takes them in this order as well.
    events.sort_by_key(|(event, _)| (event.endpoint, event.wallet, event.seq));
    let deliveries: Vec<delivery::Model> =
        events.iter().map(|(event, id)| event.delivery(*id, now)).collect();
    let mut wallets: Vec<queue::Model> = events
        .iter()
        .map(|(event, _)| queue::Model {
            endpoint_id: event.endpoint,
            wallet_id: event.wallet.uuid(),
            next_try_at: now.micros(),
            version: 0,
        })
        .collect();
    wallets.dedup();
    insert(transaction, &deliveries, if again { WAITS_AGAIN } else { STAYS }).await?;
    insert(transaction, &wallets, if again { DUE_AGAIN } else { ADDED }).await
}

/// The first events of up to `limit` wallets that are due at an endpoint, those that wait longest first.
pub(super) async fn due(
    database: &Database,
    endpoint: Uuid,
    now: Instant,
    limit: usize,
) -> Result<Due, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values = [endpoint.into(), now.micros().into(), limit.into()];
    let statement = Statement::from_sql_and_values(database.backend(), DUE, values);
    let rows = Row::find_by_statement(statement).all(database.for_outbox()).await?;
    let mut due = Due::default();
    for row in rows {
        match row.head {
            Some((delivery, event)) => due.heads.push(Head { delivery, version: row.queue.version, event }),
            None => due.empty.push(row.queue),
        }
    }
    Ok(due)
}

/// Takes rows out of the queue that nothing was added to since they were read, and behind which nothing waits.
pub(super) async fn forget<C: ConnectionTrait>(
    connection: &C,
    rows: &[queue::Model],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let backend = connection.get_database_backend();
    let sql = FORGET.replace("{rows}", &crate::db::select::<queue::Model>(backend));
    let values = [<queue::Model as crate::db::columns::Columns>::json_rows(rows).into()];
    connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

struct Row {
    queue: queue::Model,
    head: Option<(delivery::Model, Event)>,
}

impl FromQueryResult for Row {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, DbErr> {
        let queue = queue::Model {
            endpoint_id: row.try_get("", "q_endpoint_id")?,
            wallet_id: row.try_get("", "q_wallet_id")?,
            next_try_at: row.try_get("", "q_next_try_at")?,
            version: row.try_get("", "version")?,
        };
        let waits: Option<Uuid> = row.try_get("", "delivery_id")?;
        let head = if waits.is_some() {
            let delivery = delivery::Model::from_query_result(row, "")?;
            let event = event(row, &delivery)?;
            Some((delivery, event))
        } else {
            None
        };
        Ok(Self { queue, head })
    }
}

fn event(row: &QueryResult, delivery: &delivery::Model) -> Result<Event, DbErr> {
    let corrupt = |what: &str| DbErr::Type(format!("delivery {}: {what}", delivery.delivery_id));
    let event = EventType::from_stored(delivery.event_type).ok_or_else(|| corrupt("its type"))?;
    let wallet = WalletId::new(delivery.wallet_id);
    let merchant = MerchantId::new(row.try_get("", "merchant_id")?);
    let recorded_at = Instant::from_micros(delivery.recorded_at);
    if event == EventType::Ping {
        let id = ping_id(WebhookEndpointId::new(delivery.endpoint_id), delivery.seq);
        return Ok(Event { id, event, merchant, recorded_at, told: None });
    }
    let currency: String = row.try_get("", "currency")?;
    let told = Told {
        wallet,
        seq: delivery.seq,
        points: row.try_get("", "amount")?,
        money: row.try_get("", "money")?,
        currency: Currency::parse(&currency).map_err(|_| corrupt("the currency of its merchant"))?,
        member: row.try_get::<Option<Uuid>>("", "member_id")?.map(MemberId::new),
        customer_ref: row.try_get("", "customer_ref")?,
        branch: row.try_get::<Option<Uuid>>("", "branch_id")?.map(BranchId::new),
        receipt: row.try_get("", "receipt_no")?,
        ref_seq: row.try_get("", "ref_seq")?,
        occurred_at: Instant::from_micros(row.try_get("", "occurred_at")?),
    };
    Ok(Event { id: event_id(wallet, delivery.seq), event, merchant, recorded_at, told: Some(told) })
}

const STAYS: &str = "on conflict (endpoint_id, wallet_id, seq) do nothing";
const WAITS_AGAIN: &str = "on conflict (endpoint_id, wallet_id, seq) do update set status = 1, tries = 0, \
     next_try_at = null, delivered_at = null";
const ADDED: &str = "on conflict (endpoint_id, wallet_id) do update set version = webhook_queue.version + 1";
const DUE_AGAIN: &str = "on conflict (endpoint_id, wallet_id) do update set version = webhook_queue.version + 1, \
     next_try_at = excluded.next_try_at";
const DUE: &str = "select q.endpoint_id as q_endpoint_id, q.wallet_id as q_wallet_id, q.next_try_at as q_next_try_at, \
     q.version, d.*, e.merchant_id, merchant.currency, o.amount, o.money, o.branch_id, o.receipt_no, o.ref_seq, \
     o.occurred_at, member.member_id, \
     (select min(c.customer_ref) from customer_ref c where c.merchant_id = e.merchant_id \
         and c.member_id = member.member_id) as customer_ref \
     from (select * from webhook_queue where endpoint_id = $1 and next_try_at <= $2 order by next_try_at limit $3) as q \
     join webhook_endpoint e on e.endpoint_id = q.endpoint_id \
     join merchant on merchant.merchant_id = e.merchant_id \
     left join webhook_delivery d on d.endpoint_id = q.endpoint_id and d.wallet_id = q.wallet_id \
         and d.seq = (select min(w.seq) from webhook_delivery w where w.endpoint_id = q.endpoint_id \
             and w.wallet_id = q.wallet_id and w.status = 1) \
     left join op o on o.shard_no = d.shard_no and o.wallet_id = d.wallet_id and o.seq = d.seq \
     left join member on member.wallet_id = d.wallet_id";
// A `not exists` would be a join, and what waits at all endpoints would be read for it where the plan was made while the tables
// were empty. The least of what waits in one wallet is read by its index whatever the plan.
const FORGET: &str = "delete from webhook_queue where (endpoint_id, wallet_id, version) in \
     (select k.endpoint_id, k.wallet_id, k.version from ({rows}) as k) \
     and (select min(d.seq) from webhook_delivery d where d.endpoint_id = webhook_queue.endpoint_id \
         and d.wallet_id = webhook_queue.wallet_id and d.status = 1) is null";
