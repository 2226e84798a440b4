//! Whose database this is. It is the demo's when the note beside it names its network, and becomes the demo's when
//! there is nothing in it. Everything else is left as it is.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use amvaj_domain::{access::Caller, network::NetworkMode};
use amvaj_infra::{
    clock::Clock,
    db::Database,
    directory::{Directory, MemberFilter, MerchantFilter},
    page::PageRequest,
};
use anyhow::{Context as _, bail, ensure};

use crate::{
    cli::DemoArgs,
    config::Config,
    database,
    demo::{marker::Marker, network::MERCHANTS},
    random,
};

/// What to do with a database that is not the demo's.
const LEFT_ALONE: &str = "the demo leaves it alone: use `amvaj serve` for a network of your own, or give the demo a \
     place of its own, such as AMVAJ_DATABASE_URL=sqlite://demo-data/amvaj.sqlite";

/// Finds the demo in the configured database, or makes an empty database the demo's.
pub(super) async fn claim(config: &Config, args: &DemoArgs) -> anyhow::Result<Marker> {
    let folder = config.database.data_folder();
    let noted = Marker::read(&folder)?;
    let used = file(config).is_some_and(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0));
    let database = database::open(&config.database).await?;
    let claimed = async {
        // Before anything is written, migrations included.
        let changes = database::changes(&database).await?;
        let (begun, whole) =
            (changes.iter().any(|change| change.applied), changes.iter().all(|change| change.applied));
        let stranger = noted.is_none() && if begun { !whole } else { used };
        ensure!(!stranger, "{} holds something that no demo made; {LEFT_ALONE}", folder.display());
        database::migrate(&database).await?;
        claim_migrated(&folder, args, &database, noted).await
    };
    let claimed = claimed.await;
    database.close().await?;
    claimed
}

async fn claim_migrated(
    folder: &Path,
    args: &DemoArgs,
    database: &Database,
    noted: Option<Marker>,
) -> anyhow::Result<Marker> {
    let directory = Directory::new(database.clone());
    let now = Clock::System.now();
    let network = directory.ensure_network(random::uuid(now), NetworkMode::Sandbox, now).await?;
    if let Some(marker) = noted.filter(|marker| marker.speaks_of(network.epoch)) {
        let as_asked = (marker.seed, marker.members) == (args.seed, args.members);
        if !marker.complete {
            say("The last start was interrupted before the demo was whole: going on with it.");
        } else if !as_asked {
            let Marker { members, seed, .. } = marker;
            say(&format!(
                "The demo is here, with {members} members from seed {seed}; --fresh makes another one."
            ));
        }
        return Ok(marker);
    }
    ensure!(
        is_empty(&directory).await?,
        "{} holds a network that no demo made; {LEFT_ALONE}",
        folder.display()
    );
    let marker = Marker {
        network: network.epoch.to_string(),
        seed: args.seed,
        members: args.members,
        end_micros: now.micros(),
        complete: false,
    };
    marker.write(folder)?;
    say(&format!("Making a network of {} merchants and {} members.", MERCHANTS.len(), marker.members));
    Ok(marker)
}

async fn is_empty(directory: &Directory) -> anyhow::Result<bool> {
    let merchants = directory.merchants(&MerchantFilter::default(), &PageRequest::first(1)).await?;
    let members = directory.members(Caller::Operator);
    let members = members.page(&MemberFilter::default(), &PageRequest::first(1)).await?;
    Ok(merchants.items.is_empty() && members.items.is_empty())
}

/// Deletes the demo's database file, once it is certain that it is the demo's.
pub(super) async fn remove(config: &Config) -> anyhow::Result<()> {
    let Some(path) = file(config) else {
        bail!("--fresh deletes a SQLite file only; empty the demo's database yourself");
    };
    if !fs::exists(&path)? {
        return Ok(());
    }
    let folder = config.database.data_folder();
    let noted = Marker::read(&folder)?;
    let noted = noted.with_context(|| format!("{} is no demo's; --fresh leaves it alone", path.display()))?;
    let database = database::open(&config.database).await?;
    database::migrate(&database).await?;
    let now = Clock::System.now();
    let network =
        Directory::new(database.clone()).ensure_network(random::uuid(now), NetworkMode::Sandbox, now).await;
    database.close().await?;
    ensure!(noted.speaks_of(network?.epoch), "{} is not the demo's; --fresh leaves it alone", path.display());
    for ending in ["", "-wal", "-shm"] {
        let mut file = path.clone().into_os_string();
        file.push(ending);
        delete(Path::new(&file))?;
    }
    delete(&Marker::path(&folder))
}

/// The database file, when it is one.
fn file(config: &Config) -> Option<PathBuf> {
    let path = config.database.url.expose().strip_prefix("sqlite://")?;
    path.split('?').next().map(PathBuf::from)
}

fn delete(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be deleted", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tells the user what happens, beside the log.
fn say(what: &str) {
    // Whoever closed the error stream does not want to know.
    let _ = writeln!(std::io::stderr(), "{what}");
}
