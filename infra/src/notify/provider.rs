//! An SMS panel as data: a TOML file says what is asked and what the answers mean, so that a new panel needs no new
//! program. `docs/sms/README.md` explains the file.

use std::{collections::BTreeMap, fmt, num::NonZeroU32, path::Path, time::Duration};

use reqwest::{
    Method,
    header::{self, HeaderName},
};
use serde_json::Value;

use super::{
    Limits, MessageKind, ROOM,
    http::{Ask, Body, Json, Rule, ValueRule},
    template::{Field, Template},
};
use crate::{fields::Fields, outbound};

type Secrets = BTreeMap<String, String>;

/// A panel, read from its file and checked. `Debug` shows its name only.
#[derive(Clone)]
pub struct Provider {
    pub(super) name: String,
    pub(super) ask: Ask,
    /// The panel's names of its templates, by kind of message.
    pub(super) templates: BTreeMap<&'static str, Value>,
    pub(super) success: Rule,
    pub(super) permanent: Rule,
    pub(super) connect_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) limits: Limits,
}

/// Everything that is wrong with a provider's file, at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the SMS provider's file has to be corrected:\n  - {}", problems.join("\n  - "))]
pub struct InvalidProvider {
    /// One sentence per problem.
    pub problems: Vec<String>,
}

impl Provider {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, InvalidProvider> {
        let text = std::fs::read_to_string(path).map_err(|error| InvalidProvider {
            problems: vec![format!("{} cannot be read: {error}", path.display())],
        })?;
        Self::parse(&text, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads a file's text; paths in it start at `folder`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, InvalidProvider> {
        let mut problems = Vec::new();
        let read = match text.parse::<toml::Table>() {
            Ok(table) => Self::read(table, folder, &mut problems),
            Err(error) => {
                // The library's own text would show the line, which may hold a secret.
                let line =
                    error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count());
                problems.push(format!("line {}: it is not TOML: {}", line.max(1), error.message()));
                None
            }
        };
        match read {
            Some(provider) if problems.is_empty() => Ok(provider),
            _ => Err(InvalidProvider { problems }),
        }
    }

    fn read(table: toml::Table, folder: &Path, problems: &mut Vec<String>) -> Option<Self> {
        let mut file = Fields::of_file(table, problems);
        let name = file.needed_text("name");
        let secrets = read_secrets(&mut file, folder);
        let templates = read_templates(&mut file);
        let ask = read_ask(&mut file, &secrets, &templates);
        let success = read_rule(&mut file, "success");
        let permanent = read_rule(&mut file, "permanent");
        let (connect_timeout, timeout, limits) = read_limits(&mut file);
        file.finish();
        Some(Self { name: name?, ask: ask?, templates, success, permanent, connect_timeout, timeout, limits })
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Provider").field("name", &self.name).finish_non_exhaustive()
    }
}

fn read_secrets(file: &mut Fields<'_>, folder: &Path) -> Secrets {
    let mut secrets = Secrets::new();
    for (name, value) in file.table("secrets") {
        match value {
            toml::Value::String(text) if !text.is_empty() => {
                secrets.insert(name, text);
            }
            _ => file.problem("secrets", format_args!("has {name:?}, which is not a text")),
        }
    }
    for (name, value) in file.table("secret_files") {
        let Some(path) = value.as_str() else {
            file.problem("secret_files", format_args!("has {name:?}, which is not a path"));
            continue;
        };
        match std::fs::read_to_string(folder.join(path)) {
            Ok(text) if !text.trim().is_empty() => {
                secrets.insert(name, text.trim().to_owned());
            }
            Ok(_) => file.problem("secret_files", format_args!("names {path} for {name:?}, which is empty")),
            Err(error) => file.problem("secret_files", format_args!("names {path} for {name:?}: {error}")),
        }
    }
    secrets
}

fn read_templates(file: &mut Fields<'_>) -> BTreeMap<&'static str, Value> {
    let mut written = file.fields("templates");
    let mut templates = BTreeMap::new();
    for kind in MessageKind::NAMES {
        match written.take(kind) {
            Some(toml::Value::String(name)) => templates.insert(kind, Value::from(name)),
            Some(toml::Value::Integer(number)) => templates.insert(kind, Value::from(number)),
            Some(_) => {
                written
                    .problem(kind, "is neither a text nor a number; write the template's name in the panel");
                None
            }
            None => None,
        };
    }
    written.finish();
    templates
}

fn read_ask(
    file: &mut Fields<'_>,
    secrets: &Secrets,
    templates: &BTreeMap<&'static str, Value>,
) -> Option<Ask> {
    let mut request = file.fields("request");
    let method = match request.text("method").as_deref() {
        None | Some("POST") => Method::POST,
        Some("GET") => Method::GET,
        Some("PUT") => Method::PUT,
        Some(_) => {
            request.problem("method", "is none of GET, POST and PUT");
            Method::POST
        }
    };
    let url = request.needed_text("url").and_then(|text| noted(&mut request, "url", url(&text, secrets)));
    let headers = read_headers(&mut request, secrets);
    let body = read_body(&mut request, secrets);
    if method == Method::GET && !matches!(body, Body::Empty) {
        request.problem("method", "is GET, which sends no body; put the values into the url");
    }
    let all = url.iter().chain(headers.iter().map(|(_, value)| value)).chain(body.templates());
    let asks_for_template = all.clone().any(|template| template.holds(Field::Template));
    let names_recipient =
        all.clone().any(|text| [Field::To, Field::ToLocal, Field::ToDigits].iter().any(|to| text.holds(*to)));
    let brings_code = all.clone().any(|text| text.holds(Field::Code) || text.holds(Field::Text));
    if url.is_some() && !names_recipient {
        request.problem("url", "and the body never say whom to send to; use {to}, {to_local} or {to_digits}");
    }
    if url.is_some() && !brings_code {
        request.problem("url", "and the body never say what to send; use {text} or {code}");
    }
    request.finish();
    let missing = MessageKind::NAMES.iter().find(|kind| !templates.contains_key(*kind));
    if let (true, Some(kind)) = (asks_for_template, missing) {
        file.problem("templates", format_args!("has no {kind}, and the request uses {{template}}"));
    }
    Some(Ask { method, url: url?, headers, body })
}

/// Placeholders may stand in the path and the query, and texts of ours in the query only: a path in which a part is
/// `..` is another path.
fn url(text: &str, secrets: &Secrets) -> Result<Template, String> {
    let whole = Template::parse(text, secrets)?;
    let beginning = whole.beginning();
    let after_scheme = beginning.split_once("://").map(|(_, after)| after).unwrap_or_default();
    if !after_scheme.contains('/') {
        return Err("needs its scheme, its host and a slash before the first placeholder".to_owned());
    }
    outbound::address(beginning)?;
    if text.contains('#') {
        return Err("holds a fragment (#…), which is never sent".to_owned());
    }
    let path = whole.before_query();
    for field in [Field::Text, Field::Code, Field::Domain] {
        if path.holds(field) {
            return Err("may hold {text}, {code} and {domain} only after its question mark".to_owned());
        }
    }
    Ok(whole)
}

fn read_headers(request: &mut Fields<'_>, secrets: &Secrets) -> Vec<(HeaderName, Template)> {
    let ours = [
        header::HOST,
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ];
    let mut headers = Vec::new();
    for (name, value) in request.table("headers") {
        let value = value.as_str().ok_or("is not a text".to_owned());
        let template = value.and_then(|text| Template::parse(text, secrets));
        let template = template.map_err(|problem| format!("has {name:?}, which {problem}"));
        let Some(template) = noted(request, "headers", template) else { continue };
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(known) if ours.contains(&known) => {
                request.problem("headers", format_args!("has {name:?}, which is set by itself"));
            }
            Ok(_) if template.holds(Field::Text) => {
                request.problem("headers", format_args!("has {{text}} in {name:?}; a header takes no text"));
            }
            Ok(known) => headers.push((known, template)),
            Err(_) => request.problem("headers", format_args!("has {name:?}, which is no header's name")),
        }
    }
    headers
}

fn read_body(request: &mut Fields<'_>, secrets: &Secrets) -> Body {
    let form = request.optional_table("form");
    let json = request.optional_table("json");
    match (form, json) {
        (None, None) => Body::Empty,
        (Some(_), Some(_)) => {
            request.problem("form", "and json are both there; a request has one body");
            Body::Empty
        }
        (Some(form), None) => Body::Form(read_form(request, form, secrets)),
        (None, Some(json)) => {
            let json = json_of(toml::Value::Table(json), secrets);
            noted(request, "json", json).map_or(Body::Empty, Body::Json)
        }
    }
}

fn read_form(request: &mut Fields<'_>, form: toml::Table, secrets: &Secrets) -> Vec<(String, Template)> {
    let mut fields = Vec::new();
    for (name, value) in form {
        let text = match value {
            toml::Value::String(text) => Ok(text),
            toml::Value::Integer(number) => Ok(number.to_string()),
            toml::Value::Boolean(flag) => Ok(flag.to_string()),
            _ => Err("is neither a text nor a number".to_owned()),
        };
        let template = text.and_then(|text| Template::parse(&text, secrets));
        let template = template.map_err(|problem| format!("has {name:?}, which {problem}"));
        fields.extend(noted(request, "form", template).map(|template| (name, template)));
    }
    fields
}

fn json_of(value: toml::Value, secrets: &Secrets) -> Result<Json, String> {
    Ok(match value {
        toml::Value::String(text) => Json::Text(
            Template::parse(&text, secrets).map_err(|problem| format!("has a text that {problem}"))?,
        ),
        toml::Value::Integer(number) => Json::Fixed(Value::from(number)),
        toml::Value::Boolean(flag) => Json::Fixed(Value::from(flag)),
        toml::Value::Float(_) | toml::Value::Datetime(_) => {
            return Err("has a decimal number or a date; write it as a text".to_owned());
        }
        toml::Value::Array(items) => {
            Json::List(items.into_iter().map(|item| json_of(item, secrets)).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => {
            let fields = table.into_iter().map(|(name, value)| Ok((name, json_of(value, secrets)?)));
            Json::Object(fields.collect::<Result<_, String>>()?)
        }
    })
}

fn read_rule(file: &mut Fields<'_>, key: &'static str) -> Rule {
    let mut rule = file.fields(key);
    let statuses = rule.numbers("status", 100..=599);
    let pointer = rule.take("pointer");
    let mut one_of = Vec::new();
    for value in rule.list("one_of") {
        match value {
            toml::Value::String(text) => one_of.push(text),
            toml::Value::Integer(number) => one_of.push(number.to_string()),
            toml::Value::Boolean(flag) => one_of.push(flag.to_string()),
            _ => rule.problem("one_of", "holds something else than texts, numbers, true and false"),
        }
    }
    let value = match pointer {
        None if one_of.is_empty() => None,
        None => {
            rule.problem(
                "one_of",
                "needs a pointer: where in the answer the value stands, such as /return/status",
            );
            None
        }
        Some(toml::Value::String(pointer)) if pointer.is_empty() || pointer.starts_with('/') => {
            if one_of.is_empty() {
                rule.problem("pointer", "needs one_of: the values that may stand there");
            }
            Some(ValueRule { pointer, one_of })
        }
        Some(_) => {
            rule.problem("pointer", "is not a JSON pointer, such as /return/status");
            None
        }
    };
    rule.finish();
    Rule { statuses, value }
}

fn read_limits(file: &mut Fields<'_>) -> (Duration, Duration, Limits) {
    let mut written = file.fields("limits");
    let connect = written.number("connect_timeout_ms", 3_000, 10..=60_000);
    let total = written.number("timeout_ms", 10_000, 10..=120_000);
    let first_pause = written.number("first_pause_ms", 1_000, 1..=60_000);
    let longest_pause = written.number("longest_pause_ms", 15_000, 1..=600_000);
    if longest_pause < first_pause {
        written.problem("longest_pause_ms", "is shorter than first_pause_ms");
    }
    let limits = Limits {
        room: written.number("queue", ROOM, 1..=1_000_000),
        concurrency: written.number("concurrency", 8, 1..=1_000),
        per_second: NonZeroU32::new(written.number("per_second", 0, 0..=100_000)),
        tries: written.number("tries", 5, 1..=100),
        first_pause: Duration::from_millis(first_pause),
        longest_pause: Duration::from_millis(longest_pause),
    };
    written.finish();
    (Duration::from_millis(connect), Duration::from_millis(total), limits)
}

impl Body {
    fn templates(&self) -> std::vec::IntoIter<&Template> {
        let mut found = Vec::new();
        match self {
            Self::Empty => {}
            Self::Form(fields) => found.extend(fields.iter().map(|(_, template)| template)),
            Self::Json(json) => json.templates(&mut found),
        }
        found.into_iter()
    }
}

impl Json {
    fn templates<'a>(&'a self, found: &mut Vec<&'a Template>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(template) => found.push(template),
            Self::List(items) => items.iter().for_each(|item| item.templates(found)),
            Self::Object(fields) => fields.iter().for_each(|(_, value)| value.templates(found)),
        }
    }
}

/// The value, or nothing and a note of what is wrong.
fn noted<T>(fields: &mut Fields<'_>, key: &str, read: Result<T, String>) -> Option<T> {
    read.map_err(|problem| fields.problem(key, problem)).ok()
}
