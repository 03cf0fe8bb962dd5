//! The open operations that took effect: how many of each class.

use rustc_hash::FxHashMap;

use crate::intern::Interner;

/// Interned sets of `(class, count)`; number 0 is the empty one.
#[derive(Debug)]
pub(super) struct UsedSets {
    sets: Interner<Box<[(u32, u32)]>>,
    with: FxHashMap<(u32, u32), u32>,
    pairs: usize,
}

impl UsedSets {
    pub(super) fn new() -> Self {
        let mut sets = Interner::new();
        sets.intern(Box::default());
        UsedSets { sets, with: FxHashMap::default(), pairs: 0 }
    }

    /// The set with one more of `class`.
    pub(super) fn with(&mut self, set: u32, class: u32) -> u32 {
        if let Some(&known) = self.with.get(&(set, class)) {
            return known;
        }
        let mut pairs = self.sets.get(set).to_vec();
        match pairs.binary_search_by_key(&class, |&(class, _)| class) {
            Ok(at) => pairs[at].1 += 1,
            Err(at) => pairs.insert(at, (class, 1)),
        }
        self.pairs += pairs.len();
        let more = self.sets.intern(pairs.into());
        self.with.insert((set, class), more);
        more
    }

    /// Whether one set has no more of any class than another.
    pub(super) fn is_part(&self, part: u32, whole: u32) -> bool {
        let mut rest = self.sets.get(whole).iter();
        self.sets.get(part).iter().all(|&(class, count)| {
            rest.find(|&&(other, _)| other >= class)
                .is_some_and(|&(other, most)| other == class && count <= most)
        })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.pairs * 8 + self.sets.len() * 32 + self.with.capacity() * 13
    }
}
