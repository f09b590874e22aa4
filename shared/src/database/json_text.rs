//! JSON that is there as text already, and goes out as it is.
//!
//! [`RawValue`](serde_json::value::RawValue) is for that too, but reads all of a text before it takes it, to be sure
//! that it is JSON: for a page of orders that was an eighth of the request's instructions. What Postgres sends as
//! `json` it has checked or built itself. `serde_json` writes whatever serializes under the name below without escaping
//! it; the name is its own affair, so the test of this file stands guard over it.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::types::Json;
use sqlx::{Decode, Postgres, Type};

/// By which `serde_json` knows text that is JSON.
const NAME: &str = "$serde_json::private::RawValue";

/// A value of Postgres' type `json`, as text.
#[derive(Clone, Debug)]
pub struct JsonText(String);

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = serializer.serialize_struct(NAME, 1)?;
        text.serialize_field(NAME, &self.0)?;
        text.end()
    }
}

impl Type<Postgres> for JsonText {
    fn type_info() -> PgTypeInfo {
        <Json<()> as Type<Postgres>>::type_info()
    }

    fn compatible(other: &PgTypeInfo) -> bool {
        <Json<()> as Type<Postgres>>::compatible(other)
    }
}

impl Decode<'_, Postgres> for JsonText {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Text => Ok(Self(value.as_str()?.to_owned())),
            PgValueFormat::Binary => Err("JSON in the binary format is not text".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_goes_out_as_it_is_wherever_it_stands() {
        #[derive(Serialize)]
        struct Order {
            id: u8,
            items: JsonText,
        }
        #[derive(Serialize)]
        struct Details {
            #[serde(flatten)]
            order: Order,
            note: &'static str,
        }
        let items = JsonText(r#"[{"name" : "Lamp"}]"#.to_owned());
        let details = Details { order: Order { id: 1, items }, note: "x" };
        let text = serde_json::to_string(&[&details]).expect("JSON");
        assert_eq!(text, r#"[{"id":1,"items":[{"name" : "Lamp"}],"note":"x"}]"#);
        let value = serde_json::to_value(&details).expect("JSON");
        assert_eq!(value, json!({ "id": 1, "items": [{ "name": "Lamp" }], "note": "x" }));
    }
}
