//! Plays the demo's year through the use cases, on the clock that the application was given.
//!
//! The year goes by day by day. What is due is swept in the morning, as the worker would have done it; then the clock
//! stands at the day's end while each member's events follow one another and the members go side by side, so that the
//! ledger's lanes have something to batch.

use std::collections::BTreeMap;

use amvaj_domain::{
    earn::{Basket, BasketLine, InvalidBasket},
    member::{Member, MemberLookup},
    money::{InvalidMoney, Money},
    points::Points,
    text::{IdempotencyKey, InvalidIdempotencyKey, InvalidReceiptNumber, ReceiptNumber},
    time::Span,
};
use amvaj_infra::{
    db::StoreError,
    ledger::{OperationKey, Recorded},
    worker::{Sweep, SweepSettings},
};
use futures_util::{TryStreamExt as _, stream};

use super::{
    cast::{self, CastError, Shop},
    script::Script,
    year::{Action, Event, Wish},
};
use crate::app::{
    App, Stopped,
    earn_points::{EarnPoints, earn_points},
    end_hold::{EndHold, HoldEnd, end_hold},
    hold_points::{HoldPoints, USUAL_HOLD_SECONDS, hold_points},
    points::{PointsOutcome, PointsRefusal, PointsRequest},
    redeem_points::{RedeemPoints, redeem_points},
    refund_purchase::{RefundPurchase, refund_purchase},
};

/// Why the play stopped.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// Merchants or members could not be written.
    #[error(transparent)]
    Cast(#[from] CastError),
    /// An event has a number that is none.
    #[error("an event of the demo is malformed: {0}")]
    Malformed(String),
    /// A use case refused or failed.
    #[error("an event of the demo was not carried out: {0:?}")]
    Stopped(Stopped<PointsRefusal>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Members of whom something is in work at the same time.
const SIDE_BY_SIDE: usize = 256;
/// The length of a day, as far as the play is concerned.
const DAY: Span = Span::days(1);
/// Fewer points are not worth the while.
const FEWEST_POINTS: i64 = 20;

/// Plays the script from its beginning; what was played before is found and not done again. `progress` is told how
/// many events are done.
pub async fn play(app: &App, script: &Script, progress: &(dyn Fn(u64) + Sync)) -> Result<(), PlayError> {
    let mut players: Vec<Player> = script.members.iter().map(|_| Player::default()).collect();
    let mut joining = script.members.clone();
    joining.sort_by_key(|member| member.enrolled_at);
    let (mut joining, mut events) = (joining.as_slice(), script.events.as_slice());
    let mut sweep = Sweep::new(app.db.clone(), app.ledger.clone(), SweepSettings::default());
    for day in &script.days {
        app.clock.advance_to(day.start);
        sweep.sweep_once(app.now()).await?;
        let newcomers;
        (newcomers, joining) =
            joining.split_at(joining.partition_point(|member| member.enrolled_at <= day.start));
        cast::enrol(&app.directory, newcomers, app.now()).await?;
        let evening = day.start.plus(DAY).min(script.end);
        app.clock.advance_to(evening);
        let today;
        (today, events) = events.split_at(events.partition_point(|event| event.at < evening));
        play_day(app, script, today, &mut players).await?;
        progress(u64::try_from(today.len()).unwrap_or_default());
    }
    app.clock.advance_to(script.end);
    sweep.sweep_once(app.now()).await?;
    Ok(())
}

/// What a member knows of its own points.
#[derive(Debug, Default)]
struct Player {
    available: Points,
    hold: Option<(OperationKey, Points)>,
}

async fn play_day(
    app: &App,
    script: &Script,
    today: &[Event],
    players: &mut [Player],
) -> Result<(), PlayError> {
    let mut by_member: BTreeMap<u32, Vec<&Event>> = BTreeMap::new();
    for event in today {
        by_member.entry(event.member).or_default().push(event);
    }
    let turns = (0..).zip(players).filter_map(|(number, player)| Some((by_member.remove(&number)?, player)));
    stream::iter(turns.map(Ok::<_, PlayError>))
        .try_for_each_concurrent(SIDE_BY_SIDE, async |(events, player)| {
            for event in events {
                player.act(app, script, event).await?;
            }
            Ok(())
        })
        .await
}

impl Player {
    /// Carries an event out, and notes what is left. Refusals are part of the play: they are in the journal too.
    async fn act(&mut self, app: &App, script: &Script, event: &Event) -> Result<(), PlayError> {
        let Some(scene) = Scene::of(script, event) else { return Ok(()) };
        let recorded = match &event.action {
            Action::Buy(lines) => Some(scene.buy(app, lines).await?),
            Action::Return { visit, what } => {
                let receipt = scene.receipt(*visit)?;
                let input =
                    RefundPurchase { request: scene.request()?, receipt, what: what.clone(), currency: None };
                match refund_purchase(app, scene.shop.merchant, &input).await? {
                    PointsOutcome::Recorded(recorded) => Some(*recorded),
                    PointsOutcome::Waiting { .. } => None,
                }
            }
            Action::Redeem(wish) => self.redeem(app, &scene, *wish).await?,
            Action::Hold(wish) => self.hold(app, &scene, *wish).await?,
            Action::Capture(share) => self.end(app, &scene, Ending::Capture(*share)).await?,
            Action::Release => self.end(app, &scene, Ending::Release).await?,
        };
        if let Some(recorded) = recorded {
            self.available = recorded.op.after.available();
        }
        Ok(())
    }

    async fn redeem(&self, app: &App, scene: &Scene<'_>, wish: Wish) -> Result<Option<Recorded>, PlayError> {
        let Some(amount) = self.wished(wish) else { return Ok(None) };
        let receipt = Some(scene.receipt(scene.event.step.0)?);
        let input = RedeemPoints { request: scene.request()?, member: scene.member(), amount, receipt };
        Ok(Some(redeem_points(app, scene.shop.merchant, &input).await?))
    }

    async fn hold(
        &mut self,
        app: &App,
        scene: &Scene<'_>,
        wish: Wish,
    ) -> Result<Option<Recorded>, PlayError> {
        self.hold = None;
        let Some(amount) = self.wished(wish) else { return Ok(None) };
        let input = HoldPoints {
            request: scene.request()?,
            member: scene.member(),
            amount,
            seconds: USUAL_HOLD_SECONDS,
            receipt: Some(scene.receipt(scene.event.step.0)?),
        };
        let recorded = hold_points(app, scene.shop.merchant, &input).await?;
        if recorded.op.rejection.is_none() {
            self.hold = Some(((recorded.wallet, recorded.op.seq), amount));
        }
        Ok(Some(recorded))
    }

    async fn end(
        &mut self,
        app: &App,
        scene: &Scene<'_>,
        ending: Ending,
    ) -> Result<Option<Recorded>, PlayError> {
        let Some((hold, held)) = self.hold.take() else { return Ok(None) };
        let end = match ending {
            Ending::Capture(None) => HoldEnd::Capture(None),
            Ending::Capture(Some(share)) => HoldEnd::Capture(share_of(held, share)),
            Ending::Release => HoldEnd::Release,
        };
        let input = EndHold { request: scene.request()?, hold, end };
        Ok(Some(end_hold(app, scene.shop.merchant, &input).await?))
    }

    /// The points that a wish comes to, in tens; nothing when that is too little.
    fn wished(&self, wish: Wish) -> Option<Points> {
        let points = share_of(self.available, wish.share)?.get().min(wish.at_most) / 10 * 10;
        Points::new(points).ok().filter(|points| points.get() >= FEWEST_POINTS)
    }
}

/// How a member's hold ends.
enum Ending {
    Capture(Option<i64>),
    Release,
}

/// An event with those who take part in it.
struct Scene<'a> {
    event: &'a Event,
    shop: &'a Shop,
    member: &'a Member,
}

impl<'a> Scene<'a> {
    fn of(script: &'a Script, event: &'a Event) -> Option<Self> {
        let member = script.members.get(usize::try_from(event.member).ok()?)?;
        Some(Self { event, shop: script.shops.get(event.merchant)?, member })
    }

    async fn buy(&self, app: &App, lines: &[BasketLine]) -> Result<Recorded, PlayError> {
        let total = Money::new(lines.iter().map(|line| line.amount).sum(), app.network.currency)?;
        let input = EarnPoints {
            request: self.request()?,
            member: self.member(),
            receipt: self.receipt(self.event.step.0)?,
            basket: Basket::new(total, lines.to_vec())?,
        };
        Ok(earn_points(app, self.shop.merchant, &input).await?)
    }

    fn request(&self) -> Result<PointsRequest, PlayError> {
        let (visit, step) = self.event.step;
        let branch = self.shop.branches.get(self.event.branch).copied();
        Ok(PointsRequest::at(
            IdempotencyKey::parse(&format!("demo-{}-{visit}-{step}", self.event.member))?,
            branch,
            Some(self.event.at),
        ))
    }

    fn member(&self) -> MemberLookup {
        MemberLookup::Wallet(self.member.wallet)
    }

    /// The number of a visit's receipt.
    fn receipt(&self, visit: u32) -> Result<ReceiptNumber, PlayError> {
        Ok(ReceiptNumber::parse(&format!("{:05}-{:03}", self.event.member + 1, visit + 1))?)
    }
}

/// So many per cent of some points, rounded down.
fn share_of(points: Points, per_cent: i64) -> Option<Points> {
    Points::new(points.get().saturating_mul(per_cent) / 100).ok()
}

impl From<Stopped<PointsRefusal>> for PlayError {
    fn from(stopped: Stopped<PointsRefusal>) -> Self {
        Self::Stopped(stopped)
    }
}

/// The demo's own numbers are well formed; an error here is a defect of its generator.
macro_rules! malformed {
    ($($error:ty),+) => {$(
        impl From<$error> for PlayError {
            fn from(error: $error) -> Self {
                Self::Malformed(error.to_string())
            }
        }
    )+};
}

malformed!(InvalidBasket, InvalidMoney, InvalidIdempotencyKey, InvalidReceiptNumber);
