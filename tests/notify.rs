//! Messages on their way through an SMS panel that is slow, fails, takes a message twice or talks nonsense.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Stopwatch};

use amvaj_domain::text::Mobile;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::clock::Clock;
use amvaj_infra::notify::{Message, MessageKind, Notifier, Outcome, Provider};
use serde_json::{Value, json};

use crate::program::empty_folder;
use crate::support::app::START;
use crate::support::web::{Asked, FakeWeb, Reply};

/// A panel that is told the reference, and whose answers say in their body how it went.
const FILE: &str = r#"
    name = "fake"
    [secrets]
    key = "hunter2"
    [request]
    url = "PANEL/send?ref={reference}"
    headers = { X-API-KEY = "{secret.key}" }
    json = { to = "{to}", text = "{text}", code = "{code}" }
    [success]
    status = [200]
    pointer = "/status"
    one_of = [1]
    [permanent]
    pointer = "/status"
    one_of = [13]
    [limits]
    timeout_ms = 300
    first_pause_ms = 1
    longest_pause_ms = 5
    tries = 4
"#;

fn message(number: u32) -> Message {
    Message {
        id: uuid::Uuid::from_u128(u128::from(number)),
        to: Mobile::parse("09121234567").unwrap(),
        kind: MessageKind::LoginCode { code: "482913".to_owned(), domain: Some("club.example".to_owned()) },
        text: "کد ورود: 482913\n@club.example #482913".to_owned(),
        good_until: later(120),
    }
}

fn later(seconds: i64) -> Instant {
    START.plus(Span::seconds(seconds))
}

fn provider(web: &FakeWeb, file: &str) -> Provider {
    Provider::parse(&file.replace("PANEL", &web.url("")), Path::new("")).unwrap()
}

fn notifier(web: &FakeWeb, file: &str) -> Notifier {
    Notifier::provider(provider(web, file), &Clock::manual(START)).unwrap()
}

fn answer(status: u16, body: &Value) -> Reply {
    Reply::Answer(status, body.to_string())
}

fn good() -> Reply {
    answer(200, &json!({ "status": 1 }))
}

/// Delivers one message through a panel that gives these replies in turn.
async fn delivered(replies: impl Into<Vec<Reply>>) -> (Outcome, Vec<Asked>) {
    let web = FakeWeb::in_turn(replies).await;
    let outcome = notifier(&web, FILE).deliver(&message(7)).await;
    (outcome, web.asked())
}

fn references(asked: &[Asked]) -> Vec<&str> {
    let mut references: Vec<_> =
        asked.iter().map(|asked| asked.target.split_once("ref=").unwrap().1).collect();
    references.dedup();
    references
}

#[tokio::test]
async fn a_panel_is_asked_once_when_it_takes_the_message() {
    let (outcome, asked) = delivered([good()]).await;
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "POST");
    assert!(asked[0].headers.contains("x-api-key: hunter2"), "{}", asked[0].headers);
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    let expected = json!({ "to": "+989121234567", "text": message(7).text, "code": "482913" });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_panel_that_is_slow_is_asked_again_with_the_same_reference() {
    let (outcome, asked) = delivered([Reply::Silence, good()]).await;
    assert_eq!(outcome, Outcome::Delivered);
    assert!(asked.len() >= 2);
    assert_eq!(references(&asked), [message(7).id.to_string()]);
}

#[tokio::test]
async fn a_panel_that_fails_is_asked_again() {
    let failures = [answer(500, &json!({})), answer(503, &json!({ "status": 0 })), good()];
    let (outcome, asked) = delivered(failures).await;
    assert_eq!((outcome, asked.len()), (Outcome::Delivered, 3));
}

#[tokio::test]
async fn a_panel_that_takes_the_message_and_loses_its_answer_gets_the_same_reference_again() {
    let (outcome, asked) = delivered([Reply::Break, good()]).await;
    assert_eq!((outcome, asked.len()), (Outcome::Delivered, 2));
    assert_eq!(references(&asked), [message(7).id.to_string()]);
    assert_eq!(asked[0].body, asked[1].body);
}

#[tokio::test]
async fn a_refusal_for_good_is_not_repeated() {
    for refusal in [
        answer(400, &json!({ "status": 0 })),
        answer(403, &json!({ "status": 1 })),
        answer(200, &json!({ "status": 13 })),
        answer(200, &json!({ "status": "13" })),
    ] {
        let (outcome, asked) = delivered([refusal.clone(), good()]).await;
        assert_eq!((outcome, asked.len()), (Outcome::Refused, 1), "{refusal:?}");
    }
}

#[tokio::test]
async fn an_answer_of_200_that_says_no_is_no_success() {
    for nonsense in [
        answer(200, &json!({ "status": 0 })),
        answer(200, &json!({ "status": [1] })),
        answer(200, &json!({ "status": null })),
        answer(200, &json!([])),
        Reply::Answer(200, "<html>1</html>".to_owned()),
        Reply::Answer(200, String::new()),
        answer(429, &json!({ "status": 1 })),
        answer(201, &json!({ "status": 1 })),
    ] {
        let (outcome, asked) = delivered([nonsense.clone()]).await;
        assert_eq!((outcome, asked.len()), (Outcome::Failed, 4), "{nonsense:?}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let (outcome, asked) = delivered([Reply::Endless("x".repeat(32 * 1_024)), good()]).await;
    assert_eq!((outcome, asked.len()), (Outcome::Delivered, 2));
    let (outcome, _) =
        delivered([Reply::Answer(200, format!("{{\"status\":1,\"x\":\"{}\"}}", "y".repeat(70_000)))]).await;
    assert_eq!(outcome, Outcome::Failed);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = FakeWeb::in_turn([good()]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", elsewhere.url("/"));
        let (outcome, asked) =
            delivered([Reply::With(status, location, json!({ "status": 1 }).to_string())]).await;
        assert_eq!((outcome, asked.len()), (Outcome::Refused, 1));
    }
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn nothing_is_tried_when_the_code_is_no_longer_good() {
    let web = FakeWeb::in_turn([good()]).await;
    let clock = Clock::manual(START);
    let notifier = Notifier::provider(provider(&web, FILE), &clock).unwrap();
    clock.advance_to(later(120));
    assert_eq!(notifier.deliver(&message(1)).await, Outcome::Expired);
    assert!(web.asked().is_empty());
}

#[tokio::test]
async fn a_panel_that_wants_to_be_left_alone_for_longer_than_the_code_lives_is_left_alone() {
    let busy = Reply::With(429, "retry-after: 3600\r\n".to_owned(), "{}".to_owned());
    let (outcome, asked) = delivered([busy, good()]).await;
    assert_eq!((outcome, asked.len()), (Outcome::Expired, 1));
}

#[tokio::test]
async fn sending_never_waits_and_what_there_is_no_room_for_is_dropped() {
    let web = FakeWeb::in_turn([Reply::Silence]).await;
    let file = FILE.replace("timeout_ms = 300", "timeout_ms = 60000\nqueue = 2");
    let notifier = notifier(&web, &file);
    for number in 1..=50 {
        notifier.send(message(number));
    }
    let asked = web.asked_times(2).await;
    let mut sent = references(&asked);
    sent.sort_unstable();
    assert_eq!(sent, [message(1).id.to_string(), message(2).id.to_string()]);
    notifier.close(Duration::ZERO).await;
    notifier.send(message(51));
    assert_eq!(web.asked().len(), 2);
}

#[tokio::test]
async fn a_stop_delivers_what_is_on_its_way() {
    let web = FakeWeb::in_turn([answer(500, &json!({})), good()]).await;
    let notifier = notifier(&web, FILE);
    notifier.send(message(1));
    notifier.send(message(2));
    notifier.close(Duration::from_mins(1)).await;
    assert_eq!(web.asked().len(), 3);
}

#[tokio::test]
async fn tries_keep_the_distance_that_the_panel_wants() {
    let web = FakeWeb::in_turn([good()]).await;
    let notifier = notifier(&web, &FILE.replace("tries = 4", "tries = 4\nper_second = 20"));
    let begun = Stopwatch::now();
    for number in 0..5 {
        assert_eq!(notifier.deliver(&message(number)).await, Outcome::Delivered);
    }
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_value_stays_a_value_wherever_it_stands() {
    let text = "a&b=c\"}],{\n#/../?x=%00\u{202e}{to}";
    let mut message = message(1);
    text.clone_into(&mut message.text);
    let outcome = |file: &'static str| {
        let message = message.clone();
        async move {
            let web = FakeWeb::in_turn([good()]).await;
            assert_eq!(notifier(&web, file).deliver(&message).await, Outcome::Delivered);
            web.asked().remove(0)
        }
    };
    let escaped = "a%26b%3Dc%22%7D%5D%2C%7B%0A%23%2F..%2F%3Fx%3D%2500%E2%80%AE%7Bto%7D";
    let asked =
        outcome("name = \"x\"\n[request]\nmethod = \"GET\"\nurl = \"PANEL/a/{to}?t={text}&l={to_digits}\"")
            .await;
    assert_eq!(asked.target, format!("/a/%2B989121234567?t={escaped}&l=989121234567"));
    let asked =
        outcome("name = \"x\"\n[request]\nurl = \"PANEL/\"\nform = { t = \"{text}\", l = \"{to_local}\" }")
            .await;
    assert_eq!(asked.body, format!("l=09121234567&t={escaped}"));
    assert!(asked.headers.contains("content-type: application/x-www-form-urlencoded"), "{}", asked.headers);
    let asked =
        outcome("name = \"x\"\n[request]\nurl = \"PANEL/{to}\"\njson = { t = [\"{text}\", true, 7] }").await;
    assert_eq!(serde_json::from_str::<Value>(&asked.body).unwrap(), json!({ "t": [text, true, 7] }));
}

#[tokio::test]
async fn the_files_that_come_with_amvaj_ask_as_the_panels_want_to_be_asked() {
    let folder = empty_folder("sms");
    for secret in ["kavenegar.key", "sms-ir.key", "melipayamak.user", "melipayamak.password", "ippanel.key"] {
        std::fs::write(folder.join(secret), format!("{secret}/1\n")).unwrap();
    }
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sms");
    let text = "%DA%A9%D8%AF%20%D9%88%D8%B1%D9%88%D8%AF%3A%20482913%0A%40club.example%20%23482913";
    for (file, target, key, body, yes, no) in [
        (
            "kavenegar-lookup.toml",
            "/v1/kavenegar.key%2F1/verify/lookup.json",
            "",
            "receptor=09121234567&template=amvaj-login&token=482913&type=sms".to_owned(),
            json!({ "return": { "status": 200, "message": "ok" }, "entries": [{ "messageid": 8_792_343 }] }),
            json!({ "return": { "status": 424, "message": "no such template" }, "entries": null }),
        ),
        (
            "sms-ir-verify.toml",
            "/v1/send/verify",
            "x-api-key: sms-ir.key/1",
            json!({
                "mobile": "09121234567", "templateId": 100_000,
                "parameters": [{ "name": "CODE", "value": "482913" }]
            })
            .to_string(),
            json!({ "status": 1, "message": "ok", "data": { "messageId": 89_545_112, "cost": 1.0 } }),
            json!({ "status": 0, "message": "no" }),
        ),
        (
            "melipayamak-rest.toml",
            "/api/SendSMS/SendSMS",
            "",
            format!(
                "from=50001234&isFlash=false&password=melipayamak.password%2F1&text={text}&to=09121234567&username=melipayamak.user%2F1"
            ),
            json!({ "Value": "4738103819", "RetStatus": 1, "StrRetStatus": "Ok" }),
            json!({ "Value": "0", "RetStatus": 0, "StrRetStatus": "InvalidUserName" }),
        ),
        (
            "ippanel-pattern.toml",
            "/api/send",
            "authorization: ippanel.key/1",
            json!({
                "sending_type": "pattern", "from_number": "+983000505", "code": "abcdef123456",
                "recipients": ["+989121234567"], "params": { "code": "482913" }
            })
            .to_string(),
            json!({ "data": { "message_outbox_ids": [1] }, "meta": { "status": true } }),
            json!({ "data": null, "meta": { "status": false } }),
        ),
    ] {
        let web = FakeWeb::in_turn([answer(200, &no), answer(200, &yes)]).await;
        let written = std::fs::read_to_string(examples.join(file)).unwrap();
        let written = written.replace("https://panel.example", &web.url("")) + "[limits]\ntries = 1\n";
        let notifier =
            Notifier::provider(Provider::parse(&written, &folder).unwrap(), &Clock::manual(START)).unwrap();
        assert_ne!(notifier.deliver(&message(1)).await, Outcome::Delivered, "{file}");
        assert_eq!(notifier.deliver(&message(1)).await, Outcome::Delivered, "{file}");
        for asked in web.asked() {
            assert_eq!(asked.target, target, "{file}");
            assert!(asked.headers.contains(key), "{file}: {}", asked.headers);
            let as_json = |text: &str| serde_json::from_str::<Value>(text).ok();
            assert!(
                asked.body == body || as_json(&asked.body).is_some_and(|found| Some(found) == as_json(&body)),
                "{file}: {}",
                asked.body
            );
        }
    }
}

#[test]
fn everything_wrong_with_a_file_is_said_at_once_and_no_secret_is_repeated() {
    let file = r#"
        names = "x"
        [secrets]
        key = "hunter2"
        number = 7
        [secret_files]
        absent = "no-such-file"
        [templates]
        login_code = true
        [request]
        method = "BREW"
        url = "http://panel.example/{secret.key}/{text}"
        headers = { "bad name" = "x", Host = "y", X-A = "{text}", X-B = "{secret.other}" }
        form = { a = "{whom}" }
        json = { a = "{" }
        [success]
        status = [7]
        one_of = [1]
        [permanent]
        pointer = "status"
        [limits]
        tries = 0
        longest_pause_ms = 5
    "#;
    let invalid = Provider::parse(file, Path::new("/nowhere")).unwrap_err();
    let all = invalid.to_string();
    for part in [
        "name is missing",
        "names is not a setting here",
        "secrets has \"number\"",
        "secret_files names no-such-file",
        "templates.login_code is neither",
        "request.method is none of",
        "request.url does not begin with https://",
        "\"bad name\", which is no header's name",
        "\"host\", which is set by itself",
        "{text} in \"X-A\"",
        "the secret \"other\"",
        "request.form and json are both there",
        "success.status",
        "success.one_of needs a pointer",
        "permanent.pointer is not a JSON pointer",
        "limits.tries",
        "limits.longest_pause_ms is shorter",
    ] {
        assert!(all.to_lowercase().contains(&part.to_lowercase()), "{part} is not in {all}");
    }
    assert!(!all.contains("hunter2"), "{all}");
    let broken = Provider::parse("[secrets]\nkey = \"hunter2", Path::new("")).unwrap_err().to_string();
    assert!(broken.contains("line 2") && !broken.contains("hunter2"), "{broken}");
}

#[test]
fn a_request_that_names_nobody_or_says_nothing_is_noticed() {
    let problems = |request: &str| {
        let file = format!("name = \"x\"\n[request]\n{request}");
        Provider::parse(&file, Path::new("")).unwrap_err().problems
    };
    let silent = problems("url = \"https://panel.example/send\"");
    assert_eq!(silent.len(), 2, "{silent:?}");
    let no_template = problems("url = \"https://panel.example/?to={to}&t={template}&c={code}\"");
    assert!(no_template[0].contains("templates has no login_code"), "{no_template:?}");
    let body_of_get =
        problems("method = \"GET\"\nurl = \"https://panel.example/?to={to}\"\nform = { t = \"{text}\" }");
    assert!(body_of_get[0].contains("GET"), "{body_of_get:?}");
    let no_host = problems("url = \"https://{to}.panel.example/?t={text}\"");
    assert!(no_host[0].contains("before the first placeholder"), "{no_host:?}");
    let in_path = problems("url = \"https://panel.example/{text}?to={to}\"");
    assert!(in_path[0].contains("after its question mark"), "{in_path:?}");
}

/// A place to which a log is written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_log_line_holds_a_number_a_text_or_a_secret_unless_the_log_is_the_carrier() {
    // For the whole program: what one thread alone listens to, another thread's first use may switch off.
    let lines = Lines::default();
    let writer = lines.clone();
    let filter = tracing_subscriber::EnvFilter::new("off,amvaj_infra::notify=trace");
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let log = || String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();

    let message = Message {
        to: Mobile::parse("09359998877").unwrap(),
        kind: MessageKind::LoginCode { code: "730651".to_owned(), domain: None },
        text: "کد محرمانه: 730651".to_owned(),
        ..message(1)
    };
    let replies =
        [Reply::Break, answer(500, &json!({ "status": 77 })), answer(200, &json!({ "status": 13 }))];
    let web = FakeWeb::in_turn(replies).await;
    let file = FILE
        .replace("hunter2", "swordfish")
        .replace("PANEL/send?ref={reference}", "PANEL/send?k={secret.key}&to={to}&c={code}");
    assert_eq!(notifier(&web, &file).deliver(&message).await, Outcome::Refused);
    let unreachable = Provider::parse(&file.replace("PANEL", "http://127.0.0.1:1"), Path::new("")).unwrap();
    let debug = format!("{unreachable:?} {message:?}");
    let notifier = Notifier::provider(unreachable, &Clock::manual(START)).unwrap();
    assert_eq!(notifier.deliver(&message).await, Outcome::Failed);
    assert!(log().contains("did not take a message") && log().contains("code 13"), "{}", log());
    for secret in ["9359998877", "730651", "swordfish", "محرمانه"] {
        assert!(!log().contains(secret), "{secret} is in {}", log());
        assert!(!format!("{debug} {notifier:?}").contains(secret), "{secret} is in {debug}");
    }

    let log_carrier = Notifier::log(&Clock::manual(START));
    log_carrier.announce();
    assert_eq!(log_carrier.deliver(&message).await, Outcome::Delivered);
    assert!(log().contains("LOGIN CODES INCLUDED") && log().contains("730651"), "{}", log());
}
