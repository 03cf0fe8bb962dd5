//! Why events do not make a history.

/// Why events do not make a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// A completion whose process has nothing open.
    #[error("event {index}: process {process} completes an operation that it never invoked")]
    NotInvoked {
        /// The completion's index.
        index: u64,
        /// Its process.
        process: u64,
    },
    /// A second invocation before the first was completed.
    #[error(
        "event {index}: process {process} invokes an operation while the one it invoked at event \
         {open} is still open"
    )]
    AlreadyOpen {
        /// The second invocation's index.
        index: u64,
        /// Its process.
        process: u64,
        /// The first invocation's index.
        open: u64,
    },
    /// A completion of another function, key or value than was invoked.
    #[error("event {index}: process {process} completes {found}, but it invoked {expected}")]
    Mismatch {
        /// The completion's index.
        index: u64,
        /// Its process.
        process: u64,
        /// Function and key of the completion, and its value if that is what differs.
        found: String,
        /// The same of the invocation.
        expected: String,
    },
    /// Time runs backwards.
    #[error("event {index}: time runs backwards, from {before_ns} ns to {time_ns} ns")]
    TimeBackwards {
        /// The event's index.
        index: u64,
        /// Its time.
        time_ns: u64,
        /// The time of the event before.
        before_ns: u64,
    },
    /// Indices that do not increase.
    #[error("event {index}: expected an index above {before}")]
    IndexBackwards {
        /// The event's index.
        index: u64,
        /// The index before.
        before: u64,
    },
    /// An index beyond what a history holds.
    #[error("event {index}: a history holds events up to index 4294967294")]
    TooMany {
        /// The event's index.
        index: u64,
    },
    /// An invocation that lacks its value.
    #[error("event {index}: {f} needs {what} as its value, found {found}")]
    NoValue {
        /// The event's index.
        index: u64,
        /// The function.
        f: &'static str,
        /// What it needs.
        what: &'static str,
        /// What is there.
        found: String,
    },
}
