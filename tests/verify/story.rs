//! A small network with every kind of operation in its history.

use std::sync::Arc;

use amvaj_domain::access::{Actor, Caller, Identity};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::calendar::{ExpiryPolicy, LocalDay};
use amvaj_domain::earn::{Basket, BasketLine, EarnRule, Rate};
use amvaj_domain::id::{BranchId, MemberId, MerchantId, OUTBOX_BUCKETS, UserId, WalletId};
use amvaj_domain::ledger::{
    Command, CommandEarn, CommandHold, CommandRedeem, CommandRefund, Digest, Idem, Operation, Prices,
    RefundSpec, Rejection, Tenant, WalletStatus, Window,
};
use amvaj_domain::money::{Currency, Money};
use amvaj_domain::points::Points;
use amvaj_domain::text::{IdempotencyKey, ReceiptNumber};
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::audit::AuditLog;
use amvaj_infra::cache::{BalanceCache, MemorySettings};
use amvaj_infra::clock::Clock;
use amvaj_infra::db::Database;
use amvaj_infra::directory::Directory;
use amvaj_infra::ledger::{Answer, LedgerReader, LedgerWriter, Request, WriterSettings};
use amvaj_infra::outbox::{self, Buckets};
use amvaj_infra::relation::RelationKeeper;
use amvaj_infra::reward::Rewards;
use amvaj_infra::worker::acquire;
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use uuid::Uuid;

use super::scene::new_id;
use super::{boards, exports, people, rewards, webhooks};

const START: i64 = 1_767_225_600_000_000;

/// When the story begins.
fn day(number: i64) -> Instant {
    Instant::from_micros(START).plus(Span::days(number))
}

/// When the story ends.
pub(super) fn end() -> Instant {
    day(60).plus(Span::minutes(10))
}

/// What counts as late at its end.
pub(super) fn grace() -> Span {
    Span::days(1)
}

/// A network in the making.
pub(super) struct Network {
    writer: LedgerWriter,
    clock: Clock,
    keys: u32,
}

/// The bakery (1), whose points wait or are capped by day as an earn asks, and the bookshop (2).
fn merchant(number: u8) -> MerchantId {
    MerchantId::new(Uuid::from_u128(0xa000 + u128::from(number)))
}

/// A merchant's branch.
fn branch(number: u8) -> BranchId {
    BranchId::new(Uuid::from_u128(0xc000 + u128::from(number)))
}

/// A member, of the wallets' order.
fn member(number: u8) -> MemberId {
    MemberId::new(Uuid::from_u128(0xb_0000 + u128::from(number)))
}

/// A member's wallet; wallets lie in several shards, some in one bucket.
pub(super) fn wallet(number: u8) -> WalletId {
    WalletId::new(Uuid::from_u128(0x0193_4f2a_7c00_7abc_8def_0123_0000_0000 + u128::from(number) * 0x101))
}

fn points(points: i64) -> Points {
    Points::new(points).unwrap()
}

fn receipt(number: &str) -> ReceiptNumber {
    ReceiptNumber::parse(number).unwrap()
}

/// How an earn differs from the plain one.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) pending_days: i64,
    pub(super) expires: Option<i64>,
    pub(super) capped: bool,
}

pub(super) const PLAIN: Terms = Terms { pending_days: 0, expires: Some(365), capped: false };

impl Network {
    pub(super) fn new(database: &Database, clock: Clock) -> Self {
        let balances = Arc::new(BalanceCache::memory(&MemorySettings::default()));
        let writer = LedgerWriter::start(database, balances, &clock, new_id, &WriterSettings::default());
        Self { writer, clock, keys: 0 }
    }

    /// What points buy in the network.
    fn rewards(&self, database: &Database) -> Rewards {
        let window = Window { look_back: Span::days(30), ahead: Span::minutes(5) };
        let directory = Directory::new(database.clone());
        let ledger = (LedgerReader::new(database.clone()), self.writer.clone());
        Rewards::new(database.clone(), directory, ledger, window, self.clock.clone())
    }

    pub(super) fn operation(&mut self, of: u8, at: Option<u8>, command: Command) -> Operation {
        self.keys += 1;
        let key = format!("key-{}", self.keys);
        let merchant = at.map(merchant);
        let tenant = merchant.map_or(Tenant::Network, Tenant::Merchant);
        Operation {
            wallet: wallet(of),
            tenant,
            idem: Idem::of(tenant, &IdempotencyKey::parse(&key).unwrap()),
            body: Digest::of([key.as_bytes()]).into(),
            merchant,
            branch: None,
            occurred_at: self.clock.now(),
            window: Window { look_back: Span::days(30), ahead: Span::minutes(5) },
            prices: Prices { issue: 5, redeem: 3 },
            refusal: None,
            command,
        }
    }

    pub(super) async fn submit(&self, request: Request) -> Answer {
        self.writer.submit(request).await.unwrap()
    }

    /// An operation of wallet `of` at merchant `at`; answers its sequence number or why it was refused.
    pub(super) async fn run(&mut self, of: u8, at: u8, command: Command) -> Result<i64, Rejection> {
        self.clock.advance_to(self.clock.now().plus(Span::minutes(1)));
        let operation = self.operation(of, Some(at), command);
        match self.submit(Request::Apply(operation)).await {
            Answer::Recorded(recorded) => recorded.op.rejection.map_or(Ok(recorded.op.seq), Err),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn earn_command(&self, number: &str, lines: &[(i64, i64)], terms: Terms) -> Command {
        let lines: Vec<BasketLine> = (1..)
            .zip(lines)
            .map(|(line_no, (amount, quantity))| BasketLine {
                line_no,
                product: None,
                category: (*quantity == 7).then(|| "tip".to_owned()),
                amount: *amount,
                quantity: *quantity,
            })
            .collect();
        let total = lines.iter().map(|line| line.amount).sum();
        let now = self.clock.now();
        Command::Earn(CommandEarn {
            receipt: receipt(number),
            basket: Basket::new(Money::new(total, Currency::IRR).unwrap(), lines).unwrap(),
            rule: Some(rule(terms)),
            day: LocalDay::from_days(now.micros() / 86_400_000_000),
            active_from: now.plus(Span::days(terms.pending_days)),
            expires_at: terms.expires.map(day),
        })
    }

    pub(super) async fn earn(
        &mut self,
        of: u8,
        at: u8,
        number: &str,
        lines: &[(i64, i64)],
        terms: Terms,
    ) -> i64 {
        let command = self.earn_command(number, lines, terms);
        self.run(of, at, command).await.unwrap()
    }

    pub(super) async fn redeem(
        &mut self,
        of: u8,
        at: u8,
        amount: i64,
        number: Option<&str>,
    ) -> Result<i64, Rejection> {
        let command = CommandRedeem { amount: points(amount), receipt: number.map(receipt) };
        self.run(of, at, Command::Redeem(command)).await
    }

    pub(super) async fn hold(&mut self, of: u8, at: u8, amount: i64, days: i64, number: Option<&str>) -> i64 {
        let command =
            CommandHold { amount: points(amount), ttl: Span::days(days), receipt: number.map(receipt) };
        self.run(of, at, Command::Hold(command)).await.unwrap()
    }

    pub(super) async fn refund(
        &mut self,
        of: u8,
        at: u8,
        number: &str,
        what: RefundSpec,
        grace: Option<i64>,
    ) {
        let command = CommandRefund { receipt: receipt(number), what, grace: grace.map(Span::days) };
        self.run(of, at, Command::Refund(command)).await.unwrap();
    }

    async fn tend(&self, of: u8, at: Option<(u8, &str)>) {
        let receipt = at.map(|(at, number)| amvaj_domain::ledger::ReceiptKey {
            merchant: merchant(at),
            number: receipt(number),
        });
        self.submit(Request::Tend { wallet: wallet(of), receipt }).await;
    }

    pub(super) async fn close(self) {
        self.writer.close().await;
    }
}

/// When the points of each version of the rules expire, in days of the story; the last version has a cap by day.
const EXPIRIES: [Option<i64>; 8] =
    [Some(365), Some(200), None, Some(8), Some(15), Some(300), Some(5), Some(365)];

/// One point for every ten minor units.
fn rule(terms: Terms) -> EarnRule {
    let place =
        if terms.capped { 7 } else { EXPIRIES.iter().position(|expires| *expires == terms.expires).unwrap() };
    EarnRule {
        version: i32::try_from(place).unwrap() + 1,
        effective_from: day(-1),
        rate: Rate { points: 1, per: 10 },
        minimum_basket: 100,
        cap_per_purchase: None,
        cap_per_day: terms.capped.then(|| points(150)),
        excluded_categories: ["tip".to_owned()].into(),
        pending_days: 0,
        expiry: ExpiryPolicy::Never,
        spend_only_at_issuer: false,
    }
}

fn uuid(database: &Database, id: Uuid) -> String {
    if database.is_postgres() { format!("'{id}'::uuid") } else { format!("x'{}'", id.simple()) }
}

/// Merchants with their branches and rules, members with their wallets.
async fn participants(database: &Database, wallets: impl Iterator<Item = WalletId>) {
    let mut statements = Vec::new();
    for number in [1, 2] {
        let id = uuid(database, merchant(number).uuid());
        statements.push(format!(
            "insert into merchant values ({id}, 'نام', 'name', 'name', 1, 'IRR', 100, 90, {START})"
        ));
        let branch = uuid(database, branch(number).uuid());
        statements.push(format!("insert into branch values ({branch}, {id}, 'نام', 'name', 1, {START})"));
        for version in 1..=EXPIRIES.len() {
            let cap = if version == EXPIRIES.len() { "150" } else { "null" };
            statements.push(format!(
                "insert into earn_rule values ({id}, {version}, {START}, 1, 10, 100, null, {cap}, '[]', 0, 'never', 0, {START})"
            ));
        }
    }
    for (number, wallet) in (0..).zip(wallets) {
        let member = uuid(database, member(number).uuid());
        let id = uuid(database, wallet.uuid());
        statements.push(format!(
            "insert into member values ({member}, {id}, '0912{number:07}', null, 'name', 'name', 1, {START}, null, null)"
        ));
        statements.push(format!(
            "insert into wallet values ({}, {id}, 0, 0, 0, 0, 0, 1, 1, 0, {})",
            wallet.shard_no(),
            i64::MAX
        ));
    }
    let transaction = database.for_migrations().begin().await.unwrap();
    for statement in statements {
        transaction.execute_unprepared(&statement).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// Plays the whole story.
pub(super) async fn play(database: &Database) {
    participants(database, (1..=13).map(wallet)).await;
    let clock = Clock::manual(day(0));
    let boards = boards::make(database, merchant(1), day(0)).await;
    let mut network = Network::new(database, clock.clone());
    first_weeks(&mut network).await;
    let rewards = network.rewards(database);
    first_reward(&mut network, &rewards).await;
    for at in [10, 20, 40] {
        clock.advance_to(day(at));
        for of in 1..=12 {
            network.tend(of, None).await;
        }
        if at == 20 {
            late_refunds(&mut network).await;
        }
    }
    waiting_refunds(&mut network).await;
    more_rewards(&mut network, &rewards).await;
    relay(database, &rewards).await;
    clock.advance_to(day(60));
    last_day(&mut network).await;
    network.close().await;
    boards::end(database, &boards, day(59)).await;
    privileges(database, &clock).await;
    let merchants = [1, 2].map(|number| (merchant(number), branch(number)));
    people::play(database, merchants, member(0), clock.now()).await;
    exports::make(database, merchant(1), clock.now()).await;
}

/// Six entries in the audit log.
async fn privileges(database: &Database, clock: &Clock) {
    let log = AuditLog::start(database.clone(), clock);
    let user = |number| Actor::User(UserId::new(Uuid::from_u128(number)));
    for number in 1..=6 {
        let author = Author::new(&Identity::new(Caller::Operator, user(number)), &format!("r-{number}"));
        let target = Target::Merchant(merchant(1));
        let act = Act::new(&author, ActKind::EarnRuleSet, target, clock.now()).detail("version", 1_i64);
        log.record_each(act).await.unwrap();
    }
    log.close().await;
}

async fn first_weeks(network: &mut Network) {
    // 1: everyday life: two merchants, a partial capture for a receipt, redemptions, refunds by line and amount.
    network.earn(1, 1, "B-1", &[(1_000, 4), (500, 1), (300, 7)], PLAIN).await;
    network.earn(1, 2, "S-1", &[(2_000, 2)], Terms { expires: Some(200), ..PLAIN }).await;
    network.earn(1, 2, "S-2", &[(1_200, 3)], Terms { expires: None, ..PLAIN }).await;
    let hold = network.hold(1, 1, 60, 2, Some("B-1")).await;
    network.run(1, 1, Command::Capture { hold, amount: Some(points(25)) }).await.unwrap();
    network.redeem(1, 2, 30, Some("S-1")).await.unwrap();
    network.redeem(1, 2, 20, Some("P-1")).await.unwrap();
    network.refund(1, 1, "B-1", RefundSpec::Lines(vec![(1, 1)]), None).await;
    network.refund(1, 1, "B-1", RefundSpec::Amount(200), None).await;
    network.refund(1, 2, "S-2", RefundSpec::Lines(vec![(1, 2)]), None).await;
    // 2: a hold that is released, one whose time ends, points that expire, a refusal.
    network.earn(2, 1, "B-2", &[(1_500, 3)], Terms { expires: Some(8), ..PLAIN }).await;
    network.earn(2, 1, "B-3", &[(700, 1)], PLAIN).await;
    let hold = network.hold(2, 2, 40, 3, None).await;
    network.run(2, 2, Command::Release { hold }).await.unwrap();
    network.hold(2, 2, 50, 5, None).await;
    network.redeem(2, 1, 33, None).await.unwrap();
    assert_eq!(network.redeem(2, 1, 10_000, None).await, Err(Rejection::InsufficientPoints));
    // 3: spent points are refunded: debt, repaid by the next earns.
    network.earn(3, 1, "B-4", &[(1_000, 1)], PLAIN).await;
    network.redeem(3, 2, 100, None).await.unwrap();
    network.refund(3, 1, "B-4", RefundSpec::Whole, None).await;
    network.earn(3, 2, "S-3", &[(600, 1)], PLAIN).await;
    // 4: points that wait: cancelled, activated, still waiting.
    let waits = |pending_days| Terms { pending_days, ..PLAIN };
    network.earn(4, 1, "B-5", &[(800, 2)], waits(7)).await;
    network.earn(4, 1, "B-6", &[(900, 1)], waits(7)).await;
    network.earn(4, 1, "B-7", &[(950, 1)], waits(100)).await;
    network.refund(4, 1, "B-5", RefundSpec::Lines(vec![(1, 1)]), None).await;
    network.refund(4, 1, "B-6", RefundSpec::Whole, None).await;
    // 5: a cap by day, met and given back.
    let capped = Terms { capped: true, ..PLAIN };
    network.earn(5, 1, "B-8", &[(1_000, 1)], capped).await;
    network.earn(5, 1, "B-9", &[(1_000, 1)], capped).await;
    network.refund(5, 1, "B-8", RefundSpec::Whole, None).await;
    network.earn(5, 1, "B-10", &[(400, 1)], capped).await;
    // 6: points that come back after their lot has expired, with grace and without.
    for (number, expires) in [("B-11", 15), ("B-12", 15), ("B-13", 300)] {
        network.earn(6, 1, number, &[(1_000, 1)], Terms { expires: Some(expires), ..PLAIN }).await;
    }
    network.earn(6, 2, "S-4", &[(5_000, 1)], PLAIN).await;
    network.redeem(6, 2, 120, Some("S-4")).await.unwrap();
    // 7: a hold that keeps an expired lot alive until it is released.
    network.earn(7, 1, "B-14", &[(1_000, 1)], Terms { expires: Some(5), ..PLAIN }).await;
    network.hold(7, 1, 70, 12, None).await;
}

/// 12: a redemption that nobody collects.
async fn first_reward(network: &mut Network, rewards: &Rewards) {
    network.earn(12, 1, "B-40", &[(10_000, 1)], PLAIN).await;
    rewards::offer(rewards, merchant(1), network.clock.now()).await;
    let (at, now) = ((merchant(1), wallet(12)), network.clock.now());
    rewards::redeem(rewards, at, (3, 1), now).await.unwrap();
}

/// 12: redemptions that are captured, released, refused, and still reserved at the end.
async fn more_rewards(network: &mut Network, rewards: &Rewards) {
    let (at, now) = ((merchant(1), wallet(12)), network.clock.now());
    let captured = rewards::redeem(rewards, at, (1, 2), now).await.unwrap();
    let released = rewards::redeem(rewards, at, (1, 3), now).await.unwrap();
    assert_eq!(rewards::redeem(rewards, at, (2, 4), now).await, None);
    rewards::redeem(rewards, at, (1, 5), now).await.unwrap();
    network.run(12, 1, Command::Capture { hold: captured, amount: None }).await.unwrap();
    network.run(12, 1, Command::Release { hold: released }).await.unwrap();
}

async fn late_refunds(network: &mut Network) {
    network.refund(6, 2, "S-4", RefundSpec::Amount(1_000), Some(30)).await;
    network.refund(6, 2, "S-4", RefundSpec::Amount(2_000), None).await;
}

async fn waiting_refunds(network: &mut Network) {
    for (number, amount) in [("B-20", Some(100)), ("B-21", Some(50_000)), ("B-22", None)] {
        let what = amount.map_or(RefundSpec::Whole, RefundSpec::Amount);
        let command = Command::Refund(CommandRefund { receipt: receipt(number), what, grace: None });
        let operation = network.operation(8, Some(1), command);
        let answer = network.submit(Request::AwaitPurchase(operation)).await;
        assert!(matches!(answer, Answer::Waiting { .. }), "{answer:?}");
    }
    for number in ["B-20", "B-21"] {
        network.earn(8, 1, number, &[(2_000, 1)], PLAIN).await;
        network.tend(8, Some((1, number))).await;
    }
    // 9: blocked, refused, reopened; 10: blocked to the end.
    for (of, status) in [(9, WalletStatus::Blocked), (9, WalletStatus::Open), (10, WalletStatus::Blocked)] {
        let operation = network.operation(of, None, Command::SetStatus(status));
        network.submit(Request::Apply(operation)).await;
        if status == WalletStatus::Blocked {
            let command = network.earn_command("B-23", &[(500, 1)], PLAIN);
            assert_eq!(network.run(of, 1, command).await, Err(Rejection::MemberBlocked));
        }
    }
    network.earn(9, 1, "B-23", &[(500, 1)], PLAIN).await;
}

/// What the relay and the consumers do: numbers and seals all that is there, has the relations written, and drops the oldest
/// of one bucket.
async fn relay(database: &Database, rewards: &Rewards) {
    let held = held(database).await;
    relay_all(database, &held).await;
    let keeper = RelationKeeper::new(database.clone());
    keeper.register().await.unwrap();
    while keeper.keep(&held, 100).await.unwrap() > 0 {}
    boards::count(database, &held).await;
    rewards::follow(database, rewards, &held).await;
    webhooks::play(database, [merchant(1), merchant(2)], &held, day(60)).await;
    let pass = [
        "insert into consumer_cursor select 'cache', bucket, relay_no from relay",
        "delete from outbox where relay_no <= 2 and bucket = (select max(bucket) from relay where relay_no > 4)",
    ];
    execute(database, &pass).await;
}

/// The wallets, those without an operation too.
pub(super) fn wallets() -> Vec<WalletId> {
    (0..=14).map(wallet).collect()
}

/// All buckets, held by the story.
pub(super) async fn held(database: &Database) -> Buckets {
    let lease =
        acquire(database, "story", Uuid::from_u128(1), day(40), Span::days(1)).await.unwrap().unwrap();
    (0..OUTBOX_BUCKETS).map(|bucket| (bucket, lease.clone())).collect()
}

/// Numbers and seals whatever waits.
pub(super) async fn relay_all(database: &Database, held: &Buckets) {
    while outbox::relay(database, held, Instant::from_micros(1), 100).await.unwrap().rows > 0 {}
}

async fn execute(database: &Database, statements: &[&str]) {
    for statement in statements {
        let done = database.for_migrations().execute_unprepared(statement).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement}");
    }
}

async fn last_day(network: &mut Network) {
    network.hold(1, 2, 35, 1, None).await;
    network.redeem(1, 1, 15, None).await.unwrap();
    network.hold(6, 1, 20, 1, Some("B-13")).await;
    network.earn(11, 1, "B-30", &[(1_000, 1)], PLAIN).await;
    network.earn(11, 1, "B-31", &[(1_000, 1)], Terms { expires: Some(300), ..PLAIN }).await;
    network.redeem(11, 1, 40, None).await.unwrap();
}
