//! A person joins the network: at the operator, or at a merchant's till.

use amvaj_domain::access::Caller;
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MemberId, MerchantId, WalletId};
use amvaj_domain::language::Language;
use amvaj_domain::member::{Member, MemberStatus, SeenMember};
use amvaj_domain::merchant::MerchantStatus;
use amvaj_domain::relation::Disclosure;
use amvaj_domain::text::{CardNumber, CustomerRef, Mobile, Name};
use amvaj_infra::audit::Audit;
use amvaj_infra::directory::{Enrolment, EnrolmentRefused};

use super::look_up::{Purpose, Seeker, count};
use super::{App, AppError, Stopped};
use crate::random;

/// A member to enrol.
#[derive(Debug, Clone)]
pub struct EnrolMember {
    /// The name.
    pub name: Name,
    /// The mobile number.
    pub mobile: Mobile,
    /// The number of the card that is handed out.
    pub card_number: Option<CardNumber>,
    /// A merchant's own reference. A merchant can only give its own.
    pub customer: Option<(MerchantId, CustomerRef)>,
    /// The language in which the member wants to be told things.
    pub language: Option<Language>,
}

/// Why nobody was enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnrolMemberRefused {
    /// Another member has the mobile number.
    #[error("the mobile number belongs to a member")]
    MobileTaken,
    /// Another member has the card.
    #[error("the card belongs to another member")]
    CardTaken,
    /// The reference belongs to another member.
    #[error("the reference belongs to another member")]
    CustomerRefTaken,
    /// There is no such merchant for this caller.
    #[error("there is no such merchant")]
    MerchantNotFound,
    /// The calling merchant is blocked.
    #[error("the merchant is blocked")]
    MerchantBlocked,
}

/// Enrols a member with an empty wallet. What a merchant enrols in vain counts as a look-up that found nobody: a taken
/// number tells that its owner is a member.
pub async fn enrol_member(
    app: &App,
    author: &Author,
    request: EnrolMember,
) -> Result<SeenMember, Stopped<EnrolMemberRefused>> {
    let merchant = may_enrol(app, author, request.customer.as_ref().map(|(merchant, _)| *merchant)).await?;
    let now = app.now();
    let member = Member {
        id: MemberId::new(random::uuid(now)),
        wallet: WalletId::new(random::uuid(now)),
        mobile: request.mobile,
        card_number: request.card_number,
        name: request.name,
        status: MemberStatus::Open,
        enrolled_at: now,
        language: request.language,
    };
    let enrolment = Enrolment { member, customer: request.customer };
    let (enrolled, disclosure) = if let Some(merchant) = merchant {
        // Whoever enrols at a till does its daily work.
        let counted = count(app, Seeker::from(author), Purpose::Look).await?;
        let enrolled = app.directory.enrol_member_at(merchant, &enrolment).await?;
        if enrolled.is_ok() {
            counted.found().await;
        }
        (enrolled, Disclosure::Known)
    } else {
        let member = &enrolment.member;
        let act = Act::new(author, ActKind::MemberEnrolled, Target::Member(member.id), now)
            .detail("mobile", &member.mobile);
        (app.directory.enrol_member(&enrolment, Audit::Entry(&act)).await?, Disclosure::Whole)
    };
    match enrolled {
        Ok(()) => Ok(SeenMember::new(enrolment.member, disclosure)),
        Err(refused) => Err(Stopped::Refused(refused.into())),
    }
}

/// The merchant that enrols; none when the operator does.
async fn may_enrol(
    app: &App,
    author: &Author,
    customer_of: Option<MerchantId>,
) -> Result<Option<MerchantId>, Stopped<EnrolMemberRefused>> {
    let merchant = match author.caller {
        Some(Caller::Operator) => return Ok(None),
        Some(Caller::Merchant(merchant)) => merchant,
        Some(Caller::Agent | Caller::Member(_)) => return Err(AppError::Forbidden.into()),
        None => return Err(AppError::Unauthenticated.into()),
    };
    if customer_of.is_some_and(|other| other != merchant) {
        return Err(Stopped::Refused(EnrolMemberRefused::MerchantNotFound));
    }
    match app.directory.merchant_file(merchant).await?.map(|file| file.merchant.status) {
        Some(MerchantStatus::Open) => Ok(Some(merchant)),
        Some(MerchantStatus::Blocked) => Err(Stopped::Refused(EnrolMemberRefused::MerchantBlocked)),
        None => Err(Stopped::Refused(EnrolMemberRefused::MerchantNotFound)),
    }
}

impl From<EnrolmentRefused> for EnrolMemberRefused {
    fn from(refused: EnrolmentRefused) -> Self {
        match refused {
            // The other member's id is not told: a till that knows the number finds the member by it.
            EnrolmentRefused::MobileTaken(_) => Self::MobileTaken,
            EnrolmentRefused::CardTaken => Self::CardTaken,
            EnrolmentRefused::CustomerRefTaken => Self::CustomerRefTaken,
            EnrolmentRefused::MerchantNotFound => Self::MerchantNotFound,
        }
    }
}
