//! Domain values to rows and back, one pair of functions per table.

use amvaj_domain::{
    calendar::LocalDay,
    earn::{Rate, Sale, SaleLine},
    id::{BatchId, BranchId, MerchantId, WalletId},
    ledger::{
        Balances, Digest, Hold, HoldState, Idem, Lot, LotState, OpKind, OpRecord, Purchase, ReceiptKey,
        Redemption, Rejection, Tenant, Wallet, WalletStatus,
    },
    points::Points,
    text::ReceiptNumber,
    time::Instant,
};

use crate::db::{
    StoreError,
    entity::{hold, lot, op, purchase, purchase_line, receipt_redemption, wallet},
};

/// Refuses a stored value that cannot be.
fn corrupt<T>(
    value: Option<T>,
    table: &'static str,
    id: String,
    what: &'static str,
) -> Result<T, StoreError> {
    value.ok_or(StoreError::CorruptRow { table, id, what })
}

/// Points as stored.
pub(crate) fn points(value: i64, table: &'static str, wallet: uuid::Uuid) -> Result<Points, StoreError> {
    corrupt(Points::new(value).ok(), table, wallet.to_string(), "points out of range")
}

fn receipt_number(
    text: Option<&String>,
    table: &'static str,
    wallet: uuid::Uuid,
) -> Result<Option<ReceiptNumber>, StoreError> {
    text.map(|text| corrupt(ReceiptNumber::parse(text).ok(), table, wallet.to_string(), "receipt number"))
        .transpose()
}

/// The head of a wallet from its row.
pub(crate) fn wallet_from(row: &wallet::Model) -> Result<Wallet, StoreError> {
    let id = row.wallet_id;
    let points = |value| points(value, "wallet", id);
    Ok(Wallet {
        id: WalletId::new(id),
        balances: Balances {
            posted: points(row.posted)?,
            held: points(row.held)?,
            pending: points(row.pending)?,
            debt: points(row.debt)?,
        },
        version: row.version,
        next_lot: row.next_lot,
        status: corrupt(WalletStatus::from_stored(row.status), "wallet", id.to_string(), "status")?,
        last_recorded_at: Instant::from_micros(row.last_recorded_at),
        next_due: Instant::from_micros(row.next_due),
    })
}

/// The row of a wallet's head.
pub(crate) fn wallet_row(wallet: &Wallet) -> wallet::Model {
    wallet::Model {
        shard_no: wallet.id.shard_no(),
        wallet_id: wallet.id.uuid(),
        posted: wallet.balances.posted.get(),
        held: wallet.balances.held.get(),
        pending: wallet.balances.pending.get(),
        debt: wallet.balances.debt.get(),
        version: wallet.version,
        next_lot: wallet.next_lot,
        status: wallet.status.stored(),
        last_recorded_at: wallet.last_recorded_at.micros(),
        next_due: wallet.next_due.micros(),
    }
}

/// An operation from its row.
pub(crate) fn op_from(row: &op::Model) -> Result<OpRecord, StoreError> {
    let id = || format!("{}/{}", row.wallet_id, row.seq);
    let points = |value| points(value, "op", row.wallet_id);
    let rejection = row
        .reject_code
        .map(|code| corrupt(Rejection::from_stored(code), "op", id(), "reject_code"))
        .transpose()?;
    Ok(OpRecord {
        seq: row.seq,
        tenant: corrupt(Tenant::from_bytes(&row.caller), "op", id(), "caller")?,
        idem: Idem::stored(row.idem),
        body: Digest::stored(row.body_hash),
        kind: corrupt(OpKind::from_stored(row.kind), "op", id(), "kind")?,
        amount: points(row.amount)?,
        money: row.money,
        merchant: row.merchant_id.map(MerchantId::new),
        branch: row.branch_id.map(BranchId::new),
        receipt: receipt_number(row.receipt_no.as_ref(), "op", row.wallet_id)?,
        ref_seq: row.ref_seq,
        rejection,
        limit: row.reject_limit,
        after: Balances {
            posted: points(row.posted_after)?,
            held: points(row.held_after)?,
            pending: points(row.pending_after)?,
            debt: points(row.debt_after)?,
        },
        occurred_at: Instant::from_micros(row.occurred_at),
        recorded_at: Instant::from_micros(row.recorded_at),
    })
}

/// The row of an operation.
pub(crate) fn op_row(wallet: WalletId, batch: BatchId, record: &OpRecord) -> op::Model {
    op::Model {
        shard_no: wallet.shard_no(),
        wallet_id: wallet.uuid(),
        seq: record.seq,
        caller: record.tenant.to_bytes().to_vec(),
        idem: record.idem.uuid(),
        kind: record.kind.stored(),
        amount: record.amount.get(),
        money: record.money,
        merchant_id: record.merchant.map(MerchantId::uuid),
        branch_id: record.branch.map(BranchId::uuid),
        receipt_no: record.receipt.as_ref().map(|receipt| receipt.as_str().to_owned()),
        ref_seq: record.ref_seq,
        body_hash: record.body.uuid(),
        reject_code: record.rejection.map(Rejection::stored),
        reject_limit: record.limit,
        posted_after: record.after.posted.get(),
        held_after: record.after.held.get(),
        pending_after: record.after.pending.get(),
        debt_after: record.after.debt.get(),
        batch_id: batch.uuid(),
        occurred_at: record.occurred_at.micros(),
        recorded_at: record.recorded_at.micros(),
    }
}

/// A lot from its row.
pub(crate) fn lot_from(row: &lot::Model) -> Result<Lot, StoreError> {
    let points = |value| points(value, "lot", row.wallet_id);
    let state = match row.state {
        1 => Some(LotState::Pending),
        2 => Some(LotState::Active),
        _ => None,
    };
    Ok(Lot {
        lot_no: row.lot_no,
        issuer: MerchantId::new(row.issuer_merchant),
        price: row.price,
        original: points(row.original)?,
        remaining: points(row.remaining)?,
        reserved: points(row.reserved)?,
        state: corrupt(state, "lot", format!("{}/{}", row.wallet_id, row.lot_no), "state")?,
        active_from: Instant::from_micros(row.active_from),
        expires_at: Instant::from_micros(row.expires_at),
        restriction: row.restriction.map(MerchantId::new),
        rule_version: row.rule_version,
        changed_seq: row.changed_seq,
    })
}

/// The row of a lot.
pub(crate) fn lot_row(wallet: WalletId, lot: &Lot) -> lot::Model {
    lot::Model {
        shard_no: wallet.shard_no(),
        wallet_id: wallet.uuid(),
        lot_no: lot.lot_no,
        issuer_merchant: lot.issuer.uuid(),
        price: lot.price,
        original: lot.original.get(),
        remaining: lot.remaining.get(),
        reserved: lot.reserved.get(),
        state: match lot.state {
            LotState::Pending => 1,
            LotState::Active => 2,
        },
        active_from: lot.active_from.micros(),
        expires_at: lot.expires_at.micros(),
        restriction: lot.restriction.map(MerchantId::uuid),
        rule_version: lot.rule_version,
        changed_seq: lot.changed_seq,
    }
}

/// A hold from its row; the caller adds what it reserved.
pub(crate) fn hold_from(row: &hold::Model) -> Result<Hold, StoreError> {
    let state = match row.state {
        1 => Some(HoldState::Open),
        2 => Some(HoldState::Captured),
        3 => Some(HoldState::Released),
        4 => Some(HoldState::Expired),
        _ => None,
    };
    Ok(Hold {
        seq: row.seq,
        merchant: MerchantId::new(row.merchant_id),
        branch: row.branch_id.map(BranchId::new),
        receipt: receipt_number(row.receipt_no.as_ref(), "hold", row.wallet_id)?,
        amount: points(row.amount, "hold", row.wallet_id)?,
        captured: points(row.captured, "hold", row.wallet_id)?,
        expires_at: Instant::from_micros(row.expires_at),
        state: corrupt(state, "hold", format!("{}/{}", row.wallet_id, row.seq), "state")?,
        reserved: Vec::new(),
    })
}

/// The row of a hold.
pub(crate) fn hold_row(wallet: WalletId, hold: &Hold) -> hold::Model {
    hold::Model {
        shard_no: wallet.shard_no(),
        wallet_id: wallet.uuid(),
        seq: hold.seq,
        merchant_id: hold.merchant.uuid(),
        branch_id: hold.branch.map(BranchId::uuid),
        receipt_no: hold.receipt.as_ref().map(|receipt| receipt.as_str().to_owned()),
        amount: hold.amount.get(),
        captured: hold.captured.get(),
        expires_at: hold.expires_at.micros(),
        state: match hold.state {
            HoldState::Open => 1,
            HoldState::Captured => 2,
            HoldState::Released => 3,
            HoldState::Expired => 4,
        },
    }
}

/// A purchase from its row and its lines; without lines it was reported by its total only.
pub(crate) fn purchase_from(row: &purchase::Model, lines: Vec<SaleLine>) -> Result<Purchase, StoreError> {
    let points = |value| points(value, "purchase", row.wallet_id);
    let lines = if lines.is_empty() { vec![SaleLine::whole(row.basket)] } else { lines };
    Ok(Purchase {
        seq: row.seq,
        sale: Sale {
            total: row.basket,
            lines,
            refunded_amount: row.refunded_amount,
            paid_value: row.paid_value,
            rule_version: row.rule_version,
            rate: Rate { points: row.rate_points, per: row.rate_per },
            minimum_basket: row.minimum_basket,
            cap_left: row.cap_left.map(points).transpose()?,
        },
        kept: points(row.kept)?,
        lot_no: row.lot_no,
        cap_day: row.cap_day.map(|day| LocalDay::from_days(i64::from(day))),
        price: row.price,
    })
}

/// A line of a purchase from its row.
pub(crate) fn line_from(row: purchase_line::Model) -> SaleLine {
    SaleLine {
        line_no: row.line_no,
        product: row.product,
        category: row.category,
        amount: row.amount,
        quantity: row.quantity,
        refunded: row.refunded,
        eligible: row.eligible == 1,
    }
}

/// The row of a purchase and those of its lines. The one line of a purchase that was reported by its total says nothing
/// that the purchase does not, until it comes back.
pub(crate) fn purchase_rows(
    wallet: WalletId,
    key: &ReceiptKey,
    purchase: &Purchase,
) -> (purchase::Model, Vec<purchase_line::Model>) {
    let (shard_no, wallet_id, sale) = (wallet.shard_no(), wallet.uuid(), &purchase.sale);
    let lines = if sale.lines == [SaleLine::whole(sale.total)] { &[][..] } else { &sale.lines };
    let row = purchase::Model {
        shard_no,
        wallet_id,
        seq: purchase.seq,
        merchant_id: key.merchant.uuid(),
        receipt_no: key.number.as_str().to_owned(),
        basket: sale.total,
        lines: i32::try_from(lines.len()).unwrap_or(i32::MAX),
        refunded_amount: sale.refunded_amount,
        paid_value: sale.paid_value,
        kept: purchase.kept.get(),
        rule_version: sale.rule_version,
        rate_points: sale.rate.points,
        rate_per: sale.rate.per,
        minimum_basket: sale.minimum_basket,
        cap_left: sale.cap_left.map(Points::get),
        cap_day: purchase.cap_day.map(LocalDay::days),
        price: purchase.price,
        lot_no: purchase.lot_no,
    };
    let lines = lines
        .iter()
        .map(|line| purchase_line::Model {
            shard_no,
            wallet_id,
            seq: purchase.seq,
            line_no: line.line_no,
            product: line.product.clone(),
            category: line.category.clone(),
            amount: line.amount,
            quantity: line.quantity,
            refunded: line.refunded,
            eligible: i16::from(line.eligible),
        })
        .collect();
    (row, lines)
}

/// A redemption from its row; the caller adds the lots it spent.
pub(crate) fn redemption_from(row: &receipt_redemption::Model) -> Result<Redemption, StoreError> {
    Ok(Redemption {
        seq: row.seq,
        points: points(row.points, "receipt_redemption", row.wallet_id)?,
        reversed: points(row.reversed, "receipt_redemption", row.wallet_id)?,
        price: row.price,
        spent: Vec::new(),
    })
}

/// The row of a redemption.
pub(crate) fn redemption_row(
    wallet: WalletId,
    key: &ReceiptKey,
    redemption: &Redemption,
) -> receipt_redemption::Model {
    receipt_redemption::Model {
        shard_no: wallet.shard_no(),
        wallet_id: wallet.uuid(),
        seq: redemption.seq,
        merchant_id: key.merchant.uuid(),
        receipt_no: key.number.as_str().to_owned(),
        points: redemption.points.get(),
        reversed: redemption.reversed.get(),
        price: redemption.price,
    }
}
