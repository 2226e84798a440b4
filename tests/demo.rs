//! `amvaj demo`: the first start, the second, an interrupted one, and databases that are not its own.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use amvaj_api::demo::{marker::Marker, script::Script, welcome::FIRST_QUERY, year::Action};
use amvaj_domain::calendar::Zone;
use anyhow::{Context as _, Result};
use sea_orm::{ConnectionTrait as _, Database, Statement};
use serde_json::{Value, json};

use crate::program::{amvaj, empty_folder};

/// A demo that is being served.
pub(crate) struct Demo {
    process: Child,
    said: String,
}

impl Demo {
    /// Starts, and reads what it says until it is ready.
    pub(crate) fn start(folder: &Path, members: u32) -> Result<Self> {
        Self::of(&mut demo(folder, members))
    }

    /// Starts with a command of `amvaj demo`.
    pub(crate) fn of(command: &mut Command) -> Result<Self> {
        let mut process = command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let mut said = String::new();
        while !said.contains("Stop with Ctrl-C") {
            said.push_str(&lines.next().context("it ended before it was ready")??);
            said.push('\n');
        }
        Ok(Self { process, said })
    }

    pub(crate) fn address(&self) -> &str {
        let (_, rest) = self.said.split_once("http://").unwrap();
        rest.split('/').next().unwrap()
    }

    /// The token on the line after the one that begins with a role.
    fn token(&self, role: &str) -> &str {
        let mut lines = self.said.lines().skip_while(|line| !line.starts_with(&format!("  {role}")));
        lines.nth(1).unwrap().trim()
    }

    pub(crate) async fn ask(&self, role: &str, query: &str) -> Result<Value> {
        let request = reqwest::Client::new()
            .post(format!("http://{}/graphql", self.address()))
            .bearer_auth(self.token(role))
            .json(&json!({ "query": query }));
        Ok(request.send().await?.json().await?)
    }

    /// Stops it as a user would, and waits.
    pub(crate) fn stop(mut self) -> Result<()> {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status()?.success());
        assert!(self.process.wait()?.success());
        Ok(())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command that makes and serves a demo in a folder.
pub(crate) fn demo(folder: &Path, members: u32) -> Command {
    let mut command = amvaj(folder);
    command.args(["demo", "--members", &members.to_string(), "--seed", "7"]);
    command
}

async fn count(folder: &Path, sql: &str) -> Result<i64> {
    let database = Database::connect(format!("sqlite://{}", folder.join("amvaj.sqlite").display())).await?;
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await?.context("no row")?;
    let count = row.try_get_by_index(0)?;
    database.close().await?;
    Ok(count)
}

const OPERATIONS: &str = "select count(*) from op";
const EARNS: &str = "select count(*) from op where kind = 1";
const MEMBERS: &str = "select count(*) from member";

/// How many purchases the demo in a folder has to have.
fn purchases(folder: &Path) -> Result<i64> {
    let marker = Marker::read(folder)?.context("there is no note")?;
    assert!(marker.complete);
    let script = Script::write(&marker, &Zone::default())?;
    let purchases = script.events.iter().filter(|event| matches!(event.action, Action::Buy(_))).count();
    Ok(i64::try_from(purchases)?)
}

#[tokio::test]
async fn the_first_start_makes_a_network_and_the_second_one_finds_it() -> Result<()> {
    let folder = empty_folder("demo-twice");
    let first = Demo::start(&folder, 40)?;
    let answer = first.ask("member", FIRST_QUERY).await?;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let operations = answer.pointer("/data/wallet/operations/nodes").and_then(Value::as_array).unwrap();
    assert_eq!(operations.len(), 5);
    let curl = first.said.lines().find_map(|line| line.trim().strip_prefix("-d '")?.strip_suffix('\''));
    let body: Value = serde_json::from_str(curl.context("there is no command for curl")?)?;
    let pasted = first.ask("member", body["query"].as_str().unwrap()).await?;
    assert_eq!(pasted["data"]["wallet"]["available"], answer["data"]["wallet"]["available"]);
    let readme = include_str!("../README.md").lines();
    let body = readme.filter_map(|line| line.trim().strip_prefix("-d '")?.strip_suffix('\'')).next();
    let body: Value = serde_json::from_str(body.context("the README asks nothing")?)?;
    let quoted = first.ask("merchant", body["query"].as_str().unwrap()).await?;
    assert!(quoted["data"]["quoteEarn"]["quote"]["points"].is_string(), "{quoted}");
    let merchants = first.ask("operator", "{ merchants(first: 20) { nodes { nameEn nameFa } } }").await?;
    assert_eq!(merchants["data"]["merchants"]["nodes"].as_array().map(Vec::len), Some(12), "{merchants}");
    let own = first.ask("merchant", "{ operations(first: 3) { nodes { merchant { nameEn } } } }").await?;
    assert_eq!(own["data"]["operations"]["nodes"][0]["merchant"]["nameEn"], "Sahar Hypermarket", "{own}");
    first.stop()?;

    let operations = count(&folder, OPERATIONS).await?;
    assert_eq!(count(&folder, EARNS).await?, purchases(&folder)?);
    let second = Demo::start(&folder, 40)?;
    assert_eq!(second.ask("member", FIRST_QUERY).await?["data"], answer["data"]);
    second.stop()?;
    assert_eq!(count(&folder, OPERATIONS).await?, operations);
    Ok(fs::remove_dir_all(folder)?)
}

#[tokio::test]
async fn a_demo_that_is_killed_in_the_middle_goes_on_and_nothing_happens_twice() -> Result<()> {
    let folder = empty_folder("demo-killed");
    let mut killed = demo(&folder, 300).arg("--no-serve").spawn()?;
    let begun = Instant::now();
    while count(&folder, EARNS).await.unwrap_or_default() < 100 {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing is played");
        assert_eq!(killed.try_wait()?, None, "it ended before it was killed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    killed.kill()?;
    killed.wait()?;
    assert!(!Marker::read(&folder)?.context("there is no note")?.complete);
    let played = count(&folder, OPERATIONS).await?;

    let again = demo(&folder, 300).arg("--no-serve").output()?;
    let said = String::from_utf8(again.stderr)?;
    assert!(again.status.success() && said.contains("was interrupted"), "{said}");
    assert!(count(&folder, OPERATIONS).await? > played);
    assert_eq!(count(&folder, EARNS).await?, purchases(&folder)?);
    assert_eq!(count(&folder, MEMBERS).await?, 300);
    Ok(fs::remove_dir_all(folder)?)
}

#[tokio::test]
async fn only_a_demo_is_deleted_by_fresh() -> Result<()> {
    let folder = empty_folder("demo-fresh");
    assert!(demo(&folder, 10).arg("--no-serve").status()?.success());
    assert!(demo(&folder, 12).args(["--no-serve", "--fresh"]).status()?.success());
    assert_eq!(count(&folder, MEMBERS).await?, 12);
    fs::remove_file(Marker::path(&folder))?;
    let refused = demo(&folder, 10).args(["--no-serve", "--fresh"]).output()?;
    assert!(!refused.status.success());
    assert!(String::from_utf8(refused.stderr)?.contains("--fresh leaves it alone"));
    let refused = demo(&folder, 10).arg("--no-serve").output()?;
    assert!(String::from_utf8(refused.stderr)?.contains("holds a network that no demo made"));
    assert_eq!(count(&folder, MEMBERS).await?, 12);
    Ok(fs::remove_dir_all(folder)?)
}

#[tokio::test]
async fn a_file_of_another_kind_is_named_and_left_alone() -> Result<()> {
    let folder = empty_folder("demo-foreign");
    let path = folder.join("amvaj.sqlite");
    fs::write(&path, "my shopping list\n".repeat(100))?;
    let refused = demo(&folder, 10).arg("--no-serve").output()?;
    let said = String::from_utf8(refused.stderr)?;
    assert!(!refused.status.success() && said.contains("amvaj.sqlite"), "{said}");
    assert!(fs::read_to_string(&path)?.starts_with("my shopping list"));

    fs::remove_file(&path)?;
    let database = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await?;
    database.execute_unprepared("create table song (title text)").await?;
    database.close().await?;
    let refused = demo(&folder, 10).arg("--no-serve").output()?;
    let said = String::from_utf8(refused.stderr)?;
    assert!(!refused.status.success() && said.contains("no demo made"), "{said}");
    Ok(fs::remove_dir_all(folder)?)
}
