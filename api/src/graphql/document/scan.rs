//! A look at a document's text before it is parsed: how long and how deep it is. Takes one step per byte and no memory.
//!
//! The parser descends once for each bracket within a bracket, and would overflow its stack on enough of them.

use super::{Excess, Refused};

/// Counts tokens and brackets after the lexical grammar of the GraphQL specification (October 2021, §2.1). Whether they
/// make sense is for the parser.
pub fn scan(source: &str) -> Result<(), Refused> {
    let (mut tokens, mut depth) = (0_u64, 0_u64);
    let mut rest = source.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                rest = after;
                continue;
            }
            b'#' => {
                rest = skip_while(after, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'{' | b'[' | b'(' => {
                depth = depth.saturating_add(1);
                Excess::Nesting.check(depth)?;
                rest = after;
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                rest = after;
            }
            b'"' => rest = after_text(after),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let end = skip_while(after, |byte| byte == b'_' || byte.is_ascii_alphanumeric());
                let length = rest.len().saturating_sub(end.len());
                Excess::NameLength.check(u64::try_from(length).unwrap_or(u64::MAX))?;
                rest = end;
            }
            _ => rest = after,
        }
        tokens = tokens.saturating_add(1);
        Excess::Tokens.check(tokens)?;
    }
    Ok(())
}

fn skip_while(bytes: &[u8], go_on: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|byte| !go_on(*byte)).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

/// What follows a text whose first quotation mark has been passed. One that does not end goes to the end of its line, a
/// block to the end of the document.
fn after_text(after_quote: &[u8]) -> &[u8] {
    match after_quote.strip_prefix(b"\"\"") {
        Some(block) => after_block(block),
        None => after_line(after_quote),
    }
}

fn after_line(mut rest: &[u8]) -> &[u8] {
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'"' => return after,
            b'\n' | b'\r' => return rest,
            b'\\' => rest = after.get(1..).unwrap_or_default(),
            _ => rest = after,
        }
    }
    rest
}

fn after_block(mut rest: &[u8]) -> &[u8] {
    while let Some((_, after)) = rest.split_first() {
        if let Some(end) = rest.strip_prefix(b"\"\"\"") {
            return end;
        }
        rest = rest.strip_prefix(br#"\""""#).unwrap_or(after);
    }
    rest
}
