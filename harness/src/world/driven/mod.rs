//! Systems of plain processes that talk TCP among themselves, and to which clients talk in a protocol of their own.
//!
//! - [`addresses`]: the ports of the replicas, and who is meant by an address.
//! - [`proxy`]: the links between the replicas.
//! - [`launch`]: the command of each replica.
//! - [`readiness`]: when a replica is ready, and who leads.
//! - [`http`], [`exec`], [`resp`], [`commands`]: how operations are asked.

mod addresses;
mod commands;
mod exec;
mod http;
mod launch;
mod proxy;
mod readiness;
mod resp;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::{Datum, F, ModelName};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{RunError, RunRequest};
use crate::clients::OperationIndex;
use crate::clients::drivers::exec::Replica;
use crate::clients::drivers::{Answer, Asked, Elsewhere};
use crate::cluster::command::{self, Command};
use crate::ids::NodeId;
use crate::network::link::Counts;
use crate::op::{Completion, Definite, Indefinite, Op};
use crate::record::CheckRecord;
use crate::run::event::{Event, LinkChange};
use crate::scenario::Clients;
use crate::system::Description;
use crate::system::description::Client;
use addresses::Addresses;
use commands::Commands;
use exec::Exec;
use http::Http;
use proxy::Proxies;
use readiness::Watched;
pub use readiness::printed;
use resp::Resp;

/// What happened to such a system.
pub enum DrivenEvent {
    /// A replica is ready.
    Ready {
        /// The replica.
        id: NodeId,
        /// Which of its processes.
        pid: i32,
    },
    /// A replica, asked who leads, names this one.
    Claimed {
        /// The replica that was asked.
        by: NodeId,
        /// What it says.
        leader: Elsewhere,
    },
    /// What came of an operation.
    Answered(OperationIndex, Answer),
}

/// Such a system in a run.
pub struct Driven {
    description: Description,
    replicas: Vec<NodeId>,
    addresses: Addresses,
    proxies: Proxies,
    driver: Rc<Driver>,
    model: ModelName,
    /// The run's folder.
    folder: PathBuf,
    /// Operations that were asked and not answered yet.
    asked: BTreeMap<OperationIndex, (F, JoinHandle<()>)>,
    watchers: BTreeMap<NodeId, JoinHandle<()>>,
    /// When the clock started.
    begun: Instant,
    /// What checks the invariants meanwhile.
    invariants: Option<JoinHandle<()>>,
    sender: mpsc::UnboundedSender<DrivenEvent>,
    events: mpsc::UnboundedReceiver<DrivenEvent>,
}

/// What happens next to a system, if it is such a one; never anything otherwise.
pub async fn next(driven: &mut Option<Driven>) -> Option<DrivenEvent> {
    match driven {
        Some(driven) => driven.events.recv().await,
        None => std::future::pending().await,
    }
}

/// How operations are asked.
enum Driver {
    Http(Http),
    Exec(Exec),
    Resp(Resp),
    Commands(Rc<Commands>),
}

impl Driven {
    /// Ports and links for the system of a run; `None` if its replicas talk through the harness. Must be called within a
    /// `LocalSet`.
    pub fn prepare(request: &RunRequest) -> Result<Option<Self>, RunError> {
        let plan = &request.plan;
        let Some(description) = plan.system.description.as_deref() else { return Ok(None) };
        let replicas: Vec<NodeId> = plan.nodes().collect();
        let mut addresses = Addresses::reserve(replicas.len(), &description.ports)
            .map_err(RunError::system("reserving TCP ports on the loopback"))?;
        let settings = plan.network(&[]);
        let proxies =
            Proxies::listen(&replicas, &mut addresses, |from, to| settings.link(from, to))
                .map_err(RunError::system("listening for the links between the replicas"))?;
        let model = plan.scenario.model();
        let driver = match &description.client {
            Client::Http(client) => Driver::Http(Http::new(client.clone())),
            Client::Resp(client) => Driver::Resp(Resp::new(&client.prefix, model)),
            Client::Commands(folder) => {
                let at = |n: usize| addresses::at(addresses.client(n)).to_string();
                let all: Vec<String> = (0..replicas.len()).map(at).collect();
                let logs = request.folder.join("clients");
                let commands = Commands::new(folder.clone(), logs, &request.mark, &all);
                Driver::Commands(Rc::new(commands))
            }
            Client::Exec(client) => {
                let command = launch::of_client(description, &client.command, replicas.len());
                let folder = request.folder.join("clients");
                let exec = Exec::new(command, folder, &request.mark);
                if let Clients::Shared { count, .. } = plan.scenario.clients {
                    (0..count).for_each(|n| exec.begin(plan.client(n)));
                }
                Driver::Exec(exec)
            }
        };
        let (sender, events) = mpsc::unbounded_channel();
        Ok(Some(Self {
            description: description.clone(),
            replicas,
            addresses,
            proxies,
            driver: Rc::new(driver),
            model,
            folder: request.folder.clone(),
            asked: BTreeMap::new(),
            watchers: BTreeMap::new(),
            begun: Instant::now(),
            invariants: None,
            sender,
            events,
        }))
    }

    /// What its file says.
    pub fn description(&self) -> &Description {
        &self.description
    }

    // Processes.

    fn data(&self, id: NodeId) -> PathBuf {
        let replica = self.folder.join("replicas").join(id.to_string());
        replica.join(crate::cluster::process::DATA)
    }

    fn launched<'a>(&'a self, id: NodeId, data: &'a Path) -> launch::Replica<'a> {
        launch::Replica {
            description: &self.description,
            replicas: &self.replicas,
            addresses: &self.addresses,
            proxies: &self.proxies,
            index: id.index(),
            data,
        }
    }

    /// The command of a replica.
    pub fn command(&self, id: NodeId) -> Command {
        self.launched(id, &self.data(id)).command()
    }

    /// A replica was started: from now on it is watched, until it is down. `printed`: the lengths of its logs before.
    pub fn started(&mut self, id: NodeId, pid: i32, printed: [u64; 2]) {
        self.down(id);
        let watched = Watched {
            id,
            pid,
            port: self.addresses.client(id.index()),
            check: self.launched(id, &self.data(id)).check(printed),
            leader: self.description.leader.clone(),
        };
        let task = readiness::watch(watched, self.sender.clone());
        self.watchers.insert(id, tokio::task::spawn_local(task));
    }

    /// A replica is down, or is not to be asked any more.
    pub fn down(&mut self, id: NodeId) {
        if let Some(watcher) = self.watchers.remove(&id) {
            watcher.abort();
        }
    }

    // Links.

    /// What holds on links changes.
    pub fn change(&self, change: &LinkChange) {
        match change {
            LinkChange::Apply { fault, pairs, rule } => self.proxies.apply(*fault, pairs, rule),
            LinkChange::Lift(fault) => self.proxies.lift(*fault),
            LinkChange::LiftAll => self.proxies.lift_all(),
        }
    }

    /// All connections between a replica and the others are reset.
    pub fn reset(&self, id: NodeId) {
        self.proxies.reset(id);
    }

    // Operations.

    /// Asks a replica.
    pub fn ask(&mut self, operation: OperationIndex, client: NodeId, node: NodeId, op: Op) {
        let (driver, sender) = (Rc::clone(&self.driver), self.sender.clone());
        let replica = self.replica(node);
        let (f, port) = (op.f, self.addresses.client(node.index()));
        let task = tokio::task::spawn_local(async move {
            let key = op.key.unwrap_or_else(|| Arc::from("all"));
            let asked = Asked { f: op.f, key: &key, value: &op.value };
            let answer = match &*driver {
                Driver::Http(http) => http.ask(client, port, asked).await,
                Driver::Resp(resp) => resp.ask(client, port, asked).await,
                Driver::Exec(exec) => exec.ask(client, &replica, asked).await,
                Driver::Commands(commands) => commands.ask(client, &replica, asked).await,
            };
            let _ = sender.send(DrivenEvent::Answered(operation, answer));
        });
        self.asked.insert(operation, (f, task));
    }

    fn replica(&self, node: NodeId) -> Replica {
        let (id, port) = (node.index(), self.addresses.client(node.index()));
        let names = self.addresses.names().iter().cloned();
        Replica {
            id,
            name: node.to_string(),
            address: addresses::at(port).to_string(),
            ports: names.zip(self.addresses.of(id).iter().copied()).collect(),
        }
    }

    /// An operation is over: what is still to come of it comes too late.
    pub fn over(&mut self, operation: OperationIndex) {
        if let Some((_, task)) = self.asked.remove(&operation) {
            task.abort();
        }
    }

    /// What an answer means for the run; `None` if its operation is over.
    pub fn heard(&mut self, operation: OperationIndex, answer: Answer) -> Option<Event> {
        let (f, _) = self.asked.remove(&operation)?;
        let completion = match answer {
            Answer::Ok(value) => Completion::Ok(self.present(f, value)),
            Answer::Fail(why) => Completion::Fail(Definite::Refused(why.into())),
            Answer::Info(why) => Completion::Info(Indefinite::Unclear(why.into())),
            Answer::Redirect(elsewhere) => {
                return Some(Event::Redirected { operation, to: self.meant(&elsewhere) });
            }
        };
        Some(Event::Completed { operation, completion })
    }

    /// A value that is not there, as the model of the run has it at first.
    fn present(&self, f: F, value: Datum) -> Datum {
        if f != F::Get || !value.is_nil() {
            return value;
        }
        match self.model {
            ModelName::Kv => Datum::text(""),
            ModelName::Counter | ModelName::CounterBounds | ModelName::CounterEventual => 0.into(),
            ModelName::Set | ModelName::SetEventual | ModelName::ListRegister => {
                Datum::List(Vec::new())
            }
            _ => value,
        }
    }

    /// The replica that is meant.
    pub fn meant(&self, elsewhere: &Elsewhere) -> Option<NodeId> {
        let name = |replica: usize| self.replicas[replica].to_string();
        self.addresses.meant(elsewhere, name).map(|replica| self.replicas[replica])
    }

    // Checks.

    /// Runs what is to run before the first operation. Returns the command that failed, and how.
    pub async fn first(&self) -> Result<(), (String, String)> {
        match &*self.driver {
            Driver::Commands(commands) => commands.first().await,
            _ => Ok(()),
        }
    }

    /// The clock starts: from now on the invariants are checked.
    pub fn begin(&mut self) {
        self.begun = Instant::now();
        if let Driver::Commands(commands) = &*self.driver {
            let anytime = Rc::clone(commands).anytime(self.begun);
            self.invariants = Some(tokio::task::spawn_local(anytime));
        }
    }

    /// Clients and faults are over: what is to hold in the end is checked.
    pub async fn finish(&mut self, bound: Duration) {
        if let Some(invariants) = self.invariants.take() {
            invariants.abort();
        }
        if let Driver::Commands(commands) = &*self.driver {
            commands.finish(self.begun, bound).await;
        }
    }

    /// What came of the checks.
    pub fn checks(&self) -> Vec<CheckRecord> {
        match &*self.driver {
            Driver::Commands(commands) => commands.checks(),
            _ => Vec::new(),
        }
    }

    // The end.

    /// No client asks any more, and no replica is watched.
    pub fn stop(&mut self) {
        let watchers = std::mem::take(&mut self.watchers).into_values();
        for task in watchers.chain(self.invariants.take()) {
            task.abort();
        }
        for (_, (_, task)) in std::mem::take(&mut self.asked) {
            task.abort();
        }
        if let Driver::Exec(exec) = &*self.driver {
            exec.stop();
        }
    }

    /// Runs the command that cleans up. Returns what went wrong.
    pub async fn clean_up(&self) -> Option<String> {
        let words = &self.description.cleanup;
        let (program, arguments) = words.split_first()?;
        let here = |place: &str| {
            (place == "here").then(|| self.description.here.to_string_lossy().into_owned())
        };
        let path = command::find(&program.fill(here), &self.description.here);
        let arguments = arguments.iter().map(|it| it.fill(here).into()).collect();
        let command = Command::new(path, arguments, Path::new(&self.description.here));
        readiness::succeeds(&command).await.err().map(|why| format!("cleaning up: {why}"))
    }

    /// What crossed the links, once nothing crosses any more.
    pub fn counts(&self) -> Counts {
        self.proxies.counts()
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.stop();
    }
}
