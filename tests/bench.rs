//! `amvaj bench`: it measures on a database of its own, and on no other.

use anyhow::Result;
use serde_json::Value;

use crate::program::{amvaj, empty_folder};

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
    assert_eq!(names, ["earn", "hold", "redeem", "balance"]);
    for scenario in scenarios {
        assert_eq!(scenario["errors"], 0, "{scenario}");
        assert!(scenario["requests"].as_u64().unwrap() > 0, "{scenario}");
        assert!(scenario["p50_ms"].as_f64() <= scenario["p99_ms"].as_f64(), "{scenario}");
    }
    // The database was a file of its own: nothing was made where the configuration points.
    assert!(!folder.join("amvaj.sqlite").exists());
    Ok(std::fs::remove_dir_all(folder)?)
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
