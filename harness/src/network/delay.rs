//! Messages on their way: what a rule holds back, until its time has come.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::outbox::Outgoing;
use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// A message that is delivered at a time.
#[derive(Debug)]
pub struct Delayed {
    at: RunTime,
    /// The order of sending, among those of the same time.
    number: u64,
    /// The receiver.
    pub to: NodeId,
    /// The message.
    pub message: Outgoing,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Delayed {}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// All messages on their way, the next to arrive first.
#[derive(Debug, Default)]
pub struct DelayQueue {
    waiting: BinaryHeap<Reverse<Delayed>>,
    bytes: usize,
    added: u64,
}

impl DelayQueue {
    /// Sends a message on its way; hands it back if there are too many.
    pub fn add(&mut self, at: RunTime, to: NodeId, message: Outgoing) -> Result<(), Outgoing> {
        let bytes = self.bytes + message.packet.len();
        if self.waiting.len() >= limits::UNDERWAY_MESSAGES || bytes > limits::UNDERWAY_BYTES {
            return Err(message);
        }
        self.bytes = bytes;
        self.waiting.push(Reverse(Delayed { at, number: self.added, to, message }));
        self.added += 1;
        Ok(())
    }

    /// When the next one arrives.
    pub fn next_at(&self) -> Option<RunTime> {
        self.waiting.peek().map(|Reverse(delayed)| delayed.at)
    }

    /// Takes the next one, if it has arrived.
    pub fn pop_due(&mut self, now: RunTime) -> Option<Delayed> {
        if self.next_at()? > now {
            return None;
        }
        let Reverse(delayed) = self.waiting.pop()?;
        self.bytes -= delayed.message.packet.len();
        Some(delayed)
    }

    /// Lets what is on these links arrive at once, in the order in which it was sent.
    pub fn hurry(&mut self, is_hurried: impl Fn(NodeId, NodeId) -> bool) {
        let waiting = std::mem::take(&mut self.waiting).into_vec();
        let hurried = waiting.into_iter().map(|Reverse(mut delayed)| {
            if is_hurried(delayed.message.from, delayed.to) {
                delayed.at = RunTime::ZERO;
            }
            Reverse(delayed)
        });
        self.waiting = hurried.collect();
    }

    /// Takes all that is left.
    pub fn drain(&mut self) -> impl Iterator<Item = Delayed> + use<> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting).into_iter().map(|Reverse(delayed)| delayed)
    }
}
