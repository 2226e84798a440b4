//! The public writer on SQLite and on PostgreSQL: the same random commands leave the same rows.

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
    db::Database,
    ledger::{Answer, LedgerWriter, Request, WriterSettings},
};
use sea_orm::{ConnectionTrait as _, QueryResult, Statement};
use uuid::Uuid;

use crate::support::database::TestDb;

const START: i64 = 1_700_000_000_000_000;

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
            body: Digest::of([format!("{command:?}").as_bytes()]).into(),
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
    for seed in [7, 20] {
        let [sqlite, postgres] = TestDb::both().await;
        let said = trace(&sqlite.database, 400, seed).await?;
        for (step, (left, right)) in said.iter().zip(&trace(&postgres.database, 400, seed).await?).enumerate()
        {
            assert_eq!(left, right, "seed {seed}, step {step}");
        }
        let applied = said.iter().filter(|line| line.contains("rejection: None")).count();
        assert!(applied > 100, "only {applied} of the commands were applied");
        for table in TABLES {
            assert_eq!(
                rows(&sqlite.database, table).await?,
                rows(&postgres.database, table).await?,
                "{table}"
            );
        }
    }
    Ok(())
}

/// The tables of the ledger, each with the columns that order its rows.
const TABLES: [&str; 14] = [
    "wallet",
    "op",
    "entry",
    "lot",
    "lot_use",
    "hold",
    "purchase",
    "purchase_line",
    "receipt_redemption",
    "cap_used",
    "claim",
    "receipt",
    "refund_waiting",
    "outbox",
];

/// All rows of a table as text, in an order that does not depend on the database.
async fn rows(database: &Database, table: &str) -> anyhow::Result<Vec<String>> {
    let connection = database.for_migrations();
    let sql = format!("select * from {table}");
    let found =
        connection.query_all_raw(Statement::from_string(connection.get_database_backend(), sql)).await?;
    let mut rows: Vec<String> = found
        .iter()
        .map(|row| {
            let mut cells: Vec<String> = row.column_names().iter().map(|name| cell(row, name)).collect();
            cells.sort();
            cells.join(" ")
        })
        .collect();
    rows.sort();
    Ok(rows)
}

/// One value with its column's name, whatever its type. Ids of batches differ by design between runs of two lanes and
/// of one.
fn cell(row: &QueryResult, name: &str) -> String {
    if name == "batch_id" || name == "bucket" || name == "payload" {
        return String::new();
    }
    let value = row
        .try_get::<Option<i64>>("", name)
        .map(|value| format!("{value:?}"))
        .or_else(|_| row.try_get::<Option<i32>>("", name).map(|value| format!("{value:?}")))
        .or_else(|_| row.try_get::<Option<i16>>("", name).map(|value| format!("{value:?}")))
        .or_else(|_| row.try_get::<Option<Uuid>>("", name).map(|value| format!("{value:?}")))
        .or_else(|_| row.try_get::<Option<String>>("", name).map(|value| format!("{value:?}")))
        .or_else(|_| row.try_get::<Option<Vec<u8>>>("", name).map(|value| format!("{value:?}")));
    format!("{name}={}", value.unwrap_or_else(|error| panic!("{name}: {error}")))
}
