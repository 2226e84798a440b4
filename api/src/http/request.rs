//! Reads a GraphQL request from HTTP: parameters and their types, how it says which document it wants, the operation it
//! selects.

use amvaj_infra::persisted::TextHash;
use async_graphql::parser::types::{DocumentOperations, OperationType};
use async_graphql::{Request, ServerError, Value, Variables};
use serde_json::{Map, Value as Json};

use super::json_size;
use super::refusal::Refusal;
use crate::graphql::document::{self, Asked, ParsedDocument};
use crate::graphql::error::Code;
use crate::graphql::persisted::Wanted;
use crate::graphql::served::{Document, NoDocument, ServedSchema};
use crate::language::Message;

/// A request, and how it says which document it wants.
#[derive(Debug)]
pub struct Received {
    /// The request; without a text when it only names its document.
    pub request: Request,
    /// Which document.
    pub wanted: Wanted,
}

/// The operation that a request selects. Its variables are not for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The name in the document; empty for an anonymous operation.
    pub name: String,
    /// Query or mutation.
    pub kind: OperationType,
    /// What it asks for.
    pub asked: Asked,
}

/// Reads the JSON body of a POST. A long one is looked over before anything of it is kept. (The address of a GET is never
/// long: HTTP bounds it.)
pub fn from_body(body: &[u8]) -> Result<Received, Refusal> {
    json_size::check(body)?;
    let parameters = match serde_json::from_slice::<Json>(body) {
        Ok(Json::Object(parameters)) => parameters,
        Ok(Json::Array(_)) => {
            return Err(Refusal::bad_request(Message::new("http-no-batches")));
        }
        Ok(_) => return Err(Refusal::bad_request(Message::new("http-body-no-object"))),
        Err(error) => {
            let message = Message::new("http-body-no-json").with("detail", error.to_string());
            return Err(Refusal::bad_request(message));
        }
    };
    from_parameters(parameters)
}

/// Reads the query string of a GET, in which variables and extensions are JSON texts.
pub fn from_query_string(query: &str) -> Result<Received, Refusal> {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(query)
        .map_err(|_| Refusal::bad_request(Message::new("http-query-string-unreadable")))?;
    let mut parameters = Map::new();
    for (name, text) in pairs.into_inner() {
        let value = match name.as_str() {
            "variables" | "extensions" => serde_json::from_str(&text).map_err(|_| {
                Refusal::bad_request(Message::new("http-parameter-no-json").with("name", name.as_str()))
            })?,
            _ => Json::String(text),
        };
        parameters.insert(name, value);
    }
    from_parameters(parameters)
}

/// Reads the parameters of a request.
pub fn from_parameters(mut parameters: Map<String, Json>) -> Result<Received, Refusal> {
    let query = string(&mut parameters, "query")?;
    let id = string(&mut parameters, "documentId")?;
    let names_document =
        id.is_some() || parameters.get("extensions").is_some_and(|all| all.get("persistedQuery").is_some());
    // Some clients always send a text over sockets, an empty one beside a name.
    let query = query.filter(|text| !(text.is_empty() && names_document));
    let mut extensions = match object(&mut parameters, "extensions")? {
        Some(Json::Object(extensions)) => extensions,
        _ => Map::new(),
    };
    let wanted = wanted(query.is_some(), id.as_deref(), extensions.remove("persistedQuery"))?;
    let mut request = Request::new(query.unwrap_or_default());
    request.operation_name = string(&mut parameters, "operationName")?.filter(|name| !name.is_empty());
    if let Some(variables) = object(&mut parameters, "variables")? {
        request.variables = Variables::from_json(variables);
    }
    for (name, value) in extensions {
        let value = Value::from_json(value)
            .map_err(|_| Refusal::bad_request(Message::new("http-extensions-unreadable")))?;
        request.extensions.0.insert(name, value);
    }
    Ok(Received { request, wanted })
}

/// Which document a request wants: the one that it has, or one that it names.
fn wanted(has_text: bool, id: Option<&str>, persisted: Option<Json>) -> Result<Wanted, Refusal> {
    let hash = match persisted {
        None | Some(Json::Null) => None,
        Some(persisted) => {
            let unread = || Refusal::bad_request(Message::new("http-persisted-query-unreadable"));
            let hash = persisted.get("sha256Hash").and_then(Json::as_str).and_then(TextHash::parse);
            let is_known = persisted.get("version").and_then(Json::as_u64) == Some(1);
            Some(hash.filter(|_| is_known).ok_or_else(unread)?)
        }
    };
    match (has_text, id, hash) {
        (true, None, None) => Ok(Wanted::Text),
        (true, None, Some(hash)) => Ok(Wanted::Introduced(hash)),
        (false, None, Some(hash)) => Ok(Wanted::Hash(hash)),
        (false, Some(id), None) => {
            let hash = id.strip_prefix("sha256:").and_then(TextHash::parse).map(Wanted::Id);
            hash.ok_or_else(|| Refusal::bad_request(Message::new("http-document-id-unreadable")))
        }
        (_, Some(_), _) => Err(Refusal::bad_request(Message::new("http-document-id-alone"))),
        (false, None, None) => Err(Refusal::bad_request(Message::new("http-query-missing"))),
    }
}

/// An optional parameter that has to be a string.
fn string(parameters: &mut Map<String, Json>, name: &str) -> Result<Option<String>, Refusal> {
    match parameters.remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::bad_request(Message::new("http-parameter-no-string").with("name", name))),
    }
}

/// An optional parameter that has to be an object.
fn object(parameters: &mut Map<String, Json>, name: &str) -> Result<Option<Json>, Refusal> {
    match parameters.remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(value @ Json::Object(_)) => Ok(Some(value)),
        Some(_) => Err(Refusal::bad_request(Message::new("http-parameter-no-object").with("name", name))),
    }
}

/// Finds or parses the document unless its text is too long or too deep, selects the operation, measures it, and checks that
/// the variables which it requires are there: the library would notice those only while it resolves the field that uses
/// them.
pub fn select(request: &mut Request, schema: &ServedSchema) -> Result<(Operation, Document), Refusal> {
    let document = schema.document(&request.query).map_err(|reason| match reason {
        NoDocument::Refused(refused) => refused.into(),
        NoDocument::Unparsed(error) => unparsed(error),
    })?;
    let operation = choose(document.parsed(), request.operation_name.as_deref(), &request.variables)?;
    // The library looks a name up only among several operations and refuses it beside a single one.
    if matches!(document.parsed().parsed.operations, DocumentOperations::Single(_)) {
        request.operation_name = None;
    }
    Ok((operation, document))
}

/// The operation to execute.
fn choose(
    document: &ParsedDocument,
    asked: Option<&str>,
    variables: &Variables,
) -> Result<Operation, Refusal> {
    let (name, definition) = document.operation(asked).ok_or_else(|| {
        let message = match asked {
            Some(asked) => Message::new("no-such-operation").with("name", asked),
            None => Message::new("several-operations"),
        };
        Refusal::request(Code::BadUserInput, message)
    })?;
    for variable in &definition.variable_definitions {
        let variable = &variable.node;
        let required = !variable.var_type.node.nullable && variable.default_value.is_none();
        let absent = matches!(variables.get(&variable.name.node), None | Some(Value::Null));
        if required && absent {
            let name = variable.name.node.as_str();
            return Err(Refusal::request(
                Code::BadUserInput,
                Message::new("variable-required").with("name", name),
            ));
        }
    }
    let asked = document::measure(&document.parsed, definition, variables)?;
    Ok(Operation { name: name.to_owned(), kind: definition.ty, asked })
}

/// The parser's message without its picture of the document.
fn unparsed(error: ServerError) -> Refusal {
    let reason = error.message.lines().rev().find_map(|line| line.trim().strip_prefix("= "));
    let detail = match reason {
        Some(reason) => format!("Syntax error: {reason}"),
        None => error.message.lines().next().unwrap_or("Syntax error").to_owned(),
    };
    let code = Code::GraphqlParseFailed;
    let message = Message::of_code_with_detail(code.as_str(), &detail);
    Refusal::request(code, message).at(error.locations)
}
