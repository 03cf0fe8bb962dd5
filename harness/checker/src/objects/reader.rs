//! Reading histories of objects: the project's JSON lines, or Jepsen's EDN.

use std::borrow::Cow;

use serde::Deserialize;

use super::history::{ObjectEvent, ObjectHistory, ObjectRecorder};
use crate::format::ParseError;
use crate::format::jsonl::SCHEMA;
use crate::format::object_edn;
use crate::lenient::{Lenient, Place, Repairs};

/// The forms in which histories of objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A header line with a schema number, then one event a line.
    Jsonl,
    /// Maps in EDN, each on lines of its own or in one vector.
    Edn,
}

impl Form {
    /// The form of a file with this line, its first that is not blank.
    pub fn detect(line: &[u8]) -> Form {
        if line.trim_ascii().starts_with(b"{\"") { Form::Jsonl } else { Form::Edn }
    }
}

#[derive(Deserialize)]
struct Header {
    schema: u64,
}

/// Reads a history line by line. A last line, or a last map, that ends in the middle is left out.
#[derive(Debug)]
pub struct Reader {
    form: Form,
    recorder: ObjectRecorder,
    lenient: Option<Lenient>,
    maps: object_edn::Maps,
    line: u64,
    has_header: bool,
    torn: Option<ParseError>,
}

impl Reader {
    /// A reader that has seen nothing; a lenient one repairs by the rules of
    /// [`lenient`](crate::lenient) what a strict one refuses.
    pub fn new(form: Form, is_lenient: bool) -> Self {
        Reader {
            form,
            recorder: ObjectRecorder::new(),
            lenient: is_lenient.then(Lenient::new),
            maps: object_edn::Maps::default(),
            line: 0,
            has_header: false,
            torn: None,
        }
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
        match self.form {
            Form::Jsonl if is_header => self.header(line),
            Form::Jsonl => match serde_json::from_slice::<ObjectEvent<'_>>(line) {
                Ok(event) => self.record(event),
                Err(error) => self.fault(&error, "an event"),
            },
            Form::Edn => {
                for event in self.maps.line(line, self.line)? {
                    self.record(event)?;
                }
                Ok(())
            }
        }
    }

    /// How often each rule of leniency was used.
    pub fn repairs(&self) -> Repairs {
        self.lenient.as_ref().map(Lenient::repairs).unwrap_or_default()
    }

    /// The history of all lines, and whether the last one was torn and left out.
    pub fn finish(self) -> (ObjectHistory, bool) {
        let mut history = self.recorder.finish();
        if self.form == Form::Edn {
            history.split_keys();
        }
        (history, self.torn.is_some() || self.maps.is_torn())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), ParseError> {
        let expected = format!("a header with \"schema\":{SCHEMA}");
        let header: Header = match serde_json::from_slice(line) {
            Ok(header) => header,
            Err(error) => return self.fault(&error, &expected),
        };
        if header.schema == SCHEMA {
            return Ok(());
        }
        let found = format!("schema {}", header.schema);
        Err(ParseError::Syntax { line: self.line, column: 1, found, expected })
    }

    fn fault(&mut self, error: &serde_json::Error, expected: &str) -> Result<(), ParseError> {
        let found = crate::format::found(error);
        let column = error.column().max(1);
        let expected = expected.to_owned();
        let fault = ParseError::Syntax { line: self.line, column, found, expected };
        if !error.is_eof() {
            return Err(fault);
        }
        self.torn = Some(fault);
        Ok(())
    }

    fn record(&mut self, mut event: ObjectEvent<'_>) -> Result<(), ParseError> {
        if let Some(lenient) = &mut self.lenient {
            let index = event.index.unwrap_or(self.recorder.events());
            let place = lenient.place(Place {
                index,
                time_ns: event.time_ns.unwrap_or(index),
                process: event.process,
                r#type: event.r#type,
                f: &event.f,
                key: event.key.as_deref().unwrap_or_default(),
            });
            let Some(Place { index, time_ns, process, .. }) = place else { return Ok(()) };
            let f = Cow::Owned(event.f.clone().into_owned());
            event = ObjectEvent { index: Some(index), time_ns: Some(time_ns), process, f, ..event };
        }
        let line = self.line;
        self.recorder.record(&event).map_err(|source| ParseError::Pairing { line, source })
    }
}
