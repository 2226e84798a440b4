use amvaj_domain::access::Scope;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use super::*;
use crate::auth::SigningKey;
use crate::config::Config;

const NOW: Instant = Instant::from_micros(1_800_000_000_000_000);
const HOUR: Duration = Duration::from_hours(1);

fn tokens() -> Tokens {
    Tokens::new(KeySet::new(SigningKey::generate().unwrap()), &Config::default().auth)
}

fn merchant() -> Identity {
    Identity::console(Caller::Merchant(MerchantId::new(Uuid::from_u128(7))))
}

impl Tokens {
    fn identity(&self, token: &str, now: Instant) -> Result<Identity, TokenError> {
        self.verify(token, now).map(|bearer| bearer.identity)
    }
}

/// Claims that are good, to be spoiled one at a time.
fn good_claims() -> Value {
    let now = seconds(NOW);
    json!({ "iss": "amvaj", "aud": "amvaj", "sub": "operator", "role": "operator",
            "iat": now, "nbf": now, "exp": now + 3_600, "jti": "1" })
}

fn signed(tokens: &Tokens, claims: &Value) -> String {
    let keys = tokens.keys.set();
    let key = keys.signing(NOW);
    let header = Header { kid: Some(key.id().to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, key.encoding()).unwrap()
}

fn spoiled(field: &str, value: Value) -> Result<Identity, TokenError> {
    let tokens = tokens();
    let mut claims = good_claims();
    claims[field] = value;
    tokens.identity(&signed(&tokens, &claims), NOW)
}

#[test]
fn every_identity_comes_back_from_its_token() {
    let tokens = tokens();
    let uuid = Uuid::from_u128;
    let member = MemberId::new(uuid(9));
    let posts = vec![
        Post { branch: None, role: StaffRole::Cashier },
        Post { branch: Some(BranchId::new(uuid(3))), role: StaffRole::Manager },
    ];
    let key = Identity::new(merchant().caller, Actor::ApiKey(ApiKeyId::new(uuid(5))));
    for identity in [
        Identity::console(Caller::Operator),
        Identity::new(Caller::Agent, Actor::User(UserId::new(uuid(4)))).within(SessionId::new(uuid(8))),
        merchant(),
        key.limited_to(Scopes::of(&[Scope::PointsEarn])),
        Identity::staff(MerchantId::new(uuid(7)), StaffId::new(uuid(6)), posts),
        Identity::new(Caller::Member(member), Actor::Member(member)).within(SessionId::new(uuid(8))),
    ] {
        let token = tokens.mint(&identity, HOUR, NOW).unwrap();
        assert_eq!(tokens.identity(&token, NOW), Ok(identity.clone()));
        assert_eq!(tokens.identity(&token, NOW), Ok(identity), "from memory");
    }
}

#[test]
fn a_token_gives_no_scope_that_its_role_does_not_have() {
    let tokens = tokens();
    let mut claims = good_claims();
    claims["scope"] = json!("points:earn audit:read points:mint");
    let identity = tokens.identity(&signed(&tokens, &claims), NOW).unwrap();
    assert_eq!(identity.scopes, Scopes::of(&[Scope::AuditRead]));
}

#[test]
fn a_token_ends_with_its_time_even_when_it_is_remembered() {
    let tokens = tokens();
    let token = tokens.mint(&merchant(), HOUR, NOW).unwrap();
    assert!(tokens.identity(&token, NOW).is_ok());
    assert!(tokens.identity(&token, NOW.plus(Span::seconds(3_659))).is_ok(), "within the skew");
    assert_eq!(tokens.identity(&token, NOW.plus(Span::seconds(3_660))), Err(TokenError::Expired));
    assert_eq!(tokens.identity(&token, NOW.plus(Span::seconds(-61))), Err(TokenError::NotYetValid));
}

#[test]
fn an_unsigned_token_is_refused() {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let token = format!("{header}.{}.", URL_SAFE_NO_PAD.encode(good_claims().to_string()));
    assert!(matches!(tokens().identity(&token, NOW), Err(TokenError::Malformed | TokenError::Algorithm)));
}

#[test]
fn a_public_key_does_not_serve_as_a_shared_secret() {
    let tokens = tokens();
    let keys = tokens.keys.set();
    let key = keys.signing(NOW);
    let public = key.decoding().try_get_as_bytes().unwrap();
    let header = Header { kid: Some(key.id().to_owned()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &good_claims(), &EncodingKey::from_secret(public)).unwrap();
    assert_eq!(tokens.identity(&token, NOW), Err(TokenError::Algorithm));
}

#[test]
fn another_key_is_refused_with_its_own_name_and_with_ours() {
    let (ours, other) = (tokens(), tokens());
    let token = other.mint(&merchant(), HOUR, NOW).unwrap();
    assert_eq!(ours.identity(&token, NOW), Err(TokenError::UnknownKey));

    let header =
        Header { kid: Some(ours.keys.set().signing(NOW).id().to_owned()), ..Header::new(Algorithm::EdDSA) };
    let forged =
        jsonwebtoken::encode(&header, &good_claims(), other.keys.set().signing(NOW).encoding()).unwrap();
    assert_eq!(ours.identity(&forged, NOW), Err(TokenError::Signature));
}

#[test]
fn an_older_key_of_the_set_still_verifies() {
    let config = Config::default().auth;
    let old = SigningKey::generate().unwrap();
    let token = Tokens::new(KeySet::new(old.clone()), &config).mint(&merchant(), HOUR, NOW).unwrap();
    let rotated = KeySet::new(old).with(SigningKey::generate().unwrap(), NOW);
    assert_eq!(Tokens::new(rotated, &config).identity(&token, NOW), Ok(merchant()));
}

#[test]
fn wrong_claims_are_refused_each_by_its_name() {
    assert_eq!(spoiled("iss", json!("somebody")), Err(TokenError::Issuer));
    assert_eq!(spoiled("aud", json!("elsewhere")), Err(TokenError::Audience));
    assert_eq!(spoiled("exp", json!(seconds(NOW) - 61)), Err(TokenError::Expired));
    assert_eq!(spoiled("nbf", json!(seconds(NOW) + 61)), Err(TokenError::NotYetValid));
    assert_eq!(spoiled("role", json!("member")), Err(TokenError::Subject));
    assert_eq!(spoiled("sub", json!("merchant:not-a-uuid")), Err(TokenError::Subject));
    assert_eq!(spoiled("actor", json!("robot:1")), Err(TokenError::Subject));
    assert_eq!(spoiled("posts", json!([[null, "king"]])), Err(TokenError::Subject));
    assert_eq!(spoiled("exp", Value::Null), Err(TokenError::Malformed));
}

#[test]
fn truncated_and_overlong_tokens_are_refused() {
    let tokens = tokens();
    let token = tokens.mint(&merchant(), HOUR, NOW).unwrap();
    for length in 0..token.len() {
        assert!(tokens.identity(&token[..length], NOW).is_err(), "{length} characters");
    }
    assert_eq!(tokens.identity(&"a".repeat(LONGEST + 1), NOW), Err(TokenError::Malformed));
}
