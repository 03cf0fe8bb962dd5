//! Histories: the events of a run, paired into operations.
//!
//! A [`Recorder`] takes events in order and joins each completion to its invocation by the process
//! that made both. Keys, values and names are interned, so that an operation is 56 bytes however
//! long its strings are.

use rustc_hash::FxHashMap;

use crate::event::{Event, EventType, F};
use crate::intern::Strings;
use crate::lenient::{Lenient, Repairs};

mod whole;
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
    /// The empty string: what a key of a key-value store holds before its first put.
    pub const EMPTY: Value = Value(0);
    /// `nil` or `null`: what a register of Jepsen's holds before its first write.
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
    /// Open for ever: it takes effect at any time after its invocation, or never. Also what an
    /// operation is whose completion the history does not have.
    Info,
}

/// A completion that is not there.
pub(crate) const OPEN: u32 = u32::MAX;
const NO_NODE: u32 = u32::MAX;

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
    /// What it writes.
    pub argument: Value,
    /// What a get read, or what a compare-and-set expected.
    pub result: Value,
    pub(crate) process: u32,
    node: u32,
    /// The function.
    pub f: F,
    /// How it ended.
    pub outcome: Outcome,
    /// A compare-and-set that was answered "the register holds something else".
    pub refused: bool,
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
}

/// Who made an operation.
#[derive(Debug, Clone, Copy)]
struct Process {
    number: u64,
    client: u32,
}

/// A whole history: operations in the order of their invocations.
#[derive(Debug, Clone)]
pub struct History {
    operations: Vec<Operation>,
    keys: Strings,
    values: Strings,
    names: Strings,
    processes: Vec<Process>,
    events: u64,
}

impl History {
    /// All operations, in the order of their invocations, failed ones included.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// How many keys there are.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// How many events the history was made of.
    pub fn event_count(&self) -> u64 {
        self.events
    }

    /// A key's text.
    pub fn key(&self, key: Key) -> &str {
        self.keys.get(key.0)
    }

    /// A value's text.
    pub fn value(&self, value: Value) -> &str {
        self.values.get(value.0)
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
}

/// Why events do not make a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// A completion whose process has nothing open.
    #[error("event {index}: process {process} completes an operation that it never invoked")]
    NotInvoked {
        /// The completion's index.
        index: u64,
        /// Its process.
        process: u64,
    },
    /// A second invocation before the first was completed.
    #[error(
        "event {index}: process {process} invokes an operation while the one it invoked at event \
         {open} is still open"
    )]
    AlreadyOpen {
        /// The second invocation's index.
        index: u64,
        /// Its process.
        process: u64,
        /// The first invocation's index.
        open: u64,
    },
    /// A completion of another function, key or value than was invoked.
    #[error("event {index}: process {process} completes {found}, but it invoked {expected}")]
    Mismatch {
        /// The completion's index.
        index: u64,
        /// Its process.
        process: u64,
        /// Function and key of the completion, and its value if that is what differs.
        found: String,
        /// The same of the invocation.
        expected: String,
    },
    /// Time runs backwards.
    #[error("event {index}: time runs backwards, from {before_ns} ns to {time_ns} ns")]
    TimeBackwards {
        /// The event's index.
        index: u64,
        /// Its time.
        time_ns: u64,
        /// The time of the event before.
        before_ns: u64,
    },
    /// Indices that do not increase.
    #[error("event {index}: expected an index above {before}")]
    IndexBackwards {
        /// The event's index.
        index: u64,
        /// The index before.
        before: u64,
    },
    /// An index beyond what a history holds.
    #[error("event {index}: a history holds events up to index 4294967294")]
    TooMany {
        /// The event's index.
        index: u64,
    },
    /// An invocation, or an answered get, that lacks its value.
    #[error("event {index}: a {f} that is {what} needs a value, found none")]
    NoValue {
        /// The event's index.
        index: u64,
        /// The function.
        f: &'static str,
        /// `invoked` or `ok`.
        what: &'static str,
    },
}

/// What a [`Recorder`] takes: an event of any format.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The place in the total order of events; strictly increasing.
    pub index: u64,
    /// Nanoseconds of the run; never decreasing.
    pub time_ns: u64,
    /// The logical, single-threaded caller.
    pub process: u64,
    /// Who called, for people.
    pub client: &'a str,
    /// What happened.
    pub r#type: EventType,
    /// Which function.
    pub f: F,
    /// The key it works on.
    pub key: &'a str,
    /// What is written; or, in the `ok` of a get, what was read.
    pub value: Option<&'a str>,
    /// In the invocation of a compare-and-set, what it expects.
    pub expected: Option<&'a str>,
    /// In the `ok` of a compare-and-set, that it was answered "holds something else".
    pub refused: bool,
    /// The replica that answered, or was asked.
    pub node: Option<&'a str>,
}

impl<'a> From<&'a Event<'_>> for Entry<'a> {
    fn from(event: &'a Event<'_>) -> Self {
        Entry {
            index: event.index,
            time_ns: event.time_ns,
            process: event.process,
            client: &event.client,
            r#type: event.r#type,
            f: event.f,
            key: &event.key,
            value: event.value.as_deref(),
            expected: None,
            refused: false,
            node: event.node.as_deref(),
        }
    }
}

/// Pairs events, taken in order, into a [`History`].
#[derive(Debug)]
pub struct Recorder {
    history: History,
    lenient: Option<Lenient>,
    open: FxHashMap<u64, u32>,
    process_ids: FxHashMap<u64, u32>,
    last_index: Option<u64>,
    last_ns: u64,
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder::new()
    }
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new() -> Self {
        let mut values = Strings::default();
        values.intern("");
        values.intern("nil");
        Recorder {
            history: History {
                operations: Vec::new(),
                keys: Strings::default(),
                values,
                names: Strings::default(),
                processes: Vec::new(),
                events: 0,
            },
            lenient: None,
            open: FxHashMap::default(),
            process_ids: FxHashMap::default(),
            last_index: None,
            last_ns: 0,
        }
    }

    /// Takes the next event of the project's own kind.
    pub fn push(&mut self, event: &Event<'_>) -> Result<(), PairingError> {
        self.record(&Entry::from(event))
    }

    /// From here on, repairs by the rules of [`lenient`](crate::lenient) what it would refuse.
    pub fn repair(&mut self) {
        self.lenient = Some(Lenient::new());
    }

    /// How often each rule of repair was used.
    pub fn repairs(&self) -> Repairs {
        self.lenient.as_ref().map(Lenient::repairs).unwrap_or_default()
    }

    /// Takes the next event of any kind.
    pub fn record(&mut self, event: &Entry<'_>) -> Result<(), PairingError> {
        match &mut self.lenient {
            None => self.take(event),
            Some(lenient) => match lenient.entry(event) {
                Some(event) => self.take(&event),
                None => Ok(()),
            },
        }
    }

    fn take(&mut self, event: &Entry<'_>) -> Result<(), PairingError> {
        let index = self.order(event)?;
        match event.r#type {
            EventType::Invoke => self.invoke(event, index)?,
            EventType::Ok => self.complete(event, index, Outcome::Ok)?,
            EventType::Fail => self.complete(event, index, Outcome::Fail)?,
            EventType::Info => self.complete(event, index, Outcome::Info)?,
        }
        self.history.events += 1;
        Ok(())
    }

    /// The history of all events so far. What has no completion is open.
    pub fn finish(self) -> History {
        self.history
    }

    fn order(&mut self, event: &Entry<'_>) -> Result<u32, PairingError> {
        let index = event.index;
        let small = u32::try_from(index).ok().filter(|&small| small != OPEN);
        let small = small.ok_or(PairingError::TooMany { index })?;
        if let Some(before) = self.last_index
            && index <= before
        {
            return Err(PairingError::IndexBackwards { index, before });
        }
        if event.time_ns < self.last_ns {
            let (time_ns, before_ns) = (event.time_ns, self.last_ns);
            return Err(PairingError::TimeBackwards { index, time_ns, before_ns });
        }
        self.last_index = Some(index);
        self.last_ns = event.time_ns;
        Ok(small)
    }

    fn invoke(&mut self, event: &Entry<'_>, index: u32) -> Result<(), PairingError> {
        let Entry { process, .. } = *event;
        if let Some(&open) = self.open.get(&process) {
            let open = self.history.operations[open as usize].invoke_index();
            return Err(PairingError::AlreadyOpen { index: event.index, process, open });
        }
        let (argument, result) = self.arguments(event)?;
        let operation = Operation {
            invoke_ns: event.time_ns,
            complete_ns: 0,
            invoke: index,
            complete: OPEN,
            key: Key(self.history.keys.intern(event.key)),
            argument,
            result,
            process: self.process(event),
            node: self.node(event),
            f: event.f,
            outcome: Outcome::Info,
            refused: false,
        };
        let position = u32::try_from(self.history.operations.len());
        let position = position.expect("there are no more operations than indices");
        self.history.operations.push(operation);
        self.open.insert(process, position);
        Ok(())
    }

    fn complete(
        &mut self,
        event: &Entry<'_>,
        index: u32,
        outcome: Outcome,
    ) -> Result<(), PairingError> {
        let Entry { process, .. } = *event;
        let Some(&position) = self.open.get(&process) else {
            return Err(PairingError::NotInvoked { index: event.index, process });
        };
        let invoked = self.history.operations[position as usize];
        if invoked.f != event.f || self.history.key(invoked.key) != event.key {
            let found = format!("{} of {:?}", event.f.name(), event.key);
            let expected = format!("{} of {:?}", invoked.f.name(), self.history.key(invoked.key));
            return Err(PairingError::Mismatch { index: event.index, process, found, expected });
        }
        if outcome == Outcome::Ok && !event.refused {
            self.same_arguments(event, &invoked)?;
        }
        let node = self.node(event);
        let mut result = invoked.result;
        if outcome == Outcome::Ok && event.f == F::Get {
            let Some(value) = event.value else {
                let (f, what) = (event.f.name(), "ok");
                return Err(PairingError::NoValue { index: event.index, f, what });
            };
            result = Value(self.history.values.intern(value));
        }
        self.open.remove(&process);
        let operation = &mut self.history.operations[position as usize];
        operation.outcome = outcome;
        operation.result = result;
        operation.refused = event.refused;
        operation.complete_ns = event.time_ns;
        if outcome != Outcome::Info {
            operation.complete = index;
        }
        if node != NO_NODE {
            operation.node = node;
        }
        Ok(())
    }

    /// The `ok` of a change may repeat what was asked for, but not say something else.
    fn same_arguments(&self, event: &Entry<'_>, invoked: &Operation) -> Result<(), PairingError> {
        if event.f == F::Get {
            return Ok(());
        }
        let argument = self.history.value(invoked.argument);
        let expected = self.history.value(invoked.result);
        let value = event.value.unwrap_or(argument);
        let wanted = event.expected.filter(|_| event.f == F::Cas).unwrap_or(expected);
        if value == argument && wanted == expected {
            return Ok(());
        }
        let told = |old: &str, new: &str| match event.f {
            F::Cas => format!("cas of {:?} from {old:?} to {new:?}", event.key),
            f => format!("{} of {:?} with {new:?}", f.name(), event.key),
        };
        Err(PairingError::Mismatch {
            index: event.index,
            process: event.process,
            found: told(wanted, value),
            expected: told(expected, argument),
        })
    }

    fn arguments(&mut self, event: &Entry<'_>) -> Result<(Value, Value), PairingError> {
        let mut intern = |value| Value(self.history.values.intern(value));
        match (event.f, event.value, event.expected) {
            (F::Get, _, _) => Ok((Value::NIL, Value::NIL)),
            (F::Put | F::Append, Some(value), _) => Ok((intern(value), Value::NIL)),
            (F::Cas, Some(value), Some(expected)) => Ok((intern(value), intern(expected))),
            (f, _, _) => {
                Err(PairingError::NoValue { index: event.index, f: f.name(), what: "invoked" })
            }
        }
    }

    fn process(&mut self, event: &Entry<'_>) -> u32 {
        let history = &mut self.history;
        *self.process_ids.entry(event.process).or_insert_with(|| {
            let client = history.names.intern(event.client);
            history.processes.push(Process { number: event.process, client });
            u32::try_from(history.processes.len() - 1).expect("no more processes than events")
        })
    }

    fn node(&mut self, event: &Entry<'_>) -> u32 {
        event.node.map_or(NO_NODE, |node| self.history.names.intern(node))
    }
}
