//! A day on the wall calendar, in Gregorian and Jalali dates.

use icu_calendar::cal::{Gregorian, Persian};
use icu_calendar::types::RataDie;
use icu_calendar::{AsCalendar, Date};

/// A calendar day in the network's zone: a day counted from 1970-01-01, from [`LocalDay::MIN`] to
/// [`LocalDay::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDay(i32);

/// A date of the Jalali (Solar Hijri) calendar, as people in Iran read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JalaliDate {
    /// The year, such as 1405.
    pub year: i32,
    /// The month, 1 (Farvardin) to 12 (Esfand).
    pub month: u8,
    /// The day of the month, 1 to 31.
    pub day: u8,
}

/// A date does not exist, or lies outside [`LocalDay::MIN`]–[`LocalDay::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such date between the years 1 and 9998")]
pub struct InvalidDay;

/// 1970-01-01 in the count of days that the calendars share, where 0001-01-01 is day 1.
const EPOCH: i64 = 719_163;

impl LocalDay {
    /// 0001-01-01, which also stands for every day before it.
    pub const MIN: Self = Self(-719_162);
    /// 9998-12-31, the far future: it also stands for every day after it. It leaves a year to the last instant
    /// that a date and time with four digits of year can show, whatever the zone.
    pub const MAX: Self = Self(2_932_531);

    /// The day so many days after 1970-01-01 (before it when negative), held at the ends of the range.
    pub fn from_days(days: i64) -> Self {
        let outside = if days < 0 { Self::MIN } else { Self::MAX };
        i32::try_from(days).map_or(outside, |days| Self(days).clamp(Self::MIN, Self::MAX))
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day of a Gregorian date.
    pub fn from_ymd(year: i32, month: u8, day: u8) -> Result<Self, InvalidDay> {
        Self::checked(Date::try_new_gregorian(year, month, day).ok())
    }

    /// The Gregorian year, month (1–12) and day (1–31).
    pub fn to_ymd(self) -> (i32, u8, u8) {
        year_month_day(&self.in_calendar(Gregorian))
    }

    /// The day of a Jalali date.
    pub fn from_jalali(date: JalaliDate) -> Result<Self, InvalidDay> {
        Self::checked(Date::try_new_persian(date.year, date.month, date.day).ok())
    }

    /// The Jalali date.
    pub fn jalali(self) -> JalaliDate {
        let (year, month, day) = year_month_day(&self.in_calendar(Persian));
        JalaliDate { year, month, day }
    }

    /// Reads a Gregorian date as [`Display`](std::fmt::Display) writes it: `2027-03-20`.
    pub fn parse(text: &str) -> Result<Self, InvalidDay> {
        let mut parts = text.splitn(3, '-');
        let year = parts.next().and_then(|year| year.parse().ok()).ok_or(InvalidDay)?;
        let month = parts.next().and_then(|month| month.parse().ok()).ok_or(InvalidDay)?;
        let day = parts.next().and_then(|day| day.parse().ok()).ok_or(InvalidDay)?;
        let read = Self::from_ymd(year, month, day)?;
        // Numbers may be spelt in more ways than one; a date only in this one.
        if read.to_string() == text { Ok(read) } else { Err(InvalidDay) }
    }

    /// The day as a date of one of the two calendars, for arithmetic.
    pub(super) fn in_calendar<C: AsCalendar>(self, calendar: C) -> Date<C> {
        Date::from_rata_die(RataDie::new(EPOCH.saturating_add(i64::from(self.0))), calendar)
    }

    /// The day of a calculated date, held at the ends of the range.
    pub(super) fn from_date<C: AsCalendar>(date: &Date<C>) -> Self {
        Self::from_days(date.to_rata_die().to_i64_date().saturating_sub(EPOCH))
    }

    fn checked<C: AsCalendar>(date: Option<Date<C>>) -> Result<Self, InvalidDay> {
        let date = date.ok_or(InvalidDay)?;
        let day = Self::from_date(&date);
        // A date beyond the ends was held at an end, and is then another date.
        let kept = day.in_calendar(Gregorian).to_rata_die() == date.to_rata_die();
        if kept { Ok(day) } else { Err(InvalidDay) }
    }
}

impl std::fmt::Display for LocalDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.to_ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl std::fmt::Display for JalaliDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn year_month_day<C: AsCalendar>(date: &Date<C>) -> (i32, u8, u8) {
    (date.year().extended_year(), date.month().number(), date.day_of_month().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn jalali(year: i32, month: u8, day: u8) -> JalaliDate {
        JalaliDate { year, month, day }
    }

    #[test]
    fn the_epoch_and_the_ends_are_where_they_are_documented() {
        assert_eq!(LocalDay::from_ymd(1970, 1, 1).map(LocalDay::days), Ok(0));
        assert_eq!(LocalDay::MIN.to_ymd(), (1, 1, 1));
        assert_eq!(LocalDay::MAX.to_ymd(), (9998, 12, 31));
        assert_eq!(LocalDay::from_days(i64::MIN), LocalDay::MIN);
        assert_eq!(LocalDay::from_days(i64::MAX), LocalDay::MAX);
        assert_eq!(LocalDay::from_days(3_000_000), LocalDay::MAX);
    }

    #[test]
    fn dates_beyond_the_ends_are_refused() {
        assert_eq!(LocalDay::from_ymd(9999, 1, 1), Err(InvalidDay));
        assert_eq!(LocalDay::from_ymd(0, 12, 31), Err(InvalidDay));
        assert_eq!(LocalDay::from_ymd(i32::MAX, 12, 31), Err(InvalidDay));
        assert_eq!(LocalDay::from_jalali(jalali(9500, 1, 1)), Err(InvalidDay));
    }

    #[test]
    fn nowruz_falls_where_the_calendar_of_iran_puts_it() {
        for ((year, month, day), new_year) in [
            ((2021, 3, 21), 1400),
            ((2024, 3, 20), 1403),
            ((2025, 3, 21), 1404),
            ((2026, 3, 21), 1405),
            ((2029, 3, 20), 1408),
        ] {
            let nowruz = LocalDay::from_ymd(year, month, day).unwrap();
            assert_eq!(nowruz.jalali(), jalali(new_year, 1, 1));
            assert_eq!(LocalDay::from_jalali(jalali(new_year, 1, 1)), Ok(nowruz));
        }
    }

    #[test]
    fn thirty_esfand_exists_in_leap_years_only() {
        assert_eq!(LocalDay::from_jalali(jalali(1403, 12, 30)).map(LocalDay::to_ymd), Ok((2025, 3, 20)));
        assert_eq!(LocalDay::from_jalali(jalali(1404, 12, 30)), Err(InvalidDay));
        assert_eq!(LocalDay::from_jalali(jalali(1404, 7, 31)), Err(InvalidDay));
    }

    #[test]
    fn a_leap_day_exists_in_leap_years_only() {
        assert!(LocalDay::from_ymd(2028, 2, 29).is_ok());
        assert_eq!(LocalDay::from_ymd(2027, 2, 29), Err(InvalidDay));
        assert_eq!(LocalDay::from_ymd(2027, 13, 1), Err(InvalidDay));
    }

    #[test]
    fn a_date_is_read_only_as_it_is_written() {
        assert_eq!(LocalDay::parse("2027-03-20").map(|day| day.to_string()).as_deref(), Ok("2027-03-20"));
        for wrong in ["", "2027-3-20", "2027-03-32", "+2027-03-20", "20270320", "2027-03-20 ", "2027-03-20-1"]
        {
            assert_eq!(LocalDay::parse(wrong), Err(InvalidDay), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_day_reads_back_from_each_of_its_forms(days in LocalDay::MIN.0..=LocalDay::MAX.0) {
            let day = LocalDay::from_days(i64::from(days));
            let (year, month, of_month) = day.to_ymd();
            prop_assert_eq!(LocalDay::from_ymd(year, month, of_month), Ok(day));
            prop_assert_eq!(LocalDay::from_jalali(day.jalali()), Ok(day));
            prop_assert_eq!(LocalDay::parse(&day.to_string()), Ok(day));
        }

        #[test]
        fn both_calendars_keep_the_order_of_days(one in -100_000_i64..100_000, other in -100_000_i64..100_000) {
            let (one, other) = (LocalDay::from_days(one), LocalDay::from_days(other));
            prop_assert_eq!(one.cmp(&other), one.jalali().cmp(&other.jalali()));
            prop_assert_eq!(one.cmp(&other), one.to_ymd().cmp(&other.to_ymd()));
        }
    }
}
