//! Links to files that were exported: an id and an end, signed by the server's secret, so that a browser or a program can
//! fetch a file without a token for a while, and nobody can make a link or move its end.

use amvaj_domain::id::ExportId;
use amvaj_domain::time::{Instant, Span};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::secret::{Purpose, ServerSecret};

/// How long a link is good for; whoever still may fetch the file asks for another one.
pub const LINK_LIFE: Span = Span::minutes(15);

/// A link's signature over the file and the end of the link.
pub fn sign(secret: &ServerSecret, export: ExportId, until: Instant) -> String {
    URL_SAFE_NO_PAD.encode(hash(secret, export, until))
}

/// Whether this secret signed a link to the file with this end.
pub fn is_signed(secret: &ServerSecret, export: ExportId, until: Instant, signature: &str) -> bool {
    let Ok(given) = URL_SAFE_NO_PAD.decode(signature) else { return false };
    verify_slices_are_equal(&hash(secret, export, until), &given).is_ok()
}

fn hash(secret: &ServerSecret, export: ExportId, until: Instant) -> [u8; 32] {
    secret.keyed_hash(Purpose::ExportLink, &[export.uuid().as_bytes(), &until.micros().to_be_bytes()])
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_link_is_of_one_file_until_one_moment() {
        let secret = ServerSecret::generate().unwrap();
        let (file, other) = (ExportId::new(Uuid::from_u128(1)), ExportId::new(Uuid::from_u128(2)));
        let (end, later) = (Instant::from_micros(5), Instant::from_micros(6));
        let signature = sign(&secret, file, end);
        assert!(is_signed(&secret, file, end, &signature));
        assert!(!is_signed(&secret, other, end, &signature));
        assert!(!is_signed(&secret, file, later, &signature));
        assert!(!is_signed(&ServerSecret::generate().unwrap(), file, end, &signature));
        for forged in ["", "AAAA", "?", &signature[1..]] {
            assert!(!is_signed(&secret, file, end, forged), "{forged}");
        }
    }
}
