//! Trusted documents: who may send nothing else, and that they are held to what every document is held to.

use std::path::{Path, PathBuf};

use amvaj_api::config::Config;
use amvaj_api::graphql::persisted::TrustedOnly;
use amvaj_api::graphql::persisted::manifest::{Entry, write};
use amvaj_domain::access::Caller;
use amvaj_infra::persisted::TextHash;
use serde_json::{Value, json};

use super::{TRANSPORTS, Transport, apq, ask, code, document, id, introduction, text, token};
use crate::program::{amvaj, empty_folder};
use crate::support::app::TestApp;
use crate::support::database::TestDb;

const TRUSTED: &str = "query Trusted { version }";
const LIST: &str = "query List($first: Int!) { operations(first: $first) { nodes { id } } }";

fn manifest(folder: &Path, texts: &[&str]) -> PathBuf {
    let entry = |text: &&str| Entry {
        id: TextHash::of(text).to_string(),
        name: "Q".to_owned(),
        kind: "query".to_owned(),
        body: (*text).to_owned(),
    };
    let path = folder.join("documents.json");
    std::fs::write(&path, write(texts.iter().map(entry).collect()).unwrap()).unwrap();
    path
}

/// A server of each kind with a manifest, which takes nothing else from some.
async fn servers(only: TrustedOnly, texts: &[&str]) -> [TestApp; 2] {
    let path = manifest(&empty_folder("trusted"), texts);
    let [sqlite, postgres] = TestDb::both().await;
    let change = move |config: &mut Config| {
        config.graphql.manifest = Some(path.clone());
        config.graphql.trusted_only = only;
    };
    [TestApp::start_with(sqlite, change.clone()).await, TestApp::start_with(postgres, change).await]
}

/// All ways to send a document.
fn ways(document: &str) -> [Value; 4] {
    [text(document), introduction(document), apq(document), id(document)]
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_send_trusted_documents_only_is_refused_every_other_over_every_transport() {
    for only in [TrustedOnly::Nobody, TrustedOnly::Members, TrustedOnly::Everyone] {
        for app in servers(only, &[TRUSTED]).await {
            let member = Caller::Member(app.member("سارا احمدی", "09126600201").await);
            let merchant = Caller::Merchant(app.merchant("Shop").await);
            let callers = [None, Some(member), Some(merchant), Some(Caller::Operator), Some(Caller::Agent)];
            for caller in callers {
                let token = caller.map(|caller| token(&app, caller));
                let bound = match only {
                    TrustedOnly::Nobody => false,
                    TrustedOnly::Members => matches!(caller, None | Some(Caller::Member(_))),
                    TrustedOnly::Everyone => true,
                };
                let other = document(format!("{caller:?}"));
                for transport in TRANSPORTS {
                    for way in ways(TRUSTED) {
                        let code = code(&app, transport, token.as_deref(), &way).await;
                        assert_eq!(code, "", "{only} {transport:?} {caller:?} {way}");
                    }
                    for way in ways(&other) {
                        let code = code(&app, transport, token.as_deref(), &way).await;
                        let expected = if bound { "FORBIDDEN" } else { "" };
                        assert_eq!(code, expected, "{only} {transport:?} {caller:?} {way}");
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_introduced_is_not_trusted() {
    for app in servers(TrustedOnly::Members, &[TRUSTED]).await {
        let (operator, other) = (token(&app, Caller::Operator), document("the operator's"));
        assert_eq!(code(&app, Transport::Post, Some(&operator), &introduction(&other)).await, "");
        for way in ways(&other) {
            let answer = ask(&app, Transport::Post, None, &way).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer:#}");
            let message = answer["errors"][0]["message"].as_str().unwrap();
            assert!(message.contains("manifest"), "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_document_is_held_to_limits_roles_and_methods() {
    let aliases: String = (0..101).map(|number| format!(" a{number}: version")).collect();
    let many = format!("query Many {{{aliases} }}");
    let old = "query Old { aFieldOfAnOldVersion }";
    let mutation = "mutation M { endSession(input: { sessionId: \"nobody's\" }) { userErrors { code } } }";
    for app in servers(TrustedOnly::Everyone, &[TRUSTED, LIST, &many, old, mutation]).await {
        let merchant = token(&app, Caller::Merchant(app.merchant("Shop").await));
        let list = |first: i64| {
            let mut parameters = id(LIST);
            parameters["variables"] = json!({ "first": first });
            parameters
        };
        let post = async |token: Option<&str>, way: &Value| code(&app, Transport::Post, token, way).await;
        assert_eq!(post(Some(&merchant), &list(1)).await, "");
        assert_eq!(post(Some(&merchant), &list(101)).await, "BAD_USER_INPUT");
        assert_eq!(post(None, &list(1)).await, "UNAUTHENTICATED");
        assert_eq!(post(Some(&merchant), &id(&many)).await, "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(post(Some(&merchant), &id(old)).await, "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(post(Some(&merchant), &id(mutation)).await, "");
        assert_eq!(code(&app, Transport::Get, Some(&merchant), &id(mutation)).await, "BAD_USER_INPUT");
    }
}

#[test]
fn a_server_without_the_manifest_that_it_needs_does_not_start() {
    let folder = empty_folder("no-manifest");
    let starts = |pairs: &[(&str, &Path)]| {
        let mut command = amvaj(&folder);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        for (name, value) in pairs {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let (only, file) = ("AMVAJ_GRAPHQL_TRUSTED_ONLY", "AMVAJ_GRAPHQL_MANIFEST");
    let told = starts(&[(only, Path::new("members"))]);
    assert!(told.contains("amvaj documents") && told.contains(file), "{told}");
    assert!(starts(&[(only, Path::new("some"))]).contains("nobody, members or everyone"));
    assert!(starts(&[(file, &folder.join("nowhere.json"))]).contains("cannot be read"));
    let path = folder.join("wrong.json");
    std::fs::write(&path, "{}").unwrap();
    assert!(starts(&[(file, &path)]).contains("no manifest"));
}
