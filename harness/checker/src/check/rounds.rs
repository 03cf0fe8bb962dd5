//! Many keys, one budget: rounds in which each key may spend more than in the one before.
//!
//! In the first round a key may take a few steps for each of its operations, so that an easy contradiction
//! is found first, however hard other keys are; in each later round it may take [`GROWTH`] times as many,
//! so that what is done again is a small part of the whole. Keys that are decided at the same time share
//! the memory evenly. Those for which their share is too little wait until fewer are decided at a time, at
//! last one, which has all of it: so what is decided in the end does not depend on how many processors
//! there are.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{Decided, Decision, KeyReport, KeyVerdict, Options, Report, decide, observes, witness};
use crate::budget::{Budget, Limit};
use crate::history::History;
use crate::linearizable::confirm::{self, Tester};
use crate::linearizable::search::GROWTH;
use crate::memory;
use crate::verdict::{Reason, Verdict};
use crate::witness::{Size, Witness};

/// Steps that a search may take with one order in the first round, and so many more for each operation.
const FIRST_STEPS: u64 = 1_000;
const FIRST_STEPS_PER_OPERATION: u64 = 2;

/// With more steps than this a search may have taken much memory.
const MUCH: u64 = 20_000;

/// So many refuted keys are explained to choose the one that is shown.
const MOST_EXPLAINED: usize = 16;

/// What is kept of a key: where its operations are, what became of it, and its line of the report.
const BYTES_PER_KEY: usize = size_of::<Vec<u32>>() + size_of::<Option<Decided>>() + 512;

pub(super) fn check(
    history: &History,
    options: &Options<'_>,
    tester: impl Tester,
    report: &mut Report,
) {
    let positions = memory::block(history.operations().len() * size_of::<u32>());
    let own = positions + history.key_count() * BYTES_PER_KEY;
    if own as u64 > options.budget.memory_bytes {
        report.verdict = Verdict::Unknown(Reason::spent(String::new(), Limit::Memory, 0, 0));
        return;
    }
    let by_key = history.by_key();
    let options = Options { budget: options.budget.besides(own), ..*options };
    let mut rounds = Rounds::new(history, &by_key, &options);
    rounds.decide_all();
    rounds.finish();
    sum_up(rounds, tester, report);
}

struct Rounds<'a> {
    history: &'a History,
    by_key: &'a [Vec<u32>],
    options: &'a Options<'a>,
    decided: Vec<Option<Decided>>,
    /// What each key could spend in its last round.
    budgets: Vec<Budget<'a>>,
    /// How many times more steps than in the first round.
    growth: u64,
    /// How many keys are decided at a time.
    lanes: usize,
}

impl<'a> Rounds<'a> {
    fn new(history: &'a History, by_key: &'a [Vec<u32>], options: &'a Options<'a>) -> Self {
        let decided = by_key.iter().map(|_| None).collect();
        let budgets = vec![options.budget; by_key.len()];
        Rounds { history, by_key, options, decided, budgets, growth: 1, lanes: 1 }
    }

    fn decide_all(&mut self) {
        let has_operations = |&key: &usize| !self.by_key[key].is_empty();
        let mut open: Vec<usize> = (0..self.by_key.len()).filter(has_operations).collect();
        self.lanes = if open.len() < 2 { 1 } else { rayon::current_num_threads().min(open.len()) };
        let mut short_of_memory: Vec<usize> = Vec::new();
        while !open.is_empty() {
            self.round(&open);
            if self.is_over() {
                return;
            }
            let ended_by = |key: &usize| self.limit(*key);
            short_of_memory.extend(
                open.iter().filter(|key| ended_by(key) == Some(Limit::Memory) && self.lanes > 1),
            );
            open.retain(|key| ended_by(key) == Some(Limit::Steps) && self.has_more_steps(*key));
            if open.is_empty() {
                open = std::mem::take(&mut short_of_memory);
                self.lanes = (self.lanes / 2).min(open.len()).max(1);
            } else {
                self.growth = self.growth.saturating_mul(GROWTH);
            }
        }
    }

    /// One more attempt at each of these keys.
    fn round(&mut self, keys: &[usize]) {
        let kept = self.decided.iter().flatten().map(Decided::memory_bytes).sum();
        let left = self.options.budget.besides(kept).memory_bytes;
        let share = left / self.lanes as u64;
        for &key in keys {
            self.budgets[key] = self.budget(key);
        }
        let attempt = |key: usize| {
            let budget = Budget { memory_bytes: share, ..self.budgets[key] };
            let options = Options { budget, ..*self.options };
            let before = self.decided[key].as_ref();
            let decided = decide(self.history, &self.by_key[key], &options, before);
            if budget.steps > MUCH {
                (budget.freed)();
            }
            decided
        };
        let results = each(keys, self.lanes, self.options.budget.stop, attempt);
        for (key, mut result) in results {
            if let (Some(before), Decision::Unknown(reason)) =
                (self.reason(key), &mut result.decision)
                && before.placed > reason.placed
                && reason.limit != Limit::Algorithm
            {
                *reason = reason.clone().instead(reason.limit, before.placed);
            }
            self.decided[key] = Some(result);
        }
    }

    /// What a key may spend in this round. The search tries two orders.
    fn budget(&self, key: usize) -> Budget<'a> {
        let first = FIRST_STEPS + FIRST_STEPS_PER_OPERATION * self.by_key[key].len() as u64;
        let steps = first.saturating_mul(self.growth).saturating_mul(2);
        let too_few = if self.growth == 1 { 0 } else { first.saturating_mul(self.growth / GROWTH) };
        Budget { steps: steps.min(self.options.budget.steps), too_few, ..self.options.budget }
    }

    fn has_more_steps(&self, key: usize) -> bool {
        self.budget(key).steps < self.options.budget.steps
    }

    /// Why a key is undecided.
    fn reason(&self, key: usize) -> Option<&Reason> {
        match &self.decided[key].as_ref()?.decision {
            Decision::Unknown(reason) => Some(reason),
            _ => None,
        }
    }

    fn limit(&self, key: usize) -> Option<Limit> {
        self.reason(key).map(|reason| reason.limit)
    }

    /// What became of each key. A key that was to have more steps, and did not get them, was stopped.
    fn finish(&mut self) {
        for key in 0..self.by_key.len() {
            let is_short = self.limit(key) == Some(Limit::Steps) && self.has_more_steps(key);
            if let (true, Some(Decided { decision: Decision::Unknown(reason), .. })) =
                (is_short, &mut self.decided[key])
            {
                *reason = reason.clone().instead(Limit::Stopped, reason.placed);
            }
        }
    }

    fn is_over(&self) -> bool {
        let is_refuted = self.decided.iter().flatten().any(|result| result.decision.is_invalid());
        (is_refuted && !self.options.all_keys) || (self.options.budget.stop)()
    }
}

/// Several keys at a time, in their order, until it is time to stop. To wake another thread takes longer
/// than many a key does.
fn each(
    keys: &[usize],
    lanes: usize,
    stop: &(dyn Fn() -> bool + Sync),
    work: impl Fn(usize) -> Decided + Sync + Send,
) -> Vec<(usize, Decided)> {
    let next = AtomicUsize::new(0);
    let lane = || {
        let mut results = Vec::new();
        while !stop()
            && let Some(&key) = keys.get(next.fetch_add(1, Ordering::Relaxed))
        {
            results.push((key, work(key)));
        }
        results
    };
    if lanes == 1 {
        return lane();
    }
    (0..lanes).into_par_iter().flat_map_iter(|_| lane()).collect()
}

fn sum_up(rounds: Rounds<'_>, tester: impl Tester, report: &mut Report) {
    let Rounds { history, by_key, options, decided, budgets, .. } = rounds;
    let is_refuted = decided.iter().flatten().any(|result| result.decision.is_invalid());
    let mut shown: Option<Box<Witness>> = None;
    let mut explained = 0;
    for ((positions, result), budget) in by_key.iter().zip(decided).zip(budgets) {
        let Some(&first) = positions.first() else { continue };
        let operations = history.operations();
        let key = history.key_text(operations[first as usize].key);
        let Decided { decision, algorithm, facts, .. } = result.unwrap_or_else(|| not_begun(&key));
        let mut count = KeyReport {
            key,
            verdict: KeyVerdict::Valid,
            operations: positions.len(),
            observations: positions
                .iter()
                .filter(|&&at| observes(&operations[at as usize]))
                .count(),
            algorithm,
        };
        if !algorithm.is_empty() && !report.algorithms.contains(&algorithm) {
            report.algorithms.push(algorithm);
        }
        for fact in facts {
            report.add_fact(fact);
        }
        match decision {
            Decision::Valid => report.valid_keys += 1,
            Decision::Unknown(reason) => {
                let is_skipped = is_refuted && !options.all_keys;
                count.verdict = if is_skipped { KeyVerdict::Skipped } else { KeyVerdict::Unknown };
                report.skipped_keys += usize::from(is_skipped);
                report.unknown_keys += usize::from(!is_skipped);
                report.join(Verdict::Unknown(reason));
            }
            refuted => {
                // What was found within a budget is found within it again.
                let options = Options { budget, ..*options };
                let found = (explained < MOST_EXPLAINED)
                    .then(|| witness(history, positions, refuted, &options, tester))
                    .flatten();
                if let Some(disputed) = found.as_ref().filter(|it| it.confirmed == Some(false)) {
                    count.verdict = KeyVerdict::Unknown;
                    report.unknown_keys += 1;
                    report.join(Verdict::Unknown(confirm::disputed(disputed)));
                } else {
                    count.verdict = KeyVerdict::Invalid;
                    report.invalid_keys += 1;
                    explained += usize::from(found.is_some());
                    let both = [shown, found].into_iter().flatten();
                    shown = both.min_by_key(|witness| Size::of_witness(witness));
                }
            }
        }
        report.keys.push(count);
    }
    if let Some(witness) = shown {
        report.verdict = Verdict::Invalid(witness);
    }
    report.algorithms.sort_unstable();
}

/// A key whose turn never came.
fn not_begun(key: &str) -> Decided {
    let reason = Reason::spent(key.to_owned(), Limit::Stopped, 0, 0);
    Decided { decision: Decision::Unknown(reason), algorithm: "", facts: Vec::new(), guide: None }
}
