//! `harness compare`: two runs side by side.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::Failure;
use crate::compare::{self, Line, Run};
use crate::exit::Exit;
use crate::seed::Seed;
use crate::text::{cell, escape};

/// `harness compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Folder of a run
    run_a: PathBuf,
    /// Folder of another run
    run_b: PathBuf,
    /// Write the same lines to a CSV file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Seed of the bootstrap
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Prints the comparison.
pub fn run(arguments: &CompareArgs) -> Result<Exit, Failure> {
    let read = |folder: &Path| {
        let tried = || {
            format!("{}: not the folder of a judged run, such as results/latest", folder.display())
        };
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
    let rows: Vec<[String; 4]> = lines
        .iter()
        .map(|it| {
            let cells = [&it.a, &it.b, &it.difference].map(|cell| escape(&cell.to_string()));
            let [a, b, difference] = cells;
            [it.what.clone(), a, b, difference]
        })
        .collect();
    let head = ["", "A", "B", "B - A [95 %]"].map(str::to_owned);
    let width =
        |n: usize| rows.iter().chain([&head]).map(|row| row[n].chars().count()).max().unwrap_or(0);
    let [what, a, b] = [0, 1, 2].map(width);
    let row =
        |row: &[String; 4]| format!("{:what$}  {:>a$}  {:>b$}  {}", row[0], row[1], row[2], row[3]);
    let mut text = format!("{}\n", row(&head));
    for (line, cells) in lines.iter().zip(&rows) {
        let mark = if line.differs { "  *" } else { "" };
        let _ = writeln!(text, "{}", format!("{}{mark}", row(cells)).trim_end());
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
    let cells = ["a", "b", "difference"];
    let columns = cells.map(|it| [it.to_owned(), format!("{it}_low"), format!("{it}_high")]);
    let head = ["what".to_owned()].into_iter().chain(columns.into_iter().flatten());
    csv.write_record(head.chain(["differs".to_owned()]))?;
    for line in lines {
        let mut row = vec![cell(&line.what)];
        for cell in [&line.a, &line.b, &line.difference] {
            let (low, high) = cell.interval.clone().unwrap_or_default();
            row.extend([cell.value.clone(), low, high]);
        }
        row.push(line.differs.to_string());
        csv.write_record(row)?;
    }
    Ok(csv.flush()?)
}
