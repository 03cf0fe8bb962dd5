//! `harness mutants`: the tester, tested. Each named bug of the replica under the stress suite, and a table.

use std::fmt::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::{ClockChoice, Failure, clock, session};
use crate::campaign::mutants::{self, CONTROL, Mutants, Row, STRESS_SUITE};
use crate::course::configs;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::seed::Seed;
use crate::text::{cell, markdown_cell};
use crate::world::Clock;

/// `harness mutants`.
#[derive(Debug, Args)]
pub struct MutantsArgs {
    /// Replica program with `--list-bugs`, `--bug NAME` and `--data-dir DIR` [default: `replica` beside this
    /// program]
    #[arg(long, value_name = "PATH")]
    replica: Option<PathBuf>,
    /// Bugs to run, with commas between; `none` is the good replica [default: all that it lists, and `none`]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    bugs: Vec<String>,
    /// Number of chains of runs for each bug, each with seeds of its own
    #[arg(long, default_value_t = 3, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Time limit for a chain to catch its bug, in seconds
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    time: u64,
    /// Number of parallel runs in a chain; the first that catches the bug ends the others [default: 10; in virtual time one
    /// for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    side_by_side: Option<u16>,
    /// Number of parallel chains
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Seed of all seeds
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Whose time the runs have
    #[arg(long, value_enum, value_name = "CLOCK", default_value_t = ClockChoice::Real)]
    clock: ClockChoice,
    /// Folder for the runs and `mutants.csv`
    #[arg(long, default_value = super::RESULTS, value_name = "DIR")]
    results: PathBuf,
}

/// In real time, runs wait most of their time; in virtual time they compute.
fn usual_side_by_side(clock: Clock) -> u16 {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    match clock {
        Clock::Real => 10,
        Clock::Virtual => u16::try_from(processors()).map_or(64, |it| it.min(64)),
    }
}

/// Runs all chains, prints the table and writes `mutants.csv`. Exits with 10 if the good replica was
/// blamed, with 13 if a bug got away.
pub fn run(arguments: &MutantsArgs) -> Result<Exit, Failure> {
    let replica = match &arguments.replica {
        Some(path) => path.clone(),
        None => session::bundled_replica().map_err(Failure::usage)?,
    };
    let bugs = mutants::choose(&replica, &arguments.bugs).map_err(Failure::usage)?;
    if !Path::new(STRESS_SUITE).exists() {
        let problem =
            format!("{STRESS_SUITE} is not here; call `harness mutants` at the top of the project");
        return Err(Failure::usage(anyhow::anyhow!(problem)));
    }
    std::fs::create_dir_all(&arguments.results)
        .with_context(|| format!("making the results folder {}", arguments.results.display()))?;
    let plan = Plan::draw(&configs::stress(Seed(arguments.seed))?, Seed(arguments.seed));
    let clock = clock::of_all(arguments.clock, &plan)?;
    let mutants = Mutants {
        replica,
        seeds: arguments.seeds,
        time: Duration::from_secs(arguments.time),
        side_by_side: arguments.side_by_side.unwrap_or_else(|| usual_side_by_side(clock)),
        jobs: arguments.jobs,
        seed: arguments.seed,
        clock,
        results: arguments.results.clone(),
    };
    let rows = mutants.run(&bugs, |line| eprintln!("{line}"))?;
    let path = arguments.results.join("mutants.csv");
    write_csv(&rows, &path).with_context(|| format!("writing {}", path.display()))?;
    super::print(&format!("{}\nwritten to {}\n", table(&rows), path.display()))?;
    Ok(exit_of(&rows))
}

fn write_csv(rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_path(path)?;
    for row in rows {
        let [bug, question, kind, hidden] =
            [&row.bug, &row.question, &row.kind, &row.hidden].map(|it| cell(it));
        out.serialize(Row { bug, question, kind, hidden, ..row.clone() })?;
    }
    Ok(out.flush()?)
}

/// As the manual shows it.
fn table(rows: &[Row]) -> String {
    let mut text = "| bug | caught | verdict: kind | runs (median) | seconds (median, worst) |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let verdict = match row.caught {
            0 if !row.hidden.is_empty() => format!("invisible: {}", markdown_cell(&row.hidden)),
            0 => "-".to_owned(),
            _ => format!("{}: {}", row.question, row.kind),
        };
        let _ = writeln!(
            text,
            "| `{}` | {} of {} | {verdict} | {} | {:.0}, {:.0} |",
            markdown_cell(&row.bug),
            row.caught,
            row.chains,
            row.runs_median,
            row.seconds_median,
            row.seconds_max
        );
    }
    text
}

fn exit_of(rows: &[Row]) -> Exit {
    let exits = rows.iter().map(|row| match (row.bug == CONTROL, row.caught) {
        (true, 0) => Exit::Valid,
        (true, _) => Exit::Safety,
        (false, caught) if caught == row.chains => Exit::Valid,
        (false, 0) if !row.hidden.is_empty() => Exit::Valid,
        (false, _) => Exit::Undecided,
    });
    exits.fold(Exit::Valid, Exit::join)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bug: &str, caught: usize, hidden: &str) -> Row {
        Row {
            bug: bug.to_owned(),
            chains: 3,
            caught,
            question: "safety".to_owned(),
            kind: "lost, stale read".to_owned(),
            runs_median: 2,
            seconds_median: 18.0,
            seconds_max: 61.0,
            runs: 10,
            disturbed: 0,
            hidden: hidden.to_owned(),
        }
    }

    #[test]
    fn one_that_got_away_is_undecided_and_one_that_is_hidden_is_not() {
        let got_away = row("forgets", 2, "");
        assert_eq!(exit_of(std::slice::from_ref(&got_away)), Exit::Undecided);
        let line = "| `forgets` | 2 of 3 | safety: lost, stale read | 2 | 18, 61 |";
        assert!(table(&[got_away]).contains(line));
        assert_eq!(exit_of(&[row("forgets", 3, "")]), Exit::Valid);
        assert_eq!(exit_of(&[row(CONTROL, 1, "")]), Exit::Safety, "a false alarm");
        let hidden = row("quiet", 0, "it may take effect in any order");
        assert_eq!(exit_of(std::slice::from_ref(&hidden)), Exit::Valid);
        assert!(table(&[hidden]).contains("invisible: it may take effect in any order |"));
    }
}
