//! Sequential consistency (Lamport, 1979): one order of all operations, on all keys, that is each
//! process's own and explains every answer. Real time does not count.
//!
//! To decide it is NP-complete even for unique writes (Gibbons and Korach, 1997), and it is not
//! local: every key can be sequentially consistent while the store is not. So:
//!
//! 1. What contradicts a session guarantee has no such order: a contradiction of few operations.
//! 2. What is linearizable, key by key, has one.
//! 3. Each key alone must have one, found by search; a smaller contradiction where there is one.
//! 4. The whole store, by search.
//!
//! The search goes through how far each process is and what each key holds, remembering where it
//! was; reads whose answer fits are passed at once, since that never hurts. An open operation may
//! take effect at any time after what its process did before it, or never. It costs at most the
//! product of the lengths of all processes, bounded by the budget.

use rustc_hash::{FxHashMap, FxHashSet};

use super::origins::is_initial;
use super::sessions;
use super::words::{invalid, unknown};
use crate::budget::{Budget, Limit, Meter};
use crate::event::F;
use crate::history::{History, Operation, Outcome, Value};
use crate::memory;
use crate::models::ModelName;
use crate::verdict::Verdict;
use crate::witness::Anomaly;

pub(super) fn check(
    history: &History,
    budget: Budget<'_>,
    is_linearizable: &dyn Fn(ModelName, Budget<'_>) -> bool,
) -> (Verdict, &'static str) {
    let guarantees = [
        ModelName::ReadYourWrites,
        ModelName::MonotonicReads,
        ModelName::MonotonicWrites,
        ModelName::WritesFollowReads,
    ];
    for guarantee in guarantees {
        let verdict = sessions::check(guarantee, history, budget);
        if matches!(verdict, Verdict::Invalid(_)) {
            return (verdict, "sessions");
        }
    }
    let is_append = |op: &Operation| op.f == F::Append && op.outcome != Outcome::Fail;
    if history.operations().iter().any(is_append) {
        let why = "sequential consistency is not decided for append";
        return (unknown("", Limit::Algorithm, 0, why), "interleavings");
    }
    let few = Budget { steps: budget.steps.min(LINEARIZABLE_STEPS), ..budget };
    if is_linearizable(ModelName::Kv, few) || is_linearizable(ModelName::CasRegister, few) {
        return (Verdict::Valid, "linearizable");
    }
    (interleave(history, budget), "interleavings")
}

/// The most steps that a key's linearization is worth.
const LINEARIZABLE_STEPS: u64 = 1_000_000;

fn interleave(history: &History, budget: Budget<'_>) -> Verdict {
    let mut verdict = Verdict::Valid;
    let by_key = history.by_key();
    let mut parts: Vec<Vec<u32>> = by_key;
    if parts.len() > 1 {
        let mut all: Vec<u32> = parts.iter().flatten().copied().collect();
        all.sort_unstable();
        parts.push(all);
    }
    for positions in parts.iter().filter(|positions| !positions.is_empty()) {
        // The verdict about the whole store, which is the last, counts; keys can only refute it.
        verdict = match orderly(history, positions, budget) {
            Ok(true) => Verdict::Valid,
            Ok(false) => return contradiction(history, positions, budget),
            Err(limit) => unknown("", limit, 0, "the search for an order was given up"),
        };
    }
    verdict
}

/// Operations from which single ones are taken away to find a small contradiction.
const MOST_TO_MINIMIZE: usize = 100;

fn contradiction(history: &History, positions: &[u32], budget: Budget<'_>) -> Verdict {
    let mut kept = positions.to_vec();
    let mut minimal = kept.len() <= MOST_TO_MINIMIZE;
    let budget = Budget { steps: budget.steps.min(LINEARIZABLE_STEPS), ..budget };
    let read = |at: u32| history.operations()[at as usize].f == F::Get;
    // A write may only go when no read is left that saw it: else its readers would be to blame.
    for may_go in [true, false] {
        let mut at = if minimal { kept.len() } else { 0 };
        while at > 0 {
            at -= 1;
            let position = kept[at];
            let value = history.operations()[position as usize].argument;
            let is_read = kept.iter().any(|&other| {
                let op = &history.operations()[other as usize];
                matches!(op.f, F::Get | F::Cas) && op.result == value
            });
            if read(position) != may_go || (!may_go && is_read) {
                continue;
            }
            let fewer: Vec<u32> = kept.iter().copied().filter(|&other| other != position).collect();
            match orderly(history, &fewer, budget) {
                Ok(false) => kept = fewer,
                Ok(true) => {}
                Err(_) => minimal = false,
            }
        }
    }
    kept.truncate(MOST_TO_MINIMIZE);
    let what = "no order that is each process's own gives these answers";
    invalid(history, Anomaly::NotLinearizable, &kept, minimal, what)
}

/// An operation that may take effect when its process is that far, or never.
struct Optional<'a> {
    op: &'a Operation,
    thread: usize,
    after: u32,
}

struct Interleaving<'a> {
    history: &'a History,
    threads: Vec<Vec<&'a Operation>>,
    optional: Vec<Optional<'a>>,
    /// Numbers of the keys in a state.
    keys: FxHashMap<crate::history::Key, usize>,
}

/// How far each process is, which optional operations were used, and what each key holds.
type State = Box<[u32]>;

impl<'a> Interleaving<'a> {
    fn new(history: &'a History, positions: &[u32]) -> Self {
        let (threads, optional, keys) = (Vec::new(), Vec::new(), FxHashMap::default());
        let mut this = Interleaving { history, threads, optional, keys };
        let mut threads: FxHashMap<u32, usize> = FxHashMap::default();
        for &at in positions {
            let op = &history.operations()[at as usize];
            let next = this.keys.len();
            this.keys.entry(op.key).or_insert(next);
            let next = this.threads.len();
            let thread = *threads.entry(op.process).or_insert(next);
            if thread == next {
                this.threads.push(Vec::new());
            }
            if op.outcome == Outcome::Ok {
                this.threads[thread].push(op);
            } else if op.f != F::Get {
                let after = u32::try_from(this.threads[thread].len()).expect("few operations");
                this.optional.push(Optional { op, thread, after });
            }
        }
        this
    }

    fn initial(&self) -> State {
        vec![0; self.threads.len() + self.optional.len() + self.keys.len()].into()
    }

    fn place_of(&self, op: &Operation) -> usize {
        self.threads.len() + self.optional.len() + self.keys[&op.key]
    }

    /// What a key holds: 0 for what was there at first, or 1 + a written value.
    fn holds(&self, held: u32, value: Value) -> bool {
        match held {
            0 => is_initial(self.history, value),
            held => held - 1 == value.0,
        }
    }

    /// Does an operation in a state; whether its answer was possible.
    fn apply(&self, state: &mut State, op: &Operation) -> bool {
        let place = self.place_of(op);
        let held = state[place];
        match op.f {
            F::Get => self.holds(held, op.result),
            F::Cas if op.refused => !self.holds(held, op.result),
            F::Cas if !self.holds(held, op.result) => false,
            _ => {
                state[place] = op.argument.0 + 1;
                true
            }
        }
    }

    /// Passes all operations that only look and whose answers fit; whether all are done.
    fn pass_reads(&self, state: &mut State) -> bool {
        let mut done = true;
        for (thread, ops) in self.threads.iter().enumerate() {
            while let Some(op) = ops.get(state[thread] as usize)
                && (op.f == F::Get || op.refused)
                && self.apply(state, op)
            {
                state[thread] += 1;
            }
            done &= state[thread] as usize == ops.len();
        }
        done
    }

    /// The states after each operation that may come next and changes something.
    fn next(&self, state: &State) -> Vec<State> {
        let mut next = Vec::new();
        for (at, optional) in self.optional.iter().enumerate() {
            let used = self.threads.len() + at;
            if state[used] == 0 && state[optional.thread] >= optional.after {
                let mut after = state.clone();
                if self.apply(&mut after, optional.op) {
                    after[used] = 1;
                    next.push(after);
                }
            }
        }
        for (thread, ops) in self.threads.iter().enumerate() {
            let Some(op) = ops.get(state[thread] as usize) else { continue };
            if op.f == F::Get || op.refused {
                continue;
            }
            let mut after = state.clone();
            if self.apply(&mut after, op) {
                after[thread] += 1;
                next.push(after);
            }
        }
        next
    }
}

/// Whether the operations at these positions have an order.
fn orderly(history: &History, positions: &[u32], budget: Budget<'_>) -> Result<bool, Limit> {
    let interleaving = Interleaving::new(history, positions);
    let mut meter = Meter::new(budget);
    let mut seen: FxHashSet<State> = FxHashSet::default();
    let mut left = vec![interleaving.initial()];
    let each = memory::block(size_of_val(&*interleaving.initial()));
    let mut more = 0;
    while let Some(mut state) = left.pop() {
        if interleaving.pass_reads(&mut state) {
            return Ok(true);
        }
        meter.step(more, || {
            let owned = (seen.len() + left.len()) * each;
            let map = memory::growing_map(seen.len(), seen.capacity(), size_of::<State>());
            (owned + map + memory::growing_list(&left)) as u64
        })?;
        more = 0;
        if !seen.contains(&state) {
            let mut next = interleaving.next(&state);
            more = next.len() * each;
            left.append(&mut next);
            seen.insert(state);
        }
    }
    Ok(false)
}
