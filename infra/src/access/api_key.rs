//! Merchants' API keys: made, rotated and revoked, each together with its entry in the audit log.
//!
//! Whoever changes keys holds the merchant's row first, then writes keys, and the audit log last: what one change decides
//! by, no other one changes meanwhile.
//!
//! Of a secret only the hash is known here. A key is found by its visible beginning, which is one key's alone, and
//! whoever asks compares the hashes.

use amvaj_domain::{
    access::{Actor, ApiKey, Scopes},
    audit::{Act, read_actor, stored_actor},
    id::{ApiKeyId, MerchantId},
    merchant::MerchantStatus,
    text::Name,
    time::{Instant, Span},
};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, DatabaseTransaction, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use super::{
    key_use::KeyUses,
    revocation::{self, Revocations, Revoked},
};
use crate::{
    audit::{Audit, Unit},
    db::{
        Database, StoreError,
        entity::{
            api_key::{ActiveModel, Column, Entity, Model},
            merchant,
        },
        listing,
    },
    page::{Page, PageRequest},
};

/// How long the nodes keep in mind that a key is revoked: longer than any of them takes it for good without asking, and
/// than any token that it was exchanged for lives.
const REVOKED_FOR: Span = Span::days(1);

/// The keys in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    db: Database,
    revocations: Revocations,
    uses: KeyUses,
}

/// A key with the hash of its secret.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The key.
    pub key: ApiKey,
    /// SHA-256 of the whole text.
    pub secret_hash: Vec<u8>,
}

/// Why a key is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateRefused {
    /// There is no such merchant.
    NoMerchant,
    /// The merchant begins nothing new.
    MerchantBlocked,
    /// The key that asks for it was revoked, which not every node may have heard.
    MakerRevoked,
    /// It has as many keys as it may have.
    TooMany,
}

/// Why a key is not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateRefused {
    /// There is no such key.
    NoKey,
    /// It is revoked or its time is over.
    NotActive,
    /// The key that asks for it was revoked, which not every node may have heard.
    MakerRevoked,
    /// Another key replaces it.
    AlreadyReplaced,
}

impl ApiKeys {
    /// The keys in a database. Starts to write when they were last used, on the runtime that calls.
    pub fn start(db: Database, revocations: Revocations) -> Self {
        Self { uses: KeyUses::start(db.clone()), db, revocations }
    }

    /// The key whose secret begins so.
    pub async fn find(&self, prefix: &str) -> Result<Option<StoredKey>, StoreError> {
        let found = Entity::find().filter(Column::Prefix.eq(prefix)).one(self.db.reader()).await?;
        found.map(|row| Ok(StoredKey { key: read(&row)?, secret_hash: row.secret_hash })).transpose()
    }

    /// The keys of these ids; unknown ones are left out.
    pub async fn by_id(&self, ids: &[ApiKeyId]) -> Result<Vec<ApiKey>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = Entity::find().filter(Column::ApiKeyId.is_in(ids)).all(self.db.reader()).await?;
        found.iter().map(read).collect()
    }

    /// A page of a merchant's keys, in the order in which they were made; with `active_at` only those that are good
    /// then.
    pub async fn page(
        &self,
        merchant: MerchantId,
        active_at: Option<Instant>,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<ApiKey>, StoreError> {
        let mut list = Entity::find().filter(Column::MerchantId.eq(merchant.uuid()));
        if let Some(now) = active_at {
            list = list.filter(active(now));
        }
        listing::page(&self.db, list, Column::ApiKeyId, request, read).await
    }

    /// Writes a new key.
    pub async fn create(
        &self,
        key: &ApiKey,
        secret_hash: [u8; 32],
        act: &Act,
    ) -> Result<Result<(), CreateRefused>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let Some(row) = hold(unit.transaction(), key.merchant).await? else {
            return Ok(Err(CreateRefused::NoMerchant));
        };
        if MerchantStatus::from_stored(row.status) == Some(MerchantStatus::Blocked) {
            return Ok(Err(CreateRefused::MerchantBlocked));
        }
        if !maker_is_good(unit.transaction(), key.made_by).await? {
            return Ok(Err(CreateRefused::MakerRevoked));
        }
        let keys = Entity::find().filter(Column::MerchantId.eq(key.merchant.uuid()));
        if keys.filter(active(key.created_at)).count(unit.transaction()).await? >= ApiKey::MOST {
            return Ok(Err(CreateRefused::TooMany));
        }
        insert(unit.transaction(), key, secret_hash).await?;
        unit.commit().await?;
        Ok(Ok(()))
    }

    /// Writes a key that replaces another one, which ends after `overlap`; at once and for good when that is nothing.
    pub async fn rotate(
        &self,
        next: &ApiKey,
        secret_hash: [u8; 32],
        (old, overlap): (ApiKeyId, Span),
        act: &Act,
    ) -> Result<Result<(), RotateRefused>, StoreError> {
        let now = next.created_at;
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        hold(unit.transaction(), next.merchant).await?;
        let found = Entity::find_by_id(old.uuid()).filter(Column::MerchantId.eq(next.merchant.uuid()));
        let Some(row) = found.one(unit.transaction()).await? else {
            return Ok(Err(RotateRefused::NoKey));
        };
        if row.replaced_by.is_some() {
            return Ok(Err(RotateRefused::AlreadyReplaced));
        }
        let end = now.plus(overlap).micros();
        if row.revoked_at.is_some() || row.expires_at.is_some_and(|end| end <= now.micros()) {
            return Ok(Err(RotateRefused::NotActive));
        }
        if !maker_is_good(unit.transaction(), next.made_by).await? {
            return Ok(Err(RotateRefused::MakerRevoked));
        }
        let at_once = overlap.micros() <= 0;
        insert(unit.transaction(), next, secret_hash).await?;
        Entity::update_many()
            .col_expr(Column::ReplacedBy, next.id.uuid().into())
            .col_expr(Column::ExpiresAt, row.expires_at.map_or(end, |planned| planned.min(end)).into())
            .col_expr(Column::RevokedAt, at_once.then_some(now.micros()).into())
            .filter(Column::ApiKeyId.eq(old.uuid()))
            .exec(unit.transaction())
            .await?;
        if at_once {
            self.revoke_in(unit.transaction(), old, now).await?;
        }
        unit.commit().await?;
        if at_once {
            self.note(old, now);
        }
        Ok(Ok(()))
    }

    /// Ends a merchant's key for good, and the keys that were made with it: a stolen key does not live on in them. Only the
    /// key that replaces it goes on, which `replaced_by` tells of. It is told of when any of them ends by it. Nothing when
    /// the merchant has no such key.
    pub async fn revoke(
        &self,
        merchant: MerchantId,
        id: ApiKeyId,
        now: Instant,
        act: &Act,
    ) -> Result<Option<ApiKey>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        hold(transaction, merchant).await?;
        let found = Entity::find_by_id(id.uuid()).filter(Column::MerchantId.eq(merchant.uuid()));
        let Some(mut row) = found.one(transaction).await? else { return Ok(None) };
        let mut ending = good_keys_made_by(transaction, merchant, id).await?;
        if row.revoked_at.is_none() {
            row.revoked_at = Some(now.micros());
            ending.push(id);
        }
        if !ending.is_empty() {
            Entity::update_many()
                .col_expr(Column::RevokedAt, now.micros().into())
                .filter(Column::ApiKeyId.is_in(ending.iter().map(|id| id.uuid())))
                .exec(transaction)
                .await?;
            for id in &ending {
                self.revoke_in(transaction, *id, now).await?;
            }
            unit.commit().await?;
            for id in ending {
                self.note(id, now);
            }
        }
        read(&row).map(Some)
    }

    /// Keeps in mind that a key is used; it is written later, at most once a minute.
    pub fn note_use(&self, id: ApiKeyId, now: Instant) {
        self.uses.note(id, now);
    }

    /// Writes what is kept in mind.
    pub async fn close(&self) {
        self.uses.flush().await;
    }

    async fn revoke_in(
        &self,
        transaction: &DatabaseTransaction,
        id: ApiKeyId,
        now: Instant,
    ) -> Result<(), StoreError> {
        revocation::insert(transaction, &[Revoked::ApiKey(id)], now, now.plus(REVOKED_FOR)).await
    }

    fn note(&self, id: ApiKeyId, now: Instant) {
        self.revocations.note(&[Revoked::ApiKey(id)], now, now.plus(REVOKED_FOR));
    }
}

/// The keys that are good.
fn active(now: Instant) -> Condition {
    let lasts = Condition::any().add(Column::ExpiresAt.is_null()).add(Column::ExpiresAt.gt(now.micros()));
    Condition::all().add(Column::RevokedAt.is_null()).add(lasts)
}

/// Holds a merchant's row, so that its keys are changed one after the other.
async fn hold(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
) -> Result<Option<merchant::Model>, StoreError> {
    let row = merchant::Entity::find_by_id(merchant.uuid()).lock(LockType::NoKeyUpdate);
    Ok(row.one(transaction).await?)
}

/// Whether whoever makes a key was not revoked meanwhile, if it is a key itself.
async fn maker_is_good(transaction: &DatabaseTransaction, maker: Actor) -> Result<bool, StoreError> {
    let Actor::ApiKey(id) = maker else { return Ok(true) };
    let row = Entity::find_by_id(id.uuid()).one(transaction).await?;
    Ok(row.is_some_and(|row| row.revoked_at.is_none()))
}

/// The keys that a key made, those that they made, and so on, without those that are revoked. What replaces the key
/// itself and was made with it is not among them.
async fn good_keys_made_by(
    transaction: &DatabaseTransaction,
    merchant: MerchantId,
    first: ApiKeyId,
) -> Result<Vec<ApiKeyId>, StoreError> {
    let (mut makers, mut good) = (vec![first], Vec::new());
    while let Some(maker) = makers.pop() {
        let (kind, id) = stored_actor(Some(Actor::ApiKey(maker)));
        let made = Entity::find()
            .filter(Column::MerchantId.eq(merchant.uuid()))
            .filter(Column::MadeByKind.eq(kind.stored()))
            .filter(Column::MadeById.eq(id));
        for row in made.all(transaction).await? {
            if maker == first && row.replaces == Some(first.uuid()) {
                continue;
            }
            let id = ApiKeyId::new(row.api_key_id);
            // Also below those that are revoked: they may have made others before.
            makers.push(id);
            if row.revoked_at.is_none() {
                good.push(id);
            }
        }
    }
    Ok(good)
}

async fn insert(
    transaction: &DatabaseTransaction,
    key: &ApiKey,
    secret_hash: [u8; 32],
) -> Result<(), StoreError> {
    let (made_by, made_by_id) = stored_actor(Some(key.made_by));
    let row = ActiveModel {
        api_key_id: Set(key.id.uuid()),
        merchant_id: Set(key.merchant.uuid()),
        name: Set(key.name.to_string()),
        prefix: Set(key.prefix.clone()),
        secret_hash: Set(secret_hash.to_vec()),
        scopes: Set(key.scopes.stored().into()),
        made_by_kind: Set(made_by.stored()),
        made_by_id: Set(made_by_id),
        replaces: Set(key.replaces.map(ApiKeyId::uuid)),
        replaced_by: Set(None),
        created_at: Set(key.created_at.micros()),
        expires_at: Set(key.expires_at.map(Instant::micros)),
        revoked_at: Set(None),
        last_used_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}

fn read(row: &Model) -> Result<ApiKey, StoreError> {
    let corrupt = |what| StoreError::CorruptRow { table: "api_key", id: row.api_key_id.to_string(), what };
    let made_by = read_actor(row.made_by_kind, row.made_by_id).flatten();
    Ok(ApiKey {
        id: ApiKeyId::new(row.api_key_id),
        merchant: MerchantId::new(row.merchant_id),
        name: Name::parse(&row.name).map_err(|_| corrupt("its name"))?,
        prefix: row.prefix.clone(),
        scopes: Scopes::from_stored(u32::try_from(row.scopes).map_err(|_| corrupt("its scopes"))?),
        made_by: made_by.ok_or_else(|| corrupt("its maker"))?,
        replaces: row.replaces.map(ApiKeyId::new),
        replaced_by: row.replaced_by.map(ApiKeyId::new),
        created_at: Instant::from_micros(row.created_at),
        expires_at: row.expires_at.map(Instant::from_micros),
        revoked_at: row.revoked_at.map(Instant::from_micros),
        last_used_at: row.last_used_at.map(Instant::from_micros),
    })
}
