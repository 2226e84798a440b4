//! What happens in a round, drawn from its seed: the same seed, the same plan.

use std::fmt;
use std::time::Duration;

/// Faults of one round.
const FAULTS: usize = 7;
/// How many milliseconds after the one before a fault begins, at the least half of them.
const APART: u64 = 900;

/// A round's faults, each with when it begins and how long it lasts.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) servers: Servers,
    pub(super) blows: Vec<Blow>,
}

/// What runs in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Servers {
    /// Two nodes, PostgreSQL and Redis.
    Cluster,
    /// One node on a SQLite file.
    Embedded,
}

/// One fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blow {
    /// From the beginning of the load.
    pub(super) at: Duration,
    pub(super) lasts: Duration,
    pub(super) fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// A server is killed, and started again.
    Kill(Victim),
    /// A server is stopped, and goes on.
    Stop(Victim),
    /// Every connection to a server is broken.
    Cut(Far),
    /// The connections of the next answers of a server are broken in the middle of the answer.
    CutAnswers(Far),
    /// Nothing gets through to a server or back; then everything does, or the connections break.
    Silence(Far),
    /// Files cannot grow.
    FullDisk,
    /// Files cannot grow, the node is killed, and starts again on the full disk.
    KillOnFullDisk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Victim {
    /// The node of this number, from 0.
    Node(usize),
    Postgres,
    Redis,
}

/// What nodes reach over a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Far {
    Postgres,
    Redis,
}

/// All faults that a cluster can meet. Two rounds in a row meet each of them once.
const OF_A_CLUSTER: [Fault; 2 * FAULTS] = [
    Fault::Kill(Victim::Node(0)),
    Fault::Stop(Victim::Redis),
    Fault::Cut(Far::Postgres),
    Fault::Kill(Victim::Postgres),
    Fault::CutAnswers(Far::Redis),
    Fault::Silence(Far::Postgres),
    Fault::Stop(Victim::Node(1)),
    Fault::Kill(Victim::Node(1)),
    Fault::Kill(Victim::Redis),
    Fault::CutAnswers(Far::Postgres),
    Fault::Stop(Victim::Postgres),
    Fault::Cut(Far::Redis),
    Fault::Silence(Far::Redis),
    Fault::Stop(Victim::Node(0)),
];

/// All faults that a node on a SQLite file can meet.
const OF_AN_EMBEDDED: [Fault; FAULTS] = [
    Fault::Kill(Victim::Node(0)),
    Fault::FullDisk,
    Fault::Kill(Victim::Node(0)),
    Fault::Stop(Victim::Node(0)),
    Fault::FullDisk,
    Fault::KillOnFullDisk,
    Fault::Kill(Victim::Node(0)),
];

impl Plan {
    /// The plan of a seed. Of three rounds in a row, two are of a cluster.
    pub(super) fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let servers = if seed % 3 == 2 { Servers::Embedded } else { Servers::Cluster };
        let mut faults = match servers {
            Servers::Embedded => OF_AN_EMBEDDED.to_vec(),
            Servers::Cluster => {
                let half = if seed.is_multiple_of(3) { ..FAULTS } else { ..2 * FAULTS };
                OF_A_CLUSTER[half].iter().rev().take(FAULTS).copied().collect()
            }
        };
        random.shuffle(&mut faults);
        let blows = faults.into_iter().zip(0..).map(|(fault, number)| {
            let at = Duration::from_millis(number * APART + random.below(APART / 2));
            // Some end before the next begins, and some overlap with it.
            Blow { at, lasts: Duration::from_millis(200 + random.below(900)), fault }
        });
        Self { seed, servers, blows: blows.collect() }
    }

    /// How long clients send operations: some time longer than the last fault lasts.
    pub(super) fn load(&self) -> Duration {
        let over = self.blows.iter().map(|blow| blow.at + blow.lasts).max().unwrap_or_default();
        over + Duration::from_millis(500)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(victim) => write!(formatter, "{victim} killed"),
            Self::Stop(victim) => write!(formatter, "{victim} stopped"),
            Self::Cut(far) => write!(formatter, "connections to {far} cut"),
            Self::CutAnswers(far) => write!(formatter, "answers of {far} cut in the middle"),
            Self::Silence(far) => write!(formatter, "{far} out of reach"),
            Self::FullDisk => formatter.write_str("disk full"),
            Self::KillOnFullDisk => formatter.write_str("disk full, node killed"),
        }
    }
}

impl fmt::Display for Victim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(number) => write!(formatter, "node {}", number + 1),
            Self::Postgres => Far::Postgres.fmt(formatter),
            Self::Redis => Far::Redis.fmt(formatter),
        }
    }
}

impl fmt::Display for Far {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
        })
    }
}

/// Random numbers that a seed decides (`SplitMix64`).
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to one below the limit.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn shuffle<T>(&mut self, things: &mut [T]) {
        for end in (1..things.len()).rev() {
            things.swap(end, self.index(end + 1));
        }
    }

    /// A place in a list of this length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }
}

#[test]
fn a_seed_decides_its_plan_and_two_clusters_meet_every_fault() {
    let faults = |seed: u64| Plan::of(seed).blows.into_iter().map(|blow| blow.fault).collect::<Vec<_>>();
    assert_eq!(format!("{:?}", Plan::of(17)), format!("{:?}", Plan::of(17)));
    assert_ne!(faults(0), faults(3));
    let mut met = [faults(0), faults(1)].concat();
    met.sort_unstable();
    let mut all = OF_A_CLUSTER.to_vec();
    all.sort_unstable();
    assert_eq!(met, all);
}
