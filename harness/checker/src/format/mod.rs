//! Reading histories: one file per format.

mod edn;
pub mod jepsen_log;
pub mod jsonl;
pub mod knossos_edn;

use crate::history::PairingError;

/// Why a history could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A line that is not what it should be.
    #[error("line {line}, column {column}: found {found}, expected {expected}")]
    Syntax {
        /// The line, from 1.
        line: u64,
        /// The column in bytes, from 1.
        column: usize,
        /// What is there.
        found: String,
        /// What should be there.
        expected: String,
    },
    /// Events that do not fit together.
    #[error("line {line}: {source}")]
    Pairing {
        /// The line, from 1.
        line: u64,
        /// What does not fit.
        source: PairingError,
    },
}
