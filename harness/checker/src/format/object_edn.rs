//! EDN maps of histories whose operations have any name and any value.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::ParseError;
use super::edn::{Edn, Parser, Wrong};
use crate::event::EventType;
use crate::objects::ObjectEvent;

/// A map that does not end within this many bytes never will.
const LONGEST_MAP_BYTES: usize = 1 << 24;

/// Finds the maps of a file, line by line; one may go over several.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    in_vector: bool,
    seen_any: bool,
    /// The beginning of a map whose end is not there yet.
    begun: String,
}

impl Maps {
    /// Whether a map began and did not end.
    pub(crate) fn is_torn(&self) -> bool {
        !self.begun.trim().is_empty()
    }

    /// The events that end on the next line. What the nemesis does is skipped.
    pub(crate) fn line(
        &mut self,
        text: &[u8],
        line: u64,
    ) -> Result<Vec<ObjectEvent<'static>>, ParseError> {
        let syntax = |column, found, expected: &str| ParseError::Syntax {
            line,
            column,
            found,
            expected: expected.to_owned(),
        };
        let text = std::str::from_utf8(text).map_err(|error| {
            syntax(error.valid_up_to() + 1, "bytes that are no text".to_owned(), "UTF-8")
        })?;
        let mut begun = std::mem::take(&mut self.begun);
        let before = begun.len();
        begun.push_str(text);
        begun.push('\n');
        let mut parser = Parser::new(&begun);
        if !self.seen_any && !self.in_vector {
            self.in_vector = parser.skip_one('[');
        }
        let mut events = Vec::new();
        loop {
            if self.in_vector && parser.skip_one(']') {
                self.in_vector = false;
            }
            let start = parser.at();
            match parser.next_value() {
                Ok(None) => return Ok(events),
                Ok(Some(map)) => {
                    self.seen_any = true;
                    let event = event(&map);
                    let event = event.map_err(|(found, expected)| syntax(1, found, expected))?;
                    events.extend(event);
                }
                Err(Wrong { torn: true, .. }) if begun.len() - start < LONGEST_MAP_BYTES => {
                    self.begun = begun.split_off(start);
                    return Ok(events);
                }
                Err(Wrong { at, found, expected, .. }) => {
                    return Err(syntax(at.saturating_sub(before) + 1, found, expected));
                }
            }
        }
    }
}

/// The event of a map; none for the nemesis.
fn event(map: &Edn) -> Result<Option<ObjectEvent<'static>>, (String, &'static str)> {
    let wrong = |name: &str, expected: &'static str| {
        let found = map.get(name).map_or_else(|| "nothing".to_owned(), Edn::canonical);
        (format!("{found} as :{name}"), expected)
    };
    let process = match map.get("process") {
        Some(&Edn::Integer(process)) => {
            u64::try_from(process).map_err(|_| wrong("process", "a number from 0"))?
        }
        Some(Edn::Keyword(_)) => return Ok(None),
        _ => return Err(wrong("process", "a number, or :nemesis")),
    };
    let keyword = |name| match map.get(name) {
        Some(Edn::Keyword(keyword)) => keyword.as_str(),
        _ => "",
    };
    let r#type = match keyword("type") {
        "invoke" => EventType::Invoke,
        "ok" => EventType::Ok,
        "fail" => EventType::Fail,
        "info" => EventType::Info,
        _ => return Err(wrong("type", ":invoke, :ok, :fail or :info")),
    };
    let f = keyword("f");
    if f.is_empty() {
        return Err(wrong("f", "a keyword"));
    }
    let time_ns = match map.get("time") {
        Some(&Edn::Integer(time)) => {
            Some(u64::try_from(time.max(0)).map_err(|_| wrong("time", "nanoseconds"))?)
        }
        _ => None,
    };
    Ok(Some(ObjectEvent {
        index: None,
        time_ns,
        process,
        r#type,
        f: Cow::Owned(f.to_owned()),
        key: map.get("key").map(|key| Cow::Owned(name(key))),
        value: map.get("value").map(json).unwrap_or_default(),
    }))
}

/// A string or keyword is its text; anything else its notation.
fn name(value: &Edn) -> String {
    match value {
        Edn::String(text) | Edn::Keyword(text) => text.clone(),
        other => other.canonical(),
    }
}

/// The same in JSON: keywords are strings, sets are lists, keys of maps are texts.
fn json(value: &Edn) -> Value {
    match value {
        Edn::Nil => Value::Null,
        Edn::Boolean(value) => Value::Bool(*value),
        Edn::Integer(number) => {
            i64::try_from(*number).map_or_else(|_| Value::String(number.to_string()), Value::from)
        }
        Edn::Word(word) => Value::String(word.clone()),
        Edn::Keyword(text) | Edn::String(text) => Value::String(text.clone()),
        Edn::Sequence(items) | Edn::Set(items) => Value::Array(items.iter().map(json).collect()),
        Edn::Map(entries) => {
            let entry = |(key, value): &(Edn, Edn)| (name(key), json(value));
            Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
    }
}
