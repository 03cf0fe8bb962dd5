//! The queue: clients' requests that arrived while there was no leader to give them to.

use std::collections::VecDeque;

use super::message::{Handover, QueuePlace};
use super::size;
use super::types::{Request, RequestId, Time};

/// Requests in the order in which they came, each with a number that is never used twice in
/// one life of the replica.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Queue {
    requests: VecDeque<Held>,
    first: u64,
    /// Requests with a smaller number were in a message to a leader. It may have executed them,
    /// so the client must not be told to ask elsewhere.
    handed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    request: Request,
    until: Time,
}

impl Queue {
    /// How many requests wait.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether this request waits already.
    pub fn contains(&self, id: &RequestId) -> bool {
        self.requests.iter().any(|held| held.request.id == *id)
    }

    /// Takes in a request, to be held until a leader appears, or until that time.
    pub fn push(&mut self, request: Request, until: Time) {
        self.requests.push_back(Held { request, until });
    }

    /// As much of the queue as fits into a message.
    pub fn hand_over(&mut self, boot: u32) -> Option<Handover> {
        let waiting = || self.requests.iter().map(|held| &held.request);
        let count = size::queue_length(waiting());
        let requests: Vec<_> = waiting().take(count).cloned().collect();
        if requests.is_empty() {
            return None;
        }
        self.handed = self.handed.max(self.first + count as u64);
        let left = (self.requests.len() - count) as u64;
        Some(Handover { boot, first: self.first, requests, left })
    }

    /// Whether a leader can have received so much of this queue.
    pub fn could_be(&self, boot: u32, received: QueuePlace) -> bool {
        received.boot != boot || received.next <= self.first.max(self.handed)
    }

    /// Takes out what a leader says it has received.
    pub fn acknowledge(&mut self, boot: u32, received: QueuePlace) -> Vec<RequestId> {
        let ours = received.boot == boot;
        let count = if ours { received.next.saturating_sub(self.first) } else { 0 };
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.requests.len());
        self.first += count as u64;
        self.requests.drain(..count).map(|held| held.request.id).collect()
    }

    /// Takes everything out, for a replica that has become leader itself.
    pub fn take_all(&mut self) -> Vec<Request> {
        self.first += self.requests.len() as u64;
        self.requests.drain(..).map(|held| held.request).collect()
    }

    /// When the first request that no leader has seen has waited long enough.
    pub fn deadline(&self) -> Time {
        let unseen = self.requests.get(self.unseen_from());
        unseen.map_or(Time::NEVER, |held| held.until)
    }

    /// Takes out a request that no leader has seen and that has waited long enough.
    pub fn pop_expired(&mut self, time: Time) -> Option<Request> {
        let place = self.unseen_from();
        if self.requests.get(place)?.until > time {
            return None;
        }
        self.requests.remove(place).map(|held| held.request)
    }

    /// The place of the first request that was never handed over.
    fn unseen_from(&self) -> usize {
        usize::try_from(self.handed.saturating_sub(self.first)).unwrap_or(usize::MAX)
    }
}
