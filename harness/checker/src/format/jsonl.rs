//! The project's own format: a header with a schema number, then one event a line.
//!
//! The header may say what the file is (`"kind":"history"`), which model it is of (`"model"`), and what
//! a failed compare-and-set says (`"failed_cas":"refused"`, or `"not-done"`). The `value` of a `cas`
//! is `[old,new]`; its `ok` may have `null` there instead.

use super::elements::{Element, Elements};
use super::fields::Fields;
use super::json_event::Events;
use super::{ParseError, ReadHistory, Skipped, journal_line, json};
use crate::datum::Encoded;
use crate::history::{FailedCas, Reading, Recorder};
use crate::models::{MODELS, ModelName};

/// The schema number of the header that this crate reads and the journal writes.
pub const SCHEMA: u64 = 1;

const SCHEMA_FIELD: usize = 0;
const KIND: usize = 1;
const MODEL: usize = 2;
const FAILED_CAS: usize = 3;

fn number(name: &str) -> Option<usize> {
    ["schema", "kind", "model", "failed_cas"].iter().position(|known| *known == name)
}

/// Whether a file begins with such a header.
pub(super) fn looks_like(beginning: &[u8]) -> bool {
    let names = json::first_names(beginning);
    names.has("schema") && !names.has("type")
}

/// Reads a history in pieces.
///
/// A last line that ends in the middle, as a journal's does when its writer is killed, is left
/// out; a line that is wrong in any other way is an error.
#[derive(Debug)]
pub struct Reader {
    elements: Elements,
    events: Events,
    model: Option<ModelName>,
    has_header: bool,
}

impl Reader {
    /// A reader that expects the header.
    pub fn new(reading: Reading) -> Self {
        let events = Events::new(Recorder::reading(reading));
        Reader { elements: Elements::default(), events, model: None, has_header: false }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ParseError> {
        let mut elements = std::mem::take(&mut self.elements);
        loop {
            if elements.is_between() {
                self.lines(&mut elements, &mut bytes)?;
            }
            let Some(element) = elements.next(&mut bytes)? else { break };
            if self.has_header {
                self.events.take(&element)?;
            } else {
                self.header(&element)?;
            }
        }
        self.elements = elements;
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.events.recorder.memory_bytes() + self.elements.waiting() as u64
    }

    /// The history of all lines.
    pub fn finish(self) -> Result<ReadHistory, ParseError> {
        let torn = self.elements.finish()?;
        let recorder = self.events.into_recorder();
        let (repairs, model, skipped) = (recorder.repairs(), self.model, Skipped::default());
        Ok(ReadHistory { history: recorder.finish()?, torn, skipped, repairs, model })
    }

    /// Takes lines exactly as the journal writes them, for as long as they come.
    fn lines(&mut self, elements: &mut Elements, bytes: &mut &[u8]) -> Result<(), ParseError> {
        if let Some(rest) = bytes.strip_prefix(b"\n") {
            elements.pass_line();
            *bytes = rest;
        }
        while let Some((event, length)) = journal_line::parse(bytes) {
            let line = elements.line();
            let recorded = self.events.recorder.push(&event);
            recorded.map_err(|source| ParseError::Pairing { line, source })?;
            self.events.note(event.index);
            elements.pass_line();
            *bytes = &bytes[length..];
        }
        Ok(())
    }

    fn header(&mut self, element: &Element<'_>) -> Result<(), ParseError> {
        self.has_header = true;
        let mut fields = Fields::<4>::default();
        fields.read(element, number)?;
        let schema = fields.get(SCHEMA_FIELD);
        if schema.and_then(json::whole) != Some(SCHEMA) {
            let expected = format!("a header with \"schema\":{SCHEMA}");
            return Err(fields.wrong(element, SCHEMA_FIELD, "schema", &expected));
        }
        let text = |field| fields.get(field).map(|value| value.text().unwrap_or_default());
        if text(KIND).is_some_and(|kind| kind != "history") {
            return Err(fields.wrong(element, KIND, "kind", "\"history\""));
        }
        if let Some(name) = text(MODEL) {
            let names = || MODELS.iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
            let wrong = || fields.wrong(element, MODEL, "model", &format!("one of {}", names()));
            self.model = Some(ModelName::named(name).ok_or_else(wrong)?);
        }
        let failed_cas = match fields.get(FAILED_CAS).map(Encoded::text) {
            None => return Ok(()),
            Some(Some("not-done")) => FailedCas::NotDone,
            Some(Some("refused")) => FailedCas::Refused,
            Some(_) => {
                let expected = "\"not-done\" or \"refused\"";
                return Err(fields.wrong(element, FAILED_CAS, "failed_cas", expected));
            }
        };
        self.events.recorder.rules().failed_cas.get_or_insert(failed_cas);
        Ok(())
    }
}

/// Reads all of a text; see [`Reader`].
pub fn read(text: &[u8]) -> Result<ReadHistory, ParseError> {
    let mut reader = Reader::new(Reading::default());
    reader.feed(text)?;
    reader.finish()
}
