//! Who takes part in the demo, with ids that follow from the seed: a demo that is played again finds the merchants
//! and members that it made before. The directory is written directly, because the use cases draw fresh ids.

use amvaj_domain::{
    access::{Caller, InvalidPosts, Post, Posts, StaffRole},
    audit::{Act, ActKind, Author, Target},
    id::{BoardId, BranchId, MemberId, MerchantId, StaffId, WalletId},
    member::{Member, MemberStatus},
    merchant::{Branch, BranchStatus, Merchant, MerchantStatus, Names},
    staff::Staff,
    text::{CardNumber, InvalidMobile, InvalidName, Mobile, Name},
    time::Instant,
};
use amvaj_infra::{
    db::StoreError,
    directory::{Directory, RuleRefused, StaffRefused},
    page::PageRequest,
};

use super::{
    network::{MERCHANTS, MerchantPlan},
    people::Person,
    random::Random,
};
use crate::config::NetworkConfig;

/// A merchant of the demo, by ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// The merchant.
    pub merchant: MerchantId,
    /// Its branches.
    pub branches: Vec<BranchId>,
}

/// Why the cast could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// A name of the demo's own lists is none.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A number of the demo's own making is none.
    #[error(transparent)]
    Mobile(#[from] InvalidMobile),
    /// Somebody's posts are none.
    #[error(transparent)]
    Posts(#[from] InvalidPosts),
    /// One of the first merchant's people was refused.
    #[error(transparent)]
    Staff(#[from] StaffRefused),
    /// A reward of the demo's own list makes no sense, or its key was used for another.
    #[error("the reward {0} cannot be offered")]
    Reward(&'static str),
    /// A rule was refused.
    #[error(transparent)]
    Rule(#[from] RuleRefused),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps the streams of ids apart from those of the members' years.
const MERCHANT_SUBJECT: u64 = 1 << 40;
const MEMBER_SUBJECT: u64 = 1 << 41;
const STAFF_SUBJECT: u64 = 1 << 42;
const BOARD_SUBJECT: u64 = 1 << 43;

/// The first merchant's people: an owner, and a cashier of its first branch. Names and numbers are invented.
pub const OWNER: (&str, &str) = ("نسرین صدر", "09120000001");
/// See [`OWNER`].
pub const CASHIER: (&str, &str) = ("آرش محمدی", "09120000002");

/// The merchants' ids; they are registered at `start`.
pub fn shops(seed: u64, start: Instant) -> Vec<Shop> {
    (0_u64..)
        .zip(&MERCHANTS)
        .map(|(number, plan)| {
            let mut random = Random::fork(seed, MERCHANT_SUBJECT + number);
            // A millisecond apart, so that lists by id are in the order of the plan.
            let millis = millis(start) + number;
            let merchant = MerchantId::new(random.uuid(millis));
            let branches = plan.branches.iter().map(|_| BranchId::new(random.uuid(millis))).collect();
            Shop { merchant, branches }
        })
        .collect()
}

/// The leaderboards' ids, in their order.
pub fn boards(seed: u64, start: Instant) -> Vec<BoardId> {
    let id = |number| Random::fork(seed, BOARD_SUBJECT + number).uuid(millis(start) + number);
    (0..super::boards::BOARDS).map(id).map(BoardId::new).collect()
}

/// A member of the demo, before it is written.
pub fn member(seed: u64, number: u32, person: &Person, joined: Instant) -> Result<Member, CastError> {
    let mut random = Random::fork(seed, MEMBER_SUBJECT + u64::from(number));
    Ok(Member {
        id: MemberId::new(random.uuid(millis(joined))),
        wallet: WalletId::new(random.uuid(millis(joined))),
        mobile: Mobile::parse(&person.mobile)?,
        card_number: person.card.as_deref().and_then(|card| CardNumber::parse(card).ok()),
        name: Name::parse(&person.name)?,
        status: MemberStatus::Open,
        language: None,
        enrolled_at: joined,
    })
}

/// Registers what is not there yet of the merchants, their branches and rules.
pub async fn register(
    directory: &Directory,
    network: &NetworkConfig,
    shops: &[Shop],
    start: Instant,
) -> Result<(), CastError> {
    let ids: Vec<MerchantId> = shops.iter().map(|shop| shop.merchant).collect();
    let known = directory.merchants_by_id(&ids).await?;
    for (plan, shop) in MERCHANTS.iter().zip(shops) {
        if !known.iter().any(|merchant| merchant.id == shop.merchant) {
            let act = act(ActKind::MerchantRegistered, Target::Merchant(shop.merchant), start);
            directory.register_merchant(&merchant(plan, shop, network, start)?, &act).await?;
        }
        let known = directory.branches_by_id(&shop.branches).await?;
        for ((fa, en), &id) in plan.branches.iter().zip(&shop.branches) {
            if !known.iter().any(|branch| branch.id == id) {
                let (merchant, status) = (shop.merchant, BranchStatus::Open);
                let branch = Branch { id, merchant, names: names(fa, en)?, status, created_at: start };
                let act = act(ActKind::BranchRegistered, Target::Branch(id), start);
                directory.add_branch(&branch, &act).await?;
            }
        }
        let known = directory.rules(shop.merchant, None, &PageRequest::first(100)).await?.items.len();
        for (version, rule) in (1..).zip(plan.rules).skip(known) {
            let act = act(ActKind::EarnRuleSet, Target::Merchant(shop.merchant), start);
            let rule = rule.rule(version, start);
            directory.add_rule_version(shop.merchant, &rule, start, &act).await??;
        }
    }
    Ok(())
}

/// The people of a merchant, who can log in with a code that goes to the log.
pub fn people_of(seed: u64, shop: &Shop, start: Instant) -> Result<[Staff; 2], CastError> {
    let mut random = Random::fork(seed, STAFF_SUBJECT);
    let mut person = |(name, mobile): (&str, &str), branch, role| {
        Ok::<_, CastError>(Staff {
            id: StaffId::new(random.uuid(millis(start))),
            merchant: shop.merchant,
            name: Name::parse(name)?,
            mobile: Mobile::parse(mobile)?,
            posts: Some(Posts::new(vec![Post { branch, role }])?),
            added_at: start,
            removed_at: None,
        })
    };
    let owner = person(OWNER, None, StaffRole::Owner)?;
    Ok([owner, person(CASHIER, shop.branches.first().copied(), StaffRole::Cashier)?])
}

/// Adds those people who are not there yet.
pub async fn add_staff(directory: &Directory, people: &[Staff], now: Instant) -> Result<(), CastError> {
    let ids: Vec<StaffId> = people.iter().map(|person| person.id).collect();
    let known = directory.staff_by_id(&ids).await?;
    for person in people.iter().filter(|person| !known.iter().any(|known| known.id == person.id)) {
        let act = act(ActKind::StaffAdded, Target::Staff(person.id), now)
            .detail("merchant", person.merchant.to_string().as_str())
            .detail("name", person.name.as_str())
            .detail("mobile", &person.mobile);
        directory.add_staff(person, &act).await??;
    }
    Ok(())
}

/// Enrols those who are not there yet.
pub async fn enrol(directory: &Directory, members: &[Member], now: Instant) -> Result<(), CastError> {
    let ids: Vec<MemberId> = members.iter().map(|member| member.id).collect();
    let known = directory.members(Caller::Operator).by_id(&ids).await?;
    let missing: Vec<Member> =
        members.iter().filter(|member| !known.iter().any(|known| known.id == member.id)).cloned().collect();
    let act = act(ActKind::MembersEnrolled, Target::Nothing, now).detail("members", missing.len());
    Ok(directory.enrol_new_members(&missing, &act).await?)
}

fn act(kind: ActKind, target: Target, now: Instant) -> Act {
    Act::new(&Author::console(), kind, target, now)
}

fn merchant(
    plan: &MerchantPlan,
    shop: &Shop,
    network: &NetworkConfig,
    start: Instant,
) -> Result<Merchant, CastError> {
    Ok(Merchant {
        id: shop.merchant,
        names: names(plan.fa, plan.en)?,
        status: MerchantStatus::Open,
        currency: network.currency,
        prices: plan.prices,
        created_at: start,
    })
}

/// The names of a merchant, branch or board of the demo.
pub(super) fn names(fa: &str, en: &str) -> Result<Names, CastError> {
    Ok(Names { fa: Name::parse(fa)?, en: Name::parse(en)? })
}

fn millis(instant: Instant) -> u64 {
    u64::try_from(instant.micros().div_euclid(1_000)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::demo::people::people;

    #[test]
    fn ids_follow_from_the_seed_and_are_all_different() {
        let start = Instant::from_micros(1_760_000_000_000_000);
        assert_eq!(shops(1, start), shops(1, start));
        assert_ne!(shops(1, start), shops(2, start));
        let mut ids = BTreeSet::new();
        let mut count = 0;
        for shop in shops(1, start) {
            count += 1 + shop.branches.len();
            ids.insert(shop.merchant.uuid());
            ids.extend(shop.branches.iter().map(|branch| branch.uuid()));
        }
        for (number, person) in (0..).zip(&people(1, 500)) {
            let member = member(1, number, person, start).unwrap();
            count += 2;
            ids.extend([member.id.uuid(), member.wallet.uuid()]);
        }
        assert_eq!(ids.len(), count);
    }
}
