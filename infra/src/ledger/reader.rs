//! Reading the ledger: wallets as they are now, and the look-ups that come before an operation.

use std::hash::Hash;

use amvaj_domain::{
    calendar::LocalDay,
    id::{MerchantId, WalletId},
    ledger::{self, Idem, ReceiptKey, Wallet, WalletState, WalletStatus},
    points::Points,
    time::Instant,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use sea_orm::{EntityTrait as _, FromQueryResult};

use super::{
    history::OperationKey,
    read::{read, receipt_key},
    request::Request,
    rows,
    source::{HOLDS, Question, RECEIPTS, Source, WALLETS},
};
use crate::{
    cache::Balance,
    db::{
        Database, StoreError,
        entity::{cap_used, claim, hold, receipt, wallet},
        gathered::{Found, Gathered},
    },
};

/// How often a wallet that changes while it is read is read again.
const READS_OF_A_BUSY_WALLET: u8 = 20;

/// Reads of the ledger.
#[derive(Debug, Clone)]
pub struct LedgerReader {
    pub(super) database: Database,
    heads: Gathered<WalletId, wallet::Model>,
    pub(super) holds: Gathered<OperationKey, hold::Model>,
    receipts: Gathered<ReceiptKey, receipt::Model>,
}

impl LedgerReader {
    /// Reads from an open database. Look-ups of one row each go together, on the runtime that calls; those of clones as well.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new(database: Database) -> Self {
        Self {
            heads: Gathered::new(database.clone(), look_up_heads),
            holds: Gathered::new(database.clone(), look_up_holds),
            receipts: Gathered::new(database.clone(), look_up_receipts),
            database,
        }
    }

    /// The wallet's balance at `now`, with whatever is due by then settled in memory; nothing is written.
    pub async fn balance(&self, wallet: WalletId, now: Instant) -> Result<Option<Balance>, StoreError> {
        match self.heads.find(wallet).await? {
            Some(row) => balance_of(self.source(), &rows::wallet_from(&row)?, now).await,
            None => Ok(None),
        }
    }

    /// The balances of wallets at `now`, as [`Self::balance`] finds each; unknown ones are left out.
    pub async fn balances(&self, wallets: &[WalletId], now: Instant) -> Result<Vec<Balance>, StoreError> {
        let mut balances = Vec::with_capacity(wallets.len());
        for row in self.source().find(&WALLETS, wallets).await? {
            balances.extend(balance_of(self.source(), &rows::wallet_from(&row)?, now).await?);
        }
        Ok(balances)
    }

    /// The wallet with its open lots and holds at `now`, whatever is due by then settled in memory.
    pub async fn wallet(&self, wallet: WalletId, now: Instant) -> Result<Option<WalletState>, StoreError> {
        settled(self.source(), wallet, now).await
    }

    /// A wallet's status and the sequence number of its last operation, as they are stored.
    pub async fn standing(&self, wallet: WalletId) -> Result<Option<(WalletStatus, i64)>, StoreError> {
        let row = self.heads.find(wallet).await?;
        let head = row.as_ref().map(rows::wallet_from).transpose()?;
        Ok(head.map(|head| (head.status, head.version)))
    }

    const fn source(&self) -> Source<'_> {
        Source::Sql(self.database.reader())
    }

    /// The wallet and sequence number of the earn that has a receipt.
    pub async fn receipt(&self, key: &ReceiptKey) -> Result<Option<(WalletId, i64)>, StoreError> {
        let row = self.receipts.find(key.clone()).await?;
        Ok(row.and_then(|row| Some((WalletId::new(row.wallet_id), row.seq?))))
    }

    /// Points that a wallet has used of a merchant's daily cap.
    pub async fn cap_used(
        &self,
        wallet: WalletId,
        merchant: MerchantId,
        day: LocalDay,
    ) -> Result<Points, StoreError> {
        let key = (wallet.shard_no(), wallet.uuid(), merchant.uuid(), day.days());
        let row = cap_used::Entity::find_by_id(key).one(self.database.reader()).await?;
        row.map_or(Ok(Points::ZERO), |row| rows::points(row.used, "cap_used", row.wallet_id))
    }

    /// The wallet that an idempotency key belongs to: the outer option says whether the key is in use, the inner
    /// one is empty for a refund that waits for its purchase.
    pub async fn claimed_wallet(&self, idem: Idem) -> Result<Option<Option<WalletId>>, StoreError> {
        let row = claim::Entity::find_by_id(idem.uuid()).one(self.database.reader()).await?;
        Ok(row.map(|row| row.wallet_id.map(WalletId::new)))
    }
}

fn look_up_heads<'a>(
    database: &'a Database,
    wallets: &'a [WalletId],
) -> BoxFuture<'a, Found<WalletId, wallet::Model>> {
    rows_by_key(database, &WALLETS, wallets, |row| Some(WalletId::new(row.wallet_id))).boxed()
}

fn look_up_holds<'a>(
    database: &'a Database,
    holds: &'a [OperationKey],
) -> BoxFuture<'a, Found<OperationKey, hold::Model>> {
    rows_by_key(database, &HOLDS, holds, |row| Some((WalletId::new(row.wallet_id), row.seq))).boxed()
}

fn look_up_receipts<'a>(
    database: &'a Database,
    receipts: &'a [ReceiptKey],
) -> BoxFuture<'a, Found<ReceiptKey, receipt::Model>> {
    // What is no number of a receipt is none that anybody asked for.
    let key_of = |row: &receipt::Model| receipt_key(row.merchant_id, &row.receipt_no, "receipt").ok();
    rows_by_key(database, &RECEIPTS, receipts, key_of).boxed()
}

/// The rows that a question leads to, by the keys that they have.
async fn rows_by_key<M: FromQueryResult, K: Eq + Hash>(
    database: &Database,
    question: &Question<M, K>,
    keys: &[K],
    key_of: impl Fn(&M) -> Option<K>,
) -> Found<K, M> {
    let rows = Source::Sql(database.look_ups()).find(question, keys).await?;
    Ok(rows.into_iter().filter_map(|row| Some((key_of(&row)?, row))).collect())
}

/// The balance of a wallet of which the row was read.
pub(super) async fn balance_of(
    source: Source<'_>,
    head: &Wallet,
    now: Instant,
) -> Result<Option<Balance>, StoreError> {
    if now < head.next_due {
        return Ok(Some(Balance::of(head, now)));
    }
    let Some(mut state) = whole(source, head.id, now).await? else { return Ok(None) };
    // The figures are settled but the version is the stored one that they follow from, which may be later than the
    // head's: what is due is not written yet.
    let version = state.wallet.version;
    settle(&mut state, now)?;
    Ok(Some(Balance { version, ..Balance::of(&state.wallet, now) }))
}

pub(super) async fn head(source: Source<'_>, wallet: WalletId) -> Result<Option<Wallet>, StoreError> {
    source.find(&WALLETS, &[wallet]).await?.first().map(rows::wallet_from).transpose()
}

async fn settled(
    source: Source<'_>,
    wallet: WalletId,
    now: Instant,
) -> Result<Option<WalletState>, StoreError> {
    let Some(mut state) = whole(source, wallet, now).await? else { return Ok(None) };
    settle(&mut state, now)?;
    Ok(Some(state))
}

fn settle(state: &mut WalletState, now: Instant) -> Result<(), StoreError> {
    ledger::settle(state, now).map_err(|_| StoreError::CorruptRow {
        table: "wallet",
        id: state.wallet.id.to_string(),
        what: "what is due cannot be settled on its lots and holds",
    })
}

/// The wallet's rows of one version. They are read in several statements, so a write in between is noticed by the
/// version afterwards.
async fn whole(
    source: Source<'_>,
    wallet: WalletId,
    now: Instant,
) -> Result<Option<WalletState>, StoreError> {
    for _ in 0..READS_OF_A_BUSY_WALLET {
        let request = Request::Tend { wallet, receipt: None };
        let mut set = read(source, &[&request], now).await?;
        let Some(state) = set.wallets.remove(&wallet) else { return Ok(None) };
        if head(source, wallet).await?.is_some_and(|after| after.version == state.wallet.version) {
            return Ok(Some(state));
        }
    }
    Err(StoreError::Contention(format!("wallet {wallet} changes faster than it can be read")))
}
