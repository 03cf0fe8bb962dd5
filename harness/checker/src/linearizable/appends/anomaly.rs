//! What a contradiction is called.

use super::excerpt::ExcerptOp;
use crate::model::Call;

/// A kind of contradiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Anomaly {
    /// A read returned what no writes could have led to.
    GarbageRead,
    /// A read returned something before its write began.
    FutureRead,
    /// Reads show one append twice.
    DuplicatedWrite,
    /// Of two reads of one state and its successors, neither begins with the other.
    DivergentReads,
    /// A read misses something that was there before it began, and that a later read shows.
    StaleRead,
    /// Something that was there is missing from a read, and from all later ones.
    LostWrite,
    /// A put was replaced, which was read, and is there again for good.
    ResurrectedValue,
    /// A read shows two writes in the wrong order: the first began after the second was over.
    ReorderedWrites,
    /// No order gives these answers, in none of the ways above.
    NotLinearizable,
}

type Calls<'e> = &'e [Call<ExcerptOp>];

/// Names an excerpt. `is_seen_after` says whether a read that is over after some place in time
/// shows what a call of the excerpt wrote.
pub(super) fn anomaly(calls: Calls<'_>, is_seen_after: &dyn Fn(usize, u32) -> bool) -> Anomaly {
    if is_future(calls) {
        Anomaly::FutureRead
    } else if is_repeated(calls) {
        Anomaly::DuplicatedWrite
    } else if is_divergent(calls) {
        Anomaly::DivergentReads
    } else if let Some(missing) = missing(calls) {
        missing.anomaly(calls, is_seen_after)
    } else if is_reordered(calls) {
        Anomaly::ReorderedWrites
    } else {
        Anomaly::NotLinearizable
    }
}

/// Reads, and what they showed.
fn reads(calls: Calls<'_>) -> impl Iterator<Item = (&Call<ExcerptOp>, &[u32])> + Clone {
    calls.iter().filter_map(|call| match &call.op {
        ExcerptOp::Read(shown) => Some((call, &shown[..])),
        ExcerptOp::Append(_) | ExcerptOp::Put(_) => None,
    })
}

/// Writes, their places among the calls, and what they wrote.
fn writes(calls: Calls<'_>) -> impl Iterator<Item = (usize, &Call<ExcerptOp>, u32)> + Clone {
    calls.iter().enumerate().filter_map(|(at, call)| match call.op {
        ExcerptOp::Append(text) | ExcerptOp::Put(text) => Some((at, call, text)),
        ExcerptOp::Read(_) => None,
    })
}

fn is_over_before(one: &Call<ExcerptOp>, other: &Call<ExcerptOp>) -> bool {
    one.complete.is_some_and(|complete| complete < other.invoke)
}

/// The put that a read begins with.
fn root(calls: Calls<'_>, shown: &[u32]) -> Option<u32> {
    shown
        .first()
        .copied()
        .filter(|first| calls.iter().any(|call| call.op == ExcerptOp::Put(*first)))
}

fn is_future(calls: Calls<'_>) -> bool {
    reads(calls).any(|(read, shown)| {
        writes(calls).any(|(_, write, text)| shown.contains(&text) && is_over_before(read, write))
    })
}

fn is_repeated(calls: Calls<'_>) -> bool {
    writes(calls).filter(|(_, call, _)| matches!(call.op, ExcerptOp::Append(_))).any(
        |(.., text)| {
            let count = |shown: &[u32]| shown.iter().filter(|&&other| other == text).count();
            // For each put that reads begin with, the most often that a read shows it.
            let mut roots: Vec<Option<u32>> =
                reads(calls).map(|(_, shown)| root(calls, shown)).collect();
            roots.sort_unstable();
            roots.dedup();
            let most = |wanted: &Option<u32>| {
                let of_root = reads(calls).filter(|(_, shown)| root(calls, shown) == *wanted);
                of_root.map(|(_, shown)| count(shown)).max().unwrap_or(0)
            };
            let written = writes(calls).filter(|&(.., other)| other == text).count();
            roots.iter().map(most).sum::<usize>() > written
        },
    )
}

fn is_divergent(calls: Calls<'_>) -> bool {
    reads(calls).any(|(_, one)| {
        reads(calls).any(|(_, other)| {
            root(calls, one) == root(calls, other)
                && !one.starts_with(other)
                && !other.starts_with(one)
        })
    })
}

/// A read, and the place of a write that it should show.
struct Missing<'e> {
    read: &'e Call<ExcerptOp>,
    shown: &'e [u32],
    write: usize,
    text: u32,
}

/// A read that does not show what was over before, or was shown by a read before; the last such
/// read, since what the others miss may have been replaced.
fn missing(calls: Calls<'_>) -> Option<Missing<'_>> {
    let is_known = |read: &Call<ExcerptOp>, call: &Call<ExcerptOp>, text: u32| {
        let is_shown = |seen: &[u32]| seen.contains(&text);
        is_over_before(call, read)
            || reads(calls).any(|(other, seen)| is_shown(seen) && is_over_before(other, read))
    };
    reads(calls)
        .filter_map(|(read, shown)| {
            writes(calls)
                .filter(|&(_, call, text)| !shown.contains(&text) && is_known(read, call, text))
                .max_by_key(|(_, call, _)| call.invoke)
                .map(|(write, _, text)| Missing { read, shown, write, text })
        })
        .max_by_key(|missing| missing.read.invoke)
}

impl Missing<'_> {
    fn anomaly(&self, calls: Calls<'_>, is_seen_after: &dyn Fn(usize, u32) -> bool) -> Anomaly {
        let end = self.read.complete.unwrap_or(u32::MAX);
        let is_replaced = matches!(calls[self.write].op, ExcerptOp::Put(_))
            && root(calls, self.shown).is_some()
            && reads(calls)
                .any(|(other, seen)| seen.contains(&self.text) && is_over_before(other, self.read));
        if is_seen_after(self.write, end) {
            Anomaly::StaleRead
        } else if is_replaced {
            Anomaly::ResurrectedValue
        } else {
            Anomaly::LostWrite
        }
    }
}

fn is_reordered(calls: Calls<'_>) -> bool {
    reads(calls).any(|(_, shown)| {
        let place = |text: u32| shown.iter().position(|&other| other == text);
        writes(calls).any(|(_, one, earlier)| {
            writes(calls).any(|(_, other, later)| {
                let (earlier, later) = (place(earlier), place(later));
                earlier.is_some()
                    && later.is_some()
                    && earlier < later
                    && is_over_before(other, one)
            })
        })
    })
}
