//! `exportMember`.

use amvaj_domain::text::IdempotencyKey;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{Export, ExportRefused};
use crate::app::exports::{ExportMember, export_member};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// Whose file to make.
#[derive(InputObject)]
pub struct ExportMemberInput {
    /// Your own key of this request, 1 to 64 visible ASCII characters: a retry with the same key and input is answered with
    /// the same export. Example: `"my-data-1"`.
    pub idempotency_key: String,
    /// The member; a member may leave it out and gets its own. An operator has to name one.
    pub member_id: Option<ID>,
}

/// What `exportMember` did.
#[derive(Default, SimpleObject)]
pub struct ExportMemberPayload {
    /// The export, which is made in the background; null when none is.
    pub export: Option<Export>,
    /// Why no file is made; empty when one is.
    pub user_errors: Vec<ExportMemberUserError>,
}

user_errors! {
    /// Why `exportMember` makes no file.
    ExportMemberUserError, ExportMemberErrorCode {
        /// The idempotency key is empty, longer than 64 characters, or not of visible ASCII characters.
        InvalidIdempotencyKey,
        /// The idempotency key was used before with another input. Nothing was done now.
        IdempotencyMismatch,
        /// There is no such member for the caller, or an operator named none.
        MemberNotFound,
        /// Three files are being made for the caller; wait until one is done.
        TooManyExports,
    }
}

/// The mutation.
#[derive(Default)]
pub struct ExportMemberMutation;

#[Object]
impl ExportMemberMutation {
    /// Has a file made of all that is held about a member, for the member itself or an operator: profile, what merchants may
    /// see and call the member, log-ins, wallet, lots, holds, redemptions and operations, one JSON object on each line with its `section`.
    /// It is made in the background: ask for `export` until it is `DONE`, then fetch its `url`.
    async fn export_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The member.")] input: ExportMemberInput,
    ) -> Result<ExportMemberPayload> {
        let identity = identity(ctx)?;
        let request = match read(input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(ExportMemberPayload { user_errors, ..Default::default() }),
        };
        let asked = export_member(app(ctx)?, identity, &author(ctx)?, request).await;
        Ok(match refusal_or_fault(asked)? {
            Ok(export) => ExportMemberPayload { export: Some(Export(export)), user_errors: Vec::new() },
            Err(refused) => ExportMemberPayload { user_errors: vec![told(refused)], ..Default::default() },
        })
    }
}

fn read(input: ExportMemberInput) -> Result<ExportMember, Vec<ExportMemberUserError>> {
    use ExportMemberErrorCode::{InvalidIdempotencyKey, MemberNotFound};
    let mut problems = Problems::new();
    let key = IdempotencyKey::parse(&input.idempotency_key);
    let key = problems.take(key, InvalidIdempotencyKey, "input.idempotencyKey");
    let member = input.member_id.map(|id| GlobalId::member(&id).ok_or(())).transpose();
    let member = problems.take(member, MemberNotFound, "input.memberId");
    let (Some(key), Some(member)) = (key, member) else { return Err(problems.into_errors()) };
    Ok(ExportMember { key, member })
}

fn told(refused: ExportRefused) -> ExportMemberUserError {
    use ExportMemberErrorCode as Code;
    match refused {
        ExportRefused::MemberNotFound | ExportRefused::MerchantNotFound | ExportRefused::EmptyPeriod => {
            Code::MemberNotFound.at("input.memberId")
        }
        ExportRefused::IdempotencyMismatch => Code::IdempotencyMismatch.at("input.idempotencyKey"),
        ExportRefused::TooMany => Code::TooManyExports.at(""),
    }
}
