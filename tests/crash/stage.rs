//! The servers of a round, and what a fault does to them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::time::sleep;

use super::plan::{Blow, Far, Fault, Servers, Victim};
use crate::program::{amvaj, empty_folder};
use crate::support::disk::Disk;
use crate::support::proxy::Proxy;
use crate::support::server::{OwnPostgres, Server, free_port};

/// Answers that are cut in the middle on each node's line: enough that most lanes and readers meet one.
const CUT_ANSWERS: usize = 6;

/// What runs in a round.
pub(super) struct Stage {
    folder: PathBuf,
    /// How the program reaches its database when no proxy is in between.
    database: String,
    nodes: Vec<Node>,
    far: Option<FarServers>,
}

struct Node {
    server: Mutex<Server>,
    port: u16,
    lines: Option<Lines>,
}

/// A node's lines to what it reaches over the network.
struct Lines {
    postgres: Proxy,
    redis: Proxy,
}

struct FarServers {
    postgres: Mutex<OwnPostgres>,
    redis: Mutex<Server>,
    redis_port: u16,
}

impl Stage {
    pub(super) async fn set(servers: Servers) -> Self {
        match servers {
            Servers::Cluster => Self::cluster().await,
            Servers::Embedded => Self::embedded().await,
        }
    }

    async fn cluster() -> Self {
        let folder = empty_folder("crash");
        let postgres = OwnPostgres::start("crash-postgres").await;
        let redis_port = free_port();
        let redis = Server::redis(redis_port, &folder.join("redis.log")).await;
        let mut nodes = Vec::new();
        for name in ["node-1.log", "node-2.log"] {
            let lines =
                Lines { postgres: Proxy::to(postgres.port).await, redis: Proxy::to(redis_port).await };
            let mut command = program(&folder);
            command
                .env(
                    "AMVAJ_DATABASE_URL",
                    format!("postgres://postgres@127.0.0.1:{}/postgres", lines.postgres.port()),
                )
                .env("AMVAJ_REDIS_URL", format!("redis://127.0.0.1:{}", lines.redis.port()));
            let port = free_port();
            let server = Mutex::new(Server::program(command, port, &folder.join(name)).await);
            nodes.push(Node { server, port, lines: Some(lines) });
        }
        let database = postgres.url("postgres");
        let far = FarServers { postgres: Mutex::new(postgres), redis: Mutex::new(redis), redis_port };
        Self { folder, database, nodes, far: Some(far) }
    }

    async fn embedded() -> Self {
        let folder = empty_folder("crash");
        let database = format!("sqlite://{}", folder.join("amvaj.sqlite").display());
        let port = free_port();
        let (command, log) = (Disk::under(&folder).run(&program(&folder)), folder.join("node-1.log"));
        let server = Server::program(command, port, &log).await;
        let node = Node { server: Mutex::new(server), port, lines: None };
        Self { folder, database, nodes: vec![node], far: None }
    }

    /// Where each node takes GraphQL.
    pub(super) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("http://127.0.0.1:{}/graphql", node.port)).collect()
    }

    /// A token for a caller, from the program.
    pub(super) fn token(&self, caller: &[&str]) -> String {
        let made = self.ask_program(&[&["token"], caller].concat());
        made.unwrap_or_else(|refused| panic!("no token: {refused}")).trim().to_owned()
    }

    /// Every invariant holds. Without grace, whatever is still to be done by the background work counts as broken.
    pub(super) fn verify(&self, grace_minutes: &str) -> Result<String, String> {
        self.ask_program(&["verify", "--grace-minutes", grace_minutes])
    }

    /// What a command of the program prints, as a failure when it ends with one.
    fn ask_program(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = program(&self.folder);
        command.env("AMVAJ_DATABASE_URL", &self.database).args(arguments);
        if let Some(far) = &self.far {
            command.env("AMVAJ_REDIS_URL", format!("redis://127.0.0.1:{}", far.redis_port));
        }
        let ended = command.output().unwrap();
        let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if ended.status.success() {
            Ok(said(&ended.stdout))
        } else {
            Err(said(&[ended.stdout, ended.stderr].concat()))
        }
    }

    /// What the nodes logged as an error: a defect of ours.
    pub(super) fn errors(&self) -> Vec<String> {
        let logs =
            ["node-1.log", "node-2.log"].map(|name| fs::read(self.folder.join(name)).unwrap_or_default());
        let text = String::from_utf8_lossy(&logs.concat()).into_owned();
        text.lines()
            .filter(|line| line.contains("\"ERROR\"") || line.contains("panicked"))
            .map(str::to_owned)
            .collect()
    }

    /// Lets a fault happen and mends it.
    pub(super) async fn strike(&self, Blow { at, lasts, fault }: Blow) {
        sleep(at).await;
        match fault {
            Fault::Kill(victim) => {
                let mut server = self.server(victim).await;
                server.kill();
                sleep(lasts).await;
                server.start_again();
                server.wait_until_it_answers().await;
            }
            Fault::Stop(victim) => {
                let server = self.server(victim).await;
                server.stop();
                sleep(lasts).await;
                server.go_on();
            }
            Fault::Cut(far) => self.lines(far).for_each(Proxy::cut),
            Fault::CutAnswers(far) => {
                self.lines(far).for_each(|line| line.cut_answers(CUT_ANSWERS));
                sleep(lasts).await;
                self.lines(far).for_each(|line| line.cut_answers(0));
            }
            Fault::Silence(far) => {
                self.lines(far).for_each(|line| line.silence(true));
                sleep(lasts).await;
                // Half of the times nobody ever learns what became of the bytes.
                if lasts.as_millis() % 2 == 0 {
                    self.lines(far).for_each(Proxy::cut);
                }
                self.lines(far).for_each(|line| line.silence(false));
            }
            Fault::FullDisk => {
                let node = self.server(Victim::Node(0)).await;
                self.disk().fill(&node, blocks(lasts));
                sleep(lasts).await;
                self.disk().empty(&node);
            }
            Fault::KillOnFullDisk => {
                let mut node = self.server(Victim::Node(0)).await;
                self.disk().fill(&node, blocks(lasts));
                sleep(lasts / 2).await;
                node.kill();
                node.start_again();
                sleep(lasts / 2).await;
                self.disk().empty(&node);
                node.wait_until_it_answers().await;
                // It may have looked at the disk just before it was emptied.
                self.disk().empty(&node);
            }
        }
    }

    pub(super) fn disk(&self) -> Disk {
        Disk::under(&self.folder)
    }

    /// A server; who holds it keeps other faults away from it.
    pub(super) async fn server(&self, victim: Victim) -> MappedMutexGuard<'_, Server> {
        match (victim, &self.far) {
            (Victim::Node(number), _) => MutexGuard::map(self.nodes[number].server.lock().await, |node| node),
            (Victim::Postgres, Some(far)) => {
                MutexGuard::map(far.postgres.lock().await, |own| &mut own.server)
            }
            (Victim::Redis, Some(far)) => MutexGuard::map(far.redis.lock().await, |redis| redis),
            (Victim::Postgres | Victim::Redis, None) => panic!("there is no {victim:?}"),
        }
    }

    fn lines(&self, far: Far) -> impl Iterator<Item = &Proxy> {
        let lines = self.nodes.iter().filter_map(|node| node.lines.as_ref());
        lines.map(move |lines| match far {
            Far::Postgres => &lines.postgres,
            Far::Redis => &lines.redis,
        })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What a failed round leaves tells why it failed.
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// How large files may be on a full disk: some hundred kibibytes, which the database and its log have soon passed, so that
/// most writes fail after some of their bytes.
fn blocks(lasts: Duration) -> u64 {
    100 + u64::from(lasts.subsec_millis()) / 2
}

/// The program with the settings of all rounds.
fn program(folder: &Path) -> Command {
    let mut command = amvaj(folder);
    command
        // One merchant sends everything.
        .env("AMVAJ_THROTTLE_MERCHANT", "1000000/1000000")
        .env("AMVAJ_THROTTLE_USER", "1000000/1000000")
        .env("AMVAJ_DATABASE_MAX_CONNECTIONS", "8")
        // What a killed node left is taken over within the round.
        .env("AMVAJ_WORKER_LEASE_SECONDS", "2");
    command
}
