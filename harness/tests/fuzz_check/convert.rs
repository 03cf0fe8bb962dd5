//! One history in all formats that can hold it: one verdict, one witness.

use serde_json::{Value, json};

use crate::campaign::{Trial, judge};
use crate::files::Format;
use crate::generate::case;
use crate::model::Model;
use crate::run::{self, Answer};

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

/// Compares so many cases of a model; returns how many files were compared with another.
pub fn convert(model: Model, first_seed: u64, cases: u64, formats: &[Format]) -> u64 {
    let folder = run::folder();
    let mut compared = 0;
    let mut seed = first_seed;
    while seed < first_seed + cases {
        let mut trials: Vec<Trial> = Vec::new();
        for seed in seed..(seed + 100).min(first_seed + cases) {
            let mut case = case(model, seed);
            // What a failed compare-and-set says is said for all formats alike.
            case.options.refuses.get_or_insert(false);
            // Whole operations do not tell which failed.
            let fits = |format: &&Format| !format.has_operations();
            let written =
                formats.iter().filter(fits).filter_map(|&it| Trial::written(case.clone(), it));
            trials.extend(written);
        }
        seed += 100;
        let answers = judge(&trials, folder.path());
        let both: Vec<(&Trial, Value)> = trials.iter().zip(answers.iter().map(told)).collect();
        for pair in both.windows(2) {
            let [(one, told_one), (other, told_other)] = pair else { continue };
            if one.case.seed != other.case.seed {
                continue;
            }
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
