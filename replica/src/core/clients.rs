//! Clients' requests: executed by the leader, redirected by those who know one, kept by the rest.

use std::sync::Arc;
use std::time::Duration;

use super::log::{Command, Entry};
use super::message::Handover;
use super::replica::{Replica, Role};
use super::size;
use super::types::{Now, Operation, Outcome, Request, RequestId};
use crate::bugs::Bug;

/// How many refused requests are remembered.
const REMEMBERED_REFUSALS: usize = 1_024;

impl Replica {
    pub(super) fn receive_request(&mut self, now: Now, request: Request) {
        if self.refused.contains(&request.id) {
            self.reply(request.id, Outcome::Redirect);
            return;
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
            _ if self.leader.is_some() && !missed => self.refuse(request.id),
            _ => self.enqueue(now, request),
        }
    }

    /// Tells a client to ask elsewhere, and remembers that.
    fn refuse(&mut self, id: RequestId) {
        if self.refused.len() == REMEMBERED_REFUSALS {
            self.refused.pop_front();
        }
        self.refused.push_back(id.clone());
        self.reply(id, Outcome::Redirect);
    }

    fn enqueue(&mut self, now: Now, request: Request) {
        if self.queue.contains(&request.id) {
            return;
        }
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

    /// Requests of a leader that stopped leading wait for the next one.
    pub(super) fn requeue(&mut self, now: Now, requests: Vec<Request>) {
        for request in requests {
            self.enqueue(now, request);
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

    /// Executes a request as the leader.
    pub(super) fn execute(&mut self, now: Now, request: Request) {
        match &request.operation {
            Operation::Get { .. } => {
                if self.knows_all_committed() && self.holds_lease(now) {
                    self.answer_get(request);
                } else {
                    self.await_round(request);
                }
            }
            Operation::Put { key, value } => {
                let (key, value) = (Arc::clone(key), Arc::clone(value));
                self.put(now, request.id, key, value);
            }
        }
    }

    fn put(&mut self, now: Now, id: RequestId, key: Arc<str>, value: Arc<str>) {
        let command = Command::Put { id: id.clone(), key, value };
        let bugs = self.config.bugs;
        if size::entry(&Entry { term: self.term, command: command.clone() }) > size::BATCH_LIMIT {
            self.reply(id, Outcome::Fail);
            return;
        }
        if !bugs.has(Bug::DuplicateApply) {
            if self.machine.has_applied(&id) {
                self.reply(id, Outcome::Done);
                return;
            }
            if self.waiting.values().any(|(term, known)| *term == self.term && *known == id) {
                return; // the first copy's answer answers this one
            }
        }
        let index = self.append_own(command);
        if bugs.has(Bug::AckBeforeCommit) {
            self.reply(id.clone(), Outcome::Done);
        }
        self.waiting.insert(index, (self.term, id));
        self.start_batch(now);
    }

    pub(super) fn answer_get(&mut self, request: Request) {
        if let Operation::Get { key } = &request.operation {
            let value = self.machine.get(key);
            self.reply(request.id, Outcome::Value(value));
        }
    }
}
