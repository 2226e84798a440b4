//! Who stands on a part of a board, and what a caller sees of them.
//!
//! Members who hide keep their place: nobody moves up or down because somebody hides, and nobody but the member, the
//! operator and agents sees who it is. Other members see initials; a merchant sees what relation and consent allow.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use amvaj_domain::{
    access::Caller,
    board::Standing,
    id::{MemberId, WalletId},
    member::{Member, SeenMember},
    relation::Disclosure,
    time::Instant,
};
use moka::sync::Cache;
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use super::{
    Boards,
    read::{Shown, Slice},
};
use crate::db::{StoreError, entity::board_hidden};
use crate::directory::{Directory, present::present};

/// Most members of whom is known who they are, in about 500 bytes each.
const MOST_FACES: u64 = 20_000;

/// A member on a board.
#[derive(Debug, Clone)]
pub struct Face {
    /// The member.
    pub member: Member,
    /// Whether it hides.
    pub hidden: bool,
}

/// Made before the database is read, so that what is in it is never older than its age tells.
type Cell = Arc<OnceLock<Option<Arc<Face>>>>;

/// Members that were read a moment ago. Neighbours are others for everybody who asks, and the same few members for those who
/// stand near each other.
#[derive(Debug, Clone)]
pub(super) struct Faces(Cache<WalletId, Cell>);

/// A place on a board with whoever has it.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The place and its numbers.
    pub standing: Standing,
    face: Option<Arc<Face>>,
}

/// The seats of a part of a board. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Seats {
    size: u64,
    before: u64,
    rows: Arc<Vec<Seat>>,
}

/// A seat as a caller sees it.
#[derive(Debug, Clone)]
pub struct ShownSeat {
    /// The place and its numbers.
    pub standing: Standing,
    /// Who has it, as far as the caller sees it; nobody when the member hides from the caller.
    pub member: Option<SeenMember>,
    /// Whether it is the caller's own.
    pub own: bool,
    /// Whether the member hides.
    pub hidden: bool,
}

impl Seats {
    /// The seats, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.rows.iter()
    }

    pub(super) fn shown(&self) -> Shown {
        Shown { size: self.size, before: self.before, seats: self.clone() }
    }
}

impl Faces {
    /// Keeps each for so long.
    pub(super) fn new(life: Duration) -> Self {
        Self(Cache::builder().max_capacity(MOST_FACES).time_to_live(life).build())
    }

    /// The members with these wallets: one read for all that are not known.
    async fn of(
        &self,
        directory: &Directory,
        wallets: &[WalletId],
    ) -> Result<HashMap<WalletId, Arc<Face>>, StoreError> {
        let cells: Vec<(WalletId, Cell)> =
            wallets.iter().map(|wallet| (*wallet, self.0.get_with(*wallet, Cell::default))).collect();
        let unknown: Vec<WalletId> =
            cells.iter().filter(|(_, cell)| cell.get().is_none()).map(|(wallet, _)| *wallet).collect();
        let mut read = directory.faces(&unknown).await?;
        let face = |(wallet, cell): (WalletId, Cell)| {
            let face = cell.get_or_init(|| read.remove(&wallet).map(Arc::new)).clone();
            face.map(|face| (wallet, face))
        };
        Ok(cells.into_iter().filter_map(face).collect())
    }

    /// Reads everybody anew from here on.
    fn forget(&self) {
        self.0.invalidate_all();
    }
}

impl Boards {
    /// Who has the places of a part: one read for all of them, or for those who were not looked up a moment ago.
    pub(super) async fn seats(&self, slice: Slice, known: Option<&Faces>) -> Result<Seats, StoreError> {
        let wallets: Vec<WalletId> = slice.places.iter().map(|place| place.wallet).collect();
        let mut faces = if let Some(known) = known {
            known.of(&self.directory, &wallets).await?
        } else {
            let read = self.directory.faces(&wallets).await?;
            read.into_iter().map(|(wallet, face)| (wallet, Arc::new(face))).collect()
        };
        let seat = |standing: Standing| Seat { face: faces.remove(&standing.place.wallet), standing };
        let seats = slice.standings().into_iter().map(seat).collect();
        Ok(Seats { size: slice.size, before: slice.before, rows: Arc::new(seats) })
    }

    /// What a caller sees of seats. For a merchant this is one read of what was not looked at within the last second.
    pub async fn shown_to(&self, caller: Caller, seats: &Seats) -> Result<Vec<ShownSeat>, StoreError> {
        let ties = match caller {
            Caller::Merchant(own) => {
                let wallets: Vec<WalletId> = seats.iter().map(|seat| seat.standing.place.wallet).collect();
                self.directory.relations().ties(own, &wallets).await?
            }
            Caller::Operator | Caller::Agent | Caller::Member(_) => HashMap::new(),
        };
        let shown = |seat: &Seat| {
            let face = seat.face.as_deref();
            let own = face.is_some_and(|face| caller == Caller::Member(face.member.id));
            let disclosure = match caller {
                Caller::Operator | Caller::Agent => Disclosure::Whole,
                Caller::Member(_) if own => Disclosure::Whole,
                Caller::Member(_) => Disclosure::Masked,
                Caller::Merchant(_) => {
                    ties.get(&seat.standing.place.wallet).copied().unwrap_or_default().disclosure()
                }
            };
            let hidden = face.is_some_and(|face| face.hidden);
            let member = face
                .filter(|_| !hidden || disclosure == Disclosure::Whole)
                .map(|face| SeenMember::new(face.member.clone(), disclosure));
            ShownSeat { standing: seat.standing, member, own, hidden }
        };
        Ok(seats.iter().map(shown).collect())
    }

    /// Hides a member from others on every board, or shows it again. Saying it again changes nothing. False when there is
    /// no such member, or none any more: whoever was erased stays hidden.
    pub async fn hide(&self, member: MemberId, hidden: bool, now: Instant) -> Result<bool, StoreError> {
        let transaction = self.db.begin().await?;
        if present(&transaction, member).await?.is_none() {
            return Ok(false);
        }
        if hidden {
            let row =
                board_hidden::ActiveModel { member_id: Set(member.uuid()), hidden_at: Set(now.micros()) };
            let once = OnConflict::column(board_hidden::Column::MemberId).do_nothing().to_owned();
            board_hidden::Entity::insert(row).on_conflict(once).exec_without_returning(&transaction).await?;
        } else {
            board_hidden::Entity::delete_by_id(member.uuid()).exec(&transaction).await?;
        }
        transaction.commit().await?;
        if let Some(kept) = &self.shown {
            kept.pages.invalidate_all();
            kept.faces.forget();
        }
        Ok(true)
    }
}
