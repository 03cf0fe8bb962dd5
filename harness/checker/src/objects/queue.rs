//! Queues: `enqueue` puts an element in, `dequeue` takes one out (null: there was none), `drain`
//! takes out, one after another, all there are.
//!
//! [`unordered`] counts, as Jepsen's `total-queue` does. *Unexpected*: taken out, never put in.
//! *Duplicated*: taken out more often than put in. *Lost*: put in for certain, never taken out,
//! and not there for a `drain` that began later; each open `dequeue` may have taken one, and an
//! open `drain` any number. Elements that no drain looked for are counted as left. O(n).
//!
//! [`ordered`] asks besides for first in, first out: of elements that differ decided without search
//! ([`fifo`]), O(n log n); of equal ones, and where unanswered `dequeue`s and ones that found
//! nothing come together, by the search within its budget. A drain counts there as so many
//! `dequeue`s within its time, whose order is not asked, and that it found no more is not asked
//! either.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde_json::Value;
use smallvec::SmallVec;

use super::finding::{Fact, Finding, Judgement, Kind, invalid, misfit, unknown};
use super::history::ObjectOperation;
use super::no_order::{calls, no_order};
use super::{Datum, fifo};
use crate::budget::{Budget, Limit};
use crate::model::Model;
use crate::own::{Linearization, linearizable};

/// One element's way through the queue; most have one operation of each kind.
#[derive(Default)]
pub(super) struct Element<'a> {
    pub(super) enqueues: SmallVec<[&'a ObjectOperation; 1]>,
    pub(super) dequeues: SmallVec<[&'a ObjectOperation; 1]>,
}

/// Elements in order of first appearance.
#[derive(Default)]
struct Elements<'a> {
    numbers: FxHashMap<Datum, usize>,
    elements: Vec<Element<'a>>,
}

impl<'a> Elements<'a> {
    fn entry(&mut self, value: Datum) -> &mut Element<'a> {
        let next = self.elements.len();
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.elements.push(Element::default());
        }
        &mut self.elements[number]
    }
}

/// All elements; or the operation that is none of a queue.
fn elements<'a>(operations: &[&'a ObjectOperation]) -> Result<Elements<'a>, Finding> {
    let mut elements = Elements::default();
    for &op in operations {
        match (op.f(), &op.result.value()) {
            ("enqueue", _) if op.argument.is_null() => {
                return Err(misfit(op, "an element to enqueue"));
            }
            ("enqueue", _) => elements.entry(op.argument.clone()).enqueues.push(op),
            ("drain", Value::Array(items)) => {
                for item in items {
                    elements.entry(item.into()).dequeues.push(op);
                }
            }
            ("drain", _) if op.is_ok() => return Err(misfit(op, "a list of elements")),
            ("dequeue", Value::Null) | ("drain", _) => {}
            ("dequeue", _) => elements.entry(op.result.clone()).dequeues.push(op),
            _ => return Err(misfit(op, "enqueue, dequeue or drain")),
        }
    }
    Ok(elements)
}

pub(super) fn unordered(operations: &[&ObjectOperation]) -> Judgement {
    let elements = match elements(operations) {
        Ok(elements) => elements.elements,
        Err(finding) => return finding.into(),
    };
    let contradiction = elements.iter().find_map(count).or_else(|| lost(operations, &elements));
    let left = |element: &&Element<'_>| {
        element.enqueues.iter().filter(|op| op.is_ok()).count() > element.dequeues.len()
    };
    let facts = vec![
        Fact { name: "elements", count: elements.len() as u64 },
        Fact { name: "left", count: elements.iter().filter(left).count() as u64 },
    ];
    Judgement { finding: contradiction.unwrap_or(Finding::Valid), facts }
}

/// More of an element came out than went in, or too early.
fn count(element: &Element<'_>) -> Option<Finding> {
    let mut ends = element.dequeues.clone();
    ends.sort_by_key(|op| op.end());
    let over = ends.iter().zip(1..).find(|(op, taken)| {
        element.enqueues.partition_point(|enqueue| enqueue.invoke < op.end()) < *taken
    });
    let (&op, _) = over?;
    let (kind, what) = if element.enqueues.is_empty() {
        (Kind::ValueFromNowhere, "an element came out that nobody put in")
    } else if element.dequeues.len() > element.enqueues.len() {
        (Kind::Duplicated, "an element came out more often than it was put in")
    } else {
        (Kind::ReadFromTheFuture, "an element came out before it was put in")
    };
    if kind == Kind::ValueFromNowhere {
        return Some(invalid(kind, &[op], what));
    }
    Some(invalid(kind, &[&element.enqueues[..], &element.dequeues[..]].concat(), what))
}

/// Elements that the last drain should have found, more than open operations can have taken.
fn lost(operations: &[&ObjectOperation], elements: &[Element<'_>]) -> Option<Finding> {
    let drain = *operations.iter().rfind(|op| op.f() == "drain" && op.is_ok())?;
    let open = |f: &str| {
        operations.iter().filter(|op| op.f() == f && !op.is_ok() && op.invoke < drain.end()).count()
    };
    if open("drain") > 0 {
        return None;
    }
    let mut missing = Vec::new();
    for element in elements {
        // An element enqueued while the drain ran may have been left by it.
        let before = |op: &&&ObjectOperation| op.is_ok() && op.end() < drain.invoke;
        let certain = element.enqueues.iter().filter(before).count();
        if certain > element.dequeues.len() {
            missing.extend(element.enqueues.iter().find(before).copied());
        }
    }
    let spare = open("dequeue");
    if missing.len() <= spare {
        return None;
    }
    missing.truncate(spare + 1);
    missing.push(drain);
    Some(invalid(Kind::Lost, &missing, "what was put in never came out, not even by the drain"))
}

/// What a queue is asked, with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum QueueOp {
    Enqueue(String),
    /// The answer; none if there was no element.
    Dequeue(Option<String>),
    /// Whatever is first: nobody knows.
    DequeueAny,
}

struct Fifo;

impl Model for Fifo {
    type Op = QueueOp;
    type State = VecDeque<String>;

    fn initial(&self) -> VecDeque<String> {
        VecDeque::new()
    }

    fn step(&self, state: &VecDeque<String>, op: &QueueOp) -> Option<VecDeque<String>> {
        let mut after = state.clone();
        match op {
            QueueOp::Enqueue(element) => after.push_back(element.clone()),
            QueueOp::Dequeue(None) => return state.is_empty().then_some(after),
            QueueOp::Dequeue(element) if after.pop_front() != *element => return None,
            QueueOp::Dequeue(_) => {}
            QueueOp::DequeueAny => {
                after.pop_front()?;
            }
        }
        Some(after)
    }

    fn is_read_only(&self, op: &QueueOp) -> bool {
        *op == QueueOp::Dequeue(None)
    }
}

/// More elements than this are not searched: each state would be a queue of so many.
const MOST_TO_SEARCH: usize = 20_000;

pub(super) fn ordered(operations: &[&ObjectOperation], budget: Budget<'_>) -> Judgement {
    let mut judgement = unordered(operations);
    if judgement.finding != Finding::Valid {
        return judgement;
    }
    let Ok(Elements { elements, .. }) = elements(operations) else { return judgement };
    let open_drain = operations.iter().any(|op| op.f() == "drain" && !op.is_ok());
    judgement.finding = if open_drain {
        let why = "a drain without an answer may have taken anything";
        fifo::overtaken(&elements).unwrap_or_else(|| unknown(operations, Limit::Algorithm, why))
    } else if let Some(decided) = fifo::decide(operations, &elements) {
        decided
    } else if operations.len() > MOST_TO_SEARCH {
        let why = "nothing is lost or taken twice, but the order of so many is not searched";
        unknown(operations, Limit::Algorithm, why)
    } else {
        search(operations, budget)
    };
    judgement
}

/// What is decided about a queue before anything is searched.
#[cfg(test)]
pub(super) fn without_search(operations: &[&ObjectOperation]) -> Option<Finding> {
    let finding = unordered(operations).finding;
    if finding != Finding::Valid {
        return Some(finding);
    }
    fifo::decide(operations, &elements(operations).ok()?.elements)
}

/// The operations with each drain taken apart; a drain that found nothing says nothing here.
fn taken_apart<'a>(operations: &[&'a ObjectOperation]) -> Vec<(&'a ObjectOperation, QueueOp)> {
    let mut parts = Vec::new();
    for &op in operations {
        match (op.f(), &op.result.value()) {
            ("enqueue", _) => parts.push((op, QueueOp::Enqueue(op.argument.to_string()))),
            ("drain", Value::Array(items)) => {
                let part = |item: &Value| (op, QueueOp::Dequeue(Some(item.to_string())));
                parts.extend(items.iter().map(part));
            }
            ("dequeue", _) if !op.is_ok() => parts.push((op, QueueOp::DequeueAny)),
            ("dequeue", Value::Null) => parts.push((op, QueueOp::Dequeue(None))),
            ("dequeue", value) => parts.push((op, QueueOp::Dequeue(Some(value.to_string())))),
            _ => {}
        }
    }
    parts
}

fn search(operations: &[&ObjectOperation], budget: Budget<'_>) -> Finding {
    let parts = taken_apart(operations);
    let sources: Vec<&ObjectOperation> = parts.iter().map(|&(op, _)| op).collect();
    let mut ops = parts.iter().map(|(_, op)| op.clone());
    let calls = calls(&sources, |_| ops.next().expect("as many as there are parts"));
    match linearizable(&Fifo, &calls, budget) {
        Linearization::Order(_) => Finding::Valid,
        Linearization::Unknown(limit) => {
            unknown(operations, limit, "the search for an order was given up")
        }
        Linearization::Impossible => no_order(&sources, &Fifo, &calls, budget),
    }
}
