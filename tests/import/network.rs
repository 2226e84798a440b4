//! Imports into networks on both databases.

use std::sync::{Arc, LazyLock};

use amvaj_api::app::App;
use amvaj_api::auth::Credentials;
use amvaj_api::compose;
use amvaj_api::config::Config;
use amvaj_api::import::{Event, ImportError, Map, Plan, Poster, Report, play};
use amvaj_domain::access::Caller;
use amvaj_domain::member::MemberLookup;
use amvaj_domain::merchant::MerchantStatus;
use amvaj_domain::text::CustomerRef;
use amvaj_infra::clock::Clock;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use super::{HEADER, MAP, left_out, map, planned, read};
use crate::support::app::act;
use crate::support::database::TestDb;

/// Three days: the bakery's points of the first day expire with the second, those of the books become active on it.
const THREE_DAYS: &str = "\
    7,1,10A,2,10.00,2024-01-01 10:00\n\
    7,1,20A,1,5.00,2024-01-01 10:00\n\
    8,2,10A,4,1.00,2024-01-01 10:00\n\
    7,C3,20A,-1,5.00,2024-01-01 12:00\n\
    8,4,20B,3,2.50,2024-01-01 12:00\n\
    8,C5,10A,-1,1.00,2024-01-02 09:00\n\
    8,C6,20B,-1,2.50,2024-01-03 09:00\n\
    7,7,10A,1,1.00,2024-01-03 09:00\n\
    7,8,99,1,1.00,2024-01-03 09:00\n";

pub(super) fn config(url: &str) -> Config {
    Config::from_sources(None, [("AMVAJ_DATABASE_URL".to_owned(), url.to_owned())]).unwrap()
}

/// Credentials of an installation that all tests of imports share: its secret is a part of members' ids.
static CREDENTIALS: LazyLock<Credentials> =
    LazyLock::new(|| Credentials::generate(&Config::default().auth).unwrap());

/// The network at the beginning of a plan.
pub(super) async fn app(url: &str, plan: &Plan) -> Arc<App> {
    app_as(url, plan, CREDENTIALS.clone()).await
}

async fn app_as(url: &str, plan: &Plan, credentials: Credentials) -> Arc<App> {
    let start = plan.events.first().unwrap().time();
    compose::open_with(&config(url), Clock::manual(start), credentials).await.unwrap()
}

/// Plays a plan from its beginning, as a process of its own would.
pub(super) async fn import_plan(url: &str, map: &Map, plan: &Plan) -> Result<Report, ImportError> {
    import_plan_as(url, map, plan, CREDENTIALS.clone()).await
}

async fn import_plan_as(
    url: &str,
    map: &Map,
    plan: &Plan,
    credentials: Credentials,
) -> Result<Report, ImportError> {
    let app = app_as(url, plan, credentials).await;
    let report = play(map, plan, &mut Poster::new(&app, map), |_| ()).await;
    compose::close(app, None).await;
    report
}

/// Imports a file with the usual header and map.
pub(super) async fn import(url: &str, lines: &str) -> Report {
    import_as(url, lines, CREDENTIALS.clone()).await
}

/// The same by another installation.
pub(super) async fn import_as(url: &str, lines: &str, credentials: Credentials) -> Report {
    import_plan_as(url, &map(MAP), &planned(lines), credentials).await.unwrap()
}

/// Every table with its number of rows and all of its contents in order.
pub(super) async fn contents(url: &str) -> Vec<String> {
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let mut contents = Vec::new();
    for table in tables(&connection).await {
        let row = row_text(&connection, &table).await;
        for row in texts(&connection, &format!("select {row} as t from \"{table}\" order by 1")).await {
            contents.push(format!("{table}: {row}"));
        }
    }
    connection.close().await.unwrap();
    contents
}

async fn tables(connection: &DatabaseConnection) -> Vec<String> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => {
            "select tablename::text as t from pg_tables where schemaname = 'public' order by 1"
        }
        _ => {
            "select name as t from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by 1"
        }
    };
    texts(connection, sql).await
}

/// An expression for the whole row of a table as text.
async fn row_text(connection: &DatabaseConnection, table: &str) -> String {
    if connection.get_database_backend() == DbBackend::Postgres {
        return format!("cast(\"{table}\".* as text)");
    }
    let columns = texts(connection, &format!("select name as t from pragma_table_info('{table}')")).await;
    let quoted: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
    quoted.join(" || ',' || ")
}

pub(super) async fn texts(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql.to_owned());
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get::<String>("", "t").unwrap()).collect()
}

/// What a run leaves that does not depend on how operations were put into batches.
pub(super) async fn trace(url: &str) -> Vec<String> {
    let connection = sea_orm::Database::connect(url).await.unwrap();
    let id = |column: &str| match connection.get_database_backend() {
        DbBackend::Postgres => format!("replace(cast({column} as text), '-', '')"),
        _ => format!("lower(hex({column}))"),
    };
    let wallet = id("wallet_id");
    let text = |columns: &str| {
        let texts: Vec<String> =
            columns.split(' ').map(|column| format!("coalesce(cast({column} as text), '-')")).collect();
        texts.join(" || ' ' || ")
    };
    let ops = text(
        "seq kind amount money posted_after held_after pending_after debt_after occurred_at recorded_at",
    );
    let entries = text("seq leg account_kind amount value");
    let mut trace = Vec::new();
    for (table, columns) in [("op", ops), ("entry", entries)] {
        let sql = format!("select '{table} ' || {wallet} || ' ' || {columns} as t from {table} order by 1");
        trace.extend(texts(&connection, &sql).await);
    }
    connection.close().await.unwrap();
    // Collations differ between databases.
    trace.sort();
    trace
}

#[tokio::test]
async fn an_import_earns_refunds_and_lets_expire_on_the_way_alike_on_both_databases() {
    let mut traces = Vec::new();
    for database in TestDb::both().await {
        let report = import(&database.url, THREE_DAYS).await;
        assert_eq!((report.lines.read, report.lines.earned, report.lines.refunded), (9, 5, 3));
        assert_eq!(left_out(&report.skipped), [(10, "no_merchant", Some(1))]);
        assert_eq!((report.purchases.new, report.refunds.new), (5, 3));
        let totals: Vec<_> = report
            .merchants
            .iter()
            .map(|of| (of.merchant.as_str(), of.bought, of.earned, of.returned, of.taken_back))
            .collect();
        // Of the bakery's 40 points for customer 8, 30 are kept of 3 units; of the books' 150, 100.
        assert_eq!(totals, [("bakery", 2_500, 250, 100, 10), ("books", 1_250, 250, 750, 150)]);
        traces.push(trace(&database.url).await);
    }
    let [sqlite, postgres] = traces.as_slice() else { panic!("two databases") };
    assert_eq!(sqlite, postgres);
    // Midnight in Tehran after 2 January 2024 is 20:30 of that day in UTC: there the points of the first day expire.
    let at_midnight = |kind: u8| {
        let end = " 1704227400000000";
        sqlite
            .iter()
            .filter(|op| op.starts_with("op ") && op.ends_with(end))
            .any(|op| op.split(' ').nth(3) == Some(&kind.to_string()))
    };
    assert!(at_midnight(10), "{sqlite:#?}");
    assert!(
        sqlite.iter().any(|op| op.starts_with("op ") && op.split(' ').nth(3) == Some("8")),
        "{sqlite:#?}"
    );
}

#[tokio::test]
async fn a_second_run_finds_everything_and_changes_no_row() {
    for database in TestDb::both().await {
        let first = import(&database.url, THREE_DAYS).await;
        let before = contents(&database.url).await;
        let second = import(&database.url, THREE_DAYS).await;
        let after = contents(&database.url).await;
        assert!(before == after, "the second run changed rows");
        let connection = sea_orm::Database::connect(&database.url).await.unwrap();
        let told = texts(&connection, "select cast(act as text) as t from audit_entry order by seq").await;
        connection.close().await.unwrap();
        // The import, and two merchants, each with its rule: all by the first run.
        assert_eq!(told, ["16", "1", "7", "1", "7"]);
        assert_eq!((second.purchases.new, second.purchases.already_there), (0, 5));
        assert_eq!((second.refunds.new, second.refunds.already_there), (0, 3));
        assert_eq!(first.lines, second.lines);
        assert_eq!(first.skipped, second.skipped);
    }
}

#[tokio::test]
async fn a_longer_file_of_the_same_name_adds_what_is_new() {
    for database in TestDb::both().await {
        import(&database.url, THREE_DAYS).await;
        let longer = format!("{THREE_DAYS}9,10,10A,1,1.00,2024-01-04 09:00\n");
        let report = import(&database.url, &longer).await;
        assert_eq!((report.purchases.new, report.purchases.already_there), (1, 5));
    }
}

#[tokio::test]
async fn a_changed_line_under_the_same_name_is_refused() {
    let database = TestDb::sqlite().await;
    import(&database.url, THREE_DAYS).await;
    let changed = planned(&THREE_DAYS.replacen("10A,2,10.00", "10A,3,10.00", 1));
    let error = import_plan(&database.url, &map(MAP), &changed).await.unwrap_err();
    assert!(matches!(&error, ImportError::Changed { receipt } if receipt == "1"), "{error}");
}

#[tokio::test]
async fn merchants_branches_and_members_are_registered_once_and_named() {
    for database in TestDb::both().await {
        let text = MAP.replace("time = \"time\"", "time = \"time\"\nbranch = \"city\"");
        let text = format!("{text}\n[branches]\n\"Shiraz\" = \"شیراز\"\n");
        let file = "city,customer,receipt,product,quantity,price,time\n\
            Shiraz,۷,1,10,1,1,2024-01-01 10:00\n\
            Yazd,7,2,10,1,1,2024-01-01 10:00\n\
            Shiraz,7,3,20,1,1,2024-01-01 10:00\n";
        let (map, plan) = (map(&text), read(&text, file.as_bytes()).unwrap());
        import_plan(&database.url, &map, &plan).await.unwrap();
        let app = app(&database.url, &plan).await;
        let mut members = Vec::new();
        for (merchant, branches) in map.merchants.iter().zip([2, 1]) {
            let known = app.directory.merchant_file(merchant.id).await.unwrap().unwrap();
            assert_eq!(known.branches.len(), branches);
            assert!(known.branches.values().any(|branch| branch.names.fa.as_str() == "شیراز"));
            assert_eq!(known.rules.len(), 1);
            let customer_ref = CustomerRef::parse("7").unwrap();
            let lookup = MemberLookup::Customer { merchant: merchant.id, customer_ref };
            let caller = Caller::Merchant(merchant.id);
            let found = app.directory.members(caller).find(&lookup).await.unwrap().unwrap();
            assert_eq!(found.name(), "Customer 7", "who has a reference is known");
            members.push(found.id);
        }
        assert_eq!(members[0], members[1], "one member with one wallet");
        let found = app.directory.members(Caller::Operator).by_id(&members[..1]).await.unwrap();
        let mobile = found[0].mobile().unwrap();
        assert!(mobile.as_str().starts_with("+98995"), "{mobile}");
        compose::close(app, None).await;
    }
}

#[tokio::test]
async fn members_whose_placeholder_is_taken_get_another() {
    let database = TestDb::sqlite().await;
    // Four digits of the number are free here, so that some of three hundred members meet.
    let text = MAP.replace("\"0995\"", "\"0995000\"");
    let lines: String =
        (0..300).map(|number| format!("{number},{number},10,1,1,2024-01-01 10:00\n")).collect();
    let plan = read(&text, format!("{HEADER}{lines}").as_bytes()).unwrap();
    let report = import_plan(&database.url, &map(&text), &plan).await.unwrap();
    assert_eq!(report.purchases.new, 300);
}

#[tokio::test]
async fn a_merchant_of_the_network_is_taken_by_its_id() {
    let database = TestDb::sqlite().await;
    import(&database.url, THREE_DAYS).await;
    let bakery = map(MAP).merchants[0].id;
    let text = format!(
        "{}[[merchants]]\ncode = \"known\"\nid = \"{bakery}\"\n",
        MAP.split("[[merchants]]").next().unwrap().replace("\"small\"", "\"other\"")
    );
    let file = format!("{HEADER}7,77,10A,2,10.00,2024-01-05 10:00\n");
    let report =
        import_plan(&database.url, &map(&text), &read(&text, file.as_bytes()).unwrap()).await.unwrap();
    assert_eq!(report.purchases.new, 1);
    let connection = sea_orm::Database::connect(&database.url).await.unwrap();
    let members = texts(&connection, "select cast(count(*) as text) as t from member").await;
    assert_eq!(members, ["2"], "the bakery knows customer 7");
    let unknown = text.replace(&bakery.to_string(), "00000000-0000-8000-8000-000000000001");
    let plan = read(&unknown, file.as_bytes()).unwrap();
    let error = import_plan(&database.url, &map(&unknown), &plan).await.unwrap_err();
    assert!(matches!(error, ImportError::NoSuchMerchant(_)), "{error}");
}

#[tokio::test]
async fn what_the_ledger_refuses_is_left_out_with_the_refunds_that_follow() {
    for database in TestDb::both().await {
        let (map, plan) = (map(MAP), planned(THREE_DAYS));
        let early: String = THREE_DAYS.lines().take(1).map(|line| format!("{line}\n")).collect();
        import_plan(&database.url, &map, &planned(&early)).await.unwrap();
        let app = app(&database.url, &plan).await;
        let books = map.merchants[1].id;
        app.directory.set_merchant_status(books, MerchantStatus::Blocked, &act()).await.unwrap();
        compose::close(app, None).await;
        let report = import_plan(&database.url, &map, &plan).await.unwrap();
        assert_eq!(
            left_out(&report.skipped),
            [
                (3, "refused", Some(1)),
                (5, "purchase_refused", Some(-1)),
                (6, "refused", Some(3)),
                (8, "purchase_refused", Some(-1)),
                (10, "no_merchant", Some(1)),
            ]
        );
        assert_eq!(
            (report.purchases.already_there, report.purchases.new, report.purchases.refused),
            (1, 2, 2)
        );
        assert_eq!(report.cancelled_units.refused, 2);
    }
}

#[test]
fn events_of_one_instant_keep_the_order_of_the_file() {
    let plan = planned(THREE_DAYS);
    let receipts: Vec<&str> = plan
        .events
        .iter()
        .map(|event| match event {
            Event::Purchase(purchase) => purchase.receipt.as_str(),
            Event::Refund(refund) => refund.cancellation.as_str(),
        })
        .collect();
    assert_eq!(receipts, ["1", "1", "2", "C3", "4", "C5", "C6", "7"]);
}
