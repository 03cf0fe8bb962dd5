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

use rustc_hash::FxHashMap;

use super::origins::is_initial;
use super::sessions;
use super::words::{invalid, spent, unknown};
use crate::budget::{Budget, Limit, Meter};
use crate::event::F;
use crate::history::{History, Key, Operation, Outcome, Value};
use crate::intern::Interner;
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
        if (budget.stop)() {
            return (spent(Limit::Stopped), "sessions");
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
        if (budget.stop)() {
            return spent(Limit::Stopped);
        }
        // The verdict about the whole store, which is the last, counts; keys can only refute it.
        verdict = match orderly(history, positions, budget) {
            Ok(true) => Verdict::Valid,
            Ok(false) => return contradiction(history, positions, budget),
            Err(limit) => spent(limit),
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
    keys: FxHashMap<Key, usize>,
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

    /// What it takes in memory.
    fn memory_bytes(&self) -> usize {
        let threads: usize = self.threads.iter().map(memory::list).sum();
        let keys = memory::map(self.keys.capacity(), size_of::<(Key, usize)>());
        threads + memory::list(&self.threads) + memory::list(&self.optional) + keys
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

    /// What a key holds after an operation, if its answer was possible.
    fn after(&self, held: u32, op: &Operation) -> Option<u32> {
        let (is_possible, after) = match op.f {
            F::Get => (self.holds(held, op.result), held),
            F::Cas if op.refused => (!self.holds(held, op.result), held),
            F::Cas => (self.holds(held, op.result), op.argument.0 + 1),
            _ => (true, op.argument.0 + 1),
        };
        is_possible.then_some(after)
    }

    /// Passes all operations that only look and whose answers fit; whether all are done.
    fn pass_reads(&self, state: &mut State) -> bool {
        let mut done = true;
        for (thread, ops) in self.threads.iter().enumerate() {
            while let Some(op) = ops.get(state[thread] as usize)
                && (op.f == F::Get || op.refused)
                && self.after(state[self.place_of(op)], op).is_some()
            {
                state[thread] += 1;
            }
            done &= state[thread] as usize == ops.len();
        }
        done
    }

    /// How many operations at most may come next.
    fn choices(&self) -> usize {
        self.threads.len() + self.optional.len()
    }

    /// The state after an operation that may come next and changes something.
    fn next(&self, state: &State, choice: usize) -> Option<State> {
        let (op, done) = if let Some(ops) = self.threads.get(choice) {
            (*ops.get(state[choice] as usize)?, false)
        } else {
            let Optional { op, thread, after } = self.optional[choice - self.threads.len()];
            (op, state[choice] == 1 || state[thread] < after)
        };
        if done || op.f == F::Get || op.refused {
            return None;
        }
        let place = self.place_of(op);
        let held = self.after(state[place], op)?;
        let mut after = state.clone();
        after[choice] += 1;
        after[place] = held;
        Some(after)
    }
}

/// A state on the way, and how many of its choices are left.
struct Frame {
    state: u32,
    left: usize,
}

/// Whether the operations at these positions have an order.
fn orderly(history: &History, positions: &[u32], budget: Budget<'_>) -> Result<bool, Limit> {
    let interleaving = Interleaving::new(history, positions);
    let mut meter = Meter::new(budget);
    let mut seen: Interner<State> = Interner::new();
    let mut frames: Vec<Frame> = Vec::new();
    let each = memory::block(size_of_val(&*interleaving.initial()));
    let fixed = interleaving.memory_bytes();
    let mut arrived = Some(interleaving.initial());
    loop {
        if let Some(mut state) = arrived.take() {
            if interleaving.pass_reads(&mut state) {
                return Ok(true);
            }
            meter.work(interleaving.threads.len())?;
            let known = seen.len();
            let state = seen.intern(state);
            if seen.len() > known {
                frames.push(Frame { state, left: interleaving.choices() });
            }
            meter.step(each, || {
                let states = seen.len() * each + seen.memory_bytes();
                (fixed + states + memory::growing_list(&frames)) as u64
            })?;
        }
        let Some(Frame { state, left }) = frames.last_mut() else { return Ok(false) };
        let Some(choice) = left.checked_sub(1) else {
            frames.pop();
            continue;
        };
        *left = choice;
        arrived = interleaving.next(seen.get(*state), choice);
        meter.work(1)?;
    }
}
