//! The schema: its roots and its limits.

use async_graphql::{EmptySubscription, Object, Schema, SchemaBuilder};

/// Deepest selection. Standard introspection queries are more than 12 deep.
const DEEPEST: usize = 20;
/// Most fields that one operation may ask for, spread fragments counted each time.
const MOST_FIELDS: usize = 5_000;
/// Most directives on one field.
const MOST_DIRECTIVES: usize = 10;

/// The schema that is served.
pub type AmvajSchema = Schema<Query, Mutation, EmptySubscription>;

/// The root of all queries.
pub struct Query;

/// The root of all mutations.
pub struct Mutation;

#[Object]
impl Query {
    /// The version of the server that answers, for example `0.1.0`.
    async fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

#[Object]
impl Mutation {
    /// Answers with what it was given; a client can prove with it that its mutations arrive.
    async fn echo(&self, #[graphql(desc = "Any text.")] text: String) -> String {
        text
    }
}

/// A schema with its limits set; the composition root adds its data and finishes it.
pub fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation, EmptySubscription)
        .limit_depth(DEEPEST)
        .limit_complexity(MOST_FIELDS)
        .limit_directives(MOST_DIRECTIVES)
}
