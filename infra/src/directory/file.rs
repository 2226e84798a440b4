//! A merchant's file: all that an earn needs to know of its merchant, kept in this process for a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::earn::EarnRule;
use amvaj_domain::id::{BranchId, MerchantId};
use amvaj_domain::merchant::{Branch, Merchant};
use moka::sync::Cache;
use sea_orm::EntityTrait;
use tokio::sync::OnceCell;

use super::{Directory, rows};
use crate::db::{StoreError, entity};

/// How long a file may be behind a write on another node.
const LIFETIME: Duration = Duration::from_secs(1);
/// Most merchants whose files are kept.
const MOST_FILES: u64 = 10_000;

/// A merchant with all its branches and all versions of its earn rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantFile {
    /// The merchant.
    pub merchant: Merchant,
    /// Its branches.
    pub branches: HashMap<BranchId, Branch>,
    /// The versions of its earn rule, oldest first.
    pub rules: Vec<EarnRule>,
}

type Cell = Arc<OnceCell<Option<Arc<MerchantFile>>>>;

/// The files in this process. A file is read by one of those who need it, the others wait. Forgetting a file detaches
/// its cell, so a read that began before a write cannot bring back what the write replaced.
#[derive(Debug, Clone)]
pub(super) struct Files(Cache<MerchantId, Cell>);

impl Files {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(MOST_FILES).time_to_live(LIFETIME).build())
    }

    pub(super) fn forget(&self, merchant: MerchantId) {
        self.0.invalidate(&merchant);
    }
}

impl Directory {
    /// A merchant's file, at most a second old; nothing when there is no such merchant. Reads the database once a
    /// second and merchant, whatever the load.
    pub async fn merchant_file(&self, merchant: MerchantId) -> Result<Option<Arc<MerchantFile>>, StoreError> {
        let cell = self.files.0.get_with(merchant, Cell::default);
        cell.get_or_try_init(|| self.read_file(merchant)).await.cloned()
    }

    async fn read_file(&self, merchant: MerchantId) -> Result<Option<Arc<MerchantFile>>, StoreError> {
        let row = entity::merchant::Entity::find_by_id(merchant.uuid()).one(self.db.reader()).await?;
        let Some(row) = row else { return Ok(None) };
        let branches = self.all_branches(merchant).await?;
        Ok(Some(Arc::new(MerchantFile {
            merchant: rows::merchant(&row)?,
            branches: branches.into_iter().map(|branch| (branch.id, branch)).collect(),
            rules: self.all_rules(merchant).await?,
        })))
    }
}
