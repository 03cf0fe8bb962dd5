//! `harness check`: a verdict about a history, from its file alone.

use std::path::Path;
use std::time::Duration;

use checker::format as form;
use checker::lenient::Repairs;
use checker::objects::Object;
use checker::weaker::Guarantee;
use checker::{Algorithm, ModelName};
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::{CheckArgs, Failure, Format};
use crate::check::{self, Question};
use crate::exit::Exit;
use crate::report;
use crate::scenario::CheckerBudget;
use crate::verdict::{Answer, Verdict, history_evidence, safety};

/// What a store may promise to be, linearizable or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Linearizability of keys or registers.
    Linearizable(ModelName),
    /// Something weaker, of keys or registers.
    Weaker(Guarantee),
    /// Another object.
    Object(Object),
}

/// The models of keys and registers, with their names and what is done on them.
const MODELS: [(&str, ModelName, &str); 3] = [
    ("kv", ModelName::Kv, "keys with get, put and append, each empty at first"),
    ("register", ModelName::Register, "registers with read and write, nil at first"),
    ("cas-register", ModelName::CasRegister, "registers with read, write and cas, nil at first"),
];

impl Promise {
    /// All names with what they mean.
    fn names() -> impl Iterator<Item = (&'static str, Promise, &'static str)> {
        let models = MODELS.map(|(name, model, what)| (name, Promise::Linearizable(model), what));
        let weaker =
            Guarantee::NAMES.map(|(name, known, what)| (name, Promise::Weaker(known), what));
        let objects = Object::NAMES.map(|(name, known, what)| (name, Promise::Object(known), what));
        models.into_iter().chain(weaker).chain(objects)
    }

    /// Its name, and what it means.
    pub fn words(self) -> (&'static str, &'static str) {
        let known = Self::names().find(|(_, promise, _)| *promise == self);
        known.map_or(("", ""), |(name, _, meaning)| (name, meaning))
    }

    /// Reads a promise's name from the command line.
    pub fn parser() -> impl TypedValueParser<Value = Promise> {
        let value = |(name, _, what)| {
            let value = PossibleValue::new(name).help(what);
            if name == "unique-ids" { value.alias("ids") } else { value }
        };
        PossibleValuesParser::new(Promise::names().map(value)).try_map(|name| {
            let name = if name == "ids" { "unique-ids" } else { name.as_str() };
            let known = Promise::names().find(|(known, ..)| *known == name);
            known.map(|(_, promise, _)| promise).ok_or("no such model")
        })
    }
}

/// The form of a history file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Found out from the first line
    Auto,
    /// This project's own
    Jsonl,
    /// Jepsen's `history.edn`
    JepsenEdn,
    /// Knossos's histories, and maps in EDN like them
    KnossosEdn,
    /// The log of old Jepsen tests
    JepsenLog,
    /// An object for each operation: clientId, input, call, output, return
    PorcupineJson,
    /// A row for each event
    Csv,
}

/// A way to decide a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// The fastest that fits each key
    Auto,
    /// Gibbons and Korach's zones; for reads and writes of different values
    Zones,
    /// Zones of chains; for compare-and-set on different values
    Chains,
    /// Wing and Gong's search with Lowe's memoization; for everything
    Search,
}

impl Form {
    pub(super) fn format(self) -> Option<form::Format> {
        match self {
            Self::Auto => None,
            Self::Jsonl => Some(form::Format::Jsonl),
            Self::JepsenEdn | Self::KnossosEdn => Some(form::Format::Edn),
            Self::JepsenLog => Some(form::Format::JepsenLog),
            Self::PorcupineJson => Some(form::Format::PorcupineJson),
            Self::Csv => Some(form::Format::Csv),
        }
    }
}

impl From<Way> for Algorithm {
    fn from(way: Way) -> Self {
        match way {
            Way::Auto => Self::Auto,
            Way::Zones => Self::Zones,
            Way::Chains => Self::Chains,
            Way::Search => Self::Search,
        }
    }
}

/// Checks one history and returns the exit code of its verdict.
pub fn run(arguments: &CheckArgs) -> Result<Exit, Failure> {
    let (path, form, is_lenient) = (&arguments.history, arguments.form.format(), arguments.lenient);
    let budget = CheckerBudget {
        time: Duration::from_secs(arguments.time_budget),
        memory_mb: arguments.memory_budget,
    };
    let algorithm: Algorithm = arguments.algorithm.into();
    if algorithm != Algorithm::Auto && !matches!(arguments.model, Promise::Linearizable(_)) {
        let sentence = "--algorithm chooses among the ways to decide kv, register and cas-register; \
                        leave it out for other models";
        return Err(Failure::usage(anyhow::anyhow!(sentence)));
    }
    let (safety, evidence) = judge(arguments.model, path, form, is_lenient, algorithm, budget)?;
    let answers = vec![safety, super::check_folder::evidence(path, evidence)];
    let verdict = Verdict { answers, is_interrupted: false };
    let text = match arguments.output {
        Format::Json => format!("{}\n", serde_json::to_string(&verdict)?),
        Format::Human => report::verdict_lines(&verdict, super::style()),
    };
    super::print(&text)?;
    Ok(verdict.exit())
}

/// The answers about a history: does it keep the promise, and was there enough to judge?
pub(super) fn judge(
    promise: Promise,
    path: &Path,
    form: Option<form::Format>,
    is_lenient: bool,
    algorithm: Algorithm,
    budget: CheckerBudget,
) -> Result<(Answer, Answer), Failure> {
    let history = || {
        let lines = check::read_history(path, form, is_lenient).map_err(Failure::usage)?;
        told(path, lines.is_torn, lines.repairs);
        Ok::<_, Failure>(lines.history)
    };
    let (safety, operations, open) = match promise {
        Promise::Linearizable(model) => {
            let question = Question { format: form, model, algorithm, budget };
            let report = check::judge(&history()?, &question);
            (safety::answer(&report), report.operations, Some(report.open))
        }
        Promise::Weaker(guarantee) => {
            let report = check::weaker(&history()?, guarantee, budget);
            (safety::weaker(&report), report.operations, None)
        }
        Promise::Object(object) => {
            let lines =
                check::read_object(path, object, form, is_lenient).map_err(Failure::usage)?;
            told(path, lines.is_torn, lines.repairs);
            let report = check::object(&lines.history, object, budget);
            (safety::object(&report), report.operations, Some(report.open))
        }
    };
    let evidence = history_evidence(operations, open, &safety);
    Ok((safety, evidence))
}

/// Says what of the file was left out or repaired.
fn told(path: &Path, is_torn: bool, repairs: Repairs) {
    let path = path.display();
    if is_torn {
        eprintln!(
            "harness: {path}: the end is cut off, as by a kill of the harness; what is cut off \
             is left out"
        );
    }
    let Repairs { dropped, left_open, reordered } = repairs;
    if repairs != Repairs::default() {
        eprintln!(
            "harness: {path}: repaired: {dropped} completions without an invocation dropped, \
             {left_open} operations left open because their process began another, {reordered} \
             events whose time or index ran backwards raised"
        );
    }
}
