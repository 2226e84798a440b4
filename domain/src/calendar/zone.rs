//! The time zone of the network: where each local day starts and ends.

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::LocalDay;
use crate::time::{Instant, Span};

/// A time zone of the IANA database that is compiled in, so that every machine agrees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A text does not name a time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone named {0:?}; an example is {tehran}", tehran = Zone::TEHRAN)]
pub struct UnknownZone(String);

impl Zone {
    /// The name of the default zone.
    pub const TEHRAN: &'static str = "Asia/Tehran";

    /// Finds a zone by its IANA name, such as `Asia/Tehran`, whatever the case of its letters.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        TimeZoneDatabase::bundled().get(name).map(Self).map_err(|_| UnknownZone(name.to_owned()))
    }

    /// The zone's IANA name.
    pub fn name(&self) -> &str {
        // Only a zone that was found by a name is ever kept.
        self.0.iana_name().unwrap_or(Self::TEHRAN)
    }

    /// The local day that contains an instant; instants beyond [`LocalDay::MIN`] and [`LocalDay::MAX`] belong
    /// to those.
    ///
    /// Days never run backwards: where a clock is set back over midnight, the minutes it repeats belong to the
    /// new day, although it shows the old one again.
    pub fn day_of(&self, instant: Instant) -> LocalDay {
        let shown = day_of_date(self.0.to_datetime(timestamp(instant)).date());
        let next = LocalDay::from_days(i64::from(shown.days()).saturating_add(1));
        if self.start_of_day(next) <= instant { next } else { shown }
    }

    /// The first instant of a local day: its midnight, or the moment at which the clock jumps over midnight.
    pub fn start_of_day(&self, day: LocalDay) -> Instant {
        self.midnight(date_of_day(day))
    }

    /// The last microsecond of a local day, the one before the next day starts. It still belongs to the day.
    pub fn end_of_day(&self, day: LocalDay) -> Instant {
        let next = date_of_day(day).saturating_add(SignedDuration::from_hours(24));
        self.midnight(next).plus(Span::from_micros(-1))
    }

    fn midnight(&self, date: Date) -> Instant {
        let midnight = self.0.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
        let skipped = match midnight.offset() {
            AmbiguousOffset::Gap { .. } => true,
            // Of two midnights, the first starts the day: `compatible` takes it.
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => false,
        };
        // A local day lies a year or more inside what a timestamp can express, so the fallback is never taken.
        let found = midnight.compatible().unwrap_or(Timestamp::MAX);
        let start = if skipped { self.last_change_until(found) } else { found };
        Instant::from_micros(start.as_microsecond())
    }

    /// The moment of the last change of the clock at or before a time.
    fn last_change_until(&self, time: Timestamp) -> Timestamp {
        let just_after = time.checked_add(SignedDuration::from_nanos(1)).unwrap_or(time);
        self.0.preceding(just_after).next().map_or(time, |change| change.timestamp())
    }
}

impl Default for Zone {
    #[expect(clippy::expect_used, reason = "the database is compiled in, and a test finds the zone in it")]
    fn default() -> Self {
        Self::parse(Self::TEHRAN).expect("the compiled-in database has Asia/Tehran")
    }
}

/// The instant for the zone library, held at the ends of its range of twenty thousand years.
fn timestamp(instant: Instant) -> Timestamp {
    let outside = if instant.micros() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(instant.micros()).unwrap_or(outside)
}

fn date_of_day(day: LocalDay) -> Date {
    EPOCH.saturating_add(SignedDuration::from_hours(i64::from(day.days()).saturating_mul(24)))
}

fn day_of_date(date: Date) -> LocalDay {
    LocalDay::from_days(date.duration_since(EPOCH).as_hours().div_euclid(24))
}

const EPOCH: Date = Date::constant(1970, 1, 1);

#[cfg(test)]
mod tests {
    use super::super::{Calendar, Term};
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000_000;

    fn instant(text: &str) -> Instant {
        Instant::from_micros(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    fn day(text: &str) -> LocalDay {
        LocalDay::parse(text).unwrap()
    }

    fn length_in_hours(zone: &Zone, of: &str) -> i64 {
        zone.end_of_day(day(of)).since(zone.start_of_day(day(of))).micros().saturating_add(1) / HOUR
    }

    #[test]
    fn the_default_zone_is_tehran() {
        assert_eq!(Zone::default().name(), "Asia/Tehran");
        assert_eq!(Zone::parse("asia/tehran"), Ok(Zone::default()));
        assert_eq!(Zone::parse("Asia/Atlantis"), Err(UnknownZone("Asia/Atlantis".to_owned())));
        assert_eq!(Zone::parse("UTC").unwrap().name(), "UTC");
    }

    #[test]
    fn a_day_in_tehran_ends_at_half_past_eight_in_the_evening_of_utc() {
        let tehran = Zone::default();
        assert_eq!(tehran.start_of_day(day("2027-03-21")), instant("2027-03-20T20:30:00Z"));
        assert_eq!(tehran.end_of_day(day("2027-03-20")), instant("2027-03-20T20:29:59.999999Z"));
        assert_eq!(tehran.day_of(instant("2027-03-20T20:29:59.999999Z")), day("2027-03-20"));
        assert_eq!(tehran.day_of(instant("2027-03-20T20:30:00Z")), day("2027-03-21"));
    }

    #[test]
    fn a_day_whose_midnight_was_skipped_starts_at_the_jump() {
        let tehran = Zone::default();
        // Summer time began at midnight: the clock went from 24:00 of the 21st to 01:00 of the 22nd.
        assert_eq!(tehran.start_of_day(day("2022-03-22")), instant("2022-03-21T20:30:00Z"));
        assert_eq!(tehran.end_of_day(day("2022-03-21")), instant("2022-03-21T20:29:59.999999Z"));
        assert_eq!(length_in_hours(&tehran, "2022-03-22"), 23);
    }

    #[test]
    fn a_day_whose_last_hour_was_repeated_ends_after_the_second() {
        let tehran = Zone::default();
        assert_eq!(tehran.end_of_day(day("2022-09-21")), instant("2022-09-21T20:29:59.999999Z"));
        assert_eq!(tehran.day_of(instant("2022-09-21T20:00:00Z")), day("2022-09-21"));
        assert_eq!(length_in_hours(&tehran, "2022-09-21"), 25);
    }

    #[test]
    fn tehran_has_kept_one_clock_since_2022() {
        for of in ["2023-03-22", "2023-09-21", "2026-03-22", "2030-09-21"] {
            assert_eq!(length_in_hours(&Zone::default(), of), 24, "{of}");
        }
    }

    #[test]
    fn a_jump_from_before_midnight_to_after_it_is_where_the_day_starts() {
        // Toronto went from 23:30 of 30 March 1919 to 00:30 of the 31st.
        let toronto = Zone::parse("America/Toronto").unwrap();
        assert_eq!(toronto.start_of_day(day("1919-03-31")), instant("1919-03-31T04:30:00Z"));
        assert_eq!(toronto.day_of(instant("1919-03-31T04:29:59Z")), day("1919-03-30"));
    }

    #[test]
    fn days_never_run_backwards_where_a_clock_was_set_back_over_midnight() {
        // St John's went back from 00:01 of 29 October 2006 to 23:01 of the 28th.
        let st_johns = Zone::parse("America/St_Johns").unwrap();
        assert_eq!(st_johns.start_of_day(day("2006-10-29")), instant("2006-10-29T02:30:00Z"));
        assert_eq!(st_johns.day_of(instant("2006-10-29T02:30:30Z")), day("2006-10-29"));
        assert_eq!(st_johns.day_of(instant("2006-10-29T03:00:00Z")), day("2006-10-29"));
    }

    #[test]
    fn instants_beyond_the_calendar_belong_to_its_first_and_last_day() {
        let tehran = Zone::default();
        assert_eq!(tehran.day_of(Instant::from_micros(i64::MIN)), LocalDay::MIN);
        assert_eq!(tehran.day_of(Instant::from_micros(i64::MAX)), LocalDay::MAX);
        assert_eq!(tehran.end_of_day(LocalDay::MAX), instant("9998-12-31T20:29:59.999999Z"));
        assert!(tehran.start_of_day(LocalDay::MIN) < tehran.end_of_day(LocalDay::MIN));
    }

    fn any_zone() -> impl Strategy<Value = Zone> {
        const NAMES: [&str; 6] =
            ["Asia/Tehran", "America/St_Johns", "Africa/Cairo", "Pacific/Apia", "Europe/London", "UTC"];
        proptest::sample::select(&NAMES[..]).prop_map(|name| Zone::parse(name).unwrap())
    }

    /// From 1900 to 2120, in microseconds.
    fn any_instant() -> impl Strategy<Value = Instant> {
        (-2_208_988_800_000_000_i64..4_733_510_400_000_000).prop_map(Instant::from_micros)
    }

    proptest! {
        #[test]
        fn every_instant_lies_within_its_day(zone in any_zone(), instant in any_instant()) {
            let day = zone.day_of(instant);
            prop_assert!(zone.start_of_day(day) <= instant);
            prop_assert!(zone.end_of_day(day) >= instant);
            prop_assert_eq!(zone.day_of(zone.start_of_day(day)), day);
            prop_assert_eq!(zone.day_of(zone.end_of_day(day)), day);
        }

        #[test]
        fn a_later_instant_never_has_an_earlier_day(
            zone in any_zone(), instant in any_instant(), later in 0..48 * HOUR,
        ) {
            let later = instant.plus(Span::from_micros(later));
            prop_assert!(zone.day_of(instant) <= zone.day_of(later));
        }

        #[test]
        fn each_day_starts_where_the_one_before_it_ends(zone in any_zone(), days in -25_000_i64..55_000) {
            let day = LocalDay::from_days(days);
            let next = day.plus(Term::Days(1), Calendar::Gregorian);
            let gap = zone.start_of_day(next).since(zone.end_of_day(day));
            prop_assert_eq!(gap, Span::from_micros(1));
        }
    }
}
