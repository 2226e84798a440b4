//! What a user changes of its own: the password, the recovery codes, the secret of the one-time codes. Whoever took over
//! a session does not get further with it: each needs the password again.

use amvaj_domain::access::{Actor, Identity};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{SessionId, UserId};
use amvaj_domain::time::Instant;
use amvaj_domain::user::{Password, PasswordRefused, User};
use amvaj_infra::users::{Checked, Credential, NewInvitation, NewSession, PasswordChange, Replaced};

use super::invite::{INVITATION_LIFE, invitation};
use super::{Looked, SecondFactor, issuer, random, throttle};
use crate::app::sessions::{self, SessionTokens};
use crate::app::{App, AppError, Stopped};
use crate::auth::totp::Enrolment;
use crate::auth::{Asker, Totp, Verdict, one_time};

/// Why nothing of the user's own was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OwnRefused {
    /// The password or the code is wrong.
    #[error("password or code are wrong")]
    NotProven,
    /// The new password is none.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
}

/// A secret that waits for its first code.
#[derive(Debug)]
pub struct TotpBegun {
    /// What the first code is confirmed with.
    pub invitation: String,
    /// Until when.
    pub expires_at: Instant,
    /// What the authenticator app is given.
    pub enrolment: Enrolment,
}

/// Somebody who proved to be the user.
struct Proven {
    user: User,
    credential: Credential,
    looked: Option<Looked>,
    pass: throttle::Pass,
}

/// Sets another password. Every session of the user ends; the answer has another one.
pub async fn change_password(
    app: &App,
    identity: &Identity,
    author: &Author,
    (old, new): (&str, &str),
    user_agent: &str,
) -> Result<SessionTokens, Stopped<OwnRefused>> {
    let proven = prove(app, identity, author, old, None).await?;
    let new = Password::choose(new, &proven.user.name)
        .map_err(|refused| Stopped::Refused(OwnRefused::Password(refused)))?;
    let hash = app.passwords.hash(Asker::Known, new).await.map_err(AppError::from)?;
    let now = app.now();
    let act = Act::new(author, ActKind::PasswordChanged, Target::User(proven.user.id), now);
    let session = NewSession { id: SessionId::new(crate::random::uuid(now)), user_agent };
    let change =
        PasswordChange { user: proven.user.id, checked: proven.checked()?, password_hash: &hash, session };
    let session = app.users.change_password(&change, &act).await?;
    let session = session.ok_or(Stopped::Refused(OwnRefused::NotProven))?;
    proven.pass.give_back(app).await;
    sessions::enter(app, session).await?.ok_or(Stopped::Refused(OwnRefused::NotProven))
}

/// Replaces all recovery codes; gives the new ones, which are never shown again.
pub async fn replace_recovery_codes(
    app: &App,
    identity: &Identity,
    author: &Author,
    password: &str,
    factor: SecondFactor<'_>,
) -> Result<Vec<String>, Stopped<OwnRefused>> {
    let proven = prove(app, identity, author, password, Some(factor)).await?;
    let (user, now) = (proven.user.id, app.now());
    let codes = random(one_time::recovery_codes())?;
    let secret = &app.credentials.secret;
    let hashed: Vec<[u8; 32]> =
        codes.iter().map(|code| one_time::recovery_code_hash(secret, Some(user), code)).collect();
    let act = Act::new(author, ActKind::RecoveryCodesReplaced, Target::User(user), now);
    match app.users.replace_recovery_codes(user, &proven.checked()?, &hashed, &act).await? {
        Replaced::Done => {
            proven.pass.give_back(app).await;
            Ok(codes)
        }
        Replaced::NoLongerRight => Err(Stopped::Refused(OwnRefused::NotProven)),
    }
}

/// Begins with another secret of one-time codes; the old one is good until the new one's first code.
pub async fn reset_totp(
    app: &App,
    identity: &Identity,
    author: &Author,
    password: &str,
    factor: SecondFactor<'_>,
) -> Result<TotpBegun, Stopped<OwnRefused>> {
    let proven = prove(app, identity, author, password, Some(factor)).await?;
    let (user, now) = (proven.user.id, app.now());
    let totp = random(Totp::generate())?;
    let sealed = random(totp.seal(&app.credentials.secret, user))?;
    let (text, hash) = invitation(app)?;
    let expires_at = now.plus(INVITATION_LIFE);
    let new = NewInvitation { token_hash: &hash, expires_at };
    let act = Act::new(author, ActKind::TotpReset, Target::User(user), now).detail("begun", true);
    if !app.users.begin_totp_reset(user, &proven.checked()?, &sealed, new, &act).await? {
        return Err(Stopped::Refused(OwnRefused::NotProven));
    }
    let enrolment = totp.enrolment(issuer(app), &proven.user.name);
    proven.pass.give_back(app).await;
    Ok(TotpBegun { invitation: text, expires_at, enrolment })
}

/// The user that calls in person; nobody else has a password here.
pub fn own_id(identity: &Identity) -> Result<UserId, AppError> {
    match identity.actor {
        Actor::User(id) => Ok(id),
        Actor::Console | Actor::Staff(_) | Actor::ApiKey(_) | Actor::Member(_) | Actor::Outside => {
            Err(AppError::Forbidden)
        }
    }
}

impl Proven {
    /// What was found right.
    fn checked(&self) -> Result<Checked<'_>, Stopped<OwnRefused>> {
        let password_hash = self.credential.password_hash.as_deref();
        let password_hash = password_hash.ok_or(Stopped::Refused(OwnRefused::NotProven))?;
        let proof = self.looked.as_ref().and_then(|looked| looked.proof(&self.credential));
        Ok(Checked { password_hash, proof })
    }
}

/// Lets pass whoever knows the user's password, and gives a code where one is asked for. Tries are counted for each
/// session: whoever took one over does not keep the owner's other ones from it.
async fn prove(
    app: &App,
    identity: &Identity,
    author: &Author,
    password: &str,
    factor: Option<SecondFactor<'_>>,
) -> Result<Proven, Stopped<OwnRefused>> {
    let id = own_id(identity)?;
    let pass = throttle::own_password(app, identity, id).await?;
    let user = app.users.by_id(&[id]).await?.pop().ok_or(AppError::Forbidden)?;
    let recovery = factor.and_then(|factor| factor.recovery_hash(app, Some(&user)));
    let credential = app.users.credential(Some(id), recovery.as_ref()).await?;
    let hash = credential.password_hash.clone();
    let verdict = app.passwords.verify(Asker::Known, Password::tried(password), hash).await;
    let verdict = verdict.map_err(AppError::from)?;
    let looked = factor.map(|factor| factor.look(app, Some(&user), &credential, app.now()));
    let right = matches!(verdict, Verdict::Right { .. }) && looked.as_ref().is_none_or(|looked| looked.right);
    if right {
        return Ok(Proven { user, credential, looked, pass });
    }
    let act = Act::new(author, ActKind::UserLogInFailed, Target::User(id), app.now())
        .detail("wrong", "in a session");
    app.audit.record(act).await.map_err(AppError::from)?;
    Err(Stopped::Refused(OwnRefused::NotProven))
}
