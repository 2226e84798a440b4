//! Plays a plan: the clock follows the file, days end on the way, and what happened at one instant is posted together.

use std::collections::{BTreeMap, HashMap};

use amvaj_domain::id::MerchantId;
use amvaj_domain::text::ReceiptNumber;
use amvaj_domain::time::Instant;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::error::ImportError;
use super::map::Map;
use super::plan::{Event, Plan};
use super::post::{Posted, Poster};
use super::reason::Reason;
use super::report::Report;
use super::tally::{Outcome, Tally};

/// Wallets whose events are posted side by side.
const SIDE_BY_SIDE: usize = 256;

/// Purchases that the ledger does not have, and what becomes of their refunds, which would wait for them for ever.
type Missing = HashMap<(MerchantId, ReceiptNumber), Outcome>;

/// What a plan would do, without doing it.
///
/// # Errors
/// [`ImportError::Unbalanced`], which is a defect.
pub fn dry_run(map: &Map, plan: &Plan) -> Result<Report, ImportError> {
    let mut tally = Tally::new(map, plan);
    for event in &plan.events {
        tally.count(event, Outcome::Planned);
    }
    let report = Report { dry_run: true, ..tally.report() };
    report.close()
}

/// Plays a plan on the poster's network, whose clock has to be a manual one that is not past the first event.
/// `progress` hears how many lines of the file are done.
///
/// # Errors
/// Whatever stops the import; what was posted stays, and the same call goes on from there.
pub async fn play(
    map: &Map,
    plan: &Plan,
    poster: &mut Poster<'_>,
    mut progress: impl FnMut(usize),
) -> Result<Report, ImportError> {
    let began = std::time::Instant::now();
    let mut tally = Tally::new(map, plan);
    let mut missing = Missing::new();
    if let Some(first) = plan.events.first() {
        poster.register(plan, first.time()).await?;
    }
    let mut last = None;
    for wave in plan.events.chunk_by(|one, next| one.time() == next.time()) {
        let Some(now) = wave.first().map(Event::time) else { continue };
        end_days(poster, last, now).await?;
        poster.app().clock.advance_to(now);
        poster.enrol(wave, now).await?;
        for (event, outcome) in play_wave(poster, wave, &missing).await? {
            if let (Event::Purchase(purchase), Some(of_refunds)) = (event, outcome.of_refunds()) {
                missing.insert((purchase.merchant, purchase.receipt.clone()), of_refunds);
            }
            tally.count(event, outcome);
            progress(event.lines());
        }
        last = Some(now);
    }
    if let Some(last) = last {
        poster.sweep(last).await?;
    }
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = Report { milliseconds: Some(milliseconds), ..tally.report() };
    report.close()
}

/// Ends every day of the network between two events: what is due then, activations and expiries, is done before
/// anything of the next day.
async fn end_days(poster: &mut Poster<'_>, last: Option<Instant>, now: Instant) -> Result<(), ImportError> {
    let Some(last) = last else { return Ok(()) };
    let zone = poster.app().zone.clone();
    let mut start = zone.end_of_day(zone.day_of(last)).plus(amvaj_domain::time::Span::from_micros(1));
    while start <= now {
        poster.app().clock.advance_to(start);
        poster.sweep(start).await?;
        start = zone.end_of_day(zone.day_of(start)).plus(amvaj_domain::time::Span::from_micros(1));
    }
    Ok(())
}

/// Posts what happened at one instant: different wallets side by side, the events of one wallet in their order.
async fn play_wave<'e>(
    poster: &Poster<'_>,
    wave: &'e [Event],
    missing: &Missing,
) -> Result<Vec<(&'e Event, Outcome)>, ImportError> {
    let mut wallets: BTreeMap<_, Vec<&Event>> = BTreeMap::new();
    for event in wave {
        wallets.entry(event.member()).or_default().push(event);
    }
    let played: Vec<Vec<_>> = stream::iter(wallets.into_values())
        .map(|events| play_wallet(poster, events, missing))
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    Ok(played.into_iter().flatten().collect())
}

async fn play_wallet<'e>(
    poster: &Poster<'_>,
    events: Vec<&'e Event>,
    missing_before: &Missing,
) -> Result<Vec<(&'e Event, Outcome)>, ImportError> {
    let mut missing = Missing::new();
    let mut outcomes = Vec::with_capacity(events.len());
    for event in events {
        let outcome = match event {
            Event::Purchase(purchase) => {
                let outcome = Outcome::Posted(poster.post(event).await?);
                if let Some(of_refunds) = outcome.of_refunds() {
                    missing.insert((purchase.merchant, purchase.receipt.clone()), of_refunds);
                }
                outcome
            }
            Event::Refund(refund) => {
                let purchase = (refund.merchant, refund.receipt.clone());
                match missing.get(&purchase).or_else(|| missing_before.get(&purchase)) {
                    Some(outcome) => *outcome,
                    None => Outcome::Posted(poster.post(event).await?),
                }
            }
        };
        outcomes.push((event, outcome));
    }
    Ok(outcomes)
}

impl Outcome {
    /// Why the event's lines are left out, if they are.
    pub(super) const fn reason(self) -> Option<Reason> {
        match self {
            Self::Planned | Self::Posted(Posted::Applied { .. }) => None,
            Self::Posted(Posted::Refused(rejection)) => Some(Reason::Refused(rejection)),
            Self::Posted(Posted::OfErased { .. }) => Some(Reason::MemberErased),
            Self::PurchaseRefused => Some(Reason::PurchaseRefused),
        }
    }

    /// What becomes of the refunds of a purchase, when the ledger does not have it.
    const fn of_refunds(self) -> Option<Self> {
        match self {
            Self::Posted(Posted::Refused(_)) => Some(Self::PurchaseRefused),
            Self::Posted(Posted::OfErased { booked: false }) => Some(self),
            Self::Planned
            | Self::PurchaseRefused
            | Self::Posted(Posted::Applied { .. } | Posted::OfErased { booked: true }) => None,
        }
    }
}
