//! The smallest contradiction of a register whose written values are all different.
//!
//! Where every read says which write it saw, a contradiction is a value that nobody wrote, a read that was
//! over before its write began, or two values that must each come before the other (see
//! [`crate::linearizable::zones`]): something about `u`, say `a`, was over before something about `v`, say `b`,
//! began, and the same the other way round. With the two writes that makes at most six
//! operations, and by what `a` and `b` are there are these kinds; `w` is a write, `r` a read, `<` says
//! that one was over before the other began, and `0` is the first value:
//!
//! | operations | kinds |
//! |---|---|
//! | 1 | `r` of what nobody wrote |
//! | 2 | `ru < wu`; `wv < r0` |
//! | 3 | `wu < wv < ru`; `rv < r0` |
//! | 4 | `wu < rv, wv < ru`; `wu < rv < ru`; `wu < wv, rv < ru`; `ru < wv < r'u` |
//! | 5 | `ru < rv, wv < r'u`; `ru < rv < r'u`; `ru < wv, rv < r'u` |
//! | 6 | `ru < r'v, rv < r'u` |
//!
//! Of each kind the one is found that spans the fewest events. Up to the third row that takes
//! O(n log n); the others take O(k log k) for each pair of values in conflict, k being how often the
//! two were read. Such pairs are taken by the time at which they show, up to a limit of work.
//!
//! A compare-and-set that was done is both a read and a write of the same moment. Taken apart it demands
//! less, so that what contradicts stands. What is lost by that is found apart: a value that was
//! swapped away twice, and one that was there before or after it can have been.

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::event::F;
use crate::history::{Operation, Outcome, Value};
use crate::witness::Size;

/// The smallest contradiction, as positions in increasing order. None if there is none of these
/// kinds, or a value was written twice, or something else was done than reads, writes and swaps. Once
/// `stop` says so, what was found so far is enough.
pub(crate) fn smallest(
    operations: &[&Operation],
    initial: Value,
    stop: &dyn Fn() -> bool,
) -> Option<Vec<u32>> {
    let values = Values::new(operations, initial)?;
    if let Some(garbage) = garbage_read(operations, initial) {
        return Some(garbage);
    }
    let mut best = Best { operations, found: None };
    values.two(&mut best);
    values.swapped(&mut best);
    let is_enough = |best: &Best<'_>| best.found.is_some() && stop();
    if best.count() > 2 && !is_enough(&best) {
        values.three(&mut best);
    }
    if best.count() > 3 && !is_enough(&best) {
        values.more(&mut best);
    }
    best.found.map(|(_, positions)| positions)
}

/// An answered read or swap that saw a value which was never there and nobody ever wrote, the shortest.
/// Where there are no appends it contradicts by itself, for each write says all about the state.
pub(crate) fn garbage_read(operations: &[&Operation], initial: Value) -> Option<Vec<u32>> {
    if operations.iter().any(|op| op.f == F::Append) {
        return None;
    }
    // A swap of a value for itself is not where that came from.
    let is_new = |op: &&&Operation| op.f != F::Cas || op.argument != op.result;
    let new = operations.iter().filter(is_new).filter_map(|op| written(op));
    let written: FxHashSet<Value> = new.chain([initial]).collect();
    let mut best = Best { operations, found: None };
    for (position, op) in (0u32..).zip(operations) {
        if seen(op).is_some_and(|value| !written.contains(&value)) {
            best.consider(&[position]);
        }
    }
    best.found.map(|(_, positions)| positions)
}

/// What an operation may put there.
fn written(op: &Operation) -> Option<Value> {
    (op.f != F::Get && !op.refused).then_some(op.argument)
}

/// What an answered operation saw.
fn seen(op: &Operation) -> Option<Value> {
    let saw = op.outcome == Outcome::Ok && (op.f == F::Get || (op.f == F::Cas && !op.refused));
    saw.then_some(op.result)
}

/// The smallest contradiction so far.
struct Best<'a> {
    operations: &'a [&'a Operation],
    found: Option<(Size, Vec<u32>)>,
}

impl Best<'_> {
    fn count(&self) -> usize {
        self.found.as_ref().map_or(usize::MAX, |(_, positions)| positions.len())
    }

    fn consider(&mut self, positions: &[u32]) {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        positions.dedup();
        let size = Size::of_operations(self.operations, &positions);
        if self.found.as_ref().is_none_or(|(smallest, _)| size < *smallest) {
            self.found = Some((size, positions));
        }
    }
}

/// Few positions, in place: most values are read a few times.
type Positions = SmallVec<[u32; 4]>;

/// Operations on one value of one kind, by position.
struct Looks {
    /// By invocation; and of each and those after it, the one that was over first.
    by_invoke: Positions,
    soonest: Positions,
    /// By completion; and of each and those before it, the one that began last.
    by_complete: Positions,
    latest: Positions,
}

impl Looks {
    /// Of positions in increasing order.
    fn new(operations: &[&Operation], by_invoke: Positions) -> Self {
        let op = |at: u32| operations[at as usize];
        let mut soonest = by_invoke.clone();
        for at in (1..soonest.len()).rev() {
            if op(soonest[at]).complete < op(soonest[at - 1]).complete {
                soonest[at - 1] = soonest[at];
            }
        }
        let mut by_complete = by_invoke.clone();
        by_complete.sort_unstable_by_key(|&at| (op(at).complete, at));
        let mut latest = by_complete.clone();
        for at in 1..latest.len() {
            if op(latest[at - 1]).invoke > op(latest[at]).invoke {
                latest[at] = latest[at - 1];
            }
        }
        Looks { by_invoke, soonest, by_complete, latest }
    }
}

/// A value: its write, except of the first one, who saw it, and who swapped it away.
struct Entry {
    write: Option<u32>,
    reads: Looks,
    swaps: Positions,
}

struct Values<'a> {
    operations: &'a [&'a Operation],
    /// The first value, then the others by their writes.
    entries: Vec<Entry>,
    index: FxHashMap<Value, usize>,
    writes: Looks,
}

impl<'a> Values<'a> {
    fn new(operations: &'a [&'a Operation], initial: Value) -> Option<Self> {
        let mut index = FxHashMap::default();
        index.insert(initial, 0);
        let mut writes = Positions::new();
        for (position, op) in (0u32..).zip(operations) {
            if !matches!(op.f, F::Get | F::Put | F::Cas) {
                return None;
            }
            if let Some(value) = written(op) {
                writes.push(position);
                if index.insert(value, writes.len()).is_some() {
                    return None;
                }
            }
        }
        let (mut reads, mut swaps) =
            (vec![Positions::new(); index.len()], vec![Positions::new(); index.len()]);
        for (position, op) in (0u32..).zip(operations) {
            if let Some(&entry) = seen(op).and_then(|value| index.get(&value)) {
                reads[entry].push(position);
            }
            if let (F::Cas, false, Some(&entry)) = (op.f, op.refused, index.get(&op.result)) {
                swaps[entry].push(position);
            }
        }
        let by = [None].into_iter().chain(writes.iter().copied().map(Some));
        let entry =
            |((write, reads), swaps)| Entry { write, reads: Looks::new(operations, reads), swaps };
        let entries = by.zip(reads).zip(swaps).map(entry).collect();
        let writes = Looks::new(operations, writes);
        Some(Values { operations, entries, index, writes })
    }

    fn op(&self, position: u32) -> &'a Operation {
        self.operations[position as usize]
    }

    /// Of those that began after an event, the one that was over first.
    fn soonest_after(&self, looks: &Looks, event: u32) -> Option<u32> {
        let after = looks.by_invoke.partition_point(|&at| self.op(at).invoke <= event);
        looks.soonest.get(after).copied()
    }

    /// Of those that were over before an event, the one that began last.
    fn latest_before(&self, looks: &Looks, event: u32) -> Option<u32> {
        let before = looks.by_complete.partition_point(|&at| self.op(at).complete < event);
        before.checked_sub(1).map(|last| looks.latest[last])
    }

    fn two(&self, best: &mut Best<'_>) {
        for entry in &self.entries[1..] {
            let Some(write) = entry.write else { continue };
            let is_early = |&&read: &&u32| self.op(read).complete < self.op(write).invoke;
            for &read in entry.reads.by_invoke.iter().filter(is_early) {
                best.consider(&[read, write]);
            }
        }
        for entry in &self.entries[1..] {
            let circle = entry.write.and_then(|write| Some((write, self.swapped_back(write)?)));
            if let Some((one, other)) = circle {
                best.consider(&[one, other]);
            }
        }
        for &read in &self.entries[0].reads.by_invoke {
            if let Some(write) = self.latest_before(&self.writes, self.op(read).invoke) {
                best.consider(&[write, read]);
            }
        }
    }

    fn three(&self, best: &mut Best<'_>) {
        for entry in &self.entries[1..] {
            let Some(old) = entry.write else { continue };
            if let Some(new) = self.soonest_after(&self.writes, self.op(old).complete)
                && let Some(read) = self.soonest_after(&entry.reads, self.op(new).complete)
            {
                let new = self.latest_between(old, read).unwrap_or(new);
                best.consider(&[old, new, read]);
            }
            for &seer in &entry.reads.by_invoke {
                let first = &self.entries[0].reads;
                if let Some(read) = self.soonest_after(first, self.op(seer).complete) {
                    best.consider(&[old, seer, read]);
                }
            }
        }
    }

    /// The write that was over last of those that began after one operation and were over before
    /// another: what should have been read.
    fn latest_between(&self, before: u32, after: u32) -> Option<u32> {
        let (begin, end) = (self.op(before).complete, self.op(after).invoke);
        let over = self.writes.by_complete.partition_point(|&at| self.op(at).complete < end);
        let latest = self.writes.by_complete[..over].iter().rev().copied();
        latest.take_while(|&at| self.op(at).complete > begin).find(|&at| self.op(at).invoke > begin)
    }

    fn entry_of(&self, write: u32) -> &Entry {
        &self.entries[self.index[&self.op(write).argument]]
    }
}

mod conflicts;
mod swaps;
#[cfg(test)]
mod tests;
