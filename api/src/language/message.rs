//! Something to tell a person, not yet in a language.

use std::borrow::Cow;
use std::fmt;

use amvaj_domain::merchant::Names;
use amvaj_domain::money::Currency;
use amvaj_domain::points::Points;
use async_graphql::OutputType;
use async_graphql::resolver_utils::EnumType;
use fluent_bundle::{FluentArgs, FluentValue};

use super::{Language, catalogue, figures};

/// Beyond this a whole number is no longer exact in the library's number type.
const LARGEST_EXACT: u64 = 1 << 53;

/// Something to tell a person, not yet in a language: a key of the message files with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub(super) key: Cow<'static, str>,
    special: Option<String>,
    arguments: Vec<(&'static str, Value)>,
}

/// What fills a place in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Number(i64),
    /// A text that is the same in every language, such as a code.
    Text(String),
    /// A name that has a form in each language.
    Names(Names),
    /// An amount of money in minor units.
    Money(i64, Currency),
    /// Another message.
    Message(Box<Message>),
    /// Several messages, one after the other.
    List(Vec<Message>),
}

impl Message {
    /// The message of this key. Always called with a literal, by which the tests know which keys are used.
    pub const fn new(key: &'static str) -> Self {
        Self { key: Cow::Borrowed(key), special: None, arguments: Vec::new() }
    }

    /// What a code of user errors says.
    pub fn of_user_error<C: EnumType + OutputType>(code: C) -> Self {
        let value = C::items().iter().find(|item| item.value == code).map_or("", |item| item.name);
        let (key, special) = user_error_key(&C::type_name(), value);
        Self { special: Some(special), ..Self::keyed(key) }
    }

    /// What a code says that no mutation in particular tells, by its name in Rust, such as `MemberBlocked`.
    pub fn of_variant(name: &str) -> Self {
        Self::keyed(kebab(name))
    }

    /// What a code of `extensions.code` says, such as `NOT_FOUND`.
    pub fn of_code(code: &str) -> Self {
        Self::keyed(code_key(code))
    }

    /// What a code of `extensions.code` says around a reason that the GraphQL library gives in English.
    pub fn of_code_with_detail(code: &str, detail: &str) -> Self {
        let special = Some("detail".to_owned());
        Self { special, ..Self::keyed(code_key(code)) }.with("detail", detail)
    }

    const fn keyed(key: String) -> Self {
        Self { key: Cow::Owned(key), special: None, arguments: Vec::new() }
    }

    /// Fills a place of the message. One that the message does not have is of no account.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.arguments.push((name, value.into()));
        self
    }

    /// The message in a language.
    pub fn say(&self, language: Language) -> String {
        let mut arguments = FluentArgs::new();
        for (name, value) in &self.arguments {
            arguments.set(*name, value.fluent(language));
        }
        catalogue::say(language, &self.key, self.special.as_deref(), &arguments)
    }
}

/// In English, for the log.
impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.say(Language::English))
    }
}

impl Value {
    fn fluent(&self, language: Language) -> FluentValue<'_> {
        match self {
            Self::Number(number) if number.unsigned_abs() < LARGEST_EXACT => FluentValue::from(*number),
            Self::Number(number) => figures::grouped(&number.to_string(), language).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Names(names) => match language {
                Language::Persian => names.fa.as_str().into(),
                Language::English => names.en.as_str().into(),
            },
            Self::Money(amount, currency) => money(*amount, *currency, language).say(language).into(),
            Self::Message(message) => message.say(language).into(),
            Self::List(messages) => {
                let said: Vec<String> = messages.iter().map(|message| message.say(language)).collect();
                said.join(&Message::new("list-separator").say(language)).into()
            }
        }
    }
}

/// Rials are told in tomans in Persian, as everybody does there, unless a rial would be lost.
fn money(amount: i64, currency: Currency, language: Language) -> Message {
    if currency != Currency::IRR {
        return Message::new("money-of-currency").with("amount", amount).with("currency", currency.code());
    }
    match (language, amount.checked_div(10), amount.checked_rem(10)) {
        (Language::Persian, Some(tomans), Some(0)) => Message::new("money-in-tomans").with("amount", tomans),
        _ => Message::new("money-in-rials").with("amount", amount),
    }
}

/// The key of a user error's message and the attribute that goes before it, by the names in the schema.
pub(super) fn user_error_key(code_enum: &str, value: &str) -> (String, String) {
    let mutation = code_enum.strip_suffix("ErrorCode").unwrap_or(code_enum);
    (value.to_ascii_lowercase().replace('_', "-"), kebab(mutation))
}

/// The key of a message of `extensions.code`.
pub(super) fn code_key(code: &str) -> String {
    format!("code-{}", code.to_ascii_lowercase().replace('_', "-"))
}

/// `EarnPoints` as `earn-points`.
fn kebab(name: &str) -> String {
    let mut written = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !written.is_empty() {
            written.push('-');
        }
        written.push(letter.to_ascii_lowercase());
    }
    written
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Points> for Value {
    fn from(points: Points) -> Self {
        Self::Number(points.get())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&Names> for Value {
    fn from(names: &Names) -> Self {
        Self::Names(names.clone())
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Self {
        Self::Message(Box::new(message))
    }
}
