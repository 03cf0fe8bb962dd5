//! From nothing to a connected cluster. Readiness is observed, never slept for.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::timeout_at;

use super::driven::{self, Driven, DrivenEvent};
use super::ports::Ports;
use super::real::RealWorld;
use super::sampling::Start;
use super::scratch::Scratch;
use super::transport::{self, Connection, Endpoint, TransportEvent, stdio, udp_drops};
use super::{RunError, RunRequest};
use crate::cluster::confinement::Confinement;
use crate::cluster::life::Ending;
use crate::cluster::process::{self, Exited, Launch, Process};
use crate::cluster::signals::Signals;
use crate::cluster::simulate::{Prepared, SimulatedHost};
use crate::cluster::sweep;
use crate::dialect::maelstrom;
use crate::files::folder::Folder;
use crate::host::gauges;
use crate::ids::NodeId;
use crate::limits;
use crate::network::course_2016::RouterKind;
use crate::network::transport::Transport;
use crate::os::Disk;

/// A cluster whose replicas have connected. The order of the fields is the order of the end:
/// processes are killed first, sockets closed after.
pub struct Cluster {
    /// The simulated host.
    simulated: SimulatedHost,
    /// The replicas.
    pub processes: BTreeMap<NodeId, Process>,
    /// Deaths, as `waitpid` tells them.
    pub exits: mpsc::UnboundedReceiver<Exited>,
    /// Replicas that ended before the clock started.
    pub early_exits: Vec<Exited>,
    /// The replicas as which a process of another run was connected since the last look, and whether it still is.
    pub foreign: BTreeMap<NodeId, bool>,
    /// From spawn to connection.
    pub connect_times: BTreeMap<NodeId, Duration>,
    /// The processes as they were when they connected, before the clock started.
    pub(super) starts: BTreeMap<NodeId, Start>,
    /// Their connections.
    pub ports: Ports,
    /// What the transport tells.
    pub events: mpsc::Receiver<TransportEvent>,
    /// The system, where clients talk to it by a driver.
    pub(super) driven: Option<Driven>,
    /// Where the replicas plug in.
    endpoints: BTreeMap<NodeId, Endpoint>,
    /// Their folders.
    places: BTreeMap<NodeId, Folder>,
    /// Where they are.
    pub scratch: Scratch,
    /// What was prepared for the simulated host.
    pub prepared: Prepared,
    /// What confines an untrusted program.
    confinement: Confinement,
    /// The signals that the program sent.
    pub(super) signals: Signals,
    /// Where `waitpid` tells.
    exit_sender: mpsc::UnboundedSender<Exited>,
    /// Where transports tell.
    event_sender: mpsc::Sender<TransportEvent>,
    /// Nodes that were greeted and have not answered yet.
    greetings: BTreeMap<NodeId, stdio::Greeting>,
}

/// Starts all replicas.
pub fn start(request: &RunRequest, place: &Folder) -> Result<Cluster, RunError> {
    let plan = &request.plan;
    let replicas: Vec<NodeId> = plan.nodes().collect();
    let host = plan.host.as_ref();
    let is_shared = host.is_some_and(|host| host.profile.shared_directory);
    let mut scratch = Scratch::create(&request.mark, request.watchdog.as_ref(), is_shared)?;
    let prepared = match host {
        None => Prepared::default(),
        Some(host) => Prepared::prepare(host, &request.folder, &request.mark)
            .map_err(RunError::system("preparing the simulated host"))?,
    };
    let (event_sender, events) = mpsc::channel(limits::EVENTS_AHEAD);
    let (exit_sender, exits) = mpsc::unbounded_channel();

    let mut places = BTreeMap::new();
    let replicas_place = place.below("replicas").map_err(RunError::system("making replicas/"))?;
    for &id in &replicas {
        let what = format!("making replicas/{id}");
        let place = replicas_place.below(&id.to_string()).map_err(RunError::system(what))?;
        places.insert(id, place);
    }
    let driven = Driven::prepare(request)?;
    let mut endpoints = BTreeMap::new();
    let plugged = if driven.is_none() { &replicas[..] } else { &[] };
    for &id in plugged {
        let transport = request.program.transport;
        let events = event_sender.clone();
        let late =
            host.and_then(|host| Some((host.profile.read_delay?, host.replicas.get(id.index())?)));
        let events = match late {
            None => events,
            Some((delay, drawn)) => transport::read_late(events, delay, drawn),
        };
        scratch.make_room(id);
        let endpoint = listen(transport, id, scratch.path(), &events).map_err(|error| {
            // In the moment after there was room, another process took it.
            let directory = scratch.path().to_owned();
            if is_shared { RunError::SocketsTaken { directory, taken: vec![id] } } else { error }
        })?;
        endpoints.insert(id, endpoint);
        scratch.made(id);
    }
    let socket_bytes = host.and_then(|host| usize::try_from(host.profile.socket_bytes?).ok());
    let mut cluster = Cluster {
        simulated: SimulatedHost::default(),
        processes: BTreeMap::new(),
        exits,
        exit_sender,
        event_sender: event_sender.clone(),
        greetings: BTreeMap::new(),
        early_exits: Vec::new(),
        foreign: BTreeMap::new(),
        connect_times: BTreeMap::new(),
        starts: BTreeMap::new(),
        ports: Ports::new(socket_bytes),
        events,
        driven,
        endpoints,
        places,
        scratch,
        prepared,
        confinement: Confinement::of(&request.program, &request.mark),
        signals: Signals::watched(request.watchdog.as_ref().map(|watchdog| watchdog.pid())),
    };
    for &id in &replicas {
        cluster.spawn(id, request, Disk::Good)?;
    }
    if let Some(host) = &plan.host {
        let pids: Vec<i32> = cluster.processes.values().map(Process::pid).collect();
        cluster.simulated =
            SimulatedHost::begin(host, &cluster.prepared, &pids, &request.folder, &request.mark)
                .map_err(RunError::system("simulating the host"))?;
    }
    Ok(cluster)
}

/// Waits for the replica `id`, by its transport.
pub fn listen(
    transport: Transport,
    id: NodeId,
    directory: &Path,
    events: &mpsc::Sender<TransportEvent>,
) -> Result<Endpoint, RunError> {
    let what = || format!("waiting for the replica {id} by {transport} in {}", directory.display());
    Endpoint::listen(transport, id, directory, events).map_err(RunError::system(what()))
}

impl Cluster {
    /// Starts a replica, or starts it again: the guard of its old process ends whatever that left.
    pub fn spawn(&mut self, id: NodeId, request: &RunRequest, disk: Disk) -> Result<(), RunError> {
        let replicas = request.plan.nodes();
        let peers: Vec<NodeId> = replicas.filter(|&other| other != id).collect();
        let folder = request.folder.join("replicas").join(id.to_string());
        let door = self.prepared.door();
        let doors = self.confinement.doors();
        let command = self.driven.as_ref().map(|driven| driven.command(id));
        let printed = driven::printed(&folder);
        let launch = Launch {
            program: &request.program,
            command: command.as_ref(),
            port: self.endpoints.get(&id).and_then(Endpoint::port),
            peers: &peers,
            directory: self.scratch.path(),
            folder: &folder,
            place: self.places.get(&id).expect("each replica has its folder"),
            host: request.plan.host.as_ref(),
            door: door.as_deref(),
            doors: &doors,
            mark: &request.mark,
            disk,
            signals: &self.signals,
        };
        self.processes.remove(&id);
        let failed = |reason| RunError::Spawn { program: request.program.path.clone(), reason };
        let mut process = Process::spawn(id, &launch, self.exit_sender.clone()).map_err(failed)?;
        if let Some(driven) = &mut self.driven {
            driven.started(id, process.pid(), printed);
        }
        if let Some(pipes) = process.take_pipes() {
            let all: Vec<NodeId> = request.plan.nodes().collect();
            let greeting = maelstrom::init(id, request.plan.client(0), &all);
            let begun = stdio::begin(id, pipes, greeting, self.event_sender.clone());
            self.greetings.insert(id, begun.map_err(failed)?);
        }
        self.processes.insert(id, process);
        Ok(())
    }

    /// Whether a replica's folder can still take its output and its data.
    pub fn has_folder(&self, id: NodeId) -> bool {
        self.places.get(&id).is_some_and(process::is_fit)
    }

    /// Whether some replica has waited for a processor most of its time: it had no chance to connect.
    fn is_starved(&self) -> bool {
        self.processes.values().any(|process| {
            let waited = gauges::process(process.pid()).map_or(0, |sample| sample.run_delay_ns);
            Duration::from_nanos(waited) > limits::FIRST_CONNECT_DEADLINE / 2
        })
    }

    /// The replicas that ended before they connected.
    fn gone(&self) -> impl Iterator<Item = NodeId> {
        let ended = self.early_exits.iter().map(|exited| exited.id);
        ended.filter(|id| !self.connect_times.contains_key(id))
    }

    /// The process that connected is sent to from now on, also one of another run that works in the
    /// same directory: the old simulator does not keep replicas apart either.
    pub fn connected(&mut self, id: NodeId, connection: Connection, mark: &str) {
        let is_foreign = connection.peer().is_some_and(|pid| sweep::is_of_another_run(pid, mark));
        if is_foreign {
            self.foreign.insert(id, true);
        } else {
            self.foreign.entry(id).and_modify(|is_there| *is_there = false);
        }
        self.ports.connected(id, connection);
    }

    /// What the system lost of the datagrams, a sentence each.
    pub fn lost_datagrams(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (id, endpoint) in &self.endpoints {
            let lost = |port: Option<u16>| port.and_then(udp_drops::at).unwrap_or(0);
            match lost(endpoint.port()) {
                0 => {}
                n => told.push(format!(
                    "the system lost {n} datagrams from {id}: the harness did not read them in time"
                )),
            }
            match lost(self.ports.port(*id)) {
                0 => {}
                n => told.push(format!(
                    "the system lost {n} datagrams to {id}: it did not read them in time"
                )),
            }
        }
        told
    }
}

/// The end of its standard error, as the rest of a sentence.
pub fn last_words(process: &Process) -> String {
    let tail = process.stderr_tail();
    let last = tail.lines().last().map(|line| line.escape_debug().to_string());
    last.map(|line| format!("; its last output: {line}")).unwrap_or_default()
}

impl RealWorld {
    /// What the client's folder of commands has to do before the first operation.
    async fn first_commands(&self, mut interrupt: watch::Receiver<bool>) -> Result<(), RunError> {
        let Some(driven) = &self.cluster.driven else { return Ok(()) };
        let done = tokio::select! {
            _ = interrupt.wait_for(|&stop| stop) => return Err(RunError::InterruptedEarly),
            done = driven.first() => done,
        };
        let system = driven.description().name.clone();
        done.map_err(|(command, how)| RunError::FirstCommand { system, command, how })
    }

    /// Waits until each replica has connected, or ended, or its time is over. The old simulator waits for none: it
    /// routes from the first moment on.
    pub(super) async fn connect(&mut self) -> Result<(), RunError> {
        if self.request.plan.router == RouterKind::Course2016 {
            return Ok(());
        }
        let begin = Instant::now();
        let mut interrupt = self.request.interrupt.clone();
        while self.cluster.connect_times.len() + self.cluster.gone().count()
            < self.cluster.processes.len()
        {
            let is_slow = !self.cluster.connect_times.is_empty()
                || (begin.elapsed() >= limits::FIRST_CONNECT_DEADLINE && self.cluster.is_starved());
            let patience = match &self.cluster.driven {
                Some(driven) => driven.description().ready_within,
                None if is_slow => limits::CONNECT_DEADLINE,
                None => limits::FIRST_CONNECT_DEADLINE,
            };
            let step = async {
                tokio::select! {
                    _ = interrupt.wait_for(|&stop| stop) => Step::Interrupted,
                    Some(exited) = self.cluster.exits.recv() => Step::Exited(exited),
                    Some(event) = self.cluster.events.recv() => Step::Event(event),
                    Some(event) = driven::next(&mut self.cluster.driven) => Step::Driven(event),
                }
            };
            match timeout_at((begin + patience).into(), step).await {
                Ok(Step::Interrupted) => return Err(RunError::InterruptedEarly),
                Ok(Step::Exited(exited)) => self.cluster.early_exits.push(exited),
                Ok(Step::Event(event)) => self.event(event)?,
                Ok(Step::Driven(event)) => self.driven(event)?,
                Err(_) if !is_slow && self.cluster.is_starved() => {}
                Err(_) => break,
            }
        }
        if !self.cluster.connect_times.is_empty() {
            return self.first_commands(interrupt).await;
        }
        if let Some(driven) = &self.cluster.driven {
            let description = driven.description();
            let (system, ready) = (description.name.clone(), description.ready.describe());
            let seconds = description.ready_within.as_secs_f64();
            let (how, stderr) = self.first_words().await;
            return Err(RunError::NeverReady { system, ready, seconds, how, stderr });
        }
        let program = self.request.program.path.clone();
        let taken = self.cluster.scratch.taken();
        if !taken.is_empty() {
            if self.cluster.scratch.is_own() {
                return Err(RunError::SocketsRemoved { program, removed: taken });
            }
            let directory = self.cluster.scratch.path().to_owned();
            return Err(RunError::SocketsTaken { directory, taken });
        }
        let replicas = self.cluster.processes.len();
        let Some(first) = self.cluster.early_exits.first() else {
            let seconds = limits::FIRST_CONNECT_DEADLINE.as_secs();
            let transport = self.request.program.transport;
            return Err(RunError::NeverConnects { program, transport, replicas, seconds });
        };
        let (how, transport) = (Ending::from(first.status), self.request.program.transport);
        let stderr = match self.cluster.processes.get_mut(&first.id) {
            None => String::new(),
            Some(process) => {
                process.drained().await;
                last_words(process)
            }
        };
        Err(RunError::ExitsAtOnce { program, transport, how, stderr })
    }

    /// How the first replica that ended did so, and the last output of any.
    async fn first_words(&mut self) -> (String, String) {
        let first = self.cluster.early_exits.first().map(|it| (it.id, Ending::from(it.status)));
        let how = first.map_or_else(String::new, |(_, how)| format!(" ({how})"));
        let processes = &mut self.cluster.processes;
        let ended = first.and_then(|(id, _)| processes.get_mut(&id));
        if let Some(process) = ended {
            process.drained().await;
            return (how, last_words(process));
        }
        (how, processes.values().next().map(last_words).unwrap_or_default())
    }
}

enum Step {
    Interrupted,
    Exited(Exited),
    Event(TransportEvent),
    Driven(DrivenEvent),
}
