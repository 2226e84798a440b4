//! `blockMerchant` and `unblockMerchant`.

use amvaj_domain::merchant::MerchantStatus;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Merchant;
use crate::app::AppError;
use crate::app::set_merchant_status::set_merchant_status;
use crate::graphql::context::{app, author, require_operator};
use crate::graphql::error::fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// A merchant to block.
#[derive(Debug, InputObject)]
pub struct BlockMerchantInput {
    /// The merchant's global id.
    pub merchant_id: ID,
}

/// What `blockMerchant` did.
#[derive(Default, SimpleObject)]
pub struct BlockMerchantPayload {
    /// The merchant, blocked; null when there is none.
    pub merchant: Option<Merchant>,
    /// Why nothing changed; empty when the merchant is blocked.
    pub user_errors: Vec<BlockMerchantUserError>,
}

/// A merchant to open again.
#[derive(Debug, InputObject)]
pub struct UnblockMerchantInput {
    /// The merchant's global id.
    pub merchant_id: ID,
}

/// What `unblockMerchant` did.
#[derive(Default, SimpleObject)]
pub struct UnblockMerchantPayload {
    /// The merchant, open; null when there is none.
    pub merchant: Option<Merchant>,
    /// Why nothing changed; empty when the merchant is open.
    pub user_errors: Vec<UnblockMerchantUserError>,
}

user_errors! {
    /// Why `blockMerchant` changed nothing.
    BlockMerchantUserError, BlockMerchantErrorCode {
        /// There is no such merchant.
        MerchantNotFound,
    }
}

user_errors! {
    /// Why `unblockMerchant` changed nothing.
    UnblockMerchantUserError, UnblockMerchantErrorCode {
        /// There is no such merchant.
        MerchantNotFound,
    }
}

/// The mutations.
#[derive(Default)]
pub struct SetMerchantStatus;

#[Object]
impl SetMerchantStatus {
    /// Blocks a merchant (operator): it can no longer issue or accept points, only end what it began. Blocking one
    /// that is blocked changes nothing.
    async fn block_merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant.")] input: BlockMerchantInput,
    ) -> Result<BlockMerchantPayload> {
        if let Some(merchant) = set(ctx, &input.merchant_id, MerchantStatus::Blocked).await? {
            return Ok(BlockMerchantPayload { merchant: Some(merchant), user_errors: Vec::new() });
        }
        let code = BlockMerchantErrorCode::MerchantNotFound;
        let user_errors = Problems::one(code, "input.merchantId");
        Ok(BlockMerchantPayload { merchant: None, user_errors })
    }

    /// Opens a blocked merchant again (operator). Opening one that is open changes nothing.
    async fn unblock_merchant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The merchant.")] input: UnblockMerchantInput,
    ) -> Result<UnblockMerchantPayload> {
        if let Some(merchant) = set(ctx, &input.merchant_id, MerchantStatus::Open).await? {
            return Ok(UnblockMerchantPayload { merchant: Some(merchant), user_errors: Vec::new() });
        }
        let code = UnblockMerchantErrorCode::MerchantNotFound;
        let user_errors = Problems::one(code, "input.merchantId");
        Ok(UnblockMerchantPayload { merchant: None, user_errors })
    }
}

/// Sets the status; nothing when the id names no merchant.
async fn set(ctx: &Context<'_>, id: &ID, status: MerchantStatus) -> Result<Option<Merchant>> {
    require_operator(ctx)?;
    let Some(id) = GlobalId::merchant(id) else { return Ok(None) };
    match set_merchant_status(app(ctx)?, &author(ctx)?, id, status).await {
        Ok(merchant) => Ok(Some(Merchant(merchant))),
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(fault(error)),
    }
}
