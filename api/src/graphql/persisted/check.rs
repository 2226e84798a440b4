//! Whether a document fits the schema and the limits, found out without executing it.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextValidation};
use async_graphql::parser::parse_query;
use async_graphql::{Request, ServerError, ValidationResult, Variables};
use async_trait::async_trait;

use crate::config::GraphqlConfig;
use crate::graphql::document::{self, ParsedDocument};
use crate::graphql::schema::{self, AmvajSchema};
use crate::language::Language;

/// Checks documents.
pub struct Checker(AmvajSchema);

/// Ends every request after its validation.
struct OnlyValidates;

impl Checker {
    /// For the schema that is served.
    pub fn new(config: &GraphqlConfig) -> Self {
        Self(schema::served(config).extension(OnlyValidates).finish())
    }

    /// What is wrong with a document of one operation; nothing when it can be sent. What its variables make it cost is found
    /// out when it is sent.
    pub async fn problems(&self, text: &str) -> Vec<String> {
        let small = document::scan(text).map_err(|refused| refused.message().say(Language::English));
        if let Err(problem) = small.and_then(|()| measured(text)) {
            return vec![problem];
        }
        let response = self.0.execute(Request::new(text)).await;
        let mut problems: Vec<String> = response.errors.into_iter().map(|error| error.message).collect();
        problems.dedup();
        problems
    }
}

/// The library follows fragments as often as they are spread, so no document gets to it before it was measured.
fn measured(text: &str) -> Result<(), String> {
    let parsed: ParsedDocument = parse_query(text).map_err(unparsed)?.into();
    let Some((_, operation)) = parsed.operation(None) else { return Err("it has no operation".to_owned()) };
    document::measure(&parsed.parsed, operation, &Variables::default())
        .map(|_| ())
        .map_err(|refused| refused.message().say(Language::English))
}

/// Where the parser stopped and what it expected, without its picture of the document.
fn unparsed(error: async_graphql::parser::Error) -> String {
    let error = ServerError::from(error);
    let expected = error.message.lines().rev().find_map(|line| line.trim().strip_prefix("= "));
    let place =
        error.locations.first().map(|place| format!(", line {}, column {}", place.line, place.column));
    format!("it is not GraphQL{}: {}", place.unwrap_or_default(), expected.unwrap_or("it ends too early"))
}

impl ExtensionFactory for OnlyValidates {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for OnlyValidates {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        next.run(ctx).await?;
        // No error, and nothing to execute.
        Err(Vec::new())
    }
}
