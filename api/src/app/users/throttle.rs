//! How often somebody may try to log in. `docs/adr/0009` says why it is so.
//!
//! | who | by what | bypassed by a known device |
//! |---|---|---|
//! | a stranger at a name | the name and a range of addresses | yes |
//! | a stranger at any name | the address | yes |
//! | all strangers together | nothing | yes |
//! | a known device | the device | no |
//!
//! Waits grow: each row but the third has several buckets, of which the larger leak more slowly. A try is counted before
//! anything is looked at, so that tries at the same time count as well, and given back when it succeeds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use amvaj_domain::access::Identity;
use amvaj_domain::id::UserId;
use amvaj_domain::sealed::hex;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::limit::{Limit, Taken};
use uuid::Uuid;

use crate::app::{App, AppError};
use crate::auth::{Asker, Purpose};

/// Bits of an address that make its range: a stranger rents an address more cheaply than a range.
const RANGE_V4: u32 = 24;
const RANGE_V6: u32 = 48;

const AT_A_NAME: [Limit; 3] = [
    limit("log-in-name", 5, 20),
    limit("log-in-name-long", 15, 5 * 60),
    limit("log-in-name-longest", 40, 60 * 60),
];
const AT_ANY_NAME: [Limit; 2] = [limit("log-in-address", 30, 10), limit("log-in-address-long", 200, 5 * 60)];
const ALL: Limit = Limit { name: "log-in-all", capacity: 300, restores: 5, every: Span::seconds(1) };
const ON_A_DEVICE: [Limit; 3] = [
    limit("log-in-device", 5, 20),
    limit("log-in-device-long", 15, 5 * 60),
    limit("log-in-device-longest", 40, 60 * 60),
];
const IN_A_SESSION: [Limit; 2] = [limit("own-password", 5, 60), limit("own-password-long", 20, 15 * 60)];
/// Codes that are tried beside the right password: who tries them knows it.
const CODES: [Limit; 2] = [limit("log-in-code", 5, 60), limit("log-in-code-long", 20, 15 * 60)];
/// Failures that are told of with the range of addresses that they come from.
const TOLD: Limit = limit("log-in-told", 100, 60);

const fn limit(name: &'static str, capacity: u64, seconds: i64) -> Limit {
    Limit { name, capacity, restores: 1, every: Span::seconds(seconds) }
}

/// Tries that were counted; to be given back when they succeed.
#[derive(Debug)]
pub(super) struct Pass {
    taken: Vec<(&'static Limit, String)>,
    at: Instant,
}

/// Who tries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trier<'a> {
    /// Whoever comes from an address and tries a name.
    Stranger(&'a str, IpAddr),
    /// A device on which the user has logged in before.
    Device(UserId, Uuid),
}

impl Trier<'_> {
    pub(super) const fn asker(self) -> Asker {
        match self {
            Self::Stranger(..) => Asker::Stranger,
            Self::Device(..) => Asker::Known,
        }
    }
}

impl Pass {
    /// Gives back what was counted.
    pub(super) async fn give_back(self, app: &App) {
        let now = app.now();
        for (limit, subject) in self.taken {
            app.limits.give_back(limit, &subject, 1, self.at, now).await;
        }
    }
}

/// Counts a log-in that is tried.
pub(super) async fn log_in(app: &App, trier: Trier<'_>) -> Result<Pass, AppError> {
    match trier {
        Trier::Device(user, device) => {
            let subject = format!("{user}:{device}");
            take(app, ON_A_DEVICE.iter().map(|limit| (limit, subject.clone()))).await
        }
        Trier::Stranger(name, network) => {
            let at_name = hashed(app, Purpose::UserName, &[name.as_bytes(), range(network).as_bytes()]);
            let at_any = hashed(app, Purpose::Address, &[network.to_string().as_bytes()]);
            let names = AT_A_NAME.iter().map(|limit| (limit, at_name.clone()));
            let any = AT_ANY_NAME.iter().map(|limit| (limit, at_any.clone()));
            take(app, names.chain(any).chain([(&ALL, "all".to_owned())])).await
        }
    }
}

/// Counts a password that is tried within a session or an invitation.
pub(super) async fn own_password(app: &App, identity: &Identity, user: UserId) -> Result<Pass, AppError> {
    let session = identity.session.map_or_else(|| "none".to_owned(), |session| session.to_string());
    let subject = format!("{user}:{session}");
    take(app, IN_A_SESSION.iter().map(|limit| (limit, subject.clone()))).await
}

/// Counts a code that is tried: of a user whose password was right, and for the sake of equal times of anybody.
/// A known device has buckets of its own, so that whoever found out the password cannot use up the owner's.
pub(super) async fn code(app: &App, whose: &str, device: Option<Uuid>) -> Result<Pass, AppError> {
    let subject = device.map_or_else(|| whose.to_owned(), |device| format!("{whose}:{device}"));
    take(app, CODES.iter().map(|limit| (limit, subject.clone()))).await
}

/// Whether a failure is told of with where it comes from. Many different ones would fill the audit log.
pub(super) async fn tells_where(app: &App) -> bool {
    app.limits.take(&TOLD, "all", 1, app.now()).await.is_granted()
}

/// The addresses around this one, as text.
pub(super) fn range(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let range = Ipv4Addr::from_bits(address.to_bits() >> (32 - RANGE_V4) << (32 - RANGE_V4));
            format!("{range}/{RANGE_V4}")
        }
        IpAddr::V6(address) => {
            let range = Ipv6Addr::from_bits(address.to_bits() >> (128 - RANGE_V6) << (128 - RANGE_V6));
            format!("{range}/{RANGE_V6}")
        }
    }
}

/// What a subject is called in the buckets' keys, which may be in a Redis that others read.
pub(super) fn hashed(app: &App, purpose: Purpose, parts: &[&[u8]]) -> String {
    let hash = app.credentials.secret.keyed_hash(purpose, parts);
    hex(hash.get(..16).unwrap_or(&hash))
}

/// Takes one from each bucket, or from none.
async fn take(app: &App, buckets: impl Iterator<Item = (&'static Limit, String)>) -> Result<Pass, AppError> {
    let mut pass = Pass { taken: Vec::new(), at: app.now() };
    for (limit, subject) in buckets {
        match app.limits.take(limit, &subject, 1, pass.at).await {
            Taken::Granted { .. } => pass.taken.push((limit, subject)),
            Taken::Refused { retry_after, .. } => {
                pass.give_back(app).await;
                return Err(AppError::Throttled { retry_after });
            }
        }
    }
    Ok(pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_near_each_other_are_one_range() {
        let of = |text: &str| range(text.parse().unwrap());
        assert_eq!(of("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(of("203.0.113.200"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:7:ffff::1"), "2001:db8:7::/48");
    }
}
