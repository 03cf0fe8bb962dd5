//! Events as Porcupine has them, in JSON: a list of objects, or one object after another.
//!
//! ```json
//! [{"ClientId":0,"Kind":false,"Value":{"op":"put","key":"x","value":"1"},"Id":0},
//!  {"ClientId":0,"Kind":true,"Value":{},"Id":0}]
//! ```
//!
//! That is Go's `porcupine.Event` as `encoding/json` writes it, where a kind is false for a call and true
//! for a return; also taken are 0 and 1, `call` and `return`, `CallEvent` and `ReturnEvent`. A return
//! belongs to the call of its id. The order is that of the file, and there are no times. What
//! never returns is open for ever. Inputs and outputs are as in
//! [`porcupine_call`](super::porcupine_call).
//!
//! A client is one process until it has two operations at a time: then one more for each.

use rustc_hash::{FxHashMap, FxHashSet};

use super::elements::{Element, Elements};
use super::fields::Fields;
use super::porcupine_call::{Input, Output};
use super::porcupine_json::in_file;
use super::{ParseError, ReadHistory, Skipped, json};
use crate::datum::{Datum, Encoded, Encoder, View};
use crate::event::{EventType, F};
use crate::history::{Line, Reading, Recorder};

const CLIENT: usize = 0;
const KIND: usize = 1;
const VALUE: usize = 2;
const ID: usize = 3;

fn number(name: &str) -> Option<usize> {
    let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let names: [&[&str]; 4] =
        [&["clientId", "client_id", "client"], &["kind"], &["value"], &["id"]];
    names.iter().position(|names| is(names))
}

/// Whether a file begins with such an object.
pub(super) fn looks_like(beginning: &[u8]) -> bool {
    let names = json::first_names(beginning);
    names.has("kind") && names.has("value") && (names.has("id") || names.has("clientId"))
}

/// A call without its return.
#[derive(Debug, Clone, Copy)]
struct Open {
    f: F,
    client: u64,
    process: u64,
}

/// Reads events from pieces of a file.
#[derive(Debug)]
pub struct Reader {
    recorder: Recorder,
    elements: Elements,
    fields: Fields<4>,
    open: FxHashMap<u64, Open>,
    processes: Processes,
    scratch: Encoder,
    nil: Encoder,
    last: Option<u64>,
    says_read: bool,
}

impl Reader {
    /// A reader that has seen nothing.
    pub fn new(reading: Reading) -> Self {
        Reader {
            recorder: Recorder::reading(reading),
            elements: Elements::default(),
            fields: Fields::default(),
            open: FxHashMap::default(),
            processes: Processes::default(),
            scratch: Encoder::default(),
            nil: Encoder::of(&Datum::Nil),
            last: None,
            says_read: false,
        }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ParseError> {
        let mut elements = std::mem::take(&mut self.elements);
        while let Some(element) = elements.next(&mut bytes)? {
            self.event(&element)?;
        }
        self.elements = elements;
        Ok(())
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        let open = self.open.capacity() * size_of::<(u64, Open)>();
        self.recorder.memory_bytes() + (self.elements.waiting() + open) as u64
    }

    /// The history of all events.
    pub fn finish(mut self) -> Result<ReadHistory, ParseError> {
        let torn = self.elements.finish()?;
        if self.says_read {
            self.recorder.says_read();
        }
        let (repairs, skipped) = (self.recorder.repairs(), Skipped::default());
        Ok(ReadHistory { history: self.recorder.finish()?, torn, skipped, repairs, model: None })
    }

    fn event(&mut self, element: &Element<'_>) -> Result<(), ParseError> {
        let mut fields = std::mem::take(&mut self.fields);
        fields.read(element, number)?;
        let whole = |field, name| match fields.get(field).map(json::whole) {
            Some(Some(number)) => Ok(number),
            None if field == CLIENT => Ok(0),
            _ => Err(fields.wrong(element, field, name, "a number from 0")),
        };
        let (client, id) = (whole(CLIENT, "clientId")?, whole(ID, "id")?);
        let kind = fields.get(KIND).and_then(is_return);
        let expected = "call or return, false or true, 0 or 1";
        if kind.ok_or_else(|| fields.wrong(element, KIND, "kind", expected))? {
            self.r#return(element, &fields, id)?;
        } else {
            self.call(element, &fields, client, id)?;
        }
        self.fields = fields;
        Ok(())
    }

    fn call(
        &mut self,
        element: &Element<'_>,
        fields: &Fields<4>,
        client: u64,
        id: u64,
    ) -> Result<(), ParseError> {
        let input = Input::read(fields.get(VALUE));
        let input = input.map_err(|wrong| in_file(fields, element, VALUE, wrong))?;
        let process = self.processes.take(client);
        let open = Open { f: input.f, client, process };
        if self.open.insert(id, open).is_some() {
            return Err(fields.wrong(
                element,
                ID,
                "id of a call",
                "the return of its last call first",
            ));
        }
        self.says_read |= input.says_read;
        let value = match input.f {
            F::Cas => Some(swap(&mut self.scratch, &input)),
            _ => input.argument,
        };
        let key = input.key.unwrap_or_else(|| self.nil.slice(0, self.nil.at()));
        let line = Line { key: Some(key), value, ..line(process, EventType::Invoke, input.f) };
        record(&mut self.recorder, &mut self.last, element, line, client)
    }

    fn r#return(
        &mut self,
        element: &Element<'_>,
        fields: &Fields<4>,
        id: u64,
    ) -> Result<(), ParseError> {
        let Some(Open { f, client, process }) = self.open.remove(&id) else {
            return Err(fields.wrong(
                element,
                ID,
                "id of a return",
                "a call with this id before it",
            ));
        };
        self.processes.give_back(client, process);
        let output = Output::read(f, fields.get(VALUE));
        let output = output.map_err(|wrong| in_file(fields, element, VALUE, wrong))?;
        let Output { answer, refused } = output;
        let line = Line { value: answer, refused, ..line(process, EventType::Ok, f) };
        record(&mut self.recorder, &mut self.last, element, line, client)
    }
}

/// A line without what only some have.
fn line(process: u64, r#type: EventType, f: F) -> Line<'static> {
    Line {
        index: 0,
        time_ns: None,
        process,
        client: "",
        r#type,
        f,
        key: None,
        value: None,
        refused: false,
        has_error: false,
        node: None,
    }
}

fn record(
    recorder: &mut Recorder,
    last: &mut Option<u64>,
    element: &Element<'_>,
    line: Line<'_>,
    client: u64,
) -> Result<(), ParseError> {
    let number = element.begin.line;
    let index = last.map_or(number, |last| number.max(last + 1));
    *last = Some(index);
    let client = client.to_string();
    let taken = recorder.line(&Line { index, client: &client, ..line });
    taken.map_err(|source| ParseError::Pairing { line: number, source })
}

/// What a compare-and-set expects and writes, as a list.
fn swap<'a>(scratch: &'a mut Encoder, input: &Input<'_>) -> Encoded<'a> {
    scratch.clear();
    let mark = scratch.begin();
    for value in [input.expected, input.argument] {
        match value {
            Some(value) => scratch.copy(value),
            None => scratch.nil(),
        }
    }
    scratch.end_list(mark);
    scratch.slice(0, scratch.at())
}

/// Whether a kind says that it is a return.
fn is_return(kind: Encoded<'_>) -> Option<bool> {
    match kind.view() {
        View::Bool(is_return) => Some(is_return),
        View::Integer(0) => Some(false),
        View::Integer(1) => Some(true),
        View::Text(word) => match word.to_ascii_lowercase().as_str() {
            "call" | "callevent" | "call_event" | "invoke" => Some(false),
            "return" | "returnevent" | "return_event" | "ok" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// The processes of clients, each with one operation at a time.
#[derive(Debug, Default)]
struct Processes {
    /// Those of each client that have nothing to do, the one used last at the end.
    free: FxHashMap<u64, Vec<u64>>,
    taken: FxHashSet<u64>,
    highest: u64,
}

impl Processes {
    /// A process of this client that has nothing to do: the client's own number if it is free.
    fn take(&mut self, client: u64) -> u64 {
        if let Some(process) = self.free.get_mut(&client).and_then(Vec::pop) {
            return process;
        }
        let process = if self.taken.contains(&client) { self.unused() } else { client };
        self.taken.insert(process);
        self.highest = self.highest.max(process);
        process
    }

    fn give_back(&mut self, client: u64, process: u64) {
        self.free.entry(client).or_default().push(process);
    }

    /// A number that no process has.
    fn unused(&self) -> u64 {
        let above = self.highest.wrapping_add(1);
        (0..=self.taken.len() as u64)
            .map(|more| above.wrapping_add(more))
            .find(|number| !self.taken.contains(number))
            .expect("of more numbers than are taken one is free")
    }
}
