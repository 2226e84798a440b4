//! What became of holds, noted of their redemptions. Each redemption has a transaction of its own, which does something
//! once only: whoever comes second finds nothing left to do.

use amvaj_domain::id::{RedemptionId, WalletId};
use amvaj_domain::reward::RedemptionState;
use amvaj_domain::time::Instant;
use sea_orm::{FromQueryResult, Statement, Value};
use uuid::Uuid;

use super::Rewards;
use super::rows::run;
use crate::db::{Database, StoreError};
use crate::ledger::{Touched, keys::Keys};

/// The column that says when the hold `h` was captured or released; otherwise something else, for want of that.
macro_rules! ended_at {
    ($otherwise:literal) => {
        concat!(
            "coalesce((select max(e.recorded_at) from op e where e.shard_no = h.shard_no \
                 and e.wallet_id = h.wallet_id and e.seq > h.seq and e.ref_seq = h.seq and e.kind in (3, 4) \
                 and e.reject_code is null), ",
            $otherwise,
            ") as ended_at"
        )
    };
}

/// What to note of a redemption.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) state: RedemptionState,
    /// The number of the hold, or of the operation that refused it.
    pub(super) seq: i64,
    pub(super) expires_at: Instant,
    pub(super) at: Instant,
}

/// A redemption with where its hold stands, by the numbers of storage.
#[derive(FromQueryResult)]
struct Followed {
    redemption_id: Uuid,
    seq: i64,
    /// The state of the hold; nothing when the ledger refused to make it.
    state: Option<i16>,
    expires_at: i64,
    /// When the operation was recorded that ended the hold, or refused it; of one that is open or over, nothing that counts.
    ended_at: i64,
}

impl Rewards {
    /// Notes what operations did to redemptions, and answers how many were moved on.
    pub(super) async fn follow(&self, touched: &[Touched]) -> Result<usize, StoreError> {
        let mut moved = 0_usize;
        for sql in [PLACED, ENDED] {
            let statement = Keys::touched(self.db.backend(), touched).statement(sql);
            for found in Followed::find_by_statement(statement).all(self.db.for_outbox()).await? {
                let noted = found.end()?;
                if end(&self.db, RedemptionId::new(found.redemption_id), &noted).await? {
                    moved = moved.saturating_add(1);
                }
            }
        }
        Ok(moved)
    }

    /// Notes what the hold of a redemption has come to, without waiting for the outbox.
    ///
    /// # Errors
    /// When the database fails. Then the outbox has it noted.
    pub async fn note_end(&self, id: RedemptionId, wallet: WalletId, seq: i64) -> Result<(), StoreError> {
        let statement = Statement::from_sql_and_values(
            self.db.backend(),
            concat!(
                "select $1 as redemption_id, h.seq, h.state, h.expires_at, ",
                ended_at!("h.expires_at"),
                " from hold h where h.shard_no = $2 and h.wallet_id = $3 and h.seq = $4 and h.state <> 1"
            ),
            [id.uuid().into(), wallet.shard_no().into(), wallet.uuid().into(), seq.into()],
        );
        let Some(found) = Followed::find_by_statement(statement).one(self.db.reader()).await? else {
            return Ok(());
        };
        end(&self.db, id, &found.end()?).await?;
        Ok(())
    }
}

impl Followed {
    /// What is to be noted of it. It ended when the ledger ended it, whenever that is noted.
    fn end(&self) -> Result<End, StoreError> {
        let (expires_at, at) = (Instant::from_micros(self.expires_at), Instant::from_micros(self.ended_at));
        Ok(End { state: self.follows()?, seq: self.seq, expires_at, at })
    }

    fn follows(&self) -> Result<RedemptionState, StoreError> {
        let Some(state) = self.state else { return Ok(RedemptionState::Refused) };
        // A hold and a redemption beside it have the same numbers, shifted by one.
        let state = RedemptionState::from_stored(state.saturating_add(1));
        state.filter(|state| *state != RedemptionState::Pending).ok_or_else(|| StoreError::CorruptRow {
            table: "hold",
            id: self.seq.to_string(),
            what: "state",
        })
    }
}

/// Writes where a redemption stands, unless that is written already or something final is, and gives its piece back when it
/// no longer keeps it. Answers whether anything was written.
pub(super) async fn end(db: &Database, id: RedemptionId, noted: &End) -> Result<bool, StoreError> {
    let transaction = db.begin().await?;
    let key = || -> [Value; 2] { [id.shard_no().into(), id.uuid().into()] };
    let ended_at = match noted.state {
        RedemptionState::Expired => Some(noted.expires_at.micros()),
        state => state.is_final().then_some(noted.at.micros()),
    };
    let values =
        [noted.state.stored().into(), noted.seq.into(), noted.expires_at.micros().into(), ended_at.into()];
    if run(&transaction, END, key().into_iter().chain(values)).await? == 0 {
        return Ok(false);
    }
    if !noted.state.keeps_piece() {
        run(&transaction, GIVE_BACK, key()).await?;
        run(&transaction, COUNT_BACK, key()).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Pending redemptions whose hold was made or refused by one of these operations.
const PLACED: &str = concat!(
    "select r.redemption_id, o.seq, h.state, coalesce(h.expires_at, o.recorded_at) as expires_at, ",
    ended_at!("o.recorded_at"),
    " from {k} join redemption r on r.shard_no = k.shard_no and r.wallet_id = k.wallet_id and r.state = 1 \
     join op o on o.shard_no = k.shard_no and o.wallet_id = k.wallet_id \
         and o.seq between k.first_seq and k.last_seq and o.idem = r.hold_idem \
     left join hold h on h.shard_no = o.shard_no and h.wallet_id = o.wallet_id and h.seq = o.seq"
);
/// Redemptions of these wallets whose hold has ended.
const ENDED: &str = concat!(
    "select distinct r.redemption_id, h.seq, h.state, h.expires_at, ",
    ended_at!("h.expires_at"),
    " from {k} join redemption r on r.shard_no = k.shard_no and r.wallet_id = k.wallet_id and r.state in (1, 2) \
     join hold h on h.shard_no = r.shard_no and h.wallet_id = r.wallet_id and h.seq = r.hold_seq \
     where h.state <> 1"
);
const END: &str = "update redemption set state = $3, hold_seq = $4, expires_at = $5, ended_at = $6 \
     where shard_no = $1 and redemption_id = $2 and state in (1, 2) and state <> $3";
const GIVE_BACK: &str = "update reward set stock = stock + 1 where stock is not null and reward_id = \
     (select r.reward_id from redemption r where r.shard_no = $1 and r.redemption_id = $2)";
const COUNT_BACK: &str = "update reward_taken set taken = taken - 1 where (shard_no, wallet_id, reward_id) = \
     (select r.shard_no, r.wallet_id, r.reward_id from redemption r where r.shard_no = $1 and r.redemption_id = $2)";
