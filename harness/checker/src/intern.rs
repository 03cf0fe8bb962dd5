//! Interning: equal things become equal small numbers, stored once.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::memory;

/// Numbers for equal values, counted from 0 in order of first appearance.
#[derive(Debug, Clone)]
pub(crate) struct Interner<T> {
    items: Vec<T>,
    table: HashTable<u32>,
}

impl<T: Hash + Eq> Interner<T> {
    pub(crate) fn new() -> Self {
        Interner { items: Vec::new(), table: HashTable::new() }
    }

    pub(crate) fn intern(&mut self, item: T) -> u32 {
        let hash = FxBuildHasher.hash_one(&item);
        let Interner { items, table } = self;
        if let Some(&id) = table.find(hash, |&id| items[id as usize] == item) {
            return id;
        }
        let id = u32::try_from(items.len()).expect("a search runs out of memory before numbers");
        items.push(item);
        table.insert_unique(hash, id, |&id| FxBuildHasher.hash_one(&items[id as usize]));
        id
    }

    pub(crate) fn get(&self, id: u32) -> &T {
        &self.items[id as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// What it takes in memory, but for what the items own.
    pub(crate) fn memory_bytes(&self) -> usize {
        memory::growing_list(&self.items) + memory::growing_table(&self.table)
    }
}

/// Numbers for equal slices of bytes, which lie end to end in one allocation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slices {
    bytes: Vec<u8>,
    ends: Vec<u64>,
    table: HashTable<Entry>,
}

/// A slice in the table. With the hash beside the number, the slices themselves, which are anywhere in
/// memory, are not looked at when the table grows.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    id: u32,
}

impl Entry {
    /// What the table takes for the hash.
    fn hash(self) -> u64 {
        let hash = u64::from(self.hash);
        hash << 32 | hash
    }
}

/// The upper half of the hash, whose bits are mixed best.
fn hash(item: &[u8]) -> u32 {
    u32::try_from(FxBuildHasher.hash_one(item) >> 32).unwrap_or_default()
}

impl Slices {
    pub(crate) fn intern(&mut self, item: &[u8]) -> u32 {
        if let Some(id) = self.find(item) {
            return id;
        }
        let id = u32::try_from(self.ends.len()).expect("fewer than 2^32 values, as events are");
        self.bytes.extend_from_slice(item);
        self.ends.push(self.bytes.len() as u64);
        let entry = Entry { hash: hash(item), id };
        self.table.insert_unique(entry.hash(), entry, |entry| entry.hash());
        id
    }

    /// The number of a slice that is there already.
    pub(crate) fn find(&self, item: &[u8]) -> Option<u32> {
        let wanted = Entry { hash: hash(item), id: 0 };
        let is_item = |entry: &Entry| entry.hash == wanted.hash && self.get(entry.id) == item;
        self.table.find(wanted.hash(), is_item).map(|entry| entry.id)
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, id)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// All items, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0u32..).zip(&self.ends).map(|(id, _)| self.get(id))
    }

    /// Each item as something else: the new items, and for each old one the number of its new one.
    pub(crate) fn map(mut self, mut write: impl FnMut(&[u8], &mut Vec<u8>)) -> (Slices, Vec<u32>) {
        self.table = HashTable::new();
        let mut new = Slices {
            bytes: Vec::with_capacity(self.bytes.len()),
            ends: Vec::with_capacity(self.ends.len()),
            table: HashTable::with_capacity(self.ends.len()),
        };
        let mut item = Vec::new();
        let mut numbers = Vec::with_capacity(self.ends.len());
        for old in self.iter() {
            item.clear();
            write(old, &mut item);
            numbers.push(new.intern(&item));
        }
        (new, numbers)
    }

    /// What it takes in memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let lists = memory::long_list(&self.bytes) + memory::long_list(&self.ends);
        (lists + memory::growing_table(&self.table)) as u64
    }
}

/// Numbers for equal texts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings(Slices);

impl Strings {
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        self.0.intern(text.as_bytes())
    }

    /// What it takes in memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.0.memory_bytes()
    }

    pub(crate) fn get(&self, id: u32) -> &str {
        std::str::from_utf8(self.0.get(id)).unwrap_or_default()
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u64], id: u32) -> &'a [u8] {
    let id = id as usize;
    let start = if id == 0 { 0 } else { offset(ends[id - 1]) };
    &bytes[start..offset(ends[id])]
}

fn offset(end: u64) -> usize {
    usize::try_from(end).expect("an offset into bytes in memory")
}
