//! What a document asks for, found out before anything of it is executed: whether it is small enough to be looked at,
//! and what it costs.
//!
//! Nothing here follows a fragment twice. The library's own checks do, so a document of one kilobyte whose fragments
//! spread each other twice would keep them busy for ever; no document gets to them before it has passed here.

mod input_types;
mod known;
mod measure;
mod scan;

use async_graphql::Pos;

use crate::language::Message;

pub use input_types::InputTypes;
pub use known::{KnownDocuments, ParsedDocument};
pub use measure::{Asked, measure};
pub use scan::scan;

/// What a document has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Excess {
    /// Names, numbers, texts and signs.
    Tokens,
    /// Brackets within brackets.
    Nesting,
    /// Letters of one name.
    NameLength,
    /// Operations.
    Operations,
    /// Fragments.
    Fragments,
    /// Variables of one operation.
    Variables,
    /// Selected fields of one operation, those of a fragment each time that it is spread.
    Selections,
    /// Selected fields of one operation at its root.
    RootFields,
    /// Aliases of one operation.
    Aliases,
    /// Directives of one operation.
    Directives,
    /// Selections within selections.
    Depth,
    /// Items of one list.
    ListItems,
    /// Values in all variables together.
    Values,
    /// Lists of types or fields within each other, in a look at the schema.
    SchemaLists,
    /// What it costs.
    Cost,
}

/// A document that is refused before it is looked at more closely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It has too much of something.
    Excess(Excess),
    /// A fragment spreads itself.
    Cycle(Pos),
}

impl Excess {
    /// How much there may be.
    pub const fn most(self) -> u64 {
        match self {
            Self::Tokens => 5_000,
            Self::Nesting => 64,
            Self::NameLength => 128,
            Self::Operations | Self::RootFields | Self::Depth => 20,
            Self::Fragments | Self::Variables | Self::Aliases => 100,
            Self::Selections | Self::ListItems => 500,
            Self::Directives => 50,
            Self::Values => 20_000,
            // As in the introspection query that all tools send; the types lead back to each other without an end.
            Self::SchemaLists => 1,
            Self::Cost => 10_000,
        }
    }

    /// The name by which the message files know it.
    const fn name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Nesting => "nesting",
            Self::NameLength => "name-length",
            Self::Operations => "operations",
            Self::Fragments => "fragments",
            Self::Variables => "variables",
            Self::Selections => "selections",
            Self::RootFields => "root-fields",
            Self::Aliases => "aliases",
            Self::Directives => "directives",
            Self::Depth => "depth",
            Self::ListItems => "list-items",
            Self::Values => "values",
            Self::SchemaLists => "schema-lists",
            Self::Cost => "cost",
        }
    }

    /// Refuses what is more than there may be.
    pub fn check(self, count: u64) -> Result<(), Refused> {
        if count <= self.most() { Ok(()) } else { Err(Refused::Excess(self)) }
    }
}

impl Refused {
    /// What to tell the client.
    pub fn message(&self) -> Message {
        match self {
            Self::Excess(excess) => Message::new("document-excess")
                .with("what", excess.name())
                .with("limit", i64::try_from(excess.most()).unwrap_or(i64::MAX)),
            Self::Cycle(_) => Message::new("document-cycle"),
        }
    }

    /// Where in the document, if that can be said.
    pub fn locations(&self) -> Vec<Pos> {
        match self {
            Self::Excess(_) => Vec::new(),
            Self::Cycle(place) => vec![*place],
        }
    }
}

#[cfg(test)]
mod tests;
