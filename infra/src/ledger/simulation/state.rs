//! A wallet put together again from the tables: what its next decision could know, and its whole history.

use amvaj_domain::{
    calendar::LocalDay,
    id::{MerchantId, WalletId},
    ledger::{
        AccountKind, Changes, Entry, HoldState, Journal, LotUse, LotUseKind, OpRecord, ReceiptKey,
        WalletState,
    },
    points::Points,
};
use uuid::Uuid;

use super::tables::Tables;
use crate::{
    db::entity::{hold, lot, op},
    ledger::{
        read::{receipt_key, sort_allocations},
        rows,
    },
    verify::in_memory,
};

impl Tables {
    /// The lots of a wallet.
    pub(crate) fn lots_of(&self, wallet: WalletId) -> impl Iterator<Item = &lot::Model> {
        self.lots.between(first(wallet), last(wallet))
    }

    /// The holds of a wallet.
    pub(crate) fn holds_of(&self, wallet: WalletId) -> impl Iterator<Item = &hold::Model> {
        self.holds.between(first(wallet), last(wallet))
    }

    /// The operations of a wallet, from the first on.
    pub(crate) fn ops_of(&self, wallet: WalletId) -> impl Iterator<Item = &op::Model> {
        self.ops.between(first(wallet), last(wallet))
    }

    /// The record of a wallet's operation.
    pub(crate) fn op(&self, wallet: WalletId, seq: i64) -> Option<OpRecord> {
        self.ops.get(&(wallet.shard_no(), wallet.uuid(), seq)).map(|row| rows::op_from(row).unwrap())
    }

    /// The wallet with all of its lots and holds.
    pub(crate) fn state(&self, wallet: WalletId) -> WalletState {
        let head = self.wallets.get(&(wallet.shard_no(), wallet.uuid())).unwrap();
        let mut state =
            WalletState { detail_read: true, ..WalletState::head(rows::wallet_from(head).unwrap()) };
        state.lots.extend(self.lots_of(wallet).map(|row| (row.lot_no, rows::lot_from(row).unwrap())));
        for row in self.holds_of(wallet) {
            let mut hold = rows::hold_from(row).unwrap();
            if hold.state == HoldState::Open {
                hold.reserved = self.uses(wallet, hold.seq, LotUseKind::Reserve);
            }
            state.holds.insert(hold.seq, hold);
        }
        sort_allocations(&mut state);
        state
    }

    /// The wallet with everything that ever was on it; its changes name every row.
    pub(crate) fn history(&self, wallet: WalletId) -> WalletState {
        let mut state = self.state(wallet);
        let owned = |owner: Uuid| owner == wallet.uuid();
        for row in self.purchases.rows().filter(|row| owned(row.wallet_id)) {
            let lines =
                self.purchase_lines.rows().filter(|line| owned(line.wallet_id) && line.seq == row.seq);
            let lines = lines.cloned().map(rows::line_from).collect();
            let key = receipt_key(row.merchant_id, &row.receipt_no, "purchase").unwrap();
            state.receipts.entry(key).or_default().purchase = Some(rows::purchase_from(row, lines).unwrap());
        }
        for row in self.redemptions.rows().filter(|row| owned(row.wallet_id)) {
            let key = receipt_key(row.merchant_id, &row.receipt_no, "receipt_redemption").unwrap();
            let mut paid = rows::redemption_from(row).unwrap();
            paid.spent = self.uses(wallet, row.seq, LotUseKind::Spend);
            state.receipts.entry(key).or_default().redemptions.push(paid);
        }
        for row in self.caps.rows().filter(|row| owned(row.wallet_id)) {
            let key = (MerchantId::new(row.rule_id), LocalDay::from_days(i64::from(row.day)));
            state.caps.insert(key, Points::new(row.used).unwrap());
        }
        sort_allocations(&mut state);
        state.journal = self.journal(wallet);
        state.changes = Changes {
            lots: state.lots.keys().copied().collect(),
            holds: state.holds.keys().copied().collect(),
            receipts: state.receipts.keys().cloned().collect::<std::collections::BTreeSet<ReceiptKey>>(),
            caps: state.caps.keys().copied().collect(),
        };
        state
    }

    /// The rows of a wallet that `amvaj verify` reads wallet by wallet.
    pub(crate) fn rows_of(&self, wallet: WalletId) -> in_memory::Rows {
        let owned = |owner: Uuid| owner == wallet.uuid();
        in_memory::Rows {
            ops: self.ops_of(wallet).cloned().collect(),
            lots: self.lots_of(wallet).cloned().collect(),
            uses: self.lot_uses.rows().filter(|row| owned(row.wallet_id)).cloned().collect(),
            purchases: self.purchases.rows().filter(|row| owned(row.wallet_id)).cloned().collect(),
            lines: self.purchase_lines.rows().filter(|row| owned(row.wallet_id)).cloned().collect(),
            redemptions: self.redemptions.rows().filter(|row| owned(row.wallet_id)).cloned().collect(),
        }
    }

    fn journal(&self, wallet: WalletId) -> Journal {
        let owned = |owner: Uuid| owner == wallet.uuid();
        let entries = self.entries.rows().filter(|row| owned(row.wallet_id)).map(|row| Entry {
            seq: row.seq,
            leg: row.leg,
            account_kind: AccountKind::from_stored(row.account_kind).unwrap(),
            account: row.account_id,
            amount: row.amount,
            value: row.value,
        });
        let lot_uses = self.lot_uses.rows().filter(|row| owned(row.wallet_id)).map(|row| LotUse {
            seq: row.seq,
            lot_no: row.lot_no,
            quantity: Points::new(row.qty).unwrap(),
            kind: LotUseKind::from_stored(row.kind).unwrap(),
        });
        Journal {
            ops: self.ops_of(wallet).map(|row| rows::op_from(row).unwrap()).collect(),
            entries: entries.collect(),
            lot_uses: lot_uses.collect(),
        }
    }

    fn uses(&self, wallet: WalletId, seq: i64, kind: LotUseKind) -> Vec<(i64, Points)> {
        let key = |lot_no, kind| (wallet.shard_no(), wallet.uuid(), seq, lot_no, kind);
        let rows = self.lot_uses.between(key(i64::MIN, 0), key(i64::MAX, i16::MAX));
        let rows = rows.filter(|row| row.kind == kind.stored());
        rows.map(|row| (row.lot_no, Points::new(row.qty).unwrap())).collect()
    }
}

fn first(wallet: WalletId) -> (i16, Uuid, i64) {
    (wallet.shard_no(), wallet.uuid(), i64::MIN)
}

fn last(wallet: WalletId) -> (i16, Uuid, i64) {
    (wallet.shard_no(), wallet.uuid(), i64::MAX)
}
