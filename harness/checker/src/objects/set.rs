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

mod smallest;

use super::confirm::Claim;
use super::{Fact, Judgement, Subject, end};
use crate::budget::Limit;
use crate::datum::{Encoded, View};
use crate::event::F;
use crate::history::Operation;
use crate::verdict::Verdict;
use crate::witness::{Anomaly, Size};
use rustc_hash::{FxHashMap, FxHashSet};

/// All additions of one element.
struct Element<'a> {
    /// The one that began first, and the one that was over first.
    first: &'a Operation,
    soonest: &'a Operation,
    /// The read with it that was over first, and the one that was over last.
    first_seen: Option<&'a Operation>,
    last_seen: Option<&'a Operation>,
}

impl Element<'_> {
    /// The place from which on it is there for certain.
    fn known(&self) -> u32 {
        end(self.soonest).min(self.first_seen.map_or(u32::MAX, end))
    }

    /// The operation that says so.
    fn proof(&self) -> &Operation {
        match self.first_seen {
            Some(read) if end(read) < end(self.soonest) => read,
            _ => self.soonest,
        }
    }
}

struct Read<'a> {
    op: &'a Operation,
    /// Numbers of elements, sorted.
    elements: Vec<u32>,
}

struct Contents<'a> {
    subject: Subject<'a>,
    elements: Vec<Element<'a>>,
    reads: Vec<Read<'a>>,
    /// All additions, by invocation, each with its element.
    adds: Vec<(&'a Operation, u32)>,
    /// The smallest of what is wrong with one read however time went.
    flaw: Option<(Size, Verdict)>,
    /// Valid, or that an answer could not be read.
    doubt: Verdict,
}

/// What was added and read.
fn contents(subject: Subject<'_>) -> Contents<'_> {
    let mut numbers: FxHashMap<&[u8], u32> = FxHashMap::default();
    let mut elements: Vec<Element<'_>> = Vec::new();
    let mut adds = Vec::new();
    for &op in subject.operations.iter().filter(|op| op.f == F::Add) {
        let next = u32::try_from(elements.len()).expect("fewer elements than events");
        let number = *numbers.entry(subject.argument(op).bytes()).or_insert(next);
        adds.push((op, number));
        if number == next {
            elements.push(Element { first: op, soonest: op, first_seen: None, last_seen: None });
        } else {
            let element = &mut elements[number as usize];
            if end(op) < end(element.soonest) {
                element.soonest = op;
            }
        }
    }
    let (reads, flaw, doubt) = (Vec::new(), None, Verdict::Valid);
    let mut contents = Contents { subject, elements, reads, adds, flaw, doubt };
    for &op in subject.operations.iter().filter(|op| op.f == F::Get && op.is_ok()) {
        match subject.result(op).view() {
            View::List(items) | View::Set(items) => contents.read(op, items, &numbers),
            _ => {
                let misfit = subject.misfit(op, "a list of elements as the answer");
                contents.doubt = contents.doubt.join(misfit);
            }
        }
    }
    contents
}

impl<'a> Contents<'a> {
    fn read(
        &mut self,
        op: &'a Operation,
        items: impl Iterator<Item = Encoded<'a>>,
        numbers: &FxHashMap<&[u8], u32>,
    ) {
        let subject = self.subject;
        let mut read = Read { op, elements: Vec::new() };
        for item in items {
            let Some(&number) = numbers.get(item.bytes()) else {
                let what = || format!("{} was read, but never added", item.datum());
                self.flawed(Anomaly::GarbageRead, &[op], &what);
                continue;
            };
            let element = &mut self.elements[number as usize];
            if element.first.invoke > end(op) {
                let what = || format!("{} was read before any addition of it began", item.datum());
                let core = [element.first, op];
                self.flawed(Anomaly::FutureRead, &core, &what);
                continue;
            }
            if element.first_seen.is_none_or(|seen| end(op) < end(seen)) {
                element.first_seen = Some(op);
            }
            if element.last_seen.is_none_or(|seen| end(op) > end(seen)) {
                element.last_seen = Some(op);
            }
            read.elements.push(number);
        }
        read.elements.sort_unstable();
        if let Some(pair) = read.elements.windows(2).find(|pair| pair[0] == pair[1]) {
            let add = self.elements[pair[0] as usize].first;
            let what = || format!("{} is there twice", subject.shown(add.argument));
            self.flawed(Anomaly::Duplicated, &[add, op], &what);
        }
        read.elements.dedup();
        self.reads.push(read);
    }

    fn flawed(&mut self, anomaly: Anomaly, core: &[&'a Operation], what: &dyn Fn() -> String) {
        let size = Size::of_all(core);
        if self.flaw.as_ref().is_none_or(|(smallest, _)| size < *smallest) {
            self.flaw = Some((size, self.subject.witness(anomaly, core, true, &what())));
        }
    }

    /// Nothing contradicts.
    fn not_refuted(&self) -> Verdict {
        if self.reads.is_empty() && self.doubt == Verdict::Valid {
            let why = "no read was answered, which is all that could tell";
            return self.subject.unknown(Limit::Algorithm, why);
        }
        self.doubt.clone()
    }
}

fn size(verdict: &Verdict) -> Option<Size> {
    match verdict {
        Verdict::Invalid(witness) => Some(Size::of_witness(witness)),
        _ => None,
    }
}

pub(super) fn linearizable(subject: Subject<'_>) -> Judgement {
    let mut contents = contents(subject);
    let facts = facts(&contents);
    let contradiction = chain(&mut contents).or_else(|| order(&contents));
    // What is seen first is not always the smallest.
    let smallest = contradiction.as_ref().and_then(|_| smallest::smallest(&contents));
    let flaw = contents.flaw.take().map(|(_, verdict)| verdict);
    let contradictions = flaw.into_iter().chain(smallest.or(contradiction));
    let verdict = contradictions.min_by_key(size).unwrap_or_else(|| contents.not_refuted());
    Judgement { verdict, facts, claim: Some(Claim::ALONE) }
}

/// Sorts the reads by size. Two of which neither holds the other are a contradiction.
fn chain(contents: &mut Contents<'_>) -> Option<Verdict> {
    contents.reads.sort_by_key(|read| (read.elements.len(), read.op.invoke));
    for pair in contents.reads.windows(2) {
        let (small, large) = (&pair[0], &pair[1]);
        let missing =
            small.elements.iter().find(|number| large.elements.binary_search(number).is_err());
        if let Some(&missing) = missing {
            let element = &contents.elements[missing as usize];
            let (kind, what) = if end(small.op) < large.op.invoke {
                (classify(element, large.op), "the second read lacks what the first one holds")
            } else {
                (Anomaly::DivergentReads, "each of two reads lacks what the other one holds")
            };
            let mut core = vec![small.op, large.op, element.first];
            if kind == Anomaly::DivergentReads {
                let is_missing = |number: &&u32| small.elements.binary_search(number).is_err();
                let other = large.elements.iter().find(is_missing);
                core.extend(other.map(|&number| contents.elements[number as usize].first));
            }
            return Some(contents.subject.invalid(kind, &core, what));
        }
    }
    None
}

/// Whether an element that `read` lacks was seen again.
fn classify(element: &Element<'_>, read: &Operation) -> Anomaly {
    match element.last_seen {
        Some(seen) if seen.invoke > read.invoke => Anomaly::StaleRead,
        _ => Anomaly::Lost,
    }
}

/// An operation of the order, with its group.
#[derive(Clone, Copy)]
struct Placed<'a> {
    group: usize,
    /// The operation that began it, and the one that ended it.
    first: &'a Operation,
    last: &'a Operation,
    element: Option<u32>,
}

/// An order that explains all reads, by position: group by group, and the other additions of an
/// element after its first, as soon as time allows.
pub(super) fn order_of(subject: Subject<'_>) -> Option<Vec<u32>> {
    let mut contents = contents(subject);
    if contents.doubt != Verdict::Valid
        || contents.flaw.is_some()
        || chain(&mut contents).is_some()
        || order(&contents).is_some()
    {
        return None;
    }
    let mut sorted: Vec<&Operation> = groups(&contents).iter().map(|placed| placed.first).collect();
    let placed: FxHashSet<u32> = sorted.iter().map(|op| op.invoke).collect();
    let is_left = |op: &&&Operation| op.f == F::Add && op.is_ok() && !placed.contains(&op.invoke);
    for &late in subject.operations.iter().filter(is_left) {
        let comes_before = |op: &&Operation| op.argument == late.argument || end(op) < late.invoke;
        let after = sorted.iter().rposition(comes_before).map_or(0, |at| at + 1);
        sorted.insert(after, late);
    }
    let place = |op: &Operation| {
        let at = subject.operations.partition_point(|other| other.invoke < op.invoke);
        u32::try_from(at).expect("fewer operations than events")
    };
    Some(sorted.into_iter().map(place).collect())
}

/// A later group's operation that was over before an earlier group's began. The reads are a chain.
fn order(contents: &Contents<'_>) -> Option<Verdict> {
    let placed = groups(contents);
    let mut latest: Option<Placed<'_>> = None;
    let mut start = 0;
    while start < placed.len() {
        let group = placed[start].group;
        let next = start + placed[start..].partition_point(|other| other.group == group);
        if let Some(early) = latest
            && let Some(late) =
                placed[start..next].iter().find(|late| end(late.last) < early.first.invoke)
        {
            return Some(disorder(contents, early, *late));
        }
        for &other in &placed[start..next] {
            if latest.is_none_or(|early| other.first.invoke > early.first.invoke) {
                latest = Some(other);
            }
        }
        start = next;
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
        if group.is_some() || element.soonest.complete_index().is_some() {
            let group = group.unwrap_or(2 * (level + 1));
            let (first, last) = (element.first, element.soonest);
            placed.push(Placed { group, first, last, element: Some(number) });
        }
    }
    placed.sort_by_key(|other| (other.group, other.first.invoke));
    placed
}

fn disorder(contents: &Contents<'_>, early: Placed<'_>, late: Placed<'_>) -> Verdict {
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
            let kind =
                element.map_or(Anomaly::NotLinearizable, |element| classify(element, early.first));
            (kind, "the later read lacks what the one before it holds")
        }
        (Some(_), _) => {
            core.extend(between.map(|read| read.op));
            (
                Anomaly::StaleRead,
                "a read holds what was added later, and lacks what was there before",
            )
        }
    };
    contents.subject.invalid(kind, &core, what)
}

/// An element that the second read holds and the first one lacks.
fn missing(contents: &Contents<'_>, lacks: &Operation, holds: &Operation) -> Option<u32> {
    let read = |op: &Operation| contents.reads.iter().find(|r| r.op.invoke == op.invoke);
    let (lacks, holds) = (read(lacks)?, read(holds)?);
    holds.elements.iter().copied().find(|number| lacks.elements.binary_search(number).is_err())
}

/// For each element, the read that began last without it, after it was known.
fn late_absences<'a>(contents: &Contents<'a>) -> Vec<Option<&'a Operation>> {
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

fn is_lost(element: &Element<'_>, absence: &Operation) -> bool {
    element.last_seen.is_none_or(|seen| end(seen) < absence.invoke)
}

fn facts(contents: &Contents<'_>) -> Vec<Fact> {
    let absences = late_absences(contents);
    let elements = || contents.elements.iter().zip(absences.iter().copied());
    let count = |count: usize, name| Fact { name, count: count as u64 };
    let lost = |(element, absence): &(&Element<'_>, Option<&Operation>)| {
        absence.is_some_and(|absence| is_lost(element, absence))
    };
    let never = |(element, absence): &(&Element<'_>, Option<&Operation>)| {
        element.last_seen.is_none()
            && absence.is_none()
            && element.soonest.complete_index().is_some()
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

pub(super) fn eventual(subject: Subject<'_>) -> Judgement {
    let mut contents = contents(subject);
    if let Some((_, flaw)) = contents.flaw.take() {
        return flaw.into();
    }
    let facts = facts(&contents);
    let absences = late_absences(&contents);
    let lost = contents.elements.iter().zip(absences).find_map(|(element, absence)| {
        absence.filter(|absence| is_lost(element, absence)).map(|absence| (element, absence))
    });
    let verdict = match lost {
        Some((element, absence)) => {
            let added = subject.shown(element.first.argument);
            let what = format!("{added} is gone, and no later read has it");
            subject.invalid(Anomaly::Lost, &[element.first, element.proof(), absence], &what)
        }
        None => contents.not_refuted(),
    };
    Judgement { verdict, facts, claim: None }
}
