//! Histories: the events of a run, paired into operations.
//!
//! A [`Recorder`] takes events in order and joins each completion to its invocation by the process
//! that made both. Keys, values and names are interned, so that an operation is at most 56 bytes however
//! large its values are. What its values mean ([`interpret`]) is decided when all of them are known:
//! whether the key is part of them, what a compare-and-set expects, what a failed one says.

pub(crate) mod content;
mod error;
mod interpret;
pub mod lenient;
mod pairs;
mod recorder;
mod sighting;
mod symbols;
mod whole;

use crate::datum::{Datum, Encoded, Encoder};
use crate::event::F;
use crate::intern::{Slices, Strings};
use crate::memory;

pub use error::PairingError;
pub use interpret::{FailedCas, Reading};
pub(crate) use recorder::Line;
pub use recorder::{Entry, Recorder};
pub use sighting::{Shown, Sighting};
pub(crate) use whole::{Whole, WholeRecorder};

/// A key of a [`History`], by number in order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(crate) u32);

impl Key {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value of a [`History`], interned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub(crate) u32);

impl Value {
    /// The empty text: what a key of a key-value store holds before its first put.
    pub const EMPTY: Value = Value(0);
    /// Nil: what a register holds before its first write, and a value that is not there.
    pub const NIL: Value = Value(1);
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Answered: it took effect between its two events.
    Ok,
    /// It certainly never takes effect.
    Fail,
    /// Open for ever: it takes effect at any time after its invocation, or never. Also the outcome of
    /// an operation whose completion the history does not have.
    Info,
}

/// A completion that is not there.
pub(crate) const OPEN: u32 = u32::MAX;
pub(crate) const NO_NODE: u32 = u32::MAX;

/// One operation: an invocation and, if there is one, its completion.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// When it was invoked, in nanoseconds of the run.
    pub invoke_ns: u64,
    /// When it was completed; meaningless while `complete` is open.
    pub(crate) complete_ns: u64,
    /// The index of its invocation.
    pub(crate) invoke: u32,
    /// The index of its completion, or [`OPEN`].
    pub(crate) complete: u32,
    /// The key.
    pub key: Key,
    /// What it was given: what it writes, adds, enqueues. Nil if nothing.
    pub argument: Value,
    /// What it was answered; of a compare-and-set, what it expected. Nil if nothing.
    pub result: Value,
    pub(crate) process: u32,
    pub(crate) node: u32,
    /// The function.
    pub f: F,
    /// How it ended.
    pub outcome: Outcome,
    /// A compare-and-set that was answered "the register holds something else".
    pub refused: bool,
    /// A `fail` without a reason.
    pub(crate) failed_plainly: bool,
}

impl Operation {
    /// The index of the invocation.
    pub fn invoke_index(&self) -> u64 {
        u64::from(self.invoke)
    }

    /// The index of the completion, if there is one.
    pub fn complete_index(&self) -> Option<u64> {
        (self.complete != OPEN).then_some(u64::from(self.complete))
    }

    /// When it was completed, in nanoseconds of the run.
    pub fn complete_ns(&self) -> Option<u64> {
        (self.complete != OPEN).then_some(self.complete_ns)
    }

    /// Whether it was answered.
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }
}

/// The caller of operations.
#[derive(Debug, Clone, Copy)]
struct Process {
    number: u64,
    client: u32,
}

/// Times that ran backwards. The order of the events is the file's all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backwards {
    /// The number of times it was seen.
    pub count: u64,
    /// The largest step, in nanoseconds.
    pub largest_ns: u64,
    /// The event after it.
    pub index: u64,
}

/// A whole history: operations in the order of their invocations.
#[derive(Debug, Clone)]
pub struct History {
    operations: Vec<Operation>,
    keys: Slices,
    values: Slices,
    names: Strings,
    processes: Vec<Process>,
    events: u64,
    backwards: Option<Backwards>,
    /// What objects hold before everything, if the model does not say it.
    initial: Option<Value>,
    /// Whether the history says `read` and `write` instead of `get` and `put`.
    says_read: bool,
    sightings: Vec<Sighting>,
}

impl History {
    pub(crate) fn new() -> Self {
        History {
            operations: Vec::new(),
            keys: Slices::default(),
            values: History::first_values(),
            names: Strings::default(),
            processes: Vec::new(),
            events: 0,
            backwards: None,
            initial: None,
            says_read: false,
            sightings: Vec::new(),
        }
    }

    /// The values that every history has.
    fn first_values() -> Slices {
        let mut values = Slices::default();
        values.intern(Encoder::of(&Datum::text("")).bytes());
        values.intern(Encoded::NIL.bytes());
        values
    }

    /// All operations, in the order of their invocations, failed ones included.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Tells what else was seen of its writes. It changes no verdict, but what an anomaly is called: a write that
    /// is still there is not lost.
    pub fn note_sightings(&mut self, sightings: Vec<Sighting>) {
        self.sightings = sightings;
    }

    /// What [`History::note_sightings`] was told.
    pub fn sightings(&self) -> &[Sighting] {
        &self.sightings
    }

    /// How many keys there are.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// How many events the history was made of.
    pub fn event_count(&self) -> u64 {
        self.events
    }

    /// The times that ran backwards, if any did.
    pub fn backwards(&self) -> Option<Backwards> {
        self.backwards
    }

    /// What it takes in memory, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        let lists = memory::long_list(&self.operations) + memory::long_list(&self.processes);
        lists as u64
            + self.keys.memory_bytes()
            + self.values.memory_bytes()
            + self.names.memory_bytes()
    }

    /// What objects hold before everything, instead of what their model says.
    pub fn begin_with(&mut self, initial: &Datum) {
        let value = Value(self.values.intern(Encoder::of(initial).bytes()));
        self.initial = Some(value);
    }

    /// What [`History::begin_with`] was told.
    pub fn initial(&self) -> Option<Value> {
        self.initial
    }

    /// A key as a value; nil if the history has no keys.
    pub fn key(&self, key: Key) -> Datum {
        Encoded::new(self.keys.get(key.0)).datum()
    }

    /// A key as a text for people: a text as it is, anything else as EDN, and nothing if the history
    /// has no keys.
    pub fn key_text(&self, key: Key) -> String {
        match self.key(key) {
            Datum::Nil => String::new(),
            Datum::Text(text) => text.into(),
            other => other.to_string(),
        }
    }

    /// ` on key "x"`, or nothing if the history has no keys.
    pub(crate) fn on_key(&self, key: Key) -> String {
        match self.key(key) {
            Datum::Nil => String::new(),
            key => format!(" on key {key}"),
        }
    }

    /// A value.
    pub fn value(&self, value: Value) -> Datum {
        self.encoded(value).datum()
    }

    pub(crate) fn encoded(&self, value: Value) -> Encoded<'_> {
        Encoded::new(self.values.get(value.0))
    }

    /// A value that is a text.
    pub(crate) fn text(&self, value: Value) -> Option<&str> {
        self.encoded(value).text()
    }

    /// A value that the history names somewhere.
    pub(crate) fn find(&self, datum: &Datum) -> Option<Value> {
        self.values.find(Encoder::of(datum).bytes()).map(Value)
    }

    /// The number of the process of an operation.
    pub fn process(&self, operation: &Operation) -> u64 {
        self.processes[operation.process as usize].number
    }

    /// The client of an operation.
    pub fn client(&self, operation: &Operation) -> &str {
        self.names.get(self.processes[operation.process as usize].client)
    }

    /// The replica that answered an operation, or was asked.
    pub fn node(&self, operation: &Operation) -> Option<&str> {
        (operation.node != NO_NODE).then(|| self.names.get(operation.node))
    }

    /// The name of a function as the history has it.
    pub fn name(&self, f: F) -> &'static str {
        match f {
            F::Get if self.says_read => "read",
            F::Put if self.says_read => "write",
            f => f.name(),
        }
    }

    /// For each key, the positions of its operations that did not fail, in order of invocation.
    pub(crate) fn by_key(&self) -> Vec<Vec<u32>> {
        let mut by_key = vec![Vec::new(); self.keys.len()];
        for (position, operation) in (0u32..).zip(&self.operations) {
            if operation.outcome != Outcome::Fail {
                by_key[operation.key.index()].push(position);
            }
        }
        by_key
    }

    pub(crate) fn at(&self, positions: &[u32]) -> Vec<&Operation> {
        positions.iter().map(|&position| &self.operations[position as usize]).collect()
    }
}
