//! Relations: what there is between merchants and members, and what members allow or forbid a merchant.
//!
//! Whoever enrols or links a member writes the relation in the same unit of work. That an operation began one is found
//! out behind the ledger's back by [`RelationKeeper`], which follows the outbox: so operations pay nothing for it, and
//! a crash loses none. Until then the node that had the operation done knows it by itself.
//!
//! What a merchant may see of a member is asked for with every look at one, so it is kept in this process for a second
//! ([`Relations::ties`]). What this node changes is seen at once here, and within a second on other nodes.

mod consent;
mod keeper;
mod ties;

pub use consent::ConsentRefused;
pub use keeper::RelationKeeper;

use amvaj_domain::id::{MemberId, MerchantId, WalletId};
use amvaj_domain::relation::{Consent, Relation, RelationSource, Tie};
use amvaj_domain::time::Instant;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::OnConflict,
};
use std::collections::HashMap;
use uuid::Uuid;

use crate::db::entity::relation::{ActiveModel, Column, Entity, Model};
use crate::db::{Database, StoreError, listing};
use crate::page::{Page, PageRequest};
use ties::Ties;

/// The relations in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Relations {
    db: Database,
    ties: Ties,
}

impl Relations {
    /// The relations in a database.
    pub fn new(db: Database) -> Self {
        Self { db, ties: Ties::new() }
    }

    /// What there is between a merchant and the members of these wallets, at most a second old.
    pub async fn ties(
        &self,
        merchant: MerchantId,
        wallets: &[WalletId],
    ) -> Result<HashMap<WalletId, Tie>, StoreError> {
        self.ties.read(&self.db, merchant, wallets).await
    }

    /// What there is between a merchant and the member of this wallet, at most a second old.
    pub async fn tie(&self, merchant: MerchantId, wallet: WalletId) -> Result<Tie, StoreError> {
        let ties = self.ties(merchant, &[wallet]).await?;
        Ok(ties.get(&wallet).copied().unwrap_or_default())
    }

    /// Makes known on this node that a merchant's operation in a wallet was applied, until the keeper has written it.
    pub fn note_operation(&self, merchant: MerchantId, wallet: WalletId) {
        self.ties.note(merchant, wallet);
    }

    /// Makes a change of this node seen here, after its commit.
    pub(crate) fn forget(&self, merchant: MerchantId, wallet: WalletId) {
        self.ties.forget(merchant, wallet);
    }

    /// A page of a member's relations, in the order in which the merchants were registered.
    pub async fn of_member(
        &self,
        member: MemberId,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<Relation>, StoreError> {
        let list = Entity::find().filter(Column::MemberId.eq(member.uuid()));
        listing::page(&self.db, list, Column::MerchantId, request, read).await
    }
}

/// Writes that a merchant enrolled or linked a member. A relation that is there already stays as it began.
pub(crate) async fn insert<C: ConnectionTrait>(
    connection: &C,
    member: MemberId,
    merchant: MerchantId,
    source: RelationSource,
    now: Instant,
) -> Result<(), StoreError> {
    let row = ActiveModel {
        member_id: Set(member.uuid()),
        merchant_id: Set(merchant.uuid()),
        since: Set(now.micros()),
        source: Set(source.stored()),
        seq: Set(None),
        consent: Set(None),
        consented_at: Set(None),
    };
    // A consent that came before is no relation yet.
    let begun = OnConflict::columns([Column::MemberId, Column::MerchantId])
        .update_columns([Column::Since, Column::Source])
        .action_and_where(Column::Source.eq(RelationSource::Consent.stored()))
        .to_owned();
    Entity::insert(row).on_conflict(begun).exec_without_returning(connection).await?;
    Ok(())
}

fn read(row: &Model) -> Result<Relation, StoreError> {
    let corrupt = |what| StoreError::CorruptRow {
        table: "relation",
        id: format!("{}/{}", row.member_id, row.merchant_id),
        what,
    };
    let consent = match (row.consent, row.consented_at) {
        (None, _) => None,
        (Some(number), Some(at)) => {
            let consent = Consent::from_stored(number).ok_or_else(|| corrupt("its consent"))?;
            Some((consent, Instant::from_micros(at)))
        }
        (Some(_), None) => return Err(corrupt("the time of its consent")),
    };
    Ok(Relation {
        member: MemberId::new(row.member_id),
        merchant: MerchantId::new(row.merchant_id),
        since: Instant::from_micros(row.since),
        source: RelationSource::from_stored(row.source).ok_or_else(|| corrupt("its source"))?,
        consent,
    })
}
