//! One try: a letter is sent, and what the answer means.
//!
//! The status alone says whether a letter was taken. Of the body just enough is read that the connection can be used again.

use std::error::Error as _;
use std::time::{Duration, Instant as Stopwatch};

use amvaj_domain::time::Span;
use amvaj_domain::webhook::Failure;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};

use super::address::{Guard, NotPublic};
use super::scribe::Letter;
use super::{Reach, WebhookSettings};
use crate::outbound;

/// Most that is read of an answer's body, in bytes, and for how long, before its connection is closed instead.
const READ_ON: usize = 16 * 1_024;
const READ_FOR: Duration = Duration::from_millis(250);
/// The longest that an endpoint may ask to be left alone.
const LONGEST_REQUEST: Duration = Duration::from_hours(1);
/// How long a connection may take to open, of the time that a try has.
const CONNECT: Duration = Duration::from_secs(5);
/// Connections that are kept open to each endpoint, and for how long.
const IDLE: usize = 8;
const IDLE_FOR: Duration = Duration::from_secs(30);

/// What is sent over. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Post {
    client: Client,
    reach: Reach,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    /// Why it failed; nothing when the letter was taken.
    pub(super) failure: Option<Failure>,
    /// The status of the answer.
    pub(super) status: Option<i16>,
    /// How long it took.
    pub(super) took: Span,
    /// How long the endpoint asks to be left alone.
    pub(super) retry_after: Option<Span>,
}

impl Ending {
    /// Of a try that sent nothing.
    pub(super) const fn unsent(failure: Failure) -> Self {
        Self { failure: Some(failure), status: None, took: Span::from_micros(0), retry_after: None }
    }
}

impl Post {
    /// What is sent over, to where the settings allow it.
    ///
    /// # Errors
    /// The machine has no certificates to know other servers by.
    pub fn new(settings: &WebhookSettings) -> Result<Self, String> {
        let builder = outbound::builder(CONNECT.min(settings.timeout), settings.timeout)
            .dns_resolver(Guard::new(settings.reach))
            .pool_max_idle_per_host(IDLE)
            .pool_idle_timeout(IDLE_FOR);
        Ok(Self { client: outbound::build(builder)?, reach: settings.reach })
    }

    /// Sends a letter once.
    pub(super) async fn send(&self, url: &str, letter: &Letter<'_>, signatures: &str) -> Ending {
        let begun = Stopwatch::now();
        let ended = self.attempt(url, letter, signatures).await;
        let took = span(begun.elapsed());
        match ended {
            Ok((status, retry_after)) => {
                let failure = if status.is_success() {
                    None
                } else if status.is_redirection() {
                    Some(Failure::Redirect)
                } else {
                    Some(Failure::Status)
                };
                let status = i16::try_from(status.as_u16()).ok();
                Ending { failure, status, took, retry_after: retry_after.filter(|_| failure.is_some()) }
            }
            Err(failure) => Ending { failure: Some(failure), status: None, took, retry_after: None },
        }
    }

    async fn attempt(
        &self,
        url: &str,
        letter: &Letter<'_>,
        signatures: &str,
    ) -> Result<(StatusCode, Option<Span>), Failure> {
        // The rule may have become stricter since the address was registered.
        let url = Url::parse(url).map_err(|_| Failure::AddressNotPublic)?;
        if !self.reach.admits_host(&url) || (self.reach == Reach::Public && url.scheme() != "https") {
            return Err(Failure::AddressNotPublic);
        }
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", letter.id)
            .header("webhook-timestamp", letter.timestamp.to_string())
            .header("webhook-signature", signatures)
            .body(letter.body.to_owned());
        let response = request.send().await.map_err(|error| failure(&error))?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        // Too long, too slow or broken off: then the connection is closed, and the status still counts.
        let _ = tokio::time::timeout(READ_FOR, outbound::read_body(response, READ_ON)).await;
        Ok((status, retry_after))
    }
}

fn failure(error: &reqwest::Error) -> Failure {
    let mut cause = error.source();
    while let Some(deeper) = cause {
        if deeper.is::<NotPublic>() {
            return Failure::AddressNotPublic;
        }
        cause = deeper.source();
    }
    if error.is_timeout() {
        Failure::TimedOut
    } else if error.is_connect() {
        Failure::NoConnection
    } else {
        Failure::Broken
    }
}

/// The seconds of `Retry-After`; a date there is not worth a calendar.
fn retry_after(response: &Response) -> Option<Span> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(span(Duration::from_secs(seconds).min(LONGEST_REQUEST)))
}

fn span(duration: Duration) -> Span {
    Span::from_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const LETTER: Letter<'_> = Letter { id: "evt_1", timestamp: 1, body: "{}" };

    fn post(reach: Reach) -> Post {
        let settings = WebhookSettings { reach, timeout: Duration::from_secs(2), retention: Span::days(30) };
        Post::new(&settings).unwrap()
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_found_out_when_it_is_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // A name that the check of written addresses lets pass, because this machine's file of names may hold any.
        let client =
            outbound::build(outbound::builder(CONNECT, CONNECT).dns_resolver(Guard::new(Reach::Public)))
                .unwrap();
        let refused = client.get(format!("http://localhost:{port}/")).send().await.unwrap_err();
        assert_eq!(failure(&refused), Failure::AddressNotPublic, "{refused:?}");
        let nobody = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(nobody.is_err(), "somebody connected");
    }

    #[tokio::test]
    async fn an_address_that_was_registered_under_a_laxer_rule_is_not_sent_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for url in [
            format!("http://127.0.0.1:{port}/"),
            format!("https://[::ffff:127.0.0.1]:{port}/"),
            format!("http://localhost:{port}/"),
            "http://shop.example/".to_owned(),
            "nonsense".to_owned(),
        ] {
            let ending = post(Reach::Public).send(&url, &LETTER, "v1,x").await;
            assert_eq!(ending.failure, Some(Failure::AddressNotPublic), "{url}");
        }
        let nobody = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
        assert!(nobody.is_err(), "somebody connected");
    }
}
