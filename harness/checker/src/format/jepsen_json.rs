//! Jepsen's operations as JSON, as elle-cli takes them: one list of objects, or one object after another,
//! each with `type`, `f`, `process`, `value`, and `index` and `time` where there are some.
//!
//! Words may have the colon of a keyword (`":invoke"`). The key is in `key`, or the value of every
//! invocation is `[key, value]`. A compare-and-set takes `[old, new]`; one that fails was not done.

use super::elements::Elements;
use super::json_event::Events;
use super::{ParseError, ReadHistory, Skipped, json};
use crate::history::{Reading, Recorder};

/// Whether a file begins with such an object.
pub(super) fn looks_like(beginning: &[u8]) -> bool {
    let names = json::first_names(beginning);
    names.has("process") && (names.has("type") || names.has("f"))
}

/// Reads a history in pieces.
#[derive(Debug)]
pub struct Reader {
    elements: Elements,
    events: Events,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(reading: Reading) -> Self {
        let events = Events::new(Recorder::reading(reading));
        Reader { elements: Elements::default(), events }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ParseError> {
        let mut elements = std::mem::take(&mut self.elements);
        while let Some(element) = elements.next(&mut bytes)? {
            self.events.take(&element)?;
        }
        self.elements = elements;
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.events.recorder.memory_bytes() + self.elements.waiting() as u64
    }

    /// The history of all operations.
    pub fn finish(self) -> Result<ReadHistory, ParseError> {
        let torn = self.elements.finish()?;
        let recorder = self.events.into_recorder();
        let (repairs, skipped) = (recorder.repairs(), Skipped::default());
        Ok(ReadHistory { history: recorder.finish()?, torn, skipped, repairs, model: None })
    }
}
