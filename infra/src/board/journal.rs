//! The effects of operations on scores, read from the journal.

use amvaj_domain::{
    board::Effect,
    id::{MerchantId, WalletId},
    ledger::OpKind,
    time::Instant,
};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use uuid::Uuid;

use crate::{db::StoreError, ledger::keys::Keys};

/// An effect on the scores of a wallet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    /// The wallet.
    pub(crate) wallet: WalletId,
    /// The effect.
    pub(crate) effect: Effect,
}

#[derive(FromQueryResult)]
struct Row {
    wallet_id: Uuid,
    seq: i64,
    kind: i16,
    amount: i64,
    money: Option<i64>,
    recorded_at: i64,
    merchant_id: Uuid,
    purchase_seq: i64,
    occurred_at: i64,
    basket: Option<i64>,
    refunded_before: i64,
}

/// The operations `o` of the wallets, with their purchases `p`.
fn select(from: &str, condition: &str) -> String {
    let (earn, refund) = (OpKind::Earn.stored(), OpKind::Refund.stored());
    format!(
        "select o.wallet_id, o.seq, o.kind, o.amount, o.money, o.recorded_at, p.merchant_id, \
         p.seq as purchase_seq, p.occurred_at, p.money as basket, \
         case when o.kind = {refund} then (select cast(coalesce(sum(r.money), 0) as bigint) from op r \
             where r.shard_no = o.shard_no and r.wallet_id = o.wallet_id and r.seq > p.seq and r.seq < o.seq \
             and r.kind = {refund} and r.ref_seq = p.seq and r.reject_code is null) else 0 end as refunded_before \
         from {from} \
         join op p on p.shard_no = o.shard_no and p.wallet_id = o.wallet_id \
             and p.seq = case o.kind when {earn} then o.seq else o.ref_seq end \
         where o.kind in ({earn}, {refund}) and o.reject_code is null and p.merchant_id is not null and {condition} \
         order by o.shard_no, o.wallet_id, o.seq"
    )
}

/// What the wallets did since they were last counted; each is named with an operation of it.
pub(super) async fn new_effects<C: ConnectionTrait>(
    connection: &C,
    wallets: &[(WalletId, i64)],
) -> Result<Vec<Counted>, StoreError> {
    let from = "{k} left join board_wallet c on c.shard_no = k.shard_no and c.wallet_id = k.wallet_id \
         join op o on o.shard_no = k.shard_no and o.wallet_id = k.wallet_id and o.seq > coalesce(c.seq, 0)";
    let keys = Keys::numbered(connection.get_database_backend(), wallets);
    read(connection, keys.statement(&select(from, "true"))).await
}

/// What all wallets of the shards from the first to the last did as far as they are counted, for purchases made at `from` or
/// later.
pub(crate) async fn effects_of_shards<C: ConnectionTrait>(
    connection: &C,
    (first, last): (i16, i16),
    from: Instant,
) -> Result<Vec<Counted>, StoreError> {
    let counted = "board_wallet c join op o on o.shard_no = c.shard_no and o.wallet_id = c.wallet_id \
         and o.seq <= c.seq";
    let sql = select(counted, "c.shard_no between $1 and $2 and p.occurred_at >= $3");
    let values = [first.into(), last.into(), from.micros().into()];
    read(connection, Statement::from_sql_and_values(connection.get_database_backend(), sql, values)).await
}

async fn read<C: ConnectionTrait>(connection: &C, statement: Statement) -> Result<Vec<Counted>, StoreError> {
    let rows = Row::find_by_statement(statement).all(connection).await?;
    Ok(rows.iter().map(Row::counted).collect())
}

impl Row {
    fn counted(&self) -> Counted {
        let at = Instant::from_micros(self.occurred_at);
        let merchant = MerchantId::new(self.merchant_id);
        let recorded_at = Instant::from_micros(self.recorded_at);
        let purchase = Effect::purchase(self.purchase_seq, merchant, at, recorded_at, self.amount);
        let effect = if self.kind == OpKind::Refund.stored() {
            let (basket, money) = (self.basket.unwrap_or_default(), self.money.unwrap_or_default());
            purchase.refunded(self.seq, recorded_at, self.amount, basket, self.refunded_before, money)
        } else {
            purchase
        };
        Counted { wallet: WalletId::new(self.wallet_id), effect }
    }
}
