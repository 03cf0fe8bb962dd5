//! Checking a history: key by key, each with the algorithm that fits it.

mod accusation;
mod register;
mod rounds;
mod sieve;

use std::sync::Arc;

use crate::budget::{Budget, Limit};
use crate::event::F;
use crate::history::{History, Operation, Outcome, Value};
use crate::linearizable::appends;
use crate::linearizable::confirm::{Stateright, Tester};
use crate::memory;
use crate::models::{Family, ModelName};
use crate::objects::confirm::Claim;
use crate::objects::{self, Fact, Subject};
use crate::session;
use crate::verdict::{Reason, Verdict};
use crate::witness::{Unconfirmed, Witness};
use register::Guide;
pub(crate) use register::{plain, plain_initial};

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
    /// What each read shows of the order of its writes: texts and lists with different appends.
    Appends,
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
            Algorithm::Appends => "appends",
            Algorithm::Search => "search",
        }
    }
}

/// How to check.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The model.
    pub model: ModelName,
    /// The algorithm; only registers have a choice.
    pub algorithm: Algorithm,
    /// What the check may cost.
    pub budget: Budget<'a>,
    /// Whether to search for the fewest operations that cannot all be true; else a witness has
    /// none and says only that the history is invalid.
    pub witness: bool,
    /// Whether to go on when one key is refuted.
    pub all_keys: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            model: ModelName::default(),
            algorithm: Algorithm::default(),
            budget: Budget::default(),
            witness: true,
            all_keys: false,
        }
    }
}

/// What came of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyVerdict {
    /// Consistent with the model.
    Valid,
    /// Not consistent.
    Invalid,
    /// Not decided.
    Unknown,
    /// Not decided, because another key was refuted.
    Skipped,
}

/// The result for one key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyReport {
    /// The key.
    pub key: String,
    /// What came of it.
    pub verdict: KeyVerdict,
    /// Operations on it that did not fail.
    pub operations: usize,
    /// How many of them were answered and tell something of the state: reads, elements taken out, locks
    /// acquired.
    pub observations: usize,
    /// What decided it.
    pub algorithm: &'static str,
}

/// The result for a history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The joined verdict.
    pub verdict: Verdict,
    /// The model's name.
    pub model: &'static str,
    /// The algorithms that were used, sorted.
    pub algorithms: Vec<&'static str>,
    /// Operations that were checked, that is, all that did not fail.
    pub operations: u64,
    /// How many of them are open: it is unknown whether they took effect.
    pub open: u64,
    /// How many failed, and therefore count as absent.
    pub failed: u64,
    /// How many were answered.
    pub answered: u64,
    /// How many of them tell something of the state.
    pub observations: u64,
    /// Keys by verdict.
    pub valid_keys: usize,
    /// Keys by verdict.
    pub invalid_keys: usize,
    /// Keys by verdict.
    pub unknown_keys: usize,
    /// Keys that were not decided because another one was refuted.
    pub skipped_keys: usize,
    /// Each key, in order of its first appearance.
    pub keys: Vec<KeyReport>,
    /// What was counted on the way, summed over the keys.
    pub facts: Vec<Fact>,
    /// What the verdict takes for granted, a sentence each.
    pub assumptions: Vec<String>,
    /// Whether the history was not read to its end, so that nothing is known of it.
    pub is_cut: bool,
}

impl Report {
    fn new(model: ModelName, history: &History) -> Self {
        let operations = history.operations();
        let (mut open, mut failed, mut answered, mut observations) = (0, 0, 0, 0);
        for op in operations {
            match op.outcome {
                Outcome::Ok => answered += 1,
                Outcome::Fail => failed += 1,
                Outcome::Info => open += 1,
            }
            observations += u64::from(observes(op));
        }
        Report {
            verdict: Verdict::Valid,
            model: model.name(),
            algorithms: Vec::new(),
            operations: operations.len() as u64 - failed,
            open,
            failed,
            answered,
            observations,
            valid_keys: 0,
            invalid_keys: 0,
            unknown_keys: 0,
            skipped_keys: 0,
            keys: Vec::new(),
            facts: Vec::new(),
            assumptions: Vec::new(),
            is_cut: false,
        }
    }

    fn join(&mut self, verdict: Verdict) {
        let before = std::mem::replace(&mut self.verdict, Verdict::Valid);
        self.verdict = before.join(verdict);
    }

    /// The report about a history that was not read to its end, for this limit.
    pub fn cut(model: ModelName, limit: Limit, explanation: String) -> Self {
        let verdict = unknown(String::new(), limit, explanation);
        Report { verdict, is_cut: true, ..Report::new(model, &History::new()) }
    }

    fn add_fact(&mut self, fact: Fact) {
        match self.facts.iter_mut().find(|known| known.name == fact.name) {
            Some(known) => known.count += fact.count,
            None => self.facts.push(fact),
        }
    }
}

/// Whether an answer tells something of the state.
fn observes(op: &Operation) -> bool {
    op.is_ok()
        && (op.f.only_asks() || matches!(op.f, F::Cas | F::Acquire | F::Renew | F::Echo | F::Send))
}

/// What a history has that its model has not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: the model {model} has no {function}; it has {functions}")]
pub struct Misfit {
    /// The event.
    pub index: u64,
    /// The function.
    pub function: &'static str,
    /// The model.
    pub model: &'static str,
    /// The functions that it has.
    pub functions: String,
}

/// Whether a model has all functions of a history.
pub fn fits(history: &History, model: ModelName) -> Result<(), Misfit> {
    let info = model.info();
    let misfit = history.operations().iter().find(|op| !info.functions.contains(&op.f));
    misfit.map_or(Ok(()), |op| {
        let names: Vec<&str> = info.functions.iter().map(|&f| history.name(f)).collect();
        Err(Misfit {
            index: op.invoke_index(),
            function: history.name(op.f),
            model: info.name,
            functions: names.join(", "),
        })
    })
}

/// Checks a history against a model.
///
/// Objects are independent, and linearizability is local (Herlihy and Wing, 1990): the history is
/// linearizable exactly if each key's part of it is. Several keys are decided at a time, in rounds of
/// growing budgets, so that an easy contradiction is found first; one refuted key ends the check unless
/// [`Options::all_keys`] is set.
///
/// A history with a function that the model does not have is undecided; [`fits`] says so beforehand.
pub fn check(history: &History, options: &Options<'_>) -> Report {
    check_with(history, options, Stateright)
}

/// The same with this tester to confirm what is found.
pub(crate) fn check_with(history: &History, options: &Options<'_>, tester: impl Tester) -> Report {
    let mut report = Report::new(options.model, history);
    if let Err(misfit) = fits(history, options.model) {
        report.verdict = unknown(String::new(), Limit::Algorithm, misfit.to_string());
        return report;
    }
    match options.model.info().family {
        Family::Session => {
            let is_linearizable = |model, budget: Budget<'_>| {
                let options = Options { model, budget, witness: false, ..Options::default() };
                check(history, &options).verdict == Verdict::Valid
            };
            let budget = &options.budget;
            let (verdict, algorithm) =
                session::check(options.model, history, budget, &is_linearizable);
            report.verdict = verdict;
            report.algorithms.extend((!algorithm.is_empty()).then_some(algorithm));
        }
        Family::Register | Family::Object => rounds::check(history, options, tester, &mut report),
        Family::Transactional => {
            let why = "undecided: single operations are no transactions";
            report.verdict = unknown(String::new(), Limit::Algorithm, why.to_owned());
        }
    }
    assume(history, &mut report);
    report
}

/// Names what the verdict rests on that the history does not say.
fn assume(history: &History, report: &mut Report) {
    let Verdict::Invalid(witness) = &report.verdict else { return };
    if witness.operations.iter().any(|op| op.refused) {
        report.assumptions.push(
            "a refused cas is taken as the answer that the register held something else".to_owned(),
        );
    }
    if let Some(initial) = history.initial() {
        let initial = history.value(initial);
        report.assumptions.push(format!("each object held {initial} at first"));
    }
}

/// What one key came to.
#[derive(Debug)]
struct Decided {
    decision: Decision,
    algorithm: &'static str,
    facts: Vec<Fact>,
    /// What chains leave to a search, for the next round.
    guide: Option<Arc<Guide>>,
}

impl Decided {
    /// What is kept for the next round.
    fn memory_bytes(&self) -> usize {
        self.guide.as_ref().map_or(0, |guide| guide.memory_bytes())
    }
}

#[derive(Debug)]
enum Decision {
    Valid,
    /// With the positions of the operations that contradict one another, where the algorithm
    /// knows them.
    Invalid(Option<Vec<u32>>),
    /// The same of a text or list, by what its reads show.
    Shown(Box<appends::Contradiction>),
    /// The same with the witness, and what is claimed of it.
    Explained(Box<Witness>, Option<Claim>),
    Unknown(Reason),
}

impl Decision {
    fn is_invalid(&self) -> bool {
        matches!(self, Decision::Invalid(_) | Decision::Shown(_) | Decision::Explained(..))
    }
}

/// Decides the operations of one key. What came of the round before says what need not be done again.
fn decide(
    history: &History,
    positions: &[u32],
    options: &Options<'_>,
    before: Option<&Decided>,
) -> Decided {
    let family = options.model.info().family;
    let structure = positions.len()
        * match family {
            Family::Object => objects::structure_bytes(options.model),
            Family::Register | Family::Session | Family::Transactional => memory::STRUCTURE_BYTES,
        };
    if structure as u64 > options.budget.memory_bytes {
        let operations = history.operations();
        let key = history.key_text(operations[positions[0] as usize].key);
        let ok = |at: &&u32| operations[**at as usize].is_ok();
        let completed = positions.iter().filter(ok).count();
        let reason = Reason::spent(key, Limit::Memory, 0, completed);
        let (decision, facts) = (Decision::Unknown(reason), Vec::new());
        return Decided { decision, algorithm: "", facts, guide: None };
    }
    let operations = history.at(positions);
    if family == Family::Register {
        return register::decide(history, &operations, options, before);
    }
    let budget = options.budget.besides(structure);
    let subject = Subject { history, operations: &operations, budget };
    let objects::Judgement { verdict, facts, claim } = objects::judge(options.model, subject);
    let decision = match verdict {
        Verdict::Valid => Decision::Valid,
        Verdict::Invalid(witness) => Decision::Explained(witness, claim),
        Verdict::Unknown(reason) => Decision::Unknown(reason),
    };
    Decided { decision, algorithm: objects::algorithm(options.model), facts, guide: None }
}

/// The witness of a key that was refuted, confirmed by this tester.
fn witness(
    history: &History,
    positions: &[u32],
    decision: Decision,
    options: &Options<'_>,
    tester: impl Tester,
) -> Option<Box<Witness>> {
    match decision {
        Decision::Explained(mut witness, claim) => {
            let operations = history.at(positions);
            let subject = Subject { history, operations: &operations, budget: options.budget };
            if options.model.info().is_linearizability {
                let confirmation = claim.map_or(Err(Unconfirmed::OtherAnswers), |claim| {
                    claim.confirm(options.model, subject, &witness, tester)
                });
                witness.note(confirmation);
            }
            Some(witness)
        }
        Decision::Invalid(core) => {
            let operations = history.at(positions);
            Some(Box::new(accusation::witness(history, &operations, core, options, tester)))
        }
        Decision::Shown(found) => {
            let operations = history.at(positions);
            let options = (options, tester);
            Some(Box::new(accusation::witness_of_reads(
                history,
                &operations,
                &found,
                options.0,
                options.1,
            )))
        }
        Decision::Valid | Decision::Unknown(_) => None,
    }
}

fn unknown(key: String, limit: Limit, explanation: String) -> Verdict {
    Verdict::Unknown(Reason { key, limit, placed: 0, completed: 0, explanation })
}

/// What an object holds before everything.
pub(crate) fn initial(history: &History, model: ModelName) -> Value {
    history.initial().unwrap_or(match model {
        ModelName::Kv => Value::EMPTY,
        _ => Value::NIL,
    })
}
