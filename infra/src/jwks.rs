//! The public keys of an outside issuer, as it publishes them (RFC 7517): fetched, and no more of them read than is asked
//! for. What is in them is for whoever knows tokens.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, header};
use thiserror::Error;

use crate::outbound;

/// Most that is read, in bytes: a hundred RSA keys with room to spare.
const LONGEST: usize = 256 * 1_024;
const CONNECT: Duration = Duration::from_secs(3);
const TOTAL: Duration = Duration::from_secs(5);

/// Where an issuer publishes its keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct KeySource {
    client: Client,
    url: Url,
}

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The issuer does not answer.
    #[error("{0}")]
    Silent(String),
    /// It answers with something else than keys.
    #[error("it answers with status {0}")]
    Status(StatusCode),
}

impl KeySource {
    /// An address that begins with `https://`, or leads to this machine.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(address: &str) -> Result<Self, String> {
        let url = outbound::address(address)?;
        Ok(Self { client: outbound::client(CONNECT, TOTAL)?, url })
    }

    /// The keys' text.
    ///
    /// # Errors
    /// The issuer does not answer in time, answers too much, or with another status than 200.
    pub async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        let asked = self.client.get(self.url.clone()).header(header::ACCEPT, "application/json");
        let response = asked.send().await.map_err(|error| FetchError::Silent(outbound::cause(&error)))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        outbound::read_body(response, LONGEST).await.map_err(|error| FetchError::Silent(error.to_string()))
    }
}
