//! Striking: what is left of a history of which only a few operations still have to be true.
//!
//! An operation is *struck* by forgetting that it was ever over: a read is dropped, and what may
//! change the state stays as an operation that may take effect at any time after its invocation, or
//! never. Striking never makes a linearizable history contradictory, since the order that explains
//! the whole explains what is left. Leaving out a write would: its readers would then hold a value
//! from nowhere, and a refused compare-and-set would have nothing to be refused for. So operations
//! that contradict one another with all others struck are evidence, and nothing less is.
//!
//! What was over before some event may be struck all at once by letting the object begin there in
//! any state.

use std::cell::Cell;

use crate::budget::Budget;
use crate::linearizable::search::{self, Answer};
use crate::model::{Call, Model};

/// So many beginnings are tried of a part in which given operations may contradict one another.
const MOST_PARTS: usize = 8;

/// A part of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// What was over by this event is left out, and the object begins in any state. `None` if the
    /// part begins before everything, in the model's first state.
    pub(crate) after: Option<u32>,
    /// What began after this event is left out, and what was not over by then is open.
    pub(crate) end: u32,
}

impl Part {
    pub(crate) const WHOLE: Part = Part { after: None, end: u32::MAX };

    fn has<O>(&self, call: &Call<O>) -> bool {
        self.after.is_none_or(|after| call.invoke > after)
    }

    fn is_over<O>(&self, call: &Call<O>) -> bool {
        self.after.is_some_and(|after| call.complete.is_some_and(|complete| complete <= after))
    }
}

/// A history of which parts are tried.
pub(crate) struct Trial<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    /// What each trial may cost.
    budget: Budget<'a>,
    /// What was done so far: calls that were searched, and steps where that came to no end.
    work: Cell<u64>,
}

impl<'a, M: Model> Trial<'a, M> {
    pub(crate) fn new(model: &'a M, calls: &'a [Call<M::Op>], budget: Budget<'a>) -> Self {
        Trial { model, calls, budget, work: Cell::new(0) }
    }

    /// The same with all its work before it.
    pub(crate) fn afresh(&self) -> Self {
        Trial::new(self.model, self.calls, self.budget)
    }

    /// Whether it is time to come to an end: after so much work, or when the budget's deadline has
    /// passed.
    pub(crate) fn is_exhausted(&self, most_work: u64) -> bool {
        self.work.get() > most_work || (self.budget.stop)()
    }

    /// Whether the kept calls, in increasing order, contradict one another with the others struck.
    /// `None` if that takes too long.
    pub(crate) fn contradicts(&self, part: Part, kept: &[u32]) -> Option<bool> {
        if (self.budget.stop)() {
            return None;
        }
        let left = self.left(part, kept)?;
        let answer = left.contradicts(self.budget);
        let steps = if answer.is_none() { self.budget.steps } else { 0 };
        let tries = (left.calls.len() + 1) * left.models().len();
        self.work.set(self.work.get() + tries as u64 + steps);
        answer
    }

    /// The same with none struck that began in the part.
    pub(crate) fn is_contradictory(&self, part: Part) -> Option<bool> {
        self.contradicts(part, &self.candidates(part))
    }

    /// The calls that say something: all that began in the part.
    pub(crate) fn candidates(&self, part: Part) -> Vec<u32> {
        let is_within = |call: &Call<M::Op>| call.invoke < part.end && part.has(call);
        (0u32..).zip(self.calls).filter(|(_, call)| is_within(call)).map(|(at, _)| at).collect()
    }

    /// The parts in which a few calls may contradict one another: the whole, and each that begins
    /// with one of them.
    pub(crate) fn parts(&self, few: &[u32]) -> impl Iterator<Item = Part> + use<M> {
        let mut begins: Vec<u32> = few.iter().map(|&at| self.calls[at as usize].invoke).collect();
        begins.sort_unstable();
        let later = begins.into_iter().filter_map(|begin| begin.checked_sub(1));
        let later = later.take(MOST_PARTS).map(|after| Part { after: Some(after), ..Part::WHOLE });
        [Part::WHOLE].into_iter().chain(later)
    }

    /// What is left with all but `kept` struck, and without those of the struck that help no
    /// operation. `None` if there are too many states to begin in.
    pub(crate) fn left(&self, part: Part, kept: &[u32]) -> Option<Left<'a, M>> {
        // What began after all of the kept were over comes too late for them.
        let ends = kept.iter().filter_map(|&at| self.calls[at as usize].complete);
        let end = ends.filter(|&end| end <= part.end).max().unwrap_or(0);
        let mut kept = kept.iter().peekable();
        let (mut calls, mut positions, mut is_kept) = (Vec::new(), Vec::new(), Vec::new());
        for (position, call) in (0u32..).zip(self.calls) {
            // What was under way when the part begins may have taken effect before.
            let keeps = kept.next_if_eq(&&position).is_some() && part.has(call);
            let changes = || call.invoke < end && !self.model.is_read_only(&call.op);
            if !part.is_over(call) && (keeps || changes()) {
                let complete = call.complete.filter(|&complete| keeps && complete <= part.end);
                calls.push(Call { op: call.op.clone(), invoke: call.invoke, complete });
                positions.push(position);
                is_kept.push(keeps);
            }
        }
        let mut helps = vec![true; calls.len()];
        self.model.strike_out(&calls, &mut helps);
        let stays: Vec<bool> =
            helps.iter().zip(is_kept).map(|(helps, kept)| *helps || kept).collect();
        retain(&mut calls, &stays);
        retain(&mut positions, &stays);
        let first = match part.after {
            None => First::Given(self.model),
            Some(_) => First::Any(self.model.starts(&calls)?),
        };
        Some(Left { calls, positions, first })
    }
}

fn retain<T>(list: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    list.retain(|_| stays.next().copied().unwrap_or(true));
}

/// What is left of a history.
pub(crate) struct Left<'a, M: Model> {
    pub(crate) calls: Vec<Call<M::Op>>,
    pub(crate) positions: Vec<u32>,
    first: First<'a, M>,
}

/// What the object holds at first.
enum First<'a, M> {
    Given(&'a M),
    Any(Vec<M>),
}

impl<M: Model> Left<'_, M> {
    /// The object in each state that it may begin in.
    pub(crate) fn models(&self) -> &[M] {
        match &self.first {
            First::Given(model) => std::slice::from_ref(*model),
            First::Any(models) => models,
        }
    }

    /// Whether there is no order, in whatever state it begins. `None` if that takes too long.
    pub(crate) fn contradicts(&self, budget: Budget<'_>) -> Option<bool> {
        for model in self.models() {
            match search::linearize(model, &self.calls, budget).answer {
                Answer::NotLinearizable => {}
                Answer::Linearizable(_) => return Some(false),
                Answer::GivenUp(_) => return None,
            }
        }
        Some(true)
    }
}
