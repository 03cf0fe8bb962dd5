//! A few stations, taken apart and put together again by search, while the rest stays as it is.
//!
//! A window is what takes effect between two slots: the writes of its stations, their readers, the
//! open writes that are spare, and what was refused and is not explained before or after. It begins
//! in the value of the station before, and must end in the one that the station after expects, if
//! that is a swap. So whatever order the search finds fits in between.

use rustc_hash::FxHashSet;

use super::settle::{Settling, Station};
use crate::budget::Budget;
use crate::event::F;
use crate::history::{OPEN, Operation, Outcome, Value};
use crate::linearizable::search::{self, Answer, Order};
use crate::linearizable::zones::NOBODY;
use crate::model::{Call, Register, RegisterOp};

/// The most steps that one window may take.
pub(super) const STEPS: u64 = 30_000;

/// Part of the stations, and the slots between which they take effect.
pub(super) struct Window {
    first: usize,
    end: usize,
    from: i64,
    /// None after the last station.
    to: Option<i64>,
}

/// The calls of a window, whose they are, and which to try first.
#[derive(Default)]
struct Calls {
    list: Vec<Call<RegisterOp>>,
    sources: Vec<u32>,
    ranks: Vec<u32>,
}

impl Calls {
    fn push(&mut self, op: RegisterOp, invoke: u32, complete: Option<u32>, source: u32, rank: u32) {
        self.list.push(Call { op, invoke, complete });
        self.sources.push(source);
        self.ranks.push(rank);
    }
}

impl Window {
    /// So many stations to each side of this one.
    pub(super) fn new(settling: &Settling<'_, '_>, at: usize, reach: usize) -> Option<Self> {
        let stations = &settling.stations;
        let first = at.saturating_sub(reach).max(1);
        let end = (at + reach + 1).min(stations.len());
        if first > end {
            return None;
        }
        let to = stations.get(end).map(|after| after.slot);
        Some(Window { first, end, from: stations[first - 1].slot, to })
    }

    /// Which stations to replace, and by which.
    pub(super) fn search(
        &self,
        settling: &Settling<'_, '_>,
        budget: Budget<'_>,
    ) -> Option<(usize, usize, Vec<Station>)> {
        let Calls { list, sources, ranks } = self.calls(settling)?;
        let model = Register { initial: settling.value(settling.stations[self.first - 1]) };
        let budget = Budget { steps: budget.steps.min(STEPS), ..budget };
        let found = search::linearize_along(&model, &list, &Order::Ranked(ranks), budget);
        let Answer::Linearizable(order) = found.answer else { return None };
        let mut stations = Vec::with_capacity(self.end - self.first);
        let mut slot = self.from;
        for source in order.into_iter().map(|call| sources[call as usize]) {
            if source == NOBODY {
                continue;
            }
            let op = settling.chains.op(source);
            slot = slot.max(i64::from(op.invoke));
            if op.f != F::Get && !op.refused {
                stations.push(Station { write: source, slot });
            }
        }
        Some((self.first, self.end, stations))
    }

    fn calls(&self, settling: &Settling<'_, '_>) -> Option<Calls> {
        let chains = settling.chains;
        let mut calls = Calls::default();
        let within = &settling.stations[self.first..self.end];
        let before = settling.value(settling.stations[self.first - 1]);
        let values: FxHashSet<Value> =
            within.iter().map(|&station| settling.value(station)).chain([before]).collect();
        let mut rank = 0;
        let mut spare: Vec<u32> = Vec::new();
        for station in within {
            let op = chains.op(station.write);
            if !chains.took_effect(&chains.links[op.argument]) {
                spare.push(station.write);
                continue;
            }
            // An open write was over by what saw it.
            let deadline = settling.deadline(op.argument);
            let complete = if op.complete == OPEN && deadline < i64::MAX {
                self.place(2 * deadline - 1)?
            } else {
                self.place(2 * deadline.min(i64::from(OPEN)))?
            };
            let call = change(op, op.argument);
            calls.push(call, self.invoke(op)?, Some(complete), station.write, rank);
            rank += 1;
        }
        self.add_looks(settling, &values, &mut calls)?;

        let last = self.to.unwrap_or(i64::from(OPEN));
        spare.extend(settling.spare.latest(last, within.len() + 2));
        let mut sorted: Vec<Value> = values.into_iter().collect();
        sorted.sort_unstable();
        spare.extend(sorted.iter().flat_map(|&value| settling.spare.swaps(value)));
        for position in spare {
            let op = chains.op(position);
            if i64::from(op.invoke) > last {
                continue;
            }
            let named = chains.refused.contains(&op.argument);
            let argument = if named { op.argument } else { super::UNSEEN };
            calls.push(change(op, argument), self.invoke(op)?, None, position, u32::MAX);
        }
        self.add_exit(settling, &mut calls)?;
        Some(calls)
    }

    /// Operations that read one of the values, and those whose refusal needs one of them to be gone.
    fn add_looks(
        &self,
        settling: &Settling<'_, '_>,
        values: &FxHashSet<Value>,
        calls: &mut Calls,
    ) -> Option<()> {
        let chains = settling.chains;
        let earliest = self.from - settling.longest;
        let start = chains.operations.partition_point(|op| i64::from(op.invoke) < earliest);
        let last = self.to.unwrap_or(i64::MAX);
        for (position, op) in (0u32..).zip(chains.operations).skip(start) {
            if i64::from(op.invoke) > last {
                break;
            }
            let is_look = op.outcome == Outcome::Ok && (op.f == F::Get || op.refused);
            if !is_look || i64::from(op.complete) <= self.from {
                continue;
            }
            let look = if op.refused {
                if self.is_explained_outside(settling, op) {
                    continue;
                }
                RegisterOp::Refused(op.result)
            } else if values.contains(&op.result) {
                RegisterOp::Read(op.result)
            } else {
                continue;
            };
            let complete = self.place(2 * i64::from(op.complete))?;
            calls.push(look, self.invoke(op)?, Some(complete), position, u32::MAX);
        }
        Some(())
    }

    /// Whether the register holds something else than was expected at a moment before or after
    /// the window.
    fn is_explained_outside(&self, settling: &Settling<'_, '_>, refused: &Operation) -> bool {
        let stations = &settling.stations;
        let is_other = |at: usize| settling.value(stations[at]) != refused.result;
        let (begin, over) = (i64::from(refused.invoke), i64::from(refused.complete));
        let before = self.first >= 2
            && begin <= self.from
            && (is_other(self.first - 2)
                || (self.first >= 3 && stations[self.first - 2].slot >= begin));
        let after = self.to.is_some_and(|to| to < over)
            && (is_other(self.end)
                || stations.get(self.end + 1).is_some_and(|station| station.slot < over));
        before || after
    }

    /// What the station after the window needs.
    fn add_exit(&self, settling: &Settling<'_, '_>, calls: &mut Calls) -> Option<()> {
        let Some(after) = settling.stations.get(self.end) else { return Some(()) };
        let op = settling.chains.op(after.write);
        if op.f == F::Cas {
            let end = self.place(i64::MAX)?;
            calls.push(RegisterOp::Read(op.result), end + 1, Some(end + 2), NOBODY, u32::MAX);
        }
        Some(())
    }

    /// A place in time, doubled, counted from the window's begin and no later than its end.
    fn place(&self, doubled: i64) -> Option<u32> {
        let end = self.to.map_or(i64::MAX, |to| 2 * (to - self.from) + 1);
        u32::try_from(doubled.saturating_sub(2 * self.from).min(end)).ok()
    }

    fn invoke(&self, op: &Operation) -> Option<u32> {
        self.place(2 * i64::from(op.invoke).max(self.from))
    }
}

/// What an operation changes, with this as the value that is there afterwards.
pub(super) fn change(op: &Operation, argument: Value) -> RegisterOp {
    match op.f {
        F::Cas => RegisterOp::Cas(op.result, argument),
        _ => RegisterOp::Write(argument),
    }
}
