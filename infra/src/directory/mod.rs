//! Who takes part: merchants with their branches, earn rules and people, members and how to find them.
//!
//! Reads answer with domain values. What a caller may see of members depends on who it is, so they are read through
//! [`Members`], which is made for a caller and shows no more of each. Each write is one transaction, and what the operator
//! does is committed with its entry in the audit log; a write on this node is seen at once by every read on it, and
//! within a second on other nodes.

mod branch;
mod bulk_enrolment;
mod earn_rule;
mod enrolment;
mod erasure;
mod face;
mod file;
mod member;
mod merchant;
mod network;
pub(crate) mod present;
mod rows;
mod set_column;
mod staff;
mod wallet;

pub use earn_rule::RuleRefused;
pub use enrolment::{Enrolment, EnrolmentRefused, LinkRefused};
pub use file::MerchantFile;
pub use member::{MemberFilter, Members, NamedMember};
pub use merchant::MerchantFilter;
pub use network::Network;
pub use staff::{StaffReach, StaffRefused};

use amvaj_domain::{access::Caller, id::WalletId};

use crate::db::{Database, gathered::Gathered, listing};
use crate::relation::Relations;
use file::Files;
use wallet::Wallets;

/// The directory of those who take part. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Directory {
    db: Database,
    files: Files,
    relations: Relations,
    wallets: Wallets,
    faces: Gathered<WalletId, face::Row>,
}

impl Directory {
    /// The directory in a database, where look-ups go together on the runtime that calls.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new(db: Database) -> Self {
        Self {
            files: Files::new(),
            relations: Relations::new(db.clone()),
            wallets: Wallets::new(),
            faces: Gathered::new(db.clone(), face::look_up),
            db,
        }
    }

    /// What there is between merchants and members.
    pub const fn relations(&self) -> &Relations {
        &self.relations
    }

    /// The members as `caller` may see them.
    pub fn members(&self, caller: Caller) -> Members<'_> {
        Members::new(self, caller)
    }
}
