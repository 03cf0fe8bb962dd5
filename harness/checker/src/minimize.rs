//! Minimizing: from a history without an order to a small set of operations that cannot all be true.
//!
//! An operation is *struck* from a history by forgetting when it happened: a read is dropped, and
//! what may change the state stays as an operation that may take effect at any time or never.
//! Striking never makes a linearizable history contradictory, unlike leaving out a write, whose
//! readers would then hold a value from nowhere. What was over before the first of them may be
//! struck all at once by letting the object begin in any state. So a set of operations that contradict one
//! another with all others struck is a proof, and it is minimal when none of it can be struck.

use crate::budget::Budget;
use crate::model::{Call, Model};
use crate::search::{self, Answer};

/// The most steps that one trial of the minimization may take.
const STEPS_PER_TRIAL: u64 = 10_000;

/// Of `calls`, which are not linearizable, the positions of a small set that is not either with
/// all others struck; and whether it is minimal.
///
/// What comes after the first completion that no order reaches is cut off. Of the rest, the latest
/// part is sought that is contradictory whatever was before, then delta debugging (Zeller and
/// Hildebrandt, 2002) strikes halves of it, then ever smaller parts, down to single operations.
pub(crate) fn minimize<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    budget: Budget<'_>,
) -> (Vec<u32>, bool) {
    let (kept, minimal, _) = minimize_from(model, calls, budget);
    (kept, minimal)
}

/// As [`minimize`]; and whether they contradict one another in whatever state they found the object.
pub(crate) fn minimize_from<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    budget: Budget<'_>,
) -> (Vec<u32>, bool, bool) {
    let mut completions: Vec<u32> = calls.iter().filter_map(|call| call.complete).collect();
    completions.sort_unstable();
    let end = first_impossible(model, calls, &completions, budget);
    let budget = Budget { steps: budget.steps.min(STEPS_PER_TRIAL), ..budget };
    let trial = Trial { model, calls, end, budget };
    let upto = completions.partition_point(|&completion| completion <= end);
    let start = trial.latest_start(&completions[..upto]);
    let (kept, minimal) = trial.strike_all_it_can(start);
    (kept, minimal, matches!(start, Start::After(_)))
}

/// The first completion up to which the calls are already not linearizable. The search tells where
/// to look, but has looked ahead: if the part up to there has an order, the end is further on.
fn first_impossible<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    completions: &[u32],
    budget: Budget<'_>,
) -> u32 {
    let found = search::linearize(model, calls, budget);
    if found.answer != Answer::NotLinearizable {
        return u32::MAX;
    }
    let is_impossible = |at: usize| {
        let trial = Trial { model, calls, end: completions[at], budget };
        trial.contradicts(Start::Initial, &trial.candidates(Start::Initial)) == Some(true)
    };
    let (mut from, mut to) = (found.placed, completions.len() - 1);
    if is_impossible(from) {
        return completions[from];
    }
    while to - from > 1 {
        let middle = usize::midpoint(from, to);
        if is_impossible(middle) { to = middle } else { from = middle }
    }
    completions[to]
}

/// Where the part of a history begins that is contradictory by itself.
#[derive(Debug, Clone, Copy)]
enum Start {
    /// Before everything, in the model's first state.
    Initial,
    /// After this completion, in any state.
    After(u32),
}

struct Trial<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    /// The last completion that counts.
    end: u32,
    budget: Budget<'a>,
}

impl<M: Model> Trial<'_, M> {
    /// Whether the kept calls, in increasing order, contradict one another with the others struck.
    fn contradicts(&self, start: Start, kept: &[u32]) -> Option<bool> {
        let calls = self.strike(start, kept);
        let models = match start {
            Start::Initial => None,
            Start::After(_) => Some(self.model.starts(&calls)?),
        };
        let models: Vec<&M> =
            models.as_ref().map_or_else(|| vec![self.model], |models| models.iter().collect());
        for model in models {
            match search::linearize(model, &calls, self.budget).answer {
                Answer::NotLinearizable => {}
                Answer::Linearizable(_) => return Some(false),
                Answer::GivenUp(_) => return None,
            }
        }
        Some(true)
    }

    /// The calls that say something: all that began after the start.
    fn candidates(&self, start: Start) -> Vec<u32> {
        let within = |call: &Call<M::Op>| {
            call.invoke < self.end
                && match start {
                    Start::Initial => true,
                    Start::After(start) => call.invoke > start,
                }
        };
        (0u32..).zip(self.calls).filter(|(_, call)| within(call)).map(|(at, _)| at).collect()
    }

    /// The calls with all but `kept` struck, and without those that were over before the start.
    fn strike(&self, start: Start, kept: &[u32]) -> Vec<Call<M::Op>> {
        let mut kept = kept.iter().peekable();
        let mut struck = Vec::new();
        for (position, call) in (0u32..).zip(self.calls) {
            let complete = call.complete.filter(|&complete| complete <= self.end);
            if kept.next_if_eq(&&position).is_some() {
                struck.push(Call { op: call.op.clone(), invoke: call.invoke, complete });
                continue;
            }
            let is_over = matches!((start, complete), (Start::After(start), Some(complete))
                if complete <= start);
            if !is_over && call.invoke < self.end && !self.model.is_read_only(&call.op) {
                struck.push(Call { op: call.op.clone(), invoke: 0, complete: None });
            }
        }
        struck
    }

    /// The latest start from which a contradiction is found: ever longer parts are tried, then
    /// the shortest between the last two.
    fn latest_start(&self, completions: &[u32]) -> Start {
        let after = |length: usize| Start::After(completions[completions.len() - length]);
        let is_enough = |length: usize| {
            let start = after(length);
            self.contradicts(start, &self.candidates(start)) == Some(true)
        };
        let (mut too_few, mut enough) = (1, 2);
        while enough <= completions.len() && !(self.budget.stop)() {
            if !is_enough(enough) {
                (too_few, enough) = (enough, 2 * enough);
                continue;
            }
            while enough - too_few > 1 {
                let middle = usize::midpoint(too_few, enough);
                if is_enough(middle) { enough = middle } else { too_few = middle }
            }
            return after(enough);
        }
        Start::Initial
    }

    fn strike_all_it_can(&self, start: Start) -> (Vec<u32>, bool) {
        let mut kept = self.candidates(start);
        let mut chunk = kept.len().div_ceil(2);
        loop {
            let mut certain = true;
            let mut shrunk = false;
            let mut end = kept.len();
            while end > 0 {
                if (self.budget.stop)() {
                    return (kept, false);
                }
                let start_of_chunk = end.saturating_sub(chunk);
                let fewer = [&kept[..start_of_chunk], &kept[end..]].concat();
                match self.contradicts(start, &fewer) {
                    Some(true) => {
                        kept = fewer;
                        shrunk = true;
                    }
                    answer => certain &= answer.is_some(),
                }
                end = start_of_chunk;
            }
            if chunk == 1 && !shrunk {
                return (kept, certain);
            }
            chunk = chunk.div_ceil(2).min(kept.len().div_ceil(2)).max(1);
        }
    }
}
