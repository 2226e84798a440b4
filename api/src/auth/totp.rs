//! One-time codes of operators and agents (RFC 6238): SHA-1, six digits, a new one every 30 seconds, because that is
//! what every authenticator app knows. Which codes were used is for the storage; here is only which step a code is of.

use amvaj_domain::id::UserId;
use amvaj_domain::text::ascii_digits;
use amvaj_domain::time::Instant;
use amvaj_domain::user::UserName;
use totp_rs::{Algorithm, Builder, Secret, Totp as Codes};

use super::secret::{Purpose, ServerSecret};

/// Seconds for which a code is shown.
const STEP_SECONDS: u64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;
/// How many steps a client's clock may be ahead or behind.
const SKEW: u16 = 1;
/// Bytes of a secret: the size of the hash, as RFC 4226 recommends.
const LENGTH: usize = 20;

/// The secret of a user's one-time codes. It cannot print itself.
#[derive(Clone)]
pub struct Totp(Secret);

/// What an authenticator app is given.
#[derive(Clone)]
pub struct Enrolment {
    /// The secret in base32, to be typed.
    pub secret: String,
    /// An `otpauth://` URI, to be shown as a QR code.
    pub uri: String,
}

impl Totp {
    /// A new secret; nothing while the system has no randomness.
    pub fn generate() -> Option<Self> {
        crate::random::bytes::<LENGTH>().map(|bytes| Self(Secret::from(bytes)))
    }

    /// The secret, sealed for a user. Nothing when the system has no randomness.
    pub fn seal(&self, server: &ServerSecret, user: UserId) -> Option<Vec<u8>> {
        server.seal(Purpose::TotpSecret, user.uuid().as_bytes(), self.0.as_bytes())
    }

    /// The secret that was sealed for a user; nothing when this server did not seal it, or for somebody else.
    pub fn open(server: &ServerSecret, user: UserId, sealed: &[u8]) -> Option<Self> {
        let bytes = server.open(Purpose::TotpSecret, user.uuid().as_bytes(), sealed)?;
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        Some(Self(Secret::from(bytes)))
    }

    /// What the user's authenticator app is given.
    pub fn enrolment(&self, issuer: &str, user: &UserName) -> Enrolment {
        // A colon parts issuer and account in the label of the URI.
        let issuer = issuer.replace(':', " ");
        let codes =
            self.builder().with_issuer(Some(issuer)).with_account_name(user.as_str()).build_noncompliant();
        Enrolment { secret: self.0.to_base32(), uri: codes.to_url().unwrap_or_default() }
    }

    /// The step whose code this is, at `now` or a step before or after it; nothing for a wrong code. Persian and Arabic
    /// digits are read, and spaces within the code.
    pub fn step_of(&self, code: &str, now: Instant) -> Option<i64> {
        let code: String = ascii_digits(code).chars().filter(|c| !c.is_whitespace()).collect();
        if code.len() != DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let step = self.codes().check(&code, seconds(now))?;
        i64::try_from(step).ok()
    }

    /// The code at `now`.
    pub fn code(&self, now: Instant) -> String {
        self.codes().generate(seconds(now)).to_string()
    }

    fn builder(&self) -> Builder {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(SKEW)
            .with_step_duration(STEP_SECONDS)
            .with_secret(self.0.clone())
    }

    fn codes(&self) -> Codes {
        self.builder().build_noncompliant()
    }
}

impl std::fmt::Debug for Totp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[secret]")
    }
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[secret]")
    }
}

fn seconds(now: Instant) -> u64 {
    u64::try_from(now.micros().div_euclid(1_000_000)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use amvaj_domain::time::Span;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(0).plus(Span::seconds(seconds))
    }

    /// RFC 6238, appendix B: the secret of the vectors of SHA-1.
    fn rfc() -> Totp {
        Totp(Secret::from(*b"12345678901234567890"))
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // The RFC shows eight digits; six of them are the last six.
        let vectors = [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ];
        for (seconds, eight) in vectors {
            assert_eq!(rfc().code(at(seconds)), eight[2..], "{seconds}");
            assert_eq!(rfc().step_of(&eight[2..], at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_a_step_before_and_after_its_own_and_no_longer() {
        let code = rfc().code(at(1_000_000_000));
        let step = 1_000_000_000 / 30;
        let first = step * 30;
        for (seconds, good) in [(-31, false), (-30, true), (0, true), (29, true), (59, true), (60, false)] {
            assert_eq!(rfc().step_of(&code, at(first + seconds)), good.then_some(step), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_read_in_every_script_and_nothing_else_is_a_code() {
        let now = at(59);
        for written in ["287082", "۲۸۷۰۸۲", "٢٨٧٠٨٢", " 287 082 "] {
            assert_eq!(rfc().step_of(written, now), Some(1), "{written}");
        }
        for wrong in ["", "28708", "2870820", "94287082", "28708x", "-87082", "000000"] {
            assert_eq!(rfc().step_of(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn a_sealed_secret_opens_for_its_user_on_its_server_only() {
        let (server, totp) = (ServerSecret::generate().unwrap(), Totp::generate().unwrap());
        let (mine, other) = (UserId::new(Uuid::from_u128(1)), UserId::new(Uuid::from_u128(2)));
        let sealed = totp.seal(&server, mine).unwrap();
        assert_eq!(Totp::open(&server, mine, &sealed).unwrap().code(at(0)), totp.code(at(0)));
        assert!(
            !sealed.windows(8).any(|window| totp.0.as_bytes().starts_with(window)),
            "it is not in the clear"
        );
        assert_ne!(totp.seal(&server, mine).unwrap(), sealed, "no two are alike");
        assert!(Totp::open(&server, other, &sealed).is_none());
        assert!(Totp::open(&ServerSecret::generate().unwrap(), mine, &sealed).is_none());
        for place in 0..sealed.len() {
            let mut spoiled = sealed.clone();
            spoiled[place] ^= 1;
            assert!(Totp::open(&server, mine, &spoiled).is_none(), "{place}");
        }
        assert!(Totp::open(&server, mine, &sealed[..20]).is_none());
    }

    #[test]
    fn an_app_is_given_the_secret_with_its_names() {
        let enrolment = rfc().enrolment("Amvaj: Club", &UserName::parse("mina@club.example").unwrap());
        assert_eq!(enrolment.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(enrolment.uri.starts_with("otpauth://totp/"), "{}", enrolment.uri);
        assert!(enrolment.uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{}", enrolment.uri);
        assert!(enrolment.uri.contains("issuer=Amvaj"), "{}", enrolment.uri);
        assert!(!rfc().enrolment("باشگاه امواج", &UserName::parse("mina").unwrap()).uri.is_empty());
    }
}
