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
struct Status {
    #[expect(dead_code, reason = "it is there to be of this type")]
    r#type: StatusType,
    commit: u64,
    digest: String,
}

/// The only type of message that tells a state.
#[derive(Deserialize)]
enum StatusType {
    #[serde(rename = "status")]
    Status,
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
        let Ok(Status { commit, digest, .. }) = serde_json::from_slice(packet) else { return };
        self.states.insert(from, ReplicaState { id: from, at: now, commit, digest });
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

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(2);

    fn ms(ms: u64) -> RunTime {
        RunTime(ms * 1_000_000)
    }

    fn state(commit: u64, digest: &str) -> Vec<u8> {
        json!({"type": "status", "commit": commit, "digest": digest}).to_string().into_bytes()
    }

    #[test]
    fn it_is_over_when_all_living_replicas_hold_the_same() {
        let alive: BTreeSet<NodeId> = [0, 1, 2].map(NodeId).into();
        let mut comparison = StateComparison::new(ms(100));
        comparison.hear(ms(110), NodeId(0), &state(7, "a"));
        comparison.hear(ms(110), NodeId(1), &state(6, "b"));
        comparison.hear(ms(110), NodeId(2), b"what?");
        assert!(!comparison.is_over(ms(120), &alive, BOUND), "one says nothing, one is behind");
        comparison.hear(ms(150), NodeId(1), &state(7, "a"));
        assert!(!comparison.is_over(ms(160), &alive, BOUND));
        comparison.hear(ms(170), NodeId(2), &state(7, "a"));
        assert!(comparison.is_over(ms(180), &alive, BOUND));
        assert_eq!(comparison.into_states().len(), 3);
    }

    #[test]
    fn the_dead_are_not_waited_for_nor_are_those_that_differ_for_ever() {
        let alive: BTreeSet<NodeId> = [0, 1].map(NodeId).into();
        let mut comparison = StateComparison::new(ms(100));
        comparison.hear(ms(110), NodeId(0), &state(7, "a"));
        comparison.hear(ms(110), NodeId(1), &state(7, "b"));
        assert!(!comparison.is_over(ms(2_100), &alive, BOUND));
        assert!(comparison.is_over(ms(2_101), &alive, BOUND), "they had their time");
        assert!(comparison.is_over(ms(120), &BTreeSet::from([NodeId(0)]), BOUND));
    }

    #[test]
    fn where_no_replica_answers_at_all_none_is_waited_for_long() {
        let alive: BTreeSet<NodeId> = [0, 1].map(NodeId).into();
        let comparison = StateComparison::new(ms(100));
        let silence = ms(100) + limits::STATE_COMPARISON_SILENCE;
        assert!(!comparison.is_over(silence, &alive, BOUND));
        assert!(comparison.is_over(RunTime(silence.0 + 1), &alive, BOUND));
    }
}
