//! The schema as its own introspection tells it, and requests made from it, so that whatever is added to the schema is
//! walked over without a word here.

use std::collections::HashMap;

use amvaj_api::graphql::schema;
use serde_json::Value;

/// The types by name.
pub(super) struct Schema(HashMap<String, Value>);

const INTROSPECTION: &str = "{ __schema { types { kind name isOneOf \
    fields { name args { ...input } type { ...type } } \
    inputFields { ...input } enumValues { name } possibleTypes { name } } } } \
    fragment input on __InputValue { name defaultValue type { ...type } } \
    fragment type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name } } } } }";

/// What an argument's type is once lists and exclamation marks are taken off.
fn named(reference: &Value) -> &Value {
    if reference["ofType"].is_null() { reference } else { named(&reference["ofType"]) }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Schema {
    /// The schema of the program.
    pub(super) async fn of_program() -> Self {
        let answer = schema::builder().finish().execute(INTROSPECTION).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        let data = answer.data.into_json().unwrap();
        let types = list(&data["__schema"]["types"]);
        Self(types.iter().map(|one| (text(one, "name").to_owned(), one.clone())).collect())
    }

    fn of(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or_else(|| panic!("no type {name}"))
    }

    /// The fields of a type, by name.
    pub(super) fn fields(&self, of: &str) -> Vec<&str> {
        list(&self.of(of)["fields"]).iter().map(|field| text(field, "name")).collect()
    }

    /// The types that implement `Node`.
    pub(super) fn nodes(&self) -> Vec<&str> {
        list(&self.of("Node")["possibleTypes"]).iter().map(|one| text(one, "name")).collect()
    }

    fn field(&self, of: &str, name: &str) -> &Value {
        let found = list(&self.of(of)["fields"]).iter().find(|field| text(field, "name") == name);
        found.unwrap_or_else(|| panic!("{of} has no {name}"))
    }

    /// The type of a field, without lists and exclamation marks.
    pub(super) fn type_of(&self, of: &str, field: &str) -> &str {
        text(named(&self.field(of, field)["type"]), "name")
    }

    /// A field with the arguments that it needs and the smallest selection.
    pub(super) fn smallest(&self, of: &str, name: &str, ids: &dyn Fn(&str) -> String) -> String {
        let field = self.field(of, name);
        let needed = list(&field["args"]).iter().filter(|argument| is_needed(argument));
        let needed: Vec<String> = needed.map(|argument| self.assignment(argument, name, ids)).collect();
        let arguments = if needed.is_empty() { String::new() } else { format!("({})", needed.join(", ")) };
        let selection = if self.is_leaf(named(&field["type"])) { "" } else { " { __typename }" };
        format!("{name}{arguments}{selection}")
    }

    /// A field of an object, looked at: of a list its beginning, of an object with all that hangs on it without
    /// arguments, `depth` objects deep. Fields that `skips` names by type and name are left out.
    pub(super) fn looked_at(
        &self,
        of: &str,
        name: &str,
        depth: usize,
        skips: &dyn Fn(&str, &str) -> bool,
    ) -> Option<String> {
        let field = self.field(of, name);
        let reference = named(&field["type"]);
        let arguments = if text(reference, "name").ends_with("Connection") {
            "(first: 9)"
        } else if list(&field["args"]).iter().any(is_needed) {
            return None;
        } else {
            ""
        };
        if self.is_leaf(reference) {
            return Some(name.to_owned());
        }
        let within = text(reference, "name");
        if text(self.of(within), "kind") != "OBJECT" || depth == 0 {
            return Some(format!("{name}{arguments} {{ __typename }}"));
        }
        // What only holds others together does not count as an object.
        let wrapper = ["Connection", "Edge", "PageInfo"].iter().any(|end| within.ends_with(end));
        let depth = if wrapper { depth } else { depth - 1 };
        let inner = self.fields(within).into_iter().filter(|name| *name != "edges" && !skips(within, name));
        let inner: Vec<String> =
            inner.filter_map(|name| self.looked_at(within, name, depth, skips)).collect();
        Some(format!("{name}{arguments} {{ __typename {} }}", inner.join(" ")))
    }

    fn is_leaf(&self, reference: &Value) -> bool {
        ["SCALAR", "ENUM"].contains(&text(reference, "kind"))
    }

    fn assignment(&self, input: &Value, place: &str, ids: &dyn Fn(&str) -> String) -> String {
        let name = text(input, "name");
        // An `id` is of what its field is about.
        let hint = if ["id", "ids"].contains(&name) { place } else { name };
        format!("{name}: {}", self.literal(&input["type"], hint, ids))
    }

    /// A value of a type as GraphQL writes it.
    fn literal(&self, reference: &Value, hint: &str, ids: &dyn Fn(&str) -> String) -> String {
        match text(reference, "kind") {
            "NON_NULL" => self.literal(&reference["ofType"], hint, ids),
            "LIST" => format!("[{}]", self.literal(&reference["ofType"], hint, ids)),
            "ENUM" => text(&list(&self.of(text(reference, "name"))["enumValues"])[0], "name").to_owned(),
            "INPUT_OBJECT" => {
                let input = self.of(text(reference, "name"));
                let fields = list(&input["inputFields"]);
                let chosen: Vec<&Value> = if input["isOneOf"] == true {
                    fields.iter().take(1).collect()
                } else {
                    fields.iter().filter(|field| is_needed(field)).collect()
                };
                let chosen: Vec<_> =
                    chosen.into_iter().map(|field| self.assignment(field, hint, ids)).collect();
                format!("{{ {} }}", chosen.join(", "))
            }
            _ => scalar(text(reference, "name"), hint, ids),
        }
    }
}

fn is_needed(input: &Value) -> bool {
    text(&input["type"], "kind") == "NON_NULL" && input["defaultValue"].is_null()
}

fn scalar(name: &str, hint: &str, ids: &dyn Fn(&str) -> String) -> String {
    match name {
        "ID" => format!("{:?}", ids(hint)),
        "String" => "\"x\"".to_owned(),
        "Int" => "1".to_owned(),
        "Float" => "1.5".to_owned(),
        "Boolean" => "true".to_owned(),
        "Points" | "MinorUnits" | "Version" => "\"1\"".to_owned(),
        "DateTime" => "\"2027-01-15T08:00:00Z\"".to_owned(),
        "Date" => "\"2027-01-15\"".to_owned(),
        "CurrencyCode" => "\"IRR\"".to_owned(),
        other => panic!("the walk does not know how a {other} is written: teach it here"),
    }
}
