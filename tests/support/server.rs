//! Server processes of a test's own (the built program, PostgreSQL, Redis), which the test starts, kills, stops and lets
//! go on as it likes. They end with the test.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};

use crate::program::empty_folder;

/// How long a server may take to be there again: it may have to wait for another one that is away as well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server process with all that it forks.
pub(crate) struct Server {
    command: Command,
    child: Child,
    sign_of_life: SignOfLife,
    starts: usize,
}

/// What tells that a server answers.
enum SignOfLife {
    /// A page of the program.
    Page(String),
    /// A statement of PostgreSQL.
    Statement(String),
    /// A connection that Redis accepts and answers on.
    Ping(String),
}

impl Server {
    /// The built program as a server on a port. The command says how it is set up; the log goes to a file.
    pub(crate) async fn program(mut command: Command, port: u16, log: &Path) -> Self {
        command.arg("serve").env("AMVAJ_LISTEN", format!("127.0.0.1:{port}")).env("AMVAJ_LOG_FORMAT", "json");
        let page = format!("http://127.0.0.1:{port}/health/ready");
        Self::start(command, log, SignOfLife::Page(page)).await
    }

    /// A Redis that keeps nothing, on a port.
    pub(crate) async fn redis(port: u16, log: &Path) -> Self {
        let program = std::env::var("AMVAJ_TEST_REDIS_BIN")
            .expect("AMVAJ_TEST_REDIS_BIN is the path of a Redis; run the tests with tests/run");
        let mut command = Command::new(program);
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
            &port.to_string(),
        ]);
        Self::start(command, log, SignOfLife::Ping(format!("redis://127.0.0.1:{port}"))).await
    }

    async fn start(mut command: Command, log: &Path, sign_of_life: SignOfLife) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Self { command, child, sign_of_life, starts: 1 };
        server.wait_until_it_answers().await;
        server
    }

    /// Ends the server at once with all that it forked, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
    }

    /// Starts the killed server again.
    pub(crate) fn start_again(&mut self) {
        self.child = self.command.spawn().unwrap();
        self.starts += 1;
    }

    /// How often it was started until now.
    pub(crate) fn starts(&self) -> usize {
        self.starts
    }

    /// Freezes the server with all that it forked, until [`Self::go_on`].
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a stopped server go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// The process that was started.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Signals the parent first, so that it forks no more, and then its children. One that has ended needs no signal.
    fn signal(&self, signal: Signal) {
        let forked = children(self.pid());
        for process in std::iter::once(self.pid()).chain(forked) {
            let _ = kill_process(process, signal);
        }
    }

    /// Waits until the server answers. One that ends while another one that it needs is away is started again.
    pub(crate) async fn wait_until_it_answers(&mut self) {
        let began = Instant::now();
        while !self.sign_of_life.is_there().await {
            assert!(began.elapsed() < PATIENCE, "{:?} does not answer", self.command);
            if self.child.try_wait().unwrap().is_some() {
                self.start_again();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

impl SignOfLife {
    async fn is_there(&self) -> bool {
        const ANSWER_WITHIN: Duration = Duration::from_secs(2);
        let sign = async {
            match self {
                Self::Page(url) => reqwest::get(url).await.is_ok_and(|page| page.status().is_success()),
                Self::Statement(url) => Database::connect(single(url)).await.is_ok(),
                Self::Ping(url) => super::redis::connect(url).await.is_ok(),
            }
        };
        tokio::time::timeout(ANSWER_WITHIN, sign).await.unwrap_or(false)
    }
}

/// What a process has forked, as far as the system tells; elsewhere a server's children notice its end by themselves.
fn children(parent: Pid) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let parent = parent.as_raw_nonzero().to_string();
    let is_child = |stat: &str| {
        // `pid (name) state parent …`, where the name may hold anything.
        stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)) == Some(parent.as_str())
    };
    processes
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_child(&stat)))
        .filter_map(Pid::from_raw)
        .collect()
}

/// A PostgreSQL with durable settings on a cluster of its own.
pub(crate) struct OwnPostgres {
    pub(crate) server: Server,
    pub(crate) port: u16,
    folder: PathBuf,
}

impl OwnPostgres {
    /// Makes a cluster and starts its server.
    pub(crate) async fn start(name: &str) -> Self {
        let (folder, port) = (empty_folder(name), free_port());
        if let Some((user, group)) = service_user() {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        let data = folder.join("data");
        let mut made = postgres_program("initdb", &folder);
        made.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--pgdata"])
            .arg(&data);
        let made = made.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

        let mut command = postgres_program("postgres", &folder);
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        for setting in [
            "unix_socket_directories=",
            "max_connections=100",
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
        ] {
            command.args(["-c", setting]);
        }
        let life = SignOfLife::Statement(url_on(port, "postgres"));
        let server = Server::start(command, &folder.join("postgres.log"), life).await;
        Self { server, port, folder }
    }

    /// How a database of it is reached.
    pub(crate) fn url(&self, database: &str) -> String {
        url_on(self.port, database)
    }

    /// Runs a statement as the superuser.
    pub(crate) async fn execute(&self, database: &str, sql: &str) {
        let connection = Database::connect(single(&self.url(database))).await.unwrap();
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        self.server.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn url_on(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}")
}

fn single(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    options
}

/// A program of PostgreSQL, which refuses to run as root.
fn postgres_program(name: &str, folder: &Path) -> Command {
    let programs = std::env::var("AMVAJ_TEST_PG_BIN")
        .expect("AMVAJ_TEST_PG_BIN is the folder of PostgreSQL's programs; run the tests with tests/run");
    let mut command = Command::new(Path::new(&programs).join(name));
    command.current_dir(folder).env("HOME", folder);
    if let Some((user, group)) = service_user() {
        command.uid(user).gid(group);
    }
    command
}

/// The user and group under which servers run when root runs the tests.
fn service_user() -> Option<(u32, u32)> {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    Some((number("AMVAJ_TEST_SERVICE_UID")?, number("AMVAJ_TEST_SERVICE_GID")?))
}

/// A port of this machine that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
