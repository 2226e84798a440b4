//! Relations between merchants and members, and what members allow or forbid a merchant.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, &STATEMENTS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, &["delete from consumer_cursor where consumer = 'relations'"]).await?;
        dialect::drop_tables(manager, &["relation"]).await
    }
}

const STATEMENTS: [&str; 3] = [
    // Source: 1 enrolled, 2 linked, 3 by an operation (whose number in the member's wallet is kept), 4 none yet but
    // what the member allowed. Consent: 1 hidden, 2 profile.
    "create table relation (
        member_id {uuid} not null,
        merchant_id {uuid} not null,
        since {i64} not null,
        source {i16} not null check (source between 1 and 4),
        seq {i64} check (seq > 0),
        consent {i16} check (consent in (1, 2)),
        consented_at {i64},
        primary key (member_id, merchant_id),
        check ((source = 3) = (seq is not null)),
        check ((consent is null) = (consented_at is null)),
        check (source <> 4 or consent is not null)
    ) {keyed}",
    // What was there before relations were kept. Whatever is written while this runs is in the outbox, which the
    // consumer reads from its beginning.
    "insert into relation (member_id, merchant_id, since, source)
        select member_id, merchant_id, created_at, 2 from customer_ref",
    "insert into relation (member_id, merchant_id, since, source, seq)
        select member.member_id, op.merchant_id, op.occurred_at, 3, op.seq
        from (
            select shard_no, wallet_id, merchant_id, min(seq) as seq from op
            where reject_code is null and merchant_id is not null
            group by shard_no, wallet_id, merchant_id
        ) as earliest
        join op on op.shard_no = earliest.shard_no and op.wallet_id = earliest.wallet_id and op.seq = earliest.seq
        join member on member.wallet_id = op.wallet_id
        join merchant on merchant.merchant_id = op.merchant_id
        where true
        on conflict (member_id, merchant_id) do nothing",
];
