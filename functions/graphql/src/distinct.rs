//! JSON of any shape in which no member is there twice: which of the two was meant, nobody can know.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// See the module.
pub(crate) struct Distinct(pub(crate) Value);

/// The same, of an object.
pub(crate) struct DistinctMap(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any).map(Self)
    }
}

impl<'de> Deserialize<'de> for DistinctMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object).map(Self)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            let Distinct(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(object)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Distinct(value)) = values.next_element()? {
            list.push(value);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        Object.visit_map(members).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn any_json_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,3.5,18446744073709551615,true,null,"x",{"b":{}}],"c":{"a":[]}}"#;
        let Distinct(read) = serde_json::from_str(text).expect("reads");
        assert_eq!(read, serde_json::from_str::<Value>(text).expect("JSON"));
        let DistinctMap(read) = serde_json::from_str("{\"a\":1}").expect("reads");
        assert_eq!(Value::Object(read), json!({ "a": 1 }));
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused_however_deep() {
        for text in [r#"{"a":2,"a":1}"#, r#"{"b":[{"a":2,"a":1}]}"#, r#"{"b":{"a":1,"\u0061":1}}"#] {
            let error = serde_json::from_str::<DistinctMap>(text).err().expect("refused").to_string();
            assert!(error.starts_with("duplicate field `a`"), "{text}: {error}");
        }
    }
}
