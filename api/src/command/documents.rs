//! `amvaj documents`: makes the manifest of trusted documents from a folder of files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use amvaj_infra::persisted::TextHash;
use anyhow::Context as _;

use crate::cli::DocumentsArgs;
use crate::config::Config;
use crate::graphql::persisted::check::Checker;
use crate::graphql::persisted::manifest::{self, Entry};
use crate::graphql::persisted::source::{self, Assembled, File};

/// Checks every operation of the folder and writes the manifest, or says all that is wrong and writes nothing.
pub async fn run(config: Config, args: DocumentsArgs) -> anyhow::Result<()> {
    let mut paths = Vec::new();
    collect(&args.folder, &mut paths)?;
    paths.sort();
    let files = paths.iter().map(|path| read(path, &args.folder)).collect::<Result<Vec<_>, _>>()?;
    let operations = source::assemble(&files).map_err(|problems| corrections(&problems))?;
    if operations.is_empty() {
        anyhow::bail!("{} has no operation; put files that end in .graphql into it", args.folder.display());
    }
    let checker = Checker::new(&config.graphql);
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for Assembled { place, name, kind, body } in operations {
        let found = checker.problems(&body).await;
        problems.extend(found.into_iter().map(|problem| format!("{place}: {name}: {problem}")));
        entries.push(Entry { id: TextHash::of(&body).to_string(), name, kind: kind.to_owned(), body });
    }
    if !problems.is_empty() {
        return Err(corrections(&problems));
    }
    let count = entries.len();
    let written = args.out.display();
    fs::write(&args.out, manifest::write(entries)?)
        .with_context(|| format!("{written} cannot be written"))?;
    writeln!(std::io::stdout(), "{written}: {count} operations of {} files", files.len())?;
    Ok(())
}

/// Finds the files of a folder and of those in it.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unread = || format!("the folder {} cannot be read", folder.display());
    for entry in fs::read_dir(folder).with_context(unread)? {
        let entry = entry.with_context(unread)?;
        let path = entry.path();
        // A link to a folder may lead back to where it is.
        if entry.file_type().with_context(unread)?.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "graphql") {
            found.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path, folder: &Path) -> anyhow::Result<File> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    Ok(File { name, text })
}

fn corrections(problems: &[String]) -> anyhow::Error {
    anyhow::anyhow!("the documents have to be corrected:\n  - {}", problems.join("\n  - "))
}
