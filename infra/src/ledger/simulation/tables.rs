//! The ledger's tables in memory, with the keys and checks of the schema.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use amvaj_domain::id::WalletId;
use uuid::Uuid;

use super::schema::Stored;
use crate::{
    db::{
        StoreError,
        entity::{
            cap_used, claim, entry, hold, lot, lot_use, merchant_balance, op, outbox, purchase,
            purchase_line, receipt, receipt_redemption, refund_waiting, wallet,
        },
    },
    ledger::{
        batch::{Rows, WriteBatch},
        sqlite::{merchant_rows, outbox_rows},
    },
};

/// Rows by primary key.
#[derive(Debug, Clone)]
pub(crate) struct Table<M: Stored>(BTreeMap<M::Key, M>);

impl<M: Stored> Default for Table<M> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<M: Stored> Table<M> {
    /// The row of a key.
    pub(crate) fn get(&self, key: &M::Key) -> Option<&M> {
        self.0.get(key)
    }

    /// All rows in the order of their keys.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &M> {
        self.0.values()
    }

    /// The rows whose keys lie between two keys, both included.
    pub(crate) fn between(&self, first: M::Key, last: M::Key) -> impl Iterator<Item = &M> {
        self.0.range(first..=last).map(|(_, row)| row)
    }

    /// Refuses rows that the schema refuses, and those that are not there to be changed: that is for tables of which a
    /// batch knows what it makes.
    fn check(&self, rows: &Rows<M>) -> Result<(), StoreError> {
        if let Some(row) = rows.changed.iter().find(|row| !self.0.contains_key(&row.key())) {
            return Err(StoreError::Constraint(format!(
                "{}: {row:?} is to be changed and is not there",
                M::TABLE
            )));
        }
        self.check_new(&rows.new)?;
        self.check_changed(&rows.changed)
    }

    /// Refuses rows that the schema refuses as new ones.
    fn check_new<'a>(&self, rows: impl IntoIterator<Item = &'a M>) -> Result<(), StoreError>
    where
        M: 'a,
    {
        let mut keys = BTreeSet::new();
        for row in rows {
            if self.0.contains_key(&row.key()) || !keys.insert(row.key()) {
                return Err(duplicate(M::TABLE, M::KEY));
            }
            row.check()?;
        }
        Ok(())
    }

    /// Refuses rows that the schema refuses as new ones or as changes of those that are there.
    fn check_changed(&self, rows: &[M]) -> Result<(), StoreError> {
        let mut keys = BTreeSet::new();
        for row in rows {
            if !keys.insert(row.key()) {
                let what = format!("{}: one statement changes a row twice", M::TABLE);
                return Err(StoreError::Constraint(what));
            }
            row.check()?;
            self.merged(row).check()?;
        }
        Ok(())
    }

    /// What a row becomes beside the one that is there.
    fn merged(&self, row: &M) -> M {
        let Some(kept) = self.0.get(&row.key()) else { return row.clone() };
        let mut kept = kept.clone();
        kept.change(row);
        kept
    }

    fn put<'a>(&mut self, rows: impl IntoIterator<Item = &'a M>)
    where
        M: 'a,
    {
        for row in rows {
            let row = self.merged(row);
            self.0.insert(row.key(), row);
        }
    }
}

fn duplicate(table: &str, columns: &str) -> StoreError {
    StoreError::Duplicate(format!("UNIQUE constraint failed: {table}.{columns}"))
}

/// The tables that the write path reads and writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tables {
    pub(crate) wallets: Table<wallet::Model>,
    pub(crate) ops: Table<op::Model>,
    pub(crate) entries: Table<entry::Model>,
    pub(crate) lots: Table<lot::Model>,
    pub(crate) lot_uses: Table<lot_use::Model>,
    pub(crate) holds: Table<hold::Model>,
    pub(crate) purchases: Table<purchase::Model>,
    pub(crate) purchase_lines: Table<purchase_line::Model>,
    pub(crate) redemptions: Table<receipt_redemption::Model>,
    pub(crate) caps: Table<cap_used::Model>,
    pub(crate) claims: Table<claim::Model>,
    pub(crate) receipts: Table<receipt::Model>,
    pub(crate) refunds: Table<refund_waiting::Model>,
    pub(crate) merchant_balances: Table<merchant_balance::Model>,
    pub(crate) outbox: Table<outbox::Model>,
}

impl Tables {
    /// Enrols a wallet.
    pub(crate) fn add_wallet(&mut self, row: &wallet::Model) {
        self.wallets.put([row]);
    }

    /// Gives a row of the outbox its number.
    pub(crate) fn number(&mut self, key: (i16, Uuid), relay_no: i64, at: i64) {
        if let Some(row) = self.outbox.0.get_mut(&key) {
            (row.relay_no, row.relayed_at) = (Some(relay_no), Some(at));
        }
    }

    /// Writes a batch for the wallets whose version is the expected one, and answers which these are; all of it or,
    /// with an error, nothing.
    pub(crate) fn write(&mut self, batch: &WriteBatch) -> Result<HashSet<WalletId>, StoreError> {
        let surviving = self.surviving(batch);
        self.check(&surviving)?;
        self.wallets.put(&surviving.wallets);
        self.claims.put(&surviving.claims);
        self.receipts.put(surviving.receipts.all());
        self.ops.put(&surviving.ops);
        self.entries.put(&surviving.entries);
        self.lot_uses.put(&surviving.lot_uses);
        self.lots.put(surviving.lots.all());
        self.holds.put(surviving.holds.all());
        self.purchases.put(surviving.purchases.all());
        self.purchase_lines.put(&surviving.purchase_lines);
        self.redemptions.put(surviving.redemptions.all());
        self.caps.put(&surviving.caps);
        self.refunds.put(&surviving.refunds);
        self.merchant_balances.put(&merchant_rows(batch.bucket, &surviving.entries));
        self.outbox.put(&outbox_rows(batch.batch.uuid(), &surviving.ops));
        Ok(surviving.wallets.iter().map(|row| WalletId::new(row.wallet_id)).collect())
    }

    fn check(&self, rows: &Surviving) -> Result<(), StoreError> {
        self.wallets.check_changed(&rows.wallets)?;
        self.claims.check_new(&rows.claims)?;
        self.receipts.check(&rows.receipts)?;
        let is_settable = |row: &receipt::Model| {
            self.receipts
                .get(&row.key())
                .is_some_and(|kept| kept.seq.is_none() && kept.wallet_id == row.wallet_id)
        };
        if let Some(row) = rows.receipts.changed.iter().find(|row| !is_settable(row)) {
            return Err(StoreError::Constraint(format!("{row:?} is of another wallet or has its earn")));
        }
        self.ops.check_new(&rows.ops)?;
        self.entries.check_new(&rows.entries)?;
        self.lot_uses.check_new(&rows.lot_uses)?;
        self.lots.check(&rows.lots)?;
        self.holds.check(&rows.holds)?;
        self.purchases.check(&rows.purchases)?;
        self.purchase_lines.check_changed(&rows.purchase_lines)?;
        self.redemptions.check(&rows.redemptions)?;
        self.caps.check_changed(&rows.caps)?;
        self.refunds.check_changed(&rows.refunds)?;
        let other_receipt = rows
            .refunds
            .iter()
            .any(|row| self.refunds.rows().any(|kept| kept.idem == row.idem && kept.key() != row.key()));
        if other_receipt {
            return Err(duplicate("refund_waiting", "idem"));
        }
        self.outbox.check_new(&outbox_rows(Uuid::nil(), &rows.ops))
    }

    fn surviving(&self, batch: &WriteBatch) -> Surviving {
        let guarded = batch.wallets.iter().filter(|wallet| {
            self.wallets.get(&wallet.row.key()).is_some_and(|kept| kept.version == wallet.expected)
        });
        let wallets: Vec<wallet::Model> = guarded.map(|wallet| wallet.row.clone()).collect();
        let alive: HashSet<Uuid> = wallets.iter().map(|row| row.wallet_id).collect();
        let is_alive = |wallet: Uuid| alive.contains(&wallet);
        let is_free_or_alive = |wallet: Option<Uuid>| wallet.is_none_or(is_alive);
        Surviving {
            claims: kept(&batch.claims, |row| is_free_or_alive(row.wallet_id)),
            receipts: batch.receipts.kept(|row| is_alive(row.wallet_id)),
            ops: kept(&batch.ops, |row| is_alive(row.wallet_id)),
            entries: kept(&batch.entries, |row| is_alive(row.wallet_id)),
            lots: batch.lots.kept(|row| is_alive(row.wallet_id)),
            lot_uses: kept(&batch.lot_uses, |row| is_alive(row.wallet_id)),
            holds: batch.holds.kept(|row| is_alive(row.wallet_id)),
            purchases: batch.purchases.kept(|row| is_alive(row.wallet_id)),
            purchase_lines: kept(&batch.purchase_lines, |row| is_alive(row.wallet_id)),
            redemptions: batch.redemptions.kept(|row| is_alive(row.wallet_id)),
            caps: kept(&batch.caps, |row| is_alive(row.wallet_id)),
            refunds: kept(&batch.refunds, |row| is_free_or_alive(row.wallet_id)),
            wallets,
        }
    }
}

/// The rows of a batch whose guard held, and those that have none.
struct Surviving {
    wallets: Vec<wallet::Model>,
    claims: Vec<claim::Model>,
    receipts: Rows<receipt::Model>,
    ops: Vec<op::Model>,
    entries: Vec<entry::Model>,
    lots: Rows<lot::Model>,
    lot_uses: Vec<lot_use::Model>,
    holds: Rows<hold::Model>,
    purchases: Rows<purchase::Model>,
    purchase_lines: Vec<purchase_line::Model>,
    redemptions: Rows<receipt_redemption::Model>,
    caps: Vec<cap_used::Model>,
    refunds: Vec<refund_waiting::Model>,
}

fn kept<M: Clone>(rows: &[M], keep: impl Fn(&M) -> bool) -> Vec<M> {
    rows.iter().filter(|row| keep(row)).cloned().collect()
}

impl<M: Clone> Rows<M> {
    fn kept(&self, keep: impl Fn(&M) -> bool) -> Self {
        Self { new: kept(&self.new, &keep), changed: kept(&self.changed, &keep) }
    }

    fn all(&self) -> impl Iterator<Item = &M> {
        self.new.iter().chain(&self.changed)
    }
}
