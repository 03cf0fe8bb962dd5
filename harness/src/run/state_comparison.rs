//! When the run is over and quiet, the living replicas are asked for their state: they must agree.
//!
//! The question is a message of type `status`; an answer holds the index up to which the log is
//! applied (`commit`) and a digest of the state (`digest`). A program that does not know the message
//! is simply not compared, and whatever it does then (some die of it) is no longer judged.
//! From here on nothing is lost, cut or counted.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::agenda::Task;
use super::dispatcher::Dispatcher;
use crate::ids::NodeId;
use crate::limits;
use crate::record::{EndReason, ReplicaState};
use crate::time::RunTime;

/// What the replicas answered so far.
pub struct StateComparison {
    began: RunTime,
    states: BTreeMap<NodeId, ReplicaState>,
}

#[derive(Deserialize)]
struct StatusAnswer {
    r#type: String,
    commit: u64,
    digest: String,
}

impl StateComparison {
    fn new(began: RunTime) -> Self {
        Self { began, states: BTreeMap::new() }
    }

    /// The last answer of each replica, in the order of ids.
    pub fn into_states(self) -> Vec<ReplicaState> {
        self.states.into_values().collect()
    }
}

impl Dispatcher {
    /// The client that asks: one that never asked before.
    pub(super) fn observer(&self) -> NodeId {
        let replicas = self.request.plan.scenario.replicas;
        NodeId::client(replicas, self.cluster.pool.ids().len())
    }

    /// The run is over: the clock stops, and the replicas are asked, if a majority lives.
    pub(super) fn conclude(&mut self) {
        let now = self.now();
        self.ended_at = Some(now);
        // Where operations wait in vain it is said already that all is not well.
        let is_answered = self.cluster.pool.is_recovered();
        if !is_answered || self.lives.alive().len() < self.request.plan.scenario.majority() {
            self.end = Some(EndReason::Completed);
            return;
        }
        self.cluster.router.let_all_pass();
        self.comparison = Some(StateComparison::new(now));
        self.agenda.add(now, Task::Ask);
    }

    /// Asks each living replica for its state, unless they agree by now or have had their time.
    pub(super) fn ask(&mut self) {
        let (now, observer) = (self.now(), self.observer());
        let Some(comparison) = &self.comparison else { return };
        let waited = now.since(comparison.began);
        // An answer takes no time; a replica that gave none by then does not know the message.
        let is_mute = comparison.states.is_empty() && waited > limits::STATE_COMPARISON_SILENCE;
        let is_over = waited > self.request.plan.scenario.liveness_bound;
        if is_mute || is_over || self.agree() {
            self.end = Some(EndReason::Completed);
            return;
        }
        for &to in self.lives.alive() {
            let question = json!({
                "src": observer, "dst": to, "leader": NodeId::ANY, "type": "status", "MID": "STATUS",
            });
            let packet = question.to_string().into_bytes();
            self.cluster.router.from_client(now, observer, to, "status", packet);
        }
        self.agenda.add(now + limits::STATE_COMPARISON_INTERVAL, Task::Ask);
    }

    /// A replica said something to the observer.
    pub(super) fn hear_status(&mut self, from: NodeId, packet: &[u8]) {
        let now = self.now();
        let Some(comparison) = &mut self.comparison else { return };
        let Ok(answer) = serde_json::from_slice::<StatusAnswer>(packet) else { return };
        if answer.r#type == "status" {
            let state =
                ReplicaState { id: from, at: now, commit: answer.commit, digest: answer.digest };
            comparison.states.insert(from, state);
        }
    }

    /// Whether all living replicas answered, all the same.
    fn agree(&self) -> bool {
        let Some(comparison) = &self.comparison else { return false };
        let mut living = self.lives.alive().iter().map(|id| comparison.states.get(id));
        let Some(first) = living.next().flatten() else { return false };
        living.all(|state| state.is_some_and(|state| state.is_same(first)))
    }
}
