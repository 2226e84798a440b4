//! Buckets whose leases one node holds, worked on in one go: a statement for all of them costs what one for each does.

use amvaj_domain::id::OUTBOX_BUCKETS;
use sea_orm::DatabaseTransaction;

use crate::{
    db::Database,
    worker::{Lease, WorkError},
};

/// Some buckets and their leases.
#[derive(Debug, Clone, Default)]
pub struct Buckets(Vec<(i16, Lease)>);

impl Buckets {
    /// The name of a bucket's lease.
    pub fn lease_name(bucket: i16) -> String {
        format!("outbox:{bucket}")
    }

    /// Their numbers, rising.
    pub fn numbers(&self) -> impl Iterator<Item = i16> {
        self.0.iter().map(|(bucket, _)| *bucket)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them alone.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        self.0.iter().map(|held| Self(vec![held.clone()]))
    }

    /// Begins a transaction in which none of the leases can change hands.
    ///
    /// # Errors
    /// [`WorkError::Fenced`] when one of them already has.
    pub(crate) async fn fence(&self, database: &Database) -> Result<DatabaseTransaction, WorkError> {
        let leases: Vec<&Lease> = self.0.iter().map(|(_, lease)| lease).collect();
        Lease::fence_all(&leases, database).await
    }

    /// A page of each bucket from one statement. In `page`, the text `{bucket}` stands for the number.
    pub(super) fn pages(&self, page: &str) -> String {
        let page = |bucket: i16| {
            format!("select * from ({}) as b{bucket}", page.replace("{bucket}", &bucket.to_string()))
        };
        let pages: Vec<String> = self.numbers().map(page).collect();
        pages.join(" union all ")
    }
}

impl FromIterator<(i16, Lease)> for Buckets {
    fn from_iter<I: IntoIterator<Item = (i16, Lease)>>(held: I) -> Self {
        let mut held: Vec<(i16, Lease)> = held.into_iter().collect();
        held.sort_by_key(|(bucket, _)| *bucket);
        Self(held)
    }
}

/// All buckets as a table `b(column1)`, which is how both databases name the column of a list of values.
pub(super) fn every_bucket() -> String {
    let buckets: Vec<String> = (0..OUTBOX_BUCKETS).map(|bucket| format!("({bucket})")).collect();
    format!("(values {}) as b", buckets.join(", "))
}
