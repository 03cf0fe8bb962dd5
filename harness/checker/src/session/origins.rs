//! Which write each read saw, told by its value.

use rustc_hash::FxHashMap;

use crate::event::F;
use crate::history::{History, Key, Operation, Outcome, Value};
use crate::memory;

/// Where the value of an answered read is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// From before the first write.
    Initial,
    /// From the write at this position.
    Write(u32),
    /// No operation wrote it.
    Nowhere,
}

/// Whether an operation may change its key.
pub(super) fn writes(op: &Operation) -> bool {
    op.outcome != Outcome::Fail && op.f != F::Get && !op.refused
}

/// Whether a key can have held this before its first write.
pub(super) fn is_initial(history: &History, value: Value) -> bool {
    match history.initial() {
        Some(initial) => value == initial,
        None => value == Value::EMPTY || value == Value::NIL,
    }
}

/// The origins of a history's reads.
pub(super) struct Origins<'a> {
    history: &'a History,
    writers: FxHashMap<(Key, Value), u32>,
    /// Keys on which a value does not tell its write, with the reason.
    pub(super) doubtful: FxHashMap<Key, &'static str>,
}

impl<'a> Origins<'a> {
    pub(super) fn new(history: &'a History) -> Self {
        let mut writers = FxHashMap::default();
        let mut doubtful = FxHashMap::default();
        for (at, op) in (0u32..).zip(history.operations()).filter(|(_, op)| writes(op)) {
            if op.f == F::Append {
                doubtful.insert(op.key, "it was appended to");
            } else if writers.insert((op.key, op.argument), at).is_some() {
                doubtful.insert(op.key, "a value was written to it twice");
            } else if is_initial(history, op.argument) {
                doubtful.insert(op.key, "what it may have held at first was written to it");
            }
        }
        Origins { history, writers, doubtful }
    }

    /// What the writers take in memory; the keys that are in doubt are few, or all.
    pub(super) fn memory_bytes(&self) -> usize {
        memory::growing_hash_map(&self.writers) + memory::growing_hash_map(&self.doubtful)
    }

    /// The origin of an answered read; none for any other operation, and on doubtful keys.
    pub(super) fn of(&self, op: &Operation) -> Option<Origin> {
        if op.f != F::Get || op.outcome != Outcome::Ok || self.doubtful.contains_key(&op.key) {
            return None;
        }
        Some(match self.writers.get(&(op.key, op.result)) {
            Some(&at) => Origin::Write(at),
            None if is_initial(self.history, op.result) => Origin::Initial,
            None => Origin::Nowhere,
        })
    }
}
