//! Histories whose operations have any name and any value.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::Deserialize;
use serde_json::Value;

use super::Datum;
use crate::event::EventType;
use crate::history::{Outcome, PairingError};

/// One line of a history of an object: the fields of [`Event`](crate::Event), with any function
/// and any value. What may be missing has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObjectEvent<'a> {
    /// The place in the total order of events; the number of events before it if missing.
    pub index: Option<u64>,
    /// Nanoseconds of the run; the index if missing.
    pub time_ns: Option<u64>,
    /// The logical, single-threaded caller.
    pub process: u64,
    /// What happened.
    pub r#type: EventType,
    /// The function's name.
    #[serde(borrow)]
    pub f: Cow<'a, str>,
    /// The key it works on; none if there is but one object.
    #[serde(default)]
    pub key: Option<Cow<'a, str>>,
    /// What is given, or answered.
    #[serde(default)]
    pub value: Value,
}

/// One operation: an invocation and, if there is one, its completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectOperation {
    /// The function and the key.
    target: Arc<Target>,
    /// Who made it.
    pub process: u64,
    /// What it was invoked with.
    pub argument: Datum,
    /// What it was answered; null unless it ended in `ok`.
    pub result: Datum,
    /// The index of its invocation.
    pub invoke: u64,
    /// The index of its completion; `u64::MAX` if it is open for ever.
    end: u64,
    /// When it was invoked, in nanoseconds of the run.
    pub invoke_ns: u64,
    /// When it was completed; meaningless while it is open.
    pub complete_ns: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// A function of an object. Operations share it: there are few functions, and millions of operations.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Target {
    key: Box<str>,
    f: Box<str>,
}

impl ObjectOperation {
    /// The key it works on; empty if there is but one object.
    pub fn key(&self) -> &str {
        &self.target.key
    }

    /// The function's name.
    pub fn f(&self) -> &str {
        &self.target.f
    }

    /// The index of its completion; none if it is open for ever.
    pub fn complete(&self) -> Option<u64> {
        (self.end != u64::MAX).then_some(self.end)
    }

    pub(super) fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// The place of its completion, after everything if it is open.
    pub(super) fn end(&self) -> u64 {
        self.end
    }
}

/// A history of one or more objects: operations in the order of their invocations.
#[derive(Debug, Clone, Default)]
pub struct ObjectHistory {
    operations: Vec<ObjectOperation>,
}

impl ObjectHistory {
    /// All operations, failed ones included.
    pub fn operations(&self) -> &[ObjectOperation] {
        &self.operations
    }

    /// Takes keys out of values: if every invocation has a pair as its value and none has a key, they
    /// are `[key value]`, as `jepsen.independent` has it.
    pub(super) fn split_keys(&mut self) {
        let is_keyed = |op: &ObjectOperation| op.key().is_empty() && pair(&op.argument).is_some();
        if self.operations.is_empty() || !self.operations.iter().all(is_keyed) {
            return;
        }
        let mut targets = Targets::default();
        for op in &mut self.operations {
            let Some((key, argument)) = pair(&op.argument) else { continue };
            if let Some((of, result)) = pair(&op.result)
                && of == key
            {
                op.result = Datum::from(&result);
            }
            op.argument = Datum::from(&argument);
            let other = if key.is_string() { String::new() } else { key.to_string() };
            op.target = targets.get(key.as_str().unwrap_or(&other), op.f());
        }
    }

    /// For each key, in order of first appearance, its operations that did not fail.
    pub(super) fn by_key(&self) -> Vec<Vec<&ObjectOperation>> {
        let mut numbers: FxHashMap<&str, usize> = FxHashMap::default();
        let mut by_key: Vec<Vec<&ObjectOperation>> = Vec::new();
        for operation in &self.operations {
            let number = *numbers.entry(operation.key()).or_insert_with(|| {
                by_key.push(Vec::new());
                by_key.len() - 1
            });
            if operation.outcome != Outcome::Fail {
                by_key[number].push(operation);
            }
        }
        by_key
    }
}

fn pair(datum: &Datum) -> Option<(Value, Value)> {
    let Value::Array(items) = datum.value() else { return None };
    let [key, value] = <[Value; 2]>::try_from(items).ok()?;
    Some((key, value))
}

/// Each function of each key, kept once.
#[derive(Debug, Default)]
struct Targets(HashTable<Arc<Target>>);

impl Targets {
    fn get(&mut self, key: &str, f: &str) -> Arc<Target> {
        let hash = |key: &str, f: &str| FxBuildHasher.hash_one((key, f));
        let is_it = |known: &Arc<Target>| *known.key == *key && *known.f == *f;
        let rehash = |known: &Arc<Target>| hash(&known.key, &known.f);
        let entry = self.0.entry(hash(key, f), is_it, rehash);
        let target = || Arc::new(Target { key: key.into(), f: f.into() });
        Arc::clone(entry.or_insert_with(target).get())
    }
}

/// Pairs events, taken in order, into an [`ObjectHistory`].
#[derive(Debug, Default)]
pub struct ObjectRecorder {
    history: ObjectHistory,
    targets: Targets,
    open: FxHashMap<u64, usize>,
    events: u64,
    last: Option<(u64, u64)>,
}

impl ObjectRecorder {
    /// A recorder that has seen nothing.
    pub fn new() -> Self {
        ObjectRecorder::default()
    }

    /// How many events were taken.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Takes the next event.
    pub fn record(&mut self, event: &ObjectEvent<'_>) -> Result<(), PairingError> {
        let index = event.index.unwrap_or(self.events);
        let time_ns = event.time_ns.unwrap_or(index);
        if let Some((before, before_ns)) = self.last {
            if index <= before {
                return Err(PairingError::IndexBackwards { index, before });
            }
            if time_ns < before_ns {
                return Err(PairingError::TimeBackwards { index, time_ns, before_ns });
            }
        }
        match event.r#type {
            EventType::Invoke => self.invoke(event, index, time_ns)?,
            EventType::Ok => self.complete(event, index, time_ns, Outcome::Ok)?,
            EventType::Fail => self.complete(event, index, time_ns, Outcome::Fail)?,
            EventType::Info => self.complete(event, index, time_ns, Outcome::Info)?,
        }
        self.events += 1;
        self.last = Some((index, time_ns));
        Ok(())
    }

    /// The history of all events so far. What has no completion is open.
    pub fn finish(self) -> ObjectHistory {
        self.history
    }

    fn invoke(
        &mut self,
        event: &ObjectEvent<'_>,
        index: u64,
        time_ns: u64,
    ) -> Result<(), PairingError> {
        let process = event.process;
        if let Some(&open) = self.open.get(&process) {
            let open = self.history.operations[open].invoke;
            return Err(PairingError::AlreadyOpen { index, process, open });
        }
        let target = self.targets.get(event.key.as_deref().unwrap_or_default(), &event.f);
        self.open.insert(process, self.history.operations.len());
        self.history.operations.push(ObjectOperation {
            target,
            process,
            argument: Datum::from(&event.value),
            result: Datum::default(),
            invoke: index,
            end: u64::MAX,
            invoke_ns: time_ns,
            complete_ns: 0,
            outcome: Outcome::Info,
        });
        Ok(())
    }

    fn complete(
        &mut self,
        event: &ObjectEvent<'_>,
        index: u64,
        time_ns: u64,
        outcome: Outcome,
    ) -> Result<(), PairingError> {
        let process = event.process;
        let Some(&position) = self.open.get(&process) else {
            return Err(PairingError::NotInvoked { index, process });
        };
        let operation = &mut self.history.operations[position];
        let key = event.key.as_deref().unwrap_or_default();
        if *operation.f() != *event.f || operation.key() != key {
            let found = format!("{} of {key:?}", event.f);
            let expected = format!("{} of {:?}", operation.f(), operation.key());
            return Err(PairingError::Mismatch { index, process, found, expected });
        }
        self.open.remove(&process);
        operation.outcome = outcome;
        if outcome != Outcome::Info {
            operation.end = index;
            operation.complete_ns = time_ns;
        }
        if outcome == Outcome::Ok {
            operation.result = Datum::from(&event.value);
        }
        Ok(())
    }
}
