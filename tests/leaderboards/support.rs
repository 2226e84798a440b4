//! A club with a few shops and members, and boards over what they do.

use std::time::Duration;

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::config::Config;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::earn::EarnRule;
use amvaj_domain::id::{BoardId, MemberId, MerchantId, WalletId};
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::worker::acquire;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::{Till, codes, simple_rule};

pub(super) const BOARD: &str = include_str!("../queries/leaderboard.graphql");

/// Pages are rendered anew for every look, so that a test sees what it has done.
pub(super) fn anew(config: &mut Config) {
    config.boards.page_life = Duration::ZERO;
}

/// A server on SQLite with copies in memory, one on PostgreSQL with copies in Redis, and one on PostgreSQL without Redis.
pub(super) async fn all() -> [TestApp; 3] {
    let [sqlite, postgres] = TestDb::both().await;
    let alone = |config: &mut Config| {
        anew(config);
        config.cache.redis_url = None;
    };
    [
        TestApp::start_with(sqlite, anew).await,
        TestApp::start_with(postgres, anew).await,
        TestApp::start_with(TestDb::postgres().await, alone).await,
    ]
}

/// A shop of the club, and whoever stands at its till.
pub(super) struct Shop<'a> {
    pub(super) app: &'a TestApp,
    pub(super) merchant: MerchantId,
}

impl<'a> Shop<'a> {
    /// A shop where every ten rials earn a point, from a month ago.
    pub(super) async fn open(app: &'a TestApp, name: &str) -> Self {
        let merchant = app.merchant(name).await;
        let rule = EarnRule { effective_from: app.clock.now(), ..simple_rule(app) };
        Till::set_rule(app, merchant, rule).await;
        Self { app, merchant }
    }

    pub(super) fn caller(&self) -> Caller {
        Caller::Merchant(self.merchant)
    }

    /// Sells for so many points.
    pub(super) async fn sell(&self, member: MemberId, receipt: &str, points: i64) {
        self.sell_at(member, receipt, points, self.app.clock.now()).await;
    }

    /// Sells for so many points, and reports it now.
    pub(super) async fn sell_at(&self, member: MemberId, receipt: &str, points: i64, at: Instant) {
        // Of equal scores the earlier one stands above, so no two are recorded at the same time.
        self.app.clock.advance_to(self.app.clock.now().plus(Span::from_micros(1)));
        let input = json!({
            "idempotencyKey": receipt, "receiptNumber": receipt, "member": { "id": id(member) },
            "amount": { "amount": (points * 10).to_string(), "currency": "IRR" }, "occurredAt": moment(at),
        });
        let sold = self.till(member).await.ask("Earn", input).await;
        assert!(codes(&sold).is_empty(), "{sold:#}");
    }

    /// Takes a purchase back, or so many rials of it.
    pub(super) async fn refund(&self, member: MemberId, receipt: &str, rials: Option<i64>) {
        let what = match rials {
            None => json!({ "whole": true }),
            Some(rials) => json!({ "amount": { "amount": rials.to_string(), "currency": "IRR" } }),
        };
        let key = format!("back-{receipt}-{rials:?}");
        let refunded = self.till(member).await.refund(&key, receipt, what).await;
        assert!(codes(&refunded).is_empty(), "{refunded:#}");
    }

    async fn till(&self, member: MemberId) -> Till<'a> {
        let wallet = wallet(self.app, member).await;
        Till { app: self.app, merchant: self.merchant, member, wallet }
    }
}

pub(super) async fn wallet(app: &TestApp, member: MemberId) -> WalletId {
    app.app.directory.wallet_of(member).await.unwrap().expect("the member is enrolled")
}

pub(super) fn id(member: MemberId) -> String {
    GlobalId::Member(member).write().to_string()
}

pub(super) fn moment(at: Instant) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).unwrap().to_string()
}

/// The instant of a text such as `2027-01-15T12:00:00+03:30`.
pub(super) fn instant(text: &str) -> Instant {
    Instant::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

/// So many members.
pub(super) async fn members<const N: usize>(app: &TestApp) -> [MemberId; N] {
    let mut members = Vec::new();
    for number in 0..N {
        members.push(app.member("مینا کریمی", &format!("0912555{number:04}")).await);
    }
    members.try_into().unwrap()
}

/// Makes a board and answers its id.
pub(super) async fn make(app: &TestApp, metric: &str, cycle: &str, merchant: Option<MerchantId>) -> String {
    let merchant = merchant.map(|merchant| GlobalId::Merchant(merchant).write().to_string());
    let input = json!({
        "nameFa": "تابلو", "nameEn": "Board", "metric": metric, "cycle": cycle, "merchantId": merchant,
        "graceHours": 24,
    });
    let made = app.data(Caller::Operator, BOARD, "Create", json!({ "input": input })).await;
    let made = &made["createLeaderboard"];
    assert!(codes(made).is_empty(), "{made:#}");
    made["leaderboard"]["id"].as_str().unwrap().to_owned()
}

/// What a worker does in passing: counts everything that has happened, and feeds the copies.
pub(super) async fn count(app: &TestApp) {
    let now = app.clock.now();
    relay_outbox(&app.app, now).await.unwrap();
    app.app.boards.feed(now).await.unwrap();
}

/// Ends the periods that are over.
pub(super) async fn end_periods(app: &TestApp) {
    let now = app.clock.now();
    let holder = Uuid::from_u128(7);
    let lease = acquire(&app.app.db, "boards", holder, now, Span::days(1)).await.unwrap().expect("free");
    while app.app.boards.end_periods(&lease, now).await.unwrap() {}
}

/// Waits until what a node has kept of boards and periods is over.
pub(super) async fn a_second() {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
}

/// The board as somebody sees it.
pub(super) async fn look(app: &TestApp, caller: Caller, board: &str, more: Value) -> Value {
    let mut variables = json!({ "id": board });
    variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.data(caller, BOARD, "Board", variables).await["leaderboard"].clone()
}

/// Position, rank, score and member of each entry, as the operator sees them.
pub(super) type Row = (i64, i64, String, String);

pub(super) fn rows(entries: &Value) -> Vec<Row> {
    let entries = entries.as_array().unwrap_or_else(|| panic!("no entries: {entries}"));
    let row = |entry: &Value| {
        (
            entry["position"].as_i64().unwrap(),
            entry["rank"].as_i64().unwrap(),
            entry["score"].as_str().unwrap().to_owned(),
            entry["member"]["id"].as_str().unwrap_or_default().to_owned(),
        )
    };
    entries.iter().map(row).collect()
}

/// The first hundred of a board.
pub(super) async fn top(app: &TestApp, board: &str, day: Option<&str>) -> Vec<Row> {
    let board = look(app, Caller::Operator, board, json!({ "first": 100, "day": day })).await;
    rows(&board["entries"]["nodes"])
}

/// A row as it should be.
pub(super) fn row(position: i64, rank: i64, score: i64, member: MemberId) -> Row {
    (position, rank, score.to_string(), id(member))
}

pub(super) fn board_id(board: &str) -> BoardId {
    GlobalId::leaderboard(&board.to_owned().into()).unwrap()
}
