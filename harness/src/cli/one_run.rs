//! One run from plan to reports.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::display::Display;
use super::{Annotations, Failure, Format, RunOptions, reproduce};
use crate::campaign::job::Job;
use crate::campaign::{Guard, judge};
use crate::cluster::program::Program;
use crate::exit::Exit;
use crate::files::counted::{Found, Seal};
use crate::files::folder::Folder;
use crate::host::disturbance::Disturbance;
use crate::host::gauges::own_descriptor_limit as descriptor_limit;
use crate::journal::history::JournalError;
use crate::manifest::{self, Host, Manifest};
use crate::record::{EndReason, FileChange, Interference, RunRecord};
use crate::report::junit::JunitRun;
use crate::report::{self, Finished};
use crate::run::progress::Progress;
use crate::seed::Seed;
use crate::text::escape;
use crate::verdict::Verdict;
use crate::world::{self, Clock, Executed, RunError, RunRequest};
use crate::{course, results};

/// The file in a run's folder that says what the seed decided.
const PLAN: &str = "plan.json";

/// What all runs of one command share.
pub struct Shared<'a> {
    /// The replicas' program.
    pub program: Program,
    /// The results folder, as an absolute path.
    pub results: PathBuf,
    /// The command line.
    pub options: &'a RunOptions,
    /// Whose time the runs have.
    pub clock: Clock,
    /// What surrounds them.
    pub guard: &'a Guard,
    /// What people see meanwhile.
    pub display: &'a Display,
    /// Nothing is printed of a run.
    pub is_silent: bool,
    /// It is one of several.
    pub are_many: bool,
    /// What tables show of the finished runs.
    pub summaries: Mutex<Vec<RunSummary>>,
}

/// What a table shows of a run.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// Its place among the runs of the command.
    pub number: usize,
    /// Its folder.
    pub folder: PathBuf,
    /// The scenario.
    pub name: String,
    /// The seed.
    pub seed: Seed,
    /// Its exit code.
    pub exit: Exit,
    /// Its six answers.
    pub verdict: Verdict,
    /// What the course's simulator would report.
    pub statistics: course::Statistics,
    /// How the course judges it.
    pub judgement: Option<course::CourseJudgement>,
    /// How it ended, in a few words.
    pub end: String,
    /// The command that makes it again.
    pub reproduce: String,
    /// The run in one line.
    pub line: String,
    /// What the host did to it that may explain a failure.
    pub disturbed_by: Option<String>,
    /// What the reader should know although no answer says it.
    pub warnings: Vec<String>,
    /// Why it was made again, alone.
    pub earlier: Option<String>,
    /// What `junit.xml` tells of it.
    pub junit: JunitRun,
}

/// Makes one run, judges it, writes its reports and prints its verdict.
pub fn run(job: &Job, shared: &Shared<'_>) -> Result<Exit, Failure> {
    let outcome = make(job, shared);
    shared.display.over(job, outcome.as_ref().is_ok_and(|exit| *exit == Exit::Valid));
    outcome
}

fn make(job: &Job, shared: &Shared<'_>) -> Result<Exit, Failure> {
    let plan = Arc::clone(&job.plan);
    let start = Timestamp::now();
    let folder = results::create(&shared.results, &plan.scenario.name, start, plan.seed).map_err(
        |error| {
            unwritable(
                error,
                &format!("making a folder for the run in {}", shared.results.display()),
            )
        },
    )?;
    let mut manifest = describe(job, shared, start);
    let begun = Folder::open(&folder).and_then(|place| {
        manifest.write(&place)?;
        manifest::write_json(&place, PLAN, &*plan)
    });
    let of_plan = begun.map_err(|error| {
        let failure =
            unwritable(error, &format!("writing the plan of the run to {}", folder.display()));
        // There is nothing in it to look at.
        let _ = results::remove(&shared.results, &folder);
        failure
    })?;
    results::point_latest(&shared.results, &folder)
        .map_err(|error| unwritable(error, "pointing `latest` to the run"))?;

    let (progress, watched) = watch::channel(Progress::default());
    shared.display.show(job, watched);
    let executed = world::execute(RunRequest {
        plan,
        program: shared.program.clone(),
        folder: folder.clone(),
        mark: shared.guard.watchdog.mark(job.number),
        watchdog: Some(Arc::clone(&shared.guard.watchdog)),
        interrupt: shared.guard.interrupt.clone(),
        clock: shared.clock,
        progress,
        hold: None,
    });
    shared.display.judge(job);
    let Executed { mut record, history, place, exactness } = match executed {
        Ok(executed) => executed,
        Err(error) => return Err(give_up(error, &shared.results, &folder)),
    };
    secure_plan(&of_plan, &place, &mut record);
    // It may have been moved meanwhile.
    let folder = place.path().unwrap_or(folder);
    let judged = judge(&record, history, &folder)?;
    let (verdict, witness) = (&judged.verdict, judged.witness.as_ref());
    manifest.end = Some(Timestamp::now());
    if let Some(exactness) = exactness {
        manifest.took_s = Some(exactness.took.as_secs_f64());
        manifest.not_exact = Some(exactness.not_exact);
    }
    manifest.exit_code = Some(verdict.exit().code());
    if let Err(error) = manifest.write(&place) {
        let path = folder.join("manifest.json");
        eprintln!(
            "harness: cannot write {}: {error}; the verdict stands without it",
            path.display()
        );
    }
    let statistics = course::Statistics::of(&record);
    let judgement = course::judge(&record.scenario, &statistics);
    let finished = Finished {
        record: &record,
        verdict,
        witness,
        statistics,
        judgement: judgement.filter(|_| record.end != EndReason::Interrupted),
        explanation: Some(judged.explanation()),
        reproduce: job.reproduce.clone(),
        folder: shown_folder(&folder),
        results: &shared.results,
        is_again: job.is_again,
        start,
        clock: shared.clock,
    };
    // A failing report never changes a verdict: it is told, and the run keeps its exit code.
    for problem in report::write_files(&finished, &place) {
        eprintln!("harness: {problem}");
    }
    shared.summaries.lock().unwrap_or_else(PoisonError::into_inner).push(RunSummary {
        number: job.number,
        folder: folder.clone(),
        name: record.scenario.name.clone(),
        seed: record.plan.seed,
        exit: verdict.exit(),
        verdict: verdict.clone(),
        statistics: finished.statistics.clone(),
        judgement: finished.judgement.clone(),
        end: reproduce::end(&verdict.answers),
        reproduce: job.reproduce.clone(),
        line: report::quiet_line(&finished),
        earlier: None,
        disturbed_by: disturbance(&record),
        warnings: report::warnings(&finished),
        junit: JunitRun::of(&finished),
    });
    if !shared.is_silent {
        show(&finished, shared);
    }
    annotate(&finished, job, shared);
    Ok(verdict.exit())
}

/// The greatest disturbance that may explain a failure.
fn disturbance(record: &RunRecord) -> Option<String> {
    let those = record.host.disturbances.iter().filter(|it| it.may_explain_a_failure());
    those.max_by(|a, b| a.figure.total_cmp(&b.figure)).map(Disturbance::describe)
}

/// The plan is written before anything is started: nothing else may be in its file afterwards.
fn secure_plan(seal: &Seal, place: &Folder, record: &mut RunRecord) {
    let found = seal.check(place).unwrap_or(Found::Altered);
    if found == Found::Untouched || place.path().is_none() {
        return;
    }
    let change = match found {
        Found::Altered => FileChange::Rewritten,
        Found::Untouched | Found::Replaced => FileChange::Replaced,
    };
    if let Err(error) = manifest::write_json(place, PLAN, &*record.plan) {
        record.notes.push(format!("writing {PLAN} again: {error}"));
    }
    record.interference.insert(Interference::File { name: PLAN.to_owned(), change });
}

/// What the disk did not take is the host's doing.
fn unwritable(error: std::io::Error, what: &str) -> Failure {
    let exit = if is_full(&error) { Exit::Environment } else { Exit::Internal };
    Failure { exit, error: anyhow::Error::new(error).context(what.to_owned()) }
}

/// Whether no more can be written: the disk is full, or a limit on files is reached.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

fn describe(job: &Job, shared: &Shared<'_>, start: Timestamp) -> Manifest {
    Manifest {
        schema: 1,
        version: env!("CARGO_PKG_VERSION"),
        command: std::env::args_os().map(|it| it.to_string_lossy().into_owned()).collect(),
        workload: job.source.display().to_string(),
        scenario: job.plan.scenario.name.clone(),
        seed: job.plan.seed,
        replica: shared.program.clone(),
        host: Host::detect(shared.clock),
        clock: shared.clock,
        start,
        took_s: None,
        not_exact: None,
        end: None,
        exit_code: None,
    }
}

/// The exit code of a run that could not be executed.
fn exit_of(error: &RunError) -> Exit {
    if error.reason().is_some_and(is_out_of_descriptors) {
        return Exit::Environment;
    }
    match error {
        // A full disk is the host's.
        RunError::System { reason, .. } | RunError::Journal(JournalError { reason, .. })
            if is_full(reason) =>
        {
            Exit::Environment
        }
        RunError::ExitsAtOnce { .. }
        | RunError::NeverConnects { .. }
        | RunError::NeverReady { .. }
        | RunError::FirstCommand { .. }
        | RunError::NoTransport { .. }
        | RunError::SocketsRemoved { .. }
        | RunError::Clock(_)
        | RunError::Spawn { .. } => Exit::Usage,
        RunError::SocketsTaken { .. } => Exit::Environment,
        RunError::InterruptedEarly => Exit::Interrupted,
        RunError::System { .. } | RunError::Journal(_) => Exit::Internal,
    }
}

/// A run that could not be executed leaves no folder if there is nothing in it to look at.
fn give_up(error: RunError, results: &Path, folder: &Path) -> Failure {
    let failure = failure_of(error);
    let exit = failure.exit;
    if exit != Exit::Internal && !results::has_history(folder) {
        // What cannot be removed is no reason to hide the error.
        let _ = results::remove(results, folder);
    }
    failure
}

/// A run that could not be executed, with a remedy where the host's limits are in the way.
pub fn failure_of(error: RunError) -> Failure {
    let exit = exit_of(&error);
    let is_short = error.reason().is_some_and(is_out_of_descriptors);
    let error = anyhow::Error::new(error);
    if !is_short {
        return Failure { exit, error };
    }
    let limit = descriptor_limit().map_or_else(|| "too few".to_owned(), |most| most.to_string());
    Failure {
        exit,
        error: error.context(format!(
            "the limit on open files is reached ({limit}; a run needs about 10 for each replica and 30 more). Raise \
             it, for example with `ulimit -n 1024`, or make fewer runs at a time"
        )),
    }
}

/// Whether no more files may be opened, here or on the whole host.
fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    let numbers = [nix::errno::Errno::EMFILE, nix::errno::Errno::ENFILE].map(|it| it as i32);
    error.raw_os_error().is_some_and(|number| numbers.contains(&number))
}

/// The folder as a person would type it: relative to the working directory where that is shorter.
fn shown_folder(folder: &Path) -> PathBuf {
    let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok());
    let relative = here.and_then(|here| folder.strip_prefix(here).ok().map(Path::to_owned));
    relative.unwrap_or_else(|| folder.to_owned())
}

fn show(finished: &Finished<'_>, shared: &Shared<'_>) {
    let options = shared.options;
    // Of several runs those that went well need no page each.
    let is_brief = options.quiet || (shared.are_many && !options.verbose);
    let text = match shared.options.format {
        Format::Json => report::json_line(finished),
        Format::Human if is_brief && finished.verdict.exit() == Exit::Valid => {
            let name = finished.record.scenario.name.as_str();
            warn(name, finished.record.plan.seed, &report::warnings(finished));
            report::quiet_line(finished)
        }
        Format::Human => report::console_block(finished, super::style()),
    };
    shared.display.print(text);
}

/// Warnings of a run of which only one line is shown, on standard error.
pub fn warn(name: &str, seed: Seed, warnings: &[String]) {
    for warning in warnings {
        eprintln!("harness: {} seed {seed}: warning: {}", escape(name), escape(warning));
    }
}

/// What is wrong, for GitHub, where that is wanted.
fn annotate(finished: &Finished<'_>, job: &Job, shared: &Shared<'_>) {
    let is_on_github = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| !value.is_empty());
    if is_on_github || shared.options.annotations == Some(Annotations::Github) {
        let text = report::annotations::github(finished, &job.source);
        match shared.options.format {
            Format::Human => shared.display.print(text),
            // Standard output has one object a line; GitHub reads both.
            Format::Json => eprint!("{text}"),
        }
    }
}
