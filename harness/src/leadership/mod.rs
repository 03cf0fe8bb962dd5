//! Which replica leads, as far as their messages say: the harness has no other way to know.
//!
//! - [`claims`]: each replica's own leadership claims, apart from what the others say.
//! - [`estimate`]: the one replica that is believed to lead, which clients and faults need.
//! - [`terms`]: two leaders in one term, where messages carry it.

pub mod claims;
pub mod estimate;
pub mod terms;

use std::collections::BTreeSet;

use claims::LeadershipClaims;
use estimate::LeaderEstimate;
use terms::{Terms, TwoLeaders};

use crate::ids::NodeId;
use crate::time::RunTime;

/// All that is known of leadership in a run.
#[derive(Clone, Debug, Default)]
pub struct Leadership {
    claims: LeadershipClaims,
    estimate: LeaderEstimate,
    terms: Terms,
    /// While links are cut, the replicas that reach a majority: only they are believed.
    believed: Option<BTreeSet<NodeId>>,
}

impl Leadership {
    /// The claims of each replica.
    pub fn claims(&self) -> &LeadershipClaims {
        &self.claims
    }

    /// The replica that is believed to lead.
    pub fn leader(&self) -> Option<NodeId> {
        self.estimate.current()
    }

    /// Whether any replica was ever believed to lead.
    pub fn had_a_leader(&self) -> bool {
        self.estimate.was_known()
    }

    /// Whether `replica` is elected by its own claim, if it names itself now: with its last one it was not.
    pub fn is_new_claim(&self, replica: NodeId, leader: Option<NodeId>) -> bool {
        leader == Some(replica) && self.claims.is_new(replica)
    }

    /// A message of `replica` names this leader, or says that it knows none.
    pub fn claimed(&mut self, now: RunTime, replica: NodeId, leader: Option<NodeId>) {
        self.claims.hear(now, replica, leader);
    }

    /// A message of `replica` names this leader: it is believed if it can know, and if the leader lives.
    pub fn named(
        &mut self,
        now: RunTime,
        replica: NodeId,
        leader: NodeId,
        alive: &BTreeSet<NodeId>,
    ) {
        self.estimate.hear(now, replica, leader, alive, self.believed.as_ref());
    }

    /// A message of `replica` carries this term, and names this leader.
    pub fn term(
        &mut self,
        now: RunTime,
        replica: NodeId,
        term: Option<u64>,
        leader: Option<NodeId>,
    ) {
        self.terms.hear(now, replica, term, leader);
    }

    /// A replica acknowledged, as the leader, a put that was sent at that time: no other may do so in its term.
    pub fn acknowledged(&mut self, replica: NodeId, sent: RunTime) -> Option<TwoLeaders> {
        self.terms.acknowledged(replica, sent)
    }

    /// A replica connected, perhaps again after its death.
    pub fn connected(&mut self, replica: NodeId) {
        self.claims.connected(replica);
        self.terms.connected(replica);
    }

    /// A replica is taken down: it leads no longer.
    pub fn taken_down(&mut self, replica: NodeId) {
        self.estimate.forget(replica);
    }

    /// A replica died.
    pub fn died(&mut self, now: RunTime, replica: NodeId, how: &str) {
        self.claims.died(now, replica, how);
    }

    /// Links were cut or healed. While some are cut, only replicas that hear, and are heard by, a majority are
    /// believed about the leader: the others may speak of the past.
    pub fn links_changed(&mut self, replicas: &[NodeId], is_cut: impl Fn(NodeId, NodeId) -> bool) {
        let meets = |one: NodeId| {
            let met = |&&other: &&NodeId| !is_cut(one, other) && !is_cut(other, one);
            replicas.iter().filter(met).count()
        };
        let met: Vec<usize> = replicas.iter().map(|&id| meets(id)).collect();
        self.believed = met.iter().any(|&met| met < replicas.len()).then(|| {
            let by_met = replicas.iter().zip(met);
            by_met.filter(|(_, met)| 2 * met > replicas.len()).map(|(&id, _)| id).collect()
        });
    }

    /// The changes of the belief and of all claims, in order.
    pub fn into_history(self) -> (Vec<(RunTime, NodeId)>, Vec<claims::LeadershipClaim>) {
        (self.estimate.into_history(), self.claims.into_changes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_replicas_that_meet_a_majority_are_believed_while_links_are_cut() {
        let ids: Vec<NodeId> = (0..5).map(NodeId::replica).collect();
        let alive: BTreeSet<NodeId> = ids.iter().copied().collect();
        let mut leadership = Leadership::default();
        let is_minority = |id: NodeId| id.0 < 2;
        leadership.links_changed(&ids, |from, to| is_minority(from) != is_minority(to));
        leadership.named(RunTime(1), ids[0], ids[1], &alive);
        assert_eq!(leadership.leader(), None);
        leadership.named(RunTime(2), ids[2], ids[3], &alive);
        assert_eq!(leadership.leader(), Some(ids[3]));
        leadership.links_changed(&ids, |_, _| false);
        leadership.named(RunTime(3), ids[0], ids[1], &alive);
        assert_eq!(leadership.leader(), Some(ids[1]));
        leadership.taken_down(ids[1]);
        assert_eq!((leadership.leader(), leadership.had_a_leader()), (None, true));
    }
}
