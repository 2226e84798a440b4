//! The audit: a network whose history the real writer made is clean, and every damage that a person could do to its
//! tables by SQL is found by the check that it breaks, on both databases.

mod boards;
mod damages;
mod people;
mod scene;
mod story;

use amvaj_infra::verify::Report;
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
    copy.remove().await;
    let found = report.checks.iter().any(|check| {
        check.number == damage.number && check.violations > 0 && check.rows.iter().all(|row| !row.is_empty())
    });
    (!found).then(|| {
        format!("“{}” is not found by check {}, but by:\n{}", damage.name, damage.number, describe(&report))
    })
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
