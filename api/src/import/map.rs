//! The map: what the columns of a file mean, which merchants its lines belong to, and what those merchants and the
//! members are when the network does not know them yet.

mod check;
mod merchant;
mod written;

use std::collections::BTreeMap;

use amvaj_domain::id::MerchantId;
use amvaj_domain::text::Name;
use jiff::tz::TimeZone;

pub use merchant::{MerchantPlan, NewMerchant, Products};

use super::identity::Identities;

/// A checked map.
#[derive(Debug, Clone)]
pub struct Map {
    /// Its name: part of every identity and idempotency key that the import makes. A changed file needs a new name.
    pub name: String,
    /// The identities under that name.
    pub identities: Identities,
    /// The sign between two cells.
    pub delimiter: u8,
    /// The names of the columns.
    pub columns: Columns,
    /// How prices are written.
    pub price: PriceFormat,
    /// How times are written.
    pub time: TimeFormat,
    /// Which lines are cancellations.
    pub cancellation: Cancellation,
    /// How members are named, and how unknown ones are enrolled.
    pub members: MemberPlan,
    /// The merchants, at least one.
    pub merchants: Vec<MerchantPlan>,
    /// Persian names of branches, by what the branch column holds.
    pub branches: BTreeMap<String, Name>,
}

/// The names of the columns in the header.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The member's reference.
    pub member: String,
    /// The receipt number.
    pub receipt: String,
    /// The product code.
    pub product: String,
    /// Units, a whole number.
    pub quantity: String,
    /// Price of one unit.
    pub price: String,
    /// When it was bought.
    pub time: String,
    /// The line's number on its receipt; without it lines are counted in the order of the file.
    pub line: Option<String>,
    /// The branch; without it purchases have none.
    pub branch: Option<String>,
    /// The product category, which earn rules can exclude.
    pub category: Option<String>,
    /// The currency; without it all lines have their merchant's.
    pub currency: Option<String>,
}

/// How prices are written.
#[derive(Debug, Clone, Copy)]
pub struct PriceFormat {
    /// Decimal places of the currency: a pound has 2, a rial 0.
    pub decimals: u32,
    /// The sign before the decimal places.
    pub decimal_mark: char,
    /// The sign between groups of digits, which is dropped.
    pub group_mark: Option<char>,
}

/// How times are written.
#[derive(Debug, Clone)]
pub struct TimeFormat {
    /// The format in the notation of `strptime`.
    pub format: String,
    /// The zone of times without an offset. Of a time that a clock shows twice the first is meant; a time that a
    /// clock skips counts as if it had not.
    pub zone: TimeZone,
}

/// Which lines are cancellations; a line is one when either says so.
#[derive(Debug, Clone)]
pub struct Cancellation {
    /// The receipt number begins with this, whatever the sign of the quantity.
    pub receipt_prefix: Option<String>,
    /// The quantity is below zero.
    pub negative_quantity: bool,
}

/// How members are named, and how unknown ones are enrolled.
#[derive(Debug, Clone)]
pub struct MemberPlan {
    /// What the member column holds.
    pub reference: Reference,
    /// The name of an enrolled member; `{}` stands for the reference.
    pub name: String,
}

/// What the member column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A customer number that all merchants of the file share. Each merchant gets it as its own reference of the
    /// member. The file has no mobile numbers, and a member needs one: enrolled members get a number of their own
    /// that begins so, which the operator keeps free of real ones.
    Customer {
        /// The beginning: `09` and one to five more digits.
        placeholder_mobile: String,
    },
    /// A mobile number.
    Mobile,
}

/// Everything that is wrong with a map, at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\n  - {}", problems.join("\n  - "))]
pub struct InvalidMap {
    /// One sentence per problem.
    pub problems: Vec<String>,
}

impl Map {
    /// Reads and checks a map in TOML.
    pub fn parse(text: &str) -> Result<Self, InvalidMap> {
        let written = toml::from_str(text)
            .map_err(|error| InvalidMap { problems: vec![error.to_string().trim_end().to_owned()] })?;
        check::check(written)
    }

    /// The merchant that a product belongs to: by the first two digits of its code, else the one that takes all other
    /// products.
    pub fn merchant_of(&self, product: &str) -> Option<&MerchantPlan> {
        let by_digits = merchant::first_two_digits(product)
            .and_then(|digits| self.merchants.iter().find(|merchant| merchant.products.covers(digits)));
        by_digits.or_else(|| self.merchants.iter().find(|merchant| merchant.products.takes_others()))
    }

    /// The merchant with an id.
    pub fn merchant(&self, id: MerchantId) -> Option<&MerchantPlan> {
        self.merchants.iter().find(|merchant| merchant.id == id)
    }
}

impl Columns {
    /// Every column that the map names.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let needed =
            [&self.member, &self.receipt, &self.product, &self.quantity, &self.price, &self.time].map(Some);
        let optional = [&self.line, &self.branch, &self.category, &self.currency].map(Option::as_ref);
        needed.into_iter().chain(optional).flatten().map(String::as_str)
    }
}
