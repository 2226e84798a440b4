//! Our own access tokens: how they are checked, the keys that sign them, and the rotation of those keys.

use std::time::Duration;

use amvaj_api::auth::Credentials;
use amvaj_api::auth::key_files::KeyFiles;
use amvaj_api::config::Config;
use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::time::Span;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, Header};
use serde_json::Value;

use crate::program::{amvaj, empty_folder};
use crate::support::app::{START, TestApp};
use crate::support::database::TestDb;
use crate::support::issuer::{Signer, assert_refused, viewer};

#[tokio::test]
async fn our_own_tokens_choose_nothing_either() {
    let app = TestApp::start(TestDb::sqlite().await).await;
    let token = app.token(&Identity::console(Caller::Operator));
    let parts: Vec<&str> = token.split('.').collect();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let stranger = Signer::ed("mine");
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let kid = header["kid"].as_str().unwrap().to_owned();
    let brought: Jwk = serde_json::from_value(stranger.jwk()).unwrap();
    let disguised = Header { kid: Some(kid.clone()), jwk: Some(brought), ..Header::new(Algorithm::EdDSA) };
    let forged = jsonwebtoken::encode(&disguised, &claims, &stranger.key).unwrap();
    assert_refused(&app, &forged, "signature").await;
    let es = Signer::es("x");
    let header = Header { kid: Some(kid.clone()), ..Header::new(Algorithm::ES256) };
    assert_refused(&app, &jsonwebtoken::encode(&header, &claims, &es.key).unwrap(), "algorithm").await;
    let header =
        Header { kid: Some(kid), crit: Some(vec!["b64".to_owned()]), ..Header::new(Algorithm::EdDSA) };
    assert_refused(&app, &jsonwebtoken::encode(&header, &claims, &stranger.key).unwrap(), "crit").await;
    let other = TestApp::start(TestDb::sqlite().await).await;
    assert_refused(&other, &token, "unknown key").await;
    assert!(viewer(&app, &token).await.is_ok());
}

/// The names of the keys that a server publishes.
async fn published_by(app: &TestApp) -> Vec<String> {
    let set: Value = serde_json::from_str(&app.page("/.well-known/jwks.json").await).unwrap();
    let keys = set["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

#[tokio::test]
async fn the_public_keys_are_published_to_be_kept_for_a_short_time() {
    let app = TestApp::start(TestDb::sqlite().await).await;
    let answer = reqwest::get(format!("{}.well-known/jwks.json", app.home())).await.unwrap();
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-type").starts_with("application/jwk-set+json"));
    assert_eq!(header("cache-control"), "public, max-age=300");
    let set: Value = answer.json().await.unwrap();
    let token = app.token(&Identity::console(Caller::Operator));
    assert_eq!(set["keys"][0]["kid"], kid(&token));
    assert!(set["keys"][0]["d"].is_null(), "{set}");
    // Whoever verifies by what is published finds our tokens good.
    let jwk: Jwk = serde_json::from_value(set["keys"][0].clone()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["amvaj"]);
    validation.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let read = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
    assert_eq!(read.claims["sub"], "operator");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_refused_while_signing_keys_are_rotated_on_two_nodes() {
    let folder = empty_folder("rotation");
    let mut config = Config::default().auth;
    config.key_file = folder.join("signing-key.pem");
    config.secret_file = folder.join("server-secret.key");
    let credentials = || Credentials::load_or_create(&config).unwrap();
    let app = TestApp::start_as(TestDb::sqlite().await, credentials()).await;
    let node = app.second_node_as(credentials()).await;
    let files = KeyFiles::new(&config.key_file);
    let operator = Identity::console(Caller::Operator);
    let before = app.token(&operator);
    let first = kid(&before);

    let made = files.rotate(Span::minutes(15), app.clock.now()).unwrap();
    for node in [&app, &node] {
        for tries in 0.. {
            assert!(tries < 500, "the next key is never published");
            assert!(viewer(node, &before).await.is_ok() && viewer(node, &app.token(&operator)).await.is_ok());
            if published_by(node).await == [first.clone(), made.id.clone()] {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(kid(&node.token(&operator)), first, "it is published and does not sign");
    }
    app.clock.advance_to(START.plus(Span::minutes(15)));
    let after = app.token(&operator);
    assert_eq!(kid(&after), made.id);
    for app in [&app, &node] {
        assert!(viewer(app, &before).await.is_ok() && viewer(app, &after).await.is_ok());
    }
    // A key that is not safe any more goes at once, with its tokens, whoever has verified them before.
    files.retire(&first, true, app.clock.now()).unwrap();
    for app in [&app, &node] {
        for tries in 0.. {
            assert!(tries < 500, "the old key is never gone");
            assert!(viewer(app, &after).await.is_ok());
            if viewer(app, &before).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_refused(app, &before, "unknown key").await;
        assert_eq!(published_by(app).await, [made.id.as_str()]);
    }
    // Files that are gone for a moment change nothing.
    std::fs::remove_dir_all(folder.join("signing-key.d")).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(viewer(&app, &after).await.is_ok());
}

#[tokio::test]
async fn keys_are_listed_rotated_and_retired_on_the_command_line_and_that_is_told() {
    let folder = empty_folder("keys-command");
    let run = |arguments: &[&str]| {
        let done = amvaj(&folder).args(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.success(), text(done.stdout), text(done.stderr))
    };
    let (_, token, _) = run(&["token", "operator"]);
    let first = kid(token.trim());
    let (_, listed, _) = run(&["keys", "list"]);
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(listed.starts_with(&format!("{first}  signs  ")), "{listed}");
    let (_, rotated, _) = run(&["keys", "rotate"]);
    assert!(rotated.contains("is published now and signs from"), "{rotated}");
    let (good, _, told) = run(&["keys", "rotate", "--in", "0s"]);
    assert!(!good && told.contains("is published and does not sign yet"), "{told}");
    let (good, _, told) = run(&["keys", "retire", &first]);
    assert!(!good && told.contains("signs or will sign"), "{told}");
    let (_, token, _) = run(&["token", "operator"]);
    assert_eq!(kid(token.trim()), first);
    // With another folder, so that nothing is on its way.
    std::fs::remove_file(folder.join("signing-key.d/2.pem")).unwrap();
    let (_, rotated, _) = run(&["keys", "rotate", "--in", "0s"]);
    let (_, token, _) = run(&["token", "operator"]);
    let second = kid(token.trim());
    assert!(second != first && rotated.contains(&second), "{rotated}");
    let (good, _, told) = run(&["keys", "retire", &first]);
    assert!(!good && told.contains("can be good until"), "{told}");
    let (good, listed, _) = run(&["keys", "retire", &first, "--force"]);
    assert!(good && listed.contains("is retired") && !listed.contains("signed until"), "{listed}");
    let (_, listed, _) = run(&["keys", "list"]);
    assert!(listed.starts_with(&format!("{second}  signs  ")) && listed.lines().count() == 1, "{listed}");

    let url = format!("sqlite://{}", folder.join("amvaj.sqlite").display());
    let database = crate::support::database::open(&url).await;
    let log = amvaj_infra::audit::AuditLog::start(database, &amvaj_infra::clock::Clock::System);
    let told = log.page(&Default::default(), &amvaj_infra::page::PageRequest::first(20)).await.unwrap().items;
    let told: Vec<String> = told.iter().map(|entry| format!("{:?}", entry.kind)).collect();
    let signing: Vec<&String> = told.iter().filter(|act| act.starts_with("Signing")).collect();
    assert_eq!(signing, ["SigningKeyMade", "SigningKeyMade", "SigningKeyRetired"]);
    std::fs::remove_dir_all(&folder).unwrap();
}
