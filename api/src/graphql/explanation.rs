//! Why an operation came out as it did: in figures for programs, in words for people.

use amvaj_domain::{
    access::Caller,
    earn::Kept,
    id::WalletId,
    ledger::{LotUseKind, OpKind, OpRecord},
    merchant::{Branch, Merchant},
    money::Currency,
};
use amvaj_infra::ledger::{StoredPurchase, UsedLot};
use async_graphql::{Context, Result, SimpleObject};

use super::{
    context::{app, caller, language},
    error::fault,
    ledger_loader::{LotsOf, TermsOf},
    loader::{ledger_loader, loader},
    operation::is_applied_earn,
    points_error::Refused,
    scalar::{MinorUnits, PointsScalar},
};
use crate::language::{Message, Value};

/// Why an operation came out as it did.
#[derive(SimpleObject)]
pub struct Explanation {
    /// One or two sentences for people, in the language of the request: merchant, rule, arithmetic, rounding, lots.
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
    /// Explains an operation, and tells of the balance only where it may.
    pub async fn of(ctx: &Context<'_>, wallet: WalletId, op: &OpRecord, tells_balance: bool) -> Result<Self> {
        let language = language(ctx).await;
        if let Some(refused) = Refused::recorded(op, tells_balance) {
            let message = Message::new("explained-refusal").with("reason", refused.message());
            return Ok(Self { text: message.say(language), earn: None });
        }
        let place = Place::of(ctx, op).await?;
        if is_applied_earn(op) {
            let purchase = ledger_loader(ctx)?.load_one(TermsOf(wallet, op.seq)).await.map_err(fault)?;
            if let Some(purchase) = purchase {
                let (message, earn) = earned(&purchase, &place);
                return Ok(Self { text: message.say(language), earn: Some(earn) });
            }
        }
        // Lots tell where else a member collects, which is not for merchants.
        let lots = match caller(ctx)? {
            Caller::Merchant(_) => None,
            Caller::Operator | Caller::Agent | Caller::Member(_) => {
                ledger_loader(ctx)?.load_one(LotsOf(wallet, op.seq)).await.map_err(fault)?
            }
        };
        let message = with_lots(happened(op, &place), &lots.unwrap_or_default());
        Ok(Self { text: message.say(language), earn: None })
    }
}

/// Where an operation happened.
struct Place {
    merchant: Option<Merchant>,
    branch: Option<Branch>,
    /// The network's currency, when there is no merchant with one.
    currency: Currency,
}

impl Place {
    async fn of(ctx: &Context<'_>, op: &OpRecord) -> Result<Self> {
        let merchant = match op.merchant {
            Some(merchant) => loader(ctx)?.load_one(merchant).await.map_err(fault)?,
            None => None,
        };
        let branch = match op.branch {
            Some(branch) => loader(ctx)?.load_one(branch).await.map_err(fault)?,
            None => None,
        };
        Ok(Self { merchant, branch, currency: app(ctx)?.network.currency })
    }

    /// Says in a message where it happened.
    fn tell(&self, message: Message) -> Message {
        match (&self.merchant, &self.branch) {
            (Some(merchant), Some(branch)) => message
                .with("scope", "branch")
                .with("merchant", &merchant.names)
                .with("branch", &branch.names),
            (Some(merchant), None) => message.with("scope", "merchant").with("merchant", &merchant.names),
            (None, _) => message.with("scope", "nowhere"),
        }
    }

    /// An amount in the currency of the place.
    fn money(&self, amount: i64) -> Value {
        Value::Money(amount, self.merchant.as_ref().map_or(self.currency, |merchant| merchant.currency))
    }
}

/// The arithmetic as it was at the sale: without what came back since, and with the points that had paid before.
fn earned(stored: &StoredPurchase, place: &Place) -> (Message, EarnArithmetic) {
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
    let message = if kept.below_minimum {
        Message::new("explained-earn-below-minimum").with("minimum", place.money(sale.minimum_basket))
    } else if kept.points < kept.uncapped {
        Message::new("explained-earn-capped")
    } else {
        Message::new("explained-earn")
    };
    let message = place
        .tell(message)
        .with("points", kept.points)
        .with("version", sale.rule_version)
        .with("basket", place.money(sale.total))
        .with("earning", place.money(kept.earning))
        .with("rate", points)
        .with("per", place.money(per))
        .with("uncapped", kept.uncapped);
    let arithmetic = EarnArithmetic {
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
    };
    (message, arithmetic)
}

fn happened(op: &OpRecord, place: &Place) -> Message {
    let message = match op.kind {
        OpKind::Earn => Message::new("explained-earn-plain"),
        OpKind::Hold => Message::new("explained-hold"),
        OpKind::Capture => Message::new("explained-capture"),
        OpKind::Release => Message::new("explained-release"),
        OpKind::Redeem => Message::new("explained-redeem"),
        OpKind::Refund => {
            Message::new("explained-refund").with("money", place.money(op.money.unwrap_or_default()))
        }
        OpKind::Block => Message::new("explained-block"),
        OpKind::Unblock => Message::new("explained-unblock"),
        OpKind::Activation => Message::new("explained-activation"),
        OpKind::HoldEnd => Message::new("explained-hold-end"),
        OpKind::Expiry => Message::new("explained-expiry"),
    };
    place.tell(message.with("points", op.amount))
}

fn with_lots(happened: Message, lots: &[UsedLot]) -> Message {
    if lots.is_empty() {
        return happened;
    }
    let lots = lots.iter().map(used).collect();
    Message::new("explained-with-lots").with("what", happened).with("lots", Value::List(lots))
}

fn used(lot: &UsedLot) -> Message {
    let message = match lot.used.kind {
        LotUseKind::Spend => Message::new("lot-spent"),
        LotUseKind::Reserve => Message::new("lot-reserved"),
        LotUseKind::Release => Message::new("lot-freed"),
        LotUseKind::Restore => Message::new("lot-restored"),
        LotUseKind::Expire => Message::new("lot-expired"),
        LotUseKind::Repay => Message::new("lot-repaid"),
        LotUseKind::Clawback => Message::new("lot-clawed-back"),
        LotUseKind::Cancel => Message::new("lot-cancelled"),
        LotUseKind::Transfer => Message::new("lot-transferred"),
    };
    message.with("points", lot.used.quantity).with("lot", lot.used.lot_no)
}
