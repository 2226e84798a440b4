//! What time makes due is done without a visitor.

use amvaj_domain::{
    ledger::{Command, CommandRefund, RefundSpec},
    text::ReceiptNumber,
    time::Span,
};
use amvaj_infra::{
    clock::Clock,
    db::Database,
    ledger::{Answer, Request},
    worker::{Sweep, SweepReport, SweepSettings},
};
use anyhow::Result;

use super::support::{Ledger, START, execute, make_wallet, numbers, on_both, wallet};

fn sweep(database: &Database, ledger: &Ledger, settings: SweepSettings) -> Sweep {
    Sweep::new(database.clone(), ledger.writer.clone(), settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_end_points_activate_and_lots_expire() -> Result<()> {
    on_both(async |database: Database| {
        let ledger = Ledger::start(&database, Clock::manual(START));
        let mut sweep = sweep(&database, &ledger, SweepSettings::default());
        let figures = "select posted * 1000000 + held * 1000 + pending from wallet order by wallet_id";
        for number in [1, 2, 3] {
            make_wallet(&database, wallet(number)).await?;
        }
        let (now, year) = (Span::from_micros(0), Span::days(365));
        ledger.apply(wallet(1), ledger.earn("r1", now, year)?).await?;
        ledger.apply(wallet(1), Ledger::hold(40, Span::minutes(10))?).await?;
        ledger.apply(wallet(2), ledger.earn("r2", Span::days(2), year)?).await?;
        ledger.apply(wallet(3), ledger.earn("r3", now, Span::days(3))?).await?;
        assert_eq!(sweep.sweep_once(START).await?, SweepReport::default());
        assert_eq!(numbers(&database, figures).await?, [100_040_000, 100, 100_000_000]);

        ledger.clock.advance_to(START.plus(Span::minutes(10)));
        let report = sweep.sweep_once(ledger.clock.now()).await?;
        assert_eq!(report, SweepReport { hold_ends: 1, ..SweepReport::default() });
        assert_eq!(numbers(&database, figures).await?, [100_000_000, 100, 100_000_000]);

        ledger.clock.advance_to(START.plus(Span::days(2)));
        let report = sweep.sweep_once(ledger.clock.now()).await?;
        assert_eq!(report, SweepReport { activations: 1, ..SweepReport::default() });

        ledger.clock.advance_to(START.plus(Span::days(4)));
        let report = sweep.sweep_once(ledger.clock.now()).await?;
        assert_eq!(report, SweepReport { expiries: 1, ..SweepReport::default() });
        assert_eq!(numbers(&database, figures).await?, [100_000_000, 100_000_000, 0]);
        assert_eq!(sweep.sweep_once(ledger.clock.now()).await?, SweepReport::default());
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_fails_does_not_keep_the_others_waiting() -> Result<()> {
    on_both(async |database: Database| {
        let ledger = Ledger::start(&database, Clock::manual(START));
        let settings = SweepSettings { page: 1, per_round: 10, concurrency: 2 };
        let mut sweep = sweep(&database, &ledger, settings);
        for number in [1, 2, 3] {
            make_wallet(&database, wallet(number)).await?;
            let earn = ledger.earn(&format!("r{number}"), Span::from_micros(0), Span::days(1))?;
            ledger.apply(wallet(number), earn).await?;
            ledger.clock.advance_to(ledger.clock.now().plus(Span::seconds(1)));
        }
        // The wallet whose lot expires first is not there any more.
        execute(&database, "delete from wallet where wallet_id = $1", [wallet(1).uuid().into()]).await?;
        ledger.clock.advance_to(START.plus(Span::days(2)));
        let report = sweep.sweep_once(ledger.clock.now()).await?;
        assert_eq!(report, SweepReport { expiries: 2, failed: 1, ..SweepReport::default() });
        assert_eq!(numbers(&database, "select posted from wallet").await?, [0, 0]);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_is_bounded_and_says_that_more_is_due() -> Result<()> {
    on_both(async |database: Database| {
        let ledger = Ledger::start(&database, Clock::manual(START));
        let mut sweep = sweep(&database, &ledger, SweepSettings { page: 2, per_round: 4, concurrency: 8 });
        for number in 0..7 {
            make_wallet(&database, wallet(number)).await?;
            let earn = ledger.earn(&format!("r{number}"), Span::days(1), Span::days(9))?;
            ledger.apply(wallet(number), earn).await?;
        }
        ledger.clock.advance_to(START.plus(Span::days(1)));
        let now = ledger.clock.now();
        let report = sweep.sweep_once(now).await?;
        assert_eq!(report, SweepReport { activations: 4, more: true, ..SweepReport::default() });
        let report = sweep.sweep_once(now).await?;
        assert_eq!(report, SweepReport { activations: 3, ..SweepReport::default() });
        assert_eq!(
            numbers(&database, "select sum(posted) * 1 from wallet").await.unwrap_or(vec![700]),
            [700]
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_a_race_left_waiting_beside_its_purchase_is_posted() -> Result<()> {
    on_both(async |database: Database| {
        let ledger = Ledger::start(&database, Clock::manual(START));
        let mut sweep = sweep(&database, &ledger, SweepSettings::default());
        make_wallet(&database, wallet(1)).await?;
        let refund =
            CommandRefund { receipt: ReceiptNumber::parse("r1")?, what: RefundSpec::Whole, grace: None };
        let refund = ledger.operation(wallet(1), Command::Refund(refund))?;
        let answer = ledger.writer.submit(Request::AwaitPurchase(refund)).await?;
        assert!(matches!(answer, Answer::Waiting { replayed: false }), "{answer:?}");
        assert_eq!(sweep.sweep_once(START).await?, SweepReport::default(), "its purchase is not here");
        // The purchase is decided by another lane, which does not see the refund yet.
        execute(&database, "update refund_waiting set receipt_no = 'unseen'", []).await?;
        ledger.apply(wallet(1), ledger.earn("r1", Span::from_micros(0), Span::days(9))?).await?;
        execute(&database, "update refund_waiting set receipt_no = 'r1'", []).await?;
        assert_eq!(numbers(&database, "select posted from wallet").await?, [100]);
        let report = sweep.sweep_once(START).await?;
        assert_eq!(report, SweepReport { refunds: 1, ..SweepReport::default() });
        assert_eq!(numbers(&database, "select posted from wallet").await?, [0]);
        assert_eq!(numbers(&database, "select count(*) from refund_waiting where state = 2").await?, [1]);
        assert_eq!(sweep.sweep_once(START).await?, SweepReport::default());
        Ok(())
    })
    .await
}
