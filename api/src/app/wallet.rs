//! A wallet as it is now.

use amvaj_domain::{
    access::Caller,
    id::{MemberId, WalletId},
    ledger::WalletState,
};
use amvaj_infra::{cache::Balance, db::StoreError};

use super::{App, error::AppError};

/// The wallet's balance: from the cache if it reaches version `at_least` there, else from the database.
pub async fn wallet_balance(
    app: &App,
    wallet: WalletId,
    at_least: Option<i64>,
) -> Result<Option<Balance>, AppError> {
    let now = app.ledger_now();
    let load = async || app.reader.balance(wallet, now).await.map_err(Missing::Store)?.ok_or(Missing::Wallet);
    match app.balances.read_through(wallet, at_least, now, load).await {
        Ok(balance) => Ok(Some(balance)),
        Err(Missing::Wallet) => Ok(None),
        Err(Missing::Store(error)) => Err(error.into()),
    }
}

/// The balances of those of the wallets that `caller` sees into, read together.
pub async fn wallet_balances(
    app: &App,
    caller: Caller,
    wallets: &[WalletId],
) -> Result<Vec<Balance>, StoreError> {
    let shown = app.directory.members(caller).shown_wallets(wallets).await?;
    let now = app.ledger_now();
    let load = async |missing: Vec<WalletId>| app.reader.balances(&missing, now).await;
    app.balances.read_all_through(&shown, now, load).await
}

/// Why a balance could not be loaded.
enum Missing {
    Wallet,
    Store(StoreError),
}

/// The wallet with its open lots and holds, what is due by now settled.
pub async fn wallet_detail(app: &App, wallet: WalletId) -> Result<Option<WalletState>, AppError> {
    Ok(app.reader.wallet(wallet, app.ledger_now()).await?)
}

/// Whether `caller` sees what is in a wallet.
pub async fn shows_wallet(app: &App, caller: Caller, wallet: WalletId) -> Result<bool, AppError> {
    Ok(app.directory.members(caller).shows_wallet(wallet).await?)
}

/// The wallet of a member.
pub async fn own_wallet(app: &App, member: MemberId) -> Result<Option<WalletId>, AppError> {
    Ok(app.directory.wallet_of(member).await?)
}
