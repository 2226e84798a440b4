//! Operators and agents: who they are, what they prove themselves with, and how they are invited.
//!
//! Passwords, codes and invitations reach this module hashed, and secrets of one-time codes sealed; it compares and
//! stores them and never sees what they are made of. Whatever changes a user holds the user's row first, so that of two
//! things at once one comes after the other: a log-in that began before a user was disabled, or before the password was
//! changed, ends with it.

mod credential;
mod invitation;
mod read;
mod status;

pub use credential::{Checked, Credential, LogIn, NewSession, PasswordChange, Proof, Replaced};
pub use invitation::{Completion, Invitation, NameTaken, NewInvitation, Renewed, Reset, Wants};
pub use read::UserFilter;
pub use status::LastManager;

use amvaj_domain::id::UserId;
use sea_orm::{DatabaseTransaction, EntityTrait as _, QuerySelect as _};

use crate::access::Sessions;
use crate::db::entity::{login_user, user_invitation};
use crate::db::{Database, StoreError};

/// The operators and agents in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Users {
    db: Database,
    sessions: Sessions,
}

impl Users {
    /// The users in a database, whose sessions end with what they rest on.
    pub const fn new(db: Database, sessions: Sessions) -> Self {
        Self { db, sessions }
    }
}

/// Holds a user's row until the transaction ends; nothing when there is no such user.
async fn hold(
    transaction: &DatabaseTransaction,
    user: UserId,
) -> Result<Option<login_user::Model>, StoreError> {
    Ok(login_user::Entity::find_by_id(user.uuid()).lock_exclusive().one(transaction).await?)
}

/// Takes back what a user was invited to, if anything: after a change of what it rests on nobody sets anything with it.
async fn void_invitation(transaction: &DatabaseTransaction, user: UserId) -> Result<(), StoreError> {
    user_invitation::Entity::delete_by_id(user.uuid()).exec(transaction).await?;
    Ok(())
}
