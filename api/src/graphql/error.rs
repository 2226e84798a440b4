//! Errors as clients see them: a stable code, whether a retry helps, the request's id, a message in the client's
//! language. Expected refusals are not errors but `userErrors` of a payload. Unknown errors are masked here, and only
//! here.

use amvaj_domain::time::Span;
use amvaj_infra::db::StoreError;
use async_graphql::{Error, ErrorExtensionValues, ErrorExtensions, Response, ServerError, Value};

use crate::app::{AppError, Stopped};
use crate::language::{Language, Message};

/// The extension that says whether the same request may succeed later.
pub const RETRYABLE: &str = "retryable";
/// The extension that says how many seconds to wait.
pub const RETRY_AFTER: &str = "retryAfter";
/// Most errors that a response lists of a document that is wrong.
const MOST_OF_DOCUMENT: usize = 20;
/// Most errors that a response lists of fields: each thing that a mutation does of a list can have its own.
const MOST_OF_FIELDS: usize = 500;
/// The longest message, in characters; what the GraphQL library says may repeat what the client wrote.
const LONGEST_MESSAGE: usize = 500;

/// The stable codes of `extensions.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema or is over a limit.
    GraphqlValidationFailed,
    /// The request, its variables or an argument cannot be read.
    BadUserInput,
    /// There is no caller, or its token is not good.
    Unauthenticated,
    /// The caller's role may not do this.
    Forbidden,
    /// There is no such thing for this caller.
    NotFound,
    /// The caller asks too often.
    Throttled,
    /// The server has too much to do; nothing was done.
    Overloaded,
    /// The operation may or may not have been applied: retry with the same idempotency key.
    OutcomeUnknown,
    /// The hash of a persisted query is unknown: send the query with it.
    PersistedQueryNotFound,
    /// Our fault; the log knows more under the request's id.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::BadUserInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Throttled,
        Self::Overloaded,
        Self::OutcomeUnknown,
        Self::PersistedQueryNotFound,
        Self::Internal,
    ];

    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::BadUserInput => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::Throttled => "THROTTLED",
            Self::Overloaded => "OVERLOADED",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::Internal => "INTERNAL",
        }
    }

    /// Whether the same request may succeed later.
    pub const fn retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Overloaded | Self::OutcomeUnknown | Self::PersistedQueryNotFound => true,
            Self::GraphqlParseFailed
            | Self::GraphqlValidationFailed
            | Self::BadUserInput
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::NotFound
            | Self::Internal => false,
        }
    }

    /// What to tell the client when nothing more precise is known.
    pub fn message(self) -> Message {
        Message::of_code(self.as_str())
    }

    /// A resolver's error with this code and its usual message.
    pub fn error(self) -> Error {
        self.saying(self.message())
    }

    /// A resolver's error with this code and a message that says more, put into the client's language at the end.
    pub fn saying(self, message: Message) -> Error {
        Error::new_with_source(message).extend_with(|_, extensions| extensions.set("code", self.as_str()))
    }

    /// A resolver's error that is our fault. What happened is logged with the request's id and never sent.
    pub fn internal(happened: impl Into<String>) -> Error {
        Error::new(happened).extend_with(|_, extensions| extensions.set("code", Self::Internal.as_str()))
    }

    fn from_wire(code: &Value) -> Option<Self> {
        match code {
            Value::String(text) => Self::ALL.into_iter().find(|known| known.as_str() == text),
            _ => None,
        }
    }
}

impl From<&AppError> for Code {
    fn from(error: &AppError) -> Self {
        match error {
            AppError::Unauthenticated => Self::Unauthenticated,
            AppError::Forbidden => Self::Forbidden,
            AppError::NotFound => Self::NotFound,
            AppError::Throttled { .. } | AppError::LooksTooOften { .. } => Self::Throttled,
            AppError::Overloaded => Self::Overloaded,
            AppError::OutcomeUnknown => Self::OutcomeUnknown,
            AppError::Mint(_) => Self::Internal,
            AppError::Store(error) => Self::from(error),
            AppError::Shared(error) => Self::from(error.as_ref()),
        }
    }
}

impl From<&StoreError> for Code {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Contention(_) | StoreError::Unavailable(_) => Self::Overloaded,
            StoreError::Duplicate(_)
            | StoreError::Constraint(_)
            | StoreError::CorruptRow { .. }
            | StoreError::Newer(_)
            | StoreError::Failed(_) => Self::Internal,
        }
    }
}

/// A fault as a resolver's error. What the client is not told is logged with the request's id.
pub fn fault(error: impl Into<AppError>) -> Error {
    let error = error.into();
    let code = Code::from(&error);
    match error {
        AppError::Throttled { retry_after } => return throttled(retry_after),
        AppError::LooksTooOften { retry_after } => {
            return throttled_saying(Message::new("look-ups-too-often"), retry_after);
        }
        _ => {}
    }
    match code {
        Code::Internal => Code::internal(error.to_string()),
        Code::Overloaded => {
            tracing::warn!(cause = %error, "the database is in the way");
            code.error()
        }
        _ => code.error(),
    }
}

/// The refusal of whoever does something too often, with the seconds to wait in `extensions.retryAfter`. When nothing
/// of the request was done, it is answered with 429.
pub fn throttled(retry_after: Span) -> Error {
    throttled_saying(Code::Throttled.message(), retry_after)
}

fn throttled_saying(message: Message, retry_after: Span) -> Error {
    let seconds = whole_seconds(retry_after);
    Code::Throttled.saying(message).extend_with(|_, extensions| extensions.set(RETRY_AFTER, seconds))
}

/// The seconds to wait that an error tells of.
pub fn retry_after(error: &ServerError) -> Option<i64> {
    match error.extensions.as_ref()?.get(RETRY_AFTER)? {
        Value::Number(seconds) => seconds.as_i64(),
        _ => None,
    }
}

/// A time in seconds, rounded up: whoever waits so long has waited long enough.
pub fn whole_seconds(span: Span) -> i64 {
    const SECOND: i64 = 1_000_000;
    span.micros().max(0).saturating_add(SECOND - 1).div_euclid(SECOND)
}

/// Parts a use case's refusal, which is data for the payload, from its fault.
pub fn refusal_or_fault<T, R>(result: Result<T, Stopped<R>>) -> Result<Result<T, R>, Error> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(Stopped::Refused(refused)) => Ok(Err(refused)),
        Err(Stopped::Failed(error)) => Err(fault(error)),
    }
}

/// How far the library came with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It was refused before any field was resolved.
    Validation,
    /// Fields were resolved.
    Execution,
}

impl Stage {
    /// A field's error always has a path, so errors without any and without data are from before the first field.
    pub fn of(response: &Response) -> Self {
        let before = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        if before { Self::Validation } else { Self::Execution }
    }
}

/// Makes a response's errors fit to send: every one has a code, whether a retry helps, the request's id, and a message
/// in the client's language; what we did not foresee is logged and masked. What the GraphQL library itself finds wrong
/// with a document stays in its English, behind a sentence that says what kind of mistake it is. Answers with the first
/// error's code, for the log.
pub fn finish(
    errors: &mut Vec<ServerError>,
    stage: Stage,
    request_id: &str,
    language: Language,
) -> Option<Code> {
    errors.truncate(match stage {
        Stage::Validation => MOST_OF_DOCUMENT,
        Stage::Execution => MOST_OF_FIELDS,
    });
    let mut first = None;
    for error in errors {
        let code = classify(error, stage);
        if code == Code::Internal {
            tracing::error!(path = %path(error), cause = %error.message, "a resolver failed");
            error.extensions = None;
        }
        error.message = shortened(said(error, code).say(language));
        stamp(error, code, request_id);
        first.get_or_insert(code);
    }
    first
}

fn said(error: &ServerError, code: Code) -> Message {
    match (code, error.source::<Message>()) {
        (Code::Internal, _) => code.message(),
        (_, Some(message)) => message.clone(),
        (_, None) => Message::of_code_with_detail(code.as_str(), innermost(&error.message)),
    }
}

/// What the GraphQL library says without the list of everything around the value that it could not read.
pub(crate) fn innermost(message: &str) -> &str {
    message.split_once(" (occurred while parsing").map_or(message, |(cause, _)| cause)
}

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// An error of the request as a whole, fit to send.
pub fn whole_request(code: Code, message: &Message, request_id: &str, language: Language) -> ServerError {
    let mut error = ServerError::new(shortened(message.say(language)), None);
    stamp(&mut error, code, request_id);
    error
}

fn stamp(error: &mut ServerError, code: Code, request_id: &str) {
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code.as_str());
    extensions.set(RETRYABLE, code.retryable());
    extensions.set("requestId", request_id);
}

fn classify(error: &ServerError, stage: Stage) -> Code {
    if let Some(code) = error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        return Code::from_wire(code).unwrap_or(Code::Internal);
    }
    match stage {
        Stage::Validation if error.message.starts_with(LIBRARY_BAD_ARGUMENT) => Code::BadUserInput,
        Stage::Validation => Code::GraphqlValidationFailed,
        Stage::Execution if LIBRARY_BAD_INPUT.iter().any(|start| error.message.starts_with(start)) => {
            Code::BadUserInput
        }
        Stage::Execution => Code::Internal,
    }
}

/// How the library's messages begin where a value does not fit its type: it gives them no code of its own.
const LIBRARY_BAD_ARGUMENT: &str = "Invalid value for argument";
const LIBRARY_BAD_INPUT: [&str; 4] =
    ["Failed to parse \"", "Expected input type \"", "Variable ", LIBRARY_BAD_ARGUMENT];

fn path(error: &ServerError) -> String {
    error
        .path
        .iter()
        .map(|segment| match segment {
            async_graphql::PathSegment::Field(name) => name.clone(),
            async_graphql::PathSegment::Index(index) => index.to_string(),
        })
        .collect::<Vec<_>>()
        .join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(error: Error, stage: Stage) -> (ServerError, Option<Code>) {
        let mut errors = vec![error.into_server_error(async_graphql::Pos::default())];
        let code = finish(&mut errors, stage, "r-1", Language::English);
        (errors.remove(0), code)
    }

    fn extension(error: &ServerError, name: &str) -> Value {
        error.extensions.as_ref().and_then(|extensions| extensions.get(name)).cloned().unwrap_or_default()
    }

    #[test]
    fn an_unforeseen_error_is_masked() {
        let (error, code) = finished(Error::new("relation \"wallet\" does not exist"), Stage::Execution);
        assert_eq!(code, Some(Code::Internal));
        assert!(!error.message.contains("wallet"));
        assert_eq!(extension(&error, "code"), Value::from("INTERNAL"));
        assert_eq!(extension(&error, "requestId"), Value::from("r-1"));
    }

    #[test]
    fn a_foreseen_error_keeps_its_message() {
        let (error, code) = finished(Code::NotFound.saying(Message::new("member-blocked")), Stage::Execution);
        assert_eq!(code, Some(Code::NotFound));
        assert!(error.message.starts_with("The member is blocked"), "{}", error.message);
        assert_eq!(extension(&error, "retryable"), Value::from(false));
    }

    #[test]
    fn an_internal_error_hides_its_message_even_with_its_code() {
        let (error, _) = finished(Code::internal("disk full"), Stage::Execution);
        assert!(!error.message.contains("disk"));
    }

    #[test]
    fn a_message_does_not_grow_with_what_the_client_wrote() {
        let long = "ن".repeat(10_000);
        let (error, _) = finished(Error::new(format!("Unknown field \"{long}\"")), Stage::Validation);
        assert_eq!(error.message.chars().count(), LONGEST_MESSAGE + 1);
        let message = Message::new("no-such-operation").with("name", long.as_str());
        let error = whole_request(Code::BadUserInput, &message, "r-1", Language::Persian);
        assert!(error.message.ends_with('…') && error.message.len() < 1_100);
    }

    #[test]
    fn a_code_that_is_not_ours_is_masked() {
        let foreign = Error::new("x").extend_with(|_, extensions| extensions.set("code", "SQL"));
        assert_eq!(finished(foreign, Stage::Execution).1, Some(Code::Internal));
    }

    struct Sums;

    #[async_graphql::Object]
    impl Sums {
        async fn next(&self, number: i32) -> Option<i32> {
            number.checked_add(1)
        }
    }

    #[tokio::test]
    async fn a_value_that_the_library_refuses_only_while_resolving_is_still_bad_input() {
        use async_graphql::{EmptyMutation, EmptySubscription, Request, Schema, Variables};
        let schema = Schema::new(Sums, EmptyMutation, EmptySubscription);
        let too_big = Variables::from_json(serde_json::json!({ "number": 3_000_000_000_u64 }));
        for request in [
            Request::new("{ next(number: 3000000000) }"),
            Request::new("query($number: Int!) { next(number: $number) }").variables(too_big),
        ] {
            let mut errors = schema.execute(request).await.errors;
            let code = finish(&mut errors, Stage::Execution, "r-1", Language::English);
            assert_eq!(code, Some(Code::BadUserInput), "{errors:?}");
        }
    }

    #[test]
    fn the_codes_on_the_wire_differ() {
        let codes: std::collections::HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
    }
}
