//! A WebSocket that speaks `graphql-transport-ws`: one loop for each, which holds nothing but what its client has begun.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, rt};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, Closed, ProtocolError, Session};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::caller::Caller;
use super::protocol::{ACK, ClientMessage, Close, NAME, PONG, about};
use super::{
    CHECK, Connections, Flow, LAST_MOMENT, PATIENCE, Part, Place, Sink, WAITING, last_moment, refused,
};
use crate::graphql::error::Code;
use crate::http::client::Client;
use crate::http::execution::{Asker, Authorization};
use crate::http::graphql::{Endpoint, authorization};
use crate::http::language::RequestLanguage;
use crate::http::refusal::Refusal;
use crate::http::request;
use crate::http::response::{self, RequestId};
use crate::language::Message;

/// How long a client may be silent until it is pinged; after twice as long it is taken to be gone.
const SILENCE: Duration = Duration::from_secs(30);

/// An operation's name by the client, and its number on the socket: a name may be used again.
type Name = (String, u64);

/// One socket.
struct Socket {
    session: Session,
    endpoint: Data<Endpoint>,
    /// What the handshake said of the caller, for those who say nothing in their first message.
    header: Authorization,
    client: Client,
    language: RequestLanguage,
    id: RequestId,
    /// Nobody until the first message.
    caller: Option<Caller>,
    flows: HashMap<String, (u64, Flow)>,
    begun: u64,
    most: usize,
    parts: mpsc::Sender<(Name, Part)>,
    _place: Place,
}

/// When something is due.
struct Due {
    init: Instant,
    check: Instant,
    ping: Instant,
    gone: Instant,
}

/// Opens a socket, if the page that asks may.
pub async fn open(
    http: HttpRequest,
    payload: Payload,
    endpoint: Data<Endpoint>,
    connections: Data<Connections>,
) -> HttpResponse {
    if !connections.welcomes(http.headers()) {
        let message = Message::new("live-origin");
        return response::refused(StatusCode::FORBIDDEN, Code::Forbidden, &message, &http).await;
    }
    if !speaks(http.headers()) {
        let message = Message::new("live-subprotocol").with("name", NAME);
        return response::refused(StatusCode::BAD_REQUEST, Code::BadUserInput, &message, &http).await;
    }
    let (client, language) = (Client::of(&http, endpoint.proxies), RequestLanguage::of(&http));
    let Some(place) = connections.place(&client) else {
        let code = Code::Overloaded;
        return response::refused(StatusCode::SERVICE_UNAVAILABLE, code, &code.message(), &http).await;
    };
    let (id, header) = (RequestId::of(&http), authorization(http.headers()));
    let Ok((mut answer, session, messages)) = actix_ws::handle(&http, payload) else {
        let message = Message::new("live-no-websocket");
        return response::refused(StatusCode::BAD_REQUEST, Code::BadUserInput, &message, &http).await;
    };
    answer.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(NAME));
    let limit = endpoint.body_limit;
    let messages = messages.max_frame_size(limit).aggregate_continuations().max_continuation_size(limit);
    let (sender, parts) = mpsc::channel(WAITING);
    let socket = Socket {
        session,
        endpoint,
        header,
        client,
        language,
        id,
        caller: None,
        flows: HashMap::new(),
        begun: 0,
        most: connections.limits.operations,
        parts: sender,
        _place: place,
    };
    let (init_within, closing) = (connections.limits.init_within, connections.closing.clone());
    rt::spawn(socket.serve(messages, parts, init_within, closing));
    answer
}

/// Whether the client names the subprotocol.
fn speaks(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|name| name.trim() == NAME)
}

impl Socket {
    async fn serve(
        mut self,
        mut messages: AggregatedMessageStream,
        mut parts: mpsc::Receiver<(Name, Part)>,
        init_within: Duration,
        closing: CancellationToken,
    ) {
        metrics::gauge!("amvaj_sockets").increment(1.0);
        let due = Due::after(init_within);
        let turns = self.turns(&mut messages, &mut parts, due, &closing);
        let ended = tokio::select! {
            Err(ended) = turns => ended,
            () = last_moment(&closing) => Some(Close::GoingAway),
        };
        // Operations end before their client is told.
        self.flows.clear();
        if let Some(close) = ended {
            let patience = if closing.is_cancelled() { LAST_MOMENT } else { PATIENCE };
            let _ = timeout(patience, self.session.close(Some(close.reason()))).await;
        }
        metrics::gauge!("amvaj_sockets").decrement(1.0);
    }

    /// Takes what comes in turns until the socket ends: with a reason to tell the client, or with the client gone. When the
    /// server stops it listens no more, and answers only what has begun.
    async fn turns(
        &mut self,
        messages: &mut AggregatedMessageStream,
        parts: &mut mpsc::Receiver<(Name, Part)>,
        mut due: Due,
        closing: &CancellationToken,
    ) -> Result<Infallible, Option<Close>> {
        let mut stopping = false;
        loop {
            if stopping && self.flows.is_empty() {
                return Err(Some(Close::GoingAway));
            }
            tokio::select! {
                () = closing.cancelled(), if !stopping => {
                    stopping = true;
                    self.flows.retain(|_, (_, flow)| !flow.give_up());
                }
                message = messages.recv(), if !stopping => {
                    due.heard();
                    self.received(message).await?;
                }
                Some((name, part)) = parts.recv() => self.send_part(&name, part).await?,
                () = sleep_until(due.init), if self.caller.is_none() => return Err(Some(Close::InitTimeout)),
                () = sleep_until(due.check) => {
                    due.check = Instant::now() + CHECK;
                    if let Some(caller) = self.caller.as_ref().filter(|_| !self.flows.is_empty()) {
                        self.check(caller).await?;
                    }
                }
                () = sleep_until(due.ping) => {
                    if due.ping >= due.gone {
                        return Err(Some(Close::Gone));
                    }
                    due.ping = due.gone;
                    taken(self.session.ping(b"")).await?;
                }
            }
        }
    }

    async fn received(
        &mut self,
        message: Option<Result<AggregatedMessage, ProtocolError>>,
    ) -> Result<(), Option<Close>> {
        match message {
            Some(Ok(AggregatedMessage::Text(text))) => match ClientMessage::read(&text) {
                Ok(message) => self.obey(message).await,
                Err(close) => Err(Some(close)),
            },
            Some(Ok(AggregatedMessage::Binary(_))) => {
                Err(Some(Close::BadMessage("a message has to be text")))
            }
            Some(Ok(AggregatedMessage::Ping(payload))) => taken(self.session.pong(&payload)).await,
            Some(Ok(AggregatedMessage::Pong(_))) => Ok(()),
            Some(Ok(AggregatedMessage::Close(reason))) => {
                let _ = timeout(PATIENCE, self.session.clone().close(reason)).await;
                Err(None)
            }
            None => Err(None),
            Some(Err(_)) => Err(Some(Close::BadMessage("a message is too long, or no WebSocket message"))),
        }
    }

    async fn obey(&mut self, message: ClientMessage) -> Result<(), Option<Close>> {
        match message {
            ClientMessage::ConnectionInit { .. } if self.caller.is_some() => Err(Some(Close::SecondInit)),
            ClientMessage::ConnectionInit { payload } => self.init(payload).await,
            ClientMessage::Subscribe { id, payload } => self.begin(id, payload).await,
            ClientMessage::Complete { id } => {
                self.flows.remove(&id);
                Ok(())
            }
            ClientMessage::Ping {} => self.send(PONG.to_owned()).await,
            ClientMessage::Pong {} => Ok(()),
        }
    }

    async fn init(&mut self, payload: Option<Map<String, Value>>) -> Result<(), Option<Close>> {
        let authorization = match payload.as_ref().map(credential) {
            None | Some(None) => self.header.clone(),
            Some(Some(authorization)) => authorization,
        };
        let known = timeout(PATIENCE, Caller::known(authorization, &self.client, &self.endpoint)).await;
        let caller = match known {
            Ok(Ok(caller)) => caller,
            Ok(Err(refusal)) if refusal.code == Code::Unauthenticated => return Err(Some(Close::Forbidden)),
            Ok(Err(_)) | Err(_) => return Err(Some(Close::TryLater)),
        };
        let of = caller.identity.as_ref().map(|identity| identity.caller);
        self.language = self.language.clone().for_caller(of);
        self.caller = Some(caller);
        self.send(ACK.to_owned()).await
    }

    async fn begin(&mut self, id: String, payload: Map<String, Value>) -> Result<(), Option<Close>> {
        let Some(caller) = self.caller.clone() else { return Err(Some(Close::Unauthorized)) };
        if self.flows.contains_key(&id) {
            return Err(Some(Close::IdInUse(id)));
        }
        self.check(&caller).await?;
        let asker = Asker {
            identity: caller.identity,
            client: self.client.clone(),
            language: self.language.clone(),
            id: self.id.clone(),
        };
        if self.flows.len() >= self.most {
            let most = i64::try_from(self.most).unwrap_or(i64::MAX);
            let message = Message::new("live-too-many").with("limit", most);
            let part = refused(&Refusal::request(Code::BadUserInput, message), &asker).await;
            return self.send(text_of(&id, &part)).await;
        }
        self.begun = self.begun.wrapping_add(1);
        let parts = Sink { name: (id.clone(), self.begun), parts: self.parts.clone() };
        let read = move || request::from_parameters(payload);
        let flow = Flow::begin(self.endpoint.clone(), asker, read, parts);
        self.flows.insert(id, (self.begun, flow));
        Ok(())
    }

    /// Sends a part of an operation, unless its client has ended it meanwhile.
    async fn send_part(&mut self, (id, number): &Name, part: Part) -> Result<(), Option<Close>> {
        if self.flows.get(id).is_none_or(|(begun, _)| begun != number) {
            return Ok(());
        }
        let text = text_of(id, &part);
        if !matches!(part, Part::Next(_)) {
            self.flows.remove(id);
        }
        self.send(text).await
    }

    async fn send(&mut self, text: String) -> Result<(), Option<Close>> {
        taken(self.session.text(text)).await
    }

    /// Ends the socket of somebody who may not ask any more.
    async fn check(&self, caller: &Caller) -> Result<(), Option<Close>> {
        // A look-up that hangs says nothing against the credential.
        match timeout(PATIENCE, caller.is_still_good(&self.endpoint)).await {
            Ok(false) => Err(Some(Close::Ended)),
            Ok(true) | Err(_) => Ok(()),
        }
    }
}

/// Waits until a client takes what it is sent, for a while.
async fn taken(sent: impl Future<Output = Result<(), Closed>>) -> Result<(), Option<Close>> {
    match timeout(PATIENCE, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Closed)) => Err(None),
        Err(_) => Err(Some(Close::Gone)),
    }
}

/// The message that a part of an operation is.
fn text_of(id: &str, part: &Part) -> String {
    match part {
        Part::Next(response) => about(id, "next", Some(response)),
        Part::Errors(errors) => about(id, "error", Some(errors)),
        Part::End => about(id, "complete", None),
    }
}

impl Due {
    fn after(init_within: Duration) -> Self {
        let now = Instant::now();
        Self { init: now + init_within, check: now + CHECK, ping: now + SILENCE, gone: now + SILENCE * 2 }
    }

    /// The client was heard of.
    fn heard(&mut self) {
        let now = Instant::now();
        (self.ping, self.gone) = (now + SILENCE, now + SILENCE * 2);
    }
}

/// The credential of a first message: `authorization` as the header has it, or `token` with a token or key alone.
fn credential(payload: &Map<String, Value>) -> Option<Authorization> {
    let named = |name: &str| {
        let value = payload.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1;
        Some(value.as_str().map(str::trim))
    };
    if let Some(token) = named("token") {
        return Some(token.map_or(Authorization::Malformed, |token| Authorization::Bearer(token.to_owned())));
    }
    let value = named("authorization")?;
    Some(match value.and_then(|value| value.split_once(' ')) {
        Some((scheme, credential)) if scheme.eq_ignore_ascii_case("bearer") => {
            Authorization::Bearer(credential.trim().to_owned())
        }
        _ => Authorization::Malformed,
    })
}
