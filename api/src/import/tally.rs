//! Counts what became of every line.

use std::collections::BTreeMap;

use amvaj_domain::id::MerchantId;

use super::basket::Purchase;
use super::cancel::Refund;
use super::map::Map;
use super::plan::{Event, Plan};
use super::post::Posted;
use super::reason::{Reason, Skipped};
use super::report::{MerchantTotals, Posts, Report};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It would be posted.
    Planned,
    /// The ledger answered.
    Posted(Posted),
    /// It is the refund of a purchase that the ledger refused, and was not posted.
    PurchaseRefused,
}

/// A report in the making.
pub(super) struct Tally<'a> {
    map: &'a Map,
    report: Report,
    /// Lines of cancellations: one can take back parts of several purchases, and counts once.
    cancellations: BTreeMap<u64, Cancellation>,
}

struct Cancellation {
    receipt: String,
    refunded: bool,
    refused: Option<Reason>,
    units: i64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(map: &'a Map, plan: &Plan) -> Self {
        Self { map, report: Report::new(map, plan), cancellations: BTreeMap::new() }
    }

    /// Counts an event.
    pub(super) fn count(&mut self, event: &Event, outcome: Outcome) {
        match event {
            Event::Purchase(purchase) => self.purchase(purchase, outcome),
            Event::Refund(refund) => self.refund(refund, outcome),
        }
    }

    /// The report; its lines are not counted together yet.
    pub(super) fn report(mut self) -> Report {
        for (line, cancellation) in self.cancellations {
            if cancellation.refunded {
                self.report.lines.refunded = self.report.lines.refunded.saturating_add(1);
            } else if let Some(reason) = cancellation.refused {
                let receipt = Some(cancellation.receipt);
                let units = Some(cancellation.units.saturating_neg());
                self.report.skipped.push(Skipped { line, reason, receipt, units });
            }
        }
        self.report
    }

    fn purchase(&mut self, purchase: &Purchase, outcome: Outcome) {
        add(&mut self.report.purchases, outcome);
        if let Some(reason) = outcome.reason() {
            self.report.skipped.extend(purchase.lines.iter().map(|line| line.skipped(reason.clone())));
            return;
        }
        let lines = u64::try_from(purchase.lines.len()).unwrap_or(u64::MAX);
        self.report.lines.earned = self.report.lines.earned.saturating_add(lines);
        let planned = (0, purchase.basket.total().minor_units());
        let (points, money) = outcome.points_and_money().unwrap_or(planned);
        if let Some(totals) = self.totals(purchase.merchant) {
            totals.purchases = totals.purchases.saturating_add(1);
            totals.lines = totals.lines.saturating_add(lines);
            totals.bought = totals.bought.saturating_add(money);
            totals.earned = totals.earned.saturating_add(points);
        }
    }

    fn refund(&mut self, refund: &Refund, outcome: Outcome) {
        add(&mut self.report.refunds, outcome);
        let reason = outcome.reason();
        for part in &refund.parts {
            let units = &mut self.report.cancelled_units;
            let place = if reason.is_none() { &mut units.refunded } else { &mut units.refused };
            *place = place.saturating_add(part.units);
            let line = self.cancellations.entry(part.number).or_insert_with(|| Cancellation {
                receipt: refund.cancellation.to_string(),
                refunded: false,
                refused: None,
                units: 0,
            });
            line.refunded |= reason.is_none();
            line.units = line.units.saturating_add(part.units);
            line.refused = line.refused.take().or_else(|| reason.clone());
        }
        if reason.is_some() {
            return;
        }
        let (points, money) = outcome.points_and_money().unwrap_or_default();
        if let Some(totals) = self.totals(refund.merchant) {
            totals.refunds = totals.refunds.saturating_add(1);
            totals.returned = totals.returned.saturating_add(money);
            totals.taken_back = totals.taken_back.saturating_add(points);
        }
    }

    fn totals(&mut self, merchant: MerchantId) -> Option<&mut MerchantTotals> {
        let place = self.map.merchants.iter().position(|plan| plan.id == merchant)?;
        self.report.merchants.get_mut(place)
    }
}

impl Outcome {
    const fn points_and_money(self) -> Option<(i64, i64)> {
        match self {
            Self::Posted(Posted::Applied { points, money, .. }) => Some((points, money)),
            Self::Planned
            | Self::Posted(Posted::Refused(_) | Posted::OfErased { .. })
            | Self::PurchaseRefused => None,
        }
    }
}

fn add(posts: &mut Posts, outcome: Outcome) {
    let place = match outcome {
        Outcome::Planned | Outcome::Posted(Posted::Applied { replayed: false, .. }) => &mut posts.new,
        Outcome::Posted(Posted::Applied { replayed: true, .. }) => &mut posts.already_there,
        Outcome::Posted(Posted::Refused(_) | Posted::OfErased { .. }) | Outcome::PurchaseRefused => {
            &mut posts.refused
        }
    };
    *place = place.saturating_add(1);
}
