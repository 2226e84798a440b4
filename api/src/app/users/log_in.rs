//! An operator or an agent logs in, with a password and a one-time code in one step.
//!
//! Whoever fails is not told what was wrong, and cannot read it from the time that the answer takes: the same is done for
//! a name that nobody has, and what is written about a failure is written behind the answer's back.

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::SessionId;
use amvaj_domain::user::{Password, User, UserName, UserStatus};
use amvaj_infra::users::{Checked, Credential, LogIn, NewSession};
use uuid::Uuid;

use super::throttle::{self, Trier};
use super::{Looked, Origin, SecondFactor, author_of};
use crate::app::sessions::{self, SessionTokens};
use crate::app::{App, Stopped};
use crate::auth::{Purpose, Verdict, one_time};
use crate::random;

/// So many wrong codes beside the right password, and none is accepted any more but on a known device: whoever guesses
/// on for years shall not succeed (NIST SP 800-63B asks for 100 at most).
const MOST_WRONG_CODES: i32 = 100;

/// Somebody who wants to log in.
#[derive(Debug)]
pub struct LogInRequest<'a> {
    /// The name.
    pub name: &'a str,
    /// The password.
    pub password: Password,
    /// A code.
    pub factor: SecondFactor<'a>,
    /// The mark of a device on which the user has logged in before.
    pub device: Option<&'a str>,
    /// Where the request comes from.
    pub origin: Origin<'a>,
}

/// What a log-in gives.
#[derive(Debug)]
pub struct LoggedIn {
    /// The session's tokens.
    pub tokens: SessionTokens,
    /// Marks the device.
    pub device: String,
    /// The user.
    pub user: User,
}

/// Name, password or code are wrong, or the user may not log in. There is nothing more to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name, password or code are wrong")]
pub struct LogInRefused;

/// What was wrong, for the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Name,
    Password,
    Code,
    UsedCode,
    RecoveryCode,
    TooManyCodes,
    Status,
}

impl Wrong {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Password => "password",
            Self::Code => "code",
            Self::UsedCode => "used code",
            Self::RecoveryCode => "recovery code",
            Self::TooManyCodes => "too many codes",
            Self::Status => "not active",
        }
    }
}

/// Begins a session for whoever gives a user's name, password and code.
pub async fn log_in(app: &App, request: LogInRequest<'_>) -> Result<LoggedIn, Stopped<LogInRefused>> {
    let name = UserName::parse(request.name);
    let user = match &name {
        Ok(name) => app.users.find(name).await?,
        Err(_) => None,
    };
    let known = user.as_ref().zip(request.device).and_then(|(user, token)| {
        one_time::known_device(&app.credentials.secret, user.id, token, app.now())
            .map(|device| (user.id, device))
    });
    let tried = name.as_ref().map_or(request.name, UserName::as_str);
    let trier = match known {
        Some((user, device)) => Trier::Device(user, device),
        None => Trier::Stranger(tried, request.origin.network),
    };
    let pass = throttle::log_in(app, trier).await?;
    let device = known.map(|(_, device)| device);
    let recovery = request.factor.recovery_hash(app, user.as_ref());
    let credential = app.users.credential(user.as_ref().map(|user| user.id), recovery.as_ref()).await?;
    let verdict =
        app.passwords.verify(trier.asker(), request.password.clone(), credential.password_hash.clone()).await;
    let verdict = match verdict {
        Ok(verdict) => verdict,
        Err(busy) => {
            pass.give_back(app).await;
            return Err(Stopped::Failed(busy.into()));
        }
    };
    let (checked, code_pass) = check(app, &request, user.as_ref(), &credential, &verdict, device).await;
    let failed = |wrong, user: Option<User>| {
        tell_behind(app, wrong, user, &request.origin);
        Err(Stopped::Refused(LogInRefused))
    };
    let (user, looked) = match (checked, user) {
        (Ok(looked), Some(user)) => (user, looked),
        (Ok(_), None) => return failed(Wrong::Name, None),
        (Err(wrong), user) => return failed(wrong, user),
    };
    let Some(session) = enter(app, &request, &user, &credential, &verdict, &looked, device.is_none()).await?
    else {
        return failed(Wrong::UsedCode, Some(user));
    };
    pass.give_back(app).await;
    if let Some(code_pass) = code_pass {
        code_pass.give_back(app).await;
    }
    let device = super::random(one_time::device(&app.credentials.secret, user.id, app.now()))?;
    match sessions::enter(app, session).await? {
        Some(tokens) => Ok(LoggedIn { tokens, device, user }),
        None => failed(Wrong::Status, Some(user)),
    }
}

/// Looks at the code and decides. What is computed and counted is the same whatever was wrong before.
async fn check(
    app: &App,
    request: &LogInRequest<'_>,
    user: Option<&User>,
    credential: &Credential,
    verdict: &Verdict,
    device: Option<Uuid>,
) -> (Result<Looked, Wrong>, Option<throttle::Pass>) {
    let right_password = matches!(verdict, Verdict::Right { .. });
    let whose = match user.filter(|_| right_password) {
        Some(user) => user.id.to_string(),
        // A bucket of its own for every other try: it counts nothing and costs as much.
        None => throttle::hashed(app, Purpose::UserName, &[random::uuid(app.now()).as_bytes()]),
    };
    let pass = throttle::code(app, &whose, device).await.ok();
    let looked = request.factor.look(app, user, credential, app.now());
    let too_many = credential.wrong_codes >= MOST_WRONG_CODES && device.is_none();
    let is_code = matches!(request.factor, SecondFactor::Code(_));
    let wrong = match user {
        None => Some(Wrong::Name),
        Some(_) if !right_password => Some(Wrong::Password),
        Some(user) if user.status != UserStatus::Active => Some(Wrong::Status),
        Some(_) if pass.is_none() || (too_many && is_code) => Some(Wrong::TooManyCodes),
        Some(_) if looked.used => Some(Wrong::UsedCode),
        Some(_) if looked.right => None,
        Some(_) if is_code => Some(Wrong::Code),
        Some(_) => Some(Wrong::RecoveryCode),
    };
    (wrong.map_or(Ok(looked), Err), pass)
}

/// Uses up the code and begins the session; nothing when somebody else was first with it.
async fn enter(
    app: &App,
    request: &LogInRequest<'_>,
    user: &User,
    credential: &Credential,
    verdict: &Verdict,
    looked: &Looked,
    new_device: bool,
) -> Result<Option<amvaj_infra::access::Session>, Stopped<LogInRefused>> {
    let (Some(password_hash), Some(proof)) = (credential.password_hash.as_deref(), looked.proof(credential))
    else {
        return Ok(None);
    };
    let rehashed = match verdict {
        Verdict::Right { rehashed } => rehashed.as_deref(),
        Verdict::Wrong => return Ok(None),
    };
    let now = app.now();
    let author = author_of(user, request.origin.request_id);
    let with = if looked.recovery.is_some() { "recovery code" } else { "code" };
    let act = Act::new(&author, ActKind::UserLoggedIn, Target::User(user.id), now)
        .detail("with", with)
        .detail("newDevice", new_device)
        .detail("network", throttle::range(request.origin.network).as_str());
    let session = NewSession { id: SessionId::new(random::uuid(now)), user_agent: request.origin.user_agent };
    let checked = Checked { password_hash, proof: Some(proof) };
    let log_in = LogIn { user: user.id, checked, rehashed, session };
    Ok(app.users.log_in(&log_in, &act).await?)
}

/// Counts and tells of a failure without keeping the answer waiting. A name that nobody has is not told: it may be a
/// password in the wrong place.
fn tell_behind(app: &App, wrong: Wrong, user: Option<User>, origin: &Origin<'_>) {
    metrics::counter!("amvaj_user_log_ins_failed_total").increment(1);
    let (app, network) = (app.clone(), throttle::range(origin.network));
    let author = Author::unknown(origin.request_id);
    tokio::spawn(async move {
        let target = user.as_ref().map_or(Target::Nothing, |user| Target::User(user.id));
        let mut act =
            Act::new(&author, ActKind::UserLogInFailed, target, app.now()).detail("wrong", wrong.as_str());
        if throttle::tells_where(&app).await {
            act.add("network", network.as_str());
        }
        if let (Wrong::Code, Some(user)) = (wrong, &user)
            && let Err(error) = app.users.count_wrong_code(user.id).await
        {
            tracing::warn!(%error, "a wrong code could not be counted");
        }
        if let Err(error) = app.audit.record(act).await {
            tracing::warn!(%error, "a failed log-in is missing in the audit log");
        }
    });
}
