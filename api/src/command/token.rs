//! `amvaj token`: makes an access token with the server's key, and writes into the audit log that it did.

use std::io::Write;

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_domain::network::NetworkMode;
use amvaj_infra::audit::AuditLog;
use amvaj_infra::clock::Clock;

use crate::auth::Tokens;
use crate::auth::key_files::KeyFiles;
use crate::cli::{TokenArgs, TokenCaller};
use crate::config::Config;
use crate::database;

/// Prints a token and nothing else, so that a script can use it.
pub async fn run(config: Config, args: TokenArgs) -> anyhow::Result<()> {
    let caller = match args.caller {
        TokenCaller::Operator => Caller::Operator,
        TokenCaller::Agent => Caller::Agent,
        TokenCaller::Merchant { id } => Caller::Merchant(MerchantId::new(id)),
        TokenCaller::Member { id } => Caller::Member(MemberId::new(id)),
    };
    let ttl = args.ttl.unwrap_or(config.auth.token_ttl);
    let now = Clock::System.now();
    let target = match caller {
        Caller::Operator | Caller::Agent => Target::Nothing,
        Caller::Merchant(id) => Target::Merchant(id),
        Caller::Member(id) => Target::Member(id),
    };
    let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
    let act = Act::new(&Author::console(), ActKind::TokenMade, target, now)
        .detail("role", caller.role().as_str())
        .detail("seconds", seconds);
    let mode = tell(&config, act).await?;
    let keys = KeyFiles::new(&config.auth.key_file).load_or_create()?;
    let tokens = Tokens::new(keys, &config.auth).in_mode(mode);
    let token = tokens.mint(&Identity::console(caller), ttl, now)?;
    writeln!(std::io::stdout(), "{token}")?;
    Ok(())
}

/// Writes the act into the audit log: a token that nobody knows of is not given away. Says whether the installation is
/// live or a sandbox.
async fn tell(config: &Config, act: Act) -> anyhow::Result<NetworkMode> {
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let network = database::installation(&database, &config.network, act.at).await?;
    let log = AuditLog::start(database.clone(), &Clock::System);
    let told = log.record_each(act).await;
    log.close().await;
    database.close().await?;
    told?;
    Ok(network.mode)
}
