//! `amvaj boards`: has leaderboards counted anew, and writes into the audit log that it did.

use std::io::Write;
use std::time::Duration;

use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::BoardId;
use amvaj_infra::board::{Boards, LiveBoards};
use amvaj_infra::clock::Clock;
use amvaj_infra::directory::Directory;
use anyhow::bail;

use crate::cli::{BoardsArgs, BoardsCommand};
use crate::config::Config;
use crate::database;

/// Notes what is to be counted; the worker counts it.
pub async fn run(config: Config, args: BoardsArgs) -> anyhow::Result<()> {
    let BoardsCommand::Rebuild(args) = args.command;
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let directory = Directory::new(database.clone());
    let boards = Boards::new(database.clone(), directory, LiveBoards::memory(), Duration::ZERO);
    let id = args.id.map(BoardId::new);
    let target = id.map_or(Target::Nothing, Target::Board);
    let act = Act::new(&Author::console(), ActKind::BoardRebuilt, target, Clock::System.now());
    let count = boards.rebuild(id, &act).await?;
    database.close().await?;
    if count == 0 {
        bail!("there is no such leaderboard, or none that is open");
    }
    writeln!(std::io::stdout(), "{count} to be counted anew; a running worker does it.")?;
    Ok(())
}
