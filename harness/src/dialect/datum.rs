//! Values of operations as JSON, and back.

use checker::Datum;
use serde_json::Value;

/// The value that a JSON text stands for.
pub fn of_json(value: &Value) -> Datum {
    match value {
        Value::Null => Datum::Nil,
        Value::Bool(value) => Datum::Bool(*value),
        Value::Number(number) => of_number(number),
        Value::String(text) => Datum::text(text),
        Value::Array(items) => Datum::List(items.iter().map(of_json).collect()),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| (Datum::text(key), of_json(value));
            Datum::map(entries.iter().map(entry).collect())
        }
    }
}

fn of_number(number: &serde_json::Number) -> Datum {
    if let Some(whole) = number.as_i64() {
        return Datum::Integer(whole);
    }
    // JSON knows one kind of number: `3.0` is the whole number 3.
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers that fit are taken")]
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Datum::Integer(float as i64),
        _ => Datum::Number(number.to_string().into()),
    }
}

/// The JSON of a value.
pub fn to_json(value: &Datum) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_whole_numbers_are_whole_however_they_are_written() {
        let text = r#"[null,true,7,-7,"7",[1,[]],{"a":{"b":"c"}}]"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(to_json(&of_json(&value)).to_string(), text);
        let whole: Value = serde_json::from_str("3.0").unwrap();
        assert_eq!(of_json(&whole), Datum::from(3));
        let fraction: Value = serde_json::from_str("3.5").unwrap();
        assert_eq!(of_json(&fraction), Datum::Number("3.5".into()));
    }
}
