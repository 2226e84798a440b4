//! The network itself.

use async_graphql::{Context, Object, Result};

use super::context::app;
use super::scalar::CurrencyCode;
use super::value::LocalizedDate;

/// Queries about the network.
#[derive(Default)]
pub struct NetworkQueries;

/// The club that its merchants and members form.
pub struct Network;

#[Object]
impl NetworkQueries {
    /// The network that this server runs. Needs no token.
    async fn network(&self) -> Network {
        Network
    }

    /// The version of the server that answers. Needs no token. Example: `"0.1.0"`.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// The club that its merchants and members form.
#[Object]
impl Network {
    /// The club's name in Persian. Example: `"باشگاه امواج"`.
    async fn name_fa<'a>(&self, ctx: &Context<'a>) -> Result<&'a str> {
        Ok(&app(ctx)?.network.name_fa)
    }

    /// The club's name in English. Example: `"Amvaj Club"`.
    async fn name_en<'a>(&self, ctx: &Context<'a>) -> Result<&'a str> {
        Ok(&app(ctx)?.network.name_en)
    }

    /// The currency in which merchants settle with each other, and the default of new merchants.
    async fn currency(&self, ctx: &Context<'_>) -> Result<CurrencyCode> {
        Ok(CurrencyCode(app(ctx)?.network.currency))
    }

    /// The time zone in which the network's days begin, by its IANA name. Example: `"Asia/Tehran"`.
    async fn time_zone<'a>(&self, ctx: &Context<'a>) -> Result<&'a str> {
        Ok(app(ctx)?.zone.name())
    }

    /// The present day in the network's time zone.
    async fn today(&self, ctx: &Context<'_>) -> Result<LocalizedDate> {
        let app = app(ctx)?;
        Ok(app.zone.day_of(app.now()).into())
    }
}
