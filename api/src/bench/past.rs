//! What the bench's wallets have behind them: a year in which each earned, spent, reserved and gave back now and then.

use amvaj_domain::{
    earn::Basket,
    id::{BatchId, MerchantId, WalletId},
    ledger::{
        Command, CommandEarn, CommandHold, CommandRedeem, CommandRefund, Digest, Idem, Operation, Prices,
        RefundSpec, Tenant, Window,
    },
    member::Member,
    money::Money,
    points::Points,
    text::{IdempotencyKey, ReceiptNumber},
    time::{Instant, Span},
};
use amvaj_infra::ledger::{Past, load, new_wallets};

use super::world::{CHUNK, FILL, WorldError, rule};
use crate::{app::App, demo::random::Random, random};

/// How long ago a past begins.
const YEAR: Span = Span::days(365);

/// Gives the wallets among these that have no operation yet a past each, so that all wallets together get `operations`; the
/// first operation of each fills it.
pub(super) async fn load_pasts(
    app: &App,
    merchants: &[MerchantId],
    members: &[Member],
    operations: u64,
) -> Result<(), WorldError> {
    let wallets = u64::try_from(members.len()).unwrap_or(u64::MAX).max(1);
    let each = usize::try_from(operations.div_ceil(wallets)).unwrap_or(usize::MAX).max(1);
    let mut loaded = 0_usize;
    for chunk in members.chunks(CHUNK) {
        let wallets: Vec<WalletId> = chunk.iter().map(|member| member.wallet).collect();
        let pasts: Vec<Past> = new_wallets(&app.db, &wallets)
            .await?
            .into_iter()
            .map(|wallet| past(app, merchants, wallet, each))
            .collect::<Result<_, _>>()?;
        if !pasts.is_empty() {
            load(&app.db, BatchId::new(random::uuid(app.now())), &pasts).await?;
        }
        loaded = loaded.saturating_add(pasts.len());
        tracing::debug!(wallets = loaded, "pasts loaded");
    }
    Ok(())
}

/// A past that is being told.
struct Story<'a> {
    app: &'a App,
    wallet: WalletId,
    now: Instant,
    operations: Vec<(Instant, Operation)>,
}

/// A past of `count` operations. It is the same in every run.
fn past(app: &App, merchants: &[MerchantId], wallet: WalletId, count: usize) -> Result<Past, WorldError> {
    let mut random = Random::fork(5, u64::try_from(wallet.uuid().as_u128() >> 64).unwrap_or_default());
    let steps = i64::try_from(count).unwrap_or(i64::MAX).saturating_add(1);
    let step = Span::from_micros(YEAR.micros() / steps);
    let now = app.now().plus(Span::from_micros(YEAR.micros().saturating_neg()));
    let mut story = Story { app, wallet, now, operations: Vec::with_capacity(count) };
    let first = merchants.first().copied().ok_or(WorldError::Malformed("merchant"))?;
    story.earn(first, FILL)?;
    while story.operations.len() < count {
        story.now = story.now.plus(step);
        let merchant = random.pick(merchants).copied().unwrap_or(first);
        let points = random.between(1, 500);
        match random.weighted(&[70, 12, 8, 10]) {
            0 => story.earn(merchant, points.saturating_mul(1_000))?,
            1 => {
                story
                    .tell(merchant, Command::Redeem(CommandRedeem { amount: of(points)?, receipt: None }))?;
            }
            2 => story.hold_and_capture(merchant, points, count)?,
            _ => story.earn_and_refund(merchant, points, count)?,
        }
    }
    Ok(Past { wallet, operations: story.operations })
}

impl Story<'_> {
    fn earn(&mut self, merchant: MerchantId, amount: i64) -> Result<(), WorldError> {
        let total =
            Money::new(amount, self.app.network.currency).map_err(|_| WorldError::Malformed("amount"))?;
        let command = Command::Earn(CommandEarn {
            receipt: self.receipt(self.operations.len())?,
            basket: Basket::new(total, Vec::new()).map_err(|_| WorldError::Malformed("basket"))?,
            rule: Some(rule(self.now)),
            day: self.app.zone.day_of(self.now),
            active_from: self.now,
            expires_at: None,
        });
        self.tell(merchant, command)
    }

    fn hold_and_capture(
        &mut self,
        merchant: MerchantId,
        points: i64,
        count: usize,
    ) -> Result<(), WorldError> {
        let hold = CommandHold { amount: of(points)?, ttl: Span::minutes(15), receipt: None };
        self.tell(merchant, Command::Hold(hold))?;
        if self.operations.len() < count {
            // Nothing falls due in between, so the number of an operation is its place.
            let hold = i64::try_from(self.operations.len()).unwrap_or(i64::MAX);
            self.tell(merchant, Command::Capture { hold, amount: None })?;
        }
        Ok(())
    }

    fn earn_and_refund(&mut self, merchant: MerchantId, points: i64, count: usize) -> Result<(), WorldError> {
        let receipt = self.receipt(self.operations.len())?;
        self.earn(merchant, points.saturating_mul(1_000))?;
        if self.operations.len() < count {
            let refund = CommandRefund { receipt, what: RefundSpec::Whole, grace: None };
            self.tell(merchant, Command::Refund(refund))?;
        }
        Ok(())
    }

    fn tell(&mut self, merchant: MerchantId, command: Command) -> Result<(), WorldError> {
        let text = format!("bench-past-{}-{}", self.wallet, self.operations.len());
        let key = IdempotencyKey::parse(&text).map_err(|_| WorldError::Malformed("key"))?;
        let tenant = Tenant::Merchant(merchant);
        self.operations.push((
            self.now,
            Operation {
                wallet: self.wallet,
                tenant,
                idem: Idem::of(tenant, &key),
                body: Digest::of([text.as_bytes()]).into(),
                merchant: Some(merchant),
                branch: None,
                occurred_at: self.now,
                window: Window { look_back: Span::days(1), ahead: Span::minutes(1) },
                prices: Prices { issue: 1, redeem: 1 },
                refusal: None,
                command,
            },
        ));
        Ok(())
    }

    fn receipt(&self, number: usize) -> Result<ReceiptNumber, WorldError> {
        ReceiptNumber::parse(&format!("P{number}-{}", self.wallet))
            .map_err(|_| WorldError::Malformed("receipt"))
    }
}

fn of(points: i64) -> Result<Points, WorldError> {
    Points::new(points).map_err(|_| WorldError::Malformed("number of points"))
}
