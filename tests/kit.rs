//! The integrator's page, executed: every block of `docs/integrate.md` runs against a fresh sandbox whose log is as loud as
//! can be, and nothing that is secret is in the log.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::program::{amvaj, empty_folder};
use crate::support::server::free_port;

const PAGE: &str = include_str!("../docs/integrate.md");
/// The ports that the page uses, each of which becomes a free one.
const PORTS: [&str; 3] = ["8090", "8081", "8082"];
/// The mobile of the page's member.
const MOBILE: &str = "9123456789";

/// The blocks of the page in one language, in their order.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begins = format!("```{language}\n");
    let rest = page.split(&*begins).skip(1);
    rest.map(|rest| rest.split("\n```").next().expect("the block ends")).collect()
}

/// Writes each sample to the file that its first line names.
fn write_samples(page: &str, folder: &Path) {
    for (language, comment) in [("js", "// "), ("python", "# ")] {
        for block in blocks(page, language) {
            let name = block.strip_prefix(comment).and_then(|line| line.split(':').next());
            fs::write(folder.join(name.expect("a sample begins with its name")), block).unwrap();
        }
    }
}

/// Runs all commands of the page as one session of a shell, and ends whatever they started.
fn run_commands(page: &str, folder: &Path) -> Output {
    let script = format!("set -euo pipefail\n{}\n", blocks(page, "sh").join("\n"));
    fs::write(folder.join("session.sh"), script).unwrap();
    let program = amvaj(folder);
    let programs = Path::new(program.get_program()).parent().unwrap().to_owned();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut session = Command::new("bash");
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => session.env(name, value),
            None => session.env_remove(name),
        };
    }
    session.arg("session.sh").current_dir(folder).env("PATH", path).env("AMVAJ_LOG_FILTER", "trace");
    let output = session.stdout(fs::File::create(folder.join("output.txt")).unwrap());
    let mut child =
        output.stderr(fs::File::create(folder.join("errors.txt")).unwrap()).process_group(0).spawn().unwrap();
    let group = Pid::from_child(&child);
    let status = child.wait().unwrap();
    // Receivers and the server are still there.
    let _ = kill_process_group(group, Signal::KILL);
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    Output { status, stdout: read("output.txt"), stderr: read("errors.txt") }
}

fn secret(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap().trim().to_owned()
}

#[test]
fn every_block_of_the_page_works_and_no_secret_is_logged() {
    let folder = empty_folder("kit");
    let page = PORTS.iter().fold(PAGE.to_owned(), |page, port| page.replace(port, &free_port().to_string()));
    let executed: usize = ["sh", "js", "python"].iter().map(|language| blocks(&page, language).len()).sum();
    // A unit test compares the example of a body with a real one.
    let shown = blocks(&page, "json").len();
    assert_eq!((executed + shown, shown), (page.matches("\n```").count() / 2, 1));
    write_samples(&page, &folder);
    // What the session alone knows is written down at its end.
    let page = format!("{page}\n```sh\necho \"$KEY\" > key.txt; echo \"$OPERATOR\" > operator.txt\n```\n");
    let output = run_commands(&page, &folder);
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let log = fs::read_to_string(folder.join("server.log")).unwrap();
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        said(&output.stdout),
        said(&output.stderr),
        log.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    );
    assert!(said(&output.stdout).lines().any(|line| line.trim() == "\"available\": \"120\""));

    let endpoint: Value = serde_json::from_str(&secret(&folder, "endpoint.json")).unwrap();
    assert!(endpoint["data"]["createWebhookEndpoint"]["secret"].as_str().unwrap().starts_with("whsec_"));
    assert!(log.lines().count() > 200, "the log is as loud as can be");
    let (key, operator) = (secret(&folder, "key.txt"), secret(&folder, "operator.txt"));
    let webhook = secret(&folder, "secret.txt");
    let signature = operator.rsplit('.').next().unwrap();
    for (what, text) in [
        ("API key", &key[key.len() - 40..]),
        ("token", signature),
        ("webhook secret", webhook.trim_start_matches("whsec_")),
        ("mobile", MOBILE),
    ] {
        let line = log.lines().find(|line| line.contains(text));
        assert!(line.is_none(), "the {what} is in the log: {}", line.unwrap());
    }
    fs::remove_dir_all(folder).unwrap();
}
