//! Random cases of one model: generated, written, judged by the program and by the oracle, compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::files::{self, Format, Written};
use crate::generate::{Case, case, chance};
use crate::history::{Op, Pairing, pair};
use crate::model::Model;
use crate::oracle;
use crate::run::{self, Answer};
use crate::value::Val;

/// A case as a file.
#[derive(Debug, Clone)]
pub struct Trial {
    pub case: Case,
    pub format: Format,
    names_format: bool,
    written: Written,
    /// The exit codes that are right.
    right: Vec<i32>,
    ops: Vec<Op>,
    pairing: Pairing,
}

/// How many of a campaign's cases came to what.
#[derive(Debug, Default)]
pub struct Counts {
    pub codes: BTreeMap<i32, u64>,
    pub formats: BTreeMap<&'static str, u64>,
    pub witnesses: u64,
}

/// A program that answered wrongly.
#[derive(Debug)]
struct Failure {
    trial: Trial,
    answer: Answer,
    why: String,
}

/// How many cases are judged by one call at most.
const BATCH: usize = 2_000;

/// So many failures are made small and shown.
const SHOWN: usize = 6;

impl Trial {
    /// The case in a format that can hold it.
    pub fn new(case: Case, formats: &[Format]) -> Option<Trial> {
        let mut rng = ChaCha8Rng::seed_from_u64(case.seed ^ 0x5eed);
        (0..8).find_map(|_| {
            let format = *formats.choose(&mut rng)?;
            Trial::written(case.clone(), format)
        })
    }

    pub fn written(case: Case, format: Format) -> Option<Trial> {
        let mut rng = ChaCha8Rng::seed_from_u64(case.seed ^ 0xf11e);
        let names_format = chance(&mut rng, 30);
        let written = files::write(format, case.model, &case.events, &mut rng)?;
        let refuses = case.options.refuses.unwrap_or(format.refuses_by_default());
        let refuses = refuses && !format.has_operations();
        let pairing = Pairing { refuses, is_lenient: case.options.is_lenient };
        let paired = pair(&case.events, pairing);
        let (right, ops) = match paired {
            None => (vec![2], Vec::new()),
            Some(ops) if ops.iter().any(|op| !case.model.functions().contains(&op.f)) => {
                (vec![2], ops)
            }
            Some(ops) => (oracle::codes(case.model, &ops, case.options.initial.as_ref()), ops),
        };
        // What a key of a session model held at first is not always said.
        let is_sure = case.is_untouched
            && !case.model.is_session()
            && case.model != Model::Lease
            && !case.options.is_lenient
            && (!refuses || case.options.refuses == Some(true));
        // The oracle does not know what a key held at first in every such case.
        if is_sure && right == [10] {
            return None;
        }
        Some(Trial { case, format, names_format, written, right, ops, pairing })
    }

    pub fn text(&self) -> &str {
        &self.written.text
    }

    /// The exit codes that are right if the file ends after so many bytes.
    pub fn codes_when_torn(&self, length: usize) -> Vec<i32> {
        let rows = self.written.ends.iter().filter(|&&end| end <= length).count();
        let count = |rows: usize| self.written.events[..rows].iter().flatten().count();
        // The last event is whole, but perhaps not seen to be.
        let before = count(rows.saturating_sub(1));
        let mut codes = Vec::new();
        for count in [before, count(rows)] {
            let events = &self.case.events[..count];
            match pair(events, self.pairing) {
                Some(ops) => codes.extend(oracle::codes(self.case.model, &ops, None)),
                None => codes.push(2),
            }
        }
        if count(rows) <= 1 {
            // Of a file without events it need not be seen what it was to be.
            codes.push(2);
        }
        codes
    }

    fn arguments(&self) -> Vec<String> {
        let options = &self.case.options;
        let mut arguments = vec!["--model".to_owned(), self.case.model.name().to_owned()];
        if self.names_format {
            arguments.extend(["--format".to_owned(), self.format.name().to_owned()]);
        }
        if let Some(initial) = &options.initial {
            let mut rng = ChaCha8Rng::seed_from_u64(0);
            let initial = initial.json(&mut rng).expect("a first value is one of JSON");
            arguments.extend(["--initial".to_owned(), initial]);
        }
        if let Some(refuses) = options.refuses {
            let says = if refuses { "refused" } else { "not-done" };
            arguments.extend(["--failed-cas".to_owned(), says.to_owned()]);
        }
        if options.is_lenient {
            arguments.push("--lenient".to_owned());
        }
        if options.all_keys {
            arguments.push("--all-keys".to_owned());
        }
        if let Some(algorithm) = options.algorithm {
            arguments.extend(["--algorithm".to_owned(), algorithm.to_owned()]);
        }
        arguments
    }

    /// What is wrong with an answer, if anything is.
    fn problem(&self, answer: &Answer) -> Option<String> {
        let mut right = self.right.clone();
        if matches!(self.case.options.algorithm, Some("zones" | "chains")) {
            // It does not fit every history.
            right.push(13);
        }
        if self.case.options.is_lenient && self.written.key_in_value {
            // The repair does not know the keys, and leaves what is of another one.
            right.push(2);
        }
        if !right.contains(&answer.code) {
            return Some(format!("exit {} where {:?} is right", answer.code, self.right));
        }
        let witness = answer.line.as_ref().map(|line| &line["witness"])?;
        if answer.code == 10 { self.witness_problem(witness) } else { None }
    }

    /// The operations of a witness are of the history, and wrong by themselves.
    fn witness_problem(&self, witness: &Value) -> Option<String> {
        let numbers = self.written.numbers.as_ref()?;
        let operations = witness["operations"].as_array()?;
        let mut places = Vec::new();
        for operation in operations {
            let index = operation["invoke_index"].as_u64()?;
            let place = numbers.iter().position(|&number| number == index);
            let found = place.and_then(|place| self.ops.iter().find(|op| op.invoke == place));
            let Some(op) = found else {
                return Some(format!("the witness names event {index}, which is no invocation"));
            };
            let process = operation["process"].as_u64();
            if process != Some(op.process) {
                return Some(format!("the witness's event {index} is of another process"));
            }
            places.push(op.clone());
        }
        if places.is_empty() {
            return Some("the witness has no operations".to_owned());
        }
        let initial = self.case.options.initial.as_ref();
        if self.case.model == Model::CounterBounds {
            // The additions may be too many to be named.
            return None;
        }
        let alone = oracle::verdicts(self.case.model, &places, initial);
        (!alone.invalid).then(|| "the operations of the witness are right by themselves".to_owned())
    }
}

/// Judges trials; answers in their order.
pub fn judge(trials: &[Trial], folder: &Path) -> Vec<Answer> {
    let mut groups: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (at, trial) in trials.iter().enumerate() {
        groups.entry(trial.arguments()).or_default().push(at);
    }
    let mut answers: Vec<Option<Answer>> = vec![None; trials.len()];
    for (arguments, members) in groups {
        let path = |at: usize| folder.join(format!("history-{at}"));
        let files: Vec<PathBuf> = members.iter().map(|&at| path(at)).collect();
        for (&at, file) in members.iter().zip(&files) {
            std::fs::write(file, &trials[at].written.text).expect("a file in the folder");
        }
        for (at, answer) in members.into_iter().zip(run::check(&files, &arguments)) {
            answers[at] = Some(answer);
        }
        for file in &files {
            std::fs::remove_file(file).expect("it was written");
        }
    }
    answers.into_iter().map(|answer| answer.expect("each has one")).collect()
}

/// So many cases of a model from a first seed; panics with the smallest forms of the first failures.
pub fn campaign(model: Model, first_seed: u64, cases: u64, formats: &[Format]) -> Counts {
    let folder = run::folder();
    let mut counts = Counts::default();
    let mut failures: Vec<Failure> = Vec::new();
    let mut failed = 0;
    let mut seed = first_seed;
    let last = first_seed + cases;
    while seed < last && failures.len() < SHOWN {
        let batch = seed..last.min(seed + BATCH as u64);
        seed = batch.end;
        let trials: Vec<Trial> =
            batch.filter_map(|seed| Trial::new(case(model, seed), formats)).collect();
        let answers = judge(&trials, folder.path());
        for (trial, answer) in trials.into_iter().zip(answers) {
            *counts.codes.entry(answer.code).or_default() += 1;
            *counts.formats.entry(trial.format.name()).or_default() += 1;
            counts.witnesses += u64::from(answer.code == 10 && trial.written.numbers.is_some());
            if let Some(why) = trial.problem(&answer) {
                failed += 1;
                let is_known = |known: &Failure| known.why == why;
                if failures.len() < SHOWN && !failures.iter().any(is_known) {
                    failures.push(Failure { trial, answer, why });
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", story(model, failed, failures, folder.path()));
    counts
}

fn story(model: Model, failed: u64, failures: Vec<Failure>, folder: &Path) -> String {
    let mut story = format!("{failed} cases of {} were judged wrongly:\n", model.name());
    for failure in failures {
        let failure = smallest(failure, folder);
        let Failure { trial, answer, why } = &failure;
        let kept = keep(trial);
        let explained = answer.line.as_ref().map(|line| line["answers"].to_string());
        let _ = write!(
            story,
            "\n== {why}\nseed {} format {:?} arguments {}\nkept as {}\n{}said: {}\n{}\n",
            trial.case.seed,
            trial.format,
            trial.arguments().join(" "),
            kept.display(),
            trial.written.text,
            answer.said,
            explained.unwrap_or_default(),
        );
    }
    story
}

/// Keeps the file of a failure.
fn keep(trial: &Trial) -> PathBuf {
    let name = format!("{}-{}", trial.case.model.name(), trial.case.seed);
    keep_text(&name, trial.text().as_bytes())
}

/// Keeps a file that was judged wrongly.
pub fn keep_text(name: &str, text: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz_check");
    std::fs::create_dir_all(&folder).expect("a folder for what failed");
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file for what failed");
    path
}

/// The failure with as few operations and options as still fail.
fn smallest(mut failure: Failure, folder: &Path) -> Failure {
    loop {
        let smaller = candidates(&failure.trial.case).into_iter().find_map(|case| {
            let trial = Trial::written(case, failure.trial.format)?;
            let answer = judge(std::slice::from_ref(&trial), folder).remove(0);
            let why = trial.problem(&answer)?;
            Some(Failure { trial, answer, why })
        });
        match smaller {
            Some(smaller) => failure = smaller,
            None => return failure,
        }
    }
}

/// The case without one operation, without one event, or without one option.
fn candidates(case: &Case) -> Vec<Case> {
    let spoiled = Case { is_untouched: false, ..case.clone() };
    let mut ops: Vec<usize> = case.events.iter().map(|event| event.op).collect();
    ops.sort_unstable();
    ops.dedup();
    let mut all: Vec<Case> = ops
        .into_iter()
        .map(|op| {
            let mut smaller = spoiled.clone();
            smaller.events.retain(|event| event.op != op);
            smaller
        })
        .collect();
    let mut without = |change: &dyn Fn(&mut Case)| {
        let mut smaller = spoiled.clone();
        change(&mut smaller);
        if smaller.options != case.options {
            all.push(smaller);
        }
    };
    without(&|case| case.options.initial = None);
    without(&|case| case.options.refuses = None);
    without(&|case| case.options.all_keys = false);
    without(&|case| case.options.is_lenient = false);
    without(&|case| case.options.algorithm = None);
    if case.events.iter().any(|event| event.key.is_some()) {
        let mut keyless = spoiled.clone();
        keyless.events.iter_mut().for_each(|event| event.key = None::<Val>);
        all.push(keyless);
    }
    all
}

/// A seed for each test, that a campaign can change.
pub fn first_seed(rng_seed: u64) -> u64 {
    let asked = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    asked.unwrap_or_else(|| ChaCha8Rng::seed_from_u64(rng_seed).random_range(0..1 << 40))
}
