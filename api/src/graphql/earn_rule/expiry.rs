//! When points lapse, as people read and write it.

use amvaj_domain::calendar::{self, ExpiryPolicy, Term};
use async_graphql::{Enum, InputObject, OneofObject, SimpleObject};

use crate::graphql::scalar::Date;

/// How it is decided when points lapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ExpiryKind {
    /// The points never lapse.
    Never,
    /// They lapse with the day that lies `term` after the purchase.
    After,
    /// They lapse with the month, quarter or year that contains the day `term` after the purchase.
    EndOf,
    /// They lapse with a fixed day.
    On,
}

/// A unit of calendar time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum TermUnit {
    /// Days.
    Day,
    /// Months.
    Month,
    /// Years.
    Year,
}

/// A part of the year that points are valid to the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "calendar::PeriodUnit")]
pub enum PeriodUnit {
    /// A month.
    Month,
    /// Three months, counted from the beginning of the year.
    Quarter,
    /// A year.
    Year,
}

/// The calendar in which months and years are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "calendar::Calendar")]
pub enum CalendarSystem {
    /// January to December.
    Gregorian,
    /// Farvardin to Esfand, the calendar of Iran.
    Jalali,
}

/// A length of calendar time. Example: `{ count: 12, unit: MONTH }`.
#[derive(Debug, Clone, Copy, SimpleObject, InputObject)]
#[graphql(name = "Term", input_name = "TermInput")]
pub struct TermValue {
    /// How many, 0 to 65,535.
    pub count: i32,
    /// Of what.
    pub unit: TermUnit,
}

/// When points lapse. The last moment of the last day is still valid, in the network's time zone.
#[derive(Debug, Clone, SimpleObject)]
pub struct Expiry {
    /// How it is decided.
    pub kind: ExpiryKind,
    /// For `AFTER` and `END_OF`: what is added to the day of the purchase.
    pub term: Option<TermValue>,
    /// For `END_OF`: the period that is lived to its end.
    pub period: Option<PeriodUnit>,
    /// For `END_OF`: the calendar of period and term.
    pub calendar: Option<CalendarSystem>,
    /// For `ON`: the last valid day.
    pub day: Option<Date>,
}

/// The end of a period. Example: `{ period: YEAR, calendar: JALALI, after: { count: 1, unit: YEAR } }` is the end of
/// the next Jalali year.
#[derive(Debug, Clone, Copy, InputObject)]
pub struct EndOfPeriodInput {
    /// The period that is lived to its end.
    pub period: PeriodUnit,
    /// The calendar of period and term.
    pub calendar: CalendarSystem,
    /// What is added to the day of the purchase before the period is looked up; nothing when left out.
    pub after: Option<TermValue>,
}

/// When points lapse: exactly one of these. The last moment of the last day is still valid, in the network's time
/// zone.
#[derive(Debug, Clone, Copy, OneofObject)]
pub enum ExpiryInput {
    /// Write true: the points never lapse.
    Never(bool),
    /// So long after the purchase, in the Gregorian calendar. Example: `{ count: 12, unit: MONTH }`.
    After(TermValue),
    /// With the end of a month, quarter or year.
    EndOf(EndOfPeriodInput),
    /// With a fixed day. Example: `"2027-03-20"`.
    On(Date),
}

impl ExpiryInput {
    /// The policy; nothing when a number is out of range or `never` is false.
    pub fn policy(self) -> Option<ExpiryPolicy> {
        match self {
            Self::Never(never) => never.then_some(ExpiryPolicy::Never),
            Self::After(term) => term.read().map(ExpiryPolicy::After),
            Self::EndOf(end) => Some(ExpiryPolicy::EndOf {
                calendar: end.calendar.into(),
                unit: end.period.into(),
                after: end.after.map_or(Some(Term::Days(0)), TermValue::read)?,
            }),
            Self::On(day) => Some(ExpiryPolicy::On(day.0)),
        }
    }
}

impl TermValue {
    fn read(self) -> Option<Term> {
        let count = u16::try_from(self.count).ok()?;
        Some(match self.unit {
            TermUnit::Day => Term::Days(count),
            TermUnit::Month => Term::Months(count),
            TermUnit::Year => Term::Years(count),
        })
    }
}

impl From<Term> for TermValue {
    fn from(term: Term) -> Self {
        let (count, unit) = match term {
            Term::Days(count) => (count, TermUnit::Day),
            Term::Months(count) => (count, TermUnit::Month),
            Term::Years(count) => (count, TermUnit::Year),
        };
        Self { count: count.into(), unit }
    }
}

impl From<ExpiryPolicy> for Expiry {
    fn from(policy: ExpiryPolicy) -> Self {
        let of = |kind| Self { kind, term: None, period: None, calendar: None, day: None };
        match policy {
            ExpiryPolicy::Never => of(ExpiryKind::Never),
            ExpiryPolicy::After(term) => Self { term: Some(term.into()), ..of(ExpiryKind::After) },
            ExpiryPolicy::EndOf { calendar, unit, after } => Self {
                term: Some(after.into()),
                period: Some(unit.into()),
                calendar: Some(calendar.into()),
                ..of(ExpiryKind::EndOf)
            },
            ExpiryPolicy::On(day) => Self { day: Some(Date(day)), ..of(ExpiryKind::On) },
        }
    }
}
