//! The beginning of a redemption: a piece is put aside, in one transaction with the redemption itself.

use amvaj_domain::id::{BranchId, RedemptionId, RewardId, WalletId};
use amvaj_domain::ledger::{Body, Digest, Idem, Tenant};
use amvaj_domain::points::Points;
use amvaj_domain::reward::{Redemption, RedemptionState, Reward, Unavailable, VoucherCode};
use amvaj_domain::time::Instant;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait as _};

use super::Rewards;
use super::rows::{self, run};
use crate::db::StoreError;
use crate::db::entity::{redemption, redemption_claim as claim, reward, voucher};

/// A redemption that is asked for.
#[derive(Debug, Clone)]
pub struct Begin {
    /// Its id.
    pub id: RedemptionId,
    /// The request's key and fingerprint.
    pub key: (Idem, Body),
    /// On whose behalf it is asked for.
    pub tenant: Tenant,
    /// The reward.
    pub reward: RewardId,
    /// The wallet that pays.
    pub wallet: WalletId,
    /// The branch whose till asks.
    pub branch: Option<BranchId>,
    /// The price that whoever asks has seen; none when any will do.
    pub price: Option<Points>,
    /// Codes that it may get; the first that is free it does.
    pub vouchers: Vec<VoucherCode>,
    /// The present.
    pub now: Instant,
}

/// What became of a request to begin.
#[derive(Debug, Clone)]
pub enum Begun {
    /// The redemption is pending.
    Pending(Box<Redemption>),
    /// The key was used meanwhile: [`Rewards::claimed`] tells by what.
    Claimed,
    /// Nothing was begun.
    Refused(BeginRefused),
}

/// Why nothing was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeginRefused {
    /// There is no such reward.
    NoReward,
    /// It cannot be redeemed now.
    Unavailable(Unavailable),
    /// The member has had it so often as one may.
    LimitReached(i32),
    /// Its price is another than was seen: this one.
    Changed(Points),
    /// No voucher code is free.
    NoVoucher,
}

impl Rewards {
    /// The redemption that a key has begun, with its fingerprint.
    pub async fn claimed(&self, idem: Idem) -> Result<Option<(RedemptionId, Digest)>, StoreError> {
        let row = claim::Entity::find_by_id(idem.uuid()).one(self.db.reader()).await?;
        Ok(row.map(|row| (RedemptionId::new(row.redemption_id), Digest::stored(row.body_hash))))
    }

    /// Begins a redemption. The key comes first, so that of two requests with one key the second waits for the first; then
    /// the stock, whose row decides among those who want the last piece.
    pub async fn begin(&self, asked: &Begin) -> Result<Begun, StoreError> {
        let transaction = self.db.begin().await?;
        if !claim_key(&transaction, asked).await? {
            return Ok(Begun::Claimed);
        }
        let reward = match take_piece(&transaction, asked).await? {
            Ok(reward) => reward,
            Err(refused) => return Ok(Begun::Refused(refused)),
        };
        if !count_for_member(&transaction, asked, &reward).await? {
            let limit = reward.terms.limit_per_member.unwrap_or_default();
            return Ok(Begun::Refused(BeginRefused::LimitReached(limit)));
        }
        let Some(voucher) = free_voucher(&transaction, asked, &reward).await? else {
            return Ok(Begun::Refused(BeginRefused::NoVoucher));
        };
        let redemption = pending(asked, &reward, voucher);
        redemption::Entity::insert(row_of(&redemption)).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(Begun::Pending(Box::new(redemption)))
    }
}

/// `false` when the key is in use.
async fn claim_key(transaction: &DatabaseTransaction, asked: &Begin) -> Result<bool, StoreError> {
    let (idem, body) = asked.key;
    let row = claim::ActiveModel {
        idem: Set(idem.uuid()),
        redemption_id: Set(asked.id.uuid()),
        body_hash: Set(body.kept().uuid()),
    };
    let once = OnConflict::column(claim::Column::Idem).do_nothing().to_owned();
    let written = claim::Entity::insert(row).on_conflict(once).exec_without_returning(transaction).await?;
    Ok(written > 0)
}

/// Takes a piece, if the reward can be redeemed. A stock that never runs out stays as it is, but its row is locked too: so
/// what is read of the reward afterwards holds until the commit.
async fn take_piece(
    transaction: &DatabaseTransaction,
    asked: &Begin,
) -> Result<Result<Reward, BeginRefused>, StoreError> {
    let now = asked.now.micros();
    let taken = run(transaction, TAKE, [asked.reward.uuid().into(), now.into()]).await?;
    let row = reward::Entity::find_by_id(asked.reward.uuid()).one(transaction).await?;
    let Some(found) = row.as_ref().map(rows::reward).transpose()? else {
        return Ok(Err(BeginRefused::NoReward));
    };
    if taken > 0 {
        let has_changed = asked.price.is_some_and(|seen| seen != found.terms.points);
        return Ok(if has_changed { Err(BeginRefused::Changed(found.terms.points)) } else { Ok(found) });
    }
    // What stood against it may have changed since; then there was nothing left when it counted.
    let unavailable = found.unavailable(asked.now).unwrap_or(Unavailable::OutOfStock);
    Ok(Err(BeginRefused::Unavailable(unavailable)))
}

/// Counts the piece for its member; `false` when the limit is reached.
async fn count_for_member(
    transaction: &DatabaseTransaction,
    asked: &Begin,
    reward: &Reward,
) -> Result<bool, StoreError> {
    let limit = reward.terms.limit_per_member.unwrap_or(i32::MAX);
    let wallet = asked.wallet;
    let values = [wallet.shard_no().into(), wallet.uuid().into(), reward.id.uuid().into(), limit.into()];
    Ok(run(transaction, COUNT, values).await? > 0)
}

/// The first of the codes that no other redemption of the merchant has.
async fn free_voucher(
    transaction: &DatabaseTransaction,
    asked: &Begin,
    reward: &Reward,
) -> Result<Option<VoucherCode>, StoreError> {
    for code in &asked.vouchers {
        let row = voucher::ActiveModel {
            merchant_id: Set(reward.merchant.uuid()),
            code: Set(code.as_str().to_owned()),
            redemption_id: Set(asked.id.uuid()),
        };
        let key = [voucher::Column::MerchantId, voucher::Column::Code];
        let once = OnConflict::columns(key).do_nothing().to_owned();
        let insert = voucher::Entity::insert(row).on_conflict(once);
        if insert.exec_without_returning(transaction).await? > 0 {
            return Ok(Some(code.clone()));
        }
    }
    Ok(None)
}

fn pending(asked: &Begin, reward: &Reward, voucher: VoucherCode) -> Redemption {
    Redemption {
        id: asked.id,
        reward: reward.id,
        merchant: reward.merchant,
        wallet: asked.wallet,
        branch: asked.branch,
        tenant: asked.tenant,
        points: reward.terms.points,
        voucher,
        reserve: reward.terms.reserve,
        state: RedemptionState::Pending,
        hold: None,
        created_at: asked.now,
        expires_at: None,
        ended_at: None,
    }
}

fn row_of(redemption: &Redemption) -> redemption::ActiveModel {
    redemption::ActiveModel {
        shard_no: Set(redemption.id.shard_no()),
        redemption_id: Set(redemption.id.uuid()),
        wallet_id: Set(redemption.wallet.uuid()),
        reward_id: Set(redemption.reward.uuid()),
        merchant_id: Set(redemption.merchant.uuid()),
        branch_id: Set(redemption.branch.map(BranchId::uuid)),
        caller: Set(redemption.tenant.to_bytes().to_vec()),
        points: Set(redemption.points.get()),
        voucher: Set(redemption.voucher.as_str().to_owned()),
        reserve: Set(redemption.reserve.micros()),
        hold_idem: Set(Redemption::hold_idem(redemption.id).uuid()),
        state: Set(redemption.state.stored()),
        hold_seq: Set(None),
        created_at: Set(redemption.created_at.micros()),
        expires_at: Set(None),
        ended_at: Set(None),
    }
}

const TAKE: &str = "update reward set stock = stock - 1 where reward_id = $1 and status = 1 \
     and (valid_from is null or valid_from <= $2) and (valid_until is null or valid_until > $2) \
     and (stock is null or stock > 0)";
const COUNT: &str = "insert into reward_taken (shard_no, wallet_id, reward_id, taken) values ($1, $2, $3, 1) \
     on conflict (shard_no, wallet_id, reward_id) do update set taken = reward_taken.taken + 1 \
     where reward_taken.taken < $4";
