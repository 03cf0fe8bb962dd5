//! The open operations that took effect: how many of each class.

use super::table::Table;
use crate::intern::Interner;
use crate::memory;

/// Interned sets of `(class, count)`; number 0 is the empty one.
#[derive(Debug)]
pub(super) struct UsedSets {
    sets: Interner<Box<[(u32, u32)]>>,
    with: Table<(u32, u32), u32>,
    /// Bytes of the sets themselves.
    owned: usize,
}

impl UsedSets {
    pub(super) fn new() -> Self {
        let mut sets = Interner::new();
        sets.intern(Box::default());
        UsedSets { sets, with: Table::new(), owned: 0 }
    }

    /// The set with one more of `class`.
    pub(super) fn with(&mut self, set: u32, class: u32) -> u32 {
        let UsedSets { sets, with, owned } = self;
        let (more, is_new) = with.entry((set, class));
        if is_new {
            let mut pairs = sets.get(set).to_vec();
            match pairs.binary_search_by_key(&class, |&(class, _)| class) {
                Ok(at) => pairs[at].1 += 1,
                Err(at) => pairs.insert(at, (class, 1)),
            }
            let bytes = memory::block(size_of_val(&*pairs));
            let before = sets.len();
            *more = sets.intern(pairs.into());
            *owned += if sets.len() > before { bytes } else { 0 };
        }
        *more
    }

    /// Whether one set has no more of any class than another.
    pub(super) fn is_part(&self, part: u32, whole: u32) -> bool {
        let mut rest = self.sets.get(whole).iter();
        self.sets.get(part).iter().all(|&(class, count)| {
            rest.find(|&&(other, _)| other >= class)
                .is_some_and(|&(other, most)| other == class && count <= most)
        })
    }

    /// Bytes of the sets themselves.
    pub(super) fn owned_bytes(&self) -> usize {
        self.owned
    }

    /// Bytes of all else.
    pub(super) fn memory_bytes(&self) -> usize {
        self.sets.memory_bytes() + self.with.memory_bytes()
    }
}
