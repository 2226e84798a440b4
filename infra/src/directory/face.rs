//! Who stands on a part of a board: one read for all of them.

use std::collections::HashMap;

use amvaj_domain::id::{MemberId, WalletId};
use sea_orm::{ConnectionTrait as _, EntityTrait as _, FromQueryResult as _};

use super::{Directory, rows};
use crate::board::Face;
use crate::db::StoreError;
use crate::db::entity::{board_hidden, member::Model};
use crate::ledger::keys::Keys;

const READ: &str = "select member.*, hidden.member_id as hidden_id from {k} \
     join member on member.wallet_id = k.id \
     left join board_hidden hidden on hidden.member_id = member.member_id";

impl Directory {
    /// The members of wallets with whether they hide on boards; what is shown of them is for the boards to say.
    pub(crate) async fn faces(&self, wallets: &[WalletId]) -> Result<HashMap<WalletId, Face>, StoreError> {
        if wallets.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<uuid::Uuid> = wallets.iter().map(|wallet| wallet.uuid()).collect();
        let statement = Keys::uuids(self.db.backend(), &ids).statement(READ);
        let mut faces = HashMap::with_capacity(wallets.len());
        for row in self.db.reader().query_all_raw(statement).await? {
            let member = rows::member(&Model::from_query_result(&row, "")?)?;
            let hidden: Option<uuid::Uuid> = row.try_get("", "hidden_id")?;
            faces.insert(member.wallet, Face { member, hidden: hidden.is_some() });
        }
        Ok(faces)
    }

    /// Whether a member hides on boards.
    pub async fn hides_on_boards(&self, member: MemberId) -> Result<bool, StoreError> {
        Ok(board_hidden::Entity::find_by_id(member.uuid()).one(self.db.reader()).await?.is_some())
    }
}
