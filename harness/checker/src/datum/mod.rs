//! Values of operations: typed, and compared by value.
//!
//! A value is nil, a boolean, a number, a text, a keyword, a symbol, a character, or a list, set or map
//! of values. `7` is not `"7"`, and nil is not `"nil"`; numbers are equal if their values are, however
//! they were written ([`number`]); a set or map is equal to another whatever the order of its parts.
//!
//! A history has millions of values, most of them equal to others. Each is kept once, as bytes in
//! which equal values are equal ([`encoded`]). A [`Datum`] is the form to build and to look at.

mod encoded;
pub(crate) mod number;

use std::fmt;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

pub(crate) use encoded::{Encoded, Encoder, Items, View};

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Datum {
    /// `nil` or `null`.
    #[default]
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// Any other number, in its one canonical form.
    Number(Box<str>),
    /// A text.
    Text(Box<str>),
    /// EDN's `:keyword`, without the colon.
    Keyword(Box<str>),
    /// EDN's symbol.
    Symbol(Box<str>),
    /// EDN's `\c`.
    Char(char),
    /// A list or vector.
    List(Vec<Datum>),
    /// A set: sorted, each element once, if built by [`Datum::set`].
    Set(Vec<Datum>),
    /// A map: sorted by key, each key once, if built by [`Datum::map`].
    Map(Vec<(Datum, Datum)>),
    /// EDN's `#tag value`.
    Tagged(Box<str>, Box<Datum>),
}

impl Datum {
    /// A text.
    pub fn text(text: &str) -> Datum {
        Datum::Text(text.into())
    }

    /// A set of these elements.
    pub fn set(mut elements: Vec<Datum>) -> Datum {
        elements.sort_unstable();
        elements.dedup();
        Datum::Set(elements)
    }

    /// A map of these entries; of two with one key the first counts.
    pub fn map(mut entries: Vec<(Datum, Datum)>) -> Datum {
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        entries.dedup_by(|next, first| next.0 == first.0);
        Datum::Map(entries)
    }

    /// As bytes, in which equal values are equal; [`Datum::from_bytes`] reads them again.
    pub fn to_bytes(&self) -> Vec<u8> {
        Encoder::of(self).bytes().to_vec()
    }

    /// What [`Datum::to_bytes`] wrote, and nothing else.
    pub fn from_bytes(bytes: &[u8]) -> Datum {
        Encoded::new(bytes).datum()
    }

    /// Whether it is nil.
    pub fn is_nil(&self) -> bool {
        *self == Datum::Nil
    }
}

/// As JSON says it: an object is a map with texts for keys.
impl From<&serde_json::Value> for Datum {
    fn from(json: &serde_json::Value) -> Self {
        use serde_json::Value;
        match json {
            Value::Null => Datum::Nil,
            Value::Bool(value) => Datum::Bool(*value),
            Value::Number(number) => {
                let token = number.to_string();
                number::parse(&token).unwrap_or_else(|| Datum::text(&token))
            }
            Value::String(text) => Datum::text(text),
            Value::Array(items) => Datum::List(items.iter().map(Datum::from).collect()),
            Value::Object(members) => {
                let entry =
                    |(key, value): (&String, &Value)| (Datum::text(key), Datum::from(value));
                Datum::map(members.iter().map(entry).collect())
            }
        }
    }
}

impl From<i64> for Datum {
    fn from(number: i64) -> Self {
        Datum::Integer(number)
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Datum::text(text)
    }
}

/// As EDN.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Nil => f.write_str("nil"),
            Datum::Bool(value) => write!(f, "{value}"),
            Datum::Integer(number) => write!(f, "{number}"),
            Datum::Number(number) => f.write_str(number),
            Datum::Text(text) => write!(f, "{text:?}"),
            Datum::Keyword(name) => write!(f, ":{name}"),
            Datum::Symbol(name) => f.write_str(name),
            Datum::Char(c) => write!(f, "\\{c}"),
            Datum::List(items) => all(f, "[", items, "]"),
            Datum::Set(items) => all(f, "#{", items, "}"),
            Datum::Map(entries) => {
                f.write_str("{")?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key} {value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Datum::Tagged(tag, value) => write!(f, "#{tag} {value}"),
        }
    }
}

fn all(f: &mut fmt::Formatter<'_>, open: &str, items: &[Datum], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (at, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if at == 0 { "" } else { " " })?;
    }
    f.write_str(close)
}

/// As JSON: keywords, symbols and characters become texts, sets become lists.
impl Serialize for Datum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Datum::Nil => serializer.serialize_unit(),
            Datum::Bool(value) => serializer.serialize_bool(*value),
            Datum::Integer(number) => serializer.serialize_i64(*number),
            Datum::Number(number) => {
                match serde_json::value::RawValue::from_string(number.to_string()) {
                    Ok(raw) => raw.serialize(serializer),
                    Err(_) => serializer.serialize_str(number),
                }
            }
            Datum::Text(text) | Datum::Keyword(text) | Datum::Symbol(text) => {
                serializer.serialize_str(text)
            }
            Datum::Char(c) => serializer.serialize_char(*c),
            Datum::List(items) | Datum::Set(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Datum::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    match key {
                        Datum::Text(key) | Datum::Keyword(key) | Datum::Symbol(key) => {
                            map.serialize_entry(&**key, value)?;
                        }
                        other => map.serialize_entry(&other.to_string(), value)?,
                    }
                }
                map.end()
            }
            Datum::Tagged(_, value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_different_types_differ() {
        let all = [
            Datum::Nil,
            Datum::text("nil"),
            Datum::text(""),
            Datum::Bool(true),
            Datum::text("true"),
            Datum::Integer(7),
            Datum::text("7"),
            Datum::Keyword("7".into()),
            Datum::Symbol("7".into()),
            Datum::Char('7'),
            Datum::List(vec![Datum::Integer(7)]),
            Datum::set(vec![Datum::Integer(7)]),
            Datum::List(vec![]),
            Datum::map(vec![]),
            Datum::Tagged("x".into(), Box::new(Datum::Integer(7))),
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(one, other);
                assert_ne!(Encoder::of(one).bytes(), Encoder::of(other).bytes());
            }
            assert_eq!(Encoded::new(Encoder::of(one).bytes()).datum(), *one);
        }
    }

    #[test]
    fn the_order_in_a_set_or_map_does_not_count() {
        let set = |items: &[i64]| Datum::set(items.iter().copied().map(Datum::from).collect());
        assert_eq!(set(&[2, 1, 2]), set(&[1, 2]));
        assert_eq!(set(&[2, 1]).to_string(), "#{1 2}");
        let map = |items: &[(i64, i64)]| {
            Datum::map(items.iter().map(|&(k, v)| (k.into(), v.into())).collect())
        };
        assert_eq!(map(&[(2, 1), (1, 1)]), map(&[(1, 1), (2, 1)]));
    }

    #[test]
    fn json_is_what_json_can_say() {
        let datum = Datum::map(vec![
            (Datum::Keyword("a".into()), Datum::List(vec![Datum::Nil, 1.into(), "x".into()])),
            (Datum::Integer(2), number::parse("12345678901234567890").unwrap()),
        ]);
        let json = serde_json::to_string(&datum).unwrap();
        assert_eq!(json, r#"{"2":12345678901234567890,"a":[null,1,"x"]}"#);
    }
}
