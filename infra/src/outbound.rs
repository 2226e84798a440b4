//! Requests to other people's servers. They are slow, broken or hostile at times: no redirect is followed, no proxy of
//! the environment is used, every exchange has a time-out, and no more of an answer is read than was asked for.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Response, Url, redirect::Policy};
use thiserror::Error;

/// Why an answer was not read to its end.
#[derive(Debug, Error)]
pub enum BodyError {
    /// It is longer than was asked for.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// The connection broke, or the time was over.
    #[error("the answer broke off: {0}")]
    Broken(String),
}

/// A client whose connections take at most `connect` to open and whose exchanges take at most `total`, the body
/// included.
///
/// # Errors
/// The machine has no certificates to know other servers by.
pub fn client(connect: Duration, total: Duration) -> Result<Client, String> {
    build(builder(connect, total))
}

/// What every client of ours has, for those that need more.
pub(crate) fn builder(connect: Duration, total: Duration) -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(connect)
        .timeout(total)
        .user_agent("amvaj")
}

/// The client of a builder; an error when the machine has no certificates to know other servers by.
pub(crate) fn build(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| {
        format!("no HTTPS client can be made ({}); install the system's CA certificates", cause(&error))
    })
}

/// Reads an address that secrets may be sent to: HTTPS, or plain HTTP to this machine.
///
/// # Errors
/// What is wrong with it, without repeating it.
pub fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or a password; send those in a header".to_owned());
    }
    if url.fragment().is_some() {
        return Err("holds a fragment (#…), which is never sent".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => {
            Err("does not begin with https:// (http:// is for 127.0.0.1, [::1] and localhost only)"
                .to_owned())
        }
    }
}

/// Reads an answer's body, unless it is longer than `limit` bytes.
///
/// # Errors
/// It is longer, or broke off.
pub async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| BodyError::Broken(cause(&error)))? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(BodyError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What went wrong, without the address: it may hold a secret or a number.
pub fn cause(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "the time was over"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the exchange failed"
    };
    let mut deepest: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(next) = deepest.and_then(std::error::Error::source) {
        deepest = Some(next);
    }
    deepest.map_or_else(|| kind.to_owned(), |reason| format!("{kind}: {reason}"))
}

/// Whether a URL leads to this machine.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_https_or_stay_on_this_machine() {
        for good in
            ["https://panel.example/x?y=z", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost:1/"]
        {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "http://panel.example/",
            "http://127.0.0.1.panel.example/",
            "http://localhost.panel.example/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "https://user:secret@panel.example/",
            "https://user@panel.example/",
            "https://panel.example/#part",
            "panel.example",
            "",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refused_address_is_not_repeated() {
        let problem = address("https://user:hunter2@panel.example/").unwrap_err();
        assert!(!problem.contains("hunter2"), "{problem}");
    }
}
