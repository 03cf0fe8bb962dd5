//! Where the term, the vote and the log are kept: in memory, or on disk.
//!
//! The paper's rule (figure 2) is that they are updated on stable storage before a replica
//! answers. [`Stable`] keeps it: the driver of a replica hands it what changed, and sends
//! messages after that only.

mod disk;
mod memory;
mod pages;
mod record;
mod stable;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use disk::Disk;
pub use memory::Memory;
pub use stable::Stable;

use crate::core::{Entry, Id, Index, Saved, Term};

/// A term and the vote cast in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ballot {
    /// The term.
    pub term: Term,
    /// The replica that got the vote.
    pub vote: Option<Id>,
}

/// A place that survives the process, or pretends to.
pub trait Storage {
    /// All that was stored.
    fn load(&mut self) -> Result<Saved, StorageError>;

    /// Stores the ballot, if given, and the log's entries from an index on, in place of all that
    /// was stored from there on. Returns when both would survive a crash.
    fn store(
        &mut self,
        ballot: Option<Ballot>,
        log: Option<(Index, &[Entry])>,
    ) -> Result<(), StorageError>;
}

/// Why a store cannot be used.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The system refused.
    #[error("cannot {action} {path:?}: {reason}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// The file is not what was written: it must not be served from.
    #[error("the store {path:?} is corrupt at byte {offset}: {what}; it is not served from")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The place in the file, in bytes.
        offset: u64,
        /// What was found.
        what: String,
    },
}
