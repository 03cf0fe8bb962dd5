//! Two leaders in one term, as far as messages show it.
//!
//! What replicas say to one another is their own business, but most programs write their term under a name that
//! are common: `term`, `currentTerm` or `current_term`. Where they do, the one promise of every election can be
//! checked: in a term there is at most one leader.
//!
//! A word is no deed: a candidate may name itself too soon, a follower may still name the last leader, an entry may
//! carry the term in which it was made. So a replica counts as the leader of a term when it acknowledged a put
//! under its own name that was asked after it had shown that term, and another one of that term named it. Terms
//! that never change are no terms.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::NodeId;
use crate::time::RunTime;

/// What was seen of all replicas' terms.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    own: BTreeMap<NodeId, Shown>,
    /// The lowest term that a replica showed.
    lowest: Option<u64>,
    /// The leader of a term, by its own acknowledgements.
    acted: BTreeMap<u64, BTreeSet<NodeId>>,
    /// The replicas that another one named as leader of a term.
    named: BTreeSet<(u64, NodeId)>,
    told: BTreeSet<u64>,
}

/// The highest term that a replica showed.
#[derive(Clone, Copy, Debug)]
struct Shown {
    term: u64,
    since: RunTime,
}

/// Two leaders in one term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoLeaders {
    /// The term.
    pub term: u64,
    /// One of them.
    pub first: NodeId,
    /// The other, which acknowledged last.
    pub second: NodeId,
}

impl Terms {
    /// A message of `speaker`, with the term that it carries, if any, and the leader that it names.
    pub fn hear(
        &mut self,
        now: RunTime,
        speaker: NodeId,
        term: Option<u64>,
        named: Option<NodeId>,
    ) {
        if let Some(term) = term {
            self.lowest = Some(self.lowest.unwrap_or(term).min(term));
            let shown = self.own.entry(speaker).or_insert(Shown { term, since: now });
            if term > shown.term {
                *shown = Shown { term, since: now };
            }
        }
        if let (Some(named), Some(shown)) = (named, self.own.get(&speaker))
            && named != speaker
        {
            self.named.insert((shown.term, named));
        }
    }

    /// `leader` acknowledged under its own name a put that was sent at that time.
    pub fn acknowledged(&mut self, leader: NodeId, sent: RunTime) -> Option<TwoLeaders> {
        let &Shown { term, since } = self.own.get(&leader)?;
        if sent < since || Some(term) == self.lowest || !self.named.contains(&(term, leader)) {
            return None;
        }
        let acted = self.acted.entry(term).or_default();
        acted.insert(leader);
        let &first = acted.iter().find(|&&other| other != leader)?;
        self.told.insert(term).then_some(TwoLeaders { term, first, second: leader })
    }

    /// A replica was started again: it may have forgotten its term, which is another's business.
    pub fn connected(&mut self, replica: NodeId) {
        self.own.remove(&replica);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [NodeId; 3] = [NodeId(0), NodeId(1), NodeId(2)];

    /// 0000 leads term 2 and acknowledged a put.
    fn one_leader() -> Terms {
        let mut terms = Terms::default();
        terms.hear(RunTime(1), IDS[0], Some(1), None);
        terms.hear(RunTime(2), IDS[0], Some(2), Some(IDS[0]));
        terms.hear(RunTime(3), IDS[2], Some(2), Some(IDS[0]));
        assert_eq!(terms.acknowledged(IDS[0], RunTime(4)), None);
        terms
    }

    #[test]
    fn two_that_act_in_one_term_are_two_leaders() {
        let mut terms = one_leader();
        terms.hear(RunTime(5), IDS[1], Some(2), Some(IDS[1]));
        terms.hear(RunTime(6), IDS[2], Some(2), Some(IDS[1]));
        let found = TwoLeaders { term: 2, first: IDS[0], second: IDS[1] };
        assert_eq!(terms.acknowledged(IDS[1], RunTime(7)), Some(found));
        assert_eq!(terms.acknowledged(IDS[1], RunTime(8)), None, "told once");
    }

    #[test]
    fn a_leader_after_another_has_a_term_of_its_own() {
        let mut terms = one_leader();
        terms.hear(RunTime(5), IDS[1], Some(3), Some(IDS[1]));
        // An old entry carries its old term.
        terms.hear(RunTime(6), IDS[1], Some(2), Some(IDS[1]));
        terms.hear(RunTime(7), IDS[2], Some(3), Some(IDS[1]));
        assert_eq!(terms.acknowledged(IDS[1], RunTime(8)), None);
        // The old leader answers what it had been asked before.
        terms.hear(RunTime(9), IDS[0], Some(3), Some(IDS[0]));
        assert_eq!(terms.acknowledged(IDS[0], RunTime(8)), None);
    }

    #[test]
    fn words_and_terms_that_never_change_prove_nothing() {
        let mut terms = one_leader();
        terms.hear(RunTime(5), IDS[1], Some(2), Some(IDS[1]));
        assert_eq!(terms.acknowledged(IDS[1], RunTime(6)), None, "no replica named it");
        let mut terms = Terms::default();
        for id in IDS {
            terms.hear(RunTime(1), id, Some(1), Some(id));
            terms.hear(RunTime(2), IDS[2], Some(1), Some(id));
            assert_eq!(terms.acknowledged(id, RunTime(3)), None);
        }
    }
}
