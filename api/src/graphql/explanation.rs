//! Why an operation came out as it did: in figures for programs, in words for people.

use std::fmt::Write as _;

use amvaj_domain::{
    access::Caller,
    earn::Kept,
    id::WalletId,
    ledger::{LotUseKind, OpKind, OpRecord},
};
use amvaj_infra::ledger::{StoredPurchase, UsedLot};
use async_graphql::{Context, Result, SimpleObject};

use super::{
    context::caller,
    error::fault,
    ledger_loader::{LotsOf, PurchaseOf, ledger_loader},
    loader::loader,
    operation::is_applied_earn,
    points_error::Refused,
    scalar::{MinorUnits, PointsScalar},
};

/// Why an operation came out as it did.
#[derive(SimpleObject)]
pub struct Explanation {
    /// One or two sentences for people: merchant, rule, arithmetic, rounding, lots.
    pub text: String,
    /// The arithmetic of an earn; null on other kinds.
    pub earn: Option<EarnArithmetic>,
}

/// The arithmetic of an earn, step by step. Every step rounds down to a whole unit.
#[derive(SimpleObject)]
pub struct EarnArithmetic {
    /// Version of the merchant's earn rule.
    pub rule_version: i32,
    /// Price of the basket, in minor units.
    pub basket: MinorUnits,
    /// The part of it whose categories earn, in minor units.
    pub eligible: MinorUnits,
    /// That part without the share that was paid with points, in minor units. This is what earns.
    pub earning: MinorUnits,
    /// The rule's ratio: so many points …
    pub rate_points: PointsScalar,
    /// … for so many minor units.
    pub rate_per: MinorUnits,
    /// Whether the basket was below the rule's minimum, so that it earned nothing.
    pub below_minimum: bool,
    /// The rule's minimum basket, in minor units.
    pub minimum_basket: MinorUnits,
    /// `earning` by the ratio, rounded down, before the cap.
    pub uncapped: PointsScalar,
    /// The most that the purchase could earn, by the caps of the purchase and of the member's day; null without one.
    pub cap: Option<PointsScalar>,
    /// What it earned.
    pub points: PointsScalar,
}

impl Explanation {
    /// Explains an operation.
    pub async fn of(ctx: &Context<'_>, wallet: WalletId, op: &OpRecord) -> Result<Self> {
        if let Some(refused) = Refused::recorded(op) {
            let text = format!("Refused, nothing moved: {}", refused.message());
            return Ok(Self { text, earn: None });
        }
        let place = place(ctx, op).await?;
        if is_applied_earn(op) {
            let purchase = ledger_loader(ctx)?.load_one(PurchaseOf(wallet, op.seq)).await.map_err(fault)?;
            if let Some(purchase) = purchase {
                return Ok(earned(&purchase, &place));
            }
        }
        // Lots tell where else a member collects, which is not for merchants.
        let lots = match caller(ctx)? {
            Caller::Merchant(_) => None,
            Caller::Operator | Caller::Agent | Caller::Member(_) => {
                ledger_loader(ctx)?.load_one(LotsOf(wallet, op.seq)).await.map_err(fault)?
            }
        };
        let text = format!("{}{}", happened(op, &place), used(&lots.unwrap_or_default()));
        Ok(Self { text, earn: None })
    }
}

/// ` at Merchant, Branch`, or nothing.
async fn place(ctx: &Context<'_>, op: &OpRecord) -> Result<String> {
    let Some(merchant) = op.merchant else { return Ok(String::new()) };
    let Some(merchant) = loader(ctx)?.load_one(merchant).await.map_err(fault)? else {
        return Ok(String::new());
    };
    let mut place = format!(" at {}", merchant.names.en);
    if let Some(branch) = op.branch
        && let Some(branch) = loader(ctx)?.load_one(branch).await.map_err(fault)?
    {
        let _ = write!(place, ", {}", branch.names.en);
    }
    Ok(place)
}

/// The arithmetic as it was at the sale: without what came back since, and with the points that had paid before.
fn earned(stored: &StoredPurchase, place: &str) -> Explanation {
    let mut sale = stored.purchase.sale.clone();
    sale.refunded_amount = 0;
    for line in &mut sale.lines {
        line.refunded = 0;
    }
    let before = stored.redemptions.iter().filter(|paid| paid.seq < stored.purchase.seq);
    sale.paid_value =
        before.fold(0, |sum: i64, paid| sum.saturating_add(paid.points.get().saturating_mul(paid.price)));
    // The sale was recorded with these figures, so they are in range.
    let kept = sale.kept().unwrap_or(Kept {
        total: 0,
        eligible: 0,
        earning: 0,
        below_minimum: false,
        uncapped: amvaj_domain::points::Points::ZERO,
        points: amvaj_domain::points::Points::ZERO,
    });
    let (points, per) = (sale.rate.points, sale.rate.per);
    let mut text = format!("Earned {} points{place} by rule version {}: ", kept.points, sale.rule_version);
    if kept.below_minimum {
        let _ = write!(text, "the basket of {} is below the minimum of {}.", sale.total, sale.minimum_basket);
    } else {
        let _ = write!(
            text,
            "{} of the basket of {} earn; {points} per {per} makes {}, rounded down.",
            kept.earning, sale.total, kept.uncapped
        );
        if kept.points < kept.uncapped {
            let _ = write!(text, " The cap left {}.", kept.points);
        }
    }
    Explanation {
        text,
        earn: Some(EarnArithmetic {
            rule_version: sale.rule_version,
            basket: sale.total.into(),
            eligible: kept.eligible.into(),
            earning: kept.earning.into(),
            rate_points: points.into(),
            rate_per: per.into(),
            below_minimum: kept.below_minimum,
            minimum_basket: sale.minimum_basket.into(),
            uncapped: kept.uncapped.into(),
            cap: sale.cap_left.map(PointsScalar::from),
            points: kept.points.into(),
        }),
    }
}

fn happened(op: &OpRecord, place: &str) -> String {
    let points = op.amount;
    match op.kind {
        OpKind::Earn => format!("Earned {points} points{place}."),
        OpKind::Hold => format!("Reserved {points} points{place}."),
        OpKind::Capture => format!("Paid {points} of the reserved points{place}; the rest is free again."),
        OpKind::Release => format!("{points} reserved points are free again{place}."),
        OpKind::Redeem => format!("Paid {points} points{place}."),
        OpKind::Refund => format!(
            "{} of the purchase came back{place}: what is kept earns {points} points less, by the rule of the sale.",
            op.money.unwrap_or_default()
        ),
        OpKind::Block => "The operator blocked the wallet.".to_owned(),
        OpKind::Unblock => "The operator reopened the wallet.".to_owned(),
        OpKind::Activation => format!("{points} pending points can be spent now."),
        OpKind::HoldEnd => format!("The time of a hold{place} was over: {points} points are free again."),
        OpKind::Expiry => format!("{points} points passed their last day and lapsed."),
    }
}

fn used(lots: &[UsedLot]) -> String {
    let pieces: Vec<String> = lots
        .iter()
        .map(|used| format!("{} {} lot {}", used.used.quantity, verb(used.used.kind), used.used.lot_no))
        .collect();
    if pieces.is_empty() { String::new() } else { format!(" Lots: {}.", pieces.join(", ")) }
}

const fn verb(kind: LotUseKind) -> &'static str {
    match kind {
        LotUseKind::Spend => "spent from",
        LotUseKind::Reserve => "reserved in",
        LotUseKind::Release => "freed in",
        LotUseKind::Restore => "returned to",
        LotUseKind::Expire => "lapsed in",
        LotUseKind::Repay => "repaid debt from",
        LotUseKind::Clawback => "taken back from",
        LotUseKind::Cancel => "cancelled in",
        LotUseKind::Transfer => "moved out of",
    }
}
