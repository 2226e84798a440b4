//! The ways to name a member: a till has a card, a web shop its own customer number, a cashier a mobile number.

use amvaj_domain::access::{Caller, Scope};
use amvaj_domain::id::MerchantId;
use amvaj_domain::member::{MemberLookup, SeenMember};
use amvaj_domain::text::{CardNumber, CustomerRef, Mobile};
use async_graphql::{Context, Error, ID, InputObject, OneofObject, Result, SimpleObject};

use crate::app::find_member::find_member;
use crate::graphql::context::{app, author, caller, identity_if_any};
use crate::graphql::error::{Code, fault};
use crate::graphql::global_id::GlobalId;
use crate::graphql::loader::loader;
use crate::graphql::member::Member;
use crate::graphql::node::may_read;
use crate::language::Message;

/// A merchant's own name for one of its customers.
#[derive(Debug, Clone, InputObject)]
pub struct CustomerRefInput {
    /// Global id of the merchant. A merchant may leave it out, and can name no other than itself.
    pub merchant_id: Option<ID>,
    /// The merchant's reference, 1 to 64 characters. Example: `"17850"`.
    pub customer_ref: String,
}

/// A merchant's own name for one of its customers: another subgraph refers to a member by it.
#[derive(Debug, Clone, SimpleObject)]
pub struct MerchantRef {
    /// Global id of the merchant.
    pub merchant_id: ID,
    /// The merchant's reference. Example: `"17850"`.
    pub customer_ref: String,
}

/// Names a member in exactly one way.
#[derive(Debug, Clone, OneofObject)]
pub enum MemberRef {
    /// By global id.
    Id(ID),
    /// By mobile number, in Persian, Arabic or ASCII digits. Example: `"۰۹۱۲ ۳۴۵ ۶۷۸۹"`.
    Mobile(String),
    /// By card number, 6 to 19 digits. Example: `"6273001234567890"`.
    CardNumber(String),
    /// By a merchant's own reference.
    Customer(CustomerRefInput),
}

/// What is wrong with the text that should name a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidMemberRef {
    message: Message,
}

/// Why a member was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberRefProblem {
    /// There is no such member for this caller.
    NotFound,
    /// The text cannot name a member.
    Invalid(InvalidMemberRef),
}

impl InvalidMemberRef {
    /// What to do.
    pub fn into_message(self) -> Message {
        self.message
    }

    /// For queries, which have no user errors.
    pub fn error(self) -> Error {
        Code::BadUserInput.saying(self.message)
    }

    const fn because(message: Message) -> MemberRefProblem {
        MemberRefProblem::Invalid(Self { message })
    }
}

impl MemberRef {
    /// The member, as the caller may see it.
    pub async fn find(&self, ctx: &Context<'_>) -> Result<Result<SeenMember, MemberRefProblem>> {
        let caller = caller(ctx)?;
        let lookup = match self.read(caller) {
            Ok(lookup) => lookup,
            Err(problem) => return Ok(Err(problem)),
        };
        let found = find_member(app(ctx)?, caller, &author(ctx)?, &lookup).await.map_err(fault)?;
        Ok(found.ok_or(MemberRefProblem::NotFound))
    }

    /// How the member is to be looked up.
    pub fn read(&self, caller: Caller) -> Result<MemberLookup, MemberRefProblem> {
        match self {
            Self::Id(id) => GlobalId::member(id).map(MemberLookup::Id).ok_or(MemberRefProblem::NotFound),
            Self::Mobile(mobile) => Mobile::parse(mobile)
                .map(MemberLookup::Mobile)
                .map_err(|_| InvalidMemberRef::because(Message::new("invalid-mobile"))),
            Self::CardNumber(card) => CardNumber::parse(card)
                .map(MemberLookup::CardNumber)
                .map_err(|_| InvalidMemberRef::because(Message::new("invalid-card-number"))),
            Self::Customer(customer) => {
                let (merchant, customer_ref) = customer.read(caller)?;
                Ok(MemberLookup::Customer { merchant, customer_ref })
            }
        }
    }
}

impl Member {
    /// The member of a merchant's reference, as the field `member` finds it; nothing when there is none for this caller.
    pub async fn of_customer(ctx: &Context<'_>, reference: &CustomerRefInput) -> Result<Option<Self>> {
        if !may_read(identity_if_any(ctx), Scope::MembersRead) {
            return Ok(None);
        }
        let caller = caller(ctx)?;
        let found = match reference.read(caller) {
            // A merchant looks its own references up as it likes, so that many are read at once.
            Ok((merchant, customer_ref)) if caller == Caller::Merchant(merchant) => {
                let found = loader(ctx)?.load_one(customer_ref).await.map_err(fault)?;
                found.ok_or(MemberRefProblem::NotFound)
            }
            Ok(_) => MemberRef::Customer(reference.clone()).find(ctx).await?,
            Err(problem) => Err(problem),
        };
        match found {
            Ok(member) => Ok(Some(Self(member))),
            Err(MemberRefProblem::NotFound) => Ok(None),
            Err(MemberRefProblem::Invalid(what)) => Err(what.error()),
        }
    }
}

impl CustomerRefInput {
    /// The merchant and its reference. Another merchant's answers as not found.
    pub fn read(&self, caller: Caller) -> Result<(MerchantId, CustomerRef), MemberRefProblem> {
        let reference = CustomerRef::parse(&self.customer_ref)
            .map_err(|_| InvalidMemberRef::because(Message::new("invalid-customer-ref")))?;
        let named = self.merchant_id.as_ref().map(GlobalId::merchant);
        match (caller, named) {
            (Caller::Merchant(own), None) => Ok((own, reference)),
            (Caller::Merchant(own), Some(Some(named))) if own == named => Ok((own, reference)),
            (Caller::Operator | Caller::Agent, Some(Some(named))) => Ok((named, reference)),
            (Caller::Operator | Caller::Agent, None) => {
                Err(InvalidMemberRef::because(Message::new("customer-ref-without-merchant")))
            }
            (Caller::Operator | Caller::Agent | Caller::Merchant(_) | Caller::Member(_), _) => {
                Err(MemberRefProblem::NotFound)
            }
        }
    }
}
