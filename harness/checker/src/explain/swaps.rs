//! One value that was swapped away twice.

use super::{Teller, capitalized};
use crate::history::Operation;
use crate::witness::Anomaly;

impl Teller<'_> {
    /// Two swaps, neither of them over before the other began, of a value that was there once.
    pub(super) fn swapped_twice(&self) -> Option<(Anomaly, String)> {
        let (first, second) = self.swaps().find_map(|first| {
            let same = |op: &&Operation| op.invoke > first.invoke && op.result == first.result;
            let second = self.swaps().find(same)?;
            let writers = self.writers(first.result).count();
            let is_once = writers + usize::from(first.result == self.initial) == 1;
            is_once.then_some((first, second))
        })?;
        let was_seen =
            |swap: &Operation| self.all.iter().any(|op| super::seen(op) == Some(swap.argument));
        let (kind, end) = if was_seen(first) && was_seen(second) {
            (Anomaly::DivergentReads, "Reads saw what both of them wrote")
        } else {
            (Anomaly::LostWrite, "No read ever saw what one of them wrote")
        };
        let what = format!(
            "{} and {} both replaced the same value, which was there only once. {end}.",
            capitalized(&self.told(first)),
            self.told(second)
        );
        Some((kind, what))
    }
}
