//! An SMS panel that takes every message and shows it to the test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use amvaj_api::config::Config;
use serde_json::{Value, json};

use super::app::TestApp;
use super::database::TestDb;
use super::web::{FakeWeb, Reply};

/// A panel that goes away with the test.
pub(crate) struct Panel {
    web: FakeWeb,
    file: PathBuf,
}

impl Panel {
    /// A panel with the file that describes it.
    pub(crate) async fn start() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let web = FakeWeb::start(|_| Reply::Answer(200, json!({ "status": 1 }).to_string())).await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("amvaj-panel-{}-{number}.toml", std::process::id()));
        let json = r#"{ to = "{to}", text = "{text}", code = "{code}" }"#;
        let url = web.url("/send");
        let text = format!(
            "name = \"fake\"\n[request]\nurl = \"{url}\"\njson = {json}\n[success]\nstatus = [200]\n"
        );
        std::fs::write(&file, text).unwrap();
        Self { web, file }
    }

    /// A server on each kind of database, each with a panel of its own.
    pub(crate) async fn both(change: fn(&mut Config)) -> Vec<(TestApp, Self)> {
        let mut servers = Vec::new();
        for database in TestDb::both().await {
            let panel = Self::start().await;
            let file = panel.file.clone();
            let app = TestApp::start_with(database, move |config| {
                config.sms.provider_file = Some(file.clone());
                config.auth.login_domain = Some("club.example".to_owned());
                change(config);
            });
            servers.push((app.await, panel));
        }
        servers
    }

    /// The messages that came so far.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.web.asked().iter().map(|asked| serde_json::from_str(&asked.body).unwrap()).collect()
    }

    /// Waits for message number `count` and answers with it; its delivery goes on after the answer to its request.
    pub(crate) async fn message(&self, count: usize) -> Value {
        let asked = self.web.asked_times(count).await;
        serde_json::from_str(&asked[count - 1].body).unwrap()
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}
