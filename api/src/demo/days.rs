//! The days of the demo's year, with what makes one busier than another.

use amvaj_domain::{
    calendar::{LocalDay, Zone},
    time::Instant,
};

/// A day of the network's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Its first instant.
    pub start: Instant,
    /// Saturday is zero, Friday six.
    pub weekday: usize,
    /// How much is bought at this time of the year: 100 is usual, 150 the most.
    pub season: i64,
}

/// How many days lie before the last one.
const DAYS: i64 = 365;

/// The day of `end` and the year of days before it.
pub fn last_days(zone: &Zone, end: Instant) -> Vec<Day> {
    let last = i64::from(zone.day_of(end).days());
    (last - DAYS..=last).map(|day| describe(zone, LocalDay::from_days(day))).collect()
}

/// The first instant of the year that ends at `end`.
pub fn first_instant(zone: &Zone, end: Instant) -> Instant {
    zone.start_of_day(LocalDay::from_days(i64::from(zone.day_of(end).days()) - DAYS))
}

fn describe(zone: &Zone, day: LocalDay) -> Day {
    // 1 January 1970 was a Thursday.
    let weekday = usize::try_from((day.days() + 5).rem_euclid(7)).unwrap_or_default();
    let season = match day.jalali().month {
        // Everybody buys for Nowruz, then is away or at home.
        12 => 150,
        1 => 70,
        // School begins.
        6 => 125,
        _ => 100,
    };
    Day { start: zone.start_of_day(day), weekday, season }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_follow_each_other_and_know_their_weekday() {
        let zone = Zone::default();
        // Sunday, 22 November 2026, in the afternoon.
        let end = Instant::from_micros(1_795_350_000_000_000);
        let days = last_days(&zone, end);
        assert_eq!(days.len(), 366);
        assert_eq!(days.first().map(|day| day.start), Some(first_instant(&zone, end)));
        assert_eq!(days.last().map(|day| day.weekday), Some(1));
        assert!(days.last().is_some_and(|day| day.start < end));
        assert!(days.is_sorted_by(|one, next| one.start < next.start));
    }
}
