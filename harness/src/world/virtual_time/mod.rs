//! The virtual world: the same processes, sockets and files, and a time that jumps from one event to the next. The same
//! seed gives the same run, byte for byte.
//!
//! - [`execute`]: a whole run, on a thread and a processor of its own.
//! - `effects`: what the run wants done; `start`: from nothing to a connected cluster.
//! - `replica`: one replica's process, connection and output; `socket`, `datagrams`: the
//!   connection.
//! - `exactness`: what is told of the run's path; `host`: a simulated host; `bounds`: what a replica may not do; `hold`:
//!   where it stands still.

mod bounds;
mod datagrams;
mod effects;
mod exactness;
mod hold;
mod host;
mod processors;
mod quota;
mod replica;
mod socket;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use supervisor::{ProcessId, Stop, Supervisor, VirtualTime};

use super::disks::Disks;
use super::ended::Ended;
use super::real::Written;
use super::scratch::Scratch;
use super::secure::Seals;
use super::{Executed, RunError, RunRequest};
use crate::cluster::confinement::Confinement;
use crate::cluster::excess;
use crate::files::folder::Folder;
use crate::ids::NodeId;
use crate::limits;
use crate::network::course_2016::RouterKind;
use crate::record::{Interference, ReplicaRecord, RunRecord};
use crate::run::event::Event;
use crate::run::machine::Machine;
use crate::time::RunTime;
use host::Host;
use processors::Processor;
use replica::{Replica, Where};
use socket::News;

pub use exactness::Exactness;
pub use hold::{AfterHold, Held, Hold};
pub use start::obstacle;

/// While some replica's socket is full, it is looked at so often.
const FULL: Duration = Duration::from_millis(1);

/// A run in virtual time. The order of the fields is the order of the end: processes first.
pub(super) struct VirtualWorld {
    pub(super) supervisor: Supervisor,
    pub(super) request: RunRequest,
    pub(super) place: Folder,
    pub(super) machine: Machine,
    replicas: BTreeMap<NodeId, Replica>,
    by_process: BTreeMap<ProcessId, NodeId>,
    /// Deaths before the clock started.
    early: Vec<(NodeId, std::process::ExitStatus)>,
    host: Host,
    /// When the clock of the run started.
    origin: Option<VirtualTime>,
    disks: Disks,
    /// What confines an untrusted program.
    confinement: Confinement,
    written: Written,
    interference: BTreeSet<Interference>,
    scratch: Scratch,
    begun: Instant,
    /// When it was last looked whether an untrusted program uses too much.
    looked: Instant,
    /// Given back in the end.
    _processor: Option<Processor>,
}

/// What is needed beside the request.
pub(super) struct Prepared {
    pub(super) place: Folder,
    pub(super) machine: Machine,
    pub(super) written: Written,
}

/// Lets the run happen on this thread, then ends everything that it started.
pub(super) fn execute(request: RunRequest, prepared: Prepared) -> Result<Executed, RunError> {
    VirtualWorld::start(request, prepared)?.run()
}

impl VirtualWorld {
    pub(super) fn now(&self) -> RunTime {
        self.origin.map_or(RunTime::ZERO, |origin| RunTime(self.supervisor.now().0 - origin.0))
    }

    fn run(mut self) -> Result<Executed, RunError> {
        self.connect()?;
        self.begin()?;
        self.happen()?;
        let duration = self.machine.ended_at().unwrap_or(self.now()).since_start();
        let mut unwritten: Vec<String> = Vec::new();
        unwritten.extend(self.write_leaders().err().map(|error| error.to_string()));
        self.show_progress(self.now());
        self.end_processes();
        let flushed = self.written.journal.flush();
        let now = self.now();
        self.written.is_lost(now, flushed);
        unwritten.extend(self.written.lost.take().map(|(_, why)| why));
        let is_complete = unwritten.is_empty();
        let place = self.place.clone();
        let exactness = Exactness::of(&self.supervisor, self.begun.elapsed());
        unwritten.extend(
            exactness.write(&place).err().map(|error| format!("writing schedule.json: {error}")),
        );
        let (mut record, seals) = self.into_record(duration)?;
        record.host.not_exact = Some(exactness.not_exact.clone());
        let secured = seals.secure(&place, &record, is_complete);
        record.interference.extend(secured.interference);
        record.notes.extend(unwritten.into_iter().chain(secured.problems));
        Ok(Executed { record, history: secured.history, place, exactness: Some(exactness) })
    }

    /// The clock starts: what was sent until now is dropped.
    fn begin(&mut self) -> Result<(), RunError> {
        self.origin = Some(self.supervisor.now());
        self.halt();
        self.tell(Event::Started)?;
        for (id, status) in std::mem::take(&mut self.early) {
            self.tell(Event::Exited { id, how: status.into() })?;
        }
        Ok(())
    }

    fn happen(&mut self) -> Result<(), RunError> {
        loop {
            if *self.request.interrupt.borrow() {
                self.tell(Event::Interrupted)?;
            }
            self.write_again()?;
            self.take_turns();
            while self.machine.next_at().is_some_and(|at| at <= self.now()) {
                self.tell(Event::Due)?;
            }
            if self.machine.end().is_some() {
                return Ok(());
            }
            self.look_at_use()?;
            let next =
                self.machine.next_at().map_or(Duration::from_secs(1), |at| at.since(self.now()));
            let is_full = self.replicas.values().any(Replica::is_full);
            let next = if is_full { next.min(FULL) } else { next };
            let until = self.until(next);
            match self.supervisor.run_until(until) {
                Stop::Reached | Stop::Idle => {}
                stop => self.stopped(stop)?,
            }
        }
    }

    /// An untrusted program that uses too much is ended with its run.
    fn look_at_use(&mut self) -> Result<(), RunError> {
        if !self.request.program.is_confined || self.looked.elapsed() < limits::confined::LOOK {
            return Ok(());
        }
        self.looked = Instant::now();
        let ours = self.replicas.values().flat_map(|it| self.supervisor.pids(it.process));
        let pids: Vec<Pid> = ours.map(Pid::from_raw).collect();
        excess::of(&pids).map_or(Ok(()), |excess| {
            Err(RunError::Clock(format!(
                "the run was ended at {:.3} s: {excess}",
                self.now().as_secs_f64()
            )))
        })
    }

    /// So long from now, or when the host does something.
    fn until(&self, time: Duration) -> VirtualTime {
        let until = self.supervisor.now().plus(RunTime::from(time).0);
        self.host.next_at().map_or(until, |at| until.min(at))
    }

    /// Time stands still for a reason.
    fn stopped(&mut self, stop: Stop) -> Result<(), RunError> {
        match stop {
            Stop::Reached | Stop::Idle => Ok(()),
            Stop::Halted => self.stand_still(),
            Stop::Ready(process) => match self.by_process.get(&process) {
                Some(&id) => {
                    let ready = self.supervisor.take_ready(process);
                    self.news(id, Where::There(ready))
                }
                None => Ok(()),
            },
            Stop::AtCall(process) => {
                let Some(&id) = self.by_process.get(&process) else { return Ok(()) };
                self.news(id, Where::Anywhere)?;
                self.tell(Event::AtCall(id))
            }
            Stop::Exited(process, status) => {
                let Some(&id) = self.by_process.get(&process) else { return Ok(()) };
                self.news(id, Where::Anywhere)?;
                self.hang_up(id)?;
                if self.origin.is_none() {
                    self.early.push((id, status));
                    return Ok(());
                }
                self.tell(Event::Exited { id, how: status.into() })
            }
            Stop::Stuck(process) => {
                let id = self.by_process.get(&process).copied().unwrap_or(NodeId::ANY);
                let at = self.now().as_secs_f64();
                Err(RunError::Clock(format!(
                    "replica {id} computes without end, and without any system call, since {at:.6} s of virtual \
                     time; let it wait by the system, or use `--clock real`"
                )))
            }
            Stop::Failed(reason) => Err(RunError::Clock(format!("virtual time: {reason}"))),
        }
    }

    /// Takes everything that a replica sent, wrote, or did to its connection there.
    fn news(&mut self, id: NodeId, mut there: Where) -> Result<(), RunError> {
        loop {
            let Some(replica) = self.replicas.get_mut(&id) else { return Ok(()) };
            let news = replica.news(&there, &mut self.supervisor);
            // Nothing was known of a new connection.
            let is_over = !news.iter().any(|it| matches!(it, News::Connected));
            there = Where::Anywhere;
            for news in news {
                match news {
                    News::Connected => {
                        let took = self.supervisor.now().0 - self.replicas[&id].spawned.0;
                        if let Some(replica) = self.replicas.get_mut(&id) {
                            replica.connect_time.get_or_insert(Duration::from_nanos(took));
                        }
                        self.tell(Event::Connected(id))?;
                    }
                    News::Packet { bytes, length } => {
                        self.tell(Event::Packet { from: id, bytes: bytes.into(), length })?;
                    }
                    News::NoHello(bytes) => {
                        self.tell(Event::NoHello { from: id, bytes: bytes.into() })?;
                    }
                    News::Closed => self.tell(Event::Closed(id))?,
                }
            }
            if is_over {
                return Ok(());
            }
        }
    }

    /// A replica is gone: its connection is, too.
    fn hang_up(&mut self, id: NodeId) -> Result<(), RunError> {
        let Some(replica) = self.replicas.get_mut(&id) else { return Ok(()) };
        if replica.close(&mut self.supervisor) && replica.tells_of_its_end() {
            self.tell(Event::Closed(id))?;
        }
        Ok(())
    }

    /// Those whose sockets were full may read again.
    fn write_again(&mut self) -> Result<(), RunError> {
        let ids: Vec<NodeId> = self.replicas.keys().copied().collect();
        for id in ids {
            let replica = self.replicas.get_mut(&id);
            if replica.is_some_and(|replica| replica.has_room_again(&mut self.supervisor)) {
                self.tell(Event::Writable(id))?;
            }
        }
        Ok(())
    }

    /// Tells the run of something, and does what it wants done.
    pub(super) fn tell(&mut self, event: Event) -> Result<(), RunError> {
        let now = self.now();
        self.machine.hear(now, event);
        while let Some(effect) = self.machine.next_effect(now) {
            if let Some(answer) = self.perform(now, effect)? {
                self.machine.hear(now, answer);
            }
        }
        Ok(())
    }

    fn end_processes(&mut self) {
        if self.request.plan.router == RouterKind::Course2016 {
            // It closes before it kills: replicas print that their connection was reset.
            for replica in self.replicas.values_mut() {
                replica.close(&mut self.supervisor);
            }
            let until = self.supervisor.now().plus(RunTime::from(limits::CLOSE_BEFORE_KILL).0);
            while let Stop::Ready(process) | Stop::Exited(process, _) =
                self.supervisor.run_until(until)
            {
                let ready = Where::There(self.supervisor.take_ready(process));
                let replica =
                    self.by_process.get(&process).and_then(|id| self.replicas.get_mut(id));
                if let Some(replica) = replica {
                    replica.news(&ready, &mut self.supervisor);
                }
            }
        }
        for replica in self.replicas.values_mut() {
            self.supervisor.signal(replica.process, nix::libc::SIGKILL);
            replica.news(&Where::Anywhere, &mut self.supervisor);
        }
    }

    fn into_record(mut self, duration: Duration) -> Result<(RunRecord, Seals), RunError> {
        let plan = std::sync::Arc::clone(&self.request.plan);
        let host = self.host_record(duration);
        let outcome = self.machine.finish(&host.given_up.iter().map(|it| it.id).collect());
        let replicas = self.replicas.iter().map(|(&id, replica)| ReplicaRecord {
            id,
            pid: replica.number,
            connect_time: replica.connect_time,
            death: outcome.lives.of(id).death().cloned(),
            restarts: outcome.lives.of(id).restarts(),
            output_bytes: replica.output_bytes(),
            cpu_ns: Some(self.supervisor.used(replica.process)),
            stderr_tail: replica.stderr_tail(),
        });
        let ended = Ended {
            replicas: replicas.collect(),
            interference: self.interference,
            notes: Vec::new(),
            host,
            duration,
        };
        let Written { journal, leaders, faults, others, .. } = self.written;
        let (history, operations) = journal.close();
        let (leaders, faults) = (leaders.close(), faults.close());
        let record = ended.record(plan, outcome, operations)?;
        Ok((record, Seals { history, leaders, faults, others }))
    }
}

/// A number that stands for an open file: `nix` takes it so.
fn raw(fd: &impl AsRawFd) -> std::os::fd::RawFd {
    fd.as_raw_fd()
}
