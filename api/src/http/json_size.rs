//! A look at a long JSON text before it is read into memory: how much there is in the values of its members. Keeps nothing
//! of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::graphql::document::{Excess, Refused};

/// A text of so many bytes cannot hold too much.
const SMALL: usize = 16_384;

/// Refuses a long object with a longer list than there may be, or with more values below its members than variables may
/// have. That it is no object, or no JSON at all, is for its reader to say.
pub(super) fn check(text: &[u8]) -> Result<(), Refused> {
    if text.len() <= SMALL {
        return Ok(());
    }
    let mut counter = Counter::default();
    // An error is either ours, and then the counter knows it, or the reader's.
    let _ = counter.deserialize(&mut serde_json::Deserializer::from_slice(text));
    counter.excess.map_or(Ok(()), |excess| Err(Refused::Excess(excess)))
}

#[derive(Default)]
struct Counter {
    /// Lists and objects around what is read.
    level: usize,
    values: u64,
    excess: Option<Excess>,
}

impl Counter {
    fn within<E: Error>(&mut self, excess: Excess, count: u64) -> Result<(), E> {
        if count <= excess.most() {
            return Ok(());
        }
        self.excess = Some(excess);
        Err(E::custom("too much"))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Counter {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.level > 1 {
            self.values = self.values.saturating_add(1);
            self.within(Excess::Values, self.values)?;
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Counter {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.level == 0 {
            return Err(A::Error::custom("no object"));
        }
        self.level = self.level.saturating_add(1);
        let mut items: u64 = 0;
        while list.next_element_seed(&mut *self)?.is_some() {
            items = items.saturating_add(1);
            self.within(Excess::ListItems, items)?;
        }
        self.level = self.level.saturating_sub(1);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        self.level = self.level.saturating_add(1);
        while object.next_key::<IgnoredAny>()?.is_some() {
            object.next_value_seed(&mut *self)?;
        }
        self.level = self.level.saturating_sub(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a body of these variables, long enough to be looked at, is refused for.
    fn refused(variables: &serde_json::Value) -> Option<Refused> {
        let body = json!({ "query": " ".repeat(SMALL), "variables": variables });
        check(body.to_string().as_bytes()).err()
    }

    #[test]
    fn lists_and_values_are_counted_wherever_they_are() {
        let list = |items: usize| json!({ "input": [{ "ids": vec!["\u{e9}\"x"; items] }] });
        assert_eq!(refused(&list(500)), None);
        assert_eq!(refused(&list(501)), Some(Refused::Excess(Excess::ListItems)));
        // As many as the variables of a document may have: 40 lists, each with 499 items.
        let values = |last: usize| {
            let lists: Vec<_> = (0..40).map(|list| vec![0.5; if list == 0 { last } else { 499 }]).collect();
            lists.into_iter().enumerate().map(|(n, list)| (format!("v{n}"), json!(list))).collect()
        };
        assert_eq!(refused(&serde_json::Value::Object(values(499))), None);
        assert_eq!(refused(&serde_json::Value::Object(values(500))), Some(Refused::Excess(Excess::Values)));
    }

    #[test]
    fn what_is_no_object_is_left_to_its_reader() {
        let space = " ".repeat(SMALL);
        for text in ["", "{", "[[[", "{\"a\": nothing}", "[1, [2]]", &"[".repeat(100_000)] {
            assert_eq!(check(format!("{space}{text}").as_bytes()), Ok(()));
        }
        assert_eq!(check(json!(vec![0; 100_000]).to_string().as_bytes()), Ok(()), "a batch");
    }
}
