//! A simulated world for tests: replicas without processes, sockets without bytes in them, and a time that jumps from
//! one event to the next.
//!
//! The replicas are toys. One of them leads and sends a heartbeat now and then. A replica that hears none for a while
//! leads from then on, in the next term, without asking for votes. All answer from one common store, so that whatever
//! goes wrong is the harness's doing.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::event::{Effect, Event, Handed};
use super::machine::{Machine, Outcome};
use crate::cluster::life::Ending;
use crate::files::folder::Folder;
use crate::ids::NodeId;
use crate::journal::history::{About, Journal};
use crate::nemesis::player::Signal;
use crate::network::fabric::Sent;
use crate::network::message_log::MessageLog;
use crate::plan::Plan;
use crate::record::EndReason;
use crate::scenario::Scenario;
use crate::seed::Seed;
use crate::time::RunTime;

/// How the replicas of a simulated world behave.
#[derive(Clone, Debug)]
pub struct Habits {
    /// From a message to what comes of it.
    pub service: Duration,
    /// From the start of a process to its connection.
    pub startup: Duration,
    /// From one heartbeat to the next.
    pub heartbeat: Duration,
    /// For so long a replica waits for a heartbeat before it leads; `None`: no replica is ever elected.
    pub election: Option<Duration>,
    /// Whether a replica tells its state.
    pub tells_state: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            service: Duration::from_millis(4),
            startup: Duration::from_millis(20),
            heartbeat: Duration::from_millis(50),
            election: Some(Duration::from_millis(150)),
            tells_state: true,
        }
    }
}

/// What happens later.
#[derive(Clone, Debug)]
enum Later {
    /// A replica does something about a message.
    Handle(NodeId, Rc<[u8]>),
    /// A leader sends its heartbeat, or a follower looks whether it has heard one.
    Beat(NodeId),
    /// A process that was started connects.
    Connect(NodeId),
    /// The system reports the end of a process.
    Exit(NodeId, Ending),
}

/// The process of a replica.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Process {
    /// There is none.
    #[default]
    Gone,
    Running,
    Stopped {
        /// Whether it was asked to end meanwhile.
        ends: bool,
    },
}

/// A replica.
#[derive(Debug, Default)]
struct Replica {
    /// The number of its process; what an earlier one was to do does not happen.
    life: u32,
    process: Process,
    is_connected: bool,
    /// Its socket takes no more.
    is_full: bool,
    inbox: Vec<Rc<[u8]>>,
    term: u64,
    leader: Option<NodeId>,
    heard: RunTime,
}

impl Replica {
    fn is_stopped(&self) -> bool {
        matches!(self.process, Process::Stopped { .. })
    }
}

/// The world.
pub struct Simulated {
    pub machine: Machine,
    pub now: RunTime,
    pub habits: Habits,
    replicas: BTreeMap<NodeId, Replica>,
    store: BTreeMap<String, String>,
    applied: u64,
    /// By time and the order of adding; with the life of the replica that they belong to.
    later: BTreeMap<(RunTime, u64), (u32, Later)>,
    added: u64,
    /// Signals and starts, with their times.
    pub done: Vec<(RunTime, Effect)>,
    /// The history, in a folder of its own.
    pub folder: TempDir,
    journal: Journal,
    /// The operations invoked so far.
    pub invoked: usize,
    /// The messages handed to replicas.
    pub delivered: Vec<(RunTime, NodeId, Rc<[u8]>)>,
}

/// A run that is over.
pub struct Ended {
    pub end: Option<EndReason>,
    /// With all operations.
    pub outcome: Outcome,
    /// The folder of its history.
    pub folder: TempDir,
}

impl Simulated {
    /// A run of five replicas with these keys in its workload; 0000 leads. The clock has started.
    pub fn new(keys: &str, habits: Habits) -> Self {
        let mut world = Self::before_start(keys, habits);
        for id in world.ids() {
            world.connect(id);
        }
        world.start();
        world
    }

    /// The same before any replica has connected.
    pub fn before_start(keys: &str, habits: Habits) -> Self {
        let text = format!(r#"{{"start_wait": 0, "end_wait": 1, "replicas": 5, {keys}}}"#);
        let scenario = Scenario::parse("simulated.json", &text).unwrap();
        let plan = Arc::new(Plan::draw(&scenario, Seed(1)));
        let folder = tempfile::tempdir().unwrap();
        let replica =
            |n| (NodeId::replica(n), Replica { process: Process::Running, ..Replica::default() });
        Self {
            journal: Journal::create(
                &Folder::open(folder.path()).unwrap(),
                folder.path(),
                About::of(&plan),
            )
            .unwrap(),
            machine: Machine::new(plan, true, MessageLog::default()),
            now: RunTime::ZERO,
            habits,
            replicas: (0..5).map(replica).collect(),
            store: BTreeMap::new(),
            applied: 0,
            later: BTreeMap::new(),
            added: 0,
            done: Vec::new(),
            folder,
            invoked: 0,
            delivered: Vec::new(),
        }
    }

    fn ids(&self) -> Vec<NodeId> {
        self.replicas.keys().copied().collect()
    }

    fn of(&mut self, id: NodeId) -> &mut Replica {
        self.replicas.get_mut(&id).unwrap()
    }

    /// The clock starts, and 0000 leads.
    pub fn start(&mut self) {
        self.tell(Event::Started);
        for id in self.ids() {
            let replica = self.of(id);
            (replica.term, replica.leader) = (1, Some(NodeId(0)));
        }
    }

    /// The run hears this, and what it wants is done.
    pub fn tell(&mut self, event: Event) {
        self.machine.hear(self.now, event);
        while let Some(effect) = self.machine.next_effect(self.now) {
            if let Some(answer) = self.perform(effect) {
                self.machine.hear(self.now, answer);
            }
        }
    }

    /// Lets time pass until `end`, or until the run is over.
    pub fn run_until(&mut self, end: RunTime) {
        while self.machine.end().is_none() {
            let first = self.later.first_key_value().map(|(&(at, _), _)| at);
            let next = first.into_iter().chain(self.machine.next_at()).min();
            let Some(next) = next.filter(|&next| next <= end) else { break };
            self.now = self.now.max(next);
            if self.machine.next_at().is_some_and(|at| at <= self.now) {
                self.tell(Event::Due);
            } else if let Some((_, (life, later))) = self.later.pop_first() {
                self.happens(life, later);
            }
        }
        if self.machine.end().is_none() {
            self.now = self.now.max(end);
        }
    }

    /// The whole run, to its end.
    pub fn run(mut self) -> Ended {
        self.run_until(RunTime(u64::MAX));
        self.journal.flush().unwrap();
        let (end, folder) = (self.machine.end(), self.folder);
        let mut outcome = self.machine.finish(&BTreeSet::new());
        let (_, ended) = self.journal.close();
        outcome.operations = ended.into_all(outcome.operations).unwrap();
        Ended { end, outcome, folder }
    }

    fn add(&mut self, id: NodeId, after: Duration, later: Later) {
        let life = self.of(id).life;
        self.later.insert((self.now + after, self.added), (life, later));
        self.added += 1;
    }

    // What the run wants done.

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Deliver { to, message } => {
                let sent = self.receive(to, &message.packet);
                return Some(Event::Handed { to, message, handed: Handed::from(sent) });
            }
            Effect::Retry(to, packet) => {
                let sent = self.receive(to, &packet);
                return Some(Event::Retried(to, sent));
            }
            Effect::Disconnect(id) => {
                self.of(id).is_connected = false;
                if self.of(id).process != Process::Gone {
                    self.add(id, self.habits.startup, Later::Connect(id));
                }
                self.done.push((self.now, effect));
                return Some(Event::Disconnected(id));
            }
            Effect::Signal(id, signal) => {
                self.done.push((self.now, effect));
                self.signal(id, signal);
            }
            Effect::Spawn(id) => {
                self.done.push((self.now, effect));
                let life = self.of(id).life + 1;
                *self.of(id) = Replica { life, process: Process::Running, ..Replica::default() };
                self.add(id, self.habits.startup, Later::Connect(id));
            }
            Effect::Invoked(index) => {
                self.journal.invoked(self.machine.operation(index)).unwrap();
                self.invoked += 1;
            }
            Effect::Completed(index) => {
                self.journal.completed(self.machine.operation(index)).unwrap();
            }
            _ => {}
        }
        None
    }

    fn receive(&mut self, to: NodeId, packet: &Rc<[u8]>) -> Sent {
        let replica = self.of(to);
        if !replica.is_connected {
            return Sent::Gone;
        }
        if replica.is_full {
            return Sent::WouldBlock;
        }
        self.delivered.push((self.now, to, Rc::clone(packet)));
        if self.of(to).is_stopped() {
            self.of(to).inbox.push(Rc::clone(packet));
        } else {
            self.add(to, self.habits.service, Later::Handle(to, Rc::clone(packet)));
        }
        Sent::Delivered
    }

    fn signal(&mut self, id: NodeId, signal: Signal) {
        let replica = self.of(id);
        match (replica.process, signal) {
            (Process::Gone, _)
            | (Process::Running, Signal::Continue)
            | (Process::Stopped { .. }, Signal::Stop) => {}
            (_, Signal::Kill) => self.exit(id, Ending::Signal(9)),
            (Process::Running, Signal::Stop) => replica.process = Process::Stopped { ends: false },
            (Process::Running, Signal::Terminate)
            | (Process::Stopped { ends: true }, Signal::Continue) => self.exit(id, Ending::Exit(0)),
            (Process::Stopped { .. }, Signal::Terminate) => {
                replica.process = Process::Stopped { ends: true };
            }
            (Process::Stopped { ends: false }, Signal::Continue) => {
                replica.process = Process::Running;
                for packet in std::mem::take(&mut replica.inbox) {
                    self.add(id, self.habits.service, Later::Handle(id, packet));
                }
                self.add(id, Duration::ZERO, Later::Beat(id));
            }
        }
    }

    /// The process of a replica ends; the system says so a moment later.
    fn exit(&mut self, id: NodeId, how: Ending) {
        let replica = self.of(id);
        replica.process = Process::Gone;
        replica.is_connected = false;
        replica.life += 1;
        self.add(id, Duration::from_millis(1), Later::Exit(id, how));
    }

    // What happens.

    /// A replica ends by itself.
    pub fn die(&mut self, id: NodeId) {
        self.exit(id, Ending::Exit(3));
    }

    /// A replica does not read any more, or reads again.
    pub fn set_full(&mut self, id: NodeId, is_full: bool) {
        self.of(id).is_full = is_full;
        if !is_full {
            self.tell(Event::Writable(id));
        }
    }

    pub fn connect(&mut self, id: NodeId) {
        let (now, heartbeat) = (self.now, self.habits.heartbeat);
        let replica = self.of(id);
        replica.is_connected = true;
        replica.heard = now;
        self.tell(Event::Connected(id));
        self.add(id, heartbeat, Later::Beat(id));
    }

    fn happens(&mut self, life: u32, later: Later) {
        let (Later::Handle(id, _) | Later::Beat(id) | Later::Connect(id) | Later::Exit(id, _)) =
            later;
        if self.of(id).life != life {
            return;
        }
        match later {
            Later::Handle(id, packet) if self.of(id).is_stopped() => self.of(id).inbox.push(packet),
            Later::Handle(id, packet) => self.handle(id, &packet),
            Later::Beat(id) => self.beat(id),
            Later::Connect(id) => self.connect(id),
            Later::Exit(id, how) => {
                self.tell(Event::Closed(id));
                self.tell(Event::Exited { id, how });
            }
        }
    }

    fn beat(&mut self, id: NodeId) {
        let (now, habits) = (self.now, self.habits.clone());
        let replica = self.of(id);
        if replica.is_stopped() {
            return; // it goes on when it is continued
        }
        // The higher its id, the longer it waits: no two are elected at once.
        let patience =
            habits.election.map(|election| election + habits.heartbeat * u32::from(id.0));
        if replica.leader != Some(id)
            && patience.is_some_and(|patience| now.since(replica.heard) > patience)
        {
            replica.term += 1;
            replica.leader = Some(id);
        }
        if replica.leader == Some(id) {
            self.say(id, NodeId::ANY, "heartbeat", &json!({}));
        }
        self.add(id, habits.heartbeat, Later::Beat(id));
    }

    fn say(&mut self, id: NodeId, to: NodeId, kind: &str, fields: &Value) {
        let replica = self.of(id);
        let leader = replica.leader.unwrap_or(NodeId::ANY);
        let mut message =
            json!({"src": id, "dst": to, "leader": leader, "type": kind, "term": replica.term});
        message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.send(id, &message.to_string());
    }

    /// A replica sends this packet.
    pub fn send(&mut self, from: NodeId, packet: &str) {
        let (bytes, length) = (Rc::from(packet.as_bytes()), packet.len());
        self.tell(Event::Packet { from, bytes, length });
    }

    fn handle(&mut self, id: NodeId, packet: &[u8]) {
        let message: Value = serde_json::from_slice(packet).unwrap();
        let from: NodeId = serde_json::from_value(message["src"].clone()).unwrap();
        let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
        let now = self.now;
        match &*text("type") {
            "heartbeat" => {
                let replica = self.of(id);
                let term = message["term"].as_u64().unwrap();
                if term >= replica.term {
                    (replica.term, replica.leader, replica.heard) = (term, Some(from), now);
                }
            }
            "status" if self.habits.tells_state => {
                let (commit, digest) = (self.applied, format!("{:?}", self.store));
                self.say(id, from, "status", &json!({"commit": commit, "digest": digest}));
            }
            "get" | "put" if self.of(id).leader != Some(id) => {
                self.say(id, from, "redirect", &json!({"MID": message["MID"]}));
            }
            "get" => {
                let value = self.store.get(&text("key")).cloned().unwrap_or_default();
                self.say(id, from, "ok", &json!({"MID": message["MID"], "value": value}));
            }
            "put" => {
                self.store.insert(text("key"), text("value"));
                self.applied += 1;
                self.say(id, from, "ok", &json!({"MID": message["MID"]}));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
