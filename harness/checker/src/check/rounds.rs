//! Many keys, one budget: rounds in which each key may spend more than in the one before.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{Decided, Decision, KeyReport, Options, Report, decide, observes, witness};
use crate::budget::{Budget, Limit};
use crate::confirm::{self, Tester};
use crate::history::History;
use crate::verdict::{Reason, Verdict};
use crate::witness::{Size, Witness};

/// What a key may spend in the first round. Structure and most searches need less.
const FIRST_STEPS: u64 = 20_000;

/// How much more it may spend in the next.
const GROWTH: u64 = 8;

/// So many refuted keys are explained to choose the one that is shown.
const MOST_EXPLAINED: usize = 16;

pub(super) fn check(
    history: &History,
    options: &Options<'_>,
    tester: impl Tester,
    report: &mut Report,
) {
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
    sum_up(history, options, tester, &by_key, decided, report);
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
    tester: impl Tester,
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
                report.join(Verdict::Unknown(reason));
            }
            refuted => {
                let found = (explained < MOST_EXPLAINED)
                    .then(|| witness(history, positions, refuted, options, tester))
                    .flatten();
                if let Some(disputed) = found.as_ref().filter(|it| it.confirmed == Some(false)) {
                    count.verdict = "unknown";
                    report.unknown_keys += 1;
                    report.join(Verdict::Unknown(confirm::disputed(disputed)));
                } else {
                    count.verdict = "invalid";
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
