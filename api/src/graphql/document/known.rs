//! Documents that were executed before. Clients send the same few texts over and over, and to parse and validate one takes
//! longer than most operations do, so both are done once for each text.
//!
//! Only what the library has found valid gets in, by its whole text: whoever sends nonsense fills nothing, and no two
//! documents can be taken for each other. What is asked for rarely does not displace what is asked for often.

use std::sync::Arc;

use async_graphql::Positioned;
use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql_value::Value;
use moka::sync::Cache;

/// Most bytes of text that are kept.
const MOST_TEXT: u64 = 1024 * 1024;

/// The documents that are kept.
#[derive(Debug, Clone)]
pub struct KnownDocuments(Cache<Arc<str>, Arc<ParsedDocument>>);

/// A document after parsing.
#[derive(Debug)]
pub struct ParsedDocument {
    /// What the parser made of it.
    pub parsed: ExecutableDocument,
    /// Whether each variable is the whole of an argument, so that a value which has the variable's type is right there. A
    /// part of an argument has a type of its own, which the library compares anew for each request.
    pub whole_variables: bool,
}

impl KnownDocuments {
    /// None yet.
    pub fn new() -> Self {
        let weight = |text: &Arc<str>, _: &Arc<ParsedDocument>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MOST_TEXT).weigher(weight).build())
    }

    /// The document of a text that was found valid.
    pub fn get(&self, text: &str) -> Option<Arc<ParsedDocument>> {
        self.0.get(text)
    }

    /// Keeps a document that was found valid.
    pub fn keep(&self, text: Arc<str>, document: Arc<ParsedDocument>) {
        self.0.insert(text, document);
    }
}

impl Default for KnownDocuments {
    fn default() -> Self {
        Self::new()
    }
}

impl ParsedDocument {
    /// The operation of a name; without one the only operation there is. An anonymous operation's name is empty.
    pub fn operation(&self, name: Option<&str>) -> Option<(&str, &OperationDefinition)> {
        let mut operations = self.parsed.operations.iter().map(|(name, operation)| (name, &operation.node));
        let (name, operation) = match name {
            Some(asked) => operations.find(|(name, _)| name.is_some_and(|name| name.as_str() == asked))?,
            None => operations.next().filter(|_| operations.next().is_none())?,
        };
        Some((name.map_or("", |name| name.as_str()), operation))
    }

    /// How many fields an operation selects at its root, those of fragments included. Whoever calls has measured the document,
    /// so that no fragment spreads itself.
    pub fn root_fields(&self, operation: &OperationDefinition) -> usize {
        self.fields_of(&operation.selection_set.node)
    }

    fn fields_of(&self, set: &SelectionSet) -> usize {
        let of_one = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(_) => 1,
            Selection::InlineFragment(inline) => self.fields_of(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => {
                let fragment = self.parsed.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(0, |fragment| self.fields_of(&fragment.node.selection_set.node))
            }
        };
        set.items.iter().map(of_one).fold(0, usize::saturating_add)
    }
}

impl From<ExecutableDocument> for ParsedDocument {
    fn from(parsed: ExecutableDocument) -> Self {
        let operations = parsed.operations.iter().map(|(_, operation)| &operation.node.selection_set.node);
        let fragments = parsed.fragments.values().map(|fragment| &fragment.node.selection_set.node);
        let whole_variables = operations.chain(fragments).all(has_whole_variables);
        Self { parsed, whole_variables }
    }
}

/// How deep the descent goes is bounded by the look at the text before it was parsed.
fn has_whole_variables(set: &SelectionSet) -> bool {
    set.items.iter().all(|item| match &item.node {
        Selection::Field(field) => in_field(&field.node),
        Selection::InlineFragment(inline) => has_whole_variables(&inline.node.selection_set.node),
        Selection::FragmentSpread(_) => true,
    })
}

fn in_field(field: &Field) -> bool {
    let whole = |value: &Value| matches!(value, Value::Variable(_)) || !holds_variable(value);
    field.arguments.iter().all(|(_, value)| whole(&value.node))
        && has_whole_variables(&field.selection_set.node)
}

fn holds_variable(value: &Value) -> bool {
    match value {
        Value::Variable(_) => true,
        Value::List(items) => items.iter().any(holds_variable),
        Value::Object(fields) => fields.values().any(holds_variable),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ParsedDocument {
        async_graphql::parser::parse_query(text).expect("a document").into()
    }

    #[test]
    fn a_variable_within_an_argument_is_found_wherever_it_is() {
        for whole in [
            "{ a }",
            "query($x: Int) { a(b: $x) { c(d: [1, {e: 2}]) } }",
            "query($x: Int) { ...F } fragment F on Query { a(b: $x) }",
        ] {
            assert!(parsed(whole).whole_variables, "{whole}");
        }
        for part in [
            "query($x: Int) { a(b: {c: $x}) }",
            "query($x: Int) { a { d(b: [$x]) } }",
            "query($x: Int) { ... on Query { a(b: [{c: [$x]}]) } }",
            "query($x: Int) { ...F } fragment F on Query { a(b: {c: $x}) }",
        ] {
            assert!(!parsed(part).whole_variables, "{part}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let known = KnownDocuments::new();
        let document = Arc::new(parsed("{ a }"));
        let text = "#".repeat(10_000);
        for number in 0..1_000 {
            known.keep(format!("{number}{text}").into(), Arc::clone(&document));
        }
        known.0.run_pending_tasks();
        assert!(known.0.weighted_size() <= MOST_TEXT, "{}", known.0.weighted_size());
    }
}
