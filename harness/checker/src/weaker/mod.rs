//! Promises weaker than linearizability, over histories of reads and writes.
//!
//! [`check`] asks one [`Guarantee`] of a history. None of them knows real time, except eventual
//! convergence, which asks what was read after the last write. In order of strength: what is
//! linearizable is sequentially consistent, and what is sequentially consistent keeps all four
//! session guarantees.
//!
//! A read is told by its value which write it saw. On keys where a value was written twice, or
//! that were appended to, the session guarantees say `Unknown`. A key holds the empty string or
//! nil before its first write. A compare-and-set that succeeded counts as a write, except for
//! sequential consistency, which knows what it expected.

mod eventual;
mod origins;
mod sequential;
mod sessions;
#[cfg(test)]
mod tests;
mod words;

use crate::budget::Budget;
use crate::history::{History, Outcome};
use crate::verdict::Verdict;

/// What a store promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// All operations, on all keys, have one order that is every process's own (Lamport, 1979).
    Sequential,
    /// A process sees its own writes.
    ReadYourWrites,
    /// What a process reads never goes back.
    MonotonicReads,
    /// Everybody sees a process's writes in its order.
    MonotonicWrites,
    /// Who sees a write sees what its writer had read before.
    WritesFollowReads,
    /// After the last write all come to read the same.
    Eventual,
}

impl Guarantee {
    /// All of them with their names on the command line and what they promise.
    pub const NAMES: [(&'static str, Guarantee, &'static str); 6] = [
        ("sequential", Guarantee::Sequential, "one order of all keys that is each process's own"),
        ("read-your-writes", Guarantee::ReadYourWrites, "a process sees its own writes"),
        ("monotonic-reads", Guarantee::MonotonicReads, "what a process reads never goes back"),
        ("monotonic-writes", Guarantee::MonotonicWrites, "a process's writes are seen in order"),
        ("writes-follow-reads", Guarantee::WritesFollowReads, "a write is seen after its causes"),
        ("eventual", Guarantee::Eventual, "after the last write all come to read the same"),
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        let entry = Guarantee::NAMES.iter().find(|(_, guarantee, _)| *guarantee == self);
        entry.map_or("", |(name, ..)| name)
    }

    /// The guarantee of that name.
    pub fn named(name: &str) -> Option<Guarantee> {
        Guarantee::NAMES.iter().find(|(known, ..)| *known == name).map(|&(_, known, _)| known)
    }
}

/// The result for a history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// The guarantee's name.
    pub model: &'static str,
    /// How it was decided.
    pub algorithm: &'static str,
    /// Operations that were checked, that is, all that did not fail.
    pub operations: u64,
}

/// Checks whether a history keeps a guarantee. The budget is for the whole history.
pub fn check(guarantee: Guarantee, history: &History, budget: &Budget<'_>) -> Report {
    let (verdict, algorithm) = match guarantee {
        Guarantee::Sequential => sequential::check(history, *budget),
        Guarantee::Eventual => (eventual::check(history), "last-reads"),
        _ => (sessions::check(guarantee, history, *budget), "sessions"),
    };
    let failed = |op: &&crate::history::Operation| op.outcome == Outcome::Fail;
    let all = history.operations().len();
    let operations = (all - history.operations().iter().filter(failed).count()) as u64;
    Report { verdict, model: guarantee.name(), algorithm, operations }
}
