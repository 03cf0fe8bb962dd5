//! `harness check`: a verdict about a history, from its file alone.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::format as form;
use checker::lenient::Repairs;
use checker::models::{Family, MODELS};
use checker::transactional::Level;
use checker::{Algorithm, Datum, FailedCas, History, KeyOrder, ModelName, Reading};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Failure, Format};
use crate::check::{self, AnyAsked, Asked, Question};
use crate::exit::Exit;
use crate::report;
use crate::scenario::CheckerBudget;
use crate::text::counted;
use crate::verdict::{Verdict, history_evidence, safety};

/// `harness check`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct CheckArgs {
    /// Histories: the folder of a run, its `history.jsonl`, or another file; `-` is standard input
    #[arg(required = true, value_name = "HISTORY")]
    histories: Vec<PathBuf>,
    /// Consistency model [default: as the file says or its operations show]
    #[arg(long, value_parser = model_parser())]
    model: Option<ModelName>,
    /// Isolation level, of a history of transactions [default: strong-serializable]
    #[arg(long, value_parser = level_parser(), value_name = "LEVEL")]
    pub(super) level: Option<Level>,
    /// Format of the file
    #[arg(long = "format", value_parser = format_parser(), default_value = AUTO, value_name = "FORMAT")]
    form: FormatChoice,
    /// Initial value of each object, as EDN or JSON [default: by model]
    #[arg(long, value_name = "VALUE", value_parser = datum, allow_hyphen_values = true)]
    pub(super) initial: Option<Datum>,
    /// Meaning of a failed cas without a reason [default: by format; mostly not-done]
    #[arg(long, value_enum)]
    pub(super) failed_cas: Option<Failed>,
    /// Show an order of the operations that explains every answer; for an invalid key, the order of its longest
    /// valid prefix
    #[arg(long)]
    pub(super) show_order: bool,
    /// Continue after the first invalid key, and name each
    #[arg(long)]
    pub(super) all_keys: bool,
    /// Refuse times that run backwards
    #[arg(long)]
    pub(super) strict_time: bool,
    /// Repair inconsistent files by rule: completions without invocation, overlapping operations of a process,
    /// indices that run backwards
    #[arg(long)]
    pub(super) lenient: bool,
    /// Algorithm for each key
    #[arg(long, value_enum, default_value_t = Way::Auto)]
    pub(super) algorithm: Way,
    /// Time limit for reading and checking each history, in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS", allow_hyphen_values = true,
          value_parser = |text: &str| whole(text, "seconds"))]
    time_budget: u64,
    /// Memory limit for reading and checking each history, in megabytes
    #[arg(long, default_value_t = 1024, value_name = "MB", allow_hyphen_values = true,
          value_parser = |text: &str| whole(text, "megabytes"))]
    memory_budget: u64,
    /// Format of standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) output: Format,
}

/// A format, or `None` for the one that the file shows.
pub type FormatChoice = Option<form::Format>;

/// What a failed compare-and-set says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Failed {
    /// Nothing was done, for whatever reason
    NotDone,
    /// The register did not hold the expected value
    Refused,
}

/// Reads a model's name from the command line.
pub fn model_parser() -> impl TypedValueParser<Value = ModelName> {
    let value = |info: &checker::models::ModelInfo| {
        let value = PossibleValue::new(info.name).help(info.promise);
        if info.model == ModelName::UniqueIds { value.alias("ids") } else { value }
    };
    PossibleValuesParser::new(MODELS.iter().map(value))
        .try_map(|name| ModelName::named(&name).ok_or("no such model"))
}

/// Reads a level's name from the command line.
fn level_parser() -> impl TypedValueParser<Value = Level> {
    let value = |level: Level| {
        let value = PossibleValue::new(level.name()).help(level.promise());
        match level.name().strip_prefix("strong-") {
            Some("serializable") => value.alias("strict-serializable"),
            Some(short) if short.starts_with("session-") => value.alias(short),
            _ => value,
        }
    };
    PossibleValuesParser::new(Level::ALL.map(value))
        .try_map(|name| Level::named(&name).ok_or("no such level"))
}

/// Reads the name of a format; `auto` stands for none.
pub fn format_parser() -> impl TypedValueParser<Value = Option<form::Format>> {
    let names = form::Format::NAMES.iter().map(|(name, _)| PossibleValue::new(*name));
    let auto = PossibleValue::new(AUTO).help("by how the file begins");
    PossibleValuesParser::new(std::iter::once(auto).chain(names)).map(|name| {
        form::Format::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, format)| format)
    })
}

pub(super) const AUTO: &str = "auto";

/// A value as it stands in EDN or JSON; a word that is neither is a text.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a parser of arguments")]
fn datum(text: &str) -> Result<Datum, std::convert::Infallible> {
    Ok(Datum::parse(text))
}

/// A budget: how many of a unit.
fn whole(text: &str, unit: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("give a whole number of {unit}, without a unit, as in 60"))
}

/// A way to decide a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// The fastest that fits the key
    Auto,
    /// Gibbons and Korach's zones; for reads and writes of different values
    Zones,
    /// Zones of chains; for compare-and-set on different values
    Chains,
    /// Wing and Gong's search with Lowe's memoization; for everything
    Search,
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

impl CheckArgs {
    fn question(&self) -> Question {
        Question {
            format: self.form,
            reading: Reading {
                failed_cas: self.failed_cas.map(|failed| match failed {
                    Failed::NotDone => FailedCas::NotDone,
                    Failed::Refused => FailedCas::Refused,
                }),
                strict_time: self.strict_time,
                is_lenient: self.lenient,
            },
            model: self.model,
            initial: self.initial.clone(),
            algorithm: self.algorithm.into(),
            all_keys: self.all_keys,
            budget: CheckerBudget {
                time: Duration::from_secs(self.time_budget),
                memory_mb: self.memory_budget,
            },
        }
    }
}

/// The line of one history, for machines.
#[derive(Serialize)]
struct Line<'a> {
    history: String,
    model: &'static str,
    exit_code: u8,
    #[serde(flatten)]
    verdict: &'a Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<&'a checker::Witness>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    orders: &'a Vec<KeyOrder>,
}

/// Checks histories and returns the exit code of the worst verdict. One that cannot be read does not
/// keep the others from being judged.
pub fn run(arguments: &CheckArgs) -> Result<Exit, Failure> {
    let question = arguments.question();
    let is_one = arguments.histories.len() == 1;
    let mut worst = Exit::Valid;
    for path in &arguments.histories {
        match one(path, &question, arguments, is_one) {
            Ok(exit) => worst = worst.join(exit),
            Err(failure) if is_one => return Err(failure),
            Err(failure) => {
                eprintln!("harness: {}", failure.sentence());
                worst = worst.join(Exit::Usage);
            }
        }
    }
    Ok(worst)
}

fn one(
    path: &Path,
    question: &Question,
    arguments: &CheckArgs,
    is_one: bool,
) -> Result<Exit, Failure> {
    let asked = match check::read_any(path, question).map_err(Failure::usage)? {
        AnyAsked::Operations(asked) => asked,
        AnyAsked::Transactions(asked) => {
            return super::check_transactions::one(path, &asked, arguments, is_one);
        }
    };
    if let Some(level) = arguments.level {
        let sentence = format!(
            "--level {} is for transactions, and {} holds single operations: leave it out, or give --model \
             list-append",
            level.name(),
            path.display()
        );
        return Err(Failure::usage(anyhow::anyhow!(sentence)));
    }
    let is_choosy = question.algorithm != Algorithm::Auto;
    if is_choosy && asked.model.info().family != Family::Register {
        let sentence = "--algorithm chooses among the ways to decide registers, texts and lists; leave \
                        it out for other models";
        return Err(Failure::usage(anyhow::anyhow!(sentence)));
    }
    let takes_initial =
        asked.model.info().family != Family::Object || asked.model == ModelName::Counter;
    if question.initial.is_some() && !takes_initial {
        let sentence = "--initial is for registers, texts, lists and the counter; leave it out for other \
                        models";
        return Err(Failure::usage(anyhow::anyhow!(sentence)));
    }
    tell(path, &asked);
    let report = asked.judge(question);
    let safety = safety::answer(&report);
    let evidence = super::check_folder::evidence(path, history_evidence(&report, &safety));
    let mut verdict = Verdict { answers: vec![safety, evidence], is_interrupted: false };
    if let (Some(found), Some(safety)) = (&asked.found, verdict.answers.first_mut()) {
        safety.details.push(found.clone());
    }
    let witness = match &report.verdict {
        checker::Verdict::Invalid(witness) => Some(&**witness),
        _ => None,
    };
    let history = path.display().to_string();
    let is_linearizability = asked.model.info().is_linearizability;
    let orders = if arguments.show_order && is_linearizability {
        check::orders(&asked, question)
    } else {
        Vec::new()
    };
    let text = match arguments.output {
        Format::Json => {
            let (model, exit_code) = (report.model, verdict.exit().code());
            let line =
                Line { history, model, exit_code, verdict: &verdict, witness, orders: &orders };
            format!("{}\n", serde_json::to_string(&line)?)
        }
        Format::Human => {
            let title = if is_one { String::new() } else { format!("{history}\n") };
            let lines = report::verdict_lines(&verdict, super::style());
            let order = if arguments.show_order && !is_linearizability {
                format!("no order to show: {} does not promise linearizability\n", report.model)
            } else {
                order_lines(&asked.read.history, &orders)
            };
            format!("{title}{lines}{order}")
        }
    };
    super::print(&text)?;
    Ok(verdict.exit())
}

/// Each key's order, an operation a line.
fn order_lines(history: &History, orders: &[KeyOrder]) -> String {
    let mut text = String::new();
    for order in orders {
        let of_key =
            if order.key.is_empty() { String::new() } else { format!(" of {:?}", order.key) };
        let _ = match order.until {
            None => writeln!(text, "order{of_key}"),
            Some(until) => {
                writeln!(text, "order{of_key}, which explains what came before event {until}")
            }
        };
        for (place, point) in (1..).zip(&order.points) {
            let operations = history.operations();
            let at = operations.partition_point(|op| op.invoke_index() < point.invoke_index);
            let Some(op) = operations.get(at) else { continue };
            let (event, after) = (point.invoke_index, point.after_index);
            let told = checker::WitnessOperation::of(history, op);
            let told = crate::verdict::safety::describe(&told);
            let _ = writeln!(text, "{place:>7}  {told}, takes effect after event {after}");
            debug_assert_eq!(event, op.invoke_index());
        }
    }
    text
}

/// Says what of the file was left out, repaired, or odd.
fn tell(path: &Path, asked: &Asked) {
    let path = path.display();
    let read = &asked.read;
    if let Some(line) = read.torn {
        eprintln!("harness: {path}: the end is torn at line {line}; what is torn is left out");
    }
    if let Some((line, example)) = &read.skipped.first {
        let count = read.skipped.count;
        let lines = if count == 1 { "line is" } else { "lines are" };
        eprintln!(
            "harness: {path}: {count} {lines} no event and skipped, the first of them line {line}: \
             {example:?}"
        );
    }
    if let Some(backwards) = read.history.backwards() {
        eprintln!(
            "harness: {path}: times run backwards at {}, most at event {}, by {} ns; the order of the \
             events is the file's (--strict-time refuses)",
            counted(backwards.count, "event"),
            backwards.index,
            backwards.largest_ns
        );
    }
    let Repairs { dropped, left_open, reordered } = read.repairs;
    if read.repairs != Repairs::default() {
        eprintln!(
            "harness: {path}: repaired: {} without an invocation dropped, {} left open because \
             the process began another, {} whose index ran backwards raised",
            counted(dropped, "completion"),
            counted(left_open, "operation"),
            counted(reordered, "event")
        );
    }
}
