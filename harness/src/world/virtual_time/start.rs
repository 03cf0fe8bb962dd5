//! From nothing to a connected cluster, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::SndBuf;
use supervisor::{ProcessId, ProcessSpec, Settings, Stop, Supervisor};

use super::datagrams::Datagrams;
use super::host::{self, Host};
use super::processors::{self, Processor};
use super::replica::{Door, Output, Replica};
use super::socket::Connection;
use super::{Prepared, VirtualWorld, bounds, raw, socket};
use crate::cluster::confinement::Confinement;
use crate::cluster::life::Ending;
use crate::cluster::process::DATA;
use crate::dialect::maelstrom;
use crate::ids::NodeId;
use crate::limits;
use crate::network::course_2016::RouterKind;
use crate::network::transport::Transport;
use crate::plan::Plan;
use crate::system::Port;
use crate::world::disks::Disks;
use crate::world::scratch::Scratch;
use crate::world::{RunError, RunRequest};

/// What a replica may write before it has to be read.
const PIPE_BYTES: i32 = 1 << 20;
/// Where replicas send their datagrams, in a network of their own.
const FIRST_PORT: u16 = 30_000;
/// Virtual time costs nothing: a virtual machine of a language may take its time to start.
const STEP: Duration = Duration::from_millis(10);

/// What virtual time does not know yet.
fn unknown(plan: &Plan) -> Option<String> {
    if plan.system.port == Port::Driver {
        return Some("the system of a system file".to_owned());
    }
    let profile = &plan.host.as_ref()?.profile;
    host::unknown(profile).map(|key| format!("{key} of the host {}", profile.name))
}

fn refuse(request: &RunRequest) -> Result<(), RunError> {
    let Some(what) = unknown(&request.plan) else { return Ok(()) };
    Err(RunError::Clock(format!("virtual time does not know {what} yet; use `--clock real`")))
}

/// Why a plan cannot be executed in virtual time, if so: what it asks for, or what the system refuses.
pub fn obstacle(plan: &Plan) -> Option<String> {
    if let Some(what) = unknown(plan) {
        return Some(format!("virtual time does not know {what} yet"));
    }
    let settings = Settings { is_apart: false, ..Settings::default() };
    // It takes a processor and a mask of signals for its thread.
    let tried = std::thread::spawn(|| Supervisor::trial(settings).err());
    let refused = tried.join().ok()?;
    refused.map(|error| format!("the system does not allow virtual time: {error}"))
}

/// Where replicas see their working directory, and the folders of their data: in each run there.
const DIRECTORY: &str = "/tmp/run";
const REPLICAS: &str = "/tmp/replicas";

/// The directories that replicas see as they are.
fn kept(request: &RunRequest) -> Vec<PathBuf> {
    let mut kept = Vec::new();
    if request.program.transport == Transport::Stdio {
        kept.extend(std::env::current_dir());
    }
    let program = &request.program.path;
    let parents = [Some(program.clone()), program.canonicalize().ok()];
    kept.extend(parents.into_iter().flatten().filter_map(|path| path.parent().map(Path::to_owned)));
    let words =
        request.program.arguments.iter().map(PathBuf::from).filter(|path| path.is_absolute());
    kept.extend(words.filter_map(|path| {
        if path.is_dir() { Some(path) } else { path.parent().map(Path::to_owned) }
    }));
    kept
}

/// The end that reads, and the one that writes.
fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    // A smaller one will do.
    let _ = fcntl(&read, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
    Ok((read, write))
}

fn string(word: impl Into<OsString>) -> Result<CString, RunError> {
    CString::new(word.into().into_vec())
        .map_err(|_| RunError::Clock("a word of the command line holds a zero byte".into()))
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
pub(super) fn supervising(error: supervisor::SupervisorError) -> RunError {
    RunError::Clock(format!("virtual time: {error}; use `--clock real`"))
}

impl VirtualWorld {
    /// Starts all replicas, which do nothing until time goes on.
    pub(super) fn start(request: RunRequest, prepared: Prepared) -> Result<Self, RunError> {
        refuse(&request)?;
        let (begun, wall) = (Instant::now(), SystemTime::now());
        let ids: Vec<NodeId> = request.plan.nodes().collect();
        let mut scratch = Scratch::create(&request.mark, request.watchdog.as_ref(), false)?;
        let Prepared { place, machine, written } = prepared;
        let places = place.below("replicas").map_err(RunError::system("making replicas/"))?;
        let processor = Processor::take(&processors::usable(), std::process::id());
        let settings = Settings {
            processor: processor.as_ref().map(|it| it.0),
            seed: request.plan.seed.0,
            costs: request.plan.processor,
            turns: request.plan.turns.clone(),
            kept: kept(&request),
            shown: vec![
                (scratch.path().to_owned(), DIRECTORY.into()),
                (request.folder.join("replicas"), REPLICAS.into()),
            ],
            begun: wall,
            descriptors: request.plan.host.as_ref().and_then(|it| it.profile.descriptors),
            ..Settings::default()
        };
        let mut supervisor = Supervisor::new(settings).map_err(supervising)?;
        let host = request.plan.host.as_ref().and_then(|host| host.profile.socket_bytes);
        let socket_bytes = host.and_then(|bytes| usize::try_from(bytes).ok());
        let mut replicas = BTreeMap::new();
        for (number, &id) in (1..).zip(&ids) {
            let what = format!("making replicas/{id}");
            let place = places.below(&id.to_string()).map_err(RunError::system(what))?;
            let transport = request.program.transport;
            let door = if transport == Transport::Stdio {
                Door::Pipes
            } else if transport == Transport::Udp {
                let port = FIRST_PORT + u16::try_from(number).unwrap_or_default();
                let socket = supervisor.datagram_socket(port).map_err(supervising)?;
                if let Some(bytes) = socket_bytes {
                    // A socket that refuses has the size it had.
                    let _ = setsockopt(&socket, SndBuf, &bytes);
                }
                Door::Datagrams(Datagrams::new(socket))
            } else {
                let path = scratch.path().join(id.to_string());
                let listener = socket::wait_for(transport, &path).map_err(|error| {
                    let what =
                        format!("waiting for the replica {id} in {}", scratch.path().display());
                    RunError::System { what, reason: error.into() }
                })?;
                scratch.made(id);
                Door::Listener(listener)
            };
            let none = ProcessId(usize::MAX);
            let replica = Replica::new(none, number, place, transport, door, socket_bytes);
            replicas.insert(id, replica);
        }
        let host = Host::of(&request.plan);
        let confinement = Confinement::of(&request.program, &request.mark);
        let mut world = Self {
            supervisor,
            request,
            place,
            machine,
            replicas,
            by_process: BTreeMap::new(),
            early: Vec::new(),
            host,
            origin: None,
            disks: Disks::default(),
            confinement,
            written,
            interference: BTreeSet::new(),
            scratch,
            begun,
            looked: begun,
            _processor: processor,
        };
        for id in ids {
            world.spawn(id)?;
        }
        Ok(world)
    }

    /// Starts a replica, or starts it again: whatever its old process left is ended.
    pub(super) fn spawn(&mut self, id: NodeId) -> Result<(), RunError> {
        let program = self.request.program.clone();
        let ids = self.request.plan.nodes();
        let peers: Vec<NodeId> = ids.filter(|&other| other != id).collect();
        let Some(replica) = self.replicas.get_mut(&id) else { return Ok(()) };
        if self.by_process.remove(&replica.process).is_some() {
            self.supervisor.signal(replica.process, nix::libc::SIGKILL);
        }
        replica.place.make(DATA).map_err(RunError::system(format!("making {DATA} of {id}")))?;
        let (directory, folders) = if self.supervisor.has_own_tmp() {
            (PathBuf::from(DIRECTORY), PathBuf::from(REPLICAS))
        } else {
            (self.scratch.path().to_owned(), self.request.folder.join("replicas"))
        };
        let data = folders.join(id.to_string()).join(DATA);
        let fill = |argument: &String| {
            argument.replace("{id}", &id.to_string()).replace("{data}", &data.to_string_lossy())
        };
        let talks_over_pipes = program.transport == Transport::Stdio;
        let mut words = vec![string(program.path.clone())?];
        if !talks_over_pipes {
            words.extend(replica.port().map(|port| string(port.to_string())).transpose()?);
            words.push(string(id.to_string())?);
            for peer in peers {
                words.push(string(peer.to_string())?);
            }
        }
        for word in program.arguments.iter().map(fill) {
            words.push(string(word)?);
        }
        let system = |what: &'static str| {
            move |error: nix::Error| RunError::System {
                what: what.to_owned(),
                reason: error.into(),
            }
        };
        let mut outputs = Vec::new();
        let mut ends: Vec<OwnedFd> = Vec::new();
        for name in ["stdout.log", "stderr.log"] {
            let (ours, its) = pipe().map_err(system("making a pipe"))?;
            fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(system("making a pipe"))?;
            let log = replica.place.append(name).map_err(RunError::system("writing a log"))?;
            outputs.push(Output { pipe: ours, log });
            ends.push(its);
        }
        let profile = self.request.plan.host.as_ref().map(|host| &host.profile);
        let full = bounds::full_log(profile).map_err(RunError::system("opening /dev/full"))?;
        if let Some(full) = full {
            let again = full.try_clone().map_err(RunError::system("opening /dev/full"))?;
            ends = vec![full.into(), again.into()];
        }
        let null = File::open("/dev/null").map_err(RunError::system("opening /dev/null"))?;
        let mut standard = [null.into(), ends.swap_remove(0), ends.swap_remove(0)];
        let mut connection = None;
        let mut directory = directory;
        if talks_over_pipes {
            // As its user would start it: relative paths among its arguments are those of the user.
            directory = std::env::current_dir()
                .map_err(RunError::system("reading the working directory"))?;
            let (its_input, input) = pipe().map_err(system("making a pipe"))?;
            let (output, its_output) = pipe().map_err(system("making a pipe"))?;
            for ours in [&input, &output] {
                fcntl(ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
                    .map_err(system("making a pipe"))?;
            }
            standard[0] = its_input;
            standard[1] = its_output;
            connection = Some(Connection::over_pipes(input, output));
        }
        let spec = ProcessSpec {
            words,
            environment: bounds::environment(&program),
            directory: string(directory)?,
            standard: [raw(&standard[0]), raw(&standard[1]), raw(&standard[2])],
            label: format!("replica {id}"),
            skew: self.host.ahead(id),
            bounds: bounds::of(&program, &self.confinement, profile, self.disks.of(id)),
            slow_syncs: bounds::slow_syncs(&self.request.plan, id),
        };
        let process = self.supervisor.spawn(spec).map_err(supervising)?;
        self.by_process.insert(process, id);
        replica.started(process, outputs, &mut self.supervisor).map_err(supervising)?;
        if let Some(connection) = connection {
            let all: Vec<NodeId> = self.request.plan.nodes().collect();
            let greeting = maelstrom::init(id, self.request.plan.client(0), &all);
            replica.greet(connection, &greeting, &mut self.supervisor).map_err(supervising)?;
        }
        self.load(id);
        Ok(())
    }

    /// Waits until each replica has connected, or ended, or its time is over. The simulator of 2016 waits for none.
    pub(super) fn connect(&mut self) -> Result<(), RunError> {
        if self.request.plan.router == RouterKind::Course2016 {
            return Ok(());
        }
        let connected =
            |world: &Self| world.replicas.values().filter(|it| it.connect_time.is_some()).count();
        while connected(self) + self.early.len() < self.replicas.len() {
            if *self.request.interrupt.borrow() {
                return Err(RunError::InterruptedEarly);
            }
            let now = self.supervisor.now().since_start();
            let most = if connected(self) > 0 {
                limits::CONNECT_DEADLINE
            } else {
                limits::FIRST_CONNECT_DEADLINE
            };
            if now >= most {
                break;
            }
            self.take_turns();
            let until = self.until(STEP);
            let stop = self.supervisor.run_until(until);
            if !matches!(stop, Stop::Reached | Stop::Idle) {
                self.stopped(stop)?;
            }
        }
        if connected(self) > 0 {
            return Ok(());
        }
        let (program, replicas) = (self.request.program.path.clone(), self.replicas.len());
        let transport = self.request.program.transport;
        let Some(&(id, status)) = self.early.first() else {
            let seconds = limits::FIRST_CONNECT_DEADLINE.as_secs();
            return Err(RunError::NeverConnects { program, transport, replicas, seconds });
        };
        let tail = self.replicas[&id].stderr_tail();
        let last = tail.lines().last().map(|line| line.escape_debug().to_string());
        let stderr = last.map(|line| format!("; its last output: {line}")).unwrap_or_default();
        Err(RunError::ExitsAtOnce { program, transport, how: Ending::from(status), stderr })
    }
}
