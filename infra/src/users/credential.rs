//! What a user proves itself with, and what follows from a proof.

use amvaj_domain::access::{EndReason, Subject};
use amvaj_domain::audit::Act;
use amvaj_domain::id::{SessionId, UserId};
use amvaj_domain::time::Instant;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use super::{Users, hold};
use crate::access::Session;
use crate::audit::{Audit, Unit};
use crate::db::StoreError;
use crate::db::entity::user_credential::{Column, Entity};
use crate::db::entity::{login_user, user_recovery_code};

/// Beyond this, wrong codes are no longer counted.
const MOST_COUNTED: i32 = 1_000_000;

/// What a user proves itself with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// The hash of the password; none after a reset.
    pub password_hash: Option<String>,
    /// The sealed secret of the one-time codes; none after a reset.
    pub totp_secret: Option<Vec<u8>>,
    /// The step of the last code that was used.
    pub totp_step: i64,
    /// How many wrong codes came with the right password since the last right one.
    pub wrong_codes: i32,
    /// Whether the recovery code that was asked for is one of the user's and was not used.
    pub has_recovery_code: bool,
}

/// What proves beside the password that it is the user. Each is good once.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// A one-time code.
    Code {
        /// The sealed secret that it was checked with.
        secret: &'a [u8],
        /// The step whose code it is.
        step: i64,
    },
    /// A recovery code, by its hash.
    RecoveryCode(&'a [u8; 32]),
}

/// What was found right, and has to be so still when something is done on the strength of it.
#[derive(Debug, Clone, Copy)]
pub struct Checked<'a> {
    /// The hash that the password was checked with.
    pub password_hash: &'a str,
    /// What was proven with beside it, where that is needed.
    pub proof: Option<Proof<'a>>,
}

/// A session to begin.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: SessionId,
    /// What the client calls itself.
    pub user_agent: &'a str,
}

/// A user who logs in.
#[derive(Debug, Clone, Copy)]
pub struct LogIn<'a> {
    /// The user.
    pub user: UserId,
    /// What was found right.
    pub checked: Checked<'a>,
    /// A hash with newer parameters, which replaces the one that the password was checked with.
    pub rehashed: Option<&'a str>,
    /// The session.
    pub session: NewSession<'a>,
}

/// A user who sets another password.
#[derive(Debug, Clone, Copy)]
pub struct PasswordChange<'a> {
    /// The user.
    pub user: UserId,
    /// What was found right.
    pub checked: Checked<'a>,
    /// The hash of the new password.
    pub password_hash: &'a str,
    /// The session that takes the place of all others.
    pub session: NewSession<'a>,
}

/// Whether recovery codes were replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// They were.
    Done,
    /// What was found right is no longer so.
    NoLongerRight,
}

impl Users {
    /// What a user proves itself with. For nobody, the same statements are run and find nothing.
    pub async fn credential(
        &self,
        user: Option<UserId>,
        recovery_code: Option<&[u8; 32]>,
    ) -> Result<Credential, StoreError> {
        let id = user.map_or(Uuid::nil(), UserId::uuid);
        let found = Entity::find_by_id(id).one(self.db.reader()).await?;
        let has_recovery_code = match recovery_code {
            None => false,
            Some(hash) => {
                let code = user_recovery_code::Entity::find_by_id((id, hash.to_vec()));
                code.one(self.db.reader()).await?.is_some_and(|code| code.used_at.is_none())
            }
        };
        let Some(row) = found else { return Ok(Credential { has_recovery_code, ..Credential::default() }) };
        Ok(Credential {
            password_hash: row.password_hash,
            totp_secret: row.totp_secret,
            totp_step: row.totp_step,
            wrong_codes: row.wrong_codes,
            has_recovery_code,
        })
    }

    /// Uses up what a user proved itself with and begins a session, in one commit; nothing when something else was
    /// first: the code is used, the password changed, the user disabled.
    pub async fn log_in(&self, log_in: &LogIn<'_>, act: &Act) -> Result<Option<Session>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        if !may_enter(transaction, log_in.user).await?
            || !take(transaction, log_in.user, &log_in.checked, act.at).await?
        {
            return Ok(None);
        }
        if let Some(hash) = log_in.rehashed {
            store_password(transaction, log_in.user, hash).await?;
        }
        login_user::Entity::update_many()
            .col_expr(login_user::Column::LoggedInAt, act.at.micros().into())
            .filter(login_user::Column::UserId.eq(log_in.user.uuid()))
            .exec(transaction)
            .await?;
        let NewSession { id, user_agent } = log_in.session;
        let subject = Subject::User(log_in.user);
        let (started, ended) = self.sessions.start_in(transaction, id, subject, user_agent, act.at).await?;
        unit.commit().await?;
        self.sessions.note(&ended, act.at);
        Ok(Some(started))
    }

    /// Sets another password. All sessions end, and one begins; nothing when something else was first.
    pub async fn change_password(
        &self,
        change: &PasswordChange<'_>,
        act: &Act,
    ) -> Result<Option<Session>, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        let transaction = unit.transaction();
        if !may_enter(transaction, change.user).await?
            || !take(transaction, change.user, &change.checked, act.at).await?
        {
            return Ok(None);
        }
        store_password(transaction, change.user, change.password_hash).await?;
        super::void_invitation(transaction, change.user).await?;
        let subject = Subject::User(change.user);
        let all = self.sessions.end_all_in(transaction, subject, EndReason::Changed, act.at).await?;
        let NewSession { id, user_agent } = change.session;
        let (started, _) = self.sessions.start_in(transaction, id, subject, user_agent, act.at).await?;
        unit.commit().await?;
        self.sessions.note_all(&all);
        Ok(Some(started))
    }

    /// Replaces all recovery codes, used or not.
    pub async fn replace_recovery_codes(
        &self,
        user: UserId,
        checked: &Checked<'_>,
        codes: &[[u8; 32]],
        act: &Act,
    ) -> Result<Replaced, StoreError> {
        let unit = Unit::begin(&self.db, Audit::Entry(act)).await?;
        if !may_enter(unit.transaction(), user).await?
            || !take(unit.transaction(), user, checked, act.at).await?
        {
            return Ok(Replaced::NoLongerRight);
        }
        store_recovery_codes(unit.transaction(), user, codes).await?;
        unit.commit().await?;
        Ok(Replaced::Done)
    }

    /// Counts a wrong code that came with the right password.
    pub async fn count_wrong_code(&self, user: UserId) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::WrongCodes, Expr::col(Column::WrongCodes).add(1))
            .filter(Column::UserId.eq(user.uuid()))
            .filter(Column::WrongCodes.lt(MOST_COUNTED))
            .exec(self.db.writer())
            .await?;
        Ok(())
    }
}

/// Whether the user has joined and is not disabled. Holds the user's row.
async fn may_enter(transaction: &DatabaseTransaction, user: UserId) -> Result<bool, StoreError> {
    let row = hold(transaction, user).await?;
    Ok(row.is_some_and(|row| row.disabled_at.is_none() && row.joined_at.is_some()))
}

/// Uses up what was found right, if it is so still.
pub(super) async fn take(
    transaction: &DatabaseTransaction,
    user: UserId,
    checked: &Checked<'_>,
    now: Instant,
) -> Result<bool, StoreError> {
    let mut update = Entity::update_many()
        .col_expr(Column::UserId, user.uuid().into())
        .filter(Column::UserId.eq(user.uuid()))
        .filter(Column::PasswordHash.eq(checked.password_hash));
    match checked.proof {
        None => {}
        Some(Proof::Code { secret, step }) => {
            update = update
                .col_expr(Column::TotpStep, step.into())
                .col_expr(Column::WrongCodes, 0.into())
                .filter(Column::TotpSecret.eq(secret))
                .filter(Column::TotpStep.lt(step));
        }
        Some(Proof::RecoveryCode(hash)) => {
            let used = user_recovery_code::Entity::update_many()
                .col_expr(user_recovery_code::Column::UsedAt, now.micros().into())
                .filter(user_recovery_code::Column::UserId.eq(user.uuid()))
                .filter(user_recovery_code::Column::CodeHash.eq(&hash[..]))
                .filter(user_recovery_code::Column::UsedAt.is_null())
                .exec(transaction)
                .await?;
            if used.rows_affected != 1 {
                return Ok(false);
            }
            update = update.col_expr(Column::WrongCodes, 0.into());
        }
    }
    Ok(update.exec(transaction).await?.rows_affected == 1)
}

async fn store_password(
    transaction: &DatabaseTransaction,
    user: UserId,
    hash: &str,
) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::PasswordHash, hash.into())
        .filter(Column::UserId.eq(user.uuid()))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Removes all recovery codes of a user and stores others.
pub(super) async fn store_recovery_codes(
    transaction: &DatabaseTransaction,
    user: UserId,
    codes: &[[u8; 32]],
) -> Result<(), StoreError> {
    use user_recovery_code::{ActiveModel, Column, Entity};
    Entity::delete_many().filter(Column::UserId.eq(user.uuid())).exec(transaction).await?;
    let rows = codes.iter().map(|hash| ActiveModel {
        user_id: Set(user.uuid()),
        code_hash: Set(hash.to_vec()),
        used_at: Set(None),
    });
    if !codes.is_empty() {
        Entity::insert_many(rows).exec_without_returning(transaction).await?;
    }
    Ok(())
}
