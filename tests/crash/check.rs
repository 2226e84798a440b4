//! What must hold after a round, seen through the API and by `amvaj verify`.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::clients::Book;
use super::operation::{Answer, Operation};
use super::scene::{Scene, text};
use super::stage::Stage;
use crate::support::till::POINTS;

/// Within this time the background work has done all that is left to do.
const DRAINED_WITHIN: Duration = Duration::from_secs(60);

/// Everything that was acknowledged is there, once, with the answer that was given; the sums are exact, and every invariant
/// holds.
pub(super) async fn check(stage: &Stage, scene: &Scene, book: &Book) {
    stage.verify("60").unwrap_or_else(|broken| panic!("{broken}"));
    drained(stage).await;
    let final_answers = same_answers(scene, book).await;
    journal_has_each_once(scene, &final_answers).await;
    sums_are_exact(scene, &final_answers).await;
    assert_eq!(stage.errors(), Vec::<String>::new(), "the log tells of defects");
}

/// Sends every key once more, and compares. A refund that waited is done, since its purchase has come.
async fn same_answers<'a>(scene: &Scene, book: &'a Book) -> Vec<(&'a Operation, Answer)> {
    let again = stream::iter(book.answered.iter().zip(0..)).map(async |((operation, before), number)| {
        let node = number % scene.nodes();
        let input = operation.input(&scene.members);
        let payload = scene.ask_at(node, operation.name(), &input).await;
        assert_eq!(payload["replayed"], true, "{operation:?} was acknowledged and is not there: {payload:#}");
        let now = Answer::of(&payload);
        if before.waits {
            assert!(now.is_done(), "{operation:?} waits, and its purchase has come: {now:?}");
        } else {
            assert_eq!(&now, before, "{operation:?} was answered otherwise before");
        }
        let refused = operation.can_be_refused() && now.refused == ["INSUFFICIENT_POINTS"];
        assert!(refused || now.is_done() && now.points == Some(operation.points()), "{operation:?}: {now:?}");
        (operation, now)
    });
    again.buffer_unordered(16).collect().await
}

/// The journal holds the operations that were acknowledged, each once, and no other.
async fn journal_has_each_once(scene: &Scene, answers: &[(&Operation, Answer)]) {
    let mut journal = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = scene
            .read(0, include_str!("../queries/crash.graphql"), "Journal", json!({ "after": after }))
            .await;
        journal.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let (applied, rejected): (Vec<_>, Vec<_>) =
        journal.iter().partition(|entry| entry["status"] == "APPLIED");
    let mut found: Vec<(String, String)> =
        applied.iter().map(|entry| (text(&entry["id"]), text(&entry["points"]))).collect();
    let mut expected: Vec<(String, String)> = answers
        .iter()
        .filter_map(|(operation, answer)| Some((answer.operation.clone()?, operation.points().to_string())))
        .collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "the journal against what was acknowledged");
    let refused = answers.iter().filter(|(_, answer)| !answer.is_done()).count();
    assert_eq!(rejected.len(), refused, "refusals of the journal");
}

/// Nothing stays undone: with no grace at all, every invariant holds soon.
async fn drained(stage: &Stage) {
    let end = Instant::now() + DRAINED_WITHIN;
    while let Err(broken) = stage.verify("0") {
        assert!(Instant::now() < end, "{broken}");
        sleep(Duration::from_millis(300)).await;
    }
}

/// Every wallet has what its operations come to, whichever node is asked.
async fn sums_are_exact(scene: &Scene, answers: &[(&Operation, Answer)]) {
    let mut sums: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    for (operation, _) in answers.iter().filter(|(_, answer)| answer.is_done()) {
        let (all, held) = operation.effect();
        let sum = sums.entry(operation.member).or_default();
        *sum = (sum.0 + all, sum.1 + held);
    }
    for (number, member) in scene.members.iter().enumerate() {
        let expected = sums.get(&number).copied().unwrap_or_default();
        for node in 0..scene.nodes() {
            let wallet = scene.read(node, POINTS, "Wallet", json!({ "id": member.wallet })).await;
            let figure = |name: &str| wallet[name].as_str().unwrap().parse::<i64>().unwrap();
            // What a refund could not take because it was spent is a debt.
            assert_eq!(
                (figure("posted") - figure("debt"), figure("held")),
                expected,
                "member {number} at node {node}"
            );
        }
    }
}
