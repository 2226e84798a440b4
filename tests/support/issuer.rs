//! An outside issuer of tokens: the keys that it signs with, and the web server where it publishes them.

use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::app::TestApp;
use super::web::{Asked, FakeWeb, Reply};

/// Operations with keys and tokens.
pub(crate) const KEYS: &str = include_str!("../queries/keys.graphql");

/// A key of an outside issuer.
pub(crate) struct Signer {
    pub(crate) kid: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: EncodingKey,
}

impl Signer {
    pub(crate) fn ed(kid: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
        Self { kid, algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(pair.as_ref()) }
    }

    pub(crate) fn es(kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self { kid, algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(pair.as_ref()) }
    }

    pub(crate) fn rs(kid: &'static str) -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der = pair.as_der().unwrap();
        // The key itself (PKCS#1) is the last part of its envelope.
        let key = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
        Self { kid, algorithm: Algorithm::RS256, key }
    }

    pub(crate) fn jwk(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk
    }

    pub(crate) fn header(&self) -> Header {
        Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.key).unwrap()
    }
}

/// A web server that publishes keys, which can be changed.
pub(crate) struct FakeIssuer {
    pub(crate) web: FakeWeb,
    reply: Arc<Mutex<Reply>>,
}

impl FakeIssuer {
    pub(crate) async fn start(signers: &[&Signer]) -> Self {
        let reply = Arc::new(Mutex::new(published(signers)));
        let shared = Arc::clone(&reply);
        let web = FakeWeb::start(move |_: &Asked| shared.lock().unwrap().clone()).await;
        Self { web, reply }
    }

    pub(crate) fn replies(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    pub(crate) fn asked(&self) -> usize {
        self.web.asked().len()
    }

    /// The issuer's part of the file, with more lines.
    pub(crate) fn settings(&self, more: &str) -> String {
        format!(
            r#"
            [[issuer]]
            issuer = "https://id.partner.example"
            audience = ["amvaj", "amvaj-test"]
            jwks = "{}"
            algorithms = ["EdDSA", "ES256", "RS256"]
            scope_claim = "scope"
            {more}
            "#,
            self.web.url("/jwks.json")
        )
    }
}

pub(crate) fn published(signers: &[&Signer]) -> Reply {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    Reply::Answer(200, json!({ "keys": keys }).to_string())
}

/// With what a token calls: role, merchant and scopes; or the code and message of its refusal.
pub(crate) async fn viewer(app: &TestApp, token: &str) -> Result<Value, (String, String)> {
    let answer = app.send_with(Some(token), KEYS, "Viewer", json!({})).await;
    let error = &answer["errors"][0];
    if error.is_null() {
        return Ok(answer["data"]["viewer"].clone());
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Err((text(&error["extensions"]["code"]), text(&error["message"])))
}

pub(crate) async fn assert_refused(app: &TestApp, token: &str, wanted: &str) {
    match viewer(app, token).await {
        Ok(viewer) => panic!("{wanted}: {viewer}"),
        Err((code, message)) => {
            assert_eq!(code, "UNAUTHENTICATED", "{message}");
            assert!(message.contains(wanted), "{wanted}: {message}");
        }
    }
}
