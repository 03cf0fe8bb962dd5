//! `harness explain`: what a verdict means, from the run's folder alone.

use std::path::PathBuf;
use std::time::Duration;

use checker::Verdict;
use clap::Args;

use super::{Failure, Format, check};
use crate::check::Question;
use crate::exit::Exit;
use crate::explain::Evidence;
use crate::explain::tell::{tell, tell_of_promise};
use crate::scenario::CheckerBudget;
use crate::verdict::Standing;

/// `harness explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The folder of a run, or a history file.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// What the store promises to be.
    #[arg(long, value_parser = check::Promise::parser(), default_value = "kv", value_name = "MODEL")]
    model: check::Promise,
    /// The form of the history.
    #[arg(long = "format", value_enum, default_value_t = check::Form::Auto)]
    form: check::Form,
    /// Seconds that the checker may spend.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    time_budget: u64,
    /// What is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    output: Format,
}

/// Explains, and returns 0: the verdict's own exit code is `harness check`'s. A run that cannot be
/// read is an error.
pub fn run(arguments: &ExplainArgs) -> Result<Exit, Failure> {
    let budget =
        CheckerBudget { time: Duration::from_secs(arguments.time_budget), memory_mb: 1024 };
    let format = arguments.form.format();
    let (explanation, is_decided) = match arguments.model {
        check::Promise::Linearizable(model) => {
            let question = Question { format, model, algorithm: checker::Algorithm::Auto, budget };
            let evidence = Evidence::read(&arguments.run, &question).map_err(Failure::usage)?;
            let is_decided = !matches!(evidence.report.verdict, Verdict::Unknown(_));
            (tell(&evidence), is_decided)
        }
        promise => {
            let (safety, _) = check::judge(
                promise,
                &arguments.run,
                format,
                false,
                checker::Algorithm::Auto,
                budget,
            )?;
            let (name, meaning) = promise.words();
            let is_decided = safety.standing != Standing::Unknown;
            (tell_of_promise(name, meaning, &safety), is_decided)
        }
    };
    let text = match arguments.output {
        Format::Json => format!("{}\n", serde_json::to_string(&explanation)?),
        Format::Human => explanation.text(super::style().width),
    };
    super::print(&text)?;
    Ok(if is_decided { Exit::Valid } else { Exit::Undecided })
}
