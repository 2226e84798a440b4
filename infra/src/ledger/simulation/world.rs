//! One run: two nodes over one simulated database and one simulated Redis, clients, and what disturbs them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use amvaj_domain::{
    id::{MerchantId, WalletId},
    ledger::{Operation, ReceiptKey},
    text::ReceiptNumber,
};
use tokio::{task::JoinHandle, time};

use super::{
    asks::KnownHold,
    audit,
    client::Client,
    history::History,
    node::{self, Node},
    plan::Plan,
    random::Random,
    relay::{self, Relay},
    replay,
    store::SimulatedStore,
    trace::{Keep, Trace},
    weather::Weather,
};
use crate::{cache::simulated::SimulatedRedis, ledger::request::Request};

/// Rounds of the relay that are more than any run needs.
const MOST_ROUNDS: usize = 2_000;

/// What everybody in a run can reach.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) store: SimulatedStore,
    pub(crate) redis: SimulatedRedis,
    pub(crate) nodes: [Node; 2],
    pub(crate) history: History,
    /// Holds that some client was told of.
    pub(crate) holds: Mutex<Vec<KnownHold>>,
    /// Operations that some client has asked for.
    pub(crate) asked: Mutex<Vec<Operation>>,
    pub(crate) trace: Trace,
}

/// What a run was, in numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Played {
    pub(crate) deliveries: usize,
    pub(crate) recorded: usize,
    pub(crate) operations: usize,
}

impl std::ops::AddAssign for Played {
    fn add_assign(&mut self, more: Self) {
        self.deliveries += more.deliveries;
        self.recorded += more.recorded;
        self.operations += more.operations;
    }
}

/// Plays a run and checks it; answers its trace, if it was to be kept.
pub(crate) async fn play(seed: u64, keep: Keep) -> (Played, Vec<String>) {
    let mut random = Random::new(seed);
    node::begin_ids(random.fork());
    let world = Arc::new(World::new(&mut random, keep));
    let relaying = tokio::spawn(relay_for_ever(Arc::clone(&world), random.fork()));
    let crashing = tokio::spawn(crash_now_and_then(Arc::clone(&world), random.fork()));
    let disturbing = [
        tokio::spawn(move_clocks(Arc::clone(&world), random.fork())),
        tokio::spawn(sweep_for_ever(Arc::clone(&world), random.fork())),
    ];
    let clients: Vec<JoinHandle<()>> = (0..world.plan.clients)
        .map(|number| {
            let client = Client { number, world: Arc::clone(&world), random: random.fork() };
            tokio::spawn(client.run())
        })
        .collect();
    for client in clients {
        joined(client).await;
    }
    joined(crashing).await;
    for task in disturbing {
        ended(task).await;
    }
    world.come_to_rest().await;
    ended(relaying).await;
    world.deliver_the_rest(&mut random).await;
    let played = world.check();
    (played, world.trace.lines())
}

/// Waits for a task and fails if it did.
async fn joined(task: JoinHandle<()>) {
    if let Err(error) = task.await
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Ends a task that goes on for ever, and fails if it has failed.
async fn ended(task: JoinHandle<()>) {
    task.abort();
    joined(task).await;
}

impl World {
    fn new(random: &mut Random, keep: Keep) -> Self {
        let plan = Plan::draw(random);
        let weather = Weather::draw(random);
        Self::over(plan, weather, random, keep)
    }

    /// A network in a weather; nobody has asked for anything yet.
    pub(crate) fn over(plan: Plan, weather: Weather, random: &mut Random, keep: Keep) -> Self {
        let trace = Trace::begin(keep);
        trace.note(|| format!("{plan:?} {weather:?}"));
        let store = SimulatedStore::new(&plan.wallets, weather, random.fork(), trace.clone());
        let redis = SimulatedRedis::new(random.fork());
        let nodes = [0, 1].map(|node| Node::start(store.of_node(node), redis.clone(), &plan));
        let (history, holds, asked) = (History::default(), Mutex::default(), Mutex::default());
        Self { plan, store, redis, nodes, history, holds, asked, trace }
    }

    /// Ends the bad weather, waits for what is under way and has everything done that is due.
    async fn come_to_rest(&self) {
        self.store.inner().weather = Weather::calm(100);
        self.redis.behave();
        self.nodes.iter().for_each(|node| node.set_clock_off(0));
        // Longer than a lane tries, a late write takes, and a clock was ahead.
        time::sleep(Duration::from_secs(30)).await;
        assert_eq!(self.store.inner().under_way, 0, "a write is still under way");
        for task in self.due() {
            let answer = self.nodes[0].submit(task).await;
            assert!(answer.is_ok(), "in good weather the sweep is answered {answer:?}");
        }
        for node in &self.nodes {
            node.close().await;
        }
    }

    /// Everything that a sweep would find, and each wallet.
    fn due(&self) -> Vec<Request> {
        let inner = self.store.inner();
        let refunds = inner.tables.refunds.rows().filter(|row| row.state == 1).filter_map(|row| {
            let receipt = inner.tables.receipts.get(&(row.merchant_id, row.receipt_no.clone()))?;
            let number = ReceiptNumber::parse(&row.receipt_no).unwrap();
            let key = ReceiptKey { merchant: MerchantId::new(row.merchant_id), number };
            Some(Request::Tend { wallet: WalletId::new(receipt.wallet_id), receipt: Some(key) })
        });
        let wallets = self.plan.wallets.iter().map(|wallet| Request::Tend { wallet: *wallet, receipt: None });
        refunds.chain(wallets).collect()
    }

    async fn deliver_the_rest(&self, random: &mut Random) {
        let mut relay = Relay::after(&self.store.inner().tables);
        let is_done = |relay: &Relay| relay.is_done(&self.store.inner().tables);
        for _ in 0..MOST_ROUNDS {
            if is_done(&relay) {
                return;
            }
            relay.work(self, 3, random).await;
        }
        panic!("the relay does not come to its end");
    }

    fn check(&self) -> Played {
        let inner = self.store.inner();
        assert!(inner.defects.is_empty(), "{:#?}", inner.defects);
        let now = self.nodes[0].now();
        audit::check(&inner.tables, &self.plan.wallets, now);
        replay::check(&inner.tables, &inner.commits, &self.history.sent(), &self.plan.wallets);
        relay::check(&inner.tables);
        self.history.check(&inner.tables, &inner.commits);
        for (key, line) in self.redis.lines() {
            let last = inner.tables.wallets.rows().find(|row| key.ends_with(&row.wallet_id.to_string()));
            let version: i64 = line[3..22].parse().unwrap();
            let last = last.unwrap().version;
            assert!(version >= last, "the cache has version {version} of {last} after its repair: {key}");
        }
        let (deliveries, recorded) = self.history.counts();
        Played { deliveries, recorded, operations: inner.tables.ops.rows().count() }
    }
}

async fn pause(random: &mut Random, most: i64) {
    time::sleep(Duration::from_micros(u64::try_from(random.within(1_000, most)).unwrap())).await;
}

/// Ends a node now and then, and starts it again.
async fn crash_now_and_then(world: Arc<World>, mut random: Random) {
    for _ in 0..world.plan.crashes {
        pause(&mut random, 400_000).await;
        let node = usize::try_from(random.below(2)).unwrap();
        world.trace.note(|| format!("node {node} crashes"));
        world.nodes[node].crash();
        pause(&mut random, 200_000).await;
        world.nodes[node].restart();
    }
}

/// Moves the nodes' clocks, forth and back.
async fn move_clocks(world: Arc<World>, mut random: Random) {
    let most = world.plan.clocks_off;
    loop {
        pause(&mut random, 500_000).await;
        let node = usize::try_from(random.below(2)).unwrap();
        let off = random.within(-most, most);
        world.trace.note(|| format!("the clock of node {node} is off by {off}"));
        world.nodes[node].set_clock_off(off);
    }
}

/// Has done what is due, at either node.
async fn sweep_for_ever(world: Arc<World>, mut random: Random) {
    loop {
        pause(&mut random, 900_000).await;
        let node = usize::try_from(random.below(2)).unwrap();
        for task in world.due() {
            // What fails has another turn.
            let _ = world.nodes[node].submit(task).await;
        }
    }
}

async fn relay_for_ever(world: Arc<World>, mut random: Random) {
    let mut relay = Relay::default();
    loop {
        pause(&mut random, 150_000).await;
        let page = usize::try_from(random.within(1, 4)).unwrap();
        relay.work(&world, page, &mut random).await;
    }
}
