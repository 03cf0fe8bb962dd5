//! The real world: it tells the run what happens on this host, and does what the run wants done.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;

use super::clock::Clock;
use super::disks::Disks;
use super::driven::{self, DrivenEvent};
use super::ended::Ended;
use super::movers::Movers;
use super::sampling::{HostSampler, Start};
use super::secure::Seals;
use super::start::Cluster;
use super::transport::{Connection, TransportEvent};
use super::{Executed, RunError, RunRequest};
use crate::cluster::life::Ending;
use crate::cluster::process::{Exited, Process};
use crate::cluster::sweep;
use crate::files::counted::Seal;
use crate::files::folder::Folder;
use crate::host::disturbance::DisturbanceKind;
use crate::ids::NodeId;
use crate::journal::faults::FaultsFile;
use crate::journal::history::{Journal, JournalError};
use crate::journal::leaders::LeadersFile;
use crate::limits;
use crate::nemesis::player::{Signal, Work};
use crate::network::course_2016::RouterKind;
use crate::record::{EndReason, Interference, ReplicaRecord, RunRecord};
use crate::run::event::{Effect, Event};
use crate::run::machine::Machine;
use crate::run::progress::Progress;
use crate::time::RunTime;

/// The files that are written while a run goes on.
pub struct Written {
    /// What clients asked.
    pub journal: Journal,
    /// Leadership claims.
    pub leaders: LeadersFile,
    /// The faults.
    pub faults: FaultsFile,
    /// What the other files must hold.
    pub others: Vec<Seal>,
    /// Since when the history is no longer written, and why. It is judged from memory then.
    pub lost: Option<(RunTime, String)>,
}

impl Written {
    /// A line could not be written: the run goes on without the file.
    pub(super) fn is_lost(&mut self, now: RunTime, written: Result<(), JournalError>) {
        if let Err(error) = written {
            self.lost.get_or_insert((now, error.to_string()));
        }
    }
}

/// A run on this host.
pub struct RealWorld {
    pub(super) request: RunRequest,
    /// The run's folder.
    place: Folder,
    pub(super) machine: Machine,
    pub(super) cluster: Cluster,
    pub(super) clock: Clock,
    pub(super) sampler: HostSampler,
    disks: Disks,
    movers: Movers,
    /// When a process of the program had moved or removed a folder that is, or holds, that of the run.
    moved: Option<RunTime>,
    written: Written,
    /// What the harness could not do, a sentence each.
    problems: Vec<String>,
    /// What the program did to the run itself.
    pub(super) interference: BTreeSet<Interference>,
    /// The replicas that the program itself stopped, and that have not been seen to go on.
    pub(super) stopped: BTreeSet<NodeId>,
}

impl RealWorld {
    /// A run whose processes were started.
    pub(super) fn new(
        request: RunRequest,
        place: Folder,
        machine: Machine,
        cluster: Cluster,
        sampler: HostSampler,
        written: Written,
    ) -> Self {
        let (clock, disks) = (Clock::default(), Disks::default());
        let movers = Movers::of(&request.folder);
        Self {
            request,
            place,
            machine,
            cluster,
            clock,
            sampler,
            disks,
            movers,
            moved: None,
            written,
            problems: Vec::new(),
            interference: BTreeSet::new(),
            stopped: BTreeSet::new(),
        }
    }

    /// Lets the run happen, then ends everything that it started.
    pub async fn run(mut self) -> Result<Executed, RunError> {
        self.connect().await?;
        let happened = self.happen().await;
        if happened.is_ok() && self.machine.end() == Some(EndReason::Completed) {
            self.finish_checks().await;
        }
        let duration = self.machine.ended_at().unwrap_or(self.clock.now()).since_start();
        // What cannot be written down here is told, and the rest is judged all the same.
        let mut unwritten: Vec<String> = Vec::new();
        unwritten.extend(self.write_leaders().err().map(|error| error.to_string()));
        self.show_progress(self.clock.now());
        let lost_datagrams = self.cluster.lost_datagrams();
        self.hear_signals(self.clock.now());
        self.hear_movers(self.clock.now());
        let not_reaped = self.end_processes().await;
        happened?;
        let flushed = self.written.journal.flush();
        self.written.is_lost(self.clock.now(), flushed);
        for id in not_reaped {
            tracing::warn!("replica {id} was killed, but the system did not tell of its death");
        }
        if let Some((since, why)) = self.written.lost.take() {
            let (kind, now) = (DisturbanceKind::HistoryLost, self.clock.now());
            self.sampler.note(kind, since, now);
            unwritten.push(why);
        }
        if !self.place.is_at(&self.request.folder) {
            let now = self.clock.now();
            match self.moved {
                Some(at) => self.seen(Interference::RunFolder { at }),
                None => self.sampler.note(DisturbanceKind::FolderMoved, now, now),
            }
        }
        let is_complete = unwritten.is_empty();
        unwritten.append(&mut self.problems);
        let place = self.place.clone();
        let (mut record, seals) = self.into_record(duration)?;
        let secured = seals.secure(&place, &record, is_complete);
        record.interference.extend(secured.interference);
        let unwritten = unwritten.into_iter().chain(secured.problems);
        record.notes.extend(lost_datagrams.into_iter().chain(unwritten));
        Ok(Executed { record, history: secured.history, place, exactness: None })
    }

    /// The replicas are still there, and no client and no fault disturbs them.
    async fn finish_checks(&mut self) {
        let bound = self.request.plan.scenario.liveness_bound;
        let mut interrupt = self.request.interrupt.clone();
        if let Some(driven) = &mut self.cluster.driven {
            tokio::select! {
                _ = interrupt.wait_for(|&stop| stop) => {
                    self.problems.push("interrupted before the last checks were over".to_owned());
                }
                () = driven.finish(bound) => {}
            }
        }
    }

    async fn happen(&mut self) -> Result<(), RunError> {
        self.begin()?;
        let mut interrupt = self.request.interrupt.clone();
        loop {
            while self.machine.next_at().is_some_and(|at| at <= self.clock.now()) {
                self.tell(Event::Due)?;
            }
            if self.machine.end().is_some() {
                return Ok(());
            }
            let sleep = self.clock.wait_until(self.machine.next_at().unwrap_or_default());
            tokio::select! {
                biased;
                _ = interrupt.wait_for(|&stop| stop) => self.tell(Event::Interrupted)?,
                Some(exited) = self.cluster.exits.recv() => self.exited(&exited)?,
                Some(event) = self.cluster.events.recv() => self.events(event)?,
                Some(event) = driven::next(&mut self.cluster.driven) => self.driven(event)?,
                () = sleep => {}
            }
        }
    }

    /// The clock starts: what was sent until now is dropped.
    fn begin(&mut self) -> Result<(), RunError> {
        while let Ok(event) = self.cluster.events.try_recv() {
            self.event(event)?;
        }
        self.clock.start();
        if let Some(driven) = &mut self.cluster.driven {
            driven.begin();
        }
        self.sampler.start();
        for (&id, start) in &self.cluster.starts {
            self.sampler.connected(RunTime::ZERO, id, start);
        }
        self.tell(Event::Started)?;
        for exited in std::mem::take(&mut self.cluster.early_exits) {
            self.exited(&exited)?;
        }
        Ok(())
    }

    // What happens.

    /// Tells the run of something, and does what it wants done.
    fn tell(&mut self, event: Event) -> Result<(), RunError> {
        let now = self.clock.now();
        self.machine.hear(now, event);
        while let Some(effect) = self.machine.next_effect(now) {
            if let Some(answer) = self.perform(now, effect)? {
                self.machine.hear(now, answer);
            }
        }
        Ok(())
    }

    fn events(&mut self, first: TransportEvent) -> Result<(), RunError> {
        self.event(first)?;
        for _ in 0..limits::EVENTS_AHEAD {
            let Ok(event) = self.cluster.events.try_recv() else { break };
            self.event(event)?;
        }
        Ok(())
    }

    /// The transport tells of something.
    pub(super) fn event(&mut self, event: TransportEvent) -> Result<(), RunError> {
        match event {
            TransportEvent::Connected(id, connection) => self.connected(id, connection),
            // The news of an earlier connection, which comes late.
            TransportEvent::Closed(id) if self.cluster.ports.is_connected(id) => Ok(()),
            TransportEvent::Closed(id) => {
                self.cluster.ports.close(id);
                self.tell(Event::Closed(id))
            }
            TransportEvent::NoHello { from, bytes } => self.tell(Event::NoHello { from, bytes }),
            TransportEvent::Writable(id) => self.tell(Event::Writable(id)),
            TransportEvent::Packet { from, bytes, length } => {
                self.tell(Event::Packet { from, bytes, length })
            }
        }
    }

    /// A system that is asked by a driver tells of something.
    pub(super) fn driven(&mut self, event: DrivenEvent) -> Result<(), RunError> {
        let Some(driven) = &mut self.cluster.driven else { return Ok(()) };
        let event = match event {
            DrivenEvent::Ready { id, pid } => {
                if self.cluster.processes.get(&id).is_none_or(|process| process.pid() != pid) {
                    return Ok(());
                }
                self.came(id);
                Event::Connected(id)
            }
            DrivenEvent::Claimed { by, leader } => {
                Event::Claimed { by, leader: driven.meant(&leader) }
            }
            DrivenEvent::Answered(operation, answer) => match driven.heard(operation, answer) {
                Some(event) => event,
                None => return Ok(()),
            },
        };
        self.tell(event)
    }

    /// A replica is there: how long its start took is noted.
    fn came(&mut self, id: NodeId) {
        if let Some(process) = self.cluster.processes.get(&id) {
            let start = Start::now(process);
            self.cluster.connect_times.entry(id).or_insert(start.took);
            if self.clock.has_started() {
                self.sampler.connected(self.clock.now(), id, &start);
            } else {
                self.cluster.starts.entry(id).or_insert(start);
            }
        }
    }

    fn connected(&mut self, id: NodeId, connection: Connection) -> Result<(), RunError> {
        self.came(id);
        let peer = connection.peer();
        let mut others = self.cluster.processes.iter().filter(|(other, _)| **other != id);
        let by = others.find(|(_, process)| peer == Some(process.pid())).map(|(&by, _)| by);
        if let Some(by) = by {
            self.seen(Interference::Impostor { id, by, at: self.clock.now() });
        }
        self.cluster.connected(id, connection, &self.request.mark);
        self.tell(Event::Connected(id))
    }

    /// `waitpid` told of a death.
    fn exited(&mut self, exited: &Exited) -> Result<(), RunError> {
        let id = exited.id;
        if self.cluster.processes.get(&id).is_none_or(|process| process.pid() != exited.pid) {
            return Ok(());
        }
        self.tell(Event::Exited { id, how: exited.status.into() })
    }

    // What is to be done.

    /// Does what the run wants done. Returns what came of it, where the run has to know.
    fn perform(&mut self, now: RunTime, effect: Effect) -> Result<Option<Event>, RunError> {
        match effect {
            Effect::Deliver { to, message } => {
                let patience = self.machine.patience();
                let handed = self.cluster.ports.hand(to, &message.packet, patience);
                return Ok(Some(Event::Handed { to, message, handed }));
            }
            Effect::Retry(to, packet) => {
                let sent = self.cluster.ports.retry(to, &packet);
                return Ok(sent.map(|sent| Event::Retried(to, sent)));
            }
            Effect::Disconnect(id) => {
                if let Some(driven) = &self.cluster.driven {
                    driven.reset(id);
                }
                self.cluster.ports.close(id);
                return Ok(Some(Event::Disconnected(id)));
            }
            Effect::TakenDown(id) => {
                if let Some(driven) = &mut self.cluster.driven {
                    driven.down(id);
                }
                let is_closed = self.cluster.ports.taken_down(id);
                return Ok(is_closed.then_some(Event::Disconnected(id)));
            }
            Effect::Signal(id, signal) => {
                if let Some(process) = self.cluster.processes.get_mut(&id) {
                    send(process, signal);
                }
            }
            // Refused before the start. Drivers are asked by the world that has some.
            Effect::AwaitCall(..) | Effect::SetClock(..) => {}
            Effect::Spawn(id) => return self.spawn(now, id),
            Effect::Data(id, work) => return Ok(self.work(id, work)),
            Effect::GiveUp(given_up) => self.give_up(now, given_up),
            Effect::Truncated(id) => self.sampler.truncated(now, id),
            Effect::Invoke { operation, client, node } => {
                if let Some(driven) = &mut self.cluster.driven {
                    let op = self.machine.operation(operation).op();
                    driven.ask(operation, client, node, op);
                }
            }
            Effect::Links(change) => {
                if let Some(driven) = &self.cluster.driven {
                    driven.change(&change);
                }
            }
            Effect::Invoked(index) => {
                let written = self.written.journal.invoked(self.machine.operation(index));
                self.written.is_lost(now, written);
            }
            Effect::Completed(index) => {
                if let Some(driven) = &mut self.cluster.driven {
                    driven.over(index);
                }
                let written = self.written.journal.completed(self.machine.operation(index));
                self.written.is_lost(now, written);
            }
            Effect::FaultChanged(index) => {
                // It is written anew in the end.
                let _ = self.written.faults.append(&self.machine.faults()[index]);
            }
            Effect::Flush => {
                let flushed = self.written.journal.flush();
                self.written.is_lost(now, flushed);
                // Those that could not be written come with the next.
                let _ = self.write_leaders();
            }
            Effect::Tick { due } => {
                #[cfg(debug_assertions)]
                super::test_hook::panic_if_due(now);
                self.sampler.loop_came(due, now);
            }
            Effect::Sample => self.sample(now),
            Effect::ShowProgress => self.show_progress(now),
        }
        Ok(None)
    }

    /// Starts a replica again. Where the program removed the directory in which it is to work, or the one for its
    /// data, it stays down.
    fn spawn(&mut self, now: RunTime, id: NodeId) -> Result<Option<Event>, RunError> {
        let Err(error) = self.cluster.spawn(id, &self.request, self.disks.of(id)) else {
            return Ok(None);
        };
        if self.cluster.scratch.is_own() && !self.cluster.scratch.is_usable() {
            self.seen(Interference::Directory { at: now });
        } else if error.reason().is_some_and(is_of_the_folder) && !self.cluster.has_folder(id) {
            self.seen(Interference::Folder { id, at: now });
        } else {
            return Err(error);
        }
        Ok(Some(Event::Exited { id, how: Ending::NotStarted }))
    }

    /// What cannot be done to a data directory is no reason to end the run.
    fn work(&mut self, id: NodeId, work: Work) -> Option<Event> {
        let place = self.cluster.processes.get(&id).map(Process::place)?.clone();
        let refused = self.disks.work(id, &place, work).err()?;
        Some(Event::DiskRefused { id, reason: refused.to_string() })
    }

    /// Whether it was the program that moved or removed a folder.
    pub(super) fn hear_movers(&mut self, now: RunTime) {
        let mark = &self.request.mark;
        if self.movers.take().into_iter().any(|pid| sweep::is_of(pid, mark)) {
            self.moved.get_or_insert(now);
        }
    }

    fn show_progress(&mut self, now: RunTime) {
        let mut progress = self.machine.progress(now);
        self.request.progress.send_modify(|shown| {
            let mut happened = std::mem::take(&mut shown.happened);
            happened.append(&mut progress.happened);
            *shown = Progress { happened, ..progress };
        });
    }

    fn write_leaders(&mut self) -> Result<(), RunError> {
        let written = self.written.leaders.write(self.machine.claims());
        written.map_err(RunError::system("writing leaders.jsonl"))
    }

    // The end.

    /// Kills all processes and waits until the system has told of each; the sockets are still
    /// open. Returns those whose death the system did not report in time.
    async fn end_processes(&mut self) -> Vec<NodeId> {
        if let Some(driven) = &mut self.cluster.driven {
            driven.stop();
        }
        let mut left: BTreeSet<NodeId> = self.machine.lives().running().collect();
        if self.request.plan.router == RouterKind::Course2016 {
            // It closes before it kills: replicas print that their connection was reset.
            self.cluster.ports.close_all();
            tokio::time::sleep(limits::CLOSE_BEFORE_KILL).await;
        }
        for process in self.cluster.processes.values_mut() {
            process.kill();
        }
        while !left.is_empty() {
            match timeout(limits::REAP_DEADLINE, self.cluster.exits.recv()).await {
                Ok(Some(exited)) => left.remove(&exited.id),
                _ => break,
            };
        }
        sweep::kill_marked(&self.request.mark);
        for process in self.cluster.processes.values_mut() {
            process.drained().await;
        }
        if let Some(driven) = &self.cluster.driven
            && let Some(problem) = driven.clean_up().await
        {
            self.problems.push(problem);
        }
        left.into_iter().collect()
    }

    fn into_record(mut self, duration: Duration) -> Result<(RunRecord, Seals), RunError> {
        let plan = std::sync::Arc::clone(&self.request.plan);
        let host = self.host_record(duration);
        let notes = self.host_notes();
        let outcome = self.machine.finish(&host.given_up.iter().map(|it| it.id).collect());
        let processes = self.cluster.processes.iter();
        let replicas = processes.map(|(&id, process)| ReplicaRecord {
            id,
            pid: process.pid(),
            connect_time: self.cluster.connect_times.get(&id).copied(),
            death: outcome.lives.of(id).death().cloned(),
            restarts: outcome.lives.of(id).restarts(),
            output_bytes: process.output_bytes(),
            cpu_ns: process.cpu_ns(),
            stderr_tail: process.stderr_tail(),
        });
        let ended = Ended {
            replicas: replicas.collect(),
            interference: self.interference,
            notes,
            host,
            duration,
        };
        let Written { journal, leaders, faults, others, .. } = self.written;
        let (history, operations) = journal.close();
        let (leaders, faults) = (leaders.close(), faults.close());
        let mut record = ended.record(plan, outcome, operations)?;
        if let Some(driven) = self.cluster.driven.take() {
            record.messages.extend(driven.counts());
            record.checks = driven.checks();
        }
        Ok((record, Seals { history, leaders, faults, others }))
    }
}

/// Whether the system says so of a folder that is gone, forbidden, or something else.
fn is_of_the_folder(reason: &std::io::Error) -> bool {
    use nix::libc::{EACCES, EEXIST, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EPERM};
    let those = [EACCES, EEXIST, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EPERM];
    // What is no regular file is found by us.
    reason.raw_os_error().is_none_or(|code| those.contains(&code))
}

fn send(process: &mut Process, signal: Signal) {
    match signal {
        Signal::Kill => process.kill(),
        Signal::Terminate => process.terminate(),
        Signal::Stop => process.stop(),
        Signal::Continue => process.go_on(),
    }
}
