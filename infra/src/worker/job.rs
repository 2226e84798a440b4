//! A job: rounds of background work until the worker stops. No failure ends it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::WorkError;

/// Background work in rounds.
pub(super) trait Job: Send + 'static {
    /// What the log and the metrics call it.
    const NAME: &'static str;

    /// Does one round and answers how long to pause.
    fn round(&mut self) -> impl Future<Output = Result<Duration, WorkError>> + Send;

    /// Waits until something calls for the next round before the pause is over.
    fn called(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Gives up what it holds.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// Runs a job until `closing`; a round that runs is finished. After a failure the next round comes after
/// `rest`, or at once with jitter if another transaction was in the way.
pub(super) async fn run<J: Job>(mut job: J, holder: Uuid, rest: Duration, closing: CancellationToken) {
    let mut trouble = Trouble::default();
    let mut jitter = Jitter::new(holder);
    while !closing.is_cancelled() {
        let pause = match job.round().await {
            Ok(pause) => {
                trouble.over(J::NAME);
                pause
            }
            Err(error) if error.retryable() => {
                metrics::counter!("amvaj_worker_conflicts_total", "job" => J::NAME).increment(1);
                jitter.next()
            }
            Err(error) => {
                metrics::counter!("amvaj_worker_failures_total", "job" => J::NAME).increment(1);
                trouble.met(J::NAME, &error);
                rest
            }
        };
        tokio::select! {
            () = closing.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = job.called() => {}
        }
    }
    job.end().await;
}

/// The failure that a job is in, so that it is logged when it begins, changes and ends.
#[derive(Debug, Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn met(&mut self, job: &str, error: &WorkError) {
        let what = error.to_string();
        if self.0.as_ref() != Some(&what) {
            tracing::warn!(job, error = what, "background work fails and is tried again");
            self.0 = Some(what);
        }
    }

    fn over(&mut self, job: &str) {
        if self.0.take().is_some() {
            tracing::info!(job, "background work goes on");
        }
    }
}

/// Short pauses that differ between nodes, so that two in each other's way do not meet again.
#[derive(Debug)]
struct Jitter(u64);

impl Jitter {
    fn new(holder: Uuid) -> Self {
        let (high, low) = holder.as_u64_pair();
        Self(high ^ low)
    }

    /// The next pause, 2 to 33 ms.
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(2 + (self.0 >> 59))
    }
}
