//! Rows read into domain values, once for every reader.

use std::collections::BTreeSet;

use amvaj_domain::access::{Post, Posts, StaffRole};
use amvaj_domain::calendar::ExpiryPolicy;
use amvaj_domain::earn::{EarnRule, Rate};
use amvaj_domain::id::{BranchId, MemberId, MerchantId, StaffId, WalletId};
use amvaj_domain::language::Language;
use amvaj_domain::ledger::Prices;
use amvaj_domain::member::{Member, MemberStatus};
use amvaj_domain::merchant::{Branch, BranchStatus, Merchant, MerchantStatus, Names};
use amvaj_domain::money::Currency;
use amvaj_domain::points::Points;
use amvaj_domain::staff::Staff;
use amvaj_domain::text::{CardNumber, CustomerRef, Mobile, Name};
use amvaj_domain::time::Instant;

use crate::db::{StoreError, entity};

/// Names a row in errors.
struct Row {
    table: &'static str,
    id: String,
}

impl Row {
    fn corrupt(&self, what: &'static str) -> StoreError {
        StoreError::CorruptRow { table: self.table, id: self.id.clone(), what }
    }

    fn read<T, E>(&self, value: Result<T, E>, what: &'static str) -> Result<T, StoreError> {
        value.map_err(|_| self.corrupt(what))
    }

    fn known<T>(&self, value: Option<T>, what: &'static str) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(what))
    }

    fn names(&self, fa: &str, en: &str) -> Result<Names, StoreError> {
        Ok(Names {
            fa: self.read(Name::parse(fa), "its Persian name")?,
            en: self.read(Name::parse(en), "its English name")?,
        })
    }
}

pub(super) fn merchant(model: &entity::merchant::Model) -> Result<Merchant, StoreError> {
    let row = Row { table: "merchant", id: model.merchant_id.to_string() };
    Ok(Merchant {
        id: MerchantId::new(model.merchant_id),
        names: row.names(&model.name_fa, &model.name_en)?,
        status: row.known(MerchantStatus::from_stored(model.status), "its status")?,
        currency: row.read(Currency::parse(&model.currency), "its currency")?,
        prices: Prices { issue: model.issue_price, redeem: model.redeem_price },
        created_at: Instant::from_micros(model.created_at),
    })
}

pub(super) fn branch(model: &entity::branch::Model) -> Result<Branch, StoreError> {
    let row = Row { table: "branch", id: model.branch_id.to_string() };
    Ok(Branch {
        id: BranchId::new(model.branch_id),
        merchant: MerchantId::new(model.merchant_id),
        names: row.names(&model.name_fa, &model.name_en)?,
        status: row.known(BranchStatus::from_stored(model.status), "its status")?,
        created_at: Instant::from_micros(model.created_at),
    })
}

pub(super) fn earn_rule(model: &entity::earn_rule::Model) -> Result<EarnRule, StoreError> {
    let row = Row { table: "earn_rule", id: format!("{}/{}", model.merchant_id, model.version) };
    let cap = |cap: Option<i64>, what| row.read(cap.map(Points::new).transpose(), what);
    let categories: Result<BTreeSet<String>, _> = serde_json::from_str(&model.excluded_categories);
    Ok(EarnRule {
        version: model.version,
        effective_from: Instant::from_micros(model.effective_from),
        rate: Rate { points: model.rate_points, per: model.rate_per },
        minimum_basket: model.minimum_basket,
        cap_per_purchase: cap(model.cap_per_purchase, "its cap per purchase")?,
        cap_per_day: cap(model.cap_per_day, "its cap per day")?,
        excluded_categories: row.read(categories, "its excluded categories")?,
        pending_days: row.read(u16::try_from(model.pending_days), "its pending days")?,
        expiry: row.read(ExpiryPolicy::parse(&model.expiry), "its expiry")?,
        spend_only_at_issuer: model.spend_only_at_issuer != 0,
    })
}

pub(super) fn member(model: &entity::member::Model) -> Result<Member, StoreError> {
    let row = Row { table: "member", id: model.member_id.to_string() };
    let card = model.card_number.as_deref().map(CardNumber::parse).transpose();
    let language = match model.language.as_deref() {
        Some(code) => Language::from_code(code).map(Some),
        None => Some(None),
    };
    Ok(Member {
        id: MemberId::new(model.member_id),
        wallet: WalletId::new(model.wallet_id),
        mobile: match model.erased_at {
            Some(_) => Mobile::NOBODYS,
            None => row.read(Mobile::parse(&model.mobile), "its mobile")?,
        },
        card_number: row.read(card, "its card number")?,
        name: row.read(Name::parse(&model.name), "its name")?,
        status: match model.erased_at {
            Some(_) => MemberStatus::Erased,
            None => row.known(MemberStatus::from_stored(model.status), "its status")?,
        },
        enrolled_at: Instant::from_micros(model.enrolled_at),
        language: row.known(language, "its language")?,
    })
}

pub(super) fn staff(
    model: &entity::staff::Model,
    posts: &[&entity::staff_post::Model],
) -> Result<Staff, StoreError> {
    let row = Row { table: "staff", id: model.staff_id.to_string() };
    let posts = posts
        .iter()
        .map(|post| {
            let role = row.known(StaffRole::from_stored(post.role), "a role")?;
            Ok(Post { branch: post.branch_id.map(BranchId::new), role })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    // The posts are read after the person: without any, it was removed in between.
    let gone = model.removed_at.is_some() || posts.is_empty();
    let posts = if gone { None } else { Some(row.read(Posts::new(posts), "its posts")?) };
    Ok(Staff {
        id: StaffId::new(model.staff_id),
        merchant: MerchantId::new(model.merchant_id),
        name: row.read(Name::parse(&model.name), "its name")?,
        mobile: row.read(Mobile::parse(&model.mobile), "its mobile")?,
        posts,
        added_at: Instant::from_micros(model.added_at),
        removed_at: model.removed_at.map(Instant::from_micros),
    })
}

pub(super) fn customer_ref(model: &entity::customer_ref::Model) -> Result<CustomerRef, StoreError> {
    let row = Row { table: "customer_ref", id: format!("{}/{}", model.merchant_id, model.customer_ref) };
    row.read(CustomerRef::parse(&model.customer_ref), "the reference")
}
