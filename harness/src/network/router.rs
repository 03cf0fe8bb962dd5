//! Where messages go: from a replica's packet to the links it crosses, and out again.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::envelope::{AnsweredValue, Envelope, NotAMessage};
use super::leader::LeaderView;
use super::link::{self, Decision, Link, Links, Rule};
use super::message_log::{Fate, MessageLog};
use super::outbox::{Outbox, Outgoing};
use super::remarks::Remarks;
use super::transport::{Connection, Sent};
use super::words::{LeaderWord, LeaderWords};
use crate::ids::NodeId;
use crate::limits;
use crate::plan::Plan;
use crate::run::record::{DropCause, ProtocolOddity, ProtocolViolation};
use crate::time::RunTime;

/// The network of one run.
pub struct Router {
    replicas: Vec<NodeId>,
    ports: BTreeMap<NodeId, Port>,
    links: Links,
    leader: LeaderView,
    words: LeaderWords,
    majority_side: Option<BTreeSet<NodeId>>,
    remarks: Remarks,
    log: MessageLog,
    /// Messages between replicas since the clock started.
    crossed: u64,
    has_started: bool,
    is_over: bool,
}

/// Where a replica is plugged in.
#[derive(Default)]
struct Port {
    connection: Option<Connection>,
    outbox: Outbox,
}

/// A message that arrived at a client.
#[derive(Debug)]
pub struct ToClient {
    /// The replica.
    pub from: NodeId,
    /// The client.
    pub client: NodeId,
    /// The message's type.
    pub kind: String,
    /// The request that it answers.
    pub mid: Option<String>,
    /// Whom the replica believes to lead; `None`: unknown.
    pub leader: Option<NodeId>,
    /// The value.
    pub value: AnsweredValue,
}

impl Router {
    /// The network between the replicas and clients of `plan`; what becomes of each message is
    /// noted in `log`.
    pub fn new(plan: &Plan, clients: &[NodeId], log: MessageLog) -> Self {
        let replicas: Vec<NodeId> = (0..plan.scenario.replicas).map(NodeId::replica).collect();
        let rules = if plan.scenario.drops > 0.0 {
            vec![Rule::Loss(plan.scenario.drops)]
        } else {
            Vec::new()
        };
        let mut links = Links::new();
        for &from in &replicas {
            for &to in &replicas {
                links.insert((from, to), Link::new(plan.link(from, to), rules.clone()));
            }
            // Clients' messages have no faults: delay and loss there only hide anomalies.
            for &client in clients {
                links.insert((from, client), Link::new(plan.link(from, client), Vec::new()));
                links.insert((client, from), Link::new(plan.link(client, from), Vec::new()));
            }
        }
        Self {
            ports: replicas.iter().map(|&id| (id, Port::default())).collect(),
            replicas,
            links,
            leader: LeaderView::default(),
            words: LeaderWords::default(),
            majority_side: None,
            remarks: Remarks::default(),
            log,
            crossed: 0,
            has_started: false,
            is_over: false,
        }
    }

    /// The clock starts: from now on messages are delivered.
    pub fn start(&mut self) {
        self.has_started = true;
    }

    /// The log of messages, which has to be told the time.
    pub fn log(&mut self) -> &mut MessageLog {
        &mut self.log
    }

    /// The run is over: from now on nothing is lost, cut or counted.
    pub fn let_all_pass(&mut self) {
        self.is_over = true;
    }

    /// A replica connected; a second connection takes the place of the first.
    pub fn connected(&mut self, id: NodeId, connection: Connection) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.connection = Some(connection);
        }
        self.words.connected(id);
    }

    /// A replica closed its socket, or died.
    pub fn disconnected(&mut self, id: NodeId) {
        let Some(port) = self.ports.get_mut(&id) else { return };
        port.connection = None;
        while let Some(message) = port.outbox.pop() {
            count_lost(&mut self.links, &mut self.log, id, &message, DropCause::Gone);
        }
    }

    /// A replica died: nobody is led by it any more.
    pub fn died(&mut self, id: NodeId) {
        self.leader.forget(id);
        let connection = self.ports.get(&id).and_then(|port| port.connection.as_ref());
        if connection.is_some_and(|connection| !connection.tells_of_its_end()) {
            self.disconnected(id);
        }
    }

    /// Who named whom as leader so far.
    pub fn words(&mut self) -> &mut LeaderWords {
        &mut self.words
    }

    /// Who is believed to lead.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader.current()
    }

    /// Messages between replicas since the clock started, also lost ones.
    pub fn crossed(&self) -> u64 {
        self.crossed
    }

    /// No message crosses between the sides from now on; the first is the majority.
    pub fn partition(&mut self, sides: &[Vec<NodeId>; 2]) {
        self.heal();
        for (from, to) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
            for pair in from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to))) {
                if let Some(link) = self.links.get_mut(&pair) {
                    link.set_cut(true);
                }
            }
        }
        self.majority_side = Some(sides[0].iter().copied().collect());
    }

    /// All links carry again, and lose nothing any more.
    pub fn restore(&mut self) {
        self.heal();
        self.links.values_mut().for_each(Link::clear_rules);
    }

    /// All links carry again.
    pub fn heal(&mut self) {
        self.links.values_mut().for_each(|link| link.set_cut(false));
        self.majority_side = None;
    }

    /// Notes what is odd about a message.
    pub fn remarks(&mut self) -> &mut Remarks {
        &mut self.remarks
    }

    /// Routes a packet of a replica; what is for a client is handed back.
    pub fn packet(
        &mut self,
        now: RunTime,
        from: NodeId,
        packet: &Rc<[u8]>,
        length: usize,
        alive: &BTreeSet<NodeId>,
    ) -> Option<ToClient> {
        if length > limits::COURSE_PACKET_BYTES {
            self.remarks.oddity(ProtocolOddity::LargePacket, now, from, packet);
        }
        if length > packet.len() {
            self.remarks.oddity(ProtocolOddity::CutPacket, now, from, packet);
            return None;
        }
        let message = match Envelope::parse(packet) {
            Ok(message) => message,
            Err(reason) => {
                let kind = match reason {
                    NotAMessage::NotJson => ProtocolViolation::NotJson,
                    NotAMessage::MissingField => ProtocolViolation::MissingField,
                };
                self.remarks.violation(kind, now, from, packet);
                return None;
            }
        };
        if message.src.parse() != Ok(from) {
            self.remarks.violation(ProtocolViolation::ForeignSource, now, from, packet);
        }
        let leader = self.hear_leader(now, from, &message, packet, alive);
        match message.dst.parse() {
            Ok(NodeId::ANY) => {
                for to in self.replicas.clone() {
                    if to != from {
                        self.cross(from, to, &message.kind, packet);
                    }
                }
                None
            }
            Ok(to) if self.ports.contains_key(&to) => {
                self.cross(from, to, &message.kind, packet);
                None
            }
            Ok(client) if self.links.contains_key(&(from, client)) => {
                self.reach_client(from, client, &message, leader, packet.len())
            }
            _ => {
                self.remarks.violation(ProtocolViolation::UnknownDestination, now, from, packet);
                None
            }
        }
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
            self.remarks.oddity(ProtocolOddity::MissingLeader, now, from, packet);
            return None;
        };
        let named = text.parse().ok().filter(|id| self.ports.contains_key(id));
        if self.has_started && !self.is_over {
            self.words.hear(now, from, named);
        }
        let named = named?;
        if self.has_started {
            self.leader.hear(now, from, named, alive, self.majority_side.as_ref());
        }
        Some(named)
    }

    fn reach_client(
        &mut self,
        from: NodeId,
        client: NodeId,
        message: &Envelope<'_>,
        leader: Option<NodeId>,
        bytes: usize,
    ) -> Option<ToClient> {
        let link = self.links.get_mut(&(from, client))?;
        if !self.has_started {
            link.too_early(&message.kind, bytes);
            return None;
        }
        if !self.is_over {
            let (_, index) = link.decide(&message.kind, bytes);
            link.delivered(index);
            let now = self.log.now();
            self.log.note(now, from, client, link.kind(index), Fate::Delivered);
        }
        Some(ToClient {
            from,
            client,
            kind: message.kind.clone().into_owned(),
            mid: message.mid(),
            leader,
            value: message.value(),
        })
    }

    /// A client sends to a replica.
    pub fn from_client(&mut self, from: NodeId, to: NodeId, kind: &str, packet: Vec<u8>) {
        self.pass(from, to, kind, &Rc::from(packet));
    }

    /// A message between replicas.
    fn cross(&mut self, from: NodeId, to: NodeId, kind: &str, packet: &Rc<[u8]>) {
        self.crossed += u64::from(self.has_started && !self.is_over);
        self.pass(from, to, kind, packet);
    }

    fn pass(&mut self, from: NodeId, to: NodeId, kind: &str, packet: &Rc<[u8]>) {
        let Some(link) = self.links.get_mut(&(from, to)) else { return };
        if !self.has_started {
            return link.too_early(kind, packet.len());
        }
        let sent = self.log.now();
        if self.is_over {
            let message = Outgoing { from, kind: None, sent, packet: Rc::clone(packet) };
            return self.deliver(to, message);
        }
        let (decision, kind) = link.decide(kind, packet.len());
        match decision {
            Decision::Deliver => {
                let packet = Rc::clone(packet);
                self.deliver(to, Outgoing { from, kind: Some(kind), sent, packet });
            }
            Decision::Drop(cause) => {
                self.log.note(sent, from, to, link.kind(kind), Fate::Lost(cause));
            }
        }
    }

    /// Hands a message to its replica, or lets it wait, never blocking.
    fn deliver(&mut self, to: NodeId, message: Outgoing) {
        let Some(port) = self.ports.get_mut(&to) else { return };
        let sent = match &mut port.connection {
            None => Sent::Gone,
            Some(_) if !port.outbox.is_empty() => Sent::WouldBlock,
            Some(connection) => connection.send(&message.packet),
        };
        match sent {
            Sent::Delivered => count_delivered(&mut self.links, &mut self.log, to, &message),
            Sent::Gone => count_lost(&mut self.links, &mut self.log, to, &message, DropCause::Gone),
            Sent::TooLarge => {
                count_lost(&mut self.links, &mut self.log, to, &message, DropCause::TooLarge);
            }
            Sent::WouldBlock => {
                if let Err(message) = port.outbox.push(message) {
                    count_lost(&mut self.links, &mut self.log, to, &message, DropCause::FullQueue);
                }
            }
        }
    }

    /// A replica that did not read reads again: what waits for it goes out.
    pub fn writable(&mut self, to: NodeId) {
        let Some(port) = self.ports.get_mut(&to) else { return };
        let Some(connection) = &mut port.connection else { return };
        while let Some(message) = port.outbox.front() {
            let sent = connection.send(&message.packet);
            if sent == Sent::WouldBlock {
                return;
            }
            let Some(message) = port.outbox.pop() else { return };
            match sent {
                Sent::TooLarge => {
                    count_lost(&mut self.links, &mut self.log, to, &message, DropCause::TooLarge);
                }
                Sent::Gone => {
                    count_lost(&mut self.links, &mut self.log, to, &message, DropCause::Gone);
                }
                _ => count_delivered(&mut self.links, &mut self.log, to, &message),
            }
        }
    }

    /// The run is over: what still waits was not read in time.
    pub fn finish(mut self) -> Traffic {
        for (&id, port) in &mut self.ports {
            while let Some(message) = port.outbox.pop() {
                count_lost(&mut self.links, &mut self.log, id, &message, DropCause::FullQueue);
            }
        }
        Traffic {
            messages: link::counts(self.links),
            leaders: self.leader.into_history(),
            leader_words: self.words.into_changes(),
            remarks: self.remarks,
            log_problem: self.log.finish(),
        }
    }
}

/// What the network leaves to the record.
pub struct Traffic {
    /// Per link and message type.
    pub messages: link::Counts,
    /// Who was believed to lead from when on.
    pub leaders: Vec<(RunTime, NodeId)>,
    /// Who named whom as leader, and when.
    pub leader_words: Vec<LeaderWord>,
    /// What was wrong or odd about messages.
    pub remarks: Remarks,
    /// Why not every message was written down, if so.
    pub log_problem: Option<String>,
}

fn count_delivered(links: &mut Links, log: &mut MessageLog, to: NodeId, message: &Outgoing) {
    if let (Some(link), Some(kind)) = (links.get_mut(&(message.from, to)), message.kind) {
        link.delivered(kind);
        log.note(message.sent, message.from, to, link.kind(kind), Fate::Delivered);
    }
}

fn count_lost(
    links: &mut Links,
    log: &mut MessageLog,
    to: NodeId,
    message: &Outgoing,
    cause: DropCause,
) {
    if let (Some(link), Some(kind)) = (links.get_mut(&(message.from, to)), message.kind) {
        link.lost(kind, cause);
        log.note(message.sent, message.from, to, link.kind(kind), Fate::Lost(cause));
    }
}
