//! A backup that was put back: nothing of the time after it is believed, and everything goes on from there.

use std::process::{Command, Output};
use std::time::Duration;

use amvaj_api::app::relay_outbox::relay_outbox;
use amvaj_api::graphql::global_id::GlobalId;
use amvaj_domain::access::Caller;
use amvaj_infra::outbox;
use serde_json::json;

use crate::program;
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::till::{POINTS, Till, assert_sound, codes};

/// The program on a database of a test.
fn amvaj(url: &str, arguments: &[&str]) -> Output {
    let folder = program::empty_folder("backup");
    let mut command: Command = program::amvaj(&folder);
    command.env("AMVAJ_DATABASE_URL", url).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A backup of a server's database, put back as a database of its own.
async fn backed_up_and_put_back(app: &TestApp) -> TestDb {
    if app.app.db.is_postgres() {
        let refused = amvaj(app.url(), &["backup", "never.sqlite"]);
        assert!(
            !refused.status.success() && said(&refused).contains("docs/operations.md"),
            "{}",
            said(&refused)
        );
        return TestDb::postgres_from(app.url()).await;
    }
    let file = std::env::temp_dir()
        .join(format!("amvaj-backup-{}.sqlite", amvaj_api::random::uuid(app.clock.now())));
    let _ = std::fs::remove_file(&file);
    let path = file.to_str().unwrap();
    let done = amvaj(app.url(), &["backup", path]);
    assert!(done.status.success(), "{}", said(&done));
    let refused = amvaj(app.url(), &["backup", path]);
    assert!(!refused.status.success() && said(&refused).contains("is there already"), "{}", said(&refused));
    let database = TestDb::sqlite_from(&file).await;
    std::fs::remove_file(&file).unwrap();
    database
}

/// A connection that has rested is looked at before it is used, so nobody is told of the cut a moment later.
async fn a_moment_later() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

/// The posted points of a till's wallet as the server tells them, from the cache if it may.
async fn posted(app: &TestApp, till: &Till<'_>) -> i64 {
    let id = GlobalId::Wallet(till.wallet).write();
    let answer = app.data(Caller::Operator, POINTS, "Wallet", json!({ "id": id.as_str() })).await;
    answer["wallet"]["posted"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_put_back_is_where_everything_goes_on() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        till.earn("k-1", "1", 100).await;
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        let sealed = outbox::heads(&app.app.db).await.unwrap();
        // What is not relayed yet when the backup is made waits in it.
        till.earn("k-2", "2", 10).await;
        let database = backed_up_and_put_back(&app).await;
        a_moment_later().await;
        till.earn("k-3", "3", 1).await;
        assert_eq!(posted(&app, &till).await, 111);
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        let lost = outbox::heads(&app.app.db).await.unwrap();

        let ready = amvaj(&database.url, &["restored"]);
        assert!(ready.status.success() && said(&ready).contains("Ready"), "{}", said(&ready));
        let waiting = outbox::heads(&database.database).await.unwrap();
        assert_ne!(waiting, sealed, "what waited in the outbox is relayed");
        for (kept, is_there) in [(&sealed, true), (&waiting, true), (&lost, false)] {
            let folder = program::empty_folder("backup-heads");
            let file = folder.join("heads.json");
            let heads = amvaj_api::app::ledger_heads::LedgerHeads::from_bytes(kept);
            std::fs::write(&file, serde_json::to_string(&heads).unwrap()).unwrap();
            let verified = amvaj(&database.url, &["verify", "--heads", file.to_str().unwrap()]);
            assert_eq!(verified.status.success(), is_there, "{}", said(&verified));
        }

        // The same Redis beside PostgreSQL: it still has the balance of the time that is lost.
        let restored = TestApp::start(database).await;
        let again = Till { app: &restored, ..till };
        assert_eq!(posted(&restored, &again).await, 110, "nothing of the lost time is believed");
        let replayed = again.earn("k-2", "2", 10).await;
        assert_eq!((replayed["replayed"].clone(), codes(&replayed).len()), (json!(true), 0));
        let sent_again = again.earn("k-3", "3", 1).await;
        assert_eq!((sent_again["replayed"].clone(), codes(&sent_again).len()), (json!(false), 0));
        assert_eq!(again.wallet_now().await["posted"], "111");
        relay_outbox(&restored.app, restored.clock.now()).await.unwrap();
        assert_sound(&restored).await;
    }
}

#[test]
fn a_database_that_was_never_used_was_not_restored() {
    let folder = program::empty_folder("never-used");
    for arguments in [&["backup", "copy.sqlite"][..], &["restored"]] {
        let refused = program::amvaj(&folder).args(arguments).output().unwrap();
        assert!(!refused.status.success() && said(&refused).contains("never used"), "{}", said(&refused));
    }
    assert!(!folder.join("copy.sqlite").exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_erased_since_the_backup_is_erased_again() {
    for app in TestApp::both().await {
        let till = Till::open(&app, "09123456789").await;
        let later = Till::open(&app, "09123456780").await;
        till.earn("k-1", "1", 100).await;
        till.hold("k-2", 10, 600).await;
        relay_outbox(&app.app, app.clock.now()).await.unwrap();
        let database = backed_up_and_put_back(&app).await;
        a_moment_later().await;
        app.clock.advance_to(app.clock.now().plus(amvaj_domain::time::Span::minutes(30)));
        let erase = "mutation E($id: ID!) { eraseMember(input: { memberId: $id }) { userErrors { code } } }";
        // One who joined after the backup is not in it.
        let joined = app.member("مینا", "09350000000").await;
        for member in [till.member, later.member, joined] {
            let id = GlobalId::Member(member).write();
            let done = app.data(Caller::Operator, erase, "E", json!({ "id": id.as_str() })).await;
            assert_eq!(codes(&done["eraseMember"]), Vec::<&str>::new());
        }
        let listed = amvaj(app.url(), &["erasures", "--since", "2027-01-15T08:10:00Z"]);
        assert!(listed.status.success(), "{}", said(&listed));
        let list = String::from_utf8(listed.stdout).unwrap();
        assert_eq!(list.lines().count(), 3, "{list}");
        assert!(list.contains(&till.member.to_string()), "{list}");
        let none = amvaj(app.url(), &["erasures", "--since", "2027-02-15T08:10:00Z"]);
        assert!(none.status.success() && none.stdout.is_empty());

        let folder = program::empty_folder("erasures");
        let file = folder.join("erasures.txt");
        std::fs::write(&file, "nonsense\n").unwrap();
        let refused = amvaj(&database.url, &["restored", "--erasures", file.to_str().unwrap()]);
        assert!(!refused.status.success() && said(&refused).contains("line 1"), "{}", said(&refused));
        std::fs::write(&file, &list).unwrap();
        let ready = amvaj(&database.url, &["restored", "--erasures", file.to_str().unwrap()]);
        assert!(ready.status.success() && said(&ready).contains("2 members"), "{}", said(&ready));
        let again = amvaj(&database.url, &["restored", "--erasures", file.to_str().unwrap()]);
        assert!(again.status.success(), "{}", said(&again));
        let restored = TestApp::start(database).await;
        for member in [till.member, later.member] {
            let id = GlobalId::Member(member).write();
            let query = "query M($id: ID!) { member(ref: { id: $id }) { status mobile } }";
            let found = restored.data(Caller::Operator, query, "M", json!({ "id": id.as_str() })).await;
            assert_eq!(found["member"], json!({ "status": "ERASED", "mobile": null }));
        }
        assert_sound(&restored).await;
    }
}
