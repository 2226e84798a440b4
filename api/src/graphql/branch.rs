//! Branches: the places and channels of merchants.

pub mod register;
pub mod status;

use amvaj_domain::id::BranchId;
use amvaj_domain::merchant;
use async_graphql::{Context, Enum, ID, MergedObject, Object, Result};

use super::connection::connection;
use super::error::{Code, fault};
use super::global_id::GlobalId;
use super::loader::loader;
use super::merchant::Merchant;
use super::scalar::DateTime;

/// Whether a branch takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "merchant::BranchStatus")]
pub enum BranchStatus {
    /// Points are earned and spent there.
    Open,
    /// It is closed: what was begun there can be ended, and nothing begun.
    Closed,
}

connection! {
    /// Branches, a page at a time, in the order of their registration.
    BranchConnection, BranchEdge, Branch
}

/// A place or channel of a merchant, such as a shop or a web shop.
#[derive(Debug, Clone)]
pub struct Branch(pub merchant::Branch);

/// Mutations of branches.
#[derive(Default, MergedObject)]
pub struct BranchMutations(register::RegisterBranch, status::SetBranchStatus);

impl Branch {
    /// The branch of this id.
    pub async fn load(ctx: &Context<'_>, id: BranchId) -> Result<Option<Self>> {
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Self))
    }
}

/// A place or channel of a merchant, such as a shop or a web shop.
#[Object]
impl Branch {
    /// The branch's global id.
    pub async fn id(&self) -> ID {
        GlobalId::Branch(self.0.id).write()
    }

    /// The merchant whose branch it is.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Merchant> {
        let merchant = loader(ctx)?.load_one(self.0.merchant).await.map_err(fault)?;
        merchant.map(Merchant).ok_or_else(|| Code::internal("a branch without its merchant"))
    }

    /// The name in Persian. Example: `"شعبهٔ ونک"`.
    async fn name_fa(&self) -> &str {
        self.0.names.fa.as_str()
    }

    /// The name in English. Example: `"Vanak branch"`.
    async fn name_en(&self) -> &str {
        self.0.names.en.as_str()
    }

    /// Whether it takes part.
    async fn status(&self) -> BranchStatus {
        self.0.status.into()
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
