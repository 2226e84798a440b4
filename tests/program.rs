//! The built program, for tests that start it as a user does.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// A command that starts the program with a database file in `folder`, and with no setting of this process.
pub fn amvaj(folder: &Path) -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AMVAJ_")) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env("AMVAJ_DATABASE_URL", format!("sqlite://{}", folder.join("amvaj.sqlite").display()))
        .env("AMVAJ_LOG_FILTER", "warn");
    command
}

/// An empty folder that nobody else has.
pub fn empty_folder(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("amvaj-{name}-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The program that was built beside this test. Cargo promises it only to tests of its own package, so whoever runs
/// the tests builds it first, as `tests/run` does.
fn program() -> PathBuf {
    // This test is `<profile>/deps/amvaj-<hash>`.
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("amvaj");
    assert!(program.exists(), "{} is not built; run the tests with tests/run", program.display());
    program
}
