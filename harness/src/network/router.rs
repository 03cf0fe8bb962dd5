//! Where messages go: from a replica's packet to the links it crosses, and out again.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

use super::claims::{LeadershipClaim, LeadershipClaims};
use super::course_2016::{Course2016, GivenUpFor, RouterKind};
use super::delay::{DelayQueue, Delayed};
use super::envelope::{AnsweredValue, Envelope, NotAMessage};
use super::leader::LeaderView;
use super::ledger::Ledger;
use super::link::{self, Delivery, Fate, Link};
use super::links::Links;
use super::message_log::{self, MessageLog};
use super::outbox::{Outbox, Outgoing};
use super::protocol::ProtocolFindings;
use super::rules::{FaultId, Loss, Rule};
use super::terms::{Terms, TwoLeaders};
use super::transport::{Connection, Sent};
use crate::ids::NodeId;
use crate::limits;
use crate::network::counts::DropCause;
use crate::network::protocol::{ProtocolViolation, ProtocolWarning};
use crate::seed::Seed;
use crate::time::RunTime;

/// The network of one run.
pub struct Router {
    replicas: Vec<NodeId>,
    ports: BTreeMap<NodeId, Port>,
    ledger: Ledger,
    underway: DelayQueue,
    leader: LeaderView,
    claims: LeadershipClaims,
    terms: Terms,
    believed: Option<BTreeSet<NodeId>>,
    protocol: ProtocolFindings,
    /// Messages between replicas since the clock started.
    crossed: u64,
    has_started: bool,
    /// The rules of 2016, if they are asked for.
    course: Option<Course2016>,
    /// What may wait in a replica's socket, on a host where that is little.
    socket_bytes: Option<usize>,
    /// Messages that found nobody, by the replica that they were for.
    unsent: BTreeMap<NodeId, Unsent>,
    is_over: bool,
}

/// Where a replica is plugged in.
#[derive(Default)]
struct Port {
    connection: Option<Connection>,
    has_connected: bool,
    outbox: Outbox,
}

/// Messages for a replica that was not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The number of messages.
    pub messages: u64,
    /// When the first was to be delivered.
    pub from: RunTime,
    /// When the last was.
    pub until: RunTime,
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

/// What a network is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The replicas, in the order of ids.
    pub replicas: Vec<NodeId>,
    /// The clients.
    pub clients: Vec<NodeId>,
    /// The seed from which each link has the seed of its decisions.
    pub links: Seed,
    /// Whose rules hold.
    pub kind: RouterKind,
    /// The size of each replica's socket buffers, in bytes; `None`: the system's.
    pub socket_bytes: Option<usize>,
    /// The probability that a message between replicas is lost.
    pub drops: f64,
}

impl Settings {
    /// The seed of one link's decisions, by the number of the message on that link.
    fn link(&self, from: NodeId, to: NodeId) -> Seed {
        Seed(self.links.draw(u64::from(from.0) << 16 | u64::from(to.0)))
    }
}

impl Router {
    /// The network between the replicas and clients of `settings`; what becomes of each message is noted in
    /// `log`.
    pub fn new(settings: Settings, log: MessageLog) -> Self {
        let Settings { replicas, clients, .. } = &settings;
        let mut links = Links::between(replicas.iter().chain(clients).copied());
        let link = |from, to| Link::new(settings.link(from, to));
        for &from in replicas {
            for &to in replicas {
                links.insert((from, to), link(from, to));
            }
            // Clients' messages have no faults: delay and loss there only hide anomalies.
            for &client in clients {
                links.insert((from, client), link(from, client));
                links.insert((client, from), link(client, from));
            }
        }
        let mut router = Self {
            ports: settings.replicas.iter().map(|&id| (id, Port::default())).collect(),
            replicas: settings.replicas,
            ledger: Ledger { links, log },
            underway: DelayQueue::default(),
            leader: LeaderView::default(),
            claims: LeadershipClaims::default(),
            terms: Terms::default(),
            believed: None,
            protocol: ProtocolFindings::default(),
            crossed: 0,
            has_started: false,
            course: (settings.kind == RouterKind::Course2016).then(Course2016::default),
            socket_bytes: settings.socket_bytes,
            unsent: BTreeMap::new(),
            is_over: false,
        };
        if settings.drops > 0.0 {
            let loss = Rule::Loss(Loss { probability: settings.drops });
            // A message to oneself crosses the network too.
            let pairs: Vec<_> = all_pairs(&router.replicas).collect();
            router.apply(FaultId::Drops, pairs, &loss);
        }
        router
    }

    /// The clock starts: from now on messages are delivered.
    pub fn start(&mut self) {
        self.has_started = true;
    }

    /// The log of messages, which has to be told the time.
    pub fn log(&mut self) -> &mut MessageLog {
        &mut self.ledger.log
    }

    /// The run is over: from now on nothing is lost, cut or counted.
    pub fn let_all_pass(&mut self) {
        self.is_over = true;
        self.end_underway();
    }

    /// A replica connected; a second connection takes the place of the first.
    pub fn connected(&mut self, id: NodeId, connection: Connection) {
        if let Some(bytes) = self.socket_bytes {
            connection.limit(bytes);
        }
        if let Some(course) = &mut self.course {
            course.came(id);
        }
        if let Some(port) = self.ports.get_mut(&id) {
            port.connection = Some(connection);
            port.has_connected = true;
        }
        self.claims.connected(id);
        self.terms.connected(id);
    }

    /// Whether the connection of this replica lives: one that it had before may be told of as closed when
    /// the next one is there.
    pub fn is_connected(&self, id: NodeId) -> bool {
        let connection = self.ports.get(&id).and_then(|port| port.connection.as_ref());
        connection.is_some_and(|connection| !connection.has_hung_up())
    }

    /// A replica closed its socket, or died.
    pub fn disconnected(&mut self, id: NodeId) {
        let Some(port) = self.ports.get_mut(&id) else { return };
        port.connection = None;
        while let Some(message) = port.outbox.pop() {
            self.ledger.waited(id, &message);
            self.ledger.lost(id, &message, DropCause::Gone);
        }
    }

    /// A replica died: nobody is led by it any more.
    pub fn died(&mut self, id: NodeId) {
        self.leader.forget(id);
        // What was for somebody dead is no sign of anything.
        self.unsent.remove(&id);
        if let Some(course) = &mut self.course {
            course.died(id);
        }
        let connection = self.ports.get(&id).and_then(|port| port.connection.as_ref());
        if connection.is_some_and(|connection| !connection.tells_of_its_end()) {
            self.disconnected(id);
        }
    }

    /// Who named whom as leader so far.
    pub fn claims(&mut self) -> &mut LeadershipClaims {
        &mut self.claims
    }

    /// Whether by this packet, which is not routed yet, its sender says for the first time that it
    /// leads.
    pub fn tells_of_election(&self, from: NodeId, packet: &[u8]) -> bool {
        let leader = Envelope::parse(packet).ok().and_then(|message| message.leader?.parse().ok());
        leader == Some(from) && self.claims.is_new(from)
    }

    /// A replica acknowledged under its own name, by this packet, a put that was sent at that time: nobody else may
    /// do so in its term.
    pub fn acknowledged(&mut self, now: RunTime, from: NodeId, sent: RunTime, packet: &[u8]) {
        if let Some(TwoLeaders { term, first, second }) = self.terms.acknowledged(from, sent) {
            let text = String::from_utf8_lossy(packet);
            let text = format!("{first} and {second} in term {term}: {text}");
            let kind = ProtocolViolation::TwoLeaders;
            self.protocol.violation(kind, now, from, text.as_bytes());
        }
    }

    /// Who is believed to lead.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader.current()
    }

    /// Whether anybody was ever believed to lead.
    pub fn had_a_leader(&self) -> bool {
        self.leader.was_known()
    }

    /// Messages between replicas since the clock started, also lost ones.
    pub fn crossed(&self) -> u64 {
        self.crossed
    }

    /// From now on `rule` holds on these links (source, destination), until the fault is lifted.
    /// Several faults may hold on the same link at the same time.
    pub fn apply(
        &mut self,
        fault: FaultId,
        pairs: impl IntoIterator<Item = (NodeId, NodeId)>,
        rule: &Rule,
    ) {
        for pair in pairs {
            if let Some(link) = self.ledger.links.get_mut(pair) {
                link.apply(fault, rule.clone());
            }
        }
        self.find_believed();
    }

    /// All rules of this fault end. What no rule holds back any longer arrives at once.
    pub fn lift(&mut self, fault: FaultId) {
        self.free(|link| link.lift(fault));
    }

    /// Everything that holds on a link ends: all carry again, and lose nothing any more.
    pub fn restore(&mut self) {
        self.free(Link::lift_all);
    }

    fn free(&mut self, lift: impl Fn(&mut Link) -> bool) {
        let links = self.ledger.links.iter_mut();
        let freed: BTreeSet<(NodeId, NodeId)> =
            links.filter_map(|(pair, link)| lift(link).then_some(pair)).collect();
        if !freed.is_empty() {
            self.underway.hurry(|from, to| freed.contains(&(from, to)));
        }
        self.find_believed();
    }

    /// While links are cut, only those who hear, and are heard by, a majority are believed about who
    /// leads: the others may speak of the past.
    fn find_believed(&mut self) {
        let links = &self.ledger.links;
        let is_cut = |from, to| links.get((from, to)).is_some_and(Link::is_cut);
        let replicas = &self.replicas;
        let meets = |one: NodeId| {
            let met = |&&other: &&NodeId| !is_cut(one, other) && !is_cut(other, one);
            replicas.iter().filter(met).count()
        };
        let met: Vec<usize> = replicas.iter().map(|&id| meets(id)).collect();
        self.believed = met.iter().any(|&met| met < replicas.len()).then(|| {
            let by_met = replicas.iter().zip(met);
            by_met.filter(|(_, met)| 2 * met > replicas.len()).map(|(&id, _)| id).collect()
        });
    }

    /// When the next message arrives that is on its way.
    pub fn next_at(&self) -> Option<RunTime> {
        self.underway.next_at()
    }

    /// Delivers what has arrived by now.
    pub fn deliver_due(&mut self, now: RunTime) {
        if self.underway.next_at().is_none_or(|next| next > now) {
            return;
        }
        self.ledger.log.tell_time(now);
        while let Some(Delayed { to, message, .. }) = self.underway.pop_due(now) {
            self.ledger.waited(to, &message);
            // What was on its way when the link was cut does not cross either.
            if self.ledger.links.get((message.from, to)).is_some_and(Link::is_cut) {
                self.ledger.lost(to, &message, DropCause::Partition);
            } else {
                self.deliver(to, message);
            }
        }
    }

    /// What is on its way now does not arrive any more.
    fn end_underway(&mut self) {
        for Delayed { to, message, .. } in self.underway.drain() {
            self.ledger.lost(to, &message, DropCause::Underway);
        }
    }

    /// Notes what is odd about a message.
    pub fn protocol(&mut self) -> &mut ProtocolFindings {
        &mut self.protocol
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
            self.protocol.warning(ProtocolWarning::LargePacket, now, from, packet);
        }
        if length > packet.len() {
            self.protocol.warning(ProtocolWarning::CutPacket, now, from, packet);
            return None;
        }
        let message = match Envelope::parse(packet) {
            Ok(message) => message,
            Err(reason) => {
                let kind = match reason {
                    NotAMessage::NotJson => ProtocolViolation::NotJson,
                    NotAMessage::MissingField => ProtocolViolation::MissingField,
                };
                self.protocol.violation(kind, now, from, packet);
                return None;
            }
        };
        if message.src.parse() != Ok(from) {
            self.protocol.violation(ProtocolViolation::ForeignSource, now, from, packet);
        }
        let leader = self.hear_leader(now, from, &message, packet, alive);
        self.terms.hear(now, from, message.term(), leader);
        match message.dst.parse() {
            Ok(NodeId::ANY) => {
                for n in 0..self.replicas.len() {
                    let to = self.replicas[n];
                    if to != from {
                        self.cross(now, from, to, &message.kind, packet);
                    }
                }
                None
            }
            Ok(to) if self.ports.contains_key(&to) => {
                self.cross(now, from, to, &message.kind, packet);
                None
            }
            Ok(client) if self.ledger.links.get((from, client)).is_some() => {
                self.reach_client(now, from, client, &message, leader, packet.len())
            }
            _ => {
                self.protocol.violation(ProtocolViolation::UnknownDestination, now, from, packet);
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
            self.protocol.warning(ProtocolWarning::MissingLeader, now, from, packet);
            return None;
        };
        let named = text.parse().ok().filter(|id| self.ports.contains_key(id));
        if self.has_started && !self.is_over {
            self.claims.hear(now, from, named);
        }
        let named = named?;
        if self.has_started {
            self.leader.hear(now, from, named, alive, self.believed.as_ref());
        }
        Some(named)
    }

    fn reach_client(
        &mut self,
        now: RunTime,
        from: NodeId,
        client: NodeId,
        message: &Envelope<'_>,
        leader: Option<NodeId>,
        bytes: usize,
    ) -> Option<ToClient> {
        let link = self.ledger.links.get_mut((from, client))?;
        if !self.has_started {
            link.too_early(&message.kind, bytes);
            return None;
        }
        if !self.is_over {
            let (_, index) = link.decide(now, &message.kind, bytes);
            link.delivered(index);
            let fate = message_log::Fate::Delivered;
            self.ledger.log.note(now, from, client, link.kind(index), fate);
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
    pub fn from_client(
        &mut self,
        now: RunTime,
        from: NodeId,
        to: NodeId,
        kind: &str,
        packet: Vec<u8>,
    ) {
        self.pass(now, from, to, kind, &Rc::from(packet));
    }

    /// A message between replicas.
    fn cross(&mut self, now: RunTime, from: NodeId, to: NodeId, kind: &str, packet: &Rc<[u8]>) {
        self.crossed += u64::from(self.has_started && !self.is_over);
        self.pass(now, from, to, kind, packet);
    }

    fn pass(&mut self, now: RunTime, from: NodeId, to: NodeId, kind: &str, packet: &Rc<[u8]>) {
        let Some(link) = self.ledger.links.get_mut((from, to)) else { return };
        if !self.has_started {
            return link.too_early(kind, packet.len());
        }
        let mut message =
            Outgoing { from, kind: None, is_copy: false, sent: now, packet: Rc::clone(packet) };
        if self.is_over {
            return self.deliver(to, message);
        }
        let (fate, index) = link.decide(now, kind, packet.len());
        message.kind = Some(index);
        match fate {
            Fate::Drop(cause) => {
                let fate = message_log::Fate::Lost(cause);
                self.ledger.log.note(now, from, to, link.kind(index), fate);
            }
            Fate::Deliver => self.deliver(to, message),
            Fate::DeliverSo(delivery) => self.deliver_so(to, message, &delivery),
        }
    }

    fn deliver_so(&mut self, to: NodeId, mut message: Outgoing, delivery: &Delivery) {
        let before = Rc::clone(&message.packet);
        for (how, draw) in &delivery.changes {
            if let Some(changed) = how.change(&message.packet, *draw) {
                message.packet = Rc::from(changed);
            }
        }
        if message.packet != before {
            self.ledger.corrupted(to, &message);
        }
        for &at in &delivery.again {
            let copy = Outgoing { is_copy: true, ..message.clone() };
            // A copy for which there is no room is none.
            let _ = self.underway.add(at, to, copy);
        }
        let Some(at) = delivery.at else { return self.deliver(to, message) };
        self.ledger.waits(to, &message);
        if let Err(message) = self.underway.add(at, to, message) {
            self.ledger.waited(to, &message);
            self.ledger.lost(to, &message, DropCause::FullQueue);
        }
    }

    /// Hands a message to its replica, or lets it wait, never blocking.
    fn deliver(&mut self, to: NodeId, message: Outgoing) {
        let Some(port) = self.ports.get_mut(&to) else { return };
        let is_gone = self.course.as_ref().is_some_and(|course| course.is_gone(to));
        let sent = match (&mut port.connection, &mut self.course) {
            (None, _) => Sent::Gone,
            (Some(_), _) if is_gone => Sent::Gone,
            (Some(connection), Some(course)) => {
                let begin = Instant::now();
                let sent = connection.send_blocking(&message.packet, course.patience());
                course.was_blocked(begin.elapsed());
                sent
            }
            (Some(_), None) if !port.outbox.is_empty() => Sent::WouldBlock,
            (Some(connection), None) => connection.send(&message.packet),
        };
        if sent == Sent::Gone && self.has_started && !self.is_over {
            let at = message.sent;
            let unsent = self.unsent.entry(to);
            let unsent = unsent.or_insert(Unsent { messages: 0, from: at, until: at });
            unsent.messages += 1;
            unsent.until = unsent.until.max(at);
        }
        if let Some(course) = &mut self.course {
            let has_unread = sent == Sent::WouldBlock
                && port.connection.as_ref().is_some_and(Connection::has_unread);
            match sent {
                Sent::Gone if !port.has_connected => {
                    course.unable_to_send(message.from, to, GivenUpFor::NotConnected);
                }
                Sent::Gone => course.unable_to_send(message.from, to, GivenUpFor::HungUp),
                // Each waits for the other only if the other has something to say, too.
                Sent::WouldBlock if has_unread => {
                    course.unable_to_send(message.from, to, GivenUpFor::Deadlock);
                }
                Sent::WouldBlock => {
                    course.unable_to_send(message.from, to, GivenUpFor::DoesNotRead);
                }
                Sent::Delivered | Sent::TooLarge => {}
            }
        }
        match sent {
            Sent::Delivered => self.ledger.delivered(to, &message),
            Sent::Gone => self.ledger.lost(to, &message, DropCause::Gone),
            Sent::TooLarge => self.ledger.lost(to, &message, DropCause::TooLarge),
            Sent::WouldBlock => {
                self.ledger.waits(to, &message);
                if let Err(message) = port.outbox.push(message) {
                    self.ledger.waited(to, &message);
                    self.ledger.lost(to, &message, DropCause::FullQueue);
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
            self.ledger.waited(to, &message);
            match sent {
                Sent::TooLarge => self.ledger.lost(to, &message, DropCause::TooLarge),
                Sent::Gone => self.ledger.lost(to, &message, DropCause::Gone),
                _ => self.ledger.delivered(to, &message),
            }
        }
    }

    /// The rules of 2016, if they are asked for.
    pub fn course(&mut self) -> Option<&mut Course2016> {
        self.course.as_mut()
    }

    /// Closes every replica's socket.
    pub fn close_all(&mut self) {
        for port in self.ports.values_mut() {
            port.connection = None;
        }
    }

    /// Messages that found nobody, by the replica that they were for; without those for whom died since.
    pub fn unsent(&self) -> &BTreeMap<NodeId, Unsent> {
        &self.unsent
    }

    /// The port at which a replica reads datagrams.
    pub fn port(&self, id: NodeId) -> Option<u16> {
        self.ports.get(&id)?.connection.as_ref()?.port()
    }

    /// How many messages wait for a replica that does not read.
    pub fn waiting(&self, to: NodeId) -> usize {
        self.ports.get(&to).map_or(0, |port| port.outbox.len())
    }

    /// The run is over: what still waits was not read in time.
    pub fn finish(mut self) -> Traffic {
        self.end_underway();
        for (&id, port) in &mut self.ports {
            while let Some(message) = port.outbox.pop() {
                self.ledger.lost(id, &message, DropCause::FullQueue);
            }
        }
        Traffic {
            messages: link::counts(self.ledger.links),
            leaders: self.leader.into_history(),
            leadership_claims: self.claims.into_changes(),
            protocol: self.protocol,
            log_problem: self.ledger.log.finish(),
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
    pub leadership_claims: Vec<LeadershipClaim>,
    /// What was wrong or odd about messages.
    pub protocol: ProtocolFindings,
    /// Why not every message was written down, if so.
    pub log_problem: Option<String>,
}

/// All pairs of these, each with itself too.
fn all_pairs(ids: &[NodeId]) -> impl Iterator<Item = (NodeId, NodeId)> {
    ids.iter().flat_map(|&from| ids.iter().map(move |&to| (from, to)))
}
