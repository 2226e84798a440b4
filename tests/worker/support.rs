//! Databases of a test's own, a writer on a clock that the test moves, and rows made by hand.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use amvaj_domain::{
    calendar::{ExpiryPolicy, LocalDay},
    earn::{Basket, BasketLine, EarnRule, Rate},
    id::{MerchantId, WalletId},
    ledger::{Command, CommandEarn, CommandHold, Digest, Idem, Operation, Prices, Tenant, Window},
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
use anyhow::{Context as _, Result, bail};
use sea_orm::{ConnectionTrait as _, Statement, Value};
use uuid::Uuid;

pub(super) const START: Instant = Instant::from_micros(1_700_000_000_000_000);

/// Runs a test on a fresh database of each kind, and removes both however it ends.
pub(super) async fn on_both<F, Fut>(test: F) -> Result<()>
where
    F: Fn(Database) -> Fut,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let name = format!("worker_{}_{}", std::process::id(), next());
    let file = std::env::temp_dir().join(&name);
    let url = format!("sqlite://{}.sqlite", file.display());
    let sqlite = open(&url).await?;
    let ended = tokio::spawn(test(sqlite.clone())).await;
    sqlite.close().await?;
    for suffix in ["sqlite", "sqlite-wal", "sqlite-shm"] {
        // The write-ahead log is gone already when the last connection closed well.
        let _ = std::fs::remove_file(file.with_extension(suffix));
    }
    ended?.context("on SQLite")?;

    let server = setting("AMVAJ_TEST_DATABASE_URL")?;
    let admin = connect(&server).await?;
    execute(&admin, &format!("create database {name}"), []).await?;
    let (before, _) = server.rsplit_once('/').context("a database URL ends in a name")?;
    let postgres = open(&format!("{before}/{name}")).await?;
    let ended = tokio::spawn(test(postgres.clone())).await;
    postgres.close().await?;
    execute(&admin, &format!("drop database {name} with (force)"), []).await?;
    ended?.context("on PostgreSQL")
}

#[expect(clippy::disallowed_methods, reason = "the address of a test's server has no other way in")]
pub(super) fn setting(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("set {name}, as tests/run does"))
}

/// Differs at every call within this process.
pub(super) fn next() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    COUNTER.fetch_add(1, Ordering::Relaxed)
}

async fn connect(url: &str) -> Result<Database> {
    let acquire_timeout = Duration::from_secs(10);
    Ok(Database::open(&DatabaseSettings {
        url: url.to_owned(),
        max_connections: 8,
        read_timeout: None,
        acquire_timeout,
    })
    .await?)
}

async fn open(url: &str) -> Result<Database> {
    let database = connect(url).await?;
    Migrator::up(database.for_migrations(), None).await?;
    Ok(database)
}

pub(super) async fn execute<const N: usize>(
    database: &Database,
    sql: &str,
    values: [Value; N],
) -> Result<()> {
    let connection = database.for_migrations();
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    connection.execute_raw(statement).await?;
    Ok(())
}

/// The first column of the rows, as whole numbers.
pub(super) async fn numbers(database: &Database, sql: &str) -> Result<Vec<i64>> {
    let connection = database.for_migrations();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// Wallets of even numbers are in bucket 2, those of odd numbers in bucket 3.
pub(super) fn wallet(number: u128) -> WalletId {
    WalletId::new(Uuid::from_u128((number << 64) | 2 | (number & 1)))
}

pub(super) fn merchant() -> MerchantId {
    MerchantId::new(Uuid::from_u128(0xA000))
}

pub(super) async fn make_wallet(database: &Database, id: WalletId) -> Result<()> {
    let sql = "insert into wallet (shard_no, wallet_id, posted, held, pending, debt, version, next_lot, status, \
         last_recorded_at, next_due) values ($1, $2, 0, 0, 0, 0, 0, 1, 1, 0, 9223372036854775807)";
    execute(database, sql, [id.shard_no().into(), id.uuid().into()]).await
}

/// A committed batch by hand: its operations and its row in the outbox. All wallets are of one bucket.
pub(super) async fn make_batch(database: &Database, batch: u128, touched: &[(u128, i64, i64)]) -> Result<()> {
    let sql = "insert into op (shard_no, wallet_id, seq, caller, idem, kind, amount, body_hash, posted_after, \
         held_after, pending_after, debt_after, batch_id, occurred_at, recorded_at) \
         values ($1, $2, $3, $4, $5, 1, 0, $5, 0, 0, 0, 0, $6, 0, 0)";
    let batch_id = Uuid::from_u128(batch);
    let mut payload = Vec::new();
    for (number, first, last) in touched {
        let id = wallet(*number);
        for seq in *first..=*last {
            let idem = Uuid::from_u128(next().into());
            let values = [
                id.shard_no().into(),
                id.uuid().into(),
                seq.into(),
                vec![4_u8; 17].into(),
                idem.into(),
                batch_id.into(),
            ];
            execute(database, sql, values).await?;
        }
        payload.push(format!("[\"{}\",{first},{last}]", id.uuid()));
    }
    let bucket = wallet(touched[0].0).bucket();
    let sql = "insert into outbox (bucket, batch_id, payload) values ($1, $2, $3)";
    execute(database, sql, [bucket.into(), batch_id.into(), format!("[{}]", payload.join(",")).into()]).await
}

/// A ledger on a clock.
pub(super) struct Ledger {
    pub(super) clock: Clock,
    pub(super) writer: LedgerWriter,
}

impl Ledger {
    pub(super) fn start(database: &Database, clock: Clock) -> Self {
        let balances = std::sync::Arc::new(BalanceCache::memory(&MemorySettings::default()));
        let id = |now: Instant| {
            let time = u128::try_from(now.micros()).unwrap_or_default();
            Uuid::from_u128((time << 64) | u128::from(next()))
        };
        let writer = LedgerWriter::start(database, balances, &clock, id, &WriterSettings::default());
        Self { clock, writer }
    }

    pub(super) fn operation(&self, of: WalletId, command: Command) -> Result<Operation> {
        let tenant = Tenant::Merchant(merchant());
        let key = IdempotencyKey::parse(&format!("key-{}", next()))?;
        Ok(Operation {
            wallet: of,
            tenant,
            idem: Idem::of(tenant, &key),
            body: Digest::of([format!("{command:?}").as_bytes()]).into(),
            merchant: Some(merchant()),
            branch: None,
            occurred_at: self.clock.now(),
            window: Window { look_back: Span::days(30), ahead: Span::minutes(5) },
            prices: Prices { issue: 10, redeem: 10 },
            refusal: None,
            command,
        })
    }

    pub(super) async fn apply(&self, of: WalletId, command: Command) -> Result<i64> {
        match self.writer.submit(Request::Apply(self.operation(of, command)?)).await? {
            Answer::Recorded(recorded) if recorded.op.rejection.is_none() => Ok(recorded.op.seq),
            other => bail!("{other:?}"),
        }
    }

    /// An earn of 100 points that can be spent after `wait` and expire after `life`.
    pub(super) fn earn(&self, receipt: &str, wait: Span, life: Span) -> Result<Command> {
        let now = self.clock.now();
        let line = BasketLine { line_no: 1, product: None, category: None, amount: 1_000, quantity: 1 };
        Ok(Command::Earn(CommandEarn {
            receipt: ReceiptNumber::parse(receipt)?,
            basket: Basket::new(Money::new(1_000, Currency::IRR)?, vec![line])?,
            rule: Some(EarnRule {
                version: 1,
                effective_from: Instant::from_micros(0),
                rate: Rate { points: 1, per: 10 },
                minimum_basket: 0,
                cap_per_purchase: None,
                cap_per_day: None,
                excluded_categories: [].into(),
                pending_days: 0,
                expiry: ExpiryPolicy::Never,
                spend_only_at_issuer: false,
            }),
            day: LocalDay::from_days(now.micros() / 86_400_000_000),
            active_from: now.plus(wait),
            expires_at: Some(now.plus(life)),
        }))
    }

    pub(super) fn hold(amount: i64, ttl: Span) -> Result<Command> {
        Ok(Command::Hold(CommandHold { amount: Points::new(amount)?, ttl, receipt: None }))
    }
}
