//! READ's questions, answered from the tables. Each function is the meaning of the statement that stands beside it in
//! [`crate::ledger::source`]; like a join, it answers a key as often as it is asked.

use amvaj_domain::{
    calendar::LocalDay,
    id::{MerchantId, WalletId},
    ledger::{LotUseKind, ReceiptKey},
};
use uuid::Uuid;

use super::{
    schema::Stored,
    tables::{Table, Tables},
};
use crate::{
    db::entity::{
        cap_used, claim, hold, lot, lot_use, op, purchase, purchase_line, receipt, receipt_redemption,
        refund_waiting, wallet,
    },
    ledger::{keys::Probe, probe},
};

pub(in crate::ledger) fn probe(tables: &Tables, probes: &[Probe]) -> Vec<probe::Row> {
    (0..).zip(probes).map(|(number, probe)| probed(tables, number, probe)).collect()
}

fn probed(tables: &Tables, number: i32, probe: &Probe) -> probe::Row {
    let found = |is_there: bool| is_there.then_some(1);
    let receipt = probe.receipt.as_ref();
    let cap = probe.wallet.zip(probe.cap).map(|(wallet, (rule, day))| (wallet, rule, day));
    probe::Row {
        number,
        wallet: probe.wallet.and_then(|wallet| wallets(tables, &[wallet]).pop()),
        claimed: found(probe.idem.is_some_and(|idem| tables.claims.get(&(idem,)).is_some())),
        taken: found(receipt.is_some_and(|key| !receipts(tables, std::slice::from_ref(key)).is_empty())),
        awaited: found(
            receipt.is_some_and(|key| !still_waiting(tables, std::slice::from_ref(key)).is_empty()),
        ),
        cap_used: cap.and_then(|cap| caps(tables, &[cap]).pop()).map(|row| row.used),
    }
}

pub(crate) fn wallets(tables: &Tables, keys: &[WalletId]) -> Vec<wallet::Model> {
    each(&tables.wallets, keys, |wallet| (wallet.shard_no(), wallet.uuid()))
}

pub(crate) fn claims(tables: &Tables, keys: &[Uuid]) -> Vec<claim::Model> {
    each(&tables.claims, keys, |idem| (*idem,))
}

pub(crate) fn receipts(tables: &Tables, keys: &[ReceiptKey]) -> Vec<receipt::Model> {
    each(&tables.receipts, keys, |key| (key.merchant.uuid(), key.number.as_str().to_owned()))
}

pub(crate) fn redemptions(tables: &Tables, keys: &[ReceiptKey]) -> Vec<receipt_redemption::Model> {
    let of = |key: &ReceiptKey, row: &receipt_redemption::Model| {
        (row.merchant_id, row.receipt_no.as_str()) == (key.merchant.uuid(), key.number.as_str())
    };
    keys.iter().flat_map(|key| tables.redemptions.rows().filter(move |row| of(key, row))).cloned().collect()
}

pub(crate) fn still_waiting(tables: &Tables, keys: &[ReceiptKey]) -> Vec<refund_waiting::Model> {
    let of = |key: &ReceiptKey| (key.merchant.uuid(), key.number.as_str().to_owned());
    let between = |key: &ReceiptKey| {
        let (merchant, number) = of(key);
        tables.refunds.between((merchant, number.clone(), Uuid::nil()), (merchant, number, Uuid::max()))
    };
    keys.iter().flat_map(between).filter(|row| row.state == 1).cloned().collect()
}

pub(crate) fn waiting_by_key(tables: &Tables, keys: &[Uuid]) -> Vec<refund_waiting::Model> {
    keys.iter().flat_map(|idem| tables.refunds.rows().filter(move |row| row.idem == *idem)).cloned().collect()
}

pub(crate) fn holds(tables: &Tables, keys: &[(WalletId, i64)]) -> Vec<hold::Model> {
    each(&tables.holds, keys, numbered)
}

pub(crate) fn caps(tables: &Tables, keys: &[(WalletId, MerchantId, LocalDay)]) -> Vec<cap_used::Model> {
    each(&tables.caps, keys, |(wallet, rule, day)| {
        (wallet.shard_no(), wallet.uuid(), rule.uuid(), day.days())
    })
}

pub(crate) fn open_lots(tables: &Tables, keys: &[WalletId]) -> Vec<lot::Model> {
    keys.iter().flat_map(|wallet| tables.lots_of(*wallet)).filter(|row| row.remaining > 0).cloned().collect()
}

pub(crate) fn open_holds(tables: &Tables, keys: &[WalletId]) -> Vec<hold::Model> {
    keys.iter().flat_map(|wallet| tables.holds_of(*wallet)).filter(|row| row.state == 1).cloned().collect()
}

pub(crate) fn ops(tables: &Tables, keys: &[(WalletId, i64)]) -> Vec<op::Model> {
    each(&tables.ops, keys, numbered)
}

pub(crate) fn purchases(tables: &Tables, keys: &[(WalletId, i64)]) -> Vec<purchase::Model> {
    each(&tables.purchases, keys, numbered)
}

pub(crate) fn lines(tables: &Tables, keys: &[(WalletId, i64)]) -> Vec<purchase_line::Model> {
    let between = |key: &(WalletId, i64)| {
        let (shard_no, wallet, seq) = numbered(key);
        tables.purchase_lines.between((shard_no, wallet, seq, i32::MIN), (shard_no, wallet, seq, i32::MAX))
    };
    keys.iter().flat_map(between).cloned().collect()
}

pub(crate) fn allocations(tables: &Tables, keys: &[(WalletId, i64)]) -> Vec<lot_use::Model> {
    let asked = [LotUseKind::Spend.stored(), LotUseKind::Reserve.stored()];
    let between = |key: &(WalletId, i64)| {
        let (shard_no, wallet, seq) = numbered(key);
        let (first, last) =
            ((shard_no, wallet, seq, i64::MIN, 0), (shard_no, wallet, seq, i64::MAX, i16::MAX));
        tables.lot_uses.between(first, last)
    };
    keys.iter().flat_map(between).filter(|row| asked.contains(&row.kind)).cloned().collect()
}

pub(crate) fn lots(tables: &Tables, keys: &[(WalletId, i64)]) -> Vec<lot::Model> {
    each(&tables.lots, keys, numbered)
}

fn numbered((wallet, number): &(WalletId, i64)) -> (i16, Uuid, i64) {
    (wallet.shard_no(), wallet.uuid(), *number)
}

fn each<M: Stored, K>(table: &Table<M>, keys: &[K], key: impl Fn(&K) -> M::Key) -> Vec<M> {
    keys.iter().filter_map(|asked| table.get(&key(asked))).cloned().collect()
}
