//! The consumer of the outbox that writes which operations began a relation.

use amvaj_domain::relation::{Consent, RelationSource};
use sea_orm::ConnectionTrait as _;

use crate::{
    db::{Database, StoreError},
    ledger::{Touched, keys::Keys},
    outbox::{Backlog, Buckets, Consumer, Relayed},
    worker::WorkError,
};

/// Wallets of one statement. A row of the outbox may bring more, and then is one alone.
const MOST_WALLETS: usize = 2_000;

/// The consumer that writes relations.
#[derive(Debug, Clone)]
pub struct RelationKeeper {
    database: Database,
    consumer: Consumer,
}

impl RelationKeeper {
    /// A keeper of the relations in a database.
    pub fn new(database: Database) -> Self {
        Self { consumer: Consumer::new(database.clone(), "relations"), database }
    }

    /// Makes its cursors.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn register(&self) -> Result<(), StoreError> {
        self.consumer.register().await
    }

    /// What waits for the relay, and then for the keeper.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        self.consumer.backlog().await
    }

    /// Writes the relations that up to `limit` rows of each bucket began, together with the cursors, and answers how many
    /// rows it has passed.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when a lease is lost; otherwise when the database fails. Nothing is written then.
    pub async fn keep(&self, buckets: &Buckets, limit: u32) -> Result<usize, WorkError> {
        let rows = self.consumer.read_after(buckets, limit).await?;
        let rows = Relayed::few(&rows, MOST_WALLETS);
        if rows.is_empty() {
            return Ok(0);
        }
        let touched: Vec<Touched> = rows.iter().flat_map(|row| row.touched.iter().copied()).collect();
        let transaction = buckets.fence(&self.database).await?;
        transaction
            .execute_raw(
                Keys::touched(self.database.backend(), &touched)
                    .statement(&begun(self.database.is_postgres())),
            )
            .await?;
        self.consumer.advance_in(&transaction, rows).await?;
        transaction.commit().await?;
        Ok(rows.len())
    }
}

/// Of each wallet and merchant the first applied operation begins the relation, unless one is there. What only the
/// member's consent has written becomes a relation. Whether there is one is a scalar subquery, because for `not exists`
/// PostgreSQL may choose to look through all relations of the member.
///
/// With an erased member a merchant has a relation of which it sees nothing. The members are held until the end: whoever
/// erases one at the same moment waits, and finds the relation.
fn begun(postgres: bool) -> String {
    let (operation, consent) = (RelationSource::Operation.stored(), RelationSource::Consent.stored());
    let hidden = Consent::Hidden.stored();
    let hold = if postgres { "for key share of member" } else { "" };
    format!(
        "insert into relation (member_id, merchant_id, since, source, seq, consent, consented_at) \
         select member.member_id, first.merchant_id, first.occurred_at, {operation}, first.seq, \
             case when member.erased_at is not null then {hidden} end, member.erased_at \
         from ( \
             select o.wallet_id, o.merchant_id, o.seq, o.occurred_at, \
                 row_number() over (partition by o.wallet_id, o.merchant_id order by o.seq) as nth \
             from {{k}} join op o on o.shard_no = k.shard_no and o.wallet_id = k.wallet_id \
                 and o.seq between k.first_seq and k.last_seq \
             where o.reject_code is null and o.merchant_id is not null \
         ) as first \
         join member on member.wallet_id = first.wallet_id \
         where first.nth = 1 and coalesce((select r.source from relation r where r.member_id = member.member_id \
             and r.merchant_id = first.merchant_id), {consent}) = {consent} \
         {hold} \
         on conflict (member_id, merchant_id) do update \
         set since = excluded.since, source = excluded.source, seq = excluded.seq \
         where relation.source = {consent}"
    )
}
