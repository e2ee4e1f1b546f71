//! The members of a body that is an object of JSON.

use dunlin::{Budget, Charge, Error, Kind, OutOfBudget};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// Members by their names, each as it is written. They are charged as they are read.
pub(super) struct Fields {
    members: BTreeMap<String, Box<RawValue>>,
    charge: Charge,
}

/// What a member takes besides its name and value: a node of the tree, and the allocator's own.
const MEMBER_BYTES: usize = 128;

impl Fields {
    /// Reads a body; `None` if it isn't an object.
    pub(super) fn read(body: &[u8], budget: &Budget) -> Result<Option<Self>, Error> {
        let mut fields = Self { members: BTreeMap::new(), charge: budget.charge(Kind::Host, 0)? };
        let mut over = None;
        let mut source = serde_json::Deserializer::from_slice(body);
        let read = source.deserialize_map(Reader { fields: &mut fields, over: &mut over });
        if let Some(over) = over {
            return Err(over.into());
        }
        Ok(read.and_then(|()| source.end()).is_ok().then_some(fields))
    }

    /// The text of a member, if it is one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.members.get(name)?.get()).ok()
    }

    /// Makes a text a member, in place of what had its name.
    pub(super) fn set(&mut self, name: &str, text: &str) -> Result<(), Error> {
        // As escapes, a text is six times as long at most.
        self.charge.grow((name.len() + 6 * text.len() + MEMBER_BYTES) as u64)?;
        let raw = serde_json::value::to_raw_value(text).map_err(Error::host)?;
        self.members.insert(name.to_owned(), raw);
        Ok(())
    }

    /// The body that they are.
    pub(super) fn body(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(&self.members).map_err(Error::host)
    }
}

struct Reader<'f> {
    fields: &'f mut Fields,
    over: &'f mut Option<OutOfBudget>,
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some((name, value)) = members.next_entry::<String, &'de RawValue>()? {
            let bytes = name.len() + value.get().len() + MEMBER_BYTES;
            if let Err(over) = self.fields.charge.grow(bytes as u64) {
                *self.over = Some(over);
                return Err(A::Error::custom("over budget"));
            }
            self.fields.members.insert(name, value.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_texts_that_can_be_changed() {
        let budget = Budget::new(2000);
        let mut fields =
            Fields::read(br#" {"a": "x\n", "b": [1, 2.50], "a": "y"} "#, &budget).unwrap().unwrap();
        assert_eq!(
            (fields.text("a").as_deref(), fields.text("b"), fields.text("c")),
            (Some("y"), None, None)
        );
        fields.set("c", "\"").unwrap();
        assert_eq!(fields.body().unwrap(), br#"{"a":"y","b":[1, 2.50],"c":"\""}"#);
        assert!(fields.set("d", &"x".repeat(2000)).is_err());
        drop(fields);
        for other in ["", "[]", "1", "{", "{} x", r#"{"a"}"#] {
            assert!(Fields::read(other.as_bytes(), &budget).unwrap().is_none(), "{other}");
        }
        let many: Vec<String> = (0..100).map(|n| format!("\"{n}\":1")).collect();
        assert!(Fields::read(format!("{{{}}}", many.join(",")).as_bytes(), &budget).is_err());
        assert_eq!(budget.used(), 0);
    }
}
