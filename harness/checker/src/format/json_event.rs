//! An event as an object of JSON: `type`, `f` and `process`, and where there are some `key`, `value`,
//! `index`, `time_ns` or `time`, `client`, `node` and `error`. Other fields are passed over.
//!
//! A `null` is as good as nothing. An index or time below zero is none, as in Jepsen. The number of an
//! event without an index is that of its line, or one above the event before. What the nemesis does
//! is left out.

use super::elements::Element;
use super::fields::Fields;
use super::{ParseError, json, words};
use crate::datum::{Encoded, View};
use crate::event::F;
use crate::history::{Line, Recorder};

const INDEX: usize = 0;
const TIME: usize = 1;
const PROCESS: usize = 2;
const CLIENT: usize = 3;
const TYPE: usize = 4;
const FUNCTION: usize = 5;
const KEY: usize = 6;
const VALUE: usize = 7;
const NODE: usize = 8;
const ERROR: usize = 9;

fn number(name: &str) -> Option<usize> {
    Some(match name {
        "index" => INDEX,
        "time_ns" | "time" => TIME,
        "process" => PROCESS,
        "client" => CLIENT,
        "type" => TYPE,
        "f" => FUNCTION,
        "key" => KEY,
        "value" => VALUE,
        "node" => NODE,
        "error" => ERROR,
        _ => return None,
    })
}

/// Takes events one by one.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) recorder: Recorder,
    fields: Fields<10>,
    /// The number of the event before, the nemesis's too.
    last: Option<u64>,
    says_read: bool,
}

impl Events {
    pub(super) fn new(recorder: Recorder) -> Self {
        Events { recorder, fields: Fields::default(), last: None, says_read: false }
    }

    /// Takes the next event.
    pub(super) fn take(&mut self, element: &Element<'_>) -> Result<(), ParseError> {
        self.fields.read(element, number)?;
        let event = Event { fields: &self.fields, element };
        let next = self.last.map_or(0, |last| last.saturating_add(1));
        let index = event.natural(INDEX, "index")?;
        let index = index.unwrap_or_else(|| element.begin.line.max(next));
        self.last = Some(index);
        let Some(process) = event.process()? else { return Ok(()) };
        let r#type = event.text(TYPE).and_then(words::event_type);
        let r#type = r#type.ok_or_else(|| event.wrong(TYPE, "type", words::TYPES))?;
        let name = event.text(FUNCTION).map(words::without_colon).unwrap_or_default();
        let f = F::named(name).ok_or_else(|| event.wrong(FUNCTION, "f", &words::functions()))?;
        self.says_read |= matches!(name, "read" | "write");
        let recorded = self.recorder.line(&Line {
            index,
            time_ns: event.natural(TIME, "time")?,
            process,
            client: event.text(CLIENT).unwrap_or_default(),
            r#type,
            f,
            key: event.fields.get(KEY),
            value: event.fields.get(VALUE),
            refused: false,
            has_error: event.gives_reason(f),
            node: event.text(NODE),
        });
        let line = element.begin.line;
        recorded.map_err(|source| ParseError::Pairing { line, source })
    }

    /// Notes an event that was taken in another way.
    pub(super) fn note(&mut self, index: u64) {
        self.last = Some(index);
    }

    /// All events are taken.
    pub(super) fn into_recorder(mut self) -> Recorder {
        if self.says_read {
            self.recorder.says_read();
        }
        self.recorder
    }
}

/// The fields of one object.
#[derive(Debug, Clone, Copy)]
struct Event<'a> {
    fields: &'a Fields<10>,
    element: &'a Element<'a>,
}

impl Event<'_> {
    /// None: it is the nemesis.
    fn process(&self) -> Result<Option<u64>, ParseError> {
        if self.text(PROCESS).map(words::without_colon) == Some("nemesis") {
            return Ok(None);
        }
        let number = self.fields.get(PROCESS).and_then(json::whole);
        let expected = "a number from 0, or \"nemesis\"";
        number.map(Some).ok_or_else(|| self.wrong(PROCESS, "process", expected))
    }

    /// A whole number; none if it is below zero, or not there.
    fn natural(&self, field: usize, name: &str) -> Result<Option<u64>, ParseError> {
        let Some(value) = self.fields.get(field) else { return Ok(None) };
        if matches!(value.view(), View::Integer(..0)) {
            return Ok(None);
        }
        let expected = "a whole number of 64 bits";
        json::whole(value).map(Some).ok_or_else(|| self.wrong(field, name, expected))
    }

    /// Whether it says why it failed: with an error, or in the place of a compare-and-set's values.
    fn gives_reason(&self, f: F) -> bool {
        self.fields.get(ERROR).is_some() || (f == F::Cas && self.text(VALUE).is_some())
    }

    fn text(&self, field: usize) -> Option<&str> {
        self.fields.get(field).and_then(Encoded::text)
    }

    fn wrong(&self, field: usize, name: &str, expected: &str) -> ParseError {
        self.fields.wrong(self.element, field, name, expected)
    }
}
