//! What a person calls.
//!
//! - `run`: workloads against real processes: `session` prepares and shares out, `supported` leaves out or
//!   refuses what a transport cannot bear, `one_run` takes one run from plan to reports, `display` shows how far they are, `signals` hears Ctrl-C.
//! - `replay`: a run again, from its plan.
//! - `attach`: a run again that stands still at a moment, so that a debugger can look into it.
//! - `clock`: whose time runs have.
//! - `maelstrom`: nodes on standard input and output, with Maelstrom's own flags.
//! - `course`: the course's configs as the course judges them, and what it cannot say.
//! - `grade`: many programs through the same, for a teacher.
//! - `check`: a verdict about a history file.
//! - `explain`: what a verdict means, in sentences.
//! - `shrink`: the smallest workload, and the smallest history, that still fail.
//! - `flake`: the experiment about hosts and routers; `diagnose`: the host or the replica?
//!   `quietly` makes their runs.
//! - `report_page`: the pages for people again; `schema`: shapes for editors and tools;
//!   `export`, `compare`, `serve`: a run for other tools, two side by side, all in a browser.
//! - `mutants`: each named bug of the replica under the stress suite.
//! - `list`: what there is to choose from; `completions`: what a shell and `man` know of the command line.

mod attach;
mod check;
mod check_folder;
mod check_transactions;
mod clock;
mod compare;
mod completions;
mod course;
mod diagnose;
mod display;
mod explain;
mod explore;
mod export;
mod flake;
mod grade;
mod list;
mod maelstrom;
mod mutants;
mod one_run;
mod report_page;
mod reproduce;
mod schema;
mod serve;
mod session;
mod shrink;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cluster::{launch, watchdog};
use crate::durability::promise::Promise;
use crate::exit::Exit;
use crate::files::remedy;
use crate::network::course_2016::RouterKind;
use crate::network::transport::Transport;
use crate::os;
use crate::plan;
use crate::plan::{FailIs, Plan};
use crate::report::Style;
use crate::scenario::Scenario;
use crate::scenario::host::profile::Profile;
use crate::seed::Seed;
use crate::system::{Port, System};
use crate::time::RunTime;

/// Tests whether a replicated store keeps its promise: real processes, real faults, a proved
/// verdict.
#[derive(Debug, Parser)]
#[command(name = "harness", version = env!("HARNESS_VERSION"), max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The default folder for results.
const RESULTS: &str = "results";

const EXIT_CODES: &str = "Exit codes: 0 all valid, 1 internal error, 2 bad usage or workload, \
10 safety, 11 liveness, 12 process, 13 undecided, 14 vacuous, 15 environment, 16 durability, 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run workloads against a cluster of replicas and judge the results
    Run(RunArgs),
    /// Run the course's configs and judge them by the course's rules and by the harness's own
    Course(course::CourseArgs),
    /// Test nodes that speak Maelstrom's protocol, with its own flags
    Maelstrom(maelstrom::MaelstromArgs),
    /// Grade every program in a folder: the course's configs and the stress suite
    Grade(grade::GradeArgs),
    /// Run a recorded plan again
    Replay(ReplayArgs),
    /// Run a recorded plan again in virtual time, and stand still at a moment for a debugger
    Attach(attach::AttachArgs),
    /// Run many seeds, or all kill points, of a workload in virtual time, until one fails
    Explore(explore::ExploreArgs),
    /// Check a recorded history
    Check(check::CheckArgs),
    /// Explain a run's verdict: the counterexample, its likely cause, leaders, faults, lost messages
    Explain(explain::ExplainArgs),
    /// Search for the smallest workload and history that fail like a run
    Shrink(shrink::ShrinkArgs),
    /// Measure why a test script fails on a server and works on a laptop
    Flake(flake::FlakeArgs),
    /// Tell the host's failures from the replica's: repeat a run on a quiet and on a disturbed host
    Diagnose(diagnose::DiagnoseArgs),
    /// Write the page of all runs, or the page of one run again
    Report(report_page::ReportArgs),
    /// Compare two runs: verdicts, latencies, messages
    Compare(compare::CompareArgs),
    /// Serve the results to a browser on this machine
    Serve(serve::ServeArgs),
    /// Convert a run to the format of another tool
    Export(export::ExportArgs),
    /// Print a JSON Schema, for editors and other tools
    Schema(schema::SchemaArgs),
    /// Test the tester: run the stress suite against each named bug of the replica
    Mutants(mutants::MutantsArgs),
    /// List the available models, faults, hosts, keys and rules
    List(list::ListArgs),
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// Write man pages
    Man(completions::ManArgs),
    #[command(name = watchdog::SUBCOMMAND, hide = true)]
    Watchdog { token: String },
}

/// `harness run`.
#[derive(Debug, Args)]
struct RunArgs {
    /// Workload files (JSON; the course's configs run unchanged)
    #[arg(required_unless_present = "stress", value_name = "WORKLOAD")]
    workloads: Vec<PathBuf>,
    /// System file (TOML) that says how a program of any kind is started and asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stress", "replica", "node", "transport", "host"])]
    system: Option<PathBuf>,
    /// Run the built-in stress suite, three seeds in parallel
    #[arg(long)]
    stress: bool,
    /// Number of stress-suite seeds; stops early after a failure
    #[arg(long, default_value_t = 6, value_name = "N", requires = "stress",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    seeds: u16,
    /// Seed of every random choice [default: the workload's, else a new one]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    options: RunOptions,
}

/// `harness replay`.
#[derive(Debug, Args)]
struct ReplayArgs {
    /// Folder of a run; uses its `plan.json`, and the program in its `manifest.json`
    run: PathBuf,
    /// Number of repetitions
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    times: u32,
    /// Stop after the first run that is not valid
    #[arg(long)]
    until_fails: bool,
    /// Stand still in virtual time with the processes alive, so that a debugger can look into them; as `attach`
    #[arg(long, conflicts_with_all = ["times", "until_fails", "format", "results", "jobs"])]
    hold: bool,
    /// Virtual moment at which to hold, in seconds since the start of the run [default: just before the wrong answer]
    #[arg(long, value_name = "SECONDS", requires = "hold", value_parser = attach::moment)]
    until: Option<RunTime>,
    #[command(flatten)]
    options: RunOptions,
}

/// What all commands that make runs understand.
#[derive(Debug, Args)]
struct RunOptions {
    /// Replica program, started as `PROGRAM <id> <other id>...` [default: `replica` beside this program; for a
    /// replay the program of the run]
    #[arg(long, value_name = "PATH")]
    replica: Option<PathBuf>,
    /// Extra argument for each replica, after the ids (or after the command of a system file); `{id}` and `{data}` stand for its id and its own data
    /// directory. Can be given several times
    #[arg(long = "replica-arg", value_name = "ARG", allow_hyphen_values = true)]
    replica_arguments: Vec<String>,
    /// Node program with its arguments, instead of `--replica`: it speaks Maelstrom's protocol over standard input and
    /// output. `{id}` and `{data}` stand for its name and its own data directory
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["replica", "replica_arguments", "transport"])]
    node: Option<String>,
    /// Transport of the program: packets or lines over UNIX sockets, or UDP (then started as `PROGRAM <udp port>
    /// <id> <other id>...`). `auto` finds out by starting it
    #[arg(long, value_enum, default_value_t = TransportChoice::Auto)]
    transport: TransportChoice,
    /// Whose time the run has: that of this host, or a virtual one, in which the same seed gives the same run
    /// [default: `real`; for a replay that of the run]
    #[arg(long, value_enum, value_name = "CLOCK")]
    clock: Option<ClockChoice>,
    /// Who comes first in virtual time, of replicas that have something to do: `chance`, or `priorities:N`, where each
    /// is late for those before it, and N times the first becomes the last [default: `chance`; for a replay that of
    /// the run]
    #[arg(long, value_name = "HOW", value_parser = Turns::parse)]
    turns: Option<Turns>,
    /// Treat a failed put as indeterminate (`info`) or as not applied (`definite`)
    #[arg(long, value_enum, default_value_t = FailMeaning::Info)]
    fail_is: FailMeaning,
    /// Number of replicas that must be able to know of a put before it is acknowledged: `majority`, `any:N` (N of
    /// them) or `off` [default: `majority`; for a replay that of the run]
    #[arg(long, value_name = "PROMISE")]
    durability: Option<Promise>,
    /// Simulated host: a built-in profile (`harness list hosts`) or a file [default: the host as it is; for a
    /// replay that of the run]
    #[arg(long, value_name = "NAME|FILE")]
    host: Option<OsString>,
    /// Limit processes, files and CPU time of each replica, and give it a clean environment
    #[arg(long)]
    confined: bool,
    /// Environment variable that confined replicas get too; besides it they get `PATH`, `HOME`, the locale and a few
    /// more. Can be given several times
    #[arg(long = "pass-env", value_name = "NAME", requires = "confined", value_parser = variable)]
    passed_variables: Vec<String>,
    /// Router semantics [default: `default`; for a replay those of the run]
    #[arg(long, value_enum, value_name = "KIND")]
    router: Option<RouterKind>,
    /// Number of parallel runs [default: 1; to explore one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Folder for the results
    #[arg(long, default_value = RESULTS, value_name = "DIR")]
    results: PathBuf,
    /// Show no progress, and only one line for a valid run; warnings stay, on standard error
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Show leader changes, faults and deaths as they happen, on standard error; of several runs show valid ones in
    /// detail too
    #[arg(long, short)]
    verbose: bool,
    /// Format of standard output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Print failures as annotations too [default: `github` where `GITHUB_ACTIONS` is set]
    #[arg(long, value_enum, value_name = "FOR")]
    annotations: Option<Annotations>,
}

/// The name of an environment variable that there is.
fn variable(name: &str) -> Result<String, String> {
    if name.is_empty() || name.contains('=') {
        return Err("give the name of a variable alone, as in `--pass-env JAVA_HOME`".to_owned());
    }
    match std::env::var_os(name) {
        Some(_) => Ok(name.to_owned()),
        None => {
            Err("the environment has no such variable; set it, or leave the option out".to_owned())
        }
    }
}

/// The system that shows annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Annotations {
    /// Workflow commands of GitHub; on standard error with `--format json`
    Github,
}

/// How a program talks, or that this is to be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TransportChoice {
    /// Each in turn, until the program shows a sign of life
    Auto,
    /// Packets over UNIX sockets, as in the course from 2014 to 2020
    Seqpacket,
    /// Lines over UNIX sockets, as in 2021
    Stream,
    /// Datagrams, as since 2022
    Udp,
}

/// Whose time a run has, or that this depends on what is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClockChoice {
    /// Virtual where this machine and the program allow it, else real; says which
    Auto,
    /// That of this host
    Real,
    /// One that jumps from one event to the next
    Virtual,
}

/// What a refused put means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailMeaning {
    /// The put may or may not take effect
    Info,
    /// The put certainly takes no effect
    Definite,
}

impl From<FailMeaning> for FailIs {
    fn from(meaning: FailMeaning) -> Self {
        match meaning {
            FailMeaning::Info => FailIs::Info,
            FailMeaning::Definite => FailIs::Definite,
        }
    }
}

impl RunOptions {
    /// What is tested.
    fn system(&self) -> System {
        match self.node {
            None => System::default(),
            Some(_) => System::maelstrom(),
        }
    }

    /// The transport, where the command line says it.
    fn way(&self) -> Option<Transport> {
        if self.node.is_some() { Some(Transport::Stdio) } else { self.transport.given() }
    }

    /// The plan of `scenario`, with what the command line adds.
    fn draw(&self, scenario: &Scenario, seed: Seed, host: Option<&Profile>) -> Plan {
        self.draw_for(scenario, seed, host, self.system())
    }

    /// The same for this system.
    fn draw_for(
        &self,
        scenario: &Scenario,
        seed: Seed,
        host: Option<&Profile>,
        system: System,
    ) -> Plan {
        let mut scenario = scenario.clone();
        let keeps_data = match (&system.description, system.port) {
            (Some(description), _) => description.keeps_data,
            (None, Port::Course) => plan::keeps_data(&self.replica_arguments),
            (None, Port::Maelstrom | Port::Driver) => true,
        };
        if !keeps_data && let Some(nemesis) = &mut scenario.nemesis {
            nemesis.spare_those_without_data();
        }
        let mut plan = Plan::draw(&scenario, seed).on(host, self.router.unwrap_or_default());
        plan.fail_is = self.fail_is.into();
        plan.durability = match system.port {
            Port::Course => self.durability.unwrap_or_default(),
            // Only the course's messages tell which replica knows of which put.
            Port::Maelstrom | Port::Driver => Promise::Off,
        };
        plan.system = system;
        self.turns.unwrap_or(Turns::Chance).of(plan)
    }
}

/// Who comes first in virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turns {
    Chance,
    /// The first becomes the last so often.
    Priorities(u32),
}

impl Turns {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "chance" {
            return Ok(Self::Chance);
        }
        let changes = text.strip_prefix("priorities:").and_then(|changes| changes.parse().ok());
        match changes {
            Some(changes @ 0..=1_000) => Ok(Self::Priorities(changes)),
            _ => Err("give `chance`, or `priorities:N` with N from 0 to 1000".to_owned()),
        }
    }
}

impl Turns {
    /// The plan with these.
    fn of(self, plan: Plan) -> Plan {
        match self {
            Self::Chance => Plan { turns: supervisor::Turns::Chance, ..plan },
            Self::Priorities(changes) => plan.with_priorities(changes),
        }
    }
}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chance => f.write_str("chance"),
            Self::Priorities(changes) => write!(f, "priorities:{changes}"),
        }
    }
}

impl TransportChoice {
    fn given(self) -> Option<Transport> {
        match self {
            Self::Auto => None,
            Self::Seqpacket => Some(Transport::Seqpacket),
            Self::Stream => Some(Transport::Stream),
            Self::Udp => Some(Transport::Udp),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people
    Human,
    /// One line of JSON per run
    Json,
}

/// The whole program: reads the command line, does it, and says how it ended.
pub fn main() -> Exit {
    if let Some(error) = launch::launch_if_asked() {
        eprintln!("harness: the replica program cannot be started: {error}");
        return Exit::Internal;
    }
    // Where it cannot be had, the first file that grows too large ends the harness.
    let _ = os::outlive_full_disk();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Valid };
            let _ = error.print();
            return exit;
        }
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("HARNESS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(may_be_coloured() && io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    let result = match cli.command {
        Command::Run(arguments) => session::run(&arguments),
        Command::Course(arguments) => course::run(&arguments),
        Command::Maelstrom(arguments) => maelstrom::run(&arguments),
        Command::Grade(arguments) => grade::run(&arguments),
        Command::Replay(arguments) => session::replay(&arguments),
        Command::Attach(arguments) => attach::run(&arguments),
        Command::Explore(arguments) => explore::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Shrink(arguments) => shrink::run(&arguments),
        Command::Flake(arguments) => flake::run(&arguments),
        Command::Diagnose(arguments) => diagnose::run(&arguments),
        Command::Report(arguments) => report_page::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Mutants(arguments) => mutants::run(&arguments),
        Command::List(arguments) => print(&list::text(&arguments)).map(|()| Exit::Valid),
        Command::Completions(arguments) => completions::completions(&arguments),
        Command::Man(arguments) => completions::man(&arguments),
        Command::Watchdog { token } => {
            watchdog::keep_watch(&token, io::stdin().lock());
            Ok(Exit::Valid)
        }
    };
    let exit = result.unwrap_or_else(|failure| {
        eprintln!("harness: {}", failure.sentence());
        failure.exit
    });
    let is_lost = IS_OUTPUT_LOST.load(Ordering::SeqCst);
    if exit == Exit::Valid && is_lost { Exit::Internal } else { exit }
}

/// What ended the program early, with its exit code.
struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// What was tried, why it failed, and what to do where the system refused something.
    fn sentence(&self) -> String {
        let refused = self.error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
        match refused.and_then(remedy::of) {
            Some(remedy) => format!("{:#}; {remedy}", self.error),
            None => format!("{:#}", self.error),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::Internal, error: error.into() }
    }
}

/// Whether something could not be printed.
static IS_OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Prints on standard output; a reader that went away (`| head`) is no error. What cannot be printed is told, and makes
/// a good end a bad one: it changes no verdict.
#[expect(clippy::unnecessary_wraps, reason = "a command ends with it, as with all that can fail")]
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            if !IS_OUTPUT_LOST.swap(true, Ordering::SeqCst) {
                eprintln!(
                    "harness: standard output cannot be written, so what was found is not shown: {error}"
                );
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// How to write for standard output as it is: as wide as its terminal, and in colours there.
fn style() -> Style {
    let style = Style::new(is_coloured());
    match console::Term::stdout().size_checked() {
        Some((_, columns)) => Style { width: usize::from(columns).clamp(40, 120), ..style },
        None => style,
    }
}

/// Colours: on a terminal only, and never with `NO_COLOR`.
fn is_coloured() -> bool {
    may_be_coloured() && io::stdout().is_terminal()
}

/// Whether the environment allows colours.
fn may_be_coloured() -> bool {
    let is_forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !is_forbidden && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}
