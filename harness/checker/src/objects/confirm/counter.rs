//! A counter for the testers.

use std::collections::BTreeSet;

use super::{Case, Done, Object, Step};
use crate::event::F;
use crate::history::Operation;
use crate::model::Call;
use crate::objects::Subject;
use crate::objects::decide::number;

pub(super) struct Counter<'a> {
    subject: Subject<'a>,
    initial: i128,
}

#[derive(Debug, Clone)]
pub(super) enum Op {
    Add(i128),
    Read(i128),
}

/// What was there at first, if that is known, and what was added since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct State {
    first: Option<i128>,
    added: i128,
}

impl<'a> Counter<'a> {
    pub(super) fn new(case: &Case<'a>) -> Option<Self> {
        let subject = case.subject;
        let initial = match subject.history.initial() {
            Some(value) => number(subject.history.encoded(value))?,
            None => 0,
        };
        Some(Counter { subject, initial })
    }
}

impl Object for Counter<'_> {
    type State = State;
    type Op = Op;

    fn starts(&self, is_any: bool, _: &[Call<Step<Op>>]) -> BTreeSet<State> {
        BTreeSet::from([State { first: (!is_any).then_some(self.initial), added: 0 }])
    }

    fn after(&self, state: &State, op: &Op) -> Vec<State> {
        let after = match *op {
            Op::Add(amount) => {
                state.added.checked_add(amount).map(|added| State { added, ..*state })
            }
            Op::Read(sum) => {
                let first = sum.checked_sub(state.added);
                let is_right = first.is_some() && (state.first.is_none() || state.first == first);
                is_right.then_some(State { first, ..*state })
            }
        };
        after.into_iter().collect()
    }

    fn acts(&self, op: &Operation, is_core: bool) -> Vec<Done<Op>> {
        let act = match op.f {
            F::Add => number(self.subject.argument(op)).map(Op::Add),
            _ if is_core && op.is_ok() => number(self.subject.result(op)).map(Op::Read),
            _ => None,
        };
        act.map(|op| Done { op, is_open: false }).into_iter().collect()
    }
}
