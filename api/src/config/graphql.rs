//! Settings of the GraphQL endpoint.

use std::path::PathBuf;

use super::flag;
use super::reader::Reader;
use crate::graphql::access::Introspection;
use crate::graphql::persisted::TrustedOnly;
use crate::graphql::subgraph::Subgraph;

/// What the GraphQL endpoint tells and takes.
#[derive(Debug, Clone)]
pub struct GraphqlConfig {
    /// Who may ask for the schema itself.
    pub introspection: Introspection,
    /// Whether errors suggest names that are like a wrong one: for development.
    pub suggestions: bool,
    /// The only domain that is served; the whole when there is none.
    pub subgraph: Option<&'static Subgraph>,
    /// The file of the trusted documents.
    pub manifest: Option<PathBuf>,
    /// Who may send no other documents than trusted ones.
    pub trusted_only: TrustedOnly,
}

impl GraphqlConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            introspection: reader.take("GRAPHQL_INTROSPECTION", Introspection::Everyone, |text| {
                Introspection::parse(text)
                    .ok_or_else(|| format!("is {text:?}; write everyone, signed-in or nobody"))
            }),
            suggestions: reader.take("GRAPHQL_SUGGESTIONS", false, flag),
            subgraph: reader.take_optional("GRAPHQL_SUBGRAPH", |text| {
                Subgraph::parse(text)
                    .ok_or_else(|| format!("is {text:?}; write one of {}", Subgraph::names()))
            }),
            manifest: reader.take_optional("GRAPHQL_MANIFEST", |text| Ok(PathBuf::from(text))),
            trusted_only: reader.take("GRAPHQL_TRUSTED_ONLY", TrustedOnly::Nobody, |text| {
                TrustedOnly::parse(text)
                    .ok_or_else(|| format!("is {text:?}; write nobody, members or everyone"))
            }),
        }
    }
}
