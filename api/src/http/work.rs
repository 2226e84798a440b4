//! Work for a client who may go away or lose patience. Until the work commits itself it can be given up; from then on it
//! goes on to its end, whoever waits for it.
//!
//! It is done by the thread that received the request: most of it is over before another thread would have woken up. What
//! takes long moves over to the runtime's threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::graphql::error::Code;

const OPEN: u8 = 0;
const COMMITTED: u8 = 1;
const GIVEN_UP: u8 = 2;

/// What work and client share: whichever is first decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Commitment(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    decision: AtomicU8,
    /// Whether the rest of the work is for the runtime's threads.
    moves: AtomicBool,
}

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

/// Work under way. Dropped, it is given up, unless it has committed itself: then it goes on without whoever waited.
struct Work<T: Send + 'static> {
    commitment: Commitment,
    runtime: Handle,
    rest: Rest<T>,
}

/// What is left of some work.
enum Rest<T> {
    /// It is done by whoever waits for it.
    Here(Pin<Box<dyn Future<Output = T> + Send>>),
    /// The runtime's threads do it.
    Moved(JoinHandle<T>),
    Nothing,
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

    /// Lets the runtime's threads do the rest of the work, which would keep other clients waiting here.
    pub(crate) async fn move_over(&self) {
        self.0.moves.store(true, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }

    fn decide(&self, what: u8) -> bool {
        self.0.decision.compare_exchange(OPEN, what, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn is_committed(&self) -> bool {
        self.0.decision.load(Ordering::Acquire) == COMMITTED
    }
}

/// Does work and waits for it so long. What it opens and starts meanwhile belongs to the runtime, which outlives the thread
/// that waits.
pub(crate) async fn within<T: Send + 'static>(
    patience: Duration,
    runtime: &Handle,
    commitment: Commitment,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Unfinished> {
    let mut work = Work { commitment, runtime: runtime.clone(), rest: Rest::Here(Box::pin(work)) };
    match tokio::time::timeout(patience, &mut work).await {
        Ok(Some(result)) => Ok(result),
        Ok(None) => Err(Unfinished::Panicked),
        Err(_) if work.commitment.give_up() => Err(Unfinished::GivenUp),
        Err(_) => Err(Unfinished::GoesOn),
    }
}

impl<T: Send + 'static> Future for Work<T> {
    /// Nothing when it panicked.
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { runtime, rest, .. } = &mut *self;
        let polled = match rest {
            Rest::Here(work) => poll_on(runtime, work.as_mut(), context),
            Rest::Moved(task) => Pin::new(task).poll(context).map(Result::ok),
            Rest::Nothing => Poll::Ready(None),
        };
        match polled {
            Poll::Ready(ended) => {
                self.rest = Rest::Nothing;
                Poll::Ready(ended)
            }
            Poll::Pending if self.commitment.0.moves.swap(false, Ordering::Relaxed) => {
                self.move_over();
                self.poll(context)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Polls work as a part of the runtime. A panic ends it, and nothing else.
fn poll_on<T>(
    runtime: &Handle,
    work: Pin<&mut (dyn Future<Output = T> + Send)>,
    context: &mut Context<'_>,
) -> Poll<Option<T>> {
    let _entered = runtime.enter();
    match catch_unwind(AssertUnwindSafe(|| work.poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    }
}

impl<T: Send + 'static> Work<T> {
    fn move_over(&mut self) {
        self.rest = match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Here(work) => Rest::Moved(self.runtime.spawn(work)),
            elsewhere => elsewhere,
        };
    }
}

impl<T: Send + 'static> Drop for Work<T> {
    fn drop(&mut self) {
        self.commitment.give_up();
        if self.commitment.is_committed() {
            self.move_over();
        } else if let Rest::Moved(task) = &self.rest {
            task.abort();
        }
        // What it gives back, such as a connection, it gives back on the runtime that it took it on.
        let _entered = self.runtime.enter();
        self.rest = Rest::Nothing;
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

    fn work(
        commits: bool,
        moves: bool,
    ) -> (Commitment, impl Future<Output = ()> + Send, oneshot::Receiver<&'static str>) {
        let (tell, told) = oneshot::channel();
        let (commitment, over) = (Commitment::default(), Over(Some(tell)));
        let own = commitment.clone();
        let work = async move {
            if moves {
                own.move_over().await;
            }
            assert!(!commits || own.commit());
            tokio::time::sleep(SHORT * 10).await;
            over.finished();
        };
        (commitment, work, told)
    }

    #[tokio::test]
    async fn work_that_takes_too_long_is_given_up_unless_it_has_committed_itself() {
        let runtime = Handle::current();
        for moves in [false, true] {
            let (commitment, reading, told) = work(false, moves);
            let done = within(SHORT, &runtime, commitment.clone(), reading).await;
            assert_eq!(done, Err(Unfinished::GivenUp));
            assert_eq!(told.await, Ok("given up"));
            assert!(!commitment.commit(), "it can no longer begin");
            let (commitment, writing, told) = work(true, moves);
            assert_eq!(within(SHORT, &runtime, commitment, writing).await, Err(Unfinished::GoesOn));
            assert_eq!(told.await, Ok("finished"));
        }
    }

    #[tokio::test]
    async fn a_client_who_goes_away_ends_only_what_can_be_given_up() {
        for (commits, moves, end) in [
            (false, false, "given up"),
            (false, true, "given up"),
            (true, false, "finished"),
            (true, true, "finished"),
        ] {
            let (commitment, work, told) = work(commits, moves);
            let runtime = Handle::current();
            let waiting = tokio::spawn(async move { within(LONG, &runtime, commitment, work).await });
            tokio::time::sleep(SHORT).await;
            waiting.abort();
            assert_eq!(told.await, Ok(end), "{commits} {moves}");
        }
    }

    #[test]
    fn work_is_done_where_it_is_waited_for_until_it_moves_over_and_belongs_to_the_runtime_all_along() {
        let own = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let here = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let commitment = Commitment::default();
        let shared = commitment.clone();
        let thread = || std::thread::current().id();
        let work = async move {
            let began = (thread(), Handle::current().id());
            shared.move_over().await;
            (began, (thread(), Handle::current().id()))
        };
        let done = here.block_on(within(LONG, own.handle(), commitment, work)).unwrap();
        let (began, ended) = done;
        assert_eq!(began, (thread(), own.handle().id()));
        assert_ne!(ended.0, thread());
        assert_eq!(ended.1, own.handle().id());
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let panic = async { panic!("on purpose") };
        let outcome: Result<(), _> = within(LONG, &Handle::current(), Commitment::default(), panic).await;
        assert_eq!(outcome, Err(Unfinished::Panicked));
    }
}
