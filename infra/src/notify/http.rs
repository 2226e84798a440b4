//! An SMS panel over HTTP, as its file describes it: one try, and what the panel's answer to it means.

use std::{fmt, time::Duration};

use reqwest::{
    Client, Method, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;

use super::{
    Message, Provider,
    delivery::Try,
    template::{Escape, Template, Values, plain},
};
use crate::outbound;

/// Most that is read of a panel's answer, in bytes.
const LONGEST_ANSWER: usize = 64 * 1_024;

/// A panel with its connections.
pub(super) struct Panel {
    provider: Provider,
    client: Client,
}

/// What is asked of a panel for one message.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Only what stands after the host has placeholders.
    pub(super) url: Template,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) body: Body,
}

/// What is sent in the body.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Empty,
    Form(Vec<(String, Template)>),
    Json(Json),
}

/// A JSON value with placeholders in its texts.
#[derive(Debug, Clone)]
pub(super) enum Json {
    Fixed(Value),
    Text(Template),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Which answers mean one thing: by the HTTP status, by a value in the JSON, or both.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    pub(super) statuses: Vec<u16>,
    pub(super) value: Option<ValueRule>,
}

/// A place in a JSON answer and what has to stand there.
#[derive(Debug, Clone)]
pub(super) struct ValueRule {
    /// A JSON pointer (RFC 6901).
    pub(super) pointer: String,
    /// Numbers and texts, written as texts.
    pub(super) one_of: Vec<String>,
}

impl Panel {
    pub(super) fn new(provider: Provider) -> Result<Self, String> {
        let client = outbound::client(provider.connect_timeout, provider.timeout)?;
        Ok(Self { provider, client })
    }

    pub(super) fn name(&self) -> &str {
        &self.provider.name
    }

    /// Asks the panel once to take the message.
    pub(super) async fn attempt(&self, message: &Message) -> Try {
        let kind = message.kind.name();
        let template = self.provider.templates.get(kind).unwrap_or(&Value::Null);
        let ask = &self.provider.ask;
        let Some(request) = ask.request(&self.client, &Values { message, template }) else {
            return Try::Refused("the message does not fit into the panel's request".to_owned());
        };
        match request.send().await {
            Ok(response) => self.provider.judge(response).await,
            Err(error) => Try::Failed { why: outbound::cause(&error), retry_after: None },
        }
    }
}

impl Ask {
    fn request(&self, client: &Client, values: &Values<'_>) -> Option<reqwest::RequestBuilder> {
        let url = Url::parse(&self.url.fill(values, Escape::Url)).ok()?;
        let mut headers = HeaderMap::new();
        for (name, template) in &self.headers {
            let mut value = HeaderValue::from_str(&template.fill(values, Escape::Plain)).ok()?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let request = client.request(self.method.clone(), url).headers(headers);
        Some(match &self.body {
            Body::Empty => request,
            Body::Form(fields) => {
                let form = HeaderValue::from_static("application/x-www-form-urlencoded");
                request.header(CONTENT_TYPE, form).body(form_text(fields, values))
            }
            Body::Json(json) => request.json(&json.fill(values)),
        })
    }
}

impl Json {
    fn fill(&self, values: &Values<'_>) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(template) => template.json(values),
            Self::List(items) => items.iter().map(|item| item.fill(values)).collect(),
            Self::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.clone(), value.fill(values))).collect())
            }
        }
    }
}

impl Provider {
    /// What an answer means. One that says neither yes nor never is tried again with the same reference.
    async fn judge(&self, response: Response) -> Try {
        let status = response.status();
        if status.is_redirection() {
            return Try::Refused(format!(
                "status {status}: redirects are not followed; write the final address"
            ));
        }
        let retry_after = retry_after(&response);
        let body = if self.success.value.is_some() || self.permanent.value.is_some() {
            match outbound::read_body(response, LONGEST_ANSWER).await {
                Ok(body) => serde_json::from_slice(&body).unwrap_or(Value::Null),
                Err(error) => return Try::Failed { why: format!("status {status}: {error}"), retry_after },
            }
        } else {
            Value::Null
        };
        if self.succeeded(status, &body) {
            Try::Delivered
        } else if self.is_permanent(status, &body) {
            Try::Refused(self.explain(status, &body))
        } else {
            Try::Failed { why: self.explain(status, &body), retry_after }
        }
    }

    fn succeeded(&self, status: StatusCode, body: &Value) -> bool {
        let by_status = if self.success.statuses.is_empty() {
            status.is_success()
        } else {
            self.success.statuses.contains(&status.as_u16())
        };
        by_status && self.success.value.as_ref().is_none_or(|rule| rule.holds(body))
    }

    fn is_permanent(&self, status: StatusCode, body: &Value) -> bool {
        let by_status = if self.permanent.statuses.is_empty() {
            status.is_client_error() && !is_passing(status)
        } else {
            self.permanent.statuses.contains(&status.as_u16())
        };
        by_status || self.permanent.value.as_ref().is_some_and(|rule| rule.holds(body))
    }

    /// The status and the panel's own code, if that is short enough to be nothing else than a code.
    fn explain(&self, status: StatusCode, body: &Value) -> String {
        let rules = [&self.success, &self.permanent];
        let found =
            rules.iter().filter_map(|rule| rule.value.as_ref()?.found(body)).find(|code| code.len() <= 6);
        match found {
            Some(code) => format!("status {}, code {code}", status.as_u16()),
            None => format!("status {}", status.as_u16()),
        }
    }
}

impl ValueRule {
    fn holds(&self, body: &Value) -> bool {
        self.found(body).is_some_and(|found| self.one_of.contains(&found))
    }

    fn found(&self, body: &Value) -> Option<String> {
        body.pointer(&self.pointer).filter(|value| !value.is_object() && !value.is_array()).map(plain)
    }
}

impl fmt::Debug for Panel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Panel").field("name", &self.provider.name).finish_non_exhaustive()
    }
}

fn form_text(fields: &[(String, Template)], values: &Values<'_>) -> String {
    let mut form = String::new();
    for (name, template) in fields {
        if !form.is_empty() {
            form.push('&');
        }
        Escape::Url.write(name, &mut form);
        form.push('=');
        Escape::Url.write(&template.fill(values, Escape::Plain), &mut form);
    }
    form
}

/// Refusals by status that another time may end.
fn is_passing(status: StatusCode) -> bool {
    [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS].contains(&status)
}

/// The seconds of `Retry-After`; a date there is not worth a calendar.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
