//! A headless Chromium that can reach this machine and nothing else, driven over the WebDriver protocol.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::program::empty_folder;

/// The member under which the protocol names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long something may take to show.
const PATIENCE: Duration = Duration::from_secs(60);
/// Keys by the protocol's characters for them.
pub(super) const CONTROL: char = '\u{e009}';
pub(super) const ENTER: char = '\u{e007}';
pub(super) const ESCAPE: char = '\u{e00c}';

/// A browser with a profile of its own. Browser, driver and profile go away with the value.
pub(super) struct Chromium {
    client: Client,
    session: String,
    browser: Option<String>,
    driver: Child,
    profile: PathBuf,
}

impl Chromium {
    /// Starts one; `name` keeps the folders of several tests apart.
    pub(super) async fn start(name: &str) -> Result<Self> {
        let profile = empty_folder(&format!("chromium-{name}"));
        let mut driver = Command::new(program("AMVAJ_TEST_CHROMEDRIVER"));
        // Whatever browser and driver leave somewhere, they leave in the folder that goes away.
        driver.arg("--port=0").env("HOME", &profile).env("TMPDIR", &profile).env("XDG_RUNTIME_DIR", &profile);
        let mut driver = driver.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut said = BufReader::new(driver.stdout.take().context("no output")?).lines();
        let mut chromium =
            Self { client: Client::new(), session: String::new(), browser: None, driver, profile };
        let port = loop {
            let line = said.next().context("chromedriver ended before it was ready")??;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        // Its further words are read, so that it never waits for a reader.
        std::thread::spawn(move || said.for_each(drop));
        let sessions = format!("http://127.0.0.1:{port}/session");
        let answer = chromium.send(Method::POST, &sessions, chromium.capabilities()?).await?;
        chromium.browser = answer["capabilities"]["goog:processID"].as_u64().map(|id| id.to_string());
        chromium.session = format!("{sessions}/{}", answer["sessionId"].as_str().context("no session")?);
        Ok(chromium)
    }

    /// No name can be looked up, and what is not on this machine would have to go through a proxy that hangs up.
    fn capabilities(&self) -> Result<Value> {
        let proxy = TcpListener::bind("127.0.0.1:0")?;
        let address = proxy.local_addr()?;
        std::thread::spawn(move || proxy.incoming().for_each(drop));
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            &format!("--proxy-server={address}"),
            &format!("--user-data-dir={}", self.profile.join("profile").display()),
            "--window-size=1280,860",
        ];
        Ok(json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "timeouts": { "script": 60_000, "pageLoad": 60_000 },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "goog:chromeOptions": {
                "binary": program("AMVAJ_TEST_CHROMIUM"),
                "args": arguments,
                "prefs": { "intl.accept_languages": "en" },
            },
        } } }))
    }

    /// Goes to an address and waits until the page is loaded.
    pub(super) async fn open(&self, address: &str) -> Result<()> {
        self.post("url", json!({ "url": address })).await.map(drop)
    }

    /// The value of an expression in the page.
    pub(super) async fn value(&self, expression: &str) -> Result<Value> {
        self.post("execute/sync", json!({ "script": format!("return ({expression});"), "args": [] })).await
    }

    /// Waits until an expression holds in the page, and answers with its value. It is asked for from here again and again: a
    /// script that waits in the page would be gone with it when another page is being opened.
    pub(super) async fn until(&self, expression: &str) -> Result<Value> {
        let began = Instant::now();
        loop {
            let value = self.value(expression).await.with_context(|| format!("waiting for {expression}"));
            let holds = value
                .as_ref()
                .is_ok_and(|value| ![json!(null), json!(false), json!(0), json!("")].contains(value));
            if holds || began.elapsed() > PATIENCE {
                let value = value?;
                ensure!(holds, "waiting for {expression}: it is {value}");
                return Ok(value);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clicks on an element as a person would, so one that is covered or out of sight is an error.
    pub(super) async fn click(&self, css: &str) -> Result<()> {
        let element = self.find(css).await?;
        let clicked = self.post(&format!("element/{element}/click"), json!({})).await;
        clicked.map(drop).with_context(|| format!("clicking {css}"))
    }

    /// Types into an element.
    pub(super) async fn type_into(&self, css: &str, text: &str) -> Result<()> {
        let element = self.find(css).await?;
        self.post(&format!("element/{element}/value"), json!({ "text": text })).await.map(drop)
    }

    /// Presses keys together where the focus is, the first one first.
    pub(super) async fn press(&self, keys: &[char]) -> Result<()> {
        let action = |kind: &str, key: &char| json!({ "type": kind, "value": key });
        let down = keys.iter().map(|key| action("keyDown", key));
        let up = keys.iter().rev().map(|key| action("keyUp", key));
        let actions: Vec<Value> = down.chain(up).collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.post("actions", actions).await.map(drop)
    }

    /// Gives the page the width of a phone, or whatever width and height in pixels.
    pub(super) async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.tool("Emulation.setDeviceMetricsOverride", size).await
    }

    /// Lets the system seem to prefer dark colours, or light ones.
    pub(super) async fn prefer_dark(&self, dark: bool) -> Result<()> {
        let value = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.tool("Emulation.setEmulatedMedia", features).await
    }

    /// What the browser had to complain of since the last call: errors, violations of the policy, failed loads. The
    /// remarks of libraries to their authors are no complaints.
    pub(super) async fn complaints(&self) -> Result<Vec<String>> {
        let entries = self.post("se/log", json!({ "type": "browser" })).await?;
        let entries = entries.as_array().context("no log")?;
        let serious =
            entries.iter().filter(|entry| entry["level"] == "SEVERE" || entry["source"] == "security");
        Ok(serious.map(|entry| entry["message"].to_string()).collect())
    }

    /// Every address that pages asked for since the last call, whether they got it or not. Data and what the browser
    /// itself holds, such as its first empty page, are asked of nobody.
    pub(super) async fn asked_for(&self) -> Result<Vec<String>> {
        let entries = self.post("se/log", json!({ "type": "performance" })).await?;
        let mut addresses = Vec::new();
        for entry in entries.as_array().context("no log")? {
            let event: Value = serde_json::from_str(entry["message"].as_str().context("no message")?)?;
            if event["message"]["method"] == "Network.requestWillBeSent" {
                addresses.extend(event["message"]["params"]["request"]["url"].as_str().map(str::to_owned));
            }
        }
        addresses.retain(|address| {
            !["data:", "chrome:", "chrome-untrusted:"].iter().any(|inner| address.starts_with(inner))
        });
        Ok(addresses)
    }

    async fn find(&self, css: &str) -> Result<String> {
        let found = self.post("element", json!({ "using": "css selector", "value": css })).await?;
        Ok(found[ELEMENT].as_str().with_context(|| format!("{css} is no element"))?.to_owned())
    }

    /// A command of the developer tools.
    async fn tool(&self, command: &str, parameters: Value) -> Result<()> {
        self.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await.map(drop)
    }

    async fn post(&self, command: &str, body: Value) -> Result<Value> {
        self.send(Method::POST, &format!("{}/{command}", self.session), body).await
    }

    async fn send(&self, method: Method, address: &str, body: Value) -> Result<Value> {
        let answer = self.client.request(method, address).json(&body).send().await?;
        let (good, mut body) = (answer.status().is_success(), answer.json::<Value>().await?);
        let value = body["value"].take();
        if !good {
            bail!("{}: {}", value["error"], value["message"]);
        }
        Ok(value)
    }

    /// Ends the browser in order.
    pub(super) async fn close(mut self) -> Result<()> {
        let answer = self.client.delete(&self.session).send().await?;
        ensure!(answer.status().is_success(), "the browser did not end");
        // Its number may be another's by now.
        self.browser = None;
        Ok(())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The driver does not take the browser along when it is killed.
        if let Some(browser) = self.browser.take() {
            let _ = Command::new("kill").args(["-KILL", &browser]).stderr(Stdio::null()).status();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        // The browser's children write into the profile until they notice that they are alone.
        for _ in 0..100 {
            if std::fs::remove_dir_all(&self.profile).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn program(variable: &str) -> String {
    let Ok(path) = std::env::var(variable) else {
        panic!(
            "{variable} is not set: the web pages are tried in a real browser. Run the tests with tests/run, which finds \
             it, or installs it as root on Debian; by hand: apt-get install chromium chromium-driver"
        );
    };
    path
}
