//! A unit of work that is committed together with its entry in the audit log.

use amvaj_domain::audit::{Act, Detail};
use sea_orm::DatabaseTransaction;

use super::{Audit, chain};
use crate::db::{Database, StoreError};

/// A writing transaction. It has one way to commit, and that adds the entry; without it everything is undone.
pub(crate) struct Unit {
    transaction: DatabaseTransaction,
    act: Option<Act>,
}

impl Unit {
    /// Begins.
    pub(crate) async fn begin(db: &Database, audit: Audit<'_>) -> Result<Self, StoreError> {
        let act = match audit {
            Audit::Entry(act) => Some(act.clone()),
            Audit::Ordinary => None,
        };
        Ok(Self { transaction: db.begin().await?, act })
    }

    /// Where the work is done.
    pub(crate) const fn transaction(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// Adds to the entry what only the work itself found out.
    pub(crate) fn detail(&mut self, name: &'static str, value: impl Into<Detail>) {
        if let Some(act) = &mut self.act {
            act.add(name, value);
        }
    }

    /// Commits the work and its entry: both or neither.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        if let Some(act) = &self.act {
            chain::append(&self.transaction, std::slice::from_ref(act)).await?;
        }
        Ok(self.transaction.commit().await?)
    }
}
