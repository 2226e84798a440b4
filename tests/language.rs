//! What people are told is in their language: by the request, else by the member's choice, else by the network.

use amvaj_api::random;
use amvaj_domain::access::Caller;
use amvaj_domain::id::MemberId;
use amvaj_domain::language::Language;
use futures_util::future::join_all;
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, HeaderMap, VARY};
use serde_json::{Value, json};

use crate::support::app::{START, TestApp};
use crate::support::database::TestDb;
use crate::support::till::{POINTS, Till, codes};

const MEMBER: &str = include_str!("queries/member.graphql");

/// What a request was answered: the response's headers and its body.
struct Told {
    headers: HeaderMap,
    body: Value,
}

impl Told {
    /// The message of the first error.
    fn error(&self) -> &str {
        self.body["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("no error: {:#}", self.body))
    }

    /// The only payload.
    fn payload(&self) -> &Value {
        let data = self.body["data"].as_object().unwrap_or_else(|| panic!("no data: {:#}", self.body));
        data.values().next().unwrap()
    }

    /// The language that the response says its messages are in.
    fn language(&self) -> Option<&str> {
        self.headers.get(CONTENT_LANGUAGE).map(|value| value.to_str().unwrap())
    }
}

/// Sends an operation with or without `Accept-Language`.
async fn ask(
    app: &TestApp,
    caller: Option<Caller>,
    accept: Option<&str>,
    operation: (&str, &str),
    variables: Value,
) -> Told {
    let mut request = app.request(caller, operation.0, operation.1, variables);
    if let Some(accept) = accept {
        request = request.header(ACCEPT_LANGUAGE, accept);
    }
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    Told { headers, body: response.json().await.unwrap() }
}

/// A page that only the operator may see: everybody else meets an error.
async fn forbidden(app: &TestApp, caller: Caller, accept: Option<&str>) -> Told {
    let told = ask(app, Some(caller), accept, (MEMBER, "Members"), json!({ "first": 1 })).await;
    assert_eq!(told.body["errors"][0]["extensions"]["code"], "FORBIDDEN", "{:#}", told.body);
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_in_the_language_that_the_request_asks_for() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000001").await;
        till.earn("e1", "R-1", 1_250).await;
        for (accept, language, start) in [
            (
                Some("fa-IR,fa;q=0.9,en;q=0.5"),
                "fa",
                "\u{2068}۲٬۰۰۰\u{2069} امتیاز خواسته شد ولی اینجا \u{2068}۱٬۲۵۰\u{2069} امتیاز",
            ),
            (Some("en"), "en", "2,000 points were asked for and 1,250 can be spent here"),
            (Some("de, *;q=0.1"), "en", "2,000 points"),
            (None, "en", "2,000 points"),
        ] {
            // The same key: a refusal that is repeated is told in the language of the repetition.
            let input = json!({ "idempotencyKey": "r1", "member": till.member_ref(), "points": "2000" });
            let input = json!({ "input": input });
            let told = ask(&app, Some(till.caller()), accept, (POINTS, "Redeem"), input).await;
            assert_eq!(codes(told.payload()), ["INSUFFICIENT_POINTS"]);
            let message = told.payload()["userErrors"][0]["message"].as_str().unwrap();
            assert!(message.starts_with(start), "{accept:?}: {message}");
            assert_eq!(told.language(), Some(language));
            assert!(
                told.headers.get_all(VARY).iter().any(|value| value == "accept-language"),
                "{:?}",
                told.headers
            );
            // Machine fields stay as they are.
            assert_eq!(told.payload()["wallet"]["available"], "1250");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_is_told_in_the_language_that_the_request_asks_for() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000001").await;
        till.earn("e1", "R-1", 1_250).await;
        till.redeem("r1", 50).await;
        let member = Some(Caller::Member(till.member));
        let told = ask(&app, member, Some("fa"), (POINTS, "History"), json!({})).await;
        let operations = &told.body["data"]["wallet"]["operations"]["nodes"];
        let plain = |at: usize| {
            let text = operations[at]["explanation"]["text"].as_str().unwrap();
            text.replace(['\u{2068}', '\u{2069}'], "")
        };
        assert_eq!(plain(0), "۵۰ امتیاز در Garden Café پرداخت شد. دسته‌ها: ۵۰ از دستهٔ ۱ خرج شد.");
        assert_eq!(
            plain(1),
            "۱٬۲۵۰ امتیاز در Garden Café با نسخهٔ ۱ قاعدهٔ امتیازدهی داده شد: از سبد ۱٬۲۵۰ تومان، مبلغ ۱٬۲۵۰ تومان \
             مشمول امتیاز است و با ۱ امتیاز به ازای هر ۱ تومان، پس از گرد کردن رو به پایین، ۱٬۲۵۰ امتیاز می‌شود."
        );
        assert_eq!(told.language(), Some("fa"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_has_chosen_a_language_is_told_things_in_it_on_every_node() {
    for app in TestApp::both().await {
        let member = app.member("مینا کریمی", "09121000001").await;
        let caller = Caller::Member(member);
        let other = Caller::Member(app.member("Reza Karimi", "09121000002").await);
        assert!(forbidden(&app, caller, None).await.error().starts_with("This is not allowed"));
        for (language, start) in [("FA", "نقش شما"), ("FA", "نقش شما"), ("EN", "This is")] {
            let set = app.data(caller, MEMBER, "SetLanguage", json!({ "language": language })).await;
            assert_eq!(set["setLanguage"], json!({ "member": { "language": language }, "userErrors": [] }));
            let told = forbidden(&app, caller, None).await;
            assert!(told.error().starts_with(start), "{language}: {}", told.error());
            assert_eq!(told.language(), Some(language.to_lowercase().as_str()));
        }
        app.data(caller, MEMBER, "SetLanguage", json!({ "language": "FA" })).await;
        let node = app.second_node().await;
        assert!(forbidden(&node, caller, None).await.error().starts_with("نقش شما"));
        // What the request asks for goes before the choice, and nobody else is touched by it.
        assert!(forbidden(&app, caller, Some("en-GB")).await.error().starts_with("This is"));
        assert!(forbidden(&app, caller, Some("de")).await.error().starts_with("نقش شما"));
        assert!(forbidden(&app, other, None).await.error().starts_with("This is"));
        // Before a field is resolved as well.
        let unknown = ask(&app, Some(caller), None, ("{ nothing }", ""), json!({})).await;
        assert!(unknown.error().starts_with("سند ارسالی با طرح‌واره"), "{}", unknown.error());
        assert!(unknown.error().contains("\u{2068}Unknown field \"nothing\""), "{}", unknown.error());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_chosen_at_enrolment_is_private_to_the_member_and_the_operator() {
    for app in TestApp::both().await {
        let merchant = Caller::Merchant(app.merchant("Garden Café").await);
        let enrol = |name: &str, mobile: &str, language: Value| json!({ "input": { "name": name, "mobile": mobile, "language": language } });
        let variables = enrol("مینا کریمی", "09121000001", json!("FA"));
        let enrolled = app.data(merchant, MEMBER, "EnrolMember", variables).await;
        let shown = &enrolled["enrolMember"]["member"];
        assert_eq!((&shown["name"], &shown["language"]), (&json!("مینا کریمی"), &Value::Null));
        let variables = json!({ "ref": { "id": shown["id"] } });
        let found = app.data(Caller::Operator, MEMBER, "Member", variables).await;
        assert_eq!(found["member"]["language"], "FA");

        let variables = enrol("Reza Karimi", "09121000002", Value::Null);
        let silent = app.data(Caller::Operator, MEMBER, "EnrolMember", variables).await;
        assert_eq!(silent["enrolMember"]["member"]["language"], Value::Null);
        let wrong = enrol("Sara", "09121000003", json!("DE"));
        assert_eq!(app.code(Some(merchant), MEMBER, "EnrolMember", wrong).await, "BAD_USER_INPUT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_enrolled_member_chooses_a_language() {
    for app in TestApp::both().await {
        let merchant = Caller::Merchant(app.merchant("Garden Café").await);
        let variables = json!({ "language": "FA" });
        for caller in [merchant, Caller::Operator] {
            assert_eq!(app.code(Some(caller), MEMBER, "SetLanguage", variables.clone()).await, "FORBIDDEN");
        }
        assert_eq!(app.code(None, MEMBER, "SetLanguage", variables.clone()).await, "UNAUTHENTICATED");
        let stranger = Caller::Member(MemberId::new(random::uuid(START)));
        let told = ask(&app, Some(stranger), None, (MEMBER, "SetLanguage"), variables).await;
        assert_eq!(codes(told.payload()), ["MEMBER_NOT_FOUND"]);
        assert_eq!(told.payload()["member"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_made_at_the_same_time_leave_one_of_them() {
    for app in TestApp::both().await {
        let caller = Caller::Member(app.member("مینا کریمی", "09121000001").await);
        let choose =
            |language: &'static str| app.data(caller, MEMBER, "SetLanguage", json!({ "language": language }));
        for _ in 0..10 {
            let chosen = join_all(["FA", "EN", "FA", "EN", "FA", "EN"].map(choose)).await;
            for (answer, language) in chosen.iter().zip(["FA", "EN"].into_iter().cycle()) {
                assert_eq!(answer["setLanguage"]["member"]["language"], language);
            }
        }
        let told = forbidden(&app, caller, None).await;
        assert!(matches!(told.language(), Some("fa" | "en")), "{:?}", told.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persian_network_tells_in_persian_who_asks_for_nothing() {
    for database in TestDb::both().await {
        let app = TestApp::start_with(database, |config| config.network.language = Language::Persian).await;
        let network = app.send(None, MEMBER, "Network", json!({})).await;
        assert_eq!(network["data"]["network"]["language"], "FA");
        let member = Caller::Member(app.member("مینا کریمی", "09121000001").await);
        assert!(forbidden(&app, member, None).await.error().starts_with("نقش شما"));
        assert!(forbidden(&app, member, Some("en")).await.error().starts_with("This is"));
        let merchant = Caller::Merchant(app.merchant("Garden Café").await);
        assert!(forbidden(&app, merchant, None).await.error().starts_with("نقش شما"));
        assert!(app.page("/nowhere").await.contains("اینجا چیزی نیست"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_goes_well_never_asks_for_its_language() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09121000001").await;
        let member = Some(Caller::Member(till.member));
        let told = ask(&app, member, Some("fa"), (MEMBER, "Viewer"), json!({})).await;
        assert!(told.body["errors"].is_null(), "{:#}", told.body);
        assert_eq!(told.language(), None);
        assert!(!told.headers.contains_key(VARY), "{:?}", told.headers);
        // Nor does one that is refused, when the client does not select the message.
        let document =
            "mutation($input: SetLanguageInput!) { setLanguage(input: $input) { userErrors { code } } }";
        let stranger = Some(Caller::Member(MemberId::new(random::uuid(START))));
        let input = json!({ "input": { "language": "FA" } });
        let told = ask(&app, stranger, Some("fa"), (document, ""), input).await;
        assert_eq!(codes(told.payload()), ["MEMBER_NOT_FOUND"]);
        assert_eq!(told.language(), None);
    }
}
