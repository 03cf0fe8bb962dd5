//! Who named whom as leader, and when: the words of each replica, apart from what the others said.
//!
//! [`LeaderView`](super::leader::LeaderView) holds one belief for the whole cluster, which clients and faults need. After a
//! contradiction the question is another: did two replicas think that they led, at the same time?
//! Only the words of each speaker can tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::limits;
use crate::time::RunTime;

/// A replica changed its word: a line of `leaders.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderWord {
    /// When the message came.
    pub time_ns: RunTime,
    /// Whose word it is.
    pub speaker: NodeId,
    /// Whom it names; `None`: it knows of no leader, or has died.
    pub named: Option<NodeId>,
    /// How it ended, if it died: it says nothing from here on, unless it is started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died: Option<String>,
}

/// The words of all replicas, where they changed.
#[derive(Clone, Debug, Default)]
pub struct LeaderWords {
    last: BTreeMap<NodeId, Last>,
    changes: Vec<LeaderWord>,
    is_full: bool,
}

/// What a replica said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Named(Option<NodeId>),
    Dead,
}

impl LeaderWords {
    /// Whether `speaker` has been elected, by its own word, if it names itself now: with its last word
    /// it did not.
    pub fn is_new(&self, speaker: NodeId) -> bool {
        let last = self.last.get(&speaker);
        last != Some(&Last::Named(Some(speaker))) && last != Some(&Last::Dead)
    }

    /// A message of `speaker` names a leader, or says that it knows none.
    pub fn hear(&mut self, now: RunTime, speaker: NodeId, named: Option<NodeId>) {
        let said = Last::Named(named);
        let last = self.last.get(&speaker);
        // What a dead replica had sent before may be read after its death.
        if last == Some(&said) || last == Some(&Last::Dead) || (last.is_none() && named.is_none()) {
            return;
        }
        self.last.insert(speaker, said);
        self.note(LeaderWord { time_ns: now, speaker, named, died: None });
    }

    /// A replica died.
    pub fn died(&mut self, now: RunTime, speaker: NodeId, how: &str) {
        if self.last.insert(speaker, Last::Dead) != Some(Last::Dead) {
            let died = Some(how.to_owned());
            self.note(LeaderWord { time_ns: now, speaker, named: None, died });
        }
    }

    /// A replica connected, perhaps again after its death: it may speak.
    pub fn connected(&mut self, speaker: NodeId) {
        if self.last.get(&speaker) == Some(&Last::Dead) {
            self.last.remove(&speaker);
        }
    }

    /// The changes so far, in the order of their times.
    pub fn changes(&self) -> &[LeaderWord] {
        &self.changes
    }

    /// The changes, when all is over.
    pub fn into_changes(self) -> Vec<LeaderWord> {
        self.changes
    }

    /// Whether there were more changes than are kept.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    fn note(&mut self, word: LeaderWord) {
        if self.changes.len() < limits::LEADER_WORDS {
            self.changes.push(word);
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
        let mut words = LeaderWords::default();
        let said = [
            (0, None),
            (0, Some(id(0))),
            (1, Some(id(0))),
            (0, Some(id(0))),
            (1, Some(id(1))),
            (0, None),
            (0, Some(id(0))),
        ];
        let mut hear = |(n, (speaker, named))| {
            let is_elected = named == Some(id(speaker)) && words.is_new(id(speaker));
            words.hear(RunTime(n), id(speaker), named);
            is_elected
        };
        let elected: Vec<bool> = (1..).zip(said).map(&mut hear).collect();
        assert_eq!(elected, [false, true, false, false, true, false, true], "by their own word");
        let seen: Vec<_> =
            words.changes().iter().map(|it| (it.time_ns.0, it.speaker.0, it.named)).collect();
        let two_at_once = [(2, 0, Some(id(0))), (3, 1, Some(id(0))), (5, 1, Some(id(1)))];
        assert_eq!(seen[..3], two_at_once);
        assert_eq!(seen[3..], [(6, 0, None), (7, 0, Some(id(0)))]);
    }

    #[test]
    fn the_dead_say_nothing_until_they_are_started_again() {
        let mut words = LeaderWords::default();
        words.hear(RunTime(1), id(0), Some(id(0)));
        words.died(RunTime(2), id(0), "killed by SIGKILL");
        words.died(RunTime(3), id(0), "killed by SIGKILL");
        words.hear(RunTime(4), id(0), Some(id(0)));
        assert_eq!(words.changes().len(), 2);
        assert_eq!(words.changes()[1].died.as_deref(), Some("killed by SIGKILL"));
        words.connected(id(0));
        words.hear(RunTime(5), id(0), Some(id(0)));
        assert_eq!(words.changes()[2].time_ns, RunTime(5));
    }

    #[test]
    fn a_replica_that_flaps_for_ever_fills_no_memory() {
        let mut words = LeaderWords::default();
        for n in 0..=limits::LEADER_WORDS as u64 {
            words.hear(RunTime(n), id(0), Some(id((n % 2) as u16)));
        }
        assert_eq!(words.changes().len(), limits::LEADER_WORDS);
        assert!(words.is_full());
    }
}
