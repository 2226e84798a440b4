//! The secrets of endpoints for webhooks, and the signatures that they make, after Standard Webhooks.
//!
//! A secret is shown once, as `whsec_` and 32 bytes in base64. The database has it sealed by the server's secret, because what
//! signs has to be read again; whoever has the database alone can sign nothing.

use amvaj_domain::id::WebhookEndpointId;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::secret::{Purpose, ServerSecret};
use crate::random;

/// Bytes of a secret; the specification wants 24 to 64.
const LENGTH: usize = 32;

/// A secret of an endpoint. It cannot print itself.
pub struct WebhookSecret([u8; LENGTH]);

impl WebhookSecret {
    /// A new secret; nothing while the system has no randomness.
    pub fn generate() -> Option<Self> {
        random::bytes::<LENGTH>().map(Self)
    }

    /// The text that receivers take, to be shown once.
    pub fn text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0))
    }

    /// The secret, sealed for its number at an endpoint. Nothing when the system has no randomness.
    pub fn seal(&self, server: &ServerSecret, endpoint: WebhookEndpointId, number: i32) -> Option<Vec<u8>> {
        server.seal(Purpose::WebhookSecret, &context(endpoint, number), &self.0)
    }

    /// The secret that was sealed; nothing when this server did not seal it, or for another endpoint or number.
    pub fn open(
        server: &ServerSecret,
        endpoint: WebhookEndpointId,
        number: i32,
        sealed: &[u8],
    ) -> Option<Self> {
        let bytes = server.open(Purpose::WebhookSecret, &context(endpoint, number), sealed)?;
        bytes.try_into().ok().map(Self)
    }

    /// The signature of a message that is sent under an id at a time, in seconds since the epoch.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let signed = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(signed))
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[secret]")
    }
}

fn context(endpoint: WebhookEndpointId, number: i32) -> Vec<u8> {
    [&endpoint.uuid().as_bytes()[..], &number.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // The example of the specification's reference libraries, whose secret has 24 bytes, padded to ours by nothing: so
        // the key is made by hand.
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let signed = hmac::sign(&key, br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#);
        assert_eq!(STANDARD.encode(signed), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let secret = WebhookSecret([7; LENGTH]);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; LENGTH]);
        let signed = hmac::sign(&key, br#"evt_1.5.{"a":1}"#);
        assert_eq!(secret.sign("evt_1", 5, r#"{"a":1}"#), format!("v1,{}", STANDARD.encode(signed)));
    }

    #[test]
    fn a_sealed_secret_opens_for_its_endpoint_and_number_alone() {
        let (server, other) = (ServerSecret::generate().unwrap(), ServerSecret::generate().unwrap());
        let endpoint = WebhookEndpointId::new(Uuid::from_u128(7));
        let secret = WebhookSecret::generate().unwrap();
        assert_eq!(secret.text().len(), "whsec_".len() + 44);
        assert_eq!(format!("{secret:?}"), "[secret]");
        let sealed = secret.seal(&server, endpoint, 1).unwrap();
        let opened = WebhookSecret::open(&server, endpoint, 1, &sealed).unwrap();
        assert_eq!(opened.text(), secret.text());
        let another = WebhookEndpointId::new(Uuid::from_u128(8));
        assert!(WebhookSecret::open(&server, another, 1, &sealed).is_none());
        assert!(WebhookSecret::open(&server, endpoint, 2, &sealed).is_none());
        assert!(WebhookSecret::open(&other, endpoint, 1, &sealed).is_none());
    }
}
