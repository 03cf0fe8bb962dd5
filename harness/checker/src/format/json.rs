//! JSON as values: numbers by value, whatever their size.

use serde_json::Value;

use crate::datum::Encoder;

/// Any value of JSON, with its numbers as they stand.
#[derive(Debug, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct AnyJson(Value);

impl AnyJson {
    /// Writes the value.
    pub(super) fn encode(&self, encoder: &mut Encoder) {
        encode(&self.0, encoder);
    }
}

fn encode(value: &Value, encoder: &mut Encoder) {
    match value {
        Value::Null => encoder.nil(),
        Value::Bool(value) => encoder.bool(*value),
        Value::Number(number) => {
            if !encoder.number(&number.to_string()) {
                encoder.nil();
            }
        }
        Value::String(text) => encoder.text(text),
        Value::Array(items) => {
            let mark = encoder.begin();
            items.iter().for_each(|item| encode(item, encoder));
            encoder.end_list(mark);
        }
        Value::Object(entries) => {
            let mark = encoder.begin();
            for (key, value) in entries {
                encoder.text(key);
                encode(value, encoder);
            }
            encoder.end_map(mark);
        }
    }
}
