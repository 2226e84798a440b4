//! Rows of rewards and redemptions as domain values, and statements that write them.

use amvaj_domain::id::{BranchId, MerchantId, RedemptionId, RewardId, WalletId};
use amvaj_domain::ledger::Tenant;
use amvaj_domain::points::Points;
use amvaj_domain::reward::{
    Redemption, RedemptionState, Reward, RewardKind, RewardStatus, RewardTerms, VoucherCode,
};
use amvaj_domain::text::{Description, Name};
use amvaj_domain::time::{Instant, Span};

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, Statement, Value};

use crate::db::StoreError;
use crate::db::entity::{redemption, reward};

pub(super) fn reward(row: &reward::Model) -> Result<Reward, StoreError> {
    let corrupt = |what| StoreError::CorruptRow { table: "reward", id: row.reward_id.to_string(), what };
    let description = row.description.as_deref().map(Description::parse).transpose();
    Ok(Reward {
        id: RewardId::new(row.reward_id),
        merchant: MerchantId::new(row.merchant_id),
        terms: RewardTerms {
            kind: RewardKind::from_stored(row.kind).ok_or_else(|| corrupt("kind"))?,
            title: Name::parse(&row.title).map_err(|_| corrupt("title"))?,
            description: description.map_err(|_| corrupt("description"))?,
            points: Points::new(row.points).map_err(|_| corrupt("points"))?,
            limit_per_member: row.limit_per_member,
            valid_from: row.valid_from.map(Instant::from_micros),
            valid_until: row.valid_until.map(Instant::from_micros),
            reserve: Span::from_micros(row.reserve),
        },
        stock: row.stock,
        status: RewardStatus::from_stored(row.status).ok_or_else(|| corrupt("status"))?,
        version: row.version,
        created_at: Instant::from_micros(row.created_at),
    })
}

pub(super) fn redemption(row: &redemption::Model) -> Result<Redemption, StoreError> {
    let corrupt =
        |what| StoreError::CorruptRow { table: "redemption", id: row.redemption_id.to_string(), what };
    Ok(Redemption {
        id: RedemptionId::new(row.redemption_id),
        reward: RewardId::new(row.reward_id),
        merchant: MerchantId::new(row.merchant_id),
        wallet: WalletId::new(row.wallet_id),
        branch: row.branch_id.map(BranchId::new),
        tenant: Tenant::from_bytes(&row.caller).ok_or_else(|| corrupt("caller"))?,
        points: Points::new(row.points).map_err(|_| corrupt("points"))?,
        voucher: VoucherCode::parse(&row.voucher).map_err(|_| corrupt("voucher"))?,
        reserve: Span::from_micros(row.reserve),
        state: RedemptionState::from_stored(row.state).ok_or_else(|| corrupt("state"))?,
        hold: row.hold_seq,
        created_at: Instant::from_micros(row.created_at),
        expires_at: row.expires_at.map(Instant::from_micros),
        ended_at: row.ended_at.map(Instant::from_micros),
    })
}

/// Runs a statement and answers how many rows it has written.
pub(super) async fn run(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<u64, StoreError> {
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), sql, values);
    Ok(transaction.execute_raw(statement).await?.rows_affected())
}
