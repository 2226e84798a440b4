//! Posts a plan's events through the use cases of the API, and registers whom they need.

use std::collections::{BTreeSet, HashMap};

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::earn::EarnRule;
use amvaj_domain::id::{BranchId, MerchantId};
use amvaj_domain::ledger::{ReceiptKey, RefundSpec, Rejection};
use amvaj_domain::member::MemberLookup;
use amvaj_domain::merchant::{Branch, BranchStatus, Merchant, MerchantStatus, Names};
use amvaj_domain::text::Name;
use amvaj_domain::time::Instant;
use amvaj_infra::clock::Clock;
use amvaj_infra::ledger::Recorded;
use amvaj_infra::worker::{Sweep, SweepSettings};

use super::basket::Purchase;
use super::cancel::Refund;
use super::enrol::{Members, Named};
use super::error::ImportError;
use super::map::{Map, MerchantPlan, NewMerchant};
use super::plan::{Event, Plan};
use crate::app::earn_points::{EarnPoints, earn_points};
use crate::app::points::{PointsOutcome, PointsRefusal, PointsRequest};
use crate::app::refund_purchase::{RefundPurchase, refund_purchase};
use crate::app::{App, AppError, Stopped};

/// Posts the events of one map to one network.
#[derive(Debug)]
pub struct Poster<'a> {
    app: &'a App,
    map: &'a Map,
    members: Members<'a>,
    branches: HashMap<(MerchantId, Name), BranchId>,
    sweep: Sweep,
}

/// What the ledger answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Posted {
    /// It is applied.
    Applied {
        /// Points earned, or taken back.
        points: i64,
        /// Minor units of the purchase, or of the part that came back.
        money: i64,
        /// Whether an earlier run applied it.
        replayed: bool,
    },
    /// It is refused.
    Refused(Rejection),
    /// It is a purchase of somebody who was erased, and was not posted.
    OfErased {
        /// Whether an earlier run had posted it, so that what comes back of it can be booked.
        booked: bool,
    },
}

/// How often an event is posted whose outcome is not known, or which the ledger has no room for.
const TRIES: u32 = 5;

impl<'a> Poster<'a> {
    /// A poster for the network of an application whose clock the import may move.
    pub fn new(app: &'a App, map: &'a Map) -> Self {
        let sweep = Sweep::new(app.db.clone(), app.ledger.clone(), SweepSettings::default());
        Self { app, map, members: Members::new(app, map), branches: HashMap::new(), sweep }
    }

    /// The application.
    pub(super) const fn app(&self) -> &App {
        self.app
    }

    /// Registers the merchants and branches that the network does not know, as of `now`.
    pub(super) async fn register(&mut self, plan: &Plan, now: Instant) -> Result<(), ImportError> {
        self.tell(plan).await?;
        for plan in &self.map.merchants {
            self.register_merchant(plan, now).await?;
        }
        let branches: BTreeSet<(MerchantId, &Name)> = plan
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Purchase(purchase) => Some((purchase.merchant, purchase.branch.as_ref()?)),
                Event::Refund(refund) => Some((refund.merchant, refund.branch.as_ref()?)),
            })
            .collect();
        for (merchant, name) in branches {
            let id = self.register_branch(merchant, name, now).await?;
            self.branches.insert((merchant, name.clone()), id);
        }
        Ok(())
    }

    /// Makes sure that whoever takes part in these events is enrolled.
    pub(super) async fn enrol(&mut self, events: &[Event], now: Instant) -> Result<(), ImportError> {
        for event in events {
            if let Event::Purchase(purchase) = event {
                self.members.enrol(purchase, now).await?;
            }
        }
        Ok(())
    }

    /// Has everything done that is due on wallets until `now`: activations and expiries.
    pub(super) async fn sweep(&mut self, now: Instant) -> Result<(), ImportError> {
        while self.sweep.sweep_once(now).await.map_err(AppError::from)?.more {}
        Ok(())
    }

    /// Posts an event.
    pub(super) async fn post(&self, event: &Event) -> Result<Posted, ImportError> {
        let mut tries = TRIES;
        loop {
            let posted = match event {
                Event::Purchase(purchase) => self.earn(purchase).await,
                Event::Refund(refund) => self.refund(refund).await,
            };
            match posted {
                // The key tells a second try what became of the first.
                Err(ImportError::App(AppError::OutcomeUnknown | AppError::Overloaded)) if tries > 1 => {
                    tries -= 1;
                }
                posted => return posted,
            }
        }
    }

    async fn earn(&self, purchase: &Purchase) -> Result<Posted, ImportError> {
        let member = match self.members.known(purchase.merchant, &purchase.member) {
            Some(Named::Member(member)) => member,
            Some(Named::Erased) => {
                return Ok(Posted::OfErased { booked: self.is_booked(purchase).await? });
            }
            None => return Err(ImportError::App(AppError::NotFound)),
        };
        let input = EarnPoints {
            request: PointsRequest::at(
                self.map.identities.earn_key(purchase.receipt.as_str()),
                self.branch(purchase.merchant, purchase.branch.as_ref()),
                Some(purchase.time),
            ),
            member: MemberLookup::Id(member),
            receipt: purchase.receipt.clone(),
            basket: purchase.basket.clone(),
        };
        match earn_points(self.app, purchase.merchant, &input).await {
            Ok(recorded) => Ok(posted(&recorded)),
            // Whoever enrolled again with the number is somebody else, and has nothing of the purchases from before.
            Err(Stopped::Refused(PointsRefusal::IdempotencyMismatch))
                if self.members.was_of_an_erased_member(purchase).await? =>
            {
                Ok(Posted::OfErased { booked: self.is_booked(purchase).await? })
            }
            Err(stopped) => refused(stopped, purchase.receipt.as_str()),
        }
    }

    /// Whether the ledger has a purchase, and not a refusal of it.
    async fn is_booked(&self, purchase: &Purchase) -> Result<bool, ImportError> {
        let key = ReceiptKey { merchant: purchase.merchant, number: purchase.receipt.clone() };
        Ok(self.app.reader.receipt(&key).await.map_err(AppError::from)?.is_some())
    }

    async fn refund(&self, refund: &Refund) -> Result<Posted, ImportError> {
        let receipt = refund.receipt.as_str();
        let input = RefundPurchase {
            request: PointsRequest::at(
                self.map.identities.refund_key(receipt, refund.cancellation.as_str()),
                self.branch(refund.merchant, refund.branch.as_ref()),
                Some(refund.time),
            ),
            receipt: refund.receipt.clone(),
            what: RefundSpec::Lines(refund.lines()),
            currency: None,
        };
        match refund_purchase(self.app, refund.merchant, &input).await {
            Ok(PointsOutcome::Recorded(recorded)) => Ok(posted(&recorded)),
            // The purchase was posted before its refund, so it is there.
            Ok(PointsOutcome::Waiting { .. }) => Err(ImportError::Unbalanced(format!(
                "the refund of receipt {receipt:?} waits for its purchase"
            ))),
            Err(stopped) => refused(stopped, receipt),
        }
    }

    fn branch(&self, merchant: MerchantId, name: Option<&Name>) -> Option<BranchId> {
        self.branches.get(&(merchant, name?.clone())).copied()
    }

    /// Tells the audit log of the import before anything of it is posted; once, because whoever imports the same file
    /// again goes on where the first run stopped, or changes nothing.
    async fn tell(&self, plan: &Plan) -> Result<(), ImportError> {
        let (kind, audit) = (ActKind::PurchasesImported, &self.app.audit);
        if audit.tells(kind, ("file", &plan.digest)).await.map_err(AppError::from)? {
            return Ok(());
        }
        let act = self.act(kind, Target::Nothing);
        let act = act.detail("file", plan.digest.as_str()).detail("events", plan.events.len());
        Ok(audit.record_each(act).await.map_err(AppError::from)?)
    }

    /// What the import does on the network, at the time of the command: the clock of the network follows the file.
    fn act(&self, kind: ActKind, target: Target) -> Act {
        Act::new(&Author::console(), kind, target, Clock::System.now())
            .detail("import", self.map.name.as_str())
    }

    async fn register_merchant(&self, plan: &MerchantPlan, now: Instant) -> Result<(), ImportError> {
        let directory = &self.app.directory;
        let file = directory.merchant_file(plan.id).await.map_err(AppError::from)?;
        let Some(new) = &plan.new else {
            let file = file.ok_or(ImportError::NoSuchMerchant(plan.id))?;
            return same_currency(plan, &file.merchant);
        };
        if let Some(file) = &file {
            same_currency(plan, &file.merchant)?;
        } else {
            let act = self.act(ActKind::MerchantRegistered, Target::Merchant(plan.id));
            directory.register_merchant(&merchant(plan, new, now), &act).await.map_err(AppError::from)?;
        }
        // A run that was stopped may have registered the merchant without its rule.
        if file.is_none_or(|file| file.rules.is_empty()) {
            let rule = EarnRule { effective_from: now, ..new.rule.clone() };
            let act = self.act(ActKind::EarnRuleSet, Target::Merchant(plan.id));
            let added =
                directory.add_rule_version(plan.id, &rule, now, &act).await.map_err(AppError::from)?;
            added.map_err(|refused| ImportError::Rule {
                code: plan.code.clone(),
                problem: refused.to_string(),
            })?;
        }
        Ok(())
    }

    /// A branch that the network knows by one of its names, or a new one.
    async fn register_branch(
        &self,
        merchant: MerchantId,
        name: &Name,
        now: Instant,
    ) -> Result<BranchId, ImportError> {
        let directory = &self.app.directory;
        let file = directory.merchant_file(merchant).await.map_err(AppError::from)?;
        let file = file.ok_or(ImportError::NoSuchMerchant(merchant))?;
        let id = self.map.identities.branch(merchant, name.as_str());
        let known = file.branches.get(&id).or_else(|| {
            file.branches
                .values()
                .filter(|branch| branch.names.en == *name || branch.names.fa == *name)
                .min_by_key(|branch| branch.id)
        });
        if let Some(known) = known {
            return Ok(known.id);
        }
        let fa = self.map.branches.get(name.as_str()).unwrap_or(name).clone();
        let branch = Branch {
            id,
            merchant,
            names: Names { fa, en: name.clone() },
            status: BranchStatus::Open,
            created_at: now,
        };
        let act = self.act(ActKind::BranchRegistered, Target::Branch(id));
        directory.add_branch(&branch, &act).await.map_err(AppError::from)?;
        Ok(id)
    }
}

fn merchant(plan: &MerchantPlan, new: &NewMerchant, now: Instant) -> Merchant {
    Merchant {
        id: plan.id,
        names: new.names.clone(),
        status: MerchantStatus::Open,
        currency: plan.currency,
        prices: new.prices,
        created_at: now,
    }
}

fn same_currency(plan: &MerchantPlan, merchant: &Merchant) -> Result<(), ImportError> {
    if merchant.currency == plan.currency {
        return Ok(());
    }
    Err(ImportError::MerchantCurrency {
        code: plan.code.clone(),
        expected: plan.currency.to_string(),
        actual: merchant.currency.to_string(),
    })
}

fn posted(recorded: &Recorded) -> Posted {
    let op = &recorded.op;
    match op.rejection {
        Some(rejection) => Posted::Refused(rejection),
        None => Posted::Applied {
            points: op.amount.get(),
            money: op.money.unwrap_or_default(),
            replayed: recorded.replayed,
        },
    }
}

fn refused(stopped: Stopped<PointsRefusal>, receipt: &str) -> Result<Posted, ImportError> {
    match stopped {
        Stopped::Refused(PointsRefusal::Rejected(rejection) | PointsRefusal::RejectedBefore(rejection)) => {
            Ok(Posted::Refused(rejection))
        }
        Stopped::Refused(PointsRefusal::IdempotencyMismatch) => {
            Err(ImportError::Changed { receipt: receipt.to_owned() })
        }
        Stopped::Refused(PointsRefusal::MemberNotFound | PointsRefusal::HoldNotFound) => {
            Err(ImportError::App(AppError::NotFound))
        }
        Stopped::Failed(error) => Err(ImportError::App(error)),
    }
}
