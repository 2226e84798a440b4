//! How much whoever calls may ask for: a leaky bucket for each merchant, member, operator and agent, and for each address
//! without a token. What is poured in is the cost of what is asked (`graphql::document`).

use std::net::IpAddr;
use std::sync::Arc;

use amvaj_domain::access::{Actor, Caller, Identity};
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::limit::{Limit, Limiter, Standing, Taken};

use crate::auth::{Purpose, ServerSecret};
use crate::config::ThrottleConfig;

/// Hands out buckets. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Throttle {
    limiter: Arc<Limiter>,
    secret: ServerSecret,
    rates: ThrottleConfig,
}

/// How much fits into a bucket and how fast it leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The most that may be asked for at once, 1 or more.
    pub capacity: u64,
    /// How much may be asked for each second in the long run, 1 or more.
    pub per_second: u64,
}

/// The bucket of one caller.
#[derive(Debug, Clone)]
pub struct Bucket {
    limiter: Arc<Limiter>,
    limit: Limit,
    subject: String,
}

impl Throttle {
    /// Buckets of these rates. Addresses are known to the limiter only as hashes that this secret keys.
    pub const fn new(limiter: Arc<Limiter>, secret: ServerSecret, rates: ThrottleConfig) -> Self {
        Self { limiter, secret, rates }
    }

    /// The bucket of whoever calls: all keys, tokens and people of a merchant share one, as do those of a member.
    pub fn of_caller(&self, identity: &Identity) -> Bucket {
        let (name, rate, subject) = match (identity.caller, identity.actor) {
            (Caller::Merchant(id), _) => ("cost-merchant", self.rates.merchant, id.to_string()),
            (Caller::Member(id), _) => ("cost-member", self.rates.member, id.to_string()),
            (Caller::Operator | Caller::Agent, Actor::User(id)) => {
                ("cost-user", self.rates.user, id.to_string())
            }
            (Caller::Operator | Caller::Agent, _) => {
                ("cost-user", self.rates.user, identity.caller.role().as_str().to_owned())
            }
        };
        self.bucket(name, rate, subject)
    }

    /// The bucket of everybody at an address who sends no token, or none that is good.
    pub fn of_address(&self, network: IpAddr) -> Bucket {
        let hash = match network {
            IpAddr::V4(address) => self.secret.keyed_hash(Purpose::Address, &[&address.octets()]),
            IpAddr::V6(address) => self.secret.keyed_hash(Purpose::Address, &[&address.octets()]),
        };
        let (short, _) = hash.split_first_chunk().unwrap_or((&[0; 16], &[]));
        self.bucket("cost-address", self.rates.address, format!("{:032x}", u128::from_be_bytes(*short)))
    }

    fn bucket(&self, name: &'static str, rate: Rate, subject: String) -> Bucket {
        let limit =
            Limit { name, capacity: rate.capacity, restores: rate.per_second, every: Span::seconds(1) };
        Bucket { limiter: Arc::clone(&self.limiter), limit, subject }
    }
}

impl Bucket {
    /// How much fits and how fast it leaks.
    pub const fn rate(&self) -> Rate {
        Rate { capacity: self.limit.capacity, per_second: self.limit.restores }
    }

    /// Takes `cost`, or nothing when there is not enough room.
    pub async fn take(&self, cost: u64, now: Instant) -> Taken {
        self.limiter.take(&self.limit, &self.subject, cost, now).await
    }

    /// Gives back a part of what was taken at `taken`.
    pub async fn give_back(&self, cost: u64, taken: Instant, now: Instant) {
        self.limiter.give_back(&self.limit, &self.subject, cost, taken, now).await;
    }

    /// How it stands.
    pub async fn standing(&self, now: Instant) -> Standing {
        self.limiter.peek(&self.limit, &self.subject, now).await
    }
}

impl Rate {
    /// Reads `CAPACITY/PER_SECOND`.
    pub fn parse(text: &str) -> Option<Self> {
        let (capacity, per_second) = text.split_once('/')?;
        let rate =
            Self { capacity: capacity.trim().parse().ok()?, per_second: per_second.trim().parse().ok()? };
        let sane = 1..=1_000_000_000;
        (sane.contains(&rate.capacity) && sane.contains(&rate.per_second)).then_some(rate)
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.capacity, self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use amvaj_domain::id::{MemberId, MerchantId, StaffId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::config::Config;

    fn throttle() -> Throttle {
        let rates = Config::default().throttle;
        Throttle::new(Arc::new(Limiter::memory(100)), ServerSecret::generate().unwrap(), rates)
    }

    fn name(bucket: &Bucket) -> (&'static str, &str) {
        (bucket.limit.name, &bucket.subject)
    }

    #[test]
    fn whoever_belongs_together_shares_a_bucket() {
        let throttle = throttle();
        let id = Uuid::from_u128;
        let of = |caller, actor| throttle.of_caller(&Identity::new(caller, actor));
        let shop = Caller::Merchant(MerchantId::new(id(1)));
        let (console, staff) = (of(shop, Actor::Console), of(shop, Actor::Staff(StaffId::new(id(9)))));
        assert_eq!(name(&console), name(&staff));
        assert_ne!(name(&console), name(&of(Caller::Merchant(MerchantId::new(id(2))), Actor::Console)));
        assert_ne!(name(&console), name(&of(Caller::Member(MemberId::new(id(1))), Actor::Console)));
        let user = |number| of(Caller::Operator, Actor::User(UserId::new(id(number))));
        assert_ne!(name(&user(1)), name(&user(2)));
    }

    #[test]
    fn an_address_is_not_to_be_read_from_its_bucket() {
        let throttle = throttle();
        let at = |address: &str| throttle.of_address(address.parse().unwrap());
        assert_eq!(name(&at("192.0.2.1")), name(&at("192.0.2.1")));
        assert_ne!(name(&at("192.0.2.1")), name(&at("192.0.2.2")));
        assert!(!at("192.0.2.1").subject.contains("192"));
    }

    #[test]
    fn a_rate_is_two_numbers() {
        assert_eq!(Rate::parse("50000/10000"), Some(Rate { capacity: 50_000, per_second: 10_000 }));
        for wrong in ["", "5", "5/0", "0/5", "5/x", "-1/5", "5/5/5", "1/9999999999"] {
            assert_eq!(Rate::parse(wrong), None, "{wrong}");
        }
    }
}
