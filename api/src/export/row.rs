//! A row as a line of CSV (RFC 4180) or of JSON.

use std::fmt::Write as _;

use amvaj_domain::time::Instant;
use async_graphql::resolver_utils::EnumType;
use async_graphql::{ScalarType as _, Value};

use crate::graphql::scalar::DateTime;

/// What stands in one place of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// Nothing.
    Nothing,
    /// A word of ours, such as an id or a code.
    Word(String),
    /// What somebody wrote.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A moment.
    Moment(Instant),
}

/// A row with the names of its places.
#[derive(Debug)]
pub(super) struct Row(Vec<(&'static str, Cell)>);

/// The name of an enum's value, as the API has it.
pub(super) fn name<E: EnumType>(value: E) -> Cell {
    let found = E::items().iter().find(|item| item.value == value);
    found.map_or(Cell::Nothing, |item| Cell::Word(item.name.to_owned()))
}

impl Row {
    /// A row of a section.
    pub(super) fn new(section: &'static str) -> Self {
        Self(vec![("section", Cell::Word(section.to_owned()))])
    }

    pub(super) fn of(cells: impl Iterator<Item = (&'static str, Cell)>) -> Self {
        Self(cells.collect())
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, cell: Cell) -> Self {
        self.0.push((name, cell));
        self
    }

    /// Adds the row as one line of JSON.
    pub(super) fn json(&self, out: &mut String) {
        let mut separator = '{';
        for (name, cell) in &self.0 {
            out.push(std::mem::replace(&mut separator, ','));
            // Writing to a String cannot fail.
            let _ = write!(out, "\"{name}\":{}", cell.json());
        }
        out.push_str("}\n");
    }
}

impl Cell {
    fn json(&self) -> serde_json::Value {
        match self {
            Self::Nothing => serde_json::Value::Null,
            Self::Word(text) | Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Moment(at) => written(*at).into(),
        }
    }

    /// What somebody wrote never begins like a formula here: an apostrophe stands before it.
    fn csv(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) if is_like_a_formula(text) => format!("'{text}"),
            Self::Word(text) | Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Moment(at) => written(*at),
        }
    }
}

/// A spreadsheet takes what begins with one of these signs for a formula, and does what it says.
const SIGNS: [char; 13] = [
    '=', '+', '-', '@', // and as they are written in wide, small and mathematical letters
    '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−',
];

/// Whether a spreadsheet may take a text for a formula. Some drop what is not seen before it, and quotes that others have put
/// around it. A tab or a line's end at the beginning may make a cell of its own of what follows.
fn is_like_a_formula(text: &str) -> bool {
    let skipped = |sign: char| sign.is_whitespace() || sign.is_control() || is_unseen(sign) || is_quote(sign);
    text.starts_with(['\t', '\r', '\n']) || text.trim_start_matches(skipped).starts_with(SIGNS)
}

/// Marks without a width: of joining, of direction, of the order of bytes.
const fn is_unseen(sign: char) -> bool {
    matches!(sign, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

const fn is_quote(sign: char) -> bool {
    matches!(
        sign,
        '"' | '\''
            | '`'
            | '«'
            | '»'
            | '‹'
            | '›'
            | '“'
            | '”'
            | '„'
            | '‟'
            | '‘'
            | '’'
            | '‚'
            | '‛'
            | '＂'
            | '＇'
    )
}

/// Adds cells as one line of CSV.
pub(super) fn csv(cells: impl Iterator<Item = Cell>, out: &mut String) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        let text = cell.csv();
        if text.contains(['"', ',', '\r', '\n']) {
            let _ = write!(out, "\"{}\"", text.replace('"', "\"\""));
        } else {
            out.push_str(&text);
        }
    }
    out.push_str("\r\n");
}

fn written(at: Instant) -> String {
    match DateTime(at).to_value() {
        Value::String(text) => text,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_what_has_to_be_and_disarms_formulas() {
        let texts = ["a", "a,b", "say \"x\"", "two\nlines", "=1+1", "+98", "-1", "@x", "\tx", "x=1"];
        let mut line = String::new();
        csv(texts.into_iter().map(|text| Cell::Text(text.to_owned())), &mut line);
        assert_eq!(line, "a,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",'=1+1,'+98,'-1,'@x,'\tx,x=1\r\n");
        let mut line = String::new();
        let cells = [Cell::Number(-5), Cell::Nothing, Cell::Word("-_id".to_owned()), Cell::Flag(true)];
        csv(cells.into_iter(), &mut line);
        assert_eq!(line, "-5,,-_id,true\r\n");
    }

    #[test]
    fn what_a_spreadsheet_may_take_for_a_formula_is_disarmed_however_it_is_dressed() {
        let armed = [
            " =1",
            "\t=1",
            "\u{a0}=1",
            "\u{3000}+1",
            "\"=1\"",
            "'=1",
            " ' -1",
            "“=1",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            " ＝1",
            "\u{feff}=1",
            "\u{200f}=1",
            "\n=1",
            "\nx",
            "«@x",
            "﹦1",
            "−1",
            "\u{0}=1",
        ];
        for text in armed {
            assert_eq!(Cell::Text(text.to_owned()).csv(), format!("'{text}"), "{text:?}");
        }
        for text in ["", " ", "a=1", "\"a\"", "'a", " a -1", "۰۹۱۲", "کافه + باغ", "(=1)"] {
            assert_eq!(Cell::Text(text.to_owned()).csv(), text, "{text:?}");
        }
    }

    #[test]
    fn json_lines_keep_the_order_of_their_fields() {
        let row = Row::new("wallet")
            .with("posted", Cell::Number(5))
            .with("note", Cell::Text("two\nlines".to_owned()))
            .with("at", Cell::Moment(Instant::from_micros(1_800_000_000_000_000)))
            .with("none", Cell::Nothing);
        let mut line = String::new();
        row.json(&mut line);
        assert_eq!(
            line,
            "{\"section\":\"wallet\",\"posted\":5,\"note\":\"two\\nlines\",\"at\":\"2027-01-15T08:00:00Z\",\"none\":null}\n"
        );
    }
}
