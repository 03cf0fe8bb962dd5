//! One operation of a witness in words: the client, the operation and the times.

use super::Teller;
use crate::event::F;
use crate::history::{Operation, Outcome};

impl Teller<'_> {
    /// One operation: the client, the operation and the times, in milliseconds of the run.
    pub(super) fn told(&self, op: &Operation) -> String {
        let history = self.history;
        let argument = history.value(op.argument);
        let name = history.name(op.f);
        let done = match op.f {
            F::Get if op.outcome == Outcome::Ok => {
                format!("{name} returned {}", history.value(op.result))
            }
            F::Cas => {
                let refused = if op.refused { " (refused)" } else { "" };
                format!("cas from {} to {argument}{refused}", history.value(op.result))
            }
            F::Get => name.to_owned(),
            _ => format!("{name} of {argument}"),
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

    /// The same as a thing, not as an event: the get that returned something.
    pub(super) fn named(&self, op: &Operation) -> String {
        let name = self.history.name(F::Get);
        let (event, thing) = (format!("the {name} returned"), format!("the {name} that returned"));
        self.told(op).replacen(&event, &thing, 1)
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

fn milliseconds(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000, ns / 1_000 % 1_000)
}

pub(crate) fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
