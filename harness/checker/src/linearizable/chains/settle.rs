//! What was refused, settled on the order of the blocks.
//!
//! Each value of the order gets a *station*: its write, and a *slot*, the event after which it takes
//! effect, as early as it can. A refused compare-and-set from `v` is explained unless `v` is there
//! all the time from its invocation to its completion. From the last value to the first, those
//! that are not explained so far are helped in one of two ways: the write of `v` moves back behind
//! the invocation of the refused, which lets the value before `v` stay longer; or, once no operation needs
//! `v` any more, an unseen open write takes its place. That is O(n log n), and explains
//! nearly all. Around each that is left, a few stations are taken apart and put together again by
//! search ([`window`](super::window)), more of them each time; or the few operations around it are
//! shown to contradict one another whatever the rest did ([`excerpt`](super::excerpt)). If neither
//! comes to an end, nothing is said.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::excerpt::Excerpt;
use super::window::Window;
use super::{Chains, Core, Link};
use crate::budget::Budget;
use crate::event::F;
use crate::history::{OPEN, Operation, Value};
use crate::linearizable::zones::NOBODY;

/// The slot before the first event.
pub(super) const FIRST: i64 = -1;

/// So many stations to each side of what is not explained are taken apart at first, and at most.
const REACH: std::ops::RangeInclusive<usize> = 4..=512;

/// From this reach on, a contradiction is sought as well.
const LEAST_EXCERPT: usize = 16;

/// So many refused operations are settled one by one.
const MOST_UNEXPLAINED: usize = 20_000;

/// A write that takes effect, and the event after which it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Station {
    /// Its position; none for the initial value.
    pub(super) write: u32,
    pub(super) slot: i64,
}

/// What settling came to.
#[derive(Debug)]
pub(super) enum Settled {
    /// The writes in an order that explains everything.
    Order(Vec<Station>),
    Contradiction(Core),
    /// Not found out.
    Open,
}

/// Unseen open writes that are not in use.
#[derive(Debug, Default)]
pub(super) struct Spare {
    /// By invocation; each is a position, too.
    writes: BTreeSet<(i64, u32)>,
    /// Those whose value was refused to a swap.
    named: BTreeSet<(i64, u32)>,
    /// Swaps by what they expect.
    swaps: FxHashMap<Value, BTreeSet<(i64, u32)>>,
}

impl Spare {
    fn set(&mut self, chains: &Chains<'_>, op: &Operation) -> &mut BTreeSet<(i64, u32)> {
        match op.f {
            F::Cas => self.swaps.entry(op.result).or_default(),
            _ if chains.refused.contains(&op.argument) => &mut self.named,
            _ => &mut self.writes,
        }
    }

    pub(super) fn put(&mut self, chains: &Chains<'_>, position: u32) {
        let op = chains.op(position);
        self.set(chains, op).insert((i64::from(op.invoke), position));
    }

    pub(super) fn remove(&mut self, chains: &Chains<'_>, position: u32) {
        let op = chains.op(position);
        self.set(chains, op).remove(&(i64::from(op.invoke), position));
    }

    /// Takes the latest that could take the place of a value by a slot.
    fn take(&mut self, chains: &Chains<'_>, value: Value, by: i64) -> Option<(i64, u32)> {
        let is_plain = |&&(_, at): &&(i64, u32)| !chains.refused.contains(&chains.op(at).argument);
        let until = ..=(by, u32::MAX);
        let swap = self.swaps.get(&value).and_then(|set| set.range(until).rfind(is_plain));
        let found = swap.or_else(|| self.writes.range(until).next_back()).copied()?;
        self.remove(chains, found.1);
        Some(found)
    }

    /// The latest `count` writes of each kind that began by a slot.
    pub(super) fn latest(&self, by: i64, count: usize) -> impl Iterator<Item = u32> {
        let sets = [&self.writes, &self.named].into_iter();
        sets.flat_map(move |set| {
            set.range(..=(by, u32::MAX)).rev().take(count).map(|&(_, position)| position)
        })
    }

    /// The first two swaps of a value.
    pub(super) fn swaps(&self, value: Value) -> impl Iterator<Item = u32> {
        let set = self.swaps.get(&value).into_iter();
        set.flat_map(|set| set.iter().take(2).map(|&(_, position)| position))
    }
}

/// An order on its way to explain everything.
pub(super) struct Settling<'c, 'a> {
    pub(super) chains: &'c Chains<'a>,
    pub(super) stations: Vec<Station>,
    pub(super) spare: Spare,
    /// By when each value must be there, by its place among all.
    deadlines: Vec<i64>,
    /// The longest of what was read or refused, in events.
    pub(super) longest: i64,
    /// What was refused and is not explained, by position.
    unexplained: Vec<u32>,
}

impl Chains<'_> {
    /// Settles what was refused on the order of these values, with unseen writes in between.
    pub(super) fn settle(&self, values: &[Value], budget: Budget<'_>) -> Settled {
        let Some(mut settling) = Settling::new(self, values) else { return Settled::Open };
        settling.move_back(values);
        settling.finish(budget)
    }

    /// The slot until which a value must stay for its reads.
    fn last_needed(&self, link: &Link) -> i64 {
        match link.reads.last {
            NOBODY => FIRST,
            last => i64::from(self.op(last).invoke),
        }
    }

    /// By when the write of each value must have taken effect, by the place of the value.
    fn deadlines(&self, values: &[Value]) -> Vec<i64> {
        let end = |at: u32| match at {
            NOBODY => i64::MAX,
            at if self.op(at).complete == OPEN => i64::MAX,
            at => i64::from(self.op(at).complete),
        };
        let mut deadlines = vec![i64::MAX; self.links.len()];
        for &value in values.iter().rev() {
            let link = &self.links[value];
            let next = match link.next {
                NOBODY => i64::MAX,
                next => deadlines[self.place(self.op(next).argument)],
            };
            let ends = end(link.write).min(end(link.reads.first));
            deadlines[self.place(value)] = ends.min(next);
        }
        deadlines
    }

    /// Positions of what was refused, by the value that it expected.
    fn refusals(&self) -> FxHashMap<Value, Vec<u32>> {
        let mut refusals: FxHashMap<Value, Vec<u32>> = FxHashMap::default();
        for (position, op) in (0u32..).zip(self.operations) {
            if op.refused {
                refusals.entry(op.result).or_default().push(position);
            }
        }
        refusals
    }

    fn spare(&self) -> Spare {
        let mut spare = Spare::default();
        for (position, op) in (0u32..).zip(self.operations) {
            let is_change = op.f != F::Get && !op.refused;
            if is_change && !self.took_effect(&self.links[op.argument]) {
                spare.put(self, position);
            }
        }
        spare
    }

    /// Invocation and completion.
    pub(super) fn interval(&self, position: u32) -> (i64, i64) {
        let op = self.op(position);
        (i64::from(op.invoke), i64::from(op.complete))
    }
}

impl<'c, 'a> Settling<'c, 'a> {
    fn new(chains: &'c Chains<'a>, values: &[Value]) -> Option<Self> {
        let deadlines = chains.deadlines(values);
        let stations = stations(chains, values, &deadlines)?;
        let spare = if chains.refused.is_empty() { Spare::default() } else { chains.spare() };
        let is_look = |op: &&&Operation| op.complete != OPEN && (op.f == F::Get || op.refused);
        let looks = chains.operations.iter().filter(is_look);
        let longest = looks.map(|op| i64::from(op.complete - op.invoke)).max().unwrap_or(0);
        Some(Settling { chains, stations, spare, deadlines, longest, unexplained: Vec::new() })
    }

    /// From the last value to the first: what can be explained without another order is.
    fn move_back(&mut self, values: &[Value]) {
        let chains = self.chains;
        let refusals = chains.refusals();
        let mut inserted: Vec<(usize, Station)> = Vec::new();
        for at in (0..values.len()).rev() {
            let value = values[at];
            let Some(refusals) = refusals.get(&value) else { continue };
            let end = self.stations.get(at + 1).map_or(i64::MAX, |next| next.slot);
            let slot = self.stations[at].slot;
            let held = || {
                refusals.iter().filter(move |&&refused| {
                    let (begin, over) = chains.interval(refused);
                    slot < begin && end >= over
                })
            };
            let Some(latest) = held().map(|&refused| chains.interval(refused).0).max() else {
                continue;
            };
            let link = &chains.links[value];
            if link.write != NOBODY && latest < self.deadline(value) {
                self.stations[at].slot = latest;
                continue;
            }
            let first_over = held().map(|&refused| chains.interval(refused).1).min();
            let first_over = first_over.unwrap_or(end);
            let needed = chains.last_needed(link).max(slot);
            let taken = (link.next == NOBODY && needed < first_over)
                .then(|| self.spare.take(chains, value, first_over - 1))
                .flatten();
            match taken {
                Some((invoke, write)) => {
                    inserted.push((at + 1, Station { write, slot: invoke.max(needed) }));
                }
                None => self.unexplained.extend(held()),
            }
        }
        if !inserted.is_empty() {
            let mut inserted = inserted.into_iter().rev().peekable();
            let mut stations = Vec::with_capacity(self.stations.len() + inserted.len());
            for (at, &station) in self.stations.iter().enumerate() {
                stations.extend(inserted.next_if(|&(place, _)| place == at).map(|(_, new)| new));
                stations.push(station);
            }
            stations.extend(inserted.map(|(_, new)| new));
            self.stations = stations;
        }
        self.unexplained.sort_unstable();
    }

    /// Explains one by one what is left.
    fn finish(mut self, budget: Budget<'_>) -> Settled {
        let unexplained = std::mem::take(&mut self.unexplained);
        if unexplained.len() > MOST_UNEXPLAINED {
            return Settled::Open;
        }
        for refused in unexplained {
            let mut reach = *REACH.start();
            while let Some(at) = self.where_unexplained(refused) {
                let window = Window::new(&self, at, reach);
                let found = window.and_then(|window| window.search(&self, budget));
                if let Some((first, end, stations)) = found {
                    self.replace(first, end, &stations);
                    debug_assert_eq!(self.where_unexplained(refused), None, "the window has it");
                    break;
                }
                if reach >= LEAST_EXCERPT {
                    let excerpt = Excerpt::around(self.chains, refused, reach);
                    if let Some(core) = excerpt.contradiction(budget) {
                        return Settled::Contradiction(core);
                    }
                }
                reach *= 2;
                if !REACH.contains(&reach) || (budget.stop)() {
                    return Settled::Open;
                }
            }
        }
        Settled::Order(self.stations)
    }

    pub(super) fn deadline(&self, value: Value) -> i64 {
        self.deadlines[self.chains.place(value)]
    }

    pub(super) fn value(&self, station: Station) -> Value {
        self.chains.value(station)
    }

    /// The station whose value is there all the time that something was refused, if it is the one
    /// that was expected.
    fn where_unexplained(&self, refused: u32) -> Option<usize> {
        let (begin, over) = self.chains.interval(refused);
        let at = self.stations.partition_point(|station| station.slot < over).checked_sub(1)?;
        let station = self.stations[at];
        let expected = self.chains.op(refused).result;
        (self.value(station) == expected && station.slot < begin).then_some(at)
    }

    fn replace(&mut self, first: usize, end: usize, stations: &[Station]) {
        let chains = self.chains;
        let is_spare = |station: &&Station| {
            !chains.took_effect(&chains.links[chains.op(station.write).argument])
        };
        for old in self.stations[first..end].iter().filter(is_spare) {
            self.spare.put(chains, old.write);
        }
        for new in stations.iter().filter(is_spare) {
            self.spare.remove(chains, new.write);
        }
        if stations.len() == end - first {
            self.stations[first..end].copy_from_slice(stations);
        } else {
            self.stations.splice(first..end, stations.iter().copied());
        }
    }
}

/// When each value's write takes effect at the earliest; none if that is too late for any.
fn stations(chains: &Chains<'_>, values: &[Value], deadlines: &[i64]) -> Option<Vec<Station>> {
    let mut stations = Vec::with_capacity(values.len());
    let mut slot = FIRST;
    for &value in values {
        let link = &chains.links[value];
        if link.write != NOBODY {
            slot = slot.max(i64::from(chains.op(link.write).invoke));
            if slot >= deadlines[chains.place(value)] {
                return None;
            }
        } else if slot > FIRST {
            return None;
        }
        stations.push(Station { write: link.write, slot });
        slot = slot.max(chains.last_needed(link));
    }
    Some(stations)
}
