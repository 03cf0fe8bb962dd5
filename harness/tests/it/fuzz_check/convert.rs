//! One history in all formats that can hold it: one verdict, one witness.

use serde_json::{Value, json};

use crate::fuzz_check::campaign::{Trial, judge};
use crate::fuzz_check::files::Format;
use crate::fuzz_check::generate::{Case, case};
use crate::fuzz_check::history::Kind;
use crate::fuzz_check::model::Model;
use crate::fuzz_check::run::{self, Answer};

/// The verdict, and of the witness all but its places and times.
fn told(answer: &Answer) -> Value {
    let line = answer.line.clone().unwrap_or_default();
    let witness = &line["witness"];
    let operation = |op: &Value| {
        json!([
            op["process"],
            op["f"],
            op["value"],
            op["expected"],
            op["answer"],
            op["outcome"],
            op["refused"],
        ])
    };
    let operations = witness["operations"].as_array().cloned().unwrap_or_default();
    let operations: Vec<Value> = operations.iter().map(operation).collect();
    // Whole operations do not tell which failed, so that they may show less.
    let code = if answer.code == 14 { 0 } else { answer.code };
    json!([code, witness["anomaly"], witness["key"], witness["minimal"], operations])
}

/// The case in all formats that can hold it.
fn in_all_formats(mut case: Case, formats: &[Format]) -> Vec<Trial> {
    // What a failed compare-and-set says is said for all formats alike.
    case.options.refuses.get_or_insert(false);
    let has_failed = case.events.iter().any(|event| event.kind == Kind::Fail);
    let fits = |format: &&Format| {
        let is_repaired = case.options.is_lenient || case.options.strict_time;
        // Whole operations do not tell which failed, nor what was repaired.
        !format.has_operations() || !(has_failed || is_repaired)
    };
    let written = formats.iter().filter(fits).filter_map(|&it| Trial::written(case.clone(), it));
    written.collect()
}

/// So many cases are written at a time.
const BATCH: u64 = 500;

/// Compares so many cases of a model; returns how many files were compared with another.
pub fn convert(model: Model, first_seed: u64, cases: u64, formats: &[Format]) -> u64 {
    let folder = run::folder();
    let mut compared = 0;
    let last = first_seed + cases;
    let mut seed = first_seed;
    while seed < last {
        let batch = seed..last.min(seed + BATCH);
        seed = batch.end;
        let trials: Vec<Trial> =
            batch.flat_map(|seed| in_all_formats(case(model, seed), formats)).collect();
        let answers = judge(&trials, folder.path());
        let mut both: Vec<(&Trial, Value)> = trials.iter().zip(answers.iter().map(told)).collect();
        both.sort_by_key(|(trial, _)| (trial.case.seed, trial.times()));
        for pair in both.windows(2) {
            let [(one, told_one), (other, told_other)] = pair else { continue };
            if one.case.seed != other.case.seed {
                continue;
            }
            // Of several witnesses the shortest is shown, by the times that the file has.
            let (told_one, told_other) = if one.times().is_some() && one.times() == other.times() {
                (told_one, told_other)
            } else {
                (&told_one[0], &told_other[0])
            };
            compared += 1;
            assert_eq!(
                told_one,
                told_other,
                "seed {}: {:?} and {:?} differ:\n{}\n{}",
                one.case.seed,
                one.format,
                other.format,
                one.text(),
                other.text(),
            );
        }
    }
    compared
}
