//! One operation of a witness in words. Those of the witness go by their numbers, from 1 in its order; others
//! are told with their client and time.

use super::Teller;
use crate::event::F;
use crate::history::{Operation, Outcome, Value};

impl Teller<'_> {
    /// The number of an operation of the witness.
    fn number(&self, op: &Operation) -> Option<usize> {
        self.core.iter().position(|it| it.invoke_index() == op.invoke_index()).map(|at| at + 1)
    }

    /// An operation as a thing: `operation 3`, or `the put of "c" (client 0015, process 2, ...)`.
    pub(super) fn told(&self, op: &Operation) -> String {
        if let Some(number) = self.number(op) {
            return format!("operation {number}");
        }
        let history = self.history;
        let name = history.name(op.f);
        let what = match op.f {
            F::Get if op.outcome == Outcome::Ok => {
                format!("{name} that returned {}", history.value(op.result))
            }
            F::Get => name.to_owned(),
            F::Cas => {
                let refused = if op.refused { " (refused)" } else { "" };
                let (from, to) = (history.value(op.result), history.value(op.argument));
                format!("{name} from {from} to {to}{refused}")
            }
            _ => format!("{name} of {}", history.value(op.argument)),
        };
        let client = history.client(op);
        let process = history.process(op);
        let who = if client.is_empty() {
            format!("process {process}")
        } else {
            format!("client {client}, process {process}")
        };
        let node = history.node(op).map(|node| format!(", node {node}")).unwrap_or_default();
        format!("the {what} ({who}{node}, {})", self.when(op))
    }

    /// An operation as an event: `operation 3 read "a"`.
    pub(super) fn did(&self, op: &Operation) -> String {
        if self.number(op).is_none() && op.f != F::Get {
            return format!("{} took place", self.told(op));
        }
        let argument = self.history.value(op.argument);
        let what = match op.f {
            F::Get if op.outcome == Outcome::Ok => self.read(op),
            F::Get => "asked for the value".to_owned(),
            F::Cas => {
                let refused = if op.refused { ", and was refused" } else { "" };
                format!("swapped {} for {argument}{refused}", self.history.value(op.result))
            }
            F::Append => format!("appended {argument}"),
            F::Put => format!("wrote {argument}"),
            _ => format!("did {} {argument}", self.history.name(op.f)),
        };
        match self.number(op) {
            Some(number) => format!("operation {number} {what}"),
            None => self.told(op),
        }
    }

    /// The same at the beginning of a sentence.
    pub(super) fn begins(&self, op: &Operation) -> String {
        capitalized(&self.did(op))
    }

    fn read(&self, op: &Operation) -> String {
        if self.is_nothing(op.result) {
            "found no value".to_owned()
        } else {
            format!("read {}", self.history.value(op.result))
        }
    }

    /// Whether a value stands for none: nil, or the empty text.
    pub(super) fn is_nothing(&self, value: Value) -> bool {
        value == Value::NIL || self.history.text(value).is_some_and(str::is_empty)
    }

    /// How long after one operation was over another began: `, 1.9 s before operation 3 began`.
    pub(super) fn gap(&self, over: &Operation, begun: &Operation) -> String {
        let begins = format!("before {} began", self.told(begun));
        match over.complete_ns() {
            Some(end) if !self.is_timeless() => {
                format!("{} {begins}", duration(begun.invoke_ns.saturating_sub(end)))
            }
            _ => begins,
        }
    }

    /// Whether the history says nothing about time: then the order of events stands for it.
    fn is_timeless(&self) -> bool {
        self.core.iter().all(|op| op.invoke_ns == 0 && op.complete_ns().unwrap_or_default() == 0)
    }

    pub(super) fn begin(&self, op: &Operation) -> String {
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

/// `1.9 s`, `12 ms`, `45 µs`.
fn duration(ns: u64) -> String {
    match ns {
        ..1_000_000 => format!("{} µs", ns / 1_000),
        1_000_000..1_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10),
    }
}

fn milliseconds(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000, ns / 1_000 % 1_000)
}

pub(crate) fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
