//! Data loaders of the ledger: what many operations of one answer need is read at once, within the caller's scope.

use std::{collections::HashMap, sync::Arc};

use amvaj_domain::{
    access::{Caller, Identity, Scope},
    id::{RedemptionId, WalletId},
    ledger::{Entry, Hold, OpRecord},
    reward::Redemption,
};
use amvaj_infra::{
    cache::Balance,
    db::StoreError,
    ledger::{LedgerScope, OperationKey, StoredPurchase, UsedLot},
};
use async_graphql::dataloader::{DataLoader, Loader};
use tokio::sync::OnceCell;

use crate::app::App;
use crate::app::wallet::wallet_balances;

/// The data loader of a request for the journal.
pub type LedgerLoader = DataLoader<JournalReader>;

/// Reads the journal in batches within the caller's scope. The type of the key says what is read.
pub struct JournalReader {
    app: Arc<App>,
    identity: Option<Identity>,
    /// A member's scope is its wallet, which is looked up once.
    scope: OnceCell<Option<LedgerScope>>,
}

/// Asks for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperationOf(pub WalletId, pub i64);

/// Asks for a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HoldOf(pub WalletId, pub i64);

/// Asks for the balance of a wallet as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BalanceOf(pub WalletId);

/// Asks for the entries of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntriesOf(pub WalletId, pub i64);

/// Asks for the lots that an operation used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LotsOf(pub WalletId, pub i64);

/// Asks for the purchase of an earn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PurchaseOf(pub WalletId, pub i64);

/// Asks for the purchase of an earn that the caller has been shown, to explain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TermsOf(pub WalletId, pub i64);

impl JournalReader {
    /// For a caller; nobody without one.
    pub(super) fn new(app: &Arc<App>, identity: Option<Identity>) -> Self {
        Self { app: Arc::clone(app), identity, scope: OnceCell::new() }
    }

    /// The part of the ledger that the caller may read; nothing for nobody. Of a merchant, whoever may read operations at
    /// some branches only reads what happened there.
    pub async fn scope(&self) -> Result<Option<LedgerScope>, StoreError> {
        let limited = self.identity.as_ref().filter(|identity| !identity.may(Scope::OperationsRead));
        if limited.is_some_and(|identity| matches!(identity.caller, Caller::Operator | Caller::Agent)) {
            return Ok(None);
        }
        let merchants = self.identity.as_ref().and_then(|identity| match identity.caller {
            Caller::Merchant(merchant) => Some((merchant, identity.branches(Scope::OperationsRead)?)),
            Caller::Operator | Caller::Agent | Caller::Member(_) => None,
        });
        match merchants {
            Some((merchant, branches)) => Ok(Some(LedgerScope::Branches(merchant, branches.into()))),
            None => self.sight().await,
        }
    }

    /// The part of the ledger that explains what the caller has been shown: of a merchant, whatever it did. A cashier sees
    /// what its own operation did, though it reads no others.
    async fn sight(&self) -> Result<Option<LedgerScope>, StoreError> {
        let caller = self.identity.as_ref().map(|identity| identity.caller);
        let scope = self.scope.get_or_try_init(async || match caller {
            None => Ok(None),
            Some(Caller::Operator | Caller::Agent) => Ok(Some(LedgerScope::Network)),
            Some(Caller::Merchant(merchant)) => Ok(Some(LedgerScope::Merchant(merchant))),
            Some(Caller::Member(member)) => {
                Ok(self.app.directory.wallet_of(member).await?.map(LedgerScope::Wallet))
            }
        });
        scope.await.cloned()
    }
}

macro_rules! loads {
    ($key:ident, $value:ty, $read:ident, $scope:ident) => {
        #[async_trait::async_trait]
        impl Loader<$key> for JournalReader {
            type Value = $value;
            type Error = Arc<StoreError>;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $value>, Arc<StoreError>> {
                let Some(scope) = self.$scope().await? else { return Ok(HashMap::new()) };
                let keys: Vec<OperationKey> = keys.iter().map(|key| (key.0, key.1)).collect();
                let found = self.app.reader.within(scope).$read(&keys).await?;
                Ok(found.into_iter().map(|((wallet, seq), value)| ($key(wallet, seq), value)).collect())
            }
        }
    };
}

loads!(OperationOf, OpRecord, operations_by_key, scope);
loads!(HoldOf, Hold, holds, scope);
loads!(EntriesOf, Vec<Entry>, entries, sight);
loads!(LotsOf, Vec<UsedLot>, lots_used, sight);
loads!(PurchaseOf, StoredPurchase, purchases, scope);
loads!(TermsOf, StoredPurchase, purchases, sight);

#[async_trait::async_trait]
impl Loader<BalanceOf> for JournalReader {
    type Value = Balance;
    type Error = Arc<StoreError>;

    async fn load(&self, keys: &[BalanceOf]) -> Result<HashMap<BalanceOf, Balance>, Arc<StoreError>> {
        let Some(identity) = &self.identity else { return Ok(HashMap::new()) };
        let wallets: Vec<WalletId> = keys.iter().map(|key| key.0).collect();
        let found = wallet_balances(&self.app, identity.caller, &wallets).await?;
        Ok(found.into_iter().map(|balance| (BalanceOf(balance.wallet), balance)).collect())
    }
}

#[async_trait::async_trait]
impl Loader<RedemptionId> for JournalReader {
    type Value = Redemption;
    type Error = Arc<StoreError>;

    async fn load(
        &self,
        keys: &[RedemptionId],
    ) -> Result<HashMap<RedemptionId, Redemption>, Arc<StoreError>> {
        let Some(scope) = self.scope().await? else { return Ok(HashMap::new()) };
        let found = self.app.rewards.redemptions_by_id(&scope, keys, self.app.ledger_now()).await?;
        Ok(found.into_iter().map(|redemption| (redemption.id, redemption)).collect())
    }
}
