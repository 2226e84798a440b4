//! One wallet's history replayed: its lots through all their uses, its purchases through all that came back.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use amvaj_domain::{
    earn::{Rate, Sale, SaleLine},
    id::WalletId,
    ledger::{LotUseKind, OpKind},
    points::Points,
};
use uuid::Uuid;

use super::walk::{Finding, Findings, LotRow, OpRow, UseRow, WalletRows};
use crate::db::entity::{purchase, purchase_line};

/// Checks one wallet.
pub(super) fn check(wallet: WalletId, rows: &WalletRows, findings: &mut Findings) {
    check_purchases(wallet, rows, findings);
    Replay::new(wallet, rows).run(rows, findings);
}

/// A lot as far as the replay has come.
struct Track<'a> {
    row: &'a LotRow,
    active: bool,
    remaining: i64,
    reserved: i64,
    changed_seq: i64,
}

impl Track<'_> {
    const fn free(&self) -> i64 {
        self.remaining.saturating_sub(self.reserved)
    }

    const fn order(&self) -> (i64, i64) {
        (self.row.expires_at, self.row.lot_no)
    }
}

/// The lots of a wallet after some of its operations.
struct Replay<'a> {
    wallet: WalletId,
    /// The lots that an operation made, by its sequence number.
    made: HashMap<i64, Vec<&'a LotRow>>,
    /// The uses of lots by operation.
    uses: HashMap<i64, Vec<&'a UseRow>>,
    lots: BTreeMap<i64, Track<'a>>,
    /// Active lots with free points, in spending order.
    open: BTreeSet<(i64, i64)>,
}

impl<'a> Replay<'a> {
    fn new(wallet: WalletId, rows: &'a WalletRows) -> Self {
        let mut uses: HashMap<i64, Vec<&UseRow>> = HashMap::new();
        for used in &rows.uses {
            uses.entry(used.seq).or_default().push(used);
        }
        let made = makers(rows, &uses);
        Self { wallet, made, uses, lots: BTreeMap::new(), open: BTreeSet::new() }
    }

    fn run(mut self, rows: &WalletRows, findings: &mut Findings) {
        for op in &rows.ops {
            self.make(op);
            if op.kind == OpKind::Activation.stored() {
                self.activate(op, findings);
            }
            self.apply_uses(op, findings);
            self.check_order(op, findings);
        }
        self.check_ends(rows, findings);
    }

    fn make(&mut self, op: &OpRow) {
        for row in self.made.remove(&op.seq).unwrap_or_default() {
            let active = row.active_from <= op.recorded_at;
            let track = Track { row, active, remaining: row.original, reserved: 0, changed_seq: op.seq };
            self.lots.insert(row.lot_no, track);
            self.note(row.lot_no);
        }
    }

    /// An activation does not name its lot: it is the first pending one of its instant and amount.
    fn activate(&mut self, op: &OpRow, findings: &mut Findings) {
        let lot = self
            .lots
            .values_mut()
            .find(|lot| !lot.active && lot.row.active_from == op.occurred_at && lot.remaining == op.amount);
        let Some(lot) = lot else {
            let wallet = self.wallet;
            findings.add(Finding::Lot, || format!("wallet {wallet} seq {}: it activated no lot", op.seq));
            return;
        };
        lot.active = true;
        lot.changed_seq = op.seq;
        let lot_no = lot.row.lot_no;
        self.note(lot_no);
    }

    fn apply_uses(&mut self, op: &OpRow, findings: &mut Findings) {
        for used in self.uses.get(&op.seq).cloned().unwrap_or_default() {
            let Some(lot) = self.lots.get_mut(&used.lot_no) else { continue };
            let (remaining, reserved) = change(used);
            lot.remaining = lot.remaining.saturating_add(remaining);
            lot.reserved = lot.reserved.saturating_add(reserved);
            lot.changed_seq = op.seq;
            self.note(used.lot_no);
        }
        for used in self.uses.get(&op.seq).into_iter().flatten() {
            let wallet = self.wallet;
            match self.lots.get(&used.lot_no) {
                None => findings.add(Finding::Lot, || {
                    format!(
                        "wallet {wallet} seq {}: it used lot {}, which was not made yet",
                        op.seq, used.lot_no
                    )
                }),
                Some(lot) if lot.reserved < 0 || lot.free() < 0 || lot.remaining > lot.row.original => {
                    findings.add(Finding::Lot, || {
                        let (left, reserved) = (lot.remaining, lot.reserved);
                        let lot_no = used.lot_no;
                        format!("wallet {wallet} lot {lot_no}: after seq {} it had {left} left and {reserved} reserved", op.seq)
                    });
                }
                Some(_) => {}
            }
        }
    }

    /// Keeps a lot among the open ones while it has free points.
    fn note(&mut self, lot_no: i64) {
        let Some(lot) = self.lots.get(&lot_no) else { return };
        if lot.active && lot.free() > 0 {
            self.open.insert(lot.order());
        } else {
            self.open.remove(&lot.order());
        }
    }

    fn check_order(&self, op: &OpRow, findings: &mut Findings) {
        let kinds: &[LotUseKind] = if op.kind == OpKind::Capture.stored() {
            self.check_capture(op, findings);
            &[LotUseKind::Repay]
        } else {
            &[LotUseKind::Spend, LotUseKind::Reserve, LotUseKind::Repay]
        };
        for kind in kinds {
            let anywhere = *kind == LotUseKind::Repay;
            let Some(last) = self.last_used(op.seq, *kind) else { continue };
            let skipped =
                self.open.range(..last).filter_map(|(_, lot_no)| self.lots.get(lot_no)).find(|lot| {
                    let allowed =
                        anywhere || lot.row.restriction.is_none() || lot.row.restriction == op.merchant_id;
                    allowed && lot.row.expires_at >= as_of(op)
                });
            if let Some(lot) = skipped {
                let (wallet, lot_no) = (self.wallet, lot.row.lot_no);
                findings.add(Finding::Order, || {
                    format!(
                        "wallet {wallet} seq {}: it used lot {} before lot {lot_no} was used up",
                        op.seq, last.1
                    )
                });
            }
        }
    }

    /// A capture takes what its hold reserved, again in spending order.
    fn check_capture(&self, op: &OpRow, findings: &mut Findings) {
        let Some(last) = self.last_used(op.seq, LotUseKind::Spend) else { return };
        let spent: HashMap<i64, i64> = self.used(op.seq, LotUseKind::Spend).collect();
        for (lot_no, reserved) in self.used(op.ref_seq.unwrap_or_default(), LotUseKind::Reserve) {
            let earlier = self.lots.get(&lot_no).is_some_and(|lot| lot.order() < last);
            if earlier && spent.get(&lot_no) != Some(&reserved) {
                let wallet = self.wallet;
                findings.add(Finding::Order, || {
                    format!("wallet {wallet} seq {}: it captured lot {} before lot {lot_no}", op.seq, last.1)
                });
            }
        }
    }

    fn used(&self, seq: i64, kind: LotUseKind) -> impl Iterator<Item = (i64, i64)> {
        let uses = self.uses.get(&seq).into_iter().flatten();
        uses.filter(move |used| used.kind == kind.stored()).map(|used| (used.lot_no, used.qty))
    }

    /// The last in spending order of the lots that an operation used in a way.
    fn last_used(&self, seq: i64, kind: LotUseKind) -> Option<(i64, i64)> {
        self.used(seq, kind).filter_map(|(lot_no, _)| self.lots.get(&lot_no).map(Track::order)).max()
    }

    fn check_ends(&self, rows: &WalletRows, findings: &mut Findings) {
        let wallet = self.wallet;
        for row in &rows.lots {
            let Some(lot) = self.lots.get(&row.lot_no) else {
                findings.add(Finding::Lot, || {
                    format!("wallet {wallet} lot {}: no operation made it", row.lot_no)
                });
                continue;
            };
            let state = if lot.active { 2 } else { 1 };
            if row.changed_seq != lot.changed_seq || row.state != state {
                findings.add(Finding::Lot, || {
                    format!(
                        "wallet {wallet} lot {}: state {} since seq {}, its history says state {state} since seq {}",
                        row.lot_no, row.state, row.changed_seq, lot.changed_seq
                    )
                });
            }
        }
    }
}

/// The instant by which an operation judges lots: when it was recorded, or when it fell due.
const fn as_of(op: &OpRow) -> i64 {
    match OpKind::from_stored(op.kind) {
        Some(OpKind::Activation | OpKind::HoldEnd | OpKind::Expiry) => op.occurred_at,
        _ => op.recorded_at,
    }
}

/// The lots that each operation made. A lot of no purchase took over points that came back late: it is valid from
/// the very instant of the operation that made it, and operations of one instant made theirs in order.
fn makers<'a>(rows: &'a WalletRows, uses: &HashMap<i64, Vec<&UseRow>>) -> HashMap<i64, Vec<&'a LotRow>> {
    let earned: HashMap<i64, i64> =
        rows.purchases.iter().filter_map(|purchase| Some((purchase.lot_no?, purchase.seq))).collect();
    let mut transfers: HashMap<i64, VecDeque<(i64, i64)>> = HashMap::new();
    for op in &rows.ops {
        let moved =
            uses.get(&op.seq).into_iter().flatten().filter(|used| used.kind == LotUseKind::Transfer.stored());
        let moved = moved.fold(0, |sum: i64, used| sum.saturating_add(used.qty));
        if moved > 0 {
            transfers.entry(op.recorded_at).or_default().push_back((op.seq, moved));
        }
    }
    let mut made: HashMap<i64, Vec<&LotRow>> = HashMap::new();
    for lot in &rows.lots {
        if let Some(seq) = earned.get(&lot.lot_no) {
            made.entry(*seq).or_default().push(lot);
            continue;
        }
        let Some(waiting) = transfers.get_mut(&lot.active_from) else { continue };
        let Some((seq, left)) = waiting.front_mut() else { continue };
        made.entry(*seq).or_default().push(lot);
        *left = left.saturating_sub(lot.original);
        if *left <= 0 {
            waiting.pop_front();
        }
    }
    made
}

/// What a use changes of a lot: remaining and reserved points.
const fn change(used: &UseRow) -> (i64, i64) {
    match LotUseKind::from_stored(used.kind) {
        Some(LotUseKind::Reserve) => (0, used.qty),
        Some(LotUseKind::Release) => (0, used.qty.saturating_neg()),
        Some(LotUseKind::Restore) => (used.qty, 0),
        Some(
            LotUseKind::Spend
            | LotUseKind::Expire
            | LotUseKind::Repay
            | LotUseKind::Clawback
            | LotUseKind::Cancel
            | LotUseKind::Transfer,
        ) => (used.qty.saturating_neg(), 0),
        None => (0, 0),
    }
}

/// Recomputes every purchase, as it is and as it was sold.
fn check_purchases(wallet: WalletId, rows: &WalletRows, findings: &mut Findings) {
    let mut lines: HashMap<i64, Vec<&purchase_line::Model>> = HashMap::new();
    for line in &rows.lines {
        lines.entry(line.seq).or_default().push(line);
    }
    let mut refunded: HashMap<i64, i64> = HashMap::new();
    for op in rows.ops.iter().filter(|op| op.kind == OpKind::Refund.stored()) {
        let sum = refunded.entry(op.ref_seq.unwrap_or_default()).or_default();
        *sum = sum.saturating_add(op.money.unwrap_or_default());
    }
    let earned: HashMap<i64, i64> = rows.ops.iter().map(|op| (op.seq, op.amount)).collect();
    let payments = payments(rows);
    for row in &rows.purchases {
        let kept = sale(row, lines.get(&row.seq).map_or(&[], Vec::as_slice));
        let sold = as_sold(&kept, row, &payments);
        let now = kept.kept().map_or(-1, |kept| kept.points.get());
        let then = sold.kept().map_or(-1, |sold| sold.points.get());
        let issued = earned.get(&row.seq).copied().unwrap_or(then);
        if now != row.kept || then != issued {
            findings.add(Finding::Kept, || {
                format!(
                    "wallet {wallet} seq {}: it earned {issued} points and keeps {}, its terms say {then} and {now}",
                    row.seq, row.kept
                )
            });
        }
        let money = row.basket.saturating_sub(kept.kept_total());
        let by_refunds = refunded.get(&row.seq).copied().unwrap_or_default();
        if money != by_refunds {
            findings.add(Finding::Refunded, || {
                format!(
                    "wallet {wallet} seq {}: {money} minor units came back, its refunds say {by_refunds}",
                    row.seq
                )
            });
        }
    }
}

fn sale(row: &purchase::Model, lines: &[&purchase_line::Model]) -> Sale {
    let lines = lines.iter().map(|line| SaleLine {
        line_no: line.line_no,
        product: None,
        category: None,
        amount: line.amount,
        quantity: line.quantity,
        refunded: line.refunded,
        eligible: line.eligible == 1,
    });
    Sale {
        total: row.basket,
        lines: if row.lines == 0 { vec![SaleLine::whole(row.basket)] } else { lines.collect() },
        refunded_amount: row.refunded_amount,
        paid_value: row.paid_value,
        rule_version: row.rule_version,
        rate: Rate { points: row.rate_points, per: row.rate_per },
        minimum_basket: row.minimum_basket,
        cap_left: row.cap_left.and_then(|cap| Points::new(cap).ok()),
    }
}

/// The points that paid for each receipt, by sequence number: their value.
type Payments<'a> = HashMap<(Uuid, &'a str), Vec<(i64, i64)>>;

fn payments(rows: &WalletRows) -> Payments<'_> {
    let mut payments = Payments::new();
    for paid in &rows.redemptions {
        let receipt = (paid.merchant_id, paid.receipt_no.as_str());
        payments.entry(receipt).or_default().push((paid.seq, paid.points.saturating_mul(paid.price)));
    }
    payments
}

/// The sale before anything came back, paid with the points that its receipt had taken by then.
fn as_sold(kept: &Sale, row: &purchase::Model, payments: &Payments<'_>) -> Sale {
    let paid = payments.get(&(row.merchant_id, row.receipt_no.as_str())).into_iter().flatten();
    let before = paid.filter(|(seq, _)| *seq < row.seq);
    let mut sold = kept.clone();
    sold.paid_value = before.fold(0, |sum: i64, (_, value)| sum.saturating_add(*value));
    sold.refunded_amount = 0;
    for line in &mut sold.lines {
        line.refunded = 0;
    }
    sold
}
