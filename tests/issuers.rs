//! Tokens of outside issuers by the keys that they publish, whatever those issuers do.

use std::path::PathBuf;
use std::time::Duration;

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::time::Span;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::program::{amvaj, empty_folder};
use crate::support::app::{START, TestApp};
use crate::support::database::TestDb;
use crate::support::issuer::{FakeIssuer, KEYS, Signer, assert_refused, published, viewer};
use crate::support::web::Reply;

const MEMBER: &str = include_str!("queries/member.graphql");

fn seconds() -> i64 {
    START.micros() / 1_000_000
}

/// Claims of a merchant's program, good for ten minutes.
fn claims(merchant: MerchantId) -> Value {
    json!({
        "iss": "https://id.partner.example", "aud": "amvaj", "sub": "program-7", "amvaj_id": merchant.to_string(),
        "scope": "points:earn members:read audit:read", "iat": seconds(), "exp": seconds() + 600, "jti": "1",
    })
}

fn spoiled(merchant: MerchantId, field: &str, value: Value) -> Value {
    let mut claims = claims(merchant);
    claims[field] = value;
    claims
}

const MERCHANTS: &str =
    "role = \"merchant\"\nid_claim = \"amvaj_id\"\nscopes = [\"points:earn\", \"members:read\"]";

fn file(name: &str, text: &str) -> PathBuf {
    let path = empty_folder(&format!("issuers-{name}-{}", Uuid::from_u128(u128::from(rand()))));
    let path = path.join("issuers.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn rand() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    u64::from_be_bytes(bytes)
}

async fn app(database: TestDb, name: &str, text: &str) -> TestApp {
    let path = file(name, text);
    TestApp::start_with(database, move |config| config.auth.issuers_file = Some(path.clone())).await
}

#[tokio::test]
async fn tokens_of_an_issuer_call_with_the_role_the_subject_and_the_scopes_of_its_file() {
    let [sqlite, postgres] = TestDb::both().await;
    for database in [sqlite, postgres] {
        let signers = [Signer::ed("ed"), Signer::es("es"), Signer::rs("rs")];
        let issuer = FakeIssuer::start(&signers.each_ref()).await;
        let app = app(database, "good", &issuer.settings(MERCHANTS)).await;
        let merchant = app.merchant("Garden").await;
        for signer in &signers {
            let called = viewer(&app, &signer.sign(&claims(merchant))).await.unwrap();
            assert_eq!(called["role"], "MERCHANT");
            assert_eq!(called["merchant"]["nameEn"], "Garden");
            assert_eq!(
                called["scopes"],
                json!(["points:earn", "members:read"]),
                "no more than the file gives"
            );
        }
        assert_eq!(issuer.asked(), 1, "one answer had all keys");
        let [ed, ..] = &signers;
        let global = GlobalId::Merchant(merchant).write();
        let by_global_id = ed.sign(&spoiled(merchant, "amvaj_id", json!(global.as_str())));
        assert_eq!(viewer(&app, &by_global_id).await.unwrap()["merchant"]["nameEn"], "Garden");
        let listed = ed.sign(&spoiled(merchant, "aud", json!(["x", "amvaj-test"])));
        assert!(viewer(&app, &listed).await.is_ok());
        let fewer = ed.sign(&spoiled(merchant, "scope", json!(["points:earn"])));
        assert_eq!(viewer(&app, &fewer).await.unwrap()["scopes"], json!(["points:earn"]));
        let none = ed.sign(&spoiled(merchant, "scope", Value::Null));
        assert_eq!(viewer(&app, &none).await.unwrap()["scopes"], json!([]));
        let own = app.token(&Identity::console(Caller::Operator));
        assert_eq!(viewer(&app, &own).await.unwrap()["role"], "OPERATOR");
    }
}

#[tokio::test]
async fn roles_come_from_a_claim_where_the_file_says_so() {
    let signer = Signer::es("es");
    let issuer = FakeIssuer::start(&[&signer]).await;
    let roles = "role_claim = \"groups\"\nroles = { ops = \"operator\", care = \"agent\" }\nscopes = [\"members:read\"]";
    let app = app(TestDb::sqlite().await, "roles", &issuer.settings(roles)).await;
    let call = async |groups: Value| {
        let nobody = MerchantId::new(Uuid::from_u128(1));
        let mut claims = spoiled(nobody, "groups", groups);
        claims["scope"] = json!("members:read audit:read");
        viewer(&app, &signer.sign(&claims)).await.map(|viewer| viewer["role"].clone())
    };
    assert_eq!(call(json!("ops")).await.unwrap(), "OPERATOR");
    assert_eq!(call(json!(["x", "care"])).await.unwrap(), "AGENT");
    assert_eq!(call(json!(["ops", "care"])).await.unwrap(), "AGENT", "the one that may do least");
    for nothing in [json!(null), json!("OPS"), json!([["ops"]]), json!({ "ops": true })] {
        assert!(call(nothing).await.is_err());
    }
}

#[tokio::test]
async fn every_token_of_an_issuer_that_is_not_right_is_refused_by_its_name() {
    let (signer, second) = (Signer::ed("ed"), Signer::es("es"));
    let issuer = FakeIssuer::start(&[&signer, &second]).await;
    let app = app(TestDb::sqlite().await, "wrong", &issuer.settings(MERCHANTS)).await;
    let merchant = app.merchant("Garden").await;
    let now = seconds();
    for (field, value, wanted) in [
        ("iss", json!("https://id.other.example"), "unknown key"),
        ("aud", json!("elsewhere"), "another audience"),
        ("aud", json!(["elsewhere"]), "another audience"),
        ("aud", Value::Null, "malformed"),
        ("exp", json!(now - 60), "expired"),
        ("exp", Value::Null, "malformed"),
        ("exp", json!("tomorrow"), "malformed"),
        ("exp", json!(now + 3_601), "longer than"),
        ("exp", json!(1e300), "malformed"),
        ("iat", Value::Null, "malformed"),
        ("iat", json!(now + 61), "not valid yet"),
        ("nbf", json!(now + 61), "not valid yet"),
        ("amvaj_id", json!("garden"), "do not fit"),
        ("amvaj_id", Value::Null, "do not fit"),
        ("amvaj_id", json!(MerchantId::new(Uuid::from_u128(1)).to_string()), "not here"),
    ] {
        let mut claims = spoiled(merchant, field, value.clone());
        if field == "exp" && wanted == "expired" {
            claims["iat"] = json!(now - 600);
        }
        assert_refused(&app, &signer.sign(&claims), wanted).await;
    }
    // At the edges of the clocks' difference.
    for (field, value) in [("exp", now - 59), ("iat", now + 60), ("nbf", now + 60)] {
        let mut claims = spoiled(merchant, field, json!(value));
        if field == "exp" {
            claims["iat"] = json!(now - 600);
        }
        assert!(viewer(&app, &signer.sign(&claims)).await.is_ok(), "{field}");
    }
    let good = signer.sign(&claims(merchant));
    for length in [good.len() - 1, good.rfind('.').unwrap(), good.find('.').unwrap(), 20] {
        assert!(viewer(&app, &good[..length]).await.is_err(), "{length}");
    }
    assert!(viewer(&app, &good).await.is_ok());
}

#[tokio::test]
async fn a_token_does_not_choose_how_or_by_which_key_it_is_checked() {
    let (signer, es, stranger) = (Signer::ed("ed"), Signer::es("es"), Signer::ed("mine"));
    let other = FakeIssuer::start(&[&stranger]).await;
    let issuer = FakeIssuer::start(&[&signer, &es]).await;
    let second = other.settings(MERCHANTS).replace("id.partner.example", "id.second.example");
    let app = app(TestDb::sqlite().await, "choose", &(issuer.settings(MERCHANTS) + &second)).await;
    let merchant = app.merchant("Garden").await;
    let claims = claims(merchant);
    let encode = |header: &Header, key: &EncodingKey| jsonwebtoken::encode(header, &claims, key).unwrap();

    // Its public key as a shared secret.
    let public = URL_SAFE_NO_PAD.decode(signer.jwk()["x"].as_str().unwrap()).unwrap();
    let header = Header { kid: Some("ed".to_owned()), ..Header::new(Algorithm::HS256) };
    assert_refused(&app, &encode(&header, &EncodingKey::from_secret(&public)), "algorithm").await;
    // Another algorithm than its key's.
    let header = Header { kid: Some("ed".to_owned()), ..Header::new(Algorithm::ES256) };
    assert_refused(&app, &encode(&header, &es.key), "algorithm").await;
    // None at all.
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    for none in ["none", "None", "NONE", ""] {
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{none}","kid":"ed"}}"#));
        for signature in ["", "AAAA"] {
            assert!(viewer(&app, &format!("{header}.{payload}.{signature}")).await.is_err(), "{none}");
        }
    }
    // A key that it brings along, or points to.
    let brought: Jwk = serde_json::from_value(stranger.jwk()).unwrap();
    let jku = Some(other.web.url("/jwks.json"));
    let mine = Header { jwk: Some(brought), jku: jku.clone(), x5u: jku, ..stranger.header() };
    assert_refused(&app, &encode(&mine, &stranger.key), "unknown key").await;
    let disguised = Header { kid: Some("ed".to_owned()), ..mine };
    assert_refused(&app, &encode(&disguised, &stranger.key), "signature").await;
    assert_eq!(other.asked(), 0);
    // Brought along beside the right one it is of no matter.
    let brought: Jwk = serde_json::from_value(stranger.jwk()).unwrap();
    let beside = Header { jwk: Some(brought), ..signer.header() };
    assert!(viewer(&app, &encode(&beside, &signer.key)).await.is_ok());
    // The key of another issuer that is accepted as well.
    let own = spoiled(merchant, "iss", json!("https://id.second.example"));
    assert!(viewer(&app, &stranger.sign(&own)).await.is_ok());
    assert_refused(&app, &stranger.sign(&claims), "unknown key").await;
    assert_refused(&app, &signer.sign(&own), "unknown key").await;
    // Extensions that have to be understood.
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..signer.header() };
    assert_refused(&app, &encode(&critical, &signer.key), "crit").await;
    // No name of a key, and our own name with their key.
    let nameless = Header { kid: None, ..signer.header() };
    assert_refused(&app, &encode(&nameless, &signer.key), "unknown key").await;
    let as_ours = spoiled(merchant, "iss", json!("amvaj"));
    assert_refused(&app, &signer.sign(&as_ours), "unknown key").await;
}

#[tokio::test]
async fn an_issuer_may_change_its_keys_and_made_up_names_ask_it_seldom() {
    let (old, new) = (Signer::ed("old"), Signer::ed("new"));
    let issuer = FakeIssuer::start(&[&old]).await;
    let app = app(TestDb::sqlite().await, "rotation", &issuer.settings(MERCHANTS)).await;
    let merchant = app.merchant("Garden").await;
    let claims = claims(merchant);
    assert!(viewer(&app, &old.sign(&claims)).await.is_ok());
    issuer.replies(published(&[&old, &new]));
    assert_refused(&app, &new.sign(&claims), "unknown key").await;
    assert_eq!(issuer.asked(), 1, "it was asked a moment ago");
    app.clock.advance_to(START.plus(Span::seconds(30)));
    let tokens: Vec<String> =
        (0..10).map(|number| new.sign(&spoiled(merchant, "jti", json!(number)))).collect();
    let calls = join_all(tokens.iter().map(|token| viewer(&app, token))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(issuer.asked(), 2, "of many who need the key at once one fetches it");
    for name in ["a", "b", "c"] {
        let made_up = Header { kid: Some(name.to_owned()), ..new.header() };
        let token = jsonwebtoken::encode(&made_up, &claims, &new.key).unwrap();
        assert_refused(&app, &token, "unknown key").await;
    }
    assert_eq!(issuer.asked(), 2);
    issuer.replies(published(&[&new]));
    app.clock.advance_to(START.plus(Span::seconds(400)));
    assert!(viewer(&app, &new.sign(&claims)).await.is_ok(), "while the keys are fetched anew beside");
    issuer.web.asked_times(3).await;
    let gone = old.sign(&spoiled(merchant, "jti", json!("later")));
    for _ in 0..100 {
        if viewer(&app, &gone).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a key that the issuer withdrew is still good");
}

#[tokio::test]
async fn an_issuer_that_is_down_or_talks_nonsense_keeps_its_keys_for_a_bounded_time() {
    let signer = Signer::es("es");
    let issuer = FakeIssuer::start(&[&signer]).await;
    let text = issuer.settings(&format!("{MERCHANTS}\nkeep_keys_hours = 1"));
    let app = app(TestDb::sqlite().await, "down", &text).await;
    let merchant = app.merchant("Garden").await;
    let token = |at: i64| {
        let mut claims = spoiled(merchant, "iat", json!(seconds() + at));
        claims["exp"] = json!(seconds() + at + 600);
        signer.sign(&claims)
    };
    assert!(viewer(&app, &token(0)).await.is_ok());
    let many: Vec<Value> = vec![signer.jwk(); 101];
    let nonsense = [
        Reply::Break,
        Reply::Answer(500, String::new()),
        Reply::With(302, "location: https://elsewhere.example/\r\n".to_owned(), String::new()),
        Reply::Answer(200, "<html>keys</html>".to_owned()),
        Reply::Answer(200, json!({ "keys": [] }).to_string()),
        Reply::Answer(200, json!({ "keys": many }).to_string()),
        Reply::Answer(200, json!({ "keys": [{ "kty": "oct", "kid": "es", "k": "AAAA" }] }).to_string()),
        Reply::Endless("x".repeat(10_000)),
    ];
    for (step, reply) in (1..).zip(nonsense) {
        let (at, asked) = (400 * step, issuer.asked());
        issuer.replies(reply);
        app.clock.advance_to(START.plus(Span::seconds(at)));
        // Until the answer before has come to its end, nobody asks again.
        while issuer.asked() == asked {
            assert!(viewer(&app, &token(at)).await.is_ok(), "the old keys go on at {at}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    app.clock.advance_to(START.plus(Span::seconds(3_600)));
    assert_eq!(
        viewer(&app, &token(3_600)).await.unwrap_err().0,
        "OVERLOADED",
        "nobody knows whether it is good"
    );
    let asked = app.request(None, KEYS, "Viewer", json!({})).bearer_auth(token(3_600)).send().await.unwrap();
    assert_eq!(asked.status(), 503);
    issuer.replies(published(&[&signer]));
    app.clock.advance_to(START.plus(Span::seconds(3_700)));
    assert!(viewer(&app, &token(3_700)).await.is_ok());
}

#[tokio::test]
async fn a_slow_issuer_slows_nobody_else() {
    let (slow, quick) = (Signer::ed("slow"), Signer::ed("quick"));
    let (silent, other) = (FakeIssuer::start(&[]).await, FakeIssuer::start(&[&quick]).await);
    silent.replies(Reply::Silence);
    let second = other.settings(MERCHANTS).replace("id.partner.example", "id.second.example");
    let app = app(TestDb::sqlite().await, "slow", &(silent.settings(MERCHANTS) + &second)).await;
    let merchant = app.merchant("Garden").await;
    let token = slow.sign(&claims(merchant));
    let waiting = viewer(&app, &token);
    let others = async {
        silent.web.asked_times(1).await;
        let good = quick.sign(&spoiled(merchant, "iss", json!("https://id.second.example")));
        assert!(viewer(&app, &good).await.is_ok());
        let own = app.token(&Identity::console(Caller::Operator));
        assert!(viewer(&app, &own).await.is_ok());
    };
    tokio::pin!(waiting);
    tokio::select! {
        early = &mut waiting => panic!("nobody has answered: {early:?}"),
        () = others => {}
    }
    assert_eq!(waiting.await.unwrap_err().0, "OVERLOADED");
    assert_eq!(viewer(&app, &token).await.unwrap_err().0, "OVERLOADED", "at once: it was asked a moment ago");
    assert_eq!(silent.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_that_name_a_slow_issuer_wait_in_bounded_numbers() {
    let silent = FakeIssuer::start(&[]).await;
    silent.replies(Reply::Silence);
    let app = app(TestDb::sqlite().await, "crowd", &silent.settings(MERCHANTS)).await;
    let merchant = app.merchant("Garden").await;
    let token = Signer::ed("forged").sign(&claims(merchant));
    let forged: FuturesUnordered<_> = (0..100).map(|_| viewer(&app, &token)).collect();
    let over = silent.web.asked_times(1);
    // Long before the issuer is given up.
    let at_once = timeout(Duration::from_secs(2), forged.take(100 - 64).collect::<Vec<_>>());
    let (at_once, _) = tokio::join!(at_once, over);
    let at_once = at_once.expect("those who find no place do not wait");
    assert!(at_once.iter().all(|told| told.as_ref().unwrap_err().0 == "OVERLOADED"), "{at_once:?}");
    assert_eq!(silent.asked(), 1, "one fetch, which still goes on");
    let own = app.token(&Identity::console(Caller::Operator));
    assert!(viewer(&app, &own).await.is_ok());
}

#[tokio::test]
async fn a_blocked_member_s_tokens_end_whoever_signed_them_and_new_ones_are_refused() {
    for database in TestDb::both().await {
        let signer = Signer::ed("ed");
        let issuer = FakeIssuer::start(&[&signer]).await;
        let members = "role = \"member\"\nid_claim = \"amvaj_id\"";
        let app = app(database, "member", &issuer.settings(members)).await;
        let member = app.member("مینا", "09121110009").await;
        let of = |member: MemberId, iat: i64| {
            let mut claims = claims(MerchantId::new(Uuid::from_u128(1)));
            claims["amvaj_id"] = json!(GlobalId::Member(member).write().as_str());
            claims["iat"] = json!(iat);
            signer.sign(&claims)
        };
        let token = of(member, seconds());
        assert_eq!(viewer(&app, &token).await.unwrap()["role"], "MEMBER");
        let early = of(member, seconds() + 30);
        assert!(viewer(&app, &early).await.is_ok(), "its issuer's clock is ahead");
        let id = GlobalId::Member(member).write();
        app.data(Caller::Operator, MEMBER, "BlockMember", json!({ "id": id.as_str() })).await;
        assert_refused(&app, &token, "revoked").await;
        assert_refused(&app, &early, "revoked").await;
        app.clock.advance_to(START.plus(Span::seconds(50)));
        assert_refused(&app, &of(member, seconds() + 50), "not here or is blocked").await;
        assert_refused(&app, &of(MemberId::new(Uuid::from_u128(3)), seconds()), "not here").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_one_request_is_good_for_one_on_all_nodes_together() {
    for database in TestDb::both().await {
        let signer = Signer::ed("ed");
        let issuer = FakeIssuer::start(&[&signer]).await;
        let path = file("once", &issuer.settings(&format!("{MERCHANTS}\nsingle_use = true")));
        let app = TestApp::start_with(database, move |config| config.auth.issuers_file = Some(path.clone()));
        let app = app.await;
        let node = app.second_node().await;
        let merchant = app.merchant("Garden").await;
        let token = signer.sign(&claims(merchant));
        let calls = [&app, &node, &app, &node, &app, &node].map(|app| viewer(app, &token));
        let calls = join_all(calls).await;
        assert_eq!(calls.iter().filter(|call| call.is_ok()).count(), 1, "{calls:?}");
        assert_refused(&node, &token, "has been used").await;
        assert!(viewer(&node, &signer.sign(&spoiled(merchant, "jti", json!("2")))).await.is_ok());
        for missing in [Value::Null, json!(""), json!(7), json!("x".repeat(600))] {
            assert_refused(&app, &signer.sign(&spoiled(merchant, "jti", missing)), "malformed").await;
        }
    }
}

#[tokio::test]
async fn a_file_of_issuers_that_is_wrong_is_told_at_the_start() {
    let folder = empty_folder("issuers-start");
    std::fs::write(folder.join("issuers.toml"), "[[issuer]]\nissuer = \"amvaj\"\nalgorithms = [\"none\"]")
        .unwrap();
    let started =
        amvaj(&folder).arg("serve").env("AMVAJ_AUTH_ISSUERS_FILE", "issuers.toml").output().unwrap();
    let told = String::from_utf8(started.stderr).unwrap();
    assert!(!started.status.success());
    assert!(told.contains("is the name of this server's own tokens"), "{told}");
    assert!(
        told.contains("audience is missing") && told.contains("none of EdDSA, ES256 and RS256"),
        "{told}"
    );
}
