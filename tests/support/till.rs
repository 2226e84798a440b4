//! A till: a merchant with an earn rule and a member beside it, and one short call per operation on points.

use std::time::Duration;

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::calendar::{ExpiryPolicy, Term};
use amvaj_domain::earn::{EarnRule, Rate};
use amvaj_domain::id::{MemberId, MerchantId, WalletId};
use amvaj_domain::member::MemberLookup;
use amvaj_domain::time::Span;
use amvaj_infra::verify::{VerifyOptions, verify};
use serde_json::{Value, json};

use super::app::{TestApp, act};

/// The operations on points.
pub(crate) const POINTS: &str = include_str!("../queries/points.graphql");

/// A merchant's till and a member in front of it.
pub(crate) struct Till<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) merchant: MerchantId,
    pub(crate) member: MemberId,
    pub(crate) wallet: WalletId,
}

/// One point for ten rials, for a year.
pub(crate) fn simple_rule(app: &TestApp) -> EarnRule {
    EarnRule {
        version: 1,
        effective_from: app.clock.now(),
        rate: Rate { points: 1, per: 10 },
        minimum_basket: 0,
        cap_per_purchase: None,
        cap_per_day: None,
        excluded_categories: ["gift".to_owned()].into(),
        pending_days: 0,
        expiry: ExpiryPolicy::After(Term::Years(1)),
        spend_only_at_issuer: false,
    }
}

impl<'a> Till<'a> {
    /// A till of a new merchant with a new member.
    pub(crate) async fn open(app: &'a TestApp, mobile: &str) -> Self {
        let member = app.member("مینا کریمی", mobile).await;
        Self::of_member(app, member).await
    }

    /// A till of a new merchant with a member that is enrolled.
    pub(crate) async fn of_member(app: &'a TestApp, member: MemberId) -> Self {
        let merchant = app.merchant("Garden Café").await;
        Self::set_rule(app, merchant, simple_rule(app)).await;
        let found = app.app.directory.members(Caller::Operator).find(&MemberLookup::Id(member)).await;
        let wallet = found.unwrap().expect("the member is enrolled").wallet;
        Self { app, merchant, member, wallet }
    }

    pub(crate) async fn set_rule(app: &TestApp, merchant: MerchantId, rule: EarnRule) {
        let now = app.clock.now();
        app.app.directory.add_rule_version(merchant, &rule, now, &act()).await.unwrap().unwrap();
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller::Merchant(self.merchant)
    }

    /// The reference by which the till names its member.
    pub(crate) fn member_ref(&self) -> Value {
        json!({ "id": GlobalId::Member(self.member).write().as_str() })
    }

    /// The wallet's id as the API has it.
    pub(crate) fn wallet_id(&self) -> Value {
        json!(GlobalId::Wallet(self.wallet).write().as_str())
    }

    /// Sends one operation and answers its payload.
    pub(crate) async fn ask(&self, name: &str, input: Value) -> Value {
        let data = self.app.data(self.caller(), POINTS, name, json!({ "input": input })).await;
        data.as_object().unwrap().values().next().unwrap().clone()
    }

    /// Earns one point for ten rials of a basket of one line.
    pub(crate) async fn earn(&self, key: &str, receipt: &str, points: i64) -> Value {
        let input = json!({
            "idempotencyKey": key, "receiptNumber": receipt, "member": self.member_ref(),
            "amount": { "amount": (points * 10).to_string(), "currency": "IRR" },
        });
        self.ask("Earn", input).await
    }

    pub(crate) async fn redeem(&self, key: &str, points: i64) -> Value {
        let member = self.member_ref();
        self.ask("Redeem", json!({ "idempotencyKey": key, "member": member, "points": points })).await
    }

    pub(crate) async fn hold(&self, key: &str, points: i64, seconds: i64) -> Value {
        let member = self.member_ref();
        let input = json!({ "idempotencyKey": key, "member": member, "points": points, "seconds": seconds });
        self.ask("Hold", input).await
    }

    pub(crate) async fn refund(&self, key: &str, receipt: &str, what: Value) -> Value {
        self.ask("Refund", json!({ "idempotencyKey": key, "receiptNumber": receipt, "what": what })).await
    }

    /// The merchant's own operations.
    pub(crate) async fn ask_operations(&self) -> Value {
        self.app.data(self.caller(), POINTS, "Operations", json!({})).await
    }

    /// The wallet as the operator sees it, not older than the ledger.
    pub(crate) async fn wallet_now(&self) -> Value {
        let id = GlobalId::Wallet(self.wallet).write();
        let version = self.app.app.reader.wallet(self.wallet, self.app.clock.now()).await.unwrap().unwrap();
        let variables = json!({ "id": id.as_str(), "atLeast": version.wallet.version.to_string() });
        self.app.data(Caller::Operator, POINTS, "Wallet", variables).await["wallet"].clone()
    }
}

/// The codes of a payload's user errors.
pub(crate) fn codes(payload: &Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("no payload: {payload:#}"));
    errors.iter().map(|error| error["code"].as_str().unwrap()).collect()
}

/// Every invariant of the ledger holds.
pub(crate) async fn assert_sound(app: &TestApp) {
    let options =
        VerifyOptions { now: app.clock.now(), grace: Span::days(400), limit_per_check: 5, heads: Vec::new() };
    let report = verify(&app.app.db, options, |_| {}).await.unwrap();
    let broken: Vec<_> = report.checks.iter().filter(|check| check.violations > 0).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Lets real time pass, for what runs beside a request.
pub(crate) async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
