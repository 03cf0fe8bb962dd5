//! Operations as Porcupine has them, in JSON: a list of objects, or one object after another.
//!
//! ```json
//! [{"clientId":1,"input":{"op":"put","key":"x","value":"1"},"call":0,"output":{},"return":9},
//!  {"clientId":2,"input":{"op":"get","key":"x"},"call":3,"output":{"value":"1"},"return":12},
//!  {"clientId":1,"input":{"op":"cas","key":"x","expected":"1","value":"2"},"call":20,
//!   "output":{"ok":false},"return":25},
//!  {"clientId":2,"input":{"op":"append","key":"x","value":"3"},"call":30,"return":null}]
//! ```
//!
//! That is Go's `porcupine.Operation` as `encoding/json` writes it, also with the names in capitals
//! (`ClientId`, `Input`, `Call`, `Output`, `Return`), with an input and an output as in
//! [`porcupine_call`](super::porcupine_call). The times are nanoseconds from 0, in any order; at the same
//! time calls come before returns, as in Porcupine. Without a `return` the outcome is unknown.
//! The events are numbered in the order of their times. Other fields are passed over.

use super::elements::{Element, Elements};
use super::fields::Fields;
use super::porcupine_call::{Input, Output, Wrong};
use super::{ParseError, ReadHistory, Skipped, json};
use crate::datum::{Datum, Encoder};
use crate::event::F;
use crate::history::lenient::Repairs;
use crate::history::{Whole, WholeRecorder};

const CLIENT: usize = 0;
const INPUT: usize = 1;
const CALL: usize = 2;
const OUTPUT: usize = 3;
const RETURN: usize = 4;

fn number(name: &str) -> Option<usize> {
    let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let names: [&[&str]; 5] =
        [&["clientId", "client_id", "client"], &["input"], &["call"], &["output"], &["return"]];
    names.iter().position(|names| is(names))
}

/// Whether a file begins with such an object.
pub(super) fn looks_like(beginning: &[u8]) -> bool {
    let names = json::first_names(beginning);
    names.has("input") || (names.has("clientId") && names.has("call"))
}

/// Reads operations from pieces of a file; they are put in order at its end.
#[derive(Debug)]
pub struct Reader {
    recorder: WholeRecorder,
    elements: Elements,
    fields: Fields<5>,
    nil: Encoder,
}

impl Default for Reader {
    fn default() -> Self {
        Reader::new()
    }
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Self {
        Reader {
            recorder: WholeRecorder::new(),
            elements: Elements::default(),
            fields: Fields::default(),
            nil: Encoder::of(&Datum::Nil),
        }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ParseError> {
        let mut elements = std::mem::take(&mut self.elements);
        while let Some(element) = elements.next(&mut bytes)? {
            self.operation(&element)?;
        }
        self.elements = elements;
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.recorder.memory_bytes() + self.elements.waiting() as u64
    }

    /// The history of all operations.
    pub fn finish(self) -> Result<ReadHistory, ParseError> {
        let torn = self.elements.finish()?;
        let (skipped, repairs) = (Skipped::default(), Repairs::default());
        Ok(ReadHistory { history: self.recorder.finish(), torn, skipped, repairs, model: None })
    }

    fn operation(&mut self, element: &Element<'_>) -> Result<(), ParseError> {
        let Reader { recorder, fields, nil, .. } = self;
        fields.read(element, number)?;
        let fields = &*fields;
        let client = match fields.get(CLIENT) {
            None => 0,
            Some(client) => json::whole(client)
                .ok_or_else(|| fields.wrong(element, CLIENT, "clientId", "a number from 0"))?,
        };
        let expected = "whole nanoseconds from 0, of 64 bits";
        let time = |field, name| match fields.get(field).map(json::whole) {
            Some(None) => Err(fields.wrong(element, field, name, expected)),
            time => Ok(time.flatten()),
        };
        let call_ns = time(CALL, "call")?;
        let call_ns = call_ns.ok_or_else(|| fields.wrong(element, CALL, "call", expected))?;
        let return_ns = time(RETURN, "return")?;
        if return_ns.is_some_and(|end| end < call_ns) {
            let expected = format!("a time at or after its call at {call_ns}");
            return Err(fields.wrong(element, RETURN, "return", &expected));
        }
        let at = |field| move |wrong| in_file(fields, element, field, wrong);
        let input = Input::read(fields.get(INPUT)).map_err(at(INPUT))?;
        let output = Output::read(input.f, fields.get(OUTPUT)).map_err(at(OUTPUT))?;
        if input.says_read {
            recorder.says_read();
        }
        let whole = Whole {
            client,
            f: input.f,
            key: input.key.unwrap_or_else(|| nil.slice(0, nil.at())),
            argument: input.argument,
            result: if input.f == F::Cas { input.expected } else { output.answer },
            refused: output.refused,
            call_ns,
            return_ns,
        };
        let line = element.begin.line;
        recorder.push(&whole).map_err(|source| ParseError::Pairing { line, source })
    }
}

/// What is wrong with an input or output, with its place.
pub(super) fn in_file<const N: usize>(
    fields: &Fields<N>,
    element: &Element<'_>,
    field: usize,
    wrong: Wrong,
) -> ParseError {
    element.wrong_at(fields.place(field), wrong.found, &wrong.expected)
}
