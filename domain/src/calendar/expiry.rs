//! When points expire: the policy that a network sets and each lot is stamped with at issue.

use super::{Calendar, LocalDay, PeriodUnit, Term, Zone};
use crate::time::Instant;

/// How long points stay valid. Every policy but [`ExpiryPolicy::Never`] ends with a local day, and the last
/// microsecond of that day is still valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExpiryPolicy {
    /// The points never expire.
    Never,
    /// They expire with the day that lies a term after they were earned, counted in the Gregorian calendar:
    /// 31 January and one month is the last day of February.
    After(Term),
    /// They expire with the month, quarter or year that contains the day a term after they were earned.
    EndOf {
        /// The calendar of both the period and the term.
        calendar: Calendar,
        /// The period that is lived to its end.
        unit: PeriodUnit,
        /// What is added before the period is looked up; zero means the current period.
        after: Term,
    },
    /// They expire with a fixed day, also when it was past at issue: such a rule is for its maker to refuse.
    On(LocalDay),
}

/// A text is not an expiry policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an expiry policy reads like `never`, `after P12M`, `end jalali year after P1Y` or `on 2027-03-20`")]
pub struct InvalidExpiryPolicy;

impl ExpiryPolicy {
    /// The last instant at which points are valid that were earned (or activated, if the network counts from
    /// there) at `start`; nothing when they never expire.
    ///
    /// What would lie beyond [`LocalDay::MAX`] expires with that day: a policy that ends never turns into one
    /// that does not.
    pub fn expires_at(self, start: Instant, zone: &Zone) -> Option<Instant> {
        let last_day = match self {
            Self::Never => return None,
            Self::After(term) => zone.day_of(start).plus(term, Calendar::Gregorian),
            Self::EndOf { calendar, unit, after } => {
                zone.day_of(start).plus(after, calendar).end_of(unit, calendar)
            }
            Self::On(day) => day,
        };
        Some(zone.end_of_day(last_day))
    }

    /// The form in which a policy is stored, such as `after P12M`; [`ExpiryPolicy::parse`] reads it back.
    pub fn to_text(self) -> String {
        match self {
            Self::Never => "never".to_owned(),
            Self::After(term) => format!("after {term}"),
            Self::EndOf { calendar, unit, after } => {
                format!("end {} {} after {after}", calendar.as_str(), unit.as_str())
            }
            Self::On(day) => format!("on {day}"),
        }
    }

    /// Reads what [`ExpiryPolicy::to_text`] writes, and nothing else.
    pub fn parse(text: &str) -> Result<Self, InvalidExpiryPolicy> {
        let words: Vec<&str> = text.split(' ').collect();
        let policy = match *words.as_slice() {
            ["never"] => Some(Self::Never),
            ["after", term] => Term::parse(term).ok().map(Self::After),
            ["end", calendar, unit, "after", term] => end_of(calendar, unit, term),
            ["on", day] => LocalDay::parse(day).ok().map(Self::On),
            _ => None,
        };
        policy.ok_or(InvalidExpiryPolicy)
    }
}

fn end_of(calendar: &str, unit: &str, term: &str) -> Option<ExpiryPolicy> {
    Some(ExpiryPolicy::EndOf {
        calendar: Calendar::parse(calendar)?,
        unit: PeriodUnit::parse(unit)?,
        after: Term::parse(term).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;
    use proptest::prelude::*;

    fn instant(text: &str) -> Instant {
        Instant::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    /// The last local day of validity under a policy, and a check that all of that day is valid.
    fn last_day(policy: &str, start: &str) -> String {
        let tehran = Zone::default();
        let end = ExpiryPolicy::parse(policy).unwrap().expires_at(instant(start), &tehran).unwrap();
        let day = tehran.day_of(end);
        assert_eq!(tehran.end_of_day(day), end);
        day.to_string()
    }

    #[test]
    fn points_that_never_expire_have_no_last_instant() {
        assert_eq!(ExpiryPolicy::Never.expires_at(instant("2027-01-01T00:00:00Z"), &Zone::default()), None);
    }

    #[test]
    fn a_month_after_the_last_of_january_ends_with_february() {
        let end = |start| {
            ExpiryPolicy::After(Term::Months(1)).expires_at(instant(start), &Zone::default()).unwrap()
        };
        assert_eq!(end("2027-01-31T10:00:00Z"), instant("2027-02-28T20:29:59.999999Z"));
        assert_eq!(end("2028-01-31T10:00:00Z"), instant("2028-02-29T20:29:59.999999Z"));
        // Late in the evening of UTC it is already 1 February in Tehran.
        assert_eq!(end("2027-01-31T20:30:00Z"), instant("2027-03-01T20:29:59.999999Z"));
    }

    #[test]
    fn terms_of_days_and_years_end_with_their_day() {
        assert_eq!(last_day("after P0D", "2027-05-05T05:05:05Z"), "2027-05-05");
        assert_eq!(last_day("after P30D", "2027-02-01T12:00:00Z"), "2027-03-03");
        assert_eq!(last_day("after P1Y", "2028-02-29T12:00:00Z"), "2029-02-28");
    }

    #[test]
    fn a_gregorian_period_is_lived_to_its_end() {
        assert_eq!(last_day("end gregorian month after P1M", "2027-01-31T12:00:00Z"), "2027-02-28");
        assert_eq!(last_day("end gregorian quarter after P0D", "2027-03-31T12:00:00Z"), "2027-03-31");
        assert_eq!(last_day("end gregorian quarter after P0D", "2027-03-31T20:30:00Z"), "2027-06-30");
        assert_eq!(last_day("end gregorian year after P1Y", "2027-06-01T12:00:00Z"), "2028-12-31");
    }

    #[test]
    fn a_jalali_period_is_lived_to_its_end_across_nowruz() {
        // 29 Esfand 1404 is 2026-03-20, the last day of that year.
        assert_eq!(last_day("end jalali year after P0D", "2026-03-20T12:00:00Z"), "2026-03-20");
        assert_eq!(last_day("end jalali year after P0D", "2026-03-20T20:30:00Z"), "2027-03-20");
        // 30 Esfand 1403 exists; a year later is 29 Esfand 1404.
        assert_eq!(last_day("end jalali month after P1Y", "2025-03-20T12:00:00Z"), "2026-03-20");
        // 31 Shahrivar 1404 is 2025-09-22, the end of the second quarter.
        assert_eq!(last_day("end jalali quarter after P0D", "2025-09-22T12:00:00Z"), "2025-09-22");
        assert_eq!(last_day("end jalali quarter after P1D", "2025-09-22T12:00:00Z"), "2025-12-21");
        // A month after 31 Shahrivar is 30 Mehr.
        assert_eq!(last_day("end jalali month after P1M", "2025-09-22T12:00:00Z"), "2025-10-22");
    }

    #[test]
    fn a_fixed_day_stands_even_when_it_is_past() {
        assert_eq!(last_day("on 2027-03-20", "2026-01-01T00:00:00Z"), "2027-03-20");
        assert_eq!(last_day("on 2027-03-20", "2028-01-01T00:00:00Z"), "2027-03-20");
    }

    #[test]
    fn points_of_summer_time_expire_by_the_clock_of_their_last_day() {
        // Earned in summer time, ending in winter time, and ending on the day that summer time began.
        assert_eq!(last_day("after P6M", "2021-06-15T20:00:00Z"), "2021-12-16");
        assert_eq!(last_day("after P1D", "2022-03-20T20:30:00Z"), "2022-03-22");
    }

    #[test]
    fn a_policy_that_ends_is_held_in_the_far_future() {
        assert_eq!(last_day("after P65535Y", "2027-01-01T00:00:00Z"), "9998-12-31");
        assert_eq!(last_day("end jalali year after P65535Y", "2027-01-01T00:00:00Z"), "9998-12-31");
    }

    #[test]
    fn a_policy_is_read_only_as_it_is_written() {
        for wrong in [
            "",
            "Never",
            "never ",
            "after",
            "after 12M",
            "after  P12M",
            "after P012M",
            "end jalali week after P1Y",
            "end lunar year after P1Y",
            "end jalali year",
            "on 2027-02-29",
            "on 2027-3-20",
        ] {
            assert_eq!(ExpiryPolicy::parse(wrong), Err(InvalidExpiryPolicy), "{wrong}");
        }
    }

    fn any_term() -> impl Strategy<Value = Term> {
        (any::<u16>(), 0..3_u8).prop_map(|(count, unit)| match unit {
            0 => Term::Days(count),
            1 => Term::Months(count),
            _ => Term::Years(count),
        })
    }

    fn any_policy() -> impl Strategy<Value = ExpiryPolicy> {
        let calendar = prop_oneof![Just(Calendar::Gregorian), Just(Calendar::Jalali)];
        let unit = prop_oneof![Just(PeriodUnit::Month), Just(PeriodUnit::Quarter), Just(PeriodUnit::Year)];
        prop_oneof![
            Just(ExpiryPolicy::Never),
            any_term().prop_map(ExpiryPolicy::After),
            (calendar, unit, any_term()).prop_map(|(calendar, unit, after)| ExpiryPolicy::EndOf {
                calendar,
                unit,
                after
            }),
            any::<i32>().prop_map(|days| ExpiryPolicy::On(LocalDay::from_days(days.into()))),
        ]
    }

    /// From 1970 to 2120, in microseconds.
    fn any_instant() -> impl Strategy<Value = Instant> {
        (0..4_733_510_400_000_000_i64).prop_map(Instant::from_micros)
    }

    proptest! {
        #[test]
        fn every_policy_reads_back_from_its_text(policy in any_policy()) {
            prop_assert_eq!(ExpiryPolicy::parse(&policy.to_text()), Ok(policy));
        }

        #[test]
        fn points_earned_later_never_expire_earlier(
            policy in any_policy(), start in any_instant(), later in 0..4_000_000_000_000_i64,
        ) {
            let zone = Zone::default();
            let later = start.plus(Span::from_micros(later));
            prop_assert!(policy.expires_at(start, &zone) <= policy.expires_at(later, &zone));
        }

        #[test]
        fn points_are_valid_when_they_are_earned(policy in any_policy(), start in any_instant()) {
            let fixed = matches!(policy, ExpiryPolicy::On(_));
            let end = policy.expires_at(start, &Zone::default());
            prop_assert!(fixed || end.is_none_or(|end| end >= start));
        }
    }
}
