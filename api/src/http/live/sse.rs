//! Server-sent events: one operation over one POST, after the distinct connections mode of GraphQL over SSE.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, rt};
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::caller::Caller;
use super::{CHECK, Connections, Flow, PATIENCE, Part, Place, Sink, WAITING, last_moment};
use crate::graphql::error::Code;
use crate::http::client::Client;
use crate::http::execution::{Asker, Sent, read};
use crate::http::graphql::{Endpoint, authorization, refused};
use crate::http::language::RequestLanguage;
use crate::http::media_type::qualities;
use crate::http::refusal::Refusal;
use crate::http::response::RequestId;

/// The media type of the answer.
const EVENTS: &str = "text/event-stream";
/// How often a silent stream says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Events on their way to one client.
struct Events {
    endpoint: Data<Endpoint>,
    caller: Caller,
    parts: mpsc::Receiver<((), Part)>,
    /// Ends the operation with the stream.
    flow: Flow,
    closing: CancellationToken,
    /// Whether the server stops and only a mutation is waited for.
    stopping: bool,
    check: Instant,
    sign: Instant,
    over: bool,
    _place: Place,
}

/// Whether the client wants events more than one answer: some name every type that they can read.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let of = |wanted: &dyn Fn(&str) -> bool| {
        qualities(headers, &header::ACCEPT).filter(|(name, _)| wanted(name)).map(|(_, quality)| quality).max()
    };
    let events = of(&|name| name.eq_ignore_ascii_case(EVENTS)).unwrap_or_default();
    let one = of(&|name| name.to_ascii_lowercase().ends_with("json")).unwrap_or_default();
    events > one
}

/// Answers a request with the events of its operation.
pub(crate) async fn answer(
    http: &HttpRequest,
    endpoint: Data<Endpoint>,
    connections: &Connections,
    sent: Sent,
) -> HttpResponse {
    let client = Client::of(http, endpoint.proxies);
    let language = RequestLanguage::of(http);
    let caller = match Caller::known(authorization(http.headers()), &client, &endpoint).await {
        Ok(caller) => caller,
        Err(refusal) => return refused(http, &language, refusal).await,
    };
    let Some(place) = connections.place(&client) else {
        return refused(http, &language, Refusal::failed(Code::Overloaded)).await;
    };
    let of = caller.identity.as_ref().map(|identity| identity.caller);
    let asker = Asker {
        identity: caller.identity.clone(),
        client,
        language: language.for_caller(of),
        id: RequestId::of(http),
    };
    let (sender, parts) = mpsc::channel(WAITING);
    let flow = Flow::begin(endpoint.clone(), asker, move || read(sent), Sink { name: (), parts: sender });
    let now = Instant::now();
    let events = Events {
        endpoint,
        caller,
        parts,
        flow,
        closing: connections.closing.clone(),
        stopping: false,
        check: now + CHECK,
        sign: now + SIGN_OF_LIFE,
        over: false,
        _place: place,
    };
    let (sender, body) = mpsc::channel(1);
    let closing = connections.closing.clone();
    rt::spawn(async move {
        tokio::select! {
            () = events.send(sender) => {}
            () = last_moment(&closing) => {}
        }
    });
    let stream = stream::unfold(body, async |mut body: mpsc::Receiver<Bytes>| {
        let event = body.recv().await?;
        Some((Ok::<Bytes, Infallible>(event), body))
    });
    HttpResponse::Ok().content_type(EVENTS).insert_header(("x-accel-buffering", "no")).streaming(stream)
}

impl Events {
    /// Sends all of them, as long as the client is there and takes them.
    async fn send(mut self, body: mpsc::Sender<Bytes>) {
        loop {
            let event = tokio::select! {
                event = self.next() => event,
                () = body.closed() => None,
            };
            let Some(event) = event else { return };
            if !matches!(timeout(PATIENCE, body.send(event)).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// The next event; nothing when all are sent, or the caller may not listen any more.
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        loop {
            tokio::select! {
                () = self.closing.cancelled(), if !self.stopping => {
                    if self.flow.give_up() {
                        return None;
                    }
                    self.stopping = true;
                }
                part = self.parts.recv() => return Some(self.event(part?.1)),
                () = sleep_until(self.check) => {
                    self.check = Instant::now() + CHECK;
                    if !self.caller.is_still_good(&self.endpoint).await {
                        return None;
                    }
                }
                () = sleep_until(self.sign) => {
                    self.sign = Instant::now() + SIGN_OF_LIFE;
                    return Some(Bytes::from_static(b":\n\n"));
                }
            }
        }
    }

    fn event(&mut self, part: Part) -> Bytes {
        self.sign = Instant::now() + SIGN_OF_LIFE;
        match part {
            Part::Next(response) => [b"event: next\ndata: ", &response[..], b"\n\n"].concat().into(),
            Part::Errors(errors) => {
                self.over = true;
                let start = b"event: next\ndata: {\"errors\":";
                [&start[..], &errors[..], b"}\n\nevent: complete\ndata:\n\n"].concat().into()
            }
            Part::End => {
                self.over = true;
                Bytes::from_static(b"event: complete\ndata:\n\n")
            }
        }
    }
}
