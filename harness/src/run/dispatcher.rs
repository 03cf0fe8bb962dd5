//! The one loop that gives all events of a run their order.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::agenda::{Agenda, Task};
use super::events::{EventFeed, Snapshot};
use super::faults::Disks;
use super::progress::Progress;
use super::sampling::{HostSampler, Start};
use super::start::Cluster;
use super::state_comparison::StateComparison;
use super::{RunError, RunRequest};
use crate::clients::{Answer, Effect, Pool, Unexpected, World};
use crate::cluster::life::Lives;
use crate::cluster::process::{Exited, describe};
use crate::cluster::sweep;
use crate::ids::NodeId;
use crate::journal::faults::FaultsFile;
use crate::journal::history::Journal;
use crate::journal::leaders::LeadersFile;
use crate::limits;
use crate::nemesis::player::Player;
use crate::network::course_2016::{Course2016, RouterKind};
use crate::network::protocol::{ProtocolViolation, ProtocolWarning};
use crate::network::router::ToClient;
use crate::network::rules::FaultId;
use crate::network::transport::TransportEvent;
use crate::record::{EndReason, ReplicaRecord, RunRecord};
use crate::scenario::Clients;
use crate::time::RunTime;

/// The files that are written while a run goes on.
pub struct Written {
    /// What clients asked.
    pub journal: Journal,
    /// Leadership claims.
    pub leaders: LeadersFile,
    /// The faults.
    pub faults: FaultsFile,
}

/// A run in progress.
pub struct Dispatcher {
    pub(super) request: RunRequest,
    pub(super) cluster: Cluster,
    pub(super) lives: Lives,
    pub(super) player: Player,
    pub(super) disks: Disks,
    pub(super) faults: FaultsFile,
    pub(super) agenda: Agenda,
    pub(super) progress: Progress,
    events: EventFeed,
    journal: Journal,
    leaders: LeadersFile,
    pub(super) sampler: HostSampler,
    origin: Instant,
    pub(super) comparison: Option<StateComparison>,
    /// Until when the last questions wait for those who were started again.
    recover_by: Option<RunTime>,
    pub(super) ended_at: Option<RunTime>,
    pub(super) end: Option<EndReason>,
}

impl Dispatcher {
    /// Prepares the run of a connected cluster; the clock starts here.
    pub(super) fn new(
        request: RunRequest,
        written: Written,
        player: Player,
        mut sampler: HostSampler,
        mut cluster: Cluster,
    ) -> Self {
        let plan = &request.plan;
        let scenario = &plan.scenario;
        let replicas: Vec<NodeId> = (0..scenario.replicas).map(NodeId::replica).collect();
        cluster.begin(&request);
        sampler.start();
        for (&id, start) in &cluster.starts {
            sampler.connected(RunTime::ZERO, id, start);
        }
        let progress = request.progress.borrow().clone();
        let mut lives = Lives::new(&replicas);
        for id in std::mem::take(&mut cluster.early_hang_ups) {
            lives.hang_up(id, RunTime::ZERO);
        }
        let mut dispatcher = Self {
            lives,
            player,
            disks: Disks::default(),
            faults: written.faults,
            agenda: Agenda::default(),
            progress,
            events: EventFeed::default(),
            journal: written.journal,
            leaders: written.leaders,
            sampler,
            origin: Instant::now(),
            comparison: None,
            recover_by: None,
            ended_at: None,
            end: None,
            request,
            cluster,
        };
        dispatcher.fill_agenda();
        for exited in std::mem::take(&mut dispatcher.cluster.early_exits) {
            // Nothing was struck yet: nothing can fail here.
            let _ = dispatcher.exited(&exited);
        }
        dispatcher
    }

    fn fill_agenda(&mut self) {
        let scenario = &self.request.plan.scenario;
        let end_of_requests = RunTime::from(scenario.start_wait + scenario.request_phase);
        let end = RunTime::from(scenario.duration());
        self.agenda.add(RunTime::ZERO, Task::Tick);
        self.agenda.add(RunTime::ZERO, Task::Sample);
        self.agenda.add(RunTime::ZERO, Task::Flush);
        for (index, fault) in self.request.plan.faults.iter().enumerate() {
            self.agenda.add(fault.event.at, Task::Fault(index));
        }
        for (n, rule) in scenario.network.iter().enumerate() {
            self.agenda.add(rule.start, Task::Rule(n));
            if let Some(end) = rule.end {
                self.agenda.add(end, Task::RuleEnd(n));
            }
        }
        self.agenda.add(end_of_requests, Task::EndOfRequests);
        self.agenda.add(end, Task::End);
        if !matches!(scenario.clients, Clients::Shared { .. }) {
            self.agenda.add(end, Task::Deadline);
        }
    }

    pub(super) fn now(&self) -> RunTime {
        RunTime::from(self.origin.elapsed())
    }

    /// Lets the run happen, then ends everything that it started.
    pub async fn run(mut self) -> Result<RunRecord, RunError> {
        let happened = self.happen().await;
        let duration = self.ended_at.unwrap_or(self.now()).since_start();
        // What cannot be written down here is told, and keeps nobody from judging the rest.
        let mut unwritten: Vec<String> = Vec::new();
        unwritten.extend(self.write_leaders().err().map(|error| error.to_string()));
        self.show_progress();
        let lost_datagrams = self.cluster.lost_datagrams();
        let exits = self.end_processes().await;
        happened?;
        self.journal.flush()?;
        let (mut record, faults) = self.into_record(duration, &exits);
        let written = faults.finish(&record.faults);
        let written = written.map_err(RunError::system("writing faults.jsonl"));
        unwritten.extend(written.err().map(|error| error.to_string()));
        record.notes.extend(lost_datagrams.into_iter().chain(unwritten));
        Ok(record)
    }

    async fn happen(&mut self) -> Result<(), RunError> {
        let mut interrupt = self.request.interrupt.clone();
        loop {
            self.perform_due()?;
            if self.end.is_some() {
                return Ok(());
            }
            let next = self.agenda.next_at().into_iter().chain(self.cluster.router.next_at());
            let next = next.min().unwrap_or_default();
            let sleep = tokio::time::sleep_until((self.origin + next.since_start()).into());
            tokio::select! {
                biased;
                _ = interrupt.wait_for(|&stop| stop) => self.end = Some(EndReason::Interrupted),
                Some(exited) = self.cluster.exits.recv() => self.exited(&exited)?,
                Some(event) = self.cluster.events.recv() => self.events(event)?,
                () = sleep => {}
            }
        }
    }

    // By the clock.

    fn perform_due(&mut self) -> Result<(), RunError> {
        self.apply_effects()?;
        self.cluster.router.deliver_due(self.now());
        self.give_up();
        while let Some((due, task)) = self.agenda.pop_due(self.now()) {
            self.perform(due, task)?;
            // What a fault that ended held back arrives before anything new is sent.
            self.cluster.router.deliver_due(self.now());
            self.apply_effects()?;
            self.give_up();
        }
        Ok(())
    }

    fn perform(&mut self, due: RunTime, task: Task) -> Result<(), RunError> {
        match task {
            // The run is over; only the replicas' states are still asked for.
            Task::Client(_)
            | Task::Fault(_)
            | Task::FaultStep(_)
            | Task::Recover
            | Task::End
            | Task::Deadline
                if self.comparison.is_some() => {}
            Task::Client(wake) => self.with_pool(|pool, world| pool.wake(wake, world)),
            Task::Fault(index) => self.with_player(|player, scene| player.due(index, scene))?,
            Task::FaultStep(index) => {
                self.with_player(|player, scene| player.play(index, scene))?;
            }
            Task::Rule(n) => {
                let what = &self.request.plan.scenario.network[n].what;
                self.cluster.router.apply(FaultId::Network(n), what.pairs(), &what.rule);
            }
            Task::RuleEnd(n) => self.cluster.router.lift(FaultId::Network(n)),
            Task::EndOfRequests => self.end_requests()?,
            Task::Recover => self.recover(),
            Task::End if !self.is_recovered() && !self.cluster.pool.is_stalled(self.now()) => {
                self.agenda.add(self.now() + limits::TICK, Task::End);
            }
            // The answers may be there before the quiet time is over.
            Task::Deadline if self.now() < RunTime::from(self.request.plan.scenario.duration()) => {
            }
            Task::End | Task::Deadline => self.conclude(),
            Task::Ask => self.ask(),
            Task::Tick => self.tick(due),
            Task::Sample => self.sample(),
            Task::Flush => {
                self.journal.flush()?;
                self.cluster.router.log().flush();
                self.write_leaders()?;
                self.agenda.add(self.now() + limits::FLUSH_INTERVAL, Task::Flush);
            }
        }
        Ok(())
    }

    /// Our own workloads are healed now (nothing is cut or lost any more, nobody is down but for
    /// good), and asked what must then be answered. A course config is left as it is: its quiet time
    /// is the course's.
    fn end_requests(&mut self) -> Result<(), RunError> {
        if self.request.plan.scenario.is_course_config {
            return Ok(());
        }
        for n in 0..self.request.plan.scenario.network.len() {
            self.cluster.router.lift(FaultId::Network(n));
        }
        self.with_player(Player::finish)?;
        if matches!(self.request.plan.scenario.clients, Clients::Shared { .. }) {
            self.restore_links();
            self.recover_by = Some(self.now() + limits::CONNECT_DEADLINE);
            self.recover();
        }
        Ok(())
    }

    /// Begins the last questions once all that were started again are there, or had their time.
    fn recover(&mut self) {
        let now = self.now();
        let Some(by) = self.recover_by else { return };
        if self.lives.awaits_some() && now < by {
            self.agenda.add(now + limits::FAULT_RETRY, Task::Recover);
            return;
        }
        self.recover_by = None;
        let bound = self.request.plan.scenario.liveness_bound * limits::FINAL_BOUNDS;
        self.agenda.add(now + bound, Task::Deadline);
        self.with_pool(Pool::recover);
    }

    fn is_recovered(&self) -> bool {
        self.recover_by.is_none() && self.cluster.pool.is_recovered()
    }

    fn tick(&mut self, due: RunTime) {
        let now = self.now();
        #[cfg(debug_assertions)]
        super::test_hook::panic_if_due(now);
        let course = self.cluster.router.course();
        let blocked = course.map(Course2016::take_blocked).unwrap_or_default();
        self.sampler.loop_came((due + blocked).min(now), now);
        self.show_progress();
        self.agenda.add(now + limits::TICK, Task::Tick);
    }

    fn show_progress(&mut self) {
        let now = self.now();
        self.progress.now = now;
        self.progress.messages = self.cluster.router.crossed();
        self.progress.leader = self.cluster.router.leader();
        self.progress.alive = self.lives.alive().len();
        self.progress.sides = self.player.sides();
        let claims = self.cluster.router.claims().changes();
        let (faults, alive) = (self.player.records(), self.lives.alive());
        let snapshot = Snapshot { now, claims, faults, alive };
        let lives = &self.lives;
        let is_planned = |id| lives.of(id).death().is_none_or(|death| death.is_planned);
        let mut new = self.events.update(&snapshot, is_planned);
        let progress = self.progress.clone();
        self.request.progress.send_modify(|shown| {
            let mut happened = std::mem::take(&mut shown.happened);
            happened.append(&mut new);
            *shown = Progress { happened, ..progress };
        });
    }

    fn write_leaders(&mut self) -> Result<(), RunError> {
        let written = self.leaders.write(self.cluster.router.claims());
        written.map_err(RunError::system("writing leaders.jsonl"))
    }

    // By the clients.

    pub(super) fn with_pool<T>(&mut self, act: impl FnOnce(&mut Pool, World<'_>) -> T) -> T {
        let (alive, leader) = (self.lives.alive(), self.cluster.router.leader());
        let world = World { now: self.now(), alive, leader };
        act(&mut self.cluster.pool, world)
    }

    fn apply_effects(&mut self) -> Result<(), RunError> {
        loop {
            let effects = self.cluster.pool.take_effects();
            if effects.is_empty() {
                return Ok(());
            }
            self.tell_time();
            for effect in effects {
                match effect {
                    Effect::Send { from, to, kind, packet } => {
                        let now = self.now();
                        self.cluster.router.from_client(now, from, to, kind, packet);
                    }
                    Effect::Invoked(index) => {
                        self.journal.invoked(self.cluster.pool.operation(index))?;
                    }
                    Effect::Completed(index) => {
                        let operation = self.cluster.pool.operation(index);
                        self.journal.completed(operation)?;
                        self.progress.count(operation.outcome);
                    }
                    Effect::WakeAt(at, wake) => self.agenda.add(at, Task::Client(wake)),
                }
            }
        }
    }

    fn tell_time(&mut self) {
        let now = self.now();
        self.cluster.router.log().tell_time(now);
    }

    // By the replicas.

    fn events(&mut self, first: TransportEvent) -> Result<(), RunError> {
        self.event(first)?;
        for _ in 0..limits::EVENTS_AHEAD {
            let Ok(event) = self.cluster.events.try_recv() else { break };
            self.event(event)?;
        }
        Ok(())
    }

    fn event(&mut self, event: TransportEvent) -> Result<(), RunError> {
        self.tell_time();
        match event {
            TransportEvent::Connected(id, connection) => {
                if let Some(process) = self.cluster.processes.get(&id) {
                    let start = Start::now(process);
                    self.cluster.connect_times.entry(id).or_insert(start.took);
                    self.sampler.connected(self.origin.elapsed().into(), id, &start);
                }
                self.progress.connected = self.cluster.connect_times.len();
                self.request.progress.send_replace(self.progress.clone());
                self.cluster.connected(id, connection, &self.request);
                self.with_player(|player, scene| player.connected(id, scene))?;
            }
            // The news of an earlier connection, which comes late.
            TransportEvent::Closed(id) if self.cluster.router.is_connected(id) => {}
            TransportEvent::Closed(id) => {
                self.lives.hang_up(id, self.now());
                self.cluster.router.disconnected(id);
            }
            TransportEvent::NoHello { from, bytes } => {
                let now = self.now();
                self.cluster.no_hello(now, from, &bytes);
            }
            TransportEvent::Writable(id) => self.cluster.router.writable(id),
            TransportEvent::Packet { from, bytes, length } => {
                let now = self.now();
                let reads = limits::COURSE_PACKET_BYTES;
                if self.request.plan.router == RouterKind::Course2016 && length > reads {
                    // What is cut is no JSON any more: nobody can tell whom it was for.
                    self.sampler.truncated(now, from);
                    return Ok(());
                }
                if self.player.awaits_election()
                    && self.cluster.router.tells_of_election(from, &bytes)
                {
                    self.with_player(|player, scene| player.elected(from, scene))?;
                }
                let router = &mut self.cluster.router;
                let to_client = router.packet(now, from, &bytes, length, self.lives.alive());
                if router.crossed() > self.request.plan.scenario.max_packets && self.end.is_none() {
                    router.protocol().violation(ProtocolViolation::PacketStorm, now, from, &bytes);
                    self.end = Some(EndReason::PacketStorm);
                }
                match to_client {
                    None => {}
                    Some(_) if self.comparison.is_some() => self.hear_status(from, &bytes),
                    Some(message) => {
                        self.answer(&message, &bytes);
                        if message.kind == "ok" {
                            let from = message.from;
                            self.with_player(|player, scene| player.answered(from, scene))?;
                        }
                        self.apply_effects()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, message: &ToClient, packet: &[u8]) {
        let answer = Answer {
            from: message.from,
            client: message.client,
            kind: &message.kind,
            mid: message.mid.as_deref().unwrap_or_default(),
            leader: message.leader,
            value: message.value.clone(),
        };
        let put_sent = self.cluster.pool.put_sent(answer.mid);
        let unexpected = self.with_pool(|pool, world| pool.answer(&answer, world));
        let now = self.now();
        if let Some(sent) = put_sent
            && (answer.kind, answer.leader) == ("ok", Some(answer.from))
        {
            self.cluster.router.acknowledged(now, answer.from, sent, packet);
        }
        let protocol = self.cluster.router.protocol();
        let from = message.from;
        match unexpected {
            None => {}
            Some(Unexpected::UnknownMid) => {
                protocol.violation(ProtocolViolation::UnknownMid, now, from, packet);
            }
            Some(Unexpected::UnknownAnswer) => {
                protocol.violation(ProtocolViolation::UnknownAnswer, now, from, packet);
            }
            Some(Unexpected::Duplicate) => {
                protocol.warning(ProtocolWarning::DuplicateResponse, now, from, packet);
            }
            Some(Unexpected::OddValue) => {
                protocol.warning(ProtocolWarning::OddValue, now, from, packet);
            }
            Some(Unexpected::Gone) => {
                protocol.warning(ProtocolWarning::RefusedForGood, now, from, packet);
            }
        }
    }

    /// `waitpid` told of a death.
    fn exited(&mut self, exited: &Exited) -> Result<(), RunError> {
        let id = exited.id;
        if self.cluster.processes.get(&id).is_none_or(|process| process.pid() != exited.pid) {
            return Ok(());
        }
        if self.comparison.is_some() {
            self.lives.left(id);
            return Ok(());
        }
        self.cluster.router.died(id);
        let (now, how) = (self.now(), describe(exited.status));
        self.cluster.router.claims().died(now, id, &how);
        self.with_player(|player, scene| player.gone(id, how, scene))?;
        if self.lives.alive().is_empty() && !self.lives.awaits_some() {
            self.end = Some(EndReason::AllDead);
        }
        Ok(())
    }

    // The end.

    /// Kills all processes and waits until the system has told of each; the sockets are still
    /// open. Returns those whose death nobody told of in time.
    async fn end_processes(&mut self) -> Vec<NodeId> {
        let mut left: BTreeSet<NodeId> = self.lives.running().collect();
        if self.request.plan.router == RouterKind::Course2016 {
            // It closes before it kills: replicas print that their connection was reset.
            self.cluster.router.close_all();
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
        left.into_iter().collect()
    }

    fn into_record(mut self, duration: Duration, not_reaped: &[NodeId]) -> (RunRecord, FaultsFile) {
        let plan = std::sync::Arc::clone(&self.request.plan);
        let host = self.host_record(duration);
        let notes = self.host_notes();
        for id in not_reaped {
            tracing::warn!("replica {id} was killed, but the system did not tell of its death");
        }
        let mut replicas = Vec::new();
        for (&id, process) in &self.cluster.processes {
            let connect_time = self.cluster.connect_times.get(&id).copied();
            replicas.push(ReplicaRecord {
                id,
                pid: process.pid(),
                connect_time,
                death: self.lives.of(id).death().cloned(),
                restarts: self.lives.of(id).restarts(),
                output_bytes: process.output_bytes(),
                cpu_ns: process.cpu_ns(),
                stderr_tail: process.stderr_tail(),
            });
        }
        for (id, at) in self.lives.silent() {
            if !host.given_up.iter().any(|it| it.id == id) {
                let protocol = self.cluster.router.protocol();
                protocol.violation(ProtocolViolation::HungUp, at, id, b"");
            }
        }
        let traffic = self.cluster.router.finish();
        let (operations, recovery, requests) = self.cluster.pool.finish();
        let record = RunRecord {
            scenario: std::sync::Arc::new(plan.scenario.clone()),
            plan,
            operations,
            recovery,
            requests,
            messages: traffic.messages,
            faults: self.player.into_records(),
            leaders: traffic.leaders,
            leadership_claims: traffic.leadership_claims,
            replicas,
            states: self.comparison.map(StateComparison::into_states).unwrap_or_default(),
            violations: traffic.protocol.violations,
            protocol_warnings: traffic.protocol.warnings,
            notes: notes.into_iter().chain(traffic.log_problem).collect(),
            host,
            end: self.end.unwrap_or(EndReason::Completed),
            duration,
        };
        (record, self.faults)
    }
}
