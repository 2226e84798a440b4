//! All that is held about a member, but for the operations of its wallet, of which there may be many.

use amvaj_domain::access::{Caller, Subject};
use amvaj_domain::id::{MemberId, WalletId};
use amvaj_domain::member::MemberLookup;
use amvaj_domain::reward::Redemption;
use amvaj_domain::time::Instant;
use sea_orm::EntityTrait as _;

use super::pen::Held;
use crate::access::Sessions;
use crate::db::entity::board_hidden;
use crate::db::{Database, StoreError};
use crate::directory::Directory;
use crate::ledger::LedgerReader;
use crate::page::PageRequest;
use crate::relation::Relations;
use crate::reward::redemptions_of_wallet;

/// More relations than there are merchants.
const ALL: u64 = 1_000_000_000;

/// Reads what is held about members.
#[derive(Debug, Clone)]
pub(super) struct HeldReader {
    db: Database,
    directory: Directory,
    relations: Relations,
    sessions: Sessions,
    ledger: LedgerReader,
}

impl HeldReader {
    pub(super) fn new(db: &Database, sessions: Sessions) -> Self {
        Self {
            directory: Directory::new(db.clone()),
            relations: Relations::new(db.clone()),
            ledger: LedgerReader::new(db.clone()),
            db: db.clone(),
            sessions,
        }
    }

    /// Everything, section by section. What a new part of the network holds about a member is added here.
    pub(super) async fn all(
        &self,
        member: MemberId,
        wallet: WalletId,
        now: Instant,
    ) -> Result<Vec<Held>, StoreError> {
        let mut held = self.profile(member).await?;
        held.extend(self.dealings(member).await?);
        held.extend(self.sessions(member, now).await?);
        held.extend(self.wallet(wallet, now).await?);
        Ok(held)
    }

    async fn profile(&self, member: MemberId) -> Result<Vec<Held>, StoreError> {
        let found = self.directory.members(Caller::Operator).find(&MemberLookup::Id(member)).await?;
        let Some(whole) = found.as_ref().and_then(|member| member.whole()) else { return Ok(Vec::new()) };
        let hidden = board_hidden::Entity::find_by_id(member.uuid()).one(self.db.reader()).await?.is_some();
        Ok(vec![Held::Profile(Box::new(whole.clone())), Held::Boards { hidden }])
    }

    async fn dealings(&self, member: MemberId) -> Result<Vec<Held>, StoreError> {
        let references = self.directory.references_of(member).await?;
        let relations = self.relations.of_member(member, &PageRequest::first(ALL)).await?.items;
        let references = references.into_iter().map(|(merchant, own)| Held::Reference(merchant, own));
        Ok(references.chain(relations.into_iter().map(Held::Relation)).collect())
    }

    async fn sessions(&self, member: MemberId, now: Instant) -> Result<Vec<Held>, StoreError> {
        let found = self.sessions.list(Subject::Member(member), now).await?;
        Ok(found.into_iter().map(Held::Session).collect())
    }

    async fn wallet(&self, id: WalletId, now: Instant) -> Result<Vec<Held>, StoreError> {
        let Some(state) = self.ledger.wallet(id, now).await? else { return Ok(Vec::new()) };
        let follow = |redemption: Redemption| match redemption.hold.and_then(|seq| state.holds.get(&seq)) {
            Some(hold) if !redemption.state.is_final() => redemption.following(hold, now),
            _ => redemption,
        };
        let redemptions: Vec<Redemption> =
            redemptions_of_wallet(&self.db, id).await?.into_iter().map(follow).collect();
        let mut held = vec![Held::Wallet(Box::new(state.wallet))];
        held.extend(state.lots.into_values().map(|lot| Held::Lot(id, Box::new(lot))));
        held.extend(state.holds.into_values().map(|hold| Held::Hold(id, Box::new(hold))));
        held.extend(redemptions.into_iter().map(|redemption| Held::Redemption(Box::new(redemption))));
        Ok(held)
    }
}
