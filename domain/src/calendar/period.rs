//! Adding days, months and years to a day, and finding the start and the end of its month, quarter or year.

use icu_calendar::Date;
use icu_calendar::cal::{Gregorian, Persian};
use icu_calendar::error::DateAddError;
use icu_calendar::options::DateAddOptions;
use icu_calendar::types::DateDuration;

use super::LocalDay;

/// The calendar in which months and years are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Calendar {
    /// January to December.
    Gregorian,
    /// Farvardin to Esfand, the calendar of Iran.
    Jalali,
}

/// A part of the year that has an end; a quarter is three months of its calendar, counted from the year's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeriodUnit {
    /// One month.
    Month,
    /// Three months: months 1–3, 4–6, 7–9 or 10–12.
    Quarter,
    /// One year.
    Year,
}

/// A length of calendar time, whose days depend on where it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Term {
    /// So many days.
    Days(u16),
    /// So many months.
    Months(u16),
    /// So many years.
    Years(u16),
}

/// A text is not a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a term is P, a number up to 65535 and D, M or Y, such as P12M")]
pub struct InvalidTerm;

impl LocalDay {
    /// The day a term later in a calendar, held at [`LocalDay::MAX`]. Where the month is too short for the day
    /// of the month, its last day stands in: 31 January and one month is 28 or 29 February.
    #[must_use]
    pub fn plus(self, term: Term, calendar: Calendar) -> Self {
        match calendar {
            Calendar::Gregorian => held(moved(self.in_calendar(Gregorian), term)),
            Calendar::Jalali => held(moved(self.in_calendar(Persian), term)),
        }
    }

    /// The first day of the month, quarter or year of a calendar that contains this day, held at [`LocalDay::MIN`].
    #[must_use]
    pub fn start_of(self, unit: PeriodUnit, calendar: Calendar) -> Self {
        match calendar {
            Calendar::Gregorian => first_of(self, Gregorian, unit),
            Calendar::Jalali => first_of(self, Persian, unit),
        }
    }

    /// The last day of the month, quarter or year of a calendar that contains this day, held at
    /// [`LocalDay::MAX`].
    #[must_use]
    pub fn end_of(self, unit: PeriodUnit, calendar: Calendar) -> Self {
        match calendar {
            Calendar::Gregorian => held(last_of(self.in_calendar(Gregorian), unit)),
            Calendar::Jalali => held(last_of(self.in_calendar(Persian), unit)),
        }
    }
}

impl Calendar {
    /// Reads `gregorian` or `jalali`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Gregorian, Self::Jalali].into_iter().find(|calendar| calendar.as_str() == text)
    }

    /// The calendar's word: `gregorian` or `jalali`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gregorian => "gregorian",
            Self::Jalali => "jalali",
        }
    }
}

impl PeriodUnit {
    /// Reads `month`, `quarter` or `year`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Month, Self::Quarter, Self::Year].into_iter().find(|unit| unit.as_str() == text)
    }

    /// The unit's word: `month`, `quarter` or `year`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

impl Term {
    /// Reads an ISO 8601 duration of one unit as [`Display`](std::fmt::Display) writes it: `P30D`, `P12M`, `P1Y`.
    pub fn parse(text: &str) -> Result<Self, InvalidTerm> {
        let count = |unit| text.strip_prefix('P')?.strip_suffix(unit)?.parse().ok();
        let read = count('D')
            .map(Self::Days)
            .or_else(|| count('M').map(Self::Months))
            .or_else(|| count('Y').map(Self::Years))
            .ok_or(InvalidTerm)?;
        // A number may be spelt in more ways than one; a term only in this one.
        if read.to_string() == text { Ok(read) } else { Err(InvalidTerm) }
    }

    fn duration(self) -> DateDuration {
        let none = DateDuration::default();
        match self {
            Self::Days(days) => DateDuration { days: days.into(), ..none },
            Self::Months(months) => DateDuration { months: months.into(), ..none },
            Self::Years(years) => DateDuration { years: years.into(), ..none },
        }
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Days(days) => write!(f, "P{days}D"),
            Self::Months(months) => write!(f, "P{months}M"),
            Self::Years(years) => write!(f, "P{years}Y"),
        }
    }
}

fn moved<C: icu_calendar::Calendar>(date: Date<C>, term: Term) -> Result<Date<C>, DateAddError> {
    // The default holds the day at the end of a shorter month.
    date.try_added_with_options(term.duration(), DateAddOptions::default())
}

fn first_of<C: icu_calendar::Calendar + Copy>(day: LocalDay, calendar: C, unit: PeriodUnit) -> LocalDay {
    let month = day.in_calendar(calendar).month().number();
    let months_before = match unit {
        PeriodUnit::Month => 0,
        PeriodUnit::Quarter => month.saturating_sub(1) % 3,
        PeriodUnit::Year => month.saturating_sub(1),
    };
    let mut first = day;
    // From the first of a month the day before it is in the month before.
    for back in 0..=months_before {
        let from = if back == 0 { first } else { days_before(first, 1) };
        first = days_before(from, from.in_calendar(calendar).day_of_month().0.saturating_sub(1));
    }
    first
}

fn days_before(day: LocalDay, days: u8) -> LocalDay {
    LocalDay::from_days(i64::from(day.days()).saturating_sub(days.into()))
}

fn last_of<C: icu_calendar::Calendar>(date: Date<C>, unit: PeriodUnit) -> Result<Date<C>, DateAddError> {
    let month = date.month().number();
    let last_month = match unit {
        PeriodUnit::Month => month,
        PeriodUnit::Quarter => month.div_ceil(3).saturating_mul(3),
        PeriodUnit::Year => 12,
    };
    let in_last_month = moved(date, Term::Months(last_month.saturating_sub(month).into()))?;
    let days_left = in_last_month.days_in_month().saturating_sub(in_last_month.day_of_month().0);
    moved(in_last_month, Term::Days(days_left.into()))
}

/// Dates only move forward here, so one that cannot be reckoned lies in the far future.
fn held<C: icu_calendar::Calendar>(date: Result<Date<C>, DateAddError>) -> LocalDay {
    date.map_or(LocalDay::MAX, |date| LocalDay::from_date(&date))
}

#[cfg(test)]
mod tests {
    use super::super::JalaliDate;
    use super::*;
    use proptest::prelude::*;

    fn gregorian(year: i32, month: u8, day: u8) -> LocalDay {
        LocalDay::from_ymd(year, month, day).unwrap()
    }

    fn jalali(year: i32, month: u8, day: u8) -> LocalDay {
        LocalDay::from_jalali(JalaliDate { year, month, day }).unwrap()
    }

    #[test]
    fn a_month_too_short_for_the_day_ends_on_its_last() {
        let plus = |day: LocalDay, term| day.plus(term, Calendar::Gregorian);
        assert_eq!(plus(gregorian(2027, 1, 31), Term::Months(1)), gregorian(2027, 2, 28));
        assert_eq!(plus(gregorian(2028, 1, 31), Term::Months(1)), gregorian(2028, 2, 29));
        assert_eq!(plus(gregorian(2028, 2, 29), Term::Years(1)), gregorian(2029, 2, 28));
        assert_eq!(plus(gregorian(2028, 2, 29), Term::Years(4)), gregorian(2032, 2, 29));
        assert_eq!(plus(gregorian(2026, 12, 31), Term::Days(60)), gregorian(2027, 3, 1));
    }

    #[test]
    fn jalali_months_are_counted_in_their_own_calendar() {
        let plus = |day: LocalDay, term| day.plus(term, Calendar::Jalali);
        assert_eq!(plus(jalali(1404, 6, 31), Term::Months(1)), jalali(1404, 7, 30));
        assert_eq!(plus(jalali(1404, 11, 30), Term::Months(1)), jalali(1404, 12, 29));
        assert_eq!(plus(jalali(1403, 12, 30), Term::Years(1)), jalali(1404, 12, 29));
        assert_eq!(plus(jalali(1403, 12, 30), Term::Months(48)), jalali(1407, 12, 29));
        assert_eq!(plus(jalali(1403, 12, 30), Term::Years(5)), jalali(1408, 12, 30));
        assert_eq!(plus(jalali(1404, 12, 29), Term::Days(1)), jalali(1405, 1, 1));
    }

    #[test]
    fn gregorian_periods_end_on_their_last_day() {
        let end = |day: LocalDay, unit| day.end_of(unit, Calendar::Gregorian);
        assert_eq!(end(gregorian(2028, 2, 1), PeriodUnit::Month), gregorian(2028, 2, 29));
        assert_eq!(end(gregorian(2027, 3, 31), PeriodUnit::Quarter), gregorian(2027, 3, 31));
        assert_eq!(end(gregorian(2027, 4, 1), PeriodUnit::Quarter), gregorian(2027, 6, 30));
        assert_eq!(end(gregorian(2027, 11, 30), PeriodUnit::Quarter), gregorian(2027, 12, 31));
        assert_eq!(end(gregorian(2027, 1, 31), PeriodUnit::Year), gregorian(2027, 12, 31));
    }

    #[test]
    fn jalali_periods_end_on_their_last_day() {
        let end = |day: LocalDay, unit| day.end_of(unit, Calendar::Jalali);
        assert_eq!(end(jalali(1404, 6, 1), PeriodUnit::Month), jalali(1404, 6, 31));
        assert_eq!(end(jalali(1403, 12, 1), PeriodUnit::Month), jalali(1403, 12, 30));
        assert_eq!(end(jalali(1404, 5, 31), PeriodUnit::Quarter), jalali(1404, 6, 31));
        assert_eq!(end(jalali(1404, 7, 1), PeriodUnit::Quarter), jalali(1404, 9, 30));
        assert_eq!(end(jalali(1404, 1, 31), PeriodUnit::Year), jalali(1404, 12, 29));
        assert_eq!(end(jalali(1403, 1, 31), PeriodUnit::Year), gregorian(2025, 3, 20));
    }

    #[test]
    fn what_lies_beyond_the_far_future_is_held_there() {
        for calendar in [Calendar::Gregorian, Calendar::Jalali] {
            assert_eq!(gregorian(2027, 1, 1).plus(Term::Years(u16::MAX), calendar), LocalDay::MAX);
            assert_eq!(LocalDay::MAX.plus(Term::Months(1), calendar), LocalDay::MAX);
            assert_eq!(LocalDay::MAX.plus(Term::Days(u16::MAX), calendar), LocalDay::MAX);
            assert_eq!(LocalDay::MAX.end_of(PeriodUnit::Year, calendar), LocalDay::MAX);
        }
        assert!(gregorian(2027, 1, 1).plus(Term::Months(u16::MAX), Calendar::Gregorian) < LocalDay::MAX);
        assert!(gregorian(2027, 1, 1).plus(Term::Days(u16::MAX), Calendar::Jalali) < LocalDay::MAX);
    }

    #[test]
    fn a_term_is_read_only_as_it_is_written() {
        assert_eq!(Term::parse("P12M"), Ok(Term::Months(12)));
        for wrong in ["", "P", "PM", "P1", "12M", "P012M", "P+1M", "P-1D", "P65536D", "P1W", "P1Y6M", "p1m"] {
            assert_eq!(Term::parse(wrong), Err(InvalidTerm), "{wrong}");
        }
    }

    fn any_day() -> impl Strategy<Value = LocalDay> {
        (0_i64..100_000).prop_map(LocalDay::from_days)
    }

    fn any_calendar() -> impl Strategy<Value = Calendar> {
        prop_oneof![Just(Calendar::Gregorian), Just(Calendar::Jalali)]
    }

    fn any_unit() -> impl Strategy<Value = PeriodUnit> {
        prop_oneof![Just(PeriodUnit::Month), Just(PeriodUnit::Quarter), Just(PeriodUnit::Year)]
    }

    proptest! {
        #[test]
        fn the_end_of_a_period_is_its_own_end_and_a_new_period_follows(
            day in any_day(), unit in any_unit(), calendar in any_calendar(),
        ) {
            let end = day.end_of(unit, calendar);
            prop_assert!(end >= day);
            let start = day.start_of(unit, calendar);
            prop_assert!(start <= day);
            prop_assert_eq!(start.start_of(unit, calendar), start);
            prop_assert_eq!(start.end_of(unit, calendar), end);
            prop_assert_eq!(end.start_of(unit, calendar), start);
            prop_assert_eq!(end.end_of(unit, calendar), end);
            let next = end.plus(Term::Days(1), calendar);
            let (of_month, month) = match calendar {
                Calendar::Gregorian => (next.to_ymd().2, next.to_ymd().1),
                Calendar::Jalali => (next.jalali().day, next.jalali().month),
            };
            prop_assert_eq!(of_month, 1);
            match unit {
                PeriodUnit::Month => {}
                PeriodUnit::Quarter => prop_assert_eq!(month % 3, 1),
                PeriodUnit::Year => prop_assert_eq!(month, 1),
            }
        }

        #[test]
        fn gregorian_months_agree_with_a_second_library(day in any_day(), months: u16) {
            let (year, month, of_month) = day.to_ymd();
            let start = jiff::civil::date(
                i16::try_from(year).unwrap(), i8::try_from(month).unwrap(), i8::try_from(of_month).unwrap(),
            );
            let later = start.checked_add(jiff::Span::new().months(i64::from(months))).unwrap();
            prop_assert_eq!(day.plus(Term::Months(months), Calendar::Gregorian).to_string(), later.to_string());
        }

        #[test]
        fn a_later_start_never_ends_earlier(
            one in any_day(), other in any_day(), months: u16, calendar in any_calendar(),
        ) {
            let (earlier, later) = (one.min(other), one.max(other));
            let term = Term::Months(months);
            prop_assert!(earlier.plus(term, calendar) <= later.plus(term, calendar));
        }
    }
}
