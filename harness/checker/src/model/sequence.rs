//! A list or text that is read, replaced, appended to, and compared and set.

use super::{Call, Model};
use crate::memory;

/// One key of a store of lists, or of texts: then its elements are bytes.
#[derive(Debug, Clone)]
pub struct Sequence<E> {
    /// What it holds before the first write.
    pub initial: Box<[E]>,
}

/// An operation on a sequence, with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SequenceOp<E> {
    /// A read that returned this.
    Get(Box<[E]>),
    /// A write of this.
    Put(Box<[E]>),
    /// An append of these.
    Append(Box<[E]>),
    /// A compare-and-set from the first to the second that was done.
    Cas(Box<[E]>, Box<[E]>),
    /// A compare-and-set that was refused, because the sequence was not this.
    Refused(Box<[E]>),
}

impl<E: Clone + Eq + std::hash::Hash + std::fmt::Debug> Model for Sequence<E> {
    type Op = SequenceOp<E>;
    type State = Box<[E]>;

    fn initial(&self) -> Box<[E]> {
        self.initial.clone()
    }

    fn step(&self, state: &Box<[E]>, op: &SequenceOp<E>) -> Option<Box<[E]>> {
        match op {
            SequenceOp::Get(value) => (state == value).then(|| value.clone()),
            SequenceOp::Put(value) => Some(value.clone()),
            SequenceOp::Append(value) => Some([&**state, &**value].concat().into()),
            SequenceOp::Cas(old, new) => (state == old).then(|| new.clone()),
            SequenceOp::Refused(old) => (state != old).then(|| state.clone()),
        }
    }

    fn is_read_only(&self, op: &SequenceOp<E>) -> bool {
        matches!(op, SequenceOp::Get(_) | SequenceOp::Refused(_))
    }

    fn state_bytes(&self, state: &Box<[E]>) -> usize {
        memory::block(size_of_val(&**state))
    }

    /// An open write whose elements are in nothing that anybody saw or expected helps nobody, except
    /// to be something else than a refused compare-and-set expected.
    fn strike_out(&self, calls: &[Call<SequenceOp<E>>], keep: &mut [bool]) {
        if calls.iter().any(|call| matches!(call.op, SequenceOp::Refused(_))) {
            return;
        }
        let is_in = |part: &[E], whole: &[E]| {
            part.is_empty() || whole.windows(part.len()).any(|window| window == part)
        };
        for (call, keep) in calls.iter().zip(keep) {
            if let (SequenceOp::Put(part) | SequenceOp::Append(part), None) =
                (&call.op, call.complete)
            {
                *keep &= calls.iter().any(|other| match &other.op {
                    SequenceOp::Get(seen) | SequenceOp::Cas(seen, _) => is_in(part, seen),
                    _ => false,
                });
            }
        }
    }
}
