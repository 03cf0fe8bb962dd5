//! Single operations that contradict one another, with all others struck.
//!
//! An operation is struck by forgetting when it happened and what it was answered: what only looks
//! is left out, what changes the object may then take effect at any time or never. That never makes
//! a good history bad, unlike leaving out a change. What was over before a beginning may be struck
//! all at once, by letting the object begin in any state. So what is looked for is the first end
//! that nothing explains, the last beginning from which that is so whatever was before, and what is
//! needed in between.

use super::shrink::{fewest, leave_out};
use crate::model::Call;

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
    /// Whether to give up now.
    pub(super) stop: &'a dyn Fn() -> bool,
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
    /// Few of the calls, which have no order. None if that was not shown again.
    pub(super) fn core(&self) -> Option<Core> {
        let mut ends: Vec<u32> = self.calls.iter().filter_map(|call| call.complete).collect();
        ends.sort_unstable();
        let is_over = |count: usize| {
            let part = Part { end: ends[count - 1], start: None };
            self.is_contradiction(part, &self.candidates(part)) == Some(true)
        };
        let count = fewest(ends.len(), &mut |count| is_over(count));
        let end = count.checked_sub(1).and_then(|last| ends.get(last).copied())?;
        let part = Part { end, start: self.last_start(&ends[..count]) };
        let candidates = self.candidates(part);
        if self.is_contradiction(part, &candidates) != Some(true) {
            return None;
        }
        let (positions, is_minimal) =
            leave_out(candidates, self.stop, &mut |kept| self.is_contradiction(part, kept));
        Some(Core { positions, is_minimal, start: part.start, until: end })
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
        let is_enough = |count: usize| {
            let part = Part { end, start: start(count) };
            self.is_contradiction(part, &self.candidates(part)) == Some(true)
        };
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
        (self.contradicts)(part.start.is_some(), &self.struck(part, kept))
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
                struck.push(Call { op, invoke: 0, complete: None });
            }
        }
        struck
    }
}

/// A part of a history, between two completions.
#[derive(Debug, Clone, Copy)]
struct Part {
    end: u32,
    /// None if it begins with the history.
    start: Option<u32>,
}
