//! What things take in memory, counted by their capacities: with what the allocator adds, and with what
//! they take meanwhile when they grow next.
//!
//! The counts are for budgets: a little too much is right, too little is not. A test with a counting
//! allocator (`tests/counted_memory.rs`) compares them with what is really taken.

use std::collections::HashMap;

use hashbrown::HashTable;
use smallvec::{Array, SmallVec};

/// Bytes that registers take for each operation, before any search: what zones and chains take, and of a
/// history that is checked as a whole what it takes at the least.
pub(crate) const STRUCTURE_BYTES: usize = 128;

/// What the allocator adds to a block, and rounds it up to.
const HEADER: usize = 8;
const GRAIN: usize = 16;
const SMALLEST: usize = 32;

/// Growth is counted when less room than this is left, so that none comes between two looks.
const SOON: usize = 256;

/// A block of so many bytes.
pub(crate) const fn block(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    let whole = (bytes + HEADER).next_multiple_of(GRAIN);
    if whole < SMALLEST { SMALLEST } else { whole }
}

/// A list that no longer grows.
pub(crate) fn list<T>(list: &Vec<T>) -> usize {
    block(list.capacity() * size_of::<T>())
}

/// What a short list takes that does not fit in place.
pub(crate) fn spilled<A: Array>(list: &SmallVec<A>) -> usize {
    if list.spilled() { block(list.capacity() * size_of::<A::Item>()) } else { 0 }
}

/// A list that is as long as a history. Room that it does not use yet costs nothing: so large a block is
/// made of pages that are there once they are written to, and moved without copying when it grows.
pub(crate) fn long_list<T>(list: &Vec<T>) -> usize {
    block(size_of_val(list.as_slice()))
}

/// A list that grows: when it does, it is there twice, once of double size.
pub(crate) fn growing_list<T>(list: &Vec<T>) -> usize {
    let now = self::list(list);
    if list.capacity() - list.len() < SOON { 3 * now + SOON * size_of::<T>() } else { now }
}

/// A hash table that grows likewise.
pub(crate) fn growing_table<T>(table: &HashTable<T>) -> usize {
    let now = table.allocation_size();
    if table.capacity() - table.len() < SOON { 3 * now + SOON * (size_of::<T>() + 1) } else { now }
}

/// A map or set of the standard library with entries of this size, which grows likewise.
pub(crate) fn growing_map(len: usize, capacity: usize, entry: usize) -> usize {
    let now = map(capacity, entry);
    if capacity - len < SOON { 3 * now + SOON * (entry + 1) } else { now }
}

/// A map of the standard library that grows.
pub(crate) fn growing_hash_map<K, V, S>(map: &HashMap<K, V, S>) -> usize {
    growing_map(map.len(), map.capacity(), size_of::<(K, V)>())
}

/// A map or set of the standard library of this capacity with entries of this size.
pub(crate) fn map(capacity: usize, entry: usize) -> usize {
    // At most seven of eight buckets are in use, and each has a byte of its hash beside it.
    let buckets = if capacity == 0 { 0 } else { (capacity * 8 / 7).next_power_of_two() };
    block(buckets * (entry + 1) + GRAIN * usize::from(buckets > 0))
}
