//! What merchants are told of by HTTP.

use std::time::Duration;

use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::Span;
use amvaj_infra::webhook::{Reach, WebhookSettings};

use super::flag;
use super::reader::Reader;

/// What merchants are told of by HTTP.
#[derive(Debug, Clone, Copy)]
pub struct WebhookConfig {
    /// Whether endpoints may be at private addresses and without TLS. A live installation does not start with it.
    pub private_addresses: bool,
    /// How long one try may take.
    pub timeout: Duration,
    /// How long it stays known what became of an event, and how far back events are sent again.
    pub retention: Span,
}

impl WebhookConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            private_addresses: reader.take("WEBHOOKS_TO_PRIVATE_ADDRESSES", false, flag),
            timeout: Duration::from_millis(reader.number("WEBHOOKS_TIMEOUT_MS", 10_000, 100..=30_000)),
            retention: Span::days(reader.number("WEBHOOKS_RETENTION_DAYS", 30, 7..=365)),
        }
    }

    /// How an installation of this mode works.
    ///
    /// # Errors
    /// A live installation would send to its own machine and network whatever a merchant wants.
    pub fn settings(self, mode: NetworkMode) -> Result<WebhookSettings, &'static str> {
        let reach = match (self.private_addresses, mode) {
            (false, _) => Reach::Public,
            (true, NetworkMode::Sandbox) => Reach::Anywhere,
            (true, NetworkMode::Live) => {
                return Err(
                    "AMVAJ_WEBHOOKS_TO_PRIVATE_ADDRESSES is true, and this installation is live: merchants could reach into its network; remove the setting, or use a sandbox (AMVAJ_NETWORK_MODE=sandbox with a database of its own)",
                );
            }
        };
        Ok(WebhookSettings { reach, timeout: self.timeout, retention: self.retention })
    }
}
