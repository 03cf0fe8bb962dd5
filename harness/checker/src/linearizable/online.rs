//! Checking while the run goes on: reads and writes of different values, by their zones.
//!
//! The law is that of [`Algorithm::Zones`](crate::Algorithm::Zones): no two values `u`, `v` with
//! `f_u < s_v` and `f_v < s_u`, where `f` is the first completion and `s` the last invocation
//! among the operations on a value. As events come in order, `f` is known once and for all when
//! it happens, and a pair can only begin to conflict when a read is completed that raises `s`.
//!
//! What is remembered is bounded by what is open. Let `m` be the invocation of the earliest read
//! still open, or now. Every read to come has an invocation of `m` at least. A value with
//! `f < m` stands against all of them by its `s` alone, of which the largest, `S`, is enough. And a
//! value whose `f` is below `S` cannot be read again without a contradiction, so that it is
//! forgotten: a read of it is then a read of a value that is not known. Values written twice are
//! told apart only as long as the first is remembered; the check trusts that they differ.

mod recent;

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::event::{Event, EventType, F};
use recent::Recent;

/// What is known after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Everything up to here has an order.
    Consistent,
    /// The event contradicts what came before; so does every longer history.
    Contradicted {
        /// The key.
        key: String,
        /// The value that was read.
        value: String,
        /// The index of the completion that cannot be.
        index: u64,
    },
    /// The history has operations that only a check of the whole can judge, such as a
    /// compare-and-set.
    Undecided,
}

/// Before everything; other places are indices plus one.
const START: u64 = 0;
const NEVER: u64 = u64::MAX;

/// One value that can still be read.
#[derive(Debug, Clone, Copy)]
struct Zone {
    first_completion: u64,
    last_invocation: u64,
    /// Its place among all values with a first completion.
    place: u64,
}

/// One register.
#[derive(Debug)]
struct Register {
    zones: FxHashMap<Box<str>, Zone>,
    /// Values with a first completion at which a read still open was already invoked.
    recent: Recent,
    /// Of all others, the largest last invocation, whose it is by place, and the second largest.
    latest: (u64, u64),
    second: u64,
    /// Invocations of reads in order, and whether each is still open.
    reads: VecDeque<(u64, bool)>,
    /// How many values to remember before looking for some to forget.
    enough: usize,
}

/// Values remembered without a thought.
const FEW: usize = 64;

impl Register {
    fn new() -> Self {
        let initial = Zone { first_completion: START, last_invocation: START, place: 0 };
        Register {
            zones: [("".into(), initial)].into_iter().collect(),
            recent: Recent::after_initial(),
            latest: (START, 0),
            second: START,
            reads: VecDeque::new(),
            enough: FEW,
        }
    }

    fn invoke_write(&mut self, value: &str, now: u64) {
        let zone = Zone { first_completion: NEVER, last_invocation: now, place: NEVER };
        self.zones.insert(value.into(), zone);
        if self.zones.len() > self.enough {
            self.forget(now);
        }
    }

    fn close_read(&mut self, invoke: u64, now: u64) {
        if let Ok(at) = self.reads.binary_search_by_key(&invoke, |&(invoke, _)| invoke) {
            self.reads[at].1 = false;
        }
        while self.reads.front().is_some_and(|&(_, open)| !open) {
            self.reads.pop_front();
        }
        self.sum_up(now);
    }

    /// The value exists for certain: its write, or the first read of it, is completed.
    fn appear(recent: &mut Recent, zone: &mut Zone, now: u64) {
        zone.first_completion = now;
        zone.place = recent.push(now, zone.last_invocation);
    }

    fn complete_write(&mut self, value: &str, now: u64) {
        if let Some(zone) = self.zones.get_mut(value)
            && zone.first_completion == NEVER
        {
            Self::appear(&mut self.recent, zone, now);
        }
    }

    /// Whether a read of `value`, invoked at `invoke` and completed now, fits.
    fn complete_read(&mut self, value: &str, invoke: u64, now: u64) -> bool {
        let Some(zone) = self.zones.get_mut(value) else { return false };
        zone.last_invocation = zone.last_invocation.max(invoke);
        if zone.first_completion == NEVER {
            Self::appear(&mut self.recent, zone, now);
            return true;
        }
        let Zone { first_completion, last_invocation, place } = *zone;
        if !self.recent.raise(place, last_invocation) {
            self.sum_up_one(place, last_invocation);
        }
        // What is summed up was first completed before this read was invoked, thus before
        // `last_invocation`.
        let summed_up = if self.latest.1 == place { self.second } else { self.latest.0 };
        let recent = self.recent.largest_before(last_invocation, place);
        summed_up.max(recent) <= first_completion
    }

    /// Sums up the values that no read to come was invoked before.
    fn sum_up(&mut self, now: u64) {
        let earliest = self.reads.front().map_or(now, |&(invoke, _)| invoke);
        while let Some((place, last_invocation)) = self.recent.pop_before(earliest) {
            self.sum_up_one(place, last_invocation);
        }
    }

    fn sum_up_one(&mut self, place: u64, last_invocation: u64) {
        if place == self.latest.1 {
            self.latest.0 = last_invocation;
        } else if last_invocation > self.latest.0 {
            self.second = self.latest.0;
            self.latest = (last_invocation, place);
        } else {
            self.second = self.second.max(last_invocation);
        }
    }

    /// Forgets the values that no read to come can return without a contradiction.
    fn forget(&mut self, now: u64) {
        self.sum_up(now);
        let (latest, second) = (self.latest, self.second);
        self.zones.retain(|_, zone| {
            let others = if zone.place == latest.1 { second } else { latest.0 };
            zone.first_completion >= others
        });
        self.enough = FEW.max(2 * self.zones.len());
    }
}

/// An operation on its way.
#[derive(Debug)]
struct Open {
    key: u32,
    f: F,
    /// What it writes; empty for a read.
    value: Box<str>,
    invoke: u64,
}

/// Checks a key-value store with puts of different values and gets, event by event.
///
/// ```
/// use checker::online::{Checker, Progress};
/// use checker::{Event, EventType::{Invoke, Ok}, F};
///
/// let mut checker = Checker::new();
/// let mut index = 0;
/// let mut say = |r#type, f, value: &'static str| {
///     index += 1;
///     let (client, key) = ("".into(), "x".into());
///     checker
///         .push(&Event {
///             index, time_ns: index, process: 1, client, r#type, f, key,
///             value: Some(value.into()), node: None, error: None,
///         })
///         .clone()
/// };
/// say(Invoke, F::Put, "a");
/// say(Ok, F::Put, "a");
/// say(Invoke, F::Get, "");
/// assert_eq!(say(Ok, F::Get, "a"), Progress::Consistent);
/// say(Invoke, F::Get, "");
/// assert!(matches!(say(Ok, F::Get, ""), Progress::Contradicted { index: 6, .. }));
/// ```
#[derive(Debug)]
pub struct Checker {
    keys: FxHashMap<Box<str>, u32>,
    registers: Vec<Register>,
    open: FxHashMap<u64, Open>,
    progress: Progress,
}

impl Default for Checker {
    fn default() -> Self {
        Checker::new()
    }
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new() -> Self {
        Checker {
            keys: FxHashMap::default(),
            registers: Vec::new(),
            open: FxHashMap::default(),
            progress: Progress::Consistent,
        }
    }

    /// Takes the next event of the project's own kind. Events must come in order, and fit
    /// together as a [`Recorder`](crate::Recorder) wants them to; a completion without an
    /// invocation is passed over. Once contradicted or undecided it stays so.
    pub fn push(&mut self, entry: &Event<'_>) -> &Progress {
        if self.progress == Progress::Consistent {
            match entry.r#type {
                EventType::Invoke => self.invoke(entry),
                EventType::Ok | EventType::Fail | EventType::Info => self.complete(entry),
            }
        }
        &self.progress
    }

    /// What is known so far.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    fn invoke(&mut self, entry: &Event<'_>) {
        let now = entry.index + 1;
        let key = self.key(&entry.key);
        let register = &mut self.registers[key as usize];
        let value = match (entry.f, entry.value.as_deref()) {
            (F::Get, _) => {
                register.reads.push_back((now, true));
                ""
            }
            (F::Put, Some(value)) if !register.zones.contains_key(value) => {
                register.invoke_write(value, now);
                value
            }
            _ => {
                self.progress = Progress::Undecided;
                return;
            }
        };
        let open = Open { key, f: entry.f, value: value.into(), invoke: now };
        self.open.insert(entry.process, open);
    }

    fn complete(&mut self, entry: &Event<'_>) {
        let Some(Open { key, f, value, invoke }) = self.open.remove(&entry.process) else { return };
        let register = &mut self.registers[key as usize];
        let now = entry.index + 1;
        let read = entry.value.as_deref().unwrap_or_default();
        let fits = match (f, entry.r#type) {
            (F::Get, EventType::Ok) => {
                let fits = register.complete_read(read, invoke, now);
                register.close_read(invoke, now);
                fits
            }
            (F::Get, _) => {
                register.close_read(invoke, now);
                true
            }
            (_, EventType::Ok) => {
                register.complete_write(&value, now);
                true
            }
            // It never took effect, unless it has already been read.
            (_, EventType::Fail) => {
                register.zones.remove(&value).is_none_or(|zone| zone.first_completion == NEVER)
            }
            (_, _) => true,
        };
        if !fits {
            let value = if f == F::Get { read } else { &value };
            let (key, value) = (entry.key.to_string(), value.to_owned());
            self.progress = Progress::Contradicted { key, value, index: entry.index };
        }
    }

    fn key(&mut self, key: &str) -> u32 {
        if let Some(&known) = self.keys.get(key) {
            return known;
        }
        let next = u32::try_from(self.registers.len()).expect("a key takes more than a byte");
        self.registers.push(Register::new());
        self.keys.insert(key.into(), next);
        next
    }
}

#[cfg(test)]
mod tests;
