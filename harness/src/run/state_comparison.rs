//! When the run is over and quiet, the living replicas are asked for their state: they must agree.
//!
//! The question is a message of type `status`; an answer holds the index up to which the log is
//! applied (`commit`) and a digest of the state (`digest`). A program that does not know the message
//! is simply not compared, and whatever it does then (some die of it) is no longer judged.
//! From here on nothing is lost, cut or counted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::ids::NodeId;
use crate::limits;
use crate::record::ReplicaState;
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
    /// It begins.
    pub fn new(began: RunTime) -> Self {
        Self { began, states: BTreeMap::new() }
    }

    /// The question of `observer` to a replica.
    pub fn question(observer: NodeId, to: NodeId) -> Vec<u8> {
        let question = json!({
            "src": observer, "dst": to, "leader": NodeId::ANY, "type": "status", "MID": "STATUS",
        });
        question.to_string().into_bytes()
    }

    /// A replica said something to the observer.
    pub fn hear(&mut self, now: RunTime, from: NodeId, packet: &[u8]) {
        let Ok(answer) = serde_json::from_slice::<StatusAnswer>(packet) else { return };
        if answer.r#type == "status" {
            let state =
                ReplicaState { id: from, at: now, commit: answer.commit, digest: answer.digest };
            self.states.insert(from, state);
        }
    }

    /// Whether the living replicas agree by now, or have had their time.
    pub fn is_over(&self, now: RunTime, alive: &BTreeSet<NodeId>, bound: Duration) -> bool {
        let waited = now.since(self.began);
        // An answer takes no time; a replica that gave none by then does not know the message.
        let is_mute = self.states.is_empty() && waited > limits::STATE_COMPARISON_SILENCE;
        is_mute || waited > bound || self.agree(alive)
    }

    /// Whether all living replicas answered, all the same.
    fn agree(&self, alive: &BTreeSet<NodeId>) -> bool {
        let mut living = alive.iter().map(|id| self.states.get(id));
        let Some(first) = living.next().flatten() else { return false };
        living.all(|state| state.is_some_and(|state| state.is_same(first)))
    }

    /// The last answer of each replica, in the order of ids.
    pub fn into_states(self) -> Vec<ReplicaState> {
        self.states.into_values().collect()
    }
}
