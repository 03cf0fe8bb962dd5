//! Where a run takes place: the one room that reads a clock, sleeps, and opens sockets.
//!
//! The run itself is a state machine ([`Machine`](crate::run::machine::Machine)). A world tells it what happens and does
//! what it wants done. There is one world: this host. The unit tests of [`run`](crate::run) have another one, in
//! simulated time.
//!
//! - [`execute`]: a whole run, on the calling thread.
//! - [`real`]: the loop between the run and this host.
//! - `clock`: the time of a run.
//! - `start`: from nothing to a connected cluster; `scratch`: where the replicas work.
//! - [`transport`]: brings packets in and out; [`ports`]: the replicas' connections.
//! - `movers`: which processes moved or removed the folder of a run.
//! - `disks`: what faults do to data directories.
//! - `sampling`: the host is sampled meanwhile; `secure`: whether the files hold what was written.
//! - [`probe`]: the transport of a program, found out by starting it.
//! - `test_hook`: for a test of what a panic leaves behind.

mod clock;
mod disks;
mod driven;
mod ended;
mod movers;
pub mod ports;
pub mod probe;
pub mod real;
mod sampling;
mod scratch;
mod secure;
mod start;
#[cfg(debug_assertions)]
mod test_hook;
pub mod transport;
mod virtual_time;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::cluster::life::Ending;
use crate::cluster::program::Program;
use crate::cluster::watchdog::Watchdog;
use crate::files::counted::Seal;
use crate::files::folder::Folder;
use crate::files::remedy;
use crate::ids::NodeId;
use crate::journal::faults::FaultsFile;
use crate::journal::history::{About, Journal, JournalError, Kept};
use crate::journal::leaders::LeadersFile;
use crate::network::message_log::MessageLog;
use crate::network::transport::Transport;
use crate::plan::{self, Plan};
use crate::record::RunRecord;
use crate::run::machine::Machine;
use crate::run::progress::Progress;
use real::{RealWorld, Written};
pub use virtual_time::{AfterHold, Exactness, Held, Hold, obstacle};

/// What is needed to execute a plan.
pub struct RunRequest {
    /// What the seed decided.
    pub plan: Arc<Plan>,
    /// The replicas' program.
    pub program: Program,
    /// The folder of the run; it exists. The history, the faults and the replicas' logs are
    /// written there as the run goes.
    pub folder: PathBuf,
    /// The mark of the run's processes.
    pub mark: String,
    /// Cleans up if the harness is killed.
    pub watchdog: Option<Arc<Watchdog>>,
    /// Becomes true when the run is to stop and to judge what is there.
    pub interrupt: watch::Receiver<bool>,
    /// Whose time it is.
    pub clock: Clock,
    /// Where the run shows how far it is.
    pub progress: watch::Sender<Progress>,
    /// In virtual time: where it stands still.
    pub hold: Option<Hold>,
}

/// Whose time a run has.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// That of this host
    #[default]
    Real,
    /// One that jumps from one event to the next: the same seed gives the same run
    Virtual,
}

impl Clock {
    /// When a run began that really began then, as its reports tell.
    pub fn shown(self, begun: jiff::Timestamp) -> jiff::Timestamp {
        match self {
            Self::Real => begun,
            Self::Virtual => {
                let seconds = supervisor::time::WALL_START / supervisor::time::SECOND;
                i64::try_from(seconds)
                    .ok()
                    .and_then(|it| jiff::Timestamp::from_second(it).ok())
                    .unwrap_or(begun)
            }
        }
    }
}

/// Why a run could not be executed. Nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// All replicas ended before any of them connected.
    #[error(
        "replica program {program}: it exits at once ({how}) before it {}{stderr}. Start it by hand as \
         `{}`, {}",
        transport.sign_of_life(), transport.usage(), transport.remedy()
    )]
    ExitsAtOnce {
        /// The program.
        program: PathBuf,
        /// How it was started.
        transport: Transport,
        /// How the first one ended.
        how: Ending,
        /// The end of its standard error, as the rest of the sentence.
        stderr: String,
    },
    /// Replicas live, but none connects.
    #[error(
        "replica program {program}: none of the {replicas} replicas connected within {seconds} s. \
         Expected: each {}. Start it by hand as `{}`, {}",
        transport.sign_of_life(), transport.usage(), transport.remedy()
    )]
    NeverConnects {
        /// The program.
        program: PathBuf,
        /// How it was started.
        transport: Transport,
        /// How many were started.
        replicas: usize,
        /// How long they were given.
        seconds: u64,
    },
    /// No replica of a system file is ready in time.
    #[error(
        "system {system}: none of its replicas was ready within {seconds} s{how}{stderr}. Expected: each {ready}. Start \
         one by hand as the system file says, or change `ready` there"
    )]
    NeverReady {
        /// The system.
        system: String,
        /// What was waited for.
        ready: String,
        /// For how long.
        seconds: f64,
        /// How the first one ended, as the rest of the sentence.
        how: String,
        /// The end of its standard error, as the rest of the sentence.
        stderr: String,
    },
    /// A command that is to run before the first operation fails.
    #[error(
        "system {system}: {command} failed ({how}), so no operation was asked. A command of this name prepares the \
         system and must end with 0"
    )]
    FirstCommand {
        /// The system.
        system: String,
        /// The name of the command.
        command: String,
        /// How it ended.
        how: String,
    },
    /// No replica connects, because another run's sockets have the names.
    #[error(
        "another run has replaced the sockets in the shared working directory {directory} ({}), so \
         the replicas cannot reach this run. Give each run a directory of its own",
        taken.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    SocketsTaken {
        /// The directory of the sockets.
        directory: PathBuf,
        /// The replicas of the sockets.
        taken: Vec<NodeId>,
    },
    /// No replica connects, because the program removed the sockets.
    #[error(
        "replica program {program}: no replica connected, for the program removed or replaced the sockets in its \
         working directory ({}). Expected: it connects to the one named by its id, and leaves them all as they are",
        removed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    SocketsRemoved {
        /// The program.
        program: PathBuf,
        /// The replicas of the sockets.
        removed: Vec<NodeId>,
    },
    /// Started over each transport, it never showed a sign of life.
    #[error(
        "replica program {program}: it does not speak the course's protocol over any transport: \
         {attempts}. Start it by hand, or give its transport with --transport"
    )]
    NoTransport {
        /// The program.
        program: PathBuf,
        /// What came of each transport.
        attempts: String,
    },
    /// The system refuses to start it.
    #[error("replica program {program}: the system cannot start it: {reason}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Ctrl-C before the clock started.
    #[error("interrupted before the run's clock started; there is nothing to judge")]
    InterruptedEarly,
    /// The sockets or the folder cannot be made.
    #[error("{what}: {}", remedy::told(reason))]
    System {
        /// What was tried.
        what: String,
        /// Why it failed.
        reason: std::io::Error,
    },
    /// Virtual time does not reach so far.
    #[error("{0}")]
    Clock(String),
    /// The history cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl RunError {
    /// What the system said, if it refused something.
    pub fn reason(&self) -> Option<&std::io::Error> {
        match self {
            Self::Spawn { reason, .. }
            | Self::System { reason, .. }
            | Self::Journal(JournalError { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    /// Says what was tried when the system refused.
    fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |reason| Self::System { what, reason }
    }
}

/// A run that is over.
pub struct Executed {
    /// What was seen.
    pub record: RunRecord,
    /// Its history, to be judged.
    pub history: Kept,
    /// The run's folder, wherever it is by now.
    pub place: Folder,
    /// The path of a run in virtual time.
    pub exactness: Option<Exactness>,
}

/// Executes a plan. In real time that is done on this thread, which must live until the end: the replicas die with it.
pub fn execute(request: RunRequest) -> Result<Executed, RunError> {
    match request.clock {
        Clock::Real => {
            refuse_in_real_time(&request.plan)?;
            execute_here(request)
        }
        // The supervisor takes a processor and a mask of signals for its thread.
        Clock::Virtual => std::thread::scope(|scope| {
            let run = || {
                let (prepared, request) = prepare(request)?;
                virtual_time::execute(request, prepared)
            };
            let thread = std::thread::Builder::new().name("virtual time".into());
            let thread =
                thread.spawn_scoped(scope, run).map_err(RunError::system("starting a thread"))?;
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }),
    }
}

/// What real time cannot do is refused before anything is started.
fn refuse_in_real_time(plan: &Plan) -> Result<(), RunError> {
    let faults = plan.faults.iter().map(|fault| &fault.event);
    let mut refused = faults.filter_map(|event| Some((event, event.needs_virtual_time()?)));
    refused.next().map_or(Ok(()), |(event, what)| {
        let place = if event.place.is_empty() { "nemesis" } else { &event.place };
        Err(RunError::Clock(format!(
            "`{place}`: {what} needs virtual time; use `--clock virtual`, or leave it out"
        )))
    })
}

/// The files and the state machine of a run in virtual time.
fn prepare(request: RunRequest) -> Result<(virtual_time::Prepared, RunRequest), RunError> {
    let begun = begin(&request)?;
    let (_, seal) = sampling::HostSampler::create(&begun.place, request.folder.clone())?;
    let Begun { place, machine, mut written } = begun;
    written.others.push(seal);
    Ok((virtual_time::Prepared { place, machine, written }, request))
}

/// What each run begins with.
struct Begun {
    place: Folder,
    machine: Machine,
    written: Written,
}

fn begin(request: &RunRequest) -> Result<Begun, RunError> {
    // Before any process is started: whatever happens from here on, there is a history to check.
    let place = Folder::open(&request.folder)
        .map_err(RunError::system(format!("opening {}", request.folder.display())))?;
    let journal = Journal::create(&place, &request.folder, About::of(&request.plan))?;
    let leaders = LeadersFile::create(&place).map_err(RunError::system("writing leaders.jsonl"))?;
    let mut messages = MessageLog::open(&place);
    let others: Vec<Seal> = messages.take_seal().into_iter().collect();
    let keeps_data = match &request.plan.system.description {
        Some(description) => description.keeps_data,
        None => plan::keeps_data(&request.program.arguments),
    };
    let machine = Machine::new(Arc::clone(&request.plan), keeps_data, messages);
    let faults = FaultsFile::create(&place, machine.faults())
        .map_err(RunError::system("writing faults.jsonl"))?;
    let written = Written { journal, leaders, faults, others, lost: None };
    Ok(Begun { place, machine, written })
}

fn execute_here(request: RunRequest) -> Result<Executed, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::system("starting the event loop"))?;
    let local = tokio::task::LocalSet::new();
    let Begun { place, machine, mut written } = begin(&request)?;
    let (sampler, seal) = sampling::HostSampler::create(&place, request.folder.clone())?;
    written.others.push(seal);
    local.block_on(&runtime, async {
        let cluster = start::start(&request, &place)?;
        RealWorld::new(request, place, machine, cluster, sampler, written).run().await
    })
}
