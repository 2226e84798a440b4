//! The checks wallet by wallet, on rows that are in the memory of a test.

use amvaj_domain::id::WalletId;

use super::{
    replay,
    walk::{Findings, LotRow, OpRow, UseRow, WalletRows},
};
use crate::db::entity::{lot, lot_use, op, purchase, purchase_line, receipt_redemption};

/// All that the checks of a wallet read, as rows of its tables.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Operations by sequence number, refused ones too.
    pub(crate) ops: Vec<op::Model>,
    pub(crate) lots: Vec<lot::Model>,
    pub(crate) uses: Vec<lot_use::Model>,
    pub(crate) purchases: Vec<purchase::Model>,
    pub(crate) lines: Vec<purchase_line::Model>,
    pub(crate) redemptions: Vec<receipt_redemption::Model>,
}

/// Checks one wallet and answers what is wrong with it.
pub(crate) fn check(wallet: WalletId, rows: Rows) -> Vec<String> {
    let applied = rows.ops.iter().filter(|row| row.reject_code.is_none());
    let rows = WalletRows {
        ops: applied.map(op_row).collect(),
        lots: rows.lots.iter().map(lot_row).collect(),
        uses: rows.uses.iter().map(use_row).collect(),
        purchases: rows.purchases,
        lines: rows.lines,
        redemptions: rows.redemptions,
    };
    let mut findings = Findings::new(u32::MAX);
    replay::check(wallet, &rows, &mut findings);
    findings.results.into_iter().flat_map(|result| result.rows).collect()
}

fn op_row(row: &op::Model) -> OpRow {
    OpRow {
        wallet_id: row.wallet_id,
        seq: row.seq,
        kind: row.kind,
        amount: row.amount,
        money: row.money,
        merchant_id: row.merchant_id,
        ref_seq: row.ref_seq,
        occurred_at: row.occurred_at,
        recorded_at: row.recorded_at,
    }
}

fn lot_row(row: &lot::Model) -> LotRow {
    LotRow {
        wallet_id: row.wallet_id,
        lot_no: row.lot_no,
        original: row.original,
        state: row.state,
        active_from: row.active_from,
        expires_at: row.expires_at,
        restriction: row.restriction,
        changed_seq: row.changed_seq,
    }
}

fn use_row(row: &lot_use::Model) -> UseRow {
    UseRow { wallet_id: row.wallet_id, seq: row.seq, lot_no: row.lot_no, qty: row.qty, kind: row.kind }
}
