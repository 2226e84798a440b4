//! A year of business: who buys what, where and when, what comes back, and how points are spent.
//!
//! Pure: the same seed and the same days make the same events. How many points somebody has is not known here, only
//! in the ledger, so spending asks for a share of them.

use amvaj_domain::{
    earn::BasketLine,
    ledger::RefundSpec,
    time::{Instant, Span},
};

use super::{
    days::Day,
    network::{BUSIEST, MERCHANTS, MerchantPlan},
    random::Random,
};

/// The demo's year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Year {
    /// When each member joins.
    pub joined: Vec<Instant>,
    /// What happens, in the order of time.
    pub events: Vec<Event>,
}

/// Something that a merchant does with a member's points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// The member's number in the demo, from zero.
    pub member: u32,
    /// The member's visit, from zero, and the step of the visit: together they name the event.
    pub step: (u32, u32),
    /// The merchant's number in the demo, from zero.
    pub merchant: usize,
    /// The number of the merchant's branch, from zero.
    pub branch: usize,
    /// What.
    pub action: Action,
}

/// What is done. Receipts and holds are named by the visit they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A purchase of these lines.
    Buy(Vec<BasketLine>),
    /// A purchase of an earlier visit, or a part of it, comes back.
    Return {
        /// The visit.
        visit: u32,
        /// Which part.
        what: RefundSpec,
    },
    /// Points are spent at once.
    Redeem(Wish),
    /// Points are reserved.
    Hold(Wish),
    /// Reserved points of this visit are taken: so many per cent of them, all when absent.
    Capture(Option<i64>),
    /// Reserved points of this visit are given back.
    Release,
}

/// How many points somebody wants to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Per cent of what can be spent.
    pub share: i64,
    /// The most points that the basket is worth.
    pub at_most: i64,
}

/// Visits of a thousand at which a member wants to pay with points.
const SPENDS_PER_MILLE: i64 = 130;
/// How many members join on the first day, of a thousand.
const FOUNDERS_PER_MILLE: i64 = 550;
/// How often a day is drawn for a visit before it is taken although it is a quiet one.
const TRIES: usize = 12;

/// Makes the year of so many members over these days; nothing happens at `end` or later.
pub fn year(seed: u64, members: u32, days: &[Day], end: Instant) -> Year {
    let mut joined = Vec::new();
    let mut events = Vec::new();
    for member in 0..members {
        let mut life = Life::begin(seed, member, days, end);
        joined.push(life.joined());
        life.live();
        events.append(&mut life.events);
    }
    events.sort_by_key(|event| (event.at, event.member, event.step));
    Year { joined, events }
}

/// The year of one member.
struct Life<'a> {
    random: Random,
    member: u32,
    days: &'a [Day],
    end: Instant,
    first_day: usize,
    favourites: [usize; 3],
    events: Vec<Event>,
}

impl<'a> Life<'a> {
    fn begin(seed: u64, member: u32, days: &'a [Day], end: Instant) -> Self {
        let mut random = Random::fork(seed, u64::from(member));
        let founder = random.chance(FOUNDERS_PER_MILLE);
        let first_day = if founder { 0 } else { random.index(days.len() * 9 / 10) };
        let popularity = MERCHANTS.each_ref().map(|plan| plan.popularity);
        let favourites = [(); 3].map(|()| random.weighted(&popularity));
        Self { random, member, days, end, first_day, favourites, events: Vec::new() }
    }

    fn joined(&self) -> Instant {
        self.days.get(self.first_day).map_or(self.end, |day| day.start)
    }

    /// Four in ten come now and then, four regularly, two often.
    fn live(&mut self) {
        let most = match self.random.weighted(&[4, 4, 2]) {
            0 => self.random.between(1, 4),
            1 => self.random.between(4, 9),
            _ => self.random.between(9, 22),
        };
        let days_left = i64::try_from(self.days.len().saturating_sub(self.first_day)).unwrap_or_default();
        let visits = (most * days_left / 365).max(1);
        for visit in 0..u32::try_from(visits).unwrap_or_default() {
            self.visit(visit);
        }
    }

    fn visit(&mut self, visit: u32) {
        let number = self.merchant();
        let Some(plan) = MERCHANTS.get(number) else { return };
        let Some(at) = self.time(plan) else { return };
        // Most people have a branch near them.
        let near = usize::try_from(self.member).unwrap_or_default() % plan.branches.len().max(1);
        let branch = if self.random.chance(800) { near } else { self.random.index(plan.branches.len()) };
        let lines = self.basket(plan);
        let total: i64 = lines.iter().map(|line| line.amount).sum();
        let place = Place { visit, merchant: number, branch };
        if visit > 0 {
            self.spend(&place, plan, at, total);
        }
        let returned = self.random.chance(plan.returns_per_mille).then(|| self.part(&lines, total));
        self.add(&place, 2, at, Action::Buy(lines));
        if let Some(what) = returned {
            let later = Span::minutes(self.random.between(24 * 60, 9 * 24 * 60));
            self.add(&place, 3, at.plus(later), Action::Return { visit, what });
        }
    }

    /// Six visits of ten are to a favourite, most of them to the first.
    fn merchant(&mut self) -> usize {
        if self.random.chance(600) {
            let favourite = self.random.weighted(&[6, 3, 2]);
            self.favourites.get(favourite).copied().unwrap_or_default()
        } else {
            self.random.weighted(&MERCHANTS.each_ref().map(|plan| plan.popularity))
        }
    }

    /// A time of the merchant's week and of its day: evenings are busier than mornings.
    fn time(&mut self, plan: &MerchantPlan) -> Option<Instant> {
        let open = self.days.get(self.first_day..)?;
        let mut day = self.random.pick(open)?;
        for _ in 0..TRIES {
            let weekday = plan.weekdays.get(day.weekday).copied().unwrap_or_default();
            if self.random.between(1, BUSIEST * 150) <= weekday * day.season {
                break;
            }
            day = self.random.pick(open)?;
        }
        let (opens, closes) = (plan.hours.0 * 3_600, plan.hours.1 * 3_600);
        let middle = i64::midpoint(opens, closes);
        let (low, high) = if self.random.chance(350) { (opens, middle) } else { (middle, closes - 1) };
        Some(day.start.plus(Span::seconds(self.random.between(low.max(1), high))))
    }

    fn basket(&mut self, plan: &MerchantPlan) -> Vec<BasketLine> {
        let count = self.random.between(plan.lines.0, plan.lines.1);
        let mut lines = Vec::new();
        for line_no in 1..=i32::try_from(count).unwrap_or(1) {
            let Some(good) = self.random.pick(plan.goods) else { break };
            let quantity = self.random.between(plan.units.0, plan.units.1);
            // In thousands of rials, because nobody pays smaller change.
            let price = self.random.between(good.price.0, good.price.1) * 1_000;
            lines.push(BasketLine {
                line_no,
                product: Some(good.code.to_owned()),
                category: Some(good.category.to_owned()),
                amount: price * quantity,
                quantity,
            });
        }
        lines
    }

    /// Pays a part of the basket with points, before it is rung up.
    fn spend(&mut self, place: &Place, plan: &MerchantPlan, at: Instant, total: i64) {
        let share = self.random.between(2, 9) * 10;
        let wish = Wish { share, at_most: total / plan.prices.redeem.max(1) / 2 };
        let before = |minutes: i64| at.plus(Span::minutes(-minutes));
        if self.random.chance(plan.holds_per_mille) {
            self.add(place, 0, before(9), Action::Hold(wish));
            match self.random.weighted(&[55, 20, 12, 13]) {
                0 => self.add(place, 1, before(2), Action::Capture(None)),
                1 => {
                    let taken = self.random.between(3, 9) * 10;
                    self.add(place, 1, before(2), Action::Capture(Some(taken)));
                }
                2 => self.add(place, 1, before(4), Action::Release),
                // Nobody comes back to it: it ends by itself.
                _ => {}
            }
        } else if self.random.chance(SPENDS_PER_MILLE) {
            self.add(place, 0, before(1), Action::Redeem(wish));
        }
    }

    /// What comes back of a basket.
    fn part(&mut self, lines: &[BasketLine], total: i64) -> RefundSpec {
        match self.random.weighted(&[45, 35, 20]) {
            0 => RefundSpec::Whole,
            1 => {
                RefundSpec::Lines(self.random.pick(lines).map(|line| (line.line_no, 1)).into_iter().collect())
            }
            _ => RefundSpec::Amount((total * self.random.between(2, 6) / 10).max(1)),
        }
    }

    fn add(&mut self, place: &Place, step: u32, at: Instant, action: Action) {
        if at < self.end {
            let Place { visit, merchant, branch } = *place;
            self.events.push(Event {
                at,
                member: self.member,
                step: (visit, step),
                merchant,
                branch,
                action,
            });
        }
    }
}

/// A visit of a member to a branch.
struct Place {
    visit: u32,
    merchant: usize,
    branch: usize,
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use amvaj_domain::{
        calendar::Zone,
        earn::Basket,
        money::{Currency, Money},
    };

    use super::*;
    use crate::demo::days::{first_instant, last_days};

    const END: Instant = Instant::from_micros(1_795_000_000_000_000);

    fn a_year(seed: u64, members: u32) -> Year {
        year(seed, members, &last_days(&Zone::default(), END), END)
    }

    #[test]
    fn a_seed_makes_the_same_year_and_another_seed_another() {
        assert_eq!(a_year(1, 50), a_year(1, 50));
        assert_ne!(a_year(1, 50), a_year(2, 50));
    }

    #[test]
    fn the_year_is_in_order_ends_in_time_and_names_each_event_once() {
        let Year { joined, events } = a_year(1, 200);
        assert!(events.is_sorted_by_key(|event| event.at));
        assert!(events.iter().all(|event| event.at < END));
        assert!(joined.iter().all(|joined| *joined >= first_instant(&Zone::default(), END)));
        let names: BTreeSet<_> = events.iter().map(|event| (event.member, event.step)).collect();
        assert_eq!(names.len(), events.len());
        for event in &events {
            assert!(event.at >= joined[usize::try_from(event.member).unwrap()], "{event:?}");
        }
    }

    #[test]
    fn every_purchase_is_a_valid_basket_at_a_branch_that_exists() {
        for event in a_year(3, 100).events {
            let plan = &MERCHANTS[event.merchant];
            assert!(event.branch < plan.branches.len());
            if let Action::Buy(lines) = event.action {
                let total = lines.iter().map(|line| line.amount).sum();
                Basket::new(Money::new(total, Currency::IRR).unwrap(), lines).unwrap();
            }
        }
    }

    #[test]
    fn nothing_comes_back_that_was_not_bought_before_and_no_hold_ends_before_it_begins() {
        let (mut bought, mut held) = (BTreeMap::new(), BTreeMap::new());
        for event in a_year(1, 500).events {
            let visit = (event.member, event.step.0);
            match event.action {
                Action::Buy(lines) => {
                    bought.insert(visit, (event.merchant, lines));
                }
                Action::Return { visit, what } => {
                    let (merchant, lines) = &bought[&(event.member, visit)];
                    assert_eq!(*merchant, event.merchant);
                    match what {
                        RefundSpec::Whole => {}
                        RefundSpec::Lines(parts) => assert!(parts.iter().all(|(line_no, units)| {
                            lines.iter().any(|line| line.line_no == *line_no && line.quantity >= *units)
                        })),
                        RefundSpec::Amount(amount) => {
                            assert!(amount <= lines.iter().map(|line| line.amount).sum());
                        }
                    }
                }
                Action::Hold(_) => {
                    held.insert(visit, event.at);
                }
                Action::Capture(_) | Action::Release => assert!(held[&visit] < event.at),
                Action::Redeem(_) => {}
            }
        }
    }

    #[test]
    fn everything_that_can_happen_happens_and_fridays_differ_by_trade() {
        let Year { events, .. } = a_year(1, 2_000);
        let count = |what: fn(&Action) -> bool| events.iter().filter(|event| what(&event.action)).count();
        assert!(count(|action| matches!(action, Action::Buy(_))) > 8_000);
        assert!(count(|action| matches!(action, Action::Return { .. })) > 180);
        assert!(count(|action| matches!(action, Action::Redeem(_))) > 700);
        assert!(count(|action| matches!(action, Action::Capture(None))) > 70);
        assert!(count(|action| matches!(action, Action::Capture(Some(_)))) > 22);
        assert!(count(|action| matches!(action, Action::Release)) > 11);
        let days = last_days(&Zone::default(), END);
        let on_fridays = |merchant: usize| {
            let visits: Vec<_> = events.iter().filter(|event| event.merchant == merchant).collect();
            let friday = |event: &&&Event| {
                days.iter().rfind(|day| day.start <= event.at).is_some_and(|day| day.weekday == 6)
            };
            visits.iter().filter(friday).count() * 1_000 / visits.len()
        };
        let (cafe, travel) = (on_fridays(2), on_fridays(11));
        assert!(cafe > 180 && travel < 80, "{cafe} {travel}");
    }
}
