//! The project's own format: a header line with a schema number, then one event a line.
//!
//! The header may say what the file is (`"kind":"history"`) and which model it is of (`"model"`).
//! The `value` of a `cas` is `[old,new]`; its `ok` may have `null` there instead.

use std::borrow::Cow;

use serde::Deserialize;

use super::{ParseError, journal_line};
use crate::event::{EventType, F};
use crate::history::{Entry, History, Recorder};

/// The schema number of the header that this crate reads and the journal writes.
pub const SCHEMA: u64 = 1;

/// What a header may name as its model: every object and guarantee that histories are checked for.
pub const MODELS: [&str; 19] = [
    "kv",
    "register",
    "cas-register",
    "sequential",
    "read-your-writes",
    "monotonic-reads",
    "monotonic-writes",
    "writes-follow-reads",
    "eventual",
    "set",
    "set-eventual",
    "counter",
    "queue",
    "unordered-queue",
    "lease",
    "lock",
    "unique-ids",
    "bank",
    "bank-negative",
];

#[derive(Deserialize)]
struct Header<'a> {
    schema: u64,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
}

/// The line of a compare-and-set, whose value is what it expects and what it writes.
#[derive(Deserialize)]
struct Swap<'a> {
    index: u64,
    time_ns: u64,
    process: u64,
    #[serde(borrow)]
    client: Cow<'a, str>,
    r#type: EventType,
    f: F,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: (Cow<'a, str>, Cow<'a, str>),
    #[serde(borrow)]
    node: Option<Cow<'a, str>>,
}

/// Reads a history line by line.
///
/// A last line that ends in the middle, as a journal's does when its writer is killed, is left
/// out; a line that is wrong in any other way is an error.
#[derive(Debug, Default)]
pub struct Reader {
    recorder: Recorder,
    line: u64,
    has_header: bool,
    torn: Option<ParseError>,
}

impl Reader {
    /// A reader that expects the header.
    pub fn new() -> Self {
        Reader::default()
    }

    pub(super) fn recorder(&mut self) -> &mut Recorder {
        &mut self.recorder
    }

    /// Takes the next line, with or without its line end. Blank lines are skipped.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        if let Some(error) = self.torn.take() {
            return Err(error);
        }
        self.line += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let is_header = !std::mem::replace(&mut self.has_header, true);
        let parsed = if is_header { self.header(line) } else { self.event(line) };
        match parsed {
            Err(Fault::Torn(error)) => self.torn = Some(error),
            Err(Fault::Wrong(error)) => return Err(error),
            Ok(()) => {}
        }
        Ok(())
    }

    /// The history of all lines, and whether the last one was torn and left out.
    pub fn finish(self) -> (History, bool) {
        (self.recorder.finish(), self.torn.is_some())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Fault> {
        let expected = format!("a header with \"schema\":{SCHEMA}");
        let header: Header<'_> =
            serde_json::from_slice(line).map_err(|error| self.fault(&error, &expected))?;
        let wrong = |found: String, expected: String| {
            Err(Fault::Wrong(ParseError::Syntax { line: self.line, column: 1, found, expected }))
        };
        let Header { schema, kind, model } = header;
        if schema != SCHEMA {
            return wrong(format!("schema {schema}"), format!("schema {SCHEMA}"));
        }
        if let Some(kind) = kind.filter(|kind| kind != "history") {
            return wrong(format!("kind {kind:?}"), "kind \"history\"".to_owned());
        }
        if let Some(model) = model.filter(|model| !MODELS.contains(&&**model)) {
            return wrong(format!("model {model:?}"), format!("one of {}", MODELS.join(", ")));
        }
        Ok(())
    }

    fn event(&mut self, line: &[u8]) -> Result<(), Fault> {
        let event = match journal_line::parse(line) {
            Some(event) => event,
            None => match serde_json::from_slice(line) {
                Ok(event) => event,
                Err(error) => return self.swap(line, &error),
            },
        };
        self.record(&Entry::from(&event))
    }

    /// A line that is no event with a text as its value: a compare-and-set, or wrong.
    fn swap(&mut self, line: &[u8], error: &serde_json::Error) -> Result<(), Fault> {
        let swap: Option<Swap<'_>> = serde_json::from_slice(line).ok();
        let Some(swap) = swap.filter(|swap| swap.f == F::Cas) else {
            return Err(self.fault(error, "an event"));
        };
        self.record(&Entry {
            index: swap.index,
            time_ns: swap.time_ns,
            process: swap.process,
            client: &swap.client,
            r#type: swap.r#type,
            f: swap.f,
            key: &swap.key,
            value: Some(&swap.value.1),
            expected: Some(&swap.value.0),
            refused: false,
            node: swap.node.as_deref(),
        })
    }

    fn record(&mut self, entry: &Entry<'_>) -> Result<(), Fault> {
        let line = self.line;
        self.recorder
            .record(entry)
            .map_err(|source| Fault::Wrong(ParseError::Pairing { line, source }))
    }

    fn fault(&self, error: &serde_json::Error, expected: &str) -> Fault {
        let found = crate::format::found(error);
        let column = error.column().max(1);
        let expected = expected.to_owned();
        let fault = ParseError::Syntax { line: self.line, column, found, expected };
        if error.is_eof() { Fault::Torn(fault) } else { Fault::Wrong(fault) }
    }
}

enum Fault {
    Torn(ParseError),
    Wrong(ParseError),
}

/// Reads all lines; see [`Reader`].
pub fn read<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<(History, bool), ParseError> {
    let mut reader = Reader::new();
    for line in lines {
        reader.line(line)?;
    }
    Ok(reader.finish())
}
