//! The replica that the others believe to lead, by the `leader` fields of their messages: the harness has no
//! other way to know.

use std::collections::BTreeSet;

use crate::ids::NodeId;
use crate::time::RunTime;

/// The last believable leadership claim.
#[derive(Clone, Debug, Default)]
pub struct LeaderEstimate {
    current: Option<NodeId>,
    history: Vec<(RunTime, NodeId)>,
}

impl LeaderEstimate {
    /// A living replica names a leader. While links are cut, only those that
    /// meet a majority are believed (`believed`); a word for one that is dead is late, and ignored.
    pub fn hear(
        &mut self,
        now: RunTime,
        speaker: NodeId,
        named: NodeId,
        alive: &BTreeSet<NodeId>,
        believed: Option<&BTreeSet<NodeId>>,
    ) {
        let is_believable = believed.is_none_or(|side| side.contains(&speaker));
        if !is_believable || !alive.contains(&named) || self.current == Some(named) {
            return;
        }
        self.current = Some(named);
        // Late words of followers make a belief flap; the list keeps only its changes.
        if self.history.last().is_none_or(|&(_, last)| last != named) {
            self.history.push((now, named));
        }
    }

    /// A replica died: if it led, no leader is known.
    pub fn forget(&mut self, dead: NodeId) {
        if self.current == Some(dead) {
            self.current = None;
        }
    }

    /// The leader, as far as any replica named one.
    pub fn current(&self) -> Option<NodeId> {
        self.current
    }

    /// Whether any replica was ever believed to lead.
    pub fn was_known(&self) -> bool {
        !self.history.is_empty()
    }

    /// The changes of the belief, in order.
    pub fn into_history(self) -> Vec<(RunTime, NodeId)> {
        self.history
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_and_the_minority_are_not_believed() {
        let ids: Vec<NodeId> = (0..5).map(NodeId::replica).collect();
        let mut alive: BTreeSet<NodeId> = ids.iter().copied().collect();
        let mut view = LeaderEstimate::default();
        assert!(!view.was_known());
        view.hear(RunTime(1), ids[1], ids[0], &alive, None);
        assert_eq!(view.current(), Some(ids[0]));

        let majority: BTreeSet<NodeId> = ids[2..].iter().copied().collect();
        view.hear(RunTime(2), ids[1], ids[1], &alive, Some(&majority));
        assert_eq!(view.current(), Some(ids[0]), "0001 is on the minority side");
        view.hear(RunTime(3), ids[2], ids[3], &alive, Some(&majority));
        assert_eq!(view.current(), Some(ids[3]));

        alive.remove(&ids[3]);
        view.forget(ids[3]);
        view.hear(RunTime(4), ids[2], ids[3], &alive, None);
        assert_eq!(view.current(), None, "a late word for the dead");
        assert!(view.was_known());
        assert_eq!(view.into_history(), vec![(RunTime(1), ids[0]), (RunTime(3), ids[3])]);
    }
}
