//! A set that only grows, for the testers.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::{Case, Done, Object, Step};
use crate::datum::{Datum, Encoded, View};
use crate::event::F;
use crate::history::Operation;
use crate::model::Call;
use crate::objects::Subject;

pub(super) struct Set<'a> {
    subject: Subject<'a>,
    /// The elements that the witness is about: those that it adds, and those that no operation adds.
    elements: BTreeSet<Datum>,
}

#[derive(Debug, Clone)]
pub(super) enum Op {
    Add(Datum),
    /// The elements, sorted.
    Read(Vec<Datum>),
}

impl<'a> Set<'a> {
    pub(super) fn new(case: &Case<'a>) -> Self {
        let subject = case.subject;
        let adds = |op: &&&Operation| op.f == F::Add;
        let added: FxHashSet<&[u8]> =
            subject.operations.iter().filter(adds).map(|op| subject.argument(op).bytes()).collect();
        let mut elements: BTreeSet<Datum> =
            case.core.iter().filter(adds).map(|op| subject.shown(op.argument)).collect();
        for read in case.core.iter().filter(|op| op.f == F::Get) {
            if let View::List(items) | View::Set(items) = subject.result(read).view() {
                let unknown = items.filter(|item| !added.contains(item.bytes()));
                elements.extend(unknown.map(Encoded::datum));
            }
        }
        Set { subject, elements }
    }
}

impl Object for Set<'_> {
    type State = BTreeSet<Datum>;
    type Op = Op;

    fn starts(&self, _: bool, _: &[Call<Step<Op>>]) -> BTreeSet<BTreeSet<Datum>> {
        BTreeSet::from([BTreeSet::new()])
    }

    fn after(&self, state: &BTreeSet<Datum>, op: &Op) -> Vec<BTreeSet<Datum>> {
        let mut state = state.clone();
        match op {
            Op::Add(element) => {
                state.insert(element.clone());
                vec![state]
            }
            Op::Read(elements) if elements.iter().eq(&state) => vec![state],
            Op::Read(_) => Vec::new(),
        }
    }

    fn acts(&self, op: &Operation, is_core: bool) -> Vec<Done<Op>> {
        let act = if op.f == F::Add {
            let element = self.subject.shown(op.argument);
            self.elements.contains(&element).then_some(Op::Add(element))
        } else if is_core
            && let Datum::List(mut items) | Datum::Set(mut items) = self.subject.shown(op.result)
        {
            items.retain(|item| self.elements.contains(item));
            items.sort_unstable();
            Some(Op::Read(items))
        } else {
            None
        };
        act.map(|op| Done { op, is_open: false }).into_iter().collect()
    }
}
