//! How often log-in codes may be asked for and tried. What is weighed here is in `docs/adr/0006-limits-of-log-in-codes.md`.

use std::net::IpAddr;
use std::sync::Arc;

use amvaj_domain::time::{Instant, Span};
use amvaj_infra::limit::{Limit, Limiter, Taken};

use super::AppError;

/// What an address may ask for. Thousands of people can share one.
const ASKED: Limit = Limit { name: "login-asked", capacity: 60, restores: 12, every: Span::minutes(1) };
/// What an address may ask for while codes run short.
const ASKED_IN_NEED: Limit =
    Limit { name: "login-asked-in-need", capacity: 3, restores: 3, every: Span::minutes(10) };
/// How often an address may try codes.
const TRIED: Limit = Limit { name: "login-tried", capacity: 120, restores: 60, every: Span::minutes(1) };
/// The subject of the limit on all codes together.
const ALL: &str = "all";

/// How often codes may be asked for and tried.
#[derive(Debug, Clone)]
pub struct LoginLimits {
    limits: Arc<Limiter>,
    /// All codes that are sent.
    sent: Limit,
}

impl LoginLimits {
    /// Limits with so many codes within an hour. A bucket gives what it holds and what comes back meanwhile, so each
    /// of the two is half of it.
    pub const fn new(limits: Arc<Limiter>, codes_per_hour: u64) -> Self {
        let half = codes_per_hour / 2;
        Self {
            limits,
            sent: Limit { name: "login-sent", capacity: half, restores: half, every: Span::minutes(60) },
        }
    }

    /// Lets an address ask for a code. Knows nothing of the number, so that a refusal tells nothing of it.
    pub async fn ask(&self, address: IpAddr, now: Instant) -> Result<(), AppError> {
        let subject = address.to_string();
        let usual = self.limits.take(&ASKED, &subject, 1, now).await;
        let in_need = self.limits.take(&ASKED_IN_NEED, &subject, 1, now).await;
        let left = self.limits.peek(&self.sent, ALL, now).await.remaining;
        let refused = if left == 0 {
            tracing::warn!("all log-in codes of the hour are used up; see AMVAJ_LOGIN_CODES_PER_HOUR");
            count("exhausted");
            Some(self.sent.every.micros() / i64::try_from(self.sent.restores).unwrap_or(i64::MAX).max(1))
        } else if left < self.sent.capacity / 2 {
            wait(usual).max(wait(in_need))
        } else {
            wait(usual)
        };
        match refused {
            None => Ok(()),
            Some(micros) => Err(AppError::Throttled { retry_after: Span::from_micros(micros.max(1)) }),
        }
    }

    /// Counts a code that is to be sent, or one that is not with the same calls; whether it may be.
    pub async fn send(&self, really: bool, now: Instant) -> bool {
        let granted = self.limits.take(&self.sent, ALL, u64::from(really), now).await.is_granted();
        if really {
            count(if granted { "sent" } else { "withheld" });
        }
        really && granted
    }

    /// Lets an address try a code.
    pub async fn attempt(&self, address: IpAddr, now: Instant) -> Result<(), AppError> {
        match self.limits.take(&TRIED, &address.to_string(), 1, now).await {
            Taken::Granted { .. } => Ok(()),
            Taken::Refused { retry_after, .. } => Err(AppError::Throttled { retry_after }),
        }
    }
}

/// The microseconds to wait after a refusal.
fn wait(taken: Taken) -> Option<i64> {
    match taken {
        Taken::Granted { .. } => None,
        Taken::Refused { retry_after, .. } => Some(retry_after.micros()),
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("amvaj_login_codes_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(1_800_000_000_000_000);

    fn limits(codes_per_hour: u64) -> LoginLimits {
        LoginLimits::new(Arc::new(Limiter::memory(1_000)), codes_per_hour)
    }

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    #[tokio::test]
    async fn no_more_codes_are_sent_in_an_hour_than_are_allowed() {
        let limits = limits(100);
        let mut sent = 0;
        for minute in 0..60 {
            for _ in 0..10 {
                sent += u32::from(limits.send(true, NOW.plus(Span::minutes(minute))).await);
            }
        }
        assert!((95..=100).contains(&sent), "{sent}");
    }

    #[tokio::test]
    async fn numbers_that_nobody_has_use_nothing_up() {
        let limits = limits(100);
        for _ in 0..1_000 {
            assert!(!limits.send(false, NOW).await);
        }
        assert!(limits.send(true, NOW).await);
    }

    #[tokio::test]
    async fn in_need_those_who_asked_much_are_refused_first() {
        let limits = limits(100);
        for _ in 0..10 {
            limits.ask(address(1), NOW).await.unwrap();
        }
        for _ in 0..26 {
            assert!(limits.send(true, NOW).await);
        }
        assert!(matches!(limits.ask(address(1), NOW).await, Err(AppError::Throttled { .. })));
        limits.ask(address(2), NOW).await.unwrap();
        for _ in 0..24 {
            limits.send(true, NOW).await;
        }
        let refused = limits.ask(address(3), NOW).await;
        let expected = Span::seconds(72);
        assert!(
            matches!(refused, Err(AppError::Throttled { retry_after }) if retry_after == expected),
            "{refused:?}"
        );
        limits.ask(address(3), NOW.plus(Span::seconds(72))).await.unwrap();
    }
}
