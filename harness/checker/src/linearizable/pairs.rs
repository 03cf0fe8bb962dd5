//! The smallest contradiction of a register whose written values are all different.
//!
//! Where every read says which write it saw, a contradiction is a value that was never written, a read that was
//! over before its write began, or two values that must each come before the other (see
//! [`crate::linearizable::zones`]): something about `u`, say `a`, was over before something about `v`, say `b`,
//! began, and the same the other way round. With the two writes that makes at most six
//! operations, and by what `a` and `b` are there are these kinds; `w` is a write, `r` a read, `<` says
//! that one was over before the other began, and `0` is the first value:
//!
//! | operations | kinds |
//! |---|---|
//! | 1 | `r` of what was never written |
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

use rustc_hash::FxHashSet;

use crate::event::F;
use crate::history::{Operation, Outcome, Value};
use crate::linearizable::by_value::ByValue;
use crate::witness::Size;

/// The smallest contradiction, as positions in increasing order. None if there is none of these
/// kinds, or a value was written twice, or something else was done than reads, writes and swaps. Once
/// `stop` says so, what was found so far is enough.
pub(crate) fn smallest(
    operations: &[&Operation],
    initial: Value,
    stop: &dyn Fn() -> bool,
) -> Option<Vec<u32>> {
    let values = match Values::new(operations, initial)? {
        Ok(values) => values,
        Err(garbage) => return Some(garbage),
    };
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

/// An answered read or swap that saw a value which was never there and never written, the shortest.
/// Where there are no appends it contradicts by itself, for each write says all about the state.
pub(crate) fn garbage_read(operations: &[&Operation], initial: Value) -> Option<Vec<u32>> {
    if operations.iter().any(|op| op.f == F::Append) {
        return None;
    }
    let new = operations.iter().filter(|op| !is_idle(op)).filter_map(|op| written(op));
    let written: FxHashSet<Value> = new.chain([initial]).collect();
    let mut best = Best { operations, found: None };
    for (position, op) in (0u32..).zip(operations) {
        if seen(op).is_some_and(|value| !written.contains(&value)) {
            best.consider(&[position]);
        }
    }
    best.found.map(|(_, positions)| positions)
}

/// A swap of a value for itself: the value did not come from there.
fn is_idle(op: &Operation) -> bool {
    op.f == F::Cas && op.argument == op.result
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

/// When an operation was under way, apart from all else that is known of it: that is small, and looked at
/// often.
#[derive(Clone, Copy)]
struct Span {
    invoke: u32,
    complete: u32,
}

/// The operations that saw one value, by position.
#[derive(Clone, Copy)]
struct Sorted<'a> {
    /// By invocation; and of each and those after it, the one that was over first.
    by_invoke: &'a [u32],
    soonest: &'a [u32],
    /// By completion; and of each and those before it, the one that began last.
    by_complete: &'a [u32],
    latest: &'a [u32],
}

/// The same of all values, one group after another, so that a value costs no more than its place.
struct Groups {
    /// Where each group begins, and where the last one ends.
    starts: Vec<u32>,
    by_invoke: Vec<u32>,
    soonest: Vec<u32>,
    by_complete: Vec<u32>,
    latest: Vec<u32>,
}

impl Groups {
    /// Of positions with their groups, the positions in increasing order.
    fn new(spans: &[Span], count: usize, members: &[(u32, u32)]) -> Self {
        let span = |at: u32| spans[at as usize];
        let Members { starts, positions: by_invoke } = Members::new(count, members);
        let (mut soonest, mut by_complete) = (by_invoke.clone(), by_invoke.clone());
        let larger = || {
            let groups = starts.windows(2).map(|group| group[0] as usize..group[1] as usize);
            groups.filter(|group| group.len() > 1)
        };
        let mut ends: Vec<(u32, u32)> = Vec::new();
        for group in larger() {
            let soonest = &mut soonest[group.clone()];
            for at in (1..soonest.len()).rev() {
                if span(soonest[at]).complete < span(soonest[at - 1]).complete {
                    soonest[at - 1] = soonest[at];
                }
            }
            let by_complete = &mut by_complete[group];
            ends.clear();
            ends.extend(by_complete.iter().map(|&at| (span(at).complete, at)));
            ends.sort_unstable();
            by_complete.iter_mut().zip(&ends).for_each(|(place, &(_, at))| *place = at);
        }
        let mut latest = by_complete.clone();
        for group in larger() {
            let latest = &mut latest[group];
            for at in 1..latest.len() {
                if span(latest[at - 1]).invoke > span(latest[at]).invoke {
                    latest[at] = latest[at - 1];
                }
            }
        }
        Groups { starts, by_invoke, soonest, by_complete, latest }
    }

    fn of(&self, group: usize) -> Sorted<'_> {
        let group = self.starts[group] as usize..self.starts[group + 1] as usize;
        Sorted {
            by_invoke: &self.by_invoke[group.clone()],
            soonest: &self.soonest[group.clone()],
            by_complete: &self.by_complete[group.clone()],
            latest: &self.latest[group],
        }
    }
}

/// Positions by group.
struct Members {
    /// Where each group begins, and where the last one ends.
    starts: Vec<u32>,
    positions: Vec<u32>,
}

impl Members {
    /// Of positions with their groups; the order within a group stays.
    fn new(count: usize, members: &[(u32, u32)]) -> Self {
        let mut starts = vec![0u32; count + 1];
        for &(_, group) in members {
            starts[group as usize + 1] += 1;
        }
        for group in 1..starts.len() {
            starts[group] += starts[group - 1];
        }
        let mut positions = vec![0; starts[count] as usize];
        let mut next = starts.clone();
        for &(position, group) in members {
            let place = &mut next[group as usize];
            positions[*place as usize] = position;
            *place += 1;
        }
        Members { starts, positions }
    }

    fn of(&self, group: usize) -> &[u32] {
        &self.positions[self.starts[group] as usize..self.starts[group + 1] as usize]
    }
}

/// A value: its write, except of the first one, who saw it, and who swapped it away.
#[derive(Clone, Copy)]
struct Entry<'a> {
    write: Option<u32>,
    reads: Sorted<'a>,
    swaps: &'a [u32],
}

struct Values<'a> {
    operations: &'a [&'a Operation],
    spans: Vec<Span>,
    /// The values, first the first one, then the others by their writes; and of each whether it was there
    /// first, or was written by more than a swap for itself.
    index: ByValue<bool>,
    /// All writes, as one group.
    writes: Groups,
    reads: Groups,
    swaps: Members,
}

impl<'a> Values<'a> {
    /// None if a value was written twice, or something else was done than reads, writes and swaps; or the
    /// shortest read of what no operation wrote.
    fn new(operations: &'a [&'a Operation], initial: Value) -> Option<Result<Self, Vec<u32>>> {
        let mut index = ByValue::new();
        index.insert(initial, true);
        let mut spans = Vec::with_capacity(operations.len());
        let mut writes = Vec::new();
        for (position, op) in (0u32..).zip(operations) {
            if !matches!(op.f, F::Get | F::Put | F::Cas) {
                return None;
            }
            if let Some(value) = written(op) {
                if !index.insert(value, !is_idle(op)) {
                    return None;
                }
                writes.push((position, 0));
            }
            spans.push(Span { invoke: op.invoke, complete: op.complete });
        }
        let mut garbage = Best { operations, found: None };
        let (mut reads, mut swaps) = (Vec::new(), Vec::new());
        for (position, op) in (0u32..).zip(operations).filter(|(_, op)| op.f != F::Put) {
            let place = index.place(op.result);
            if seen(op).is_some() {
                if place.is_none_or(|place| !index.items()[place as usize]) {
                    garbage.consider(&[position]);
                }
                reads.extend(place.map(|place| (position, place)));
            }
            if op.f == F::Cas && !op.refused {
                swaps.extend(place.map(|place| (position, place)));
            }
        }
        if let Some((_, positions)) = garbage.found {
            return Some(Err(positions));
        }
        let writes = Groups::new(&spans, 1, &writes);
        let reads = Groups::new(&spans, index.len(), &reads);
        let swaps = Members::new(index.len(), &swaps);
        Some(Ok(Values { operations, spans, index, writes, reads, swaps }))
    }

    /// The first value, then the others by their writes.
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.index.len()).map(|place| self.entry(place))
    }

    fn entry(&self, place: usize) -> Entry<'_> {
        let write = place.checked_sub(1).map(|write| self.writes.by_invoke[write]);
        Entry { write, reads: self.reads.of(place), swaps: self.swaps.of(place) }
    }

    fn op(&self, position: u32) -> &'a Operation {
        self.operations[position as usize]
    }

    fn span(&self, position: u32) -> Span {
        self.spans[position as usize]
    }

    /// Of those that began after an event, the one that was over first.
    fn soonest_after(&self, sorted: Sorted<'_>, event: u32) -> Option<u32> {
        let after = sorted.by_invoke.partition_point(|&at| self.span(at).invoke <= event);
        sorted.soonest.get(after).copied()
    }

    /// Of those that were over before an event, the one that began last.
    fn latest_before(&self, sorted: Sorted<'_>, event: u32) -> Option<u32> {
        let before = sorted.by_complete.partition_point(|&at| self.span(at).complete < event);
        before.checked_sub(1).map(|last| sorted.latest[last])
    }

    /// Of the writes that began after this one was over, the one that was over first. They are near,
    /// so that steps that double find them sooner than halves of all.
    fn next_write(&self, write: usize) -> Option<u32> {
        let writes = &self.writes.by_invoke;
        let event = self.span(writes[write]).complete;
        let is_after = |at: usize| writes.get(at).is_none_or(|&at| self.span(at).invoke > event);
        let mut step = 1;
        while !is_after(write + step) {
            step *= 2;
        }
        let (from, to) = (write + step / 2, writes.len().min(write + step));
        let near = &writes[from..to];
        let after = from + near.partition_point(|&at| self.span(at).invoke <= event);
        self.writes.soonest.get(after).copied()
    }

    fn two(&self, best: &mut Best<'_>) {
        for entry in self.entries() {
            let Some(write) = entry.write else { continue };
            let is_early = |&&read: &&u32| self.span(read).complete < self.span(write).invoke;
            for &read in entry.reads.by_invoke.iter().filter(is_early) {
                best.consider(&[read, write]);
            }
        }
        if !self.swaps.positions.is_empty() {
            for &write in &self.writes.by_invoke {
                if let Some(other) = self.swapped_back(write) {
                    best.consider(&[write, other]);
                }
            }
        }
        let writes = self.writes.of(0);
        for &read in self.reads.of(0).by_invoke {
            if let Some(write) = self.latest_before(writes, self.span(read).invoke) {
                best.consider(&[write, read]);
            }
        }
    }

    fn three(&self, best: &mut Best<'_>) {
        let first = self.reads.of(0);
        let last_of_first = first.by_invoke.last().map_or(0, |&at| self.span(at).invoke);
        for (number, &old) in self.writes.by_invoke.iter().enumerate() {
            let reads = self.reads.of(number + 1);
            let Some(&last) = reads.by_invoke.last() else { continue };
            if self.span(last).invoke > self.span(old).complete
                && let Some(new) = self.next_write(number)
                && let Some(read) = self.soonest_after(reads, self.span(new).complete)
            {
                let new = self.latest_between(old, read).unwrap_or(new);
                best.consider(&[old, new, read]);
            }
            for &seer in reads.by_invoke {
                if self.span(seer).complete < last_of_first
                    && let Some(read) = self.soonest_after(first, self.span(seer).complete)
                {
                    best.consider(&[old, seer, read]);
                }
            }
        }
    }

    /// The write that was over last of those that began after one operation and were over before
    /// another: what should have been read.
    fn latest_between(&self, before: u32, after: u32) -> Option<u32> {
        let (begin, end) = (self.span(before).complete, self.span(after).invoke);
        let writes = &self.writes.by_complete;
        let over = writes.partition_point(|&at| self.span(at).complete < end);
        let latest = writes[..over].iter().rev().copied();
        latest
            .take_while(|&at| self.span(at).complete > begin)
            .find(|&at| self.span(at).invoke > begin)
    }

    fn entry_of(&self, write: u32) -> Entry<'_> {
        self.entry(self.index.place(self.op(write).argument).map_or(0, |place| place as usize))
    }
}

mod conflicts;
mod swaps;
#[cfg(test)]
mod tests;
