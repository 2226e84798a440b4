//! The members of a file: found in the network, linked to the merchants they buy at, or enrolled.

use std::collections::HashMap;

use amvaj_domain::access::Caller;
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::member::{Member, MemberLookup, MemberStatus};
use amvaj_domain::text::{CustomerRef, Mobile, Name};
use amvaj_domain::time::Instant;
use amvaj_infra::audit::Audit;
use amvaj_infra::directory::{Enrolment, EnrolmentRefused, LinkRefused};

use super::error::ImportError;
use super::map::{Map, Reference};
use super::member::MemberRef;
use crate::app::{App, AppError};

/// The members of a file as far as it has been played.
#[derive(Debug)]
pub(super) struct Members<'a> {
    app: &'a App,
    map: &'a Map,
    known: HashMap<(MerchantId, MemberRef), MemberId>,
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

    /// The member behind a merchant's reference, once [`Self::enrol`] has seen it.
    pub(super) fn known(&self, merchant: MerchantId, member: &MemberRef) -> Option<MemberId> {
        self.known.get(&(merchant, member.clone())).copied()
    }

    /// Makes sure that a reference names a member, and that the merchant knows the member by it.
    pub(super) async fn enrol(
        &mut self,
        merchant: MerchantId,
        reference: &MemberRef,
        now: Instant,
    ) -> Result<(), ImportError> {
        if self.known(merchant, reference).is_none() {
            let member = self.find_or_enrol(merchant, reference, now).await?;
            self.known.insert((merchant, reference.clone()), member);
        }
        Ok(())
    }

    async fn find_or_enrol(
        &self,
        merchant: MerchantId,
        reference: &MemberRef,
        now: Instant,
    ) -> Result<MemberId, ImportError> {
        match reference {
            MemberRef::Mobile(mobile) => {
                if let Some(member) = self.find(MemberLookup::Mobile(*mobile)).await? {
                    return Ok(member);
                }
                match self.enrol_with(*mobile, reference, None, now).await? {
                    Ok(member) | Err(EnrolmentRefused::MobileTaken(member)) => Ok(member),
                    Err(refused) => Err(failed(reference, refused)),
                }
            }
            MemberRef::Customer(customer) => self.customer(merchant, reference, customer, now).await,
        }
    }

    async fn customer(
        &self,
        merchant: MerchantId,
        reference: &MemberRef,
        customer: &CustomerRef,
        now: Instant,
    ) -> Result<MemberId, ImportError> {
        let lookup = MemberLookup::Customer { merchant, customer_ref: customer.clone() };
        if let Some(member) = self.find(lookup).await? {
            return Ok(member);
        }
        // Another merchant of the file may have brought the member in.
        let id = self.map.identities.member(reference.as_str());
        if self.find(MemberLookup::Id(id)).await?.is_none() {
            return self.enrol_customer(merchant, reference, customer, now).await;
        }
        let linked = self.app.directory.link_customer(merchant, customer, id, now).await;
        match linked.map_err(AppError::from)? {
            Ok(()) => Ok(id),
            Err(
                refused @ (LinkRefused::CustomerRefTaken
                | LinkRefused::MerchantNotFound
                | LinkRefused::MemberNotFound),
            ) => Err(failed(reference, refused)),
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
        let identities = &self.map.identities;
        let id = identities.member(reference.as_str());
        let name = self.map.members.name.replace("{}", &reference.shown());
        let member = Member {
            id,
            wallet: identities.wallet(reference.as_str()),
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

    async fn find(&self, lookup: MemberLookup) -> Result<Option<MemberId>, ImportError> {
        let found =
            self.app.directory.members(Caller::Operator).find(&lookup).await.map_err(AppError::from)?;
        Ok(found.map(|member| member.id))
    }
}

fn failed(reference: &MemberRef, problem: impl std::fmt::Display) -> ImportError {
    ImportError::Enrolment { reference: reference.shown(), problem: problem.to_string() }
}
