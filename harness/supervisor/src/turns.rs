//! Who comes first of those that are woken: chance, or priorities that change now and then.
//!
//! Chance alone rarely keeps one process behind the others for long. After Burckhardt, Kothari, Musuvathi and
//! Nagarakatte ("A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010) each process has a
//! priority, and at a few times, drawn beforehand, the process that is first of all becomes the last. A priority is a
//! delay here: a thread that is woken runs so much later for each process before its own.

use serde::{Deserialize, Serialize};

use crate::random::pair;
use crate::time::{SECOND, VirtualTime};

/// How it is decided who comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Turns {
    /// By chance alone.
    #[default]
    Chance,
    /// By priorities.
    Priorities {
        /// How much later a thread runs for each process before its own, in nanoseconds.
        late_ns: u64,
        /// When the first becomes the last, in nanoseconds since the first process was started.
        changes_ns: Vec<u64>,
    },
}

impl Turns {
    /// Whether no process is kept behind for longer than a second by each other one.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Chance => true,
            Self::Priorities { late_ns, changes_ns } => {
                *late_ns <= SECOND && changes_ns.len() <= 10_000
            }
        }
    }
}

/// The priorities of the processes that live.
#[derive(Clone, Debug, Default)]
pub struct Priorities {
    late: u64,
    /// When the first becomes the last; the next time at the end.
    changes: Vec<u64>,
    seed: u64,
    /// The first first.
    order: Vec<usize>,
}

impl Priorities {
    /// As asked for. Without priorities nobody is late.
    pub fn new(turns: &Turns, seed: u64) -> Self {
        let Turns::Priorities { late_ns, changes_ns } = turns else { return Self::default() };
        let mut changes = changes_ns.clone();
        changes.sort_unstable_by(|a, b| b.cmp(a));
        Self { late: *late_ns, changes, seed, order: Vec::new() }
    }

    /// A process was started: its place is drawn.
    pub fn started(&mut self, process: usize) {
        let place = pair(self.seed, process as u64) as usize % (self.order.len() + 1);
        self.order.insert(place, process);
    }

    /// A process ended: nobody waits for it any more.
    pub fn ended(&mut self, process: usize) {
        self.order.retain(|&other| other != process);
    }

    /// By how much a process is late now.
    pub fn late(&mut self, now: VirtualTime, process: usize) -> u64 {
        while self.changes.last().is_some_and(|&at| at <= now.0) {
            self.changes.pop();
            if !self.order.is_empty() {
                self.order.rotate_left(1);
            }
        }
        let before = self.order.iter().position(|&other| other == process).unwrap_or_default();
        self.late * before as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lateness(priorities: &mut Priorities, at: u64) -> Vec<u64> {
        (0..3).map(|process| priorities.late(VirtualTime(at), process)).collect()
    }

    #[test]
    fn each_process_has_its_place_until_the_first_becomes_the_last() {
        let turns = Turns::Priorities { late_ns: 10, changes_ns: vec![300, 100] };
        let mut priorities = Priorities::new(&turns, 7);
        (0..3).for_each(|process| priorities.started(process));
        let first = lateness(&mut priorities, 99);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 10, 20]);
        let second = lateness(&mut priorities, 100);
        assert_eq!(second, first.iter().map(|late| (late + 20) % 30).collect::<Vec<_>>());
        let third = lateness(&mut priorities, 1_000);
        assert_eq!(third, first.iter().map(|late| (late + 10) % 30).collect::<Vec<_>>());
        // Nobody waits for one that is gone.
        let (gone, _) = (0..).zip(&third).find(|(_, late)| **late == 0).unwrap();
        priorities.ended(gone);
        assert_eq!(lateness(&mut priorities, 1_000).into_iter().max(), Some(10));
    }

    #[test]
    fn another_seed_is_another_order_and_chance_is_never_late() {
        let turns = Turns::Priorities { late_ns: 10, changes_ns: Vec::new() };
        let order = |seed| {
            let mut priorities = Priorities::new(&turns, seed);
            (0..3).for_each(|process| priorities.started(process));
            lateness(&mut priorities, 0)
        };
        assert!((0..20).any(|seed| order(seed) != order(100)));
        let mut chance = Priorities::new(&Turns::Chance, 7);
        (0..3).for_each(|process| chance.started(process));
        assert_eq!(lateness(&mut chance, 0), [0, 0, 0]);
    }
}
