//! `harness explain`: what a verdict means, from the run's folder alone.

use std::path::PathBuf;
use std::time::Duration;

use checker::{ModelName, Verdict};
use clap::Args;
use serde::Serialize;

use super::{Failure, Format, check};
use crate::campaign::Guard;
use crate::campaign::attribution::{Attribution, Conclusion, attribute, candidate};
use crate::campaign::earlier::Earlier;
use crate::campaign::trials::{Target, Trials};
use crate::check::Question;
use crate::cluster::program::Program;
use crate::exit::Exit;
use crate::explain::tell::tell;
use crate::explain::{Evidence, Explanation};
use crate::scenario::CheckerBudget;
use crate::text::counted;

/// `harness explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Folder of a run, or a history file
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Consistency model [default: as the history says]
    #[arg(long, value_parser = check::model_parser(), value_name = "MODEL")]
    model: Option<ModelName>,
    /// Format of the history
    #[arg(long = "format", value_parser = check::format_parser(), default_value = check::AUTO,
          value_name = "FORMAT")]
    form: check::FormatChoice,
    /// Time limit of the checker, in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    time_budget: u64,
    /// Run again without each fault in turn, and tell which of them the failure needs
    #[arg(long)]
    attribute: bool,
    /// Number of runs without each fault
    #[arg(long, default_value_t = 5, value_name = "N", requires = "attribute",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    times: u16,
    /// Number of parallel runs
    #[arg(long, default_value_t = 2, value_name = "N", requires = "attribute",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Show no progress
    #[arg(long, short, requires = "attribute")]
    quiet: bool,
    /// Format of standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    output: Format,
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<&'a Attribution>,
}

/// Explains, and returns 0: the verdict's own exit code is `harness check`'s. A run that cannot be
/// read is an error, and a failure that does not come back is undecided.
pub fn run(arguments: &ExplainArgs) -> Result<Exit, Failure> {
    let budget =
        CheckerBudget { time: Duration::from_secs(arguments.time_budget), memory_mb: 1024 };
    let question =
        Question { format: arguments.form, model: arguments.model, ..Question::of_file(budget) };
    let evidence = Evidence::read(&arguments.run, &question).map_err(Failure::usage)?;
    let is_decided = !matches!(evidence.report.verdict, Verdict::Unknown(_));
    let explanation = tell(&evidence);
    let attribution = if arguments.attribute {
        let Some(found) = attribution(arguments)? else { return Ok(Exit::Interrupted) };
        Some(found)
    } else {
        None
    };
    let text = match arguments.output {
        Format::Json => {
            let printed = Printed { explanation: &explanation, attribution: attribution.as_ref() };
            format!("{}\n", serde_json::to_string(&printed)?)
        }
        Format::Human => {
            let attribution = attribution.as_ref().map(|it| format!("{}\n", it.text()));
            explanation.text(super::style().width) + &attribution.unwrap_or_default()
        }
    };
    super::print(&text)?;
    let is_attributed = attribution.is_none_or(|it| it.conclusion != Conclusion::NotReproduced);
    Ok(if is_decided && is_attributed { Exit::Valid } else { Exit::Undecided })
}

/// Makes the run again without its faults; `None` if that was interrupted.
fn attribution(arguments: &ExplainArgs) -> Result<Option<Attribution>, Failure> {
    let earlier = Earlier::load(&arguments.run).map_err(Failure::usage)?;
    let target = Target::of_run(&arguments.run).map_err(Failure::usage)?;
    let program: Program = earlier.program().map_err(Failure::usage)?;
    let plans = candidate::all(&earlier.plan).len() + 2;
    let guard = Guard::begin("without an attribution")?;
    let trials = Trials::new(earlier.plan, program, target, guard, (earlier.clock, arguments.jobs));
    let mut begun = 0;
    let found = attribute(&trials, usize::from(arguments.times), |what| {
        begun += 1;
        if !arguments.quiet {
            eprintln!("harness: {begun} of {plans}: {}, {what}", counted(arguments.times, "run"));
        }
    })?;
    Ok(found)
}
