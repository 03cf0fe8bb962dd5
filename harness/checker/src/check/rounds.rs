//! Many keys, one budget: rounds in which each key may spend more than in the one before.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{Decided, Decision, KeyReport, Options, Report, decide, observes, witness};
use crate::budget::{Budget, Limit};
use crate::history::History;
use crate::verdict::{Reason, Verdict};
use crate::witness::Witness;

/// What a key may spend in the first round. Structure and most searches need less.
const FIRST_STEPS: u64 = 20_000;

/// How much more it may spend in the next.
const GROWTH: u64 = 8;

/// So many refuted keys are explained to choose the one that is shown.
const MOST_EXPLAINED: usize = 16;

pub(super) fn check(history: &History, options: &Options<'_>, report: &mut Report) {
    let by_key = history.by_key();
    let mut open: Vec<usize> = (0..by_key.len()).filter(|&key| !by_key[key].is_empty()).collect();
    let mut decided: Vec<Option<Decided>> = by_key.iter().map(|_| None).collect();
    let mut steps = FIRST_STEPS;
    while !open.is_empty() {
        steps = steps.min(options.budget.steps);
        let budget = Budget { steps, ..options.budget };
        let round = Options { budget, ..*options };
        let results = each(&open, |key| decide(history, &by_key[key], &round));
        for (&key, result) in open.iter().zip(results) {
            decided[key] = Some(result);
        }
        let is_refuted = decided.iter().flatten().any(|result| result.decision.is_invalid());
        if is_refuted && !options.all_keys {
            break;
        }
        let wants_more = |result: &Decided| {
            matches!(&result.decision, Decision::Unknown(Reason { limit: Limit::Steps, .. }))
        };
        open.retain(|&key| decided[key].as_ref().is_some_and(wants_more));
        if steps == options.budget.steps || (options.budget.stop)() {
            break;
        }
        steps = steps.saturating_mul(GROWTH);
    }
    sum_up(history, options, &by_key, decided, report);
}

/// Several keys at a time. To wake another thread takes longer than many a key does.
fn each(open: &[usize], work: impl Fn(usize) -> Decided + Sync + Send) -> Vec<Decided> {
    if open.len() == 1 {
        return open.iter().map(|&key| work(key)).collect();
    }
    open.to_vec().into_par_iter().map(work).collect()
}

fn sum_up(
    history: &History,
    options: &Options<'_>,
    by_key: &[Vec<u32>],
    decided: Vec<Option<Decided>>,
    report: &mut Report,
) {
    let is_refuted = decided.iter().flatten().any(|result| result.decision.is_invalid());
    let mut shown: Option<Box<Witness>> = None;
    let mut explained = 0;
    for (positions, result) in by_key.iter().zip(decided) {
        let Some(Decided { decision, algorithm, facts }) = result else { continue };
        let operations = history.operations();
        let key = history.key_text(operations[positions[0] as usize].key);
        let mut count = KeyReport {
            key,
            verdict: "valid",
            operations: positions.len(),
            observations: positions
                .iter()
                .filter(|&&at| observes(&operations[at as usize]))
                .count(),
            algorithm,
        };
        if !report.algorithms.contains(&algorithm) {
            report.algorithms.push(algorithm);
        }
        facts.into_iter().for_each(|fact| report.add_fact(fact));
        match decision {
            Decision::Valid => report.valid_keys += 1,
            Decision::Unknown(reason) => {
                let is_skipped = is_refuted && !options.all_keys;
                count.verdict = if is_skipped { "skipped" } else { "unknown" };
                report.skipped_keys += usize::from(is_skipped);
                report.unknown_keys += usize::from(!is_skipped);
                let before = std::mem::replace(&mut report.verdict, Verdict::Valid);
                report.verdict = before.join(Verdict::Unknown(reason));
            }
            refuted => {
                count.verdict = "invalid";
                report.invalid_keys += 1;
                if explained < MOST_EXPLAINED {
                    explained += 1;
                    let found = witness(history, positions, refuted, options);
                    shown = [shown, found].into_iter().flatten().min_by_key(|it| size(it));
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

/// Of two witnesses the one with fewer operations is shown, then the shorter, then the earlier.
fn size(witness: &Witness) -> (usize, u64, u64) {
    let begin = witness.operations.iter().map(|op| op.invoke_index).min().unwrap_or_default();
    let last = |op: &crate::witness::WitnessOperation| op.complete_index.unwrap_or(op.invoke_index);
    let end = witness.operations.iter().map(last).max().unwrap_or_default();
    let count = if witness.operations.is_empty() { usize::MAX } else { witness.operations.len() };
    (count, end - begin.min(end), begin)
}
