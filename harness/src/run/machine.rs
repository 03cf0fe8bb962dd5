//! A run as a state machine: it hears events and says effects, and knows no clock, no socket and no process.
//!
//! Here: what is heard, and what is wanted. In [`schedule`]: what happens by the clock. In [`clients`]: requests and
//! answers. In [`faults`]: what the player of faults wants done.

mod clients;
mod faults;
mod maelstrom;
mod schedule;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::agenda::Agenda;
use maelstrom::Maelstrom;

use super::event::{Effect, Event, Handed};
use super::feed::{EventFeed, Snapshot};
use super::progress::Progress;
use super::router::{Router, Traffic};
use super::state_comparison::StateComparison;
use crate::clients::{Crew, OperationIndex};
use crate::cluster::life::{Ending, Lives};
use crate::ids::{NodeId, SERVICE_NAMES};
use crate::leadership::claims::LeadershipClaims;
use crate::limits;
use crate::nemesis::happened::FaultRecord;
use crate::nemesis::player::Player;
use crate::network::course_2016::{Course2016, RouterKind};
use crate::network::message_log::MessageLog;
use crate::network::protocol::{ProtocolViolation, ProtocolWarning};
use crate::op::{OperationRecord, RecoveryOperation, RequestCounts};
use crate::plan::Plan;
use crate::record::{EndReason, ReplicaState};
use crate::services::Services;
use crate::system::Port;
use crate::time::RunTime;

/// How far a run is.
enum Phase {
    /// The replicas connect; the clock has not started.
    Starting,
    /// Clients send requests, and faults are injected.
    Requests,
    /// The faults are over; until this time the replicas that were started again are waited for.
    Healing {
        /// The latest time.
        until: RunTime,
    },
    /// Clients send what must now be answered.
    Recovery,
    /// The run is over: the replicas are asked for their states.
    Comparison(StateComparison),
}

/// A run in progress.
pub struct Machine {
    plan: Arc<Plan>,
    router: Router,
    crew: Crew,
    /// What a run of nodes that speak Maelstrom's protocol has besides.
    maelstrom: Option<Box<Maelstrom>>,
    lives: Lives,
    player: Player,
    agenda: Agenda,
    phase: Phase,
    /// Whether replicas that are started again have what they wrote before.
    keeps_data: bool,
    /// The replicas that come back without what they knew.
    forgetful: BTreeSet<NodeId>,
    /// The replicas that have connected at least once.
    connected: BTreeSet<NodeId>,
    feed: EventFeed,
    progress: Progress,
    effects: VecDeque<Effect>,
    ended_at: Option<RunTime>,
    end: Option<EndReason>,
}

impl Machine {
    /// The run of a plan, before its replicas have connected. What becomes of each message is written to `log`;
    /// `keeps_data`: replicas that are started again have what they wrote before.
    pub fn new(plan: Arc<Plan>, keeps_data: bool, log: MessageLog) -> Self {
        let replicas: Vec<NodeId> = plan.nodes().collect();
        let crew = Crew::new(Arc::clone(&plan));
        // The clients, and the one that asks for the states in the end.
        let mut senders: Vec<NodeId> = (0..=crew.ids().len()).map(|n| plan.client(n)).collect();
        let maelstrom = (plan.system.port == Port::Maelstrom).then(|| {
            let teller = plan.client(crew.ids().len());
            senders.extend((0..SERVICE_NAMES.len()).map(NodeId::service));
            Box::new(Maelstrom::new(Services::new(plan.seed.derive("services")), teller))
        });
        let required = plan.durability.required(plan.scenario.replicas);
        Self {
            router: Router::new(&plan.network(&senders), plan.router, required, log),
            crew,
            maelstrom,
            lives: Lives::new(&replicas),
            player: Player::new(Arc::clone(&plan)),
            agenda: Agenda::default(),
            phase: Phase::Starting,
            keeps_data,
            forgetful: BTreeSet::new(),
            connected: BTreeSet::new(),
            feed: EventFeed::default(),
            progress: Progress::default(),
            effects: VecDeque::new(),
            ended_at: None,
            end: None,
            plan,
        }
    }

    /// Something happened.
    pub fn hear(&mut self, now: RunTime, event: Event) {
        self.react(now, event);
        if !matches!(self.phase, Phase::Starting) {
            self.follow_crew(now);
            self.give_up(now);
        }
    }

    fn react(&mut self, now: RunTime, event: Event) {
        match event {
            Event::Started => {
                self.start();
                self.begin_maelstrom(now);
            }
            Event::Due => self.due(now),
            Event::Interrupted => self.end = Some(EndReason::Interrupted),
            Event::Connected(id) => {
                self.connected.insert(id);
                self.router.connected(id);
                // Only now: what the last process sent may lie in the socket until then.
                if self.forgetful.remove(&id) {
                    self.router.knowledge().forgot(now, id);
                }
                self.with_player(now, |player, scene| player.connected(id, scene));
                if !matches!(self.phase, Phase::Starting) {
                    self.tell_neighbours(now, id);
                }
                self.effects.push_back(Effect::ShowProgress);
            }
            Event::Closed(id) => {
                self.lives.hang_up(id, now);
                self.router.disconnected(now, id);
            }
            Event::Packet { from, bytes, .. } if self.maelstrom.is_some() => {
                self.line(now, from, &bytes);
            }
            Event::Packet { from, bytes, length } => self.packet(now, from, &bytes, length),
            Event::NoHello { from, bytes } => {
                self.router.protocol().warning(ProtocolWarning::NoHello, now, from, &bytes);
            }
            Event::Writable(id) => self.retry(id),
            Event::Exited { id, how } => self.exited(now, id, how),
            Event::AtCall(id) => self.with_player(now, |player, scene| player.at_call(id, scene)),
            Event::Handed { to, message, handed } => self.router.handed(now, to, message, handed),
            Event::DiskRefused { id, reason } => {
                self.with_player(now, |player, _| player.refused(id, &reason));
            }
            Event::Retried(to, sent) => {
                if self.router.retried(now, to, sent) {
                    self.retry(to);
                }
            }
            Event::Disconnected(id) => self.router.disconnected(now, id),
            Event::Redirected { operation, to } => {
                self.with_crew(now, |crew, view| crew.redirected(operation, to, view));
            }
            Event::Claimed { by, leader } => self.claimed(now, by, leader),
            Event::Completed { operation, completion } => {
                self.with_crew(now, |crew, view| crew.completed(operation, completion, view));
            }
        }
    }

    /// The next thing that is to be done. The world does it before it tells of anything else.
    pub fn next_effect(&mut self, now: RunTime) -> Option<Effect> {
        loop {
            match self.effects.pop_front()? {
                Effect::Deliver { to, message } => match self.router.without_trying(to) {
                    None => return Some(Effect::Deliver { to, message }),
                    Some(sent) => self.router.handed(now, to, message, Handed::from(sent)),
                },
                effect => return Some(effect),
            }
        }
    }

    /// When something is due next; [`Event::Due`] lets it happen.
    pub fn next_at(&self) -> Option<RunTime> {
        self.agenda.next_at().into_iter().chain(self.router.next_at()).min()
    }

    /// Why the run is over, if it is.
    pub fn end(&self) -> Option<EndReason> {
        self.end
    }

    /// How long a socket that is full holds up everything else; `None`: not at all.
    pub fn patience(&mut self) -> Option<Duration> {
        self.router.course().map(|course| course.patience())
    }

    fn is_comparing(&self) -> bool {
        matches!(self.phase, Phase::Comparison(_))
    }

    // What the world may see.

    /// The replicas' lives.
    pub fn lives(&self) -> &Lives {
        &self.lives
    }

    /// The replicas that have connected at least once.
    pub fn connected(&self) -> &BTreeSet<NodeId> {
        &self.connected
    }

    /// An operation by its index, which is in flight or has just ended.
    pub fn operation(&self, index: OperationIndex) -> &OperationRecord {
        self.crew.operation(index)
    }

    /// Each fault of the plan, and what became of it.
    pub fn faults(&self) -> &[FaultRecord] {
        self.player.records()
    }

    /// The leadership claims of each replica.
    pub fn claims(&self) -> &LeadershipClaims {
        self.router.leadership().claims()
    }

    /// The network.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// How far the run is, with what happened since this was last asked.
    pub fn progress(&mut self, now: RunTime) -> Progress {
        self.progress.now = now;
        self.progress.connected = self.connected.len();
        if matches!(self.phase, Phase::Starting) {
            return self.progress.clone();
        }
        self.progress.messages = self.router.crossed();
        self.progress.leader = self.router.leadership().leader();
        self.progress.alive = self.lives.alive().len();
        self.progress.sides = self.player.sides();
        let snapshot = Snapshot {
            now,
            claims: self.router.leadership().claims().changes(),
            faults: self.player.records(),
            alive: self.lives.alive(),
        };
        let lives = &self.lives;
        let is_planned = |id| lives.of(id).death().is_none_or(|death| death.is_planned);
        let happened = self.feed.update(&snapshot, is_planned);
        Progress { happened, ..self.progress.clone() }
    }

    // By the replicas.

    fn packet(&mut self, now: RunTime, from: NodeId, bytes: &std::rc::Rc<[u8]>, length: usize) {
        let reads = limits::COURSE_PACKET_BYTES;
        let has_started = !matches!(self.phase, Phase::Starting);
        if self.plan.router == RouterKind::Course2016 && length > reads && has_started {
            // What is cut is no JSON any more: it has no destination that could be read.
            self.effects.push_back(Effect::Truncated(from));
            return;
        }
        let message = self.router.read(now, from, bytes, length);
        if let Some(message) = &message
            && self.player.awaits_election()
        {
            let leader = message.leader.as_deref().and_then(|leader| leader.parse().ok());
            if self.router.leadership().is_new_claim(from, leader) {
                self.with_player(now, |player, scene| player.elected(from, scene));
            }
        }
        let to_client = message
            .as_ref()
            .and_then(|message| self.router.route(now, from, message, bytes, self.lives.alive()));
        self.deliver_arrived();
        if self.router.crossed() > self.plan.scenario.max_packets && self.end.is_none() {
            let kind = ProtocolViolation::PacketStorm;
            self.router.protocol().violation(kind, now, from, bytes);
            self.end = Some(EndReason::PacketStorm);
        }
        let Some((message, to)) = message.zip(to_client) else { return };
        match &mut self.phase {
            Phase::Comparison(comparison) => comparison.hear(now, from, bytes),
            _ => self.answered(now, from, &message, to, bytes),
        }
    }

    /// A node that was asked names the leader.
    fn claimed(&mut self, now: RunTime, by: NodeId, leader: Option<NodeId>) {
        let is_new = self.router.leadership().is_new_claim(by, leader);
        if self.player.awaits_election() && is_new {
            self.with_player(now, |player, scene| player.elected(by, scene));
        }
        self.router.claimed(now, by, leader, self.lives.alive());
    }

    fn retry(&mut self, to: NodeId) {
        if let Some(packet) = self.router.first_waiting(to) {
            self.effects.push_back(Effect::Retry(to, packet));
        }
    }

    /// What has arrived at replicas is to be handed to them.
    fn deliver_arrived(&mut self) {
        while let Some((to, message)) = self.router.next_arrived() {
            self.effects.push_back(Effect::Deliver { to, message });
        }
    }

    fn exited(&mut self, now: RunTime, id: NodeId, how: Ending) {
        if self.is_comparing() {
            self.lives.left(id);
            return;
        }
        self.taken_down(id);
        self.router.died(now, id, &how.to_string());
        self.with_player(now, |player, scene| player.gone(id, how, scene));
        if self.lives.alive().is_empty() && !self.lives.awaits_some() {
            self.end = Some(EndReason::AllDead);
        }
    }

    fn taken_down(&mut self, id: NodeId) {
        self.router.taken_down(id);
        self.effects.push_back(Effect::TakenDown(id));
    }

    /// Those that the rules of 2016 give up, alive or not.
    fn give_up(&mut self, now: RunTime) {
        let is_comparing = self.is_comparing();
        let Some(given_up) = self.router.course().map(|course: &mut Course2016| course.take(now))
        else {
            return;
        };
        for given_up in given_up {
            if !is_comparing && self.lives.alive().contains(&given_up.id) {
                self.effects.push_back(Effect::GiveUp(given_up));
            }
        }
    }

    // The end.

    /// When the run was over, if it came to that.
    pub fn ended_at(&self) -> Option<RunTime> {
        self.ended_at
    }

    /// All that the run leaves to the record. Of replicas that closed their connection and lived on, those in
    /// `given_up` are not blamed.
    pub fn finish(mut self, given_up: &BTreeSet<NodeId>) -> Outcome {
        for (id, at) in self.lives.silent() {
            if !given_up.contains(&id) {
                self.router.protocol().violation(ProtocolViolation::HungUp, at, id, b"");
            }
        }
        let (operations, recovery, requests) = self.crew.finish();
        let states = match self.phase {
            Phase::Comparison(comparison) => comparison.into_states(),
            _ => Vec::new(),
        };
        Outcome {
            operations,
            recovery,
            requests,
            traffic: self.router.finish(),
            faults: self.player.into_records(),
            states,
            lives: self.lives,
            end: self.end.unwrap_or(EndReason::Completed),
        }
    }
}

/// What a run leaves to the record.
pub struct Outcome {
    /// The operations of clients that were open in the end; the journal has the others.
    pub operations: Vec<OperationRecord>,
    /// What was asked after the healing.
    pub recovery: Vec<RecoveryOperation>,
    /// Numbers of requests.
    pub requests: RequestCounts,
    /// What crossed the network.
    pub traffic: Traffic,
    /// Each fault of the plan, and what became of it.
    pub faults: Vec<FaultRecord>,
    /// The states of the replicas in the end.
    pub states: Vec<ReplicaState>,
    /// The replicas' lives.
    pub lives: Lives,
    /// Why it ended.
    pub end: EndReason,
}
