//! How often members may be looked for by what they show, which somebody could also try out: mobile numbers, cards.
//!
//! Two things are counted: how often somebody looks at all, and how often nobody is found. The second is what gives a
//! search through all numbers away. It is taken before the answer is known and given back when somebody was found, so
//! that whoever is over the limit learns nothing, whatever number is tried and however many are tried at once.
//!
//! Of look-ups that are under way at once each takes its miss; one that finds no room waits for another to end before it is
//! refused ([`turns`]), so that nobody is stopped by its own haste.
//!
//! Each limit holds for a person; for a merchant with all its people and keys; and for a key, which has a half of its
//! merchant's. A member finds only itself and is not counted.

mod turns;

use std::time::Duration;

use amvaj_domain::access::{Actor, Caller};
use amvaj_domain::audit::Author;
use amvaj_domain::id::MerchantId;
use amvaj_domain::member::MemberLookup;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::limit::{Limit, Taken};

use tokio::time;

use super::{App, AppError};
use crate::config::LookUpConfig;
pub(super) use turns::Turns;
use turns::{Turn, Waited};

/// Who looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeker {
    caller: Option<Caller>,
    actor: Option<Actor>,
}

/// What somebody looks for a member for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To see it, or to learn whether it is there.
    Look,
    /// To do something that the member will see: counted only when nobody is found.
    Operate,
}

/// What was counted of one look-up.
pub(super) struct Counted<'a> {
    app: &'a App,
    at: Instant,
    taken: Vec<Bucket>,
    /// They end with this, when what was not needed has been given back.
    _turns: Vec<Turn>,
}

/// A limit for somebody.
struct Bucket {
    limit: Limit,
    subject: String,
    /// What one look-up takes of it.
    cost: u64,
    /// Whether it counts those who find nobody.
    of_misses: bool,
}

/// A miss is counted in so many parts. A few come back in an hour, and of a single unit that is given back a second later
/// a whole one would be missing: a part of it has come back by itself.
const PARTS: u64 = 100;
/// How often one that finds no room and is alone asks again: whoever had the room may have ended in between.
const ALONE: u32 = 2;
/// How long one waits for others of its caller.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks for a member within the limits. `search` reads only, and its answer is not told when the limit is reached.
///
/// # Errors
/// [`AppError::LooksTooOften`] when somebody looks too often, and what `search` fails with.
pub(super) async fn look_up<T, E>(
    app: &App,
    seeker: Seeker,
    purpose: Purpose,
    search: impl Future<Output = Result<Option<T>, E>>,
) -> Result<Option<T>, AppError>
where
    AppError: From<E>,
{
    let (counted, found) = tokio::join!(count(app, seeker, purpose), search);
    let counted = counted?;
    let missed = matches!(found, Ok(None));
    if !missed {
        counted.found().await;
    }
    Ok(found?)
}

/// Counts a look-up, before anything is done.
pub(super) async fn count(app: &App, seeker: Seeker, purpose: Purpose) -> Result<Counted<'_>, AppError> {
    let of_misses = seeker.buckets(&app.look_ups).into_iter().filter(|bucket| bucket.of_misses);
    let mut turns: Vec<Turn> = of_misses.map(|bucket| app.look_up_turns.begin(bucket.subject)).collect();
    let until = time::Instant::now() + PATIENCE;
    let mut alone = 0_u32;
    loop {
        let refused = match take(app, seeker, purpose).await {
            Ok(counted) => return Ok(Counted { _turns: turns, ..counted }),
            Err(refused) => refused,
        };
        // Those that are counted in another bucket leave no room in this one.
        let full = refused.misses_of.as_deref();
        let waited = match turns.iter_mut().find(|turn| Some(turn.caller()) == full) {
            Some(turn) => turn.wait(until).await,
            None => Waited::InVain,
        };
        alone = if waited == Waited::Alone { alone.saturating_add(1) } else { 0 };
        if waited == Waited::InVain || alone > ALONE {
            return Err(AppError::LooksTooOften { retry_after: refused.retry_after });
        }
    }
}

/// Why a look-up was not counted.
struct NoRoom {
    retry_after: Span,
    /// Of whom there are too many misses, which those that find somebody give back; nobody when there are too many looks.
    misses_of: Option<String>,
}

/// Takes a look-up from all of its buckets, or nothing.
async fn take(app: &App, seeker: Seeker, purpose: Purpose) -> Result<Counted<'_>, NoRoom> {
    let at = app.now();
    let mut counted = Counted { app, at, taken: Vec::new(), _turns: Vec::new() };
    for bucket in seeker.buckets(&app.look_ups) {
        if purpose == Purpose::Operate && !bucket.of_misses {
            continue;
        }
        match app.limits.take(&bucket.limit, &bucket.subject, bucket.cost, at).await {
            Taken::Granted { .. } => counted.taken.push(bucket),
            Taken::Refused { retry_after, .. } => {
                counted.give_back(|_| true).await;
                return Err(NoRoom { retry_after, misses_of: bucket.of_misses.then_some(bucket.subject) });
            }
        }
    }
    Ok(counted)
}

impl Counted<'_> {
    /// Somebody was found, so that only the look itself counts.
    pub(super) async fn found(self) {
        self.give_back(|bucket| bucket.of_misses).await;
    }

    async fn give_back(&self, which: impl Fn(&Bucket) -> bool) {
        let now = self.app.now();
        for bucket in self.taken.iter().filter(|bucket| which(bucket)) {
            let Bucket { limit, subject, cost, .. } = bucket;
            self.app.limits.give_back(limit, subject, *cost, self.at, now).await;
        }
    }
}

impl Seeker {
    /// Somebody in person, in a merchant's name.
    pub(super) const fn of_merchant(merchant: MerchantId, actor: Option<Actor>) -> Self {
        Self { caller: Some(Caller::Merchant(merchant)), actor }
    }

    /// Whether looking for this is counted: ids cannot be guessed, and a merchant may try its own references.
    pub(super) fn is_counted(self, lookup: &MemberLookup) -> bool {
        match lookup {
            MemberLookup::Mobile(_) | MemberLookup::CardNumber(_) => true,
            MemberLookup::Customer { merchant, .. } => self.caller != Some(Caller::Merchant(*merchant)),
            MemberLookup::Id(_) | MemberLookup::Wallet(_) => false,
        }
    }

    fn buckets(self, settings: &LookUpConfig) -> Vec<Bucket> {
        let of_person = |subject| pair(subject, settings.per_minute, settings.misses_per_hour);
        let (looks, misses) = (settings.merchant_per_minute, settings.merchant_misses_per_hour);
        let person = match self.actor {
            Some(Actor::Staff(id)) => of_person(format!("staff-{id}")),
            Some(Actor::User(id)) => of_person(format!("user-{id}")),
            Some(Actor::ApiKey(id)) => pair(format!("key-{id}"), looks.div_ceil(2), misses.div_ceil(2)),
            Some(Actor::Console | Actor::Outside | Actor::Member(_)) | None => Vec::new(),
        };
        let all = match self.caller {
            Some(Caller::Merchant(id)) => pair(format!("merchant-{id}"), looks, misses),
            // Whoever is known in person is counted alone; tokens of the command line and of others are together.
            Some(caller @ (Caller::Operator | Caller::Agent)) if person.is_empty() => {
                of_person(caller.role().as_str().to_owned())
            }
            Some(Caller::Operator | Caller::Agent | Caller::Member(_)) | None => Vec::new(),
        };
        person.into_iter().chain(all).collect()
    }
}

impl From<&Author> for Seeker {
    fn from(author: &Author) -> Self {
        Self { caller: author.caller, actor: author.actor }
    }
}

fn pair(subject: String, per_minute: u32, misses_per_hour: u32) -> Vec<Bucket> {
    let limit = |name, units: u64, every| Limit { name, capacity: units, restores: units, every };
    let misses = u64::from(misses_per_hour).saturating_mul(PARTS);
    vec![
        Bucket {
            limit: limit("look-ups", per_minute.into(), Span::minutes(1)),
            subject: subject.clone(),
            cost: 1,
            of_misses: false,
        },
        Bucket {
            limit: limit("look-up-misses", misses, Span::minutes(60)),
            subject,
            cost: PARTS,
            of_misses: true,
        },
    ]
}
