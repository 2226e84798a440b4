//! READ: everything that the decisions of one batch need, in a few statements.
//!
//! | step | statements (side by side, on a lane's own connection one after the other) |
//! |---|---|
//! | 1 | the wallets' heads, used caps, and whether there is anything else ([`super::probe`]) |
//! | 2, only what is there | claims · receipts · redemptions of receipts · waiting refunds · open lots and holds of the wallets that need them |
//! | 3 | named holds that are not among the open ones, then receipts and redemptions of receipts that holds name |
//! | 4, only when found | stored operations of the claims · purchases of the receipts, then their lines and caps |
//! | 5, only when found | allocations of holds and redemptions |
//! | 6, only when found | lots that they name and that are not open |
//!
//! The wallets come first and their versions guard the write, so whatever changes between the statements makes
//! the guard fail; a claim or receipt taken meanwhile fails on its unique key.

use std::collections::{BTreeSet, HashMap, HashSet};

use amvaj_domain::{
    calendar::LocalDay,
    id::{MerchantId, WalletId},
    ledger::{Digest, HoldState, Idem, LotUseKind, OpRecord, ReceiptFile, ReceiptKey, WalletState},
    points::Points,
    text::ReceiptNumber,
    time::Instant,
};
use uuid::Uuid;

use super::{
    probe::{PROBE, Probed, probes},
    request::Request,
    rows,
    source::{
        ALLOCATIONS, CAPS, CLAIMS, HOLDS, LINES, LOTS, OPEN_HOLDS, OPEN_LOTS, OPS, PURCHASES, RECEIPTS,
        REDEMPTIONS, Source, WAITING, WAITING_BY_KEY,
    },
    waiting::{WaitingRefund, waiting_from},
};
use crate::db::{
    StoreError,
    entity::{cap_used, claim, hold, lot, lot_use, receipt, receipt_redemption},
};

/// What a batch's decisions read.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    /// The wallets with their details, as far as they are needed.
    pub(crate) wallets: HashMap<WalletId, WalletState>,
    /// The keys that are in use.
    pub(crate) claims: HashMap<Idem, Claim>,
    /// The earns that have receipts: wallet and sequence number.
    pub(crate) earns: HashMap<ReceiptKey, (WalletId, i64)>,
    /// The refunds that wait for receipts which operations name, oldest first.
    pub(crate) waiting: HashMap<ReceiptKey, Vec<WaitingRefund>>,
}

/// A key in use.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) body: Digest,
    pub(crate) holder: ClaimHolder,
}

/// What a key was used for.
#[derive(Debug)]
pub(crate) enum ClaimHolder {
    /// An operation in the journal.
    Op(WalletId, Box<OpRecord>),
    /// A refund that waits, or waited, for its purchase.
    Refund(Box<WaitingRefund>, Option<(WalletId, Box<OpRecord>)>),
}

/// Reads what the decisions on `requests` at `now` need.
pub(crate) async fn read(
    source: Source<'_>,
    requests: &[&Request],
    now: Instant,
) -> Result<ReadSet, StoreError> {
    let found = source.find(&PROBE, &probes(requests)).await?;
    let probed = Probed::of(requests, &found, now)?;
    let mut set = ReadSet { wallets: probed.wallets, ..ReadSet::default() };
    let holding = set.holding(&probed.detail);
    let (claims, receipts, redemptions, waiting, lots, open_holds) = tokio::try_join!(
        source.find(&CLAIMS, &probed.claims),
        source.find(&RECEIPTS, &probed.taken),
        source.find(&REDEMPTIONS, &probed.taken),
        source.find(&WAITING, &probed.awaited),
        source.find(&OPEN_LOTS, &probed.detail),
        source.find(&OPEN_HOLDS, &holding),
    )?;
    for wallet in &probed.detail {
        if let Some(state) = set.wallets.get_mut(wallet) {
            state.detail_read = true;
        }
    }
    for row in &lots {
        set.add_lot(row)?;
    }
    open_holds.iter().try_for_each(|row| set.add_hold(row))?;
    let not_open = source.find(&HOLDS, &set.holds_not_read(&probed.holds)).await?;
    not_open.iter().try_for_each(|row| set.add_hold(row))?;
    let late = set.receipts_of_holds(&probed.named);
    let (late_receipts, late_redemptions) =
        tokio::try_join!(source.find(&RECEIPTS, &late), source.find(&REDEMPTIONS, &late),)?;
    let receipts: Vec<_> = receipts.into_iter().chain(late_receipts).collect();
    let redemptions: Vec<_> = redemptions.into_iter().chain(late_redemptions).collect();
    set.add_receipts(&receipts)?;
    set.add_redemptions(&redemptions)?;
    for row in &waiting {
        let refund = waiting_from(row)?;
        set.waiting.entry(refund.receipt.clone()).or_default().push(refund);
    }
    for refunds in set.waiting.values_mut() {
        refunds.sort_by_key(|refund| (refund.created_at, refund.idem));
    }
    set.read_details_for_waiting(source, requests).await?;
    set.read_claims(source, &claims).await?;
    set.read_purchases(source, &receipts).await?;
    set.read_allocations(source, &redemptions).await?;
    Ok(set)
}

impl ReadSet {
    fn add_cap(&mut self, row: &cap_used::Model) -> Result<(), StoreError> {
        let used = rows::points(row.used, "cap_used", row.wallet_id)?;
        if let Some(state) = self.wallets.get_mut(&WalletId::new(row.wallet_id)) {
            let day = LocalDay::from_days(i64::from(row.day));
            state.caps.insert((MerchantId::new(row.rule_id), day), used);
        }
        Ok(())
    }

    fn add_lot(&mut self, row: &lot::Model) -> Result<(), StoreError> {
        if let Some(state) = self.wallets.get_mut(&WalletId::new(row.wallet_id)) {
            state.lots.insert(row.lot_no, rows::lot_from(row)?);
        }
        Ok(())
    }

    fn add_hold(&mut self, row: &hold::Model) -> Result<(), StoreError> {
        if let Some(state) = self.wallets.get_mut(&WalletId::new(row.wallet_id)) {
            state.holds.insert(row.seq, rows::hold_from(row)?);
        }
        Ok(())
    }

    /// Those of the wallets that have open holds, which is where points are held.
    fn holding(&self, wallets: &[WalletId]) -> Vec<WalletId> {
        let has_held =
            |id: &&WalletId| self.wallets.get(id).is_some_and(|state| !state.wallet.balances.held.is_zero());
        wallets.iter().filter(has_held).copied().collect()
    }

    /// Holds that are named and were not among the open ones.
    fn holds_not_read(&self, named: &[(WalletId, i64)]) -> Vec<(WalletId, i64)> {
        let is_known = |(wallet, seq): &&(WalletId, i64)| {
            self.wallets.get(wallet).is_some_and(|state| state.holds.contains_key(seq))
        };
        named.iter().filter(|key| !is_known(key)).copied().collect()
    }

    /// The receipts that holds name and no request does; a capture pays for them.
    fn receipts_of_holds(&self, known: &BTreeSet<ReceiptKey>) -> Vec<ReceiptKey> {
        let named = self.wallets.values().flat_map(|state| state.holds.values()).filter_map(|hold| {
            let number = hold.receipt.clone()?;
            Some(ReceiptKey { merchant: hold.merchant, number })
        });
        let late: BTreeSet<ReceiptKey> = named.filter(|key| !known.contains(key)).collect();
        late.into_iter().collect()
    }

    /// Notes which earn has each receipt, and tells every other wallet of the batch that the receipt is elsewhere.
    fn add_receipts(&mut self, rows: &[receipt::Model]) -> Result<(), StoreError> {
        for row in rows {
            let key = receipt_key(row.merchant_id, &row.receipt_no, "receipt")?;
            let owner = WalletId::new(row.wallet_id);
            for state in self.wallets.values_mut().filter(|state| state.wallet.id != owner) {
                let file: &mut ReceiptFile = state.receipts.entry(key.clone()).or_default();
                match row.seq {
                    Some(_) => file.earned_elsewhere = true,
                    None => file.redeemed_elsewhere = true,
                }
            }
            self.earns.extend(row.seq.map(|seq| (key, (owner, seq))));
        }
        Ok(())
    }

    fn add_redemptions(&mut self, rows: &[receipt_redemption::Model]) -> Result<(), StoreError> {
        for row in rows {
            let key = receipt_key(row.merchant_id, &row.receipt_no, "receipt_redemption")?;
            if let Some(state) = self.wallets.get_mut(&WalletId::new(row.wallet_id)) {
                let file = state.receipts.entry(key).or_default();
                file.redemptions.push(rows::redemption_from(row)?);
                file.redemptions.sort_by_key(|redemption| redemption.seq);
            }
        }
        Ok(())
    }

    /// A purchase whose refunds wait needs its wallet's lots and holds after all.
    async fn read_details_for_waiting(
        &mut self,
        source: Source<'_>,
        requests: &[&Request],
    ) -> Result<(), StoreError> {
        let has_waiting =
            |request: &&&Request| request.receipt().is_some_and(|key| self.waiting.contains_key(&key));
        let wallets: BTreeSet<WalletId> =
            requests.iter().filter(has_waiting).filter_map(|r| r.wallet()).collect();
        let unread = |id: &WalletId| self.wallets.get(id).is_some_and(|state| !state.detail_read);
        let wallets: Vec<WalletId> = wallets.into_iter().filter(unread).collect();
        let holding = self.holding(&wallets);
        let (lots, holds) =
            tokio::try_join!(source.find(&OPEN_LOTS, &wallets), source.find(&OPEN_HOLDS, &holding),)?;
        lots.iter().try_for_each(|row| self.add_lot(row))?;
        holds.iter().try_for_each(|row| self.add_hold(row))?;
        for wallet in &wallets {
            if let Some(state) = self.wallets.get_mut(wallet) {
                state.detail_read = true;
            }
        }
        Ok(())
    }

    async fn read_claims(&mut self, source: Source<'_>, claims: &[claim::Model]) -> Result<(), StoreError> {
        if claims.is_empty() {
            return Ok(());
        }
        let refunds: Vec<Uuid> =
            claims.iter().filter(|claim| claim.wallet_id.is_none()).map(|claim| claim.idem).collect();
        let waiting = source.find(&WAITING_BY_KEY, &refunds).await?;
        let mut refunds = HashMap::new();
        let mut posted = Vec::new();
        for row in &waiting {
            let refund = waiting_from(row)?;
            posted.extend(refund.posted);
            refunds.insert(row.idem, refund);
        }
        let claimed = |claim: &claim::Model| Some((WalletId::new(claim.wallet_id?), claim.seq?));
        posted.extend(claims.iter().filter_map(claimed));
        let ops = numbered_ops(source, &posted).await?;
        let op_of = |key: (WalletId, i64)| ops.get(&key).map(|op| Box::new(op.clone()));
        for claim in claims {
            // Two requests of a batch with one key have read its claim twice.
            if self.claims.contains_key(&Idem::stored(claim.idem)) {
                continue;
            }
            let holder = if let Some(key) = claimed(claim) {
                ClaimHolder::Op(key.0, op_of(key).ok_or_else(|| missing("op", claim.idem))?)
            } else {
                let refund =
                    refunds.remove(&claim.idem).ok_or_else(|| missing("refund_waiting", claim.idem))?;
                let op = refund.posted.and_then(|key| Some((key.0, op_of(key)?)));
                ClaimHolder::Refund(Box::new(refund), op)
            };
            self.claims
                .insert(Idem::stored(claim.idem), Claim { body: Digest::stored(claim.body_hash), holder });
        }
        Ok(())
    }

    async fn read_purchases(
        &mut self,
        source: Source<'_>,
        receipts: &[receipt::Model],
    ) -> Result<(), StoreError> {
        let keys: Vec<(WalletId, i64)> = receipts
            .iter()
            .filter_map(|row| Some((WalletId::new(row.wallet_id), row.seq?)))
            .filter(|(wallet, _)| self.wallets.contains_key(wallet))
            .collect();
        let purchases = source.find(&PURCHASES, &keys).await?;
        let with_lines: Vec<(WalletId, i64)> = purchases
            .iter()
            .filter(|row| row.lines > 0)
            .map(|row| (WalletId::new(row.wallet_id), row.seq))
            .collect();
        let lines = source.find(&LINES, &with_lines).await?;
        let mut lines_of: HashMap<(Uuid, i64), Vec<_>> = HashMap::new();
        for line in lines {
            lines_of.entry((line.wallet_id, line.seq)).or_default().push(rows::line_from(line));
        }
        let mut caps = Vec::new();
        for row in &purchases {
            let key = receipt_key(row.merchant_id, &row.receipt_no, "purchase")?;
            let lines = lines_of.remove(&(row.wallet_id, row.seq)).unwrap_or_default();
            let purchase = rows::purchase_from(row, lines)?;
            let wallet = WalletId::new(row.wallet_id);
            if let Some(state) = self.wallets.get_mut(&wallet) {
                caps.extend(purchase.cap_day.map(|day| (wallet, key.merchant, day)));
                state.receipts.entry(key).or_default().purchase = Some(purchase);
            }
        }
        let caps = source.find(&CAPS, &caps).await?;
        caps.iter().try_for_each(|row| self.add_cap(row))
    }

    /// What holds reserved and redemptions spent, and the lots of these and of purchases that are no longer open.
    async fn read_allocations(
        &mut self,
        source: Source<'_>,
        redemptions: &[receipt_redemption::Model],
    ) -> Result<(), StoreError> {
        let mut keys: HashSet<(WalletId, i64)> = redemptions
            .iter()
            .map(|row| (WalletId::new(row.wallet_id), row.seq))
            .filter(|(wallet, _)| self.wallets.contains_key(wallet))
            .collect();
        for state in self.wallets.values() {
            let open = state.holds.values().filter(|hold| hold.state == HoldState::Open);
            keys.extend(open.map(|hold| (state.wallet.id, hold.seq)));
        }
        let keys: Vec<(WalletId, i64)> = keys.into_iter().collect();
        let uses = source.find(&ALLOCATIONS, &keys).await?;
        for row in &uses {
            self.add_allocation(row)?;
        }
        let closed = self.lots_not_read(&uses);
        let lots = source.find(&LOTS, &closed).await?;
        lots.iter().try_for_each(|row| self.add_lot(row))
    }

    fn add_allocation(&mut self, row: &lot_use::Model) -> Result<(), StoreError> {
        let quantity: Points = rows::points(row.qty, "lot_use", row.wallet_id)?;
        let Some(state) = self.wallets.get_mut(&WalletId::new(row.wallet_id)) else { return Ok(()) };
        match LotUseKind::from_stored(row.kind) {
            Some(LotUseKind::Reserve) => {
                if let Some(hold) = state.holds.get_mut(&row.seq).filter(|hold| hold.state == HoldState::Open)
                {
                    hold.reserved.push((row.lot_no, quantity));
                }
            }
            Some(LotUseKind::Spend) => {
                let redemptions = state.receipts.values_mut().flat_map(|file| &mut file.redemptions);
                for redemption in redemptions.filter(|redemption| redemption.seq == row.seq) {
                    redemption.spent.push((row.lot_no, quantity));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn lots_not_read(&self, uses: &[lot_use::Model]) -> Vec<(WalletId, i64)> {
        let used = uses.iter().map(|row| (WalletId::new(row.wallet_id), row.lot_no));
        let purchased = self.wallets.values().flat_map(|state| {
            let purchases = state.receipts.values().filter_map(|file| file.purchase.as_ref());
            purchases.filter_map(|purchase| Some((state.wallet.id, purchase.lot_no?)))
        });
        let named: BTreeSet<(WalletId, i64)> = used.chain(purchased).collect();
        let known = |(wallet, lot_no): &(WalletId, i64)| {
            self.wallets.get(wallet).is_none_or(|state| state.lots.contains_key(lot_no))
        };
        named.into_iter().filter(|key| !known(key)).collect()
    }
}

/// Puts allocations in the spending order of their lots: a stored allocation does not keep its place.
pub(crate) fn sort_allocations(state: &mut WalletState) {
    let order: HashMap<i64, (Instant, i64)> =
        state.lots.values().map(|lot| (lot.lot_no, lot.spending_order())).collect();
    let place = |(lot_no, _): &(i64, Points)| order.get(lot_no).copied();
    for hold in state.holds.values_mut() {
        hold.reserved.sort_by_key(place);
    }
    for redemption in state.receipts.values_mut().flat_map(|file| &mut file.redemptions) {
        redemption.spent.sort_by_key(place);
    }
}

async fn numbered_ops(
    source: Source<'_>,
    keys: &[(WalletId, i64)],
) -> Result<HashMap<(WalletId, i64), OpRecord>, StoreError> {
    let found = source.find(&OPS, keys).await?;
    found.iter().map(|row| Ok(((WalletId::new(row.wallet_id), row.seq), rows::op_from(row)?))).collect()
}

pub(crate) fn receipt_key(
    merchant: Uuid,
    number: &str,
    table: &'static str,
) -> Result<ReceiptKey, StoreError> {
    let number = ReceiptNumber::parse(number).map_err(|_| StoreError::CorruptRow {
        table,
        id: format!("{merchant}/{number}"),
        what: "receipt number",
    })?;
    Ok(ReceiptKey { merchant: MerchantId::new(merchant), number })
}

fn missing(table: &'static str, id: Uuid) -> StoreError {
    StoreError::CorruptRow { table, id: id.to_string(), what: "a claim refers to it and it is missing" }
}
