//! Leadership claims: which leader each replica names, and when, apart from what the others say.
//!
//! [`LeaderEstimate`](super::estimate::LeaderEstimate) holds one belief for the whole cluster, which clients and faults
//! need. After an anomaly the question is another: did two replicas claim leadership at the same time?
//! Only the claims of each replica can tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// A replica changed its claim: a line of `leaders.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadershipClaim {
    /// When the message came.
    pub time_ns: RunTime,
    /// The replica that claims.
    pub replica: NodeId,
    /// The leader that it names; `None`: it knows of no leader, or has died.
    pub leader: Option<NodeId>,
    /// How it ended, if it died: it says nothing from here on, unless it is started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died: Option<String>,
}

/// The claims of all replicas, where they changed.
#[derive(Clone, Debug, Default)]
pub struct LeadershipClaims {
    last: BTreeMap<NodeId, Last>,
    changes: Vec<LeadershipClaim>,
    is_full: bool,
}

/// What a replica said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Leader(Option<NodeId>),
    Dead,
}

impl LeadershipClaims {
    /// Whether `replica` has been elected, by its own claim, if it names itself now: with its last claim
    /// it did not.
    pub fn is_new(&self, replica: NodeId) -> bool {
        let last = self.last.get(&replica);
        last != Some(&Last::Leader(Some(replica))) && last != Some(&Last::Dead)
    }

    /// A message of `replica` names a leader, or says that it knows none.
    pub fn hear(&mut self, now: RunTime, replica: NodeId, leader: Option<NodeId>) {
        let said = Last::Leader(leader);
        let last = self.last.get(&replica);
        // What a dead replica had sent before may be read after its death.
        if last == Some(&said) || last == Some(&Last::Dead) || (last.is_none() && leader.is_none())
        {
            return;
        }
        self.last.insert(replica, said);
        self.note(LeadershipClaim { time_ns: now, replica, leader, died: None });
    }

    /// A replica died.
    pub fn died(&mut self, now: RunTime, replica: NodeId, how: &str) {
        if self.last.insert(replica, Last::Dead) != Some(Last::Dead) {
            let died = Some(how.to_owned());
            self.note(LeadershipClaim { time_ns: now, replica, leader: None, died });
        }
    }

    /// A replica connected, perhaps again after its death: it may speak.
    pub fn connected(&mut self, replica: NodeId) {
        if self.last.get(&replica) == Some(&Last::Dead) {
            self.last.remove(&replica);
        }
    }

    /// The changes so far, in the order of their times.
    pub fn changes(&self) -> &[LeadershipClaim] {
        &self.changes
    }

    /// The changes, when all is over.
    pub fn into_changes(self) -> Vec<LeadershipClaim> {
        self.changes
    }

    /// Whether there were more changes than are kept.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    fn note(&mut self, claim: LeadershipClaim) {
        if self.changes.len() < limits::LEADERSHIP_CLAIMS {
            self.changes.push(claim);
        } else {
            self.is_full = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u16) -> NodeId {
        NodeId(n)
    }

    #[test]
    fn only_changes_of_a_speakers_own_word_are_noted() {
        let mut claims = LeadershipClaims::default();
        let said = [
            (0, None),
            (0, Some(id(0))),
            (1, Some(id(0))),
            (0, Some(id(0))),
            (1, Some(id(1))),
            (0, None),
            (0, Some(id(0))),
        ];
        let mut hear = |(n, (replica, leader))| {
            let is_elected = leader == Some(id(replica)) && claims.is_new(id(replica));
            claims.hear(RunTime(n), id(replica), leader);
            is_elected
        };
        let elected: Vec<bool> = (1..).zip(said).map(&mut hear).collect();
        assert_eq!(elected, [false, true, false, false, true, false, true], "by their own claim");
        let seen: Vec<_> =
            claims.changes().iter().map(|it| (it.time_ns.0, it.replica.0, it.leader)).collect();
        let two_at_once = [(2, 0, Some(id(0))), (3, 1, Some(id(0))), (5, 1, Some(id(1)))];
        assert_eq!(seen[..3], two_at_once);
        assert_eq!(seen[3..], [(6, 0, None), (7, 0, Some(id(0)))]);
    }

    #[test]
    fn the_dead_say_nothing_until_they_are_started_again() {
        let mut claims = LeadershipClaims::default();
        claims.hear(RunTime(1), id(0), Some(id(0)));
        claims.died(RunTime(2), id(0), "killed by SIGKILL");
        claims.died(RunTime(3), id(0), "killed by SIGKILL");
        claims.hear(RunTime(4), id(0), Some(id(0)));
        assert_eq!(claims.changes().len(), 2);
        assert_eq!(claims.changes()[1].died.as_deref(), Some("killed by SIGKILL"));
        claims.connected(id(0));
        claims.hear(RunTime(5), id(0), Some(id(0)));
        assert_eq!(claims.changes()[2].time_ns, RunTime(5));
    }

    #[test]
    fn a_replica_that_flaps_for_ever_fills_no_memory() {
        let mut claims = LeadershipClaims::default();
        for n in 0..=limits::LEADERSHIP_CLAIMS as u64 {
            claims.hear(RunTime(n), id(0), Some(id((n % 2) as u16)));
        }
        assert_eq!(claims.changes().len(), limits::LEADERSHIP_CLAIMS);
        assert!(claims.is_full());
    }
}
