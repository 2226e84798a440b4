//! API keys: secrets by which a merchant's programs are known.

pub mod create;
pub mod exchange;
pub mod revoke;
pub mod rotate;

use std::collections::HashMap;
use std::sync::Arc;

use amvaj_domain::access::{self, Identity, Scope, Scopes};
use amvaj_domain::id::{ApiKeyId, MerchantId};
use amvaj_infra::access::ApiKeys;
use amvaj_infra::db::StoreError;
use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Enum, ID, MergedObject, Object, Result};

use super::audit::AuditActor;
use super::connection::connection;
use super::context::{app, identity_if_any};
use super::error::fault;
use super::global_id::GlobalId;
use super::loader::key_loader;
use super::merchant::Merchant;
use super::scalar::DateTime;
use crate::app::App;
use crate::app::create_api_key::manages_keys_of;

/// Whether an API key is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "access::ApiKeyStatus")]
pub enum ApiKeyStatus {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

connection! {
    /// API keys, a page at a time, in the order in which they were made.
    ApiKeyConnection, ApiKeyEdge, ApiKey
}

/// A secret by which a merchant's program is known, without the secret itself.
#[derive(Debug, Clone)]
pub struct ApiKey(pub access::ApiKey);

/// Mutations of API keys.
#[derive(Default, MergedObject)]
pub struct ApiKeyMutations(
    create::CreateApiKeyMutation,
    rotate::RotateApiKeyMutation,
    revoke::RevokeApiKeyMutation,
    exchange::ExchangeApiKeyMutation,
);

impl ApiKey {
    /// The key of this id, for those who look after it.
    pub async fn find(ctx: &Context<'_>, id: ApiKeyId) -> Result<Option<Self>> {
        let found = key_loader(ctx)?.load_one(id).await.map_err(fault)?;
        Ok(found.filter(|key| looks_after(ctx, key.merchant)).map(Self))
    }
}

/// A secret by which a merchant's program is known, without the secret itself: send it as
/// `Authorization: Bearer amvaj_live_…`, or exchange it for an access token with `exchangeApiKey`. A key acts in the name
/// of its merchant, at every branch. Keys of a blocked merchant go on for what it may still do: end holds, refund, read.
#[Object]
impl ApiKey {
    /// The key's global id.
    pub async fn id(&self) -> ID {
        GlobalId::ApiKey(self.0.id).write()
    }

    /// What it is called. Example: `"Web shop"`.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// How its secret begins, to know it by. Example: `"amvaj_live_3xK9aQ7e"`.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// What it may do. Example: `["points:earn", "points:redeem"]`.
    async fn scopes(&self) -> Vec<&'static str> {
        self.0.scopes.iter().map(Scope::as_str).collect()
    }

    /// Whether it is good.
    async fn status(&self, ctx: &Context<'_>) -> Result<ApiKeyStatus> {
        Ok(self.0.status(app(ctx)?.now()).into())
    }

    /// Whose key it is.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.0.merchant).await
    }

    /// Who made it.
    async fn made_by(&self) -> AuditActor {
        AuditActor::of(Some(self.0.made_by))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it ends by itself; null when it goes on until it is revoked.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was revoked; null when it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }

    /// When it was last sent or exchanged, to the minute; null when it never was.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// The key that it was made to replace; null when there is none.
    async fn replaces(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>> {
        other(ctx, self.0.replaces).await
    }

    /// The key that replaces it; null when there is none.
    async fn replaced_by(&self, ctx: &Context<'_>) -> Result<Option<ApiKey>> {
        other(ctx, self.0.replaced_by).await
    }
}

async fn other(ctx: &Context<'_>, id: Option<ApiKeyId>) -> Result<Option<ApiKey>> {
    match id {
        Some(id) => ApiKey::find(ctx, id).await,
        None => Ok(None),
    }
}

/// Whether the caller looks after this merchant's keys.
pub(super) fn looks_after(ctx: &Context<'_>, merchant: MerchantId) -> bool {
    identity_if_any(ctx).is_some_and(|identity: &Identity| manages_keys_of(identity, merchant))
}

/// Reads scopes by their names; nothing when one is none of a merchant's, or there are too many.
fn read_scopes(names: &[String]) -> Option<Scopes> {
    let all = Scopes::of_role(access::Role::Merchant);
    if names.len() > Scope::ALL.len() {
        return None;
    }
    let scopes: Option<Vec<Scope>> =
        names.iter().map(|name| Scope::parse(name).filter(|scope| all.contain(*scope))).collect();
    scopes.map(|scopes| Scopes::of(&scopes))
}

/// The key that an id names; nothing when it names something else.
fn key_id(id: &ID) -> Option<ApiKeyId> {
    match GlobalId::read(id)? {
        GlobalId::ApiKey(id) => Some(id),
        _ => None,
    }
}

/// The data loader of a request for keys.
pub(super) type KeyLoader = DataLoader<KeyReader>;

/// Reads keys in batches.
pub struct KeyReader(ApiKeys);

impl KeyReader {
    pub(super) fn new(app: &App) -> Self {
        Self(app.api_keys.clone())
    }
}

#[async_trait::async_trait]
impl Loader<ApiKeyId> for KeyReader {
    type Value = access::ApiKey;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, access::ApiKey>, Arc<StoreError>> {
        let found = self.0.by_id(keys).await?;
        Ok(found.into_iter().map(|key| (key.id, key)).collect())
    }
}
