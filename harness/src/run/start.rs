//! From nothing to a connected cluster. Readiness is observed, never slept for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout_at;

use super::{Order, RunError};
use crate::clients::Pool;
use crate::cluster::launch;
use crate::cluster::os::Disk;
use crate::cluster::pretend::Pretence;
use crate::cluster::process::{Exited, Launch, Process, describe};
use crate::cluster::warden::Warden;
use crate::ids::NodeId;
use crate::limits;
use crate::network::course_2016::RouterKind;
use crate::network::message_log::MessageLog;
use crate::network::router::Router;
use crate::network::transport::{Endpoint, Transport, TransportEvent};
use crate::time::RunTime;

/// The sockets' directory; removed in the end.
pub struct Scratch {
    directory: TempDir,
    warden: Option<Arc<Warden>>,
}

impl Scratch {
    pub fn create(warden: Option<Arc<Warden>>) -> Result<Self, RunError> {
        // A UNIX socket's address has room for 108 bytes, so the name is short; replicas use
        // the bare id, but the harness binds by the whole path.
        let short =
            |root: &Path| tempfile::Builder::new().prefix("h").rand_bytes(8).tempdir_in(root);
        let root = std::env::temp_dir();
        let root = if root.as_os_str().len() > 80 { PathBuf::from("/tmp") } else { root };
        let what = format!("making a directory for the sockets in {}", root.display());
        let directory = short(&root).map_err(RunError::system(what))?;
        if let Some(warden) = &warden {
            warden.watch(directory.path());
        }
        Ok(Self { directory, warden })
    }

    /// Where.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The directory itself goes right after, with its own guard.
        if let Some(warden) = &self.warden {
            warden.forget(self.directory.path());
        }
    }
}

/// A cluster whose replicas have connected. The order of the fields is the order of the end:
/// processes are killed first, sockets closed after.
pub struct Cluster {
    /// The pretended host.
    pretence: Pretence,
    /// The replicas.
    pub processes: BTreeMap<NodeId, Process>,
    /// Deaths, as `waitpid` tells them.
    pub exits: mpsc::UnboundedReceiver<Exited>,
    /// Replicas that ended before the clock started.
    pub early_exits: Vec<Exited>,
    /// Replicas that closed their socket before the clock started.
    pub early_hang_ups: BTreeSet<NodeId>,
    /// From spawn to connection.
    pub connect_times: BTreeMap<NodeId, Duration>,
    /// The network.
    pub router: Router,
    /// The clients.
    pub pool: Pool,
    /// What the transport tells.
    pub events: mpsc::Receiver<TransportEvent>,
    /// Where the replicas plug in.
    endpoints: BTreeMap<NodeId, Endpoint>,
    /// Where they are.
    scratch: Scratch,
    /// Where `waitpid` tells.
    exit_sender: mpsc::UnboundedSender<Exited>,
}

/// Starts all replicas and waits until each has connected, or ended, or its time is over.
pub async fn start(order: &Order) -> Result<Cluster, RunError> {
    let plan = &order.plan;
    let replicas: Vec<NodeId> = (0..plan.scenario.replicas).map(NodeId::replica).collect();
    let scratch = Scratch::create(order.warden.clone())?;
    let (event_sender, events) = mpsc::channel(limits::EVENTS_AHEAD);
    let (exit_sender, exits) = mpsc::unbounded_channel();

    let mut endpoints = BTreeMap::new();
    for &id in &replicas {
        let transport = order.program.transport;
        endpoints.insert(id, listen(transport, id, scratch.path(), event_sender.clone())?);
    }
    let pool = Pool::new(Arc::clone(plan));
    // The clients, and whoever asks for the state in the end.
    let senders: Vec<NodeId> =
        (0..=pool.ids().len()).map(|n| NodeId::client(replicas.len(), n)).collect();
    let mut cluster = Cluster {
        pretence: Pretence::default(),
        processes: BTreeMap::new(),
        exits,
        exit_sender,
        early_exits: Vec::new(),
        early_hang_ups: BTreeSet::new(),
        connect_times: BTreeMap::new(),
        router: Router::new(plan, &senders, MessageLog::open(&order.folder)),
        pool,
        events,
        endpoints,
        scratch,
    };
    for &id in &replicas {
        cluster.spawn(id, order, Disk::Good)?;
    }
    if let Some(host) = &plan.host {
        let pids: Vec<i32> = cluster.processes.values().map(Process::pid).collect();
        cluster.pretence = Pretence::begin(host, &pids, &order.mark)
            .map_err(RunError::system("pretending the host that was asked for"))?;
    }
    // The old simulator routes from the first moment on.
    if plan.router == RouterKind::Default {
        cluster.wait_for_connections(order).await?;
    }
    Ok(cluster)
}

/// Waits for the replica `id`, by its transport.
pub fn listen(
    transport: Transport,
    id: NodeId,
    directory: &Path,
    events: mpsc::Sender<TransportEvent>,
) -> Result<Endpoint, RunError> {
    let what = || format!("waiting for the replica {id} by {transport} in {}", directory.display());
    Endpoint::listen(transport, id, directory, events).map_err(RunError::system(what()))
}

impl Cluster {
    /// Starts a replica, or starts it again: the guard of its old process ends whatever that left.
    pub fn spawn(&mut self, id: NodeId, order: &Order, disk: Disk) -> Result<(), RunError> {
        let replicas = (0..order.plan.scenario.replicas).map(NodeId::replica);
        let peers: Vec<NodeId> = replicas.filter(|&other| other != id).collect();
        let folder = order.folder.join("replicas").join(id.to_string());
        let launch = Launch {
            program: &order.program,
            port: self.endpoints.get(&id).and_then(Endpoint::port),
            peers: &peers,
            directory: self.scratch.path(),
            folder: &folder,
            launcher: launch::words(order.plan.host.as_ref(), id),
            mark: &order.mark,
            disk,
        };
        self.processes.remove(&id);
        let process = Process::spawn(id, &launch, self.exit_sender.clone())
            .map_err(|reason| RunError::Spawn { program: order.program.path.clone(), reason })?;
        self.processes.insert(id, process);
        Ok(())
    }

    async fn wait_for_connections(&mut self, order: &Order) -> Result<(), RunError> {
        let begin = Instant::now();
        let mut interrupt = order.interrupt.clone();
        while self.connect_times.len() + self.gone().count() < self.processes.len() {
            let patience = if self.connect_times.is_empty() {
                limits::FIRST_CONNECT_DEADLINE
            } else {
                limits::CONNECT_DEADLINE
            };
            let step = async {
                tokio::select! {
                    _ = interrupt.wait_for(|&stop| stop) => Step::Interrupted,
                    Some(exited) = self.exits.recv() => Step::Exited(exited),
                    Some(event) = self.events.recv() => Step::Event(event),
                }
            };
            match timeout_at((begin + patience).into(), step).await {
                Ok(Step::Interrupted) => return Err(RunError::InterruptedEarly),
                Ok(Step::Exited(exited)) => self.early_exits.push(exited),
                Ok(Step::Event(event)) => self.early_event(event),
                Err(_) => break,
            }
        }
        if !self.connect_times.is_empty() {
            return Ok(());
        }
        let program = order.program.path.clone();
        let replicas = self.processes.len();
        let Some(first) = self.early_exits.first() else {
            let seconds = limits::FIRST_CONNECT_DEADLINE.as_secs();
            let transport = order.program.transport;
            return Err(RunError::NeverConnects { program, transport, replicas, seconds });
        };
        let (how, transport) = (describe(first.status), order.program.transport);
        let stderr = match self.processes.get_mut(&first.id) {
            None => String::new(),
            Some(process) => {
                process.drained().await;
                last_words(process)
            }
        };
        Err(RunError::ExitsAtOnce { program, transport, how, stderr })
    }

    /// The replicas that ended before they connected.
    fn gone(&self) -> impl Iterator<Item = NodeId> {
        let ended = self.early_exits.iter().map(|exited| exited.id);
        ended.filter(|id| !self.connect_times.contains_key(id))
    }

    /// Before the clock starts nothing is delivered: it is dropped and counted apart.
    fn early_event(&mut self, event: TransportEvent) {
        match event {
            TransportEvent::Connected(id, connection) => {
                if let Some(process) = self.processes.get(&id) {
                    self.connect_times.entry(id).or_insert_with(|| process.spawned().elapsed());
                }
                self.early_hang_ups.remove(&id);
                self.router.connected(id, connection);
            }
            TransportEvent::Packet { from, bytes, length } => {
                let nobody = BTreeSet::new();
                self.router.packet(RunTime::ZERO, from, &bytes, length, &nobody);
            }
            TransportEvent::Writable(_) => {}
            TransportEvent::Closed(id) => {
                self.early_hang_ups.insert(id);
                self.router.disconnected(id);
            }
        }
    }

    /// The clock starts: what was sent until now is dropped.
    pub fn begin(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.early_event(event);
        }
        self.router.start();
    }
}

/// The end of its standard error, as the rest of a sentence.
pub fn last_words(process: &Process) -> String {
    let tail = process.stderr_tail();
    let last = tail.lines().last().map(|line| line.escape_debug().to_string());
    last.map(|line| format!("; its last words: {line}")).unwrap_or_default()
}

enum Step {
    Interrupted,
    Exited(Exited),
    Event(TransportEvent),
}
