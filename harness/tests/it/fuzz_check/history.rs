//! Events, and the operations that they make up.

use std::collections::BTreeMap;

use crate::fuzz_check::value::Val;

/// What an event says of its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invoke => "invoke",
            Kind::Ok => "ok",
            Kind::Fail => "fail",
            Kind::Info => "info",
        }
    }
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum F {
    Get,
    Put,
    Cas,
    Append,
    Add,
    Enqueue,
    Dequeue,
    Drain,
    Push,
    Pop,
    Insert,
    DeleteMin,
    Acquire,
    Release,
    Renew,
    Generate,
    Transfer,
}

impl F {
    pub const ALL: [F; 17] = [
        F::Get,
        F::Put,
        F::Cas,
        F::Append,
        F::Add,
        F::Enqueue,
        F::Dequeue,
        F::Drain,
        F::Push,
        F::Pop,
        F::Insert,
        F::DeleteMin,
        F::Acquire,
        F::Release,
        F::Renew,
        F::Generate,
        F::Transfer,
    ];

    /// The name, in the words of registers (`read`, `write`) or of key-value stores.
    pub fn name(self, says_read: bool) -> &'static str {
        match self {
            F::Get if says_read => "read",
            F::Put if says_read => "write",
            F::Get => "get",
            F::Put => "put",
            F::Cas => "cas",
            F::Append => "append",
            F::Add => "add",
            F::Enqueue => "enqueue",
            F::Dequeue => "dequeue",
            F::Drain => "drain",
            F::Push => "push",
            F::Pop => "pop",
            F::Insert => "insert",
            F::DeleteMin => "delete-min",
            F::Acquire => "acquire",
            F::Release => "release",
            F::Renew => "renew",
            F::Generate => "generate",
            F::Transfer => "transfer",
        }
    }

    /// Whether it is given nothing, and answers something.
    pub fn only_asks(self) -> bool {
        matches!(self, F::Get | F::Dequeue | F::Drain | F::Pop | F::DeleteMin | F::Generate)
    }
}

/// One line of a history.
#[derive(Debug, Clone)]
pub struct Event {
    /// The operation it belongs to, for shrinking.
    pub op: usize,
    pub process: u64,
    pub kind: Kind,
    pub f: F,
    pub key: Option<Val>,
    pub value: Val,
    /// Whether it gives a reason.
    pub has_error: bool,
    pub time_ns: u64,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    Ok,
    Fail,
    Open,
}

/// An invocation with its completion.
#[derive(Debug, Clone)]
pub struct Op {
    pub process: u64,
    pub f: F,
    pub key: Option<Val>,
    pub arg: Val,
    /// Nil unless it was answered.
    pub answer: Val,
    pub end: End,
    /// Whether it is a compare-and-set that was answered "something else is there".
    pub refused: bool,
    /// Places among the events.
    pub invoke: usize,
    pub complete: Option<usize>,
    pub invoke_ns: u64,
    pub complete_ns: u64,
}

/// How completions are joined to invocations.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pairing {
    /// Whether a failed compare-and-set without a reason is an answer.
    pub refuses: bool,
    /// Whether what does not fit is repaired.
    pub is_lenient: bool,
}

/// The operations of these events in the order of their invocations; none if they do not fit together.
pub fn pair(events: &[Event], how: Pairing) -> Option<Vec<Op>> {
    let mut ops: Vec<Op> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    // Under which number a process goes on whose operation was left open by a repair.
    let mut numbers: BTreeMap<u64, u64> = BTreeMap::new();
    let mut next_number = u64::MAX;
    for (place, event) in events.iter().enumerate() {
        if event.kind == Kind::Invoke {
            if open.contains_key(&event.process) {
                if !how.is_lenient {
                    return None;
                }
                numbers.insert(event.process, next_number);
                next_number -= 1;
            }
            open.insert(event.process, ops.len());
            ops.push(Op {
                process: numbers.get(&event.process).copied().unwrap_or(event.process),
                f: event.f,
                key: event.key.clone(),
                arg: if event.f == F::Get { Val::Nil } else { event.value.clone() },
                answer: Val::Nil,
                end: End::Open,
                refused: false,
                invoke: place,
                complete: None,
                invoke_ns: event.time_ns,
                complete_ns: 0,
            });
            continue;
        }
        let fits = |&at: &usize| ops[at].f == event.f && ops[at].key == event.key;
        let Some(at) = open.get(&event.process).copied().filter(fits) else {
            if how.is_lenient {
                continue;
            }
            return None;
        };
        open.remove(&event.process);
        if event.kind == Kind::Ok && !repeats(&ops[at], &event.value) {
            return None;
        }
        complete(&mut ops[at], event, place, how);
    }
    Some(ops)
}

/// Whether the answer of a write says nothing else than what was asked for.
fn repeats(op: &Op, answer: &Val) -> bool {
    match op.f {
        F::Put | F::Append => *answer == Val::Nil || *answer == op.arg,
        F::Cas => answer.halves().is_none() || *answer == op.arg,
        _ => true,
    }
}

fn complete(op: &mut Op, event: &Event, place: usize, how: Pairing) {
    op.complete_ns = event.time_ns;
    match event.kind {
        Kind::Ok => {
            op.end = End::Ok;
            op.answer = event.value.clone();
            op.complete = Some(place);
        }
        Kind::Fail if op.f == F::Cas && how.refuses && !event.has_error => {
            op.end = End::Ok;
            op.refused = true;
            op.complete = Some(place);
        }
        Kind::Fail => {
            op.end = End::Fail;
            op.complete = Some(place);
        }
        Kind::Info | Kind::Invoke => {}
    }
}

/// The operations by key; failed ones are absent.
pub fn by_key(ops: &[Op]) -> Vec<Vec<&Op>> {
    let mut keys: BTreeMap<&Option<Val>, Vec<&Op>> = BTreeMap::new();
    for op in ops.iter().filter(|op| op.end != End::Fail) {
        keys.entry(&op.key).or_default().push(op);
    }
    keys.into_values().collect()
}
