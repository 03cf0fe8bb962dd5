//! First in, first out, without search, where elements differ.
//!
//! Henzinger, Sezgin and Vafeiadis, "Aspect-Oriented Linearizability Proofs" (CONCUR 2013): where
//! every operation is complete and every element is put in once, what comes out once and not too
//! early is in order unless
//!
//! - an element was in before another one was put in, and that one was out before its own
//!   `dequeue` began, or it never came out at all: it was *passed over*; or
//! - a `dequeue` found nothing, although at each moment of it some element was in for certain,
//!   between the end of its `enqueue` and the beginning of its `dequeue`.
//!
//! An open `enqueue` whose element never came out is left out. An open `dequeue` may have taken one
//! element, at any time after it began. It must have, where else that element is passed over; so
//! the one that is passed over first is given to the `dequeue` that began first, and so on: if
//! that does not suffice, nothing does, for whoever can have taken one can have taken each that is
//! passed over later. O(n log n).

use super::finding::{Finding, Kind, invalid};
use super::history::ObjectOperation;
use super::queue::Element;

/// The most operations that a contradiction shows of elements passed over.
const MOST_SHOWN: usize = 12;

/// One element: how it came in, and how it came out, if it did.
#[derive(Debug, Clone, Copy)]
struct Passage<'a> {
    put: &'a ObjectOperation,
    take: Option<&'a ObjectOperation>,
}

impl Passage<'_> {
    /// The place at which it begins to come out.
    fn leaves(&self) -> u64 {
        self.take.map_or(u64::MAX, |take| take.invoke)
    }
}

/// Whether the elements came out in the order in which they went in; none if elements are equal, or
/// if an open `dequeue` can have made room for one that found nothing.
pub(super) fn decide(operations: &[&ObjectOperation], elements: &[Element<'_>]) -> Option<Finding> {
    let passages = passages(elements);
    if let Some(overtaken) = first_overtaken(&passages) {
        return Some(overtaken);
    }
    if elements.iter().any(|element| element.enqueues.len() > 1) {
        return None;
    }
    let is_dequeue = |op: &&&ObjectOperation| op.f() == "dequeue";
    let dequeues = || operations.iter().filter(is_dequeue).copied();
    let open: Vec<&ObjectOperation> = dequeues().filter(|op| !op.is_ok()).collect();
    let passages = match taken_by_open(passages, &open) {
        Ok(passages) => passages,
        Err(passed_over) => return Some(passed_over),
    };
    let found_none: Vec<&ObjectOperation> =
        dequeues().filter(|op| op.is_ok() && op.result.is_null()).collect();
    match never_empty(&passages, &found_none) {
        Some(_) if !open.is_empty() => None,
        found => Some(found.unwrap_or(Finding::Valid)),
    }
}

/// The elements that were put in once, in that order. What nobody answered and nobody took is left
/// out.
fn passages<'a>(elements: &[Element<'a>]) -> Vec<Passage<'a>> {
    let mut passages = Vec::with_capacity(elements.len());
    for element in elements {
        match (&element.enqueues[..], &element.dequeues[..]) {
            (&[put], &[]) if put.is_ok() => passages.push(Passage { put, take: None }),
            (&[put], &[take]) => passages.push(Passage { put, take: Some(take) }),
            _ => {}
        }
    }
    passages.sort_unstable_by_key(|passage| passage.put.invoke);
    passages
}

/// An element put in after another one was in, and out before that one's `dequeue` began. Whatever
/// else happened contradicts nothing of that.
pub(super) fn overtaken(elements: &[Element<'_>]) -> Option<Finding> {
    first_overtaken(&passages(elements))
}

fn first_overtaken(by_begin: &[Passage<'_>]) -> Option<Finding> {
    let mut by_end: Vec<Passage<'_>> =
        by_begin.iter().filter(|passage| passage.take.is_some()).copied().collect();
    by_end.sort_unstable_by_key(|passage| passage.put.end());
    let mut over = by_end.iter().peekable();
    let mut slowest: Option<(&Passage<'_>, &ObjectOperation)> = None;
    for Passage { put, take } in by_begin {
        while let Some(first) = over.next_if(|first| first.put.end() < put.invoke) {
            if let Some(take) = first.take
                && slowest.is_none_or(|(_, latest)| take.invoke > latest.invoke)
            {
                slowest = Some((first, take));
            }
        }
        if let (Some((first, last_out)), Some(take)) = (slowest, take)
            && take.end() < last_out.invoke
        {
            let what = "what was put in second came out first";
            return Some(invalid(Kind::OutOfOrder, &[first.put, last_out, put, take], what));
        }
    }
    None
}

/// Gives elements that are passed over to open `dequeue`s, or says that there are not enough.
fn taken_by_open<'a>(
    mut by_begin: Vec<Passage<'a>>,
    open: &[&'a ObjectOperation],
) -> Result<Vec<Passage<'a>>, Finding> {
    let passed_over = passed_over(&by_begin);
    // Operations are in order of invocation, and so are these.
    let mut open = open.iter().copied();
    for (number, by) in passed_over.iter().enumerate() {
        match open.next() {
            Some(take) if take.invoke < by.out.end() => by_begin[by.element].take = Some(take),
            _ => return Err(too_few(&by_begin, &passed_over[..=number])),
        }
    }
    Ok(by_begin)
}

/// An element that never came out, by its place, and the operations that put in and took out the
/// first one to come out that was put in after it.
struct PassedOver<'a> {
    element: usize,
    put: &'a ObjectOperation,
    out: &'a ObjectOperation,
}

/// All elements that are passed over, the first one first.
fn passed_over<'a>(by_begin: &[Passage<'a>]) -> Vec<PassedOver<'a>> {
    // From each place on: who is out first.
    let mut first_out: Vec<Option<(&ObjectOperation, &ObjectOperation)>> = vec![None];
    for passage in by_begin.iter().rev() {
        let known = first_out.last().copied().flatten();
        let is_first =
            |take: &&ObjectOperation| known.is_none_or(|(_, out)| take.end() < out.end());
        first_out.push(passage.take.filter(is_first).map(|take| (passage.put, take)).or(known));
    }
    first_out.reverse();
    let mut passed_over: Vec<PassedOver<'_>> = by_begin
        .iter()
        .enumerate()
        .filter(|(_, passage)| passage.take.is_none())
        .filter_map(|(element, left)| {
            let after = by_begin.partition_point(|other| other.put.invoke < left.put.end());
            first_out[after].map(|(put, out)| PassedOver { element, put, out })
        })
        .collect();
    passed_over.sort_by_key(|by| by.out.end());
    passed_over
}

fn too_few(by_begin: &[Passage<'_>], passed_over: &[PassedOver<'_>]) -> Finding {
    let mut core: Vec<&ObjectOperation> = Vec::new();
    for by in passed_over.iter().rev().take(MOST_SHOWN / 3) {
        core.extend([by_begin[by.element].put, by.put, by.out]);
    }
    let what = if passed_over.len() == 1 {
        "what was put in second came out, and what was put in first never did"
    } else {
        "more elements were passed over than unanswered dequeues can have taken"
    };
    invalid(Kind::OutOfOrder, &core, what)
}

/// A `dequeue` that found nothing although there was always something.
fn never_empty(passages: &[Passage<'_>], found_none: &[&ObjectOperation]) -> Option<Finding> {
    if found_none.is_empty() {
        return None;
    }
    let mut stays: Vec<&Passage<'_>> =
        passages.iter().filter(|passage| passage.put.end() < passage.leaves()).collect();
    stays.sort_unstable_by_key(|passage| passage.put.end());
    // Times in which there was always something, one after another.
    let mut full: Vec<(u64, u64)> = Vec::new();
    for stay in &stays {
        match full.last_mut() {
            Some((_, end)) if stay.put.end() < *end => *end = (*end).max(stay.leaves()),
            _ => full.push((stay.put.end(), stay.leaves())),
        }
    }
    let none = found_none.iter().find(|none| {
        let after = full.partition_point(|&(begin, _)| begin < none.invoke);
        after > 0 && none.end() <= full[after - 1].1
    })?;
    let mut core = vec![*none];
    let mut until = none.invoke;
    let mut rest = stays.iter().peekable();
    while until < none.end() {
        let mut longest: Option<&Passage<'_>> = None;
        while let Some(stay) = rest.next_if(|stay| stay.put.end() < until) {
            if longest.is_none_or(|longest| stay.leaves() > longest.leaves()) {
                longest = Some(stay);
            }
        }
        let Some(stay) = longest else { break };
        core.extend([Some(stay.put), stay.take].into_iter().flatten());
        until = stay.leaves();
    }
    let is_left = until == u64::MAX;
    let kind = if is_left { Kind::Lost } else { Kind::StaleRead };
    Some(invalid(kind, &core, "nothing came out although there was always something in the queue"))
}
