//! Redeeming: each refusal, and that what is refused takes neither piece nor points.

use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_domain::merchant::MerchantStatus;
use amvaj_domain::time::Span;
use serde_json::{Value, json};

use super::scene::{REWARD, ask, later, merchant_id, offer, redeem, redeem_at_till, stock};
use crate::support::app::{TestApp, act};
use crate::support::till::{Till, assert_sound, codes};

#[tokio::test]
async fn a_member_redeems_a_reward_and_has_a_voucher_and_fewer_points_to_spend() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126100001").await;
        till.earn("e", "R", 120).await;
        let reward = offer(&till, "k", json!({ "stock": 2, "reserveSeconds": 600 })).await;
        let answer = redeem(&till, "r1", &reward).await;
        assert_eq!((codes(&answer), &answer["replayed"]), (Vec::new(), &json!(false)));
        let redemption = &answer["redemption"];
        assert_eq!((&redemption["status"], &redemption["points"]), (&json!("RESERVED"), &json!("50")));
        let code = redemption["voucherCode"].as_str().unwrap();
        assert!(code.len() == 12 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
        assert_eq!(redemption["expiresAt"], "2027-01-15T08:10:00Z");
        assert_eq!(redemption["reward"]["id"], reward);
        assert_eq!(
            (&redemption["hold"]["status"], &redemption["hold"]["points"]),
            (&json!("OPEN"), &json!("50"))
        );
        let wallet = json!({ "posted": "120", "held": "50", "available": "70" });
        assert_eq!(answer["wallet"], wallet);
        assert_eq!(stock(&app, &reward).await, 1);
        // A retry is the same redemption, and another input under the key is none.
        let again = redeem(&till, "r1", &reward).await;
        assert_eq!((&again["redemption"], &again["replayed"]), (redemption, &json!(true)));
        let other = offer(&till, "k2", json!({})).await;
        assert_eq!(codes(&redeem(&till, "r1", &other).await), ["IDEMPOTENCY_MISMATCH"]);
        assert_eq!(till.wallet_now().await["held"], "50");
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_till_redeems_what_its_merchant_gives_for_whom_it_names() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126100002").await;
        till.earn("e", "R", 100).await;
        let reward = offer(&till, "k", json!({ "stock": 5 })).await;
        let branch = GlobalId::Branch(app.branch(till.merchant, "Vanak").await).write();
        let input = json!({
            "idempotencyKey": "r1", "rewardId": reward, "member": { "mobile": "09126100002" }, "branchId": branch.as_str(),
        });
        let answer = ask(&app, till.caller(), "Redeem", input.clone()).await;
        assert_eq!(codes(&answer), Vec::<&str>::new());
        assert!(answer["redemption"]["voucherCode"].is_string(), "the till hands the code over");
        assert_eq!(ask(&app, till.caller(), "Redeem", input).await["replayed"], true);
        let stranger = Till::of_member(&app, till.member).await;
        assert_eq!(codes(&redeem_at_till(&stranger, "r1", &reward).await), ["REWARD_NOT_FOUND"]);
        let listed = app.data(till.caller(), REWARD, "Redemptions", json!({})).await;
        assert_eq!(listed["redemptions"]["totalCount"], 1);
        assert_eq!(listed["redemptions"]["nodes"][0]["voucherCode"], Value::Null);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn each_refusal_has_its_code_and_takes_nothing() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126100003").await;
        till.earn("e", "R", 60).await;
        let reward = offer(&till, "k1", json!({ "stock": 3 })).await;
        let member = Caller::Member(till.member);
        let sold_out = offer(&till, "k2", json!({ "stock": 0 })).await;
        let early = offer(&till, "k3", json!({ "validFrom": "2027-01-15T09:00:00Z" })).await;
        let late = offer(&till, "k4", json!({ "validUntil": "2027-01-15T08:00:00Z" })).await;
        let dear = offer(&till, "k5", json!({ "points": "61", "stock": 1 })).await;
        let (own, id) = (till.member_ref(), merchant_id(&till));
        let nobody = json!({ "mobile": "09129999999" });
        for (caller, changes, expected) in [
            (member, json!({ "idempotencyKey": "" }), vec!["INVALID_IDEMPOTENCY_KEY"]),
            (member, json!({ "rewardId": id }), vec!["REWARD_NOT_FOUND"]),
            (member, json!({ "rewardId": sold_out }), vec!["REWARD_OUT_OF_STOCK"]),
            (member, json!({ "rewardId": early }), vec!["REWARD_NOT_YET_AVAILABLE"]),
            (member, json!({ "rewardId": late }), vec!["REWARD_NO_LONGER_AVAILABLE"]),
            (member, json!({ "member": own }), vec!["INVALID_MEMBER"]),
            (member, json!({ "branchId": id }), vec!["BRANCH_NOT_YOURS"]),
            (till.caller(), json!({}), vec!["INVALID_MEMBER"]),
            (till.caller(), json!({ "member": nobody }), vec!["MEMBER_NOT_FOUND"]),
            (till.caller(), json!({ "member": own, "branchId": id }), vec!["INVALID_BRANCH_ID"]),
            (
                member,
                json!({ "idempotencyKey": " ", "rewardId": id }),
                vec!["REWARD_NOT_FOUND", "INVALID_IDEMPOTENCY_KEY"],
            ),
        ] {
            let mut input = json!({ "idempotencyKey": "r", "rewardId": reward });
            for (name, value) in changes.as_object().unwrap() {
                input[name] = value.clone();
            }
            let answer = ask(&app, caller, "Redeem", input).await;
            assert_eq!(codes(&answer), expected, "{changes}");
            assert_eq!(answer["redemption"], Value::Null);
        }
        // Nothing was begun, so the key is free for when there are points.
        let refused = redeem(&till, "d1", &dear).await;
        assert_eq!((codes(&refused), &refused["replayed"]), (vec!["INSUFFICIENT_POINTS"], &json!(false)));
        assert_eq!(stock(&app, &dear).await, 1);
        till.earn("e2", "R2", 100).await;
        let again = redeem(&till, "d1", &dear).await;
        assert_eq!((codes(&again), &again["replayed"]), (Vec::new(), &json!(false)));
        assert_eq!(stock(&app, &reward).await, 3);
        let listed = app.data(member, REWARD, "Redemptions", json!({})).await;
        assert_eq!(listed["redemptions"]["totalCount"], 1, "what was refused is none");
        assert_eq!(
            app.code(
                Some(Caller::Operator),
                REWARD,
                "Redeem",
                json!({ "input": {
            "idempotencyKey": "r", "rewardId": reward } })
            )
            .await,
            "FORBIDDEN"
        );
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_blocked_merchant_and_a_blocked_member_begin_nothing() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126100004").await;
        till.earn("e", "R", 500).await;
        let reward = offer(&till, "k", json!({ "stock": 3 })).await;
        let reserved = redeem(&till, "r0", &reward).await;
        let set = async |status| {
            app.app.directory.set_merchant_status(till.merchant, status, &act()).await.unwrap();
        };
        set(MerchantStatus::Blocked).await;
        assert_eq!(codes(&redeem(&till, "r1", &reward).await), ["MERCHANT_BLOCKED"]);
        assert_eq!(stock(&app, &reward).await, 2, "the piece is back");
        let offered = ask(&app, till.caller(), "Create", super::scene::coffee("k2", &json!({}))).await;
        assert_eq!(codes(&offered), ["MERCHANT_BLOCKED"]);
        // What was begun is ended.
        let captured = super::scene::capture(&till, "c", &reserved["redemption"]["voucherCode"]).await;
        assert_eq!(codes(&captured), Vec::<&str>::new());
        set(MerchantStatus::Open).await;
        // What the ledger refuses is refused for ever under its key.
        let again = redeem(&till, "r1", &reward).await;
        assert_eq!((codes(&again), &again["replayed"]), (vec!["MERCHANT_BLOCKED"], &json!(true)));
        let member = GlobalId::Member(till.member).write();
        let block = "mutation Block($input: BlockMemberInput!) { blockMember(input: $input) { userErrors { code } } }";
        app.data(Caller::Operator, block, "Block", json!({ "input": { "memberId": member.as_str() } })).await;
        assert_eq!(codes(&redeem_at_till(&till, "r2", &reward).await), ["MEMBER_BLOCKED"]);
        assert_eq!(stock(&app, &reward).await, 2);
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_member_gets_a_reward_so_often_as_its_limit_says_and_what_came_back_does_not_count() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126100005").await;
        till.earn("e", "R", 1_000).await;
        let limited = json!({ "limitPerMember": 2, "stock": 10, "reserveSeconds": 60 });
        let reward = offer(&till, "k", limited).await;
        let first = redeem(&till, "r1", &reward).await;
        redeem(&till, "r2", &reward).await;
        let third = redeem(&till, "r3", &reward).await;
        assert_eq!(codes(&third), ["REWARD_LIMIT_REACHED"]);
        assert!(third["userErrors"][0]["message"].as_str().unwrap().contains('2'));
        assert_eq!(stock(&app, &reward).await, 8, "a refused one gives its piece back");
        let member = Caller::Member(till.member);
        super::scene::release(&app, member, "x", &first["redemption"]["id"]).await;
        assert_eq!(codes(&redeem(&till, "r3", &reward).await), Vec::<&str>::new());
        assert_eq!(codes(&redeem(&till, "r4", &reward).await), ["REWARD_LIMIT_REACHED"]);
        // Nobody collects the other two.
        later(&app, Span::minutes(2)).await;
        assert_eq!(codes(&redeem(&till, "r4", &reward).await), Vec::<&str>::new());
        // Another member has a limit of its own.
        let other = Till::of_member(&app, app.member("علی", "09126100006").await).await;
        other.earn("e", "R", 100).await;
        assert_eq!(codes(&redeem(&other, "r", &reward).await), Vec::<&str>::new());
        assert_sound(&app).await;
    }
}

#[tokio::test]
async fn a_window_opens_and_shuts_with_the_clock() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09126100007").await;
        till.earn("e", "R", 500).await;
        let window = json!({ "validFrom": "2027-01-15T08:10:00Z", "validUntil": "2027-01-15T08:20:00Z" });
        let reward = offer(&till, "k", window).await;
        assert_eq!(codes(&redeem(&till, "r1", &reward).await), ["REWARD_NOT_YET_AVAILABLE"]);
        later(&app, Span::minutes(10)).await;
        // A key that was refused before it began anything is free.
        assert_eq!(codes(&redeem(&till, "r1", &reward).await), Vec::<&str>::new());
        later(&app, Span::minutes(10)).await;
        assert_eq!(codes(&redeem(&till, "r2", &reward).await), ["REWARD_NO_LONGER_AVAILABLE"]);
        assert_eq!(redeem(&till, "r1", &reward).await["redemption"]["status"], "RESERVED");
    }
}
