//! `harness run` and `harness replay`: everything is checked before anything is started; then the runs are shared out.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

use super::attach::Attach;
use super::display::{Display, DisplayOptions};
use super::one_run::{self, RunSummary, Shared};
use super::{Failure, Format, ReplayArgs, RunArgs, RunOptions, clock, reproduce};
use crate::campaign::earlier::Earlier;
use crate::campaign::exact::{self, Comparison};
use crate::campaign::job::Job;
use crate::campaign::{Guard, share_out, signals, supported};
use crate::cluster::command;
use crate::cluster::program::Program;
use crate::cluster::simulate;
use crate::course::configs;
use crate::exit::Exit;
use crate::network::transport::Transport;
use crate::report::junit::{self, JunitRun};
use crate::report::many;
use crate::scenario::Scenario;
use crate::scenario::host::profile::Profile;
use crate::scenario::host::profiles;
use crate::seed::Seed;
use crate::system::template::Template;
use crate::system::{Description, Port, System};
use crate::text::shell;
use crate::text::{counted, escape, was};
use crate::world::Clock;
use crate::world::probe::Probe;

/// Runs of the stress suite at the same time: fifteen replicas for two processors.
const TRIALS_AT_ONCE: u16 = 3;

/// Runs all workloads and returns the worst of their exit codes.
pub fn run(arguments: &RunArgs) -> Result<Exit, Failure> {
    let options = &arguments.options;
    let host = simulated_host(options)?;
    let mut jobs = Vec::new();
    // An error in the last workload starts none.
    for (number, workload) in arguments.workloads.iter().enumerate() {
        let system = system(arguments)?;
        let scenario = Scenario::load_as(workload, system.naming).map_err(Failure::usage)?;
        let seed = arguments.seed.or(scenario.seed).map_or_else(Seed::from_entropy, Seed);
        let plan = Arc::new(options.draw_for(&scenario, seed, host.as_ref(), system));
        let file = arguments.system.as_deref();
        let reproduce = reproduce::run(workload, file, seed, options, Clock::Real);
        jobs.push(Job { number, source: workload.clone(), plan, reproduce, is_again: false });
    }
    if arguments.stress {
        add_stress_suite(&mut jobs, arguments)?;
    }
    // Some of the suite's seeds run in parallel unless the user wants it otherwise, and none is needed once one has
    // refuted safety. What else is wrong, or shows nothing, does not end the search.
    let at_once = if arguments.stress {
        options.jobs.unwrap_or(1).max(TRIALS_AT_ONCE)
    } else {
        options.jobs.unwrap_or(1)
    };
    let is_found = |exit| exit == Exit::Safety;
    let making = Making {
        at_once: at_once.into(),
        is_silent: false,
        until: if arguments.stress { is_found } else { |_| false },
        way: options.way(),
        clock: Clock::Real,
    };
    let described = jobs.iter().find_map(|job| job.plan.system.description.as_deref());
    let program = match described {
        Some(description) => described_program(description, options)?,
        None => program(options)?,
    };
    for job in &jobs {
        job.plan
            .check_program(&program.arguments)
            .with_context(|| job.source.display().to_string())
            .map_err(Failure::usage)?;
    }
    let Made { exits, summaries, .. } = make_all(&jobs, program, options, &making)?;
    sum_up(&summaries, options)?;
    Ok(worst(&exits))
}

/// Of several runs: one `junit.xml` of all, and which of them failed.
pub fn sum_up(summaries: &[RunSummary], options: &RunOptions) -> Result<(), Failure> {
    if summaries.len() < 2 {
        return Ok(());
    }
    let path = write_junit(summaries, options);
    if options.format == Format::Json {
        return Ok(());
    }
    let lines: Vec<many::Line<'_>> = summaries
        .iter()
        .map(|summary| many::Line {
            line: &summary.line,
            verdict: &summary.verdict,
            reproduce: &summary.reproduce,
        })
        .collect();
    let summary = many::summary(&lines, super::style().width);
    super::print(&format!("{summary}\nfor a CI server: {}\n", path.display()))
}

fn add_stress_suite(jobs: &mut Vec<Job>, arguments: &RunArgs) -> Result<(), Failure> {
    let host = simulated_host(&arguments.options)?;
    let first = arguments.seed.map_or_else(Seed::from_entropy, Seed);
    for n in 0..arguments.seeds {
        let seed = Seed(first.0.wrapping_add(n.into()));
        let scenario = configs::stress(seed).map_err(Failure::usage)?;
        let plan = Arc::new(arguments.options.draw(&scenario, seed, host.as_ref()));
        let reproduce = reproduce::stress(seed, &arguments.options);
        let (number, source) = (jobs.len(), "stress".into());
        jobs.push(Job { number, source, plan, reproduce, is_again: false });
    }
    Ok(())
}

/// One `junit.xml` of all these runs, beside their folders.
pub fn write_junit(summaries: &[RunSummary], options: &RunOptions) -> PathBuf {
    let runs: Vec<JunitRun> = summaries.iter().map(|summary| summary.junit.clone()).collect();
    let path = options.results.join(junit::NAME);
    let written =
        File::create(&path).and_then(|file| junit::write_all(&runs, BufWriter::new(file)));
    if let Err(error) = written {
        // As for the reports of a single run: it is told, and changes no exit code.
        eprintln!("harness: writing {}: {error}", path.display());
    }
    path
}

/// The program that the command line names, or the bundled one.
pub fn program(options: &RunOptions) -> Result<Program, Failure> {
    if let Some(command) = &options.node {
        let words = shell::words(command)
            .map_err(|problem| Failure::usage(anyhow::anyhow!("--node {command:?}: {problem}")))?;
        return Program::of_command(&words).map_err(Failure::usage);
    }
    let path = match &options.replica {
        Some(path) => path.clone(),
        None => bundled_replica().map_err(Failure::usage)?,
    };
    let program = Program::find(&path, options.replica_arguments.clone());
    let program = program.map_err(Failure::usage)?;
    let passed_variables = options.passed_variables.clone();
    Ok(Program { is_confined: options.confined, passed_variables, ..program })
}

/// The system that the command line names, or the course's.
fn system(arguments: &RunArgs) -> Result<System, Failure> {
    let Some(file) = &arguments.system else { return Ok(arguments.options.system()) };
    let mut description = Description::load(file).map_err(Failure::usage)?;
    description
        .command
        .extend(arguments.options.replica_arguments.iter().cloned().map(Template::new));
    Ok(System::driven(description))
}

/// The program of a system file.
fn described_program(description: &Description, options: &RunOptions) -> Result<Program, Failure> {
    let here =
        |place: &str| (place == "here").then(|| description.here.to_string_lossy().into_owned());
    let path = command::find(&description.command[0].fill(here), &description.here);
    let program = Program::find(&path, Vec::new())
        .with_context(|| format!("the system {}, `command[0]`", description.name))
        .map_err(Failure::usage)?;
    let passed_variables = options.passed_variables.clone();
    Ok(Program { is_confined: options.confined, passed_variables, ..program })
}

/// Makes an earlier run again, and says how often the same verdict came.
pub fn replay(arguments: &ReplayArgs) -> Result<Exit, Failure> {
    let earlier = Earlier::load(&arguments.run).map_err(Failure::usage)?;
    let options = &arguments.options;
    let (program, way) = match &options.replica {
        Some(path) => (Program::find(path, options.replica_arguments.clone()), None),
        None => (
            Program::find(&earlier.replica.path, earlier.replica.arguments.clone()),
            Some(earlier.replica.transport),
        ),
    };
    let program = program.map_err(Failure::usage)?;
    let mut passed_variables = options.passed_variables.clone();
    passed_variables.extend(earlier.replica.passed_variables);
    let is_confined = options.confined || earlier.replica.is_confined;
    let program = Program { is_confined, passed_variables, ..program };
    let way = options.transport.given().or(way);
    let mut plan = earlier.plan;
    if let Some(host) = simulated_host(options)? {
        let router = plan.router;
        plan = plan.on(Some(&host), router);
    }
    plan.router = options.router.unwrap_or(plan.router);
    plan.durability = options.durability.unwrap_or(plan.durability);
    if let Some(turns) = options.turns {
        plan = turns.of(plan);
    }
    if arguments.hold {
        let transport = way.unwrap_or(earlier.replica.transport);
        let program = Program { transport, ..program };
        let (run, clock, at) = (&arguments.run, earlier.clock, arguments.until);
        return Attach { run, plan, program, clock, at }.run();
    }
    let plan = Arc::new(plan);
    let reproduce = reproduce::replay(&arguments.run, options);
    let jobs: Vec<Job> = (0..arguments.times as usize)
        .map(|number| Job {
            number,
            source: arguments.run.clone(),
            plan: Arc::clone(&plan),
            reproduce: reproduce.clone(),
            is_again: false,
        })
        .collect();
    let making = Making {
        at_once: options.jobs.unwrap_or(1).into(),
        is_silent: false,
        until: if arguments.until_fails { |exit| exit != Exit::Valid } else { |_| false },
        way,
        clock: earlier.clock,
    };
    let Made { exits, summaries, .. } = make_all(&jobs, program, options, &making)?;
    sum_up(&summaries, options)?;
    if options.format == Format::Human {
        let compared: Vec<Comparison> =
            summaries.iter().map(|it| exact::compare(&arguments.run, &it.folder)).collect();
        let ends: Vec<String> = summaries.into_iter().map(|summary| summary.end).collect();
        let earlier = reproduce::earlier_end(&arguments.run);
        let is_virtual = compared.iter().any(|it| *it != Comparison::NoPath);
        let summary = if is_virtual {
            reproduce::exactness(&compared)
        } else {
            reproduce::summary(&ends, earlier.as_deref())
        };
        super::print(&format!("{summary}\n"))?;
    }
    Ok(worst(&exits))
}

/// The host that the command line asks for.
pub fn simulated_host(options: &RunOptions) -> Result<Option<Profile>, Failure> {
    let Some(name) = options.host.as_deref() else { return Ok(None) };
    let profile = profiles::find(name).map_err(Failure::usage)?;
    for note in simulate::check(&profile).map_err(Failure::usage)? {
        eprintln!("harness: {note}");
    }
    Ok(Some(profile))
}

/// The worst of these.
pub fn worst(exits: &[Exit]) -> Exit {
    exits.iter().copied().fold(Exit::Valid, Exit::join)
}

/// How the runs of a command are made.
pub struct Making {
    /// Runs at the same time.
    pub at_once: usize,
    /// Nothing is printed of each; the command does it.
    pub is_silent: bool,
    /// After which end of a run no other is begun.
    pub until: fn(Exit) -> bool,
    /// The program's transport; found out where the command line does not give it.
    pub way: Option<Transport>,
    /// The clock of an earlier run, where the command line gives none.
    pub clock: Clock,
}

/// What came of all runs of a command.
pub struct Made {
    /// Their exit codes.
    pub exits: Vec<Exit>,
    /// What tables show of them.
    pub summaries: Vec<RunSummary>,
    /// The program's transport.
    pub transport: Transport,
}

/// Makes all runs.
pub fn make_all(
    jobs: &[Job],
    mut program: Program,
    options: &RunOptions,
    making: &Making,
) -> Result<Made, Failure> {
    for job in jobs {
        let wrong =
            |problem| anyhow::anyhow!("{}: {problem}", escape(&job.source.to_string_lossy()));
        job.plan.check_promise().map_err(|problem| Failure::usage(wrong(problem)))?;
    }
    std::fs::create_dir_all(&options.results)
        .with_context(|| format!("making the results folder {}", options.results.display()))
        .map_err(Failure::usage)?;
    let results = options.results.canonicalize()?;
    let guard = Guard::begin(signals::TO_JUDGE)?;
    let is_shown = !options.quiet && options.format == Format::Human;
    let is_driven = jobs.iter().any(|job| job.plan.system.port == Port::Driver);
    program.transport = match making.way {
        Some(way) => way,
        None if is_driven => program.transport,
        None => find_transport(&program, jobs, &guard, is_shown)?,
    };
    let transport = program.transport;
    let jobs = &supported::supported(program.transport, jobs).map_err(Failure::usage)?;
    let shown = DisplayOptions {
        progress: is_shown,
        events: options.verbose,
        at_once: making.at_once.min(jobs.len()),
    };
    let display = Display::start(shown, jobs);
    let plans = jobs.iter().map(|job| &*job.plan);
    let clock = options.clock.map_or(making.clock, |choice| clock::of(choice, plans));
    if clock == Clock::Virtual && is_driven {
        let problem = "a system file needs the time of this host; leave `--clock virtual` out";
        return Err(Failure::usage(anyhow::anyhow!(problem)));
    }
    if clock == Clock::Real && options.turns.is_some() {
        let problem = "`--turns` needs virtual time; use `--clock virtual`, or leave it out";
        return Err(Failure::usage(anyhow::anyhow!(problem)));
    }
    let shared = Shared {
        clock,
        program,
        results,
        options,
        guard: &guard,
        display: &display,
        is_silent: making.is_silent,
        are_many: jobs.len() > 1,
        summaries: Mutex::default(),
    };
    let is_over = AtomicBool::new(false);
    let goes_on = || !is_over.load(Ordering::SeqCst) && !guard.is_interrupted();
    let outcomes = share_out(jobs, making.at_once, goes_on, |job| {
        let outcome = one_run::run(job, &shared);
        // A program that cannot run at all fails every workload in the same way: the first one says it.
        if outcome.as_ref().map_or(true, |exit| (making.until)(*exit)) {
            is_over.store(true, Ordering::SeqCst);
        }
        outcome
    });
    let mut summaries = shared.summaries.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (begun, is_interrupted) = (outcomes.len(), guard.is_interrupted());
    drop(guard);
    display.finish();
    summaries.sort_by_key(|summary| summary.number);
    let mut exits = outcomes.into_iter().collect::<Result<Vec<Exit>, Failure>>()?;
    if begun < jobs.len() && is_interrupted {
        let left = jobs.len() - begun;
        eprintln!("harness: {} {} not begun", counted(left, "run"), was(left));
        exits.push(Exit::Interrupted);
    }
    Ok(Made { exits, summaries, transport })
}

/// The transport of a program, found out by starting it.
pub fn find_transport(
    program: &Program,
    jobs: &[Job],
    guard: &Guard,
    is_shown: bool,
) -> Result<Transport, Failure> {
    let probe = Probe {
        program,
        replicas: jobs.first().map_or(5, |job| job.plan.scenario.replicas),
        mark: guard.watchdog.mark(jobs.len()),
        watchdog: &guard.watchdog,
        interrupt: guard.interrupt.clone(),
    };
    let found = probe.find().map_err(one_run::failure_of)?;
    if is_shown && found != Transport::default() {
        eprintln!("harness: {} speaks {found}: `{}`", program.path.display(), found.usage());
    }
    Ok(found)
}

/// The replica beside this program.
pub(super) fn bundled_replica() -> anyhow::Result<PathBuf> {
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
