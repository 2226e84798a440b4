//! Points: whole numbers, never negative, never fractional.

/// An amount of points, 0 to [`Points::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Points(i64);

/// Why a number is not an amount of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPoints {
    /// The number is below zero.
    #[error("points cannot be negative")]
    Negative,
    /// The number is above [`Points::MAX`].
    #[error("points cannot exceed {max}", max = Points::MAX)]
    TooMany,
}

impl Points {
    /// No points.
    pub const ZERO: Self = Self(0);
    /// The most points that one amount may hold: a million billion. It leaves sums of thousands of such
    /// amounts far below the limit of 64 bits.
    pub const MAX: i64 = 1_000_000_000_000_000;

    /// Checks the range.
    pub const fn new(points: i64) -> Result<Self, InvalidPoints> {
        if points < 0 {
            Err(InvalidPoints::Negative)
        } else if points > Self::MAX {
            Err(InvalidPoints::TooMany)
        } else {
            Ok(Self(points))
        }
    }

    /// The number of points.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether there are none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or an error when it leaves the range.
    pub const fn plus(self, other: Self) -> Result<Self, InvalidPoints> {
        // Both operands are at most 10^15, so the sum cannot overflow 64 bits.
        Self::new(self.0.saturating_add(other.0))
    }

    /// The difference, or an error when `other` is the larger.
    pub const fn minus(self, other: Self) -> Result<Self, InvalidPoints> {
        Self::new(self.0.saturating_sub(other.0))
    }

    /// The difference, or zero when `other` is the larger.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        if self.0 > other.0 { Self(self.0.saturating_sub(other.0)) } else { Self::ZERO }
    }
}

impl std::fmt::Display for Points {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_keep_their_range() {
        assert_eq!(Points::new(-1), Err(InvalidPoints::Negative));
        assert_eq!(Points::new(i64::MAX), Err(InvalidPoints::TooMany));
        let most = Points::new(Points::MAX).unwrap();
        assert_eq!(most.plus(most), Err(InvalidPoints::TooMany));
        assert_eq!(Points::ZERO.minus(most), Err(InvalidPoints::Negative));
        assert_eq!(Points::ZERO.less(most), Points::ZERO);
    }
}
