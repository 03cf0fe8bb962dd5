//! A hash table that grows part by part.
//!
//! A table that doubles is there twice meanwhile, the second time in double size: a third of a budget
//! would be all that it may use. So a large one is cut into parts, each of which doubles on its own.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxBuildHasher;

use crate::memory;

/// A larger table is cut into parts.
const MOST_IN_ONE: usize = 7 << 10;

/// So many parts, as a power of two.
const PARTS_LOG2: u32 = 5;

/// Values by keys.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    /// One, or all.
    parts: Vec<HashTable<(K, V)>>,
    /// What they take in memory.
    bytes: usize,
}

impl<K: Hash + Eq, V: Default> Table<K, V> {
    pub(super) fn new() -> Self {
        Table { parts: vec![HashTable::new()], bytes: 0 }
    }

    /// The value of a key, and whether it is new.
    pub(super) fn entry(&mut self, key: K) -> (&mut V, bool) {
        let hash = FxBuildHasher.hash_one(&key);
        let mut part = if self.parts.len() == 1 { 0 } else { part(hash) };
        let is_full = |table: &HashTable<(K, V)>| table.len() == table.capacity();
        if is_full(&self.parts[part]) {
            if self.parts.len() == 1 && self.parts[0].len() >= MOST_IN_ONE {
                self.cut();
                part = self::part(hash);
            }
            let table = &mut self.parts[part];
            if is_full(table) {
                self.bytes -= table.allocation_size();
                table.reserve(1, |(key, _)| FxBuildHasher.hash_one(key));
                self.bytes += table.allocation_size();
            }
        }
        let table = &mut self.parts[part];
        let is_same = |(known, _): &(K, V)| *known == key;
        match table.entry(hash, is_same, |(key, _)| FxBuildHasher.hash_one(key)) {
            Entry::Occupied(entry) => (&mut entry.into_mut().1, false),
            Entry::Vacant(entry) => (&mut entry.insert((key, V::default())).into_mut().1, true),
        }
    }

    fn cut(&mut self) {
        let Some(whole) = self.parts.pop() else { return };
        let hash = |(key, _): &(K, V)| FxBuildHasher.hash_one(key);
        let room = (2 * whole.len()) >> PARTS_LOG2;
        self.parts = (0..1 << PARTS_LOG2).map(|_| HashTable::with_capacity(room)).collect();
        for entry in whole {
            self.parts[part(hash(&entry))].insert_unique(hash(&entry), entry, hash);
        }
        self.bytes = self.parts.iter().map(HashTable::allocation_size).sum();
    }

    /// What it takes in memory, with what the next growth takes meanwhile, but for what the values own.
    pub(super) fn memory_bytes(&self) -> usize {
        let largest = self.bytes / self.parts.len() * 2;
        self.bytes + 2 * largest + memory::list(&self.parts)
    }
}

/// By other bits than the tables themselves look at.
fn part(hash: u64) -> usize {
    let mixed = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - PARTS_LOG2);
    usize::try_from(mixed).expect("a few bits")
}
