//! Log-in codes: how often a number may be sent one, and which code is right.
//!
//! A number that nobody has goes the same way as one that somebody has, statement by statement, so that neither
//! answers nor their timing tell which numbers are known. Codes belong to a challenge, whose id only the asker knows:
//! nobody else can use up its tries.

use amvaj_domain::{
    access::SubjectKind,
    id::MemberId,
    time::{Instant, Span},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    Statement,
    sea_query::{Expr, ExprTrait as _},
};
use uuid::Uuid;

use crate::db::{
    Database, StoreError,
    entity::login_challenge::{ActiveModel, Column, Entity},
};
use crate::directory::present::present;

/// How long a code is good.
pub const CODE_LIFE: Span = Span::minutes(2);
/// How often a code can be tried.
pub const MOST_TRIES: i16 = 5;
/// How long to wait before another code is sent to a number.
pub const RESEND_WAIT: Span = Span::seconds(60);
/// Most codes that are sent to a number within [`WINDOW`].
const MOST_CODES: i16 = 6;
const WINDOW: Span = Span::minutes(60);
/// How long what is over is kept before it is removed.
const KEPT: Span = Span::days(1);

/// The codes in a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LoginCodes {
    db: Database,
}

/// Somebody asks for a code.
#[derive(Debug, Clone)]
pub struct CodeRequest {
    /// What the code is for.
    pub kind: SubjectKind,
    /// A keyed hash of the number.
    pub number_key: [u8; 32],
    /// Names the challenge; only the asker gets to know it.
    pub challenge: Uuid,
    /// Whose number it is, if anybody's.
    pub subject: Option<Uuid>,
    /// A keyed hash of challenge and code.
    pub code_hash: [u8; 32],
}

/// Whether a code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendDecision {
    /// It is: the challenge is open.
    Send {
        /// When the code ends.
        expires_at: Instant,
        /// When another one can be asked for.
        resend_at: Instant,
    },
    /// It is not: the number was sent one a moment ago, or too many in an hour.
    Wait {
        /// When one can be asked for.
        until: Instant,
    },
}

/// An open challenge and a code that was tried.
#[derive(Debug, Clone, Copy)]
pub struct Challenge {
    /// The challenge.
    pub id: Uuid,
    /// A keyed hash of challenge and code.
    pub code_hash: [u8; 32],
}

/// What a code was good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeOutcome {
    /// It is right, and used now.
    Right {
        /// What it is for.
        kind: SubjectKind,
        /// Who that is.
        subject: Uuid,
    },
    /// It is wrong.
    Wrong {
        /// How often another one can be tried.
        tries_left: i16,
    },
    /// There is no such challenge, or it is over: used, tried too often, too late.
    Over,
}

impl LoginCodes {
    /// The codes in a database.
    pub const fn new(db: Database) -> Self {
        Self { db }
    }

    /// Opens a challenge, unless the number has to wait.
    pub async fn open(&self, request: &CodeRequest, now: Instant) -> Result<SendDecision, StoreError> {
        let transaction = self.db.begin().await?;
        let values = [
            request.kind.stored().into(),
            request.number_key.to_vec().into(),
            now.micros().into(),
            WINDOW.micros().into(),
            RESEND_WAIT.micros().into(),
            MOST_CODES.into(),
        ];
        let counted = Statement::from_sql_and_values(self.db.backend(), COUNT, values);
        if transaction.execute_raw(counted).await?.rows_affected() == 0 {
            let until = self.wait(&transaction, request).await?;
            return Ok(SendDecision::Wait { until: until.max(now.plus(Span::seconds(1))) });
        }
        let subject = whoever_is_here(&transaction, request).await?;
        let expires_at = now.plus(CODE_LIFE);
        let row = ActiveModel {
            challenge_id: Set(request.challenge),
            kind: Set(request.kind.stored()),
            subject: Set(subject),
            code_hash: Set(request.code_hash.to_vec()),
            tries_left: Set(MOST_TRIES),
            expires_at: Set(expires_at.micros()),
            used_at: Set(None),
        };
        Entity::insert(row).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(SendDecision::Send { expires_at, resend_at: now.plus(RESEND_WAIT) })
    }

    /// Tries a code. A try counts before the code is looked at, so that tries at the same time are counted too.
    pub async fn attempt(&self, tried: Challenge, now: Instant) -> Result<ChallengeOutcome, StoreError> {
        let transaction = self.db.begin().await?;
        let counted = Entity::update_many()
            .col_expr(Column::TriesLeft, Expr::col(Column::TriesLeft).sub(1))
            .filter(Column::ChallengeId.eq(tried.id))
            .filter(Column::TriesLeft.gt(0))
            .filter(Column::UsedAt.is_null())
            .filter(Column::ExpiresAt.gt(now.micros()))
            .exec(&transaction)
            .await?;
        if counted.rows_affected == 0 {
            return Ok(ChallengeOutcome::Over);
        }
        let Some(row) = Entity::find_by_id(tried.id).one(&transaction).await? else {
            return Ok(ChallengeOutcome::Over);
        };
        // Both are keyed hashes, so the time that a comparison takes tells nothing about the code.
        let right = row.code_hash == tried.code_hash;
        let outcome = match (right, row.subject, SubjectKind::from_stored(row.kind)) {
            (true, Some(subject), Some(kind)) => {
                Entity::update_many()
                    .col_expr(Column::UsedAt, now.micros().into())
                    .filter(Column::ChallengeId.eq(tried.id))
                    .exec(&transaction)
                    .await?;
                ChallengeOutcome::Right { kind, subject }
            }
            _ => ChallengeOutcome::Wrong { tries_left: row.tries_left },
        };
        transaction.commit().await?;
        Ok(outcome)
    }

    /// Removes what is over, and numbers that have not asked for long; says how many rows that were.
    pub async fn purge(&self, now: Instant) -> Result<u64, StoreError> {
        let before = now.micros().saturating_sub(KEPT.micros());
        let challenges =
            Entity::delete_many().filter(Column::ExpiresAt.lt(before)).exec(self.db.writer()).await?;
        let numbers = Statement::from_sql_and_values(self.db.backend(), FORGET, [before.into()]);
        let numbers = self.db.writer().execute_raw(numbers).await?;
        Ok(challenges.rows_affected.saturating_add(numbers.rows_affected()))
    }

    /// When a number that has to wait may ask again.
    async fn wait<C: sea_orm::ConnectionTrait>(
        &self,
        connection: &C,
        request: &CodeRequest,
    ) -> Result<Instant, StoreError> {
        let values = [request.kind.stored().into(), request.number_key.to_vec().into()];
        let statement = Statement::from_sql_and_values(self.db.backend(), ASKED, values);
        let Some(row) = connection.query_one_raw(statement).await? else {
            return Ok(Instant::from_micros(0));
        };
        let (last, began, sent): (i64, i64, i16) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let resend = Instant::from_micros(last).plus(RESEND_WAIT);
        let window = Instant::from_micros(began).plus(WINDOW);
        Ok(if sent >= MOST_CODES { resend.max(window) } else { resend })
    }
}

/// Whom a code lets in: nobody who was erased since the number was looked up. A number that nobody has takes the same
/// statement.
async fn whoever_is_here(
    transaction: &DatabaseTransaction,
    request: &CodeRequest,
) -> Result<Option<Uuid>, StoreError> {
    if request.kind != SubjectKind::Member {
        return Ok(request.subject);
    }
    let member = MemberId::new(request.subject.unwrap_or_default());
    Ok(present(transaction, member).await?.map(|row| row.member_id))
}

/// Counts a code for a number in one statement, or changes nothing when the number has to wait.
const COUNT: &str = "
    insert into login_number as n (kind, number_key, last_sent_at, window_began_at, sent)
    values ($1, $2, $3, $3, 1)
    on conflict (kind, number_key) do update set
        last_sent_at = excluded.last_sent_at,
        window_began_at = case when n.window_began_at <= excluded.last_sent_at - $4
            then excluded.last_sent_at else n.window_began_at end,
        sent = case when n.window_began_at <= excluded.last_sent_at - $4 then 1 else n.sent + 1 end
    where n.last_sent_at <= excluded.last_sent_at - $5
        and (n.window_began_at <= excluded.last_sent_at - $4 or n.sent < $6)";

const ASKED: &str =
    "select last_sent_at, window_began_at, sent from login_number where kind = $1 and number_key = $2";

const FORGET: &str = "delete from login_number where last_sent_at < $1";
