//! Whole tables in one statement: how rows of a table become parameters on either database.
//!
//! PostgreSQL takes one array per column and `unnest`s them; SQLite takes one JSON text and reads it with
//! `json_each`. So the statements have a fixed shape whatever the number of rows, and stay prepared. Where SQLite has to be
//! fast it takes each value by itself.

use std::fmt::Write as _;

use sqlx::{Postgres, Sqlite, postgres::PgArguments, query::Query, sqlite::SqliteArguments};
use uuid::Uuid;

/// A prepared PostgreSQL statement that takes parameters.
pub(crate) type PgQuery<'q> = Query<'q, Postgres, PgArguments>;

/// The same on SQLite.
pub(crate) type SqliteQuery<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A value of one column.
pub(crate) trait Cell {
    /// The column's type on PostgreSQL.
    const POSTGRES: &'static str;
    /// How SQLite reads the value from JSON: the text before and after the JSON path expression.
    const SQLITE: (&'static str, &'static str) = ("", "");
    /// Appends the value as JSON.
    fn json(&self, out: &mut String);
    /// Appends the value as PostgreSQL's `COPY` reads it.
    fn copied(&self, out: &mut String);
}

macro_rules! integer_cells {
    ($($type:ty = $postgres:literal),+) => {$(
        impl Cell for $type {
            const POSTGRES: &'static str = $postgres;
            fn json(&self, out: &mut String) {
                // Writing to a String cannot fail.
                let _ = write!(out, "{self}");
            }
            fn copied(&self, out: &mut String) {
                self.json(out);
            }
        }
    )+};
}

integer_cells!(i16 = "smallint", i32 = "integer", i64 = "bigint");

impl Cell for Uuid {
    const POSTGRES: &'static str = "uuid";
    const SQLITE: (&'static str, &'static str) = ("unhex(", ")");
    fn json(&self, out: &mut String) {
        let _ = write!(out, "\"{}\"", self.simple());
    }
    fn copied(&self, out: &mut String) {
        let _ = write!(out, "{}", self.simple());
    }
}

impl Cell for Vec<u8> {
    const POSTGRES: &'static str = "bytea";
    const SQLITE: (&'static str, &'static str) = ("unhex(", ")");
    fn json(&self, out: &mut String) {
        out.push('"');
        for byte in self {
            let _ = write!(out, "{byte:02x}");
        }
        out.push('"');
    }
    fn copied(&self, out: &mut String) {
        out.push_str("\\\\x");
        for byte in self {
            let _ = write!(out, "{byte:02x}");
        }
    }
}

impl Cell for String {
    const POSTGRES: &'static str = "text";
    fn json(&self, out: &mut String) {
        out.push_str(&serde_json::Value::from(self.as_str()).to_string());
    }
    fn copied(&self, out: &mut String) {
        for letter in self.chars() {
            match letter {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                other => out.push(other),
            }
        }
    }
}

impl<T: Cell> Cell for Option<T> {
    const POSTGRES: &'static str = T::POSTGRES;
    const SQLITE: (&'static str, &'static str) = T::SQLITE;
    fn json(&self, out: &mut String) {
        match self {
            Some(value) => value.json(out),
            None => out.push_str("null"),
        }
    }
    fn copied(&self, out: &mut String) {
        match self {
            Some(value) => value.copied(out),
            None => out.push_str("\\N"),
        }
    }
}

/// The way SQLite reads one column from JSON.
pub(crate) type SqliteCell = (&'static str, &'static str);

/// A row whose table is written as a whole.
pub(crate) trait Columns: Sized {
    /// The table.
    const TABLE: &'static str;
    /// Its columns: name, type on PostgreSQL, reading from JSON on SQLite.
    fn columns() -> Vec<(&'static str, &'static str, SqliteCell)>;
    /// Binds one array per column.
    fn bind<'q>(rows: &[Self], query: PgQuery<'q>) -> PgQuery<'q>;
    /// Binds each value of one row, in the order of the columns.
    fn bind_values<'q>(&self, query: SqliteQuery<'q>) -> SqliteQuery<'q>;
    /// Appends one row as a JSON array.
    fn json(&self, out: &mut String);
    /// Appends one row as a line of PostgreSQL's `COPY`.
    fn copied(&self, out: &mut String);

    /// The names of the columns, separated by commas.
    fn names() -> String {
        Self::columns().iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
    }

    /// PostgreSQL: `unnest($first::type[], …) as alias(columns)`; moves `first` past its parameters.
    fn unnest(alias: &str, first: &mut usize) -> String {
        let arrays: Vec<String> = Self::columns()
            .iter()
            .map(|(_, kind, _)| {
                let array = format!("${first}::{kind}[]");
                *first += 1;
                array
            })
            .collect();
        format!("unnest({}) as {alias}({})", arrays.join(", "), Self::names())
    }

    /// SQLite: `select …, … from json_each(?1)`, a row of JSON as the table's columns.
    fn select_json() -> String {
        let cells: Vec<String> = Self::columns()
            .iter()
            .enumerate()
            .map(|(at, (name, _, (before, after)))| format!("{before}value ->> {at}{after} as {name}"))
            .collect();
        format!("select {} from json_each(?1)", cells.join(", "))
    }

    /// All rows as one JSON text.
    fn json_rows(rows: &[Self]) -> String {
        let mut out = String::from("[");
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            row.json(&mut out);
        }
        out.push(']');
        out
    }
}

/// Implements [`Columns`] for the `Model` of the entity file that calls it.
macro_rules! columns {
    ($table:literal { $($column:ident),+ $(,)? }) => {
        impl $crate::db::columns::Columns for Model {
            const TABLE: &'static str = $table;

            fn columns() -> Vec<(&'static str, &'static str, $crate::db::columns::SqliteCell)> {
                fn of<T: $crate::db::columns::Cell>(
                    name: &'static str,
                    _: fn(&Model) -> &T,
                ) -> (&'static str, &'static str, $crate::db::columns::SqliteCell) {
                    (name, T::POSTGRES, T::SQLITE)
                }
                vec![$(of(stringify!($column), |row| &row.$column)),+]
            }

            fn bind<'q>(
                rows: &[Self],
                query: $crate::db::columns::PgQuery<'q>,
            ) -> $crate::db::columns::PgQuery<'q> {
                query$(.bind(rows.iter().map(|row| row.$column.clone()).collect::<Vec<_>>()))+
            }

            fn bind_values<'q>(
                &self,
                query: $crate::db::columns::SqliteQuery<'q>,
            ) -> $crate::db::columns::SqliteQuery<'q> {
                query$(.bind(self.$column.clone()))+
            }

            fn json(&self, out: &mut String) {
                let mut separator = '[';
                $(
                    out.push(std::mem::replace(&mut separator, ','));
                    $crate::db::columns::Cell::json(&self.$column, out);
                )+
                debug_assert_eq!(separator, ',');
                out.push(']');
            }

            fn copied(&self, out: &mut String) {
                let columns: &[&dyn Fn(&mut String)] =
                    &[$(&|out| $crate::db::columns::Cell::copied(&self.$column, out)),+];
                for (at, column) in columns.iter().enumerate() {
                    if at > 0 {
                        out.push('\t');
                    }
                    column(out);
                }
                out.push('\n');
            }
        }
    };
}
pub(crate) use columns;
