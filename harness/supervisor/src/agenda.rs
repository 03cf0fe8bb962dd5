//! What happens later, in the order of virtual time. Of things that are due at once the seed decides the order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::random::pair;
use crate::time::VirtualTime;

#[derive(Debug)]
struct Entry<E> {
    at: VirtualTime,
    tie: u64,
    sequence: u64,
    event: E,
}

impl<E> Entry<E> {
    fn rank(&self) -> (VirtualTime, u64, u64) {
        (self.at, self.tie, self.sequence)
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// The heap of events.
#[derive(Debug)]
pub struct Agenda<E> {
    seed: u64,
    sequence: u64,
    heap: BinaryHeap<Reverse<Entry<E>>>,
}

impl<E> Agenda<E> {
    /// Nothing is due.
    pub fn new(seed: u64) -> Self {
        Self { seed, sequence: 0, heap: BinaryHeap::new() }
    }

    /// Something happens then.
    pub fn add(&mut self, at: VirtualTime, event: E) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.heap.push(Reverse(Entry {
            at,
            tie: pair(self.seed ^ 0x51, sequence),
            sequence,
            event,
        }));
    }

    /// When the next thing is due.
    pub fn next_at(&self) -> Option<VirtualTime> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// The next thing that is due no later than `until`.
    pub fn pop(&mut self, until: VirtualTime) -> Option<(VirtualTime, E)> {
        if self.next_at()? > until {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> Vec<u32> {
        let mut agenda = Agenda::new(seed);
        for n in 0..20 {
            agenda.add(VirtualTime(u64::from(n / 10)), n);
        }
        std::iter::from_fn(|| agenda.pop(VirtualTime::NEVER)).map(|(_, n)| n).collect()
    }

    #[test]
    fn earlier_things_come_first_and_the_seed_decides_ties() {
        let first = order(1);
        assert!(first[..10].iter().all(|&n| n < 10));
        assert_eq!(first, order(1));
        assert_ne!(first, order(2));
    }

    #[test]
    fn nothing_comes_before_its_time() {
        let mut agenda = Agenda::new(1);
        agenda.add(VirtualTime(5), ());
        assert_eq!(agenda.pop(VirtualTime(4)), None);
        assert_eq!(agenda.pop(VirtualTime(5)), Some((VirtualTime(5), ())));
    }
}
