//! From a set of operations that contradict one another to its kind and its sentences.

use std::fmt::Write;

use crate::event::F;
use crate::history::{History, Operation, Outcome, Value};
use crate::witness::{Kind, Witness, WitnessOperation};

/// The contradiction in words. `all` are the operations of the key, `core` those that contradict
/// one another, both in order of invocation.
pub(crate) fn explain(
    history: &History,
    all: &[&Operation],
    core: &[&Operation],
    initial: Value,
    minimal: bool,
) -> Witness {
    let key = history.key(core[0].key).to_owned();
    let teller = Teller { history, all, core, initial };
    let (kind, what) = teller
        .value_from_nowhere()
        .or_else(|| teller.read_from_the_future())
        .or_else(|| teller.double_apply())
        .or_else(|| teller.stale())
        .unwrap_or_else(|| teller.no_order());
    Witness {
        explanation: format!("{} on key {key:?}: {what}", capitalized(kind.name())),
        key,
        kind,
        operations: core.iter().map(|op| WitnessOperation::new(history, op)).collect(),
        minimal,
    }
}

/// A contradiction that nobody asked the reason of.
pub(crate) fn unexplained(key: &str) -> Witness {
    Witness {
        key: key.to_owned(),
        kind: Kind::NoOrder,
        operations: Vec::new(),
        minimal: false,
        explanation: format!("Key {key:?} is not linearizable; no witness was asked for."),
    }
}

struct Teller<'a> {
    history: &'a History,
    all: &'a [&'a Operation],
    core: &'a [&'a Operation],
    initial: Value,
}

impl Teller<'_> {
    /// Whether the key is only read and written, so that a value says all about the state.
    fn is_plain(&self) -> bool {
        self.all.iter().all(|op| matches!(op.f, F::Get | F::Put))
    }

    fn reads(&self) -> impl Iterator<Item = &Operation> {
        self.core.iter().copied().filter(|op| op.f == F::Get && op.outcome == Outcome::Ok)
    }

    fn writers(&self, value: Value) -> impl Iterator<Item = &Operation> {
        let writes = move |op: &&Operation| op.f != F::Get && op.argument == value && !op.refused;
        self.all.iter().copied().filter(writes)
    }

    fn value_from_nowhere(&self) -> Option<(Kind, String)> {
        if self.all.iter().any(|op| op.f == F::Append) {
            return None;
        }
        let nowhere = |read: &&Operation| {
            read.result != self.initial && self.writers(read.result).count() == 0
        };
        let swaps = || self.core.iter().copied().filter(|op| is_swap(op));
        let read = self.reads().chain(swaps()).find(nowhere)?;
        let mut what = format!("{}, but nobody wrote that value", self.told(read));
        let failed = self.history.operations().iter().find(|op| {
            op.outcome == Outcome::Fail
                && op.f != F::Get
                && (op.key, op.argument) == (read.key, read.result)
        });
        if let Some(failed) = failed {
            let _ = write!(what, " except {}, which failed", self.told(failed));
        }
        Some((Kind::ValueFromNowhere, what + "."))
    }

    fn read_from_the_future(&self) -> Option<(Kind, String)> {
        if self.all.iter().any(|op| op.f == F::Append) {
            return None;
        }
        for read in self.reads().filter(|read| read.result != self.initial) {
            let mut writers = self.writers(read.result).peekable();
            let first = *writers.peek()?;
            if writers.all(|write| write.invoke > read.complete) {
                let what =
                    format!("{}, but {} began only after that.", self.told(read), self.told(first));
                return Some((Kind::ReadFromTheFuture, what));
            }
        }
        None
    }

    /// Text that was appended once and is there twice; a unique value swapped away twice.
    fn double_apply(&self) -> Option<(Kind, String)> {
        for read in self.reads() {
            let text = self.history.value(read.result);
            for append in self.all.iter().filter(|op| op.f == F::Append) {
                let part = self.history.value(append.argument);
                let times = if part.is_empty() { 0 } else { text.matches(part).count() };
                let appends = self.writers(append.argument).count();
                if times > appends {
                    let what = format!(
                        "{}, which holds {part:?} {times} times, but it was written {appends} \
                         time(s), by {}.",
                        self.told(read),
                        self.told(append)
                    );
                    return Some((Kind::DoubleApply, what));
                }
            }
        }
        let swaps = || self.core.iter().filter(|op| is_swap(op));
        for first in swaps() {
            let second = swaps().find(|op| op.invoke > first.invoke && op.result == first.result);
            let written =
                self.writers(first.result).count() + usize::from(first.result == self.initial);
            if let Some(second) = second
                && written == 1
            {
                let what = format!(
                    "{} and {} both replaced the same value, which was there only once.",
                    self.told(first),
                    self.told(second)
                );
                return Some((Kind::DoubleApply, what));
            }
        }
        None
    }

    /// A read of a value whose writes were all over before another write began, which was over
    /// (or was seen) before the read began.
    fn stale(&self) -> Option<(Kind, String)> {
        for read in self.reads() {
            let swapped = |op: &&&Operation| {
                is_swap(op) && op.result == read.result && op.complete < read.invoke
            };
            let written = self.writers(read.result).count();
            if let Some(swap) = self.core.iter().find(swapped)
                && written + usize::from(read.result == self.initial) == 1
            {
                let what =
                    format!("{}, although {} was already over.", self.told(read), self.told(swap));
                return Some((Kind::StaleRead, what));
            }
        }
        if !self.is_plain() {
            return None;
        }
        for read in self.reads() {
            let between = |op: &&&Operation| {
                op.complete < read.invoke
                    && value_of(op).is_some_and(|value| value != read.result)
                    && self.writers(read.result).all(|write| write.complete < op.invoke)
                    && (op.f == F::Put
                        || self.writers(op.result).all(|write| {
                            self.writers(read.result).all(|old| old.complete < write.invoke)
                        }))
            };
            let Some(newer) = self.core.iter().find(between) else { continue };
            let lost = newer.f == F::Put
                && !self.all.iter().any(|op| op.f == F::Get && op.result == newer.argument);
            let old = self.writers(read.result).last();
            let old = match old {
                Some(write) => format!("{}, before", self.told(write)),
                None => "the key held that value only at the start".to_owned(),
            };
            let (kind, end) = if lost {
                (Kind::LostWrite, "; no read ever saw the newer value")
            } else {
                (Kind::StaleRead, "")
            };
            let what = format!(
                "{}, although {} was already over ({old}){end}.",
                self.told(read),
                self.told(newer)
            );
            return Some((kind, what));
        }
        None
    }

    fn no_order(&self) -> (Kind, String) {
        let mut values: Vec<Value> = self.reads().map(|read| read.result).collect();
        values.sort_unstable();
        values.dedup();
        let kind =
            if self.is_plain() && values.len() > 1 { Kind::SplitState } else { Kind::NoOrder };
        let mut what = String::from("no order in real time gives these answers: ");
        for (number, op) in self.core.iter().enumerate() {
            let separator = match number {
                0 => "",
                _ if number + 1 == self.core.len() => "; and ",
                _ => "; ",
            };
            let _ = write!(what, "{separator}{}", self.told(op));
        }
        let begin = self.core.first().map(|op| self.begin(op)).unwrap_or_default();
        let _ = write!(
            what,
            ". It does not matter what was over before {begin}, nor when other operations took \
             effect."
        );
        (kind, what)
    }

    /// One operation: who, what, and when, in milliseconds of the run.
    fn told(&self, op: &Operation) -> String {
        let history = self.history;
        let argument = history.value(op.argument);
        let done = match op.f {
            F::Get if op.outcome == Outcome::Ok => {
                format!("get returned {:?}", history.value(op.result))
            }
            F::Get => "get".to_owned(),
            F::Put => format!("put of {argument:?}"),
            F::Append => format!("append of {argument:?}"),
            F::Cas => {
                let refused = if op.refused { " (refused)" } else { "" };
                format!("cas from {:?} to {argument:?}{refused}", history.value(op.result))
            }
        };
        let when = self.when(op);
        let client = history.client(op);
        let process = history.process(op);
        let who = if client.is_empty() {
            format!("process {process}")
        } else {
            format!("client {client}, process {process}")
        };
        let node = history.node(op).map(|node| format!(", node {node}")).unwrap_or_default();
        format!("the {done} ({who}{node}, {when})")
    }

    /// Whether the history says nothing about time: then the order of events stands for it.
    fn is_timeless(&self) -> bool {
        self.core.iter().all(|op| op.invoke_ns == 0 && op.complete_ns().unwrap_or_default() == 0)
    }

    fn begin(&self, op: &Operation) -> String {
        if self.is_timeless() {
            format!("event {}", op.invoke_index())
        } else {
            format!("{} ms", milliseconds(op.invoke_ns))
        }
    }

    fn when(&self, op: &Operation) -> String {
        match (op.complete_index(), op.complete_ns()) {
            (Some(complete), _) if self.is_timeless() => {
                format!("between events {} and {complete}", op.invoke_index())
            }
            (_, Some(complete_ns)) => {
                format!("from {} to {} ms", milliseconds(op.invoke_ns), milliseconds(complete_ns))
            }
            (_, None) => format!("begun at {} and never answered", self.begin(op)),
        }
    }
}

fn is_swap(op: &Operation) -> bool {
    op.f == F::Cas && op.outcome == Outcome::Ok && !op.refused
}

fn value_of(op: &Operation) -> Option<Value> {
    match (op.f, op.outcome) {
        (F::Get, Outcome::Ok) => Some(op.result),
        (F::Put, _) => Some(op.argument),
        _ => None,
    }
}

fn milliseconds(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000, ns / 1_000 % 1_000)
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
