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

    pub(super) fn with(&mut self, window: Window, slot: u32) -> Window {
        self.change(window, slot, |word, bit| word | bit)
    }

    pub(super) fn without(&mut self, window: Window, slot: u32) -> Window {
        self.change(window, slot, |word, bit| word & !bit)
    }

    fn change(&mut self, window: Window, slot: u32, with: impl Fn(u64, u64) -> u64) -> Window {
        if self.words <= 1 {
            return Window(with(window.0, 1 << slot));
        }
        let set = u32::try_from(window.0).expect("a wide window is a number of the interner");
        let mut words = self.sets.get(set).clone();
        let word = &mut words[slot as usize / 64];
        *word = with(*word, 1 << (slot % 64));
        Window(u64::from(self.sets.intern(words)))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let each = memory::block(self.words * size_of::<u64>());
        self.sets.len() * each + self.sets.memory_bytes()
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
