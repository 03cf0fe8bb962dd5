//! The completed operations that are placed beyond the frontier: a bit for each slot.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::intern::Interner;
use crate::memory;

/// A set of slots: the bits themselves where they fit, else the number of an interned set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Window(u64);

impl Window {
    pub(super) const EMPTY: Window = Window(0);
}

/// The sets of a search over more than 64 slots.
#[derive(Debug)]
pub(super) struct Windows {
    words: usize,
    sets: Interner<Box<[u64]>>,
}

impl Windows {
    pub(super) fn new(width: u32) -> Self {
        let words = (width as usize).div_ceil(64);
        let mut sets = Interner::new();
        sets.intern(vec![0; words].into());
        Windows { words, sets }
    }

    /// The window with this slot, and then without those.
    pub(super) fn moved(&mut self, window: Window, with: u32, without: &[u32]) -> Window {
        if self.words <= 1 {
            let slots = without.iter().fold(window.0 | 1 << with, |bits, slot| bits & !(1 << slot));
            return Window(slots);
        }
        let set = u32::try_from(window.0).expect("a wide window is a number of the interner");
        let mut words = self.sets.get(set).clone();
        words[with as usize / 64] |= 1 << (with % 64);
        for slot in without {
            words[*slot as usize / 64] &= !(1 << (slot % 64));
        }
        Window(u64::from(self.sets.intern(words)))
    }

    /// Bytes of the windows themselves.
    pub(super) fn owned_bytes(&self) -> usize {
        self.sets.len() * memory::block(self.words * size_of::<u64>())
    }

    /// Bytes of all else.
    pub(super) fn memory_bytes(&self) -> usize {
        self.sets.memory_bytes()
    }
}

/// Gives each operation, listed by invocation, a slot that is its own while it is pending.
/// Returns the slots and how many there are: the most operations pending at once.
pub(super) fn assign_slots(
    invokes: &[u32],
    by_completion: &[u32],
    completions: &[u32],
) -> (Vec<u32>, u32) {
    let mut slots = vec![0; invokes.len()];
    let mut free = BinaryHeap::new();
    let mut width = 0;
    let mut done = 0;
    for (op, &invoke) in invokes.iter().enumerate() {
        while done < completions.len() && completions[done] < invoke {
            free.push(Reverse(slots[by_completion[done] as usize]));
            done += 1;
        }
        slots[op] = free.pop().map_or_else(
            || {
                width += 1;
                width - 1
            },
            |Reverse(slot)| slot,
        );
    }
    (slots, width)
}
