//! Messages to people: what is sent, and who carries it. Sending returns at once; a task of its own delivers, tries
//! again while the message is of use, and gives up in time. Neither a number nor a text reaches a log or a metric,
//! except where the log itself is the carrier.

mod delivery;
mod http;
mod message;
mod provider;
mod template;

use std::{num::NonZeroU32, path::Path, sync::Arc, time::Duration};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::clock::Clock;
pub use delivery::Outcome;
use delivery::Pace;
use http::Panel;
pub use message::{Message, MessageKind};
pub use provider::{InvalidProvider, Provider};

/// How many messages may be on their way when nobody says.
const ROOM: u32 = 1_000;

/// Sends messages. Cheap to clone; clones share their queue.
#[derive(Debug, Clone)]
pub struct Notifier {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    carrier: Carrier,
    clock: Clock,
    limits: Limits,
    /// A message takes a place when it is sent and gives it back when it is delivered or given up.
    room: Arc<Semaphore>,
    /// Tries that may be under way at a time.
    in_flight: Semaphore,
    pace: Pace,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Where deliveries run: the runtime that started the notifier, which outlives the threads that send.
    runtime: Handle,
}

/// Who carries a message.
#[derive(Debug)]
enum Carrier {
    /// The log, for development: whoever reads it can log in as anybody.
    Log,
    /// An SMS panel, over HTTP.
    Http(Box<Panel>),
}

/// How much is done at a time, and how often.
#[derive(Debug, Clone)]
struct Limits {
    /// Messages that may be on their way; one more is dropped.
    room: u32,
    /// Tries under way at a time.
    concurrency: u32,
    /// Tries begun in a second.
    per_second: Option<NonZeroU32>,
    /// Tries for one message.
    tries: u32,
    /// The pause before the second try; it doubles from try to try.
    first_pause: Duration,
    /// The longest pause.
    longest_pause: Duration,
}

impl Notifier {
    /// Writes messages to the log, and codes with them. Has to be called within a runtime.
    pub fn log(clock: &Clock) -> Self {
        let limits = Limits {
            room: ROOM,
            concurrency: 1,
            per_second: None,
            tries: 1,
            first_pause: Duration::ZERO,
            longest_pause: Duration::ZERO,
        };
        Self::start(Carrier::Log, limits, clock)
    }

    /// Sends messages through the panel that a file describes. Has to be called within a runtime.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or the machine has no certificates to know the panel by.
    pub fn http(file: &Path, clock: &Clock) -> Result<Self, InvalidProvider> {
        Self::provider(Provider::load(file)?, clock)
    }

    /// Sends messages through a panel. Has to be called within a runtime.
    ///
    /// # Errors
    /// The machine has no certificates to know the panel by.
    pub fn provider(provider: Provider, clock: &Clock) -> Result<Self, InvalidProvider> {
        let limits = provider.limits.clone();
        let panel = Panel::new(provider).map_err(|problem| InvalidProvider { problems: vec![problem] })?;
        Ok(Self::start(Carrier::Http(Box::new(panel)), limits, clock))
    }

    fn start(carrier: Carrier, limits: Limits, clock: &Clock) -> Self {
        let permits = |count: u32| Semaphore::new(usize::try_from(count).unwrap_or(Semaphore::MAX_PERMITS));
        Self {
            shared: Arc::new(Shared {
                carrier,
                clock: clock.clone(),
                room: Arc::new(permits(limits.room)),
                in_flight: permits(limits.concurrency),
                pace: Pace::new(limits.per_second),
                limits,
                tasks: TaskTracker::new(),
                stop: CancellationToken::new(),
                runtime: Handle::current(),
            }),
        }
    }

    /// Says in the log, for a server that starts, who carries its messages.
    pub fn announce(&self) {
        match &self.shared.carrier {
            Carrier::Log => tracing::warn!(
                "MESSAGES GO TO THIS LOG, LOGIN CODES INCLUDED: whoever reads it can log in as any member; name an SMS panel with AMVAJ_SMS_PROVIDER_FILE before real members come"
            ),
            Carrier::Http(panel) => {
                tracing::info!(provider = panel.name(), "messages go through an SMS panel");
            }
        }
    }

    /// Sends a message and returns at once: how long a panel takes, or whether it takes the message at all, is not to
    /// be seen from outside. A message for which there is no room, or after the stop, is dropped.
    pub fn send(&self, message: Message) {
        let kind = message.kind.name();
        let place = match Arc::clone(&self.shared.room).try_acquire_owned() {
            Ok(place) if !self.shared.tasks.is_closed() => place,
            Ok(_) | Err(_) => {
                tracing::warn!(reference = %message.id, kind, "a message was dropped: too many are on their way");
                delivery::count(kind, Outcome::Dropped);
                return;
            }
        };
        let shared = Arc::clone(&self.shared);
        let delivery = async move {
            shared.deliver(&message).await;
            drop(place);
        };
        self.shared.tasks.spawn_on(delivery, &self.shared.runtime);
    }

    /// Delivers a message and says what became of it.
    pub async fn deliver(&self, message: &Message) -> Outcome {
        self.shared.deliver(message).await
    }

    /// Takes no more messages, gives those on their way a last moment, and drops what is left then.
    pub async fn close(&self, last_moment: Duration) {
        self.shared.tasks.close();
        if tokio::time::timeout(last_moment, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!(messages = self.shared.tasks.len(), "messages are left behind that no panel took");
            self.shared.stop.cancel();
            self.shared.tasks.wait().await;
        }
    }
}
