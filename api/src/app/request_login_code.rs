//! Somebody asks for a code to log in with.
//!
//! A number that nobody has, or whose owner is blocked, goes the same way as any other: the same limits, the same
//! statements, the same message put into words; only nothing is sent. Nobody waits for the message.

use std::net::IpAddr;

use amvaj_domain::access::{Subject, SubjectKind};
use amvaj_domain::id::MerchantId;
use amvaj_domain::language::Language;
use amvaj_domain::member::{MemberLookup, MemberStatus};
use amvaj_domain::text::Mobile;
use amvaj_domain::time::Instant;
use amvaj_infra::access::{CodeRequest, SendDecision};
use amvaj_infra::notify::{self, MessageKind};
use uuid::Uuid;

use super::{App, AppError, Stopped};
use crate::auth::{Purpose, ServerSecret};
use crate::language::Message;
use crate::random;

/// A code to send.
#[derive(Debug, Clone)]
pub struct RequestLoginCode {
    /// The number to which it is sent.
    pub mobile: Mobile,
    /// The merchant whose staff logs in; a member does when absent.
    pub staff_of: Option<MerchantId>,
    /// Where the request comes from.
    pub address: IpAddr,
    /// The language of the message for whoever has chosen none.
    pub language: Language,
}

/// A challenge that a code answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginChallenge {
    /// Names it; only the asker gets to know it.
    pub id: Uuid,
    /// When the code ends.
    pub expires_at: Instant,
    /// When another one can be asked for.
    pub resend_at: Instant,
}

/// Why no code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeRefused {
    /// There is no such merchant.
    MerchantNotFound,
    /// The number was sent a code a moment ago, or too many in an hour.
    Wait {
        /// When one can be asked for.
        until: Instant,
    },
}

/// Whoever has a number, and the language to write in.
struct Owner {
    subject: Subject,
    language: Option<Language>,
}

/// Sends a code to a number, if somebody who may log in has it.
pub async fn request_login_code(
    app: &App,
    request: &RequestLoginCode,
) -> Result<LoginChallenge, Stopped<CodeRefused>> {
    let now = app.now();
    app.login_limits.ask(request.address, now).await?;
    if let Some(merchant) = request.staff_of
        && app.directory.merchant_file(merchant).await?.is_none()
    {
        return Err(Stopped::Refused(CodeRefused::MerchantNotFound));
    }
    let owner = match request.staff_of {
        None => member(app, &request.mobile).await?,
        Some(merchant) => staff(app, merchant, &request.mobile).await?,
    };
    let (Some(id), Some(code)) = (random::secret_uuid(), random::code()) else {
        return Err(AppError::Overloaded.into());
    };
    let secret = &app.credentials.secret;
    let challenge = CodeRequest {
        kind: if request.staff_of.is_some() { SubjectKind::Staff } else { SubjectKind::Member },
        number_key: secret.keyed_hash(Purpose::LoginNumber, &[request.mobile.as_str().as_bytes()]),
        challenge: id,
        subject: owner.as_ref().map(|owner| owner.subject.uuid()),
        code_hash: code_hash(secret, id, &code),
    };
    let (expires_at, resend_at) = match app.login_codes.open(&challenge, now).await? {
        SendDecision::Send { expires_at, resend_at } => (expires_at, resend_at),
        SendDecision::Wait { until } => return Err(Stopped::Refused(CodeRefused::Wait { until })),
    };
    let language = owner.as_ref().and_then(|owner| owner.language).unwrap_or(request.language);
    let message = message(app, id, &request.mobile, code, language, expires_at);
    if app.login_limits.send(owner.is_some(), now).await {
        app.notifier.send(message);
    }
    Ok(LoginChallenge { id, expires_at, resend_at })
}

/// What is kept of a code.
pub(super) fn code_hash(secret: &ServerSecret, challenge: Uuid, code: &str) -> [u8; 32] {
    secret.keyed_hash(Purpose::LoginCode, &[challenge.as_bytes(), code.as_bytes()])
}

/// The open member who has a number.
async fn member(app: &App, mobile: &Mobile) -> Result<Option<Owner>, AppError> {
    // Nobody is told who it is, so this is no look at a person.
    let everybody = app.directory.members(amvaj_domain::access::Caller::Operator);
    let found = everybody.find(&MemberLookup::Mobile(*mobile)).await?;
    let open = found.filter(|member| member.status == MemberStatus::Open);
    Ok(open.map(|member| Owner { subject: Subject::Member(member.id), language: member.language() }))
}

/// Whoever of a merchant's people has a number.
async fn staff(app: &App, merchant: MerchantId, mobile: &Mobile) -> Result<Option<Owner>, AppError> {
    let found = app.directory.staff_with_mobile(merchant, mobile).await?;
    Ok(found.map(|id| Owner { subject: Subject::Staff(id), language: None }))
}

/// The message with the code. Its last line is what browsers look for, so nothing may stand around it.
fn message(
    app: &App,
    id: Uuid,
    mobile: &Mobile,
    code: String,
    language: Language,
    good_until: Instant,
) -> notify::Message {
    let network = match language {
        Language::Persian => app.network.name_fa.as_str(),
        Language::English => app.network.name_en.as_str(),
    };
    let said = Message::new("login-code-text").with("network", network).with("code", code.as_str());
    let mut text = said.say(language);
    let domain = app.login_domain.clone();
    if let Some(domain) = &domain {
        text.extend(["\n@", domain, " #", &code]);
    }
    let kind = MessageKind::LoginCode { code, domain };
    notify::Message { id, to: *mobile, kind, text, good_until }
}
