//! The periods of a board, one after the other without a gap.

use crate::{
    calendar::{Calendar, LocalDay, PeriodUnit, Term, Zone},
    time::{Instant, Span},
};

/// How long the periods of a board are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cycle {
    /// One day.
    Day,
    /// A week from Saturday to Friday.
    Week,
    /// A month from January to December.
    GregorianMonth,
    /// A month from Farvardin to Esfand.
    JalaliMonth,
    /// Three Jalali months: spring begins at Nowruz.
    Season,
    /// One period that never ends.
    AllTime,
}

/// A period: whole days of the network's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// Its first day, which tells the periods of a board apart.
    pub first: LocalDay,
    /// Its last day.
    pub last: LocalDay,
}

/// 1970-01-03, a Saturday.
const A_SATURDAY: i64 = 2;

impl Cycle {
    /// Every cycle.
    pub const ALL: [Self; 6] =
        [Self::Day, Self::Week, Self::GregorianMonth, Self::JalaliMonth, Self::Season, Self::AllTime];

    /// The period that contains a day.
    pub fn period_of(self, day: LocalDay) -> Period {
        let unit =
            |unit, calendar| Period { first: day.start_of(unit, calendar), last: day.end_of(unit, calendar) };
        match self {
            Self::Day => Period { first: day, last: day },
            Self::Week => {
                let days = i64::from(day.days());
                let first = days.saturating_sub(days.saturating_sub(A_SATURDAY).rem_euclid(7));
                Period {
                    first: LocalDay::from_days(first),
                    last: LocalDay::from_days(first.saturating_add(6)),
                }
            }
            Self::GregorianMonth => unit(PeriodUnit::Month, Calendar::Gregorian),
            Self::JalaliMonth => unit(PeriodUnit::Month, Calendar::Jalali),
            Self::Season => unit(PeriodUnit::Quarter, Calendar::Jalali),
            Self::AllTime => Period { first: LocalDay::MIN, last: LocalDay::MAX },
        }
    }

    /// The number that storage keeps; numbers are never reused.
    pub const fn stored(self) -> i16 {
        match self {
            Self::Day => 1,
            Self::Week => 2,
            Self::GregorianMonth => 3,
            Self::JalaliMonth => 4,
            Self::Season => 5,
            Self::AllTime => 6,
        }
    }

    /// What storage keeps under a number.
    pub fn from_stored(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|cycle| cycle.stored() == number)
    }
}

impl Period {
    /// Its first instant. The period of all time has begun before every instant.
    pub fn starts_at(self, zone: &Zone) -> Instant {
        if self.first == LocalDay::MIN {
            Instant::from_micros(i64::MIN)
        } else {
            zone.start_of_day(self.first)
        }
    }

    /// The first instant after it.
    pub fn ends_at(self, zone: &Zone) -> Instant {
        zone.end_of_day(self.last).plus(Span::from_micros(1))
    }

    /// The first day of the period after it.
    pub fn next(self) -> LocalDay {
        self.last.plus(Term::Days(1), Calendar::Gregorian)
    }
}
