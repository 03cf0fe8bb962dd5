//! Minimizing: from a history without an order to small sets of operations that cannot all be true.
//!
//! A set of operations that contradict one another with all others [struck](crate::linearizable::strike) is a proof,
//! and it is minimal when none of it can be struck. What comes after the first completion that no
//! order reaches is cut off. Of the rest, the latest part is sought that is contradictory whatever was
//! before. After it come other such parts, each as short as it can be: the next begins one
//! completion later and ends as soon as it contradicts itself again. Of each part delta debugging
//! (Zeller and Hildebrandt, 2002) strikes halves, then ever smaller pieces, down to single operations.

use crate::budget::Budget;
use crate::linearizable::search::{self, Answer};
use crate::linearizable::strike::{Part, Trial};
use crate::model::{Call, Model};

/// The most steps that one trial of the minimization may take.
const STEPS_PER_TRIAL: u64 = 10_000;

/// So many contradictory parts of a history are compared.
const MOST_PARTS: usize = 16;

/// No further part is sought, and nothing more struck, after so much work.
const MOST_WORK: u64 = 1_500_000;

/// Calls that contradict one another with all others struck.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    /// Their positions, in increasing order.
    pub(crate) kept: Vec<u32>,
    /// Whether none of them can be struck.
    pub(crate) is_minimal: bool,
    /// The part of the history in which they do.
    pub(crate) part: Part,
}

/// Of calls that are known to contradict one another, sorted by position, fewer that do with all others struck. None if
/// it is not found where they do.
pub(crate) fn minimize_known<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    known: &[u32],
    budget: Budget<'_>,
) -> Option<Core> {
    let limited = Budget { steps: budget.steps.min(STEPS_PER_TRIAL), ..budget };
    let trial = Trial::new(model, calls, limited);
    let part = trial.parts(known).find(|&part| trial.contradicts(part, known) == Some(true))?;
    // Only what is left around them matters from here on.
    let mut positions = trial.left(part, known)?.positions;
    positions.extend(known);
    positions.sort_unstable();
    positions.dedup();
    let near: Vec<Call<M::Op>> = positions.iter().map(|&at| calls[at as usize].clone()).collect();
    let is_known = |&(_, at): &(u32, &u32)| known.binary_search(at).is_ok();
    let kept = (0u32..).zip(&positions).filter(is_known).map(|(at, _)| at);
    let core = Trial::new(model, &near, limited).strike_from(kept.collect(), part);
    let kept = core.kept.iter().map(|&at| positions[at as usize]).collect();
    Some(Core { kept, ..core })
}

/// Of `calls`, which are not linearizable, a small set that is not either with all others struck.
pub(crate) fn minimize<M: Model>(model: &M, calls: &[Call<M::Op>], budget: Budget<'_>) -> Core {
    let (trial, completions, part) = first(model, calls, budget);
    trial.strike_all_it_can(trial.latest_start(&completions, part.end))
}

/// Several such sets, each of another part of the history, the shortest parts first.
pub(crate) fn cores<M: Model>(model: &M, calls: &[Call<M::Op>], budget: Budget<'_>) -> Vec<Core> {
    let (trial, completions, part) = first(model, calls, budget);
    let mut parts = vec![trial.latest_start(&completions, part.end)];
    while parts.len() < MOST_PARTS
        && !trial.is_exhausted(MOST_WORK)
        && let Some(next) = parts.last().and_then(|&part| trial.next_part(&completions, part))
    {
        parts.push(next);
    }
    parts.sort_by_key(|part| part.end - part.after.unwrap_or_default());
    let trial = trial.afresh();
    let mut cores = Vec::new();
    for part in parts {
        if cores.is_empty() || !trial.is_exhausted(MOST_WORK) {
            cores.push(trial.strike_all_it_can(part));
        }
    }
    cores
}

/// The part up to the first completion that no order reaches, and all completions in order.
fn first<'a, M: Model>(
    model: &'a M,
    calls: &'a [Call<M::Op>],
    budget: Budget<'a>,
) -> (Trial<'a, M>, Vec<u32>, Part) {
    let mut completions: Vec<u32> = calls.iter().filter_map(|call| call.complete).collect();
    completions.sort_unstable();
    let end = first_impossible(model, calls, &completions, budget);
    let limited = Budget { steps: budget.steps.min(STEPS_PER_TRIAL), ..budget };
    (Trial::new(model, calls, limited), completions, Part { end, ..Part::WHOLE })
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
    let trial = Trial::new(model, calls, budget);
    let is_impossible = |at: usize| {
        trial.is_contradictory(Part { end: completions[at], ..Part::WHOLE }) == Some(true)
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

impl<M: Model> Trial<'_, M> {
    /// A part with this end that begins late and contradicts itself: ever longer parts are tried,
    /// then shorter ones between the last two. Not each longer part of one that does contradicts itself,
    /// since what is under way when it begins is open, so that their lengths grow slowly.
    fn latest_start(&self, completions: &[u32], end: u32) -> Part {
        let upto = completions.partition_point(|&completion| completion <= end);
        let of_length = |length: usize| Part { after: Some(completions[upto - length]), end };
        let is_enough = |length: usize| self.is_contradictory(of_length(length)) == Some(true);
        let (mut too_few, mut enough) = (1, 2.min(upto));
        while too_few < upto && !self.is_exhausted(MOST_WORK) {
            if !is_enough(enough) {
                (too_few, enough) = (enough, upto.min(enough + enough.div_ceil(4)));
                continue;
            }
            while enough - too_few > 1 {
                let middle = usize::midpoint(too_few, enough);
                if is_enough(middle) { enough = middle } else { too_few = middle }
            }
            return of_length(enough);
        }
        Part { end, ..Part::WHOLE }
    }

    /// Of the parts that begin and end later and contradict themselves, whatever was before, one
    /// that ends first, as short as it can be.
    fn next_part(&self, completions: &[u32], part: Part) -> Option<Part> {
        let last = completions.len().checked_sub(1)?;
        let after = |completion: u32| completions.partition_point(|&other| other <= completion);
        let start = part.after.map_or(0, after);
        let begin = Some(*completions.get(start)?);
        let is_enough = |end: usize| {
            let part = Part { after: begin, end: completions[end] };
            self.is_contradictory(part) == Some(true)
        };
        let mut too_early = after(part.end).checked_sub(1)?;
        let mut step = 1;
        let mut enough = loop {
            if too_early == last || self.is_exhausted(MOST_WORK) {
                return None;
            }
            let end = last.min(too_early + step);
            if is_enough(end) {
                break end;
            }
            (too_early, step) = (end, 2 * step);
        };
        while enough - too_early > 1 {
            let middle = usize::midpoint(too_early, enough);
            if is_enough(middle) { enough = middle } else { too_early = middle }
        }
        Some(self.latest_start(completions, completions[enough]))
    }

    fn strike_all_it_can(&self, part: Part) -> Core {
        self.strike_from(self.candidates(part), part)
    }

    fn strike_from(&self, mut kept: Vec<u32>, part: Part) -> Core {
        let mut chunk = kept.len().div_ceil(2);
        loop {
            let mut certain = true;
            let mut shrunk = false;
            let mut end = kept.len();
            while end > 0 {
                if self.is_exhausted(MOST_WORK) {
                    return Core { kept, is_minimal: false, part };
                }
                let start = end.saturating_sub(chunk);
                let fewer = [&kept[..start], &kept[end..]].concat();
                match self.contradicts(part, &fewer) {
                    Some(true) => {
                        kept = fewer;
                        shrunk = true;
                    }
                    answer => certain &= answer.is_some(),
                }
                end = start;
            }
            if chunk == 1 && !shrunk {
                return Core { kept, is_minimal: certain, part };
            }
            chunk = chunk.div_ceil(2).min(kept.len().div_ceil(2)).max(1);
        }
    }
}
