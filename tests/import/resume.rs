//! The program itself: killed in the middle, run dry, run strictly.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use amvaj_api::auth::Credentials;
use sea_orm::{ConnectionTrait as _, Statement};

use super::network::{config, contents, import_as, trace};
use super::{HEADER, MAP};
use crate::program::{amvaj, empty_folder};
use crate::support::database::TestDb;

/// Purchases of eight customers over two weeks, every tenth of them cancelled in part the next day.
fn two_weeks() -> String {
    let mut lines = String::new();
    for number in 0..400 {
        let (day, hour, minute) = (1 + number / 30, 8 + number % 12, number % 60);
        let (customer, units) = (number % 8, 1 + number % 5);
        for product in ["10A", "20A"] {
            let at = format!("2024-01-{day:02} {hour:02}:{minute:02}");
            writeln!(lines, "{customer},{number},{product},{units},3.75,{at}").unwrap();
            if number % 10 == 0 {
                let next = format!("2024-01-{:02} {hour:02}:{minute:02}", day + 1);
                writeln!(lines, "{customer},C{number},{product},-1,3.75,{next}").unwrap();
            }
        }
    }
    lines
}

/// Where the program keeps its secret, in its folder.
const SECRET: &str = "server-secret.key";

/// What the program in `folder` proves itself with.
fn credentials(folder: &Path) -> Credentials {
    let mut auth = config("sqlite://unused.sqlite").auth;
    auth.secret_file = folder.join(SECRET);
    auth.key_file = folder.join("signing-key.pem");
    Credentials::load_or_create(&auth).unwrap()
}

/// The program with a map and a file in `folder`, on a database.
fn purchases(folder: &Path, url: &str, lines: &str) -> Command {
    std::fs::write(folder.join("map.toml"), MAP).unwrap();
    std::fs::write(folder.join("lines.csv"), format!("{HEADER}{lines}")).unwrap();
    let mut command = amvaj(folder);
    command.env("AMVAJ_AUTH_SECRET_FILE", SECRET);
    command.env("AMVAJ_DATABASE_URL", url).args(["import", "purchases", "lines.csv", "--map", "map.toml"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn operations(url: &str) -> i64 {
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let statement =
        Statement::from_string(connection.get_database_backend(), "select count(*) as t from op".to_owned());
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    connection.close().await.unwrap();
    row.try_get("", "t").unwrap()
}

#[tokio::test]
async fn an_import_that_is_killed_goes_on_where_it_was() {
    let lines = two_weeks();
    let whole = TestDb::sqlite().await;
    let folder = empty_folder("import-killed");
    let expected = import_as(&whole.url, &lines, credentials(&folder)).await;
    let expected_trace = trace(&whole.url).await;
    for database in TestDb::both().await {
        let mut killed = 0;
        // Killed again and again, each time a little further.
        for at_least in [1, 150, 500] {
            let mut child = purchases(&folder, &database.url, &lines).spawn().unwrap();
            while child.try_wait().unwrap().is_none() && operations(&database.url).await < at_least {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            child.kill().unwrap();
            killed += i32::from(!child.wait().unwrap().success());
        }
        assert!(killed > 0, "every run ended before it was killed");
        let before = operations(&database.url).await;
        let report = import_as(&database.url, &lines, credentials(&folder)).await;
        assert!(before > 0 && report.purchases.already_there > 0);
        assert_eq!(report.lines, expected.lines);
        assert!(trace(&database.url).await == expected_trace, "the journal differs from that of a whole run");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_finished_import_passes_the_audit_and_a_second_one_changes_no_row() {
    for database in TestDb::both().await {
        let folder = empty_folder("import-audit");
        let lines = two_weeks();
        let mut before = Vec::new();
        for run in ["first", "second"] {
            let output = purchases(&folder, &database.url, &lines).output().unwrap();
            assert!(output.status.success(), "{run}: {output:?}");
            let after = contents(&database.url).await;
            assert!(before.is_empty() || before == after, "the second run changed rows");
            before = after;
        }
        let audit = amvaj(&folder).env("AMVAJ_DATABASE_URL", &database.url).arg("verify").output().unwrap();
        assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test]
async fn a_dry_run_reports_all_and_writes_nothing() {
    let folder = empty_folder("import-dry");
    let url = format!("sqlite://{}", folder.join("data/amvaj.sqlite").display());
    let lines = "7,1,10,1,1,2024-01-01 10:00\n7,1,10,1\n=1+1,C2,10,-1,1,2024-01-02 10:00\n";
    for (option, file) in [("--report", "report.json"), ("--report", "left-out.csv")] {
        let output = purchases(&folder, &url, lines).args(["--dry-run", option, file]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("3 read = 1 earned + 0 refunded + 2 left out"), "{said}");
        assert!(said.contains("line 3: 4 cells, the header has 6"), "{said}");
    }
    assert!(!folder.join("data").exists(), "there is no database");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["skipped"][0]["line"], 3);
    assert_eq!(report["skipped"][1]["reason"], "unmatched_cancellation");
    let table = std::fs::read_to_string(folder.join("left-out.csv")).unwrap();
    assert!(table.contains("4,unmatched_cancellation,C2,-1,"), "{table}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_strict_import_accepts_no_malformed_line() {
    let folder = empty_folder("import-strict");
    let url = format!("sqlite://{}", folder.join("data/amvaj.sqlite").display());
    let lines = "7,1,10,1,1,2024-01-01 10:00\n7,1,10,one,1,2024-01-01 10:00\n";
    let output = purchases(&folder, &url, lines).arg("--strict").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 malformed lines"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("line 3:"), "{output:?}");
    assert!(!folder.join("data").exists());
    let output = purchases(&folder, &url, "7,1,10,1,1,2024-01-01 10:00\n").arg("--strict").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_file_or_map_that_cannot_be_read_is_named() {
    let folder = empty_folder("import-missing");
    let mut command = purchases(&folder, "sqlite://none.sqlite", "");
    std::fs::remove_file(folder.join("lines.csv")).unwrap();
    let output = command.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("lines.csv cannot be read"), "{output:?}");
    std::fs::write(folder.join("map.toml"), "name = 1").unwrap();
    let output = command.output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("map.toml has to be corrected"), "{output:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
