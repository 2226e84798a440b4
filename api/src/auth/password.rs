//! Hashes of passwords: Argon2id, off the threads that answer requests, and only so many at a time.
//!
//! A hash costs as much processor and memory as somebody who guesses should have to spend, so whoever asks for many at
//! once could keep the server from everything else. Places to hash in are therefore few, whoever waits too long is
//! refused, and one place is kept for those who are known (see `docs/adr`): strangers cannot take it.

use std::sync::Arc;
use std::time::Duration;

use amvaj_domain::user::Password;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::random;

/// KiB of memory that a hash takes, passes over it, and lanes. OWASP's password storage cheat sheet asks for at least
/// 19 MiB and 2 passes, or 46 MiB and 1.
const MEMORY_KIB: u32 = 47_104;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The hash that a password for a name that nobody has is compared with: made like every other one, of nothing that is
/// known.
const NOBODYS: &str =
    "$argon2id$v=19$m=47104,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Bytes of salt.
const SALT: usize = 16;
/// How many hashes are made at a time for strangers, and for those who are known.
const STRANGERS: usize = 2;
const KNOWN: usize = 1;
/// How many may wait for each place.
const QUEUE: usize = 32;
/// How long a place is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Makes and verifies hashes of passwords. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Passwords {
    strangers: Places,
    known: Places,
}

/// Whether whoever asks is known by something else than the password: a device, a session, an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Anybody.
    Stranger,
    /// Somebody known.
    Known,
}

/// What a password was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Wrong.
    Wrong,
    /// Right. With another hash when the one that is kept was made with other parameters than are used now.
    Right {
        /// The hash to keep instead.
        rehashed: Option<String>,
    },
}

/// Why there is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many wait.
    #[error("too many passwords are being hashed")]
    Busy,
    /// The system has no randomness or no memory.
    #[error("the system could not hash a password")]
    System,
}

#[derive(Debug, Clone)]
struct Places {
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { strangers: Places::new(STRANGERS), known: Places::new(KNOWN) }
    }
}

impl Passwords {
    /// A hash to keep, in the PHC string format.
    pub async fn hash(&self, asker: Asker, password: Password) -> Result<String, HashError> {
        self.work(asker, move || make(&password, &current()?)).await
    }

    /// Compares a password with a hash. Without one, the same work is done and the answer is always that it is wrong.
    pub async fn verify(
        &self,
        asker: Asker,
        password: Password,
        hash: Option<String>,
    ) -> Result<Verdict, HashError> {
        let somebodys = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODYS.to_owned());
        self.work(asker, move || {
            let fits = fits(&password, &hash);
            if !fits || !somebodys {
                return Ok(Verdict::Wrong);
            }
            let rehashed = if is_current(&hash) { None } else { Some(make(&password, &current()?)?) };
            Ok(Verdict::Right { rehashed })
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let places = match asker {
            Asker::Stranger => &self.strangers,
            Asker::Known => &self.known,
        };
        // Both are given back when the work is done, even when nobody waits for it any more.
        let waiting = Arc::clone(&places.waiting).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let working = Arc::clone(&places.working).acquire_owned();
        let Ok(Ok(working)) = tokio::time::timeout(PATIENCE, working).await else {
            return Err(HashError::Busy);
        };
        let hashed = tokio::task::spawn_blocking(move || {
            let hashed = work();
            drop((working, waiting));
            hashed
        });
        hashed.await.map_err(|_| HashError::System)?
    }
}

impl Places {
    fn new(count: usize) -> Self {
        Self {
            working: Arc::new(Semaphore::new(count)),
            waiting: Arc::new(Semaphore::new(count.saturating_add(QUEUE))),
        }
    }
}

fn params() -> Result<Params, HashError> {
    Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError::System)
}

fn current() -> Result<Argon2<'static>, HashError> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?))
}

fn make(password: &Password, argon2: &Argon2<'_>) -> Result<String, HashError> {
    let salt = random::bytes::<SALT>().ok_or(HashError::System)?;
    let hash: PasswordHash =
        argon2.hash_password_with_salt(password.expose().as_bytes(), &salt).map_err(|_| HashError::System)?;
    Ok(hash.to_string())
}

fn fits(password: &Password, hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    // The parameters are those of the hash.
    Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok()
}

/// Whether a hash was made as one would be made now.
fn is_current(hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    let Ok(params) = Params::try_from(&parsed) else { return false };
    parsed.algorithm.as_str() == Algorithm::Argon2id.as_str()
        && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "three blue books";

    fn weak() -> String {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        make(&Password::tried(TEXT), &argon2).unwrap()
    }

    #[tokio::test]
    async fn a_hash_says_how_it_was_made_and_fits_its_password_only() {
        let passwords = Passwords::default();
        let hash = passwords.hash(Asker::Known, Password::tried(TEXT)).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=2,p=1$"), "{hash}");
        let verify = async |text, hash: Option<&str>| {
            let hash = hash.map(str::to_owned);
            passwords.verify(Asker::Stranger, Password::tried(text), hash).await.unwrap()
        };
        assert_eq!(verify(TEXT, Some(&hash)).await, Verdict::Right { rehashed: None });
        assert_eq!(verify("three blue book", Some(&hash)).await, Verdict::Wrong);
        assert_eq!(verify(TEXT, Some("no hash")).await, Verdict::Wrong);
        assert_eq!(verify(TEXT, None).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_weaker_parameters_is_made_again() {
        let passwords = Passwords::default();
        let verdict = passwords.verify(Asker::Known, Password::tried(TEXT), Some(weak())).await.unwrap();
        let Verdict::Right { rehashed: Some(hash) } = verdict else { panic!("{verdict:?}") };
        assert!(is_current(&hash) && fits(&Password::tried(TEXT), &hash));
        assert!(!is_current(&weak()) && is_current(NOBODYS), "a name that nobody has costs as much");
    }

    #[tokio::test]
    async fn whoever_finds_too_many_waiting_is_refused_at_once_and_a_place_is_kept_for_the_known() {
        let passwords = Passwords::default();
        let all = Arc::clone(&passwords.strangers.waiting);
        let held = all.acquire_many_owned(u32::try_from(STRANGERS + QUEUE).unwrap()).await.unwrap();
        let ask = async |asker| passwords.verify(asker, Password::tried(TEXT), Some(weak())).await;
        assert_eq!(ask(Asker::Stranger).await, Err(HashError::Busy));
        assert!(ask(Asker::Known).await.is_ok());
        drop(held);
        assert!(ask(Asker::Stranger).await.is_ok());
    }
}
