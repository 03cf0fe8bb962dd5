//! Queues, stacks and priority queues for the testers.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use super::{Case, Done, Object, Step};
use crate::datum::{Datum, Encoded, Encoder, View};
use crate::event::F;
use crate::history::{Operation, Value};
use crate::model::Call;
use crate::models::ModelName;
use crate::objects::Subject;
use crate::objects::decide::number;
use crate::witness::Anomaly;

pub(super) struct Container<'a> {
    subject: Subject<'a>,
    model: ModelName,
    /// The elements that the witness is about.
    elements: BTreeSet<Datum>,
    /// Whether it is about how often they came out, and not about what else was in.
    is_count: bool,
    /// How many of them an open drain may have taken.
    most_drained: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Op {
    Put(Datum),
    Take(Datum),
    /// One was taken; which is not known.
    TakeAny,
    /// Nothing was there.
    Empty,
    /// A part of a drain, which begins in this place; none is what found nothing.
    Drain {
        drain: u32,
        part: usize,
        item: Option<Datum>,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct State {
    /// In the order in which they went in.
    content: Vec<Datum>,
    /// How many parts of each drain were done.
    drained: BTreeMap<u32, usize>,
}

impl<'a> Container<'a> {
    pub(super) fn new(model: ModelName, case: &Case<'a>) -> Self {
        let subject = case.subject;
        let is_count = matches!(
            case.anomaly,
            Anomaly::GarbageRead | Anomaly::FutureRead | Anomaly::Duplicated
        );
        let (elements, most_drained) = (BTreeSet::new(), 0);
        let mut container = Container { subject, model, elements, is_count, most_drained };
        for op in &case.core {
            if is_put(op) {
                container.elements.insert(subject.shown(op.argument));
            } else if op.f != F::Drain && op.is_ok() && op.result != Value::NIL {
                container.elements.insert(subject.shown(op.result));
            }
        }
        let puts = || subject.operations.iter().filter(|op| is_put(op));
        if case.core.iter().any(|op| op.f == F::Drain) {
            let put: FxHashSet<&[u8]> = puts().map(|op| subject.argument(op).bytes()).collect();
            let is_meant =
                |item: &Datum| !case.claim.is_alone || !put.contains(Encoder::of(item).bytes());
            let drained = case.core.iter().filter_map(|op| container.drained(op)).flatten();
            let items: Vec<Datum> = drained.filter(is_meant).collect();
            container.elements.extend(items);
        }
        let is_meant = |op: &&&Operation| {
            op.invoke < case.end && container.elements.contains(&subject.shown(op.argument))
        };
        container.most_drained = puts().filter(is_meant).count();
        container
    }

    /// What a drain took.
    fn drained(&self, op: &Operation) -> Option<Vec<Datum>> {
        match self.subject.result(op).view() {
            View::List(items) if op.f == F::Drain && op.is_ok() => {
                Some(items.map(Encoded::datum).collect())
            }
            _ => None,
        }
    }

    /// The places of what may come out next.
    fn next(&self, content: &[Datum]) -> Vec<usize> {
        let all = 0..content.len();
        match self.model {
            ModelName::Queue => all.take(1).collect(),
            ModelName::Stack => all.rev().take(1).collect(),
            ModelName::PriorityQueue => all
                .min_by(|&one, &other| compare(&content[one], &content[other]))
                .into_iter()
                .collect(),
            _ => all.collect(),
        }
    }

    /// The states after one that came out next, this one if it is given.
    fn taken(&self, state: &State, item: Option<&Datum>) -> Vec<State> {
        let next = self.next(&state.content).into_iter();
        let is_it = |&at: &usize| item.is_none_or(|item| state.content[at] == *item);
        let without = |at: usize| {
            let mut after = state.clone();
            after.content.remove(at);
            after
        };
        next.filter(is_it).map(without).collect()
    }
}

fn is_put(op: &Operation) -> bool {
    matches!(op.f, F::Enqueue | F::Push | F::Insert)
}

/// The least comes first: whole numbers by value, and before all else.
fn compare(one: &Datum, other: &Datum) -> Ordering {
    let whole = |datum: &Datum| {
        let encoder = Encoder::of(datum);
        number(Encoded::new(encoder.bytes()))
    };
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(other),
    }
}

impl Object for Container<'_> {
    type State = State;
    type Op = Op;

    fn starts(&self, _: bool, _: &[Call<Step<Op>>]) -> BTreeSet<State> {
        BTreeSet::from([State::default()])
    }

    fn after(&self, state: &State, op: &Op) -> Vec<State> {
        match op {
            Op::Put(item) => {
                let mut after = state.clone();
                after.content.push(item.clone());
                vec![after]
            }
            Op::Take(item) => self.taken(state, Some(item)),
            Op::TakeAny => self.taken(state, None),
            Op::Empty if state.content.is_empty() => vec![state.clone()],
            Op::Empty => Vec::new(),
            Op::Drain { drain, part, item } => {
                let done = state.drained.get(drain).copied().unwrap_or_default();
                let mut after = match item {
                    _ if done != *part => Vec::new(),
                    Some(item) => self.taken(state, Some(item)),
                    None if state.content.is_empty() => vec![state.clone()],
                    None => Vec::new(),
                };
                for state in &mut after {
                    state.drained.insert(*drain, part + 1);
                }
                after
            }
        }
    }

    fn acts(&self, op: &Operation, is_core: bool) -> Vec<Done<Op>> {
        let done = |op| Done { op, is_open: false };
        let meant = |value: Value| {
            let item = self.subject.shown(value);
            self.elements.contains(&item).then_some(item)
        };
        let unknown = |count: usize| {
            let count = if self.is_count { 0 } else { count };
            (0..count).map(|_| Done { op: Op::TakeAny, is_open: true }).collect()
        };
        if is_put(op) {
            return meant(op.argument).map(Op::Put).map(done).into_iter().collect();
        }
        if op.f == F::Drain {
            let Some(items) = self.drained(op) else { return unknown(self.most_drained) };
            let items = items.into_iter().filter(|item| self.elements.contains(item)).map(Some);
            let end = (is_core && !self.is_count).then_some(None);
            let part = |(part, item)| done(Op::Drain { drain: op.invoke, part, item });
            return items.chain(end).enumerate().map(part).collect();
        }
        if !op.is_ok() {
            return unknown(1);
        }
        if op.result == Value::NIL {
            let is_meant = is_core && !self.is_count;
            return is_meant.then(|| done(Op::Empty)).into_iter().collect();
        }
        meant(op.result).map(Op::Take).map(done).into_iter().collect()
    }
}
