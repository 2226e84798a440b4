//! The keys of one outside issuer: fetched when they are first needed, when an unknown one is named and when they have
//! become old; kept for a bounded time while the issuer does not answer.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use amvaj_domain::time::{Instant, Span};
use amvaj_infra::jwks::KeySource;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Semaphore};

use super::file::IssuerSettings;
use crate::auth::token::TokenError;

/// After how long keys are fetched again although they are all known.
const OLD: Span = Span::minutes(5);
/// Most keys of one issuer; more of them are no answer.
const MOST: usize = 100;
/// Longest name of a key.
const LONGEST_NAME: usize = 256;
/// Most requests that wait for one fetch, whether their clients still do or not. While somebody who invents names of keys
/// fills these places, tokens of keys that are not known yet are told to come back; others are not touched.
const MOST_WAITING: usize = 64;

/// A key with the only algorithm that it verifies.
#[derive(Clone)]
pub(super) struct IssuerKey {
    /// The algorithm.
    pub(super) algorithm: Algorithm,
    /// The key.
    pub(super) decoding: DecodingKey,
}

/// The keys of one issuer.
pub(super) struct IssuerKeys {
    name: String,
    source: KeySource,
    algorithms: Vec<Algorithm>,
    refresh: Span,
    keep: Span,
    known: RwLock<Arc<Known>>,
    /// When they were last asked for; whoever holds it asks, and everybody else waits for that.
    asked_at: Mutex<Option<Instant>>,
    /// Places for those who wait.
    waiting: Arc<Semaphore>,
    runtime: Handle,
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, IssuerKey>,
    fetched_at: Option<Instant>,
}

impl IssuerKeys {
    /// No keys yet. They are fetched on the runtime that calls.
    pub(super) fn new(settings: &IssuerSettings) -> Self {
        Self {
            name: settings.issuer.clone(),
            source: settings.source.clone(),
            algorithms: settings.algorithms.clone(),
            refresh: settings.refresh,
            keep: settings.keep,
            known: RwLock::default(),
            asked_at: Mutex::new(None),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            runtime: Handle::current(),
        }
    }

    /// The key of this name.
    ///
    /// # Errors
    /// [`TokenError::UnknownKey`] when the issuer has none of this name; [`TokenError::Unavailable`] when it does not
    /// answer, or when too many wait for its answer already.
    pub(super) async fn find(self: &Arc<Self>, name: &str, now: Instant) -> Result<IssuerKey, TokenError> {
        let known = self.known();
        if known.is_usable(self.keep, now)
            && let Some(key) = known.keys.get(name)
        {
            if !known.is_usable(OLD, now) {
                self.refresh_beside(now);
            }
            return Ok(key.clone());
        }
        self.refresh(now).await?;
        let known = self.known();
        if !known.is_usable(self.keep, now) {
            return Err(TokenError::Unavailable);
        }
        known.keys.get(name).cloned().ok_or(TokenError::UnknownKey)
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fetches the keys, unless that was tried a moment ago, or waits for whoever does. Goes on when whoever asked for it is
    /// gone, so that a slow issuer does not keep its keys from those who wait longer.
    async fn refresh(self: &Arc<Self>, now: Instant) -> Result<(), TokenError> {
        if self.asked_at.try_lock().is_ok_and(|asked| !self.is_due(*asked, now)) {
            return Ok(());
        }
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| TokenError::Unavailable)?;
        let keys = Arc::clone(self);
        let fetch = self.runtime.spawn(async move {
            keys.fetch(now).await;
            drop(place);
        });
        // A fetch that panicked has changed nothing.
        let _ = fetch.await;
        Ok(())
    }

    /// Fetches the keys while the present ones are used.
    fn refresh_beside(self: &Arc<Self>, now: Instant) {
        if self.asked_at.try_lock().is_ok_and(|asked| self.is_due(*asked, now)) {
            let keys = Arc::clone(self);
            self.runtime.spawn(async move { keys.fetch(now).await });
        }
    }

    fn is_due(&self, asked_at: Option<Instant>, now: Instant) -> bool {
        asked_at.is_none_or(|asked_at| now >= asked_at.plus(self.refresh))
    }

    async fn fetch(&self, now: Instant) {
        let mut asked_at = self.asked_at.lock().await;
        if !self.is_due(*asked_at, now) {
            return;
        }
        *asked_at = Some(now);
        match self.source.fetch().await {
            Ok(text) => match read(&text, &self.algorithms) {
                Ok(keys) => {
                    let known = Known { keys, fetched_at: Some(now) };
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
                }
                Err(problem) => tracing::warn!(issuer = self.name, problem, "an issuer's keys are of no use"),
            },
            Err(error) => tracing::warn!(issuer = self.name, %error, "an issuer's keys cannot be fetched"),
        }
    }
}

impl Known {
    fn is_usable(&self, within: Span, now: Instant) -> bool {
        self.fetched_at.is_some_and(|fetched_at| now < fetched_at.plus(within))
    }
}

/// Reads a set of keys. Those that are for something else are passed over; a set without any for us is no answer.
fn read(text: &[u8], algorithms: &[Algorithm]) -> Result<HashMap<String, IssuerKey>, &'static str> {
    #[derive(serde::Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_slice(text).map_err(|_| "the answer is no JSON with a list of keys")?;
    if set.keys.len() > MOST {
        return Err("the answer has more than 100 keys");
    }
    let keys: HashMap<_, _> = set
        .keys
        .into_iter()
        .filter_map(|key| usable(&serde_json::from_value(key).ok()?, algorithms))
        .collect();
    if keys.is_empty() { Err("none of its keys is for signatures that are accepted") } else { Ok(keys) }
}

/// A key for signatures by one of the algorithms, with its name. What is symmetric is never one: whoever can verify
/// with it could sign.
fn usable(jwk: &Jwk, algorithms: &[Algorithm]) -> Option<(String, IssuerKey)> {
    let (algorithm, stated) = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        _ => return None,
    };
    let common = &jwk.common;
    let for_signatures =
        common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
            && common
                .key_operations
                .as_ref()
                .is_none_or(|operations| operations.contains(&KeyOperations::Verify))
            && common.key_algorithm.is_none_or(|written| written == stated)
            && algorithms.contains(&algorithm);
    let name = common.key_id.clone().filter(|name| for_signatures && name.len() <= LONGEST_NAME)?;
    Some((name, IssuerKey { algorithm, decoding: DecodingKey::from_jwk(jwk).ok()? }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ALL: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

    fn names(keys: &serde_json::Value) -> Result<Vec<String>, &'static str> {
        let mut names: Vec<_> =
            read(json!({ "keys": keys }).to_string().as_bytes(), &ALL)?.into_keys().collect();
        names.sort();
        Ok(names)
    }

    #[test]
    fn only_public_keys_for_signatures_are_taken() {
        let ed = json!({ "kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": "AAAA", "use": "sig" });
        let with = |field: &str, value: serde_json::Value| {
            let mut key = ed.clone();
            key[field] = value;
            key
        };
        assert_eq!(names(&json!([ed])).unwrap(), ["ed"]);
        for other in [
            json!({ "kid": "hs", "kty": "oct", "k": "AAAA" }),
            json!({ "kid": "p384", "kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA" }),
            with("use", json!("enc")),
            with("alg", json!("ES256")),
            with("key_ops", json!(["sign"])),
            with("kid", json!("k".repeat(300))),
            with("kid", json!(null)),
            json!("a text"),
            json!({}),
        ] {
            assert!(names(&json!([other])).is_err(), "{other}");
            assert_eq!(names(&json!([other, ed])).unwrap(), ["ed"], "others go on");
        }
        assert!(names(&json!(vec![ed; 101])).is_err());
        for nonsense in ["", "<html>", "[]", "{}", "{\"keys\": 1}"] {
            assert!(read(nonsense.as_bytes(), &ALL).is_err(), "{nonsense}");
        }
    }
}
