//! How long a balance is kept.

use super::balance::Balance;
use amvaj_domain::{
    id::WalletId,
    time::{Instant, Span},
};

/// The longest that an entry may live; it bounds how old an answer without a version token can be.
pub(crate) const LONGEST_LIFE: Span = Span::seconds(60);

/// The rule by which entries end: a fixed time after their row was read or committed, never renewed by use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetime {
    longest: Span,
}

impl Lifetime {
    /// Entries that live up to `longest`, itself held between nothing and 60 seconds.
    pub(super) fn new(longest: Span) -> Self {
        Self { longest: longest.clamp(Span::from_micros(0), LONGEST_LIFE) }
    }

    /// The life of this wallet's entries: up to a quarter below the longest. It follows from the id alone, so that
    /// every node agrees on it, while wallets that were read together do not all end together.
    fn of(self, wallet: WalletId) -> Span {
        let (_, low) = wallet.uuid().as_u64_pair();
        let quarter = u64::try_from(self.longest.micros() / 4).unwrap_or_default();
        let shortening = i64::try_from(low % quarter.saturating_add(1)).unwrap_or_default();
        Span::from_micros(self.longest.micros() - shortening)
    }

    /// Whether the entry may still be served. One from as far ahead is refused as well: a clock that runs behind would
    /// otherwise keep it for ever.
    pub(super) fn covers(self, balance: &Balance, now: Instant) -> bool {
        let age = now.since(balance.as_of).micros();
        let life = self.of(balance.wallet).micros();
        -life < age && age < life
    }

    /// What is left of the entry's life at `now`, at most its whole life, nothing or less when it is over.
    pub(super) fn left(self, balance: &Balance, now: Instant) -> Span {
        let end = balance.as_of.min(now).plus(self.of(balance.wallet)).min(balance.valid_until);
        end.since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::tests::{at, balance, wallet};

    #[test]
    fn no_entry_outlives_a_minute_and_wallets_end_at_different_times() {
        let lifetime = Lifetime::new(Span::days(1));
        let lives: std::collections::BTreeSet<_> =
            (0..100).map(|n| lifetime.of(wallet(n * 7_919_993))).collect();
        assert!(lives.iter().all(|life| (Span::seconds(45)..=Span::seconds(60)).contains(life)), "{lives:?}");
        assert!(lives.len() > 90, "{lives:?}");
    }

    #[test]
    fn what_is_left_counts_from_the_read_and_never_beyond_validity() {
        let lifetime = Lifetime::new(Span::seconds(60));
        let life = lifetime.of(wallet(1));
        let read = balance(1, 1, at(100));
        assert_eq!(lifetime.left(&read, at(100)), life);
        assert_eq!(lifetime.left(&read, at(110)), Span::from_micros(life.micros() - 10_000_000));
        assert_eq!(lifetime.left(&Balance { valid_until: at(103), ..read }, at(101)), Span::seconds(2));
        assert!(lifetime.left(&read, at(200)).micros() <= 0);
        assert_eq!(lifetime.left(&read, at(50)), life, "a read from ahead does not live longer");
    }
}
