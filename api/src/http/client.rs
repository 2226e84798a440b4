//! Where a request comes from, before it says who sends it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The longest name that a client may give itself, in characters; the rest is cut off.
const LONGEST_USER_AGENT: usize = 200;
/// Whoever is given addresses of IPv6 is given at least so many bits of them to choose from.
const OF_ONE_HOST: u32 = 64;

/// How many proxies of the operator's stand before the server, each of which adds to `X-Forwarded-For` whom it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Proxies(pub u8);

/// Whoever sent a request, as far as the connection tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The address of the client; of the proxy that came to us when a client got past the others.
    pub address: IpAddr,
    /// What the client calls itself, on one line; empty when it does not say.
    pub user_agent: String,
}

impl Client {
    /// The client of a request that came through so many proxies.
    pub fn of(request: &HttpRequest, proxies: Proxies) -> Self {
        let peer = request.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
        Self {
            address: forwarded(request.headers(), proxies).unwrap_or(peer).to_canonical(),
            user_agent: user_agent(request.headers()),
        }
    }

    /// What one client can hardly have many of: its address, and of IPv6 the part that its network gave it.
    pub fn network(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() >> OF_ONE_HOST << OF_ONE_HOST).into()
            }
        }
    }
}

/// The address that the outermost of our proxies saw. What stands before it was written by the client, or by proxies
/// that we do not know.
fn forwarded(headers: &HeaderMap, proxies: Proxies) -> Option<IpAddr> {
    // Bytes, because a client may write what is no text before that which our proxies add.
    let values = headers.get_all(FORWARDED_FOR);
    let written: Vec<&[u8]> = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    let place = written.len().checked_sub(proxies.0.into())?;
    str::from_utf8(written.get(place)?).ok()?.trim().parse().ok()
}

fn user_agent(headers: &HeaderMap) -> String {
    let text = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_USER_AGENT).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn client(proxies: u8, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr("10.0.0.9:4711".parse().unwrap());
        for value in forwarded {
            request = request.append_header((FORWARDED_FOR, *value));
        }
        Client::of(&request.to_http_request(), Proxies(proxies)).address.to_string()
    }

    #[test]
    fn only_what_our_proxies_wrote_is_believed() {
        assert_eq!(client(0, &["1.2.3.4"]), "10.0.0.9", "there is no proxy that could have written it");
        assert_eq!(client(1, &["6.6.6.6, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(client(2, &["6.6.6.6, 1.2.3.4", "10.0.0.8"]), "1.2.3.4");
        assert_eq!(client(2, &["1.2.3.4"]), "10.0.0.9", "the request came past a proxy");
        assert_eq!(client(1, &[]), "10.0.0.9");
        assert_eq!(client(1, &["unknown"]), "10.0.0.9");
        let unreadable = header::HeaderValue::from_bytes(b"\xff, 1.2.3.4").unwrap();
        let request = TestRequest::default().insert_header((FORWARDED_FOR, unreadable)).to_http_request();
        assert_eq!(Client::of(&request, Proxies(1)).address.to_string(), "1.2.3.4");
        assert_eq!(client(1, &["::ffff:1.2.3.4"]), "1.2.3.4");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let at = |address: &str| {
            Client { address: address.parse().unwrap(), user_agent: String::new() }.network().to_string()
        };
        assert_eq!(at("2001:db8:1:2:aaaa::1"), "2001:db8:1:2::");
        assert_eq!(at("2001:db8:1:2:bbbb::2"), "2001:db8:1:2::");
        assert_eq!(at("192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn what_a_client_calls_itself_stays_short_and_on_one_line() {
        let request = TestRequest::default().insert_header((header::USER_AGENT, "till\t".repeat(100)));
        let client = Client::of(&request.to_http_request(), Proxies::default());
        assert_eq!(client.user_agent, "till".repeat(50));
    }
}
