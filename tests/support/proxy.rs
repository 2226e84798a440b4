//! A line between a node and a server it needs, which the test can cut, cut in the middle of an answer, silence, and
//! lose.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// A proxy on a port of its own, for any number of connections.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
    _task: AbortOnDropHandle<()>,
}

struct State {
    /// Counts the cuts: a connection that was made before the latest one is broken.
    cuts: watch::Sender<u64>,
    /// Whether bytes are held back.
    silent: watch::Sender<bool>,
    /// Counts the losses: a connection that was made before the latest one carries nothing any more.
    losses: watch::Sender<u64>,
    /// How many answers are still to be cut in their middle.
    answers_to_cut: AtomicUsize,
}

impl Proxy {
    /// A proxy to a port of this machine.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            cuts: watch::Sender::new(0),
            silent: watch::Sender::new(false),
            losses: watch::Sender::new(0),
            answers_to_cut: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, state, _task: AbortOnDropHandle::new(task) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Loses every connection without a word, as a router does that forgets it: nobody is told, and nothing comes through any
    /// more. New connections are good.
    pub(crate) fn lose(&self) {
        self.state.losses.send_modify(|losses| *losses += 1);
    }

    /// Breaks the connections of the next so many answers of the server once half of the answer came: what was asked
    /// for is done, and who asked does not learn it. With zero, all that come are let through again.
    pub(crate) fn cut_answers(&self, answers: usize) {
        self.state.answers_to_cut.store(answers, Ordering::Relaxed);
    }

    /// Holds all bytes back, or lets them go on.
    pub(crate) fn silence(&self, silent: bool) {
        self.state.silent.send_replace(silent);
    }
}

/// Carries bytes both ways until an end closes the connection or the proxy breaks it.
async fn connection(client: TcpStream, server: u16, state: Arc<State>) {
    let mut cuts = state.cuts.subscribe();
    cuts.mark_unchanged();
    let mut losses = state.losses.subscribe();
    losses.mark_unchanged();
    let carried = async {
        audible(&state).await;
        let server = TcpStream::connect(("127.0.0.1", server)).await.ok()?;
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (mut client, mut server) = (client.into_split(), server.into_split());
        tokio::select! {
            ended = carry(&mut client.0, &mut server.1, &state, Asked) => ended,
            ended = carry(&mut server.0, &mut client.1, &state, Answered) => ended,
            // Both ends stay open, and nothing comes through.
            _ = losses.changed() => std::future::pending().await,
        }
    };
    // Dropped halves close both ends.
    tokio::select! {
        _ = carried => {}
        _ = cuts.changed() => {}
    }
}

use Direction::{Answered, Asked};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Asked,
    Answered,
}

async fn carry(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    state: &State,
    direction: Direction,
) -> Option<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
        audible(state).await;
        if direction == Answered && state.takes_an_answer() {
            to.write_all(&bytes[..read / 2]).await.ok()?;
            return None;
        }
        to.write_all(&bytes[..read]).await.ok()?;
    }
}

impl State {
    fn takes_an_answer(&self) -> bool {
        let fewer = |left: usize| left.checked_sub(1);
        self.answers_to_cut.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok()
    }
}

/// Waits until bytes are let through.
async fn audible(state: &State) {
    let _ = state.silent.subscribe().wait_for(|silent| !silent).await;
}
