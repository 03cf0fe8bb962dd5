//! Clients' requests: executed by the leader, redirected by replicas that know one, kept by the rest.

use std::sync::Arc;
use std::time::Duration;

use super::fates::Fate;
use super::log::{Command, Entry};
use super::message::Handover;
use super::replica::{Replica, Role};
use super::size;
use super::types::{Index, Now, Operation, Outcome, Request, RequestId, Time};
use crate::bugs::Bug;

impl Replica {
    pub(super) fn receive_request(&mut self, now: Now, request: Request) {
        if !size::fits(&request) {
            return self.reply(request.id, Outcome::Fail);
        }
        match self.fates.of(&request.id) {
            Some(Fate::Refused) => return self.reply(request.id, Outcome::Redirect),
            Some(Fate::HandedOver) => return,
            _ if self.queue.contains(&request.id) || self.is_copy(&request) => return,
            _ => {}
        }
        let missed = now.time.since(self.heard_leader) > self.config.heartbeat.mul_f64(1.25);
        let limit = self.config.queue_limit;
        match &mut self.role {
            Role::Leader(leader) if leader.takes_in_queues() => {
                if leader.held.len() < limit {
                    leader.held.push(request);
                } else {
                    self.refuse(request.id);
                }
            }
            Role::Leader(_) => self.execute(now, request),
            // A leader that has missed a heartbeat may be dead: better to wait than to send a
            // client to its grave.
            _ if self.leader.is_some() && !missed && self.sent_away.insert(request.id.client) => {
                self.refuse(request.id);
            }
            _ => self.enqueue(now, request),
        }
    }

    /// Tells a client to ask elsewhere, and remembers that.
    pub(super) fn refuse(&mut self, id: RequestId) {
        self.fates.remember(id.clone(), Fate::Refused);
        self.reply(id, Outcome::Redirect);
    }

    /// Whether this is a copy of a put that is in the log, or was and may yet take effect. If it
    /// is committed its client is answered again; else its client is answered when its place is.
    fn is_copy(&mut self, request: &Request) -> bool {
        if self.config.bugs.has(Bug::DuplicateApply) {
            return false;
        }
        let id = &request.id;
        if self.machine.has_applied(id) {
            self.reply(id.clone(), Outcome::Done);
            return true;
        }
        if self.waiting.values().any(|known| known.id == *id) {
            return true;
        }
        let uncommitted = self.log.from(self.commit.next());
        let is_it =
            |entry: &Entry| matches!(&entry.command, Command::Put { id: put, .. } if put == id);
        let Some(offset) = uncommitted.iter().position(is_it) else { return false };
        let index = Index(self.commit.next().0 + offset as u64);
        self.waiting.insert((index, uncommitted[offset].term), request.clone());
        true
    }

    fn enqueue(&mut self, now: Now, request: Request) {
        if self.queue.len() >= self.config.queue_limit {
            self.refuse(request.id);
            return;
        }
        let until = now.time + self.patience(now);
        self.queue.push(request, until);
    }

    /// How long a request waits for a leader before its client is told to look elsewhere. An
    /// election is over sooner; a replica that has had no leader for longer than that is cut off,
    /// and waits a little only to keep its clients from asking in circles.
    fn patience(&self, now: Now) -> Duration {
        let an_election = 2 * self.config.election_max;
        let long_alone = now.time.since(self.heard_leader) > an_election;
        if long_alone { self.config.election_min / 2 } else { an_election }
    }

    pub(super) fn expire_queue(&mut self, now: Now) {
        while let Some(request) = self.queue.pop_expired(now.time) {
            self.refuse(request.id);
        }
    }

    /// Requests of a leader that stopped leading wait for the next one, unless that is this one.
    pub(super) fn requeue(&mut self, now: Now, requests: Vec<Request>) {
        for request in requests {
            if self.is_leader() {
                self.execute_in_order(now, request);
                continue;
            }
            if self.queue.contains(&request.id) {
                continue;
            }
            if self.fates.of(&request.id) == Some(Fate::TakenIn) {
                self.queue.push(request, Time::NEVER);
            } else {
                self.enqueue(now, request);
            }
        }
    }

    /// Executes requests from another replica's queue. One that was handed over before, and has
    /// been answered, came again because the acknowledgement was lost.
    pub(super) fn execute_queued(&mut self, now: Now, requests: Vec<Request>) {
        for request in requests {
            if self.fates.of(&request.id) != Some(Fate::Answered) {
                self.fates.remember(request.id.clone(), Fate::TakenIn);
                self.execute_in_order(now, request);
            }
        }
    }

    pub(super) fn hand_over_queue(&mut self) -> Option<Handover> {
        let mut handover = self.queue.hand_over(self.config.boot)?;
        if self.config.bugs.has(Bug::QueueReordered) {
            handover.requests.reverse();
        }
        if self.config.bugs.has(Bug::QueueLost) {
            self.queue.take_all();
        }
        Some(handover)
    }

    /// Executes a request from a queue as the leader: a get sees the puts before it.
    pub(super) fn execute_in_order(&mut self, now: Now, request: Request) {
        let last = self.log.last_index();
        if matches!(request.operation, Operation::Get { .. }) && self.commit < last {
            self.await_round(request, last);
        } else {
            self.execute(now, request);
        }
    }

    /// Executes a request as the leader.
    pub(super) fn execute(&mut self, now: Now, request: Request) {
        match &request.operation {
            Operation::Get { .. } => {
                if self.knows_all_committed() && self.holds_lease(now) {
                    self.answer_get(request);
                } else {
                    self.await_round(request, Index(0));
                }
            }
            Operation::Put { .. } if self.is_copy(&request) => {}
            Operation::Put { key, value } => {
                let (key, value) = (Arc::clone(key), Arc::clone(value));
                self.put(now, request, key, value);
            }
        }
    }

    fn put(&mut self, now: Now, request: Request, key: Arc<str>, value: Arc<str>) {
        let id = request.id.clone();
        let command = Command::Put { id: id.clone(), key, value };
        let bugs = self.config.bugs;
        let index = self.append_own(command);
        if bugs.has(Bug::AckBeforeCommit) {
            self.reply(id.clone(), Outcome::Done);
        }
        self.waiting.insert((index, self.term), request);
        self.start_batch(now);
    }

    pub(super) fn answer_get(&mut self, request: Request) {
        if let Operation::Get { key } = &request.operation {
            let value = self.machine.get(key);
            self.fates.answered(&request.id);
            self.reply(request.id, Outcome::Value(value));
        }
    }
}
