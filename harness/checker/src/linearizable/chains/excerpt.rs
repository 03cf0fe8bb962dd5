//! What happened around something refused, whatever happened before and after.
//!
//! An excerpt has the operations that began and were over between two events. An order of the
//! whole history, cut at these two moments, is an order of the excerpt: it begins in whatever was
//! there then; and what was under way at one of the cuts may take effect in between, or not. So an
//! excerpt is given more freedom than there was: it begins in a value that no operation names, any value
//! that was written before may be written again, and what crosses a cut is open. If even so
//! there is no order, there is none of the whole.

use rustc_hash::FxHashSet;

use super::window::change;
use super::{Chains, Core, UNSEEN, sorted};
use crate::budget::Budget;
use crate::event::F;
use crate::history::{Operation, Outcome, Value};
use crate::linearizable::minimize;
use crate::linearizable::search::{self, Answer};
use crate::linearizable::zones::NOBODY;
use crate::model::{Call, Register, RegisterOp};

/// The most steps to search an excerpt.
const STEPS: u64 = 30_000;

/// Events to each side for one station's reach.
const EVENTS_PER_STATION: i64 = 8;

/// What an excerpt of a later part begins in.
const ANYTHING: Value = Value(u32::MAX - 3);

pub(super) struct Excerpt<'c, 'a> {
    chains: &'c Chains<'a>,
    /// The first and the last event.
    from: i64,
    to: i64,
    /// What was over in between.
    inside: Vec<u32>,
    /// What those need, or need to be gone.
    needed: FxHashSet<Value>,
    calls: Vec<Call<RegisterOp>>,
    /// Whose calls they are.
    sources: Vec<u32>,
}

impl<'c, 'a> Excerpt<'c, 'a> {
    /// So much of what happened around something refused.
    pub(super) fn around(chains: &'c Chains<'a>, refused: u32, reach: usize) -> Self {
        let (begin, over) = chains.interval(refused);
        let margin = EVENTS_PER_STATION * i64::try_from(reach).unwrap_or(i64::from(u32::MAX));
        let (from, to) = (begin - margin, over + margin);
        let start = chains.operations.partition_point(|op| i64::from(op.invoke) < from);
        let inside: Vec<u32> = (0u32..)
            .zip(chains.operations)
            .skip(start)
            .take_while(|(_, op)| i64::from(op.invoke) <= to)
            .filter(|(_, op)| op.outcome == Outcome::Ok && i64::from(op.complete) <= to)
            .map(|(position, _)| position)
            .collect();
        let looks = inside.iter().map(|&at| chains.op(at)).filter(|op| op.f != F::Put);
        let needed = looks.map(|op| op.result).collect();
        let (calls, sources) = (Vec::new(), Vec::new());
        let mut excerpt = Excerpt { chains, from, to, inside, needed, calls, sources };
        excerpt.add_inside();
        excerpt.add_under_way();
        excerpt.add_before();
        excerpt
    }

    /// If there is no order: operations that contradict one another, with the writes of what they
    /// saw.
    pub(super) fn contradiction(&self, budget: Budget<'_>) -> Option<Core> {
        let initial = if self.from < 0 { self.chains.initial } else { ANYTHING };
        let model = Register { initial };
        let limited = Budget { steps: budget.steps.min(STEPS), ..budget };
        if search::linearize(&model, &self.calls, limited).answer != Answer::NotLinearizable {
            return None;
        }
        let core = minimize::minimize(&model, &self.calls, limited);
        let mut core: Core =
            core.kept.into_iter().map(|call| self.sources[call as usize]).collect();
        let needs = |op: &Operation| (op.f != F::Put).then_some(op.result);
        let mut wanted: Vec<Value> =
            core.iter().filter_map(|&at| needs(self.chains.op(at))).collect();
        while let Some(value) = wanted.pop() {
            let link = self.chains.links.get(value);
            let Some(write) = link.map(|link| link.write).filter(|&write| write != NOBODY) else {
                continue;
            };
            if !core.contains(&write) {
                core.push(write);
                let before = needs(self.chains.op(write));
                wanted.extend(before.filter(|value| self.needed.contains(value)));
            }
        }
        Some(sorted(core))
    }

    fn add_inside(&mut self) {
        for position in self.inside.clone() {
            let op = self.chains.op(position);
            let call = match op.f {
                F::Get => RegisterOp::Read(op.result),
                F::Cas if op.refused => RegisterOp::Refused(op.result),
                _ => change(op, op.argument),
            };
            let complete = Some(self.place(op.complete));
            self.push(call, self.place(op.invoke), complete, position);
        }
    }

    /// What crosses a cut. Of those whose effect no operation needs, more than one between any two
    /// operations would be too many.
    fn add_under_way(&mut self) {
        let most = self.inside.len() + 1;
        let mut unseen = 0;
        for (position, op) in (0u32..).zip(self.chains.operations) {
            let (invoke, complete) = self.chains.interval(position);
            if invoke > self.to {
                break;
            }
            let crosses = complete > self.from && (invoke < self.from || complete > self.to);
            // What is open counts as completed after everything.
            if op.f == F::Get || op.refused || !(crosses || op.outcome != Outcome::Ok) {
                continue;
            }
            let expects = (op.f == F::Cas && self.needed.contains(&op.result)).then_some(op.result);
            let is_needed = self.needed.contains(&op.argument);
            let argument = if is_needed { op.argument } else { UNSEEN };
            let call = match expects {
                Some(expected) => RegisterOp::Cas(expected, argument),
                None => RegisterOp::Write(argument),
            };
            if expects.is_none() && !is_needed {
                unseen += 1;
                if unseen > most {
                    continue;
                }
            }
            self.push(call, self.place(op.invoke), None, position);
        }
    }

    /// What may have been there at the first cut.
    fn add_before(&mut self) {
        if self.from < 0 {
            return;
        }
        let mut needed: Vec<Value> = self.needed.iter().copied().collect();
        needed.sort_unstable();
        for value in needed {
            let Some(link) = self.chains.links.get(value) else { continue };
            if link.write == NOBODY || self.chains.interval(link.write).1 <= self.from {
                self.push(RegisterOp::Write(value), 0, None, link.write);
            }
        }
    }

    fn push(&mut self, op: RegisterOp, invoke: u32, complete: Option<u32>, source: u32) {
        self.calls.push(Call { op, invoke, complete });
        self.sources.push(source);
    }

    /// A place in time, counted from the first event.
    fn place(&self, event: u32) -> u32 {
        u32::try_from((i64::from(event) - self.from).max(0)).unwrap_or(u32::MAX)
    }
}
