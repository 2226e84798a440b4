//! A points ledger as it is usually written: one transaction for each request, with a row for the key, two entries, a lot,
//! an event, and a balance each for the wallet and the merchant. `amvaj bench` measures it beside ours, in the same run and
//! on the same database server, so that a figure of ours says how much the design brings and not how fast a machine is.
//!
//! It has no rules, caps, holds, debts or leases, and nothing of it is used elsewhere. Its tables begin with `plain_`.

mod postgres;
mod sqlite;

use amvaj_domain::time::Instant;

use crate::db::{Database, DatabaseSettings, StoreError};

/// How the plain ledger does a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A statement for each table, between begin and commit.
    Statements,
    /// One call of a function in the database; PostgreSQL only.
    Function,
}

/// A purchase.
#[derive(Debug, Clone)]
pub struct PlainEarn<'a> {
    /// The key that no other purchase has.
    pub key: &'a str,
    /// The wallet's number, from 0.
    pub wallet: u32,
    /// The merchant's number, from 0.
    pub merchant: u32,
    /// Points.
    pub points: i64,
    /// When it happens.
    pub at: Instant,
}

/// The plain ledger.
#[derive(Debug)]
pub struct PlainLedger {
    database: Database,
    way: Way,
}

impl PlainLedger {
    /// Opens it with as many connections as requests run at a time. Has to be called on the runtime that uses it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(settings: &DatabaseSettings, way: Way) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(settings).await?, way })
    }

    /// Makes its tables anew, with so many wallets and merchants.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prepare(&self, wallets: u32, merchants: u32) -> Result<(), StoreError> {
        if self.database.is_postgres() {
            postgres::prepare(&self.database, wallets, merchants).await
        } else {
            sqlite::prepare(&self.database, wallets, merchants).await
        }
    }

    /// Does a purchase; it is committed when this answers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn earn(&self, earn: &PlainEarn<'_>) -> Result<(), StoreError> {
        match (self.database.is_postgres(), self.way) {
            (true, Way::Function) => postgres::earn_by_function(&self.database, earn).await,
            (true, Way::Statements) => postgres::earn(&self.database, earn).await,
            (false, _) => sqlite::earn(&self.database, earn).await,
        }
    }

    /// Removes its tables and closes its connections.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end(self) -> Result<(), StoreError> {
        for table in ["wallet", "merchant", "tx", "entry", "lot", "event"] {
            let sql = format!("drop table if exists plain_{table}");
            sea_orm::ConnectionTrait::execute_unprepared(self.database.writer(), &sql).await?;
        }
        self.database.close().await
    }
}
