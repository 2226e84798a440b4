//! `createApiKey`.

use amvaj_domain::access::{Caller, Scopes};
use amvaj_domain::id::MerchantId;
use amvaj_domain::text::Name;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{ApiKey, read_scopes};
use crate::app::create_api_key::{CreateApiKey, CreateApiKeyRefused, MadeKey, create_api_key};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::scalar::DateTime;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// An API key to make.
#[derive(Debug, InputObject)]
pub struct CreateApiKeyInput {
    /// Global id of the merchant whose key it is. The operator has to name it; a merchant may leave it out.
    pub merchant_id: Option<ID>,
    /// What to call it, 1 to 120 characters. Example: `"Web shop"`.
    pub name: String,
    /// What it may do, out of what a merchant may and the caller has. Example: `["points:earn", "members:read"]`.
    pub scopes: Vec<String>,
    /// When it ends by itself, at most ten years ahead; it goes on until it is revoked when left out. A key that makes a
    /// key cannot give it more time than it has itself.
    pub expires_at: Option<DateTime>,
}

/// What `createApiKey` did.
#[derive(Default, SimpleObject)]
pub struct CreateApiKeyPayload {
    /// The new key; null when none was made.
    pub api_key: Option<ApiKey>,
    /// Its secret, which is shown this once and cannot be read again. Example: `"amvaj_live_3xK9aQ7e…"`.
    pub secret: Option<String>,
    /// Why no key was made; empty when one was.
    pub user_errors: Vec<CreateApiKeyUserError>,
}

user_errors! {
    /// Why `createApiKey` made no key.
    CreateApiKeyUserError, CreateApiKeyErrorCode {
        /// There is no such merchant for the caller, or the operator named none.
        MerchantNotFound,
        /// The merchant is blocked.
        MerchantBlocked,
        /// The name is empty, too long, or has control characters.
        InvalidName,
        /// There is no scope, or one that merchants do not have.
        InvalidScopes,
        /// The caller lacks one of the scopes.
        ScopeNotYours,
        /// The end is not ahead, is too far ahead, or lies beyond that of the key that makes it.
        InvalidExpiry,
        /// The merchant has 100 keys that are good; revoke some first.
        TooManyKeys,
    }
}

/// The mutation.
#[derive(Default)]
pub struct CreateApiKeyMutation;

#[Object]
impl CreateApiKeyMutation {
    /// Makes an API key for a merchant (its owner, a key with `keys:manage`, or the operator).
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key.")] input: CreateApiKeyInput,
    ) -> Result<CreateApiKeyPayload> {
        let identity = identity(ctx)?;
        let request = match read(&input, identity.caller) {
            Ok(request) => request,
            Err(user_errors) => return Ok(CreateApiKeyPayload { user_errors, ..Default::default() }),
        };
        let made = create_api_key(app(ctx)?, identity, &author(ctx)?, request).await;
        Ok(match refusal_or_fault(made)? {
            Ok(MadeKey { key, secret }) => CreateApiKeyPayload {
                api_key: Some(ApiKey(key)),
                secret: Some(secret),
                user_errors: Vec::new(),
            },
            Err(refused) => CreateApiKeyPayload { user_errors: vec![told(refused)], ..Default::default() },
        })
    }
}

fn read(input: &CreateApiKeyInput, caller: Caller) -> Result<CreateApiKey, Vec<CreateApiKeyUserError>> {
    use CreateApiKeyErrorCode::{InvalidName, InvalidScopes, MerchantNotFound};
    let mut problems = Problems::new();
    let merchant = merchant_named(input.merchant_id.as_ref(), caller).ok_or(());
    let merchant = problems.take(merchant, MerchantNotFound, "input.merchantId");
    let name = problems.take(Name::parse(&input.name), InvalidName, "input.name");
    let scopes = read_scopes(&input.scopes).filter(|scopes: &Scopes| !scopes.is_empty()).ok_or(());
    let scopes = problems.take(scopes, InvalidScopes, "input.scopes");
    match (merchant, name, scopes) {
        (Some(merchant), Some(name), Some(scopes)) => {
            Ok(CreateApiKey { merchant, name, scopes, expires_at: input.expires_at.map(|end| end.0) })
        }
        _ => Err(problems.into_errors()),
    }
}

/// The merchant that is named, or the one that calls.
fn merchant_named(id: Option<&ID>, caller: Caller) -> Option<MerchantId> {
    match (id, caller) {
        (Some(id), _) => GlobalId::merchant(id),
        (None, Caller::Merchant(own)) => Some(own),
        (None, Caller::Operator | Caller::Agent | Caller::Member(_)) => None,
    }
}

fn told(refused: CreateApiKeyRefused) -> CreateApiKeyUserError {
    match refused {
        CreateApiKeyRefused::MerchantNotFound => {
            CreateApiKeyErrorCode::MerchantNotFound.at("input.merchantId")
        }
        CreateApiKeyRefused::MerchantBlocked => CreateApiKeyErrorCode::MerchantBlocked.at("input.merchantId"),
        CreateApiKeyRefused::NoScopes => CreateApiKeyErrorCode::InvalidScopes.at("input.scopes"),
        CreateApiKeyRefused::ScopeNotYours => CreateApiKeyErrorCode::ScopeNotYours.at("input.scopes"),
        CreateApiKeyRefused::InvalidExpiry => CreateApiKeyErrorCode::InvalidExpiry.at("input.expiresAt"),
        CreateApiKeyRefused::TooManyKeys => CreateApiKeyErrorCode::TooManyKeys.at(""),
    }
}
