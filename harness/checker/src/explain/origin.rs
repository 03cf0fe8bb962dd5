//! Values that no operation wrote, or had not begun to write.

use std::fmt::Write as _;

use super::Teller;
use super::facts::Facts;
use crate::event::F;
use crate::history::Outcome;
use crate::witness::Anomaly;

impl Teller<'_> {
    pub(super) fn garbage_read(&self) -> Option<(Anomaly, String)> {
        if self.has_appends {
            return None;
        }
        let read = self.reads().chain(self.swaps()).find(|read| {
            // A swap of a value for itself is not where that came from.
            read.result != self.initial && !self.facts[&read.result].is_new
        })?;
        let mut what = format!("{}. No client wrote that value", self.begins(read));
        let failed = self.history.operations().iter().find(|op| {
            op.outcome == Outcome::Fail
                && op.f != F::Get
                && (op.key, op.argument) == (read.key, read.result)
        });
        if let Some(failed) = failed {
            let _ = write!(what, ", except for {}, which failed", self.told(failed));
        }
        Some((Anomaly::GarbageRead, what + "."))
    }

    pub(super) fn future_read(&self) -> Option<(Anomaly, String)> {
        if self.has_appends {
            return None;
        }
        self.reads().chain(self.swaps()).filter(|read| read.result != self.initial).find_map(
            |read| {
                let Facts { writers, first_invocation, .. } = self.facts[&read.result];
                if writers == 0 || first_invocation <= i64::from(read.complete) {
                    return None;
                }
                let first = self.writers(read.result).next()?;
                let (read, first) = (self.begins(read), self.told(first));
                let what = format!("{read}. But {first} wrote that value, and began only later.");
                Some((Anomaly::FutureRead, what))
            },
        )
    }
}
