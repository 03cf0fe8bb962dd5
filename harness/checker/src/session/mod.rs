//! Promises weaker than linearizability, over histories of reads and writes: session guarantees, sequential and eventual consistency.
//!
//! [`check`] asks one promise of a history. None of them knows real time, except eventual
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

use crate::budget::{Budget, Limit};
use crate::history::History;
use crate::memory;
use crate::models::ModelName;
use crate::verdict::Verdict;

/// Checks whether a history keeps a promise, and says how that was decided. The budget is for the
/// whole history. Sequential consistency asks first whether the history is linearizable.
pub(crate) fn check(
    promise: ModelName,
    history: &History,
    budget: &Budget<'_>,
    is_linearizable: &dyn Fn(ModelName, Budget<'_>) -> bool,
) -> (Verdict, &'static str) {
    let least = memory::STRUCTURE_BYTES * history.operations().len();
    if least as u64 > budget.memory_bytes {
        return (words::spent(Limit::Memory), "");
    }
    if (budget.stop)() {
        return (words::spent(Limit::Stopped), "");
    }
    match promise {
        ModelName::Sequential => sequential::check(history, *budget, is_linearizable),
        ModelName::Eventual => (eventual::check(history, *budget), "last-reads"),
        _ => (sessions::check(promise, history, *budget), "sessions"),
    }
}
