//! Refunds that wait for their purchase: what their row keeps and how it becomes an operation.

use amvaj_domain::{
    id::{BranchId, WalletId},
    ledger::{
        Command, CommandRefund, Digest, Idem, Operation, Prices, ReceiptKey, RefundSpec, Rejection, Tenant,
        Window,
    },
    time::{Instant, Span},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::read::receipt_key;
use crate::db::{StoreError, entity::refund_waiting};

/// A refund that waits, or waited, for its purchase.
#[derive(Debug, Clone)]
pub(crate) struct WaitingRefund {
    pub(crate) receipt: ReceiptKey,
    pub(crate) idem: Idem,
    pub(crate) created_at: Instant,
    pub(crate) state: WaitingState,
    /// Where it was posted.
    pub(crate) posted: Option<(WalletId, i64)>,
    body: Body,
    row: refund_waiting::Model,
}

/// Where a waiting refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitingState {
    /// Its purchase has not come.
    Waiting,
    /// Its purchase came and it is an operation in the journal.
    Posted,
    /// Its purchase came and it was refused.
    Rejected(Rejection),
}

/// What the row keeps of the request.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Body {
    branch: Option<Uuid>,
    occurred_at: i64,
    issue_price: i64,
    redeem_price: i64,
    grace: Option<i64>,
    what: What,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Whole,
    Lines(Vec<(i32, i64)>),
    Amount(i64),
}

/// The row of a refund that begins to wait; none if the operation is not a merchant's refund.
pub(crate) fn waiting_row(operation: &Operation, now: Instant) -> Option<refund_waiting::Model> {
    let Command::Refund(refund) = &operation.command else { return None };
    let body = Body {
        branch: operation.branch.map(BranchId::uuid),
        occurred_at: operation.occurred_at.micros(),
        issue_price: operation.prices.issue,
        redeem_price: operation.prices.redeem,
        grace: refund.grace.map(Span::micros),
        what: match &refund.what {
            RefundSpec::Whole => What::Whole,
            RefundSpec::Lines(lines) => What::Lines(lines.clone()),
            RefundSpec::Amount(amount) => What::Amount(*amount),
        },
    };
    Some(refund_waiting::Model {
        merchant_id: operation.merchant?.uuid(),
        receipt_no: refund.receipt.as_str().to_owned(),
        idem: operation.idem.uuid(),
        caller: operation.tenant.to_bytes().to_vec(),
        body_hash: operation.body.kept().uuid(),
        body: serde_json::to_string(&body).ok()?,
        state: 1,
        reject_code: None,
        wallet_id: None,
        seq: None,
        created_at: now.micros(),
    })
}

/// A waiting refund from its row.
pub(crate) fn waiting_from(row: &refund_waiting::Model) -> Result<WaitingRefund, StoreError> {
    let corrupt = |what| StoreError::CorruptRow { table: "refund_waiting", id: row.idem.to_string(), what };
    let body = serde_json::from_str(&row.body).map_err(|_| corrupt("body"))?;
    let state = match (row.state, row.reject_code.and_then(Rejection::from_stored)) {
        (1, None) => WaitingState::Waiting,
        (2, None) => WaitingState::Posted,
        (3, Some(rejection)) => WaitingState::Rejected(rejection),
        _ => return Err(corrupt("state")),
    };
    Ok(WaitingRefund {
        receipt: receipt_key(row.merchant_id, &row.receipt_no, "refund_waiting")?,
        idem: Idem::stored(row.idem),
        created_at: Instant::from_micros(row.created_at),
        state,
        posted: row.wallet_id.map(WalletId::new).zip(row.seq),
        body,
        row: row.clone(),
    })
}

impl WaitingRefund {
    /// The operation that posts the refund on the wallet of its purchase: the ledger's own, with a deterministic
    /// key, so that it is posted once whoever finds it.
    pub(crate) fn operation(&self, wallet: WalletId) -> Operation {
        Operation {
            wallet,
            tenant: Tenant::Internal,
            idem: Idem::internal(&format!("refund:{}", self.idem.uuid())),
            body: Digest::NONE.into(),
            merchant: Some(self.receipt.merchant),
            branch: self.body.branch.map(BranchId::new),
            occurred_at: Instant::from_micros(self.body.occurred_at),
            window: Window { look_back: Span::from_micros(i64::MAX), ahead: Span::from_micros(i64::MAX) },
            prices: Prices { issue: self.body.issue_price, redeem: self.body.redeem_price },
            refusal: None,
            command: Command::Refund(CommandRefund {
                receipt: self.receipt.number.clone(),
                what: match &self.body.what {
                    What::Whole => RefundSpec::Whole,
                    What::Lines(lines) => RefundSpec::Lines(lines.clone()),
                    What::Amount(amount) => RefundSpec::Amount(*amount),
                },
                grace: self.body.grace.map(Span::from_micros),
            }),
        }
    }

    /// The row once the refund is in the journal.
    pub(crate) fn posted_row(&self, wallet: WalletId, seq: i64) -> refund_waiting::Model {
        refund_waiting::Model { state: 2, wallet_id: Some(wallet.uuid()), seq: Some(seq), ..self.row.clone() }
    }

    /// The row once the refund is refused. It names the wallet whose decision this was.
    pub(crate) fn rejected_row(&self, wallet: WalletId, rejection: Rejection) -> refund_waiting::Model {
        refund_waiting::Model {
            state: 3,
            wallet_id: Some(wallet.uuid()),
            reject_code: Some(rejection.stored()),
            ..self.row.clone()
        }
    }
}
