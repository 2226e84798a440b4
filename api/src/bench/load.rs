//! The load of one connection: ask, check, note the time, again.
//!
//! In a closed loop the next request goes out when the last one is answered. In an open loop it goes out when its time has
//! come, and its time counts from then: a server that stops for a second has kept everybody waiting who came in that
//! second, not only the one request that it was at ("coordinated omission").

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::Value;

use super::{
    client::Connection,
    question::{Asks, Question, Verdict},
    report::Tally,
    scenario::Scenario,
    world::World,
};
use crate::demo::random::Random;

/// When a scenario is measured, and when its requests go out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    began: Instant,
    from: Instant,
    until: Instant,
    /// The time between two requests of all connections together, in an open loop.
    every: Option<Duration>,
}

impl Timing {
    pub(super) fn starting_now(warm_up: Duration, measured: Duration, every: Option<Duration>) -> Self {
        let began = Instant::now();
        let from = began + warm_up;
        Self { began, from, until: from + measured, every }
    }
}

/// One connection's work.
pub(super) struct Load {
    world: Arc<World>,
    address: SocketAddr,
    scenario: Scenario,
    /// Part of every idempotency key, as `number` and `asked` are.
    series: u32,
    number: u32,
    /// How many connections there are.
    of: u32,
    timing: Timing,
    random: Random,
    /// Turns so far.
    turns: u32,
    /// Requests so far; part of every idempotency key.
    asked: u64,
    tally: Tally,
}

/// Runs several connections on the thread that calls, until their time is over.
pub(super) fn run(loads: Vec<Load>) -> io::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tallies = runtime.block_on(join_all(loads.into_iter().map(Load::run)));
    Ok(tallies.into_iter().fold(Tally::default(), |mut sum, tally| {
        sum.add(tally);
        sum
    }))
}

impl Load {
    pub(super) fn new(
        world: &Arc<World>,
        address: SocketAddr,
        scenario: Scenario,
        series: u32,
        (number, of): (u32, u32),
        timing: Timing,
    ) -> Self {
        let world = Arc::clone(world);
        let random = Random::fork(world.run(), u64::from(series) << u32::BITS | u64::from(number));
        Self {
            world,
            address,
            scenario,
            series,
            number,
            of,
            timing,
            random,
            turns: 0,
            asked: 0,
            tally: Tally::default(),
        }
    }

    async fn run(mut self) -> Tally {
        while Instant::now() < self.timing.until {
            match Connection::open(self.address).await {
                Ok(mut connection) => self.work(&mut connection).await,
                Err(error) => {
                    self.tally.error(|| format!("no connection: {error}"));
                    break;
                }
            }
        }
        self.tally.unsent += self.turns_left();
        self.tally
    }

    /// Works until the time is over or the connection breaks.
    async fn work(&mut self, connection: &mut Connection) {
        let world = Arc::clone(&self.world);
        let mut before = None;
        while let Some(due) = self.next_turn().await {
            let mut key = self.key();
            let mut question = self.scenario.question(&world, &mut self.random, &key, before.as_ref());
            let mut answer = self.ask(connection, &question, due).await;
            loop {
                let Ok(answered) = answer else { return };
                let next_key = self.key();
                let keys = (key.as_str(), next_key.as_str());
                let next = answered.and_then(|answered| {
                    self.scenario.follow_up(&question, &mut self.random, keys, &answered)
                });
                if question.asks == Asks::Earn {
                    before = Some(question);
                }
                let Some(next) = next else { break };
                (question, key) = (next, next_key);
                answer = self.ask(connection, &question, Instant::now()).await;
            }
        }
    }

    /// Waits until the next turn is due and answers when that was; nothing when the time is over.
    async fn next_turn(&mut self) -> Option<Instant> {
        let due = self.due();
        self.turns = self.turns.saturating_add(1);
        if due >= self.timing.until || Instant::now() >= self.timing.until {
            self.turns = self.turns.saturating_sub(1);
            return None;
        }
        // A timer ends with the millisecond, so one for a moment that is here already would wait for that.
        if self.timing.every.is_some() {
            tokio::time::sleep_until(due.into()).await;
        }
        Some(due)
    }

    /// When the next turn is due: in a closed loop now.
    fn due(&self) -> Instant {
        self.timing.every.map_or_else(Instant::now, |every| {
            let turn = u64::from(self.turns) * u64::from(self.of) + u64::from(self.number);
            let nanos = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX).saturating_mul(turn);
            self.timing.began + Duration::from_nanos(nanos)
        })
    }

    /// The turns of an open loop that were due and did not begin.
    fn turns_left(&self) -> u64 {
        let Some(every) = self.timing.every else { return 0 };
        let left = self.timing.until.saturating_duration_since(self.due());
        u64::try_from(left.as_nanos() / (every * self.of).as_nanos().max(1)).unwrap_or(u64::MAX)
    }

    /// Asks and checks; answers nothing when the answer is wrong. `due` is when the time begins to count.
    async fn ask(
        &mut self,
        connection: &mut Connection,
        question: &Question<'_>,
        due: Instant,
    ) -> io::Result<Option<Value>> {
        self.asked += 1;
        let answered = connection.post(question.token, &question.body).await;
        let ended = Instant::now();
        let (status, body) = match answered {
            Ok(answered) => answered,
            Err(error) => {
                self.tally.error(|| error.to_string());
                return Err(error);
            }
        };
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_measured = due >= self.timing.from && ended <= self.timing.until;
        match question.judge(status, &answer) {
            Verdict::Right => {
                if is_measured {
                    self.tally.took(ended - due);
                }
                return Ok(Some(answer));
            }
            Verdict::Overloaded => self.tally.overloaded += u64::from(is_measured),
            Verdict::Wrong => {
                self.tally.error(|| format!("status {status}: {}", String::from_utf8_lossy(body)));
            }
        }
        Ok(None)
    }

    /// A key and receipt number that no other request of any run has.
    fn key(&self) -> String {
        format!("bench-{:x}-{}-{}-{}", self.world.run(), self.series, self.number, self.asked)
    }
}
