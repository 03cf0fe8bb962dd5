//! Random cases of one model: generated, written, judged by the program and by the oracle, compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::fuzz_check::bundle;
use crate::fuzz_check::files::{self, Format, Written};
use crate::fuzz_check::generate::{Case, Options, case};
use crate::fuzz_check::history::{End, Op, Pairing, pair};
use crate::fuzz_check::model::Model;
use crate::fuzz_check::oracle::{self, Judged, Verdicts};
use crate::fuzz_check::run::{self, Answer};
use crate::fuzz_check::value::Val;

/// A case as a file.
#[derive(Debug, Clone)]
pub struct Trial {
    pub case: Case,
    pub format: Format,
    written: Written,
    /// The exit codes that are right.
    right: Vec<i32>,
    /// What is right of each key that is judged by itself.
    keys: Vec<Judged>,
    ops: Vec<Op>,
    pairing: Pairing,
}

/// How many of a campaign's cases came to what.
#[derive(Debug, Default)]
pub struct Counts {
    pub cases: u64,
    pub files: u64,
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

/// How many cases are judged together, with as few calls as may be.
const BATCH: u64 = 20_000;

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
        let written = files::write(format, case.model, &case.events, &mut rng)?;
        let is_of_one_key = case.events.windows(2).all(|two| two[0].key == two[1].key);
        // The repair goes by keys, and a completion that does not say its key has any.
        if case.options.is_lenient && written.hides_keys && !is_of_one_key {
            return None;
        }
        let refuses = case.options.refuses.unwrap_or(format.refuses_by_default());
        let refuses = refuses && !format.has_operations();
        let pairing = Pairing { refuses, is_lenient: case.options.is_lenient };
        let paired = pair(&case.events, pairing);
        let mut keys = Vec::new();
        let runs_backwards = case.events.windows(2).any(|two| two[1].time_ns < two[0].time_ns);
        let refuses_times = case.options.strict_time && runs_backwards;
        if refuses_times && !written.has_times {
            // Some lines may have times all the same.
            return None;
        }
        let (right, ops) = match paired {
            None => (vec![2], Vec::new()),
            Some(ops) if refuses_times => (vec![2], ops),
            Some(ops) if ops.iter().any(|op| !case.model.functions().contains(&op.f)) => {
                (vec![2], ops)
            }
            Some(ops) => {
                keys = oracle::judge(case.model, &ops, case.options.initial.as_ref());
                (oracle::codes(&keys), ops)
            }
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
        Some(Trial { case, format, written, right, keys, ops, pairing })
    }

    pub fn text(&self) -> &str {
        &self.written.text
    }

    /// What the lengths of witnesses are taken from: whether the history has times, and how far its events are
    /// apart in the file; none if that is not known.
    pub fn times(&self) -> Option<(bool, Vec<u64>)> {
        let numbers = self.written.numbers.as_ref()?;
        let apart = numbers.iter().map(|number| number - numbers[0]).collect();
        Some((self.written.has_times, apart))
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
                Some(ops) if ops.iter().all(|op| self.case.model.functions().contains(&op.f)) => {
                    codes.extend(oracle::codes(&oracle::judge(self.case.model, &ops, None)));
                }
                _ => codes.push(2),
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
        if options.names_format {
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
        if options.strict_time {
            arguments.push("--strict-time".to_owned());
        }
        if options.show_order {
            arguments.push("--show-order".to_owned());
        }
        if let Some(algorithm) = options.algorithm {
            arguments.extend(["--algorithm".to_owned(), algorithm.to_owned()]);
        }
        arguments
    }

    /// What is wrong with an answer, if anything is.
    fn problem(&self, answer: &Answer) -> Option<String> {
        let may_not_fit = matches!(self.case.options.algorithm, Some("zones" | "chains"));
        let mut right = self.right.clone();
        if may_not_fit {
            // It does not fit every history.
            right.push(13);
        }
        if !right.contains(&answer.code) {
            return Some(format!("exit {} where {:?} is right", answer.code, self.right));
        }
        if answer.code == 2 {
            return self.refusal_problem(&answer.said);
        }
        let line = answer.line.as_ref()?;
        let witness = Some(&line["witness"]).filter(|_| answer.code == 10);
        self.keys_problem(line, may_not_fit)
            .or_else(|| self.witness_problem(witness?))
            .or_else(|| self.orders_problem(line["orders"].as_array()?))
    }

    /// A function that the model does not have is named, and so is its event.
    fn refusal_problem(&self, said: &str) -> Option<String> {
        let functions = self.case.model.functions();
        let op = self.ops.iter().find(|op| !functions.contains(&op.f))?;
        let named = |says_read| said.contains(&format!(" has no {};", op.f.name(says_read)));
        let number = self.written.numbers.as_ref().map(|numbers| numbers[op.invoke]);
        let is_placed = number.is_none_or(|number| said.contains(&format!("event {number}: ")));
        let is_right = (named(false) || named(true)) && is_placed;
        (!is_right && !said.contains("backwards")).then(|| "the function is not named".to_owned())
    }

    /// Each order that is shown explains all answers of its key, or of its longest beginning that has one.
    fn orders_problem(&self, orders: &[Value]) -> Option<String> {
        let numbers = self.written.numbers.as_ref()?;
        if !oracle::order::is_shown(self.case.model) {
            return None;
        }
        if orders.len() != self.keys.len() {
            return Some(format!("{} orders of {} keys", orders.len(), self.keys.len()));
        }
        let place_of = |number: &Value| {
            let number = number.as_u64()?;
            numbers.iter().position(|&it| it == number)
        };
        let mut keys: Vec<&Judged> = self.keys.iter().collect();
        let appears = |judged: &&Judged| self.ops.iter().position(|op| op.key == judged.key);
        keys.sort_by_key(appears);
        for (judged, order) in keys.into_iter().zip(orders) {
            let points = order["points"].as_array()?;
            let name = order["key"].as_str()?;
            if name_of(judged.key.as_ref()) != name {
                return Some(format!("an order of key {name:?} where another comes first"));
            }
            let until = if order["until"].is_null() {
                None
            } else {
                let Some(until) = place_of(&order["until"]) else {
                    return Some(format!("an order until {}, which is no event", order["until"]));
                };
                Some(until)
            };
            // What cannot be read is no part of an order.
            if judged.verdicts.unknown {
                continue;
            }
            let problem = self.order_problem(judged, points, until, &place_of);
            if problem.is_some() {
                return problem;
            }
        }
        None
    }

    fn order_problem(
        &self,
        judged: &Judged,
        points: &[Value],
        until: Option<usize>,
        place_of: &dyn Fn(&Value) -> Option<usize>,
    ) -> Option<String> {
        let initial = self.case.options.initial.as_ref();
        let of_key = || self.ops.iter().filter(|op| op.key == judged.key);
        let ops = oracle::order::before(of_key(), until.unwrap_or(usize::MAX));
        let mut order = Vec::new();
        let mut after = 0;
        for point in points {
            let invoke = place_of(&point["invoke_index"]);
            let Some(at) = invoke.and_then(|place| ops.iter().position(|op| op.invoke == place))
            else {
                return Some(format!("{point} is of no operation of its key"));
            };
            let effect = place_of(&point["after_index"]);
            let is_inside = effect.is_some_and(|effect| {
                ops[at].invoke <= effect && ops[at].complete.is_none_or(|end| effect < end)
            });
            if !is_inside || effect < Some(after) {
                return Some(format!("{point} is not within its operation, or before another"));
            }
            after = effect.unwrap_or(after);
            order.push(at);
        }
        let problem = oracle::order::problem(self.case.model, &ops, &order, initial);
        if problem.is_some() {
            return problem;
        }
        let more = oracle::order::before(of_key(), until? + 1);
        let more = oracle::judge(self.case.model, &more, initial);
        let is_longest = more.iter().any(|judged| judged.verdicts != Verdicts::VALID);
        (!is_longest).then(|| "a longer beginning has an order".to_owned())
    }

    /// Each key is refuted or left undecided that should be, and no other.
    fn keys_problem(&self, line: &Value, may_not_fit: bool) -> Option<String> {
        if self.case.model.is_session() {
            return None;
        }
        let details = line["answers"][0]["details"].as_array()?;
        let listed = |begin: &str| {
            let told = details.iter().filter_map(|detail| detail.as_str()?.strip_prefix(begin));
            told.flat_map(quoted_names).collect::<Vec<String>>()
        };
        let mut refuted = listed("also refuted: key");
        refuted.extend(line["witness"]["key"].as_str().map(str::to_owned));
        let undecided = listed("undecided: key");
        let goes_on = self.case.options.all_keys || refuted.is_empty();
        let mut names: Vec<String> =
            self.keys.iter().map(|key| name_of(key.key.as_ref())).collect();
        names.sort();
        names.dedup();
        for name in &names {
            let of_name = || self.keys.iter().filter(|key| name_of(key.key.as_ref()) == *name);
            let count = |names: &[String]| names.iter().filter(|it| *it == name).count();
            let may = of_name().filter(|key| key.verdicts.invalid).count();
            let must = of_name().filter(|key| key.verdicts == Verdicts::INVALID).count();
            let must = if goes_on && !may_not_fit { must } else { 0 };
            let found = count(&refuted);
            if !(must..=may).contains(&found) {
                return Some(format!("key {name:?} is refuted {found} times of {must} to {may}"));
            }
            let may = of_name().filter(|key| key.verdicts.unknown || may_not_fit).count();
            let must = of_name().filter(|key| key.verdicts == Verdicts::UNKNOWN).count();
            let must = if undecided.is_empty() { 0 } else { must };
            let found = count(&undecided);
            if !(must..=may).contains(&found) {
                return Some(format!("key {name:?} is undecided {found} times of {must} to {may}"));
            }
        }
        // A single one is not listed.
        let unsaid = self.keys.iter().filter(|key| key.verdicts == Verdicts::UNKNOWN).count();
        (goes_on && undecided.is_empty() && unsaid > 1)
            .then(|| format!("{unsaid} keys should be undecided"))
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
            let completed = operation["complete_index"].as_u64();
            if op.end != End::Open && completed != op.complete.map(|place| numbers[place]) {
                return Some(format!("the completion of event {index} is not {completed:?}"));
            }
            places.push(op.clone());
        }
        if places.is_empty() {
            return Some("the witness has no operations".to_owned());
        }
        let is_elsewhere = |op: &Op| op.key != places[0].key;
        if !self.case.model.is_session() && places.iter().any(is_elsewhere) {
            return Some("the witness is of several keys".to_owned());
        }
        let initial = self.case.options.initial.as_ref();
        if matches!(self.case.model, Model::CounterBounds | Model::CounterEventual) {
            // The additions may be too many to be named.
            return None;
        }
        let is_wrong = if self.case.model.is_session() {
            let alone = oracle::judge(self.case.model, &places, initial);
            alone.iter().any(|key| key.verdicts.invalid)
        } else {
            let witness: Vec<&Op> = places.iter().collect();
            let is_there = |op: &&Op| op.key == places[0].key && op.end != End::Fail;
            let all: Vec<&Op> = self.ops.iter().filter(is_there).collect();
            oracle::of_key(self.case.model, &witness, &all, initial).invalid
        };
        (!is_wrong).then(|| "the operations of the witness are right by themselves".to_owned())
    }
}

/// The names in a list of names in quotation marks.
fn quoted_names(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut left = list;
    while let Some(begin) = left.find('"') {
        let is_escaped =
            |at: usize| left[..at].bytes().rev().take_while(|&it| it == b'\\').count() % 2;
        let ends = left.match_indices('"').map(|(at, _)| at);
        let Some(end) = ends.skip(1).find(|&at| at > begin && is_escaped(at) == 0) else { break };
        let quoted = &left[begin..=end];
        names.push(serde_json::from_str(quoted).unwrap_or_else(|_| quoted.to_owned()));
        left = &left[end + 1..];
    }
    names
}

/// A key as the program names it.
fn name_of(key: Option<&Val>) -> String {
    match key {
        None => String::new(),
        Some(Val::Text(text)) => text.clone(),
        Some(Val::Num(number)) => number.plain(),
        Some(Val::Keyword(name)) => format!(":{name}"),
        Some(other) => other.edn(&mut ChaCha8Rng::seed_from_u64(0)),
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
        let path = |at: usize| folder.join(at.to_string());
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

/// The trials of the cases of these seeds, and how many cases they are. Some are one file each; of
/// others, several are the keys of one file.
fn trials(model: Model, seeds: Range<u64>, formats: &[Format]) -> (Vec<Trial>, u64) {
    let mut cases: Vec<Case> = Vec::new();
    let mut bundles: BTreeMap<(u64, Options), Vec<Case>> = BTreeMap::new();
    for seed in seeds {
        let case = case(model, seed);
        match bundle::block_of(&case) {
            Some(block) => bundles.entry((block, case.options.clone())).or_default().push(case),
            None => cases.push(case),
        }
    }
    let mut count = 0;
    let mut trials = Vec::new();
    for case in cases {
        let trial = Trial::new(case, formats);
        count += u64::from(trial.is_some());
        trials.extend(trial);
    }
    for bundled in bundles.into_values() {
        for (members, case) in bundle::bundles(bundled) {
            let trial = Trial::new(case, formats);
            count += if trial.is_some() { members as u64 } else { 0 };
            trials.extend(trial);
        }
    }
    (trials, count)
}

/// So many cases of a model from a first seed; panics with the smallest forms of the first failures.
pub fn campaign(model: Model, first_seed: u64, cases: u64, formats: &[Format]) {
    let folder = run::folder();
    let mut counts = Counts::default();
    let mut failures: Vec<Failure> = Vec::new();
    let mut failed = 0;
    let mut seed = first_seed;
    let last = first_seed + cases;
    while seed < last && failures.len() < SHOWN {
        let batch = seed..last.min(seed + BATCH);
        seed = batch.end;
        let (trials, count) = trials(model, batch, formats);
        counts.cases += count;
        counts.files += trials.len() as u64;
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
    println!("{} from seed {first_seed}: {failed} wrong of {counts:?}", model.name());
    assert!(failures.is_empty(), "{}", story(model, failed, failures, folder.path()));
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
    without(&|case| case.options.names_format = false);
    without(&|case| case.options.strict_time = false);
    without(&|case| case.options.show_order = false);
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
