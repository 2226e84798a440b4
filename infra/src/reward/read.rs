//! Redemptions as they are read: within the part of the ledger that somebody sees, and each as its hold is now.

use amvaj_domain::id::{BranchId, MerchantId, RedemptionId, RewardId, WalletId};
use amvaj_domain::reward::{Redemption, RedemptionState, VoucherCode};
use amvaj_domain::time::Instant;
use futures_util::{FutureExt as _, future::BoxFuture};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, QueryOrder as _, Select,
};
use uuid::Uuid;

use super::{Rewards, rows};
use crate::db::entity::redemption::{Column, Entity, Model};
use crate::db::entity::voucher;
use crate::db::gathered::Found;
use crate::db::{Database, StoreError, listing};
use crate::ledger::{LedgerScope, OperationKey, keys::Keys};
use crate::page::{Page, PageRequest};

/// Which redemptions to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct RedemptionFilter {
    /// Only of this reward.
    pub reward: Option<RewardId>,
    /// Only of this wallet.
    pub wallet: Option<WalletId>,
}

impl Rewards {
    /// Redemptions by their ids; unknown ones and those outside the scope are left out.
    pub async fn redemptions_by_id(
        &self,
        scope: &LedgerScope,
        ids: &[RedemptionId],
        now: Instant,
    ) -> Result<Vec<Redemption>, StoreError> {
        let shards = ids.iter().map(|id| id.shard_no());
        let uuids = ids.iter().map(|id| id.uuid());
        let select =
            within(scope).filter(Column::ShardNo.is_in(shards)).filter(Column::RedemptionId.is_in(uuids));
        self.read(select, now).await
    }

    /// A page of redemptions, in the order in which they were asked for. What the ledger refused is left out.
    pub async fn redemptions(
        &self,
        scope: &LedgerScope,
        filter: &RedemptionFilter,
        request: &PageRequest<Uuid>,
        now: Instant,
    ) -> Result<Page<Redemption>, StoreError> {
        let mut list = within(scope).filter(Column::State.ne(RedemptionState::Refused.stored()));
        if let Some(reward) = filter.reward {
            list = list.filter(Column::RewardId.eq(reward.uuid()));
        }
        if let Some(wallet) = filter.wallet {
            list = of_wallet(list, wallet);
        }
        let mut page = listing::page(&self.db, list, Column::RedemptionId, request, rows::redemption).await?;
        page.items = self.following(page.items, now).await?;
        Ok(page)
    }

    /// A merchant's redemption by its voucher code.
    pub async fn redemption_of_voucher(
        &self,
        merchant: MerchantId,
        code: &VoucherCode,
        now: Instant,
    ) -> Result<Option<Redemption>, StoreError> {
        let key = (merchant.uuid(), code.as_str().to_owned());
        let Some(found) = voucher::Entity::find_by_id(key).one(self.db.reader()).await? else {
            return Ok(None);
        };
        let id = RedemptionId::new(found.redemption_id);
        Ok(self.redemptions_by_id(&LedgerScope::Merchant(merchant), &[id], now).await?.pop())
    }

    /// The redemption whose hold an operation made.
    pub async fn redemption_of_hold(
        &self,
        hold: OperationKey,
        now: Instant,
    ) -> Result<Option<Redemption>, StoreError> {
        let found = self.of_hold.find(hold).await?.as_ref().map(rows::redemption).transpose()?;
        // That the hold was made may not be noted yet.
        let found = found.map(|redemption| Redemption { hold: Some(hold.1), ..redemption });
        Ok(self.following(found.into_iter().collect(), now).await?.pop())
    }

    async fn read(&self, select: Select<Entity>, now: Instant) -> Result<Vec<Redemption>, StoreError> {
        let rows = select.all(self.db.reader()).await?;
        let found = rows.iter().map(rows::redemption).collect::<Result<Vec<_>, _>>()?;
        self.following(found, now).await
    }

    /// Redemptions as their holds are now.
    async fn following(
        &self,
        redemptions: Vec<Redemption>,
        now: Instant,
    ) -> Result<Vec<Redemption>, StoreError> {
        let open = redemptions.iter().filter(|redemption| !redemption.state.is_final());
        let keys: Vec<OperationKey> =
            open.filter_map(|redemption| Some((redemption.wallet, redemption.hold?))).collect();
        let holds = self.reader.within(LedgerScope::Network).holds(&keys).await?;
        let follow = |redemption: Redemption| {
            let hold = redemption.hold.and_then(|seq| holds.get(&(redemption.wallet, seq)));
            match hold {
                Some(hold) => redemption.following(hold, now),
                None => redemption,
            }
        };
        Ok(redemptions.into_iter().map(follow).collect())
    }
}

/// All redemptions of a wallet, in the order in which they were asked for, as they were noted last.
pub(crate) async fn redemptions_of_wallet(
    db: &Database,
    wallet: WalletId,
) -> Result<Vec<Redemption>, StoreError> {
    let rows = of_wallet(Entity::find(), wallet).order_by_asc(Column::RedemptionId).all(db.reader()).await?;
    rows.iter().map(rows::redemption).collect()
}

impl LedgerScope {
    /// Whether a redemption is in the scope.
    pub fn shows_redemption(&self, redemption: &Redemption) -> bool {
        self.holds(redemption.wallet, Some(redemption.merchant), redemption.branch)
    }
}

/// The redemptions of a part of the ledger.
fn within(scope: &LedgerScope) -> Select<Entity> {
    let all = Entity::find();
    match scope {
        LedgerScope::Network => all,
        LedgerScope::Merchant(merchant) => all.filter(Column::MerchantId.eq(merchant.uuid())),
        LedgerScope::Branches(merchant, branches) => all
            .filter(Column::MerchantId.eq(merchant.uuid()))
            .filter(Column::BranchId.is_in(branches.iter().copied().map(BranchId::uuid))),
        LedgerScope::Wallet(wallet) => of_wallet(all, *wallet),
    }
}

fn of_wallet(list: Select<Entity>, wallet: WalletId) -> Select<Entity> {
    list.filter(Column::ShardNo.eq(wallet.shard_no())).filter(Column::WalletId.eq(wallet.uuid()))
}

/// The redemptions that holds were made for.
pub(super) fn look_up_of_holds<'a>(
    database: &'a Database,
    holds: &'a [OperationKey],
) -> BoxFuture<'a, Found<OperationKey, Model>> {
    async move {
        let statement = Keys::numbered(database.backend(), holds).statement(OF_HOLDS);
        let rows = OfHold::find_by_statement(statement).all(database.look_ups()).await?;
        let key = |row: &OfHold| (WalletId::new(row.redemption.wallet_id), row.seq);
        Ok(rows.into_iter().map(|row| (key(&row), row.redemption)).collect())
    }
    .boxed()
}

/// A redemption with the number of its hold.
#[derive(FromQueryResult)]
struct OfHold {
    seq: i64,
    #[sea_orm(nested)]
    redemption: Model,
}

const OF_HOLDS: &str = "select k.n as seq, r.* from {k} \
     join op o on o.shard_no = k.shard_no and o.wallet_id = k.wallet_id and o.seq = k.n \
     join redemption r on r.shard_no = o.shard_no and r.wallet_id = o.wallet_id and r.hold_idem = o.idem";
