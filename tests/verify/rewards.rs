//! Rewards of the story, and redemptions that came to every end there is.

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MerchantId, RedemptionId, RewardId, WalletId};
use amvaj_domain::ledger::{Digest, Idem, Tenant};
use amvaj_domain::points::Points;
use amvaj_domain::reward::{Redemption, Reward, RewardKind, RewardStatus, RewardTerms, VoucherCode};
use amvaj_domain::text::{IdempotencyKey, Name};
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::db::Database;
use amvaj_infra::outbox::Buckets;
use amvaj_infra::reward::{Begin, Begun, Created, Rewards, StockChange};
use sea_orm::{ConnectionTrait as _, Statement};
use uuid::Uuid;

/// The coffee (1), of which there are a few, the trip (2), which never runs out and nobody can pay, and the book (3).
fn reward(number: u8, merchant: MerchantId, now: Instant) -> Reward {
    let (points, stock) = match number {
        1 => (10, Some(5)),
        2 => (1_000_000, None),
        _ => (20, Some(2)),
    };
    Reward {
        id: RewardId::new(Uuid::from_u128(0xe000 + u128::from(number))),
        merchant,
        terms: RewardTerms {
            kind: RewardKind::Item,
            title: Name::parse("something").unwrap(),
            description: None,
            points: Points::new(points).unwrap(),
            limit_per_member: None,
            valid_from: None,
            valid_until: None,
            reserve: Span::days(if number == 3 { 5 } else { 30 }),
        },
        stock,
        status: RewardStatus::Active,
        version: 1,
        created_at: now,
    }
}

fn idem(merchant: MerchantId, key: &str) -> Idem {
    Idem::of(Tenant::Merchant(merchant), &IdempotencyKey::parse(key).unwrap())
}

/// Offers the rewards, and fills the stock of the first.
pub(super) async fn offer(rewards: &Rewards, merchant: MerchantId, now: Instant) {
    for number in 1..=3 {
        let reward = reward(number, merchant, now);
        let act = |kind| Act::new(&Author::console(), kind, Target::Reward(reward.id), now);
        let key = (idem(merchant, &format!("reward-{number}")), Digest::of([b"reward".as_slice()]));
        let made = rewards.create(&reward, key, &act(ActKind::RewardMade)).await.unwrap();
        assert!(matches!(made, Created::Reward { replayed: false, .. }));
        if number == 1 {
            let change =
                StockChange { merchant, reward: reward.id, idem: idem(merchant, "stock-1"), change: 3 };
            let changed = rewards.change_stock(&change, &act(ActKind::RewardStockChanged)).await.unwrap();
            assert_eq!(changed.unwrap().0.stock, Some(8));
        }
    }
}

/// Redeems a reward for a wallet, under a number of its own; answers the number of the hold, if there is one.
pub(super) async fn redeem(
    rewards: &Rewards,
    (merchant, wallet): (MerchantId, WalletId),
    (of, number): (u8, u128),
    now: Instant,
) -> Option<i64> {
    let begin = Begin {
        id: RedemptionId::in_wallet(Uuid::from_u128(0xd_0000 + (number << 8)), wallet),
        key: (idem(merchant, &format!("redemption-{number}")), Digest::of([b"redemption".as_slice()]).into()),
        tenant: Tenant::Merchant(merchant),
        reward: reward(of, merchant, now).id,
        wallet,
        price: None,
        branch: None,
        vouchers: vec![VoucherCode::from_random(Uuid::from_u128(number))],
        now,
    };
    let Begun::Pending(redemption) = rewards.begin(&begin).await.unwrap() else {
        panic!("it can be redeemed");
    };
    let redemption: Redemption = *redemption;
    let recorded = rewards.place(&redemption).await.unwrap();
    recorded.op.rejection.is_none().then_some(recorded.op.seq)
}

/// Notes what became of the holds.
pub(super) async fn follow(database: &Database, rewards: &Rewards, held: &Buckets) {
    let keeper = rewards.keeper();
    keeper.register().await.unwrap();
    while keeper.keep(held, 100).await.unwrap() > 0 {}
    let connection = database.for_migrations();
    let states = "select cast(count(distinct state) as integer) from redemption";
    let statement = Statement::from_string(connection.get_database_backend(), states);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    let count: i32 = row.try_get_by_index(0).unwrap();
    assert_eq!(count, 5, "reserved, captured, released, expired and refused");
}
