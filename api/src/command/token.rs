//! `amvaj token`: makes an access token with the server's key.

use std::io::Write;

use amvaj_domain::access::{Caller, Identity};
use amvaj_domain::id::{MemberId, MerchantId};
use amvaj_infra::clock::Clock;

use crate::auth::{KeySet, SigningKey, Tokens};
use crate::cli::{TokenArgs, TokenCaller};
use crate::config::Config;

/// Prints a token and nothing else, so that a script can use it.
#[expect(clippy::unused_async, reason = "every command has the same shape")]
pub async fn run(config: Config, args: TokenArgs) -> anyhow::Result<()> {
    let caller = match args.caller {
        TokenCaller::Operator => Caller::Operator,
        TokenCaller::Agent => Caller::Agent,
        TokenCaller::Merchant { id } => Caller::Merchant(MerchantId::new(id)),
        TokenCaller::Member { id } => Caller::Member(MemberId::new(id)),
    };
    let keys = KeySet::new(SigningKey::load_or_create(&config.auth.key_file)?);
    let ttl = args.ttl.unwrap_or(config.auth.token_ttl);
    let token = Tokens::new(keys, &config.auth).mint(&Identity::console(caller), ttl, Clock::System.now())?;
    writeln!(std::io::stdout(), "{token}")?;
    Ok(())
}
