//! Who stands on a part of a board: one read for all of them, and for all parts that are shown at the time.

use std::collections::HashMap;

use amvaj_domain::id::{MemberId, WalletId};
use futures_util::{FutureExt as _, future::BoxFuture};
use sea_orm::{EntityTrait as _, FromQueryResult};

use super::{Directory, rows};
use crate::board::Face;
use crate::db::entity::{board_hidden, member::Model};
use crate::db::{Database, StoreError, gathered::Found};
use crate::ledger::keys::Keys;

const READ: &str = "select member.*, hidden.member_id as hidden_id from {k} \
     join member on member.wallet_id = k.id \
     left join board_hidden hidden on hidden.member_id = member.member_id";

impl Directory {
    /// The members of wallets with whether they hide on boards; what is shown of them is for the boards to say.
    pub(crate) async fn faces(&self, wallets: &[WalletId]) -> Result<HashMap<WalletId, Face>, StoreError> {
        let rows = self.faces.find_all(wallets.to_vec()).await?;
        let face = |(wallet, row): (WalletId, Row)| {
            Ok((wallet, Face { member: rows::member(&row.member)?, hidden: row.hidden_id.is_some() }))
        };
        rows.into_iter().map(face).collect()
    }

    /// Whether a member hides on boards.
    pub async fn hides_on_boards(&self, member: MemberId) -> Result<bool, StoreError> {
        Ok(board_hidden::Entity::find_by_id(member.uuid()).one(self.db.reader()).await?.is_some())
    }
}

/// A member and, if it hides, its mark.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Row {
    #[sea_orm(nested)]
    member: Model,
    hidden_id: Option<uuid::Uuid>,
}

pub(super) fn look_up<'a>(
    database: &'a Database,
    wallets: &'a [WalletId],
) -> BoxFuture<'a, Found<WalletId, Row>> {
    async move {
        let ids: Vec<uuid::Uuid> = wallets.iter().map(|wallet| wallet.uuid()).collect();
        let statement = Keys::uuids(database.backend(), &ids).statement(READ);
        let rows = Row::find_by_statement(statement).all(database.look_ups()).await?;
        Ok(rows.into_iter().map(|row| (WalletId::new(row.member.wallet_id), row)).collect())
    }
    .boxed()
}
