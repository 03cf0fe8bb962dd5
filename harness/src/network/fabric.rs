//! The links of a run and everything that crosses them.
//!
//! Nothing here knows a socket or a clock. The fabric is told the time, decides what becomes of each message, and
//! says when the next one arrives. The code that hands messages to replicas tells it what came of that.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::counts::DropCause;
use super::delay::{DelayQueue, Delayed};
use super::ledger::Ledger;
use super::link::{self, Counts, Delivery, Link};
use super::links::Links;
use super::message_log::{self, MessageLog};
use super::outbox::{Outbox, Outgoing};
use super::rules::{FaultId, Loss, Rule};
use crate::ids::NodeId;
use crate::seed::Seed;
use crate::time::RunTime;

/// What a fabric is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The replicas, in the order of ids.
    pub replicas: Vec<NodeId>,
    /// The clients.
    pub clients: Vec<NodeId>,
    /// The seed from which each link has the seed of its decisions.
    pub links: Seed,
    /// The probability that a message between replicas is lost.
    pub drops: f64,
}

impl Settings {
    /// The seed of one link's decisions, by the number of the message on that link.
    pub fn link(&self, from: NodeId, to: NodeId) -> Seed {
        Seed(self.links.draw(u64::from(from.0) << 16 | u64::from(to.0)))
    }
}

/// Whether messages cross, and whether that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The clock has not started: everything is lost, and counted apart.
    BeforeStart,
    /// Rules hold, and everything is counted.
    Open,
    /// The run is over: everything passes, and nothing is counted.
    Over,
}

/// What becomes of a message that is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It is lost; the cause is counted.
    Lost,
    /// It is on its way: [`Fabric::due`] hands it out when it arrives.
    Underway,
    /// It arrives at once.
    Arrives(Outgoing),
}

/// What came of handing a message to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It lies in the replica's socket.
    Delivered,
    /// The socket is full: the message waits until there is room.
    WouldBlock,
    /// The replica is not connected.
    Gone,
    /// The transport does not carry packets of this size.
    TooLarge,
}

/// All links of a run.
pub struct Fabric {
    replicas: Vec<NodeId>,
    ledger: Ledger,
    underway: DelayQueue,
    /// What waits for each replica that does not read.
    queues: BTreeMap<NodeId, Outbox>,
    /// Messages that were not received, by the replica that they were for.
    unsent: BTreeMap<NodeId, Unsent>,
    phase: Phase,
}

/// Messages for a replica that was not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The number of messages.
    pub messages: u64,
    /// When the first was sent.
    pub from: RunTime,
    /// When the last was sent.
    pub until: RunTime,
}

impl Fabric {
    /// Links between the replicas and clients of `settings`. What becomes of each message is written to `log`.
    pub fn new(settings: &Settings, log: MessageLog) -> Self {
        let Settings { replicas, clients, .. } = settings;
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
        let mut fabric = Self {
            replicas: replicas.clone(),
            ledger: Ledger { links, log },
            underway: DelayQueue::default(),
            queues: replicas.iter().map(|&id| (id, Outbox::default())).collect(),
            unsent: BTreeMap::new(),
            phase: Phase::BeforeStart,
        };
        if settings.drops > 0.0 {
            let loss = Rule::Loss(Loss { probability: settings.drops });
            // A message to oneself crosses the network too.
            let pairs =
                replicas.iter().flat_map(|&from| replicas.iter().map(move |&to| (from, to)));
            fabric.apply(FaultId::Drops, pairs, &loss);
        }
        fabric
    }

    /// Whether messages cross.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The replicas, in the order of ids.
    pub fn replicas(&self) -> &[NodeId] {
        &self.replicas
    }

    /// Whether a link leads from the one to the other.
    pub fn connects(&self, from: NodeId, to: NodeId) -> bool {
        self.ledger.links.get((from, to)).is_some()
    }

    /// The clock starts: from now on messages cross.
    pub fn start(&mut self) {
        self.phase = Phase::Open;
    }

    /// The run is over: from now on nothing is lost, cut or counted. What is on its way does not arrive any more.
    pub fn let_all_pass(&mut self) {
        self.phase = Phase::Over;
        self.end_underway();
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
    }

    /// All rules of this fault end. What no rule holds back any longer arrives at once.
    pub fn lift(&mut self, fault: FaultId) {
        self.free(|link| link.lift(fault));
    }

    /// Everything that holds on a link ends: all carry again, and lose nothing any more.
    pub fn lift_all(&mut self) {
        self.free(Link::lift_all);
    }

    fn free(&mut self, lift: impl Fn(&mut Link) -> bool) {
        let links = self.ledger.links.iter_mut();
        let freed: BTreeSet<(NodeId, NodeId)> =
            links.filter_map(|(pair, link)| lift(link).then_some(pair)).collect();
        if !freed.is_empty() {
            self.underway.hurry(|from, to| freed.contains(&(from, to)));
        }
    }

    /// Whether nothing crosses from the one to the other.
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.ledger.links.get((from, to)).is_some_and(Link::is_cut)
    }

    /// A message to a replica.
    pub fn send(
        &mut self,
        now: RunTime,
        from: NodeId,
        to: NodeId,
        kind: &str,
        packet: &Rc<[u8]>,
    ) -> Fate {
        let Some(link) = self.ledger.links.get_mut((from, to)) else { return Fate::Lost };
        let mut message =
            Outgoing { from, kind: None, is_copy: false, sent: now, packet: Rc::clone(packet) };
        match self.phase {
            Phase::BeforeStart => {
                link.too_early(kind, packet.len());
                return Fate::Lost;
            }
            Phase::Over => return Fate::Arrives(message),
            Phase::Open => {}
        }
        let (fate, index) = link.decide(now, kind, packet.len());
        message.kind = Some(index);
        match fate {
            link::Fate::Drop(cause) => {
                self.ledger.log.tell_time(now);
                let fate = message_log::Fate::Lost(cause);
                self.ledger.log.note(now, from, to, link.kind(index), fate);
                Fate::Lost
            }
            link::Fate::Deliver => Fate::Arrives(message),
            link::Fate::DeliverSo(delivery) => self.deliver_so(now, to, message, &delivery),
        }
    }

    fn deliver_so(
        &mut self,
        now: RunTime,
        to: NodeId,
        mut message: Outgoing,
        delivery: &Delivery,
    ) -> Fate {
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
        let Some(at) = delivery.at else { return Fate::Arrives(message) };
        self.ledger.waits(to, &message);
        match self.underway.add(at, to, message) {
            Ok(()) => Fate::Underway,
            Err(message) => {
                self.ledger.log.tell_time(now);
                self.ledger.waited(to, &message);
                self.ledger.lost(to, &message, DropCause::FullQueue);
                Fate::Lost
            }
        }
    }

    /// A message of a replica to a client: whether it arrives, which it does at once if the clock has started.
    pub fn send_to_client(
        &mut self,
        now: RunTime,
        from: NodeId,
        client: NodeId,
        kind: &str,
        bytes: usize,
    ) -> bool {
        let Some(link) = self.ledger.links.get_mut((from, client)) else { return false };
        match self.phase {
            Phase::BeforeStart => {
                link.too_early(kind, bytes);
                return false;
            }
            Phase::Open => {
                let (_, index) = link.decide(now, kind, bytes);
                link.delivered(index);
                self.ledger.log.tell_time(now);
                let fate = message_log::Fate::Delivered;
                self.ledger.log.note(now, from, client, link.kind(index), fate);
            }
            Phase::Over => {}
        }
        true
    }

    /// When the next message arrives that is on its way.
    pub fn next_at(&self) -> Option<RunTime> {
        self.underway.next_at()
    }

    /// The next message that has arrived by now, with its receiver.
    pub fn due(&mut self, now: RunTime) -> Option<(NodeId, Outgoing)> {
        while let Some(Delayed { to, message, .. }) = self.underway.pop_due(now) {
            self.ledger.waited(to, &message);
            // What was on its way when the link was cut does not cross either.
            if !self.is_cut(message.from, to) {
                return Some((to, message));
            }
            self.ledger.log.tell_time(now);
            self.ledger.lost(to, &message, DropCause::Partition);
        }
        None
    }

    /// Whether messages wait for this replica, so that a new one has to wait, too.
    pub fn is_queued(&self, to: NodeId) -> bool {
        self.queues.get(&to).is_some_and(|queue| !queue.is_empty())
    }

    /// How many messages wait for a replica that does not read.
    pub fn waiting(&self, to: NodeId) -> usize {
        self.queues.get(&to).map_or(0, Outbox::len)
    }

    /// What came of handing a message to a replica. One that its socket had no room for waits, as far as there is
    /// room here.
    pub fn handed(&mut self, now: RunTime, to: NodeId, message: Outgoing, sent: Sent) {
        if sent == Sent::Gone && self.phase == Phase::Open {
            let at = message.sent;
            let unsent = self.unsent.entry(to);
            let unsent = unsent.or_insert(Unsent { messages: 0, from: at, until: at });
            unsent.messages += 1;
            unsent.until = unsent.until.max(at);
        }
        self.count_handed(now, to, message, sent);
    }

    fn count_handed(&mut self, now: RunTime, to: NodeId, message: Outgoing, sent: Sent) {
        self.ledger.log.tell_time(now);
        match sent {
            Sent::Delivered => self.ledger.delivered(to, &message),
            Sent::Gone => self.ledger.lost(to, &message, DropCause::Gone),
            Sent::TooLarge => self.ledger.lost(to, &message, DropCause::TooLarge),
            Sent::WouldBlock => {
                self.ledger.waits(to, &message);
                let Some(queue) = self.queues.get_mut(&to) else { return };
                if let Err(message) = queue.push(message) {
                    self.ledger.waited(to, &message);
                    self.ledger.lost(to, &message, DropCause::FullQueue);
                }
            }
        }
    }

    /// The first message that waits for a replica.
    pub fn first_waiting(&self, to: NodeId) -> Option<&Outgoing> {
        self.queues.get(&to)?.front()
    }

    /// The type of a message on its way to a replica; `None` if it is not counted.
    pub fn kind(&self, to: NodeId, message: &Outgoing) -> Option<&Arc<str>> {
        Some(self.ledger.links.get((message.from, to))?.kind(message.kind?))
    }

    /// What came of handing over the first message that waits. Whether the next one may be tried.
    pub fn retried(&mut self, now: RunTime, to: NodeId, sent: Sent) -> bool {
        if sent == Sent::WouldBlock {
            return false;
        }
        let Some(message) = self.queues.get_mut(&to).and_then(Outbox::pop) else { return false };
        self.ledger.waited(to, &message);
        self.count_handed(now, to, message, sent);
        true
    }

    /// A replica closed its socket, or died: what waits for it is lost.
    pub fn disconnected(&mut self, now: RunTime, id: NodeId) {
        self.ledger.log.tell_time(now);
        self.empty_queue(id, DropCause::Gone);
    }

    /// A replica died: messages that it did not receive are no sign of anything.
    pub fn died(&mut self, id: NodeId) {
        self.unsent.remove(&id);
    }

    /// Messages that were not received, by the replica that they were for; without those for replicas that died
    /// since.
    pub fn unsent(&self) -> &BTreeMap<NodeId, Unsent> {
        &self.unsent
    }

    fn empty_queue(&mut self, id: NodeId, cause: DropCause) {
        while let Some(message) = self.queues.get_mut(&id).and_then(Outbox::pop) {
            self.ledger.waited(id, &message);
            self.ledger.lost(id, &message, cause);
        }
    }

    /// What is on its way now does not arrive any more.
    fn end_underway(&mut self) {
        for Delayed { to, message, .. } in self.underway.drain() {
            self.ledger.lost(to, &message, DropCause::Underway);
        }
    }

    /// Hands what was noted of messages to the file.
    pub fn flush(&mut self) {
        self.ledger.log.flush();
    }

    /// The run is over: what still waits was not read in time. Returns the counts of all links, and why not every
    /// message was written down, if so.
    pub fn finish(mut self) -> (Counts, Option<String>) {
        self.end_underway();
        for id in std::mem::take(&mut self.replicas) {
            self.empty_queue(id, DropCause::FullQueue);
        }
        (link::counts(self.ledger.links), self.ledger.log.finish())
    }
}

#[cfg(test)]
mod tests;
