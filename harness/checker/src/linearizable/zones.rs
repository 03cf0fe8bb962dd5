//! Registers whose writes are unique: decided by their zones, without search.
//!
//! Gibbons and Korach, "Testing Shared Memories" (SIAM Journal on Computing, 1997): where every
//! read says which write it saw, all operations on one value, the write and its reads, stand
//! together in any order that works. Let `f` be the first completion and `s` the last invocation
//! among them. A value `u` must come before a value `v` exactly if something about `u` was over
//! before something about `v` began: `f_u < s_v`. The paper speaks of forward zones (`f < s`) that
//! must not overlap, and of backward zones that must not lie within a forward one; both together
//! say that no two values must each come before the other:
//!
//! > `f_u < s_v` and `f_v < s_u` for no `u`, `v`.
//!
//! That, and no read before its write, is all that there is to check; sorting makes it
//! O(n log n). An unseen open write has no completion and constrains nothing; one that
//! was seen is over, at the latest, with its first reader. The initial value was written before
//! everything.

use crate::event::F;
use crate::history::{OPEN, Operation, Outcome, Value};
use crate::linearizable::by_value::ByValue;

/// What the zones say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// There is an order.
    Linearizable,
    /// There is none; [`crate::linearizable::pairs`] says why.
    Contradiction,
    /// A value was written twice, or something else was done than reads and writes: the zones
    /// have nothing to say.
    NotApplicable,
}

/// Before everything.
pub(crate) const START: i64 = -1;
/// After everything.
pub(crate) const NEVER: i64 = i64::MAX;
/// The position of no operation.
pub(crate) const NOBODY: u32 = u32::MAX;

/// All operations on one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zone {
    pub(crate) first_completion: i64,
    pub(crate) last_invocation: i64,
    write: u32,
    /// The operation that completed first, and the one invoked last.
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Zone {
    /// Of nothing yet.
    pub(crate) const EMPTY: Zone = Zone {
        first_completion: NEVER,
        last_invocation: i64::MIN,
        write: NOBODY,
        first: NOBODY,
        last: NOBODY,
    };

    fn of_initial() -> Self {
        let (write, first, last) = (NOBODY, NOBODY, NOBODY);
        Zone { first_completion: START, last_invocation: START, write, first, last }
    }

    fn of_write(position: u32, write: &Operation) -> Self {
        Zone {
            first_completion: completion(write),
            last_invocation: i64::from(write.invoke),
            write: position,
            first: position,
            last: position,
        }
    }

    /// Makes an operation part of it.
    pub(crate) fn take(&mut self, position: u32, read: &Operation) {
        if completion(read) < self.first_completion {
            self.first_completion = completion(read);
            self.first = position;
        }
        if i64::from(read.invoke) > self.last_invocation {
            self.last_invocation = i64::from(read.invoke);
            self.last = position;
        }
    }
}

fn completion(operation: &Operation) -> i64 {
    if operation.complete == OPEN { NEVER } else { i64::from(operation.complete) }
}

/// Decides whether the operations on one register, none of them failed, are linearizable.
pub(crate) fn check(operations: &[&Operation], initial: Value) -> Answer {
    let Some(mut zones) = writes(operations, initial) else { return Answer::NotApplicable };
    for (position, read) in (0u32..).zip(operations) {
        if !is_answered_read(read) {
            continue;
        }
        let Some(zone) = zones.get_mut(read.result) else {
            return Answer::Contradiction;
        };
        if zone.write != NOBODY && operations[zone.write as usize].invoke > read.complete {
            return Answer::Contradiction;
        }
        zone.take(position, read);
    }
    let mut zones = zones.into_items();
    zones.retain(|zone| zone.first_completion != NEVER);
    match first_conflict(zones) {
        Some(_) => Answer::Contradiction,
        None => Answer::Linearizable,
    }
}

/// An order of operations that [`check`] found linearizable, by position: value by value, each
/// write before its reads. Of two values that have no order in time, either may be first, but
/// transitively: the one whose zone shows first, by its first completion or its last invocation.
pub(crate) fn order(operations: &[&Operation], initial: Value) -> Vec<u32> {
    let Some(mut zones) = writes(operations, initial) else { return Vec::new() };
    for (position, op) in (0u32..).zip(operations).filter(|(_, op)| is_answered_read(op)) {
        if let Some(zone) = zones.get_mut(op.result) {
            zone.take(position, op);
        }
    }
    // Values before others, writes before reads, and reads as they began.
    let mut order: Vec<(i64, Value, bool, u32)> = Vec::with_capacity(operations.len());
    for (position, op) in (0u32..).zip(operations) {
        let is_read = is_answered_read(op);
        let value = if is_read { op.result } else { op.argument };
        if (is_read || op.f == F::Put)
            && let Some(zone) = zones.get(value)
            && zone.first_completion != NEVER
        {
            let shows = zone.first_completion.min(zone.last_invocation);
            order.push((shows, value, is_read, position));
        }
    }
    order.sort_unstable();
    order.into_iter().map(|(.., position)| position).collect()
}

fn is_answered_read(operation: &Operation) -> bool {
    operation.f == F::Get && operation.outcome == Outcome::Ok
}

/// A zone for each write and for the initial value; none if they are not all different.
fn writes(operations: &[&Operation], initial: Value) -> Option<ByValue<Zone>> {
    let mut zones = ByValue::new();
    zones.insert(initial, Zone::of_initial());
    for (position, operation) in (0u32..).zip(operations) {
        match operation.f {
            F::Get => {}
            F::Put => {
                let zone = Zone::of_write(position, operation);
                if !zones.insert(operation.argument, zone) {
                    return None;
                }
            }
            _ => return None,
        }
    }
    Some(zones)
}

/// Two zones that must each come before the other; of several pairs, one that shows early.
pub(crate) fn first_conflict(mut zones: Vec<Zone>) -> Option<(Zone, Zone)> {
    zones.sort_unstable_by_key(|zone| zone.first_completion);
    // For each prefix, whose last invocation is latest, and whose is second.
    let mut latest: Vec<(u32, u32)> = Vec::with_capacity(zones.len());
    for (at, zone) in (0u32..).zip(&zones) {
        let (mut best, mut second) = latest.last().copied().unwrap_or((at, NOBODY));
        let last = |at: u32| zones[at as usize].last_invocation;
        if at > 0 && zone.last_invocation > last(best) {
            (best, second) = (at, best);
        } else if at > 0 && (second == NOBODY || zone.last_invocation > last(second)) {
            second = at;
        }
        latest.push((best, second));
    }
    let mut found: Option<(i64, Zone, Zone)> = None;
    for (at, v) in (0u32..).zip(&zones) {
        let before = zones.partition_point(|u| u.first_completion < v.last_invocation);
        let Some(&(best, second)) = before.checked_sub(1).and_then(|last| latest.get(last)) else {
            continue;
        };
        let other = if best == at { second } else { best };
        if other == NOBODY {
            continue;
        }
        let u = &zones[other as usize];
        if u.last_invocation > v.first_completion {
            let shown = u.last_invocation.max(v.last_invocation);
            if found.is_none_or(|(earliest, ..)| shown < earliest) {
                found = Some((shown, *u, *v));
            }
        }
    }
    found.map(|(_, u, v)| (u, v))
}

#[cfg(test)]
mod tests;
