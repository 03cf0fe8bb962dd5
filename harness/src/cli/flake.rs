//! `harness flake`: hosts by routers by tests, many starts, and what it says about the account.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::{ClockChoice, Failure, RESULTS, clock, session};
use crate::campaign::batch::Batch;
use crate::cluster::program::Program;
use crate::cluster::simulate;
use crate::exit::Exit;
use crate::flake::experiment::{self, Cell, Outcome, TESTS, Trial};
use crate::flake::report;
use crate::flake::student::Student;
use crate::network::course_2016::RouterKind;
use crate::plan::Plan;
use crate::scenario::host::profile::{Profile, ProfileError};
use crate::scenario::host::profiles;
use crate::seed::Seed;
use crate::text::bytes_shown;

/// `harness flake`.
#[derive(Debug, Args)]
pub struct FlakeArgs {
    /// Take half a minute: the direction of each effect, with wide intervals
    #[arg(long, conflicts_with = "thorough")]
    quick: bool,
    /// Take about ten minutes: narrow intervals
    #[arg(long)]
    thorough: bool,
    /// Server to compare with `quiet` alone [default: the built-in servers]
    #[arg(long, value_name = "NAME|FILE")]
    host: Option<OsString>,
    /// Suites on that server [default: 12]; as many with the default router, and one on `quiet` for every four
    #[arg(long, value_name = "N", requires = "host",
          value_parser = clap::value_parser!(u16).range(1..=200))]
    suites: Option<u16>,
    /// Seed of every random choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Replica program [default: a student's Raft in Python; without Python the bundled replica]
    #[arg(long, value_name = "PATH")]
    replica: Option<PathBuf>,
    /// Extra argument for each replica. Can be given several times
    #[arg(long = "replica-arg", value_name = "ARG", allow_hyphen_values = true)]
    replica_arguments: Vec<String>,
    /// Number of parallel runs; they mostly wait
    #[arg(long, default_value_t = 24, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Least time between the starts of two runs, in milliseconds; a run begins only when the replicas of the one
    /// before have connected
    #[arg(long, default_value_t = 60, value_name = "MS",
          value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pace: u64,
    /// Whose time the starts have. In real time the machine adds its own luck to what is simulated; in virtual time all
    /// luck comes from the seeds, a new one for each start, and the same `--seed` gives the same table
    #[arg(long, value_enum, value_name = "CLOCK", default_value_t = ClockChoice::Real)]
    clock: ClockChoice,
    /// Folder for `flake/*.csv`
    #[arg(long, default_value = RESULTS, value_name = "DIR")]
    results: PathBuf,
}

/// How often a start is made again that failed while this machine itself was disturbed.
const MOST_REPEATS: usize = 5;

/// Suites for each host and router. Twelve suites are 204 starts.
fn cells(arguments: &FlakeArgs) -> Vec<(Cell, RouterKind, usize)> {
    let times = match (arguments.quick, arguments.thorough) {
        (true, _) => [2, 5, 1, 2, 2],
        (_, true) => [40, 60, 40, 60, 60],
        _ => [12, 12, 6, 12, 12],
    };
    let cell = |host: &str, router: RouterKind, suites: usize| {
        (Cell { host: host.to_owned(), router: router.name() }, router, suites)
    };
    if let Some(host) = &arguments.host {
        let suites = arguments.suites.map_or(12, usize::from);
        return vec![
            cell("quiet", RouterKind::Course2016, suites.div_ceil(4)),
            cell(&bytes_shown(host), RouterKind::Course2016, suites),
            cell(&bytes_shown(host), RouterKind::Default, suites),
        ];
    }
    vec![
        cell("quiet", RouterKind::Course2016, times[0]),
        cell("login-server", RouterKind::Course2016, times[1]),
        cell("deadline-day", RouterKind::Course2016, times[2]),
        cell("login-server", RouterKind::Default, times[3]),
        cell("deadline-day", RouterKind::Default, times[4]),
    ]
}

/// The whole experiment.
pub fn run(arguments: &FlakeArgs) -> Result<Exit, Failure> {
    let student = Student::write().context("writing the experiment's replica")?;
    let path = match (&arguments.replica, &student) {
        (Some(path), _) => path.clone(),
        (None, Some(student)) => student.path(),
        (None, None) => session::bundled_replica().map_err(Failure::usage)?,
    };
    let server = &arguments.host.as_deref().map_or("login-server".to_owned(), bytes_shown);
    let profile = profile(server, arguments).map_err(Failure::usage)?;
    for note in simulate::check(&profile).map_err(Failure::usage)? {
        eprintln!("harness: {note}");
    }
    let program =
        Program::find(&path, arguments.replica_arguments.clone()).map_err(Failure::usage)?;
    let folder = arguments.results.join("flake");
    fs::create_dir_all(&folder)
        .with_context(|| format!("making the folder {}", folder.display()))
        .map_err(Failure::usage)?;
    let scenario = experiment::scenario(0).map_err(Failure::usage)?;
    let plan =
        Plan::draw(&scenario, Seed(arguments.seed)).on(Some(&profile), RouterKind::Course2016);
    let clock = clock::of_all(arguments.clock, &plan)?;
    let batch = Batch::new(program, clock, Duration::from_millis(arguments.pace))?;
    let trials = experiment::trials(&cells(arguments), arguments.seed);
    eprintln!("harness: {} starts, about {} s", trials.len(), seconds(arguments, trials.len()));
    let mut results = make(&batch, &trials, arguments)?;
    let again = alone(&results);
    results.extend(make(&batch, &again, arguments)?);

    let tallies = experiment::tally(&results);
    let write = || -> std::io::Result<()> {
        report::starts(&results, File::create(folder.join("starts.csv"))?)?;
        report::cells(&tallies, File::create(folder.join("cells.csv"))?)
    };
    write().with_context(|| format!("writing into {}", folder.display()))?;
    super::print(&report::text(&tallies, server))?;
    super::print(&format!("\nresults  {}/starts.csv, cells.csv\n", folder.display()))?;
    if batch.is_interrupted() {
        return Ok(Exit::Interrupted);
    }
    let all_hold = report::claims(&tallies, server).iter().all(|(_, holds, _)| *holds);
    // The experiment is about directions; one that did not come out decides nothing.
    Ok(if all_hold { Exit::Valid } else { Exit::Undecided })
}

/// The host of a table.
fn profile(shown: &str, arguments: &FlakeArgs) -> Result<Profile, ProfileError> {
    let given = arguments.host.as_ref().filter(|host| bytes_shown(host) == shown);
    given.map_or_else(|| profiles::find(shown), profiles::find)
}

fn seconds(arguments: &FlakeArgs, starts: usize) -> u64 {
    let starts = starts as u64;
    let by_pace = starts * arguments.pace.max(150) / 1000;
    by_pace.max(starts * 3 / u64::from(arguments.jobs)) + 5
}

/// Each test that failed once more, with a draw of its own: as by hand.
fn alone(results: &[(Trial, Outcome)]) -> Vec<Trial> {
    let failed =
        results.iter().filter(|(_, outcome)| outcome.error.is_some() && !outcome.is_left_out);
    failed
        .map(|(trial, _)| Trial {
            suite: None,
            seed: Seed(trial.seed).derive("alone").draw(0) >> 32,
            ..trial.clone()
        })
        .collect()
}

fn make(
    batch: &Batch,
    trials: &[Trial],
    arguments: &FlakeArgs,
) -> anyhow::Result<Vec<(Trial, Outcome)>> {
    batch.share_out(trials, usize::from(arguments.jobs), |trial| {
        let scenario = experiment::scenario(trial.test)?;
        let profile = profile(&trial.cell.host, arguments)?;
        let seed = Seed(trial.seed).derive(TESTS[trial.test].0);
        let plan = Plan::draw(&scenario, seed).on(Some(&profile), trial.kind);
        let mut repeated = 0;
        loop {
            let (record, verdict) = batch.run(plan.clone())?;
            let outcome = experiment::outcome(&record, &verdict);
            let is_left_out = outcome.error.is_some() && experiment::is_disturbed(&record);
            if !is_left_out || repeated == MOST_REPEATS || batch.is_interrupted() {
                return Ok((trial.clone(), Outcome { repeated, is_left_out, ..outcome }));
            }
            repeated += 1;
        }
    })
}
