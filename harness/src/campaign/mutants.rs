//! The tester, tested: each named bug of a replica under the stress suite.
//!
//! Every run is a `harness run` of its own, as a user would make it. A [`chain`] of runs, some of them in parallel
//! and with seeds of its own, goes on until one of them catches the bug or its time is over; of several chains
//! for each bug the table tells the median. The good replica is the control: its chains use their whole time. A
//! bug that no client can tell, by the program's own word, gets one chain, which should find nothing.

pub mod chain;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use chain::{Chain, Way};

use super::share_out;
use crate::text::counted;
use crate::world::Clock;

/// The stress suite.
pub const STRESS_SUITE: &str = "workloads/stress.json";

/// Its name, and that of the folder of its runs.
const SCENARIO: &str = "stress";

/// How a program's list of bugs says that one cannot be seen, and why.
const HIDDEN: &str = "Invisible to clients: ";

/// The name of the good replica in the table.
pub const CONTROL: &str = "(none)";

/// How bugs are looked for.
#[derive(Clone, Debug)]
pub struct Mutants {
    /// The program with the bugs.
    pub replica: PathBuf,
    /// How many chains of runs each bug gets.
    pub seeds: u64,
    /// How long a chain may take to catch its bug.
    pub time: Duration,
    /// How many runs of a chain are made in parallel.
    pub side_by_side: u16,
    /// How many chains are walked in parallel.
    pub jobs: u16,
    /// The seed of all seeds.
    pub seed: u64,
    /// Whose time the runs have.
    pub clock: Clock,
    /// The folder of the runs.
    pub results: PathBuf,
}

impl Mutants {
    /// Walks all chains, and sums them up for each bug. `each` hears a line as a chain ends.
    pub fn run(&self, bugs: &[Bug], each: impl Fn(&str) + Sync) -> anyhow::Result<Vec<Row>> {
        let chains = walk(self, bugs, each)?;
        Ok(bugs.iter().enumerate().map(|(n, bug)| summarize(bug, n, &chains)).collect())
    }
}

/// A bug of the program's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its name in the list.
    pub name: String,
    /// Why no client can tell, if none can.
    pub hidden: Option<String>,
}

/// A row of `mutants.csv`.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "documented in groups")]
pub struct Row {
    /// The bug's name, or [`CONTROL`].
    pub bug: String,
    /// How many chains there were, and how many of them caught it.
    pub chains: usize,
    pub caught: usize,
    /// The verdicts that caught it: questions, and kinds of their answers.
    pub question: String,
    pub kind: String,
    /// Of the chains: how many runs they took, and how long.
    pub runs_median: usize,
    pub seconds_median: f64,
    pub seconds_max: f64,
    /// All runs, and those whose host was disturbed.
    pub runs: usize,
    pub disturbed: usize,
    /// Why no client can tell, if none can.
    pub hidden: String,
}

/// The bugs asked for, in the order of the list; the control first.
pub fn choose(replica: &Path, asked: &[String]) -> anyhow::Result<Vec<Bug>> {
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

/// Walks the chains of all bugs: with the place of the bug in the list, what became of each. `each` hears of them as
/// they end.
fn walk(
    mutants: &Mutants,
    bugs: &[Bug],
    each: impl Fn(&str) + Sync,
) -> anyhow::Result<Vec<(usize, Chain)>> {
    let seeds = usize::try_from(mutants.seeds).unwrap_or(1);
    let of_bug = |bug: usize| {
        let chains = if bugs[bug].hidden.is_some() { 1 } else { seeds };
        (0..chains as u64).map(move |seed| (bug, seed))
    };
    let chains: Vec<(usize, u64)> = (0..bugs.len()).flat_map(of_bug).collect();
    let total = chains.len();
    let begun = AtomicUsize::new(0);
    let jobs = usize::from(mutants.jobs);
    let outcomes = share_out(
        &chains,
        jobs,
        || true,
        |&(bug, seed)| {
            let n = begun.fetch_add(1, Ordering::SeqCst) + 1;
            let name = &bugs[bug].name;
            let chain = Way { mutants, name, seed }.walk()?;
            each(&tell(&chain, name, n, total));
            Ok((bug, chain))
        },
    );
    outcomes.into_iter().collect()
}

fn tell(chain: &Chain, name: &str, n: usize, total: usize) -> String {
    let how = match &chain.caught {
        Some((question, kind)) => format!("{question}: {kind}"),
        None => "not caught".to_owned(),
    };
    format!("{n}/{total}  {name}  {how}  ({}, {:.0} s)", counted(chain.runs, "run"), chain.seconds)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(caught: Option<&str>, runs: usize, seconds: f64) -> (usize, Chain) {
        let caught = caught.map(|kind| ("safety".to_owned(), kind.to_owned()));
        (0, Chain { caught, runs, seconds, disturbed: 0 })
    }

    #[test]
    fn a_row_tells_the_median_of_its_chains() {
        let chains =
            [chain(Some("stale read"), 1, 9.0), chain(None, 7, 61.0), chain(Some("lost"), 2, 18.0)];
        let bug = read_bug("forgets  What it breaks.").expect("a line of the list");
        let row = summarize(&bug, 0, &chains);
        assert_eq!((row.caught, row.chains, row.runs_median, row.runs), (2, 3, 2, 10));
        assert_eq!((row.question.as_str(), row.kind.as_str()), ("safety", "lost, stale read"));
        assert_eq!((row.seconds_median, row.seconds_max), (18.0, 61.0));
    }

    #[test]
    fn a_list_says_which_bugs_are_hidden_and_why() {
        let line = "quiet  What it breaks. Invisible to clients: it may take effect in any order.";
        let bug = read_bug(line).expect("a line of the list");
        assert_eq!(bug.hidden.as_deref(), Some("it may take effect in any order"));
        let row = summarize(&bug, 0, &[chain(None, 5, 60.0)]);
        assert_eq!(row.hidden, "it may take effect in any order");
    }
}
