//! Which API key was sent: remembered for a moment, else read from the database.
//!
//! A key that is remembered costs as much as an access token: one hash and one look-up. What the database says is
//! remembered for [`REMEMBERED_FOR`]; what is revoked meanwhile is known from [`Revocations`] at once. Only texts that
//! this installation has made ever reach the database, and of many requests with one key at the same time one asks it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use amvaj_domain::access::{ApiKey, ApiKeyStatus};
use amvaj_domain::network::NetworkMode;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::access::{ApiKeys, Revocations};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use moka::sync::Cache;
use thiserror::Error;
use tokio::runtime::Handle;

use super::api_key::{self, KeyTextError};
use super::secret::ServerSecret;
use crate::language::Message;

/// How many keys are remembered.
const REMEMBERED: u64 = 10_000;
/// How long what the database says of a key is taken for true.
const REMEMBERED_FOR: Span = Span::seconds(30);
/// How often a use of a key is noted.
const NOTED_EVERY: Span = Span::seconds(60);

/// Knows the keys of this installation. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<Ring>,
}

struct Ring {
    keys: ApiKeys,
    revocations: Revocations,
    secret: ServerSecret,
    mode: NetworkMode,
    known: Cache<[u8; 32], Arc<Known>>,
    underway: Mutex<HashMap<[u8; 32], Lookup>>,
    /// Where the database is asked, whatever thread wants to know.
    runtime: Handle,
}

type Lookup = Shared<BoxFuture<'static, Result<Arc<Known>, KeyError>>>;

/// What the database said of a text; nothing when no key has it.
#[derive(Debug)]
struct Known {
    key: Option<Arc<ApiKey>>,
    read_at: Instant,
    noted_at: AtomicI64,
}

/// Why a key is refused; shown in English where HTTP allows nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// It is mistyped or cut off.
    #[error("the API key is mistyped or cut off")]
    Mistyped,
    /// It is for another mode.
    #[error("the API key is for {0}")]
    Mode(NetworkMode),
    /// Nobody made it here.
    #[error("the API key was not made by this installation")]
    Unknown,
    /// Its time is over.
    #[error("the API key has expired; make a new one")]
    Expired,
    /// Somebody revoked it.
    #[error("the API key has been revoked; make a new one")]
    Revoked,
    /// The database does not answer.
    #[error("the API key cannot be checked now; try again shortly")]
    Unavailable,
}

impl KeyError {
    /// What to tell whoever sent the key.
    pub const fn message(self) -> Message {
        match self {
            Self::Mistyped => Message::new("api-key-mistyped"),
            Self::Mode(NetworkMode::Live) => Message::new("credential-of-live"),
            Self::Mode(NetworkMode::Sandbox) => Message::new("credential-of-sandbox"),
            Self::Unknown => Message::new("api-key-unknown"),
            Self::Expired => Message::new("api-key-expired"),
            Self::Revoked => Message::new("api-key-revoked"),
            Self::Unavailable => Message::new("api-key-unavailable"),
        }
    }
}

impl From<KeyTextError> for KeyError {
    fn from(error: KeyTextError) -> Self {
        match error {
            KeyTextError::Mistyped => Self::Mistyped,
            KeyTextError::Mode(mode) => Self::Mode(mode),
            KeyTextError::Unknown => Self::Unknown,
        }
    }
}

impl KeyRing {
    /// The keys in a database, whose reads run on the runtime that calls.
    pub fn new(keys: ApiKeys, revocations: Revocations, secret: ServerSecret, mode: NetworkMode) -> Self {
        let shared = Ring {
            keys,
            revocations,
            secret,
            mode,
            known: Cache::new(REMEMBERED),
            underway: Mutex::default(),
            runtime: Handle::current(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The key of this text, if it is good at `now`.
    pub async fn identify(&self, text: &str, now: Instant) -> Result<Arc<ApiKey>, KeyError> {
        let hash = api_key::hash(text);
        let remembered = self.shared.known.get(&hash).filter(|known| known.is_fresh(now));
        let known = if let Some(known) = remembered {
            known
        } else {
            let prefix = api_key::read(&self.shared.secret, self.shared.mode, text)?;
            self.look_up(hash, prefix, now).await?
        };
        let key = known.key.as_ref().ok_or(KeyError::Unknown)?;
        match key.status(now) {
            ApiKeyStatus::Revoked => return Err(KeyError::Revoked),
            ApiKeyStatus::Expired => return Err(KeyError::Expired),
            ApiKeyStatus::Active if self.shared.revocations.has_key(key.id) => return Err(KeyError::Revoked),
            ApiKeyStatus::Active => {}
        }
        if known.is_to_be_noted(now) {
            self.shared.keys.note_use(key.id, now);
        }
        Ok(Arc::clone(key))
    }

    /// Asks the database, or waits for whoever is asking it.
    async fn look_up(&self, hash: [u8; 32], prefix: &str, now: Instant) -> Result<Arc<Known>, KeyError> {
        let lookup = {
            let mut underway = self.shared.underway.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(lookup) = underway.get(&hash) {
                lookup.clone()
            } else {
                let (ring, prefix) = (Arc::clone(&self.shared), prefix.to_owned());
                let asked = self.shared.runtime.spawn(async move { ring.ask(hash, &prefix, now).await });
                let lookup = asked.map(|done| done.unwrap_or(Err(KeyError::Unavailable))).boxed().shared();
                underway.insert(hash, lookup.clone());
                lookup
            }
        };
        lookup.await
    }
}

impl Ring {
    async fn ask(&self, hash: [u8; 32], prefix: &str, now: Instant) -> Result<Arc<Known>, KeyError> {
        let found = self.keys.find(prefix).await;
        let answer = match found {
            Ok(found) => {
                let same = |stored: &[u8]| verify_slices_are_equal(stored, &hash).is_ok();
                let key = found.filter(|stored| same(&stored.secret_hash)).map(|stored| Arc::new(stored.key));
                let noted_at =
                    self.known.get(&hash).map_or(0, |known| known.noted_at.load(Ordering::Relaxed));
                let known = Known { key, read_at: now, noted_at: AtomicI64::new(noted_at) };
                let known = Arc::new(known);
                self.known.insert(hash, Arc::clone(&known));
                Ok(known)
            }
            Err(error) => {
                tracing::warn!(%error, "an API key could not be checked");
                Err(KeyError::Unavailable)
            }
        };
        self.underway.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash);
        answer
    }
}

impl Known {
    fn is_fresh(&self, now: Instant) -> bool {
        now < self.read_at.plus(REMEMBERED_FOR)
    }

    /// Whether this use is to be noted; of many at the same time one is.
    fn is_to_be_noted(&self, now: Instant) -> bool {
        let last = self.noted_at.load(Ordering::Relaxed);
        now >= Instant::from_micros(last).plus(NOTED_EVERY)
            && self
                .noted_at
                .compare_exchange(last, now.micros(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KeyRing").field("mode", &self.shared.mode).finish_non_exhaustive()
    }
}
