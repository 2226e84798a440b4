//! The directory on both databases: what is written is found, what is unique stays unique, also in a race.

use amvaj_api::random;
use amvaj_domain::access::Caller;
use amvaj_domain::calendar::ExpiryPolicy;
use amvaj_domain::earn::{EarnRule, Rate};
use amvaj_domain::id::{BranchId, MemberId, MerchantId, WalletId};
use amvaj_domain::ledger::Prices;
use amvaj_domain::member::{Member, MemberLookup, MemberSearch, MemberStatus, SeenMember};
use amvaj_domain::merchant::{Branch, BranchStatus, Merchant, MerchantStatus, Names};
use amvaj_domain::money::Currency;
use amvaj_domain::network::NetworkMode;
use amvaj_domain::text::{CardNumber, CustomerRef, Mobile, Name};
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::audit::Audit;
use amvaj_infra::directory::{
    Directory, Enrolment, EnrolmentRefused, LinkRefused, MemberFilter, MerchantFilter, RuleRefused,
};
use amvaj_infra::page::{PageEnd, PageRequest};

use crate::support::app::{START, act};
use crate::support::database::TestDb;

fn names(text: &str) -> Names {
    Names { fa: Name::parse(text).unwrap(), en: Name::parse(text).unwrap() }
}

async fn merchant(directory: &Directory, name: &str, now: Instant) -> MerchantId {
    let merchant = Merchant {
        id: MerchantId::new(random::uuid(now)),
        names: names(name),
        status: MerchantStatus::Open,
        currency: Currency::IRR,
        prices: Prices { issue: 100, redeem: 90 },
        created_at: now,
    };
    directory.register_merchant(&merchant, &act()).await.unwrap();
    merchant.id
}

fn member(mobile: &str) -> Member {
    Member {
        id: MemberId::new(random::uuid(START)),
        wallet: WalletId::new(random::uuid(START)),
        mobile: Mobile::parse(mobile).unwrap(),
        card_number: None,
        name: Name::parse("علي كريمي").unwrap(),
        status: MemberStatus::Open,
        language: None,
        enrolled_at: START,
    }
}

async fn enrol(directory: &Directory, member: Member) -> Result<(), EnrolmentRefused> {
    directory.enrol_member(&Enrolment { member, customer: None }, Audit::Ordinary).await.unwrap()
}

fn rule(effective_from: Instant) -> EarnRule {
    EarnRule {
        version: 0,
        effective_from,
        rate: Rate { points: 1, per: 10_000 },
        minimum_basket: 0,
        cap_per_purchase: None,
        cap_per_day: None,
        excluded_categories: ["انعام".to_owned(), "gift \"card\"".to_owned()].into(),
        pending_days: 3,
        expiry: ExpiryPolicy::Never,
        spend_only_at_issuer: true,
    }
}

#[tokio::test]
async fn a_merchant_is_kept_with_its_branches_and_rules() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let id = merchant(&directory, "کافه باغ", START).await;
        assert_eq!(directory.merchant_file(id).await.unwrap().unwrap().branches.len(), 0);
        let branch = Branch {
            id: BranchId::new(random::uuid(START)),
            merchant: id,
            names: names("ونک"),
            status: BranchStatus::Open,
            created_at: START,
        };
        assert!(directory.add_branch(&branch, &act()).await.unwrap());
        let added = directory.add_rule_version(id, &rule(START), START, &act()).await.unwrap().unwrap();
        assert_eq!(added, EarnRule { version: 1, ..rule(START) });
        let file = directory.merchant_file(id).await.unwrap().unwrap();
        assert_eq!(file.branches.get(&branch.id), Some(&branch));
        assert_eq!(file.rules, std::slice::from_ref(&added));
        assert_eq!(file.merchant.prices, Prices { issue: 100, redeem: 90 });
        let closed =
            directory.set_branch_status(branch.id, BranchStatus::Closed, &act()).await.unwrap().unwrap();
        assert_eq!(closed.status, BranchStatus::Closed);
        directory.set_merchant_status(id, MerchantStatus::Blocked, &act()).await.unwrap().unwrap();
        let file = directory.merchant_file(id).await.unwrap().unwrap();
        assert_eq!(file.merchant.status, MerchantStatus::Blocked);
        assert_eq!(file.branches[&branch.id].status, BranchStatus::Closed);
        assert_eq!(directory.rules_by_version(&[(id, 1), (id, 2)]).await.unwrap(), [(id, added)]);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_neither_found_nor_made() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let nobody = MerchantId::new(random::uuid(START));
        assert!(directory.merchant_file(nobody).await.unwrap().is_none());
        assert!(
            directory.set_merchant_status(nobody, MerchantStatus::Blocked, &act()).await.unwrap().is_none()
        );
        let branch = Branch {
            id: BranchId::new(random::uuid(START)),
            merchant: nobody,
            names: names("ونک"),
            status: BranchStatus::Open,
            created_at: START,
        };
        assert!(!directory.add_branch(&branch, &act()).await.unwrap());
        let refused = directory.add_rule_version(nobody, &rule(START), START, &act()).await.unwrap();
        assert_eq!(refused, Err(RuleRefused::MerchantNotFound));
        let no_member = MemberId::new(nobody.uuid());
        assert!(
            directory.set_member_status(no_member, MemberStatus::Blocked, &act()).await.unwrap().is_none()
        );
    }
}

#[tokio::test]
async fn a_rule_holds_from_now_on_and_after_the_version_before_it() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let id = merchant(&directory, "کافه", START).await;
        let add = async |effective_from| {
            directory
                .add_rule_version(id, &rule(effective_from), START, &act())
                .await
                .unwrap()
                .map(|rule| rule.version)
        };
        let day = START.plus(Span::days(1));
        assert_eq!(add(START.plus(Span::seconds(-61))).await, Err(RuleRefused::EffectiveFrom));
        assert_eq!(add(START.plus(Span::seconds(-60))).await, Ok(1));
        assert_eq!(add(day).await, Ok(2));
        assert_eq!(add(day).await, Err(RuleRefused::EffectiveFrom));
        assert_eq!(add(START).await, Err(RuleRefused::EffectiveFrom));
    }
}

#[tokio::test]
async fn rules_added_at_the_same_time_get_numbers_without_gaps() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let id = merchant(&directory, "کافه", START).await;
        let adding = (0..4).map(|day| {
            let directory = directory.clone();
            let rule = rule(START.plus(Span::days(day)));
            tokio::spawn(async move { directory.add_rule_version(id, &rule, START, &act()).await.unwrap() })
        });
        let adding: Vec<_> = adding.collect();
        let mut versions = Vec::new();
        for added in adding {
            // One that comes after a later date is refused; the numbers of the others are all there.
            if let Ok(rule) = added.await.unwrap() {
                versions.push(rule.version);
            }
        }
        versions.sort_unstable();
        let all: Vec<i32> = (1..).take(versions.len()).collect();
        assert_eq!(versions, all);
        assert!(!versions.is_empty());
    }
}

#[tokio::test]
async fn a_member_is_found_in_every_way() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let shop = merchant(&directory, "کافه", START).await;
        let other = merchant(&directory, "کتاب", START).await;
        let reference = CustomerRef::parse("17850").unwrap();
        let card = CardNumber::parse("6273001234567890").unwrap();
        let member = Member { card_number: Some(card.clone()), ..member("09123456789") };
        let enrolment = Enrolment { member: member.clone(), customer: Some((shop, reference.clone())) };
        directory.enrol_member(&enrolment, Audit::Ordinary).await.unwrap().unwrap();
        let customer = MemberLookup::Customer { merchant: shop, customer_ref: reference.clone() };
        let lookups = [
            MemberLookup::Id(member.id),
            MemberLookup::Mobile(member.mobile),
            MemberLookup::CardNumber(card),
            MemberLookup::Wallet(member.wallet),
            customer.clone(),
        ];
        for lookup in &lookups {
            for caller in [Caller::Operator, Caller::Merchant(shop), Caller::Member(member.id)] {
                let found = directory.members(caller).find(lookup).await.unwrap();
                let hidden = matches!((caller, lookup), (Caller::Member(_), MemberLookup::Customer { .. }));
                assert_eq!(
                    found.map(|found| found.id),
                    (!hidden).then_some(member.id),
                    "{caller:?} {lookup:?}"
                );
            }
            let stranger = Caller::Member(MemberId::new(random::uuid(START)));
            assert_eq!(directory.members(stranger).find(lookup).await.unwrap(), None, "{lookup:?}");
        }
        assert_eq!(directory.members(Caller::Merchant(other)).find(&customer).await.unwrap(), None);
        let refs = directory.members(Caller::Merchant(shop)).customer_refs(&[member.id]).await.unwrap();
        assert_eq!(refs.get(&member.id), Some(&reference));
        let refs = directory.members(Caller::Merchant(other)).customer_refs(&[member.id]).await.unwrap();
        assert!(refs.is_empty());
        let found = directory.members(Caller::Operator).by_wallet(&[member.wallet]).await.unwrap();
        assert_eq!(found.iter().map(SeenMember::whole).collect::<Vec<_>>(), [Some(&member)]);
    }
}

#[tokio::test]
async fn what_is_unique_is_refused_the_second_time_and_nothing_is_left_behind() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let shop = merchant(&directory, "کافه", START).await;
        let card = CardNumber::parse("123456").unwrap();
        let reference = CustomerRef::parse("7").unwrap();
        let first = Member { card_number: Some(card.clone()), ..member("09120000001") };
        let enrolment = Enrolment { member: first.clone(), customer: Some((shop, reference.clone())) };
        directory.enrol_member(&enrolment, Audit::Ordinary).await.unwrap().unwrap();
        let taken = enrol(&directory, member("09120000001")).await;
        assert_eq!(taken, Err(EnrolmentRefused::MobileTaken(first.id)));
        let taken = enrol(&directory, Member { card_number: Some(card), ..member("09120000002") }).await;
        assert_eq!(taken, Err(EnrolmentRefused::CardTaken));
        let second = Enrolment { member: member("09120000002"), customer: Some((shop, reference.clone())) };
        let taken = directory.enrol_member(&second, Audit::Ordinary).await.unwrap();
        assert_eq!(taken, Err(EnrolmentRefused::CustomerRefTaken));
        let nowhere = MerchantId::new(first.id.uuid());
        let nowhere = Enrolment { customer: Some((nowhere, reference.clone())), ..second };
        let refused = directory.enrol_member(&nowhere, Audit::Ordinary).await.unwrap();
        assert_eq!(refused, Err(EnrolmentRefused::MerchantNotFound));
        let second = nowhere.member;
        enrol(&directory, second.clone()).await.unwrap();
        let link = async |text: &str| {
            let reference = CustomerRef::parse(text).unwrap();
            directory.link_customer(shop, &reference, second.id, START).await.unwrap()
        };
        assert_eq!(link("7").await, Err(LinkRefused::CustomerRefTaken));
        assert_eq!(link("8").await, Ok(()));
        assert_eq!(link("8").await, Ok(()));
        assert_eq!(link("9").await, Ok(()));
        let refs = directory.members(Caller::Merchant(shop)).customer_refs(&[second.id]).await.unwrap();
        assert_eq!(refs[&second.id].as_str(), "9");
    }
}

#[tokio::test]
async fn of_many_enrolments_of_one_mobile_at_the_same_time_one_wins() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let enrolling: Vec<_> = (0..8)
            .map(|_| {
                let directory = directory.clone();
                tokio::spawn(async move { enrol(&directory, member("09121112233")).await })
            })
            .collect();
        let mut enrolled = 0;
        for outcome in enrolling {
            match outcome.await.unwrap() {
                Ok(()) => enrolled += 1,
                Err(EnrolmentRefused::MobileTaken(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(enrolled, 1);
    }
}

#[tokio::test]
async fn merchants_are_listed_page_by_page_from_both_ends() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let mut ids = Vec::new();
        for number in 0..5 {
            let now = START.plus(Span::seconds(number));
            ids.push(merchant(&directory, &format!("فروشگاه {number}"), now).await);
        }
        let list = async |request: PageRequest<uuid::Uuid>| {
            let page = directory.merchants(&MerchantFilter::default(), &request).await.unwrap();
            let found: Vec<MerchantId> = page.items.iter().map(|merchant| merchant.id).collect();
            (found, page.has_previous, page.has_next, page.total)
        };
        let first = PageRequest { with_total: true, ..PageRequest::first(2) };
        assert_eq!(list(first).await, (ids[..2].to_vec(), false, true, Some(5)));
        let next = PageRequest { after: Some(ids[1].uuid()), ..PageRequest::first(3) };
        assert_eq!(list(next).await, (ids[2..].to_vec(), true, false, None));
        let last = PageRequest { end: PageEnd::Last, ..PageRequest::first(2) };
        assert_eq!(list(last.clone()).await, (ids[3..].to_vec(), true, false, None));
        let before = PageRequest { before: Some(ids[3].uuid()), ..last };
        assert_eq!(list(before).await, (ids[1..3].to_vec(), true, true, None));
        directory.set_merchant_status(ids[2], MerchantStatus::Blocked, &act()).await.unwrap();
        let blocked = MerchantFilter { status: Some(MerchantStatus::Blocked), search: None };
        let page = directory.merchants(&blocked, &PageRequest::first(9)).await.unwrap();
        assert_eq!(page.items.len(), 1);
        for (search, found) in [("فروشگاه ۳", 1), ("فروشگاه", 5), ("%", 0), ("_", 0)] {
            let filter = MerchantFilter { status: None, search: Some(search.to_owned()) };
            let page = directory.merchants(&filter, &PageRequest::first(9)).await.unwrap();
            assert_eq!(page.items.len(), found, "{search}");
        }
    }
}

#[tokio::test]
async fn members_are_searched_by_name_and_mobile() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let first = member("09123456789");
        let second = Member { name: Name::parse("Sara Amiri").unwrap(), ..member("09351112233") };
        enrol(&directory, first.clone()).await.unwrap();
        enrol(&directory, second.clone()).await.unwrap();
        for (search, found) in [("علی", &first), ("۰۹۱۲", &first), ("sara", &second), ("+98935", &second)]
        {
            let filter = MemberFilter { status: None, search: MemberSearch::parse(search) };
            let members = directory.members(Caller::Operator);
            let page = members.page(&filter, &PageRequest::first(9)).await.unwrap();
            assert_eq!(
                page.items.iter().map(SeenMember::whole).collect::<Vec<_>>(),
                [Some(found)],
                "{search}"
            );
            let itself = directory.members(Caller::Member(first.id));
            let page = itself.page(&filter, &PageRequest::first(9)).await.unwrap();
            assert!(page.items.iter().all(|member| member.id == first.id));
        }
    }
}

#[tokio::test]
async fn the_network_keeps_the_epoch_it_was_made_with() {
    for db in TestDb::both().await {
        let directory = Directory::new(db.database.clone());
        let made = directory.ensure_network(random::uuid(START), NetworkMode::Live, START).await.unwrap();
        let later = START.plus(Span::days(1));
        assert_eq!(
            directory.ensure_network(random::uuid(later), NetworkMode::Sandbox, later).await.unwrap(),
            made
        );
    }
}
