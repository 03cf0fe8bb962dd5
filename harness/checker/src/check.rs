//! Checking a history: key by key, each with the algorithm that fits it.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rustc_hash::FxHashSet;

use crate::budget::{Budget, Limit};
use crate::calls::{WithModel, with_model};
use crate::chains;
use crate::contradiction;
use crate::event::F;
use crate::explain;
use crate::history::{History, Operation, Outcome, Value};
use crate::model::{Call, Model, Register};
use crate::search::{self, Answer, Found};
use crate::verdict::{Reason, Verdict};
use crate::witness::{self, Witness};
use crate::zones;

/// What the object under test promises to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelName {
    /// Keys with get, put and append, each `""` at first.
    #[default]
    Kv,
    /// Registers with read and write, `nil` at first.
    Register,
    /// Registers with read, write and compare-and-set, `nil` at first.
    CasRegister,
}

impl ModelName {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ModelName::Kv => "kv",
            ModelName::Register => "register",
            ModelName::CasRegister => "cas-register",
        }
    }

    pub(crate) fn initial(self) -> Value {
        match self {
            ModelName::Kv => Value::EMPTY,
            ModelName::Register | ModelName::CasRegister => Value::NIL,
        }
    }
}

/// A way to decide one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// The fastest that fits each key.
    #[default]
    Auto,
    /// Gibbons and Korach's zones: reads and writes of different values.
    Zones,
    /// Zones of chains, and a guided search for what was refused: compare-and-set on different
    /// values.
    Chains,
    /// Wing and Gong's search with Lowe's memoization: everything.
    Search,
}

impl Algorithm {
    /// The name on the command line and in the verdict.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Auto => "auto",
            Algorithm::Zones => "zones",
            Algorithm::Chains => "chains",
            Algorithm::Search => "search",
        }
    }
}

/// How to check.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The model.
    pub model: ModelName,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// What each key may cost.
    pub budget: Budget<'a>,
    /// Whether to look for the fewest operations that contradict one another; else a witness has
    /// none and says only that there is a contradiction.
    pub witness: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            model: ModelName::default(),
            algorithm: Algorithm::default(),
            budget: Budget::default(),
            witness: true,
        }
    }
}

/// The result for one key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyReport {
    /// The key.
    pub key: String,
    /// `valid`, `invalid` or `unknown`.
    pub verdict: &'static str,
    /// Operations on it that did not fail.
    pub operations: usize,
    /// What decided it.
    pub algorithm: &'static str,
}

/// The result for a history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The joined verdict; a witness is that of the first key that has one.
    pub verdict: Verdict,
    /// The model's name.
    pub model: &'static str,
    /// The algorithms that were used, sorted.
    pub algorithms: Vec<&'static str>,
    /// Operations that were checked, that is, all that did not fail.
    pub operations: u64,
    /// How many of them are open: nobody knows whether they took effect.
    pub open: u64,
    /// How many failed, and therefore count as absent.
    pub failed: u64,
    /// Keys by verdict.
    pub valid_keys: usize,
    /// Keys by verdict.
    pub invalid_keys: usize,
    /// Keys by verdict.
    pub unknown_keys: usize,
    /// Each key, in order of its first appearance.
    pub keys: Vec<KeyReport>,
}

impl Report {
    fn new(model: ModelName) -> Self {
        Report {
            verdict: Verdict::Valid,
            model: model.name(),
            algorithms: Vec::new(),
            operations: 0,
            open: 0,
            failed: 0,
            valid_keys: 0,
            invalid_keys: 0,
            unknown_keys: 0,
            keys: Vec::new(),
        }
    }

    fn count(&mut self, key: &str, verdict: &'static str, operations: usize, by: Algorithm) {
        let (key, algorithm) = (key.to_owned(), by.name());
        self.operations += operations as u64;
        self.keys.push(KeyReport { key, verdict, operations, algorithm });
        if !self.algorithms.contains(&algorithm) {
            self.algorithms.push(algorithm);
        }
    }
}

/// Checks whether a history is linearizable, key by key, several keys at a time.
///
/// Keys are independent objects, and linearizability is local (Herlihy and Wing, 1990): the
/// history is linearizable exactly if each key's part of it is. The witness is that of the first
/// key with a contradiction.
pub fn check(history: &History, options: &Options<'_>) -> Report {
    let mut report = Report::new(options.model);
    for operation in history.operations() {
        report.failed += u64::from(operation.outcome == Outcome::Fail);
        report.open += u64::from(operation.outcome == Outcome::Info);
    }
    let by_key = history.by_key();
    let decide_key = |positions: &Vec<u32>| {
        (!positions.is_empty()).then(|| decide(history, &at(history, positions), options))
    };
    // To wake another thread takes longer than many a key does.
    let decisions: Vec<Option<Decided>> = if by_key.len() == 1 {
        by_key.iter().map(decide_key).collect()
    } else {
        by_key.par_iter().map(decide_key).collect()
    };
    for (positions, decided) in by_key.iter().zip(decisions) {
        let Some(Decided { decision, algorithm }) = decided else { continue };
        let name = history.key(history.operations()[positions[0] as usize].key);
        let verdict = match decision {
            Decision::Valid => {
                report.valid_keys += 1;
                Verdict::Valid
            }
            Decision::Unknown(reason) => {
                report.unknown_keys += 1;
                Verdict::Unknown(reason)
            }
            Decision::Invalid(core) => {
                report.invalid_keys += 1;
                if report.invalid_keys > 1 {
                    report.count(name, "invalid", positions.len(), algorithm);
                    continue;
                }
                let operations = at(history, positions);
                Verdict::Invalid(Box::new(witness(history, &operations, core, options)))
            }
        };
        report.count(name, verdict.name(), positions.len(), algorithm);
        let before = std::mem::replace(&mut report.verdict, Verdict::Valid);
        report.verdict = before.join(verdict);
    }
    report.algorithms.sort_unstable();
    report
}

pub(crate) fn at<'a>(history: &'a History, positions: &[u32]) -> Vec<&'a Operation> {
    positions.iter().map(|&position| &history.operations()[position as usize]).collect()
}

/// What one key came to, and by which algorithm.
struct Decided {
    decision: Decision,
    algorithm: Algorithm,
}

/// What one key came to.
enum Decision {
    Valid,
    /// With the positions of the operations that contradict one another, where the algorithm
    /// knows them.
    Invalid(Option<Vec<u32>>),
    Unknown(Reason),
}

fn decide(history: &History, operations: &[&Operation], options: &Options<'_>) -> Decided {
    let initial = options.model.initial();
    let wanted = options.algorithm;
    if matches!(wanted, Algorithm::Auto | Algorithm::Zones) {
        let algorithm = Algorithm::Zones;
        match zones::check(operations, initial) {
            zones::Answer::Linearizable => {
                return Decided { decision: Decision::Valid, algorithm };
            }
            zones::Answer::Contradiction(core) => {
                return Decided { decision: Decision::Invalid(Some(core)), algorithm };
            }
            zones::Answer::NotApplicable if wanted == algorithm => {
                return not_applicable(history, operations, algorithm);
            }
            zones::Answer::NotApplicable => {}
        }
    }
    if matches!(wanted, Algorithm::Auto | Algorithm::Chains) {
        let algorithm = Algorithm::Chains;
        match chains::check(operations, initial, options.budget) {
            chains::Answer::Linearizable(_) => {
                return Decided { decision: Decision::Valid, algorithm };
            }
            chains::Answer::Contradiction(core) => {
                return Decided { decision: Decision::Invalid(Some(core)), algorithm };
            }
            chains::Answer::UpToRefusals(calls, order) => {
                let model = Register { initial };
                let found = search::linearize_along(&model, &calls, &order, options.budget);
                let decision = decision(history, operations, &calls, &found);
                return Decided { decision, algorithm };
            }
            chains::Answer::NotApplicable if wanted == algorithm => {
                return not_applicable(history, operations, algorithm);
            }
            chains::Answer::NotApplicable => {}
        }
    }
    let algorithm = Algorithm::Search;
    let decision =
        with_model(history, operations, initial, Searcher { history, operations, options });
    Decided { decision, algorithm }
}

/// The first answered read or swap that saw a value which was never there and nobody ever wrote.
/// Where there are no appends it contradicts by itself, for each write says all about the state.
fn value_from_nowhere(operations: &[&Operation], initial: Value) -> Option<u32> {
    if operations.iter().any(|op| op.f == F::Append) {
        return None;
    }
    let writes = operations.iter().filter(|op| op.f != F::Get && !op.refused);
    let written: FxHashSet<Value> = writes.map(|op| op.argument).chain([initial]).collect();
    let saw = |op: &&Operation| op.outcome == Outcome::Ok && op.f != F::Put && !op.refused;
    let at = operations.iter().position(|op| saw(op) && !written.contains(&op.result))?;
    u32::try_from(at).ok()
}

fn not_applicable(history: &History, operations: &[&Operation], algorithm: Algorithm) -> Decided {
    let key = history.key(operations[0].key).to_owned();
    let explanation = format!(
        "key {key:?} is undecided: the algorithm {:?} needs writes of different values",
        algorithm.name()
    );
    let completed = operations.iter().filter(|op| op.outcome == Outcome::Ok).count();
    let limit = Limit::Algorithm;
    let reason = Reason { key, limit, placed: 0, completed, explanation };
    Decided { decision: Decision::Unknown(reason), algorithm }
}

struct Searcher<'a> {
    history: &'a History,
    operations: &'a [&'a Operation],
    options: &'a Options<'a>,
}

impl WithModel for Searcher<'_> {
    type Output = Decision;

    fn run<M: Model>(self, model: &M, calls: &[Call<M::Op>], _: &[u32]) -> Decision {
        let found = search::linearize(model, calls, self.options.budget);
        decision(self.history, self.operations, calls, &found)
    }
}

/// What the search found, for one key.
fn decision<O>(
    history: &History,
    operations: &[&Operation],
    calls: &[Call<O>],
    found: &Found,
) -> Decision {
    match found.answer {
        Answer::Linearizable(_) => Decision::Valid,
        Answer::NotLinearizable => Decision::Invalid(None),
        Answer::GivenUp(limit) => {
            let completed = calls.iter().filter(|call| call.complete.is_some()).count();
            let key = history.key(operations[0].key).to_owned();
            Decision::Unknown(reason(key, limit, found.placed, completed))
        }
    }
}

/// Finds the positions of few operations that contradict one another, and whether none is too
/// many.
struct Minimizer<'a> {
    budget: Budget<'a>,
}

impl WithModel for Minimizer<'_> {
    type Output = (Vec<u32>, bool);

    fn run<M: Model>(self, model: &M, calls: &[Call<M::Op>], sources: &[u32]) -> (Vec<u32>, bool) {
        let (core, minimal) = witness::minimize(model, calls, self.budget);
        (core.into_iter().map(|at| sources[at as usize]).collect(), minimal)
    }
}

/// A chain of more links than this is shown as it is.
const MOST_TO_MINIMIZE: usize = 3_000;

fn witness(
    history: &History,
    operations: &[&Operation],
    core: Option<Vec<u32>>,
    options: &Options<'_>,
) -> Witness {
    if !options.witness {
        return explain::unexplained(history.key(operations[0].key));
    }
    let initial = options.model.initial();
    let pick = |core: &[u32]| -> Vec<&Operation> {
        core.iter().map(|&at| operations[at as usize]).collect()
    };
    let explain = |core: &[u32], minimal| {
        explain::explain(history, operations, &pick(core), initial, minimal)
    };
    let nowhere = || value_from_nowhere(operations, initial).map(|read| vec![read]);
    let (core, minimal) = match core.or_else(nowhere) {
        Some(core) if operations.iter().all(|op| op.f != F::Cas) => return explain(&core, true),
        Some(core) if core.len() > MOST_TO_MINIMIZE => return explain(&core, false),
        Some(core) => {
            let calls = chains::core_calls(operations, &core, initial);
            let (kept, minimal) = witness::minimize(&Register { initial }, &calls, options.budget);
            (kept.into_iter().map(|at| core[at as usize]).collect(), minimal)
        }
        None => with_model(history, operations, initial, Minimizer { budget: options.budget }),
    };
    let has_appends = operations.iter().any(|op| op.f == F::Append);
    let by_itself = (!has_appends)
        .then(|| contradiction::by_itself(operations, &core, initial, options.budget))
        .flatten();
    by_itself.map_or_else(|| explain(&core, minimal), |core| explain(&core, true))
}

fn reason(key: String, limit: Limit, placed: usize, completed: usize) -> Reason {
    let what = match limit {
        Limit::Steps => "the search took as many steps as it may",
        Limit::Memory => "the search used as much memory as it may",
        Limit::Stopped => "the search was stopped, as at its deadline",
        Limit::Algorithm => "the algorithm asked for does not fit",
    };
    let explanation = format!(
        "key {key:?} is undecided: {what}; the first {placed} of {completed} completed operations \
         have an order that explains them"
    );
    Reason { key, limit, placed, completed, explanation }
}
