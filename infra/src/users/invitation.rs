//! Invitations: how a user comes to have a password and a secret of one-time codes, the first time and after a reset.
//!
//! A user has one invitation at a time, known by the hash of its token. What the invited chooses waits in it until the
//! first code shows that the codes work; then all becomes good in one commit and the invitation is gone.

use amvaj_domain::access::{EndReason, Subject};
use amvaj_domain::audit::Act;
use amvaj_domain::id::UserId;
use amvaj_domain::time::Instant;
use amvaj_domain::user::User;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};

use super::credential::{store_recovery_codes, take};
use super::{Checked, NewSession, Users, hold, read};
use crate::access::Session;
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::user_invitation::{ActiveModel, Column, Entity, Model};
use crate::db::entity::{login_user, user_credential};

/// What an invitation is to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wants {
    /// A password.
    pub password: bool,
    /// A secret of one-time codes.
    pub totp: bool,
}

/// An invitation to hand out.
#[derive(Debug, Clone, Copy)]
pub struct NewInvitation<'a> {
    /// The hash of its token.
    pub token_hash: &'a [u8; 32],
    /// Until when it can be accepted.
    pub expires_at: Instant,
}

/// An invitation that can be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Who is invited.
    pub user: User,
    /// What it is to set.
    pub wants: Wants,
    /// The hash of the password that was chosen and waits.
    pub password_hash: Option<String>,
    /// The sealed secret that was made and waits for its first code.
    pub totp_secret: Option<Vec<u8>>,
}

/// The name belongs to another user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another user has this name")]
pub struct NameTaken;

/// What a reset takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// Nothing: the invitation of somebody who has not joined is replaced by a new one.
    Nothing,
    /// The password.
    Password,
    /// The secret of the one-time codes, and the recovery codes with it.
    Totp,
}

/// What became of a reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewed {
    /// There is an invitation.
    Done(User),
    /// There is no such user.
    NoSuchUser,
    /// The user has joined and lacks nothing.
    LacksNothing,
}

/// How an invitation comes to its end.
#[derive(Debug, Clone, Copy)]
pub struct Completion<'a> {
    /// The hash of its token.
    pub token_hash: &'a [u8; 32],
    /// The hash of the password that becomes good, when the invitation wants one.
    pub password_hash: Option<&'a str>,
    /// The sealed secret that becomes good and the step of the code that confirmed it, when the invitation wants one.
    pub totp: Option<(&'a [u8], i64)>,
    /// Hashes of the recovery codes that come with a new secret.
    pub recovery_codes: &'a [[u8; 32]],
    /// The session that begins.
    pub session: Option<NewSession<'a>>,
}

impl Wants {
    /// All that a new user needs.
    pub const EVERYTHING: Self = Self { password: true, totp: true };

    const fn stored(self) -> i16 {
        match (self.password, self.totp) {
            (true, false) => 1,
            (false, true) => 2,
            (true, true) => 3,
            (false, false) => 0,
        }
    }

    const fn from_stored(number: i16) -> Self {
        Self { password: number & 1 != 0, totp: number & 2 != 0 }
    }
}

impl Users {
    /// Adds a user with an invitation.
    pub async fn invite(
        &self,
        user: &User,
        invitation: NewInvitation<'_>,
        act: &Act,
    ) -> Result<Result<(), NameTaken>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let row = login_user::ActiveModel {
            user_id: Set(user.id.uuid()),
            name: Set(user.name.to_string()),
            display_name: Set(user.display_name.to_string()),
            role: Set(user.role.stored()),
            scopes: Set(user.limit.map(|limit| limit.stored().into())),
            disabled_at: Set(None),
            joined_at: Set(None),
            logged_in_at: Set(None),
            created_at: Set(user.created_at.micros()),
        };
        match login_user::Entity::insert(row)
            .exec_without_returning(unit.transaction())
            .await
            .map_err(StoreError::from)
        {
            Err(StoreError::Duplicate(_)) => return Ok(Err(NameTaken)),
            inserted => inserted?,
        };
        put(unit.transaction(), user.id, invitation, Wants::EVERYTHING, None, act.at).await?;
        unit.commit().await?;
        Ok(Ok(()))
    }

    /// Takes away what is reset, which nobody can log in with from now on, ends the user's sessions, and invites the user
    /// to set what it lacks. An older invitation is void.
    pub async fn reset(
        &self,
        user: UserId,
        reset: Reset,
        invitation: NewInvitation<'_>,
        act: &Act,
    ) -> Result<Renewed, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let Some(row) = hold(transaction, user).await? else { return Ok(Renewed::NoSuchUser) };
        let wants = take_away(transaction, user, reset).await?;
        if wants.stored() == 0 {
            return Ok(Renewed::LacksNothing);
        }
        let mut ended = None;
        if row.joined_at.is_some() {
            let (subject, reason) = (Subject::User(user), EndReason::Changed);
            ended = Some(self.sessions.end_all_in(transaction, subject, reason, act.at).await?);
        }
        put(transaction, user, invitation, wants, None, act.at).await?;
        unit.commit().await?;
        if let Some(ended) = &ended {
            self.sessions.note_all(ended);
        }
        Ok(Renewed::Done(read::user(&row)?))
    }

    /// Lets a user who proved itself have another secret of codes: an invitation in which the secret waits for its first
    /// code. Until then the old one stays good. `false` when what was found right is no longer so.
    pub async fn begin_totp_reset(
        &self,
        user: UserId,
        checked: &Checked<'_>,
        secret: &[u8],
        invitation: NewInvitation<'_>,
        act: &Act,
    ) -> Result<bool, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let row = hold(transaction, user).await?;
        let may_enter = row.is_some_and(|row| row.disabled_at.is_none());
        if !may_enter || !take(transaction, user, checked, act.at).await? {
            return Ok(false);
        }
        let wants = Wants { password: false, totp: true };
        put(transaction, user, invitation, wants, Some(secret), act.at).await?;
        unit.commit().await?;
        Ok(true)
    }

    /// The invitation of a token, if it can be accepted.
    pub async fn invitation(
        &self,
        token_hash: &[u8; 32],
        now: Instant,
    ) -> Result<Option<Invitation>, StoreError> {
        let found = Entity::find()
            .filter(Column::TokenHash.eq(&token_hash[..]))
            .filter(Column::ExpiresAt.gt(now.micros()))
            .one(self.db.reader())
            .await?;
        let Some(row) = found else { return Ok(None) };
        let user = login_user::Entity::find_by_id(row.user_id).one(self.db.reader()).await?;
        let Some(user) = user.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
        Ok(Some(Invitation {
            user: read::user(&user)?,
            wants: Wants::from_stored(row.wants),
            password_hash: row.password_hash,
            totp_secret: row.totp_secret,
        }))
    }

    /// Keeps what the invited chose until the first code; `false` when the invitation is over.
    pub async fn prepare(
        &self,
        token_hash: &[u8; 32],
        password_hash: Option<&str>,
        totp_secret: &[u8],
        now: Instant,
    ) -> Result<bool, StoreError> {
        let prepared = Entity::update_many()
            .col_expr(Column::PasswordHash, Expr::value(password_hash))
            .col_expr(Column::TotpSecret, Expr::value(totp_secret.to_vec()))
            .filter(Column::TokenHash.eq(&token_hash[..]))
            .filter(Column::ExpiresAt.gt(now.micros()))
            .exec(self.db.writer())
            .await?;
        Ok(prepared.rows_affected == 1)
    }

    /// Makes good what an invitation wanted, ends the sessions of a user who had some, and begins one; `None` when the
    /// invitation is over, or what waits in it is no longer what was confirmed.
    pub async fn complete(
        &self,
        completion: &Completion<'_>,
        act: &Act,
    ) -> Result<Option<Option<Session>>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        let Some((user, row)) = self.held(transaction, completion, act.at).await? else { return Ok(None) };
        let id = UserId::new(user.user_id);
        make_good(transaction, id, &row, completion).await?;
        if completion.totp.is_some() {
            store_recovery_codes(transaction, id, completion.recovery_codes).await?;
        }
        let subject = Subject::User(id);
        let all = self.sessions.end_all_in(transaction, subject, EndReason::Changed, act.at).await?;
        if user.joined_at.is_none() {
            login_user::Entity::update_many()
                .col_expr(login_user::Column::JoinedAt, act.at.micros().into())
                .filter(login_user::Column::UserId.eq(user.user_id))
                .exec(transaction)
                .await?;
        }
        let started = match completion.session {
            None => None,
            Some(NewSession { id, user_agent }) => {
                Some(self.sessions.start_in(transaction, id, subject, user_agent, act.at).await?.0)
            }
        };
        Entity::delete_by_id(user.user_id).exec(transaction).await?;
        unit.commit().await?;
        self.sessions.note_all(&all);
        Ok(Some(started))
    }

    /// The user's row and the invitation's, held, if what is in it is what the completion is about.
    async fn held(
        &self,
        transaction: &DatabaseTransaction,
        completion: &Completion<'_>,
        now: Instant,
    ) -> Result<Option<(login_user::Model, Model)>, StoreError> {
        let by_token = || Entity::find().filter(Column::TokenHash.eq(&completion.token_hash[..]));
        let Some(named) = by_token().one(transaction).await? else { return Ok(None) };
        let user = hold(transaction, UserId::new(named.user_id)).await?;
        let row = by_token().lock_exclusive().one(transaction).await?;
        let (Some(user), Some(row)) = (user, row) else { return Ok(None) };
        let wants = Wants::from_stored(row.wants);
        let waits = match completion.totp {
            Some((secret, _)) => wants.totp && row.totp_secret.as_deref() == Some(secret),
            None => !wants.totp,
        };
        let good = waits
            && user.disabled_at.is_none()
            && row.user_id == user.user_id
            && now.micros() < row.expires_at
            && wants.password == completion.password_hash.is_some();
        Ok(good.then_some((user, row)))
    }
}

/// Takes away what is reset; says what the user lacks then.
async fn take_away(
    transaction: &DatabaseTransaction,
    user: UserId,
    reset: Reset,
) -> Result<Wants, StoreError> {
    use user_credential::{Column, Entity};
    let cleared = match reset {
        Reset::Nothing => None,
        Reset::Password => Some((Column::PasswordHash, Expr::value(None::<String>))),
        Reset::Totp => {
            store_recovery_codes(transaction, user, &[]).await?;
            Some((Column::TotpSecret, Expr::value(None::<Vec<u8>>)))
        }
    };
    if let Some((column, nothing)) = cleared {
        Entity::update_many()
            .col_expr(column, nothing)
            .filter(Column::UserId.eq(user.uuid()))
            .exec(transaction)
            .await?;
    }
    let row = Entity::find_by_id(user.uuid()).one(transaction).await?;
    Ok(row.map_or(Wants::EVERYTHING, |row| Wants {
        password: row.password_hash.is_none(),
        totp: row.totp_secret.is_none(),
    }))
}

/// Stores an invitation in the place of an older one.
async fn put(
    transaction: &DatabaseTransaction,
    user: UserId,
    invitation: NewInvitation<'_>,
    wants: Wants,
    totp_secret: Option<&[u8]>,
    now: Instant,
) -> Result<(), StoreError> {
    let row = ActiveModel {
        user_id: Set(user.uuid()),
        token_hash: Set(invitation.token_hash.to_vec()),
        wants: Set(wants.stored()),
        password_hash: Set(None),
        totp_secret: Set(totp_secret.map(<[u8]>::to_vec)),
        created_at: Set(now.micros()),
        expires_at: Set(invitation.expires_at.micros()),
    };
    let columns = [
        Column::TokenHash,
        Column::Wants,
        Column::PasswordHash,
        Column::TotpSecret,
        Column::CreatedAt,
        Column::ExpiresAt,
    ];
    let latest_wins = OnConflict::column(Column::UserId).update_columns(columns).to_owned();
    Entity::insert(row).on_conflict(latest_wins).exec_without_returning(transaction).await?;
    Ok(())
}

/// Stores the password and the secret that an invitation set. A new secret forgets the steps of the old one, because
/// its codes are others.
async fn make_good(
    transaction: &DatabaseTransaction,
    user: UserId,
    invitation: &Model,
    completion: &Completion<'_>,
) -> Result<(), StoreError> {
    use user_credential::{ActiveModel, Column, Entity};
    let wants = Wants::from_stored(invitation.wants);
    let row = ActiveModel {
        user_id: Set(user.uuid()),
        password_hash: Set(completion.password_hash.map(str::to_owned)),
        totp_secret: Set(completion.totp.map(|(secret, _)| secret.to_vec())),
        totp_step: Set(completion.totp.map_or(0, |(_, step)| step)),
        wrong_codes: Set(0),
    };
    let mut columns = Vec::new();
    if wants.password {
        columns.push(Column::PasswordHash);
    }
    if wants.totp {
        columns.extend([Column::TotpSecret, Column::TotpStep, Column::WrongCodes]);
    }
    let keep_the_rest = OnConflict::column(Column::UserId).update_columns(columns).to_owned();
    Entity::insert(row).on_conflict(keep_the_rest).exec_without_returning(transaction).await?;
    Ok(())
}
