//! The public writer on SQLite and on PostgreSQL: the same random commands leave the same rows.

use std::time::Duration;

use amvaj_domain::{
    calendar::LocalDay,
    earn::{Basket, BasketLine, EarnRule, Rate},
    id::{MerchantId, WalletId},
    ledger::{
        Command, CommandEarn, CommandHold, CommandRedeem, CommandRefund, Digest, Idem, Operation, Prices,
        RefundSpec, Tenant, WalletStatus, Window,
    },
    money::{Currency, Money},
    points::Points,
    text::{IdempotencyKey, ReceiptNumber},
    time::{Instant, Span},
};
use amvaj_infra::{
    cache::{BalanceCache, MemorySettings},
    clock::Clock,
    db::{Database, DatabaseSettings},
    ledger::{Answer, LedgerWriter, Request, WriterSettings},
};
use amvaj_migrations::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, Statement};
use uuid::Uuid;

const START: i64 = 1_700_000_000_000_000;

async fn open(url: &str) -> anyhow::Result<Database> {
    let database = Database::open(&DatabaseSettings {
        url: url.to_owned(),
        max_connections: 8,
        acquire_timeout: Duration::from_secs(5),
    })
    .await?;
    Migrator::up(database.for_migrations(), None).await?;
    Ok(database)
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn merchant(number: u64) -> MerchantId {
    MerchantId::new(Uuid::from_u128(0xA000 + u128::from(number)))
}

fn wallet(number: u64) -> WalletId {
    WalletId::new(Uuid::from_u128(0xB00_0000 + u128::from(number) * 77))
}

fn command(random: &mut Random, now: Instant) -> (u64, Command) {
    let of = random.below(3);
    let points = |random: &mut Random| Points::new(1 + i64::try_from(random.below(120)).unwrap()).unwrap();
    let receipt = |random: &mut Random| ReceiptNumber::parse(&format!("r{}", random.below(60))).unwrap();
    let command = match random.below(12) {
        0..=4 => {
            let lines: Vec<BasketLine> = (1..=1 + i32::try_from(random.below(3)).unwrap())
                .map(|line_no| BasketLine {
                    line_no,
                    product: None,
                    category: (random.below(4) == 0).then(|| "gift".to_owned()),
                    amount: 100 + i64::try_from(random.below(900)).unwrap(),
                    quantity: 1 + i64::try_from(random.below(3)).unwrap(),
                })
                .collect();
            let total = lines.iter().map(|line| line.amount).sum();
            Command::Earn(CommandEarn {
                receipt: receipt(random),
                basket: Basket::new(Money::new(total, Currency::IRR).unwrap(), lines).unwrap(),
                rule: Some(EarnRule {
                    version: 1,
                    effective_from: Instant::from_micros(0),
                    rate: Rate { points: 1, per: 7 },
                    minimum_basket: 150,
                    cap_per_purchase: None,
                    cap_per_day: (of == 0).then(|| Points::new(500).unwrap()),
                    excluded_categories: ["gift".to_owned()].into(),
                    pending_days: 0,
                    expiry: amvaj_domain::calendar::ExpiryPolicy::Never,
                    spend_only_at_issuer: of == 2,
                }),
                day: LocalDay::from_days(now.micros() / 86_400_000_000),
                active_from: if of == 1 { now.plus(Span::days(2)) } else { now },
                expires_at: Some(now.plus(Span::days(20))),
            })
        }
        5 => Command::Hold(CommandHold {
            amount: points(random),
            ttl: Span::days(1),
            receipt: Some(receipt(random)),
        }),
        6 => Command::Capture { hold: 1 + i64::try_from(random.below(40)).unwrap(), amount: None },
        7 => Command::Release { hold: 1 + i64::try_from(random.below(40)).unwrap() },
        8 => Command::Redeem(CommandRedeem {
            amount: points(random),
            receipt: (random.below(2) == 0).then(|| receipt(random)),
        }),
        9 | 10 => Command::Refund(CommandRefund {
            receipt: receipt(random),
            what: match random.below(3) {
                0 => RefundSpec::Whole,
                1 => RefundSpec::Lines(vec![(1, 1)]),
                _ => RefundSpec::Amount(100),
            },
            grace: Some(Span::days(30)),
        }),
        _ => {
            Command::SetStatus(if random.below(2) == 0 { WalletStatus::Blocked } else { WalletStatus::Open })
        }
    };
    (of, command)
}

/// Plays `steps` random commands and answers everything that was said and stored, as text.
async fn trace(database: &Database, steps: u64, seed: u64) -> anyhow::Result<Vec<String>> {
    let clock = Clock::manual(Instant::from_micros(START));
    for number in 0..5 {
        let id = wallet(number);
        let backend = database.for_migrations().get_database_backend();
        let sql = "insert into wallet (shard_no, wallet_id, posted, held, pending, debt, version, next_lot, status, \
             last_recorded_at, next_due) values ($1, $2, 0, 0, 0, 0, 0, 1, 1, 0, 9223372036854775807)";
        let values = [id.shard_no().into(), id.uuid().into()];
        database.for_migrations().execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
    let writer = LedgerWriter::start(
        database,
        std::sync::Arc::new(BalanceCache::memory(&MemorySettings::default())),
        &clock,
        |now| Uuid::from_u128(u128::try_from(now.micros()).unwrap_or_default()),
        &WriterSettings::default(),
    );
    let mut random = Random(seed);
    let mut said = Vec::new();
    for step in 0..steps {
        clock.advance_to(
            clock.now().plus(Span::seconds(3_600 + i64::try_from(random.below(40_000)).unwrap())),
        );
        let now = clock.now();
        let (of, command) = command(&mut random, now);
        let tenant = Tenant::Merchant(merchant(of));
        let key = IdempotencyKey::parse(&format!("k{}", if random.below(10) == 0 { step / 2 } else { step }))
            .unwrap();
        let operation = Operation {
            wallet: wallet(random.below(5)),
            tenant,
            idem: Idem::of(tenant, &key),
            body: Digest::of([format!("{command:?}").as_bytes()]),
            merchant: Some(merchant(of)),
            branch: None,
            occurred_at: now,
            window: Window { look_back: Span::days(30), ahead: Span::minutes(5) },
            prices: Prices { issue: 10, redeem: 8 },
            refusal: None,
            command,
        };
        let waits = matches!(operation.command, Command::Refund(_)) && random.below(2) == 0;
        let request = if waits { Request::AwaitPurchase(operation) } else { Request::Apply(operation) };
        match writer.submit(request).await {
            Ok(Answer::Recorded(recorded)) => said.push(format!("{step} {recorded:?}")),
            other => said.push(format!("{step} {other:?}")),
        }
    }
    writer.close().await;
    Ok(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_answer_the_same_commands_alike() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("amvaj-trace-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let sqlite = open(&format!("sqlite://{}/trace.sqlite", folder.display())).await?;
    let url = std::env::var("AMVAJ_TEST_DATABASE_URL")?;
    let admin = open_admin(&url).await?;
    let name = format!("trace_{}", std::process::id());
    admin.for_migrations().execute_unprepared(&format!("create database {name}")).await?;
    let postgres = open(&format!("{}/{name}", url.rsplit_once('/').unwrap().0)).await?;
    let (a, b) = (trace(&sqlite, 600, 7).await?, trace(&postgres, 600, 7).await?);
    let mut kinds = std::collections::BTreeMap::new();
    for line in &a {
        let w = line.split(' ').nth(1).unwrap_or("").to_owned();
        *kinds.entry(w).or_insert(0) += 1;
    }
    eprintln!("{kinds:?}");
    for (x, y) in a.iter().zip(&b) {
        assert_eq!(x, y);
    }
    Ok(())
}
async fn open_admin(url: &str) -> anyhow::Result<Database> {
    Ok(Database::open(&DatabaseSettings {
        url: url.to_owned(),
        max_connections: 2,
        acquire_timeout: Duration::from_secs(5),
    })
    .await?)
}
