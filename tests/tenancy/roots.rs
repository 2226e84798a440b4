//! The walk over the roots: every field, with every role, every scope missing in turn, strangers and nobody, compared with
//! the one table that says who may ask.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use amvaj_api::graphql::access::{Access, Denied, ROOT_FIELDS};
use amvaj_domain::access::{Actor, Caller, Identity, Role, Scope, Scopes};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::scene::{Scene, both};
use super::schema::Schema;
use crate::support::app::TestApp;

/// Root fields that need the scope of what they are asked for, which the table cannot know; here with the scope of the
/// first that they can be asked for.
const BY_TARGET: [(&str, Scope); 1] = [("endSessionsOf", Scope::MembersManage)];

/// The roots and the words with which operations begin.
const ROOTS: [(&str, &str); 3] =
    [("Query", "query"), ("Mutation", "mutation"), ("Subscription", "subscription")];
/// How long a refusal of a subscription may take.
const MOMENT: Duration = Duration::from_millis(500);

/// Somebody who asks, with a name for messages.
type Asker = (String, Option<Identity>);

/// Everybody who may come: each role with all scopes and without each of them, strangers, nobody.
fn askers(scene: &Scene<'_>) -> Vec<Asker> {
    let mut askers: Vec<Asker> = vec![("nobody".to_owned(), None)];
    for (name, caller) in [
        ("operator", Caller::Operator),
        ("agent", Caller::Agent),
        ("merchant", Caller::Merchant(scene.shop)),
        ("another merchant", Caller::Merchant(scene.stranger)),
        ("member", Caller::Member(scene.member)),
        ("another member", Caller::Member(scene.other)),
    ] {
        // Operators and agents come in person: what is their own nobody else may change.
        let whole = match caller {
            Caller::Operator | Caller::Agent => Identity::new(caller, Actor::User(scene.user)),
            Caller::Merchant(_) | Caller::Member(_) => Identity::console(caller),
        };
        for missing in whole.scopes.iter() {
            let others: Vec<Scope> = whole.scopes.iter().filter(|scope| *scope != missing).collect();
            let limited = whole.clone().limited_to(Scopes::of(&others));
            askers.push((format!("{name} without {}", missing.as_str()), Some(limited)));
        }
        askers.push((format!("{name} without any scope"), Some(whole.clone().limited_to(Scopes::NONE))));
        askers.push((name.to_owned(), Some(whole)));
    }
    askers
}

/// What the table says of somebody who asks: nothing when it may.
fn refusal(field: &str, access: Access, identity: Option<&Identity>) -> Option<&'static str> {
    let scope = BY_TARGET.iter().find(|(name, _)| *name == field).map(|(_, scope)| *scope);
    match access.check(identity) {
        Ok(()) if scope.zip(identity).is_some_and(|(scope, identity)| !identity.may(scope)) => {
            Some("FORBIDDEN")
        }
        Ok(()) => None,
        Err(Denied::NobodyCalls) => Some("UNAUTHENTICATED"),
        Err(Denied::Role | Denied::Scope(_)) => Some("FORBIDDEN"),
    }
}

/// The first event of a subscription; nothing when it goes on without one.
async fn first_event(app: &TestApp, token: Option<&str>, document: &str) -> Value {
    let request = app.request_with(token, document, "Walk", json!({})).header("accept", "text/event-stream");
    let mut events = request.send().await.unwrap();
    let Ok(chunk) = tokio::time::timeout(MOMENT, events.chunk()).await else { return Value::Null };
    let text = String::from_utf8(chunk.unwrap().expect("an event").to_vec()).unwrap();
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).expect("the data of an event");
    serde_json::from_str(data).unwrap()
}

#[tokio::test]
async fn the_table_of_root_fields_and_the_schema_name_the_same() {
    let schema = Schema::of_program().await;
    let roots = ROOTS.iter().flat_map(|(root, _)| schema.fields(root));
    let mut there: Vec<&str> = roots.collect();
    there.sort_unstable();
    let mut written: Vec<&str> = ROOT_FIELDS.iter().map(|(name, _)| *name).collect();
    written.sort_unstable();
    assert_eq!(there, written);
    assert_eq!(written.iter().collect::<BTreeSet<_>>().len(), written.len(), "each stands there once");
    let roles: BTreeSet<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    assert_eq!(roles.len(), 4, "a new role has to be among those who ask here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_root_field_answers_whom_the_table_names_and_nobody_else() {
    let schema = Schema::of_program().await;
    let table: BTreeMap<&str, Access> = ROOT_FIELDS.iter().copied().collect();
    for app in both().await {
        let scene = Scene::of(&app).await;
        // Mutations really happen, so they meet things that nobody looks at.
        let spare = scene.spare_ids().await;
        let (schema, table, spare) = (&schema, &table, &spare);
        let tries = askers(&scene).into_iter().flat_map(|asker| {
            ROOTS.into_iter().flat_map(move |(root, word)| {
                let asker = asker.clone();
                schema.fields(root).into_iter().map(move |field| (asker.clone(), root, word, field))
            })
        });
        let wrong: Vec<String> = stream::iter(tries)
            .map(|((name, identity), root, word, field)| {
                let app = &app;
                async move {
                    let ask = schema.smallest(root, field, &|hint| spare.of(hint));
                    let token = identity.as_ref().map(|identity| app.token(identity));
                    let document = format!("{word} Walk {{ {ask} }}");
                    let answer = match word {
                        "subscription" => first_event(app, token.as_deref(), &document).await,
                        _ => app.send_with(token.as_deref(), &document, "Walk", json!({})).await,
                    };
                    let code = answer["errors"][0]["extensions"]["code"].as_str();
                    let expected = refusal(field, table[field], identity.as_ref());
                    let as_written = match expected {
                        Some(refused) => code == Some(refused) && answer["data"][field].is_null(),
                        // What else may be wrong with the request is not asked here, but the request has to be one.
                        None => !matches!(
                            code,
                            Some("UNAUTHENTICATED" | "FORBIDDEN" | "INTERNAL" | "GRAPHQL_VALIDATION_FAILED")
                        ),
                    };
                    (!as_written).then(|| format!("{name}: {document} should be {expected:?}: {answer}"))
                }
            })
            .buffer_unordered(8)
            .filter_map(|wrong| async { wrong })
            .collect()
            .await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
