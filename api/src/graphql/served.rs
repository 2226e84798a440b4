//! The schema as it is served: a document that was executed before is neither parsed nor validated again.
//!
//! A schema of the library validates every document or none. So there are two of one make, and what a document is known to
//! be decides which of them executes it.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::OperationDefinition;
use async_graphql::{Request, Response, ServerError, ValidationMode};
use futures_util::stream::BoxStream;

use super::access::Guarded;
use super::document::{self, InputTypes, KnownDocuments, ParsedDocument, Refused};
use super::error::Stage;
use super::schema::{AmvajSchema, AmvajSchemaBuilder, Mutation, Query};

/// A schema and the documents that it knows.
pub struct ServedSchema {
    /// Validates what it executes.
    strict: AmvajSchema,
    /// Executes what is known to be valid.
    trusting: AmvajSchema,
    inputs: InputTypes,
    known: KnownDocuments,
}

/// A document, before or after it was found valid.
pub struct Document {
    document: Arc<ParsedDocument>,
    /// The text of a document that is not known yet.
    new: Option<Arc<str>>,
}

/// Why a text is no document that can be executed.
pub enum NoDocument {
    /// It has too much of something.
    Refused(Refused),
    /// The parser says why.
    Unparsed(ServerError),
}

impl ServedSchema {
    /// A schema from what makes it. That is called twice and has to make the same each time.
    pub fn new(make: impl Fn() -> AmvajSchemaBuilder) -> Self {
        Self {
            strict: make().finish(),
            trusting: make().validation_mode(ValidationMode::Fast).finish(),
            inputs: InputTypes::of::<Guarded<Query>, Guarded<Mutation>>(),
            known: KnownDocuments::new(),
        }
    }

    /// The document of a text: a known one, or a new one that is looked over and parsed.
    pub fn document(&self, text: &str) -> Result<Document, NoDocument> {
        if let Some(document) = self.known.get(text) {
            return Ok(Document { document, new: None });
        }
        document::scan(text).map_err(NoDocument::Refused)?;
        let parsed = parse_query(text).map_err(|error| NoDocument::Unparsed(error.into()))?;
        Ok(Document { document: Arc::new(parsed.into()), new: Some(text.into()) })
    }

    /// Executes an operation of a document. Whoever calls has measured it.
    pub async fn execute(&self, mut request: Request, document: Document) -> (Response, Stage) {
        let Document { document, new } = document;
        request.set_parsed_query(document.parsed.clone());
        let is_valid = new.is_none() && self.has_right_values(&document, &request);
        let schema = if is_valid { &self.trusting } else { &self.strict };
        let response = schema.execute(request).await;
        let stage = Stage::of(&response);
        if let (Some(text), Stage::Execution) = (new, stage) {
            self.known.keep(text, document);
        }
        (response, stage)
    }

    /// The answers to a subscription, of which a document that does not fit the schema has one. Whoever calls has measured
    /// it.
    pub fn subscribe(&self, mut request: Request, document: &Document) -> BoxStream<'static, Response> {
        request.set_parsed_query(document.document.parsed.clone());
        self.strict.execute_stream(request)
    }

    /// Whether a document that was valid with other values of its variables is valid with these.
    fn has_right_values(&self, document: &ParsedDocument, request: &Request) -> bool {
        let fit = |operation: &OperationDefinition| {
            operation.variable_definitions.is_empty()
                || (document.whole_variables && self.inputs.fit(operation, &request.variables))
        };
        document.operation(request.operation_name.as_deref()).is_some_and(|(_, operation)| fit(operation))
    }
}

impl Document {
    /// What the parser made of the text.
    pub fn parsed(&self) -> &ParsedDocument {
        &self.document
    }
}
