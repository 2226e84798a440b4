//! `enrolMember`.

use amvaj_domain::access::Caller;
use amvaj_domain::text::{CardNumber, Mobile, Name};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::language::Language;
use super::{CustomerRefInput, Member, MemberRefProblem};
use crate::app::enrol_member::{self, EnrolMemberRefused, enrol_member};
use crate::graphql::context::{app, author, caller};
use crate::graphql::error::{Code, refusal_or_fault};
use crate::graphql::user_error::{Problems, user_errors};

/// A member to enrol.
#[derive(Debug, InputObject)]
pub struct EnrolMemberInput {
    /// The name, 1 to 120 characters. Example: `"مینا کریمی"`.
    pub name: String,
    /// The mobile number, in Persian, Arabic or ASCII digits. Example: `"۰۹۱۲ ۳۴۵ ۶۷۸۹"`.
    pub mobile: String,
    /// The number of the card that is handed out, 6 to 19 digits. Example: `"6273001234567890"`.
    pub card_number: Option<String>,
    /// A merchant's own reference of the member. A merchant can give only its own.
    pub customer: Option<CustomerRefInput>,
    /// The language in which the member wants to be told things; the network's when left out. Example: `FA`.
    pub language: Option<Language>,
}

/// What `enrolMember` did.
#[derive(Default, SimpleObject)]
pub struct EnrolMemberPayload {
    /// The new member; null when nothing changed.
    pub member: Option<Member>,
    /// Why nothing changed; empty when the member was enrolled.
    pub user_errors: Vec<EnrolMemberUserError>,
}

user_errors! {
    /// Why `enrolMember` changed nothing.
    EnrolMemberUserError, EnrolMemberErrorCode {
        /// The name is empty, too long, or has control characters.
        InvalidName,
        /// The mobile number is none of Iran.
        InvalidMobile,
        /// The card number has too few or too many digits.
        InvalidCardNumber,
        /// The reference is empty, too long, or says not whose customer it is.
        InvalidCustomerRef,
        /// A member has the mobile number.
        MobileTaken,
        /// Another member has the card.
        CardTaken,
        /// The reference belongs to another member.
        CustomerRefTaken,
        /// There is no such merchant, or it is another one than the caller.
        MerchantNotFound,
        /// The merchant is blocked.
        MerchantBlocked,
    }
}

/// The mutation.
#[derive(Default)]
pub struct EnrolMember;

#[Object]
impl EnrolMember {
    /// Enrols a person with an empty wallet (operator or merchant). A merchant has a relation with whom it enrols; what it
    /// enrols in vain counts as a look-up that found nobody, of which so many are `THROTTLED`.
    async fn enrol_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member.")] input: EnrolMemberInput,
    ) -> Result<EnrolMemberPayload> {
        let caller = caller(ctx)?;
        if matches!(caller, Caller::Member(_)) {
            return Err(Code::Forbidden.error());
        }
        let request = match read(caller, &input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(EnrolMemberPayload { member: None, user_errors }),
        };
        match refusal_or_fault(enrol_member(app(ctx)?, &author(ctx)?, request).await)? {
            Ok(member) => Ok(EnrolMemberPayload { member: Some(Member(member)), user_errors: Vec::new() }),
            Err(refused) => {
                let (code, path) = shown(refused);
                let user_errors = Problems::one(code, path);
                Ok(EnrolMemberPayload { member: None, user_errors })
            }
        }
    }
}

fn read(
    caller: Caller,
    input: &EnrolMemberInput,
) -> Result<enrol_member::EnrolMember, Vec<EnrolMemberUserError>> {
    use EnrolMemberErrorCode as Code;
    let mut problems = Problems::new();
    let name = problems.take(Name::parse(&input.name), Code::InvalidName, "input.name");
    let mobile = problems.take(Mobile::parse(&input.mobile), Code::InvalidMobile, "input.mobile");
    let card = input.card_number.as_deref().map(CardNumber::parse).transpose();
    let card = problems.take(card, Code::InvalidCardNumber, "input.cardNumber");
    let customer = match input.customer.as_ref().map(|customer| customer.read(caller)).transpose() {
        Ok(customer) => Some(customer),
        Err(MemberRefProblem::NotFound) => {
            problems.add(Code::MerchantNotFound, "input.customer.merchantId");
            None
        }
        Err(MemberRefProblem::Invalid(_)) => {
            problems.add(Code::InvalidCustomerRef, "input.customer");
            None
        }
    };
    let language = input.language.map(Into::into);
    match (name, mobile, card, customer) {
        (Some(name), Some(mobile), Some(card_number), Some(customer)) => {
            Ok(enrol_member::EnrolMember { name, mobile, card_number, customer, language })
        }
        _ => Err(problems.into_errors()),
    }
}

const fn shown(refused: EnrolMemberRefused) -> (EnrolMemberErrorCode, &'static str) {
    use EnrolMemberErrorCode as Code;
    match refused {
        EnrolMemberRefused::MobileTaken => (Code::MobileTaken, "input.mobile"),
        EnrolMemberRefused::CardTaken => (Code::CardTaken, "input.cardNumber"),
        EnrolMemberRefused::CustomerRefTaken => (Code::CustomerRefTaken, "input.customer.customerRef"),
        EnrolMemberRefused::MerchantNotFound => (Code::MerchantNotFound, "input.customer.merchantId"),
        EnrolMemberRefused::MerchantBlocked => (Code::MerchantBlocked, ""),
    }
}
