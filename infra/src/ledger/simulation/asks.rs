//! What clients ask for: every command that a request can carry, mostly possible, sometimes not.

use amvaj_domain::{
    calendar::{ExpiryPolicy, LocalDay},
    earn::{Basket, BasketLine, EarnRule, Rate},
    id::{MerchantId, WalletId},
    ledger::{
        Command, CommandEarn, CommandHold, CommandRedeem, CommandRefund, Digest, Idem, Operation, Prices,
        RefundSpec, Rejection, Tenant, WalletStatus, Window,
    },
    money::{Currency, Money},
    points::Points,
    text::{IdempotencyKey, ReceiptNumber},
    time::{Instant, Span},
};
use uuid::Uuid;

use super::{plan::Plan, random::Random};

/// The prices of every merchant: different, so that a value that was mixed up shows.
pub(crate) const PRICES: Prices = Prices { issue: 3, redeem: 2 };

/// A hold that a client was told of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownHold {
    pub(crate) wallet: WalletId,
    pub(crate) merchant: MerchantId,
    pub(crate) seq: i64,
}

/// Draws what a client asks for next, under a new key.
pub(crate) fn draw(
    plan: &Plan,
    holds: &[KnownHold],
    key: &str,
    now: Instant,
    random: &mut Random,
) -> Operation {
    let merchant = *random.pick(&plan.merchants);
    let mut wallet = *random.pick(&plan.wallets);
    if random.per_mille(10) {
        wallet = WalletId::new(Uuid::from_u128(0xdead));
    }
    let mut tenant = Tenant::Merchant(merchant);
    let command = match random.below(100) {
        0..30 => earn(plan, merchant, now, random),
        30..44 => {
            Command::Redeem(CommandRedeem { amount: points(random), receipt: maybe_receipt(plan, random) })
        }
        44..56 => Command::Hold(CommandHold {
            amount: points(random),
            ttl: Span::from_micros(*random.pick(&[40_000, 400_000, 20_000_000])),
            receipt: maybe_receipt(plan, random),
        }),
        56..70 => {
            let hold =
                known(holds, random).unwrap_or(KnownHold { wallet, merchant, seq: random.within(1, 9) });
            (wallet, tenant) = (hold.wallet, Tenant::Merchant(hold.merchant));
            if random.per_mille(350) {
                Command::Release { hold: hold.seq }
            } else {
                Command::Capture { hold: hold.seq, amount: random.per_mille(500).then(|| points(random)) }
            }
        }
        70..95 => {
            wallet = WalletId::new(Uuid::nil());
            Command::Refund(CommandRefund {
                receipt: receipt(plan, random),
                what: part(random),
                grace: random.per_mille(500).then(|| Span::from_micros(random.within(1_000, 3_000_000))),
            })
        }
        _ => {
            tenant = Tenant::Network;
            let blocked = random.per_mille(300);
            Command::SetStatus(if blocked { WalletStatus::Blocked } else { WalletStatus::Open })
        }
    };
    let late = if random.per_mille(60) { random.within(-3_000_000, 3_000_000) } else { 0 };
    Operation {
        occurred_at: now.plus(Span::from_micros(late)),
        refusal: random.per_mille(20).then_some(Rejection::BranchClosed),
        ..operation(wallet, tenant, key, command, now)
    }
}

/// An operation that happens now and that nothing stands against.
pub(crate) fn operation(
    wallet: WalletId,
    tenant: Tenant,
    key: &str,
    command: Command,
    now: Instant,
) -> Operation {
    Operation {
        wallet,
        tenant,
        idem: Idem::of(tenant, &IdempotencyKey::parse(key).unwrap()),
        body: Digest::of([format!("{wallet} {command:?}").as_bytes()]).into(),
        merchant: if let Tenant::Merchant(merchant) = tenant { Some(merchant) } else { None },
        branch: None,
        occurred_at: now,
        // Retries come late, with the clock of another node: some are in time and some are not.
        window: Window { look_back: Span::from_micros(2_500_000), ahead: Span::from_micros(2_500_000) },
        prices: PRICES,
        refusal: None,
        command,
    }
}

fn known(holds: &[KnownHold], random: &mut Random) -> Option<KnownHold> {
    (!holds.is_empty() && random.per_mille(900)).then(|| *random.pick(holds))
}

fn earn(plan: &Plan, merchant: MerchantId, now: Instant, random: &mut Random) -> Command {
    let lines: Vec<BasketLine> = (1..=i32::try_from(random.within(1, 3)).unwrap())
        .map(|line_no| BasketLine {
            line_no,
            product: None,
            category: random.per_mille(200).then(|| "gift".to_owned()),
            amount: random.within(1, 60),
            quantity: random.within(1, 3),
        })
        .collect();
    let total = lines.iter().map(|line| line.amount).sum();
    let from_now = |micros| now.plus(Span::from_micros(micros));
    Command::Earn(CommandEarn {
        receipt: receipt(plan, random),
        basket: Basket::new(Money::new(total, Currency::IRR).unwrap(), lines).unwrap(),
        rule: Some(rule(merchant, plan)),
        day: LocalDay::from_days(20_000 + random.within(0, 1)),
        active_from: if random.per_mille(250) { from_now(random.within(0, 2_000_000)) } else { now },
        expires_at: random.per_mille(700).then(|| from_now(random.within(-1_000, 8_000_000))),
    })
}

/// The rule of a merchant; one caps the day, another's points are spent at its own tills only.
pub(crate) fn rule(merchant: MerchantId, plan: &Plan) -> EarnRule {
    let number = plan.merchants.iter().position(|known| *known == merchant);
    EarnRule {
        version: 1,
        effective_from: Instant::from_micros(0),
        rate: Rate { points: 2, per: 1 },
        minimum_basket: 5,
        cap_per_purchase: (number == Some(1)).then(|| Points::new(90).unwrap()),
        cap_per_day: (number == Some(0)).then(|| Points::new(400).unwrap()),
        excluded_categories: ["gift".to_owned()].into(),
        pending_days: 0,
        expiry: ExpiryPolicy::Never,
        spend_only_at_issuer: number == Some(2),
    }
}

fn points(random: &mut Random) -> Points {
    Points::new(random.within(1, 80)).unwrap()
}

fn receipt(plan: &Plan, random: &mut Random) -> ReceiptNumber {
    ReceiptNumber::parse(&format!("r{}", random.below(plan.receipts))).unwrap()
}

fn maybe_receipt(plan: &Plan, random: &mut Random) -> Option<ReceiptNumber> {
    random.per_mille(500).then(|| receipt(plan, random))
}

fn part(random: &mut Random) -> RefundSpec {
    match random.below(3) {
        0 => RefundSpec::Whole,
        1 => RefundSpec::Lines(vec![(i32::try_from(random.within(1, 3)).unwrap(), random.within(1, 2))]),
        _ => RefundSpec::Amount(random.within(1, 70)),
    }
}
