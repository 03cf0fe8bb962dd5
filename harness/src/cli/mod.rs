//! What a person calls.
//!
//! - `run`: workloads against real processes: `session` prepares and shares out, `supported` leaves out or
//!   refuses what a transport cannot bear, `one_run` takes one run from plan to reports, `display` shows how far they are, `signals` hears Ctrl-C.
//! - `replay`: a run again, from its plan.
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

mod check;
mod check_folder;
mod compare;
mod completions;
mod course;
mod diagnose;
mod display;
mod explain;
mod export;
mod flake;
mod grade;
mod list;
mod mutants;
mod one_run;
mod report_page;
mod reproduce;
mod schema;
mod serve;
mod session;
mod shrink;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cluster::{launch, watchdog};
use crate::exit::Exit;
use crate::network::course_2016::RouterKind;
use crate::network::transport::Transport;
use crate::plan;
use crate::plan::{FailIs, Plan};
use crate::report::Style;
use crate::scenario::Scenario;
use crate::scenario::host::profile::Profile;
use crate::seed::Seed;

/// Tests whether a replicated store keeps its promise: real processes, real faults, a proved
/// verdict.
#[derive(Debug, Parser)]
#[command(name = "harness", version = env!("HARNESS_VERSION"), max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where results go if nobody says otherwise.
const RESULTS: &str = "results";

const EXIT_CODES: &str = "Exit codes: 0 all valid, 1 internal error, 2 bad usage or workload, \
10 safety, 11 liveness, 12 process, 13 undecided, 14 vacuous, 15 environment, 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run workloads against a cluster of replicas and judge what was seen.
    Run(RunArgs),
    /// Run the course's configs, judge them by the course's rules, and add what it cannot say.
    Course(course::CourseArgs),
    /// Run the programs in the subfolders of a folder through the course's configs and the stress suite.
    Grade(grade::GradeArgs),
    /// Make a run again, from its plan alone.
    Replay(ReplayArgs),
    /// Judge a recorded history again, from the file alone.
    Check(check::CheckArgs),
    /// Say in sentences what a run's verdict means: what contradicts what, who led, what was lost.
    Explain(explain::ExplainArgs),
    /// Look for the smallest workload, and the smallest history, that fail as a run did.
    Shrink(shrink::ShrinkArgs),
    /// The experiment: why a test script fails on the server and works on the laptop.
    Flake(flake::FlakeArgs),
    /// Was it the host or the replica? A run again, on the quiet host and on the disturbed one.
    Diagnose(diagnose::DiagnoseArgs),
    /// Write the page about all runs, or again that about one.
    Report(report_page::ReportArgs),
    /// Compare two runs: verdicts, latencies, messages.
    Compare(compare::CompareArgs),
    /// Serve the results to a browser on this machine.
    Serve(serve::ServeArgs),
    /// Write a run in the form of another tool.
    Export(export::ExportArgs),
    /// Print a JSON Schema, for editors and other tools.
    Schema(schema::SchemaArgs),
    /// Test the tester: each named bug of the replica under the stress suite.
    Mutants(mutants::MutantsArgs),
    /// List what there is to choose from.
    List(list::ListArgs),
    /// Print completions for a shell.
    Completions(completions::CompletionsArgs),
    /// Write man pages.
    Man(completions::ManArgs),
    #[command(name = watchdog::SUBCOMMAND, hide = true)]
    Watchdog { token: String },
}

/// `harness run`.
#[derive(Debug, Args)]
struct RunArgs {
    /// Workload files (JSON; the course's configs run as they are).
    #[arg(required_unless_present = "stress", value_name = "WORKLOAD")]
    workloads: Vec<PathBuf>,
    /// The stress suite under shared keys, three seeds side by side; needs no file.
    #[arg(long)]
    stress: bool,
    /// Seeds of the stress suite; no new one once one has found something.
    #[arg(long, default_value_t = 6, value_name = "N", requires = "stress",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    seeds: u16,
    /// The seed of every random choice [default: the workload's, else a new one].
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    options: RunOptions,
}

/// `harness replay`.
#[derive(Debug, Args)]
struct ReplayArgs {
    /// The folder of a run: its `plan.json` says what to do, its `manifest.json` with which program.
    run: PathBuf,
    /// Number of repetitions
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    times: u32,
    /// No more runs once one of them was not valid.
    #[arg(long)]
    until_fails: bool,
    #[command(flatten)]
    options: RunOptions,
}

/// What all commands that make runs understand.
#[derive(Debug, Args)]
struct RunOptions {
    /// The replica program, started as `PROGRAM <id> <other id>...` [default: `replica` beside
    /// this program; for a replay the program of the run].
    #[arg(long, value_name = "PATH")]
    replica: Option<PathBuf>,
    /// One more argument for each replica, behind the ids; `{id}` and `{data}` become its id and
    /// its own data directory. Repeat it for more.
    #[arg(long = "replica-arg", value_name = "ARG", allow_hyphen_values = true)]
    replica_arguments: Vec<String>,
    /// How the program talks: by packets or lines over UNIX sockets, or by UDP (then it is started
    /// as `PROGRAM <udp port> <id> <other id>...`). `auto` finds out by starting it.
    #[arg(long, value_enum, default_value_t = TransportChoice::Auto)]
    transport: TransportChoice,
    /// What it means that a put was answered `fail`; the protocol leaves it open.
    #[arg(long, value_enum, default_value_t = FailMeaning::Info)]
    fail_is: FailMeaning,
    /// The host that is pretended to the replicas: a name of `harness list hosts`, or a file
    /// [default: the host as it is; for a replay that of the run].
    #[arg(long, value_name = "NAME|FILE")]
    host: Option<String>,
    /// Limits for each replica: on its processes, files and CPU time.
    #[arg(long)]
    confined: bool,
    /// Whose rules the network follows [default: `default`; for a replay those of the run].
    #[arg(long, value_enum, value_name = "KIND")]
    router: Option<RouterKind>,
    /// Runs at the same time.
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    /// Where the folders of runs go.
    #[arg(long, default_value = RESULTS, value_name = "DIR")]
    results: PathBuf,
    /// No progress, and of valid runs one line only.
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Leader changes, faults and deaths as they happen, on standard error; of several runs the
    /// whole of each valid one too.
    #[arg(long, short)]
    verbose: bool,
    /// What is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// What is wrong as annotations too; `github` also wherever `GITHUB_ACTIONS` is set.
    #[arg(long, value_enum, value_name = "FOR")]
    annotations: Option<Annotations>,
}

/// Who shows annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Annotations {
    /// Workflow commands of GitHub, on standard error with `--format json`.
    Github,
}

/// How a program talks, or that this is to be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TransportChoice {
    /// Started the way of each in turn, until it shows a sign of life.
    Auto,
    /// 2014 to 2020.
    Seqpacket,
    /// 2021.
    Stream,
    /// Since 2022.
    Udp,
}

/// What a refused put means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailMeaning {
    /// It may or may not take effect.
    Info,
    /// It certainly takes no effect.
    Definite,
}

impl RunOptions {
    /// The plan of `scenario`, with what the command line adds.
    fn draw(&self, scenario: &Scenario, seed: Seed, host: Option<&Profile>) -> Plan {
        let mut scenario = scenario.clone();
        if !plan::keeps_data(&self.replica_arguments)
            && let Some(nemesis) = &mut scenario.nemesis
        {
            nemesis.spare_those_without_data();
        }
        let mut plan = Plan::draw(&scenario, seed).on(host, self.router.unwrap_or_default());
        plan.fail_is = match self.fail_is {
            FailMeaning::Info => FailIs::Info,
            FailMeaning::Definite => FailIs::Definite,
        };
        plan
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
    /// For people.
    Human,
    /// One JSON object a run, one line each.
    Json,
}

/// The whole program: reads the command line, does it, and says how it ended.
pub fn main() -> Exit {
    if let Some(error) = launch::launch_if_asked() {
        eprintln!("harness: the replica's program cannot be started: {error}");
        return Exit::Internal;
    }
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
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let result = match cli.command {
        Command::Run(arguments) => session::run(&arguments),
        Command::Course(arguments) => course::run(&arguments),
        Command::Grade(arguments) => grade::run(&arguments),
        Command::Replay(arguments) => session::replay(&arguments),
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
    result.unwrap_or_else(|failure| {
        eprintln!("harness: {:#}", failure.error);
        failure.exit
    })
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
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::Internal, error: error.into() }
    }
}

/// Prints on standard output; a reader that went away (`| head`) is no error.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
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
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !forbidden && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}
