//! Sets that only grow: `add` puts an element in, `read` returns all of them.
//!
//! [`linearizable`] decides linearizability exactly where no element is added twice. The answered
//! reads must be a chain by inclusion; then an element belongs between the last read without it
//! and the first one with it, which puts all operations into groups whose order is forced. Inside
//! a group any order will do, so that the set is linearizable exactly if no operation of a later
//! group was over before one of an earlier group began. An element added more than once counts
//! from the first of its invocations to the first of its completions, which is necessary, but a
//! contradiction between its additions goes unseen. O((elements + size of all reads) · log n); reads
//! that hold the same elements are looked through once.
//!
//! [`eventual`] is Jepsen's `set-full` without `linearizable?`: late reads are counted as stale
//! and forgiven; what is acknowledged or seen, and then missing for good, is lost.

mod smallest;

use super::confirm::Claim;
use super::{Fact, Judgement, Subject, end};
use crate::budget::{Limit, Meter};
use crate::datum::{Encoded, View};
use crate::event::F;
use crate::history::{Operation, Value};
use crate::intern::Interner;
use crate::memory;
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

#[derive(Clone, Copy)]
struct Read<'a> {
    op: &'a Operation,
    /// What it holds, by number in [`Contents::lists`].
    list: u32,
}

/// The reads that hold the same elements.
#[derive(Clone, Copy)]
struct Readers<'a> {
    /// The one that was over first, and the one that was over last.
    first_over: &'a Operation,
    last_over: &'a Operation,
    /// The one that began last.
    last_begun: &'a Operation,
    /// When the last of the elements began to be added for the first time.
    complete: u32,
}

struct Contents<'a> {
    subject: Subject<'a>,
    elements: Vec<Element<'a>>,
    reads: Vec<Read<'a>>,
    /// What reads hold: numbers of elements, sorted. Equal ones are there once.
    lists: Interner<Box<[u32]>>,
    /// Bytes of the lists themselves.
    owned: usize,
    /// By list: the operations that read it.
    readers: Vec<Readers<'a>>,
    /// By answer: its list, if nothing is wrong with it.
    known: FxHashMap<Value, u32>,
    /// All additions, by invocation, each with its element.
    adds: Vec<(&'a Operation, u32)>,
    /// The smallest of what is wrong with one read however time went.
    flaw: Option<(Size, Verdict)>,
    /// Valid, or that an answer could not be read.
    doubt: Verdict,
}

/// The elements by their values.
type Numbers<'a> = FxHashMap<&'a [u8], u32>;

/// What was added and read; or that the budget is spent, unless something is wrong with a read however
/// time went.
fn contents<'a>(subject: Subject<'a>, meter: &mut Meter<'_>) -> Result<Contents<'a>, Verdict> {
    let mut numbers: Numbers<'a> = FxHashMap::default();
    let mut elements: Vec<Element<'a>> = Vec::new();
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
        meter.work(1).map_err(|limit| subject.spent(limit))?;
    }
    let mut contents = Contents {
        subject,
        elements,
        reads: Vec::new(),
        lists: Interner::new(),
        owned: 0,
        readers: Vec::new(),
        known: FxHashMap::default(),
        adds,
        flaw: None,
        doubt: Verdict::Valid,
    };
    for &op in subject.operations.iter().filter(|op| op.f == F::Get && op.is_ok()) {
        if let Err(spent) = contents.read(op, &numbers, meter) {
            return Err(contents.flaw.map_or(spent, |(_, flaw)| flaw));
        }
    }
    contents.see();
    Ok(contents)
}

impl<'a> Contents<'a> {
    fn read(
        &mut self,
        op: &'a Operation,
        numbers: &Numbers<'a>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Verdict> {
        let list = match self.known.get(&op.result) {
            Some(&list) => list,
            None => match self.subject.result(op).view() {
                View::List(items) | View::Set(items) => {
                    let (list, is_sound) = self.list(op, items, numbers, meter)?;
                    if is_sound {
                        self.known.insert(op.result, list);
                    }
                    list
                }
                _ => {
                    let misfit = self.subject.misfit(op, "a list of elements as the answer");
                    self.doubt = std::mem::replace(&mut self.doubt, Verdict::Valid).join(misfit);
                    return Ok(());
                }
            },
        };
        let readers = &mut self.readers[list as usize];
        if end(op) < end(readers.first_over) {
            readers.first_over = op;
        }
        if end(op) > end(readers.last_over) {
            readers.last_over = op;
        }
        if op.invoke > readers.last_begun.invoke {
            readers.last_begun = op;
        }
        let is_too_soon = readers.complete > end(op);
        self.reads.push(Read { op, list });
        meter.work(1).map_err(|limit| self.subject.spent(limit))?;
        if is_too_soon {
            self.read_too_soon(op, numbers);
        }
        Ok(())
    }

    /// The list of an answer, and whether each of its elements was added, and is there once.
    fn list(
        &mut self,
        op: &'a Operation,
        items: impl Iterator<Item = Encoded<'a>>,
        numbers: &Numbers<'a>,
        meter: &mut Meter<'_>,
    ) -> Result<(u32, bool), Verdict> {
        let subject = self.subject;
        let mut elements: Vec<u32> = Vec::new();
        let (mut complete, mut is_sound) = (0, true);
        for item in items {
            let Some(&number) = numbers.get(item.bytes()) else {
                let what = || format!("{} was read, but never added", item.datum());
                self.flawed(Anomaly::GarbageRead, &[op], &what);
                is_sound = false;
                continue;
            };
            complete = complete.max(self.elements[number as usize].first.invoke);
            elements.push(number);
            meter.work(1).map_err(|limit| subject.spent(limit))?;
        }
        elements.sort_unstable();
        if let Some(pair) = elements.windows(2).find(|pair| pair[0] == pair[1]) {
            let add = self.elements[pair[0] as usize].first;
            let what = || format!("{} is there twice", subject.shown(add.argument));
            self.flawed(Anomaly::Duplicated, &[add, op], &what);
            is_sound = false;
            elements.dedup();
        }
        let more = memory::block(size_of_val(&elements[..]));
        let list = self.lists.intern(elements.into());
        if list as usize == self.readers.len() {
            self.owned += more;
            self.readers.push(Readers { first_over: op, last_over: op, last_begun: op, complete });
        }
        meter.take(more, || self.memory_bytes()).map_err(|limit| subject.spent(limit))?;
        Ok((list, is_sound))
    }

    /// An answer with an element that was not yet added.
    fn read_too_soon(&mut self, op: &'a Operation, numbers: &Numbers<'a>) {
        let (View::List(items) | View::Set(items)) = self.subject.result(op).view() else {
            return;
        };
        for item in items {
            let first = numbers.get(item.bytes()).map(|&at| self.elements[at as usize].first);
            if let Some(first) = first.filter(|first| first.invoke > end(op)) {
                let what = || format!("{} was read before any addition of it began", item.datum());
                self.flawed(Anomaly::FutureRead, &[first, op], &what);
            }
        }
    }

    fn flawed(&mut self, anomaly: Anomaly, core: &[&'a Operation], what: &dyn Fn() -> String) {
        let size = Size::of_all(core);
        if self.flaw.as_ref().is_none_or(|(smallest, _)| size < *smallest) {
            self.flaw = Some((size, self.subject.witness(anomaly, core, true, &what())));
        }
    }

    /// Notes for each element the reads that saw it.
    fn see(&mut self) {
        for (list, readers) in (0u32..).zip(&self.readers) {
            for &number in self.lists.get(list) {
                let element = &mut self.elements[number as usize];
                if element.first_seen.is_none_or(|seen| end(readers.first_over) < end(seen)) {
                    element.first_seen = Some(readers.first_over);
                }
                if element.last_seen.is_none_or(|seen| end(readers.last_over) > end(seen)) {
                    element.last_seen = Some(readers.last_over);
                }
            }
        }
    }

    /// What a read holds.
    fn held(&self, read: &Read<'_>) -> &[u32] {
        self.lists.get(read.list)
    }

    fn has(&self, read: &Read<'_>, number: u32) -> bool {
        self.held(read).binary_search(&number).is_ok()
    }

    /// What the lists take, besides what is there for each operation.
    fn memory_bytes(&self) -> u64 {
        (self.owned + self.lists.memory_bytes()) as u64
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
    let mut contents = match contents(subject, &mut Meter::new(subject.budget)) {
        Ok(contents) => contents,
        Err(verdict) => return Judgement { claim: Some(Claim::ALONE), ..verdict.into() },
    };
    let facts = facts(&contents, &late_absences(&contents));
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
    let lists = &contents.lists;
    contents.reads.sort_by_key(|read| (lists.get(read.list).len(), read.op.invoke));
    let contents = &*contents;
    for pair in contents.reads.windows(2).filter(|pair| pair[0].list != pair[1].list) {
        let (small, large) = (&pair[0], &pair[1]);
        let missing = contents.held(small).iter().find(|&&number| !contents.has(large, number));
        if let Some(&missing) = missing {
            let element = &contents.elements[missing as usize];
            let (kind, what) = if end(small.op) < large.op.invoke {
                (classify(element, large.op), "the second read lacks what the first one holds")
            } else {
                (Anomaly::DivergentReads, "each of two reads lacks what the other one holds")
            };
            let mut core = vec![small.op, large.op, element.first];
            if kind == Anomaly::DivergentReads {
                let other =
                    contents.held(large).iter().find(|&&number| !contents.has(small, number));
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
    let mut contents = contents(subject, &mut Meter::new(subject.budget)).ok()?;
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
        if (subject.budget.stop)() {
            return None;
        }
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
        let held = contents.held(read);
        if size != Some(held.len()) {
            size = Some(held.len());
            level += 1;
            for &number in held {
                group_of[number as usize].get_or_insert(2 * level);
            }
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
        let has = |number: u32| contents.has(read, number);
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
    contents.held(holds).iter().copied().find(|&number| !contents.has(lacks, number))
}

/// For each element, the read that began last without it, after it was known.
fn late_absences<'a>(contents: &Contents<'a>) -> Vec<Option<&'a Operation>> {
    let mut by_begin: Vec<(u32, &Operation)> =
        (0u32..).zip(contents.readers.iter().map(|readers| readers.last_begun)).collect();
    by_begin.sort_by_key(|(_, read)| std::cmp::Reverse(read.invoke));
    // Of each element, how many of the last lists hold it, up to the first that does not.
    let mut held = vec![0; contents.elements.len()];
    for (place, &(list, _)) in by_begin.iter().enumerate() {
        for &number in contents.lists.get(list) {
            let held = &mut held[number as usize];
            *held += usize::from(*held == place);
        }
    }
    let absence = |(held, element): (usize, &Element<'a>)| {
        let (_, read) = by_begin.get(held)?;
        (read.invoke > element.known()).then_some(*read)
    };
    held.into_iter().zip(&contents.elements).map(absence).collect()
}

fn is_lost(element: &Element<'_>, absence: &Operation) -> bool {
    element.last_seen.is_none_or(|seen| end(seen) < absence.invoke)
}

fn facts(contents: &Contents<'_>, absences: &[Option<&Operation>]) -> Vec<Fact> {
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

/// The elements that what a process read last, after all additions were over, lacks although they were there before,
/// each with the first such read.
fn lacking<'a, 'c>(contents: &'c Contents<'a>) -> Vec<(&'c Element<'a>, &'a Operation)> {
    let over = contents.adds.iter().filter_map(|(add, _)| add.complete_index()).max();
    let over = over.unwrap_or_default();
    let mut last: FxHashMap<u32, &Read<'a>> = FxHashMap::default();
    for read in contents.reads.iter().filter(|read| u64::from(read.op.invoke) > over) {
        let known = last.entry(read.op.process).or_insert(read);
        if read.op.invoke > known.op.invoke {
            *known = read;
        }
    }
    let mut last: Vec<&Read<'a>> = last.into_values().collect();
    last.sort_by_key(|read| read.op.invoke);
    let lacks = |(n, element): (u32, &'c Element<'a>)| {
        let is_without =
            |read: &&&Read<'a>| element.known() < read.op.invoke && !contents.has(read, n);
        last.iter().find(is_without).map(|read| (element, read.op))
    };
    (0u32..).zip(&contents.elements).filter_map(lacks).collect()
}

/// How long after their additions were acknowledged elements were last missed by a read, in milliseconds: zero for those
/// that no later read missed.
fn stable_latencies(contents: &Contents<'_>, absences: &[Option<&Operation>]) -> Vec<Fact> {
    let late = contents.elements.iter().zip(absences).filter_map(|(element, absence)| {
        let acknowledged = element.soonest.complete_ns()?;
        Some(absence.map_or(0, |read| read.invoke_ns.saturating_sub(acknowledged)))
    });
    let mut late: Vec<u64> = late.collect();
    late.sort_unstable();
    let at = |place: usize| late.get(place).copied().unwrap_or(0) / 1_000_000;
    let last = late.len().saturating_sub(1);
    vec![
        Fact { name: "stable latency in ms, median", count: at(last / 2) },
        Fact { name: "stable latency in ms, 99 of 100", count: at(last * 99 / 100) },
        Fact { name: "stable latency in ms, longest", count: at(last) },
    ]
}

/// `converges`: in the end each process that reads has all of it.
pub(super) fn eventual(subject: Subject<'_>, converges: bool) -> Judgement {
    let mut contents = match contents(subject, &mut Meter::new(subject.budget)) {
        Ok(contents) => contents,
        Err(verdict) => return verdict.into(),
    };
    if let Some((_, flaw)) = contents.flaw.take() {
        return flaw.into();
    }
    let absences = late_absences(&contents);
    let mut facts = facts(&contents, &absences);
    let lacking = if converges { lacking(&contents) } else { Vec::new() };
    if converges {
        facts.push(Fact { name: "lacking in the end", count: lacking.len() as u64 });
        facts.extend(stable_latencies(&contents, &absences));
    }
    let lost = contents.elements.iter().zip(absences).find_map(|(element, absence)| {
        absence.filter(|absence| is_lost(element, absence)).map(|absence| (element, absence))
    });
    let verdict = match lost {
        Some((element, absence)) => {
            let added = subject.shown(element.first.argument);
            let what = format!("{added} is gone, and no later read has it");
            subject.invalid(Anomaly::Lost, &[element.first, element.proof(), absence], &what)
        }
        None => match lacking.first() {
            Some(&(element, read)) => {
                let added = subject.shown(element.first.argument);
                let what = format!(
                    "{added} never came to the reader: what it reads last, after all additions were over, lacks it"
                );
                let core = [element.first, element.proof(), read];
                subject.invalid(Anomaly::Lost, &core, &what)
            }
            None => contents.not_refuted(),
        },
    };
    Judgement { verdict, facts, claim: None }
}
