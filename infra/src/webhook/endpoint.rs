//! Endpoints and their secrets: registered, changed, removed, each together with its entry in the audit log.
//!
//! Whoever changes endpoints holds the merchant's row first. A secret reaches this module sealed.

use amvaj_domain::audit::Act;
use amvaj_domain::id::{MerchantId, WebhookEndpointId};
use amvaj_domain::merchant::MerchantStatus;
use amvaj_domain::text::Name;
use amvaj_domain::time::{Instant, Span};
use amvaj_domain::webhook::{DisabledReason, Endpoint, EndpointStatus, EventTypes, Health, Secret};
use sea_orm::sea_query::{Expr, ExprTrait as _, LockType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

use super::record::Standing;
use super::scribe::SealedSecret;
use super::{WebhookSettings, Webhooks};
use crate::audit::{Audit, Unit};
use crate::db::entity::webhook_endpoint::{ActiveModel, Column, Entity, Model};
use crate::db::entity::{merchant, webhook_secret as secret};
use crate::db::{Database, StoreError, listing};
use crate::page::{Page, PageRequest};

/// The number of a status that only storage knows: removed.
pub(super) const REMOVED: i16 = 3;

/// A new secret: its number, sealed. What seals it has to know the number.
pub type NewSecret<'a> = &'a (dyn Fn(i32) -> Option<Vec<u8>> + Send + Sync);

/// What is changed of an endpoint. What is absent stays.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Where events are sent.
    pub url: Option<String>,
    /// What it is called.
    pub name: Option<Name>,
    /// What it is told of.
    pub types: Option<EventTypes>,
    /// Whether it is sent to.
    pub enabled: Option<bool>,
}

/// Why an endpoint is not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateRefused {
    /// There is no such merchant.
    NoMerchant,
    /// The merchant begins nothing new.
    MerchantBlocked,
    /// It has as many endpoints as it may have.
    TooMany,
    /// The system has no randomness to seal a secret with.
    NotSealed,
}

/// Why an endpoint is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeRefused {
    /// There is no such endpoint.
    NoEndpoint,
}

/// Why a secret is not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateRefused {
    /// There is no such endpoint.
    NoEndpoint,
    /// The secret before the newest one is still good.
    UnderWay,
    /// The system has no randomness to seal a secret with.
    NotSealed,
}

/// An endpoint as its courier needs it.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) url: String,
    pub(super) types: EventTypes,
    pub(super) standing: Standing,
    pub(super) secrets: Vec<SealedSecret>,
    pub(super) replay: Option<Replay>,
}

/// What is still to be put into the queue again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Replay {
    /// The place in the merchant's journal behind which it begins.
    pub(super) place: (i64, Uuid, i64),
    /// The last moment of recording that belongs to it.
    pub(super) until: i64,
    /// What was delivered after this moment belongs to it as well.
    pub(super) delivered_from: Option<i64>,
}

impl Webhooks {
    /// The endpoints of these ids; unknown and removed ones are left out.
    pub async fn endpoints_by_id(&self, ids: &[WebhookEndpointId]) -> Result<Vec<Endpoint>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = there().filter(Column::EndpointId.is_in(ids)).all(self.db.reader()).await?;
        found.iter().map(read).collect()
    }

    /// A page of a merchant's endpoints, in the order of their registration.
    pub async fn endpoints(
        &self,
        merchant: MerchantId,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Endpoint>, StoreError> {
        let list = there().filter(Column::MerchantId.eq(merchant.uuid()));
        listing::page(&self.db, list, Column::EndpointId, request, read).await
    }

    /// What is known of the secrets of an endpoint that are good at `now`, oldest first.
    pub async fn secrets(&self, id: WebhookEndpointId, now: Instant) -> Result<Vec<Secret>, StoreError> {
        let found = good_secrets(id.uuid(), now).all(self.db.reader()).await?;
        Ok(found.iter().map(known).collect())
    }

    /// Writes a new endpoint with its first secret.
    pub async fn create(
        &self,
        endpoint: &Endpoint,
        seal: NewSecret<'_>,
        act: &Act,
    ) -> Result<Result<(), CreateRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let Some(merchant) = hold(transaction, endpoint.merchant).await? else {
            return Ok(Err(CreateRefused::NoMerchant));
        };
        if merchant.status != MerchantStatus::Open.stored() {
            return Ok(Err(CreateRefused::MerchantBlocked));
        }
        let theirs = there().filter(Column::MerchantId.eq(endpoint.merchant.uuid()));
        if theirs.count(transaction).await? >= Endpoint::MOST {
            return Ok(Err(CreateRefused::TooMany));
        }
        let row = ActiveModel {
            endpoint_id: Set(endpoint.id.uuid()),
            merchant_id: Set(endpoint.merchant.uuid()),
            url: Set(endpoint.url.clone()),
            name: Set(endpoint.name.to_string()),
            event_types: Set(endpoint.types.stored().into()),
            status: Set(EndpointStatus::Active.stored()),
            disabled_reason: Set(None),
            failures: Set(0),
            failing_since: Set(None),
            paused_until: Set(None),
            replay_at: Set(None),
            replay_wallet: Set(None),
            replay_seq: Set(None),
            replay_until: Set(None),
            replay_delivered_from: Set(None),
            created_at: Set(endpoint.created_at.micros()),
        };
        Entity::insert(row).exec_without_returning(transaction).await?;
        if !add_secret(transaction, endpoint.id, 1, seal, endpoint.created_at).await? {
            return Ok(Err(CreateRefused::NotSealed));
        }
        unit.commit().await?;
        Ok(Ok(()))
    }

    /// Changes a merchant's endpoint. One that is enabled again is tried at once.
    pub async fn change(
        &self,
        (merchant, id): (MerchantId, WebhookEndpointId),
        changes: &Changes,
        act: &Act,
    ) -> Result<Result<Endpoint, ChangeRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let Some(before) = find(transaction, merchant, id).await? else {
            return Ok(Err(ChangeRefused::NoEndpoint));
        };
        let mut row = before.clone();
        if let Some(url) = &changes.url {
            row.url.clone_from(url);
        }
        if let Some(name) = &changes.name {
            row.name = name.to_string();
        }
        if let Some(types) = changes.types {
            row.event_types = types.stored().into();
        }
        let disabled = EndpointStatus::Disabled.stored();
        match changes.enabled {
            Some(false) if row.status != disabled => {
                row.status = disabled;
                row.disabled_reason = Some(DisabledReason::ByMerchant.stored());
            }
            Some(true) if row.status == disabled => {
                row.status = EndpointStatus::Active.stored();
                row.disabled_reason = None;
                forgive(&mut row);
            }
            Some(_) | None => {}
        }
        // Another address has not failed yet.
        if row.url != before.url {
            forgive(&mut row);
        }
        if row != before {
            write(transaction, &row).await?;
            unit.commit().await?;
        }
        Ok(Ok(read(&row)?))
    }

    /// Takes a merchant's endpoint away, with its secrets; what became of its events is removed later. `false` when there is
    /// none.
    pub async fn remove(
        &self,
        (merchant, id): (MerchantId, WebhookEndpointId),
        act: &Act,
    ) -> Result<bool, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let Some(mut row) = find(transaction, merchant, id).await? else { return Ok(false) };
        row.status = REMOVED;
        row.disabled_reason = None;
        write(transaction, &row).await?;
        secret::Entity::delete_many()
            .filter(secret::Column::EndpointId.eq(id.uuid()))
            .exec(transaction)
            .await?;
        unit.commit().await?;
        Ok(true)
    }

    /// Adds a secret, beside which those before go on for `overlap`; with no overlap they end at once.
    pub async fn rotate(
        &self,
        (merchant, id): (MerchantId, WebhookEndpointId),
        overlap: Span,
        seal: NewSecret<'_>,
        now: Instant,
        act: &Act,
    ) -> Result<Result<Endpoint, RotateRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let Some(row) = find(transaction, merchant, id).await? else {
            return Ok(Err(RotateRefused::NoEndpoint));
        };
        let good = good_secrets(id.uuid(), now).all(transaction).await?;
        if good.len() > 1 && overlap.micros() > 0 {
            return Ok(Err(RotateRefused::UnderWay));
        }
        let newest = secret::Entity::find().filter(secret::Column::EndpointId.eq(id.uuid()));
        let newest = newest.order_by_desc(secret::Column::SecretNo).one(transaction).await?;
        let number = newest.map_or(1, |newest| newest.secret_no.saturating_add(1));
        let end = now.plus(overlap).micros();
        let ends_later = secret::Column::ExpiresAt.is_null().or(secret::Column::ExpiresAt.gt(end));
        secret::Entity::update_many()
            .col_expr(secret::Column::ExpiresAt, Expr::value(end))
            .filter(secret::Column::EndpointId.eq(id.uuid()))
            .filter(ends_later)
            .exec(transaction)
            .await?;
        secret::Entity::delete_many()
            .filter(secret::Column::EndpointId.eq(id.uuid()))
            .filter(secret::Column::ExpiresAt.lte(now.micros()))
            .exec(transaction)
            .await?;
        if !add_secret(transaction, id, number, seal, now).await? {
            return Ok(Err(RotateRefused::NotSealed));
        }
        unit.commit().await?;
        Ok(Ok(read(&row)?))
    }
}

/// An endpoint that is sent to; nothing when it is not.
pub(super) async fn served(
    database: &Database,
    id: Uuid,
    now: Instant,
) -> Result<Option<Served>, StoreError> {
    let active = Column::Status.eq(EndpointStatus::Active.stored());
    let row = Entity::find_by_id(id).filter(active).one(database.for_outbox()).await?;
    let Some(row) = row else { return Ok(None) };
    let secrets = good_secrets(id, now).all(database.for_outbox()).await?;
    let endpoint = read(&row)?;
    let place = row.replay_at.zip(row.replay_wallet).zip(row.replay_seq);
    let replay = place.zip(row.replay_until).map(|(((at, wallet), seq), until)| Replay {
        place: (at, wallet, seq),
        until,
        delivered_from: row.replay_delivered_from,
    });
    Ok(Some(Served {
        url: endpoint.url,
        types: endpoint.types,
        standing: Standing { health: endpoint.health, disabled: None },
        // The newest first: most receivers find theirs at once.
        secrets: secrets
            .into_iter()
            .rev()
            .map(|row| SealedSecret { number: row.secret_no, sealed: row.sealed })
            .collect(),
        replay,
    }))
}

/// A merchant's endpoint, whose merchant is held until the transaction ends.
pub(super) async fn find(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
    id: WebhookEndpointId,
) -> Result<Option<Model>, StoreError> {
    hold(transaction, merchant).await?;
    let found = there()
        .filter(Column::EndpointId.eq(id.uuid()))
        .filter(Column::MerchantId.eq(merchant.uuid()))
        // Its courier writes how it has answered.
        .lock(LockType::NoKeyUpdate);
    Ok(found.one(transaction).await?)
}

/// Holds an endpoint's row, which whoever writes rows of its queue as well takes first, and answers what is in it.
pub(super) async fn hold_endpoint(
    transaction: &DatabaseTransaction,
    id: Uuid,
) -> Result<Option<Model>, StoreError> {
    Ok(Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(transaction).await?)
}

/// The endpoints that were not removed.
fn there() -> Select<Entity> {
    Entity::find().filter(Column::Status.ne(REMOVED))
}

/// Forgets that it has failed.
pub(super) fn forgive(row: &mut Model) {
    row.failures = 0;
    row.failing_since = None;
    row.paused_until = None;
}

/// Writes a row that was read in the transaction.
pub(super) async fn write(transaction: &DatabaseTransaction, row: &Model) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::Url, row.url.as_str().into())
        .col_expr(Column::Name, row.name.as_str().into())
        .col_expr(Column::EventTypes, row.event_types.into())
        .col_expr(Column::Status, row.status.into())
        .col_expr(Column::DisabledReason, Expr::value(row.disabled_reason))
        .col_expr(Column::Failures, row.failures.into())
        .col_expr(Column::FailingSince, Expr::value(row.failing_since))
        .col_expr(Column::PausedUntil, Expr::value(row.paused_until))
        .col_expr(Column::ReplayAt, Expr::value(row.replay_at))
        .col_expr(Column::ReplayWallet, Expr::value(row.replay_wallet))
        .col_expr(Column::ReplaySeq, Expr::value(row.replay_seq))
        .col_expr(Column::ReplayUntil, Expr::value(row.replay_until))
        .col_expr(Column::ReplayDeliveredFrom, Expr::value(row.replay_delivered_from))
        .filter(Column::EndpointId.eq(row.endpoint_id))
        .exec(transaction)
        .await?;
    Ok(())
}

async fn hold(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
) -> Result<Option<merchant::Model>, StoreError> {
    let row = merchant::Entity::find_by_id(merchant.uuid()).lock(LockType::NoKeyUpdate);
    Ok(row.one(transaction).await?)
}

fn good_secrets(endpoint: Uuid, now: Instant) -> Select<secret::Entity> {
    let lasts = Condition::any()
        .add(secret::Column::ExpiresAt.is_null())
        .add(secret::Column::ExpiresAt.gt(now.micros()));
    let good = secret::Entity::find().filter(secret::Column::EndpointId.eq(endpoint)).filter(lasts);
    good.order_by_asc(secret::Column::SecretNo)
}

/// Writes a secret; `false` when it could not be sealed.
async fn add_secret(
    transaction: &DatabaseTransaction,
    endpoint: WebhookEndpointId,
    number: i32,
    seal: NewSecret<'_>,
    now: Instant,
) -> Result<bool, StoreError> {
    let Some(sealed) = seal(number) else { return Ok(false) };
    let row = secret::ActiveModel {
        endpoint_id: Set(endpoint.uuid()),
        secret_no: Set(number),
        sealed: Set(sealed),
        created_at: Set(now.micros()),
        expires_at: Set(None),
    };
    secret::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(true)
}

fn known(row: &secret::Model) -> Secret {
    Secret {
        number: row.secret_no,
        created_at: Instant::from_micros(row.created_at),
        expires_at: row.expires_at.map(Instant::from_micros),
    }
}

fn read(row: &Model) -> Result<Endpoint, StoreError> {
    let corrupt =
        |what| StoreError::CorruptRow { table: "webhook_endpoint", id: row.endpoint_id.to_string(), what };
    let types = u32::try_from(row.event_types).map_err(|_| corrupt("its types"))?;
    let reason = row.disabled_reason.map(|number| {
        DisabledReason::from_stored(number).ok_or_else(|| corrupt("the reason why it is disabled"))
    });
    Ok(Endpoint {
        id: WebhookEndpointId::new(row.endpoint_id),
        merchant: MerchantId::new(row.merchant_id),
        url: row.url.clone(),
        name: Name::parse(&row.name).map_err(|_| corrupt("its name"))?,
        types: EventTypes::from_stored(types),
        disabled: reason.transpose()?,
        health: Health {
            failures: row.failures,
            failing_since: row.failing_since.map(Instant::from_micros),
            paused_until: row.paused_until.map(Instant::from_micros),
        },
        replaying: row.replay_until.is_some(),
        created_at: Instant::from_micros(row.created_at),
    })
}

impl WebhookSettings {
    /// The moment before which nothing is sent again.
    pub fn oldest(&self, now: Instant) -> Instant {
        now.plus(Span::from_micros(self.retention.micros().saturating_neg()))
    }
}
