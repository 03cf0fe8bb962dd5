//! The search for an order, through a model that knows what is in the container and how far each
//! drain has come.
//!
//! A drain becomes as many takes as it has elements, and one that finds nothing, each possible
//! within the whole interval but only after the one before. That is what a drain is: its takes may
//! be anywhere in its interval, in their order.
//!
//! A take without an answer may have taken any of those that the discipline allows. That helps
//! only to make room for what comes next: a take of a higher rank, or none. Then all of the lowest
//! rank must be gone. So it is put off until then: once one of the lowest rank is taken so, nothing
//! but such takes follows until all of that rank are gone, and it does not matter which went
//! first. So each step has one outcome.

use smallvec::SmallVec;

use super::Discipline;
use super::parts::{OPEN, Parts, Span, Taken, Taker, View};
use super::replay::{Effect, Step};
use crate::budget::{Budget, Limit};
use crate::linearizable::search::{self, Answer};
use crate::memory;
use crate::model::{Call, Model};

/// A step of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    Put(u32),
    Take(u32),
    Empty,
    /// A take whose answer is not known.
    TakeAny,
    /// A take of a drain, by its number and place; none is what finds nothing.
    Drain {
        drain: u32,
        place: u32,
        take: Option<u32>,
        is_last: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// First the one that would come out first; of equal ranks in order of value.
    content: Vec<u32>,
    /// How many of the lowest rank were taken without an answer: all of them will be.
    cleared: u32,
    /// Drains that have begun and are not over, with how many takes they made.
    drains: SmallVec<[(u32, u32); 2]>,
}

pub(super) struct Container<'a>(pub(super) Discipline<'a>);

impl Container<'_> {
    fn put(&self, content: &mut Vec<u32>, value: u32) {
        let place = match self.0 {
            Discipline::Fifo => content.len(),
            Discipline::Lifo => 0,
            Discipline::Priority(_) | Discipline::Unordered => {
                let key = (self.0.rank(value), value);
                content.partition_point(|&other| (self.0.rank(other), other) < key)
            }
        };
        content.insert(place, value);
    }

    /// How many may come out next.
    fn first_class(&self, content: &[u32]) -> usize {
        match (self.0, content.first()) {
            (_, None) => 0,
            (Discipline::Fifo | Discipline::Lifo, _) => 1,
            (_, Some(&first)) => {
                let rank = self.0.rank(first);
                content.partition_point(|&other| self.0.rank(other) == rank)
            }
        }
    }

    fn take(&self, content: &mut Vec<u32>, value: u32) -> Option<()> {
        let first = self.first_class(content);
        let place = content[..first].iter().position(|&other| other == value)?;
        content.remove(place);
        Some(())
    }

    fn take_any(&self, state: &mut State) -> Option<()> {
        let first = self.first_class(&state.content);
        if first == 0 {
            return None;
        }
        state.cleared += 1;
        if state.cleared as usize == first {
            state.content.drain(..first);
            state.cleared = 0;
        }
        Some(())
    }
}

impl Model for Container<'_> {
    type Op = Act;
    type State = State;

    fn initial(&self) -> State {
        State { content: Vec::new(), cleared: 0, drains: SmallVec::new() }
    }

    fn step(&self, state: &State, act: &Act) -> Option<State> {
        if state.cleared > 0 && *act != Act::TakeAny {
            return None;
        }
        if let Act::Take(value) | Act::Drain { take: Some(value), .. } = act
            && !state.content[..self.first_class(&state.content)].contains(value)
        {
            return None;
        }
        let mut after = state.clone();
        match *act {
            Act::Put(value) => {
                // A state that is remembered takes no more room than it needs.
                after.content.reserve_exact(1);
                self.put(&mut after.content, value);
            }
            Act::Take(value) => self.take(&mut after.content, value)?,
            Act::Empty => return state.content.is_empty().then_some(after),
            Act::TakeAny => self.take_any(&mut after)?,
            Act::Drain { drain, place, take, is_last } => {
                let known = after.drains.binary_search_by_key(&drain, |&(number, _)| number);
                let done = known.map_or(0, |at| after.drains[at].1);
                if done != place || (take.is_none() && !state.content.is_empty()) {
                    return None;
                }
                if let Some(value) = take {
                    self.take(&mut after.content, value)?;
                }
                match known {
                    Ok(at) if is_last => {
                        after.drains.remove(at);
                    }
                    Ok(at) => after.drains[at].1 += 1,
                    Err(_) if is_last => {}
                    Err(at) => after.drains.insert(at, (drain, 1)),
                }
            }
        }
        Some(after)
    }

    fn is_read_only(&self, act: &Act) -> bool {
        *act == Act::Empty
    }

    fn state_bytes(&self, state: &State) -> usize {
        memory::list(&state.content) + memory::spilled(&state.drains)
    }
}

/// What a search found.
#[derive(Debug)]
pub(super) enum Found {
    Order(Vec<Step>),
    Impossible,
    Unknown(Limit),
}

/// The calls of the model, and for each the position of the call it comes from.
pub(super) fn acts(parts: &Parts, view: &View) -> (Vec<Call<Act>>, Vec<u32>) {
    let mut acts = Acts::default();
    // Takes of drains, in order; what finds nothing comes last.
    let mut drained: Vec<(u32, u32, Option<u32>, Span)> = Vec::new();
    let (mut puts, mut takes) = (0_usize, 0_usize);
    for element in parts.elements_of(view) {
        for put in &element.puts {
            // What never came out and may never have gone in helps no operation.
            if put.end != OPEN || !element.takes.is_empty() {
                acts.push(Act::Put(element.value), put);
                puts += 1;
            }
        }
        for Taken { span, drain } in &element.takes {
            takes += 1;
            match *drain {
                None => acts.push(Act::Take(element.value), span),
                Some((drain, place)) => drained.push((drain, place, Some(element.value), *span)),
            }
        }
    }
    for empty in parts.empties_of(view) {
        match empty.drain {
            None => acts.push(Act::Empty, &empty.span),
            Some(drain) => drained.push((drain, u32::MAX, None, empty.span)),
        }
    }
    drained.sort_unstable_by_key(|&(drain, place, ..)| (drain, place));
    for takes in drained.chunk_by(|a, b| a.0 == b.0) {
        if let [(_, _, None, span)] = takes {
            acts.push(Act::Empty, span);
            continue;
        }
        for (place, &(drain, _, take, span)) in (0..).zip(takes) {
            let is_last = place as usize + 1 == takes.len();
            acts.push(Act::Drain { drain, place, take, is_last }, &span);
        }
    }
    // All that is left can be taken by those that began first, since each of them lasts for ever.
    let mut left = puts.saturating_sub(takes);
    for Taker { span, is_drain } in &parts.takers {
        // One that was answered in a way that says nothing may have been none: it stays open.
        let span = Span { end: OPEN, ..*span };
        let most = if *is_drain { left } else { left.min(1) };
        for _ in 0..most {
            acts.push(Act::TakeAny, &span);
        }
        left -= most;
    }
    (acts.calls, acts.sources)
}

#[derive(Default)]
struct Acts {
    calls: Vec<Call<Act>>,
    sources: Vec<u32>,
}

impl Acts {
    fn push(&mut self, op: Act, span: &Span) {
        let complete = (span.end != OPEN).then_some(span.end);
        self.calls.push(Call { op, invoke: span.start, complete });
        self.sources.push(span.call);
    }
}

/// Looks for an order within the budget.
pub(super) fn search(
    discipline: Discipline<'_>,
    parts: &Parts,
    view: &View,
    budget: Budget<'_>,
) -> Found {
    let (calls, sources) = acts(parts, view);
    let model = Container(discipline);
    let budget = budget.besides(memory::list(&calls) + memory::list(&sources));
    match search::linearize(&model, &calls, budget).answer {
        Answer::Linearizable(order) => Found::Order(steps(&model, &calls, &sources, &order)),
        Answer::NotLinearizable => Found::Impossible,
        Answer::GivenUp(limit) => Found::Unknown(limit),
    }
}

/// The steps of an order that was found. Which of the lowest rank an open take took does not matter.
fn steps(model: &Container<'_>, calls: &[Call<Act>], sources: &[u32], order: &[u32]) -> Vec<Step> {
    let mut content: Vec<u32> = Vec::new();
    let step = |&at: &u32| {
        let effect = match calls[at as usize].op {
            Act::Put(value) => {
                model.put(&mut content, value);
                Effect::Put(value)
            }
            Act::Take(value) | Act::Drain { take: Some(value), .. } => {
                model.take(&mut content, value);
                Effect::Take(value)
            }
            Act::Empty | Act::Drain { take: None, .. } => Effect::Empty,
            Act::TakeAny => Effect::Take(content.remove(0)),
        };
        Step { call: sources[at as usize], effect }
    };
    order.iter().map(step).collect()
}
