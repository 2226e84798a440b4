//! `linkCustomer`.

use amvaj_domain::access::Caller;
use amvaj_domain::text::CustomerRef;
use amvaj_infra::directory::LinkRefused;
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};

use super::{Member, MemberRef, MemberRefProblem};
use crate::app::link_customer::link_customer;
use crate::graphql::context::{app, author, require_merchant};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::user_error::{Problems, user_errors};

/// A customer to link.
#[derive(Debug, InputObject)]
pub struct LinkCustomerInput {
    /// How the member is named.
    pub member: MemberRef,
    /// The calling merchant's own reference, 1 to 64 characters. Example: `"17850"`.
    pub customer_ref: String,
}

/// What `linkCustomer` did.
#[derive(Default, SimpleObject)]
pub struct LinkCustomerPayload {
    /// The member with its new reference; null when nothing changed.
    pub member: Option<Member>,
    /// Why nothing changed; empty when the reference is linked.
    pub user_errors: Vec<LinkCustomerUserError>,
}

user_errors! {
    /// Why `linkCustomer` changed nothing.
    LinkCustomerUserError, LinkCustomerErrorCode {
        /// There is no such member.
        MemberNotFound,
        /// The text cannot name a member.
        InvalidMemberRef,
        /// The reference is empty, too long, or has control characters.
        InvalidCustomerRef,
        /// The reference belongs to another member.
        CustomerRefTaken,
        /// The calling merchant is not registered here.
        MerchantNotFound,
    }
}

/// The mutation.
#[derive(Default)]
pub struct LinkCustomer;

#[Object]
impl LinkCustomer {
    /// Gives a member the calling merchant's own reference (merchant), in place of the one it had. With it begins a
    /// relation between them, which the member sees. Linking it again changes nothing.
    async fn link_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Member and reference.")] input: LinkCustomerInput,
    ) -> Result<LinkCustomerPayload> {
        use LinkCustomerErrorCode as Code;
        let caller = Caller::Merchant(require_merchant(ctx)?);
        let mut problems = Problems::new();
        let reference = CustomerRef::parse(&input.customer_ref);
        let reference = problems.take(reference, Code::InvalidCustomerRef, "input.customerRef");
        let lookup = match input.member.read(caller) {
            Ok(lookup) => Some(lookup),
            Err(MemberRefProblem::NotFound) => {
                problems.add(Code::MemberNotFound, "input.member");
                None
            }
            Err(MemberRefProblem::Invalid(_)) => {
                problems.add(Code::InvalidMemberRef, "input.member");
                None
            }
        };
        let (Some(lookup), Some(reference)) = (lookup, reference) else {
            return Ok(LinkCustomerPayload { member: None, user_errors: problems.into_errors() });
        };
        let linked = link_customer(app(ctx)?, caller, &author(ctx)?, &lookup, &reference).await;
        match refusal_or_fault(linked)? {
            Ok(member) => Ok(LinkCustomerPayload { member: Some(Member(member)), user_errors: Vec::new() }),
            Err(refused) => {
                let (code, path) = match refused {
                    LinkRefused::CustomerRefTaken => (Code::CustomerRefTaken, "input.customerRef"),
                    LinkRefused::MerchantNotFound => (Code::MerchantNotFound, ""),
                    LinkRefused::MemberNotFound => (Code::MemberNotFound, "input.member"),
                };
                Ok(LinkCustomerPayload { member: None, user_errors: Problems::one(code, path) })
            }
        }
    }
}
