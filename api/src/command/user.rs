//! `amvaj user`: the first operator, and whatever nobody may do over the network.

use std::io::Write;
use std::sync::Arc;

use amvaj_domain::access::{Caller, Identity, Scopes};
use amvaj_domain::audit::{ActKind, Author};
use amvaj_domain::id::UserId;
use amvaj_domain::text::Name;
use amvaj_domain::user::{User, UserName, UserStatus};
use amvaj_infra::clock::Clock;
use amvaj_infra::page::PageRequest;
use amvaj_infra::users::{Reset, UserFilter};
use anyhow::{Context as _, anyhow, bail};

use crate::app::users::invite::{self, InviteRefused, InviteUser, Invited};
use crate::app::users::status;
use crate::app::{App, Stopped};
use crate::cli::{UserAddArgs, UserArgs, UserCommand};
use crate::compose;
use crate::config::Config;

/// Users that are read at a time.
const PAGE: u64 = 100;

/// Does what was asked for, and prints what comes of it.
pub async fn run(config: Config, args: UserArgs) -> anyhow::Result<()> {
    let app = compose::open(&config, Clock::System).await?;
    let done = act(&app, args.what).await;
    compose::close(app, None).await;
    std::io::stdout().write_all(done?.as_bytes())?;
    Ok(())
}

async fn act(app: &Arc<App>, what: UserCommand) -> anyhow::Result<String> {
    let author = Author::console();
    match what {
        UserCommand::Add(args) => add(app, &author, args).await,
        UserCommand::List => list(app).await,
        UserCommand::Invite(args) => reset(app, &author, &args.name, Reset::Nothing).await,
        UserCommand::ResetPassword(args) => reset(app, &author, &args.name, Reset::Password).await,
        UserCommand::ResetTotp(args) => reset(app, &author, &args.name, Reset::Totp).await,
        UserCommand::Disable(args) => {
            let user = find(app, &args.name).await?;
            match status::disable(app, &author, user, false).await {
                Ok(user) => Ok(format!("{} is disabled; every session has ended.\n", user.name)),
                Err(Stopped::Refused(last)) => Err(last.into()),
                Err(Stopped::Failed(error)) => Err(error.into()),
            }
        }
        UserCommand::Enable(args) => {
            let user = status::enable(app, &author, find(app, &args.name).await?).await?;
            Ok(match user.status {
                UserStatus::Invited => format!("{} can accept an invitation again.\n", user.name),
                UserStatus::Active | UserStatus::Disabled => format!("{} can log in again.\n", user.name),
            })
        }
    }
}

async fn add(app: &App, author: &Author, args: UserAddArgs) -> anyhow::Result<String> {
    let display_name = match args.display_name {
        Some(name) => name,
        None => Name::parse(args.name.as_str())?,
    };
    let limit = (!args.scope.is_empty()).then(|| Scopes::of(&args.scope));
    let user = InviteUser { name: args.name, display_name, role: args.role, limit };
    let identity = Identity::console(Caller::Operator);
    let invited = invite::invite(app, &identity, author, ActKind::UserAdded, user).await;
    invited.map(|invited| invitation(&invited)).map_err(failure)
}

async fn reset(app: &App, author: &Author, name: &UserName, what: Reset) -> anyhow::Result<String> {
    let invited = invite::reset(app, author, find(app, name).await?, what).await;
    invited.map(|invited| invitation(&invited)).map_err(failure)
}

async fn find(app: &App, name: &UserName) -> anyhow::Result<UserId> {
    let user = app.users.find(name).await?;
    Ok(user.with_context(|| format!("there is no user {name}; `amvaj user list` tells who there is"))?.id)
}

fn failure(stopped: Stopped<InviteRefused>) -> anyhow::Error {
    match stopped {
        Stopped::Refused(InviteRefused::NameTaken) => {
            anyhow!("another user has this name; `amvaj user list` tells who there is")
        }
        Stopped::Refused(InviteRefused::Joined) => {
            anyhow!("the user has joined and lacks nothing; use reset-password or reset-totp")
        }
        Stopped::Refused(refused) => refused.into(),
        Stopped::Failed(error) => error.into(),
    }
}

/// What is handed over. The text is on a line of its own, so that a script finds it.
pub fn invitation(invited: &Invited) -> String {
    let Invited { user, invitation, expires_at } = invited;
    let role = user.role.role().as_str();
    let until =
        jiff::Timestamp::from_microsecond(expires_at.micros() - expires_at.micros().rem_euclid(1_000_000));
    let until = until.map(|until| until.to_string()).unwrap_or_default();
    format!(
        "\
Invitation of {} ({role}), good once until {until}:

  {invitation}

The invited sends it to /graphql with a password: acceptInvitation(input: {{ invitation, password }}) answers what to give
to an authenticator app, and confirmTotp(input: {{ invitation, code }}) takes the first code. GraphiQL, at /graphiql, will do.
",
        user.name
    )
}

async fn list(app: &App) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut request = PageRequest::first(PAGE);
    loop {
        let page = app.users.page(UserFilter::default(), &request).await?;
        page.items.iter().for_each(|user| text.push_str(&line(user)));
        match page.items.last() {
            Some(last) if page.has_next => request.after = Some(last.id.uuid()),
            _ => break,
        }
    }
    if text.is_empty() {
        bail!("there is no user yet; `amvaj user add NAME` adds the first operator");
    }
    Ok(text)
}

fn line(user: &User) -> String {
    let status = match user.status {
        UserStatus::Invited => "invited",
        UserStatus::Active => "active",
        UserStatus::Disabled => "disabled",
    };
    let role = user.role.role().as_str();
    format!("{}\t{role}\t{status}\t{}\t{}\n", user.name, user.display_name, user.scopes().to_text())
}
