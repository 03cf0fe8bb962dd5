//! `harness grade`: many programs, and a table of how they did.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::course::CourseEra;
use super::{ClockChoice, FailMeaning, Failure, TransportChoice};
use crate::campaign::grade::{self, Grading};
use crate::course::configs;
use crate::course::grade::table;
use crate::durability::promise::Promise;
use crate::exit::Exit;
use crate::plan::Plan;
use crate::seed::Seed;
use crate::world::Clock;

/// `harness grade`.
#[derive(Debug, Args)]
pub struct GradeArgs {
    /// Folder with a subfolder for each program
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// File name of the program in each subfolder
    #[arg(long, value_name = "NAME")]
    replica_name: PathBuf,
    /// `all`, or names of published configs or config files, with commas between. Two or more are followed by three
    /// seeds of the stress suite; a single one is run with shared keys too
    #[arg(long, default_value = "all", value_name = "CONFIGS")]
    configs: OsString,
    /// Era of the configs and rules
    #[arg(long, value_enum, default_value_t = CourseEra::Y2021)]
    era: CourseEra,
    /// Seed of every random choice [default: the config's, else a new one]
    #[arg(long)]
    seed: Option<u64>,
    /// Number of programs graded in parallel
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Number of parallel runs of a program [default: all its configs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=256))]
    side_by_side: Option<u16>,
    /// Time limit for each program, in seconds
    #[arg(long, default_value_t = 900, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..))]
    time_limit: u64,
    /// Grade programs again that have a row in `grade.csv`
    #[arg(long)]
    again: bool,
    /// Transport of the programs; `auto` finds it out for each
    #[arg(long, value_enum, default_value_t = TransportChoice::Auto)]
    transport: TransportChoice,
    /// Whose time the runs have
    #[arg(long, value_enum, value_name = "CLOCK", default_value_t = ClockChoice::Real)]
    clock: ClockChoice,
    /// Treat a failed put as indeterminate (`info`) or as not applied (`definite`)
    #[arg(long, value_enum, default_value_t = FailMeaning::Info)]
    fail_is: FailMeaning,
    /// Number of replicas that must be able to know of a put before it is acknowledged: `majority`, `any:N` (N of
    /// them) or `off`
    #[arg(long, value_name = "PROMISE", default_value_t)]
    durability: Promise,
    /// Environment variable that the programs get too; besides it they get `PATH`, `HOME`, the locale and a few more.
    /// Can be given several times
    #[arg(long = "pass-env", value_name = "NAME", value_parser = super::variable)]
    passed_variables: Vec<String>,
    /// Folder for `grade.csv` and a folder of each program
    #[arg(long, default_value = "results/grade", value_name = "DIR")]
    results: PathBuf,
}

/// Whose time the runs have.
fn clock(arguments: &GradeArgs) -> Result<Clock, Failure> {
    let plan = Plan::draw(&configs::stress(Seed(0))?, Seed(0));
    super::clock::of_all(arguments.clock, &plan)
}

/// Grades what is not graded yet; the exit code is 0 whatever the programs are, and 130 if some are left.
pub fn run(arguments: &GradeArgs) -> Result<Exit, Failure> {
    let programs = grade::subfolders(&arguments.folder).map_err(Failure::usage)?;
    let grading = Grading {
        clock: clock(arguments)?,
        folder: arguments.folder.clone(),
        replica_name: arguments.replica_name.clone(),
        configs: arguments.configs.clone(),
        era: arguments.era.into(),
        seed: arguments.seed,
        jobs: usize::from(arguments.jobs),
        side_by_side: arguments.side_by_side,
        time_limit: Duration::from_secs(arguments.time_limit),
        again: arguments.again,
        transport: arguments.transport.given(),
        fail_is: arguments.fail_is.into(),
        durability: arguments.durability,
        passed_variables: arguments.passed_variables.clone(),
        results: arguments.results.clone(),
    };
    grading.check(&programs).map_err(Failure::usage)?;
    fs::create_dir_all(&arguments.results)
        .with_context(|| format!("making the results folder {}", arguments.results.display()))
        .map_err(Failure::usage)?;
    let earlier = grading.earlier().map_err(Failure::usage)?;
    let has_row = |it: &&grade::Program| earlier.iter().any(|row| row.is_of(&it.name));
    let known = programs.iter().filter(has_row).count();
    if known > 0 && !arguments.again {
        eprintln!(
            "harness: {known} of {} programs have a row in {} already; --again grades them again",
            programs.len(),
            arguments.results.join(grade::NAME).display()
        );
    }
    let graded = grading.run(&programs, |row| eprint!("{}", table(std::slice::from_ref(row))))?;
    super::print(&format!("{}{}\n", table(&graded.rows), graded.csv.display()))?;
    if graded.missing == 0 {
        return Ok(Exit::Valid);
    }
    eprintln!(
        "harness: {} of {} programs are not graded yet; the same command goes on with them",
        graded.missing, graded.of
    );
    Ok(Exit::Interrupted)
}
