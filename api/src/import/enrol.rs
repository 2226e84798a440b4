//! The members of a file: found in the network, linked to the merchants they buy at, or enrolled.

use std::collections::HashMap;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::ledger::{Idem, Tenant};
use amvaj_domain::member::{Member, MemberLookup, MemberStatus};
use amvaj_domain::text::{CustomerRef, Mobile, Name};
use amvaj_domain::time::Instant;
use amvaj_infra::audit::Audit;
use amvaj_infra::directory::{Enrolment, EnrolmentRefused, LinkRefused};

use super::basket::Purchase;
use super::error::ImportError;
use super::map::{Map, Reference};
use super::member::MemberRef;
use crate::app::{App, AppError};

/// The members of a file as far as it has been played.
#[derive(Debug)]
pub(super) struct Members<'a> {
    app: &'a App,
    map: &'a Map,
    known: HashMap<(MerchantId, MemberRef), Named>,
}

/// Whom a reference of the file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// This member.
    Member(MemberId),
    /// Somebody who was erased: nothing of the file brings it back.
    Erased,
}

/// How many placeholder mobiles are tried for one member. Two references rarely make one number, and then the second
/// takes the next.
const MOST_PLACEHOLDERS: u32 = 100;
/// Digits of a mobile number as it is dialled inside Iran.
const MOBILE_DIGITS: usize = 11;

impl<'a> Members<'a> {
    pub(super) fn new(app: &'a App, map: &'a Map) -> Self {
        Self { app, map, known: HashMap::new() }
    }

    /// Whom a merchant's reference names, once [`Self::enrol`] has seen it.
    pub(super) fn known(&self, merchant: MerchantId, member: &MemberRef) -> Option<Named> {
        self.known.get(&(merchant, member.clone())).copied()
    }

    /// Makes sure that the reference of a purchase names a member, and that the merchant knows the member by it; unless
    /// it names somebody who was erased.
    pub(super) async fn enrol(&mut self, purchase: &Purchase, now: Instant) -> Result<(), ImportError> {
        if self.known(purchase.merchant, &purchase.member).is_none() {
            let named = self.find_or_enrol(purchase, now).await?;
            self.known.insert((purchase.merchant, purchase.member.clone()), named);
        }
        Ok(())
    }

    /// Whether an earlier run posted a purchase for a member that was erased since.
    pub(super) async fn was_of_an_erased_member(&self, purchase: &Purchase) -> Result<bool, ImportError> {
        let key = self.map.identities.earn_key(purchase.receipt.as_str());
        let idem = Idem::of(Tenant::Merchant(purchase.merchant), &key);
        let claimed = self.app.reader.claimed_wallet(idem).await.map_err(AppError::from)?;
        let Some(wallet) = claimed.flatten() else { return Ok(false) };
        let found = self.find(MemberLookup::Wallet(wallet)).await?;
        Ok(found == Some(Named::Erased))
    }

    async fn find_or_enrol(&self, purchase: &Purchase, now: Instant) -> Result<Named, ImportError> {
        let (merchant, reference) = (purchase.merchant, &purchase.member);
        let lookup = match reference {
            MemberRef::Mobile(mobile) => MemberLookup::Mobile(*mobile),
            MemberRef::Customer(customer) => {
                MemberLookup::Customer { merchant, customer_ref: customer.clone() }
            }
        };
        if let Some(known) = self.find(lookup).await? {
            return Ok(known);
        }
        // Nobody has the number any more. Whose it was may not come back by a file from before.
        if self.was_of_an_erased_member(purchase).await? {
            return Ok(Named::Erased);
        }
        match (self.made_by_an_import(reference).await?, reference) {
            (Some(Named::Member(id)), MemberRef::Customer(customer)) => {
                self.link(merchant, reference, customer, id, now).await
            }
            (Some(named), _) => Ok(named),
            (None, MemberRef::Mobile(mobile)) => {
                match self.enrol_with(*mobile, reference, None, now).await? {
                    Ok(member) | Err(EnrolmentRefused::MobileTaken(member)) => Ok(Named::Member(member)),
                    Err(refused) => Err(failed(reference, refused)),
                }
            }
            (None, MemberRef::Customer(customer)) => {
                let enrolled = self.enrol_customer(merchant, reference, customer, now).await?;
                Ok(Named::Member(enrolled))
            }
        }
    }

    /// The member whom an import of this map has made of a reference: another run, or for another merchant of the file.
    async fn made_by_an_import(&self, reference: &MemberRef) -> Result<Option<Named>, ImportError> {
        let (ids, secret) = (&self.map.identities, &self.app.credentials.secret);
        let (id, _) = ids.member(secret, reference.as_str());
        for id in [id, ids.member_before(reference.as_str())] {
            let found = self.find(MemberLookup::Id(id)).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    async fn link(
        &self,
        merchant: MerchantId,
        reference: &MemberRef,
        customer: &CustomerRef,
        id: MemberId,
        now: Instant,
    ) -> Result<Named, ImportError> {
        let linked = self.app.directory.link_customer(merchant, customer, id, now).await;
        match linked.map_err(AppError::from)? {
            Ok(()) => Ok(Named::Member(id)),
            // It was there a moment ago.
            Err(LinkRefused::MemberNotFound) => Ok(Named::Erased),
            Err(refused @ (LinkRefused::CustomerRefTaken | LinkRefused::MerchantNotFound)) => {
                Err(failed(reference, refused))
            }
        }
    }

    async fn enrol_customer(
        &self,
        merchant: MerchantId,
        reference: &MemberRef,
        customer: &CustomerRef,
        now: Instant,
    ) -> Result<MemberId, ImportError> {
        let mut refusal = EnrolmentRefused::MerchantNotFound;
        for attempt in 0..MOST_PLACEHOLDERS {
            let mobile = self.placeholder(reference, attempt)?;
            match self.enrol_with(mobile, reference, Some((merchant, customer.clone())), now).await? {
                Ok(member) => return Ok(member),
                Err(taken @ EnrolmentRefused::MobileTaken(_)) => refusal = taken,
                Err(refused) => return Err(failed(reference, refused)),
            }
        }
        Err(failed(reference, refusal))
    }

    async fn enrol_with(
        &self,
        mobile: Mobile,
        reference: &MemberRef,
        customer: Option<(MerchantId, CustomerRef)>,
        now: Instant,
    ) -> Result<Result<MemberId, EnrolmentRefused>, ImportError> {
        let secret = &self.app.credentials.secret;
        let (id, wallet) = self.map.identities.member(secret, reference.as_str());
        let name = self.map.members.name.replace("{}", &reference.shown());
        let member = Member {
            id,
            wallet,
            mobile,
            card_number: None,
            name: Name::parse(&name).map_err(|error| failed(reference, error))?,
            status: MemberStatus::Open,
            language: None,
            enrolled_at: now,
        };
        // The import as a whole has an entry in the audit log.
        let enrolled =
            self.app.directory.enrol_member(&Enrolment { member, customer }, Audit::Ordinary).await;
        Ok(enrolled.map_err(AppError::from)?.map(|()| id))
    }

    /// A valid mobile number in the range that the map sets aside.
    fn placeholder(&self, reference: &MemberRef, attempt: u32) -> Result<Mobile, ImportError> {
        let Reference::Customer { placeholder_mobile: prefix } = &self.map.members.reference else {
            return Err(failed(reference, "the map has no placeholder mobiles"));
        };
        let free = MOBILE_DIGITS.saturating_sub(prefix.len());
        let limit = u32::try_from(free).ok().and_then(|free| 10_u64.checked_pow(free)).unwrap_or(1);
        let number = self.map.identities.mobile(reference.as_str(), attempt, limit);
        Mobile::parse(&format!("{prefix}{number:0free$}")).map_err(|error| failed(reference, error))
    }

    async fn find(&self, lookup: MemberLookup) -> Result<Option<Named>, ImportError> {
        let found =
            self.app.directory.members(Caller::Operator).find(&lookup).await.map_err(AppError::from)?;
        Ok(found.map(|member| match member.status {
            MemberStatus::Open | MemberStatus::Blocked => Named::Member(member.id),
            MemberStatus::Erased => Named::Erased,
        }))
    }
}

fn failed(reference: &MemberRef, problem: impl std::fmt::Display) -> ImportError {
    ImportError::Enrolment { reference: reference.shown(), problem: problem.to_string() }
}
