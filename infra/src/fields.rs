//! Reads a table of a TOML file key by key and collects everything that is wrong with it, so that the person who
//! wrote the file corrects it once.

use std::{fmt, ops::RangeInclusive};

use toml::{Table, Value};

/// A table that is being read. What is left over at the end is reported as unknown.
#[derive(Debug)]
pub struct Fields<'a> {
    /// Where the table stands in its file, such as `request.`; empty for the file itself.
    place: String,
    rest: Table,
    known: Vec<&'static str>,
    problems: &'a mut Vec<String>,
}

impl<'a> Fields<'a> {
    /// A file's whole table.
    pub fn of_file(table: Table, problems: &'a mut Vec<String>) -> Self {
        Self { place: String::new(), rest: table, known: Vec::new(), problems }
    }

    /// One table of a list of tables, numbered from 1.
    pub fn of_item(list: &str, number: usize, table: Table, problems: &'a mut Vec<String>) -> Self {
        Self { place: format!("{list} {number}: "), rest: table, known: Vec::new(), problems }
    }

    /// Notes what is wrong with a key.
    pub fn problem(&mut self, key: &str, problem: impl fmt::Display) {
        self.problems.push(format!("{}{key} {problem}", self.place));
    }

    /// A text that is not empty, if it is there.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            other => self.wrong(key, &other, "a text"),
        }
    }

    /// A text that has to be there.
    pub fn needed_text(&mut self, key: &'static str) -> Option<String> {
        if !self.rest.contains_key(key) {
            self.known.push(key);
            self.problem(key, "is missing");
            return None;
        }
        self.text(key)
    }

    /// A whole number within a range, or the default.
    pub fn number<T>(&mut self, key: &'static str, default: T, range: RangeInclusive<T>) -> T
    where
        T: Copy + PartialOrd + TryFrom<i64> + fmt::Display,
    {
        self.optional_number(key, range).unwrap_or(default)
    }

    /// A whole number within a range, if it is there.
    pub fn optional_number<T>(&mut self, key: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + PartialOrd + TryFrom<i64> + fmt::Display,
    {
        let value = self.take(key)?;
        let number = value.as_integer().and_then(|number| T::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.wrong(key, &value, &format!("a whole number from {} to {}", range.start(), range.end()))
            }
        }
    }

    /// A list of texts; empty when it is not there.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        let mut texts = Vec::new();
        for value in self.list(key) {
            match value {
                Value::String(text) if !text.is_empty() => texts.push(text),
                other => {
                    self.wrong::<()>(key, &other, "a list of texts");
                }
            }
        }
        texts
    }

    /// A list of whole numbers within a range; empty when it is not there.
    pub fn numbers<T>(&mut self, key: &'static str, range: RangeInclusive<T>) -> Vec<T>
    where
        T: Copy + PartialOrd + TryFrom<i64> + fmt::Display,
    {
        let mut numbers = Vec::new();
        for value in self.list(key) {
            let number = value.as_integer().and_then(|number| T::try_from(number).ok());
            if let Some(number) = number.filter(|number| range.contains(number)) {
                numbers.push(number);
            } else {
                let wanted = format!("a list of whole numbers from {} to {}", range.start(), range.end());
                self.wrong::<()>(key, &value, &wanted);
            }
        }
        numbers
    }

    /// A list of anything; empty when it is not there.
    pub fn list(&mut self, key: &'static str) -> Vec<Value> {
        match self.take(key) {
            None => Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => self.wrong(key, &other, "a list").unwrap_or_default(),
        }
    }

    /// A table as it is written; empty when it is not there.
    pub fn table(&mut self, key: &'static str) -> Table {
        self.optional_table(key).unwrap_or_default()
    }

    /// A table as it is written, if it is there.
    pub fn optional_table(&mut self, key: &'static str) -> Option<Table> {
        match self.take(key)? {
            Value::Table(table) => Some(table),
            other => self.wrong(key, &other, "a table"),
        }
    }

    /// A table whose keys are known, to be read in the same way; empty when it is not there.
    pub fn fields(&mut self, key: &'static str) -> Fields<'_> {
        let rest = self.table(key);
        let place = format!("{}{key}.", self.place);
        Fields { place, rest, known: Vec::new(), problems: self.problems }
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        for key in self.rest.keys() {
            let known = self.known.join(", ");
            self.problems.push(format!("{}{key} is not a setting here; there are {known}", self.place));
        }
    }

    /// A value as it is written, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.rest.remove(key)
    }

    /// The value itself is not repeated: it may be a secret in the wrong place.
    fn wrong<T>(&mut self, key: &str, value: &Value, wanted: &str) -> Option<T> {
        let found = match value {
            Value::String(text) if text.trim().is_empty() => "an empty text",
            Value::String(_) => "a text",
            Value::Integer(_) => "a number",
            Value::Float(_) => "a number with decimals",
            Value::Boolean(_) => "true or false",
            Value::Datetime(_) => "a date",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        };
        self.problem(key, format_args!("is {found}; write {wanted}"));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_reported_at_once_with_its_place() {
        let text = "name = 7\ncount = 900\nunknown = true\n[inner]\nlist = [1, \"x\"]\nsecret = \"hunter2\"";
        let mut problems = Vec::new();
        let mut fields = Fields::of_file(text.parse().unwrap(), &mut problems);
        assert_eq!(fields.text("name"), None);
        assert_eq!(fields.number("count", 5_u32, 1..=10), 5);
        assert_eq!(fields.needed_text("address"), None);
        let mut inner = fields.fields("inner");
        assert_eq!(inner.texts("list"), ["x"]);
        assert_eq!(inner.optional_number::<u8>("secret", 0..=9), None);
        inner.finish();
        fields.finish();
        assert_eq!(
            problems,
            [
                "name is a number; write a text",
                "count is a number; write a whole number from 1 to 10",
                "address is missing",
                "inner.list is a number; write a list of texts",
                "inner.secret is a text; write a whole number from 0 to 9",
                "unknown is not a setting here; there are name, count, address, inner",
            ]
        );
    }
}
