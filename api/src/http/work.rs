//! Work for a client who may go away or lose patience. Until the work commits itself it can be given up; from then on it
//! goes on to its end, whoever waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::graphql::error::Code;

const OPEN: u8 = 0;
const COMMITTED: u8 = 1;
const GIVEN_UP: u8 = 2;

/// What work and client share: whichever is first decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commitment(Arc<AtomicU8>);

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// It panicked; the panic is in the log.
    Panicked,
    /// It took too long and was given up: nothing was done.
    GivenUp,
    /// It took too long and goes on.
    GoesOn,
}

impl Unfinished {
    /// What the client is told.
    pub(crate) const fn code(self) -> Code {
        match self {
            Self::Panicked => Code::Internal,
            Self::GivenUp => Code::Overloaded,
            Self::GoesOn => Code::OutcomeUnknown,
        }
    }
}

/// Work under way. Dropped, it is given up.
struct Work<T> {
    commitment: Commitment,
    task: JoinHandle<T>,
}

impl Commitment {
    /// Commits the work to come to its end; not when it has been given up.
    pub(crate) fn commit(&self) -> bool {
        self.decide(COMMITTED)
    }

    /// Gives the work up, unless it has been decided on before.
    pub(crate) fn give_up(&self) -> bool {
        self.decide(GIVEN_UP)
    }

    fn decide(&self, what: u8) -> bool {
        self.0.compare_exchange(OPEN, what, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Does work on a runtime and waits for it so long.
pub(crate) async fn within<T: Send + 'static>(
    patience: Duration,
    runtime: &Handle,
    commitment: Commitment,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Unfinished> {
    let mut work = Work { commitment, task: runtime.spawn(work) };
    match tokio::time::timeout(patience, &mut work.task).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err(Unfinished::Panicked),
        Err(_) if work.commitment.give_up() => Err(Unfinished::GivenUp),
        Err(_) => Err(Unfinished::GoesOn),
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        // Given up here or a moment ago; a committed task goes on by itself.
        if self.commitment.give_up() || self.commitment.0.load(Ordering::Acquire) == GIVEN_UP {
            self.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    /// Work that tells when it is over, either way.
    struct Over(Option<oneshot::Sender<&'static str>>);

    impl Over {
        fn finished(mut self) {
            let _ = self.0.take().unwrap().send("finished");
        }
    }

    impl Drop for Over {
        fn drop(&mut self) {
            if let Some(tell) = self.0.take() {
                let _ = tell.send("given up");
            }
        }
    }

    fn work(commits: bool) -> (Commitment, impl Future<Output = ()> + Send, oneshot::Receiver<&'static str>) {
        let (tell, told) = oneshot::channel();
        let (commitment, over) = (Commitment::default(), Over(Some(tell)));
        let own = commitment.clone();
        let work = async move {
            assert!(!commits || own.commit());
            tokio::time::sleep(SHORT * 10).await;
            over.finished();
        };
        (commitment, work, told)
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_given_up_unless_it_has_committed_itself() {
        let runtime = Handle::current();
        let (commitment, reading, told) = work(false);
        assert_eq!(within(SHORT, &runtime, commitment.clone(), reading).await, Err(Unfinished::GivenUp));
        assert_eq!(told.await, Ok("given up"));
        assert!(!commitment.commit(), "it can no longer begin");
        let (commitment, writing, told) = work(true);
        assert_eq!(within(SHORT, &runtime, commitment, writing).await, Err(Unfinished::GoesOn));
        assert_eq!(told.await, Ok("finished"));
    }

    #[tokio::test]
    async fn a_client_who_goes_away_ends_only_what_can_be_given_up() {
        for (commits, end) in [(false, "given up"), (true, "finished")] {
            let (commitment, work, told) = work(commits);
            let runtime = Handle::current();
            let waiting = tokio::spawn(async move { within(LONG, &runtime, commitment, work).await });
            tokio::time::sleep(SHORT).await;
            waiting.abort();
            assert_eq!(told.await, Ok(end));
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let panic = async { panic!("on purpose") };
        let outcome: Result<(), _> = within(LONG, &Handle::current(), Commitment::default(), panic).await;
        assert_eq!(outcome, Err(Unfinished::Panicked));
    }
}
