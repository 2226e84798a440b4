//! Reads settings by name from the file and the environment, and collects everything that is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::Secret;

/// What every variable starts with.
pub(super) const PREFIX: &str = "AMVAJ_";

/// Variables that carry the prefix and are not settings: the configuration file's own path, and what the scripts
/// of the tests and of CI read.
const NOT_SETTINGS: [&str; 2] = ["CONFIG", "PURCHASES_FILE"];
const NOT_SETTINGS_PREFIX: &str = "TEST_";

/// Where a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    File,
    Environment,
}

impl Origin {
    /// The setting's name as the user wrote it in that place.
    fn spelling(self, name: &str) -> String {
        match self {
            Self::File => name.to_ascii_lowercase(),
            Self::Environment => format!("{PREFIX}{name}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::File => "configuration file",
            Self::Environment => "environment",
        })
    }
}

/// One known setting: its name without the prefix, and its default as text (empty where nothing is the default).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The name without `AMVAJ_`, in upper case.
    pub name: &'static str,
    /// The default as it would be written in the environment.
    pub default: String,
}

/// The settings written by the user, taken one by one by the structs that need them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    written: BTreeMap<String, (String, Origin)>,
    known: Vec<Setting>,
    problems: Vec<String>,
}

impl Reader {
    /// Takes the settings of a TOML file: the variables' names in lower case and without the prefix.
    pub(super) fn add_file(&mut self, path: &str, text: &str) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                self.problems.push(format!("{path} is not valid TOML: {}", error.message()));
                return;
            }
        };
        for (key, value) in table {
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                other => {
                    let found = other.type_str();
                    self.problems.push(format!(
                        "{key} (configuration file) is a {found}; write every setting at the top level as a string, a whole number, true or false"
                    ));
                    continue;
                }
            };
            self.written.insert(key.to_ascii_uppercase(), (value, Origin::File));
        }
    }

    /// Takes the environment's `AMVAJ_` variables, which go over the file's settings. An empty one counts as unset.
    pub(super) fn add_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            if value.is_empty() || NOT_SETTINGS.contains(&name) || name.starts_with(NOT_SETTINGS_PREFIX) {
                continue;
            }
            self.written.insert(name.to_owned(), (value, Origin::Environment));
        }
    }

    /// The setting's value, or the default when it is not written or cannot be read (which is noted).
    pub(super) fn take<T: fmt::Display>(
        &mut self,
        name: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        self.known.push(Setting { name, default: default.to_string() });
        self.parsed(name, parse).unwrap_or(default)
    }

    /// The setting's value, or nothing when it is not written or cannot be read (which is noted).
    pub(super) fn take_optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.known.push(Setting { name, default: String::new() });
        self.parsed(name, parse)
    }

    /// A whole number within a range.
    pub(super) fn number<T>(&mut self, name: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: fmt::Display + Copy + PartialOrd + std::str::FromStr,
    {
        self.take(name, default, |text| whole_number(text, &range))
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, name: &'static str, default: &str) -> String {
        self.take(name, default.to_owned(), |text| Ok(text.to_owned()))
    }

    /// A URL that starts with one of `schemes`. A refusal does not repeat the value, which may hold a password.
    pub(super) fn url(&mut self, name: &'static str, default: &str, schemes: &[&str]) -> Secret {
        Secret::new(self.take(name, default.to_owned(), |text| checked_url(text, schemes)))
    }

    /// Like [`Self::url`], for a URL that may be left out.
    pub(super) fn optional_url(&mut self, name: &'static str, schemes: &[&str]) -> Option<Secret> {
        self.take_optional(name, |text| checked_url(text, schemes)).map(Secret::new)
    }

    /// Everything known, and everything wrong: what could not be read, then what nobody asked for.
    pub(super) fn finish(mut self) -> (Vec<Setting>, Vec<String>) {
        for (name, (_, origin)) in &self.written {
            let spelling = origin.spelling(name);
            let nearest = nearest_name(name, &self.known).map_or_else(
                || "see .env.example for the ones there are".to_owned(),
                |near| format!("did you mean {}?", origin.spelling(near)),
            );
            self.problems.push(format!("{spelling} ({origin}) is not a setting; {nearest}"));
        }
        (self.known, self.problems)
    }

    fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let (text, origin) = self.written.remove(name)?;
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(format!("{} ({origin}) {problem}", origin.spelling(name)));
                None
            }
        }
    }
}

/// Reads a whole number and says the range when it is not one.
pub(super) fn whole_number<T>(text: &str, range: &RangeInclusive<T>) -> Result<T, String>
where
    T: fmt::Display + PartialOrd + std::str::FromStr,
{
    match text.parse::<T>() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) | Err(_) => {
            Err(format!("is {text:?}; write a whole number from {} to {}", range.start(), range.end()))
        }
    }
}

fn checked_url(text: &str, schemes: &[&str]) -> Result<String, String> {
    if schemes.iter().any(|scheme| text.starts_with(scheme)) {
        Ok(text.to_owned())
    } else {
        Err(format!("is not a URL that starts with {}", schemes.join(" or ")))
    }
}

/// The known name that a typing error most likely meant.
fn nearest_name(name: &str, known: &[Setting]) -> Option<&'static str> {
    known
        .iter()
        .map(|setting| (strsim::damerau_levenshtein(name, setting.name), setting.name))
        .min()
        .filter(|(distance, near)| *distance <= near.len() / 2)
        .map(|(_, near)| near)
}
