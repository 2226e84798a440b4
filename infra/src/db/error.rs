//! What can go wrong with the database, classified once.

use sea_orm::{DbErr, RuntimeErr, SqlxError};

/// A failure of the database, by what can be done about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A unique key is taken: another writer was first.
    #[error("a unique key is taken: {0}")]
    Duplicate(String),
    /// Another transaction is in the way; the same work can be tried again.
    #[error("another transaction is in the way: {0}")]
    Contention(String),
    /// The database does not answer, or no connection is free.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// A row breaks a rule of the schema; trying again will not help.
    #[error("a row breaks a rule of the schema: {0}")]
    Constraint(String),
    /// A stored row cannot be read as what it should be.
    #[error("row {id} of {table} cannot be read: {what}")]
    CorruptRow {
        /// The table.
        table: &'static str,
        /// The row's key.
        id: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database is newer than this program (it knows {0}): run the version that wrote it, or restore a backup"
    )]
    Newer(String),
    /// Any other failure.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error {
            DbErr::ConnectionAcquire(cause) => Self::Unavailable(cause.to_string()),
            DbErr::Conn(cause) => match cause {
                RuntimeErr::SqlxError(cause) => match classify(&cause) {
                    Self::Failed(what) => Self::Unavailable(what),
                    classified => classified,
                },
                other @ RuntimeErr::Internal(_) => Self::Unavailable(other.to_string()),
            },
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                classify(&cause)
            }
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<SqlxError> for StoreError {
    fn from(error: SqlxError) -> Self {
        classify(&error)
    }
}

impl StoreError {
    /// Whether the same work can be tried again at once.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Contention(_))
    }
}

fn classify(error: &SqlxError) -> StoreError {
    let what = error.to_string();
    match error {
        SqlxError::Database(cause) => match cause.code().as_deref() {
            // PostgreSQL SQLSTATE, then SQLite's extended result codes.
            Some("23505" | "1555" | "2067") => StoreError::Duplicate(what),
            Some("40001" | "40P01" | "55P03" | "0A000" | "5" | "6" | "261" | "262" | "517" | "773") => {
                StoreError::Contention(what)
            }
            Some("23514" | "23502" | "275" | "1299" | "3091") => StoreError::Constraint(what),
            // Values that a column cannot hold.
            Some(code) if code.len() == 5 && code.starts_with("22") => StoreError::Constraint(what),
            Some(code) if unavailable(code) => StoreError::Unavailable(what),
            _ => StoreError::Failed(what),
        },
        SqlxError::Io(_)
        | SqlxError::Tls(_)
        | SqlxError::Protocol(_)
        | SqlxError::PoolTimedOut
        | SqlxError::PoolClosed
        | SqlxError::WorkerCrashed => StoreError::Unavailable(what),
        _ => StoreError::Failed(what),
    }
}

/// Connection failures, a server that only reads, too many connections, shutdown, disk full and I/O errors of PostgreSQL; a full disk, an
/// I/O error, a read-only or unopenable file of SQLite.
fn unavailable(code: &str) -> bool {
    let postgres =
        code.len() == 5 && ["08", "25", "53", "57", "58"].iter().any(|class| code.starts_with(class));
    let sqlite = code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 8 | 10 | 13 | 14));
    postgres || (code.len() < 5 && sqlite)
}
