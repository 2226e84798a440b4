//! The page `docs/errors.md`: every code that a client can meet, from the code that answers it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{EnumType, TypeDefinition, TypeKind, TypeSystemDefinition};

use super::error::Code;
use super::schema;
use crate::language::Language;

/// What stands before the tables.
const BEGINNING: &str = "\
# Errors

Made by `amvaj schema --errors`. How to act on them is in [integrate.md](integrate.md#errors-and-retries).

## Faults: `errors[].extensions.code`

The request as a whole, or one field of it, was not answered. `extensions.retryable` says what the second column says,
`extensions.requestId` finds the request in the log of the operator. The one exception: an unknown `documentId` is not worth
another try, though an unknown hash is, with its text ([documents.md](documents.md)).

| code | retry | what is said |
|---|---|---|
";

/// What stands between the tables.
const MIDDLE: &str = "
## Refusals: `userErrors[].code`

The request was answered, and nothing has changed. Each mutation has an enum of its own codes, so a client that is typed
by the schema is told by its compiler which it has not handled. Where the key is `used`, the ledger keeps the refusal: the same
idempotency key is answered with it for ever, and what is mended goes under another one.

| code | key | meaning | of |
|---|---|---|---|
";

/// The enum of what the ledger refuses and keeps.
const KEPT: &str = "RejectionCode";

/// What a code means, and where.
type Refusals = BTreeMap<(String, String), BTreeSet<String>>;

/// The page, in Markdown.
pub fn errors_page() -> String {
    let mut page = BEGINNING.to_owned();
    for code in Code::ALL {
        let retry = if code.retryable() { "yes" } else { "no" };
        row(&mut page, &[&format!("`{}`", code.as_str()), retry, &code.message().say(Language::English)]);
    }
    page.push_str(MIDDLE);
    let (refusals, kept) = refusals();
    for ((code, meaning), fields) in refusals {
        let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
        let key = if kept.contains(&code) { "used" } else { "" };
        row(&mut page, &[&format!("`{code}`"), key, &meaning, &fields.join(", ")]);
    }
    page
}

/// All codes of user errors, and those that the ledger keeps. The schema is our own, so it can be parsed; a page without
/// them is seen at once.
fn refusals() -> (Refusals, BTreeSet<String>) {
    let (mut refusals, mut kept) = (Refusals::new(), BTreeSet::new());
    let Ok(document) = parse_schema(schema::sdl(None)) else { return (refusals, kept) };
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeDefinition { name, kind: TypeKind::Enum(codes), .. } = definition.node else { continue };
        if name.node == KEPT {
            kept.extend(codes.values.iter().map(|value| value.node.value.node.to_string()));
        } else if let Some(mutation) = name.node.strip_suffix("ErrorCode") {
            add(&mut refusals, &field_name(mutation), codes);
        }
    }
    (refusals, kept)
}

fn add(refusals: &mut Refusals, field: &str, codes: EnumType) {
    for value in codes.values {
        let description = value.node.description.map(|text| text.node).unwrap_or_default();
        let meaning = description.split_whitespace().collect::<Vec<_>>().join(" ");
        refusals.entry((value.node.value.node.to_string(), meaning)).or_default().insert(field.to_owned());
    }
}

/// `EarnPoints` as the field `earnPoints`.
fn field_name(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn row(page: &mut String, cells: &[&str]) {
    for cell in cells {
        // Writing to a text does not fail.
        let _ = write!(page, "| {} ", cell.replace('|', "\\|"));
    }
    page.push_str("|\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_in_step() {
        let written = include_str!("../../../docs/errors.md");
        assert!(written == errors_page(), "run `amvaj schema --errors > docs/errors.md`");
    }

    #[test]
    fn every_code_is_on_the_page_with_its_fields() {
        let page = errors_page();
        for code in Code::ALL {
            assert!(page.contains(&format!("| `{}` |", code.as_str())), "{}", code.as_str());
        }
        let used = page.lines().find(|line| line.starts_with("| `RECEIPT_ALREADY_USED` ")).unwrap();
        assert!(used.contains("| used |") && used.contains("`earnPoints`"), "{used}");
        let free = page.lines().find(|line| line.starts_with("| `MEMBER_NOT_FOUND` ")).unwrap();
        assert!(!free.contains("| used |"), "{free}");
    }
}
