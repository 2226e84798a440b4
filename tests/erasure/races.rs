//! Whoever comes first: a block, an unblock, a consent, a code, a file or a purchase beside the erasure. The end is the same.

use amvaj_api::app::erase_member::erase_member;
use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::app::sessions;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::{Caller, Subject};
use amvaj_domain::audit::Author;
use amvaj_domain::id::MemberId;
use amvaj_domain::ledger::WalletStatus;
use amvaj_domain::member::{MemberLookup, MemberStatus};
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use serde_json::{Value, json};

use super::{EXPORT, MEMBER, RELATION, erase, id, operator};
use crate::support::app::TestApp;
use crate::support::till::{POINTS, Till, assert_sound, codes};

const BOARD: &str = include_str!("../queries/leaderboard.graphql");
const LOGIN: &str = include_str!("../queries/login.graphql");
/// Members that each race is run with, on each database.
const ROUNDS: usize = 30;

/// A member's status, and that of its wallet.
async fn standing(app: &TestApp, member: MemberId) -> (MemberStatus, WalletStatus) {
    let wallet = app.app.directory.wallet_of(member).await.unwrap().unwrap();
    let (status, _) = app.app.reader.standing(wallet).await.unwrap().unwrap();
    let row = app.app.directory.members(Caller::Operator).find(&MemberLookup::Id(member)).await.unwrap();
    (row.unwrap().status, status)
}

async fn set_status(app: &TestApp, name: &str, member: MemberId) {
    let variables = json!({ "id": id(GlobalId::Member(member)) });
    let answer = app.data(Caller::Operator, MEMBER, name, variables).await;
    let payload = answer.as_object().unwrap().values().next().unwrap();
    let told = codes(payload);
    assert!(told.is_empty() || told == ["MEMBER_NOT_FOUND"], "{name}: {answer:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wallet_of_an_erased_member_stays_blocked_whoever_unblocks_it_meanwhile() {
    for app in TestApp::both().await {
        let node = app.second_node().await;
        for round in 0..ROUNDS {
            let member = app.member("زیبا", &format!("0935222{round:04}")).await;
            if round % 2 == 0 {
                set_status(&app, "BlockMember", member).await;
            }
            let named = json!({ "memberId": id(GlobalId::Member(member)) });
            let who = operator();
            let (erased, ..) = tokio::join!(
                erase(&app, &who, named),
                set_status(&node, "UnblockMember", member),
                set_status(&app, "BlockMember", member),
                set_status(&app, "UnblockMember", member),
                set_status(&node, "BlockMember", member),
                set_status(&node, "UnblockMember", member),
            );
            assert_eq!(codes(&erased), Vec::<&str>::new());
            let end = standing(&app, member).await;
            assert_eq!(end, (MemberStatus::Erased, WalletStatus::Blocked), "round {round}");
        }
        node.stop().await.unwrap();
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        assert_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_ends_as_its_members_row_says_beside_a_block_and_an_erasure_that_is_refused() {
    for app in TestApp::both().await {
        let node = app.second_node().await;
        for round in 0..ROUNDS {
            let till = Till::open(&app, &format!("0935333{round:04}")).await;
            till.earn("e", "R", 10).await;
            till.hold("h", 5, 600).await;
            let named = json!({ "memberId": id(GlobalId::Member(till.member)) });
            let who = operator();
            let (refused, ..) = tokio::join!(
                erase(&node, &who, named.clone()),
                set_status(&app, "BlockMember", till.member),
                erase(&app, &who, named),
                set_status(&node, "UnblockMember", till.member),
                set_status(&app, "BlockMember", till.member),
            );
            assert_eq!(codes(&refused), ["HOLDS_OPEN"], "round {round}");
            let end = standing(&app, till.member).await;
            let alike = match end.0 {
                MemberStatus::Open => WalletStatus::Open,
                MemberStatus::Blocked | MemberStatus::Erased => WalletStatus::Blocked,
            };
            assert_eq!(end.1, alike, "round {round}: {end:?}");
        }
        node.stop().await.unwrap();
    }
}

/// Everything that writes something of a member, as it may be asked for while the member is erased.
fn writers<'a>(
    app: &'a TestApp,
    till: &'a Till<'a>,
    mobile: &'a str,
    key: &'a str,
) -> Vec<BoxFuture<'a, ()>> {
    let own = Caller::Member(till.member);
    let member = id(GlobalId::Member(till.member));
    let consent = json!({ "merchantId": id(GlobalId::Merchant(till.merchant)), "consent": "PROFILE" });
    let export = json!({ "idempotencyKey": key, "memberId": member });
    let link = json!({ "member": { "id": member }, "customerRef": key });
    let earn = json!({
        "idempotencyKey": key, "receiptNumber": key, "member": { "mobile": mobile },
        "amount": { "amount": "100", "currency": "IRR" },
    });
    // What becomes of each does not matter here, only what it leaves.
    let sent = move |caller, document, name, input: Value| {
        async move {
            app.send(caller, document, name, json!({ "input": input })).await;
        }
        .boxed()
    };
    vec![
        sent(Some(own), RELATION, "SetConsent", consent),
        sent(Some(Caller::Operator), EXPORT, "ExportMember", export),
        sent(Some(till.caller()), MEMBER, "LinkCustomer", link),
        sent(Some(till.caller()), POINTS, "Earn", earn),
        async move {
            app.send(Some(own), BOARD, "Hide", json!({ "hidden": false })).await;
        }
        .boxed(),
        async move {
            app.send(None, LOGIN, "RequestLoginCode", json!({ "mobile": mobile })).await;
        }
        .boxed(),
        async move {
            let subject = Subject::Member(till.member);
            sessions::begin(&app.app, subject, "PHONE").await.unwrap();
        }
        .boxed(),
        async move {
            relay_outbox(&app.app, app.clock.now()).await.unwrap();
        }
        .boxed(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_written_beside_an_erasure_is_left_behind() {
    for app in TestApp::both().await {
        let node = app.second_node().await;
        for round in 0..ROUNDS {
            let mobile = format!("0935444{round:04}");
            let till = Till::open(&app, &mobile).await;
            let key = format!("AGAIN-{round}");
            let who = operator();
            let erasing = async {
                let author = Author::console();
                erase_member(&node.app, &who, &author, Some(till.member)).await.unwrap();
            };
            let mut all = writers(&app, &till, &mobile, &key);
            // The erasure begins a little later with each round, in between the writers.
            all.insert(round % all.len(), erasing.boxed());
            join_all(all).await;
            assert_eq!(standing(&app, till.member).await.0, MemberStatus::Erased);
        }
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        assert_sound(&app).await;
        node.stop().await.unwrap();
    }
}
