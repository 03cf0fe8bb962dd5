//! When a client asks next, and what: at planned times, at a rate, or as soon as it is answered.

use std::sync::Arc;

use super::{Asking, Effect, Kind, Phase, Pool, View, Wake};
use crate::clients::requests::OperationIndex;
use crate::op::{F, text_of};
use crate::plan::OperationPlan;

impl Pool {
    pub(super) fn begin(&mut self, view: View<'_>) {
        self.phase = Phase::Requests;
        let interval = match &self.kind {
            Kind::Course(_) => return self.schedule_course(0),
            Kind::Shared(shared) => shared.interval,
        };
        if interval.is_some() {
            self.steady(view);
            return self.due(view);
        }
        for client in 0..self.askers() {
            self.go_on(client, view);
        }
    }

    fn schedule_course(&mut self, n: usize) {
        if let OperationPlan::Course { requests } = &self.plan.operations
            && let Some(request) = requests.get(n)
        {
            self.effects.push(Effect::WakeAt(request.at, Wake::Request(n)));
        }
    }

    pub(super) fn course_request(&mut self, n: usize, view: View<'_>) {
        let plan = Arc::clone(&self.plan);
        let OperationPlan::Course { requests } = &plan.operations else { return };
        self.schedule_course(n + 1);
        let request = &requests[n];
        let Some(client) = self.ids.iter().position(|&id| id == request.client) else { return };
        let Kind::Course(clients) = &self.kind else { return };
        let asked = clients[client].next(request);
        if asked.kind != request.f {
            self.counts.gets_not_generated += 1;
        }
        self.count_generated(asked.kind);
        self.invoke(client, asked.kind, asked.key, asked.value, Asking::Usual, view);
    }

    pub(super) fn count_generated(&mut self, kind: F) {
        if kind.only_asks() {
            self.counts.gets += 1;
        } else {
            self.counts.puts += 1;
        }
    }

    pub(super) fn due(&mut self, view: View<'_>) {
        let Kind::Shared(shared) = &mut self.kind else { return };
        if self.phase != Phase::Requests {
            return;
        }
        shared.be_gentle(view.now);
        let Some(interval) = shared.interval else { return };
        // Timers are coarser than a fast rate: everything due by now is due.
        let begin = shared.base;
        let due = view.now.since(begin).as_nanos() / interval.as_nanos().max(1) + 1;
        let due = u64::try_from(due).unwrap_or(u64::MAX).max(shared.due + 1);
        let due = due.next_multiple_of(shared.burst);
        shared.backlog += due - shared.due;
        if shared.burst > 1 || shared.is_gentle {
            // An operation that finds no idle client is left out: a flood after each outage would hide what it left, and
            // clients that gave up at the same moment would ask at the same moment again.
            shared.backlog = shared.backlog.min(shared.burst);
        }
        shared.due = due;
        let next = begin + interval.saturating_mul(u32::try_from(due).unwrap_or(u32::MAX));
        self.effects.push(Effect::WakeAt(next, Wake::Due));
        self.share_backlog(view);
    }

    /// One operation of those that come evenly beside the bursts is due.
    pub(super) fn steady(&mut self, view: View<'_>) {
        let Kind::Shared(shared) = &mut self.kind else { return };
        let Some(interval) = shared.steady.filter(|_| self.phase == Phase::Requests) else {
            return;
        };
        shared.backlog += 1;
        self.effects.push(Effect::WakeAt(view.now + interval, Wake::Steady));
        self.share_backlog(view);
    }

    /// Idle clients ask what is due.
    fn share_backlog(&mut self, view: View<'_>) {
        // In turn, from the one after the last: else the first would do all the work.
        let count = self.askers();
        for client in (self.next_client..self.next_client + count).map(|n| n % count) {
            if self.has_backlog() && !self.clients[client].idle.is_empty() {
                self.next_client = client + 1;
                self.go_on(client, view);
            }
        }
    }

    fn has_backlog(&self) -> bool {
        matches!(&self.kind, Kind::Shared(shared) if shared.backlog > 0)
    }

    /// A shared client that is idle asks what is next for it.
    pub(super) fn go_on(&mut self, client: usize, view: View<'_>) {
        let Kind::Shared(shared) = &mut self.kind else { return };
        if client >= shared.count() || self.clients[client].idle.is_empty() {
            return;
        }
        let id = self.ids[client];
        let (kind, key, is_recovery) = match self.phase {
            Phase::Requests if shared.may_ask() => {
                let (kind, key) = shared.next(client);
                (kind, key, false)
            }
            Phase::Waiting | Phase::Requests => return,
            Phase::Recovery => {
                let Some((kind, key)) = self.recovery.next(client, view.now) else { return };
                (kind, key, true)
            }
        };
        let value = (kind == F::Put).then(|| shared.unique_value(client, id));
        self.count_generated(kind);
        let asking = if is_recovery { Asking::Recovery } else { Asking::Usual };
        self.invoke(client, kind, key, value, asking, view);
    }

    /// A refused operation of a course client is asked again.
    pub(super) fn repeat(&mut self, operation: OperationIndex, view: View<'_>) {
        let Some(old) = self.operations.get(operation) else { return };
        let Some(key) = old.key.clone() else { return };
        let (kind, value) = (old.f, text_of(&old.value).map(Arc::from));
        let Some(client) = self.ids.iter().position(|&id| id == old.client) else { return };
        self.invoke(client, kind, key, value, Asking::Usual, view);
    }
}
