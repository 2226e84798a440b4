//! What one batch writes: rows by table, made from the states that its decisions folded.

use amvaj_domain::{
    id::{BatchId, WalletId},
    ledger::{Changes, Journal, ReceiptFile, ReceiptKey, WalletState},
};

use super::rows;
use crate::db::{
    columns::Columns,
    entity::{
        cap_used, claim, entry, hold, lot, lot_use, op, purchase, purchase_line, receipt, receipt_redemption,
        refund_waiting, wallet,
    },
};

/// A wallet's head and the version that the write expects to replace.
#[derive(Debug, Clone)]
pub(crate) struct GuardedWallet {
    pub(crate) row: wallet::Model,
    pub(crate) expected: i64,
}

/// What one batch writes. The rows of a wallet are written only if its guard holds.
#[derive(Debug, Clone)]
pub(crate) struct WriteBatch {
    pub(crate) batch: BatchId,
    /// The bucket of merchants' totals that the writing lane owns.
    pub(crate) bucket: i16,
    pub(crate) wallets: Vec<GuardedWallet>,
    pub(crate) ops: Vec<op::Model>,
    pub(crate) entries: Vec<entry::Model>,
    pub(crate) lots: Vec<lot::Model>,
    pub(crate) lot_uses: Vec<lot_use::Model>,
    pub(crate) holds: Vec<hold::Model>,
    pub(crate) purchases: Vec<purchase::Model>,
    pub(crate) purchase_lines: Vec<purchase_line::Model>,
    pub(crate) redemptions: Vec<receipt_redemption::Model>,
    pub(crate) caps: Vec<cap_used::Model>,
    pub(crate) claims: Vec<claim::Model>,
    /// Receipts that were nobody's.
    pub(crate) receipts: Vec<receipt::Model>,
    /// Receipts that their wallets have paid for before and now earn with.
    pub(crate) earned_receipts: Vec<receipt::Model>,
    pub(crate) refunds: Vec<refund_waiting::Model>,
}

impl WriteBatch {
    /// An empty batch.
    pub(crate) const fn new(batch: BatchId, bucket: i16) -> Self {
        Self {
            batch,
            bucket,
            wallets: Vec::new(),
            ops: Vec::new(),
            entries: Vec::new(),
            lots: Vec::new(),
            lot_uses: Vec::new(),
            holds: Vec::new(),
            purchases: Vec::new(),
            purchase_lines: Vec::new(),
            redemptions: Vec::new(),
            caps: Vec::new(),
            claims: Vec::new(),
            receipts: Vec::new(),
            earned_receipts: Vec::new(),
            refunds: Vec::new(),
        }
    }

    /// Whether there is nothing to write.
    pub(crate) const fn is_empty(&self) -> bool {
        self.wallets.is_empty() && self.claims.is_empty() && self.refunds.is_empty()
    }

    /// Adds the rows of a wallet on which something was decided.
    pub(crate) fn add_wallet(&mut self, state: &WalletState, expected: i64) {
        let wallet = state.wallet.id;
        self.wallets.push(GuardedWallet { row: rows::wallet_row(&state.wallet), expected });
        self.add_journal(wallet, &state.journal);
        self.add_changes(state, &state.changes);
        for (key, file) in state.changes.receipts.iter().filter_map(|key| state.receipts.get_key_value(key)) {
            self.add_receipt(wallet, key, file, expected);
        }
    }

    fn add_journal(&mut self, wallet: WalletId, journal: &Journal) {
        let (shard_no, wallet_id) = (wallet.shard_no(), wallet.uuid());
        self.ops.extend(journal.ops.iter().map(|record| rows::op_row(wallet, self.batch, record)));
        self.entries.extend(journal.entries.iter().map(|leg| entry::Model {
            shard_no,
            wallet_id,
            seq: leg.seq,
            leg: leg.leg,
            account_kind: leg.account_kind.stored(),
            account_id: leg.account,
            amount: leg.amount,
            value: leg.value,
        }));
        // One operation may use one lot twice in one way (a restore in two pieces): the row keeps the sum.
        for used in &journal.lot_uses {
            let same = |row: &&mut lot_use::Model| {
                row.wallet_id == wallet_id
                    && row.seq == used.seq
                    && row.lot_no == used.lot_no
                    && row.kind == used.kind.stored()
            };
            if let Some(row) = self.lot_uses.iter_mut().rev().take_while(|row| row.seq == used.seq).find(same)
            {
                row.qty = row.qty.saturating_add(used.quantity.get());
            } else {
                self.lot_uses.push(lot_use::Model {
                    shard_no,
                    wallet_id,
                    seq: used.seq,
                    lot_no: used.lot_no,
                    qty: used.quantity.get(),
                    kind: used.kind.stored(),
                });
            }
        }
    }

    /// The first of a wallet's operations with a receipt, which has a number above the `expected` version, makes the
    /// receipt the wallet's own.
    fn add_receipt(&mut self, wallet: WalletId, key: &ReceiptKey, file: &ReceiptFile, expected: i64) {
        let earn = file.purchase.as_ref().map(|purchase| purchase.seq);
        let row = receipt::Model {
            merchant_id: key.merchant.uuid(),
            receipt_no: key.number.as_str().to_owned(),
            wallet_id: wallet.uuid(),
            seq: earn,
        };
        let mut operations = file.redemptions.iter().map(|redemption| redemption.seq).chain(earn);
        if operations.all(|seq| seq > expected) {
            self.receipts.push(row);
        } else if earn.is_some_and(|seq| seq > expected) {
            self.earned_receipts.push(row);
        }
    }

    fn add_changes(&mut self, state: &WalletState, changes: &Changes) {
        let wallet = state.wallet.id;
        let (shard_no, wallet_id) = (wallet.shard_no(), wallet.uuid());
        let lots = changes.lots.iter().filter_map(|lot_no| state.lots.get(lot_no));
        self.lots.extend(lots.map(|lot| rows::lot_row(wallet, lot)));
        let holds = changes.holds.iter().filter_map(|seq| state.holds.get(seq));
        self.holds.extend(holds.map(|hold| rows::hold_row(wallet, hold)));
        for key in &changes.receipts {
            let Some(file) = state.receipts.get(key) else { continue };
            self.redemptions
                .extend(file.redemptions.iter().map(|paid| rows::redemption_row(wallet, key, paid)));
            if let Some(purchase) = &file.purchase {
                let (row, lines) = rows::purchase_rows(wallet, key, purchase);
                self.purchases.push(row);
                self.purchase_lines.extend(lines);
            }
        }
        for (rule, day) in &changes.caps {
            let used = state.caps.get(&(*rule, *day)).copied().unwrap_or_default().get();
            self.caps.push(cap_used::Model {
                shard_no,
                wallet_id,
                rule_id: rule.uuid(),
                day: day.days(),
                used,
            });
        }
    }
}

/// How a row meets one that is there already.
pub(crate) struct Upsert {
    /// The key's columns.
    pub(crate) key: &'static str,
    /// The columns that a later row may change.
    pub(crate) changing: &'static [&'static str],
}

/// Rows whose table is written by inserts that may replace.
pub(crate) trait Replaces: Columns {
    /// How.
    const UPSERT: Upsert;

    /// The `on conflict` clause, the same text on both databases.
    fn on_conflict() -> String {
        let Upsert { key, changing } = Self::UPSERT;
        let set: Vec<String> =
            changing.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        format!("on conflict ({key}) do update set {}", set.join(", "))
    }
}

impl Replaces for lot::Model {
    const UPSERT: Upsert = Upsert {
        key: "shard_no, wallet_id, lot_no",
        changing: &["remaining", "reserved", "state", "changed_seq"],
    };
}

impl Replaces for hold::Model {
    const UPSERT: Upsert = Upsert { key: "shard_no, wallet_id, seq", changing: &["captured", "state"] };
}

impl Replaces for purchase::Model {
    const UPSERT: Upsert = Upsert {
        key: "shard_no, wallet_id, seq",
        changing: &["lines", "refunded_amount", "paid_value", "kept"],
    };
}

impl Replaces for purchase_line::Model {
    const UPSERT: Upsert = Upsert { key: "shard_no, wallet_id, seq, line_no", changing: &["refunded"] };
}

impl Replaces for receipt_redemption::Model {
    const UPSERT: Upsert = Upsert { key: "shard_no, wallet_id, seq", changing: &["reversed"] };
}

impl Replaces for cap_used::Model {
    const UPSERT: Upsert = Upsert { key: "shard_no, wallet_id, rule_id, day", changing: &["used"] };
}

impl Replaces for receipt::Model {
    const UPSERT: Upsert = Upsert { key: "merchant_id, receipt_no", changing: &["seq"] };
}

impl Replaces for refund_waiting::Model {
    const UPSERT: Upsert = Upsert {
        key: "merchant_id, receipt_no, idem",
        changing: &["state", "reject_code", "wallet_id", "seq"],
    };
}
