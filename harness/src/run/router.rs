//! Where messages go: from a replica's packet to the links that it crosses, and to its receivers.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use checker::Sighting;

use super::event::Handed;
use crate::durability::DurabilityRecord;
use crate::durability::knowledge::{Arrival, Knowledge};
use crate::durability::sightings::Sightings;
use crate::ids::NodeId;
use crate::leadership::Leadership;
use crate::leadership::claims::LeadershipClaim;
use crate::leadership::terms::TwoLeaders;
use crate::limits;
use crate::network::course_2016::{Course2016, RouterKind};
use crate::network::envelope::{Envelope, NotAMessage};
use crate::network::fabric::{Fabric, Fate, Phase, Sent, Settings};
use crate::network::link::Counts;
use crate::network::message_log::MessageLog;
use crate::network::outbox::Outgoing;
use crate::network::protocol::{ProtocolFindings, ProtocolViolation, ProtocolWarning};
use crate::network::rules::{FaultId, Rule};
use crate::time::RunTime;

/// The network of one run: its links, what is known of leadership, and what was wrong with messages.
pub struct Router {
    fabric: Fabric,
    leadership: Leadership,
    knowledge: Knowledge,
    sightings: Sightings,
    protocol: ProtocolFindings,
    /// The rules of 2016, if they are asked for.
    course: Option<Course2016>,
    /// Messages between replicas since the clock started.
    crossed: u64,
    /// What has arrived and is to be handed over, in order.
    arrived: VecDeque<(NodeId, Outgoing)>,
}

/// The client that a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToClient {
    /// The client.
    pub client: NodeId,
    /// The replica that the sender believes to lead.
    pub leader: Option<NodeId>,
}

impl Router {
    /// The network of `settings` under the rules of `kind`; what becomes of each message is written to `log`. So many
    /// replicas as are `required` have to be able to know of a put before it is acknowledged.
    pub fn new(
        settings: &Settings,
        kind: RouterKind,
        required: Option<usize>,
        log: MessageLog,
    ) -> Self {
        let mut router = Self {
            fabric: Fabric::new(settings, log),
            leadership: Leadership::default(),
            knowledge: Knowledge::new(&settings.replicas, required),
            sightings: Sightings::default(),
            protocol: ProtocolFindings::default(),
            course: (kind == RouterKind::Course2016).then(Course2016::default),
            crossed: 0,
            arrived: VecDeque::new(),
        };
        router.links_changed();
        router
    }

    // What is known.

    /// What is known of leadership.
    pub fn leadership(&self) -> &Leadership {
        &self.leadership
    }

    /// Which replicas can know of which put.
    pub fn knowledge(&mut self) -> &mut Knowledge {
        &mut self.knowledge
    }

    /// Which replicas showed that they hold a put.
    pub fn sightings(&mut self) -> &mut Sightings {
        &mut self.sightings
    }

    /// What was wrong or odd about messages.
    pub fn protocol(&mut self) -> &mut ProtocolFindings {
        &mut self.protocol
    }

    /// The links.
    pub fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    /// The rules of 2016, if they are asked for.
    pub fn course(&mut self) -> Option<&mut Course2016> {
        self.course.as_mut()
    }

    /// Messages between replicas since the clock started, also lost ones.
    pub fn crossed(&self) -> u64 {
        self.crossed
    }

    // The run.

    /// The clock starts: from now on messages are delivered.
    pub fn start(&mut self) {
        self.fabric.start();
    }

    /// The run is over: from now on nothing is lost, cut or counted.
    pub fn let_all_pass(&mut self) {
        self.fabric.let_all_pass();
    }

    /// Hands what was noted of messages to the file.
    pub fn flush(&mut self) {
        self.fabric.flush();
    }

    // Replicas that come and go.

    /// A replica connected; a second connection takes the place of the first.
    pub fn connected(&mut self, id: NodeId) {
        if let Some(course) = &mut self.course {
            course.came(id);
        }
        self.leadership.connected(id);
    }

    /// The connection of a replica is closed.
    pub fn disconnected(&mut self, now: RunTime, id: NodeId) {
        self.fabric.disconnected(now, id);
    }

    /// A replica is taken down, or has ended.
    pub fn taken_down(&mut self, id: NodeId) {
        self.leadership.taken_down(id);
        self.fabric.died(id);
        if let Some(course) = &mut self.course {
            course.died(id);
        }
    }

    /// A replica ended.
    pub fn died(&mut self, now: RunTime, id: NodeId, how: &str) {
        self.leadership.died(now, id, how);
    }

    /// A node says who leads.
    pub fn claimed(
        &mut self,
        now: RunTime,
        by: NodeId,
        leader: Option<NodeId>,
        alive: &BTreeSet<NodeId>,
    ) {
        self.leadership.claimed(now, by, leader);
        if let Some(leader) = leader {
            self.leadership.named(now, by, leader, alive);
        }
    }

    // Rules on links.

    /// From now on `rule` holds on these links (source, destination), until the fault is lifted.
    pub fn apply(
        &mut self,
        fault: FaultId,
        pairs: impl IntoIterator<Item = (NodeId, NodeId)>,
        rule: &Rule,
    ) {
        self.fabric.apply(fault, pairs, rule);
        self.links_changed();
    }

    /// All rules of this fault end.
    pub fn lift(&mut self, fault: FaultId) {
        self.fabric.lift(fault);
        self.links_changed();
    }

    /// Everything that holds on a link ends.
    pub fn lift_all(&mut self) {
        self.fabric.lift_all();
        self.links_changed();
    }

    fn links_changed(&mut self) {
        let fabric = &self.fabric;
        self.leadership.links_changed(fabric.replicas(), |from, to| fabric.is_cut(from, to));
    }

    // Messages that come in.

    /// Reads a packet of a replica; what is wrong with it is noted.
    pub fn read<'a>(
        &mut self,
        now: RunTime,
        from: NodeId,
        packet: &'a [u8],
        length: usize,
    ) -> Option<Envelope<'a>> {
        if length > limits::COURSE_PACKET_BYTES {
            self.protocol.warning(ProtocolWarning::LargePacket, now, from, packet);
        }
        if length > packet.len() {
            self.protocol.warning(ProtocolWarning::CutPacket, now, from, packet);
            return None;
        }
        match Envelope::parse(packet) {
            Ok(message) => Some(message),
            Err(reason) => {
                let kind = match reason {
                    NotAMessage::NotJson => ProtocolViolation::NotJson,
                    NotAMessage::MissingField => ProtocolViolation::MissingField,
                };
                self.protocol.violation(kind, now, from, packet);
                None
            }
        }
    }

    /// Routes a message that was read. What is for a client is said; the rest arrives, now or later.
    pub fn route(
        &mut self,
        now: RunTime,
        from: NodeId,
        message: &Envelope<'_>,
        packet: &Rc<[u8]>,
        alive: &BTreeSet<NodeId>,
    ) -> Option<ToClient> {
        match message.src.parse::<NodeId>() {
            Ok(id) if id == from => {}
            // A client's request that is handed on, as the course's own simulators carry it.
            Ok(id)
                if id == NodeId::ANY || self.fabric.connects(id, from) && !self.is_replica(id) =>
            {
                self.protocol.warning(ProtocolWarning::HandedOn, now, from, packet);
            }
            _ => self.protocol.violation(ProtocolViolation::ForeignSource, now, from, packet),
        }
        let leader = self.hear_leader(now, from, message, packet, alive);
        self.leadership.term(now, from, message.term(), leader);
        match message.dst.parse() {
            Ok(NodeId::ANY) => {
                self.sightings.sent(now, from, packet);
                for n in 0..self.fabric.replicas().len() {
                    let to = self.fabric.replicas()[n];
                    if to != from {
                        self.cross(now, from, to, &message.kind, packet);
                    }
                }
                None
            }
            Ok(to) if self.is_replica(to) => {
                self.sightings.sent(now, from, packet);
                self.cross(now, from, to, &message.kind, packet);
                None
            }
            Ok(client) if self.fabric.connects(from, client) => {
                let bytes = packet.len();
                let arrives = self.fabric.send_to_client(now, from, client, &message.kind, bytes);
                arrives.then_some(ToClient { client, leader })
            }
            _ => {
                self.protocol.violation(ProtocolViolation::UnknownDestination, now, from, packet);
                None
            }
        }
    }

    fn is_replica(&self, id: NodeId) -> bool {
        self.fabric.replicas().contains(&id)
    }

    fn hear_leader(
        &mut self,
        now: RunTime,
        from: NodeId,
        message: &Envelope<'_>,
        packet: &[u8],
        alive: &BTreeSet<NodeId>,
    ) -> Option<NodeId> {
        let Some(text) = &message.leader else {
            self.protocol.warning(ProtocolWarning::MissingLeader, now, from, packet);
            return None;
        };
        let named = text.parse().ok().filter(|&id| self.is_replica(id));
        let phase = self.fabric.phase();
        if phase == Phase::Open {
            self.leadership.claimed(now, from, named);
        }
        let named = named?;
        if phase != Phase::BeforeStart {
            self.leadership.named(now, from, named, alive);
        }
        Some(named)
    }

    /// A replica acknowledged, as the leader, by this packet, a put that was sent at that time: no other may do so
    /// in its term.
    pub fn acknowledged(&mut self, now: RunTime, from: NodeId, sent: RunTime, packet: &[u8]) {
        if let Some(TwoLeaders { term, first, second }) = self.leadership.acknowledged(from, sent) {
            let text = String::from_utf8_lossy(packet);
            let text = format!("{first} and {second} in term {term}: {text}");
            let kind = ProtocolViolation::TwoLeaders;
            self.protocol.violation(kind, now, from, text.as_bytes());
        }
    }

    /// A client sends to a replica.
    pub fn from_client(
        &mut self,
        now: RunTime,
        from: NodeId,
        to: NodeId,
        kind: &str,
        packet: Vec<u8>,
    ) {
        self.send(now, from, to, kind, &Rc::from(packet));
    }

    /// A message of a node to a client or a service: whether it arrives, which it does at once.
    pub fn to_client(
        &mut self,
        now: RunTime,
        from: NodeId,
        client: NodeId,
        kind: &str,
        bytes: usize,
    ) -> bool {
        self.fabric.send_to_client(now, from, client, kind, bytes)
    }

    /// A message between replicas.
    pub fn cross(&mut self, now: RunTime, from: NodeId, to: NodeId, kind: &str, packet: &Rc<[u8]>) {
        self.crossed += u64::from(self.fabric.phase() == Phase::Open);
        self.send(now, from, to, kind, packet);
    }

    fn send(&mut self, now: RunTime, from: NodeId, to: NodeId, kind: &str, packet: &Rc<[u8]>) {
        if let Fate::Arrives(message) = self.fabric.send(now, from, to, kind, packet) {
            self.arrived.push_back((to, message));
        }
    }

    // Messages that go out.

    /// When the next message arrives that is on its way.
    pub fn next_at(&self) -> Option<RunTime> {
        self.fabric.next_at()
    }

    /// Messages that were on their way have arrived by now.
    pub fn deliver_due(&mut self, now: RunTime) {
        self.arrived.extend(std::iter::from_fn(|| self.fabric.due(now)));
    }

    /// The next message that is to be handed to a replica, unless [`Router::without_trying`] knows what comes of
    /// that.
    pub fn next_arrived(&mut self) -> Option<(NodeId, Outgoing)> {
        self.arrived.pop_front()
    }

    /// What comes of handing a message to this replica without trying; `None`: it has to be tried.
    pub fn without_trying(&self, to: NodeId) -> Option<Sent> {
        match &self.course {
            Some(course) => course.is_gone(to).then_some(Sent::Gone),
            None => self.fabric.is_queued(to).then_some(Sent::WouldBlock),
        }
    }

    /// What came of handing a message to a replica.
    pub fn handed(&mut self, now: RunTime, to: NodeId, message: Outgoing, handed: Handed) {
        if let Some(course) = &mut self.course {
            course.was_blocked(handed.blocked);
            course.handed(message.from, to, handed.sent, handed.has_unread);
        }
        if handed.sent == Sent::Delivered
            && let Some(kind) = self.fabric.kind(to, &message)
        {
            let Outgoing { from, sent, .. } = message;
            self.knowledge.arrived(&Arrival { from, to, kind, sent, at: now });
        }
        self.fabric.handed(now, to, message, handed.sent);
    }

    /// The packet of the first message that waits for a replica.
    pub fn first_waiting(&self, to: NodeId) -> Option<Rc<[u8]>> {
        self.fabric.first_waiting(to).map(|message| Rc::clone(&message.packet))
    }

    /// What came of handing it over. Whether the next one may be tried.
    pub fn retried(&mut self, now: RunTime, to: NodeId, sent: Sent) -> bool {
        if sent == Sent::Delivered
            && let Some(message) = self.fabric.first_waiting(to)
            && let Some(kind) = self.fabric.kind(to, message)
        {
            let Outgoing { from, sent, .. } = *message;
            self.knowledge.arrived(&Arrival { from, to, kind, sent, at: now });
        }
        self.fabric.retried(now, to, sent)
    }

    /// The run is over: what still waits was not read in time.
    pub fn finish(self) -> Traffic {
        let (messages, log_problem) = self.fabric.finish();
        let (leaders, leadership_claims) = self.leadership.into_history();
        Traffic {
            messages,
            leaders,
            leadership_claims,
            durability: self.knowledge.into_record(),
            sightings: self.sightings.into_list(),
            protocol: self.protocol,
            log_problem,
        }
    }
}

/// What the network leaves to the record.
pub struct Traffic {
    /// Per link and message type.
    pub messages: Counts,
    /// The replica believed to lead, from when on.
    pub leaders: Vec<(RunTime, NodeId)>,
    /// The leadership claims of each replica.
    pub leadership_claims: Vec<LeadershipClaim>,
    /// Whether puts were known to enough replicas when they were acknowledged.
    pub durability: DurabilityRecord,
    /// Which replicas showed, after puts were acknowledged, that they hold them.
    pub sightings: Vec<Sighting>,
    /// What was wrong or odd about messages.
    pub protocol: ProtocolFindings,
    /// Why not every message was written down, if so.
    pub log_problem: Option<String>,
}

#[cfg(test)]
mod tests;
