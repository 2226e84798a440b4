//! Whoever manages staff and may do less than an owner: whom it can neither make nor unmake.

use amvaj_domain::access::{Caller, Identity, Scope, Scopes};
use serde_json::json;

use super::{MOBILE, STAFF, add, added, ask_as, merchant_id, owner, post};
use crate::support::app::TestApp;
use crate::support::till::{assert_sound, codes};

#[tokio::test]
async fn whoever_only_manages_staff_cannot_make_anybody_more_than_it_is() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let only_staff = |caller| Identity::console(caller).limited_to(Scopes::of(&[Scope::StaffManage]));
        let keeper = app.token(&only_staff(Caller::Merchant(merchant)));
        for role in ["OWNER", "CASHIER"] {
            let refused = add(&app, &keeper, MOBILE, json!([post(role, None)])).await;
            assert_eq!(codes(&refused), ["SCOPES_TOO_WIDE"], "{role}");
        }
        let cashier = added(&app, &owner(&app, merchant), MOBILE, json!([post("CASHIER", None)])).await;
        let posts = json!({ "id": cashier, "posts": [post("OWNER", None)] });
        let refused = ask_as(&app, &keeper, STAFF, "SetStaffPosts", posts.clone()).await;
        assert_eq!(codes(&refused), ["SCOPES_TOO_WIDE"]);
        let operator = app.token(&only_staff(Caller::Operator));
        let refused = ask_as(&app, &operator, STAFF, "SetStaffPosts", posts).await;
        assert_eq!(codes(&refused), ["SCOPES_TOO_WIDE"]);
    }
}

#[tokio::test]
async fn whoever_could_not_make_an_owner_does_not_unmake_one() {
    for app in TestApp::both().await {
        let merchant = app.merchant("Garden").await;
        let boss = owner(&app, merchant);
        let limited =
            |caller, scopes: &[Scope]| app.token(&Identity::console(caller).limited_to(Scopes::of(scopes)));
        // Scopes enough to give a cashier's post, so that nothing but the post that is taken away stands against it.
        let cashiers = [
            Scope::StaffManage,
            Scope::PointsEarn,
            Scope::PointsRedeem,
            Scope::MembersRead,
            Scope::MembersEnrol,
        ];
        let keepers = [
            limited(Caller::Merchant(merchant), &cashiers),
            limited(Caller::Operator, &[Scope::StaffManage]),
        ];
        added(&app, &boss, "09351112200", json!([post("OWNER", None)])).await;
        let second = added(&app, &boss, MOBILE, json!([post("OWNER", None)])).await;
        let demote = json!({ "id": second, "posts": [post("CASHIER", None)] });
        for keeper in &keepers {
            for name in ["SetStaffPosts", "RemoveStaff"] {
                let refused = ask_as(&app, keeper, STAFF, name, demote.clone()).await;
                assert_eq!(codes(&refused), ["SCOPES_TOO_WIDE"], "{name}");
                assert_eq!(refused["userErrors"][0]["field"], json!(["input", "staffId"]), "{name}");
            }
        }
        let people =
            ask_as(&app, &boss, STAFF, "StaffOf", json!({ "merchant": merchant_id(merchant) })).await;
        assert_eq!(people["staff"]["totalCount"], 2, "both are owners still: {people:#}");
        let demoted = ask_as(&app, &boss, STAFF, "SetStaffPosts", demote.clone()).await;
        assert_eq!(codes(&demoted), [""; 0], "an owner does");
        let again = ask_as(&app, &keepers[0], STAFF, "SetStaffPosts", demote.clone()).await;
        assert_eq!(codes(&again), [""; 0], "and who is none any more is like any other");
        let promote = json!({ "id": second, "posts": [post("OWNER", None)] });
        let operator = app.token(&Identity::console(Caller::Operator));
        ask_as(&app, &operator, STAFF, "SetStaffPosts", promote).await;
        let removed = ask_as(&app, &operator, STAFF, "RemoveStaff", demote.clone()).await;
        assert!(removed["staff"]["removedAt"].is_string(), "the operator does as well: {removed:#}");
        let late = ask_as(&app, &keepers[0], STAFF, "RemoveStaff", demote).await;
        assert_eq!(codes(&late), [""; 0], "removing again changes nothing");
        assert_sound(&app).await;
    }
}
