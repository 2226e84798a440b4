//! Texts with placeholders such as `{to}`. Each place of a request escapes what is filled in, so that a value can
//! never become more than a value.

use std::{collections::BTreeMap, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Message;

/// What needs no escape in a URL or a form (RFC 3986, "unreserved").
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text with placeholders. `Debug` shows nothing of it, because it may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, PartialEq, Eq)]
enum Part {
    /// Written as it stands.
    Literal(String),
    /// A value of the message.
    Field(Field),
    /// A secret, put in when the file was read.
    Secret(String),
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// `+989121234567`
    To,
    /// `09121234567`
    ToLocal,
    /// `989121234567`
    ToDigits,
    /// The whole text.
    Text,
    /// The code alone.
    Code,
    /// The web address that may fill the code in.
    Domain,
    /// The message's reference, a UUID.
    Reference,
    /// The reference as a number below 2⁵³, for panels that want one.
    ReferenceNumber,
    /// The panel's name of the template for this kind of message.
    Template,
}

/// What a template is filled with.
pub(super) struct Values<'a> {
    pub(super) message: &'a Message,
    /// The panel's name of the template: a text or a number.
    pub(super) template: &'a Value,
}

/// How a value is written where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is: the place escapes by itself, or takes no text.
    Plain,
    /// For a URL's path and query, and for a form.
    Url,
}

impl Field {
    const ALL: [(&str, Self); 9] = [
        ("to", Self::To),
        ("to_local", Self::ToLocal),
        ("to_digits", Self::ToDigits),
        ("text", Self::Text),
        ("code", Self::Code),
        ("domain", Self::Domain),
        ("reference", Self::Reference),
        ("reference_number", Self::ReferenceNumber),
        ("template", Self::Template),
    ];

    fn value(self, values: &Values<'_>) -> String {
        let message = values.message;
        match self {
            Self::To => message.to.as_str().to_owned(),
            Self::ToLocal => format!("0{}", message.to.as_str().trim_start_matches("+98")),
            Self::ToDigits => message.to.as_str().trim_start_matches('+').to_owned(),
            Self::Text => message.text.clone(),
            Self::Code => message.kind.code().to_owned(),
            Self::Domain => message.kind.domain().to_owned(),
            Self::Reference => message.id.to_string(),
            Self::ReferenceNumber => reference_number(message).to_string(),
            Self::Template => plain(values.template),
        }
    }
}

impl Template {
    /// Reads a text with placeholders; `{{` and `}}` stand for braces.
    pub(super) fn parse(text: &str, secrets: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let inside = from.strip_prefix('{').and_then(|from| from.split_once('}'));
                let (name, after) =
                    inside.ok_or("has a brace without its partner; write {{ or }} for a brace")?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(placeholder(name, secrets)?);
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// Whether a placeholder stands in it.
    pub(super) fn holds(&self, field: Field) -> bool {
        self.0.contains(&Part::Field(field))
    }

    /// What stands before the first placeholder.
    pub(super) fn beginning(&self) -> &str {
        match self.0.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    /// The part before the first question mark that the file itself wrote: a URL's address.
    pub(super) fn before_query(&self) -> Self {
        let mut before = Vec::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) if text.contains('?') => break,
                part => before.push(part.clone()),
            }
        }
        Self(before)
    }

    /// The text for one message.
    pub(super) fn fill(&self, values: &Values<'_>, escape: Escape) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Field(field) => escape.write(&field.value(values), &mut filled),
                Part::Secret(secret) => escape.write(secret, &mut filled),
            }
        }
        filled
    }

    /// The value for one message in JSON: a text, unless the file asks for the template's name alone and wrote that
    /// as a number.
    pub(super) fn json(&self, values: &Values<'_>) -> Value {
        match self.0.as_slice() {
            [Part::Field(Field::Template)] => values.template.clone(),
            _ => Value::String(self.fill(values, Escape::Plain)),
        }
    }
}

impl Escape {
    /// Appends a value in the way of its place.
    pub(super) fn write(self, value: &str, into: &mut String) {
        match self {
            Self::Plain => into.push_str(value),
            Self::Url => into.extend(utf8_percent_encode(value, ESCAPED)),
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Template")
    }
}

/// A scalar of a file or of an answer as text, so that a number equals the same number written as text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn placeholder(name: &str, secrets: &BTreeMap<String, String>) -> Result<Part, String> {
    if let Some(secret) = name.strip_prefix("secret.") {
        return match secrets.get(secret) {
            Some(value) => Ok(Part::Secret(value.clone())),
            None => {
                Err(format!("names the secret {secret:?}, which neither [secrets] nor [secret_files] has"))
            }
        };
    }
    let field = Field::ALL.iter().find(|(known, _)| *known == name);
    field.map(|(_, field)| Part::Field(*field)).ok_or_else(|| {
        let known: Vec<_> = Field::ALL.iter().map(|(known, _)| format!("{{{known}}}")).collect();
        format!("has the placeholder {{{name}}}; there are {} and {{secret.NAME}}", known.join(" "))
    })
}

/// 53 bits of the reference: every number that JSON's readers keep exactly.
fn reference_number(message: &Message) -> u128 {
    // The lowest 53 bits of a UUID of version 7 are random.
    message.id.as_u128() & ((1 << 53) - 1)
}
