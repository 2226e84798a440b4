//! The load of one connection: ask, check, note the time, again.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::Value;

use super::{
    client::Connection,
    report::Tally,
    scenario::{Question, Scenario},
    world::World,
};
use crate::demo::random::Random;

/// When a scenario is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    from: Instant,
    until: Instant,
}

impl Timing {
    pub(super) fn starting_now(warm_up: Duration, measured: Duration) -> Self {
        let from = Instant::now() + warm_up;
        Self { from, until: from + measured }
    }
}

/// One connection's work.
pub(super) struct Load {
    world: Arc<World>,
    scenario: Scenario,
    number: u32,
    timing: Timing,
    random: Random,
    /// Requests so far; part of every idempotency key.
    asked: u64,
    tally: Tally,
}

/// Runs several connections on the thread that calls, until their time is over.
pub(super) fn run(loads: Vec<Load>) -> io::Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let tallies = runtime.block_on(join_all(loads.into_iter().map(Load::run)));
    Ok(tallies.into_iter().fold(Tally::default(), |mut sum, tally| {
        sum.add(tally);
        sum
    }))
}

impl Load {
    pub(super) fn new(world: &Arc<World>, scenario: Scenario, number: u32, timing: Timing) -> Self {
        let world = Arc::clone(world);
        let random = Random::fork(world.run(), u64::from(number));
        Self { world, scenario, number, timing, random, asked: 0, tally: Tally::default() }
    }

    async fn run(mut self) -> Tally {
        while Instant::now() < self.timing.until {
            match Connection::open(self.world.address()).await {
                Ok(mut connection) => self.work(&mut connection).await,
                Err(error) => {
                    self.tally.error(|| format!("no connection: {error}"));
                    break;
                }
            }
        }
        self.tally
    }

    /// Works until the time is over or the connection breaks.
    async fn work(&mut self, connection: &mut Connection) {
        let world = Arc::clone(&self.world);
        while Instant::now() < self.timing.until {
            let key = self.key();
            let mut next = Some(self.scenario.question(&world, &mut self.random, &key));
            while let Some(question) = next {
                let Ok(answer) = self.ask(connection, &question).await else { return };
                let key = self.key();
                next = answer.and_then(|answer| self.scenario.follow_up(&question, &answer, &key));
            }
        }
    }

    /// Asks and checks; answers nothing when the answer is wrong.
    async fn ask(
        &mut self,
        connection: &mut Connection,
        question: &Question<'_>,
    ) -> io::Result<Option<Value>> {
        self.asked += 1;
        let started = Instant::now();
        let answered = connection.post(question.token, &question.body).await;
        let ended = Instant::now();
        let (status, body) = match answered {
            Ok(answered) => answered,
            Err(error) => {
                self.tally.error(|| error.to_string());
                return Err(error);
            }
        };
        let answer =
            serde_json::from_slice(body).ok().filter(|answer| status == 200 && question.is_answered(answer));
        if answer.is_none() {
            self.tally.error(|| format!("status {status}: {}", String::from_utf8_lossy(body)));
        } else if started >= self.timing.from && ended <= self.timing.until {
            self.tally.micros.push(u32::try_from((ended - started).as_micros()).unwrap_or(u32::MAX));
        }
        Ok(answer)
    }

    /// A key and receipt number that no other request of any run has.
    fn key(&self) -> String {
        format!("bench-{:x}-{}-{}-{}", self.world.run(), self.scenario.name(), self.number, self.asked)
    }
}
