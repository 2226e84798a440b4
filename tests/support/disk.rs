//! A disk that fills up and is emptied again, as a process on it meets it: files cannot grow, a write fails in its middle,
//! and what is there can be read. It needs no rights and harms nobody else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, prlimit};

use super::server::Server;

/// The file that says how large files may be on the full disk, in blocks of 512 bytes.
const FULL: &str = "full";
/// The unit of the limit.
const BLOCK: u64 = 512;

/// The disk under a folder.
pub(crate) struct Disk {
    full: PathBuf,
}

impl Disk {
    pub(crate) fn under(folder: &Path) -> Self {
        Self { full: folder.join(FULL) }
    }

    /// A command that runs another one on this disk: that a file may not grow is an error to it, as a full disk is, and
    /// not its end. When the disk is full it starts on the full disk.
    pub(crate) fn run(&self, program: &Command) -> Command {
        let full = self.full.display();
        let script = format!(
            "trap '' XFSZ; [ ! -e '{full}' ] || ulimit -S -f \"$(cat '{full}')\"; exec \"$0\" \"$@\""
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(program.get_program()).args(program.get_args());
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// From now on no file of the running server grows beyond so many blocks, nor is one written there.
    pub(crate) fn fill(&self, server: &Server, blocks: u64) {
        fs::write(&self.full, blocks.to_string()).unwrap();
        limit(server, Some(blocks * BLOCK));
    }

    /// There is room again.
    pub(crate) fn empty(&self, server: &Server) {
        let _ = fs::remove_file(&self.full);
        limit(server, None);
    }
}

/// The most bytes that a file of a running server may have; none for as many as the real disk takes.
fn limit(server: &Server, most: Option<u64>) {
    // A server that has ended in between has nothing to limit.
    let _ = prlimit(Some(server.pid()), Resource::Fsize, Rlimit { current: most, maximum: None });
}
