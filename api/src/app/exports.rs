//! Files of operations, and of all that is held about a member.

use amvaj_domain::access::{Caller, Identity, Scope};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::export::{
    Export, ExportFormat, ExportOf, ExportSight, ExportStage, ExportStatus, OperationsExport,
};
use amvaj_domain::id::{ExportId, MemberId, MerchantId};
use amvaj_domain::ledger::{Digest, Idem, OpKind, Tenant};
use amvaj_domain::text::IdempotencyKey;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::audit::Audit;
use amvaj_infra::export::AskRefused;
use amvaj_infra::page::{Page, PageRequest};
use uuid::Uuid;

use super::{App, AppError, Stopped};
use crate::auth::export_link::{LINK_LIFE, Link};
use crate::random;

/// The least time that two records can lie apart.
const MOMENT: Span = Span::from_micros(1);

/// Which operations are wanted, and how.
#[derive(Debug, Clone)]
pub struct ExportOperations {
    /// Under which key.
    pub key: IdempotencyKey,
    /// Of this merchant only.
    pub merchant: Option<MerchantId>,
    /// How the file is written.
    pub format: ExportFormat,
    /// Recorded at or after.
    pub from: Option<Instant>,
    /// Recorded before; until now when absent.
    pub until: Option<Instant>,
    /// Of these kinds; empty means all.
    pub kinds: Vec<OpKind>,
}

/// Whose file is wanted.
#[derive(Debug, Clone)]
pub struct ExportMember {
    /// Under which key.
    pub key: IdempotencyKey,
    /// The member; the one that calls when absent.
    pub member: Option<MemberId>,
}

/// Why no file is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportRefused {
    /// There is no such merchant for the caller.
    MerchantNotFound,
    /// There is no such member for the caller.
    MemberNotFound,
    /// The time ends before it begins.
    EmptyPeriod,
    /// The key was used for something else.
    IdempotencyMismatch,
    /// As many files are being made for the caller as may be.
    TooMany,
}

/// Asks for a file of the operations that the caller may read.
pub async fn export_operations(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: ExportOperations,
) -> Result<Export, Stopped<ExportRefused>> {
    if !identity.may(Scope::OperationsRead) {
        return Err(AppError::Forbidden.into());
    }
    let now = app.now();
    // What was answered before the request is in the file.
    let end = app.ledger_now().plus(MOMENT);
    let until = request.until.map_or(end, |until| until.min(end));
    let (owner, merchant) = match identity.caller {
        Caller::Operator => (Tenant::Network, request.merchant),
        Caller::Merchant(own) => (Tenant::Merchant(own), Some(own)),
        Caller::Agent | Caller::Member(_) => return Err(AppError::Forbidden.into()),
    };
    if let Some(named) = request.merchant {
        let others = merchant != Some(named);
        if others || app.directory.merchants_by_id(&[named]).await?.is_empty() {
            return Err(Stopped::Refused(ExportRefused::MerchantNotFound));
        }
    }
    if request.from.is_some_and(|from| from >= until) {
        return Err(Stopped::Refused(ExportRefused::EmptyPeriod));
    }
    let body = fingerprint(&request);
    let wanted = OperationsExport {
        merchant,
        branches: identity.branches(Scope::OperationsRead),
        kinds: request.kinds,
        from: request.from,
    };
    let of = ExportOf::Operations(wanted);
    let export = queued(owner, identity, of, request.format, (until, now));
    let target = merchant.map_or(Target::Nothing, Target::Merchant);
    let act = Act::new(author, ActKind::OperationsExported, target, now)
        .detail("export", export.id.to_string().as_str());
    ask(app, identity, &export, (owner, &request.key, body), Audit::Entry(&act)).await
}

/// Asks for a file of all that is held about a member: by the member itself, or by an operator who manages members.
pub async fn export_member(
    app: &App,
    identity: &Identity,
    author: &Author,
    request: ExportMember,
) -> Result<Export, Stopped<ExportRefused>> {
    let not_found = Stopped::Refused(ExportRefused::MemberNotFound);
    let (owner, member) = match (identity.caller, request.member) {
        (Caller::Member(own), None) => (Tenant::Member(own), own),
        (Caller::Member(own), Some(named)) if named == own => (Tenant::Member(own), own),
        (Caller::Operator, named) if identity.may(Scope::MembersManage) => match named {
            Some(named) => (Tenant::Network, named),
            None => return Err(not_found),
        },
        (Caller::Member(_), Some(_)) => return Err(not_found),
        _ => return Err(AppError::Forbidden.into()),
    };
    let Some(wallet) = app.directory.wallet_of(member).await? else { return Err(not_found) };
    let now = app.now();
    let body = Digest::of([b"exportMember".as_slice(), member.uuid().as_bytes()]);
    let of = ExportOf::Member(member, wallet);
    let until = app.ledger_now().plus(MOMENT);
    let export = queued(owner, identity, of, ExportFormat::JsonLines, (until, now));
    let act = Act::new(author, ActKind::MemberExported, Target::Member(member), now)
        .detail("export", export.id.to_string().as_str());
    let audit = match identity.caller {
        Caller::Member(_) => Audit::Ordinary,
        Caller::Operator | Caller::Agent | Caller::Merchant(_) => Audit::Entry(&act),
    };
    ask(app, identity, &export, (owner, &request.key, body), audit).await
}

/// The export of an id, for those who see it.
pub async fn find(app: &App, identity: &Identity, id: ExportId) -> Result<Option<Export>, AppError> {
    let Some(sight) = ExportSight::of(identity) else { return Ok(None) };
    Ok(app.exports.by_id(id).await?.filter(|export| sight.shows(export)))
}

/// A page of the exports that the caller sees.
pub async fn page(
    app: &App,
    identity: &Identity,
    request: &PageRequest<Uuid>,
) -> Result<Page<Export>, AppError> {
    let Some(sight) = ExportSight::of(identity) else { return Ok(request.page(Vec::new(), Some(0))) };
    Ok(app.exports.page(&sight, request).await?)
}

/// A link to a file that is there, for a caller who sees it. Whoever has a link has the file, so that an operator is given
/// one to what is held about a member is told to the audit log, and not each part that is fetched with it.
pub async fn link(
    app: &App,
    identity: &Identity,
    author: &Author,
    export: &Export,
) -> Result<Option<Link>, AppError> {
    let now = app.now();
    let end = export.expires_at.filter(|_| export.status(now) == ExportStatus::Done);
    let sees = ExportSight::of(identity).is_some_and(|sight| sight.shows(export));
    let Some(end) = end.filter(|_| sees) else { return Ok(None) };
    if let (ExportOf::Member(member, _), Caller::Operator | Caller::Agent) = (&export.of, identity.caller) {
        let act = Act::new(author, ActKind::MemberFileLinked, Target::Member(*member), now)
            .detail("export", export.id.to_string().as_str());
        app.audit.record(act).await?;
    }
    let until = now.plus(LINK_LIFE).min(end);
    Ok(Some(Link { export: export.id, holder: identity.clone(), since: now, until }))
}

async fn ask(
    app: &App,
    identity: &Identity,
    export: &Export,
    (owner, key, body): (Tenant, &IdempotencyKey, Digest),
    audit: Audit<'_>,
) -> Result<Export, Stopped<ExportRefused>> {
    let asked = app.exports.ask(export, (Idem::of(owner, key), body), audit).await?;
    let made = asked.map_err(|refused| {
        Stopped::Refused(match refused {
            AskRefused::KeyReused => ExportRefused::IdempotencyMismatch,
            AskRefused::NoMember => ExportRefused::MemberNotFound,
            AskRefused::TooMany => ExportRefused::TooMany,
        })
    })?;
    // A merchant's people share its keys, and do not all see the same.
    let sees = ExportSight::of(identity).is_some_and(|sight| sight.shows(&made.export));
    if sees { Ok(made.export) } else { Err(Stopped::Refused(ExportRefused::IdempotencyMismatch)) }
}

fn queued(
    owner: Tenant,
    identity: &Identity,
    of: ExportOf,
    format: ExportFormat,
    (until, now): (Instant, Instant),
) -> Export {
    Export {
        id: ExportId::new(random::uuid(now)),
        owner,
        actor: Some(identity.actor),
        of,
        format,
        until,
        stage: ExportStage::Queued,
        rows_done: 0,
        rows_total: None,
        size: 0,
        sha256: None,
        created_at: now,
        finished_at: None,
        expires_at: None,
        failure: None,
    }
}

/// The input as it was given.
fn fingerprint(request: &ExportOperations) -> Digest {
    let moment =
        |moment: Option<Instant>| moment.map_or_else(Vec::new, |at| at.micros().to_be_bytes().to_vec());
    let mut kinds: Vec<i16> = request.kinds.iter().map(|kind| kind.stored()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let fields = [
        b"exportOperations".to_vec(),
        request.merchant.map_or_else(Vec::new, |merchant| merchant.uuid().into_bytes().to_vec()),
        request.format.stored().to_be_bytes().to_vec(),
        moment(request.from),
        moment(request.until),
        kinds.into_iter().flat_map(i16::to_be_bytes).collect(),
    ];
    Digest::of(fields.iter().map(Vec::as_slice))
}
