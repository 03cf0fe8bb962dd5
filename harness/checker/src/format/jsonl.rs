//! The project's own format: a header line with a schema number, then one event a line.
//!
//! The header may say what the file is (`"kind":"history"`) and which model it is of (`"model"`).
//! The `value` of a `cas` is `[old,new]`; its `ok` may have `null` there instead.

use std::borrow::Cow;

use serde::Deserialize;

use serde_json::value::RawValue;

use super::json::AnyJson;
use super::lines::Lines;
use super::{ParseError, ReadHistory, Skipped, journal_line};
use crate::datum::Encoder;
use crate::event::{EventType, F};
use crate::history::{FailedCas, Line, PairingError, Reading, Recorder};
use crate::models::{MODELS, ModelName};

/// The schema number of the header that this crate reads and the journal writes.
pub const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct Header<'a> {
    schema: u64,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    /// What a failed compare-and-set says: `not-done` or `refused`.
    #[serde(borrow)]
    failed_cas: Option<Cow<'a, str>>,
}

/// A line with any function and any value. What may be missing has a default.
#[derive(Deserialize)]
struct Loose<'a> {
    index: Option<u64>,
    time_ns: Option<u64>,
    process: u64,
    #[serde(borrow, default)]
    client: Cow<'a, str>,
    r#type: EventType,
    f: F,
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    node: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Reads a history in pieces.
///
/// A last line that ends in the middle, as a journal's does when its writer is killed, is left
/// out; a line that is wrong in any other way is an error.
#[derive(Debug)]
pub struct Reader {
    recorder: Recorder,
    lines: Lines,
    model: Option<ModelName>,
    has_header: bool,
    says_read: bool,
    scratch: Encoder,
}

impl Reader {
    /// A reader that expects the header.
    pub fn new(reading: Reading) -> Self {
        Reader {
            recorder: Recorder::reading(reading),
            lines: Lines::default(),
            model: None,
            has_header: false,
            says_read: false,
            scratch: Encoder::default(),
        }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        let mut lines = std::mem::take(&mut self.lines);
        let fed = lines.feed(bytes, |line, number| self.line(line, number).map_err(Fault::into));
        self.lines = lines;
        fed
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.recorder.memory_bytes() + self.lines.waiting() as u64
    }

    /// The history of all lines.
    pub fn finish(mut self) -> Result<ReadHistory, ParseError> {
        let mut torn = None;
        if let Some((line, number)) = std::mem::take(&mut self.lines).rest() {
            match self.line(&line, number) {
                Err(Fault::Torn(_)) => torn = Some(number),
                Err(Fault::Wrong(error)) => return Err(error),
                Ok(()) => {}
            }
        }
        let repairs = self.recorder.repairs();
        let (model, skipped) = (self.model, Skipped::default());
        Ok(ReadHistory { history: self.recorder.finish()?, torn, skipped, repairs, model })
    }

    /// Blank lines are skipped.
    fn line(&mut self, line: &[u8], number: u64) -> Result<(), Fault> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        if std::mem::replace(&mut self.has_header, true) {
            self.event(line, number)
        } else {
            self.header(line, number)
        }
    }

    fn header(&mut self, line: &[u8], number: u64) -> Result<(), Fault> {
        let expected = format!("a header with \"schema\":{SCHEMA}");
        let header: Header<'_> =
            serde_json::from_slice(line).map_err(|error| fault(&error, number, &expected))?;
        let wrong = |found: String, expected: String| {
            Err(Fault::Wrong(ParseError::Syntax { line: number, column: 1, found, expected }))
        };
        let Header { schema, kind, model, failed_cas } = header;
        if schema != SCHEMA {
            return wrong(format!("schema {schema}"), format!("schema {SCHEMA}"));
        }
        if let Some(kind) = kind.filter(|kind| kind != "history") {
            return wrong(format!("kind {kind:?}"), "kind \"history\"".to_owned());
        }
        if let Some(name) = model {
            self.model = ModelName::named(&name);
            if self.model.is_none() {
                let names: Vec<&str> = MODELS.iter().map(|info| info.name).collect();
                return wrong(format!("model {name:?}"), format!("one of {}", names.join(", ")));
            }
        }
        let rules = self.recorder.rules();
        match failed_cas.as_deref() {
            None => {}
            Some("not-done") => {
                rules.failed_cas.get_or_insert(FailedCas::NotDone);
            }
            Some("refused") => {
                rules.failed_cas.get_or_insert(FailedCas::Refused);
            }
            Some(other) => {
                let expected = "failed_cas \"not-done\" or \"refused\"".to_owned();
                return wrong(format!("failed_cas {other:?}"), expected);
            }
        }
        Ok(())
    }

    fn event(&mut self, line: &[u8], number: u64) -> Result<(), Fault> {
        if let Some(event) = journal_line::parse(line) {
            return paired(self.recorder.push(&event), number);
        }
        let loose: Loose<'_> =
            serde_json::from_slice(line).map_err(|error| fault(&error, number, "an event"))?;
        if !self.says_read && matches!(loose.f, F::Get | F::Put) && names_read(line) {
            self.says_read = true;
            self.recorder.says_read();
        }
        self.loose(&loose, number)
    }

    fn loose(&mut self, loose: &Loose<'_>, number: u64) -> Result<(), Fault> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let mut encoded = |raw: Option<&RawValue>| -> Result<(usize, usize), Fault> {
            let start = scratch.at();
            if let Some(raw) = raw {
                let value: AnyJson = serde_json::from_str(raw.get())
                    .map_err(|error| fault(&error, number, "a value"))?;
                value.encode(&mut scratch);
            }
            Ok((start, scratch.at()))
        };
        let key = encoded(loose.key)?;
        let value = encoded(loose.value)?;
        let index = loose.index.unwrap_or(self.recorder.last_index().map_or(0, |last| last + 1));
        let recorded = self.recorder.line(&Line {
            index,
            time_ns: loose.time_ns,
            process: loose.process,
            client: &loose.client,
            r#type: loose.r#type,
            f: loose.f,
            key: loose.key.map(|_| scratch.slice(key.0, key.1)),
            value: loose.value.map(|_| scratch.slice(value.0, value.1)),
            refused: false,
            has_error: loose.error.is_some(),
            node: loose.node.as_deref(),
        });
        self.scratch = scratch;
        paired(recorded, number)
    }
}

/// Whether a line says `read` or `write` where another would say `get` or `put`.
fn names_read(line: &[u8]) -> bool {
    let has = |name: &[u8]| line.windows(name.len()).any(|window| window == name);
    has(b"\"read\"") || has(b"\"write\"")
}

fn paired(recorded: Result<(), PairingError>, line: u64) -> Result<(), Fault> {
    recorded.map_err(|source| Fault::Wrong(ParseError::Pairing { line, source }))
}

fn fault(error: &serde_json::Error, line: u64, expected: &str) -> Fault {
    let found = crate::format::found(error);
    let column = error.column().max(1);
    let expected = expected.to_owned();
    let fault = ParseError::Syntax { line, column, found, expected };
    if error.is_eof() { Fault::Torn(fault) } else { Fault::Wrong(fault) }
}

enum Fault {
    Torn(ParseError),
    Wrong(ParseError),
}

impl From<Fault> for ParseError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Torn(error) | Fault::Wrong(error) => error,
        }
    }
}

/// Reads all of a text; see [`Reader`].
pub fn read(text: &[u8]) -> Result<ReadHistory, ParseError> {
    let mut reader = Reader::new(Reading::default());
    reader.feed(text)?;
    reader.finish()
}
