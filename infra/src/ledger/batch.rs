//! What one batch writes: rows by table, made from the states that its decisions folded.

use amvaj_domain::{
    id::{BatchId, WalletId},
    ledger::{Changes, Journal, ReceiptFile, ReceiptKey, Wallet, WalletState},
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

/// What of a wallet's head tells its old rows from new ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    /// The version, which is the number of the last operation and what the write expects to replace.
    pub(crate) version: i64,
    /// The number of the next lot.
    next_lot: i64,
}

impl Before {
    /// The head of a wallet on which nothing is decided yet.
    pub(crate) const fn of(wallet: &Wallet) -> Self {
        Self { version: wallet.version, next_lot: wallet.next_lot }
    }
}

/// Rows of a table: those that a batch makes, and those that were there and are changed. Whoever knows which is which
/// spares the database to look.
#[derive(Debug, Clone)]
pub(crate) struct Rows<M> {
    pub(crate) new: Vec<M>,
    pub(crate) changed: Vec<M>,
}

impl<M> Rows<M> {
    const NONE: Self = Self { new: Vec::new(), changed: Vec::new() };

    fn push(&mut self, is_new: bool, row: M) {
        if is_new { &mut self.new } else { &mut self.changed }.push(row);
    }
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
    pub(crate) lots: Rows<lot::Model>,
    pub(crate) lot_uses: Vec<lot_use::Model>,
    pub(crate) holds: Rows<hold::Model>,
    pub(crate) purchases: Rows<purchase::Model>,
    pub(crate) purchase_lines: Vec<purchase_line::Model>,
    pub(crate) redemptions: Rows<receipt_redemption::Model>,
    pub(crate) caps: Vec<cap_used::Model>,
    pub(crate) claims: Vec<claim::Model>,
    /// Receipts that were nobody's, and those that their wallets have paid for before and now earn with.
    pub(crate) receipts: Rows<receipt::Model>,
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
            lots: Rows::NONE,
            lot_uses: Vec::new(),
            holds: Rows::NONE,
            purchases: Rows::NONE,
            purchase_lines: Vec::new(),
            redemptions: Rows::NONE,
            caps: Vec::new(),
            claims: Vec::new(),
            receipts: Rows::NONE,
            refunds: Vec::new(),
        }
    }

    /// Whether there is nothing to write.
    pub(crate) const fn is_empty(&self) -> bool {
        self.wallets.is_empty() && self.claims.is_empty() && self.refunds.is_empty()
    }

    /// Adds the rows of a wallet on which something was decided.
    pub(crate) fn add_wallet(&mut self, state: &WalletState, before: Before) {
        let guarded = GuardedWallet { row: rows::wallet_row(&state.wallet), expected: before.version };
        self.wallets.push(guarded);
        self.add_journal(state.wallet.id, &state.journal);
        self.add_changes(state, &state.changes, before);
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

    fn add_changes(&mut self, state: &WalletState, changes: &Changes, before: Before) {
        let wallet = state.wallet.id;
        let (shard_no, wallet_id) = (wallet.shard_no(), wallet.uuid());
        let is_new = |seq: i64| seq > before.version;
        for lot in changes.lots.iter().filter_map(|lot_no| state.lots.get(lot_no)) {
            self.lots.push(lot.lot_no >= before.next_lot, rows::lot_row(wallet, lot));
        }
        for hold in changes.holds.iter().filter_map(|seq| state.holds.get(seq)) {
            self.holds.push(is_new(hold.seq), rows::hold_row(wallet, hold));
        }
        for (key, file) in changes.receipts.iter().filter_map(|key| state.receipts.get_key_value(key)) {
            for paid in &file.redemptions {
                self.redemptions.push(is_new(paid.seq), rows::redemption_row(wallet, key, paid));
            }
            if let Some(purchase) = &file.purchase {
                let (row, lines) = rows::purchase_rows(wallet, key, purchase);
                self.purchases.push(is_new(purchase.seq), row);
                self.purchase_lines.extend(lines);
            }
            self.add_receipt(wallet, key, file, is_new);
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

    /// The first of a wallet's operations with a receipt makes the receipt the wallet's own, and its earn is noted there.
    fn add_receipt(
        &mut self,
        wallet: WalletId,
        key: &ReceiptKey,
        file: &ReceiptFile,
        is_new: impl Fn(i64) -> bool,
    ) {
        let earn = file.purchase.as_ref().map(|purchase| purchase.seq);
        let mut operations = file.redemptions.iter().map(|redemption| redemption.seq).chain(earn);
        let first = operations.all(&is_new);
        if first || earn.is_some_and(is_new) {
            let (merchant_id, receipt_no) = (key.merchant.uuid(), key.number.as_str().to_owned());
            self.receipts
                .push(first, receipt::Model { merchant_id, receipt_no, wallet_id: wallet.uuid(), seq: earn });
        }
    }
}

/// How a row meets one that is there already.
pub(crate) struct Upsert {
    /// The key's columns.
    pub(crate) key: &'static str,
    /// The columns that a later row may change.
    pub(crate) changing: &'static [&'static str],
    /// The clause that says which rows may be changed, if not all.
    pub(crate) which: &'static str,
}

/// Rows whose table is written by inserts that may replace.
pub(crate) trait Replaces: Columns {
    /// How.
    const UPSERT: Upsert;

    /// The `on conflict` clause, the same text on both databases.
    fn on_conflict() -> String {
        let Upsert { key, changing, which } = Self::UPSERT;
        let set: Vec<String> =
            changing.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        format!("on conflict ({key}) do update set {} {which}", set.join(", "))
    }
}

impl Replaces for lot::Model {
    const UPSERT: Upsert = Upsert {
        key: "shard_no, wallet_id, lot_no",
        changing: &["remaining", "reserved", "state", "changed_seq"],
        which: "",
    };
}

impl Replaces for hold::Model {
    const UPSERT: Upsert =
        Upsert { key: "shard_no, wallet_id, seq", changing: &["captured", "state"], which: "" };
}

impl Replaces for purchase::Model {
    const UPSERT: Upsert = Upsert {
        key: "shard_no, wallet_id, seq",
        changing: &["lines", "refunded_amount", "paid_value", "kept"],
        which: "",
    };
}

impl Replaces for purchase_line::Model {
    const UPSERT: Upsert =
        Upsert { key: "shard_no, wallet_id, seq, line_no", changing: &["refunded"], which: "" };
}

impl Replaces for receipt_redemption::Model {
    const UPSERT: Upsert = Upsert { key: "shard_no, wallet_id, seq", changing: &["reversed"], which: "" };
}

impl Replaces for cap_used::Model {
    const UPSERT: Upsert =
        Upsert { key: "shard_no, wallet_id, rule_id, day", changing: &["used"], which: "" };
}

impl Replaces for receipt::Model {
    /// A number that is there stays, and nobody sets one on another wallet's receipt: a second net under the decision.
    const UPSERT: Upsert = Upsert {
        key: "merchant_id, receipt_no",
        changing: &["seq"],
        which: "where receipt.seq is null and receipt.wallet_id = excluded.wallet_id",
    };
}

impl Replaces for refund_waiting::Model {
    const UPSERT: Upsert = Upsert {
        key: "merchant_id, receipt_no, idem",
        changing: &["state", "reject_code", "wallet_id", "seq"],
        which: "",
    };
}
