//! Boards: the operator makes and closes them, members hide on them, and whoever may see one looks at it.

use amvaj_domain::access::Caller;
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::board::{Board, Cycle, InvalidBoard, Metric, Period, Reach};
use amvaj_domain::id::{BoardId, MemberId};
use amvaj_domain::member::MemberLookup;
use amvaj_domain::merchant::Names;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::board::{BoardRefused, Kept, ShownSeat, Window};
use amvaj_infra::page::{Page, PageEnd, PageRequest};
use uuid::Uuid;

use super::access::operator_only;
use super::{App, AppError, Stopped};
use crate::random;

/// The grace of a board when nobody says one: purchases of a till that was offline until the next evening count.
pub const USUAL_GRACE: Span = Span::days(1);

/// A board to make.
#[derive(Debug, Clone)]
pub struct MakeBoard {
    /// What it is called.
    pub names: Names,
    /// What it counts.
    pub metric: Metric,
    /// Whose purchases it counts.
    pub reach: Reach,
    /// How long each of its periods is.
    pub cycle: Cycle,
    /// How long after its end a period still counts what is reported late.
    pub grace: Span,
}

/// Why a board was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MakeRefused {
    /// It makes no sense.
    Invalid(InvalidBoard),
    /// There is no such merchant, or there are too many boards.
    Refused(BoardRefused),
}

/// A part of a board as its caller sees it.
#[derive(Debug)]
pub struct Look {
    /// Those who stand on it.
    pub seats: Vec<ShownSeat>,
    /// How many stand in front of them.
    pub before: u64,
    /// How many stand on the board.
    pub size: u64,
}

/// Makes a board, whose first period is the one that the present belongs to.
pub async fn make_board(app: &App, author: &Author, make: MakeBoard) -> Result<Kept, Stopped<MakeRefused>> {
    operator_only(author)?;
    let (present, now) = (app.now(), app.ledger_now());
    let MakeBoard { names, metric, reach, cycle, grace } = make;
    let zone = app.zone.clone();
    let first = cycle.period_of(zone.day_of(now)).first;
    let id = BoardId::new(random::uuid(now));
    let board =
        Board { id, names, metric, reach, cycle, zone, grace, first, created_at: now, closed_at: None };
    board.validate().map_err(|invalid| Stopped::Refused(MakeRefused::Invalid(invalid)))?;
    let act = Act::new(author, ActKind::BoardMade, Target::Board(id), present)
        .detail("nameFa", board.names.fa.as_str())
        .detail("nameEn", board.names.en.as_str());
    match app.boards.make(&board, &act).await? {
        Ok(()) => Ok(Kept { board, generation: 1, recounting: true }),
        Err(refused) => Err(Stopped::Refused(MakeRefused::Refused(refused))),
    }
}

/// Closes a board; closing it again changes nothing.
pub async fn close_board(app: &App, author: &Author, id: BoardId) -> Result<Kept, Stopped<BoardRefused>> {
    operator_only(author)?;
    let act = Act::new(author, ActKind::BoardClosed, Target::Board(id), app.now());
    app.boards.close(id, app.ledger_now(), &act).await?.map_err(Stopped::Refused)
}

/// Hides the calling member from others on every board, or shows it again; [`AppError::NotFound`] when it is not enrolled.
pub async fn hide_on_boards(app: &App, member: MemberId, hidden: bool) -> Result<(), AppError> {
    if app.boards.hide(member, hidden, app.now()).await? { Ok(()) } else { Err(AppError::NotFound) }
}

/// A board that the caller may see: one of the whole network anybody, a merchant's the merchant and its members, all of
/// them the operator and agents.
pub async fn find_board(app: &App, caller: Caller, id: BoardId) -> Result<Option<Kept>, AppError> {
    match app.boards.find(id).await? {
        Some(kept) if may_see(app, caller, &kept.board).await? => Ok(Some(kept)),
        Some(_) | None => Ok(None),
    }
}

/// A page of the boards that the caller may see, in the order in which they were made.
pub async fn list_boards(
    app: &App,
    caller: Caller,
    request: &PageRequest<Uuid>,
) -> Result<Page<Kept>, AppError> {
    let all = app.boards.all().await?;
    let mut seen = Vec::new();
    for kept in all.iter() {
        if may_see(app, caller, &kept.board).await? {
            seen.push(kept.clone());
        }
    }
    let total = request.with_total.then(|| u64::try_from(seen.len()).unwrap_or(u64::MAX));
    let id = |kept: &Kept| kept.board.id.uuid();
    seen.retain(|kept| request.after.is_none_or(|after| id(kept) > after));
    seen.retain(|kept| request.before.is_none_or(|before| id(kept) < before));
    if request.end == PageEnd::Last {
        seen.reverse();
    }
    seen.truncate(usize::try_from(request.rows()).unwrap_or(usize::MAX));
    Ok(request.page(seen, total))
}

/// The period of a board that an instant belongs to; of a closed board no later one than its last.
pub fn period_at(kept: &Kept, instant: Instant) -> Period {
    let last = kept.board.closed_at.map(|closed| closed.plus(Span::from_micros(-1)));
    kept.board.period_at(last.map_or(instant, |last| instant.min(last)))
}

/// A part of a board. That an operator or agent looked is in the audit log.
pub async fn look_at_board(
    app: &App,
    caller: Caller,
    author: &Author,
    (kept, period): (&Kept, Period),
    window: Window,
) -> Result<Look, AppError> {
    let shown = app.boards.show(kept, period, window).await?;
    let seats = app.boards.shown_to(caller, &shown.seats).await?;
    if matches!(caller, Caller::Operator | Caller::Agent) {
        let target = Target::Board(kept.board.id);
        app.audit.record(Act::new(author, ActKind::BoardLookedAt, target, app.now())).await?;
    }
    Ok(Look { seats, before: shown.before, size: shown.size })
}

/// A member with up to `distance` neighbours on either side; empty when it is not on the board, or not known to the
/// caller.
pub async fn look_around(
    app: &App,
    caller: Caller,
    author: &Author,
    (kept, period): (&Kept, Period),
    (member, distance): (MemberId, u64),
) -> Result<Look, AppError> {
    let nobody = Look { seats: Vec::new(), before: 0, size: 0 };
    let wallet = if caller == Caller::Member(member) {
        app.directory.wallet_of(member).await?
    } else {
        let found = app.directory.members(caller).find(&MemberLookup::Id(member)).await?;
        found.map(|member| member.wallet)
    };
    let Some(wallet) = wallet else { return Ok(nobody) };
    let window = Window::Around { wallet, distance };
    let look = look_at_board(app, caller, author, (kept, period), window).await?;
    // A merchant has named the member, so a place without a name would still say whose it is.
    let hides = look.seats.iter().any(|seat| seat.standing.place.wallet == wallet && seat.hidden);
    Ok(if matches!(caller, Caller::Merchant(_)) && hides { nobody } else { look })
}

async fn may_see(app: &App, caller: Caller, board: &Board) -> Result<bool, AppError> {
    Ok(match (caller, board.reach) {
        (Caller::Operator | Caller::Agent, _) | (_, Reach::Network) => true,
        (Caller::Merchant(own), Reach::Merchant(merchant)) => own == merchant,
        (Caller::Member(member), Reach::Merchant(merchant)) => match app.directory.wallet_of(member).await? {
            Some(wallet) => app.directory.relations().tie(merchant, wallet).await?.related,
            None => false,
        },
    })
}
