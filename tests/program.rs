//! The built program, for tests that start it as a user does.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
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

/// An empty folder of this process's own.
pub fn empty_folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("amvaj-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The program as it is now: Cargo promises it only to tests of its own package, so it is brought up to date here.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // This test is `<profile>/deps/amvaj-<hash>`.
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "amvaj-api", "--bin", "amvaj", "--target-dir"]);
        build.arg(profile.parent().unwrap());
        match profile.file_name().and_then(|name| name.to_str()).unwrap() {
            "debug" => {}
            profile => {
                build.args(["--profile", profile]);
            }
        }
        assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
        profile.join("amvaj")
    })
}
