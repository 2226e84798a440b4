//! What became of events, and what is sent again at a merchant's wish.

use std::collections::HashMap;

use amvaj_domain::id::{MerchantId, WalletId, WebhookDeliveryId, WebhookEndpointId};
use amvaj_domain::time::{Instant, Span};
use amvaj_domain::webhook::{Delivery, DeliveryStatus, EventType, Failure};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    Statement,
};
use uuid::Uuid;

use super::Webhooks;
use super::endpoint::{find, forgive, write};
use super::queue::{Queued, put};
use crate::audit::{Audit, Unit};
use crate::db::entity::webhook_delivery::{Column, Entity, Model};
use crate::db::entity::webhook_endpoint;
use crate::db::{StoreError, listing};
use crate::ledger::HistoryKey;
use crate::page::{Page, PageRequest};

/// How long an answer may wait until it is written.
const WRITING: Span = Span::seconds(5);

/// Why an event is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedeliverRefused {
    /// There is no such delivery.
    NoDelivery,
    /// It waits already.
    Waiting,
    /// The endpoint is not sent to.
    Disabled,
}

/// Why nothing is sent again, or no ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayRefused {
    /// There is no such endpoint.
    NoEndpoint,
    /// It is not sent to.
    Disabled,
    /// The place lies further back than anything is sent again.
    TooOld,
}

/// Where events begin that are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayStart {
    /// After this operation of the merchant.
    After(HistoryKey),
    /// With what was recorded at this moment or later.
    At(Instant),
}

impl Webhooks {
    /// A page of an endpoint's deliveries, in the order in which they were queued.
    pub async fn deliveries(
        &self,
        endpoint: WebhookEndpointId,
        status: Option<DeliveryStatus>,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Delivery>, StoreError> {
        let mut list = Entity::find().filter(Column::EndpointId.eq(endpoint.uuid()));
        if let Some(status) = status {
            list = list.filter(Column::Status.eq(status.stored()));
        }
        listing::page(&self.db, list, Column::DeliveryId, request, read).await
    }

    /// The deliveries of these ids; unknown ones are left out.
    pub async fn deliveries_by_id(
        &self,
        ids: &[WebhookDeliveryId],
    ) -> Result<HashMap<WebhookDeliveryId, Delivery>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = Entity::find().filter(Column::DeliveryId.is_in(ids)).all(self.db.reader()).await?;
        found.iter().map(|row| Ok((WebhookDeliveryId::new(row.delivery_id), read(row)?))).collect()
    }

    /// Puts a ping into an endpoint's queue, and has it tried at once even while the breaker is open. One that waits already
    /// is answered with.
    pub async fn ping(
        &self,
        (merchant, id): (MerchantId, WebhookEndpointId),
        now: Instant,
    ) -> Result<Result<Delivery, ReplayRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Ordinary).await?;
        let transaction = unit.transaction();
        let Some(mut endpoint) = find(transaction, merchant, id).await? else {
            return Ok(Err(ReplayRefused::NoEndpoint));
        };
        if endpoint.disabled_reason.is_some() {
            return Ok(Err(ReplayRefused::Disabled));
        }
        let nowhere = WalletId::new(Uuid::nil());
        let waiting = of_wallet(id, nowhere).filter(Column::Status.eq(DeliveryStatus::Waiting.stored()));
        let seq = match waiting.one(transaction).await? {
            Some(row) => row.seq,
            None => now.micros(),
        };
        let ping = Queued {
            endpoint: id.uuid(),
            wallet: nowhere,
            seq,
            event: EventType::Ping,
            recorded_at: now.micros(),
        };
        put(transaction, &[ping], false, now, self.fresh).await?;
        self.due_now(transaction, ping, now).await?;
        if endpoint.paused_until.is_some() {
            endpoint.paused_until = None;
            write(transaction, &endpoint).await?;
        }
        let row = of_wallet(id, nowhere).filter(Column::Seq.eq(seq)).one(transaction).await?;
        unit.commit().await?;
        let row = row.ok_or_else(|| missing(&id.to_string()))?;
        Ok(Ok(read(&row)?))
    }

    /// Has an event sent again that was delivered or is a dead letter.
    pub async fn redeliver(
        &self,
        merchant: MerchantId,
        delivery: &Delivery,
        now: Instant,
    ) -> Result<Result<Delivery, RedeliverRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Ordinary).await?;
        let transaction = unit.transaction();
        let Some(endpoint) = find(transaction, merchant, delivery.endpoint).await? else {
            return Ok(Err(RedeliverRefused::NoDelivery));
        };
        if endpoint.disabled_reason.is_some() {
            return Ok(Err(RedeliverRefused::Disabled));
        }
        let Some(row) = Entity::find_by_id(delivery.id.uuid()).one(transaction).await? else {
            return Ok(Err(RedeliverRefused::NoDelivery));
        };
        if row.status == DeliveryStatus::Waiting.stored() {
            return Ok(Err(RedeliverRefused::Waiting));
        }
        let again = Queued {
            endpoint: delivery.endpoint.uuid(),
            wallet: delivery.wallet,
            seq: delivery.seq,
            event: delivery.event,
            recorded_at: row.recorded_at,
        };
        put(transaction, &[again], true, now, self.fresh).await?;
        let row = Entity::find_by_id(delivery.id.uuid()).one(transaction).await?;
        unit.commit().await?;
        let row = row.ok_or_else(|| missing(&delivery.id.to_string()))?;
        Ok(Ok(read(&row)?))
    }

    /// Has everything sent again that an endpoint is told of, from a place in its merchant's journal until now. A replay that
    /// is under way begins anew.
    pub async fn replay(
        &self,
        (merchant, id): (MerchantId, WebhookEndpointId),
        start: ReplayStart,
        now: Instant,
    ) -> Result<Result<(), ReplayRefused>, StoreError> {
        let place = match start {
            ReplayStart::After(place) => place,
            // Nothing has a number below 1.
            ReplayStart::At(moment) => (moment.micros(), Uuid::nil(), 0),
        };
        if place.0 < self.settings.oldest(now).micros() {
            return Ok(Err(ReplayRefused::TooOld));
        }
        let unit = Unit::begin(&self.db, Audit::Ordinary).await?;
        let transaction = unit.transaction();
        let Some(mut endpoint) = find(transaction, merchant, id).await? else {
            return Ok(Err(ReplayRefused::NoEndpoint));
        };
        if endpoint.disabled_reason.is_some() {
            return Ok(Err(ReplayRefused::Disabled));
        }
        let delivered = of_wallet(id, WalletId::new(place.1)).filter(Column::Seq.eq(place.2));
        let sent_at = delivered.one(transaction).await?.and_then(|row| earliest_sent(&row));
        begin_replay(&mut endpoint, place, sent_at, now);
        write(transaction, &endpoint).await?;
        unit.commit().await?;
        Ok(Ok(()))
    }

    async fn due_now(
        &self,
        transaction: &DatabaseTransaction,
        event: Queued,
        now: Instant,
    ) -> Result<(), StoreError> {
        let values = [event.endpoint.into(), event.wallet.uuid().into(), now.micros().into()];
        let statement = Statement::from_sql_and_values(self.db.backend(), DUE_NOW, values);
        transaction.execute_raw(statement).await?;
        Ok(())
    }
}

fn begin_replay(
    endpoint: &mut webhook_endpoint::Model,
    (at, wallet, seq): HistoryKey,
    sent_at: Option<i64>,
    now: Instant,
) {
    endpoint.replay_at = Some(at);
    endpoint.replay_wallet = Some(wallet);
    endpoint.replay_seq = Some(seq);
    endpoint.replay_until = Some(now.micros().max(at));
    endpoint.replay_delivered_from = sent_at;
    // Whoever asks for events again is there to take them.
    forgive(endpoint);
}

/// The moment before which an event was not sent that was delivered; nothing when it was not delivered.
fn earliest_sent(row: &Model) -> Option<i64> {
    let before = row.took.unwrap_or_default().saturating_add(WRITING.micros());
    Some(row.delivered_at?.saturating_sub(before))
}

fn of_wallet(endpoint: WebhookEndpointId, wallet: WalletId) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::EndpointId.eq(endpoint.uuid())).filter(Column::WalletId.eq(wallet.uuid()))
}

fn missing(id: &str) -> StoreError {
    StoreError::CorruptRow {
        table: "webhook_delivery",
        id: id.to_owned(),
        what: "it is missing right after it was written",
    }
}

fn read(row: &Model) -> Result<Delivery, StoreError> {
    let corrupt =
        |what| StoreError::CorruptRow { table: "webhook_delivery", id: row.delivery_id.to_string(), what };
    let failure =
        row.failure.map(|number| Failure::from_stored(number).ok_or_else(|| corrupt("its failure")));
    Ok(Delivery {
        id: WebhookDeliveryId::new(row.delivery_id),
        endpoint: WebhookEndpointId::new(row.endpoint_id),
        wallet: WalletId::new(row.wallet_id),
        seq: row.seq,
        event: EventType::from_stored(row.event_type).ok_or_else(|| corrupt("its type"))?,
        status: DeliveryStatus::from_stored(row.status).ok_or_else(|| corrupt("its status"))?,
        tries: row.tries,
        next_try_at: row.next_try_at.map(Instant::from_micros),
        tried_at: row.tried_at.map(Instant::from_micros),
        took: row.took.map(Span::from_micros),
        response_status: row.response_status,
        failure: failure.transpose()?,
        delivered_at: row.delivered_at.map(Instant::from_micros),
        queued_at: Instant::from_micros(row.queued_at),
    })
}

// Before everything else that is due: while the breaker is open, one event at a time goes.
const DUE_NOW: &str = "update webhook_queue set next_try_at = \
     (select case when min(q.next_try_at) <= $3 then min(q.next_try_at) - 1 else $3 end from webhook_queue q \
      where q.endpoint_id = $1) where endpoint_id = $1 and wallet_id = $2";
