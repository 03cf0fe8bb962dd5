//! Values that were seen although another had taken their place.
//!
//! An operation saw the value `x`, *late*, although a *newer* value `y` was there before it began:
//! `y` was acknowledged or seen, and came after `x`. What that is called depends on what was seen
//! last:
//!
//! - The newer state: it was there all the time, and the late one was a *stale
//!   read*; or, where the writes of the two overlap, so that neither is older by time, and the two
//!   were seen in turns, *divergent reads*.
//! - One replica answered the read of a newer value, then the late one, and everything else in between: it
//!   applied the old write again, *double apply* (see [`super::again`]). Where the writes overlap, it must have
//!   shown the old value before as well: one that catches up may show what it applies, one after the other.
//! - The newest acknowledged write before the late operation was never seen; or the key
//!   is back in its first state for good; or back at the value before that write, by two reads or
//!   more: a *lost write*. But not if the replica that acknowledged the write goes on acknowledging others, and the one that
//!   answered the late read does not: that one led no more. Nor if that one had just begun to answer, and soon
//!   showed what was acknowledged after the write: it had not caught up. Both are a *stale read* (see
//!   [`super::again`]).
//! - `x` was there before `y`, and `x` was written once, by an operation that was still unanswered
//!   when `y` was there, so that it could well take effect then, but had before: *double apply*.
//! - `x` is there for good, by two reads or more, and was not the value before the newest
//!   acknowledged one, or the newer value was seen but its write never acknowledged: *back from
//!   the dead*.
//! - Nothing else tells: a stale read.

use rustc_hash::FxHashMap;

use super::facts::Facts;
use super::{Teller, is_read, is_swap, may_write, seen};
use crate::event::F;
use crate::history::{OPEN, Operation, Outcome, Value};
use crate::witness::{self, Anomaly};

/// How one value is known to be older than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Its writes were over before those of the other began, or it was swapped for the other.
    Writes,
    /// It was seen before the other one.
    Sight,
}

/// An operation that saw an old value, and one that shows a newer.
struct Late<'a> {
    read: &'a Operation,
    old: Value,
    newer: &'a Operation,
    new: Value,
    order: Order,
}

/// What the rest of the history says about a late operation.
struct Aftermath<'a> {
    /// The last operation that saw the newer state, if none saw an older one after that.
    returned: Option<&'a Operation>,
    /// How many saw the old value or older after some operation saw the newer.
    old: usize,
    /// Whether no operation saw anything else then.
    for_good: bool,
    /// The newest write that was acknowledged before the late operation.
    newest: Option<&'a Operation>,
    /// The last operation that saw a newer value before the late one.
    before: Option<&'a Operation>,
}

impl<'a> Teller<'a> {
    pub(super) fn replaced(&self) -> Option<(Anomaly, String)> {
        if self.has_appends {
            return None;
        }
        let late = self.late(Order::Writes).or_else(|| self.late(Order::Sight))?;
        let aftermath = self.aftermath(&late);
        let (kind, end) = self.judge(&late, &aftermath);
        let begin = self.begins(late.read);
        let newer = self.newer(&late);
        Some((kind, format!("{begin}. But {newer}, {}. {end}", self.gap(late.newer, late.read))))
    }

    /// The operation that saw a replaced value, by its place in the witness.
    pub(super) fn late_operation(&self) -> Option<witness::Late> {
        if self.has_appends {
            return None;
        }
        let late = self.late(Order::Writes).or_else(|| self.late(Order::Sight))?;
        let place =
            |of: &Operation| self.core.iter().position(|op| op.invoke_index() == of.invoke_index());
        Some(witness::Late { read: place(late.read)?, newer: place(late.newer)? })
    }

    /// What shows the newer value, as an event that was over before the late operation began.
    fn newer(&self, late: &Late<'_>) -> String {
        let (op, new) = (self.told(late.newer), self.history.value(late.new));
        let is_read = is_read(late.newer);
        let old = self.writers(late.old).last();
        match (late.order, old) {
            (Order::Writes, Some(_)) if is_read => {
                format!("{op} had already read {new}, which was written later")
            }
            (Order::Writes, Some(_)) if !self.is_nothing(late.old) => {
                format!("{op} had already overwritten it with {new}")
            }
            (_, None) if is_read => format!("{op} had already read {new}"),
            (Order::Writes, _) | (_, None) => format!("{op} had already written {new}"),
            (Order::Sight, Some(write)) => {
                let verb = if is_read { "read" } else { "written" };
                let seen = self.saw_before(late.old, late.newer).next();
                let before = seen.map_or_else(
                    || format!("{} was over", self.told(write)),
                    |read| format!("{} had seen {}", self.told(read), self.history.value(late.old)),
                );
                format!("{op} had already {verb} {new}, after {before}")
            }
        }
    }

    fn late(&self, order: Order) -> Option<Late<'a>> {
        self.core.iter().copied().find_map(|late| {
            let old = seen(late)?;
            let is_newer = |op: &&Operation| {
                op.complete < late.invoke
                    && shown(op).is_some_and(|new| {
                        new != old && is_older(self.facts[&old], old, op, self.facts[&new], order)
                    })
            };
            let mut newer: Vec<&Operation> = self.core.iter().copied().filter(is_newer).collect();
            newer.sort_by_key(|op| (op.f == F::Get, op.invoke));
            let newer = *newer.first()?;
            Some(Late { read: late, old, newer, new: shown(newer)?, order })
        })
    }

    fn aftermath(&self, late: &Late<'a>) -> Aftermath<'a> {
        let Late { read: late, old, newer, new, order } = *late;
        let since = if may_write(newer) {
            i64::from(newer.invoke)
        } else {
            self.facts[&new].first_invocation
        };
        // With the order by sight the writes overlap: only what began later is newer.
        let is_newer = |op: &&&Operation| {
            may_write(op)
                && op.argument != old
                && match order {
                    Order::Writes => i64::from(op.complete) > since,
                    Order::Sight => op.argument == new || i64::from(op.invoke) > since,
                }
        };
        let mut newest: Option<&Operation> = None;
        // Whether a newer value was certainly there before the late operation.
        let mut newer_values: FxHashMap<Value, bool> = FxHashMap::default();
        newer_values.insert(new, true);
        for op in self.all.iter().filter(is_newer) {
            let was_over = op.complete < late.invoke;
            *newer_values.entry(op.argument).or_default() |= was_over;
            if was_over && newest.is_none_or(|newest| op.invoke > newest.invoke) {
                newest = Some(op);
            }
        }
        let mut before: Option<&Operation> = None;
        for op in self.all.iter().copied().filter(|op| op.complete < late.invoke) {
            if let Some(was_there) = seen(op).and_then(|value| newer_values.get_mut(&value)) {
                *was_there = true;
                before = before.filter(|before| before.complete > op.complete).or(Some(op));
            }
        }
        let mut returned: Option<&Operation> = None;
        let knows_newer =
            |op: &&Operation| seen(op).is_some_and(|value| newer_values.get(&value) == Some(&true));
        for op in self.all.iter().copied().filter(knows_newer) {
            if returned.is_none_or(|returned| op.complete > returned.complete) {
                returned = Some(op);
            }
        }
        // Operations that saw the old state and were not followed by any that saw the newer.
        let since = newer.complete.max(returned.map_or(0, |op| op.complete));
        let later = self.all.partition_point(|op| op.invoke <= since);
        let last = self.all[later..].iter().filter_map(|op| seen(op));
        let mut aftermath = Aftermath { returned, old: 0, for_good: true, newest, before };
        for value in last {
            if newer_values.contains_key(&value) {
                aftermath.for_good = false;
            } else {
                aftermath.old += 1;
            }
        }
        if aftermath.old > 0 {
            aftermath.returned = None;
        }
        aftermath
    }

    fn judge(&self, late: &Late<'_>, aftermath: &Aftermath<'_>) -> (Anomaly, String) {
        let old = self.facts[&late.old];
        let is_first_state = late.old == self.initial && old.writers == 1;
        let unanswered =
            late.order == Order::Sight && old.last_completion > i64::from(late.newer.invoke);
        // A write that overlaps the old one's may have come before it.
        let newest = aftermath.newest.filter(|write| {
            let invoke = i64::from(write.invoke);
            late.order == Order::Writes || old.there < invoke || old.last_completion < invoke
        });
        let unseen =
            newest.filter(|write| self.all.iter().all(|op| seen(op) != Some(write.argument)));
        let is_older =
            late.order == Order::Writes || old.there < self.facts[&late.new].first_invocation;
        let again = self.again(late).filter(|_| !is_older);
        let in_turns = !is_older
            && (again.is_some() || self.saw_before(late.old, late.newer).next().is_some());
        if let Some(again) = again
            && late.new != self.initial
            && self.facts[&late.new].writers == 1
            && self.one_replica_served(late.newer, again)
        {
            let end = format!(
                "One replica alone answered both, then {}, and everything in between. So an old write took \
                 effect again.",
                self.told(again)
            );
            return (Anomaly::DuplicatedWrite, end);
        }
        if let Some(op) = aftermath.returned {
            let kind = if in_turns { Anomaly::DivergentReads } else { Anomaly::StaleRead };
            let end = if in_turns {
                format!(
                    "Later {} saw the newer state again. {}",
                    self.told(op),
                    self.in_turns(late, op)
                )
            } else {
                format!(
                    "Later {} still saw the newer state. {}",
                    self.told(op),
                    self.is_stale(late)
                )
            };
            return (kind, end);
        }
        if let Some(before) = aftermath.before
            && !is_first_state
            && old.writers == 1
            && self.one_replica_served(before, late.read)
            && (late.order == Order::Writes
                || self
                    .saw_before(late.old, before)
                    .any(|op| self.one_replica_served(op, late.read)))
        {
            let end = format!(
                "One replica alone answered {}, then {}, and everything in between. So an old write took \
                 effect again.",
                self.told(before),
                self.told(late.read)
            );
            return (Anomaly::DuplicatedWrite, end);
        }
        if let Some(write) = unseen {
            if self.led_on(write, late.read) {
                let by = self.history.node(write).unwrap_or_default();
                let end = format!(
                    "Later {by}, which had acknowledged {}, went on to acknowledge writes, and the replica that \
                     answered the read did not. {}",
                    self.written_by(write),
                    self.is_stale(late)
                );
                return (Anomaly::StaleRead, end);
            }
            if self.caught_up(write, late.read) {
                let by = self.history.node(late.read).unwrap_or_default();
                let end = format!(
                    "But {by}, which answered the read, later showed a write that was acknowledged after {}. So that \
                     one is not lost: a new leader answered before it had caught up.",
                    self.written_by(write)
                );
                return (Anomaly::StaleRead, end);
            }
            if let Some(there) = self.still_there(write, late.read) {
                return (Anomaly::StaleRead, there);
            }
            let end =
                format!("No read ever saw {}. So this write is lost.", self.written_by(write));
            return (Anomaly::LostWrite, end);
        }
        if unanswered {
            let write = self.writers(late.old).last();
            let write = write.map(|op| self.told(op)).unwrap_or_default();
            let end = format!("So the write of that value, {write}, took effect a second time.");
            return (Anomaly::DuplicatedWrite, end);
        }
        let is_for_good = aftermath.for_good && (aftermath.old >= 2 || is_first_state);
        match newest {
            Some(write) if is_for_good && (is_first_state || self.is_next(old, write)) => {
                if let Some(there) = self.still_there(write, late.read) {
                    return (Anomaly::StaleRead, there);
                }
                let end = format!(
                    "No read from then on saw {} or newer. So this write is lost.",
                    self.written_by(write)
                );
                (Anomaly::LostWrite, end)
            }
            _ if is_for_good && (is_older || in_turns) => {
                let end = format!(
                    "None of the {} reads from then on saw anything newer. So a replaced value is back for good.",
                    aftermath.old
                );
                (Anomaly::ResurrectedValue, end)
            }
            _ if in_turns => {
                let end = again.map(|op| {
                    format!(
                        "Later {} saw the other value. {}",
                        self.told(op),
                        self.in_turns(late, op)
                    )
                });
                let end = end.unwrap_or_else(|| "So two states were read in turns.".to_owned());
                (Anomaly::DivergentReads, end)
            }
            _ => (Anomaly::StaleRead, self.is_stale(late)),
        }
    }

    fn is_stale(&self, late: &Late<'_>) -> String {
        format!("So {} returned a stale value.", self.told(late.read))
    }

    /// Two values that were read in turns: which of the two readings is wrong, where one replica acknowledged
    /// both writes. `again` read the newer value once more.
    fn in_turns(&self, late: &Late<'_>, again: &Operation) -> String {
        let only = |value| {
            let mut writers = self.writers(value);
            writers.next().filter(|op| op.outcome == Outcome::Ok && writers.next().is_none())
        };
        let decided = only(late.old).zip(only(late.new)).filter(|(old, new)| {
            let node = self.history.node(old);
            node.is_some() && node == self.history.node(new)
        });
        let Some((old, new)) = decided else {
            return "So two states were read in turns.".to_owned();
        };
        let node = self.history.node(old).unwrap_or_default();
        let (first, second, wrong) =
            if old.complete < new.complete { (old, new, late.read) } else { (new, old, again) };
        format!(
            "{node} acknowledged {} before {}, so {} is the newer value, and {} is the wrong reading.",
            self.told(first),
            self.told(second),
            self.history.value(second.argument),
            self.told(wrong)
        )
    }

    /// Who saw the newer value once more, after the late operation.
    fn again(&self, late: &Late<'_>) -> Option<&'a Operation> {
        let after = |op: &&Operation| op.invoke > late.read.complete && seen(op) == Some(late.new);
        self.all.iter().copied().find(after)
    }

    /// Operations that saw a value, and were over before that one began.
    fn saw_before(&self, value: Value, than: &Operation) -> impl Iterator<Item = &'a Operation> {
        let invoke = than.invoke;
        self.all.iter().copied().filter(move |op| op.complete < invoke && seen(op) == Some(value))
    }

    /// Whether no acknowledged write lies between an old value and a newer write.
    fn is_next(&self, old: Facts, newer: &Operation) -> bool {
        let since =
            if old.last_completion == i64::from(OPEN) { old.there } else { old.last_completion };
        !self
            .all
            .iter()
            .any(|op| may_write(op) && since < i64::from(op.invoke) && op.complete < newer.invoke)
    }

    /// The value, and where the witness does not list its write, also that write.
    pub(super) fn written_by(&self, write: &Operation) -> String {
        if self.core.iter().any(|op| op.invoke_index() == write.invoke_index()) {
            self.value_of(write)
        } else {
            format!("what {} wrote", self.told(write))
        }
    }

    fn value_of(&self, write: &Operation) -> String {
        format!("the value {}", self.history.value(write.argument))
    }
}

/// The value that an operation shows to be there once it is over.
fn shown(op: &Operation) -> Option<Value> {
    if is_read(op) {
        Some(op.result)
    } else {
        (op.f == F::Put || is_swap(op)).then_some(op.argument)
    }
}

/// Whether the value `old` came before the one that `op` shows.
fn is_older(facts: Facts, old: Value, op: &Operation, new: Facts, order: Order) -> bool {
    let only = facts.writers == 1;
    match order {
        Order::Writes if is_read(op) => facts.last_completion < new.first_invocation,
        Order::Writes => {
            facts.last_completion < i64::from(op.invoke)
                || (is_swap(op) && op.result == old && only)
        }
        Order::Sight => {
            only && (new.writers == 1 || !is_read(op)) && facts.there < i64::from(op.invoke)
        }
    }
}
