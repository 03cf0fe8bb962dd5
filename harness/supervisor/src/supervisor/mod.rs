//! The supervisor: who is there, and what is known of them. What happens is in the files below.

mod attempt;
mod awaited;
mod births;
mod changes;
mod hold;
mod interrupts;
mod patch;
mod run;
mod spawn;
mod spinning;
mod tasks;
mod trial;
mod wakes;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ffi::CString;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::libc;

use crate::agenda::Agenda;
use crate::cost::Costs;
use crate::futex::Queues;
use crate::random::Stream;
use crate::remark::Remark;
use crate::schedule::{Checkpoint, Schedule};
use crate::sys::files::FileId;
use crate::sys::namespaces::World;
use crate::sys::page::{SharedPage, Word};
use crate::sys::seccomp::Filter;
use crate::sys::signals::Wakes;
use crate::sys::{birth, descriptors, signals};
use crate::time::{VirtualTime, WALL_START};
use crate::turns::{Priorities, Turns};

pub use crate::sys::birth::Bounds;
pub use awaited::CallKind;
pub(crate) use tasks::{Life, Member, State, Task, TimerId, VirtualTimer, Waits};

/// How long a thread runs before others have their turn: the shortest time that the kernel allows.
const SLICE: u64 = 100_000;

/// By how much the times of files may be behind the clock.
const COARSE: Duration = Duration::from_millis(20);

/// How a supervisor works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Decides everything that is open.
    pub seed: u64,
    /// How fast the processor is.
    pub costs: Costs,
    /// Who comes first of those that are woken.
    pub turns: Turns,
    /// Whether processes are to have a world of their own, where the system allows that.
    pub is_apart: bool,
    /// Directories that they see there as they are, also under `/tmp`.
    pub kept: Vec<PathBuf>,
    /// Directories that they see there at another place, under `/tmp`: where they are, and where they are seen.
    pub shown: Vec<(PathBuf, PathBuf)>,
    /// The processor on which all of it runs; `None`: where this thread is.
    pub processor: Option<usize>,
    /// A thread that computes for so long without a call is stuck.
    pub patience: Duration,
    /// Whether processes are told of a processor that draws no random numbers, where this one allows that. Each call then
    /// takes four times as long: the processor is told at each change of threads.
    pub is_processor_hidden: bool,
    /// The times of files that were changed since then are virtual.
    pub begun: SystemTime,
    /// The most descriptors that a process may have, where some [`Bounds`] say so.
    pub descriptors: Option<u64>,
    /// Whether each decision is kept, as a line of text.
    pub is_traced: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            costs: Costs::default(),
            turns: Turns::default(),
            is_apart: true,
            kept: Vec::new(),
            shown: Vec::new(),
            processor: None,
            patience: Duration::from_secs(10),
            is_processor_hidden: false,
            begun: SystemTime::now(),
            descriptors: None,
            is_traced: false,
        }
    }
}

/// What is to be started.
#[derive(Default)]
pub struct ProcessSpec {
    /// Its words; the first is the path of the program.
    pub words: Vec<CString>,
    /// Its environment, as `NAME=value`.
    pub environment: Vec<CString>,
    /// Where it works.
    pub directory: CString,
    /// Its standard input, output and error.
    pub standard: [RawFd; 3],
    /// How it is called in remarks: `replica 0002`.
    pub label: String,
    /// By how much its clocks are ahead of the others', in nanoseconds.
    pub skew: i64,
    /// What it may not do.
    pub bounds: Bounds,
    /// How much longer each of its writes through to the disk (`fsync`) takes than on a fast one, in nanoseconds.
    pub slow_syncs: Option<SlowSyncs>,
}

/// How much longer the n-th write through to the disk takes, in nanoseconds; n from 1.
pub type SlowSyncs = Box<dyn Fn(u64) -> u64>;

/// A process that was started here, with all its descendants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub usize);

/// One end of a connection to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(u64);

/// A thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskId(pub usize);

/// Why time stands still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The time has come.
    Reached,
    /// The moment of [`Supervisor::halt_after`] is over, and each thread is in a call.
    Halted,
    /// Nothing will ever happen any more, unless something is delivered.
    Idle,
    /// At some watched endpoint of this process there is something to read or to accept, or it is closed.
    Ready(ProcessId),
    /// It is about to make the call of [`Supervisor::await_call`].
    AtCall(ProcessId),
    /// It ended. What it started may live on.
    Exited(ProcessId, ExitStatus),
    /// A thread of it computes without end, without a call.
    Stuck(ProcessId),
    /// The system refused something that cannot be done without.
    Failed(String),
}

/// Why nothing can be supervised.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// The system refuses.
    #[error("{what}: {reason}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        reason: Errno,
    },
    /// A process that others looked into does not go on as before.
    #[error("{label} (process {pid}) {what}")]
    Lost {
        /// The label of the process.
        label: String,
        /// Its number.
        pid: i32,
        /// What happened to it.
        what: &'static str,
    },
    /// Too many threads of this program supervise.
    #[error("too many supervisors at once")]
    TooMany,
}

impl SupervisorError {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(Errno) -> Self {
        move |reason| Self::System { what, reason }
    }
}

/// What happens later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// A held call is taken up.
    Attempt(TaskId, u64),
    /// The time of a call that waits is over.
    Timeout(TaskId, u64),
    /// A stopped thread goes on.
    Resume(TaskId),
    /// A timer of a process goes off.
    Timer(usize, TimerId, u64),
}

/// A process of [`Supervisor::spawn`], with its descendants.
pub(crate) struct Group {
    pub label: String,
    pub listener: OwnedFd,
    pub page: SharedPage,
    /// Decides costs and delays.
    pub drawn: Stream,
    /// What it is given as random.
    pub random: Stream,
    /// Its first process.
    pub top: usize,
    pub tasks: u64,
    pub is_paused: bool,
    /// The host waits for a call of it.
    pub awaited: Option<awaited::Awaited>,
    pub postponed: Vec<Later>,
    /// The virtual processor time that it used.
    pub used: u64,
    /// Whether it may have sent something, or closed something, since the endpoints were looked at.
    pub is_dirty: bool,
    pub endpoints: Vec<(EndpointId, OwnedFd)>,
    pub ready: BTreeSet<EndpointId>,
    pub next_port: u16,
    pub slow_syncs: Option<SlowSyncs>,
    /// Its writes through to the disk so far.
    pub syncs: u64,
}

/// Runs processes in virtual time. It belongs to the thread that made it.
pub struct Supervisor {
    pub(crate) settings: Settings,
    pub(crate) now: VirtualTime,
    /// How far it may go at present.
    until: VirtualTime,
    /// After this it is to halt, once.
    halt_after: VirtualTime,
    /// Others look into the processes, which are not followed meanwhile.
    is_looked_at: bool,
    pub(crate) agenda: Agenda<Later>,
    pub(crate) schedule: Schedule,
    priorities: Priorities,
    pub(crate) groups: Vec<Group>,
    pub(crate) members: Vec<Member>,
    pub(crate) tasks: Vec<Task>,
    by_tid: HashMap<i32, TaskId>,
    /// Births that were seen before the parent told of them.
    early: BTreeSet<i32>,
    running: Vec<TaskId>,
    /// Threads that go in circles, and are stopped while others go on.
    spinning: Vec<spinning::Spinning>,
    /// Threads that wait in the kernel, where they were not expected to.
    astray: usize,
    pub(crate) futexes: Queues<TaskId>,
    spaces: u64,
    endpoints: u64,
    stops: VecDeque<Stop>,
    remarks: BTreeSet<Remark>,
    is_all_shared: bool,
    /// Where the host listens in the processes' network.
    host_ports: BTreeSet<u16>,
    replacements: Option<Vec<(u64, u64)>>,
    pub(crate) mappings: BTreeMap<(u64, u64), (u64, u64)>,
    filter: Filter,
    /// Where the file of the page is in each process until it is mapped.
    pub(crate) page_at: RawFd,
    /// Files whose times are not before this were changed since the run began: in nanoseconds since 1970.
    pub(crate) begun: u64,
    /// When they were changed.
    pub(crate) changed: HashMap<FileId, VirtualTime>,
    /// What processes are told of the processor. Under a hypervisor asking takes long.
    processor: HashMap<(u32, u32), [u32; 4]>,
    trace: Vec<String>,
    /// Room for what is polled.
    pub(crate) polled: Vec<libc::pollfd>,
    processors_before: libc::cpu_set_t,
    world: Option<World>,
    wakes: Wakes,
}

impl Supervisor {
    /// Nothing runs, and the time is zero.
    pub fn new(settings: Settings) -> Result<Self, SupervisorError> {
        let wakes = Wakes::begin(run::LOOK).ok_or(SupervisorError::TooMany)?;
        let processor = settings.processor.unwrap_or_else(birth::processor);
        let processors_before =
            birth::pin(processor).map_err(SupervisorError::system("staying on one processor"))?;
        birth::run_briefly(SLICE);
        let page_at = birth::page_descriptor(settings.descriptors);
        let mut remarks = BTreeSet::new();
        let mut world = None;
        if settings.is_apart {
            match World::new(&settings.kept, &settings.shown) {
                Ok(made) => {
                    for (what, error) in &made.refused {
                        let reason = error.desc().to_owned();
                        remarks.insert(Remark::Refused { what, reason });
                    }
                    world = Some(made);
                }
                Err(error) => {
                    let (what, reason) = ("namespaces", error.desc().to_owned());
                    remarks.insert(Remark::Refused { what, reason });
                }
            }
        }
        Ok(Self {
            now: VirtualTime::ZERO,
            until: VirtualTime::ZERO,
            halt_after: VirtualTime::NEVER,
            is_looked_at: false,
            agenda: Agenda::new(settings.seed),
            schedule: Schedule::default(),
            priorities: Priorities::new(&settings.turns, settings.seed),
            groups: Vec::new(),
            members: Vec::new(),
            tasks: Vec::new(),
            by_tid: HashMap::new(),
            early: BTreeSet::new(),
            running: Vec::new(),
            spinning: Vec::new(),
            astray: 0,
            futexes: Queues::default(),
            spaces: 0,
            endpoints: 0,
            stops: VecDeque::new(),
            remarks,
            is_all_shared: false,
            host_ports: BTreeSet::new(),
            replacements: None,
            mappings: BTreeMap::new(),
            filter: crate::calls::filter(page_at),
            page_at,
            begun: settings.begun.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| {
                u64::try_from(it.saturating_sub(COARSE).as_nanos()).unwrap_or_default()
            }),
            changed: HashMap::new(),
            processor: HashMap::new(),
            trace: Vec::new(),
            polled: Vec::new(),
            processors_before,
            world,
            settings,
            wakes,
        })
    }

    /// Whether processes see what was asked for under a `/tmp` of their own.
    pub fn has_own_tmp(&self) -> bool {
        self.world.as_ref().is_some_and(World::has_own_tmp)
    }

    /// The time.
    pub fn now(&self) -> VirtualTime {
        self.now
    }

    /// What keeps the run from being exact.
    pub fn remarks(&self) -> impl Iterator<Item = &Remark> {
        self.remarks.iter()
    }

    /// The hash of all that was decided.
    pub fn schedule_hash(&self) -> u64 {
        self.schedule.hash()
    }

    /// The hash after each 10,000 calls.
    pub fn checkpoints(&self) -> &[Checkpoint] {
        self.schedule.checkpoints()
    }

    /// Each decision, a line each, if they are kept: where two runs with the same seed differ for the first time, there is
    /// a leak.
    pub fn trace(&self) -> &[String] {
        &self.trace
    }

    /// How many calls were taken up.
    pub fn calls(&self) -> u64 {
        self.schedule.calls()
    }

    /// The number of the first process by which the host knows it.
    pub fn pid(&self, process: ProcessId) -> i32 {
        self.members[self.groups[process.0].top].pid
    }

    /// Whether its first process lives.
    pub fn is_alive(&self, process: ProcessId) -> bool {
        self.members[self.groups[process.0].top].is_alive()
    }

    /// How much of the virtual processor it used, in nanoseconds.
    pub fn used(&self, process: ProcessId) -> u64 {
        self.groups[process.0].used
    }

    /// Time stops when there is something to read at this end of a connection to the process, or to accept, or when it
    /// is closed from there.
    pub fn watch(
        &mut self,
        process: ProcessId,
        end: BorrowedFd<'_>,
    ) -> Result<EndpointId, SupervisorError> {
        let end = end.try_clone_to_owned().map_err(|error| SupervisorError::System {
            what: "watching a connection",
            reason: Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
        })?;
        let id = EndpointId(self.endpoints);
        self.endpoints += 1;
        self.groups[process.0].endpoints.push((id, end));
        Ok(id)
    }

    /// That end is of no interest any more.
    pub fn forget(&mut self, process: ProcessId, endpoint: EndpointId) {
        self.groups[process.0].endpoints.retain(|(known, _)| *known != endpoint);
    }

    /// The endpoints of the process at which something was ready since this was last asked.
    pub fn take_ready(&mut self, process: ProcessId) -> BTreeSet<EndpointId> {
        std::mem::take(&mut self.groups[process.0].ready)
    }

    /// Something was put into a connection to the process, or taken out, or closed: who waits for it may go on.
    pub fn delivered(&mut self, process: ProcessId) {
        self.wake(process.0);
    }

    /// The process, with its descendants, stands still until [`resume`](Self::resume).
    pub fn pause(&mut self, process: ProcessId) {
        self.groups[process.0].is_paused = true;
    }

    /// The process goes on.
    pub fn resume(&mut self, process: ProcessId) {
        let group = &mut self.groups[process.0];
        group.is_paused = false;
        let postponed = std::mem::take(&mut group.postponed);
        let mut at = self.now;
        for later in postponed {
            let delay = self.wake_delay(process.0);
            at = at.plus(delay);
            self.agenda.add(at, later);
        }
    }

    /// The wall clock of the process, with its descendants, is so many nanoseconds ahead of the others' from now on. What
    /// waits already until a time of the wall clock ends when it would have.
    pub fn set_wall_clock(&mut self, process: ProcessId, ahead: i64) {
        let wall = WALL_START.wrapping_add_signed(ahead);
        self.schedule.note(&[self.now.0, 0xc10c, process.0 as u64, wall]);
        self.groups[process.0].page.set(Word::Wall, wall);
    }

    /// A signal to the process and its descendants. Those that it ends have ended when this returns.
    pub fn signal(&mut self, process: ProcessId, signal: i32) {
        self.schedule.note(&[self.now.0, 0x516, process.0 as u64, signal.cast_unsigned().into()]);
        let of_it: Vec<usize> = (0..self.members.len())
            .filter(|&member| {
                self.members[member].group == process.0 && self.members[member].is_alive()
            })
            .collect();
        for &member in &of_it {
            if signal == libc::SIGKILL {
                self.members[member].life = Life::Dying;
            }
            // It may have ended.
            let _ = signals::send(self.members[member].pid, signal);
        }
        if signal == libc::SIGKILL {
            self.await_ends(&of_it);
        } else {
            for member in of_it {
                self.signalled(member);
            }
        }
    }

    /// A socket for datagrams, of the host, in the processes' network: at this port, if they have one of their own.
    pub fn datagram_socket(&mut self, port: u16) -> Result<UdpSocket, SupervisorError> {
        let what = "a socket in the processes' network";
        let system = SupervisorError::system(what);
        let address = |port: u16| (Ipv4Addr::LOCALHOST, port);
        let number =
            |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
        let socket = match &self.world {
            None => UdpSocket::bind(address(0)).map_err(number),
            Some(world) => world.datagram_socket(port).map(UdpSocket::from),
        };
        let socket = socket.map_err(system)?;
        let own = socket.local_addr().map_err(number).map_err(SupervisorError::system(what))?;
        socket.set_nonblocking(true).map_err(number).map_err(SupervisorError::system(what))?;
        self.host_ports.insert(own.port());
        Ok(socket)
    }

    pub(crate) fn remark(&mut self, remark: Remark) {
        self.remarks.insert(remark);
    }

    /// A process used something that is not ours.
    pub(crate) fn used_call(&mut self, task: TaskId, call: String) {
        let label = self.group_of(task).label.clone();
        self.remark(Remark::Used { label, call });
    }

    pub(crate) fn used_by(&mut self, task: TaskId, number: i64) {
        self.used_call(task, crate::calls::name(number));
    }

    /// Looks at the endpoints of the group. Returns whether something is ready at one of them.
    fn has_news(&mut self, group: usize) -> bool {
        let group = &mut self.groups[group];
        let polled = &mut self.polled;
        polled.clear();
        polled.extend(group.endpoints.iter().map(|(_, end)| libc::pollfd {
            fd: end.as_raw_fd(),
            events: libc::POLLIN | libc::POLLRDHUP,
            revents: 0,
        }));
        if polled.is_empty() || descriptors::poll(polled) == 0 {
            return false;
        }
        let ends = group.endpoints.iter().zip(polled).filter(|(_, polled)| polled.revents != 0);
        group.ready.extend(ends.map(|((id, _), _)| *id));
        true
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // The end is told of those alone that are followed.
        let _ = self.follow_again();
        for member in 0..self.members.len() {
            if self.members[member].is_alive() {
                let _ = signals::send(self.members[member].pid, libc::SIGKILL);
            }
        }
        let all: Vec<usize> = (0..self.members.len()).collect();
        self.await_ends(&all);
        birth::run_briefly(0);
        birth::unpin(&self.processors_before);
    }
}
