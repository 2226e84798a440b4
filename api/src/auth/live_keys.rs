//! The signing keys while the server runs: what rotations change in their files is read again every few seconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::key::{KeyError, KeySet};
use super::key_files::KeyFiles;

/// How often the files are read again.
const POLL: Duration = Duration::from_secs(2);

/// A set of keys that can be replaced. Cheap to clone; clones see the same keys.
#[derive(Clone)]
pub struct LiveKeys(Arc<Shared>);

struct Shared {
    set: RwLock<Arc<KeySet>>,
    state: AtomicU64,
}

impl LiveKeys {
    /// Keys to begin with.
    pub fn new(set: KeySet) -> Self {
        Self(Arc::new(Shared { set: RwLock::new(Arc::new(set)), state: AtomicU64::new(0) }))
    }

    /// The keys.
    pub fn set(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often the keys were replaced. Read before [`Self::set`], it tells later whether that set is still the latest.
    pub fn state(&self) -> u64 {
        self.0.state.load(Ordering::Acquire)
    }

    /// Replaces the keys, unless they are the same.
    pub fn replace(&self, set: KeySet) {
        if self.set().is_same(&set) {
            return;
        }
        let ids: Vec<&str> = set.keys().map(super::SigningKey::id).collect();
        tracing::info!(keys = ids.join(" "), "the signing keys have changed");
        *self.0.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(set);
        self.0.state.fetch_add(1, Ordering::Release);
    }

    /// Reads the files again and again. What cannot be read changes nothing.
    pub async fn follow(self, files: KeyFiles) {
        loop {
            tokio::time::sleep(POLL).await;
            let read = files.clone();
            match tokio::task::spawn_blocking(move || read.load()).await {
                Ok(Ok(Some(set))) => self.replace(set),
                Ok(Ok(None)) => {
                    tracing::warn!("the files of the signing keys are gone; the keys stay as they are");
                }
                Ok(Err(error)) => warn(&error),
                Err(_) => return,
            }
        }
    }
}

fn warn(error: &KeyError) {
    tracing::warn!(%error, "the signing keys cannot be read again; they stay as they are");
}
