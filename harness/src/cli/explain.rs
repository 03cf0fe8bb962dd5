//! `harness explain`: what a verdict means, from the run's folder alone.

use std::path::PathBuf;
use std::time::Duration;

use checker::{ModelName, Verdict};
use clap::Args;

use super::{Failure, Format, check};
use crate::check::Question;
use crate::exit::Exit;
use crate::explain::Evidence;
use crate::explain::tell::tell;
use crate::scenario::CheckerBudget;

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
    /// Format of standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    output: Format,
}

/// Explains, and returns 0: the verdict's own exit code is `harness check`'s. A run that cannot be
/// read is an error.
pub fn run(arguments: &ExplainArgs) -> Result<Exit, Failure> {
    let budget =
        CheckerBudget { time: Duration::from_secs(arguments.time_budget), memory_mb: 1024 };
    let question =
        Question { format: arguments.form, model: arguments.model, ..Question::of_file(budget) };
    let evidence = Evidence::read(&arguments.run, &question).map_err(Failure::usage)?;
    let is_decided = !matches!(evidence.report.verdict, Verdict::Unknown(_));
    let explanation = tell(&evidence);
    let text = match arguments.output {
        Format::Json => format!("{}\n", serde_json::to_string(&explanation)?),
        Format::Human => explanation.text(super::style().width),
    };
    super::print(&text)?;
    Ok(if is_decided { Exit::Valid } else { Exit::Undecided })
}
