//! A replica whose own state goes back, as from an old write that it applies again.
//!
//! Who reads one replica's copy after another's may see an older value, and a leader that lost its log loses what
//! was in it. But a replica that alone answers everybody, without a break in which it could have been deposed or
//! started again, and has a newer value first and an older one later, was written to in between; and where
//! nobody asked for that, by what it had applied before.

use super::Teller;
use crate::history::{Operation, Outcome};

/// Neither an election nor a start is as short as this.
const BREAK_NS: u64 = 100_000_000;

impl Teller<'_> {
    /// Whether one replica answered both reads and all that was answered from the first to the second, without
    /// a break.
    pub(super) fn one_replica_served(&self, first: &Operation, second: &Operation) -> bool {
        let Some(node) = self.history.node(first) else { return false };
        let (begin, Some(end)) = (first.complete, second.complete_index()) else { return false };
        let operations = self.history.operations().iter();
        let mut answered: Vec<&Operation> = operations
            .filter(|op| op.outcome == Outcome::Ok && op.complete >= begin)
            .filter(|op| u64::from(op.complete) <= end)
            .collect();
        answered.sort_unstable_by_key(|op| op.complete);
        let has_break = answered
            .windows(2)
            .any(|pair| pair[1].complete_ns.saturating_sub(pair[0].complete_ns) > BREAK_NS);
        !has_break && answered.iter().all(|op| self.history.node(op) == Some(node))
    }
}
