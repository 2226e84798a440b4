//! Settings of sockets and streams of events.

use std::time::Duration;

use super::reader::Reader;

/// Sockets and streams of events.
#[derive(Debug, Clone)]
pub struct LiveConfig {
    /// Most of them at a time, all callers together.
    pub connections: usize,
    /// Most of them from one address, of IPv6 from one network.
    pub connections_of_address: usize,
    /// Most operations of one socket at a time.
    pub operations: usize,
    /// How long a socket's first message may take.
    pub init_within: Duration,
    /// Origins of web pages, besides the server's own, that may open sockets. Example: `https://shop.example`.
    pub origins: Origins,
}

impl LiveConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            connections: reader.number("LIVE_CONNECTIONS", 10_000, 1..=1_000_000),
            connections_of_address: reader.number("LIVE_CONNECTIONS_OF_ADDRESS", 1_000, 1..=1_000_000),
            operations: reader.number("LIVE_OPERATIONS", 100, 1..=10_000),
            init_within: Duration::from_secs(reader.number("LIVE_INIT_SECONDS", 10, 1..=120)),
            origins: reader.take("LIVE_ORIGINS", Origins::default(), Origins::parse),
        }
    }
}

/// Origins of web pages.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Whether an origin is one of them.
    pub fn hold(&self, origin: &str) -> bool {
        self.0.iter().any(|one| one == origin)
    }

    /// Reads origins, separated by commas.
    fn parse(text: &str) -> Result<Self, String> {
        let one = |text: &str| match text.split_once("://") {
            Some(("http" | "https", host)) if !host.is_empty() && !host.contains('/') => Ok(text.to_owned()),
            _ => Err(format!("has {text:?}; write origins separated by commas, like https://shop.example")),
        };
        let all = text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(one);
        Ok(Self(all.collect::<Result<_, _>>()?))
    }
}

impl std::fmt::Display for Origins {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0.join(","))
    }
}
