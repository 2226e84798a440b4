//! Small values that several nouns show: money, and days in both calendars.

use amvaj_domain::calendar::LocalDay;
use amvaj_domain::money::{self, InvalidMoney};
use async_graphql::{InputObject, SimpleObject};

use super::scalar::{CurrencyCode, Date, MinorUnits};

/// An amount of money in whole minor units of a currency. Example: `{ amount: "4500000", currency: "IRR" }` is
/// 4,500,000 rials.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Money {
    /// Minor units, such as rials.
    pub amount: MinorUnits,
    /// The currency.
    pub currency: CurrencyCode,
}

/// An amount of money in whole minor units of a currency. Example: `{ amount: "4500000", currency: "IRR" }` is
/// 4,500,000 rials.
#[derive(Debug, Clone, Copy, InputObject)]
pub struct MoneyInput {
    /// Minor units, such as rials: 1 to 1,000,000,000,000,000.
    pub amount: MinorUnits,
    /// The currency, which has to be the merchant's.
    pub currency: CurrencyCode,
}

/// A day in the network's time zone, written in both calendars.
#[derive(Debug, Clone, SimpleObject)]
pub struct LocalizedDate {
    /// The Gregorian date. Example: `"2026-03-21"`.
    pub gregorian: Date,
    /// The Jalali (Solar Hijri) date, as year, month and day. Example: `"1405-01-01"`.
    pub jalali: String,
}

impl MoneyInput {
    /// The money, when the amount is in the domain's range.
    pub fn money(self) -> Result<money::Money, InvalidMoney> {
        self.amount.money(self.currency.0)
    }
}

impl From<money::Money> for Money {
    fn from(money: money::Money) -> Self {
        Self { amount: money.minor_units().into(), currency: CurrencyCode(money.currency()) }
    }
}

impl From<LocalDay> for LocalizedDate {
    fn from(day: LocalDay) -> Self {
        Self { gregorian: Date(day), jalali: day.jalali().to_string() }
    }
}
