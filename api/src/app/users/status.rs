//! Users are disabled and enabled again.

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::UserId;
use amvaj_domain::user::User;
use amvaj_infra::users::LastManager;

use crate::app::access::operator_only;
use crate::app::{App, AppError, Stopped};

/// Disables a user: all sessions end at once, on every node. One that is disabled already is no fault. Over the network
/// the last one who manages users stays; the command line can always add another one, so it can disable everybody.
pub async fn disable(
    app: &App,
    author: &Author,
    user: UserId,
    spare_last: bool,
) -> Result<User, Stopped<LastManager>> {
    operator_only(author)?;
    let act = Act::new(author, ActKind::UserDisabled, Target::User(user), app.now());
    match app.users.disable(user, spare_last, &act).await? {
        Some(Ok(user)) => Ok(user),
        Some(Err(last)) => Err(Stopped::Refused(last)),
        None => Err(AppError::NotFound.into()),
    }
}

/// Enables a user; one that is enabled already is no fault.
pub async fn enable(app: &App, author: &Author, user: UserId) -> Result<User, AppError> {
    operator_only(author)?;
    let act = Act::new(author, ActKind::UserEnabled, Target::User(user), app.now());
    app.users.enable(user, &act).await?.ok_or(AppError::NotFound)
}
