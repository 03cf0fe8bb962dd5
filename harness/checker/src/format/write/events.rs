//! The events of a history, as they can be written.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Event, Heading};
use crate::datum::Datum;
use crate::event::{EventType, F};
use crate::history::{History, Operation, Outcome};
use crate::models::ModelName;

/// Which event of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    index: u32,
    /// The position of the operation.
    position: u32,
    is_end: bool,
}

/// The events of a history, in their order.
///
/// An operation with an unknown outcome has no end, unless its process goes on: then it ends in `info` at
/// some index before that which no other event has.
#[derive(Debug, Clone)]
pub struct Events<'h> {
    history: &'h History,
    steps: Rc<[Step]>,
    next: usize,
    /// The time of the event before.
    last_ns: u64,
}

impl<'h> Events<'h> {
    /// The events of a history. The error is an operation of unknown outcome, by the index of its invocation,
    /// whose process goes on, but no index is left to say so.
    pub fn of(history: &'h History) -> Result<Self, u64> {
        let mut steps = Vec::new();
        for (position, op) in (0u32..).zip(history.operations()) {
            let index = |index: u64| u32::try_from(index).unwrap_or(u32::MAX);
            steps.push(Step { index: index(op.invoke_index()), position, is_end: false });
            if let Some(end) = op.complete_index() {
                steps.push(Step { index: index(end), position, is_end: true });
            }
        }
        add_unknown_ends(history, &mut steps)?;
        steps.sort_unstable();
        Ok(Events { history, steps: steps.into(), next: 0, last_ns: 0 })
    }

    /// What the file of this history says of all events.
    pub fn heading(history: &History, model: Option<ModelName>) -> Heading {
        Heading { model, says_read: history.name(F::Get) == "read" }
    }

    fn event(&self, step: Step) -> Event {
        let history = self.history;
        let op = &history.operations()[step.position as usize];
        let is_unknown = step.is_end && op.outcome == Outcome::Info;
        let has_failed = step.is_end && op.outcome == Outcome::Fail;
        Event {
            index: u64::from(step.index),
            time_ns: match step.is_end {
                // When that became known is forgotten.
                true if is_unknown => self.last_ns,
                true => op.complete_ns,
                false => op.invoke_ns,
            },
            process: history.process(op),
            client: history.client(op).to_owned(),
            r#type: match op.outcome {
                _ if !step.is_end => EventType::Invoke,
                Outcome::Ok => EventType::Ok,
                Outcome::Fail => EventType::Fail,
                Outcome::Info => EventType::Info,
            },
            f: op.f,
            key: history.key(op.key),
            value: value(history, op, step.is_end),
            refused: step.is_end && op.refused,
            node: history.node(op).map(str::to_owned),
            error: (has_failed && !op.failed_plainly).then(|| "failed".to_owned()),
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let step = *self.steps.get(self.next)?;
        self.next += 1;
        let event = self.event(step);
        self.last_ns = event.time_ns;
        Some(event)
    }
}

fn value(history: &History, op: &Operation, is_end: bool) -> Datum {
    let is_answer = is_end && op.outcome == Outcome::Ok;
    match op.f {
        F::Cas => Datum::List(vec![history.value(op.result), history.value(op.argument)]),
        F::Put | F::Append => history.value(op.argument),
        _ if is_answer => history.value(op.result),
        _ => history.value(op.argument),
    }
}

/// Ends each operation of unknown outcome whose process goes on.
fn add_unknown_ends(history: &History, steps: &mut Vec<Step>) -> Result<(), u64> {
    let mut open: FxHashMap<u64, (u32, u32)> = FxHashMap::default();
    let mut taken = FxHashSet::default();
    for (position, op) in (0u32..).zip(history.operations()) {
        let begin = u32::try_from(op.invoke_index()).unwrap_or(u32::MAX);
        if let Some((unknown, after)) = open.remove(&history.process(op)) {
            if taken.is_empty() {
                taken.extend(steps.iter().map(|step| step.index));
            }
            let index = (after + 1..begin).rev().find(|index| !taken.contains(index));
            let index = index.ok_or(u64::from(after))?;
            taken.insert(index);
            steps.push(Step { index, position: unknown, is_end: true });
        }
        if op.outcome == Outcome::Info {
            open.insert(history.process(op), (position, begin));
        }
    }
    Ok(())
}
