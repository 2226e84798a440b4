//! A look at a document's text before it is parsed: how long and how deep it is, and how much it defines. Takes one step
//! per byte and no memory.
//!
//! The parser descends once for each bracket within a bracket, and would overflow its stack on enough of them; and it is
//! far slower than this look, so whatever can be refused here should be.

use super::{Excess, Refused};

/// Counts tokens, brackets, definitions and directives after the lexical grammar of the GraphQL specification (October
/// 2021, §2.1). Whether they make sense is for the parser.
pub fn scan(source: &str) -> Result<(), Refused> {
    let mut seen = Seen::default();
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
                seen.open(*first)?;
                rest = after;
            }
            b'}' | b']' | b')' => {
                seen.close(*first);
                rest = after;
            }
            b'@' => {
                seen.directive()?;
                rest = after;
            }
            b'"' => rest = seen.text(after),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let end = skip_while(after, |byte| byte == b'_' || byte.is_ascii_alphanumeric());
                let length = rest.len().saturating_sub(end.len());
                seen.name(rest.get(..length).unwrap_or_default())?;
                rest = end;
            }
            _ => rest = after,
        }
        seen.token()?;
    }
    Ok(())
}

/// What has been seen of a document so far.
#[derive(Debug, Default)]
struct Seen {
    tokens: u64,
    /// Open brackets.
    depth: u64,
    operations: u64,
    fragments: u64,
    /// Whether a definition has begun, and whether that was with the word `fragment`.
    in_definition: bool,
    in_fragment: bool,
    /// Directives of the definition that is read.
    directives: u64,
    /// Whether there is no end of a block of text any more, so that nobody looks for one again.
    no_block_ends: bool,
}

impl Seen {
    fn token(&mut self) -> Result<(), Refused> {
        self.tokens = self.tokens.saturating_add(1);
        Excess::Tokens.check(self.tokens)
    }

    fn open(&mut self, bracket: u8) -> Result<(), Refused> {
        if self.depth == 0 && bracket == b'{' {
            self.in_definition = true;
            self.definition()?;
        }
        self.depth = self.depth.saturating_add(1);
        Excess::Nesting.check(self.depth)
    }

    /// Each definition has one pair of braces that is within no other bracket.
    fn definition(&mut self) -> Result<(), Refused> {
        if self.in_fragment {
            self.fragments = self.fragments.saturating_add(1);
            Excess::Fragments.check(self.fragments)
        } else {
            self.operations = self.operations.saturating_add(1);
            Excess::Operations.check(self.operations)
        }
    }

    const fn close(&mut self, bracket: u8) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 && bracket == b'}' {
            (self.in_definition, self.in_fragment) = (false, false);
            self.directives = 0;
        }
    }

    fn directive(&mut self) -> Result<(), Refused> {
        self.directives = self.directives.saturating_add(1);
        Excess::Directives.check(self.directives)
    }

    /// What follows a text whose first quotation mark has been passed. A line that does not end goes to its end. To the
    /// parser a block that does not end is an empty text with another one behind it, so it is that here: what follows
    /// it may be brackets.
    fn text<'a>(&mut self, after_quote: &'a [u8]) -> &'a [u8] {
        let Some(block) = after_quote.strip_prefix(b"\"\"") else { return after_line(after_quote) };
        let end = if self.no_block_ends { None } else { after_block(block) };
        self.no_block_ends = end.is_none();
        end.unwrap_or_else(|| after_line(after_quote))
    }

    fn name(&mut self, name: &[u8]) -> Result<(), Refused> {
        if !self.in_definition {
            (self.in_definition, self.in_fragment) = (true, name == b"fragment");
        }
        Excess::NameLength.check(u64::try_from(name.len()).unwrap_or(u64::MAX))
    }
}

fn skip_while(bytes: &[u8], go_on: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|byte| !go_on(*byte)).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
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

fn after_block(mut rest: &[u8]) -> Option<&[u8]> {
    while let Some((_, after)) = rest.split_first() {
        if let Some(end) = rest.strip_prefix(b"\"\"\"") {
            return Some(end);
        }
        rest = rest.strip_prefix(br#"\""""#).unwrap_or(after);
    }
    None
}
