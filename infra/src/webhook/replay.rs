//! Events that are sent again from a place in their merchant's journal.
//!
//! While they are put into the queue, page by page, nothing is sent: so an event never overtakes an earlier one of its wallet
//! that is sent again.

use amvaj_domain::id::WalletId;
use amvaj_domain::ledger::OpKind;
use amvaj_domain::time::Instant;
use amvaj_domain::webhook::{EventType, EventTypes};
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement};
use uuid::Uuid;

use super::endpoint::{Replay, hold_endpoint};
use super::queue::{Queued, put};
use crate::db::{Database, StoreError};
use crate::worker::{Lease, WorkError};

/// Operations of one page.
const PAGE: i64 = 500;

#[derive(FromQueryResult)]
struct Row {
    wallet_id: Uuid,
    seq: i64,
    kind: i16,
    reject_code: Option<i16>,
    recorded_at: i64,
}

/// Puts the next page into the queue.
///
/// # Errors
/// [`WorkError::Fenced`] when the lease is lost; otherwise when the database fails. Nothing is written then.
pub(super) async fn step(
    database: &Database,
    (lease, endpoint): (&Lease, Uuid),
    (replay, types): (&Replay, EventTypes),
    now: Instant,
    fresh: fn(Instant) -> Uuid,
) -> Result<(), WorkError> {
    let start = match replay.delivered_from {
        Some(from) => earliest(database, endpoint, replay, from).await?,
        None => replay.place,
    };
    let rows = page(database, endpoint, start, replay.until).await?;
    let events: Vec<Queued> = rows.iter().filter_map(|row| row.queued(endpoint, types)).collect();
    let full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= PAGE);
    let place = rows.last().filter(|_| full).map(|row| (row.recorded_at, row.wallet_id, row.seq));
    let transaction = lease.fence(database).await?;
    hold_endpoint(&transaction, endpoint).await?;
    put(&transaction, &events, true, now, fresh).await?;
    let values = [
        endpoint.into(),
        place.map(|(at, ..)| at).into(),
        place.map(|(_, wallet, _)| wallet).into(),
        place.map(|(.., seq)| seq).into(),
        place.map(|_| replay.until).into(),
        // A replay that was asked for meanwhile begins at its own place.
        replay.place.0.into(),
        replay.place.1.into(),
        replay.place.2.into(),
        replay.until.into(),
    ];
    transaction.execute_raw(Statement::from_sql_and_values(database.backend(), MOVE, values)).await?;
    transaction.commit().await?;
    Ok(())
}

/// Where to begin so that nothing is left out that the endpoint may have taken after the event of its cursor, though it was
/// recorded before: because it was tried for longer, or was on its way at the same time.
async fn earliest(
    database: &Database,
    endpoint: Uuid,
    replay: &Replay,
    delivered_from: i64,
) -> Result<(i64, Uuid, i64), StoreError> {
    let (at, wallet, seq) = replay.place;
    let values = [endpoint.into(), delivered_from.into(), at.into(), wallet.into(), seq.into()];
    let statement = Statement::from_sql_and_values(database.backend(), EARLIEST, values);
    let row = database.for_outbox().query_one_raw(statement).await?;
    let earliest: Option<i64> = row.map(|row| row.try_get("", "earliest")).transpose()?.flatten();
    Ok(earliest.map_or(replay.place, |at| (at, Uuid::nil(), 0)))
}

async fn page(
    database: &Database,
    endpoint: Uuid,
    (at, wallet, seq): (i64, Uuid, i64),
    until: i64,
) -> Result<Vec<Row>, StoreError> {
    let values = [endpoint.into(), at.into(), wallet.into(), seq.into(), until.into(), PAGE.into()];
    let statement = Statement::from_sql_and_values(database.backend(), JOURNAL, values);
    Ok(Row::find_by_statement(statement).all(database.for_outbox()).await?)
}

impl Row {
    fn queued(&self, endpoint: Uuid, types: EventTypes) -> Option<Queued> {
        let event = EventType::of(OpKind::from_stored(self.kind)?)?;
        let told = self.reject_code.is_none() && types.contain(event);
        told.then_some(Queued {
            endpoint,
            wallet: WalletId::new(self.wallet_id),
            seq: self.seq,
            event,
            recorded_at: self.recorded_at,
        })
    }
}

const EARLIEST: &str = "select min(recorded_at) as earliest from webhook_delivery \
     where endpoint_id = $1 and delivered_at >= $2 and recorded_at <= $3 and event_type <> 8 \
     and (wallet_id, seq) <> ($4, $5)";
const JOURNAL: &str = "select o.wallet_id, o.seq, o.kind, o.reject_code, o.recorded_at from op o \
     where o.merchant_id = (select e.merchant_id from webhook_endpoint e where e.endpoint_id = $1) \
     and (o.recorded_at, o.wallet_id, o.seq) > ($2, $3, $4) and o.recorded_at <= $5 \
     order by o.recorded_at, o.wallet_id, o.seq limit $6";
const MOVE: &str = "update webhook_endpoint set replay_at = $2, replay_wallet = $3, replay_seq = $4, replay_until = $5, \
     replay_delivered_from = null \
     where endpoint_id = $1 and replay_at = $6 and replay_wallet = $7 and replay_seq = $8 and replay_until = $9";
