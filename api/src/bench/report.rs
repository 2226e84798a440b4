//! What a run measured, as a table or as JSON.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{Door, export::Exported, webhooks::Round};

/// The whole run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `sqlite` or `postgres`.
    pub database: &'static str,
    /// `memory` or `redis`.
    pub cache: &'static str,
    /// Whether this program was built without optimisation.
    pub debug_build: bool,
    /// Connections that send at the same time.
    pub connections: u32,
    /// Wallets that the requests are spread over.
    pub wallets: u32,
    /// Merchants that the requests are spread over.
    pub merchants: u32,
    /// What was measured, in order.
    pub scenarios: Vec<Measured>,
    /// How each scenario compares with its baseline, if that was measured beside it.
    pub ratios: Vec<Ratio>,
    /// What authentication, limits and the guard cost, if that was asked for.
    pub door: Option<Door>,
    /// How many events are delivered beside purchases, if that was asked for.
    pub webhooks: Vec<Round>,
    /// How fast operations are exported, if that was asked for.
    pub exports: Vec<Exported>,
}

/// One scenario against a baseline that was measured in the same rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Ratio {
    /// The scenario.
    pub scenario: String,
    /// What it is compared with.
    pub to: String,
    /// How many times as many requests a second: the middle of all rounds.
    pub middle: f64,
    /// The worst round.
    pub least: f64,
    /// The best round.
    pub most: f64,
}

/// One scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Its name.
    pub scenario: String,
    /// In which round, from 1.
    pub round: u32,
    /// Answered requests.
    pub requests: u64,
    /// Measured seconds, after the warm-up.
    pub seconds: f64,
    /// Requests a second.
    pub per_second: f64,
    /// Half of the requests took at most so many milliseconds.
    pub p50_ms: f64,
    /// Nine of ten.
    pub p90_ms: f64,
    /// 99 of a hundred.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// Requests that the server refused at once, because it had more to do than it could queue.
    pub overloaded: u64,
    /// Requests of an open loop that were due and never sent, because the connection still waited for an answer.
    pub unsent: u64,
    /// Requests with a wrong answer or none, warm-up included.
    pub errors: u64,
    /// The first of these, as the server answered.
    pub first_error: Option<String>,
    /// Memory of the process after the scenario, in mebibytes: the server and this load together.
    pub rss_mib: Option<u64>,
}

/// What one connection saw.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Microseconds of each measured request.
    pub(super) micros: Vec<u32>,
    pub(super) overloaded: u64,
    pub(super) unsent: u64,
    pub(super) errors: u64,
    pub(super) first_error: Option<String>,
}

impl Tally {
    /// Notes how long a measured request took.
    pub(super) fn took(&mut self, time: Duration) {
        self.micros.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub(super) fn error(&mut self, what: impl FnOnce() -> String) {
        self.errors += 1;
        self.first_error.get_or_insert_with(what);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        self.overloaded += other.overloaded;
        self.unsent += other.unsent;
        self.errors += other.errors;
        if self.first_error.is_none() {
            self.first_error = other.first_error;
        }
    }

    /// Sums up what was seen in so many seconds.
    pub(super) fn measured(mut self, scenario: &str, seconds: f64) -> Measured {
        self.micros.sort_unstable();
        let requests = u64::try_from(self.micros.len()).unwrap_or(u64::MAX);
        let count = f64::from(u32::try_from(requests).unwrap_or(u32::MAX));
        let at = |per_cent: usize| milliseconds(&self.micros, per_cent);
        Measured {
            scenario: scenario.to_owned(),
            round: 1,
            requests,
            seconds,
            per_second: count / seconds,
            p50_ms: at(50),
            p90_ms: at(90),
            p99_ms: at(99),
            max_ms: at(100),
            overloaded: self.overloaded,
            unsent: self.unsent,
            errors: self.errors,
            first_error: self.first_error,
            rss_mib: resident_mebibytes(),
        }
    }
}

impl Ratio {
    /// Compares every other scenario with the one named `to`, round by round.
    pub fn all(measured: &[Measured], to: &str) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        for one in measured.iter().filter(|one| one.scenario != to) {
            if !names.contains(&one.scenario.as_str()) {
                names.push(&one.scenario);
            }
        }
        let rate = |name: &str, round: u32| {
            measured.iter().find(|one| one.scenario == name && one.round == round).map(|one| one.per_second)
        };
        let rounds = measured.iter().map(|one| one.round).max().unwrap_or_default();
        names
            .into_iter()
            .filter_map(|name| {
                let ratio = |round| Some(rate(name, round)? / rate(to, round).filter(|rate| *rate > 0.0)?);
                let mut ratios: Vec<f64> = (1..=rounds).filter_map(ratio).collect();
                ratios.sort_by(f64::total_cmp);
                Some(Self {
                    scenario: name.to_owned(),
                    to: to.to_owned(),
                    middle: *ratios.get(ratios.len() / 2)?,
                    least: *ratios.first()?,
                    most: *ratios.last()?,
                })
            })
            .collect()
    }
}

/// The time that so many per cent of the sorted times do not exceed, by the nearest rank.
fn milliseconds(sorted: &[u32], per_cent: usize) -> f64 {
    let rank = (sorted.len() * per_cent).div_ceil(100);
    let micros = sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default();
    f64::from(micros) / 1_000.0
}

/// What the process has in memory, where the system tells.
pub(super) fn resident_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1_024)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let build = if self.debug_build { "unoptimised build" } else { "optimised build" };
        writeln!(
            f,
            "{} and {}, {build}: {} connections, {} wallets, {} merchants; server and load share this machine",
            self.database, self.cache, self.connections, self.wallets, self.merchants
        )?;
        writeln!(
            f,
            "\n{:<13} {:>11} {:>9} {:>9} {:>9} {:>9} {:>10} {:>8} {:>8} {:>6}",
            "scenario",
            "requests/s",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "max ms",
            "overloaded",
            "unsent",
            "errors",
            "MiB"
        )?;
        for one in &self.scenarios {
            let memory = one.rss_mib.map_or_else(|| "-".to_owned(), |mebibytes| mebibytes.to_string());
            writeln!(
                f,
                "{:<13} {:>11.0} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>10} {:>8} {:>8} {memory:>6}",
                one.scenario,
                one.per_second,
                one.p50_ms,
                one.p90_ms,
                one.p99_ms,
                one.max_ms,
                one.overloaded,
                one.unsent,
                one.errors
            )?;
        }
        for Ratio { scenario, to, middle, least, most } in &self.ratios {
            writeln!(f, "\n{scenario} / {to}: {middle:.2} times ({least:.2} to {most:.2})")?;
        }
        for round in &self.webhooks {
            writeln!(
                f,
                "\nWith {} endpoints that take everything and {} that hang: {:.0} purchases a second (99 of 100 within {:.1} ms), \
                 {} events, {:.0} a second, the last one {:.1} s after the last purchase",
                round.taking,
                round.hanging,
                round.purchases_per_second,
                round.purchases_p99_ms,
                round.delivered,
                round.delivered_per_second,
                round.behind_seconds
            )?;
        }
        for exported in &self.exports {
            exported.fmt(f)?;
        }
        if let Some(Door { bare_micros, guarded_micros, turns }) = &self.door {
            writeln!(
                f,
                "\nA small query takes {bare_micros:.1} µs, with authentication, limits and guard {guarded_micros:.1} µs: \
                 {:.1} µs more, {:.2} times as much (the middle of {turns} turns each)",
                guarded_micros - bare_micros,
                guarded_micros / bare_micros,
            )?;
        }
        for one in &self.scenarios {
            if let Some(error) = &one.first_error {
                writeln!(f, "\nThe first error of {}: {error}", one.scenario)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let micros: Vec<u32> = (1..=200).map(|n| n * 1_000).rev().collect();
        let tally = Tally { micros, ..Tally::default() };
        let measured = tally.measured("earn", 2.0);
        let seen = [measured.p50_ms, measured.p90_ms, measured.p99_ms, measured.max_ms, measured.per_second];
        assert_eq!(seen.map(|number| number.to_string()), ["100", "180", "198", "200", "100"]);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let measured = |scenario: &str, round, per_second: u32| {
            let micros = vec![1; usize::try_from(per_second).unwrap()];
            Measured { round, ..Tally { micros, ..Tally::default() }.measured(scenario, 1.0) }
        };
        let all = [
            [measured("earn", 1, 300), measured("plain", 1, 100)],
            [measured("earn", 2, 400), measured("plain", 2, 100)],
            [measured("earn", 3, 100), measured("plain", 3, 50)],
        ];
        let ratios = Ratio::all(all.as_flattened(), "plain");
        assert_eq!(ratios.len(), 1);
        let seen = [ratios[0].least, ratios[0].middle, ratios[0].most];
        assert_eq!(seen.map(|ratio| ratio.to_string()), ["2", "3", "4"]);
        assert!(Ratio::all(all.as_flattened(), "another").is_empty());
    }

    #[test]
    fn nothing_measured_is_zero_and_the_first_error_stays() {
        let mut tally = Tally::default();
        tally.error(|| "one".to_owned());
        let mut second = Tally::default();
        second.error(|| "two".to_owned());
        tally.add(second);
        let measured = tally.measured("hold", 1.0);
        assert_eq!((measured.requests, measured.errors), (0, 2));
        assert_eq!(measured.first_error.as_deref(), Some("one"));
    }
}
