//! Which addresses may be sent to.
//!
//! A merchant names the address and may answer for its name differently each time it is asked. So what a name leads to is
//! looked at when the connection is made: the client connects to the addresses that [`Guard`] gives it and to no others. An
//! address that is written as a number is looked at before.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use amvaj_domain::webhook::Endpoint;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// Names that are looked up at a time, each on a thread that cannot be stopped.
const LOOK_UPS: usize = 128;

/// Which addresses may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the public internet, over HTTPS.
    Public,
    /// Any, over plain HTTP as well: for a sandbox whose receivers run beside it.
    Anywhere,
}

/// Why an address is not sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidAddress {
    /// It is no URL, too long, or holds a user, a password or a fragment.
    #[error("is no URL, too long, or holds a user, a password or a fragment")]
    NotAUrl,
    /// It does not begin with `https://`.
    #[error("does not begin with https://")]
    NotHttps,
    /// It leads to this machine or its network.
    #[error("leads to no address of the public internet")]
    NotPublic,
}

/// A name leads to no address that may be sent to.
#[derive(Debug, Error)]
#[error("the name leads to no address of the public internet")]
pub(super) struct NotPublic;

/// Looks names up and leaves out the addresses that may not be sent to. Whoever wants a name that is being looked up waits
/// for the same answer: a server of names that does not answer holds one turn and not those of all others.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    reach: Reach,
    turns: Arc<Semaphore>,
    running: Arc<Mutex<HashMap<String, LookUp>>>,
}

/// A look-up that is under way.
type LookUp = Shared<BoxFuture<'static, Result<Vec<SocketAddr>, NotFound>>>;

/// A name could not be looked up.
#[derive(Debug, Clone, Error)]
#[error("the name could not be looked up: {0}")]
struct NotFound(String);

impl Reach {
    /// Reads an address that a merchant names.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(self, text: &str) -> Result<Url, InvalidAddress> {
        let text = text.trim();
        if text.chars().count() > Endpoint::LONGEST_URL {
            return Err(InvalidAddress::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| InvalidAddress::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(InvalidAddress::NotAUrl);
        }
        match (url.scheme(), self) {
            ("https", _) | ("http", Self::Anywhere) => {}
            _ => return Err(InvalidAddress::NotHttps),
        }
        if self.admits_host(&url) { Ok(url) } else { Err(InvalidAddress::NotPublic) }
    }

    /// Whether the host, as it is written, may be sent to. What a name leads to is found out when it is connected to.
    pub(super) fn admits_host(self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => self.admits(address),
            Err(_) => self == Self::Anywhere || is_public_name(host),
        }
    }

    /// Whether an address may be sent to.
    pub(super) fn admits(self, address: IpAddr) -> bool {
        self == Self::Anywhere || is_public(address)
    }
}

impl Guard {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, turns: Arc::new(Semaphore::new(LOOK_UPS)), running: Arc::default() }
    }

    /// The look-up of a name, which begins unless it is under way.
    fn look_up(&self, name: &str) -> LookUp {
        let mut running = self.running();
        if let Some(look_up) = running.get(name) {
            return look_up.clone();
        }
        // On a task of its own, so that it comes to its end whoever waits for it.
        let (guard, own) = (self.clone(), name.to_owned());
        let task = tokio::spawn(async move {
            let found = addresses(Arc::clone(&guard.turns), own.clone()).await;
            guard.running().remove(&own);
            found
        });
        let ended =
            |ended: Result<_, JoinError>| ended.unwrap_or_else(|error| Err(NotFound(error.to_string())));
        let look_up = task.map(ended).boxed().shared();
        running.insert(name.to_owned(), look_up.clone());
        look_up
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, LookUp>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the machine for the addresses of a name.
async fn addresses(turns: Arc<Semaphore>, name: String) -> Result<Vec<SocketAddr>, NotFound> {
    let failed = |error: &dyn std::fmt::Display| NotFound(error.to_string());
    let _turn = turns.acquire().await.map_err(|error| failed(&error))?;
    let found = tokio::task::spawn_blocking(move || (name.as_str(), 0).to_socket_addrs()).await;
    Ok(found.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?.collect())
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, look_up) = (self.reach, self.look_up(name.as_str()));
        Box::pin(async move {
            let admitted: Vec<SocketAddr> =
                look_up.await?.into_iter().filter(|address| reach.admits(address.ip())).collect();
            if admitted.is_empty() {
                return Err(NotPublic.into());
            }
            let addresses: Addrs = Box::new(admitted.into_iter());
            Ok(addresses)
        })
    }
}

/// Names that are never of the public internet.
fn is_public_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let inner = ["localhost", "local", "internal", "lan", "home.arpa", "localdomain", "intranet"];
    host.contains('.') && !inner.iter().any(|end| host.ends_with(&format!(".{end}")))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        // What stands for an IPv4 address in any of the ways that there are lies outside of what is admitted here.
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Without what IANA has set apart, and without the address under which a cloud shows its metadata.
fn is_public_v4(address: Ipv4Addr) -> bool {
    const APART: [(Ipv4Addr, u32); 16] = [
        (Ipv4Addr::UNSPECIFIED, 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(168, 63, 129, 16), 32),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 4),
        (Ipv4Addr::new(240, 0, 0, 0), 4),
    ];
    let begins =
        |network: Ipv4Addr, bits: u32| (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits;
    !APART.iter().any(|(network, bits)| begins(*network, *bits))
}

/// What is routed at all, without what IANA has set apart of it: protocols of their own, documentation, 6to4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    const ROUTED: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
    const APART: [(Ipv6Addr, u32); 4] = [
        (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
        (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    ];
    let begins =
        |network: Ipv6Addr, bits: u32| (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits;
    begins(ROUTED.0, ROUTED.1) && !APART.iter().any(|(network, bits)| begins(*network, *bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_public_internet_is_admitted() {
        for public in
            ["https://8.8.8.8/", "https://[2606:4700::1111]/x?y=z", "https://shop.example:8443/hook"]
        {
            assert!(Reach::Public.read(public).is_ok(), "{public}");
        }
        for private in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://017700000001/",
            "https://0.0.0.0/",
            "https://10.1.2.3/",
            "https://100.100.100.200/",
            "https://168.63.129.16/",
            "https://169.254.169.254/latest/meta-data/",
            "https://172.31.255.255/",
            "https://192.0.0.192/",
            "https://192.168.1.1/",
            "https://198.19.0.1/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::]/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[::ffff:0:127.0.0.1]/",
            "https://[::127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[64:ff9b:1::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:7f00:1::]/",
            "https://[fc00::1]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://[ff02::1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://router/",
        ] {
            assert_eq!(Reach::Public.read(private), Err(InvalidAddress::NotPublic), "{private}");
            assert!(Reach::Anywhere.read(private).is_ok(), "{private}");
        }
    }

    #[tokio::test]
    async fn whoever_wants_a_name_at_the_same_time_gets_the_same_answer() {
        let guard = Guard::new(Reach::Anywhere);
        // Nobody has a turn, as while servers of names do not answer.
        let turns = guard.turns.acquire_many(u32::try_from(LOOK_UPS).unwrap()).await.unwrap();
        let waiting: Vec<Resolving> = (0..50).map(|_| guard.resolve("localhost".parse().unwrap())).collect();
        assert_eq!(guard.running().len(), 1);
        drop(turns);
        for one in waiting {
            assert!(one.await.unwrap().next().is_some());
        }
        assert!(guard.running().is_empty());
    }

    #[test]
    fn an_address_is_https_and_holds_no_secret() {
        for wrong in [
            "",
            "shop.example",
            "https://",
            "https://user:secret@shop.example/",
            "https://user@shop.example/",
            "https://shop.example/#part",
            &format!("https://shop.example/{}", "x".repeat(500)),
        ] {
            assert_eq!(Reach::Public.read(wrong), Err(InvalidAddress::NotAUrl), "{wrong}");
        }
        for wrong in
            ["http://shop.example/", "ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/"]
        {
            assert_eq!(Reach::Public.read(wrong), Err(InvalidAddress::NotHttps), "{wrong}");
        }
        assert!(Reach::Anywhere.read("http://127.0.0.1:1/").is_ok());
        assert_eq!(Reach::Anywhere.read("ftp://127.0.0.1/"), Err(InvalidAddress::NotHttps));
    }
}
