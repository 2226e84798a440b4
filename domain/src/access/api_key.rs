//! API keys: secrets by which a merchant's programs are known, and how long they are.

use super::{Actor, Caller, Identity, Scopes};
use crate::id::{ApiKeyId, MerchantId};
use crate::text::Name;
use crate::time::{Instant, Span};

/// A merchant's key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key.
    pub id: ApiKeyId,
    /// In whose name it acts.
    pub merchant: MerchantId,
    /// What its maker calls it.
    pub name: Name,
    /// How its secret begins, so that people know which one it is.
    pub prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Who made it.
    pub made_by: Actor,
    /// The key that it was made to replace.
    pub replaces: Option<ApiKeyId>,
    /// The key that replaces it.
    pub replaced_by: Option<ApiKeyId>,
    /// When it was made.
    pub created_at: Instant,
    /// When it ends by itself; none goes on until it is revoked.
    pub expires_at: Option<Instant>,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Instant>,
}

/// Whether a key is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiKeyStatus {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

impl ApiKey {
    /// Most keys of one merchant that are good at a time.
    pub const MOST: u64 = 100;
    /// The longest that a key may be good.
    pub const LONGEST: Span = Span::days(3_653);
    /// The longest that a key goes on beside the one that replaces it.
    pub const LONGEST_OVERLAP: Span = Span::days(7);

    /// Whether it is good at `now`.
    pub fn status(&self, now: Instant) -> ApiKeyStatus {
        if self.revoked_at.is_some() {
            ApiKeyStatus::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            ApiKeyStatus::Expired
        } else {
            ApiKeyStatus::Active
        }
    }

    /// Whoever sends it.
    pub fn identity(&self) -> Identity {
        Identity::new(Caller::Merchant(self.merchant), Actor::ApiKey(self.id)).limited_to(self.scopes)
    }

    /// When a key ends that replaces this one at `now` and is to be good for as long as this one was. It does not
    /// outlive `maker`, when a key makes it.
    pub fn next_end(&self, now: Instant, maker: Option<&Self>) -> Option<Instant> {
        let end = self.expires_at.map(|end| now.plus(end.since(self.created_at)));
        match maker.and_then(|maker| maker.expires_at) {
            None => end,
            Some(longest) => Some(end.map_or(longest, |end| end.min(longest))),
        }
    }
}

impl ApiKeyStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Expired, Self::Revoked];
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::Scope;
    use super::*;

    const MADE: Instant = Instant::from_micros(1_000_000);

    fn key(life: Option<Span>) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(Uuid::from_u128(1)),
            merchant: MerchantId::new(Uuid::from_u128(2)),
            name: Name::parse("till").unwrap(),
            prefix: "amvaj_live_x".to_owned(),
            scopes: Scopes::of(&[Scope::PointsEarn, Scope::NetworkManage]),
            made_by: Actor::Console,
            replaces: None,
            replaced_by: None,
            created_at: MADE,
            expires_at: life.map(|life| MADE.plus(life)),
            revoked_at: None,
            last_used_at: None,
        }
    }

    #[test]
    fn a_key_ends_with_its_time_and_when_it_is_revoked() {
        let short = key(Some(Span::minutes(1)));
        assert_eq!(short.status(MADE), ApiKeyStatus::Active);
        assert_eq!(short.status(MADE.plus(Span::seconds(60))), ApiKeyStatus::Expired);
        assert_eq!(key(None).status(MADE.plus(Span::days(9_000))), ApiKeyStatus::Active);
        let revoked = ApiKey { revoked_at: Some(MADE), ..short };
        assert_eq!(revoked.status(MADE.plus(Span::days(1))), ApiKeyStatus::Revoked);
    }

    #[test]
    fn a_key_gives_nothing_that_merchants_never_have() {
        assert_eq!(key(None).identity().scopes, Scopes::of(&[Scope::PointsEarn]));
    }

    #[test]
    fn a_replacement_is_good_as_long_as_the_key_was_and_outlives_no_key_that_made_it() {
        let now = MADE.plus(Span::days(5));
        let (year, month, forever) = (key(Some(Span::days(365))), key(Some(Span::days(30))), key(None));
        assert_eq!(year.next_end(now, None), Some(now.plus(Span::days(365))));
        assert_eq!(forever.next_end(now, Some(&forever)), None);
        assert_eq!(year.next_end(now, Some(&month)), month.expires_at);
        assert_eq!(month.next_end(now, Some(&year)), Some(now.plus(Span::days(30))));
        assert_eq!(forever.next_end(now, Some(&month)), month.expires_at);
    }
}
