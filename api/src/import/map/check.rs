//! From the map as it is written to a checked one: all problems are named at once.

use std::collections::BTreeMap;

use amvaj_domain::calendar::ExpiryPolicy;
use amvaj_domain::earn::{EarnRule, Rate};
use amvaj_domain::id::MerchantId;
use amvaj_domain::merchant::{Names, checked_prices};
use amvaj_domain::money::Currency;
use amvaj_domain::points::Points;
use amvaj_domain::text::{Mobile, Name, ascii_digits};
use amvaj_domain::time::Instant;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::merchant::{NewMerchant, parse_range};
use super::written::{
    WrittenColumns, WrittenMap, WrittenMembers, WrittenMerchant, WrittenNames, WrittenPrice,
    WrittenReference, WrittenRule,
};
use super::{
    Cancellation, Columns, InvalidMap, Map, MemberPlan, MerchantPlan, PriceFormat, Products, Reference,
    TimeFormat,
};
use crate::import::identity::Identities;

/// Checks a map.
pub(super) fn check(written: WrittenMap) -> Result<Map, InvalidMap> {
    let mut problems = Problems::default();
    let identities = Identities::new(&written.name);
    if written.name.trim().is_empty() || written.name.chars().count() > 64 {
        problems.add("name: a name has 1 to 64 characters");
    }
    let delimiter = delimiter(written.delimiter, &mut problems);
    let currency = written.price.currency.as_deref().and_then(|code| problems.currency("price", code));
    let zone = zone(&written.time.zone, &mut problems);
    let merchants = merchants(&written.merchants, currency, &identities, &mut problems);
    let cancellation = Cancellation {
        receipt_prefix: written.cancellation.receipt_prefix.filter(|prefix| !prefix.is_empty()),
        negative_quantity: written.cancellation.negative_quantity,
    };
    let checked = Map {
        name: written.name,
        identities,
        delimiter,
        columns: columns(written.columns, &mut problems),
        price: price(&written.price, &mut problems),
        time: TimeFormat { format: written.time.format, zone },
        cancellation,
        members: members(written.members, &mut problems),
        merchants,
        branches: branches(&written.branches, &mut problems),
    };
    problems.none_or(checked)
}

#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// The value, or its error as a problem of `place`.
    fn take<T, E: std::fmt::Display>(&mut self, place: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(format!("{place}: {error}"))).ok()
    }

    fn currency(&mut self, place: &str, code: &str) -> Option<Currency> {
        self.take(&format!("{place}.currency"), Currency::parse(code))
    }

    fn none_or<T>(self, value: T) -> Result<T, InvalidMap> {
        if self.0.is_empty() { Ok(value) } else { Err(InvalidMap { problems: self.0 }) }
    }
}

fn delimiter(sign: char, problems: &mut Problems) -> u8 {
    match u8::try_from(sign) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => byte,
        Ok(_) | Err(_) => {
            problems.add("delimiter: one ASCII sign, not a quote and not a line end");
            b','
        }
    }
}

fn zone(name: &str, problems: &mut Problems) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or_else(|_| {
        problems.add(format!("time.zone: there is no time zone {name:?}; an example is Asia/Tehran"));
        TimeZone::UTC
    })
}

fn columns(written: WrittenColumns, problems: &mut Problems) -> Columns {
    let columns = Columns {
        member: written.member,
        receipt: written.receipt,
        product: written.product,
        quantity: written.quantity,
        price: written.price,
        time: written.time,
        line: written.line,
        branch: written.branch,
        category: written.category,
        currency: written.currency,
    };
    if columns.named().any(str::is_empty) {
        problems.add("columns: a column cannot be named by an empty text");
    }
    columns
}

fn price(written: &WrittenPrice, problems: &mut Problems) -> PriceFormat {
    if written.decimals > 6 {
        problems.add("price.decimals: at most 6");
    }
    let is_mark = |mark: char| !mark.is_ascii_digit() && !matches!(mark, '-' | '+');
    let marks_fit = is_mark(written.decimal_mark)
        && written.group_mark.is_none_or(|mark| is_mark(mark) && mark != written.decimal_mark);
    if !marks_fit {
        problems.add("price.decimal_mark, price.group_mark: two different signs that are not digits");
    }
    PriceFormat {
        decimals: written.decimals,
        decimal_mark: written.decimal_mark,
        group_mark: written.group_mark,
    }
}

fn members(written: WrittenMembers, problems: &mut Problems) -> MemberPlan {
    let reference = match (written.reference, written.placeholder_mobile) {
        (WrittenReference::Mobile, _) => Reference::Mobile,
        (WrittenReference::Customer, Some(prefix)) => {
            let prefix = ascii_digits(&prefix);
            let filled = format!("{prefix:0<11}");
            if !(3..=7).contains(&prefix.len())
                || !prefix.starts_with("09")
                || Mobile::parse(&filled).is_err()
            {
                problems.add("members.placeholder_mobile: 09 and one to five more digits, such as 0995");
            }
            Reference::Customer { placeholder_mobile: prefix }
        }
        (WrittenReference::Customer, None) => {
            problems.add(
                "members.placeholder_mobile: needed, because members need a mobile number and the file has none",
            );
            Reference::Mobile
        }
    };
    // References have up to 64 characters, and names up to 120.
    problems.take("members.name", Name::parse(&written.name.replace("{}", &"1".repeat(64))));
    MemberPlan { reference, name: written.name }
}

fn branches(written: &BTreeMap<String, String>, problems: &mut Problems) -> BTreeMap<String, Name> {
    written
        .iter()
        .filter_map(|(branch, fa)| {
            Some((branch.clone(), problems.take(&format!("branches.{branch:?}"), Name::parse(fa))?))
        })
        .collect()
}

fn merchants(
    written: &[WrittenMerchant],
    currency: Option<Currency>,
    identities: &Identities,
    problems: &mut Problems,
) -> Vec<MerchantPlan> {
    if written.is_empty() {
        problems.add("merchants: at least one is needed");
    }
    let plans: Vec<MerchantPlan> = written
        .iter()
        .filter_map(|merchant| self::merchant(merchant, currency, identities, problems))
        .collect();
    for (index, plan) in plans.iter().enumerate() {
        for other in plans.iter().skip(index.saturating_add(1)) {
            if plan.code == other.code || plan.id == other.id {
                problems.add(format!("merchants: {:?} is there twice", plan.code));
            }
            if overlap(&plan.products, &other.products) {
                problems
                    .add(format!("merchants: {:?} and {:?} have products in common", plan.code, other.code));
            }
        }
    }
    plans
}

fn overlap(one: &Products, other: &Products) -> bool {
    let both_take_others = one.takes_others() && other.takes_others();
    both_take_others || (0..100).any(|digits| one.covers(digits) && other.covers(digits))
}

fn merchant(
    written: &WrittenMerchant,
    currency: Option<Currency>,
    identities: &Identities,
    problems: &mut Problems,
) -> Option<MerchantPlan> {
    let place = format!("merchants.{}", written.code);
    if written.code.trim().is_empty() || written.code.chars().count() > 32 {
        problems.add("merchants.code: a code has 1 to 32 characters");
    }
    let own = written.currency.as_deref().and_then(|code| problems.currency(&place, code));
    let currency = own.or(currency);
    if currency.is_none() {
        problems.add(format!("{place}.currency: neither the merchant nor [price] names one"));
    }
    let products = products(&place, written, problems);
    let new = match written.id {
        Some(_) => None,
        None => Some(new_merchant(&place, written, problems)?),
    };
    let id = written.id.map_or_else(|| identities.merchant(&written.code), MerchantId::new);
    Some(MerchantPlan { code: written.code.clone(), id, currency: currency?, products, new })
}

fn products(place: &str, written: &WrittenMerchant, problems: &mut Problems) -> Products {
    let Some(texts) = &written.products else {
        let others = Products::FirstTwoDigits { ranges: Vec::new(), others: true };
        return if written.other_products { others } else { Products::All };
    };
    let mut ranges = Vec::new();
    for text in texts {
        match parse_range(text) {
            Some(range) => ranges.push(range),
            None => problems
                .add(format!("{place}.products: {text:?} is not two digits, or two of them like 10-19")),
        }
    }
    Products::FirstTwoDigits { ranges, others: written.other_products }
}

fn new_merchant(place: &str, written: &WrittenMerchant, problems: &mut Problems) -> Option<NewMerchant> {
    let (Some(names), Some(rule)) = (&written.names, &written.rule) else {
        problems.add(format!("{place}: names and rule are needed, or the id of a merchant that is there"));
        return None;
    };
    let names = self::names(place, names, problems);
    let prices = problems
        .take(&format!("{place}.prices"), checked_prices(written.prices.issue, written.prices.redeem));
    let rule = self::rule(place, rule, problems);
    Some(NewMerchant { names: names?, prices: prices?, rule: rule? })
}

fn names(place: &str, written: &WrittenNames, problems: &mut Problems) -> Option<Names> {
    let fa = problems.take(&format!("{place}.names.fa"), Name::parse(&written.fa));
    let en = problems.take(&format!("{place}.names.en"), Name::parse(&written.en));
    Some(Names { fa: fa?, en: en? })
}

fn rule(place: &str, written: &WrittenRule, problems: &mut Problems) -> Option<EarnRule> {
    let place = format!("{place}.rule");
    let cap = |cap: Option<i64>| cap.map(Points::new).transpose();
    let cap_per_purchase = problems.take(&format!("{place}.cap_per_purchase"), cap(written.cap_per_purchase));
    let cap_per_day = problems.take(&format!("{place}.cap_per_day"), cap(written.cap_per_day));
    let expiry = problems.take(&format!("{place}.expiry"), ExpiryPolicy::parse(&written.expiry));
    let rule = EarnRule {
        // The network gives the number, and the first line of the file the date.
        version: 1,
        effective_from: Instant::from_micros(0),
        rate: Rate { points: written.points, per: written.per },
        minimum_basket: written.minimum_basket,
        cap_per_purchase: cap_per_purchase?,
        cap_per_day: cap_per_day?,
        excluded_categories: written.excluded_categories.iter().cloned().collect(),
        pending_days: written.pending_days,
        expiry: expiry?,
        spend_only_at_issuer: written.spend_only_at_issuer,
    };
    problems.take(&place, rule.validate())?;
    Some(rule)
}
