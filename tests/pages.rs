//! The web pages without a browser: who is told what, how files are kept, and examples that work on both databases.

use std::collections::BTreeMap;
use std::time::Duration;

use amvaj_api::http::examples::{EXAMPLES, Example};
use anyhow::{Context as _, Result};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HOST, IF_NONE_MATCH, LOCATION,
};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::demo::{Demo, demo};
use crate::program::empty_folder;
use crate::support::app::TestApp;
use crate::support::database::TestDb;

/// A server without a demo, and a client that goes where it is sent only by hand.
struct Site {
    app: TestApp,
    client: Client,
}

impl Site {
    async fn open() -> Result<Self> {
        let client = Client::builder().redirect(Policy::none()).build()?;
        Ok(Self { app: TestApp::start(TestDb::sqlite().await).await, client })
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{}", self.app.home(), path.trim_start_matches('/')))
    }
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The addresses of the files that a page names.
fn assets(page: &str) -> Vec<String> {
    page.split('"').filter(|text| text.starts_with("/assets/")).map(str::to_owned).collect()
}

#[tokio::test]
async fn programs_get_text_and_browsers_a_page_at_the_same_address() -> Result<()> {
    let site = Site::open().await?;
    let plain = site.get("/").send().await?;
    assert_eq!(header(&plain, CONTENT_TYPE), "text/plain; charset=utf-8");
    let page = site.get("/?lang=fa").header(ACCEPT, "text/html").send().await?;
    assert_eq!(header(&page, CONTENT_TYPE), "text/html; charset=utf-8");
    assert_eq!(header(&page, CACHE_CONTROL), "no-store");
    let page = page.text().await?;
    assert!(page.contains("<html lang=\"fa\" dir=\"rtl\">"));
    assert!(!page.contains("{{"), "every place of the template is filled");
    let schema = site.get("/schema.graphql").send().await?.text().await?;
    assert_eq!(schema, include_str!("../schema.graphql"));
    Ok(())
}

#[tokio::test]
async fn pages_allow_no_script_or_style_but_files_of_ours() -> Result<()> {
    let site = Site::open().await?;
    for path in ["/", "/graphiql"] {
        let page = site.get(path).header(ACCEPT, "text/html").send().await?;
        let policy = header(&page, CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
    let nonce = async || -> Result<String> {
        let page = site.get("/graphiql").send().await?;
        let policy = header(&page, CONTENT_SECURITY_POLICY);
        let (_, rest) = policy.split_once("'nonce-").context("no nonce")?;
        let nonce = rest.split('\'').next().context("no end")?.to_owned();
        assert!(page.text().await?.contains(&format!("nonce=\"{nonce}\"")));
        Ok(nonce)
    };
    assert_ne!(nonce().await?, nonce().await?);
    Ok(())
}

#[tokio::test]
async fn files_are_kept_for_good_under_names_that_follow_from_their_contents() -> Result<()> {
    let site = Site::open().await?;
    let mut pages = site.get("/").header(ACCEPT, "text/html").send().await?.text().await?;
    pages.push_str(&site.get("/graphiql").send().await?.text().await?);
    let files = assets(&pages);
    assert!(files.len() > 12, "{files:?}");
    for file in &files {
        let plain = site.get(file).send().await?;
        assert_eq!(plain.status(), StatusCode::OK, "{file}");
        assert_eq!(header(&plain, CACHE_CONTROL), "public, max-age=31536000, immutable");
        assert_eq!(header(&plain, CONTENT_ENCODING), "");
        let length = plain.content_length();
        let packed = site.get(file).header(ACCEPT_ENCODING, "gzip, br").send().await?;
        assert_eq!(header(&packed, CONTENT_ENCODING), "gzip");
        assert!(packed.content_length() < length, "{file}");
        let tag = header(&packed, ETAG);
        let known = site.get(file).header(ACCEPT_ENCODING, "gzip").header(IF_NONE_MATCH, tag).send().await?;
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED, "{file}");
    }
    let other = files.first().context("no file")?.replace('.', ".0");
    assert_eq!(site.get(&other).send().await?.status(), StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn addresses_that_browsers_and_people_try_lead_somewhere() -> Result<()> {
    let site = Site::open().await?;
    let playground = site.get("/playground?role=till").send().await?;
    assert_eq!(playground.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(header(&playground, LOCATION), "/graphiql?role=till");
    let icon = site.get("/favicon.ico").send().await?;
    assert_eq!(icon.status(), StatusCode::TEMPORARY_REDIRECT);
    let icon = site.get(&header(&icon, LOCATION)).send().await?;
    assert_eq!(header(&icon, CONTENT_TYPE), "image/svg+xml");
    Ok(())
}

#[tokio::test]
async fn only_the_demo_tells_tokens_and_only_to_its_own_machine() -> Result<()> {
    let site = Site::open().await?;
    assert_eq!(site.get("/graphiql/demo.json").send().await?.status(), StatusCode::NOT_FOUND);
    assert!(site.get("/graphiql").send().await?.text().await?.contains("data-demo=\"false\""));

    let folder = empty_folder("pages-demo");
    let running = Demo::start(&folder, 10)?;
    let ask = |path: &str, host: &str| {
        site.client.get(format!("http://{}{path}", running.address())).header(HOST, host)
    };
    for host in ["localhost:8080", "127.0.0.1", "[::1]:1"] {
        assert_eq!(ask("/graphiql/demo.json", host).send().await?.status(), StatusCode::OK, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example:80", "192.168.1.2"] {
        assert_eq!(ask("/graphiql/demo.json", host).send().await?.status(), StatusCode::NOT_FOUND, "{host}");
        let page = ask("/graphiql", host).send().await?.text().await?;
        assert!(page.contains("data-demo=\"false\""), "{host}");
    }
    drop(running);
    Ok(std::fs::remove_dir_all(folder)?)
}

/// Sends the examples as the page does: places are filled with what the demo tells and what answers brought.
struct Player {
    client: Client,
    endpoint: String,
    guide: Value,
    values: BTreeMap<String, String>,
    /// The first events of subscriptions.
    watched: Vec<(&'static str, JoinHandle<Result<Value>>)>,
}

impl Player {
    async fn of(demo: &Demo) -> Result<Self> {
        let client = Client::new();
        let home = format!("http://{}", demo.address());
        let guide: Value = client.get(format!("{home}/graphiql/demo.json")).send().await?.json().await?;
        let examples = guide["examples"].as_object().context("no examples")?;
        let mut values: BTreeMap<_, _> = examples
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        values.insert("session".to_owned(), "test".to_owned());
        Ok(Self { client, endpoint: format!("{home}/graphql"), guide, values, watched: Vec::new() })
    }

    async fn send(&mut self, example: &Example) -> Result<Value> {
        let mut variables = example.variables.to_owned();
        for (name, value) in &self.values {
            variables = variables.replace(&format!("{{{name}}}"), value);
        }
        let variables: Value =
            if variables.is_empty() { Value::Null } else { serde_json::from_str(&variables)? };
        let body = json!({ "query": example.query, "operationName": example.title, "variables": variables });
        let mut request = self.client.post(&self.endpoint).json(&body);
        if let Some(token) = self.guide["roles"][example.role]["token"].as_str() {
            request = request.bearer_auth(token);
        }
        if is_subscription(example) {
            let request = request.header("accept", "text/event-stream");
            self.watched.push((example.title, tokio::spawn(first_event(request))));
            return Ok(Value::Null);
        }
        let answer: Value = request.send().await?.json().await?;
        for (name, path) in example.remember {
            let pointer = format!("/data/{}", path.replace('.', "/"));
            match answer.pointer(&pointer).and_then(Value::as_str) {
                Some(found) => {
                    self.values.insert((*name).to_owned(), found.to_owned());
                }
                None => anyhow::ensure!(self.values.contains_key(*name), "nothing to remember: {answer:#}"),
            }
        }
        Ok(answer)
    }
}

fn is_subscription(example: &Example) -> bool {
    example.query.lines().any(|line| line.starts_with("subscription "))
}

/// The first event of a subscription, once there is one.
async fn first_event(request: RequestBuilder) -> Result<Value> {
    let mut answer = request.send().await?;
    let mut text = String::new();
    while !text.contains("event: next\n") || !text.ends_with("\n\n") {
        let chunk = answer.chunk().await?.with_context(|| format!("no event: {text}"))?;
        text.push_str(std::str::from_utf8(&chunk)?);
    }
    let data = text.lines().find_map(|line| line.strip_prefix("data: {")).context("no data")?;
    Ok(serde_json::from_str(&format!("{{{data}"))?)
}

/// Whether the answer shows something, where an empty list would teach nothing.
fn is_telling(example: &Example, answer: &Value) -> bool {
    let list = match example.title {
        "MyHistory" | "WhyThesePoints" => "/data/wallet/operations/nodes",
        "Merchants" => "/data/merchants/nodes",
        "FindMembers" => "/data/members/nodes",
        _ => return true,
    };
    answer.pointer(list).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

async fn play_examples(demo: &Demo) -> Result<()> {
    let mut player = Player::of(demo).await?;
    for round in ["first", "second"] {
        for example in &EXAMPLES {
            // What was done in the first round is not done again, so there is nothing to watch.
            if round == "second" && is_subscription(example) {
                continue;
            }
            let answer = player.send(example).await?;
            if is_subscription(example) {
                continue;
            }
            let title = example.title;
            assert!(answer["errors"].is_null(), "{title}: {answer:#}");
            assert!(is_telling(example, &answer), "{title}: {answer:#}");
            let payloads = answer["data"].as_object().context("no data")?.values();
            for payload in payloads.filter(|payload| !payload["userErrors"].is_null()) {
                // The code is only in the log, and the second round comes within a minute.
                let expected = match (title, round) {
                    ("RequestLoginCode", "second") => json!(["CODE_SENT_RECENTLY"]),
                    ("VerifyLoginCode" | "ConfirmTotp", _) => json!(["WRONG_CODE"]),
                    ("InviteUser", "second") => json!(["USER_NAME_TAKEN"]),
                    // Nobody has confirmed the codes, so nobody can log in.
                    ("LogIn", _) => json!(["INVALID_CREDENTIALS"]),
                    _ => json!([]),
                };
                let errors = payload["userErrors"].as_array().context("no list of user errors")?;
                let codes: Vec<_> = errors.iter().map(|error| error["code"].clone()).collect();
                assert_eq!(json!(codes), expected, "{title}: {answer:#}");
                if let Some(replayed) = payload["replayed"].as_bool() {
                    assert_eq!(replayed, round == "second", "{title}: {answer:#}");
                }
            }
        }
    }
    assert_eq!(player.watched.len(), 2);
    for (title, first) in player.watched {
        let event = tokio::time::timeout(Duration::from_secs(20), first).await.context(title)???;
        assert!(event["errors"].is_null() && event["data"].is_object(), "{title}: {event:#}");
    }
    Ok(())
}

#[tokio::test]
async fn every_example_works_in_the_demo_on_both_databases_and_again() -> Result<()> {
    let postgres = TestDb::postgres().await;
    let folder = empty_folder("pages-examples");
    for database in [None, Some(&postgres.url)] {
        let mut command = demo(&folder, 40);
        if let Some(url) = database {
            let redis =
                std::env::var("AMVAJ_TEST_REDIS_URL").context("AMVAJ_TEST_REDIS_URL; use tests/run")?;
            command.env("AMVAJ_DATABASE_URL", url).env("AMVAJ_REDIS_URL", redis);
        }
        let running = Demo::of(&mut command)?;
        play_examples(&running).await?;
        running.stop()?;
    }
    Ok(std::fs::remove_dir_all(folder)?)
}
