//! `setConsent` and `withdrawConsent`.

use amvaj_infra::relation::ConsentRefused;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{Consent, Relation};
use crate::app::set_consent::{set_consent, withdraw_consent};
use crate::graphql::context::{app, require_member};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// What a merchant may see.
#[derive(Debug, InputObject)]
pub struct SetConsentInput {
    /// Global id of the merchant.
    pub merchant_id: ID,
    /// What it may see of the calling member. Example: `PROFILE`.
    pub consent: Consent,
}

/// What `setConsent` did.
#[derive(Default, SimpleObject)]
pub struct SetConsentPayload {
    /// What there is between the member and the merchant now; null when nothing changed.
    pub relation: Option<Relation>,
    /// Why nothing changed; empty when the consent is set.
    pub user_errors: Vec<SetConsentUserError>,
}

user_errors! {
    /// Why `setConsent` changed nothing.
    SetConsentUserError, SetConsentErrorCode {
        /// There is no such merchant.
        MerchantNotFound,
        /// The calling member is not enrolled here.
        MemberNotFound,
    }
}

/// Whose consent is taken back.
#[derive(Debug, InputObject)]
pub struct WithdrawConsentInput {
    /// Global id of the merchant.
    pub merchant_id: ID,
}

/// What `withdrawConsent` did.
#[derive(Default, SimpleObject)]
pub struct WithdrawConsentPayload {
    /// What there is between the member and the merchant now; null when there is nothing, and when nothing changed.
    pub relation: Option<Relation>,
    /// Why nothing changed; empty when there is no consent any more.
    pub user_errors: Vec<WithdrawConsentUserError>,
}

user_errors! {
    /// Why `withdrawConsent` changed nothing.
    WithdrawConsentUserError, WithdrawConsentErrorCode {
        /// There is no such merchant.
        MerchantNotFound,
        /// The calling member is not enrolled here.
        MemberNotFound,
    }
}

/// The mutations.
#[derive(Default)]
pub struct ConsentMutations;

#[Object]
impl ConsentMutations {
    /// Says what a merchant may see of the calling member (member), in place of what was said before. It holds at once
    /// here, and within a second on every other server. Saying it again changes nothing.
    async fn set_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Merchant and consent.")] input: SetConsentInput,
    ) -> Result<SetConsentPayload> {
        use SetConsentErrorCode as Code;
        let member = require_member(ctx)?;
        let refused =
            |(code, path)| SetConsentPayload { relation: None, user_errors: Problems::one(code, path) };
        let Some(merchant) = GlobalId::merchant(&input.merchant_id) else {
            return Ok(refused((Code::MerchantNotFound, "input.merchantId")));
        };
        match refusal_or_fault(set_consent(app(ctx)?, member, merchant, input.consent.into()).await)? {
            Ok(relation) => {
                Ok(SetConsentPayload { relation: Some(Relation(relation)), user_errors: Vec::new() })
            }
            Err(ConsentRefused::MerchantNotFound) => {
                Ok(refused((Code::MerchantNotFound, "input.merchantId")))
            }
            Err(ConsentRefused::MemberNotFound) => Ok(refused((Code::MemberNotFound, ""))),
        }
    }

    /// Takes back what the calling member allowed or forbade a merchant (member), so that the merchant sees again what it
    /// sees without a word. It holds at once here, and within a second on every other server. Doing it again changes
    /// nothing.
    async fn withdraw_consent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant.")] input: WithdrawConsentInput,
    ) -> Result<WithdrawConsentPayload> {
        use WithdrawConsentErrorCode as Code;
        let member = require_member(ctx)?;
        let refused =
            |(code, path)| WithdrawConsentPayload { relation: None, user_errors: Problems::one(code, path) };
        let Some(merchant) = GlobalId::merchant(&input.merchant_id) else {
            return Ok(refused((Code::MerchantNotFound, "input.merchantId")));
        };
        match refusal_or_fault(withdraw_consent(app(ctx)?, member, merchant).await)? {
            Ok(relation) => {
                Ok(WithdrawConsentPayload { relation: relation.map(Relation), user_errors: Vec::new() })
            }
            Err(ConsentRefused::MerchantNotFound) => {
                Ok(refused((Code::MerchantNotFound, "input.merchantId")))
            }
            Err(ConsentRefused::MemberNotFound) => Ok(refused((Code::MemberNotFound, ""))),
        }
    }
}
