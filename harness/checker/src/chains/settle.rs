//! What was refused, settled on the order of the blocks, without search.
//!
//! Each value of the order gets a *slot*: the event after which its write takes effect, as early as
//! it can. A refused compare-and-set from `v` is explained unless `v` is there all the time from its
//! invocation to its completion. From the last value to the first, those that are not explained
//! so far are helped in one of two ways: the write of `v` moves back behind the invocation of the
//! refused, which lets the value before `v` stay longer; or, once nobody needs `v` any more, an
//! open write that nobody saw takes its place. If that explains all, there is an order; if not,
//! nothing is said. O(n log n).

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::{Chains, Link};
use crate::event::F;
use crate::history::{OPEN, Value};
use crate::zones::NOBODY;

/// The slot before the first event.
const FIRST: i64 = -1;

/// Open writes that nobody saw, and that nobody was refused for.
#[derive(Default)]
struct Spare {
    /// By invocation; each is a position, too.
    writes: BTreeSet<(i64, u32)>,
    swaps: FxHashMap<Value, BTreeSet<(i64, u32)>>,
}

impl Spare {
    /// The latest that could take the place of a value by a slot.
    fn take(&mut self, value: Value, by: i64) -> Option<i64> {
        let swaps = self.swaps.entry(value).or_default();
        for spare in [swaps, &mut self.writes] {
            if let Some(&last) = spare.range(..=(by, u32::MAX)).next_back() {
                spare.remove(&last);
                return Some(last.0);
            }
        }
        None
    }
}

impl Chains<'_> {
    /// Whether the order of these values, with unseen writes in between, explains what was
    /// refused.
    pub(super) fn settles(&self, values: &[Value]) -> bool {
        let deadlines = self.deadlines(values);
        let Some(mut slots) = self.slots(values, &deadlines) else { return false };
        let refusals = self.refusals();
        let mut spare = self.spare();
        for at in (0..values.len()).rev() {
            let value = values[at];
            let Some(refusals) = refusals.get(&value) else { continue };
            let end = slots.get(at + 1).copied().unwrap_or(i64::MAX);
            let held = |slot: i64, end: i64| {
                refusals.iter().filter(move |(begin, over)| slot < *begin && end >= *over)
            };
            let Some(latest) = held(slots[at], end).map(|&(begin, _)| begin).max() else {
                continue;
            };
            let link = &self.links[&value];
            if link.write != NOBODY && latest < deadlines[&value] {
                slots[at] = latest;
                continue;
            }
            if link.next != NOBODY {
                return false;
            }
            let first_over = held(slots[at], end).map(|&(_, over)| over).min().unwrap_or(end);
            let needed = self.last_needed(link).max(slots[at]);
            if needed >= first_over || spare.take(value, first_over - 1).is_none() {
                return false;
            }
        }
        true
    }

    /// When each value's write takes effect at the earliest; none if that is too late for any.
    fn slots(&self, values: &[Value], deadlines: &FxHashMap<Value, i64>) -> Option<Vec<i64>> {
        let mut slots = Vec::with_capacity(values.len());
        let mut slot = FIRST;
        for value in values {
            let link = &self.links[value];
            if link.write != NOBODY {
                slot = slot.max(i64::from(self.op(link.write).invoke));
                if slot >= deadlines[value] {
                    return None;
                }
            } else if slot > FIRST {
                return None;
            }
            slots.push(slot);
            slot = slot.max(self.last_needed(link));
        }
        Some(slots)
    }

    /// The slot until which a value must stay for those who read it.
    fn last_needed(&self, link: &Link) -> i64 {
        match link.reads.last {
            NOBODY => FIRST,
            last => i64::from(self.op(last).invoke),
        }
    }

    /// By when the write of each value must have taken effect.
    fn deadlines(&self, values: &[Value]) -> FxHashMap<Value, i64> {
        let end = |at: u32| match at {
            NOBODY => i64::MAX,
            at if self.op(at).complete == OPEN => i64::MAX,
            at => i64::from(self.op(at).complete),
        };
        let mut deadlines: FxHashMap<Value, i64> = FxHashMap::default();
        for value in values.iter().rev() {
            let link = &self.links[value];
            let next = match link.next {
                NOBODY => i64::MAX,
                next => deadlines.get(&self.op(next).argument).copied().unwrap_or(i64::MAX),
            };
            deadlines.insert(*value, end(link.write).min(end(link.reads.first)).min(next));
        }
        deadlines
    }

    /// Invocation and completion of what was refused, by the value that it expected.
    fn refusals(&self) -> FxHashMap<Value, Vec<(i64, i64)>> {
        let mut refusals: FxHashMap<Value, Vec<(i64, i64)>> = FxHashMap::default();
        for op in self.operations.iter().filter(|op| op.f == F::Cas && op.refused) {
            let interval = (i64::from(op.invoke), i64::from(op.complete));
            refusals.entry(op.result).or_default().push(interval);
        }
        refusals
    }

    fn spare(&self) -> Spare {
        let mut spare = Spare::default();
        for (position, op) in (0u32..).zip(self.operations) {
            let is_change = op.f != F::Get && !op.refused;
            if !is_change
                || self.refused.contains(&op.argument)
                || self.took_effect(&self.links[&op.argument])
            {
                continue;
            }
            let entry = (i64::from(op.invoke), position);
            if op.f == F::Cas {
                spare.swaps.entry(op.result).or_default().insert(entry);
            } else {
                spare.writes.insert(entry);
            }
        }
        spare
    }
}
