//! Relations: which merchants see what of a member, and since when.

pub mod consent;

use amvaj_domain::relation as domain;
use async_graphql::{Context, Enum, Object, Result};

use super::connection::connection;
use super::merchant::Merchant;
use super::scalar::DateTime;

/// How a relation between a member and a merchant began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::RelationSource")]
pub enum RelationSource {
    /// The merchant enrolled the member.
    Enrolled,
    /// The merchant gave the member its own reference.
    Linked,
    /// The member earned or spent points at the merchant, or let it hold some.
    Operation,
    /// It has not begun: the member only said what the merchant may see.
    Consent,
}

/// What a member allows or forbids a merchant. Without a word the merchant sees the name and the balance of a member that
/// it dealt with, and of others what they show at the till.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Consent")]
pub enum Consent {
    /// The merchant sees no more than one that the member never dealt with. What it is told when points are earned or
    /// spent there stays as on a receipt.
    Hidden,
    /// The merchant sees the mobile number and the card as well, whether or not the member was there before.
    Profile,
}

/// How much of a member is shown; each shows what those before it show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Disclosure")]
pub enum Disclosure {
    /// The initials of the name and the ends of the mobile number.
    Masked,
    /// The name, the balance and when the member joined.
    Known,
    /// The mobile number and the card.
    Profile,
    /// Everything.
    Whole,
}

/// What there is between a member and a merchant, and what the merchant sees of the member because of it.
#[derive(Debug, Clone)]
pub struct Relation(pub domain::Relation);

connection! {
    /// Relations of a member, a page at a time, in the order in which the merchants were registered.
    RelationConnection, RelationEdge, Relation
}

/// What there is between a member and a merchant, and what the merchant sees of the member because of it.
#[Object]
impl Relation {
    /// The merchant.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        Merchant::load(ctx, self.0.merchant).await
    }

    /// When it began; for a purchase, when it was bought.
    async fn since(&self) -> DateTime {
        DateTime(self.0.since)
    }

    /// How it began.
    async fn source(&self) -> RelationSource {
        self.0.source.into()
    }

    /// What the member allows or forbids this merchant; null when the member has not said. Example: `PROFILE`.
    async fn consent(&self) -> Option<Consent> {
        self.0.consent.map(|(consent, _)| consent.into())
    }

    /// When the member said so; null when the member has not said.
    async fn consented_at(&self) -> Option<DateTime> {
        self.0.consent.map(|(_, at)| DateTime(at))
    }

    /// What the merchant sees of the member now.
    async fn disclosure(&self) -> Disclosure {
        self.0.tie().disclosure().into()
    }
}
