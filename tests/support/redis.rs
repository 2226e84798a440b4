//! The Redis that tests share, and ones of a test alone to empty, kill and start again.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use redis::aio::MultiplexedConnection;
use tokio::time;

/// Where the Redis is that all tests share.
pub(crate) fn shared_redis() -> String {
    let url = std::env::var("AMVAJ_TEST_REDIS_URL");
    url.expect("AMVAJ_TEST_REDIS_URL names a Redis or Valkey; run the tests with tests/run")
}

/// A connection for what a test looks at or spoils behind the program's back.
pub(crate) async fn connect(url: &str) -> Result<MultiplexedConnection> {
    Ok(redis::Client::open(url)?.get_multiplexed_async_connection().await?)
}

/// A Redis of this test alone, ended with it.
pub(crate) struct OwnRedis {
    process: Child,
    port: u16,
}

impl OwnRedis {
    pub(crate) async fn start() -> Result<Self> {
        // The port is free now; a thief in between fails the start, and so the test, with a clear message.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut redis = Self { process: launch(port)?, port };
        redis.wait_until_it_answers().await?;
        Ok(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    pub(crate) async fn start_again(&mut self) -> Result<()> {
        self.process = launch(self.port)?;
        self.wait_until_it_answers().await
    }

    /// Waits up to 5 seconds until what uses this Redis has found it again.
    pub(crate) async fn wait_until(&self, is_back: impl AsyncFn() -> bool) -> Result<()> {
        for _ in 0..200 {
            if is_back().await {
                return Ok(());
            }
            time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("Redis was not found again within 5 seconds")
    }

    async fn wait_until_it_answers(&mut self) -> Result<()> {
        for _ in 0..200 {
            if let Some(status) = self.process.try_wait()? {
                anyhow::bail!("the test's own redis-server ended with {status}");
            }
            if connect(&self.url()).await.is_ok() {
                return Ok(());
            }
            time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("the test's own redis-server did not answer within 5 seconds")
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        let _ = self.kill();
    }
}

fn launch(port: u16) -> Result<Child> {
    let program = std::env::var("AMVAJ_TEST_REDIS_BIN")
        .context("set AMVAJ_TEST_REDIS_BIN: the path of a redis-server, to start and kill")?;
    Command::new(&program)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(port.to_string())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {program}"))
}
