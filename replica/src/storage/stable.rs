//! The rule that storing comes before sending.

use std::time::Duration;

use super::{Ballot, Storage, StorageError};
use crate::bugs::{Bug, Bugs};
use crate::core::{Replica, Saved, Time, Unsaved};

/// How long [`Bug::NoFsync`] leaves a write undone.
const FORGOTTEN_FOR: Duration = Duration::from_millis(200);

/// A storage, and what it is owed.
#[derive(Clone, Debug)]
pub struct Stable<S> {
    storage: S,
    bugs: Bugs,
    owed: Unsaved,
    owed_since: Time,
}

impl<S: Storage> Stable<S> {
    /// Keeps the rule for this storage, or breaks it as the bugs say.
    pub fn new(storage: S, bugs: Bugs) -> Self {
        Self { storage, bugs, owed: Unsaved::default(), owed_since: Time(0) }
    }

    /// What a replica that starts again begins with.
    pub fn load(&mut self) -> Result<Saved, StorageError> {
        let saved = self.storage.load()?;
        Ok(if self.bugs.has(Bug::Amnesia) { Saved::default() } else { saved })
    }

    /// Stores what changed. After this, and not before, messages may leave.
    pub fn keep(
        &mut self,
        now: Time,
        replica: &Replica,
        unsaved: Unsaved,
    ) -> Result<(), StorageError> {
        if self.owed.is_empty() {
            self.owed_since = now;
        }
        self.owed.ballot |= unsaved.ballot;
        self.owed.log_from = match (self.owed.log_from, unsaved.log_from) {
            (Some(owed), Some(new)) => Some(owed.min(new)),
            (owed, new) => owed.or(new),
        };
        let late = now < self.owed_since + FORGOTTEN_FOR;
        if self.owed.is_empty() || (late && self.bugs.has(Bug::NoFsync)) {
            return Ok(());
        }
        let Unsaved { ballot, log_from } = std::mem::take(&mut self.owed);
        let ballot = ballot.then(|| Ballot { term: replica.term(), vote: replica.vote() });
        self.storage.store(ballot, log_from.map(|index| (index, replica.log().from(index))))
    }

    /// The storage itself.
    pub fn into_storage(self) -> S {
        self.storage
    }
}
