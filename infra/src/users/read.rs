//! Reading users.

use amvaj_domain::access::Scopes;
use amvaj_domain::id::UserId;
use amvaj_domain::text::Name;
use amvaj_domain::time::Instant;
use amvaj_domain::user::{User, UserName, UserRole, UserStatus};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::Users;
use crate::db::entity::login_user::{Column, Entity, Model};
use crate::db::entity::user_recovery_code;
use crate::db::{StoreError, listing};
use crate::page::{Page, PageRequest};

/// Which users to list; those that meet all of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserFilter {
    /// With this role.
    pub role: Option<UserRole>,
    /// With this status.
    pub status: Option<UserStatus>,
}

impl Users {
    /// The user of that name.
    pub async fn find(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        let found = Entity::find().filter(Column::Name.eq(name.as_str())).one(self.db.reader()).await?;
        found.as_ref().map(user).transpose()
    }

    /// The users of these ids; unknown ones are left out.
    pub async fn by_id(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let ids = ids.iter().map(|id| id.uuid());
        let found = Entity::find().filter(Column::UserId.is_in(ids)).all(self.db.reader()).await?;
        found.iter().map(user).collect()
    }

    /// A page of users, in the order in which they were added.
    pub async fn page(
        &self,
        filter: UserFilter,
        request: &PageRequest<Uuid>,
    ) -> Result<Page<User>, StoreError> {
        let mut list = Entity::find();
        if let Some(role) = filter.role {
            list = list.filter(Column::Role.eq(role.stored()));
        }
        list = match filter.status {
            None => list,
            Some(UserStatus::Disabled) => list.filter(Column::DisabledAt.is_not_null()),
            Some(UserStatus::Active) => {
                list.filter(Column::DisabledAt.is_null()).filter(Column::JoinedAt.is_not_null())
            }
            Some(UserStatus::Invited) => {
                list.filter(Column::DisabledAt.is_null()).filter(Column::JoinedAt.is_null())
            }
        };
        listing::page(&self.db, list, Column::UserId, request, user).await
    }

    /// How many recovery codes a user has not used yet.
    pub async fn recovery_codes_left(&self, user: UserId) -> Result<usize, StoreError> {
        let unused = user_recovery_code::Entity::find()
            .filter(user_recovery_code::Column::UserId.eq(user.uuid()))
            .filter(user_recovery_code::Column::UsedAt.is_null());
        Ok(unused.all(self.db.reader()).await?.len())
    }
}

/// The user of a row.
pub(super) fn user(row: &Model) -> Result<User, StoreError> {
    let corrupt = |what| StoreError::CorruptRow { table: "login_user", id: row.user_id.to_string(), what };
    let limit = row.scopes.map(u32::try_from).transpose().map_err(|_| corrupt("its scopes"))?;
    let status = match (row.disabled_at, row.joined_at) {
        (Some(_), _) => UserStatus::Disabled,
        (None, Some(_)) => UserStatus::Active,
        (None, None) => UserStatus::Invited,
    };
    Ok(User {
        id: UserId::new(row.user_id),
        name: UserName::parse(&row.name).map_err(|_| corrupt("its name"))?,
        display_name: Name::parse(&row.display_name).map_err(|_| corrupt("the name that is shown"))?,
        role: UserRole::from_stored(row.role).ok_or_else(|| corrupt("its role"))?,
        limit: limit.map(Scopes::from_stored),
        status,
        created_at: Instant::from_micros(row.created_at),
        logged_in_at: row.logged_in_at.map(Instant::from_micros),
    })
}
