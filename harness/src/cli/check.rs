//! `harness check`: the verdict again, from the history's file alone.

use std::time::Duration;

use checker::ModelName;

use super::{CheckArgs, Failure, Format};
use crate::check;
use crate::exit::Exit;
use crate::report;
use crate::scenario::CheckerBudget;
use crate::verdict::Verdict;
use crate::verdict::{history_evidence, safety};

/// Checks one history and returns the exit code of its verdict.
pub fn run(arguments: &CheckArgs) -> Result<Exit, Failure> {
    let budget = CheckerBudget {
        time: Duration::from_secs(arguments.time_budget),
        memory_mb: arguments.memory_budget,
    };
    let checked =
        check::check(&arguments.history, ModelName::Kv, budget).map_err(Failure::usage)?;
    if checked.is_torn {
        eprintln!(
            "harness: {}: the last line is cut off, as by a kill of the harness; it is left out",
            arguments.history.display()
        );
    }
    let safety = safety::answer(&checked.report);
    let evidence = history_evidence(&checked.report, &safety);
    let verdict = Verdict { answers: vec![safety, evidence], is_interrupted: false };
    let text = match arguments.format {
        Format::Json => format!("{}\n", serde_json::to_string(&verdict)?),
        Format::Human => report::verdict_lines(&verdict, super::style()),
    };
    super::print(&text)?;
    Ok(verdict.exit())
}
