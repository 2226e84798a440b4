//! The decision: what an operation does to a wallet.

use super::{
    Command, Fault, OpKind, Operation, Rejection, Tenant, WalletState, WalletStatus, capture, due, earn,
    posting::{Heading, Posting},
    refund, spend,
};
use crate::{points::Points, time::Instant};

pub use due::settle;

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was applied as the wallet's operation with this sequence number.
    Applied(i64),
    /// It was refused; the refusal is recorded under this sequence number, so that a retry gets it again.
    Rejected(i64),
    /// It was an operation of the ledger itself and refused, or a wish to reopen that came too late: nothing is recorded,
    /// so that it can succeed later.
    Dismissed(Rejection),
    /// It asked for nothing but what is due.
    Settled,
}

/// Why a command stops: a refusal with the number it met, or a fault.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(Rejection, Option<i64>),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection, None)
    }
}

/// Settles what is due on the wallet, then does what is asked. The state's journal and changes grow by what
/// happened; a refused operation moves nothing but is recorded (except the ledger's own, and a [`Command::Reopen`] that came
/// too late).
///
/// # Errors
/// [`Fault::DetailNotRead`] leaves the state as it was; after any other fault the state must be thrown away.
pub fn apply(state: &mut WalletState, operation: &Operation, now: Instant) -> Result<Outcome, Fault> {
    if let Command::Reopen { after } = operation.command
        && state.wallet.version != after
    {
        return Ok(Outcome::Dismissed(Rejection::MemberBlocked));
    }
    if !state.detail_read && due::needs_detail(&state.wallet, &operation.command, now) {
        return Err(Fault::DetailNotRead);
    }
    settle(state, now)?;
    let Some(kind) = operation.command.kind() else { return Ok(Outcome::Settled) };
    let decided = admit(state, operation, now).and_then(|()| run(state, operation, kind, now));
    match decided {
        Ok(()) => Ok(Outcome::Applied(state.wallet.version)),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Refused(rejection, _)) if operation.tenant == Tenant::Internal => {
            Ok(Outcome::Dismissed(rejection))
        }
        Err(Stop::Refused(rejection, limit)) => {
            let posting = Posting::open(state, now);
            posting.close(Heading {
                rejection: Some(rejection),
                limit,
                amount: operation.command.asked(),
                ..heading(operation, kind)
            });
            Ok(Outcome::Rejected(state.wallet.version))
        }
    }
}

/// The checks that come before any command's own.
fn admit(state: &WalletState, operation: &Operation, now: Instant) -> Result<(), Stop> {
    if let Some(refusal) = operation.refusal {
        return Err(refusal.into());
    }
    let starts_something = match operation.command {
        Command::Earn(_) | Command::Hold(_) | Command::Redeem(_) => true,
        Command::Capture { .. }
        | Command::Release { .. }
        | Command::Refund(_)
        | Command::SetStatus(_)
        | Command::Reopen { .. }
        | Command::Settle => false,
    };
    if starts_something && state.wallet.status == WalletStatus::Blocked {
        return Err(Rejection::MemberBlocked.into());
    }
    if operation.tenant == Tenant::Internal {
        return Ok(());
    }
    operation.window.refusal(operation.occurred_at, now).map_or(Ok(()), |refusal| Err(refusal.into()))
}

fn run(state: &mut WalletState, operation: &Operation, kind: OpKind, now: Instant) -> Result<(), Stop> {
    match &operation.command {
        Command::Earn(command) => earn::earn(state, operation, command, now),
        Command::Hold(command) => spend::hold(state, operation, command, now),
        Command::Redeem(command) => spend::redeem(state, operation, command, now),
        Command::Capture { hold, amount } => capture::capture(state, operation, *hold, *amount, now),
        Command::Release { hold } => capture::release(state, operation, *hold, now),
        Command::Refund(command) => refund::refund(state, operation, command, now),
        Command::SetStatus(status) => {
            set_status(state, *status, heading(operation, kind), now);
            Ok(())
        }
        Command::Reopen { .. } => {
            set_status(state, WalletStatus::Open, heading(operation, kind), now);
            Ok(())
        }
        Command::Settle => Ok(()),
    }
}

fn set_status(state: &mut WalletState, status: WalletStatus, heading: Heading, now: Instant) {
    state.wallet.status = status;
    Posting::open(state, now).close(heading);
}

/// The record of an operation as far as the operation itself says it.
pub(super) fn heading(operation: &Operation, kind: OpKind) -> Heading {
    Heading {
        tenant: operation.tenant,
        idem: operation.idem,
        body: operation.body.kept(),
        kind,
        amount: Points::ZERO,
        money: operation.command.money(),
        merchant: operation.merchant,
        branch: operation.branch,
        receipt: operation.command.receipt().cloned(),
        ref_seq: None,
        rejection: None,
        limit: None,
        occurred_at: operation.occurred_at,
    }
}
