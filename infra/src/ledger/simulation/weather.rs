//! What goes wrong, drawn from the seed: how often, and what befalls one step.

use std::time::Duration;

use super::random::Random;

/// How often things go wrong in a run, in times of a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// A statement of a read fails, or finds no snapshot.
    reads: u64,
    /// A write fails in one of the ways of [`WriteFault`].
    writes: u64,
    /// A step takes much longer than others.
    slow: u64,
    /// The longest that an ordinary step takes, in microseconds.
    pace: i64,
}

/// What befalls a statement of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadFault {
    /// The database does not answer.
    Unavailable,
    /// Another transaction is in the way.
    Contention,
    /// The database fails in a way that is not known.
    Failed,
}

/// What befalls a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteFault {
    /// Nothing is written, and nobody says so.
    Before,
    /// Another transaction is in the way: nothing is written.
    Contention,
    /// It is written and the answer is lost.
    AnswerLost,
    /// The connection is lost while the database still works on it: it is written later.
    Late,
}

impl Weather {
    /// The weather of a run: one in four is calm.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let often = *random.pick(&[0, 30, 120, 300]);
        let mut rate = || random.below(often + 1);
        let (reads, writes, slow) = (rate() / 3, rate(), rate() / 4);
        Self { reads, writes, slow, pace: *random.pick(&[200, 2_000, 20_000]) }
    }

    /// Nothing goes wrong, and a step takes up to so many microseconds.
    pub(crate) fn calm(pace: i64) -> Self {
        Self { pace, ..Self::default() }
    }

    /// How long a step takes.
    pub(crate) fn delay(&self, random: &mut Random) -> Duration {
        let micros = if random.per_mille(self.slow) {
            random.within(100_000, 3_000_000)
        } else {
            random.within(0, self.pace)
        };
        Duration::from_micros(u64::try_from(micros).unwrap())
    }

    pub(crate) fn read_fault(&self, random: &mut Random) -> Option<ReadFault> {
        let kinds =
            [ReadFault::Unavailable, ReadFault::Unavailable, ReadFault::Contention, ReadFault::Failed];
        random.per_mille(self.reads).then(|| *random.pick(&kinds))
    }

    pub(crate) fn write_fault(&self, random: &mut Random) -> Option<WriteFault> {
        let kinds = [WriteFault::Before, WriteFault::Contention, WriteFault::AnswerLost, WriteFault::Late];
        random.per_mille(self.writes).then(|| *random.pick(&kinds))
    }
}
