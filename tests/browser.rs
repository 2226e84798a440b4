//! The web pages in a real browser that has no network: what a person sees and clicks, and that nothing comes from
//! anywhere else.

mod chromium;

use anyhow::{Context as _, Result};
use chromium::{CONTROL, Chromium, ENTER, ESCAPE};
use serde_json::Value;

use crate::demo::Demo;
use crate::program::empty_folder;
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use amvaj_domain::access::{Caller, Identity};

/// What GraphiQL shows as the answer.
const ANSWER: &str = "document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue()";

impl Chromium {
    /// Everything that pages asked for is from here, and the browser has nothing to complain of.
    async fn assert_at_peace(&self, home: &str) -> Result<()> {
        let asked_for = self.asked_for().await?;
        assert!(!asked_for.is_empty());
        for address in asked_for {
            assert!(address.starts_with(home), "{address}");
        }
        assert_eq!(self.complaints().await?, Vec::<String>::new());
        Ok(())
    }

    /// Opens GraphiQL and waits until it is there with the schema.
    async fn open_workbench(&self, address: &str) -> Result<()> {
        self.open(address).await?;
        self.until("document.querySelector('.graphiql-execute-button')").await?;
        self.until("!document.querySelector('.graphiql-spin, .graphiql-spinner')").await.map(drop)
    }

    /// Goes to the tab of this name, and forgets the answer that it may have had.
    async fn choose_tab(&self, title: &str) -> Result<()> {
        let tab = format!(
            "[...document.querySelectorAll('.graphiql-tab-button')].find((tab) => tab.textContent === '{title}')"
        );
        self.until(&tab).await?;
        self.value(&format!("{tab}.scrollIntoView(), true")).await?;
        self.click(&format!(".graphiql-tab-button[title=\"{title}\"]")).await?;
        self.value("document.querySelector('.result-window .CodeMirror').CodeMirror.setValue(''), true")
            .await
            .map(drop)
    }

    /// The answer that GraphiQL shows, once there is one.
    async fn answer(&self) -> Result<Value> {
        let text = self.until(ANSWER).await?;
        Ok(serde_json::from_str(text.as_str().context("no text")?)?)
    }

    /// Sends the tab of this name with the button.
    async fn send_tab(&self, title: &str) -> Result<Value> {
        self.choose_tab(title).await?;
        self.click(".graphiql-execute-button").await?;
        self.answer().await
    }

    async fn text(&self, css: &str) -> Result<String> {
        let text = self.value(&format!("document.querySelector('{css}').textContent")).await?;
        Ok(text.as_str().context("no text")?.to_owned())
    }

    /// The page does not have to be moved sideways on a phone.
    async fn assert_fits_a_phone(&self) -> Result<()> {
        self.resize(390, 844).await?;
        let root = "document.documentElement";
        let (width, room) = (format!("{root}.scrollWidth"), format!("{root}.clientWidth"));
        assert_eq!(self.value(&width).await?, self.value(&room).await?);
        self.resize(1280, 860).await
    }
}

#[tokio::test]
async fn the_landing_page_speaks_both_languages_and_knows_how_the_server_is() -> Result<()> {
    let app = TestApp::start(TestDb::sqlite().await).await;
    let home = app.home();
    let chromium = Chromium::start("landing").await?;
    chromium.open(&home).await?;
    assert_eq!(chromium.value("[document.documentElement.lang, document.dir].join()").await?, "en,ltr");
    chromium.until("document.getElementById('state').dataset.state === 'ready'").await?;
    assert_eq!(chromium.text("#state").await?, "Everything is up");
    assert!(chromium.text("#command").await?.contains(&format!("{home}graphql")));
    assert_eq!(chromium.value("document.querySelector('a[href*=\"role=\"]')").await?, Value::Null);
    chromium.assert_fits_a_phone().await?;

    chromium.click("a[hreflang=fa][lang=fa]").await?;
    chromium.until("document.documentElement.lang === 'fa' && document.dir === 'rtl'").await?;
    assert_eq!(chromium.value("getComputedStyle(document.querySelector('h1')).direction").await?, "rtl");
    assert_eq!(
        chromium.value("getComputedStyle(document.getElementById('command')).direction").await?,
        "ltr"
    );
    chromium.until("document.getElementById('state').textContent === 'همه‌چیز برقرار است'").await?;
    chromium.assert_fits_a_phone().await?;

    let ground = "getComputedStyle(document.body).backgroundColor";
    chromium.prefer_dark(false).await?;
    let light = chromium.value(ground).await?;
    chromium.prefer_dark(true).await?;
    let dark = chromium.value(ground).await?;
    assert_ne!(light, dark, "the page follows the system");
    chromium.click("[data-theme-button]").await?;
    assert_eq!(chromium.value(ground).await?, light, "the button turns it over");
    chromium.open(&format!("{home}?lang=en")).await?;
    assert_eq!(chromium.value(ground).await?, light, "the next page remembers");
    chromium.click("[data-theme-button]").await?;
    assert_eq!(chromium.value("localStorage.length").await?, 0, "the system's choice again");

    for page in chromium
        .value("[...document.links].map((link) => link.href)")
        .await?
        .as_array()
        .context("no links")?
    {
        let page = page.as_str().context("no address")?;
        assert!(reqwest::get(page).await?.status().is_success(), "{page}");
    }
    chromium.assert_at_peace(&home).await?;
    chromium.close().await
}

#[tokio::test]
async fn a_visitor_of_the_demo_plays_three_roles_in_graphiql() -> Result<()> {
    let folder = empty_folder("browser-demo");
    let demo = Demo::start(&folder, 40)?;
    let home = format!("http://{}/", demo.address());
    let chromium = Chromium::start("demo").await?;
    chromium.open(&home).await?;
    assert!(chromium.text("main").await?.contains("12 invented merchants, 40 invented members"));

    chromium.open_workbench(&format!("{home}playground")).await?;
    assert_eq!(chromium.value("location.pathname").await?, "/graphiql");
    assert_eq!(chromium.text("[aria-current=page]").await?, "Shopper");
    let name = demo.ask("member", "{ viewer { member { name } } }").await?;
    let name =
        name.pointer("/data/viewer/member/name").and_then(Value::as_str).context("no name")?.to_owned();
    assert_eq!(chromium.text("#who").await?, format!("Asks as {name}"));
    chromium.click(".graphiql-execute-button").await?;
    let wallet = demo.ask("member", "{ wallet { available } }").await?;
    let shown = chromium.answer().await?;
    assert_eq!(
        shown["data"]["viewer"]["member"]["wallet"]["available"],
        wallet["data"]["wallet"]["available"]
    );

    chromium.choose_tab("ExpiringPoints").await?;
    chromium.click(".graphiql-query-editor .CodeMirror").await?;
    chromium.press(&[CONTROL, ENTER]).await?;
    assert!(chromium.answer().await?["data"]["wallet"]["expiring"].is_array());

    chromium.send_tab("MyWallet").await?;
    let watched = chromium.send_tab("WatchMyWallet").await?;
    let now = &watched["data"]["walletChanged"]["wallet"]["available"];
    assert_eq!(*now, wallet["data"]["wallet"]["available"], "{watched}");
    let is_running = "document.querySelector('.graphiql-execute-button').ariaLabel.startsWith('Stop')";
    assert_eq!(chromium.value(is_running).await?, true, "a subscription goes on");
    chromium.click(".graphiql-execute-button").await?;
    chromium.until(&format!("!{is_running}")).await?;

    chromium.click("#change-token").await?;
    chromium.click("#token-cancel").await?;
    chromium.click("[data-role=till]").await?;
    chromium.until("document.querySelector('[aria-current=page]')?.dataset.role === 'till'").await?;
    chromium.until("document.querySelector('.graphiql-execute-button')").await?;
    let early = chromium.send_tab("CaptureHold").await?;
    let hint = early["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(hint.starts_with("Run the tab HoldPoints first"), "{early}");
    let earned = chromium.send_tab("EarnPoints").await?;
    assert_eq!(earned["data"]["earnPoints"]["operation"]["points"], "1400", "{earned}");
    let held = chromium.send_tab("HoldPoints").await?;
    assert_eq!(held["data"]["holdPoints"]["wallet"]["held"], "50", "{held}");
    let captured = chromium.send_tab("CaptureHold").await?;
    assert_eq!(captured["data"]["captureHold"]["hold"]["captured"], "40", "{captured}");

    chromium.click("[data-role=operator]").await?;
    chromium.until("document.querySelector('[aria-current=page]')?.dataset.role === 'operator'").await?;
    chromium.until("document.querySelector('.graphiql-execute-button')").await?;
    let club = chromium.send_tab("Merchants").await?;
    assert_eq!(club["data"]["merchants"]["totalCount"], 12, "{club}");
    chromium.assert_fits_a_phone().await?;

    let kept = chromium.value("JSON.stringify(localStorage)").await?;
    assert_eq!(kept, "{}", "nothing outlives the browser tab, tokens least of all");
    chromium.assert_at_peace(&home).await?;
    chromium.close().await?;
    drop(demo);
    Ok(std::fs::remove_dir_all(folder)?)
}

#[tokio::test]
async fn graphiql_of_any_server_explains_the_schema_takes_a_token_and_turns_dark() -> Result<()> {
    let app = TestApp::start(TestDb::sqlite().await).await;
    app.merchant("Garden Café").await;
    let home = app.home();
    let chromium = Chromium::start("workbench").await?;
    chromium.prefer_dark(false).await?;
    chromium.open_workbench(&format!("{home}graphiql")).await?;
    assert_eq!(chromium.text("#who").await?, "Asks without a token");
    chromium.click(".graphiql-execute-button").await?;
    assert_eq!(chromium.answer().await?["data"]["network"]["nameEn"], "Amvaj Club");

    chromium.click("[aria-label='Show Documentation Explorer']").await?;
    let query = "[...document.querySelectorAll('.graphiql-doc-explorer a')].find((link) => link.textContent === 'Query')";
    chromium.until(query).await?;
    chromium.value(&format!("{query}.click()")).await?;
    let described = "document.querySelector('.graphiql-doc-explorer').textContent.includes('Whom the access token stands for')";
    chromium.until(described).await?;

    // A dialog of GraphiQL's stops the page behind it from scrolling, with the one style that the policy lets in.
    chromium.click("[aria-label='Open settings dialog']").await?;
    chromium.until("document.querySelector('.graphiql-dialog')").await?;
    chromium.until("document.querySelector('style')?.sheet.cssRules.length > 0").await?;
    chromium.press(&[ESCAPE]).await?;
    chromium.until("!document.querySelector('.graphiql-dialog')").await?;

    assert_eq!(chromium.value("document.body.className").await?, "graphiql-light");
    chromium.click("[data-theme-button]").await?;
    chromium.until("document.body.className === 'graphiql-dark'").await?;

    chromium.click("[data-role=operator]").await?;
    chromium.until("document.querySelector('[aria-current=page]')?.dataset.role === 'operator'").await?;
    chromium.until("document.querySelector('.graphiql-execute-button')").await?;
    assert_eq!(chromium.value("document.body.className").await?, "graphiql-dark");
    let refused = chromium.send_tab("Merchants").await?;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{refused}");
    chromium.click("#change-token").await?;
    chromium.type_into("#token", &app.token(&Identity::console(Caller::Operator))).await?;
    chromium.click("#token-dialog [type=submit]").await?;
    chromium.until("document.getElementById('who').textContent === 'Asks with your token'").await?;
    chromium.until("document.querySelector('.graphiql-execute-button')").await?;
    chromium.choose_tab("TheClub").await?;
    let merchants = chromium.send_tab("Merchants").await?;
    assert_eq!(merchants["data"]["merchants"]["nodes"][0]["nameEn"], "Garden Café", "{merchants}");
    assert_eq!(chromium.value("JSON.stringify(localStorage)").await?, "{\"amvaj-theme\":\"dark\"}");
    chromium.assert_at_peace(&home).await?;
    chromium.close().await
}
