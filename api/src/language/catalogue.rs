//! The message files, built into the program and read once.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::{Language, figures};

/// The file of each subject in both languages.
macro_rules! files {
    ($($subject:literal),+ $(,)?) => {
        /// Subject, English text, Persian text.
        pub(super) const FILES: &[(&str, &str, &str)] = &[$((
            $subject,
            include_str!(concat!("../../messages/en/", $subject, ".ftl")),
            include_str!(concat!("../../messages/fa/", $subject, ".ftl")),
        )),+];
    };
}

files![
    "explanations",
    "exports",
    "keys",
    "leaderboards",
    "live",
    "members",
    "merchants",
    "points",
    "requests",
    "rewards",
    "sessions",
    "users",
    "webhooks"
];

const OPEN: char = '\u{2068}';
const CLOSE: char = '\u{2069}';

type Bundle = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::English));
static PERSIAN: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::Persian));

/// The message in a language: its attribute `special` when there is one of that name, otherwise itself. A message
/// that does not exist (which the tests exclude) is told by its key rather than not at all.
pub(super) fn say(
    language: Language,
    key: &str,
    special: Option<&str>,
    arguments: &FluentArgs<'_>,
) -> String {
    let bundle: &Bundle = match language {
        Language::English => &ENGLISH,
        Language::Persian => &PERSIAN,
    };
    let message = bundle.get_message(key);
    let pattern = message.and_then(|message| {
        let attribute = special.and_then(|special| message.get_attribute(special));
        attribute.map(|attribute| attribute.value()).or_else(|| message.value())
    });
    let Some(pattern) = pattern else {
        tracing::error!(key, language = language.code(), "a message is missing");
        return key.to_owned();
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(arguments), &mut errors).into_owned();
    if !errors.is_empty() {
        tracing::error!(key, language = language.code(), ?errors, "a message could not be put into words");
    }
    text
}

fn bundle(language: Language) -> Bundle {
    let identifier: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![identifier]);
    bundle.set_use_isolating(language == Language::Persian);
    bundle.set_formatter(Some(match language {
        Language::English => english_number,
        Language::Persian => persian_number,
    }));
    for (subject, english, persian) in FILES {
        let text = match language {
            Language::English => (*english).to_owned(),
            Language::Persian => isolate_code(persian),
        };
        // The tests hold that the files have no errors; what can be read of one with errors is better than nothing.
        let (resource, errors) = match FluentResource::try_new(text) {
            Ok(resource) => (resource, Vec::new()),
            Err((resource, errors)) => (resource, errors),
        };
        let added = bundle.add_resource(resource);
        if !errors.is_empty() || added.is_err() {
            tracing::error!(
                subject,
                language = language.code(),
                ?errors,
                ?added,
                "a message file has errors"
            );
        }
    }
    bundle
}

/// Isolates what stands between backticks, so that the files can be written without invisible characters.
pub(super) fn isolate_code(text: &str) -> String {
    let mut isolated = String::with_capacity(text.len());
    let mut inside = false;
    for character in text.chars() {
        match character {
            '`' if inside => isolated.extend(['`', CLOSE]),
            '`' => isolated.extend([OPEN, '`']),
            other => isolated.push(other),
        }
        inside ^= character == '`';
    }
    isolated
}

fn english_number<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    number(value, Language::English)
}

fn persian_number<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    number(value, Language::Persian)
}

fn number(value: &FluentValue<'_>, language: Language) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(figures::grouped(&format!("{:.0}", number.value), language)),
        _ => None,
    }
}
