//! The structure of reads against all permutations, and against the search.

mod examples;
mod random;
mod recorded;

use super::{Answer, Contradiction, SequenceOp, Symbol, check};
use crate::model::{Call, Model};

/// A sequence, by the book.
struct ByTheBook<S> {
    initial: Vec<S>,
}

/// An operation with its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Op<S> {
    Read(Vec<S>),
    Append(Vec<S>),
    Put(Vec<S>),
}

impl<S: Symbol> Model for ByTheBook<S> {
    type Op = Op<S>;
    type State = Vec<S>;

    fn initial(&self) -> Vec<S> {
        self.initial.clone()
    }

    fn step(&self, state: &Vec<S>, op: &Op<S>) -> Option<Vec<S>> {
        match op {
            Op::Read(text) => (state == text).then(|| text.clone()),
            Op::Append(text) => Some([&state[..], text].concat()),
            Op::Put(text) => Some(text.clone()),
        }
    }

    fn is_read_only(&self, op: &Op<S>) -> bool {
        matches!(op, Op::Read(_))
    }
}

fn borrow<S>(calls: &[Call<Op<S>>]) -> Vec<Call<SequenceOp<'_, S>>> {
    let mut borrowed = Vec::with_capacity(calls.len());
    for Call { op, invoke, complete } in calls {
        let op = match op {
            Op::Read(text) => SequenceOp::Read(text),
            Op::Append(text) => SequenceOp::Append(text),
            Op::Put(text) => SequenceOp::Put(text),
        };
        borrowed.push(Call { op, invoke: *invoke, complete: *complete });
    }
    borrowed
}

/// Checks an order by replaying it.
fn replay<M: Model>(model: &M, calls: &[Call<M::Op>], order: &[u32]) {
    let mut state = model.initial();
    let mut left: Vec<u32> = (0u32..).zip(calls).map(|(position, _)| position).collect();
    for position in order {
        let call = &calls[*position as usize];
        let deadline = left.iter().filter_map(|&at| calls[at as usize].complete).min();
        assert!(deadline.is_none_or(|deadline| call.invoke < deadline));
        left.retain(|other| other != position);
        state = model.step(&state, &call.op).expect("an order of possible steps");
    }
    assert!(left.iter().all(|&at| calls[at as usize].complete.is_none()));
}
