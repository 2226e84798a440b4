//! Who is calling, and what each role may do.

use crate::id::{MemberId, MerchantId};

/// An authenticated caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// The party that runs the network.
    Operator,
    /// A partner business, acting for itself only.
    Merchant(MerchantId),
    /// A member, acting for its own wallet only.
    Member(MemberId),
}

/// What a caller is, without whom it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the network.
    Operator,
    /// Issues and accepts points.
    Merchant,
    /// Collects and spends points.
    Member,
}

impl Caller {
    /// The caller's role.
    pub const fn role(self) -> Role {
        match self {
            Self::Operator => Role::Operator,
            Self::Merchant(_) => Role::Merchant,
            Self::Member(_) => Role::Member,
        }
    }
}
