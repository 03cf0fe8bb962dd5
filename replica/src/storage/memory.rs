//! No storage at all, as in the course: what a replica knows ends with its process.

use super::{Ballot, Storage, StorageError};
use crate::core::{Entry, Index, Saved};

/// Keeps nothing, so a replica with it must never be started again under its id.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Storage for Memory {
    fn load(&mut self) -> Result<Saved, StorageError> {
        Ok(Saved::default())
    }

    fn store(
        &mut self,
        _ballot: Option<Ballot>,
        _log: Option<(Index, &[Entry])>,
    ) -> Result<(), StorageError> {
        Ok(())
    }
}
