//! No way in for an erased member, and nothing that is written of it: neither now nor in years, whoever vouches for it.

use std::time::Duration;

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::app::sessions;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, EndReason, Identity, Subject, SubjectKind};
use amvaj_domain::time::Span;
use amvaj_infra::access::CodeRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{EXPORT, PHONE, RELATION, erase, id, known_member, operator};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::issuer::{FakeIssuer, Signer, assert_refused, viewer};
use crate::support::till::{Till, assert_sound, codes};

/// A token that an outside issuer makes for a member at the server's time.
fn token(app: &TestApp, signer: &Signer, till: &Till<'_>) -> String {
    let now = app.clock.now().micros() / 1_000_000;
    signer.sign(&json!({
        "iss": "https://id.partner.example", "aud": "amvaj", "sub": "somebody", "amvaj_id": till.member.to_string(),
        "iat": now, "exp": now + 600, "jti": now.to_string(),
    }))
}

async fn is_refused(app: &TestApp, token: &str) -> bool {
    matches!(viewer(app, token).await, Err((code, _)) if code == "UNAUTHENTICATED")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_made_for_an_erased_member_lets_nobody_in_for_ever() {
    let folder = crate::program::empty_folder("erased-issuers");
    for (number, database) in TestDb::both().await.into_iter().enumerate() {
        let signer = Signer::ed("ed");
        let issuer = FakeIssuer::start(&[&signer]).await;
        let path = folder.join(format!("{number}.toml"));
        let rule = "role = \"member\"\nid_claim = \"amvaj_id\"";
        std::fs::write(&path, issuer.settings(rule)).unwrap();
        let app = TestApp::start_with(database, move |config| {
            config.auth.issuers_file = Some(path.clone());
        })
        .await;
        let till = known_member(&app).await;
        let own = Identity::console(Caller::Member(till.member));
        let before = token(&app, &signer, &till);
        assert_eq!(viewer(&app, &before).await.unwrap()["role"], "MEMBER");
        assert!(!is_refused(&app, &app.token(&own)).await);

        let member = id(GlobalId::Member(till.member));
        let erased = erase(&app, &operator(), json!({ "memberId": member })).await;
        assert_eq!(codes(&erased), Vec::<&str>::new());
        assert_refused(&app, &before, "revoked").await;
        // One that is made a second later, an hour later, in three years.
        for later in [Span::seconds(1), Span::minutes(60), Span::days(1_100)] {
            app.clock.advance_to(app.clock.now().plus(later));
            assert!(is_refused(&app, &app.token(&own)).await, "made here, {later:?} later");
            assert!(is_refused(&app, &token(&app, &signer, &till)).await, "by the issuer, {later:?} later");
        }
        // What is ended of it later takes nothing back, and a server that starts then knows of it.
        app.app
            .sessions
            .end_all(Subject::Member(till.member), EndReason::ByOthers, app.clock.now())
            .await
            .unwrap();
        let node = app.second_node().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.clock.advance_to(app.clock.now().plus(Span::minutes(1)));
        for server in [&app, &node] {
            assert!(is_refused(server, &server.token(&own)).await);
            assert!(is_refused(server, &token(server, &signer, &till)).await);
        }
        node.stop().await.unwrap();
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_found_a_member_before_it_was_erased_writes_nothing_of_it_after() {
    for app in TestApp::both().await {
        let till = known_member(&app).await;
        let (member, subject) = (till.member, Subject::Member(till.member));
        let now = app.clock.now();
        let erased = erase(&app, &operator(), json!({ "memberId": id(GlobalId::Member(member)) })).await;
        assert_eq!(codes(&erased), Vec::<&str>::new());

        assert!(sessions::begin(&app.app, subject, PHONE).await.unwrap().is_none());
        let request = CodeRequest {
            kind: SubjectKind::Member,
            number_key: [1; 32],
            challenge: Uuid::from_u128(30),
            subject: Some(member.uuid()),
            code_hash: [2; 32],
        };
        app.app.login_codes.open(&request, now).await.unwrap();
        assert!(!app.app.boards.hide(member, false, now).await.unwrap());
        let export = json!({ "idempotencyKey": "after", "memberId": id(GlobalId::Member(member)) });
        let asked = app.data(Caller::Operator, EXPORT, "ExportMember", json!({ "input": export })).await;
        assert_eq!(codes(&asked["exportMember"]), ["MEMBER_NOT_FOUND"], "{asked:#}");
        relay_outbox(&app.app, now).await.unwrap();
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_whose_purchase_is_noticed_after_the_erasure_sees_an_id_alone() {
    const SHOWN: &str =
        "query Shown($id: ID!) { node(id: $id) { ... on Member { disclosure wallet { available } } } }";
    for app in TestApp::both().await {
        // Nobody enrolled the member there: the relation begins with the purchase, which the outbox tells of.
        let till = Till::open(&app, "09355550000").await;
        till.earn("k", "R", 10).await;
        let named = json!({ "memberId": id(GlobalId::Member(till.member)) });
        assert_eq!(codes(&erase(&app, &operator(), named).await), Vec::<&str>::new());
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        assert_sound(&app).await;
        // Another node, which has not had the purchase made.
        let node = app.second_node().await;
        let one = json!({ "id": id(GlobalId::Member(till.member)) });
        let shown: Value = node.data(till.caller(), SHOWN, "Shown", one).await["node"].clone();
        assert_eq!((&shown["disclosure"], &shown["wallet"]), (&json!("MASKED"), &Value::Null), "{shown}");
        let consent = json!({ "merchantId": id(GlobalId::Merchant(till.merchant)), "consent": "PROFILE" });
        let own = Some(Caller::Member(till.member));
        let said = node.send(own, RELATION, "SetConsent", json!({ "input": consent })).await;
        assert_eq!(said["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{said}");
        node.stop().await.unwrap();
    }
}
