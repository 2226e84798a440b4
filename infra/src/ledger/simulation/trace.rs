//! What happened, line by line, for whoever plays a seed again.

use std::sync::{Arc, Mutex};

use tokio::time::Instant;

/// What becomes of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// They are not even made.
    Nothing,
    /// They are collected.
    Lines,
    /// They are printed at once.
    Printed,
}

/// The lines. Clones write to the same.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    began: Instant,
    keep: Keep,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    /// A trace that begins now.
    pub(crate) fn begin(keep: Keep) -> Self {
        Self { began: Instant::now(), keep, lines: Arc::default() }
    }

    /// Notes a line with the microseconds since the beginning.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        let whole = || format!("{:>9} {}", self.began.elapsed().as_micros(), line());
        match self.keep {
            Keep::Nothing => {}
            Keep::Lines => self.lines.lock().unwrap().push(whole()),
            Keep::Printed => println!("{}", whole()),
        }
    }

    /// The collected lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
