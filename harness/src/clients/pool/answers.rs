//! What is answered: what a client learns of it, and what it does next.

use std::time::Duration;

use checker::Datum;

use super::{Asking, Effect, Kind, Pool, Reply, Unexpected, View, Wake};
use crate::clients::requests::{Found, OperationIndex};
use crate::ids::NodeId;
use crate::limits;
use crate::network::envelope::{AnsweredValue, ReplyType};
use crate::op::{F, OperationError, Outcome, text_of};
use crate::plan::FailIs;
use crate::time::RunTime;

impl Pool {
    /// When the put with this `MID` was sent.
    pub fn put_sent(&mut self, mid: &str) -> Option<RunTime> {
        let Found::Request(request) = self.requests.find(mid) else { return None };
        let operation = self.operations.get(request.operation)?;
        (operation.f == F::Put).then_some(request.sent)
    }

    /// A replica answered a client.
    pub fn answer(&mut self, answer: &Reply<'_>, view: View<'_>) -> Option<Unexpected> {
        let client = self.ids.iter().position(|&id| id == answer.client)?;
        let request = match self.requests.find(answer.mid) {
            Found::Unknown => return Some(Unexpected::UnknownMid),
            Found::Gone => return None,
            Found::Request(request) => request,
        };
        let (index, sent) = (request.operation, request.sent);
        let was_answered = std::mem::replace(&mut request.is_answered, true);
        let asked = self.operations.get(index)?;
        if asked.client != answer.client {
            return Some(Unexpected::UnknownMid);
        }
        let Some(reply) = answer.r#type else { return Some(Unexpected::UnknownAnswer) };
        if !was_answered {
            self.counts.latencies.add(view.now.since(sent));
        }
        if !self.open.contains_key(&index) {
            // Where the client had given up before, this is a late answer, no second one.
            let is_duplicate = self.operations[index].outcome == Outcome::Ok
                && (was_answered || reply == ReplyType::Ok);
            if reply == ReplyType::Ok {
                self.came_late(view.now.since(sent));
                let operation = &self.operations[index];
                if operation.f == F::Put && operation.outcome == Outcome::Ok {
                    self.effects.push(Effect::AcknowledgedAgain { put: index, by: answer.from });
                }
            }
            self.counts.duplicate_responses += u64::from(is_duplicate);
            return is_duplicate.then_some(Unexpected::Duplicate);
        }
        self.hear_leader(client, reply, answer);
        match reply {
            // Also for a request that was redirected first: the operation is done.
            ReplyType::Ok => self.accepted(client, index, answer, view),
            ReplyType::Fail | ReplyType::Redirect if was_answered => Some(Unexpected::Duplicate),
            ReplyType::Redirect => {
                self.redirected(index, view);
                None
            }
            ReplyType::Fail => self.refused(client, index, answer.from, view),
        }
    }

    /// A client had given up before the answer came. If no client was ever answered in time, the program is slow, and
    /// waiting longer is all that can be learnt from.
    fn came_late(&mut self, after: Duration) {
        if let Kind::Shared(shared) = &mut self.kind
            && !shared.was_served
        {
            shared.timeout = shared.timeout.max((after * 2).min(limits::SLOW_ANSWER));
        }
    }

    fn hear_leader(&mut self, client: usize, reply: ReplyType, answer: &Reply<'_>) {
        let believed = &mut self.clients[client].leader;
        *believed = match (reply, answer.leader) {
            (_, Some(leader)) => Some(leader),
            (ReplyType::Ok, None) => Some(answer.from),
            // The client believed in the wrong leader, and is told of no other.
            (ReplyType::Redirect, None) => None,
            (ReplyType::Fail, None) => *believed,
        };
    }

    fn accepted(
        &mut self,
        client: usize,
        index: OperationIndex,
        answer: &Reply<'_>,
        view: View<'_>,
    ) -> Option<Unexpected> {
        let asking = self.open.get(&index)?.asking;
        let operation = &mut self.operations[index];
        operation.node = Some(answer.from);
        let operation_kind = operation.f;
        let mut unexpected = None;
        if operation.f == F::Get {
            let value = match &answer.value {
                AnsweredValue::Text(text) => text.as_str(),
                AnsweredValue::OddlyEmpty => "",
                AnsweredValue::Odd(json) => json,
            };
            if !matches!(answer.value, AnsweredValue::Text(_)) {
                unexpected = Some(Unexpected::OddValue);
            }
            operation.answer = Some(Datum::text(value));
        }
        self.clients[client].setbacks = 0;
        if let Kind::Shared(shared) = &mut self.kind {
            shared.was_served = true;
            shared.last_answer = view.now;
        }
        self.check_course_answer(client, index, view.now);
        if operation_kind == F::Put {
            self.effects.push(Effect::Acknowledged { put: index, by: answer.from });
            if let Kind::Shared(shared) = &mut self.kind {
                shared.put_acknowledged(self.operations[index].key_name());
            }
        }
        self.complete(index, Outcome::Ok, None, view.now);
        if asking == Asking::Recovery {
            self.recovery.answered(client, view.now);
        }
        self.go_on(client, view);
        unexpected
    }

    /// What a course client learns from an answer to its own operation.
    fn check_course_answer(&mut self, client: usize, index: OperationIndex, now: RunTime) {
        let Kind::Course(clients) = &mut self.kind else { return };
        let operation = &self.operations[index];
        let Some(key) = &operation.key else { return };
        if operation.f == F::Put {
            return clients[client].put_acknowledged(index, key, now);
        }
        let value = text_of(operation.told()).unwrap_or_default();
        if clients[client].is_wrong(key, value, operation.invoked) {
            self.counts.incorrect_gets += 1;
        }
    }

    /// The same operation is sent again, under a new `MID`; at once at first, then with a wait.
    fn redirected(&mut self, index: OperationIndex, view: View<'_>) {
        let Some(in_flight) = self.open.get_mut(&index) else { return };
        if matches!(in_flight.asking, Asking::Probe(_)) {
            // A redirect says nothing about the key: the next round asks again.
            self.counts.redirects += 1;
            self.operations[index].redirects += 1;
            return self.complete(index, Outcome::Fail, Some(OperationError::Redirected), view.now);
        }
        in_flight.setbacks += 1;
        self.counts.redirects += 1;
        self.operations[index].redirects += 1;
        match retry_wait(in_flight.setbacks) {
            None => self.send(index, view),
            Some(wait) => {
                self.effects.push(Effect::WakeAt(view.now + wait, Wake::Resend(index)));
            }
        }
    }

    /// A refused get certainly has no effect. Whether a refused put may still take effect is left
    /// open by the protocol. Course clients ask again; shared ones go on to the next.
    fn refused(
        &mut self,
        client: usize,
        index: OperationIndex,
        from: NodeId,
        view: View<'_>,
    ) -> Option<Unexpected> {
        let operation = &mut self.operations[index];
        operation.node = Some(from);
        let outcome = if operation.f.only_asks() {
            self.counts.failed_gets += 1;
            Outcome::Fail
        } else {
            self.counts.failed_puts += 1;
            match self.plan.fail_is {
                FailIs::Info => Outcome::Info,
                FailIs::Definite => Outcome::Fail,
            }
        };
        let bound = self.plan.scenario.liveness_bound;
        let is_gone = self.open[&index].asking == Asking::Recovery
            && self.recovery.refused(client, view.now, bound);
        if is_gone {
            operation.answer = Some(Datum::text(""));
            self.complete(index, Outcome::Ok, Some(OperationError::RefusedForGood), view.now);
            self.recovery.given_up(client, view.now);
        } else {
            self.postpone(index);
            self.complete(index, outcome, Some(OperationError::Refused), view.now);
        }
        self.clients[client].setbacks += 1;
        let wait = retry_wait(self.clients[client].setbacks).unwrap_or_default();
        let wake = match self.kind {
            Kind::Course(_) => Wake::Repeat(index),
            Kind::Shared(_) => Wake::GoOn(client),
        };
        self.effects.push(Effect::WakeAt(view.now + wait, wake));
        is_gone.then_some(Unexpected::Gone)
    }

    pub(super) fn timed_out(&mut self, index: OperationIndex, view: View<'_>) {
        let Some(in_flight) = self.open.get(&index) else { return };
        let client = in_flight.client;
        // A replica that did not answer is not asked first again.
        self.clients[client].leader = None;
        self.postpone(index);
        self.complete(index, Outcome::Info, Some(OperationError::TimedOut), view.now);
        self.go_on(client, view);
    }

    /// An operation after the healing that was not answered has its next turn last.
    fn postpone(&mut self, index: OperationIndex) {
        if let Some(in_flight) = self.open.get(&index)
            && in_flight.asking == Asking::Recovery
        {
            self.recovery.postpone(in_flight.client);
        }
    }
}

/// How long to wait after this many setbacks in a row; `None`: not at all.
fn retry_wait(setbacks: u32) -> Option<Duration> {
    let slow = setbacks.checked_sub(limits::FAST_RETRIES + 1)?;
    let wait = limits::RETRY_WAIT_MIN.saturating_mul(1 << slow.min(10));
    Some(wait.min(limits::RETRY_WAIT_MAX))
}
