//! `exportOperations`.

use amvaj_domain::export;
use amvaj_domain::ledger::OpKind;
use amvaj_domain::text::IdempotencyKey;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{Export, ExportFormat, ExportRefused};
use crate::app::exports::{ExportOperations, export_operations};
use crate::graphql::context::{app, author, identity};
use crate::graphql::error::refusal_or_fault;
use crate::graphql::global_id::GlobalId;
use crate::graphql::operation::OperationKind;
use crate::graphql::scalar::DateTime;
use crate::graphql::user_error::{Problems, UserErrorCode as _, user_errors};

/// Which operations to put into a file, and how. Fields that are absent do not matter.
#[derive(InputObject)]
pub struct ExportOperationsInput {
    /// Your own key of this request, 1 to 64 visible ASCII characters: a retry with the same key and input is answered with
    /// the same export. Example: `"month-2026-11"`.
    pub idempotency_key: String,
    /// How the file is written.
    pub format: ExportFormat,
    /// Only operations of this merchant; a merchant gets its own whether or not it says so.
    pub merchant_id: Option<ID>,
    /// Only operations that were recorded at this moment or later.
    pub from: Option<DateTime>,
    /// Only operations that were recorded before this moment; until now when left out or in the future.
    pub until: Option<DateTime>,
    /// Only operations of these kinds.
    pub kinds: Option<Vec<OperationKind>>,
}

/// What `exportOperations` did.
#[derive(Default, SimpleObject)]
pub struct ExportOperationsPayload {
    /// The export, which is made in the background; null when none is.
    pub export: Option<Export>,
    /// Why no file is made; empty when one is.
    pub user_errors: Vec<ExportOperationsUserError>,
}

user_errors! {
    /// Why `exportOperations` makes no file.
    ExportOperationsUserError, ExportOperationsErrorCode {
        /// The idempotency key is empty, longer than 64 characters, or not of visible ASCII characters.
        InvalidIdempotencyKey,
        /// The idempotency key was used before with another input. Nothing was done now.
        IdempotencyMismatch,
        /// There is no such merchant for the caller.
        MerchantNotFound,
        /// `from` is not before `until`, or lies in the future.
        EmptyPeriod,
        /// Three files are being made for the caller; wait until one is done.
        TooManyExports,
    }
}

/// The mutation.
#[derive(Default)]
pub struct ExportOperationsMutation;

#[Object]
impl ExportOperationsMutation {
    /// Has a file made of the operations that the caller may read: a merchant of its own (its people of those at the
    /// branches that they lead; keys need `operations:read`), the operator of all. It has what `operations` shows, in CSV or
    /// JSON lines, and is made in the background: ask for `export` until it is `DONE`, then fetch its `url`.
    async fn export_operations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which operations, and how.")] input: ExportOperationsInput,
    ) -> Result<ExportOperationsPayload> {
        let identity = identity(ctx)?;
        let request = match read(input) {
            Ok(request) => request,
            Err(user_errors) => return Ok(ExportOperationsPayload { user_errors, ..Default::default() }),
        };
        let asked = export_operations(app(ctx)?, identity, &author(ctx)?, request).await;
        Ok(match refusal_or_fault(asked)? {
            Ok(export) => ExportOperationsPayload { export: Some(Export(export)), user_errors: Vec::new() },
            Err(refused) => {
                ExportOperationsPayload { user_errors: vec![told(refused)], ..Default::default() }
            }
        })
    }
}

fn read(input: ExportOperationsInput) -> Result<ExportOperations, Vec<ExportOperationsUserError>> {
    use ExportOperationsErrorCode::{InvalidIdempotencyKey, MerchantNotFound};
    let mut problems = Problems::new();
    let key = IdempotencyKey::parse(&input.idempotency_key);
    let key = problems.take(key, InvalidIdempotencyKey, "input.idempotencyKey");
    let merchant = input.merchant_id.map(|id| GlobalId::merchant(&id).ok_or(())).transpose();
    let merchant = problems.take(merchant, MerchantNotFound, "input.merchantId");
    let (Some(key), Some(merchant)) = (key, merchant) else { return Err(problems.into_errors()) };
    Ok(ExportOperations {
        key,
        merchant,
        format: export::ExportFormat::from(input.format),
        from: input.from.map(|DateTime(from)| from),
        until: input.until.map(|DateTime(until)| until),
        kinds: input.kinds.unwrap_or_default().into_iter().map(OpKind::from).collect(),
    })
}

fn told(refused: ExportRefused) -> ExportOperationsUserError {
    use ExportOperationsErrorCode as Code;
    match refused {
        ExportRefused::MerchantNotFound | ExportRefused::MemberNotFound => {
            Code::MerchantNotFound.at("input.merchantId")
        }
        ExportRefused::EmptyPeriod => Code::EmptyPeriod.at("input.from"),
        ExportRefused::IdempotencyMismatch => Code::IdempotencyMismatch.at("input.idempotencyKey"),
        ExportRefused::TooMany => Code::TooManyExports.at(""),
    }
}
