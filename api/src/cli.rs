//! The command line: what can be asked for, and help that teaches.

#![expect(
    clippy::doc_markdown,
    reason = "the comments of arguments are the help text, which is not markdown"
)]

mod bench;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use amvaj_domain::access::Scope;
use amvaj_domain::text::Name;
use amvaj_domain::user::{UserName, UserRole};
use clap::{Args, Parser, Subcommand};
use uuid::Uuid;

use crate::command;
use crate::config::Config;
use crate::graphql::global_id::GlobalId;
use crate::graphql::subgraph::Subgraph;
use values::{
    parse_duration, parse_lead, parse_name, parse_scope, parse_subgraph, parse_user_name, parse_user_role,
};

pub use bench::BenchArgs;

/// Amvaj: an open coalition rewards network. Points earned at one merchant are spent at another.
#[derive(Debug, Parser)]
#[command(name = "amvaj", version, propagate_version = true, after_help = AFTER_HELP)]
pub struct Cli {
    /// A TOML file of settings; the environment goes over it [env: AMVAJ_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Start here:
  amvaj demo                     a lively network in a SQLite file, then the server, with a token per role
  amvaj serve                    the server, on what is there
  amvaj token operator           a token for the first request
  amvaj user add mina            an operator who logs in; prints an invitation

Settings: every one has a default, so nothing needs to be set.
  AMVAJ_DATABASE_URL             sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME
  AMVAJ_REDIS_URL                cache balances in Redis instead of this process
  AMVAJ_LISTEN                   address and port, 127.0.0.1:8080
  AMVAJ_CONFIG                   a TOML file: the same names in lower case without AMVAJ_
  The file .env.example lists them all.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API, and run the scheduled jobs beside it
    Serve(ServeArgs),
    /// Run the scheduled jobs alone: ended holds, expiries, waiting refunds, the outbox
    Worker(WorkerArgs),
    /// Bring the database to this program's version
    Migrate(MigrateArgs),
    /// Print the GraphQL schema
    Schema(SchemaArgs),
    /// Make the manifest of trusted documents from a folder of .graphql files
    Documents(DocumentsArgs),
    /// Make a lively network on the first start, then serve it
    Demo(DemoArgs),
    /// Bring in records from other systems
    Import(ImportArgs),
    /// Make an access token
    Token(TokenArgs),
    /// Operators and agents: add, list, disable, enable, reset what they log in with
    User(UserArgs),
    /// List, rotate and retire the keys that sign access tokens
    Keys(KeysArgs),
    /// Leaderboards: count them anew from the journal
    Boards(BoardsArgs),
    /// Check every invariant of the ledger and name the rows that break one
    Verify(VerifyArgs),
    /// Copy the SQLite database into a file while it is in use
    Backup(BackupArgs),
    /// Make a database ready that was put back from a backup
    Restored(RestoredArgs),
    /// List who was erased, to be erased again after a backup was put back
    Erasures(ErasuresArgs),
    /// Measure a running server: requests per second and how long they take
    Bench(BenchArgs),
}

/// `amvaj serve`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj serve
  amvaj serve --listen 0.0.0.0:80
  AMVAJ_DATABASE_URL=postgres://amvaj:secret@db/amvaj AMVAJ_REDIS_URL=redis://cache amvaj serve
  amvaj serve --subgraph wallets one domain alone, for a gateway that composes it with the others

Stops on SIGTERM or Ctrl-C: nothing new is accepted, what was accepted is finished.")]
pub struct ServeArgs {
    /// Address and port, instead of AMVAJ_LISTEN
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// The only domain to serve, instead of AMVAJ_GRAPHQL_SUBGRAPH: merchants, wallets or experience
    #[arg(long, value_name = "NAME", value_parser = parse_subgraph)]
    pub subgraph: Option<&'static Subgraph>,
}

/// `amvaj worker`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj worker

Ends holds whose time is over, activates and expires points, posts refunds that waited, and relays the outbox. `serve`
does the same inside; run this alone to take the work off the servers. Several may run at a time; leases divide the work. Set AMVAJ_WORKER_IN_SERVE=false for the servers then.")]
pub struct WorkerArgs {}

/// `amvaj migrate`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj migrate
  amvaj migrate --status         only say what would be done

`serve` and `demo` migrate by themselves; use this before a rolling update of several servers.")]
pub struct MigrateArgs {
    /// Only say which migrations are applied and which are not
    #[arg(long)]
    pub status: bool,
}

/// `amvaj schema`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj schema > schema.graphql
  amvaj schema --federation --subgraph wallets")]
pub struct SchemaArgs {
    /// Print it with keys and what else composers need to know, as `_service { sdl }` of a running server has it
    #[arg(long)]
    pub federation: bool,
    /// Only this domain of it: merchants, wallets or experience
    #[arg(long, value_name = "NAME", requires = "federation", value_parser = parse_subgraph)]
    pub subgraph: Option<&'static Subgraph>,
    /// Print the page of all error codes (`docs/errors.md`) in place of the schema
    #[arg(long, conflicts_with = "federation")]
    pub errors: bool,
}

/// `amvaj documents`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj documents app/src --out documents.json
  AMVAJ_GRAPHQL_MANIFEST=documents.json AMVAJ_GRAPHQL_TRUSTED_ONLY=members amvaj serve

Checks every operation of the folder's .graphql files against the schema and the limits; fragments may be in other files.
The same files make the same manifest. docs/documents.md tells how clients name what is in it.")]
pub struct DocumentsArgs {
    /// The folder, with those in it
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Where the manifest goes
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `amvaj demo`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj demo
  amvaj demo --members 200 --no-serve

The first start makes merchants, members and a year of purchases from a seed, played through the real ledger. A second
start finds them. Both print the address, a token per role and a first query.")]
pub struct DemoArgs {
    /// Members to make
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub members: u32,
    /// The seed: the same one makes the same network
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Delete the demo that is there and make a new one; anything else is left alone
    #[arg(long)]
    pub fresh: bool,
    /// Only make the network; do not serve it
    #[arg(long)]
    pub no_serve: bool,
    /// Address and port, instead of AMVAJ_LISTEN
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// `amvaj boards`
#[derive(Debug, Clone, Args)]
pub struct BoardsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: BoardsCommand,
}

/// What to do with leaderboards.
#[derive(Debug, Clone, Subcommand)]
pub enum BoardsCommand {
    /// Have the worker count them anew from the journal
    Rebuild(BoardsRebuildArgs),
}

/// `amvaj boards rebuild`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj boards rebuild
  amvaj boards rebuild 0193e4a0-7a1b-7c3d-8e4f-5a6b7c8d9e0f

Notes in the database that the open periods are to be counted anew; the worker does it, shard by shard, while the
leaderboards are shown from what is counted so far. Frozen periods stay as they are. Nobody needs this in daily life: it
mends what `amvaj verify` finds on a board.")]
pub struct BoardsRebuildArgs {
    /// One leaderboard's id; every open one when left out
    #[arg(value_name = "ID")]
    pub id: Option<Uuid>,
}

/// `amvaj import`
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// What to bring in.
    #[command(subcommand)]
    pub kind: ImportKind,
}

/// What to bring in.
#[derive(Debug, Clone, Subcommand)]
pub enum ImportKind {
    /// Purchases from a CSV file of purchase lines
    Purchases(ImportPurchasesArgs),
}

/// `amvaj import purchases`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj import purchases lines.csv --map lines.toml --dry-run
  amvaj import purchases lines.csv --map lines.toml --report left-out.csv

The map names the file's columns: member, receipt, line, product, quantity, price, time, branch, currency. Points are
earned and given back through the same ledger as over the API. Run it again after an interruption: what was brought in
is not brought in twice. Every line that is left out is listed with its reason. tests/import/online_retail.toml is a
map to start from.")]
pub struct ImportPurchasesArgs {
    /// The CSV file
    pub file: PathBuf,
    /// The TOML file that names its columns
    #[arg(long, value_name = "MAP.toml")]
    pub map: PathBuf,
    /// Only read, check and match; change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Bring nothing in when a line is malformed, instead of leaving that line out
    #[arg(long)]
    pub strict: bool,
    /// Write all numbers and every line left out to a JSON file, or every line left out to a file that ends in .csv
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `amvaj token`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj token operator
  amvaj token merchant 0193e4a0-7a1b-7c3d-8e4f-5a6b7c8d9e0f --ttl 8h
  curl 127.0.0.1:8080/graphql -H \"authorization: Bearer $(amvaj token operator)\" \\
       -H 'content-type: application/json' -d '{\"query\": \"{ __typename }\"}'

The token is signed with the server's key (AMVAJ_AUTH_KEY_FILE). Whoever holds it is that caller: keep it secret. That
it was made is in the audit log.")]
pub struct TokenArgs {
    /// How long the token is good for: 90s, 15m, 8h or 30d [default: AMVAJ_AUTH_TOKEN_TTL_SECONDS]
    #[arg(long, global = true, value_parser = parse_duration)]
    pub ttl: Option<Duration>,
    /// Whom the token stands for.
    #[command(subcommand)]
    pub caller: TokenCaller,
}

/// Whom a token stands for.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum TokenCaller {
    /// The party that runs the network
    Operator,
    /// Somebody who looks after members for the operator
    Agent,
    /// A merchant
    Merchant {
        /// The merchant's id as the API shows it, or as a UUID
        #[arg(value_parser = parse_merchant)]
        id: Uuid,
    },
    /// A member
    Member {
        /// The member's id as the API shows it, or as a UUID
        #[arg(value_parser = parse_member)]
        id: Uuid,
    },
}

/// `amvaj user`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj user add mina@club.example --display-name 'Mina Karimi'
  amvaj user add ali --role agent --scope members:read
  amvaj user list
  amvaj user reset-totp mina@club.example

A new user, and one whose password or codes were reset, gets an invitation: a text that is good once, for two days. What
is done here is in the audit log.")]
pub struct UserArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: UserCommand,
}

/// What to do with operators and agents.
#[derive(Debug, Clone, Subcommand)]
pub enum UserCommand {
    /// Add somebody and print the invitation
    Add(UserAddArgs),
    /// List everybody with role, status and scopes
    List,
    /// Print a new invitation for somebody who has not joined; the one before it is void
    Invite(UserNameArgs),
    /// Disable somebody: all sessions end at once
    Disable(UserNameArgs),
    /// Let somebody disabled log in again
    Enable(UserNameArgs),
    /// Take somebody's password away, end all sessions, and print an invitation to set another one
    ResetPassword(UserNameArgs),
    /// Take somebody's one-time codes and recovery codes away, end all sessions, and print an invitation to set new ones
    ResetTotp(UserNameArgs),
}

/// `amvaj user add`
#[derive(Debug, Clone, Args)]
pub struct UserAddArgs {
    /// The name to log in with, such as an e-mail address
    #[arg(value_parser = parse_user_name)]
    pub name: UserName,
    /// What the user is to be
    #[arg(long, default_value = "operator", value_parser = parse_user_role)]
    pub role: UserRole,
    /// The name to show [default: the name to log in with]
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub display_name: Option<Name>,
    /// One of the only scopes that the user is to have, again for each; all of the role when left out
    #[arg(long, value_name = "SCOPE", value_parser = parse_scope)]
    pub scope: Vec<Scope>,
}

/// Names a user.
#[derive(Debug, Clone, Args)]
pub struct UserNameArgs {
    /// The name that the user logs in with
    #[arg(value_parser = parse_user_name)]
    pub name: UserName,
}

/// `amvaj keys`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj keys list
  amvaj keys rotate              the next key is published now and signs in 15 minutes
  amvaj keys retire KEY          a key that signed, when no token of it can be good any more
  amvaj keys rotate --in 0s && amvaj keys retire KEY --force
                                 a key that is not safe any more: its tokens end at once

Keys lie in AMVAJ_AUTH_KEY_FILE and in the folder beside it that ends in .d. Servers read them again every two seconds; those
that do not share the folder need a copy of a new key before it signs. What was done is in the audit log.")]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do with the signing keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Show the keys and what each is for
    List,
    /// Make the next key
    Rotate(RotateKeysArgs),
    /// Remove a key that signs no more
    Retire(RetireKeyArgs),
}

/// `amvaj keys rotate`
#[derive(Debug, Clone, Args)]
pub struct RotateKeysArgs {
    /// When it begins to sign: 0s, 15m, 8h or 30d from now. Others keep the published keys for 5 minutes
    #[arg(long = "in", value_name = "TIME", default_value = "15m", value_parser = parse_lead)]
    pub lead: Duration,
}

/// `amvaj keys retire`
#[derive(Debug, Clone, Args)]
pub struct RetireKeyArgs {
    /// The key, as `amvaj keys list` names it
    pub id: String,
    /// Even when tokens of it can still be good: they are refused from then on
    #[arg(long)]
    pub force: bool,
}

/// `amvaj verify`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj verify
  amvaj verify --rows 5 --grace-minutes 10
  amvaj verify --keep-heads heads.json      and later, on the same database or a restored one:
  amvaj verify --heads heads.json

Reads only, in one snapshot, and may run beside a server. Ends with 1 when an invariant is broken.")]
pub struct VerifyArgs {
    /// The most rows to name per check
    #[arg(long, default_value_t = 20)]
    pub rows: u32,
    /// How long something may be left undone (a hold to end, an outbox row to relay) before it counts as stuck
    #[arg(long, default_value_t = 60)]
    pub grace_minutes: u32,
    /// Heads of the ledger's chains that were kept earlier, as `ledgerHeads` answers them or --keep-heads wrote them: they
    /// must be in the chains
    #[arg(long, value_name = "FILE")]
    pub heads: Option<PathBuf>,
    /// Write the heads here when every invariant holds, to keep them elsewhere
    #[arg(long, value_name = "FILE")]
    pub keep_heads: Option<PathBuf>,
}

/// `amvaj backup`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj backup /backups/amvaj-2026-11-27.sqlite

The copy is of one moment, whole, and may be made while servers run. To put it back, stop the servers, remove the database
file with its -wal and -shm, copy the backup to its place, and run `amvaj restored`. docs/operations.md tells the same of
PostgreSQL, which has tools of its own.")]
pub struct BackupArgs {
    /// The new file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `amvaj restored`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj restored && amvaj verify --heads heads.json

Run it once, while no server runs, after a backup was put back and before the servers start. Nothing that Redis keeps of the
time after the backup is read again; all sessions end, because some may have been ended since; what waits in the outbox is
relayed. API keys that were revoked since the backup are good again: revoke them anew.")]
pub struct RestoredArgs {
    /// What `amvaj erasures` printed after the backup was made: these members are erased again
    #[arg(long, value_name = "FILE")]
    pub erasures: Option<PathBuf>,
}

/// `amvaj erasures`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  amvaj erasures > erasures.txt
  amvaj erasures --since 2026-11-01T00:00:00Z

Each line has a moment and the id of a member, which names nobody any more. Keep the list elsewhere for as long as you keep
backups: a backup has whoever was erased after it.")]
pub struct ErasuresArgs {
    /// Only those that were erased at this moment or later, and in the hour before
    #[arg(long, value_name = "MOMENT")]
    pub since: Option<jiff::Timestamp>,
}

/// Reads the command line and does what it asks for.
pub async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let config = Config::load(cli.config.as_deref())?;
    match cli.command {
        Command::Serve(args) => command::serve::run(config, args).await,
        Command::Migrate(args) => command::migrate::run(config, args).await,
        Command::Schema(args) => command::schema::run(config, args).await,
        Command::Documents(args) => command::documents::run(config, args).await,
        Command::Token(args) => command::token::run(config, args).await,
        Command::User(args) => command::user::run(config, args).await,
        Command::Keys(args) => command::keys::run(config, args).await,
        Command::Worker(args) => command::worker::run(config, args).await,
        Command::Boards(args) => command::boards::run(config, args).await,
        Command::Verify(args) => command::verify::run(config, args).await,
        Command::Backup(args) => command::backup::run(config, args).await,
        Command::Restored(args) => command::restored::run(config, args).await,
        Command::Erasures(args) => command::erasures::run(config, args).await,
        Command::Import(args) => command::import::run(config, args).await,
        Command::Demo(args) => command::demo::run(config, args).await,
        Command::Bench(args) => command::bench::run(config, args).await,
    }
}

fn parse_merchant(text: &str) -> Result<Uuid, String> {
    parse_id(text, |id| match id {
        GlobalId::Merchant(id) => Some(id.uuid()),
        _ => None,
    })
}

fn parse_member(text: &str) -> Result<Uuid, String> {
    parse_id(text, |id| match id {
        GlobalId::Member(id) => Some(id.uuid()),
        _ => None,
    })
}

/// An id as the API shows it, of the kind that `meant` takes, or a UUID.
fn parse_id(text: &str, meant: impl FnOnce(GlobalId) -> Option<Uuid>) -> Result<Uuid, String> {
    let shown = GlobalId::read(&text.into()).and_then(meant);
    shown.or_else(|| text.parse().ok()).ok_or_else(|| "this is no such id of the API, and no UUID".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_token_is_asked_for_as_the_help_shows() {
        let line = ["amvaj", "token", "merchant", "0193e4a0-7a1b-7c3d-8e4f-5a6b7c8d9e0f", "--ttl", "8h"];
        let Command::Token(args) = Cli::try_parse_from(line).unwrap().command else {
            panic!("another command")
        };
        assert!(matches!(args.caller, TokenCaller::Merchant { .. }));
        assert_eq!(args.ttl, Some(Duration::from_hours(8)));
    }

    #[test]
    fn an_id_may_be_as_the_api_shows_it() {
        let uuid = Uuid::from_u128(7);
        let of_api = GlobalId::Merchant(amvaj_domain::id::MerchantId::new(uuid)).write();
        assert_eq!(parse_merchant(of_api.as_str()), Ok(uuid));
        assert_eq!(parse_merchant(&uuid.to_string()), Ok(uuid));
        assert!(parse_member(of_api.as_str()).is_err(), "a merchant is no member");
        assert!(parse_member("nonsense").is_err());
    }
}
