//! Two values that must each come before the other, of four operations and more.

use super::{Best, Entry, Sorted, Span, Values};
use crate::history::OPEN;

/// So many reads and pairs are looked at.
const MOST_WORK: usize = 2_000_000;

/// The write of a value, with those who saw it.
#[derive(Clone, Copy)]
struct Write<'a> {
    at: u32,
    invoke: u32,
    complete: u32,
    reads: Sorted<'a>,
}

impl Values<'_> {
    /// Pairs of values that must each come before the other.
    pub(super) fn more(&self, best: &mut Best<'_>) {
        // Each value with its first completion and last invocation, in the order in which one of
        // the two shows.
        let mut zones: Vec<(Write<'_>, u32, u32)> =
            self.entries().filter_map(|entry| self.zone(entry)).collect();
        zones.sort_by_key(|&(_, first, last)| first.min(last));
        let mut active: Vec<(Write<'_>, u32, u32)> = Vec::new();
        let mut work = 0;
        for (v, first, last) in zones {
            let shows = first.min(last);
            active.retain(|&(.., last)| last > shows);
            for &(u, other_first, other_last) in &active {
                work += 1;
                if other_first < last && first < other_last {
                    work += u.reads.by_invoke.len() + v.reads.by_invoke.len();
                    self.pair(u, v, best);
                }
                if work > MOST_WORK {
                    return;
                }
            }
            if first < last {
                active.push((v, first, last));
            }
        }
    }

    /// A value that was written, with its first completion, if there is one, and last invocation.
    fn zone<'s>(&self, entry: Entry<'s>) -> Option<(Write<'s>, u32, u32)> {
        let write = entry.write?;
        let Span { invoke, complete } = self.span(write);
        let ends = entry.reads.by_complete.first().map(|&at| self.span(at).complete);
        let begins = entry.reads.by_invoke.last().map(|&at| self.span(at).invoke);
        let first = ends.map_or(complete, |end| end.min(complete));
        let last = begins.map_or(invoke, |begin| begin.max(invoke));
        (first != OPEN).then_some((
            Write { at: write, invoke, complete, reads: entry.reads },
            first,
            last,
        ))
    }

    fn pair(&self, u: Write<'_>, v: Write<'_>, best: &mut Best<'_>) {
        self.four(u, v, best);
        self.four(v, u, best);
        if best.count() > 4 {
            self.five(u, v, best);
            self.five(v, u, best);
        }
        if best.count() > 5 {
            self.six(u, v, best);
        }
    }

    fn four(&self, u: Write<'_>, v: Write<'_>, best: &mut Best<'_>) {
        let after = |sorted: Sorted<'_>, event| self.soonest_after(sorted, event);
        if let Some(ru) = after(u.reads, v.complete) {
            if let Some(rv) = after(v.reads, u.complete) {
                best.consider(&[u.at, v.at, ru, rv]);
            }
            if let Some(before) = self.latest_before(u.reads, v.invoke) {
                best.consider(&[u.at, v.at, before, ru]);
            }
        }
        for &rv in v.reads.by_invoke {
            if u.complete < self.span(rv).invoke.max(v.invoke)
                && let Some(ru) = after(u.reads, self.span(rv).complete)
            {
                best.consider(&[u.at, v.at, rv, ru]);
            }
        }
    }

    fn five(&self, u: Write<'_>, v: Write<'_>, best: &mut Best<'_>) {
        let reads = u.reads;
        let over = self.latest_before(reads, v.invoke);
        let late = self.soonest_after(reads, v.complete);
        for &rv in v.reads.by_invoke {
            let before = self.latest_before(reads, self.span(rv).invoke);
            let after = self.soonest_after(reads, self.span(rv).complete);
            for ends in [(before, late), (before, after), (over, after)] {
                if let (Some(before), Some(after)) = ends {
                    best.consider(&[u.at, v.at, before, after, rv]);
                }
            }
        }
    }

    /// Two reads of `u` and two of `v`, in two pairs, each with an end and a latest begin.
    fn six(&self, u: Write<'_>, v: Write<'_>, best: &mut Best<'_>) {
        let before =
            |reads: Sorted<'_>, others: Sorted<'_>, side: usize| -> Vec<(u32, usize, u32, u32)> {
                let pair = |&read: &u32| {
                    let Span { invoke, complete } = self.span(read);
                    let before = self.latest_before(others, invoke)?;
                    Some((complete, side, before, read))
                };
                reads.by_invoke.iter().filter_map(pair).collect()
            };
        let mut ends = before(v.reads, u.reads, 0);
        ends.extend(before(u.reads, v.reads, 1));
        ends.sort_unstable();
        let mut latest: [Option<(u32, u32)>; 2] = [None; 2];
        for (_, side, before, read) in ends {
            let begin = |at: u32| self.span(at).invoke;
            if latest[side].is_none_or(|(known, _)| begin(known) < begin(before)) {
                latest[side] = Some((before, read));
            }
            if let [Some((ru, rv)), Some((other_rv, other_ru))] = latest {
                best.consider(&[u.at, v.at, ru, rv, other_rv, other_ru]);
            }
        }
    }
}
