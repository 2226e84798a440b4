//! Data loaders: of all fields that need the same kind of thing at the same time, one query is made. They live as
//! long as one request and see what its caller may see.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::earn::EarnRule;
use amvaj_domain::id::{
    BranchId, MemberId, MerchantId, RewardId, StaffId, UserId, WalletId, WebhookEndpointId,
};
use amvaj_domain::member::SeenMember;
use amvaj_domain::merchant::{Branch, Merchant};
use amvaj_domain::reward::Reward;
use amvaj_domain::staff::Staff;
use amvaj_domain::text::CustomerRef;
use amvaj_domain::user::User;
use amvaj_domain::webhook::Endpoint;
use amvaj_infra::db::StoreError;
use amvaj_infra::directory::Directory;
use amvaj_infra::reward::Rewards;
use amvaj_infra::users::Users;
use amvaj_infra::webhook::Webhooks;
use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::{Context, Result};

use super::api_key::{KeyLoader, KeyReader};
use super::ledger_loader::{JournalReader, LedgerLoader};
use crate::app::App;

/// Most keys of one query.
const LARGEST_BATCH: usize = 500;
/// How long to collect keys. Fields of one level ask at the same moment.
const DELAY: Duration = Duration::from_micros(200);

/// The data loaders of a request, each made when it is first asked for: most requests need none. They batch and do not
/// remember: a later mutation of the same request must not show what an earlier one replaced.
pub struct Loaders {
    app: Arc<App>,
    identity: Option<Identity>,
    directory: OnceLock<DirectoryLoader>,
    journal: OnceLock<LedgerLoader>,
    keys: OnceLock<KeyLoader>,
}

/// The data loader of a request for everything in the directory.
pub type DirectoryLoader = DataLoader<DirectoryReader>;

/// Reads the directory in batches for one caller. The type of the key says what is read: a [`MemberId`], a
/// [`WalletId`] (its member), a [`MerchantId`], a [`BranchId`], a [`StaffId`], a
/// `(MerchantId, i32)` (a rule's version), a [`CustomerRefOf`], a [`CustomerRef`] (its member), a
/// [`RewardId`], a [`UserId`] or a [`WebhookEndpointId`].
pub struct DirectoryReader {
    directory: Directory,
    users: Users,
    rewards: Rewards,
    webhooks: Webhooks,
    caller: Option<Caller>,
}

/// Asks for the calling merchant's own reference of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CustomerRefOf(pub MemberId);

/// The directory's loader of this request.
pub fn loader<'a>(ctx: &Context<'a>) -> Result<&'a DirectoryLoader> {
    let Loaders { app, identity, directory, .. } = ctx.data()?;
    Ok(directory.get_or_init(|| {
        batching(DirectoryReader {
            directory: app.directory.clone(),
            users: app.users.clone(),
            rewards: app.rewards.clone(),
            webhooks: app.webhooks.clone(),
            caller: identity.as_ref().map(|identity| identity.caller),
        })
    }))
}

/// The journal's loader of this request.
pub fn ledger_loader<'a>(ctx: &Context<'a>) -> Result<&'a LedgerLoader> {
    let Loaders { app, identity, journal, .. } = ctx.data()?;
    Ok(journal.get_or_init(|| batching(JournalReader::new(app, identity.clone()))))
}

/// The loader of this request for API keys. Who may see them is asked afterwards.
pub(super) fn key_loader<'a>(ctx: &Context<'a>) -> Result<&'a KeyLoader> {
    let Loaders { app, keys, .. } = ctx.data()?;
    Ok(keys.get_or_init(|| batching(KeyReader::new(app))))
}

impl Loaders {
    /// The loaders of a request that `identity` makes; nobody's without one.
    pub fn new(app: Arc<App>, identity: Option<Identity>) -> Self {
        Self { app, identity, directory: OnceLock::new(), journal: OnceLock::new(), keys: OnceLock::new() }
    }
}

fn batching<T>(reader: T) -> DataLoader<T> {
    DataLoader::new(reader, tokio::spawn).delay(DELAY).max_batch_size(LARGEST_BATCH)
}

#[async_trait::async_trait]
impl Loader<MerchantId> for DirectoryReader {
    type Value = Merchant;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[MerchantId]) -> Result<HashMap<MerchantId, Merchant>, Arc<StoreError>> {
        let found = self.directory.merchants_by_id(keys).await?;
        Ok(found.into_iter().map(|merchant| (merchant.id, merchant)).collect())
    }
}

#[async_trait::async_trait]
impl Loader<BranchId> for DirectoryReader {
    type Value = Branch;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[BranchId]) -> Result<HashMap<BranchId, Branch>, Arc<StoreError>> {
        let found = self.directory.branches_by_id(keys).await?;
        Ok(found.into_iter().map(|branch| (branch.id, branch)).collect())
    }
}

/// People of every merchant: who may see them is for [`super::staff`].
#[async_trait::async_trait]
impl Loader<StaffId> for DirectoryReader {
    type Value = Staff;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[StaffId]) -> Result<HashMap<StaffId, Staff>, Arc<StoreError>> {
        let found = self.directory.staff_by_id(keys).await?;
        Ok(found.into_iter().map(|staff| (staff.id, staff)).collect())
    }
}

#[async_trait::async_trait]
impl Loader<(MerchantId, i32)> for DirectoryReader {
    type Value = EarnRule;
    type Error = Arc<StoreError>;

    async fn load(
        &self,
        keys: &[(MerchantId, i32)],
    ) -> Result<HashMap<(MerchantId, i32), EarnRule>, Arc<StoreError>> {
        let found = self.directory.rules_by_version(keys).await?;
        Ok(found.into_iter().map(|(merchant, rule)| ((merchant, rule.version), rule)).collect())
    }
}

#[async_trait::async_trait]
impl Loader<MemberId> for DirectoryReader {
    type Value = SeenMember;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[MemberId]) -> Result<HashMap<MemberId, SeenMember>, Arc<StoreError>> {
        let Some(caller) = self.caller else { return Ok(HashMap::new()) };
        let found = self.directory.members(caller).by_id(keys).await?;
        Ok(found.into_iter().map(|member| (member.id, member)).collect())
    }
}

#[async_trait::async_trait]
impl Loader<WalletId> for DirectoryReader {
    type Value = SeenMember;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[WalletId]) -> Result<HashMap<WalletId, SeenMember>, Arc<StoreError>> {
        let Some(caller) = self.caller else { return Ok(HashMap::new()) };
        let found = self.directory.members(caller).by_wallet(keys).await?;
        Ok(found.into_iter().map(|member| (member.wallet, member)).collect())
    }
}

#[async_trait::async_trait]
impl Loader<CustomerRefOf> for DirectoryReader {
    type Value = CustomerRef;
    type Error = Arc<StoreError>;

    async fn load(
        &self,
        keys: &[CustomerRefOf],
    ) -> Result<HashMap<CustomerRefOf, CustomerRef>, Arc<StoreError>> {
        let Some(caller) = self.caller else { return Ok(HashMap::new()) };
        let members: Vec<MemberId> = keys.iter().map(|key| key.0).collect();
        let found = self.directory.members(caller).customer_refs(&members).await?;
        Ok(found.into_iter().map(|(member, reference)| (CustomerRefOf(member), reference)).collect())
    }
}

/// Members by the calling merchant's own references.
#[async_trait::async_trait]
impl Loader<CustomerRef> for DirectoryReader {
    type Value = SeenMember;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[CustomerRef]) -> Result<HashMap<CustomerRef, SeenMember>, Arc<StoreError>> {
        let Some(caller) = self.caller else { return Ok(HashMap::new()) };
        Ok(self.directory.members(caller).by_customer_ref(keys).await?)
    }
}

/// Whoever asks for users has been found to be allowed to see them; see [`super::user::User::find`].
#[async_trait::async_trait]
impl Loader<UserId> for DirectoryReader {
    type Value = User;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, User>, Arc<StoreError>> {
        let found = self.users.by_id(keys).await?;
        Ok(found.into_iter().map(|user| (user.id, user)).collect())
    }
}

/// Rewards of every merchant, closed ones too: who may see them is for [`super::reward`].
#[async_trait::async_trait]
impl Loader<RewardId> for DirectoryReader {
    type Value = Reward;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[RewardId]) -> Result<HashMap<RewardId, Reward>, Arc<StoreError>> {
        let found = self.rewards.by_id(keys).await?;
        Ok(found.into_iter().map(|reward| (reward.id, reward)).collect())
    }
}

/// Endpoints of every merchant: who may see them is for [`super::webhook`].
#[async_trait::async_trait]
impl Loader<WebhookEndpointId> for DirectoryReader {
    type Value = Endpoint;
    type Error = Arc<StoreError>;

    async fn load(
        &self,
        keys: &[WebhookEndpointId],
    ) -> Result<HashMap<WebhookEndpointId, Endpoint>, Arc<StoreError>> {
        let found = self.webhooks.endpoints_by_id(keys).await?;
        Ok(found.into_iter().map(|endpoint| (endpoint.id, endpoint)).collect())
    }
}
