//! `harness run`: everything is checked before anything is started; then the runs are shared out.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use tokio::sync::watch;

use super::display::Display;
use super::one_run::{self, Shared};
use super::{Failure, Format, RunArgs, signals};
use crate::cluster::program::Program;
use crate::cluster::sweep;
use crate::cluster::warden::Warden;
use crate::exit::Exit;
use crate::scenario::Scenario;
use crate::seed::Seed;

/// One run that is to be made.
pub struct Job {
    /// Its place among the runs of this command.
    pub number: usize,
    /// The workload file, as given.
    pub workload: PathBuf,
    /// What it describes.
    pub scenario: Scenario,
    /// What everything is drawn from.
    pub seed: Seed,
}

/// Runs all workloads and returns the worst of their exit codes.
pub fn run(arguments: &RunArgs) -> Result<Exit, Failure> {
    let jobs = load(arguments)?;
    let path = match &arguments.replica {
        Some(path) => path.clone(),
        None => bundled_replica().map_err(Failure::usage)?,
    };
    let program =
        Program::find(&path, arguments.replica_arguments.clone()).map_err(Failure::usage)?;
    std::fs::create_dir_all(&arguments.results)
        .with_context(|| format!("making the results folder {}", arguments.results.display()))
        .map_err(Failure::usage)?;
    let results = arguments.results.canonicalize()?;

    let interrupt = signals::listen().context("listening for Ctrl-C")?;
    let leftovers = sweep::kill_leftovers();
    if leftovers > 0 {
        eprintln!("harness: ended {leftovers} processes that a killed harness had left behind");
    }
    sweep::adopt_orphans().context("becoming the parent of orphaned descendants")?;
    let warden = Warden::start().context("starting the warden, which cleans up after a kill")?;
    let is_shown = !arguments.quiet && arguments.format == Format::Human;
    let display = Display::start(is_shown, &jobs);
    let shared = Shared {
        program,
        results,
        arguments,
        warden: Arc::new(warden),
        interrupt,
        display: &display,
    };
    let outcome = share_out(&jobs, &shared, usize::from(arguments.jobs));
    sweep::kill_orphans(&[shared.warden.pid()]);
    display.finish();
    outcome
}

/// Loads all workloads: an error in the last one starts none.
fn load(arguments: &RunArgs) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    for (number, workload) in arguments.workloads.iter().enumerate() {
        let scenario = Scenario::load(workload).map_err(Failure::usage)?;
        let seed = arguments.seed.or(scenario.seed).map_or_else(Seed::from_entropy, Seed);
        jobs.push(Job { number, workload: workload.clone(), scenario, seed });
    }
    Ok(jobs)
}

fn bundled_replica() -> anyhow::Result<PathBuf> {
    let harness = std::env::current_exe().context("finding this program's own path")?;
    let path = harness.parent().unwrap_or(Path::new(".")).join("replica");
    if path.exists() {
        return Ok(path);
    }
    anyhow::bail!(
        "the bundled replica is not at {}; build it with `cargo build`, or give another program \
         with --replica PATH",
        path.display()
    )
}

fn share_out(jobs: &[Job], shared: &Shared<'_>, at_once: usize) -> Result<Exit, Failure> {
    let next = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let worst: Mutex<Result<Exit, Failure>> = Mutex::new(Ok(Exit::Valid));
    thread::scope(|scope| {
        for _ in 0..at_once.min(jobs.len()) {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) && !is_interrupted(&shared.interrupt) {
                    let Some(job) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) else { return };
                    let outcome = one_run::run(job, shared);
                    // A program that cannot run at all fails every workload in the same way: the
                    // first one says it.
                    if outcome.is_err() {
                        is_over.store(true, Ordering::SeqCst);
                    }
                    let mut worst = worst.lock().unwrap_or_else(PoisonError::into_inner);
                    join(&mut worst, outcome);
                }
            });
        }
    });
    let mut worst = worst.into_inner().unwrap_or_else(PoisonError::into_inner);
    if next.load(Ordering::SeqCst) < jobs.len() && is_interrupted(&shared.interrupt) {
        worst = worst.map(|exit| exit.join(Exit::Interrupted));
    }
    worst
}

fn is_interrupted(interrupt: &watch::Receiver<bool>) -> bool {
    *interrupt.borrow()
}

fn join(worst: &mut Result<Exit, Failure>, outcome: Result<Exit, Failure>) {
    match (&mut *worst, outcome) {
        (Ok(exit), Ok(other)) => *exit = exit.join(other),
        (Ok(_), failed) => *worst = failed,
        (Err(_), _) => {}
    }
}
