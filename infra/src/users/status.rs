//! Disabling users and enabling them again.

use amvaj_domain::access::{EndReason, Subject};
use amvaj_domain::audit::Act;
use amvaj_domain::id::UserId;
use amvaj_domain::time::Instant;
use amvaj_domain::user::{User, UserRole};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, sea_query::Expr,
};

use super::{Users, hold, read};
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::login_user::{Column, Entity};

/// Nobody would be left who could invite and enable users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody would be left who may manage users")]
pub struct LastManager;

impl Users {
    /// Disables a user, whose sessions end at once; nothing when there is no such user. One that is disabled already is
    /// left so and not told of. `spare_last`: whether the last one who manages users is left alone.
    pub async fn disable(
        &self,
        user: UserId,
        spare_last: bool,
        act: &Act,
    ) -> Result<Option<Result<User, LastManager>>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let others = other_managers(unit.transaction(), user).await?;
        let Some(row) = hold(unit.transaction(), user).await? else { return Ok(None) };
        let found = read::user(&row)?;
        if row.disabled_at.is_some() {
            return Ok(Some(Ok(found)));
        }
        if spare_last && found.manages_users() && others == 0 {
            return Ok(Some(Err(LastManager)));
        }
        set_disabled_at(unit.transaction(), user, Some(act.at)).await?;
        if row.joined_at.is_some() {
            super::void_invitation(unit.transaction(), user).await?;
        }
        let subject = Subject::User(user);
        let ended = self.sessions.end_all_in(unit.transaction(), subject, EndReason::Blocked, act.at).await?;
        unit.commit().await?;
        self.sessions.note_all(&ended);
        self.one(user).await.map(|user| user.map(Ok))
    }

    /// Enables a user; nothing when there is no such user. One that is not disabled is left so and not told of.
    pub async fn enable(&self, user: UserId, act: &Act) -> Result<Option<User>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let Some(row) = hold(unit.transaction(), user).await? else { return Ok(None) };
        if row.disabled_at.is_some() {
            set_disabled_at(unit.transaction(), user, None).await?;
            unit.commit().await?;
        }
        self.one(user).await
    }

    pub(super) async fn one(&self, user: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.by_id(&[user]).await?.pop())
    }
}

/// How many others could still manage users. Their rows are held, in the same order by everybody, so that two who
/// disable each other do not both find the other one active.
async fn other_managers(transaction: &DatabaseTransaction, user: UserId) -> Result<usize, StoreError> {
    let operators = Entity::find()
        .filter(Column::Role.eq(UserRole::Operator.stored()))
        .filter(Column::DisabledAt.is_null())
        .filter(Column::JoinedAt.is_not_null())
        .order_by_asc(Column::UserId)
        .lock_exclusive()
        .all(transaction)
        .await?;
    let mut others = 0;
    for row in &operators {
        let operator = read::user(row)?;
        if operator.id != user && operator.manages_users() {
            others += 1;
        }
    }
    Ok(others)
}

async fn set_disabled_at(
    transaction: &DatabaseTransaction,
    user: UserId,
    at: Option<Instant>,
) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::DisabledAt, Expr::value(at.map(Instant::micros)))
        .filter(Column::UserId.eq(user.uuid()))
        .exec(transaction)
        .await?;
    Ok(())
}
