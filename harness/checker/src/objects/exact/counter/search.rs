//! The search for an order of additions and sums, from one told sum to the next.
//!
//! Only answers that tell the sum are placed one by one. What is added between one and the next is
//! a *batch*, whose order does not matter, and nothing is in a batch that can as well come later:
//!
//! - A batch and the answer after it must have begun before the first end among what remains. So a
//!   batch holds all that is over before that end, and a choice of what is over later.
//! - Of equal amounts that can be chosen under one such end, those that must be over first are: in
//!   any order that works two of them can change places.
//! - A batch that holds an amount and its opposite is left out: both can wait.
//! - If nothing is known of the sum so far, the first batch may have any sum, and holds no open
//!   additions.
//!
//! Without amounts below zero, or without any above, the answers are in order of their values, and
//! only batches are searched. Else each answer that may come next is tried; a read that fits at once
//! is placed at once.
//!
//! What was placed is remembered (Lowe, 2017), so that no set of additions is gone into twice.

use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::combos::{Combos, Group};
use super::{Add, Fixed, History, OPEN, in_order};
use crate::budget::{Limit, Meter};
use crate::memory;

/// Looks for an order; `in_order_of_value` if the answers are sorted and come in that order.
pub(super) fn search(
    history: &History,
    in_order_of_value: bool,
    meter: &mut Meter<'_>,
) -> Result<Option<Vec<u32>>, Limit> {
    let mut search = Search::new(history, in_order_of_value);
    if !search.run(meter)? {
        return Ok(None);
    }
    let steps = search.frames.iter().flat_map(|frame| {
        let adds = frame.batch.iter().map(|&at| &history.adds[at as usize]);
        let fixed = &history.fixed[frame.fixed as usize];
        adds.map(|add| (add.start, add.call)).chain([(fixed.start, fixed.call)])
    });
    Ok(Some(in_order(history, steps)))
}

/// Things that are placed and taken back.
struct Waiting {
    starts: Vec<u32>,
    ends: Vec<u32>,
    /// The list of those not placed, by beginning; the last entry is its head and its end.
    next: Vec<u32>,
    previous: Vec<u32>,
    by_end: Vec<u32>,
    /// The place of each in the order of ends.
    due: Vec<u32>,
    /// The place of the first one that is not placed, and the places of those that are, beyond it.
    first: u32,
    beyond: BTreeSet<u32>,
}

impl Waiting {
    fn new(spans: impl Iterator<Item = (u32, u32)>) -> Self {
        let (starts, ends): (Vec<u32>, Vec<u32>) = spans.unzip();
        let count = number(starts.len());
        let sorted = |keys: &[u32]| {
            let mut sorted: Vec<u32> = (0..count).collect();
            sorted.sort_unstable_by_key(|&at| keys[at as usize]);
            sorted
        };
        let by_end = sorted(&ends);
        let mut due = vec![0; starts.len()];
        for (place, &at) in (0..).zip(&by_end) {
            due[at as usize] = place;
        }
        let mut next = vec![count; starts.len() + 1];
        let mut previous = next.clone();
        let mut before = count;
        for at in sorted(&starts) {
            next[before as usize] = at;
            previous[at as usize] = before;
            before = at;
        }
        previous[count as usize] = before;
        Waiting { starts, ends, next, previous, by_end, due, first: 0, beyond: BTreeSet::new() }
    }

    /// What it takes in memory: in the set of those beyond, a number takes no more than 16 bytes.
    fn memory_bytes(&self) -> usize {
        let lists = [&self.starts, &self.ends, &self.next, &self.previous, &self.by_end, &self.due];
        lists.into_iter().map(memory::list).sum::<usize>() + 16 * self.starts.len()
    }

    fn are_placed(&self) -> bool {
        self.first as usize == self.starts.len()
    }

    /// Those not placed that began before some place, by beginning.
    fn begun(&self, before: u32) -> impl Iterator<Item = u32> {
        let head = self.starts.len();
        let mut next = self.next[head];
        std::iter::from_fn(move || {
            let at = next as usize;
            if at == head || self.starts[at] >= before {
                return None;
            }
            next = self.next[at];
            Some(number(at))
        })
    }

    /// The first end of those not placed, but for this one.
    fn first_end(&self, without: Option<u32>) -> u32 {
        let rest = (self.first..).zip(&self.by_end[self.first as usize..]);
        let mut waiting = rest.filter(|(place, _)| !self.beyond.contains(place));
        let first = waiting.find(|&(_, &at)| Some(at) != without);
        first.map_or(OPEN, |(_, &at)| self.ends[at as usize])
    }

    fn place(&mut self, at: u32) {
        let (next, previous) = (self.next[at as usize], self.previous[at as usize]);
        self.next[previous as usize] = next;
        self.previous[next as usize] = previous;
        self.beyond.insert(self.due[at as usize]);
        while self.beyond.remove(&self.first) {
            self.first += 1;
        }
    }

    /// Takes back what was placed last.
    fn take_back(&mut self, at: u32) {
        let (next, previous) = (self.next[at as usize], self.previous[at as usize]);
        self.next[previous as usize] = at;
        self.previous[next as usize] = at;
        let due = self.due[at as usize];
        if due < self.first {
            self.beyond.extend(due + 1..self.first);
            self.first = due;
        } else {
            self.beyond.remove(&due);
        }
    }

    fn key(&self, key: &mut Vec<u32>) {
        key.extend([self.first, number(self.beyond.len())]);
        key.extend(&self.beyond);
    }
}

/// Open additions of one amount, by beginning.
struct Class {
    amount: i128,
    members: Vec<u32>,
    starts: Vec<u32>,
    used: usize,
}

/// One answer placed, after a batch.
struct Frame {
    fixed: u32,
    /// Positions in the history's additions.
    batch: Vec<u32>,
    /// The sum before, if it was known.
    sum: Option<i128>,
    /// What to try instead; none if this was forced.
    instead: Option<Moves>,
}

impl Frame {
    /// What it owns in memory.
    fn owned_bytes(&self) -> usize {
        memory::list(&self.batch) + self.instead.as_ref().map_or(0, Moves::owned_bytes)
    }
}

/// Answers that may come next, and the batches before one of them.
struct Moves {
    candidates: std::vec::IntoIter<u32>,
    batches: Option<Batches>,
}

impl Moves {
    fn owned_bytes(&self) -> usize {
        let candidates = memory::block(size_of_val(self.candidates.as_slice()));
        candidates + self.batches.as_ref().map_or(0, Batches::owned_bytes)
    }
}

/// Batches that may come before an answer.
struct Batches {
    fixed: u32,
    /// The first end of other answers.
    limit: u32,
    /// Additions that have an end and may be in a batch, by end.
    pending: Vec<u32>,
    /// How many of them are over before the first end among what remains.
    forced: usize,
    choice: Option<Choice>,
}

impl Batches {
    fn owned_bytes(&self) -> usize {
        memory::list(&self.pending) + self.choice.as_ref().map_or(0, Choice::owned_bytes)
    }
}

/// What can be chosen under one such end.
struct Choice {
    combos: Combos,
    /// The members of each group.
    members: Vec<Vec<u32>>,
    forced: Vec<u32>,
}

impl Choice {
    fn owned_bytes(&self) -> usize {
        let members = self.members.iter().map(memory::list).sum::<usize>();
        let lists = memory::list(&self.members) + memory::list(&self.forced);
        self.combos.memory_bytes() + members + lists
    }
}

struct Search<'h> {
    history: &'h History,
    in_order_of_value: bool,
    /// Additions that have an end, as positions in the history's, and the reverse.
    ending: Vec<u32>,
    numbers: FxHashMap<u32, u32>,
    adds: Waiting,
    fixed: Waiting,
    classes: Vec<Class>,
    class_of: FxHashMap<u32, u32>,
    /// In order of value: from each answer on, the first end.
    first_ends: Vec<u32>,
    sum: Option<i128>,
    seen: FxHashSet<Box<[u32]>>,
    frames: Vec<Frame>,
    /// Bytes that what was seen and the frames own.
    owned: usize,
    /// What was owned when the meter was told last.
    told: usize,
    /// Bytes of what never grows.
    fixed_bytes: usize,
}

impl<'h> Search<'h> {
    fn new(history: &'h History, in_order_of_value: bool) -> Self {
        let History { adds, fixed, .. } = history;
        let (mut ending, mut open): (Vec<u32>, Vec<u32>) =
            (0..number(adds.len())).partition(|&at| adds[at as usize].end != OPEN);
        ending.sort_unstable_by_key(|&at| adds[at as usize].end);
        open.sort_unstable_by_key(|&at| adds[at as usize].start);
        let mut classes: Vec<Class> = Vec::new();
        let mut class_of = FxHashMap::default();
        let mut known: FxHashMap<i128, u32> = FxHashMap::default();
        for at in open {
            let Add { amount, start, .. } = adds[at as usize];
            let class = *known.entry(amount).or_insert_with(|| {
                classes.push(Class { amount, members: vec![], starts: vec![], used: 0 });
                number(classes.len() - 1)
            });
            classes[class as usize].members.push(at);
            classes[class as usize].starts.push(start);
            class_of.insert(at, class);
        }
        let mut first_ends = vec![OPEN; fixed.len() + 1];
        for (at, fixed) in fixed.iter().enumerate().rev() {
            first_ends[at] = fixed.end.min(first_ends[at + 1]);
        }
        let span = |&at: &u32| (adds[at as usize].start, adds[at as usize].end);
        let mut search = Search {
            history,
            in_order_of_value,
            numbers: ending.iter().copied().zip(0..).collect(),
            adds: Waiting::new(ending.iter().map(span)),
            ending,
            fixed: Waiting::new(fixed.iter().map(|fixed| (fixed.start, fixed.end))),
            classes,
            class_of,
            first_ends,
            sum: history.initial,
            seen: FxHashSet::default(),
            frames: Vec::new(),
            owned: 0,
            told: 0,
            fixed_bytes: 0,
        };
        let members = |class: &Class| memory::list(&class.members) + memory::list(&class.starts);
        search.fixed_bytes = search.adds.memory_bytes()
            + search.fixed.memory_bytes()
            + memory::list(&search.ending)
            + memory::list(&search.first_ends)
            + memory::list(&search.classes)
            + search.classes.iter().map(members).sum::<usize>()
            + memory::growing_hash_map(&search.numbers)
            + memory::growing_hash_map(&search.class_of);
        search
    }

    fn run(&mut self, meter: &mut Meter<'_>) -> Result<bool, Limit> {
        let mut moves = Some(self.arrive());
        loop {
            if self.fixed.are_placed() {
                return Ok(true);
            }
            let more = self.owned.saturating_sub(self.told);
            self.told = self.owned;
            meter.step(more, || self.memory_bytes())?;
            let made = match &mut moves {
                Some(moves) => self.next_move(moves, meter)?,
                None => None,
            };
            if let Some((fixed, batch)) = made {
                self.make(fixed, batch, moves.take());
                moves = self.is_new().then(|| self.arrive());
            } else {
                moves = self.back();
                if moves.is_none() {
                    return Ok(false);
                }
            }
        }
    }

    fn memory_bytes(&self) -> u64 {
        let entry = size_of::<Box<[u32]>>();
        let table = memory::growing_map(self.seen.len(), self.seen.capacity(), entry);
        let frames = memory::growing_list(&self.frames);
        (self.fixed_bytes + self.owned + table + frames) as u64
    }

    /// Places reads that fit at once; then what may come next.
    fn arrive(&mut self) -> Moves {
        if self.in_order_of_value {
            let next = number(self.frames.len());
            return Moves { candidates: vec![next].into_iter(), batches: None };
        }
        while let Some(read) = self.fitting_read() {
            self.make(read, Vec::new(), None);
        }
        let first_end = |at: u32| self.fixed.first_end(Some(at));
        let limit = self.fixed.first_end(None);
        // The one that must be over first may come next in any case.
        let first = self.fixed.by_end.get(self.fixed.first as usize).copied();
        let begun = self.fixed.begun(limit).filter(|&at| Some(at) != first);
        let mut candidates: Vec<u32> = first.into_iter().chain(begun).collect();
        candidates.retain(|&at| self.fixed.starts[at as usize] < first_end(at));
        Moves { candidates: candidates.into_iter(), batches: None }
    }

    fn fitting_read(&self) -> Option<u32> {
        let limit = self.adds.first_end(None).min(self.fixed.first_end(None));
        self.fixed.begun(limit).find(|&at| {
            let Fixed { before, after, .. } = self.history.fixed[at as usize];
            before == after && Some(before) == self.sum
        })
    }

    fn make(&mut self, fixed: u32, batch: Vec<u32>, instead: Option<Moves>) {
        for &at in &batch {
            match self.class_of.get(&at) {
                Some(&class) => self.classes[class as usize].used += 1,
                None => self.adds.place(self.numbers[&at]),
            }
        }
        self.fixed.place(fixed);
        let after = Some(self.history.fixed[fixed as usize].after);
        let sum = std::mem::replace(&mut self.sum, after);
        let frame = Frame { fixed, batch, sum, instead };
        self.owned += frame.owned_bytes();
        self.frames.push(frame);
    }

    /// Takes back the last move that had alternatives, and all forced ones after it.
    fn back(&mut self) -> Option<Moves> {
        while let Some(frame) = self.frames.pop() {
            self.owned -= frame.owned_bytes();
            let Frame { fixed, batch, sum, instead } = frame;
            self.fixed.take_back(fixed);
            for at in batch.iter().rev() {
                match self.class_of.get(at) {
                    Some(&class) => self.classes[class as usize].used -= 1,
                    None => self.adds.take_back(self.numbers[at]),
                }
            }
            self.sum = sum;
            if instead.is_some() {
                return instead;
            }
        }
        None
    }

    /// Whether what was placed was not placed before.
    fn is_new(&mut self) -> bool {
        let mut key = Vec::new();
        self.fixed.key(&mut key);
        self.adds.key(&mut key);
        for (number, class) in (0..).zip(&self.classes) {
            if class.used > 0 {
                key.extend([number, self::number(class.used)]);
            }
        }
        if self.history.initial.is_none() {
            let sum = self.sum.unwrap_or_default();
            let word = |word: [u8; 4]| u32::from_le_bytes(word);
            key.extend(sum.to_le_bytes().as_chunks().0.iter().copied().map(word));
        }
        let bytes = memory::block(size_of_val(&key[..]));
        let is_new = self.seen.insert(key.into());
        self.owned += if is_new { bytes } else { 0 };
        is_new
    }

    fn next_move(
        &self,
        moves: &mut Moves,
        meter: &mut Meter<'_>,
    ) -> Result<Option<(u32, Vec<u32>)>, Limit> {
        loop {
            if let Some(batches) = &mut moves.batches {
                if let Some(batch) = self.next_batch(batches, meter)? {
                    return Ok(Some((batches.fixed, batch)));
                }
                moves.batches = None;
            }
            let Some(fixed) = moves.candidates.next() else { return Ok(None) };
            moves.batches = Some(self.batches(fixed));
        }
    }

    fn batches(&self, fixed: u32) -> Batches {
        let limit = if self.in_order_of_value {
            self.first_ends[fixed as usize + 1]
        } else {
            self.fixed.first_end(Some(fixed))
        };
        let mut pending: Vec<u32> = self.adds.begun(limit).collect();
        pending.sort_unstable_by_key(|&at| self.adds.ends[at as usize]);
        Batches { fixed, limit, pending, forced: 0, choice: None }
    }

    fn next_batch(
        &self,
        batches: &mut Batches,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Vec<u32>>, Limit> {
        loop {
            if let Some(Choice { combos, members, forced }) = &mut batches.choice {
                if let Some(counts) = combos.next(meter)? {
                    let chosen = members.iter().zip(counts);
                    let chosen = chosen.flat_map(|(members, count)| &members[..count as usize]);
                    let mut batch: Vec<u32> = forced.iter().chain(chosen).copied().collect();
                    batch.sort_unstable_by_key(|&at| self.history.adds[at as usize].start);
                    return Ok(Some(batch));
                }
                batches.choice = None;
            }
            if batches.forced > batches.pending.len() {
                return Ok(None);
            }
            meter.work(batches.pending.len())?;
            batches.choice = self.choose(batches);
        }
    }

    /// The choice under the next end, and none where there is no batch under it.
    fn choose(&self, batches: &mut Batches) -> Option<Choice> {
        let Batches { fixed, limit, pending, forced, .. } = batches;
        let Fixed { start, end, before, .. } = self.history.fixed[*fixed as usize];
        let number = *forced;
        *forced += 1;
        let mut first_end = pending.get(number).map_or(OPEN, |&at| self.adds.ends[at as usize]);
        let (over, mut later) = pending.split_at(number);
        if first_end >= *limit {
            // This is the last choice: an answer ends first.
            first_end = *limit;
            *forced = usize::MAX;
        } else {
            later = &later[1..];
        }
        if over.iter().any(|&at| self.adds.starts[at as usize] >= end) {
            *forced = usize::MAX;
            return None;
        }
        if start >= first_end {
            return None;
        }
        let over: Vec<u32> = over.iter().map(|&at| self.ending[at as usize]).collect();
        let mut groups: Vec<Group> = Vec::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        let mut known: FxHashMap<i128, usize> = FxHashMap::default();
        for &at in later.iter().filter(|&&at| self.adds.starts[at as usize] < first_end.min(end)) {
            let at = self.ending[at as usize];
            let amount = self.history.adds[at as usize].amount;
            let group = *known.entry(amount).or_insert(groups.len());
            if group == groups.len() {
                groups.push(Group { amount, most: 0, is_open: false });
                members.push(Vec::new());
            }
            groups[group].most += 1;
            members[group].push(at);
        }
        // Where the counter may have begun anywhere, nothing needs to be added that may never be.
        for class in self.classes.iter().filter(|_| self.sum.is_some()) {
            let begun = class.starts.partition_point(|&start| start < first_end.min(end));
            if begun > class.used {
                let amount = class.amount;
                groups.push(Group {
                    amount,
                    most: self::number(begun - class.used),
                    is_open: true,
                });
                members.push(class.members[class.used..begun].to_vec());
            }
        }
        let sum: i128 = over.iter().map(|&at| self.history.adds[at as usize].amount).sum();
        let target = self.sum.map(|before_all| before - before_all - sum);
        Some(Choice { combos: Combos::new(groups, target), members, forced: over })
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32 operations")
}
