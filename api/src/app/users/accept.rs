//! Somebody accepts an invitation: chooses a password, then shows with a first code that the authenticator app works.
//! Until then nothing is good that was chosen, and there is no session.

use amvaj_domain::access::Identity;
use amvaj_domain::audit::{Act, ActKind, Target};
use amvaj_domain::id::SessionId;
use amvaj_domain::user::{Password, PasswordRefused, User, UserStatus};
use amvaj_infra::access::Session;
use amvaj_infra::users::{Completion, Invitation, NewSession};

use super::{Origin, author_of, issuer, random, throttle};
use crate::app::sessions::{self, SessionTokens};
use crate::app::{App, AppError, Stopped};
use crate::auth::totp::Enrolment;
use crate::auth::{Asker, Totp, Verdict, one_time};

/// What comes next when an invitation was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The invited.
    pub user: User,
    /// What the authenticator app is given, to be confirmed with a first code; nothing when a password was all that the
    /// user lacked, and is good now.
    pub enrolment: Option<Enrolment>,
}

/// What a confirmed secret gives.
#[derive(Debug)]
pub struct Confirmed {
    /// The user.
    pub user: User,
    /// Codes that stand in for a one-time code, each once. They are shown now and never again.
    pub recovery_codes: Vec<String>,
    /// The session's tokens.
    pub tokens: SessionTokens,
    /// Marks the device.
    pub device: String,
}

/// Why an invitation was not accepted, or a secret not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcceptRefused {
    /// There is no such invitation, or it is over: accepted, replaced, too late.
    #[error("the invitation is over")]
    Over,
    /// The password that was chosen is none.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// The user has a password, and this is not it.
    #[error("this is not the user's password")]
    WrongPassword,
    /// No secret waits for a code: the invitation has to be accepted first.
    #[error("the invitation has to be accepted first")]
    NothingToConfirm,
    /// The code is wrong.
    #[error("the code is wrong")]
    WrongCode,
}

/// Takes the password of somebody invited: a new one, or the one that the user has and proves itself with.
pub async fn accept(
    app: &App,
    invitation: &str,
    password: &str,
    origin: Origin<'_>,
) -> Result<Accepted, Stopped<AcceptRefused>> {
    let hash = one_time::invitation_hash(&app.credentials.secret, invitation);
    let found = app.users.invitation(&hash, app.now()).await?;
    let found = found.ok_or(Stopped::Refused(AcceptRefused::Over))?;
    let chosen = if found.wants.password {
        let password = Password::choose(password, &found.user.name)
            .map_err(|refused| Stopped::Refused(AcceptRefused::Password(refused)))?;
        Some(app.passwords.hash(Asker::Known, password).await.map_err(AppError::from)?)
    } else {
        prove(app, &found.user, password).await?;
        None
    };
    let user = found.user.clone();
    if !found.wants.totp {
        complete(app, &hash, &found, chosen.as_deref(), None, &[], origin).await?;
        return Ok(Accepted { user, enrolment: None });
    }
    let totp = random(Totp::generate())?;
    let sealed = random(totp.seal(&app.credentials.secret, user.id))?;
    if !app.users.prepare(&hash, chosen.as_deref(), &sealed, app.now()).await? {
        return Err(Stopped::Refused(AcceptRefused::Over));
    }
    Ok(Accepted { enrolment: Some(totp.enrolment(issuer(app), &user.name)), user })
}

/// Takes the first code of a new secret, which makes it good.
pub async fn confirm(
    app: &App,
    invitation: &str,
    code: &str,
    origin: Origin<'_>,
) -> Result<Confirmed, Stopped<AcceptRefused>> {
    let hash = one_time::invitation_hash(&app.credentials.secret, invitation);
    let found = app.users.invitation(&hash, app.now()).await?;
    let found = found.ok_or(Stopped::Refused(AcceptRefused::Over))?;
    let sealed = found.totp_secret.as_deref().ok_or(Stopped::Refused(AcceptRefused::NothingToConfirm))?;
    let pass = throttle::code(app, &format!("confirm:{}", found.user.id), None).await?;
    let totp = Totp::open(&app.credentials.secret, found.user.id, sealed);
    let step = totp.and_then(|totp| totp.step_of(code, app.now()));
    let step = step.ok_or(Stopped::Refused(AcceptRefused::WrongCode))?;
    pass.give_back(app).await;
    let recovery_codes = random(one_time::recovery_codes())?;
    let device = random(one_time::device(&app.credentials.secret, found.user.id, app.now()))?;
    let password = found.password_hash.as_deref();
    let session = complete(app, &hash, &found, password, Some(step), &recovery_codes, origin).await?;
    let tokens = match session {
        Some(session) => sessions::enter(app, session).await?,
        None => None,
    };
    // Whoever was disabled in this moment has joined, and has no session.
    let tokens = tokens.ok_or(Stopped::Refused(AcceptRefused::Over))?;
    let user = app.users.by_id(&[found.user.id]).await?.pop().unwrap_or(found.user);
    Ok(Confirmed { user, recovery_codes, tokens, device })
}

/// Makes good what was chosen; with a session when a secret was confirmed.
async fn complete(
    app: &App,
    token_hash: &[u8; 32],
    invitation: &Invitation,
    password_hash: Option<&str>,
    step: Option<i64>,
    recovery_codes: &[String],
    origin: Origin<'_>,
) -> Result<Option<Session>, Stopped<AcceptRefused>> {
    let (user, now) = (&invitation.user, app.now());
    let kind = match (user.status, invitation.wants.totp) {
        (UserStatus::Invited, _) => ActKind::InvitationAccepted,
        (UserStatus::Active | UserStatus::Disabled, true) => ActKind::TotpReset,
        (UserStatus::Active | UserStatus::Disabled, false) => ActKind::PasswordChanged,
    };
    let act = Act::new(&author_of(user, origin.request_id), kind, Target::User(user.id), now);
    let hashed: Vec<[u8; 32]> = recovery_codes
        .iter()
        .map(|code| one_time::recovery_code_hash(&app.credentials.secret, Some(user.id), code))
        .collect();
    let id = SessionId::new(crate::random::uuid(now));
    let completion = Completion {
        token_hash,
        password_hash: password_hash.filter(|_| invitation.wants.password),
        totp: invitation.totp_secret.as_deref().zip(step),
        recovery_codes: &hashed,
        session: step.map(|_| NewSession { id, user_agent: origin.user_agent }),
    };
    app.users.complete(&completion, &act).await?.ok_or(Stopped::Refused(AcceptRefused::Over))
}

/// Whether somebody invited to set new codes knows the password.
async fn prove(app: &App, user: &User, password: &str) -> Result<(), Stopped<AcceptRefused>> {
    let pass = throttle::own_password(app, &Identity::console(user.role.caller()), user.id).await?;
    let credential = app.users.credential(Some(user.id), None).await?;
    let verified = app.passwords.verify(Asker::Known, Password::tried(password), credential.password_hash);
    match verified.await.map_err(AppError::from)? {
        Verdict::Right { .. } => {
            pass.give_back(app).await;
            Ok(())
        }
        Verdict::Wrong => Err(Stopped::Refused(AcceptRefused::WrongPassword)),
    }
}
