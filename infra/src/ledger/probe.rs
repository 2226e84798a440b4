//! The first round trip of READ: one row for each request, with its wallet's head and whether anything else is there that
//! the decision has to read.
//!
//! Most requests use a new key and name a new receipt, so this one statement is all that an ordinary batch reads. It has
//! one snapshot: what it does not find was not there when the wallet had the version that guards the write.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use amvaj_domain::{
    calendar::LocalDay,
    id::{MerchantId, WalletId},
    ledger::{Command, ReceiptKey, WalletState, needs_detail},
    time::Instant,
};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use uuid::Uuid;

#[cfg(test)]
use super::simulation;
use super::{
    keys::{Keys, Probe},
    request::Request,
    rows,
    source::{Question, question},
};
use crate::db::{StoreError, entity::wallet};

/// What was found, and what is to be read because of it.
#[derive(Debug, Default)]
pub(super) struct Probed {
    /// The wallets' heads with the caps that are used.
    pub(super) wallets: HashMap<WalletId, WalletState>,
    /// Keys in use.
    pub(super) claims: Vec<Uuid>,
    /// Every receipt that a request names.
    pub(super) named: BTreeSet<ReceiptKey>,
    /// Receipts that were earned with or paid for with points.
    pub(super) taken: Vec<ReceiptKey>,
    /// Receipts that refunds wait for.
    pub(super) awaited: Vec<ReceiptKey>,
    /// Holds that requests name.
    pub(super) holds: Vec<(WalletId, i64)>,
    /// Wallets whose open lots and holds are needed.
    pub(super) detail: Vec<WalletId>,
}

/// What the statement answers for one request.
pub(super) struct Row {
    /// The request's place among those that were asked for, from 0.
    pub(super) number: i32,
    pub(super) wallet: Option<wallet::Model>,
    /// Something where the key, the receipt or a refund that waits for it is there.
    pub(super) claimed: Option<i32>,
    pub(super) taken: Option<i32>,
    pub(super) awaited: Option<i32>,
    pub(super) cap_used: Option<i64>,
}

impl FromQueryResult for Row {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let has_wallet = row.try_get::<Option<i64>>(prefix, "version")?.is_some();
        Ok(Self {
            number: row.try_get(prefix, "n")?,
            wallet: has_wallet.then(|| wallet::Model::from_query_result(row, prefix)).transpose()?,
            claimed: row.try_get(prefix, "claimed")?,
            taken: row.try_get(prefix, "taken")?,
            awaited: row.try_get(prefix, "awaited")?,
            cap_used: row.try_get(prefix, "cap_used")?,
        })
    }
}

/// What to look for on behalf of requests.
pub(super) fn probes(requests: &[&Request]) -> Vec<Probe> {
    requests.iter().map(|request| of(request)).collect()
}

/// What to look for.
fn of(request: &Request) -> Probe {
    let operation = request.operation();
    Probe {
        wallet: request.wallet(),
        idem: operation.map(|operation| operation.idem.uuid()),
        receipt: request.receipt(),
        cap: operation.and_then(|operation| match &operation.command {
            Command::Earn(earn) if earn.rule.as_ref().is_some_and(|rule| rule.cap_per_day.is_some()) => {
                Some((operation.merchant?, earn.day))
            }
            _ => None,
        }),
    }
}

impl Probed {
    /// What was found for requests that are to be decided at `now`.
    pub(super) fn of(requests: &[&Request], found: &[Row], now: Instant) -> Result<Self, StoreError> {
        let mut probed = Self::default();
        for row in found {
            let Some(request) = usize::try_from(row.number).ok().and_then(|number| requests.get(number))
            else {
                continue;
            };
            probed.add(request, row)?;
        }
        // A key that comes twice in a batch is looked up once.
        probed.claims.sort_unstable();
        probed.claims.dedup();
        let requests_of_wallets = requests.iter().filter_map(|request| Some((request.wallet()?, *request)));
        let detail: BTreeSet<WalletId> = requests_of_wallets
            .filter(|(id, request)| probed.needs_detail(*id, request, now))
            .map(|(id, _)| id)
            .collect();
        probed.detail = detail.into_iter().collect();
        Ok(probed)
    }

    fn add(&mut self, request: &Request, row: &Row) -> Result<(), StoreError> {
        let Probe { idem, receipt, cap, .. } = of(request);
        if let Some(model) = &row.wallet {
            let id = WalletId::new(model.wallet_id);
            if let Entry::Vacant(place) = self.wallets.entry(id) {
                place.insert(WalletState::head(rows::wallet_from(model)?));
            }
            self.add_cap(id, cap, row.cap_used)?;
        }
        self.claims.extend(idem.filter(|_| row.claimed.is_some()));
        if let Some(receipt) = receipt
            && self.named.insert(receipt.clone())
        {
            self.taken.extend(row.taken.map(|_| receipt.clone()));
            self.awaited.extend(row.awaited.map(|_| receipt));
        }
        if let Request::Apply(operation) = request
            && let Command::Capture { hold, .. } | Command::Release { hold } = operation.command
        {
            self.holds.push((operation.wallet, hold));
        }
        Ok(())
    }

    fn add_cap(
        &mut self,
        id: WalletId,
        cap: Option<(MerchantId, LocalDay)>,
        used: Option<i64>,
    ) -> Result<(), StoreError> {
        if let (Some(cap), Some(used), Some(state)) = (cap, used, self.wallets.get_mut(&id)) {
            state.caps.insert(cap, rows::points(used, "cap_used", id.uuid())?);
        }
        Ok(())
    }

    /// Whether the decision needs the wallet's open lots and holds.
    fn needs_detail(&self, id: WalletId, request: &Request, now: Instant) -> bool {
        let command = request.operation().map_or(&Command::Settle, |operation| &operation.command);
        self.wallets.get(&id).is_some_and(|state| needs_detail(&state.wallet, command, now))
    }
}

/// Asks what there is to read.
pub(super) const PROBE: Question<Row, Probe> = question!(
    Keys::probes,
    // Scalar subqueries, because for `exists` PostgreSQL may choose to read a whole table into a hash.
    "select k.n, t.*, \
     (select 1 from claim c where c.idem = k.idem) as claimed, \
     (select 1 from receipt r where r.merchant_id = k.merchant_id and r.receipt_no = k.receipt_no) as taken, \
     (select 1 from refund_waiting f where f.merchant_id = k.merchant_id and f.receipt_no = k.receipt_no \
     and f.state = 1 limit 1) as awaited, \
     (select u.used from cap_used u where u.shard_no = k.shard_no and u.wallet_id = k.wallet_id \
     and u.rule_id = k.rule_id and u.day = k.day) as cap_used \
     from {k} left join wallet t on t.shard_no = k.shard_no and t.wallet_id = k.wallet_id",
    simulation::answers::probe
);
