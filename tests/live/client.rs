//! A client of `graphql-transport-ws`, as little as the tests need.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::app::TestApp;

const LIVE: &str = include_str!("../queries/live.graphql");
/// How long anything may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open socket.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Opens a socket; an error is the status with which the server refuses it.
    pub(crate) async fn open(app: &TestApp, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request =
            format!("{}graphql", app.home().replace("http://", "ws://")).into_client_request().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a socket for whoever has a token.
    pub(crate) async fn of(app: &TestApp, token: &str) -> Self {
        let mut socket = Self::open(app, &[]).await.unwrap();
        socket.send(json!({ "type": "connection_init", "payload": { "token": token } })).await;
        assert_eq!(socket.message().await.unwrap()["type"], "connection_ack");
        socket
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Begins an operation of `tests/queries/live.graphql`.
    pub(crate) async fn subscribe(&mut self, id: &str, name: &str, variables: Value) {
        let payload = json!({ "query": LIVE, "operationName": name, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// The next message; an error is the code with which the server closed.
    pub(crate) async fn message(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("nothing comes");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next event, of the field that is subscribed to.
    pub(crate) async fn event(&mut self) -> Value {
        let message = self.message().await.unwrap();
        assert_eq!(message["type"], "next", "{message:#}");
        assert!(message["payload"]["errors"].is_null(), "{message:#}");
        message["payload"]["data"].as_object().unwrap().values().next().unwrap().clone()
    }

    /// The code of the error with which an operation ends.
    pub(crate) async fn error(&mut self) -> String {
        let message = self.message().await.unwrap();
        let errors =
            if message["type"] == "error" { &message["payload"] } else { &message["payload"]["errors"] };
        errors[0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{message:#}")).to_owned()
    }

    /// Whether nothing comes for a while.
    pub(crate) async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(400), self.0.next()).await.is_err()
    }
}
