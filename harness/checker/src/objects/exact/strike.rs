//! Single operations that contradict one another, with all others struck.
//!
//! An operation is struck by forgetting that it was ever over, and what it was answered. What only looks
//! is left out. What changes the object may take effect at any time after it began, or never. That
//! never makes a good history bad, unlike leaving out a change. What was over before a beginning may be
//! struck all at once, by letting the object begin in any state.
//!
//! So in a long history the first end is looked for that nothing explains, then the last beginning from
//! which that is so whatever was before, and what is needed in between. The same is done for some later
//! ends. Of what is found the least is taken: fewest operations, then the shortest span.

use std::cell::Cell;

use super::shrink::{fewest, least, shrink};
use crate::model::Call;
use crate::witness::Size;

/// Of so few calls all parts are tried.
pub(super) const MOST_SMALL: usize = 16;

/// So many parts are tried of more.
const MOST_PARTS: usize = 8;

/// So many calls are looked at to make a contradiction smaller, or to find another one.
const MOST_WORK: usize = 40_000;

/// Whether some calls have no order: begun in any state, or else in the first one.
type Contradicts<'a, O> = &'a dyn Fn(bool, &[Call<O>]) -> Option<bool>;

/// What is struck, and what is asked of the rest.
pub(super) struct Striking<'a, O> {
    pub(super) calls: &'a [Call<O>],
    /// What remains of an operation that is struck; none of one that only looks.
    pub(super) strike: &'a dyn Fn(&O) -> Option<O>,
    /// Whether some calls have no order: begun in any state, or else in the first one. None if that
    /// is too hard to say.
    pub(super) contradicts: Contradicts<'a, O>,
    /// How much some calls ask of a reader, by position.
    pub(super) size: &'a dyn Fn(&[u32]) -> Size,
    /// Whether to give up now.
    pub(super) stop: &'a dyn Fn() -> bool,
    /// How many calls were looked at so far.
    pub(super) work: Cell<usize>,
}

/// What contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Core {
    pub(super) positions: Vec<u32>,
    pub(super) is_minimal: bool,
    /// What was over by this place does not count, in whatever state that left the object.
    pub(super) start: Option<u32>,
    /// The last completion that counts.
    pub(super) until: u32,
}

impl<O: Clone> Striking<'_, O> {
    /// Few of the calls, which have no order. None if that was not shown again. Of few calls all parts
    /// are tried: then it is the least contradiction there is, unless that takes too long.
    pub(super) fn core(&self) -> Option<Core> {
        let mut ends: Vec<u32> = self.calls.iter().filter_map(|call| call.complete).collect();
        ends.sort_unstable();
        let parts =
            if self.calls.len() <= MOST_SMALL { all_parts(&ends) } else { self.some_parts(&ends) };
        let cores = parts.into_iter().filter_map(|part| self.core_of(part));
        cores.min_by_key(|core| (self.size)(&core.positions))
    }

    /// The first part that contradicts itself, and some that do and begin later.
    fn some_parts(&self, ends: &[u32]) -> Vec<Part> {
        let is_over = |count: usize| {
            let part = Part { end: ends[count - 1], start: None };
            self.contradicts_itself(part)
        };
        let count = fewest(ends.len(), &mut |count| is_over(count));
        let Some(end) = count.checked_sub(1).and_then(|last| ends.get(last).copied()) else {
            return Vec::new();
        };
        let mut parts = vec![Part { end, start: self.last_start(&ends[..count]) }];
        let enough = self.work.get() + MOST_WORK + 2 * self.calls.len();
        while parts.len() < MOST_PARTS
            && let Some(next) = parts.last().and_then(|&part| self.next_part(ends, part, enough))
        {
            parts.push(next);
        }
        parts
    }

    /// A part that ends later than another one, and begins later.
    fn next_part(&self, ends: &[u32], part: Part, enough: usize) -> Option<Part> {
        let after = |end: u32| ends.partition_point(|&other| other <= end);
        let start = Some(*ends.get(after(part.start?))?);
        let first = after(part.end);
        let is_over =
            |count: usize| self.contradicts_itself(Part { end: ends[first + count - 1], start });
        let mut count = 1;
        while first + count <= ends.len() && self.work.get() < enough {
            if is_over(count) {
                let count = fewest(count, &mut |count| is_over(count));
                let start = self.last_start(&ends[..first + count]);
                return start
                    .map(|start| Part { end: ends[first + count - 1], start: Some(start) });
            }
            count *= 2;
        }
        None
    }

    /// The least that is found of what is in a part.
    fn core_of(&self, part: Part) -> Option<Core> {
        let candidates = self.candidates(part);
        if self.is_contradiction(part, &candidates) != Some(true) {
            return None;
        }
        let mut contradicts = |kept: &[u32]| self.is_contradiction(part, kept);
        let first = shrink(&candidates, self.stop, &mut contradicts);
        let enough = self.work.get() + MOST_WORK;
        let is_enough = || self.work.get() > enough;
        let (positions, is_minimal) =
            least(&candidates, first, self.stop, &mut contradicts, self.size, &is_enough);
        let last = positions.iter().filter_map(|&at| self.calls[at as usize].complete).max();
        let until = part.end.min(last.unwrap_or(part.end));
        Some(Core { positions, is_minimal, start: part.start, until })
    }

    fn contradicts_itself(&self, part: Part) -> bool {
        self.is_contradiction(part, &self.candidates(part)) == Some(true)
    }

    /// What began after the start and before the end.
    fn candidates(&self, part: Part) -> Vec<u32> {
        let is_within = |call: &Call<O>| {
            call.invoke < part.end && part.start.is_none_or(|start| call.invoke > start)
        };
        (0u32..).zip(self.calls).filter(|(_, call)| is_within(call)).map(|(at, _)| at).collect()
    }

    /// The last completion after which there is a contradiction whatever was before.
    fn last_start(&self, ends: &[u32]) -> Option<u32> {
        let end = *ends.last()?;
        let start = |count: usize| Some(ends[ends.len() - count]);
        let is_enough = |count: usize| self.contradicts_itself(Part { end, start: start(count) });
        let (mut too_few, mut enough) = (1, 2);
        while enough <= ends.len() {
            if is_enough(enough) {
                let more = fewest(enough - too_few, &mut |more| is_enough(too_few + more));
                return start(too_few + more);
            }
            (too_few, enough) = (enough, 2 * enough);
        }
        None
    }

    fn is_contradiction(&self, part: Part, kept: &[u32]) -> Option<bool> {
        if (self.stop)() {
            return None;
        }
        let struck = self.struck(part, kept);
        self.work.set(self.work.get() + struck.len() + 1);
        (self.contradicts)(part.start.is_some(), &struck)
    }

    /// The calls with all but those kept struck, and without those that were over before the start.
    fn struck(&self, part: Part, kept: &[u32]) -> Vec<Call<O>> {
        let mut kept = kept.iter().peekable();
        let mut struck = Vec::with_capacity(self.calls.len());
        for (at, call) in (0u32..).zip(self.calls) {
            let complete = call.complete.filter(|&complete| complete <= part.end);
            if kept.next_if_eq(&&at).is_some() {
                struck.push(Call { op: call.op.clone(), invoke: call.invoke, complete });
                continue;
            }
            let is_before = matches!((part.start, complete), (Some(start), Some(complete))
                if complete <= start);
            if !is_before
                && call.invoke < part.end
                && let Some(op) = (self.strike)(&call.op)
            {
                struck.push(Call { op, invoke: call.invoke, complete: None });
            }
        }
        struck
    }
}

/// The whole of a history, begun anywhere; those that begin last first.
fn all_parts(ends: &[u32]) -> Vec<Part> {
    let Some(&end) = ends.last() else { return Vec::new() };
    let starts = ends.iter().rev().copied().map(Some).chain([None]);
    starts.map(|start| Part { end, start }).collect()
}

/// A part of a history, between two completions.
#[derive(Debug, Clone, Copy)]
struct Part {
    end: u32,
    /// None if it begins with the history.
    start: Option<u32>,
}
