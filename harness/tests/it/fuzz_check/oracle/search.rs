//! All orders of some calls that agree with time.

use std::collections::HashSet;
use std::hash::Hash;

use crate::fuzz_check::history::Op;

/// A call: its steps are done one after another, all of them within its time.
#[derive(Debug)]
pub struct Call<A> {
    pub invoke: usize,
    /// None if it is open: then each step may be done, after those before it, or not.
    pub complete: Option<usize>,
    pub steps: Vec<A>,
}

impl<A> Call<A> {
    pub fn new(op: &Op, steps: Vec<A>) -> Call<A> {
        Call { invoke: op.invoke, complete: op.complete, steps }
    }
}

/// Whether some order explains all answers. `next` gives the states after a step; none if its answer is
/// wrong in this state.
pub fn has_order<S, A>(calls: &[Call<A>], initial: S, next: &impl Fn(&S, &A) -> Vec<S>) -> bool
where
    S: Clone + Eq + Hash,
{
    let mut seen = HashSet::new();
    extend(calls, vec![0; calls.len()], initial, next, &mut seen)
}

fn extend<S, A>(
    calls: &[Call<A>],
    done: Vec<usize>,
    state: S,
    next: &impl Fn(&S, &A) -> Vec<S>,
    seen: &mut HashSet<(Vec<usize>, S)>,
) -> bool
where
    S: Clone + Eq + Hash,
{
    if !seen.insert((done.clone(), state.clone())) {
        return false;
    }
    let left = || calls.iter().zip(&done).filter(|(call, done)| **done < call.steps.len());
    let Some(first_end) = left().filter_map(|(call, _)| call.complete).min() else { return true };
    for (at, call) in calls.iter().enumerate() {
        if done[at] == call.steps.len() || call.invoke > first_end {
            continue;
        }
        let mut more = done.clone();
        more[at] += 1;
        for after in next(&state, &call.steps[done[at]]) {
            if extend(calls, more.clone(), after, next, seen) {
                return true;
            }
        }
    }
    false
}
