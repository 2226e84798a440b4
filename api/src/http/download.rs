//! `/exports/…`: files that were exported, fetched by links that `Export.url` gives. A file is read and sent chunk by chunk,
//! as fast as its client takes it, and from any place in it.

mod places;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header::{
    self, ByteRangeSpec, ContentRange, ContentRangeSpec, ETag, EntityTag, Header as _, HeaderValue,
    IfNoneMatch, IfRange, Range,
};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use amvaj_domain::export::{Export, ExportFormat, ExportOf, ExportStatus};
use amvaj_domain::id::ExportId;
use amvaj_domain::sealed::hex;
use amvaj_domain::time::Instant;
use amvaj_infra::clock::Clock;
use amvaj_infra::db::StoreError;
use amvaj_infra::export::Exports;
use async_graphql::{ID, ScalarType as _, Value};
use futures_util::stream::{self, LocalBoxStream, StreamExt as _};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::charge::{Charge, Throttled};
use super::client::Client;
use super::graphql::{self, Endpoint};
use super::language::RequestLanguage;
use super::refusal::Refusal;
use super::{docs, response};
use crate::auth::ServerSecret;
use crate::auth::export_link::{Link, SignedLink};
use crate::graphql::error::Code;
use crate::graphql::global_id::GlobalId;
use crate::graphql::scalar::DateTime;
use crate::language::Message;

use places::Place;
pub use places::Places;

/// How soon somebody who found no place may ask again, in seconds.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("5");

/// How long a client may take to receive a chunk, so that its place is not held by somebody who reads nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// What files are fetched with.
#[derive(Debug, Clone)]
pub struct Downloads {
    /// The files.
    pub exports: Exports,
    /// What signs links.
    pub secret: ServerSecret,
    /// The time by which links end.
    pub clock: Clock,
    /// Where files are read.
    pub runtime: Handle,
}

/// What stands in a link besides the file.
#[derive(Debug, Deserialize)]
pub struct Signed {
    /// For whom it is.
    #[serde(rename = "for")]
    holder: String,
    /// When it was made, in microseconds since the epoch.
    since: i64,
    /// When it ends.
    until: i64,
    /// What shows that it is ours.
    signature: String,
}

/// Why there is no file behind a link.
enum NoFile {
    /// We never made this link, or it was changed.
    Forged,
    /// The link is over.
    Over,
    /// Whoever it was made for is not any more who it was then.
    Revoked,
    /// The file is gone.
    Gone,
    /// The database does not answer.
    Unavailable,
    /// Whoever asks has asked for too much.
    Throttled(Throttled),
    /// Too many are sent a file already.
    NoPlace,
}

/// A file that is there, and whom it is sent to.
struct Found {
    export: Export,
    link: Link,
}

/// The part of a file that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    from: i64,
    /// The first place that is not sent.
    until: i64,
}

/// Where a link leads to, below the server's address.
pub fn path(link: &Link, secret: &ServerSecret) -> String {
    let ID(id) = GlobalId::Export(link.export).write();
    let SignedLink { holder, since, until, signature } = link.sign(secret);
    format!("/exports/{id}?for={holder}&since={since}&until={until}&signature={signature}")
}

/// Sends a file, or tells of it when only its head is asked for.
pub async fn file(
    request: HttpRequest,
    endpoint: Data<Endpoint>,
    downloads: Data<Option<Downloads>>,
    places: Data<Places>,
    id: Path<String>,
    signed: Option<Query<Signed>>,
) -> HttpResponse {
    let Some(downloads) = downloads.get_ref().clone() else { return docs::not_found(request).await };
    let network = Client::of(&request, endpoint.proxies).network();
    let (asked, runtime, own) = (downloads.clone(), downloads.runtime.clone(), endpoint.clone());
    let (id, signed) = (id.into_inner(), signed.map(Query::into_inner));
    let found = runtime.spawn(async move { asked.find(&endpoint, network, &id, signed).await }).await;
    let answer = match found {
        Ok(Ok(found)) => downloads.answer(&request, own, found, &places),
        Ok(Err(reason)) => Err(reason),
        Err(_) => Err(NoFile::Unavailable),
    };
    match answer {
        Ok(answer) => answer,
        Err(reason) => reason.answer(&request).await,
    }
}

/// Answers every other method.
pub async fn other(request: HttpRequest) -> HttpResponse {
    let (status, code) = (StatusCode::METHOD_NOT_ALLOWED, Code::BadUserInput);
    let mut answer = response::refused(status, code, &Message::new("http-get-or-head"), &request).await;
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

impl NoFile {
    async fn answer(self, request: &HttpRequest) -> HttpResponse {
        let again = matches!(self, Self::NoPlace | Self::Unavailable);
        let busy = (StatusCode::SERVICE_UNAVAILABLE, Code::Overloaded);
        let ((status, code), message) = match self {
            Self::Throttled(throttled) => return refused(request, throttled).await,
            Self::Forged => ((StatusCode::FORBIDDEN, Code::Forbidden), Message::new("export-link-forged")),
            Self::Over => ((StatusCode::GONE, Code::NotFound), Message::new("export-link-over")),
            Self::Revoked => ((StatusCode::FORBIDDEN, Code::Forbidden), Message::new("export-link-revoked")),
            Self::Gone => ((StatusCode::GONE, Code::NotFound), Message::new("export-gone")),
            Self::Unavailable => (busy, Code::Overloaded.message()),
            Self::NoPlace => (busy, Message::new("export-no-place")),
        };
        let mut answer = response::refused(status, code, &message, request).await;
        if again {
            answer.headers_mut().insert(header::RETRY_AFTER, ASK_AGAIN);
        }
        answer
    }
}

/// Told as it is told of operations.
async fn refused(request: &HttpRequest, throttled: Throttled) -> HttpResponse {
    let language = RequestLanguage::of(request);
    let mut answer = graphql::refused(request, &language, Refusal::from(throttled)).await;
    language.tell(&mut answer);
    answer
}

impl Downloads {
    /// The file that a link leads to, if whoever it was made for may still have it. Each request is charged to the bucket of
    /// whom the link was made for; with a link that is not good, or not any more, to that of its address.
    async fn find(
        &self,
        endpoint: &Endpoint,
        network: IpAddr,
        id: &str,
        signed: Option<Signed>,
    ) -> Result<Found, NoFile> {
        let now = self.clock.now();
        let link = self.good(endpoint, id, signed, now);
        let bucket = match &link {
            Ok(link) => endpoint.throttle.of_caller(&link.holder),
            Err(_) => endpoint.throttle.of_address(network),
        };
        Charge::admit(bucket, &endpoint.clock).await.map_err(NoFile::Throttled)?;
        let link = link?;
        let found =
            self.exports.by_id(link.export).await.map_err(|error| unavailable(link.export, &error))?;
        let export = found.filter(|export| export.status(now) == ExportStatus::Done).ok_or(NoFile::Gone)?;
        Ok(Found { export, link })
    }

    /// The link that was sent, if it is good at `now`.
    fn good(
        &self,
        endpoint: &Endpoint,
        id: &str,
        signed: Option<Signed>,
        now: Instant,
    ) -> Result<Link, NoFile> {
        let link = self.read(id, signed).ok_or(NoFile::Forged)?;
        if link.until <= now {
            return Err(NoFile::Over);
        }
        if endpoint.authenticator.is_revoked(&link.holder, link.since) {
            return Err(NoFile::Revoked);
        }
        Ok(link)
    }

    /// The link that was sent, if it is one of ours.
    fn read(&self, id: &str, signed: Option<Signed>) -> Option<Link> {
        let Some(GlobalId::Export(id)) = GlobalId::read(&ID(id.to_owned())) else { return None };
        let Signed { holder, since, until, signature } = signed?;
        Link::read(&self.secret, id, &SignedLink { holder, since, until, signature })
    }

    fn answer(
        &self,
        request: &HttpRequest,
        endpoint: Data<Endpoint>,
        Found { export, link }: Found,
        places: &Places,
    ) -> Result<HttpResponse, NoFile> {
        let tag = EntityTag::new_strong(hex(export.sha256.as_deref().unwrap_or_default()));
        if is_known(request, &tag) {
            return Ok(HttpResponse::NotModified().insert_header(ETag(tag)).finish());
        }
        let whole = Part { from: 0, until: export.size };
        let (status, part) = match wanted(request, export.size, &tag) {
            None => (StatusCode::OK, whole),
            Some(Some(part)) => (StatusCode::PARTIAL_CONTENT, part),
            Some(None) => return Ok(unsatisfiable(export.size)),
        };
        let mut answer = HttpResponse::build(status);
        answer
            .insert_header((header::CONTENT_TYPE, media_type(export.format)))
            .insert_header((
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{}\"", file_name(&export)),
            ))
            .insert_header((header::ACCEPT_RANGES, "bytes"))
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .insert_header(ETag(tag));
        if status == StatusCode::PARTIAL_CONTENT {
            let (from, last) = (unsigned(part.from), unsigned(part.until.saturating_sub(1)));
            let range = Some((from, last));
            let spec = ContentRangeSpec::Bytes { range, instance_length: Some(unsigned(export.size)) };
            answer.insert_header(ContentRange(spec));
        }
        // Of what is only told of, nothing is read.
        let chunks = if *request.method() == Method::HEAD {
            stream::empty().boxed_local()
        } else {
            let place = places.take(link.holder.caller).ok_or(NoFile::NoPlace)?;
            self.chunks(endpoint, link, part, place)
        };
        Ok(answer.body(SizedStream::new(unsigned(part.until.saturating_sub(part.from)), chunks)))
    }

    /// The bytes of a part, each chunk read when its client has taken the one before.
    fn chunks(
        &self,
        endpoint: Data<Endpoint>,
        link: Link,
        part: Part,
        place: Place,
    ) -> LocalBoxStream<'static, io::Result<Bytes>> {
        let (sender, body) = mpsc::channel(1);
        let downloads = self.clone();
        self.runtime.spawn(async move {
            // Taken until the last chunk was, or the client has gone or takes no more.
            let _place = place;
            let ended = downloads.send(&endpoint, &link, part, &sender).await;
            if let Err(error) = ended {
                // A file that ends too early is seen by its length.
                let _ = sender.try_send(Err(error));
            }
        });
        stream::unfold(body, async |mut body: mpsc::Receiver<_>| Some((body.recv().await?, body)))
            .boxed_local()
    }

    /// Sends a part, as long as its client takes it and the link is good.
    async fn send(
        &self,
        endpoint: &Endpoint,
        link: &Link,
        mut part: Part,
        body: &mpsc::Sender<io::Result<Bytes>>,
    ) -> io::Result<()> {
        while part.from < part.until {
            if endpoint.authenticator.is_revoked(&link.holder, link.since) {
                return Err(io::Error::other("the link is not good any more"));
            }
            let most = part.until.saturating_sub(part.from);
            let read = self.exports.part(link.export, part.from, most).await.map_err(io::Error::other)?;
            let bytes = read.ok_or_else(|| io::Error::other("the file is gone"))?;
            part.from = part.from.saturating_add(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
            match timeout(PATIENCE, body.send(Ok(Bytes::from(bytes)))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(io::Error::other("nobody takes it")),
            }
        }
        Ok(())
    }
}

fn unavailable(id: ExportId, error: &StoreError) -> NoFile {
    tracing::warn!(export = %id, %error, "an export could not be read");
    NoFile::Unavailable
}

/// Whether the client has the file already.
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    if !request.headers().contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

/// The part that is asked for: nothing for the whole file, `Some(None)` when the file has no such part. Several parts at
/// once are answered with the whole, and so is a part of another file than the one that is there now.
fn wanted(request: &HttpRequest, size: i64, tag: &EntityTag) -> Option<Option<Part>> {
    if !request.headers().contains_key(header::RANGE) {
        return None;
    }
    let Ok(Range::Bytes(parts)) = Range::parse(request) else { return None };
    let [part] = parts.as_slice() else { return None };
    if request.headers().contains_key(header::IF_RANGE)
        && !matches!(IfRange::parse(request), Ok(IfRange::EntityTag(known)) if known.strong_eq(tag))
    {
        return None;
    }
    Some(part_of(part, size))
}

fn part_of(spec: &ByteRangeSpec, size: i64) -> Option<Part> {
    let (first, last) = spec.to_satisfiable_range(unsigned(size))?;
    let until = i64::try_from(last).ok()?.checked_add(1)?;
    Some(Part { from: i64::try_from(first).ok()?, until })
}

fn unsatisfiable(size: i64) -> HttpResponse {
    let spec = ContentRangeSpec::Bytes { range: None, instance_length: Some(unsigned(size)) };
    HttpResponse::RangeNotSatisfiable().insert_header(ContentRange(spec)).finish()
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

const fn media_type(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Csv => "text/csv; charset=utf-8; header=present",
        ExportFormat::JsonLines => "application/x-ndjson; charset=utf-8",
    }
}

/// Such as `amvaj-operations-2027-01-15.csv`, by the day of the request in UTC.
fn file_name(export: &Export) -> String {
    let what = match export.of {
        ExportOf::Operations(_) => "operations",
        ExportOf::Member(..) => "member",
    };
    let end = match export.format {
        ExportFormat::Csv => "csv",
        ExportFormat::JsonLines => "jsonl",
    };
    let moment = match DateTime(export.created_at).to_value() {
        Value::String(moment) => moment,
        _ => String::new(),
    };
    let day = moment.get(..10).unwrap_or_default();
    format!("amvaj-{what}-{day}.{end}")
}
