//! Sets that only grow: `add` puts an element in, `read` returns all of them.
//!
//! [`linearizable`] decides linearizability exactly where no element is added twice. The answered
//! reads must be a chain by inclusion; then an element belongs between the last read without it
//! and the first one with it, which puts all operations into groups whose order is forced. Inside
//! a group any order will do, so that the set is linearizable exactly if no operation of a later
//! group was over before one of an earlier group began. An element added more than once counts
//! from the first of its invocations to the first of its completions, which is necessary, but a
//! contradiction between its additions goes unseen. O((elements + size of all reads) · log n), and
//! O(elements · reads · log n) to count what was read late.
//!
//! [`eventual`] is Jepsen's `set-full` without `linearizable?`: late reads are counted as stale
//! and forgiven; what is acknowledged or seen, and then missing for good, is lost.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::Datum;
use super::finding::{Fact, Finding, Judgement, Kind, invalid, misfit, unknown};
use super::history::ObjectOperation;
use crate::budget::Limit;

/// All additions of one element.
struct Element<'a> {
    /// The one that began first, and the one that was over first.
    first: &'a ObjectOperation,
    soonest: &'a ObjectOperation,
    /// The read with it that was over first, and the one that was over last.
    first_seen: Option<&'a ObjectOperation>,
    last_seen: Option<&'a ObjectOperation>,
}

impl Element<'_> {
    /// The place from which on it is there for certain.
    fn known(&self) -> u64 {
        self.soonest.end().min(self.first_seen.map_or(u64::MAX, ObjectOperation::end))
    }

    /// The operation that says so.
    fn proof(&self) -> &ObjectOperation {
        match self.first_seen {
            Some(read) if read.end() < self.soonest.end() => read,
            _ => self.soonest,
        }
    }
}

struct Read<'a> {
    op: &'a ObjectOperation,
    /// Numbers of elements, sorted.
    elements: Vec<u32>,
}

struct Contents<'a> {
    elements: Vec<Element<'a>>,
    reads: Vec<Read<'a>>,
}

/// What was added and read; or what is wrong with that however time went.
fn contents<'a>(operations: &[&'a ObjectOperation]) -> Result<Contents<'a>, Finding> {
    let mut numbers: FxHashMap<Datum, u32> = FxHashMap::default();
    let mut elements: Vec<Element<'a>> = Vec::new();
    for &op in operations.iter().filter(|op| op.f() == "add") {
        let next = u32::try_from(elements.len()).expect("fewer elements than events");
        let number = *numbers.entry(op.argument.clone()).or_insert(next);
        if number == next {
            elements.push(Element { first: op, soonest: op, first_seen: None, last_seen: None });
        } else {
            let element = &mut elements[number as usize];
            if op.end() < element.soonest.end() {
                element.soonest = op;
            }
        }
    }
    let mut reads = Vec::new();
    for &op in operations {
        match op.f() {
            "add" => continue,
            "read" if !op.is_ok() => continue,
            "read" => {}
            _ => return Err(misfit(op, "add or read")),
        }
        let Value::Array(items) = &op.result.value() else {
            return Err(misfit(op, "a list of elements as the answer"));
        };
        let mut read = Read { op, elements: Vec::with_capacity(items.len()) };
        for item in items {
            let Some(&number) = numbers.get(&Datum::from(item)) else {
                let what = format!("{item} was read, but nobody added it");
                return Err(invalid(Kind::ValueFromNowhere, &[op], &what));
            };
            let element = &mut elements[number as usize];
            if element.first.invoke > op.end() {
                let what = format!("{item} was read before anybody added it");
                return Err(invalid(Kind::ReadFromTheFuture, &[element.first, op], &what));
            }
            if element.first_seen.is_none_or(|seen| op.end() < seen.end()) {
                element.first_seen = Some(op);
            }
            if element.last_seen.is_none_or(|seen| op.end() > seen.end()) {
                element.last_seen = Some(op);
            }
            read.elements.push(number);
        }
        read.elements.sort_unstable();
        if let Some(pair) = read.elements.windows(2).find(|pair| pair[0] == pair[1]) {
            let add = elements[pair[0] as usize].first;
            let what = format!("{} is there twice", add.argument);
            return Err(invalid(Kind::Duplicated, &[add, op], &what));
        }
        reads.push(read);
    }
    Ok(Contents { elements, reads })
}

pub(super) fn linearizable(operations: &[&ObjectOperation]) -> Judgement {
    let mut contents = match contents(operations) {
        Ok(contents) => contents,
        Err(finding) => return finding.into(),
    };
    let facts = facts(&contents);
    let finding = if contents.reads.is_empty() {
        unread(operations)
    } else {
        match chain(&mut contents).or_else(|| order(&contents)) {
            Some(contradiction) => contradiction,
            None => Finding::Valid,
        }
    };
    Judgement { finding, facts }
}

fn unread(operations: &[&ObjectOperation]) -> Finding {
    unknown(operations, Limit::Algorithm, "no read was answered, which is all that could tell")
}

/// Sorts the reads by size. Two of which neither holds the other are a contradiction.
fn chain(contents: &mut Contents<'_>) -> Option<Finding> {
    contents.reads.sort_by_key(|read| (read.elements.len(), read.op.invoke));
    for pair in contents.reads.windows(2) {
        let (small, large) = (&pair[0], &pair[1]);
        let missing =
            small.elements.iter().find(|number| large.elements.binary_search(number).is_err());
        if let Some(&missing) = missing {
            let element = &contents.elements[missing as usize];
            let (kind, what) = if small.op.end() < large.op.invoke {
                (classify(element, large.op), "the second read lacks what the first one holds")
            } else {
                (Kind::SplitState, "each of two reads lacks what the other one holds")
            };
            return Some(invalid(kind, &[small.op, large.op, element.first], what));
        }
    }
    None
}

/// Whether an element that `read` lacks was seen again.
fn classify(element: &Element<'_>, read: &ObjectOperation) -> Kind {
    match element.last_seen {
        Some(seen) if seen.invoke > read.invoke => Kind::StaleRead,
        _ => Kind::Lost,
    }
}

/// An operation of the order, with its group.
#[derive(Clone, Copy)]
struct Placed<'a> {
    group: usize,
    /// The operation that began it, and the one that ended it.
    first: &'a ObjectOperation,
    last: &'a ObjectOperation,
    element: Option<u32>,
}

/// A later group's operation that was over before an earlier group's began. The reads are a chain.
fn order(contents: &Contents<'_>) -> Option<Finding> {
    let placed = groups(contents);
    let mut latest: Option<Placed<'_>> = None;
    let mut start = 0;
    while start < placed.len() {
        let group = placed[start].group;
        let end = start + placed[start..].partition_point(|other| other.group == group);
        if let Some(early) = latest
            && let Some(late) =
                placed[start..end].iter().find(|late| late.last.end() < early.first.invoke)
        {
            return Some(disorder(contents, early, *late));
        }
        for &other in &placed[start..end] {
            if latest.is_none_or(|early| other.first.invoke > early.first.invoke) {
                latest = Some(other);
            }
        }
        start = end;
    }
    None
}

/// All that took effect for certain, sorted by group: even for elements, odd for reads.
fn groups<'a>(contents: &Contents<'a>) -> Vec<Placed<'a>> {
    let mut group_of: Vec<Option<usize>> = vec![None; contents.elements.len()];
    let mut placed = Vec::new();
    let mut level = 0;
    let mut size = None;
    for read in &contents.reads {
        if size != Some(read.elements.len()) {
            size = Some(read.elements.len());
            level += 1;
        }
        for &number in &read.elements {
            group_of[number as usize].get_or_insert(2 * level);
        }
        let op = read.op;
        placed.push(Placed { group: 2 * level + 1, first: op, last: op, element: None });
    }
    for (number, element) in (0u32..).zip(&contents.elements) {
        let group = group_of[number as usize];
        if group.is_some() || element.soonest.complete().is_some() {
            let group = group.unwrap_or(2 * (level + 1));
            let (first, last) = (element.first, element.soonest);
            placed.push(Placed { group, first, last, element: Some(number) });
        }
    }
    placed.sort_by_key(|other| (other.group, other.first.invoke));
    placed
}

fn disorder(contents: &Contents<'_>, early: Placed<'_>, late: Placed<'_>) -> Finding {
    let between = contents.reads.iter().find(|read| {
        let has = |number: u32| read.elements.binary_search(&number).is_ok();
        early.element.is_none_or(has) && !late.element.is_some_and(has)
    });
    let mut core = vec![early.first, late.last];
    let (kind, what) = match (early.element, late.element) {
        (None, Some(number)) => {
            let element = &contents.elements[number as usize];
            let kind = classify(element, early.first);
            (kind, "the read lacks what was added before it began")
        }
        (None, None) => {
            let number = missing(contents, early.first, late.last);
            let element = number.map(|number| &contents.elements[number as usize]);
            core.extend(element.map(|element| element.first));
            let kind = element.map_or(Kind::NoOrder, |element| classify(element, early.first));
            (kind, "the later read lacks what the one before it holds")
        }
        (Some(_), _) => {
            core.extend(between.map(|read| read.op));
            (Kind::StaleRead, "a read holds what was added later, and lacks what was there before")
        }
    };
    invalid(kind, &core, what)
}

/// An element that the second read holds and the first one lacks.
fn missing(
    contents: &Contents<'_>,
    lacks: &ObjectOperation,
    holds: &ObjectOperation,
) -> Option<u32> {
    let read = |op: &ObjectOperation| contents.reads.iter().find(|r| r.op.invoke == op.invoke);
    let (lacks, holds) = (read(lacks)?, read(holds)?);
    holds.elements.iter().copied().find(|number| lacks.elements.binary_search(number).is_err())
}

/// For each element, the read that began last without it, after it was known.
fn late_absences<'a>(contents: &Contents<'a>) -> Vec<Option<&'a ObjectOperation>> {
    let mut by_invoke: Vec<&Read<'a>> = contents.reads.iter().collect();
    by_invoke.sort_by_key(|read| std::cmp::Reverse(read.op.invoke));
    let absence = |(number, element): (u32, &Element<'a>)| {
        let known = element.known();
        by_invoke
            .iter()
            .take_while(|read| read.op.invoke > known)
            .find(|read| read.elements.binary_search(&number).is_err())
            .map(|read| read.op)
    };
    (0u32..).zip(&contents.elements).map(absence).collect()
}

fn is_lost(element: &Element<'_>, absence: &ObjectOperation) -> bool {
    element.last_seen.is_none_or(|seen| seen.end() < absence.invoke)
}

fn facts(contents: &Contents<'_>) -> Vec<Fact> {
    let absences = late_absences(contents);
    let elements = || contents.elements.iter().zip(absences.iter().copied());
    let count = |count: usize, name| Fact { name, count: count as u64 };
    let lost = |(element, absence): &(&Element<'_>, Option<&ObjectOperation>)| {
        absence.is_some_and(|absence| is_lost(element, absence))
    };
    let never = |(element, absence): &(&Element<'_>, Option<&ObjectOperation>)| {
        element.last_seen.is_none() && absence.is_none() && element.soonest.complete().is_some()
    };
    let stale = elements().filter(|(_, absence)| absence.is_some()).count();
    let lost = elements().filter(lost).count();
    vec![
        count(elements().count(), "elements"),
        count(lost, "lost"),
        count(stale - lost, "stale"),
        count(elements().filter(never).count(), "never read"),
    ]
}

pub(super) fn eventual(operations: &[&ObjectOperation]) -> Judgement {
    let contents = match contents(operations) {
        Ok(contents) => contents,
        Err(finding) => return finding.into(),
    };
    let facts = facts(&contents);
    let absences = late_absences(&contents);
    let lost = contents.elements.iter().zip(absences).find_map(|(element, absence)| {
        absence.filter(|absence| is_lost(element, absence)).map(|absence| (element, absence))
    });
    let finding = match lost {
        Some((element, absence)) => {
            let what = format!("{} is gone, and no later read has it", element.first.argument);
            invalid(Kind::Lost, &[element.first, element.proof(), absence], &what)
        }
        None if contents.reads.is_empty() => unread(operations),
        None => Finding::Valid,
    };
    Judgement { finding, facts }
}
