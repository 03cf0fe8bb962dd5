//! One direction between two nodes: what becomes of each message, and the count of it.
//!
//! A link asks its rules in order until one drops the message; what the others decide adds up. What
//! chance decides about the n-th message is a pure function of (seed, link, rule, n): a fault on one
//! link changes nothing on another, nor one rule what another draws, and a replay meets the same
//! losses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::links::Links;
use super::rules::{Corrupt, Decision, FaultId, Message, Order, Rule};
use crate::ids::NodeId;
use crate::limits;
use crate::network::counts::{DropCause, MessageCounts};
use crate::seed::Seed;
use crate::time::RunTime;

/// What becomes of a message, when all rules of its link are asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It is lost, and why.
    Drop(DropCause),
    /// It is delivered at once, as it is.
    Deliver,
    /// It is delivered otherwise.
    DeliverSo(Delivery),
}

/// How a message is delivered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivery {
    /// When; `None`: at once.
    pub at: Option<RunTime>,
    /// When it is delivered again.
    pub again: Vec<RunTime>,
    /// How its bytes are changed.
    pub changes: Vec<(Corrupt, Seed)>,
}

/// A rule in force on a link.
#[derive(Debug)]
struct InForce {
    fault: FaultId,
    rule: Rule,
    seed: Seed,
    busy_until: RunTime,
}

/// One direction between two nodes.
#[derive(Debug)]
pub struct Link {
    seed: Seed,
    /// In the order in which they are asked.
    rules: Vec<InForce>,
    passed: u64,
    /// When the last message arrives that keeps its order.
    last_at: RunTime,
    waiting: usize,
    waiting_bytes: usize,
    counts: Vec<(Arc<str>, MessageCounts)>,
}

/// Which of a link's counts a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeIndex(usize);

impl Link {
    /// A link on which no rule holds yet.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            rules: Vec::new(),
            passed: 0,
            last_at: RunTime::ZERO,
            waiting: 0,
            waiting_bytes: 0,
            counts: Vec::new(),
        }
    }

    /// From now on `rule` holds here, until `fault` is lifted.
    pub fn apply(&mut self, fault: FaultId, rule: Rule) {
        let seed = fault.seed(self.seed);
        self.rules.push(InForce { fault, rule, seed, busy_until: RunTime::ZERO });
        // A stable order, whatever came first: a fault that ends and comes again changes nothing.
        self.rules.sort_by_key(|it| (it.rule.kind(), it.fault));
    }

    /// The rules of this fault no longer hold. Whether nothing holds messages back here any more,
    /// where something did.
    pub fn lift(&mut self, fault: FaultId) -> bool {
        let delayed = self.delays();
        self.rules.retain(|it| it.fault != fault);
        let is_freed = delayed && !self.delays();
        if is_freed {
            self.last_at = RunTime::ZERO;
        }
        is_freed
    }

    /// No rule holds any longer; answers as [`Link::lift`].
    pub fn lift_all(&mut self) -> bool {
        let is_freed = self.delays();
        self.rules.clear();
        self.last_at = RunTime::ZERO;
        is_freed
    }

    fn delays(&self) -> bool {
        self.rules.iter().any(|it| it.rule.delays())
    }

    /// Whether nothing crosses.
    pub fn is_cut(&self) -> bool {
        matches!(self.rules.first(), Some(InForce { rule: Rule::Cut, .. }))
    }

    /// Counts a message of this type as sent and says what becomes of it.
    pub fn decide(&mut self, now: RunTime, kind: &str, bytes: usize) -> (Fate, TypeIndex) {
        let index = self.count_of(kind);
        let counts = &mut self.counts[index.0].1;
        counts.sent += 1;
        counts.bytes += bytes as u64;
        // Every message takes its number, also one that a partition stops: what a fault loses
        // must not shift what chance loses.
        let n = self.passed;
        self.passed += 1;
        if self.rules.is_empty() {
            return (Fate::Deliver, index);
        }
        let (waiting, waiting_bytes) = (self.waiting, self.waiting_bytes);
        let fate = self.ask(&Message { n, bytes, now, waiting, waiting_bytes });
        match &fate {
            Fate::Drop(cause) => self.lost(index, *cause),
            Fate::DeliverSo(delivery) if delivery.at.is_some() => {
                self.counts[index.0].1.delayed += 1;
            }
            _ => {}
        }
        (fate, index)
    }

    /// Asks the rules in order, until one drops the message.
    fn ask(&mut self, message: &Message) -> Fate {
        let mut delivery = Delivery::default();
        let (mut delay, mut order) = (Duration::ZERO, Order::Kept);
        let (mut copies, mut last_copy) = (0, Duration::ZERO);
        for it in &mut self.rules {
            match it.rule.decide(it.seed, message, &mut it.busy_until) {
                Decision::Pass => {}
                Decision::Drop(cause) => return Fate::Drop(cause),
                Decision::Delay(by, its_order) => {
                    delay += by;
                    if its_order == Order::Free {
                        order = Order::Free;
                    }
                }
                Decision::Again(times, within) => {
                    copies += times;
                    last_copy = last_copy.max(within);
                }
                Decision::Change(how, draw) => delivery.changes.push((how, draw)),
            }
        }
        let mut at = message.now + delay;
        if order == Order::Kept {
            at = at.max(self.last_at);
            self.last_at = at;
        }
        delivery.at = (at > message.now).then_some(at);
        delivery.again = (1..=copies).map(|n| at + last_copy * n / copies).collect();
        if delivery == Delivery::default() { Fate::Deliver } else { Fate::DeliverSo(delivery) }
    }

    /// A message of this link waits, on its way or for its receiver.
    pub fn waits(&mut self, bytes: usize) {
        self.waiting += 1;
        self.waiting_bytes += bytes;
    }

    /// It waits no longer.
    pub fn waits_no_longer(&mut self, bytes: usize) {
        assert!(self.waiting > 0 && self.waiting_bytes >= bytes, "who waits no longer has waited");
        self.waiting -= 1;
        self.waiting_bytes -= bytes;
    }

    /// Counts a message that was sent before the clock started.
    pub fn too_early(&mut self, kind: &str, bytes: usize) {
        let index = self.count_of(kind);
        let counts = &mut self.counts[index.0].1;
        counts.sent += 1;
        counts.bytes += bytes as u64;
        self.lost(index, DropCause::BeforeStart);
    }

    /// Whether any message was sent here.
    pub fn has_counted(&self) -> bool {
        !self.counts.is_empty()
    }

    /// The name of a message type of this link.
    pub fn kind(&self, index: TypeIndex) -> &Arc<str> {
        &self.counts[index.0].0
    }

    /// Counts a message as handed over.
    pub fn delivered(&mut self, index: TypeIndex) {
        self.counts[index.0].1.delivered += 1;
    }

    /// Counts a message as handed over once more.
    pub fn repeated(&mut self, index: TypeIndex) {
        self.counts[index.0].1.duplicated += 1;
    }

    /// Counts a message as changed.
    pub fn corrupted(&mut self, index: TypeIndex) {
        self.counts[index.0].1.corrupted += 1;
    }

    /// Counts a message as lost.
    pub fn lost(&mut self, index: TypeIndex, cause: DropCause) {
        *self.counts[index.0].1.dropped.entry(cause).or_default() += 1;
    }

    fn count_of(&mut self, kind: &str) -> TypeIndex {
        let is_full = self.counts.len() >= limits::MESSAGE_TYPES;
        let known = |name: &str| self.counts.iter().position(|(known, _)| &**known == name);
        let cut = cut_at(kind, limits::MESSAGE_TYPE_BYTES);
        if let Some(at) = known(cut) {
            return TypeIndex(at);
        }
        let name = if is_full { "(other)" } else { cut };
        TypeIndex(known(name).unwrap_or_else(|| {
            self.counts.push((Arc::from(name), MessageCounts::default()));
            self.counts.len() - 1
        }))
    }
}

/// The longest prefix of at most `bytes` bytes that ends between two characters.
fn cut_at(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

/// The counts of all links, by (source, destination, message type).
pub type Counts = BTreeMap<(NodeId, NodeId, Arc<str>), MessageCounts>;

/// The counts of all links, as they go into a record.
pub fn counts(links: Links) -> Counts {
    links
        .into_all()
        .flat_map(|((from, to), link)| {
            link.counts.into_iter().map(move |(kind, counts)| ((from, to, kind), counts))
        })
        .collect()
}

#[cfg(test)]
mod tests;
