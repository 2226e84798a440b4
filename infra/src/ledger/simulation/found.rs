//! What seeds have found in the product, each made small.

use std::time::Duration;

use amvaj_domain::{
    calendar::LocalDay,
    earn::Basket,
    id::{BatchId, WalletId},
    ledger::{Command, CommandEarn, CommandRefund, Operation, RefundSpec, Tenant},
    money::{Currency, Money},
    text::ReceiptNumber,
    time::{Instant, Span},
};
use tokio::time;
use uuid::Uuid;

use super::{
    asks::{operation, rule},
    balances::check_existed,
    block_on,
    plan::Plan,
    random::Random,
    trace::Keep,
    weather::Weather,
    world::World,
};
use crate::{
    db::StoreError,
    ledger::{
        lane::{Lane, WriteOutcome},
        read::ReadSet,
        request::{Answer, Request, SubmitError},
    },
};

/// A network of one wallet and one merchant in good weather, whose steps take up to a millisecond.
fn calm_world() -> World {
    let mut random = Random::new(1);
    let mut plan = Plan::draw(&mut random);
    plan.wallets.truncate(1);
    plan.merchants.truncate(1);
    plan.settings.queue = 16;
    plan.settings.batch = 16;
    plan.settings.answer_within = Duration::from_secs(10);
    let world = World::over(plan, Weather::calm(1_000), &mut random, Keep::Nothing);
    world.redis.behave();
    world
}

/// A purchase under a number, whose points live so long.
fn purchase(world: &World, number: &str, lives: Span) -> Operation {
    let (now, merchant) = (world.nodes[0].now(), world.plan.merchants[0]);
    let command = Command::Earn(CommandEarn {
        receipt: ReceiptNumber::parse(number).unwrap(),
        basket: Basket::new(Money::new(50, Currency::IRR).unwrap(), Vec::new()).unwrap(),
        rule: Some(rule(merchant, &world.plan)),
        day: LocalDay::from_days(20_000),
        active_from: now,
        expires_at: Some(now.plus(lives)),
    });
    operation(world.plan.wallets[0], Tenant::Merchant(merchant), number, command, now)
}

#[test]
fn a_balance_has_the_figures_of_its_version_whatever_is_written_while_it_is_read() {
    for offset in 0..40 {
        block_on(async {
            let world = calm_world();
            let soon = Span::from_micros(10_000);
            world.nodes[0].submit(Request::Apply(purchase(&world, "one", soon))).await.unwrap();
            time::sleep(Duration::from_millis(30)).await;
            let write = async {
                time::sleep(Duration::from_micros(offset * 100)).await;
                world.nodes[0].submit(Request::Apply(purchase(&world, "two", Span::days(1)))).await.unwrap();
            };
            let (balance, ()) = tokio::join!(world.nodes[1].balance(world.plan.wallets[0], None), write);
            check_existed(&world, &balance.unwrap());
        });
    }
}

#[test]
fn twins_of_a_refund_that_waits_are_answered_in_one_batch() {
    block_on(async {
        let world = calm_world();
        let command = Command::Refund(CommandRefund {
            receipt: ReceiptNumber::parse("one").unwrap(),
            what: RefundSpec::Whole,
            grace: None,
        });
        let tenant = Tenant::Merchant(world.plan.merchants[0]);
        let nobody = WalletId::new(Uuid::nil());
        let refund = operation(nobody, tenant, "refund", command, world.nodes[0].now());
        let ask = || world.nodes[0].submit(Request::AwaitPurchase(refund.clone()));
        assert!(matches!(ask().await.unwrap(), Answer::Waiting { replayed: false }));
        for again in <[_; 2]>::from(tokio::join!(ask(), ask())) {
            assert!(matches!(again.unwrap(), Answer::Waiting { replayed: true }));
        }
        assert_eq!(world.store.inner().defects, Vec::<String>::new());
    });
}

#[test]
fn a_writer_whose_lanes_have_ended_is_not_alive() {
    block_on(async {
        let world = calm_world();
        let [node, other] = &world.nodes;
        assert!(node.is_alive());
        node.crash();
        time::sleep(Duration::from_millis(1)).await;
        assert_eq!((node.is_alive(), other.is_alive()), (false, true));
        node.restart();
        assert!(node.is_alive());
    });
}

#[test]
fn what_may_have_been_written_is_never_said_to_be_undone() {
    let mut lane = Lane::new(0, 8);
    lane.arrive(1, Request::Tend { wallet: WalletId::new(Uuid::nil()), receipt: None });
    let batch = lane.drain().unwrap();
    let pending = lane.decide(batch, ReadSet::default(), Instant::from_micros(0), BatchId::new(Uuid::nil()));
    lane.end(pending, WriteOutcome::Unknown("the connection is lost".to_owned()));
    let again = lane.drain().unwrap();
    let effects = lane.not_read(again, &StoreError::Failed("nobody knows why".to_owned()));
    assert!(matches!(effects.replies[0].answer, Err(SubmitError::OutcomeUnknown)), "{effects:?}");
}
