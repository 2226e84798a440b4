//! A small HTTP/1.1 client: one connection that is kept, one request at a time. A general client would cost as much
//! as the server that it measures.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A connection to the server's `/graphql`.
pub(super) struct Connection {
    stream: TcpStream,
    host: SocketAddr,
    /// What is sent, kept to be filled again.
    request: Vec<u8>,
    /// What has been received of the answer.
    received: Vec<u8>,
}

/// How much of an answer is known.
struct Head {
    status: u16,
    /// Where the body begins and ends in what is received.
    body: std::ops::Range<usize>,
}

/// More headers than the server sends.
const MOST_HEADERS: usize = 32;
/// An answer beyond this is not one of ours.
const LONGEST_ANSWER: usize = 1 << 20;

impl Connection {
    /// Connects.
    pub(super) async fn open(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host, request: Vec::new(), received: Vec::new() })
    }

    /// Sends an operation and answers the status and the body.
    pub(super) async fn post(&mut self, token: &str, body: &[u8]) -> io::Result<(u16, &[u8])> {
        self.request.clear();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
             accept: application/graphql-response+json\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.host,
            body.len(),
        );
        self.request.extend_from_slice(head.as_bytes());
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        self.received.clear();
        let head = self.receive().await?;
        let body = self.received.get(head.body).ok_or_else(|| broken("the body is missing"))?;
        Ok((head.status, body))
    }

    /// Reads until the whole answer is there.
    async fn receive(&mut self) -> io::Result<Head> {
        let mut known = None;
        loop {
            if known.is_none() {
                known = head(&self.received)?;
            }
            match known.take() {
                Some(head) if self.received.len() >= head.body.end => return Ok(head),
                unfinished => known = unfinished,
            }
            if self.received.len() > LONGEST_ANSWER {
                return Err(broken("it is too long"));
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(broken("the connection was closed"));
            }
        }
    }
}

/// The answer's head, once all of it is there.
fn head(received: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(received).map_err(|error| broken(&error.to_string()))?;
    let httparse::Status::Complete(start) = parsed else { return Ok(None) };
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| str::from_utf8(header.value).ok()?.parse::<usize>().ok())
        .ok_or_else(|| broken("it does not say how long it is"))?;
    Ok(Some(Head { status: response.code.unwrap_or_default(), body: start..start.saturating_add(length) }))
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server's answer cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_piece_by_piece() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
        assert!(head(&whole[..20]).unwrap().is_none());
        let head = head(whole).unwrap().unwrap();
        assert_eq!((head.status, &whole[head.body]), (200, &b"body"[..]));
    }

    #[test]
    fn an_answer_without_a_length_is_an_error() {
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }
}
