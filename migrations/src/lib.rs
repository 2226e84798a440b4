//! The database's schema, one file per change, on SQLite and PostgreSQL alike.
//!
//! The ledger's tables hold integers only (instants are unix microseconds) and lead every wallet-side key with
//! `shard_no`, so that the same tables distribute over Citus. They have no sequences, triggers or foreign keys.

mod dialect;
mod m0001_network;
mod m0002_ledger;
mod m0003_outbox;
mod m0004_member_language;
mod m0005_session;
mod m0006_audit;
mod m0007_staff;
mod m0008_api_key;
mod m0009_user;
mod m0010_relation;
mod m0011_board;
mod m0012_verification;
mod m0013_webhook;
mod m0014_reward;
mod m0015_export;
mod m0016_erasure;
mod m0017_ledger_clock;
mod m0018_export_tries;
mod m0019_erased_for_good;

use sea_orm_migration::prelude::*;

/// The list of changes, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_network::Migration),
            Box::new(m0002_ledger::Migration),
            Box::new(m0003_outbox::Migration),
            Box::new(m0004_member_language::Migration),
            Box::new(m0005_session::Migration),
            Box::new(m0006_audit::Migration),
            Box::new(m0007_staff::Migration),
            Box::new(m0008_api_key::Migration),
            Box::new(m0009_user::Migration),
            Box::new(m0010_relation::Migration),
            Box::new(m0011_board::Migration),
            Box::new(m0012_verification::Migration),
            Box::new(m0013_webhook::Migration),
            Box::new(m0014_reward::Migration),
            Box::new(m0015_export::Migration),
            Box::new(m0016_erasure::Migration),
            Box::new(m0017_ledger_clock::Migration),
            Box::new(m0018_export_tries::Migration),
            Box::new(m0019_erased_for_good::Migration),
        ]
    }
}

pub use sea_orm_migration::{MigratorTrait, SchemaManager};
