//! Exports: files of what the journal or the network holds, made in the background and fetched by a link.

use crate::access::{Actor, Caller, Identity, Scope};
use crate::id::{BranchId, ExportId, MemberId, MerchantId, WalletId};
use crate::ledger::{OpKind, Tenant, stored};
use crate::time::{Instant, Span};

/// Exports of one owner that may be under way at a time.
pub const MOST_UNDER_WAY: i16 = 3;
/// How long a finished file can be fetched.
pub const KEPT: Span = Span::days(1);
/// How long it stays known what became of an export.
pub const REMEMBERED: Span = Span::days(30);

stored! {
    /// How a file is written.
    ExportFormat {
        /// Comma-separated values after RFC 4180.
        Csv = 1,
        /// One JSON object on each line.
        JsonLines = 2,
    }
}

stored! {
    /// What became of an export, as storage has it: that a file is gone follows from the time.
    ExportStage {
        /// Nothing is written yet.
        Queued = 1,
        /// A part is written.
        Running = 2,
        /// The file is whole.
        Done = 3,
        /// It cannot be made.
        Failed = 4,
    }
}

stored! {
    /// Why a file could not be made.
    ExportFailure {
        /// Something that belongs into it is stored in a way that nobody can read.
        Unreadable = 1,
        /// Writing it failed again and again.
        Broken = 2,
    }
}

/// What became of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportStatus {
    /// Nothing is written yet.
    Queued,
    /// A part is written.
    Running,
    /// The file can be fetched.
    Done,
    /// It cannot be made.
    Failed,
    /// The file was there, and is gone.
    Expired,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportOf {
    /// Operations of the journal.
    Operations(OperationsExport),
    /// All that is held about a member.
    Member(MemberId, WalletId),
}

/// Which operations a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationsExport {
    /// Of this merchant; of the whole network when absent.
    pub merchant: Option<MerchantId>,
    /// At these branches only; wherever it was when absent.
    pub branches: Option<Vec<BranchId>>,
    /// Of these kinds; empty means all.
    pub kinds: Vec<OpKind>,
    /// Recorded at or after.
    pub from: Option<Instant>,
}

/// An export that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// In whose name it was asked for.
    pub owner: Tenant,
    /// Who asked in person.
    pub actor: Option<Actor>,
    /// What it holds.
    pub of: ExportOf,
    /// How it is written.
    pub format: ExportFormat,
    /// Only what was recorded before.
    pub until: Instant,
    /// How far it has come.
    pub stage: ExportStage,
    /// Rows that are written.
    pub rows_done: i64,
    /// About how many rows there will be, once they were counted.
    pub rows_total: Option<i64>,
    /// Bytes that are written.
    pub size: i64,
    /// SHA-256 of the whole file.
    pub sha256: Option<Vec<u8>>,
    /// When it was asked for.
    pub created_at: Instant,
    /// When it was done, or found that it cannot be.
    pub finished_at: Option<Instant>,
    /// When the file goes.
    pub expires_at: Option<Instant>,
    /// Why it cannot be made.
    pub failure: Option<ExportFailure>,
}

impl Export {
    /// What became of it by `now`.
    pub fn status(&self, now: Instant) -> ExportStatus {
        match self.stage {
            ExportStage::Queued => ExportStatus::Queued,
            ExportStage::Running => ExportStatus::Running,
            ExportStage::Failed => ExportStatus::Failed,
            ExportStage::Done if self.expires_at.is_some_and(|end| end <= now) => ExportStatus::Expired,
            ExportStage::Done => ExportStatus::Done,
        }
    }

    /// As whom what it holds is read; nobody exports for the ledger itself.
    pub const fn caller(&self) -> Option<Caller> {
        match self.owner {
            Tenant::Network => Some(Caller::Operator),
            Tenant::Merchant(id) => Some(Caller::Merchant(id)),
            Tenant::Member(id) => Some(Caller::Member(id)),
            Tenant::Internal => None,
        }
    }
}

/// The exports that somebody may look at and fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSight {
    /// Those of this owner.
    pub owner: Tenant,
    /// Only some of them: for whoever reads operations at some branches only.
    pub branches: Option<BranchSight>,
    /// Whether those of operations are among them.
    pub operations: bool,
    /// Whether those of members are.
    pub members: bool,
}

/// What of a merchant's exports is seen by whoever reads operations at some of its branches only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchSight {
    /// Those that this person asked for.
    pub actor: Actor,
    /// Those that hold nothing of other branches than these, whatever the person led when it asked.
    pub within: Vec<BranchId>,
}

impl BranchSight {
    fn shows(&self, export: &Export) -> bool {
        let ExportOf::Operations(OperationsExport { branches: Some(branches), .. }) = &export.of else {
            return false;
        };
        export.actor == Some(self.actor) && branches.iter().all(|branch| self.within.contains(branch))
    }
}

impl ExportSight {
    /// What a caller sees; nothing for those who export nothing.
    pub fn of(identity: &Identity) -> Option<Self> {
        let operations = identity.may(Scope::OperationsRead);
        let all = |owner, members| Self { owner, branches: None, operations, members };
        let sight = match identity.caller {
            Caller::Operator => all(Tenant::Network, identity.may(Scope::MembersManage)),
            Caller::Merchant(id) => Self {
                branches: identity
                    .branches(Scope::OperationsRead)
                    .map(|within| BranchSight { actor: identity.actor, within }),
                ..all(Tenant::Merchant(id), false)
            },
            Caller::Member(id) => Self { operations: false, ..all(Tenant::Member(id), true) },
            Caller::Agent => return None,
        };
        (sight.operations || sight.members).then_some(sight)
    }

    /// Whether an export is among them.
    pub fn shows(&self, export: &Export) -> bool {
        let kind = match export.of {
            ExportOf::Operations(_) => self.operations,
            ExportOf::Member(..) => self.members,
        };
        let among = self.branches.as_ref().is_none_or(|sight| sight.shows(export));
        kind && self.owner == export.owner && among
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::access::{Post, Scopes, StaffRole};
    use crate::id::StaffId;

    fn export(owner: Tenant, actor: Actor, of: ExportOf) -> Export {
        Export {
            id: ExportId::new(Uuid::from_u128(1)),
            owner,
            actor: Some(actor),
            of,
            format: ExportFormat::Csv,
            until: Instant::from_micros(10),
            stage: ExportStage::Done,
            rows_done: 0,
            rows_total: Some(0),
            size: 0,
            sha256: None,
            created_at: Instant::from_micros(10),
            finished_at: Some(Instant::from_micros(20)),
            expires_at: Some(Instant::from_micros(30)),
            failure: None,
        }
    }

    fn operations() -> ExportOf {
        operations_at(None)
    }

    fn operations_at(branches: Option<Vec<BranchId>>) -> ExportOf {
        ExportOf::Operations(OperationsExport { merchant: None, branches, kinds: Vec::new(), from: None })
    }

    #[test]
    fn a_file_expires_by_time_alone() {
        let done = export(Tenant::Network, Actor::Console, operations());
        assert_eq!(done.status(Instant::from_micros(29)), ExportStatus::Done);
        assert_eq!(done.status(Instant::from_micros(30)), ExportStatus::Expired);
        let failed = Export { stage: ExportStage::Failed, ..done };
        assert_eq!(failed.status(Instant::from_micros(30)), ExportStatus::Failed);
    }

    #[test]
    fn who_leads_a_branch_sees_its_own_exports_and_an_owner_all_of_the_merchant() {
        let merchant = MerchantId::new(Uuid::from_u128(7));
        let staff = |number, branch: Option<u128>| {
            let branch = branch.map(|branch| BranchId::new(Uuid::from_u128(branch)));
            let posts = vec![Post { branch, role: StaffRole::Manager }];
            Identity::staff(merchant, StaffId::new(Uuid::from_u128(number)), posts)
        };
        let (leader, other, owner) = (staff(1, Some(3)), staff(2, Some(4)), staff(3, None));
        let at = operations_at(Some(vec![BranchId::new(Uuid::from_u128(3))]));
        let made = export(Tenant::Merchant(merchant), leader.actor, at);
        let sees = |identity: &Identity| ExportSight::of(identity).is_some_and(|sight| sight.shows(&made));
        assert!(sees(&leader) && sees(&owner) && !sees(&other));
        assert!(!sees(&Identity::console(Caller::Operator)));
        assert!(!sees(&owner.limited_to(Scopes::of(&[Scope::PointsEarn]))));
    }

    #[test]
    fn who_leads_less_than_before_sees_no_wider_file_of_its_own() {
        let merchant = MerchantId::new(Uuid::from_u128(7));
        let branch = |number| BranchId::new(Uuid::from_u128(number));
        let leads = |branches: &[u128]| {
            let post = |number: &u128| Post { branch: Some(branch(*number)), role: StaffRole::Manager };
            Identity::staff(merchant, StaffId::new(Uuid::from_u128(1)), branches.iter().map(post).collect())
        };
        let both = leads(&[3, 4]);
        let of = |branches: Option<Vec<BranchId>>| {
            export(Tenant::Merchant(merchant), both.actor, operations_at(branches))
        };
        let sees = |identity: &Identity, made: &Export| {
            ExportSight::of(identity).is_some_and(|sight| sight.shows(made))
        };
        let (wide, narrow, whole) =
            (of(Some(vec![branch(3), branch(4)])), of(Some(vec![branch(4)])), of(None));
        assert!(sees(&both, &wide) && sees(&both, &narrow) && !sees(&both, &whole));
        assert!(!sees(&leads(&[4]), &wide) && sees(&leads(&[4]), &narrow) && !sees(&leads(&[5]), &narrow));
    }

    #[test]
    fn what_is_held_about_a_member_is_for_the_member_and_operators_who_manage_members() {
        let member = MemberId::new(Uuid::from_u128(5));
        let of = ExportOf::Member(member, WalletId::new(Uuid::from_u128(6)));
        let own = export(Tenant::Member(member), Actor::Member(member), of.clone());
        let asked = export(Tenant::Network, Actor::Console, of);
        let sees = |identity: &Identity, made: &Export| {
            ExportSight::of(identity).is_some_and(|sight| sight.shows(made))
        };
        let itself = Identity::console(Caller::Member(member));
        let operator = Identity::console(Caller::Operator);
        assert!(sees(&itself, &own) && !sees(&itself, &asked));
        assert!(sees(&operator, &asked) && !sees(&operator, &own));
        let reader = operator.limited_to(Scopes::of(&[Scope::OperationsRead]));
        assert!(!sees(&reader, &asked));
        assert_eq!(ExportSight::of(&Identity::console(Caller::Agent)), None);
    }
}
