//! `harness mutants`: the tester, tested. Each named bug of the replica under the stress suite.
//!
//! Every run is a `harness run` of its own, as a user would make it. A chain of runs, some side by side
//! ([`side_by_side`]) and with seeds of its own, goes on until one of them catches the bug or its time is
//! over; of several chains for each bug the table tells the median. The good replica is the control: its
//! chains use their whole time. A bug that no client can tell, by the program's own word, gets one chain,
//! which should find nothing.

mod side_by_side;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use side_by_side::{Chain, Way};

use super::{Failure, session};
use crate::campaign::share_out;
use crate::exit::Exit;

/// The stress suite.
const STRESS_SUITE: &str = "workloads/stress.json";

/// Its name, and that of the folder of its runs.
const SCENARIO: &str = "stress";

/// How a program's list of bugs says that one cannot be seen, and why.
const HIDDEN: &str = "Invisible to clients: ";

/// The name of the good replica in the table.
const CONTROL: &str = "(none)";

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
    /// Number of parallel runs in a chain; the first that catches the bug ends the others
    #[arg(long, default_value_t = 10, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    side_by_side: u16,
    /// Number of parallel chains
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Seed of all seeds
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the runs and `mutants.csv`
    #[arg(long, default_value = super::RESULTS, value_name = "DIR")]
    results: PathBuf,
}

/// A bug of the program's list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bug {
    name: String,
    /// Why no client can tell, if none can.
    hidden: Option<String>,
}

/// A row of `mutants.csv`.
#[derive(Clone, Debug, Serialize)]
struct Row {
    bug: String,
    chains: usize,
    caught: usize,
    question: String,
    kind: String,
    runs_median: usize,
    seconds_median: f64,
    seconds_max: f64,
    runs: usize,
    disturbed: usize,
    /// Why no client can tell, if none can.
    hidden: String,
}

/// Runs all chains, prints the table and writes `mutants.csv`. Exits with 10 if the good replica was
/// blamed, with 13 if a bug got away.
pub fn run(arguments: &MutantsArgs) -> Result<Exit, Failure> {
    let replica = match &arguments.replica {
        Some(path) => path.clone(),
        None => session::bundled_replica().map_err(Failure::usage)?,
    };
    let bugs = choose(&replica, &arguments.bugs).map_err(Failure::usage)?;
    if !Path::new(STRESS_SUITE).exists() {
        let problem =
            format!("{STRESS_SUITE} is not here; call `harness mutants` at the top of the project");
        return Err(Failure::usage(anyhow::anyhow!(problem)));
    }
    std::fs::create_dir_all(&arguments.results)
        .with_context(|| format!("making the results folder {}", arguments.results.display()))?;
    let chains = make_chains(arguments, &replica, &bugs)?;
    let rows: Vec<Row> =
        bugs.iter().enumerate().map(|(n, bug)| summarize(bug, n, &chains)).collect();
    let path = arguments.results.join("mutants.csv");
    write_csv(&rows, &path).with_context(|| format!("writing {}", path.display()))?;
    super::print(&format!("{}\nwritten to {}\n", table(&rows), path.display()))?;
    Ok(exit_of(&rows))
}

/// The bugs asked for, in the order of the list; the control first.
fn choose(replica: &Path, asked: &[String]) -> anyhow::Result<Vec<Bug>> {
    let listed = Command::new(replica)
        .arg("--list-bugs")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {} --list-bugs", replica.display()))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let known: Vec<Bug> = listed.lines().filter_map(read_bug).collect();
    anyhow::ensure!(!known.is_empty(), "{} --list-bugs lists no bug", replica.display());
    let is_known = |name: &str| name == "none" || known.iter().any(|bug| bug.name == name);
    let unknown = asked.iter().find(|name| !is_known(name));
    if let Some(unknown) = unknown {
        let names: Vec<&str> = known.iter().map(|bug| bug.name.as_str()).collect();
        anyhow::bail!("no bug is named `{unknown}`; allowed: none, {}", names.join(", "));
    }
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|bug| bug == name);
    let control = is_asked("none").then(|| Bug { name: CONTROL.to_owned(), hidden: None });
    let bugs = known.into_iter().filter(|bug| is_asked(&bug.name));
    Ok(control.into_iter().chain(bugs).collect())
}

/// A line of `--list-bugs`: the name, then what it breaks, and why it is invisible if so.
fn read_bug(line: &str) -> Option<Bug> {
    let name = line.split_whitespace().next()?.to_owned();
    let hidden = line.split_once(HIDDEN).map(|(_, why)| why.trim_end_matches('.').to_owned());
    Some(Bug { name, hidden })
}

fn make_chains(
    arguments: &MutantsArgs,
    replica: &Path,
    bugs: &[Bug],
) -> Result<Vec<(usize, Chain)>, Failure> {
    let seeds = usize::try_from(arguments.seeds).unwrap_or(1);
    let of_bug = |bug: usize| {
        let chains = if bugs[bug].hidden.is_some() { 1 } else { seeds };
        (0..chains as u64).map(move |seed| (bug, seed))
    };
    let chains: Vec<(usize, u64)> = (0..bugs.len()).flat_map(of_bug).collect();
    let total = chains.len();
    let begun = AtomicUsize::new(0);
    let jobs = usize::from(arguments.jobs);
    let outcomes = share_out(
        &chains,
        jobs,
        || true,
        |&(bug, seed)| {
            let n = begun.fetch_add(1, Ordering::SeqCst) + 1;
            let name = &bugs[bug].name;
            let chain = Way { arguments, replica, name, seed }.walk()?;
            eprintln!("{}", tell(&chain, name, n, total));
            Ok((bug, chain))
        },
    );
    outcomes.into_iter().collect::<anyhow::Result<_>>().map_err(Failure::from)
}

fn tell(chain: &Chain, name: &str, n: usize, total: usize) -> String {
    let how = match &chain.caught {
        Some((question, kind)) => format!("{question}: {kind}"),
        None => "not caught".to_owned(),
    };
    format!("{n}/{total}  {name}  {how}  ({} runs, {:.0} s)", chain.runs, chain.seconds)
}

fn summarize(of: &Bug, bug: usize, chains: &[(usize, Chain)]) -> Row {
    let of_bug = chains.iter().filter(|(number, _)| *number == bug);
    let chains: Vec<&Chain> = of_bug.map(|(_, chain)| chain).collect();
    let mut runs: Vec<usize> = chains.iter().map(|chain| chain.runs).collect();
    let mut seconds: Vec<f64> = chains.iter().map(|chain| chain.seconds).collect();
    runs.sort_unstable();
    seconds.sort_by(f64::total_cmp);
    let caught: Vec<&(String, String)> =
        chains.iter().filter_map(|chain| chain.caught.as_ref()).collect();
    let words = |word: fn(&(String, String)) -> &String| {
        let mut words: Vec<String> = caught.iter().map(|found| word(found).clone()).collect();
        words.sort();
        words.dedup();
        words.join(", ")
    };
    Row {
        bug: of.name.clone(),
        chains: chains.len(),
        caught: caught.len(),
        question: words(|found| &found.0),
        kind: words(|found| &found.1),
        runs_median: runs.get(runs.len() / 2).copied().unwrap_or(0),
        seconds_median: seconds.get(seconds.len() / 2).copied().unwrap_or(0.0),
        seconds_max: seconds.last().copied().unwrap_or(0.0),
        runs: runs.iter().sum(),
        disturbed: chains.iter().map(|chain| chain.disturbed).sum(),
        hidden: of.hidden.clone().unwrap_or_default(),
    }
}

fn write_csv(rows: &[Row], path: &Path) -> anyhow::Result<()> {
    let mut out = csv::Writer::from_path(path)?;
    for row in rows {
        out.serialize(row)?;
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
            0 if !row.hidden.is_empty() => format!("invisible: {}", row.hidden),
            0 => "-".to_owned(),
            _ => format!("{}: {}", row.question, row.kind),
        };
        let _ = writeln!(
            text,
            "| `{}` | {} of {} | {verdict} | {} | {:.0}, {:.0} |",
            row.bug, row.caught, row.chains, row.runs_median, row.seconds_median, row.seconds_max
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

    #[test]
    fn a_row_tells_the_median_of_its_chains() {
        let chain = |caught: Option<&str>, runs, seconds| {
            let caught = caught.map(|kind| ("safety".to_owned(), kind.to_owned()));
            (0, Chain { caught, runs, seconds, disturbed: 0 })
        };
        let chains =
            [chain(Some("stale read"), 1, 9.0), chain(None, 7, 61.0), chain(Some("lost"), 2, 18.0)];
        let bug = |name: &str, why: &str| {
            read_bug(&format!("{name}  What it breaks. {why}")).expect("a line of the list")
        };
        let row = summarize(&bug("forgets", ""), 0, &chains);
        assert_eq!((row.caught, row.runs_median, row.runs), (2, 2, 10));
        assert_eq!(exit_of(std::slice::from_ref(&row)), Exit::Undecided, "one got away");
        let line = "| `forgets` | 2 of 3 | safety: lost, stale read | 2 | 18, 61 |";
        assert!(table(&[row]).contains(line));
        assert_eq!(
            exit_of(&[summarize(&bug(CONTROL, ""), 0, &chains)]),
            Exit::Safety,
            "a false alarm"
        );
        let hidden = bug("quiet", "Invisible to clients: it may take effect in any order.");
        let row = summarize(&hidden, 0, &[chain(None, 5, 60.0)]);
        assert_eq!(exit_of(std::slice::from_ref(&row)), Exit::Valid);
        assert!(table(&[row]).contains("invisible: it may take effect in any order |"));
    }
}
