//! A network in which every kind of caller stands in another relation to one member.

use std::collections::BTreeMap;

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::app::sessions;
use amvaj_api::config::{Config, ThrottleConfig};
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_api::throttle::Rate;
use amvaj_domain::access::{Caller, Subject};
use amvaj_domain::earn::EarnRule;
use amvaj_domain::id::{MemberId, MerchantId, UserId, WalletId};
use amvaj_domain::time::Span;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::person::USER;
use crate::support::till::{Till, codes, simple_rule};

const MEMBER: &str = include_str!("../queries/member.graphql");
const STAFF: &str = include_str!("../queries/staff.graphql");
const KEYS: &str = include_str!("../queries/keys.graphql");
const LEADERBOARD: &str = include_str!("../queries/leaderboard.graphql");
const WEBHOOK: &str = include_str!("../queries/webhook.graphql");
const EXPORT: &str = include_str!("../queries/export.graphql");
const REWARD: &str = include_str!("../queries/reward.graphql");
const RELATION: &str = include_str!("../queries/relation.graphql");

/// What nobody may see whom it is not for.
pub(super) const MOBILE: &str = "+989121110001";
pub(super) const CARD: &str = "6273009988776655";
pub(super) const NAME: &str = "زیبا پنهانی";
/// Every balance of the wallet once the shop's earn is in it begins so.
pub(super) const BALANCE: &str = "765432";

/// A server on each kind of database, with room for a caller that asks for everything while no time passes.
pub(super) async fn both() -> [TestApp; 2] {
    let roomy = |config: &mut Config| {
        let all = Rate { capacity: 100_000_000, per_second: 1_000_000 };
        config.throttle = ThrottleConfig { merchant: all, member: all, user: all, address: all };
    };
    let [sqlite, postgres] = TestDb::both().await;
    [TestApp::start_with(sqlite, roomy).await, TestApp::start_with(postgres, roomy).await]
}

/// One member, and merchants that know it in different ways.
pub(super) struct Scene<'a> {
    pub(super) app: &'a TestApp,
    /// Enrolled the member; most of what the member did was there.
    pub(super) shop: MerchantId,
    /// The member earned there once.
    pub(super) related: MerchantId,
    /// The member was never there, and shows it its profile.
    pub(super) profile: MerchantId,
    /// The member earned there first of all, and hides from it now.
    pub(super) hidden: MerchantId,
    /// Tried to redeem more than there was, which was refused.
    pub(super) stranger: MerchantId,
    pub(super) member: MemberId,
    pub(super) other: MemberId,
    pub(super) wallet: WalletId,
    /// Somebody whom the operator invited.
    pub(super) user: UserId,
    /// The ids of the scene's objects, by type.
    pub(super) ids: BTreeMap<&'static str, String>,
}

/// Ids of things that may be blocked, ended and taken back.
pub(super) struct SpareIds {
    merchant: String,
    branch: String,
    member: String,
}

impl SpareIds {
    /// The id for an argument, by its name or that of its field.
    pub(super) fn of(&self, hint: &str) -> String {
        let hint = hint.to_lowercase();
        let one_of = |words: &[&str]| words.iter().any(|word| hint.contains(word));
        if one_of(&["branch"]) {
            self.branch.clone()
        } else if one_of(&["merchant"]) {
            self.merchant.clone()
        } else {
            self.member.clone()
        }
    }
}

fn id(id: GlobalId) -> String {
    id.write().to_string()
}

impl<'a> Scene<'a> {
    pub(super) async fn of(app: &'a TestApp) -> Self {
        let mut shops = Vec::new();
        for name in ["Shop", "Related", "Profile", "Hidden", "Stranger"] {
            let merchant = app.merchant(name).await;
            let pending_days = if name == "Related" { 3 } else { 0 };
            Till::set_rule(app, merchant, EarnRule { pending_days, ..simple_rule(app) }).await;
            shops.push(merchant);
        }
        let (member, wallet) = enrol(app, shops[0]).await;
        let mut scene = Self {
            app,
            shop: shops[0],
            related: shops[1],
            profile: shops[2],
            hidden: shops[3],
            stranger: shops[4],
            member,
            other: app.member("علی", "09121110002").await,
            wallet,
            user: UserId::new(Uuid::nil()),
            ids: BTreeMap::new(),
        };
        scene.live().await;
        scene
    }

    /// What happens between them.
    async fn live(&mut self) {
        let later = self.app.clock.now().plus(Span::days(30));
        let planned =
            EarnRule { version: 2, effective_from: later, minimum_basket: 987_650, ..simple_rule(self.app) };
        Till::set_rule(self.app, self.shop, planned).await;
        let branch = id(GlobalId::Branch(self.app.branch(self.shop, "Vanak").await));
        let earned = self.till(self.hidden).earn("k1", "RECEIPT-HIDDEN", 10).await;
        assert_eq!(codes(&earned), Vec::<&str>::new());
        let shop = self.till(self.shop);
        let earn = json!({
            "idempotencyKey": "k2", "receiptNumber": "RECEIPT-SHOP", "member": shop.member_ref(), "branchId": branch,
            "amount": { "amount": "76543210000", "currency": "IRR" },
            "lines": [{ "amount": "76543210000", "product": "PRODUCT-OF-SHOP", "category": "CATEGORY-OF-SHOP" }],
        });
        let earned = shop.ask("Earn", earn).await;
        let hold = async |key: &str, receipt: &str| {
            let hold = json!({
                "idempotencyKey": key, "member": shop.member_ref(), "points": 50, "seconds": 86_400, "branchId": branch,
                "receiptNumber": receipt,
            });
            shop.ask("Hold", hold).await["hold"]["id"].clone()
        };
        let (captured, open) = (hold("k3", "R-3").await, hold("k4", "R-4").await);
        let capture = json!({ "idempotencyKey": "k5", "holdId": captured, "branchId": branch });
        let capture = shop.ask("Capture", capture).await;
        self.till(self.related).earn("k6", "RECEIPT-RELATED", 20).await;
        for merchant in [self.shop, self.stranger] {
            let refused = self.till(merchant).redeem("k7", 9_000_000_000).await;
            assert_eq!(codes(&refused), ["INSUFFICIENT_POINTS"]);
        }
        let refused = self.till(self.stranger).ask_operations().await;
        let shops = self.board("POINTS_EARNED", Some(self.shop)).await;
        let networks = self.board("VISITS", None).await;
        relay_outbox(&self.app.app, self.app.clock.now()).await.unwrap();
        for (merchant, consent) in [(self.profile, "PROFILE"), (self.hidden, "HIDDEN")] {
            self.consent(merchant, consent).await;
        }
        let shop = Caller::Merchant(self.shop);
        let staff =
            json!({ "name": "STAFF-OF-SHOP", "mobile": "09359998877", "posts": [{ "role": "OWNER" }] });
        let staff = self.app.data(shop, STAFF, "AddStaff", json!({ "input": staff })).await;
        let key = json!({ "name": "KEY-OF-SHOP", "scopes": ["points:earn"] });
        let key = self.app.data(shop, KEYS, "Create", json!({ "input": key })).await;
        let hook = json!({ "name": "HOOK-OF-SHOP", "url": "https://shop.example/" });
        let hook = self.app.data(shop, WEBHOOK, "Create", json!({ "input": hook })).await;
        let hook = hook["createWebhookEndpoint"]["webhookEndpoint"]["id"].clone();
        let ping = json!({ "input": { "webhookEndpointId": hook } });
        let ping = self.app.data(shop, WEBHOOK, "Ping", ping).await;
        let ping = ping["pingWebhookEndpoint"]["webhookDelivery"]["id"].clone();
        let export = json!({ "idempotencyKey": "k8", "format": "CSV" });
        let export = self.app.data(shop, EXPORT, "ExportOperations", json!({ "input": export })).await;
        let user = json!({ "name": "user-of-network", "displayName": "USER", "role": "AGENT" });
        let user = self.app.data(Caller::Operator, USER, "InviteUser", json!({ "input": user })).await;
        let user = text(&user["inviteUser"]["user"]["id"]);
        self.user = match GlobalId::read(&user.clone().into()) {
            Some(GlobalId::User(id)) => id,
            other => panic!("{other:?}"),
        };
        let [reward, closed, redemption] = self.rewards(&branch).await;
        let session = sessions::begin(&self.app.app, Subject::Member(self.member), "AGENT-OF-MEMBER").await;
        let by_mobile = json!({ "ref": { "mobile": MOBILE } });
        self.app.data(Caller::Operator, MEMBER, "Member", by_mobile).await;
        let purchase = match GlobalId::read(&text(&earned["operation"]["id"]).into()) {
            Some(GlobalId::Operation(wallet, seq)) => GlobalId::Purchase(wallet, seq),
            other => panic!("{other:?}"),
        };
        self.ids = BTreeMap::from([
            ("Merchant", id(GlobalId::Merchant(self.shop))),
            ("Branch", branch),
            ("EarnRule", id(GlobalId::EarnRule(self.shop, 1))),
            ("PlannedEarnRule", id(GlobalId::EarnRule(self.shop, 2))),
            ("Member", id(GlobalId::Member(self.member))),
            ("Wallet", id(GlobalId::Wallet(self.wallet))),
            ("Operation", text(&capture["operation"]["id"])),
            ("Earn", text(&earned["operation"]["id"])),
            ("RefusedOperation", text(&refused["operations"]["nodes"][0]["id"])),
            ("Hold", text(&open)),
            ("Purchase", id(purchase)),
            ("Reward", reward),
            ("ClosedReward", closed),
            ("Redemption", redemption),
            ("Leaderboard", shops),
            ("NetworkLeaderboard", networks),
            ("Staff", text(&staff["addStaff"]["staff"]["id"])),
            ("User", user),
            ("ApiKey", text(&key["createApiKey"]["apiKey"]["id"])),
            ("WebhookEndpoint", text(&hook)),
            ("WebhookDelivery", text(&ping)),
            ("Export", text(&export["exportOperations"]["export"]["id"])),
            ("Session", id(GlobalId::Session(session.unwrap().unwrap().session.id))),
        ]);
    }

    /// What the shop gives for points, what it has given, and a redemption of the member at its branch.
    async fn rewards(&self, branch: &str) -> [String; 3] {
        let shop = Caller::Merchant(self.shop);
        let mut ids = Vec::new();
        for (key, title) in [("k8", "REWARD"), ("k9", "CLOSED-REWARD")] {
            let input = json!({
                "idempotencyKey": key, "kind": "ITEM", "title": title, "description": "D", "points": "5", "stock": 9,
                "limitPerMember": 3, "validFrom": "2027-01-01T00:00:00Z", "validUntil": "2028-01-01T00:00:00Z",
            });
            let made = self.app.data(shop, REWARD, "Create", json!({ "input": input })).await;
            ids.push(text(&made["createReward"]["reward"]["id"]));
        }
        let close = json!({ "input": { "rewardId": ids[1] } });
        self.app.data(shop, REWARD, "Close", close).await;
        let member = json!({ "id": id(GlobalId::Member(self.member)) });
        let input =
            json!({ "idempotencyKey": "k10", "rewardId": ids[0], "member": member, "branchId": branch });
        let redeemed = self.app.data(shop, REWARD, "Redeem", json!({ "input": input })).await;
        let [reward, closed] = ids.try_into().unwrap();
        [reward, closed, text(&redeemed["redeemReward"]["redemption"]["id"])]
    }

    /// A board over what the member has done.
    async fn board(&self, metric: &str, merchant: Option<MerchantId>) -> String {
        let merchant = merchant.map(|merchant| id(GlobalId::Merchant(merchant)));
        let input = json!({
            "nameFa": "تابلو", "nameEn": "Board", "metric": metric, "cycle": "ALL_TIME", "merchantId": merchant,
        });
        let made = self.app.data(Caller::Operator, LEADERBOARD, "Create", json!({ "input": input })).await;
        text(&made["createLeaderboard"]["leaderboard"]["id"])
    }

    /// The till of a merchant with the scene's member before it.
    pub(super) fn till(&self, merchant: MerchantId) -> Till<'a> {
        Till { app: self.app, merchant, member: self.member, wallet: self.wallet }
    }

    pub(super) async fn consent(&self, merchant: MerchantId, consent: &str) {
        let input = json!({ "merchantId": id(GlobalId::Merchant(merchant)), "consent": consent });
        let caller = Caller::Member(self.member);
        let said = self.app.data(caller, RELATION, "SetConsent", json!({ "input": input })).await;
        assert_eq!(said["setConsent"]["relation"]["consent"], consent, "{said}");
    }

    /// Who may call, by the names of the tables.
    pub(super) fn callers(&self) -> [(&'static str, Caller); 9] {
        [
            ("operator", Caller::Operator),
            ("agent", Caller::Agent),
            ("shop", Caller::Merchant(self.shop)),
            ("related", Caller::Merchant(self.related)),
            ("profile", Caller::Merchant(self.profile)),
            ("hidden", Caller::Merchant(self.hidden)),
            ("stranger", Caller::Merchant(self.stranger)),
            ("member", Caller::Member(self.member)),
            ("other", Caller::Member(self.other)),
        ]
    }

    pub(super) async fn spare_ids(&self) -> SpareIds {
        let merchant = self.app.merchant("Spare").await;
        SpareIds {
            merchant: id(GlobalId::Merchant(merchant)),
            branch: id(GlobalId::Branch(self.app.branch(merchant, "Spare").await)),
            member: id(GlobalId::Member(self.app.member("یدک", "09121110009").await)),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}

async fn enrol(app: &TestApp, shop: MerchantId) -> (MemberId, WalletId) {
    let input = json!({
        "name": NAME, "mobile": MOBILE, "cardNumber": CARD, "language": "FA",
        "customer": { "customerRef": "REFERENCE-OF-SHOP" },
    });
    let enrolled = app.data(Caller::Merchant(shop), MEMBER, "EnrolMember", json!({ "input": input })).await;
    let member = GlobalId::member(&text(&enrolled["enrolMember"]["member"]["id"]).into()).unwrap();
    (member, app.app.directory.wallet_of(member).await.unwrap().unwrap())
}
