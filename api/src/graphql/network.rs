//! The network itself.

use amvaj_domain::network;
use async_graphql::{Context, Enum, Object, Result, SimpleObject};

use super::context::app;
use super::member::language::Language;
use super::scalar::{CurrencyCode, DateTime};
use super::value::LocalizedDate;
use crate::app::ledger_heads::ledger_heads;

/// Queries about the network.
#[derive(Default)]
pub struct NetworkQueries;

/// Whether points are worth something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "network::NetworkMode")]
pub enum NetworkMode {
    /// The network itself.
    Live,
    /// An installation with data of its own, to build and try against. Nothing in it is worth anything; the live
    /// network refuses its keys and tokens, and the other way round.
    Sandbox,
}

/// The club that its merchants and members form.
#[derive(SimpleObject)]
pub struct Network {
    /// Whether this is the live network or its sandbox.
    mode: NetworkMode,
    /// Where the network's other installation is: the sandbox of the live network, the live network of the sandbox; null
    /// when that is not said. Example: `"https://sandbox.club.example"`.
    twin_url: Option<String>,
    /// The club's name in Persian. Example: `"باشگاه امواج"`.
    name_fa: String,
    /// The club's name in English. Example: `"Amvaj Club"`.
    name_en: String,
    /// The currency in which merchants settle with each other, and the default of new merchants.
    currency: CurrencyCode,
    /// The language in which people are told things who ask for none.
    language: Language,
    /// The time zone in which the network's days begin, by its IANA name. Example: `"Asia/Tehran"`.
    time_zone: String,
    /// The present day in the network's time zone.
    today: LocalizedDate,
}

/// The ends of the ledger's chains. Every operation is sealed in one of 16 chains of hashes, moments after it was
/// acknowledged; the last hash of a chain covers all before it. Whoever keeps this answer can have it proved later that no
/// operation which was sealed by then has been changed or removed, and none put among them: `amvaj verify --heads FILE`.
#[derive(SimpleObject)]
pub struct LedgerHeads {
    /// When they were read.
    at: DateTime,
    /// The last hash of each chain, 64 hexadecimal digits, in the order of the chains; null where nothing is sealed yet.
    hashes: Vec<Option<String>>,
}

#[Object]
impl NetworkQueries {
    /// The network that this server runs. Needs no token.
    #[expect(clippy::unused_async, reason = "the library wants every resolver async")]
    async fn network(&self, ctx: &Context<'_>) -> Result<Network> {
        let app = app(ctx)?;
        Ok(Network {
            mode: app.mode.into(),
            twin_url: app.network.twin_url.clone(),
            name_fa: app.network.name_fa.clone(),
            name_en: app.network.name_en.clone(),
            currency: CurrencyCode(app.network.currency),
            language: app.network.language.into(),
            time_zone: app.zone.name().to_owned(),
            today: app.zone.day_of(app.ledger_now()).into(),
        })
    }

    /// The ends of the ledger's chains, by which a later change of its history is found. Needs no token.
    async fn ledger_heads(&self, ctx: &Context<'_>) -> Result<LedgerHeads> {
        let (heads, at) = ledger_heads(app(ctx)?).await?;
        Ok(LedgerHeads { at: DateTime(at), hashes: heads.hashes })
    }

    /// The version of the server that answers. Needs no token. Example: `"0.1.0"`.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}
