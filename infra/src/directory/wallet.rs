//! Which wallet a member has. It never changes, so it is read once and then kept in this process.

use amvaj_domain::id::{MemberId, WalletId};
use moka::sync::Cache;
use sea_orm::EntityTrait;

use super::Directory;
use crate::db::StoreError;
use crate::db::entity::member::Entity;

/// Most members whose wallets are kept, in about 100 bytes each.
const MOST_MEMBERS: u64 = 100_000;

/// The wallets that are known.
#[derive(Debug, Clone)]
pub(super) struct Wallets(Cache<MemberId, WalletId>);

impl Wallets {
    pub(super) fn new() -> Self {
        Self(Cache::new(MOST_MEMBERS))
    }
}

impl Directory {
    /// The wallet of a member; nothing when there is no such member.
    pub async fn wallet_of(&self, member: MemberId) -> Result<Option<WalletId>, StoreError> {
        if let Some(wallet) = self.wallets.0.get(&member) {
            return Ok(Some(wallet));
        }
        let row = Entity::find_by_id(member.uuid()).one(self.db.reader()).await?;
        let wallet = row.map(|row| WalletId::new(row.wallet_id));
        if let Some(wallet) = wallet {
            self.wallets.0.insert(member, wallet);
        }
        Ok(wallet)
    }
}
