//! Values of any kind, kept small: a history has millions of them.

use std::fmt;

use serde_json::Value;

/// A value that was given to an operation, or answered by one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Datum(Kept);

/// Two words. Nearly all values are small numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
enum Kept {
    #[default]
    Null,
    Integer(i64),
    /// Anything else, as JSON.
    #[expect(clippy::box_collection, reason = "a box of a text takes two words, this one")]
    Json(Box<String>),
}

impl Datum {
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.0 == Kept::Null
    }

    /// The value.
    pub fn value(&self) -> Value {
        match &self.0 {
            Kept::Null => Value::Null,
            Kept::Integer(number) => Value::from(*number),
            Kept::Json(json) => serde_json::from_str(json).unwrap_or_default(),
        }
    }
}

impl From<&Value> for Datum {
    fn from(value: &Value) -> Self {
        Datum(match (value, value.as_i64()) {
            (Value::Null, _) => Kept::Null,
            (_, Some(number)) => Kept::Integer(number),
            (value, None) => {
                let mut json = value.to_string();
                json.shrink_to_fit();
                Kept::Json(Box::new(json))
            }
        })
    }
}

/// As JSON.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::Null => f.write_str("null"),
            Kept::Integer(number) => write!(f, "{number}"),
            Kept::Json(json) => f.write_str(json),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_what_was_given() {
        for json in [
            "null",
            "0",
            "-7",
            "9223372036854775807",
            "9223372036854775808",
            "1.0",
            "1e400",
            "\"\"",
            "\"a\\\"b\\u0000\"",
            "true",
            "[]",
            "[1,[2,\"x\"]]",
            "{\"b\":1,\"a\":null}",
        ] {
            let Ok(value) = serde_json::from_str::<Value>(json) else { continue };
            let datum = Datum::from(&value);
            assert_eq!((datum.value(), datum.to_string()), (value.clone(), value.to_string()));
            assert_eq!(datum.is_null(), value.is_null());
        }
        assert_eq!(size_of::<Datum>(), 16);
    }
}
