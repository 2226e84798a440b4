//! Files of operations and fragments, taken apart into definitions and put together into documents of one operation each.
//!
//! A definition keeps the text that its author wrote, because its hash is the hash of that text. So files are cut, not
//! parsed and printed anew; whether a piece is right is found out of the document that it gets into.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A file with the name by which problems tell of it.
#[derive(Debug, Clone)]
pub struct File {
    /// The name.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// An operation with the fragments that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled {
    /// Where the operation stands.
    pub place: String,
    /// Its name.
    pub name: String,
    /// `query`, `mutation` or `subscription`.
    pub kind: &'static str,
    /// The document.
    pub body: String,
}

/// An operation or a fragment as it is written.
struct Definition {
    place: String,
    name: String,
    /// What kind of operation; nothing of a fragment.
    kind: Option<&'static str>,
    text: String,
    /// The fragments that it spreads.
    spreads: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Spread,
    Text,
    Sign(char),
}

/// Puts together every operation of the files, by name. Answers all that is wrong instead, if anything is.
pub fn assemble(files: &[File]) -> Result<Vec<Assembled>, Vec<String>> {
    let mut problems = Vec::new();
    let (mut operations, mut fragments) = (BTreeMap::new(), BTreeMap::new());
    for file in files {
        let cut = cut(file).unwrap_or_else(|problem| {
            problems.push(problem);
            Vec::new()
        });
        for definition in cut {
            let (what, of_kind) = match definition.kind {
                Some(_) => ("operation", &mut operations),
                None => ("fragment", &mut fragments),
            };
            let (place, name) = (definition.place.clone(), definition.name.clone());
            if let Some(other) = of_kind.insert(name.clone(), definition) {
                problems.push(format!(
                    "{place}: the {what} {name} is in {} too; give one of them another name",
                    other.place
                ));
            }
        }
    }
    let mut assembled = Vec::new();
    for operation in operations.into_values() {
        match with_fragments(operation, &fragments) {
            Ok(document) => assembled.push(document),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(assembled) } else { Err(problems) }
}

/// An operation's text and behind it those of all fragments that it leads to, by name.
fn with_fragments(
    operation: Definition,
    fragments: &BTreeMap<String, Definition>,
) -> Result<Assembled, String> {
    let Definition { place, name, kind, text, spreads } = operation;
    let (mut waiting, mut needed) = (spreads, BTreeMap::new());
    while let Some(spread) = waiting.pop_first() {
        let Some(fragment) = fragments.get(&spread) else {
            return Err(format!("{place}: {name} needs the fragment {spread}, which is in no file"));
        };
        waiting.extend(fragment.spreads.iter().filter(|other| !needed.contains_key(*other)).cloned());
        waiting.remove(&spread);
        needed.insert(spread, fragment.text.as_str());
    }
    let texts: Vec<&str> = std::iter::once(text.as_str()).chain(needed.into_values()).collect();
    Ok(Assembled { place, name, kind: kind.unwrap_or_default(), body: texts.join("\n\n") })
}

/// Cuts a file into its definitions.
fn cut(file: &File) -> Result<Vec<Definition>, String> {
    // A hash does not depend on the system on which a file was checked out.
    let text = file.text.replace("\r\n", "\n");
    let mut definitions = Vec::new();
    let mut at = 0;
    while let Some((token, range)) = next_token(&text, at) {
        let place = format!("{}:{}", file.name, line(&text, range.start));
        let kind = match token {
            Token::Name("query") => Some("query"),
            Token::Name("mutation") => Some("mutation"),
            Token::Name("subscription") => Some("subscription"),
            Token::Name("fragment") => None,
            Token::Sign('{') => return Err(format!("{place}: the operation has no name; give it one")),
            _ => return Err(format!("{place}: neither an operation nor a fragment begins here")),
        };
        let Some((Token::Name(name), after)) = next_token(&text, range.end) else {
            return Err(format!("{place}: this has no name; give it one"));
        };
        let (end, spreads) =
            body(&text, after.end).ok_or_else(|| format!("{place}: {name} is not closed; add a bracket"))?;
        let of = text.get(range.start..end).unwrap_or_default().to_owned();
        definitions.push(Definition { place, name: name.to_owned(), kind, text: of, spreads });
        at = end;
    }
    Ok(definitions)
}

/// Where a definition ends whose name ends at `at`, and what it spreads; nothing when it does not end.
fn body(text: &str, mut at: usize) -> Option<(usize, BTreeSet<String>)> {
    let mut spreads = BTreeSet::new();
    let (mut braces, mut others, mut spread) = (0_u32, 0_u32, false);
    loop {
        let (token, range) = next_token(text, at)?;
        at = range.end;
        match token {
            Token::Sign('{') => braces = braces.checked_add(1)?,
            Token::Sign('}') => braces = braces.checked_sub(1)?,
            Token::Sign('(' | '[') => others = others.checked_add(1)?,
            Token::Sign(')' | ']') => others = others.checked_sub(1)?,
            Token::Name(name) if spread && name != "on" => {
                spreads.insert(name.to_owned());
            }
            _ => {}
        }
        spread = token == Token::Spread;
        if token == Token::Sign('}') && braces == 0 && others == 0 {
            return Some((at, spreads));
        }
    }
}

/// The token at a place or behind it.
fn next_token(text: &str, from: usize) -> Option<(Token<'_>, Range<usize>)> {
    let start = from.checked_add(ignored(text.get(from..)?))?;
    let rest = text.get(start..)?;
    let first = rest.chars().next()?;
    let (token, length) = if first.is_ascii_alphabetic() || first == '_' {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = rest.split(|c| !is_part(c)).next().unwrap_or_default();
        (Token::Name(name), name.len())
    } else if rest.starts_with("...") {
        (Token::Spread, 3)
    } else if first == '"' {
        (Token::Text, quoted(rest))
    } else {
        (Token::Sign(first), first.len_utf8())
    };
    Some((token, start..start.checked_add(length)?))
}

/// How much means nothing before the next token: white space, commas and comments.
fn ignored(text: &str) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{FEFF}');
        let Some(comment) = rest.strip_prefix('#') else { break };
        rest = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or_default();
    }
    text.len().saturating_sub(rest.len())
}

/// The length of a text in quotation marks; one that does not end goes to the end of all.
fn quoted(text: &str) -> usize {
    let mark = if text.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
    // In a block only the three marks together can be escaped, else any character.
    let escape = if mark.len() == 3 { "\\\"\"\"" } else { "\\" };
    let skipped = if mark.len() == 3 { 4 } else { 2 };
    let mut at = mark.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(mark) {
            return at.saturating_add(mark.len());
        }
        let step = if rest.starts_with(escape) {
            rest.char_indices().nth(skipped).map_or(rest.len(), |(end, _)| end)
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at = at.saturating_add(step);
    }
    text.len()
}

/// The number of the line in which a place is.
fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { name: "a.graphql".to_owned(), text: text.to_owned() }
    }

    fn bodies(files: &[&str]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(|text| file(text)).collect();
        assemble(&files).unwrap().into_iter().map(|one| one.body).collect()
    }

    fn problem(files: &[&str]) -> String {
        let files: Vec<_> = files.iter().map(|text| file(text)).collect();
        assemble(&files).unwrap_err().join("\n")
    }

    #[test]
    fn each_operation_gets_the_fragments_that_it_leads_to_and_no_other() {
        let shared = "fragment B on Query { version }\r\nfragment A on Query { ...B ... on Query { ...B } }\n\
                      fragment C on Query { ...A }";
        let found = bodies(&["# two\nquery Two { ...A }  query One { viewer { role } }", shared]);
        let two = "query Two { ...A }\n\nfragment A on Query { ...B ... on Query { ...B } }\n\n\
                   fragment B on Query { version }";
        assert_eq!(found, ["query One { viewer { role } }", two]);
    }

    #[test]
    fn brackets_in_arguments_defaults_texts_and_comments_do_not_end_a_definition() {
        for whole in [
            "query Q($x: I = {a: {b: [1]}}) @d(x: {}) { f(x: \"}\\\"}\") { g } }",
            "query Q { f(x: \"\"\" } \\\"\"\" { \"\"\") # }\n }",
            "subscription Q { f(x: \"پایان}\") }",
        ] {
            let twice = format!("{whole} mutation R {{ f }}");
            assert_eq!(bodies(&[&twice]), [whole, "mutation R { f }"]);
        }
    }

    #[test]
    fn fragments_that_spread_each_other_end() {
        let body = bodies(&["query Q { ...A } fragment A on Q { ...B } fragment B on Q { ...A ...B }"]);
        assert_eq!(body, ["query Q { ...A }\n\nfragment A on Q { ...B }\n\nfragment B on Q { ...A ...B }"]);
    }

    #[test]
    fn what_cannot_be_put_together_is_told_with_its_place() {
        for (text, told) in [
            ("\n{ version }", "a.graphql:2: the operation has no name"),
            ("query { version }", "a.graphql:1: this has no name"),
            ("type Query { a: Int }", "neither an operation nor a fragment"),
            ("query Q { version ", "Q is not closed"),
            ("query Q { f(x: \"abc }", "Q is not closed"),
            ("query Q } {", "Q is not closed"),
            ("query Q { ...A }", "needs the fragment A"),
            ("query Q { a } mutation Q { b }", "the operation Q is in a.graphql:1 too"),
            ("fragment F on Q { a } fragment F on Q { b }", "the fragment F is in"),
        ] {
            let found = problem(&[text]);
            assert!(found.contains(told), "{text}: {found}");
        }
        assert_eq!(assemble(&[file("# nothing")]).unwrap(), []);
    }
}
