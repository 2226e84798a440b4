//! Reads of balances while everything happens: each is held against the versions that the wallet really had.

use amvaj_domain::{id::WalletId, ledger::settle};
use tokio::time::Instant;

use super::world::World;
use crate::cache::Balance;

/// Reads a wallet whose version the reader knows from its own write.
pub(crate) async fn read_own(world: &World, node: usize, wallet: WalletId, written: i64) {
    // A read that fails says so; it is asked again until it answers or the database is given up.
    for _ in 0..4 {
        if let Ok(balance) = world.nodes[node].balance(wallet, Some(written)).await {
            world.trace.note(|| format!("node {node} reads {wallet} from {written} on: {balance:?}"));
            assert!(
                balance.version >= written,
                "{wallet} was written as {written} and read as {}",
                balance.version
            );
            check_existed(world, &balance);
            return;
        }
    }
}

/// Reads a wallet without knowing its version; the answer is as fresh as the cache promises.
pub(crate) async fn read_any(world: &World, node: usize, wallet: WalletId) {
    let now = world.nodes[node].now();
    let asked = Instant::now();
    if let Some(balance) = world.nodes[node].balances().get(wallet, None, now).await {
        world.trace.note(|| format!("node {node} finds {wallet}: {balance:?}"));
        check_existed(world, &balance);
        let life = world.plan.time_to_live.micros() + 2 * world.plan.clocks_off;
        let oldest = asked.checked_sub(std::time::Duration::from_micros(u64::try_from(life).unwrap()));
        check_age(world, &balance, oldest);
    }
    if let Ok(balance) = world.nodes[node].balance(wallet, None).await {
        check_existed(world, &balance);
    }
}

/// The wallet had this version, and at the time the version had these figures.
pub(crate) fn check_existed(world: &World, balance: &Balance) {
    let inner = world.store.inner();
    let version = inner
        .versions
        .get(&(balance.wallet, balance.version))
        .unwrap_or_else(|| panic!("{} never had version {}", balance.wallet, balance.version));
    let mut state = version.state.clone();
    settle(&mut state, balance.as_of).unwrap();
    let settled = Balance { version: balance.version, ..Balance::of(&state.wallet, balance.as_of) };
    assert_eq!(*balance, settled, "these were never the figures of the version");
}

/// At `oldest` or later the version was the wallet's last.
fn check_age(world: &World, balance: &Balance, oldest: Option<Instant>) {
    let inner = world.store.inner();
    let next = inner.versions.range((balance.wallet, balance.version + 1)..).next();
    let replaced = next.filter(|((wallet, _), _)| *wallet == balance.wallet).map(|(_, next)| next.since);
    if let (Some(replaced), Some(oldest)) = (replaced, oldest) {
        let late = oldest.saturating_duration_since(replaced);
        assert!(replaced >= oldest, "{} was answered {late:?} too late: {balance:?}", balance.wallet);
    }
}
