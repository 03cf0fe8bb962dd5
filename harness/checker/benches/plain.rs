//! What others do with the same histories: `stateright`'s `LinearizabilityTester`, and the search of Wing
//! and Gong as it stands in their paper. Neither remembers where it has been.

use std::collections::VecDeque;

use checker::{Datum, F, History, Operation, Outcome};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

/// An object: a register, queue, stack or counter, by what is asked of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Object {
    is_counter: bool,
    register: Option<i64>,
    content: VecDeque<i64>,
    sum: i64,
}

/// A function with what it is given: an element, an amount, or what a compare-and-set expects and writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Op {
    f: F,
    given: Option<i64>,
    expected: Option<i64>,
}

/// An answer: a value, none, or that a compare-and-set was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ret {
    value: Option<i64>,
    refused: bool,
}

impl SequentialSpec for Object {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        let given = op.given.unwrap_or_default();
        let mut ret = Ret { value: None, refused: false };
        match op.f {
            F::Put => self.register = op.given,
            F::Cas if self.register == op.expected => self.register = op.given,
            F::Cas => ret.refused = true,
            F::Enqueue | F::Push => self.content.push_back(given),
            F::Dequeue => ret.value = self.content.pop_front(),
            F::Pop => ret.value = self.content.pop_back(),
            F::Add => self.sum += given,
            F::Get if self.is_counter => ret.value = Some(self.sum),
            F::Get => ret.value = self.register,
            f => panic!("no object here has {f:?}"),
        }
        ret
    }
}

impl Object {
    /// As it is before a history.
    fn before(history: &History) -> Self {
        let is_counter = history.operations().iter().any(|op| op.f == F::Add);
        Object { is_counter, ..Object::default() }
    }
}

/// An operation in time.
struct Call {
    process: u64,
    op: Op,
    ret: Ret,
    invoke: u64,
    complete: Option<u64>,
}

fn calls(history: &History) -> Vec<Call> {
    let number = |value| match history.value(value) {
        Datum::Integer(number) => Some(number),
        Datum::Text(text) => text.parse().ok(),
        _ => None,
    };
    let call = |op: &Operation| {
        let is_cas = op.f == F::Cas;
        let looks = matches!(op.f, F::Get | F::Dequeue | F::Pop);
        Call {
            process: history.process(op),
            op: Op {
                f: op.f,
                given: if looks { None } else { number(op.argument) },
                expected: if is_cas { number(op.result) } else { None },
            },
            ret: Ret { value: if looks { number(op.result) } else { None }, refused: op.refused },
            invoke: op.invoke_index(),
            complete: op.complete_index(),
        }
    };
    let says = |op: &&Operation| op.f != F::Get || op.outcome == Outcome::Ok;
    history.operations().iter().filter(says).map(call).collect()
}

/// What `stateright` says.
pub fn stateright(history: &History) -> bool {
    let calls = calls(history);
    let mut events: Vec<(u64, &Call)> = Vec::new();
    for call in &calls {
        events.push((call.invoke, call));
        events.extend(call.complete.map(|index| (index, call)));
    }
    events.sort_by_key(|&(index, _)| index);
    let mut tester = LinearizabilityTester::new(Object::before(history));
    for (index, call) in events {
        if index == call.invoke {
            tester.on_invoke(call.process, call.op.clone()).expect("one at a time");
        } else {
            tester.on_return(call.process, call.ret.clone()).expect("what was invoked");
        }
    }
    tester.is_consistent()
}

/// What the textbook says.
pub fn textbook(history: &History) -> bool {
    let mut calls = calls(history);
    calls.sort_by_key(|call| call.invoke);
    search(&calls, &mut vec![false; calls.len()], &Object::before(history))
}

/// Tries each operation next that began before any that is left was over.
fn search(calls: &[Call], done: &mut Vec<bool>, object: &Object) -> bool {
    let left = || (0..calls.len()).filter(|&at| !done[at]);
    let deadline = left().filter_map(|at| calls[at].complete).min();
    let Some(deadline) = deadline else { return true };
    let next: Vec<usize> = left().take_while(|&at| calls[at].invoke < deadline).collect();
    next.into_iter().any(|at| {
        let mut after = object.clone();
        let ret = after.invoke(&calls[at].op);
        if calls[at].complete.is_some() && ret != calls[at].ret {
            return false;
        }
        done[at] = true;
        let found = search(calls, done, &after);
        done[at] = false;
        found
    })
}
