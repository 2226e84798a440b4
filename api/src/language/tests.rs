//! Holds the message files to each other, to the schema and to the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use amvaj_domain::ledger::Rejection;
use amvaj_domain::merchant::Names;
use amvaj_domain::money::Currency;
use amvaj_domain::text::Name;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser;

use super::catalogue::FILES;
use super::message::{code_key, user_error_key};
use super::{Language, Message, Value};
use crate::graphql::error::Code;
use crate::graphql::points_error::Refused;
use crate::graphql::schema;

/// What the numbers of a refusal of the ledger are called.
const OF_REFUSALS: [&str; 2] = ["asked", "limit"];

/// One text of a file: a message, or an attribute of one as `message.attribute`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Text {
    words: String,
    arguments: BTreeSet<String>,
    references: BTreeSet<String>,
}

type Texts = BTreeMap<String, Text>;

#[test]
fn every_message_file_is_built_in_and_there_in_both_languages() {
    let listed: BTreeSet<String> = FILES.iter().map(|(subject, _, _)| format!("{subject}.ftl")).collect();
    for language in Language::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages").join(language.code());
        let found: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(found, listed, "{language:?}: add new files to `files!` in language/catalogue.rs");
    }
}

#[test]
fn both_languages_have_the_same_keys_with_the_same_arguments() {
    for (subject, english, persian) in FILES {
        let (english, persian) = (read(english), read(persian));
        let keys = |texts: &Texts| texts.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&english), keys(&persian), "{subject}.ftl");
    }
    let (english, persian) = (all(Language::English), all(Language::Persian));
    for key in english.keys() {
        assert_eq!(arguments(&english, key), arguments(&persian, key), "{key}");
    }
}

#[test]
fn no_key_stands_in_two_files() {
    let mut seen = BTreeSet::new();
    for (subject, english, _) in FILES {
        for key in read(english).into_keys() {
            assert!(seen.insert(key.clone()), "{key} of {subject}.ftl stands in another file too");
        }
    }
}

#[test]
fn every_code_of_a_user_error_has_its_message() {
    let codes = user_error_codes();
    assert!(codes.len() > 50, "the schema has only {} codes", codes.len());
    for language in Language::ALL {
        let texts = all(language);
        for (code_enum, value) in &codes {
            let (key, special) = user_error_key(code_enum, value);
            assert!(texts.contains_key(&key), "{language:?} lacks {key} of {code_enum}.{value}");
            let said = if texts.contains_key(&format!("{key}.{special}")) {
                format!("{key}.{special}")
            } else {
                key
            };
            let of_ledger =
                Rejection::all().any(|refusal| Message::of_variant(&format!("{refusal:?}")).key == said);
            let given: &[&str] = if of_ledger { &OF_REFUSALS } else { &[] };
            for argument in arguments(&texts, &said) {
                assert!(given.contains(&argument.as_str()), "{code_enum}.{value} is not given ${argument}");
            }
        }
    }
}

#[test]
fn every_code_of_extensions_has_its_message() {
    for language in Language::ALL {
        let texts = all(language);
        for code in Code::ALL {
            assert!(texts.contains_key(&code_key(code.as_str())), "{language:?} lacks {}", code.as_str());
        }
    }
}

#[test]
fn every_message_that_the_sources_name_is_there_with_its_arguments() {
    let texts = all(Language::English);
    for source in sources() {
        let given = literals(&source.text, ".with(");
        for key in literals(&source.text, "Message::new(") {
            assert!(texts.contains_key(&key), "{}: {key} is in no message file", source.path);
            for argument in arguments(&texts, &key) {
                assert!(given.contains(&argument), "{}: {key} is not given ${argument}", source.path);
            }
        }
    }
}

#[test]
fn messages_are_named_by_literals() {
    for source in sources() {
        for (at, start) in source.text.match_indices("Message::new(") {
            let rest = source.text[at + start.len()..].trim_start();
            assert!(rest.starts_with('"'), "{}: Message::new({:.30}", source.path, rest);
        }
    }
}

#[test]
fn no_message_is_left_unused() {
    let texts = all(Language::English);
    let mut used: BTreeSet<String> = BTreeSet::new();
    for (code_enum, value) in user_error_codes() {
        let (key, special) = user_error_key(&code_enum, &value);
        used.insert(format!("{key}.{special}"));
        used.insert(key);
    }
    for code in Code::ALL {
        let key = code_key(code.as_str());
        used.insert(format!("{key}.detail"));
        used.insert(key);
    }
    used.extend(
        Rejection::all().map(|refusal| Message::of_variant(&format!("{refusal:?}")).key.into_owned()),
    );
    for source in sources() {
        used.extend(literals(&source.text, "Message::new("));
    }
    let mut waiting: Vec<String> = used.iter().cloned().collect();
    while let Some(key) = waiting.pop() {
        for reference in texts.get(&key).map(|text| text.references.clone()).unwrap_or_default() {
            if used.insert(reference.clone()) {
                waiting.push(reference);
            }
        }
    }
    let unused: Vec<_> = texts.keys().filter(|key| !used.contains(*key)).collect();
    assert!(unused.is_empty(), "nothing says {unused:#?}");
}

#[test]
fn refusals_of_the_ledger_are_told_with_their_numbers() {
    for language in Language::ALL {
        for refusal in Rejection::all() {
            let said = Refused::bare(refusal).message().say(language);
            assert!(!said.contains(['{', '$']) && said.contains(' '), "{said}");
        }
    }
}

#[test]
fn texts_are_written_as_their_language_is() {
    for (key, text) in all(Language::Persian) {
        let prose = outside_of_code(&text.words);
        assert!(!prose.contains(|c: char| c.is_ascii_digit()), "{key} has ASCII digits: {prose}");
        assert!(
            !prose.contains(['ي', 'ك', '٤', '٥', '٦', ',', ';', '?']),
            "{key} has Arabic letters: {prose}"
        );
        for word in prose.split(|c: char| c.is_whitespace() || "،؛:.()«»".contains(c)) {
            let apart = ["می", "نمی", "ها", "های", "هایی", "تر", "ترین"].contains(&word);
            assert!(!apart, "{key} lacks a zero-width non-joiner at {word}: {prose}");
        }
    }
    for (key, text) in all(Language::English) {
        assert!(!text.words.contains(|c| ('\u{600}'..='\u{6FF}').contains(&c)), "{key}: {}", text.words);
    }
}

#[test]
fn code_between_backticks_is_isolated() {
    for language in Language::ALL {
        for (key, text) in all(language) {
            assert!(text.words.matches('`').count().is_multiple_of(2), "{key} has a backtick too many");
        }
    }
    let told = Message::new("code-unauthenticated").say(Language::Persian);
    assert!(told.contains("\u{2068}`Authorization: Bearer TOKEN`\u{2069}"), "{told}");
    let plain = Message::new("code-unauthenticated").say(Language::English);
    assert!(!plain.contains(['\u{2068}', '\u{2069}']), "{plain}");
}

#[test]
fn arguments_are_written_and_isolated_as_the_language_wants() {
    let short = Message::of_variant("InsufficientPoints").with("asked", 1_i64).with("limit", 12_500_i64);
    assert!(short.say(Language::English).starts_with("1 point was asked for and 12,500 can"));
    let persian = short.say(Language::Persian);
    assert!(
        persian.starts_with("\u{2068}۱\u{2069} امتیاز") && persian.contains("\u{2068}۱۲٬۵۰۰\u{2069}"),
        "{persian}"
    );

    let names =
        Names { fa: Name::parse("کافه باغ").unwrap(), en: Name::parse("Garden Café").unwrap() };
    let spent = Message::new("explained-redeem").with("scope", "merchant").with("merchant", &names);
    let spent = spent.with("points", i64::MAX);
    assert_eq!(spent.say(Language::English), "Paid 9,223,372,036,854,775,807 points at Garden Café.");
    assert!(spent.say(Language::Persian).contains("\u{2068}کافه باغ\u{2069}"));
}

#[test]
fn money_is_told_with_its_unit() {
    let pounds = Currency::parse("GBP").unwrap();
    for (amount, currency, english, persian) in [
        (4_500_000, Currency::IRR, "4,500,000 rials", "۴۵۰٬۰۰۰ تومان"),
        (4_500_005, Currency::IRR, "4,500,005 rials", "۴٬۵۰۰٬۰۰۵ ریال"),
        (1_250, pounds, "1,250 minor units of GBP", "۱٬۲۵۰ واحد خرد GBP"),
    ] {
        let refund = Message::new("explained-refund").with("points", 3_i64).with("scope", "nowhere");
        let refund = refund.with("money", Value::Money(amount, currency));
        assert!(refund.say(Language::English).starts_with(english), "{}", refund.say(Language::English));
        let told = refund.say(Language::Persian).replace(['\u{2068}', '\u{2069}'], "");
        assert!(told.contains(persian), "{told}");
    }
}

#[test]
fn a_message_that_does_not_exist_is_told_by_its_key() {
    assert_eq!(Message::of_variant("NoSuchThing").say(Language::Persian), "no-such-thing");
}

/// Every code of the enums that the schema's user errors have, as enum and value.
fn user_error_codes() -> Vec<(String, String)> {
    let document = parse_schema(schema::builder().finish().sdl()).unwrap();
    let mut codes = Vec::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let (name, kind) = (definition.node.name.node, definition.node.kind);
        match kind {
            TypeKind::Enum(kind) if name.ends_with("ErrorCode") => {
                codes.extend(
                    kind.values.iter().map(|value| (name.to_string(), value.node.value.node.to_string())),
                );
            }
            TypeKind::Object(kind) if name.ends_with("UserError") => {
                let code = kind.fields.iter().find(|field| field.node.name.node == "code").unwrap();
                assert!(
                    code.node.ty.node.to_string().ends_with("ErrorCode!"),
                    "{name} has codes of another name"
                );
            }
            _ => {}
        }
    }
    codes
}

fn all(language: Language) -> Texts {
    let mut texts = Texts::new();
    for (_, english, persian) in FILES {
        texts.extend(read(if language == Language::English { english } else { persian }));
    }
    texts
}

fn read(file: &str) -> Texts {
    let resource = parser::parse(file).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
    let mut texts = Texts::new();
    for entry in &resource.body {
        let Entry::Message(message) = entry else {
            assert!(!matches!(entry, Entry::Junk { .. } | Entry::Term(_)), "{entry:?}");
            continue;
        };
        let key = message.id.name.to_owned();
        let value = message.value.as_ref().unwrap_or_else(|| panic!("{key} says nothing"));
        assert!(texts.insert(key.clone(), text_of(value)).is_none(), "{key} is there twice");
        for attribute in &message.attributes {
            let key = format!("{key}.{}", attribute.id.name);
            assert!(texts.insert(key.clone(), text_of(&attribute.value)).is_none(), "{key} is there twice");
        }
    }
    texts
}

fn text_of(pattern: &Pattern<&str>) -> Text {
    let mut text = Text::default();
    read_pattern(pattern, &mut text);
    text
}

fn read_pattern(pattern: &Pattern<&str>, text: &mut Text) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => text.words.push_str(value),
            PatternElement::Placeable { expression: Expression::Inline(inline) } => read_inline(inline, text),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                read_inline(selector, text);
                for variant in variants {
                    read_pattern(&variant.value, text);
                }
            }
        }
    }
}

fn read_inline(inline: &InlineExpression<&str>, text: &mut Text) {
    match inline {
        InlineExpression::VariableReference { id } => {
            text.arguments.insert(id.name.to_owned());
        }
        InlineExpression::MessageReference { id, attribute: None } => {
            text.references.insert(id.name.to_owned());
        }
        InlineExpression::StringLiteral { .. } => {}
        other => panic!("the files do not use {other:?}"),
    }
}

/// What a text needs, with what the texts need that it is made of.
fn arguments(texts: &Texts, key: &str) -> BTreeSet<String> {
    let text = texts.get(key).unwrap_or_else(|| panic!("there is no {key}"));
    let referred = text.references.iter().flat_map(|reference| arguments(texts, reference));
    text.arguments.iter().cloned().chain(referred).collect()
}

/// A text without what stands between its backticks.
fn outside_of_code(words: &str) -> String {
    words.split('`').step_by(2).collect()
}

struct Source {
    path: String,
    text: String,
}

/// The sources of this crate without comments and without these tests.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("language/tests.rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                let code: Vec<&str> =
                    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                found.push(Source { path: path.display().to_string(), text: code.join("\n") });
            }
        }
    }
    found
}

/// The string literals that directly follow a call's opening.
fn literals(text: &str, call: &str) -> BTreeSet<String> {
    text.match_indices(call)
        .filter_map(|(at, start)| text[at + start.len()..].trim_start().strip_prefix('"'))
        .filter_map(|rest| rest.split_once('"'))
        .map(|(literal, _)| literal.to_owned())
        .collect()
}
