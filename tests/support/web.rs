//! Somebody else's web server: it answers what the test tells it to, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A server that goes away with the test.
pub(crate) struct FakeWeb {
    address: SocketAddr,
    asked: watch::Receiver<Vec<Asked>>,
    _task: AbortOnDropHandle<()>,
}

/// One request that came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Such as `POST`.
    pub(crate) method: String,
    /// Path and query as they came.
    pub(crate) target: String,
    /// The headers, one a line, their names in lower case.
    pub(crate) headers: String,
    /// The body.
    pub(crate) body: String,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers with a status and a body.
    Answer(u16, String),
    /// Answers with more headers, each ending in `\r\n`.
    With(u16, String, String),
    /// Reads the request and never answers.
    Silence,
    /// Reads the request and breaks the connection.
    Break,
    /// Sends this body without ever ending it.
    Endless(String),
}

impl FakeWeb {
    /// A server that gives these replies in turn, and the last one for ever.
    pub(crate) async fn in_turn(replies: impl Into<Vec<Reply>>) -> Self {
        let replies = replies.into();
        let next = Mutex::new(0);
        Self::start(move |_| {
            let mut next = next.lock().unwrap();
            let reply = replies[usize::min(*next, replies.len() - 1)].clone();
            *next += 1;
            reply
        })
        .await
    }

    /// A server that replies as the function says.
    pub(crate) async fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = watch::channel(Vec::new());
        let (reply, tell) = (Arc::new(reply), Arc::new(tell));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (reply, tell) = (Arc::clone(&reply), Arc::clone(&tell));
                tokio::spawn(async move { converse(stream, &*reply, &tell).await });
            }
        });
        Self { address, asked, _task: AbortOnDropHandle::new(task) }
    }

    /// An address on the server.
    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// What it was asked until now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// Waits until it was asked so many times, and answers with everything it was asked.
    pub(crate) async fn asked_times(&self, times: usize) -> Vec<Asked> {
        let mut asked = self.asked.clone();
        asked.wait_for(|asked| asked.len() >= times).await.unwrap().clone()
    }
}

/// Answers one request and closes the connection.
async fn converse(
    mut stream: TcpStream,
    reply: &(impl Fn(&Asked) -> Reply + ?Sized),
    tell: &watch::Sender<Vec<Asked>>,
) {
    let Some(asked) = read(&mut stream).await else { return };
    let reply = reply(&asked);
    tell.send_modify(|all| all.push(asked));
    let (status, headers, body) = match reply {
        Reply::Answer(status, body) => (status, String::new(), body),
        Reply::With(status, headers, body) => (status, headers, body),
        Reply::Silence => return std::future::pending().await,
        Reply::Break => return,
        Reply::Endless(body) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            let chunk = format!("{:x}\r\n{body}\r\n", body.len());
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            return;
        }
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&bytes[..end]).into_owned(), bytes[end + 4..].to_vec());
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let (first, headers) = head.split_once("\r\n")?;
    let headers: String = headers
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| format!("{}:{value}\n", name.to_lowercase()))
        .collect();
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(0, |length| length.trim().parse().unwrap());
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    let mut words = first.split(' ');
    Some(Asked {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        headers,
        body: String::from_utf8(body).ok()?,
    })
}
