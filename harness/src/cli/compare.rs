//! `harness compare`: two runs side by side.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::Failure;
use crate::compare::{self, Line, Run};
use crate::exit::Exit;
use crate::report::text::escape;
use crate::seed::Seed;

/// `harness compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The folder of a run.
    run_a: PathBuf,
    /// The folder of another.
    run_b: PathBuf,
    /// A CSV file of the same lines.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// The seed of what the bootstrap draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Prints the comparison.
pub fn run(arguments: &CompareArgs) -> Result<Exit, Failure> {
    let read = |folder: &Path| {
        let tried = || format!("{}: not the folder of a judged run", folder.display());
        Run::read(folder).with_context(tried).map_err(Failure::usage)
    };
    let (a, b) = (read(&arguments.run_a)?, read(&arguments.run_b)?);
    let lines = compare::compare(&a, &b, Seed(arguments.seed));
    if let Some(path) = &arguments.csv {
        write_csv(path, &lines).with_context(|| format!("writing {}", path.display()))?;
    }
    super::print(&table(&lines))?;
    Ok(Exit::Valid)
}

fn table(lines: &[Line]) -> String {
    let width = |cell: fn(&Line) -> &String| {
        lines.iter().map(|it| cell(it).chars().count()).max().unwrap_or(0)
    };
    let (what, a, b) = (width(|it| &it.what), width(|it| &it.a).max(1), width(|it| &it.b).max(1));
    let mut text = format!("{:what$}  {:>a$}  {:>b$}  B - A [95 %]\n", "", "A", "B");
    for line in lines {
        let mark = if line.differs { "  *" } else { "" };
        let (left, right) = (escape(&line.a), escape(&line.b));
        let _ = writeln!(
            text,
            "{:what$}  {left:>a$}  {right:>b$}  {}{mark}",
            line.what, line.difference
        );
    }
    let differing: Vec<&str> =
        lines.iter().filter(|it| it.differs).map(|it| it.what.as_str()).collect();
    let _ = match differing[..] {
        [] => writeln!(text, "no difference seen"),
        _ => writeln!(text, "a difference in: {}", differing.join(", ")),
    };
    text
}

fn write_csv(path: &Path, lines: &[Line]) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_path(path)?;
    csv.write_record(["what", "a", "b", "difference", "differs"])?;
    for line in lines {
        csv.write_record([
            &line.what,
            &line.a,
            &line.b,
            &line.difference,
            &line.differs.to_string(),
        ])?;
    }
    Ok(csv.flush()?)
}
