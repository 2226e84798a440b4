//! Enrolment of many members at once: one transaction and few statements, where one by one would be a commit each.

use amvaj_domain::{audit::Act, ledger::Wallet, member::Member};
use sea_orm::EntityTrait;

use super::{
    Directory,
    enrolment::{member_row, wallet_row},
};
use crate::{
    audit::{Audit, Unit},
    db::{
        StoreError,
        entity::{member, wallet},
    },
};

/// Members of one statement; each binds eleven values at most, of the 32,766 that a statement may have.
const CHUNK: usize = 1_000;

impl Directory {
    /// Writes members that are all new, each with its empty wallet.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when an id, a mobile number or a card is taken; then nobody was enrolled.
    pub async fn enrol_new_members(&self, members: &[Member], act: &Act) -> Result<(), StoreError> {
        if members.is_empty() {
            return Ok(());
        }
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        for chunk in members.chunks(CHUNK) {
            let wallets = chunk.iter().map(|member| wallet_row(&Wallet::new(member.wallet)));
            member::Entity::insert_many(chunk.iter().map(member_row))
                .exec_without_returning(unit.transaction())
                .await?;
            wallet::Entity::insert_many(wallets).exec_without_returning(unit.transaction()).await?;
        }
        unit.commit().await
    }
}
