//! The audit: a network whose history the real writer made is clean, and every damage that a person could do to its
//! tables by SQL is found by the check that it breaks, on both databases.

mod boards;
mod damages;
mod exports;
mod people;
mod rewards;
mod scene;
mod story;
mod webhooks;

use amvaj_infra::verify::{CheckResult, Report};
use futures_util::{StreamExt as _, stream};

use self::{damages::Damage, scene::Scene};

#[expect(clippy::disallowed_methods, reason = "the test servers are named by the environment")]
fn given_postgres() -> Option<String> {
    std::env::var("AMVAJ_TEST_DATABASE_URL").ok()
}

fn describe(report: &Report) -> String {
    let broken = report.checks.iter().filter(|check| check.violations > 0);
    broken.map(|check| format!("{} {}: {:?}\n", check.number, check.name, check.rows)).collect()
}

async fn every_damage_is_found(scene: Scene) {
    scene.play().await;
    let report = scene.verify().await;
    assert!(report.is_clean(), "the story is not clean:\n{}", describe(&report));
    assert!(report.checks.is_sorted_by_key(|check| check.number));

    scene.drop_checks().await;
    let missed: Vec<String> = stream::iter(damages::all())
        .map(|damage| miss(&scene, damage))
        .buffer_unordered(4)
        .filter_map(|missed| async { missed })
        .collect()
        .await;
    scene.remove().await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Says how a damage was missed, if it was.
async fn miss(scene: &Scene, damage: Damage) -> Option<String> {
    let copy = scene.copy().await;
    copy.damage(&damage.sql).await;
    let report = copy.verify().await;
    let of_wallets = copy.verify_wallets().await;
    copy.remove().await;
    if let Some(different) = different(&report, &of_wallets) {
        return Some(format!("“{}” is not found alike in the wallets alone: {different}", damage.name));
    }
    let found = report.checks.iter().any(|check| {
        check.number == damage.number && check.violations > 0 && check.rows.iter().all(|row| !row.is_empty())
    });
    (!found).then(|| {
        format!("“{}” is not found by check {}, but by:\n{}", damage.name, damage.number, describe(&report))
    })
}

/// A check that finds something else when it is asked of all wallets one by one than when it is asked of everything. Keys
/// and receipts are looked up by those of the wallets, so what only a look-up table has is not seen then.
fn different(everything: &Report, of_wallets: &Report) -> Option<String> {
    assert!(
        of_wallets.checks.len() > 40,
        "only {} checks were asked of the wallets",
        of_wallets.checks.len()
    );
    let differs = |check: &&CheckResult| {
        let same =
            everything.checks.iter().find(|other| (other.number, other.name) == (check.number, check.name));
        let same = same.expect("a check of wallets is one of everything, too");
        let is_of_keys = check.number == 11;
        check.violations > same.violations || (!is_of_keys && check != &same)
    };
    let found = of_wallets.checks.iter().find(differs)?;
    Some(format!("{} {}: {:?}", found.number, found.name, found.rows))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_damage_is_found_on_sqlite() {
    every_damage_is_found(Scene::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_damage_is_found_on_postgres() {
    let scene =
        Scene::postgres().await.expect("AMVAJ_TEST_DATABASE_URL names a PostgreSQL that tests may use");
    every_damage_is_found(scene).await;
}

/// A bucket whose outbox is whole, so that everything in it can be sealed anew.
const WRITTEN_ANEW: &str = "bucket = (select min(bucket) from relay)";

async fn kept_heads_show_a_history_that_was_written_anew(scene: Scene) {
    scene.play().await;
    let heads = scene.verify().await.heads;
    assert_eq!(heads.len(), 16);
    assert!(scene.verify_against(heads.clone()).await.is_clean());

    let forget = format!(
        "update op set branch_id = wallet_id where shard_no % 16 = (select min(bucket) from relay)
            and kind = 1;
        delete from chain where {WRITTEN_ANEW};
        update outbox set relay_no = null, relayed_at = null where {WRITTEN_ANEW};
        update relay set relay_no = 0 where {WRITTEN_ANEW}"
    );
    scene.damage(&forget).await;
    let database = scene.open().await;
    story::relay_all(&database, &story::held(&database).await).await;
    database.close().await.unwrap();

    let report = scene.verify().await;
    assert!(report.is_clean(), "nothing shows any more:\n{}", describe(&report));
    let report = scene.verify_against(heads).await;
    let broken: Vec<_> = report.checks.iter().filter(|check| check.violations > 0).collect();
    assert_eq!(broken.iter().map(|check| (check.number, check.violations)).collect::<Vec<_>>(), [(17, 1)]);
    assert!(broken[0].rows[0].ends_with("no link has the hash that was kept"), "{:?}", broken[0].rows);
    scene.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_heads_show_a_history_that_was_written_anew_on_sqlite() {
    kept_heads_show_a_history_that_was_written_anew(Scene::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_heads_show_a_history_that_was_written_anew_on_postgres() {
    let scene =
        Scene::postgres().await.expect("AMVAJ_TEST_DATABASE_URL names a PostgreSQL that tests may use");
    kept_heads_show_a_history_that_was_written_anew(scene).await;
}
