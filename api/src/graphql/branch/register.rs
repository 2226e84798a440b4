//! `registerBranch`.

use amvaj_domain::id::MerchantId;
use amvaj_domain::merchant::Names;
use amvaj_domain::text::Name;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::Branch;
use crate::app::AppError;
use crate::app::register_branch::register_branch;
use crate::graphql::context::{app, author, require_operator};
use crate::graphql::error::fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, user_errors};

/// A branch to register.
#[derive(Debug, InputObject)]
pub struct RegisterBranchInput {
    /// Global id of the merchant whose branch it is.
    pub merchant_id: ID,
    /// The name in Persian, 1 to 120 characters. Example: `"شعبهٔ ونک"`.
    pub name_fa: String,
    /// The name in English, 1 to 120 characters. Example: `"Vanak branch"`.
    pub name_en: String,
}

/// What `registerBranch` did.
#[derive(Default, SimpleObject)]
pub struct RegisterBranchPayload {
    /// The new branch; null when nothing changed.
    pub branch: Option<Branch>,
    /// Why nothing changed; empty when the branch was registered.
    pub user_errors: Vec<RegisterBranchUserError>,
}

user_errors! {
    /// Why `registerBranch` changed nothing.
    RegisterBranchUserError, RegisterBranchErrorCode {
        /// There is no such merchant.
        MerchantNotFound,
        /// A name is empty, too long, or has control characters.
        InvalidName,
    }
}

/// The mutation.
#[derive(Default)]
pub struct RegisterBranch;

#[Object]
impl RegisterBranch {
    /// Adds an open branch to a merchant (operator).
    async fn register_branch(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The branch.")] input: RegisterBranchInput,
    ) -> Result<RegisterBranchPayload> {
        require_operator(ctx)?;
        let (merchant, names) = match read(&input) {
            Ok(read) => read,
            Err(user_errors) => return Ok(RegisterBranchPayload { branch: None, user_errors }),
        };
        match register_branch(app(ctx)?, &author(ctx)?, merchant, names).await {
            Ok(branch) => Ok(RegisterBranchPayload { branch: Some(Branch(branch)), user_errors: Vec::new() }),
            Err(AppError::NotFound) => {
                let code = RegisterBranchErrorCode::MerchantNotFound;
                let user_errors = Problems::one(code, "input.merchantId");
                Ok(RegisterBranchPayload { branch: None, user_errors })
            }
            Err(error) => Err(fault(error)),
        }
    }
}

fn read(input: &RegisterBranchInput) -> Result<(MerchantId, Names), Vec<RegisterBranchUserError>> {
    use RegisterBranchErrorCode::{InvalidName, MerchantNotFound};
    let mut problems = Problems::new();
    let merchant = GlobalId::merchant(&input.merchant_id).ok_or(());
    let merchant = problems.take(merchant, MerchantNotFound, "input.merchantId");
    let fa = problems.take(Name::parse(&input.name_fa), InvalidName, "input.nameFa");
    let en = problems.take(Name::parse(&input.name_en), InvalidName, "input.nameEn");
    match (merchant, fa, en) {
        (Some(merchant), Some(fa), Some(en)) => Ok((merchant, Names { fa, en })),
        _ => Err(problems.into_errors()),
    }
}
