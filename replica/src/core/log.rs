//! The replicated log.

use std::sync::Arc;

use super::types::{Index, RequestId, Term};

/// What an entry does when it is applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Nothing: what a new leader writes first, so that it can commit an entry of its own term.
    Noop,
    /// Sets a key.
    Put {
        /// Whose request this is; a second entry with the same id changes nothing.
        id: RequestId,
        /// The key.
        key: Arc<str>,
        /// Its new value.
        value: Arc<str>,
    },
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The term of the leader that created it.
    pub term: Term,
    /// What it does.
    pub command: Command,
}

/// The log: entries from index 1 on, all of them in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    entries: Vec<Entry>,
}

impl Log {
    /// A log with these entries, the first at index 1.
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// The index of the last entry, 0 when there is none.
    pub fn last_index(&self) -> Index {
        Index(self.entries.len() as u64)
    }

    /// The term of the last entry, 0 when there is none.
    pub fn last_term(&self) -> Term {
        self.entries.last().map_or(Term(0), |entry| entry.term)
    }

    /// The term of the entry at `index`: 0 before the log, `None` after it.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index.0 == 0 { Some(Term(0)) } else { self.get(index).map(|entry| entry.term) }
    }

    /// The entry at `index`.
    pub fn get(&self, index: Index) -> Option<&Entry> {
        let place = usize::try_from(index.0.checked_sub(1)?).ok()?;
        self.entries.get(place)
    }

    /// All entries from `index` on.
    pub fn from(&self, index: Index) -> &[Entry] {
        let place = usize::try_from(index.previous().0).unwrap_or(usize::MAX);
        self.entries.get(place..).unwrap_or_default()
    }

    /// Adds an entry at the end and says where it stands.
    pub(super) fn push(&mut self, entry: Entry) -> Index {
        assert!(entry.term >= self.last_term(), "terms never fall along a log");
        self.entries.push(entry);
        self.last_index()
    }

    /// Forgets every entry after `index`.
    pub(super) fn truncate_after(&mut self, index: Index) {
        self.entries.truncate(usize::try_from(index.0).unwrap_or(usize::MAX));
    }
}
