//! `amvaj bench`: it measures on a database of its own, and on no other.

use anyhow::Result;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use serde_json::Value;

use crate::program::{amvaj, empty_folder};
use crate::support::database::{self, TestDb};

#[test]
fn a_short_run_measures_everything_without_an_error() -> Result<()> {
    let folder = empty_folder("bench");
    let mut bench = amvaj(&folder);
    bench.args([
        "bench",
        "--json",
        "--seconds",
        "1",
        "--connections",
        "8",
        "--merchants",
        "3",
        "--wallets",
        "20",
    ]);
    let run = bench.output()?;
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    let report: Value = serde_json::from_slice(&run.stdout)?;
    let scenarios = report["scenarios"].as_array().unwrap();
    let names: Vec<_> = scenarios.iter().map(|scenario| scenario["scenario"].as_str().unwrap()).collect();
    assert_eq!(names, ["earn", "hold", "redeem", "refund", "balance"]);
    assert_measured(scenarios);
    // The database was a file of its own: nothing was made where the configuration points.
    assert!(!folder.join("amvaj.sqlite").exists());
    Ok(std::fs::remove_dir_all(folder)?)
}

fn assert_measured(scenarios: &[Value]) {
    for scenario in scenarios {
        assert_eq!(scenario["errors"], 0, "{scenario}");
        assert!(scenario["requests"].as_u64().unwrap() > 0, "{scenario}");
        assert!(scenario["p50_ms"].as_f64() <= scenario["p99_ms"].as_f64(), "{scenario}");
    }
}

/// A short run on a database, with more arguments.
fn measured(name: &str, url: Option<&str>, arguments: &[&str]) -> Result<Value> {
    let folder = empty_folder(name);
    let mut bench = amvaj(&folder);
    bench.args([
        "bench",
        "--json",
        "--seconds",
        "1",
        "--connections",
        "8",
        "--merchants",
        "3",
        "--wallets",
        "50",
    ]);
    bench.args(arguments);
    if let Some(url) = url {
        bench.args(["--database-url", url]);
    }
    let run = bench.output()?;
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    std::fs::remove_dir_all(folder)?;
    Ok(serde_json::from_slice(&run.stdout)?)
}

#[test]
fn every_scenario_gets_the_answers_it_expects() -> Result<()> {
    let names = [
        "top-ten",
        "top-hundred",
        "neighbours",
        "entity",
        "entities",
        "till",
        "hot-merchant",
        "zipf-wallets",
        "replays",
        "rejections",
    ];
    let arguments: Vec<&str> = names.iter().flat_map(|name| ["--scenario", name]).collect();
    let report = measured("bench-scenarios", None, &arguments)?;
    let scenarios = report["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), names.len());
    assert_measured(scenarios);
    Ok(())
}

#[test]
fn in_an_open_loop_requests_go_out_at_their_time() -> Result<()> {
    let report = measured("bench-open-loop", None, &["--scenario", "balance", "--rate", "100"])?;
    let balance = &report["scenarios"][0];
    assert_measured(std::slice::from_ref(balance));
    let requests = balance["requests"].as_u64().unwrap();
    assert!(requests <= 100, "no more than are due in a second: {requests}");
    assert!(requests + balance["unsent"].as_u64().unwrap() >= 80, "{balance}");
    Ok(())
}

#[tokio::test]
async fn a_plain_ledger_is_measured_beside_it_and_leaves_nothing() -> Result<()> {
    let postgres = TestDb::postgres().await;
    let mut measured_earns = 0;
    for (url, ways) in
        [(None, &["plain-sql"][..]), (Some(postgres.url.as_str()), &["plain-sql", "plain-call"])]
    {
        let report = measured("bench-baseline", url, &["--scenario", "earn", "--baseline", "--rounds", "2"])?;
        let scenarios = report["scenarios"].as_array().unwrap();
        assert_measured(scenarios);
        assert_eq!(scenarios.len(), 2 * (1 + ways.len()));
        // Those of the last database.
        let earns = scenarios.iter().filter(|scenario| scenario["scenario"] == "earn");
        measured_earns = earns.map(|earn| earn["requests"].as_u64().unwrap()).sum();
        for way in ways {
            let ratio = report["ratios"].as_array().unwrap().iter();
            let ratio =
                ratio.filter(|ratio| ratio["scenario"] == "earn").find(|ratio| ratio["to"] == *way).unwrap();
            assert!(ratio["least"].as_f64() <= ratio["middle"].as_f64(), "{ratio}");
            assert!(ratio["middle"].as_f64() <= ratio["most"].as_f64(), "{ratio}");
        }
    }
    let database = database::open(&postgres.url).await;
    let count = async |sql: &str| -> Result<u64> {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let found = database.for_migrations().query_one_raw(statement).await?.unwrap();
        Ok(u64::try_from(found.try_get::<i64>("", "n")?)?)
    };
    let made = count("select count(*) as n from op where kind = 1").await?;
    assert!(
        made >= measured_earns,
        "of {measured_earns} purchases only {made} were made, the others were replays"
    );
    assert_eq!(count("select count(*) as n from pg_tables where tablename like 'plain_%'").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_past_that_was_loaded_is_sound_and_is_measured_on() -> Result<()> {
    let postgres = TestDb::postgres().await;
    let loaded = ["--scenario", "redeem", "--operations", "2000"];
    let report = measured("bench-past", Some(&postgres.url), &loaded)?;
    assert_measured(report["scenarios"].as_array().unwrap());
    let database = database::open(&postgres.url).await;
    let of_kind = "select count(distinct kind) as kinds, count(*) as n, count(distinct wallet_id) as wallets from op \
         where recorded_at < (select max(recorded_at) from op) - 3600000000";
    let statement = Statement::from_string(DbBackend::Postgres, of_kind);
    let past = database.for_migrations().query_one_raw(statement).await?.unwrap();
    let count = |name: &str| past.try_get::<i64>("", name);
    assert_eq!((count("n")?, count("wallets")?, count("kinds")?), (2_000, 50, 5));
    let folder = empty_folder("bench-past-verified");
    let verified = amvaj(&folder).env("AMVAJ_DATABASE_URL", &postgres.url).arg("verify").output()?;
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    Ok(std::fs::remove_dir_all(folder)?)
}

#[test]
fn exports_are_measured_in_both_formats() -> Result<()> {
    let report = measured("bench-export", None, &["--export"])?;
    let exports = report["exports"].as_array().unwrap();
    let formats: Vec<_> = exports.iter().map(|export| export["format"].as_str().unwrap()).collect();
    assert_eq!(formats, ["csv", "json lines"]);
    for export in exports {
        assert!(export["rows"].as_u64().unwrap() >= 50, "{export}");
        assert!(export["rows_per_second"].as_f64().unwrap() > 0.0, "{export}");
    }
    Ok(())
}

#[test]
fn the_library_alone_is_measured_beside_what_only_reads() -> Result<()> {
    let report = measured("bench-stock", None, &["--scenario", "balance", "--baseline"])?;
    let scenarios = report["scenarios"].as_array().unwrap();
    assert_measured(scenarios);
    let names: Vec<_> = scenarios.iter().map(|scenario| scenario["scenario"].as_str().unwrap()).collect();
    assert_eq!(names, ["balance", "stock-graphql"]);
    let ratio = &report["ratios"][0];
    assert_eq!((ratio["scenario"].as_str(), ratio["to"].as_str()), (Some(names[0]), Some(names[1])));
    Ok(())
}

#[test]
fn a_database_is_used_again_but_never_somebody_elses() -> Result<()> {
    let folder = empty_folder("bench-again");
    let bench = |file: &str| {
        let mut bench = amvaj(&folder);
        bench.args([
            "bench",
            "--scenario",
            "redeem",
            "--seconds",
            "1",
            "--connections",
            "2",
            "--threads",
            "2",
        ]);
        bench.args(["--merchants", "2", "--wallets", "5", "--database-url"]);
        bench.arg(format!("sqlite://{}", folder.join(file).display())).output()
    };
    for _ in 0..2 {
        let run = bench("own.sqlite")?;
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert!(String::from_utf8(run.stdout)?.contains("redeem"));
    }
    assert!(amvaj(&folder).args(["demo", "--members", "10", "--no-serve"]).status()?.success());
    let refused = bench("amvaj.sqlite")?;
    assert!(!refused.status.success());
    assert!(String::from_utf8(refused.stderr)?.contains("which no bench made"));
    Ok(std::fs::remove_dir_all(folder)?)
}
