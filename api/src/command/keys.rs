//! `amvaj keys`: lists, rotates and retires the keys that sign access tokens, and writes into the audit log that it did.

use std::io::Write;

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::audit::AuditLog;
use amvaj_infra::clock::Clock;

use crate::auth::key_files::{KeyFile, KeyFiles, KeyState, moment};
use crate::cli::{KeysArgs, KeysCommand};
use crate::config::Config;
use crate::database;

/// Does what is asked for and says what there is then.
pub async fn run(config: Config, args: KeysArgs) -> anyhow::Result<()> {
    let files = KeyFiles::new(&config.auth.key_file);
    let now = Clock::System.now();
    let mut out = std::io::stdout();
    match args.command {
        KeysCommand::List => {}
        KeysCommand::Rotate(rotate) => {
            let lead = Span::seconds(i64::try_from(rotate.lead.as_secs()).unwrap_or(i64::MAX));
            let made = files.rotate(lead, now)?;
            tell(&config, ActKind::SigningKeyMade, &made, now).await?;
            let from = moment(made.signs_from);
            writeln!(out, "{} is published now and signs from {from:.0} on.", made.id)?;
        }
        KeysCommand::Retire(retire) => {
            let key = files.retire(&retire.id, retire.force, now)?;
            tell(&config, ActKind::SigningKeyRetired, &key, now).await?;
            writeln!(out, "{} is retired: its tokens are refused within seconds.", key.id)?;
        }
    }
    files.load_or_create()?;
    for key in files.list(now)? {
        let what = match (key.state, key.signs_until) {
            (KeyState::Next, _) => format!("signs from {:.0}", moment(key.signs_from)),
            (KeyState::Signing, None) => "signs".to_owned(),
            (KeyState::Signing, Some(until)) => format!("signs until {:.0}", moment(until)),
            (KeyState::Older, until) => format!("signed until {:.0}", moment(until.unwrap_or(now))),
        };
        writeln!(out, "{}  {what}  {}", key.id, key.path.display())?;
    }
    Ok(())
}

async fn tell(config: &Config, kind: ActKind, key: &KeyFile, now: Instant) -> anyhow::Result<()> {
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let log = AuditLog::start(database.clone(), &Clock::System);
    let act = Act::new(&Author::console(), kind, Target::Nothing, now)
        .detail("kid", key.id.as_str())
        .detail("signsFrom", moment(key.signs_from).to_string().as_str());
    let told = log.record_each(act).await;
    log.close().await;
    database.close().await?;
    Ok(told?)
}
