//! Members of a file who were erased: nothing brings them back, and the rest of the file goes in.

use std::sync::Arc;

use amvaj_api::app::App;
use amvaj_api::app::erase_member::erase_member;
use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::auth::Credentials;
use amvaj_api::compose;
use amvaj_api::config::Config;
use amvaj_api::import::{Map, Plan, Report};
use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::audit::Author;
use amvaj_domain::id::{MemberId, WalletId};
use amvaj_domain::member::{Member, MemberLookup, MemberStatus};
use amvaj_domain::text::{CustomerRef, Mobile, Name};
use amvaj_domain::time::Span;
use amvaj_infra::audit::Audit;
use amvaj_infra::directory::Enrolment;
use amvaj_infra::verify::{VerifyOptions, verify};
use uuid::Uuid;

use super::network::{app, import, import_as, import_plan, texts};
use super::{HEADER, MAP, left_out, map, planned, read};
use crate::support::database::TestDb;

/// Customer 7 buys three times and gives something back; customer 8 buys once.
const LINES: &str = "\
    7,1,10,2,10.00,2024-01-01 10:00\n\
    8,2,10,4,1.00,2024-01-01 11:00\n\
    7,3,20,1,5.00,2024-01-01 12:00\n\
    7,C4,10,-1,10.00,2024-01-02 10:00\n";

/// A map and a file that name members by their mobile numbers.
fn by_mobile() -> (Map, Plan) {
    let text = MAP
        .replace("reference = \"customer\"\nplaceholder_mobile = \"0995\"", "reference = \"mobile\"")
        .replace("name = \"small\"", "name = \"mobiles\"");
    let lines = LINES.replace("7,1,", "09120000007,1,").replace("8,2,", "09120000008,2,");
    let lines = lines.replace("7,3,", "09120000007,3,").replace("7,C4,", "09120000007,C4,");
    let plan = read(&text, format!("{HEADER}{lines}").as_bytes()).unwrap();
    (map(&text), plan)
}

async fn find(app: &App, lookup: MemberLookup) -> Option<MemberId> {
    app.directory.members(Caller::Operator).find(&lookup).await.unwrap().map(|member| member.id)
}

fn customer(map: &Map, reference: &str) -> MemberLookup {
    let customer_ref = CustomerRef::parse(reference).unwrap();
    MemberLookup::Customer { merchant: map.merchants[0].id, customer_ref }
}

fn mobile(number: &str) -> MemberLookup {
    MemberLookup::Mobile(Mobile::parse(number).unwrap())
}

/// Erases whom a look-up names, as an operator does.
async fn erase(url: &str, plan: &Plan, lookup: MemberLookup) {
    let app = app(url, plan).await;
    let member = find(&app, lookup).await.unwrap();
    let who = Identity::console(Caller::Operator);
    erase_member(&app, &who, &Author::console(), Some(member)).await.unwrap();
    compose::close(app, None).await;
}

async fn members(url: &str) -> usize {
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let rows = texts(&connection, "select name as t from member").await;
    connection.close().await.unwrap();
    rows.len()
}

async fn assert_sound(app: &Arc<App>) {
    relay_outbox(app, app.clock.now()).await.unwrap();
    let now = app.clock.now();
    let options = VerifyOptions { now, grace: Span::days(400), limit_per_check: 5, heads: Vec::new() };
    let report = verify(&app.db, options, |_| {}).await.unwrap();
    let broken: Vec<_> = report.checks.iter().filter(|check| check.violations > 0).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The lines of customer 7's purchases are left out; that of customer 8 is there as before, and so is the refund of what
/// was booked.
fn assert_left_out(report: &Report) {
    let wanted = [(2, "member_erased", Some(2)), (4, "member_erased", Some(1))];
    assert_eq!(left_out(&report.skipped), wanted);
    assert_eq!((report.purchases.new, report.purchases.already_there), (0, 1));
    assert_eq!((report.refunds.new, report.refunds.already_there), (0, 1));
}

#[tokio::test]
async fn an_erased_member_of_a_file_is_reported_and_the_rest_goes_in() {
    for database in TestDb::both().await {
        let (url, plan) = (&database.url, planned(LINES));
        import(url, LINES).await;
        erase(url, &plan, customer(&map(MAP), "7")).await;
        assert_left_out(&import(url, LINES).await);
        assert_eq!(members(url).await, 2, "nobody is enrolled again");
        // A purchase that came to the file since is not posted, and what comes back of it waits for nothing.
        let longer = format!(
            "{LINES}7,5,10,3,1.00,2024-01-03 10:00\n7,C6,10,-3,1.00,2024-01-04 10:00\n9,7,10,1,1.00,2024-01-04 10:00\n"
        );
        let report = import(url, &longer).await;
        let erased = |line, units| (line, "member_erased", Some(units));
        let wanted = [erased(2, 2), erased(4, 1), erased(6, 3), erased(7, -3)];
        assert_eq!(left_out(&report.skipped), wanted);
        assert_eq!((report.purchases.new, members(url).await), (1, 3), "the rest goes in");
        let app = app(url, &plan).await;
        assert_sound(&app).await;
        compose::close(app, None).await;
    }
}

#[tokio::test]
async fn whoever_enrols_again_with_an_erased_number_has_nothing_of_the_purchases_from_before() {
    for database in TestDb::both().await {
        let (url, (map, plan)) = (&database.url, by_mobile());
        import_plan(url, &map, &plan).await.unwrap();
        erase(url, &plan, mobile("09120000007")).await;
        assert_left_out(&import_plan(url, &map, &plan).await.unwrap());
        assert_eq!(members(url).await, 2, "the number is not brought back");
        let app = app(url, &plan).await;
        let new = enrol(&app, MemberId::new(Uuid::from_u128(70)), "09120000007").await;
        compose::close(app, None).await;
        assert_left_out(&import_plan(url, &map, &plan).await.unwrap());
        let app = super::network::app(url, &plan).await;
        let wallet = app.directory.wallet_of(new).await.unwrap().unwrap();
        let balance = app.reader.balance(wallet, app.ledger_now()).await.unwrap().unwrap();
        assert_eq!(balance.posted.get(), 0, "the old purchases are not the new member's");
        compose::close(app, None).await;
    }
}

/// Enrols somebody with an id.
async fn enrol(app: &App, id: MemberId, number: &str) -> MemberId {
    let member = Member {
        id,
        wallet: WalletId::new(Uuid::from_u128(id.uuid().as_u128() + 1)),
        mobile: Mobile::parse(number).unwrap(),
        card_number: None,
        name: Name::parse("Somebody").unwrap(),
        status: MemberStatus::Open,
        language: None,
        enrolled_at: app.clock.now(),
    };
    let enrolment = Enrolment { member, customer: None };
    app.directory.enrol_member(&enrolment, Audit::Ordinary).await.unwrap().unwrap();
    id
}

#[tokio::test]
async fn nobody_makes_a_member_s_id_from_its_number_and_ids_of_earlier_imports_are_found() {
    for database in TestDb::both().await {
        let (url, map, plan) = (&database.url, map(MAP), planned(LINES));
        let app = app(url, &plan).await;
        // What an earlier program has made of customer 7 for a merchant of the file that is not here any more.
        let before = map.identities.member_before("7");
        enrol(&app, before, "09950000001").await;
        compose::close(app, None).await;
        import(url, LINES).await;
        let app = super::network::app(url, &plan).await;
        assert_eq!(find(&app, customer(&map, "7")).await, Some(before));
        let eight = find(&app, customer(&map, "8")).await.unwrap();
        assert_ne!(eight, map.identities.member_before("8"), "who has the number does not have the id");
        compose::close(app, None).await;
        assert_eq!(members(url).await, 2);
        // Whoever lost the server's secret imports again and finds everybody by the merchants' references.
        let other = Credentials::generate(&Config::default().auth).unwrap();
        let report = import_as(url, LINES, other).await;
        assert_eq!((report.purchases.new, report.purchases.already_there), (0, 3));
        assert_eq!(members(url).await, 2);
        erase(url, &plan, customer(&map, "7")).await;
        assert_left_out(&import(url, LINES).await);
    }
}
