//! Registers with compare-and-set on unique values: decided by chains, and a guided search.
//!
//! Where every value is written at most once, a value that a compare-and-set replaced was replaced
//! by that one only, so that successful swaps form *chains* that begin with a write, or with the
//! initial value. Nothing that changes the register comes between the links of a chain, so that a
//! chain is one block with an order inside: each link, its readers, the next link. Blocks obey the
//! same law as values do in [`crate::linearizable::zones`]. An open operation took effect if its value was seen,
//! by a reader or by a swap that itself took effect; else it can be left out.
//!
//! A refused compare-and-set is the trap: it needs a moment at which the register held something
//! else, also something that was never seen. Leaving them out never makes a history contradictory, so
//! that a contradiction of the blocks stands; if there is none, what was refused is settled on the
//! order of the blocks ([`settle`]), and if that finds no end, the search goes along that order, and
//! leaves it where a refusal wants it to. Every order is replayed through the register before it
//! is given out ([`replay`]).

use std::ops::Range;

use rustc_hash::FxHashSet;

use crate::budget::Budget;
use crate::event::F;
use crate::history::{OPEN, Operation, Outcome, Value};
use crate::linearizable::by_value::ByValue;
use crate::linearizable::search::Order;
use crate::linearizable::zones::{self, NEVER, NOBODY, START, Zone};
use crate::model::{Call, RegisterOp};
use settle::{Settled, Station};

/// What the chains say.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// There is an order: these operations, by position. It was replayed.
    Linearizable(Vec<u32>),
    /// There is none: these operations, by position, contradict one another.
    Contradiction(Vec<u32>),
    /// There is one but for what was refused: these calls say the same, and their order is a
    /// good one to try.
    UpToRefusals(Vec<Call<RegisterOp>>, Order),
    /// A value was written twice, or something else was done than reads, writes and swaps.
    NotApplicable,
}

/// With so many steps nothing is left open that more steps would settle.
pub(crate) const ENOUGH_STEPS: u64 = window::STEPS;

/// What a register holds after unseen writes, whichever they are.
const UNSEEN: Value = Value(u32::MAX - 1);

/// One value: the operations that wrote, read and replaced it.
#[derive(Debug, Clone)]
struct Link {
    value: Value,
    write: u32,
    /// The value that the write expected, if it is a compare-and-set.
    expected: Option<Value>,
    /// The compare-and-set that replaced it and took effect.
    next: u32,
    seen: bool,
    reads: Zone,
}

struct Chains<'a> {
    operations: &'a [&'a Operation],
    initial: Value,
    links: ByValue<Link>,
    /// Completed reads by value are folded into zones; refused swaps are kept apart.
    refused: FxHashSet<Value>,
}

/// Decides whether the operations on one register, none of them failed, are linearizable.
pub(crate) fn check(operations: &[&Operation], initial: Value, budget: Budget<'_>) -> Answer {
    let Some(mut chains) = Chains::new(operations, initial) else { return Answer::NotApplicable };
    let values = match chains.values() {
        Ok(values) => values,
        Err(core) => return Answer::Contradiction(core),
    };
    match chains.settle(&values, budget) {
        Settled::Contradiction(core) => return Answer::Contradiction(core),
        Settled::Order(stations) => {
            if let Some(order) = chains.replayed(&stations) {
                return Answer::Linearizable(order);
            }
        }
        Settled::Open => {}
    }
    let (calls, order) = chains.guide(&values);
    Answer::UpToRefusals(calls, order)
}

/// A chain of values, from its root on, as one zone.
struct Block {
    zone: Zone,
    /// Where its values lie among those of all blocks.
    values: Range<usize>,
}

/// All chains, their values one after another.
struct Blocks {
    list: Vec<Block>,
    values: Vec<Value>,
}

/// The positions of operations that contradict one another.
type Core = Vec<u32>;

impl<'a> Chains<'a> {
    fn new(operations: &'a [&'a Operation], initial: Value) -> Option<Self> {
        let link = |value, write, expected| Link {
            value,
            write,
            expected,
            next: NOBODY,
            seen: false,
            reads: Zone::EMPTY,
        };
        let mut links = ByValue::new();
        let mut refused = FxHashSet::default();
        links.insert(initial, link(initial, NOBODY, None));
        for (position, operation) in (0u32..).zip(operations) {
            if operation.complete != OPEN && operation.complete > OPEN / 2 - 1 {
                return None;
            }
            let expected = match operation.f {
                F::Get => continue,
                F::Cas if operation.refused => {
                    refused.insert(operation.result);
                    continue;
                }
                F::Put => None,
                F::Cas => Some(operation.result),
                _ => return None,
            };
            let value = operation.argument;
            if !links.insert(value, link(value, position, expected)) {
                return None;
            }
        }
        Some(Chains { operations, initial, links, refused })
    }

    /// All values in an order that explains reads and swaps that were done.
    fn values(&mut self) -> Result<Vec<Value>, Core> {
        self.take_reads()?;
        self.link()?;
        self.order(self.blocks()?)
    }

    fn op(&self, position: u32) -> &'a Operation {
        self.operations[position as usize]
    }

    /// The place of a value among all, of which there is one for each write.
    fn place(&self, value: Value) -> usize {
        self.links.place(value).expect("each value here is that of a write, or the first") as usize
    }

    /// What a station writes.
    fn value(&self, station: Station) -> Value {
        if station.write == NOBODY { self.initial } else { self.op(station.write).argument }
    }

    fn take_reads(&mut self) -> Result<(), Core> {
        let mut seen = Vec::new();
        for (position, operation) in (0u32..).zip(self.operations) {
            if operation.outcome != Outcome::Ok || operation.refused || operation.f == F::Put {
                continue;
            }
            let Some(link) = self.links.get_mut(operation.result) else {
                return Err(vec![position]);
            };
            if operation.f == F::Get {
                link.reads.take(position, operation);
            }
            seen.push(operation.result);
        }
        // Whatever led to a value that was seen took effect too.
        while let Some(value) = seen.pop() {
            if let Some(link) = self.links.get_mut(value)
                && !link.seen
            {
                link.seen = true;
                seen.extend(link.expected);
            }
        }
        Ok(())
    }

    /// Whether the write of a value took effect.
    fn took_effect(&self, link: &Link) -> bool {
        link.seen || link.write == NOBODY || self.op(link.write).outcome == Outcome::Ok
    }

    /// Joins each swap that took effect to the value that it replaced.
    fn link(&mut self) -> Result<(), Core> {
        for (position, operation) in (0u32..).zip(self.operations) {
            if operation.f != F::Cas || operation.refused {
                continue;
            }
            if !self.took_effect(&self.links[operation.argument]) {
                continue;
            }
            let Some(from) = self.links.get_mut(operation.result) else {
                let mut core = vec![position];
                self.add_evidence(position, &mut core);
                return Err(sorted(core));
            };
            let other = from.next;
            if other != NOBODY {
                let mut core = vec![other, position];
                core.extend((from.write != NOBODY).then_some(from.write));
                self.add_evidence(other, &mut core);
                self.add_evidence(position, &mut core);
                return Err(sorted(core));
            }
            from.next = position;
        }
        Ok(())
    }

    /// Adds what shows that an open write took effect: what saw its value, and so on to something
    /// completed.
    fn add_evidence(&self, position: u32, core: &mut Core) {
        let mut at = position;
        let mut steps = 0;
        while self.op(at).outcome != Outcome::Ok && steps < self.links.len() {
            let link = &self.links[self.op(at).argument];
            if link.reads.first != NOBODY {
                core.push(link.reads.first);
                return;
            }
            let seer = |op: &Operation| {
                op.f == F::Cas
                    && !op.refused
                    && op.result == self.op(at).argument
                    && self.took_effect(&self.links[op.argument])
            };
            let Some(next) = self.operations.iter().position(|op| seer(op)) else { return };
            at = u32::try_from(next).expect("positions fit");
            core.push(at);
            steps += 1;
        }
    }

    /// Follows each chain from its root, checking its order against time on the way.
    fn blocks(&self) -> Result<Blocks, Core> {
        let mut roots: Vec<Value> = self
            .links
            .items()
            .iter()
            .filter(|link| link.expected.is_none() && self.took_effect(link))
            .map(|link| link.value)
            .collect();
        roots.sort_unstable();
        let mut values = Vec::with_capacity(self.links.len());
        let mut list = Vec::with_capacity(roots.len());
        for root in roots {
            list.push(self.block(root, &mut values)?);
        }
        if values.len() < self.links.items().iter().filter(|link| self.took_effect(link)).count() {
            return Err(self.circle());
        }
        Ok(Blocks { list, values })
    }

    /// Follows one chain, and adds its values.
    fn block(&self, root: Value, all: &mut Vec<Value>) -> Result<Block, Core> {
        let mut zone = Zone::EMPTY;
        let start = all.len();
        all.push(root);
        let (mut latest, mut latest_stage) = (NOBODY, 0);
        loop {
            let values = &all[start..];
            let stage = values.len() - 1;
            let link = &self.links[values[stage]];
            // What comes later in the chain must not be over before what comes earlier began.
            let mut check = |first: u32, last: u32, zone: &mut Zone| -> Result<(), Core> {
                let before = if latest == NOBODY { 0 } else { self.op(latest).invoke };
                if first != NOBODY && latest != NOBODY && self.op(first).complete < before {
                    let mut core = vec![first, latest];
                    self.add_links(values, latest_stage.min(stage), stage, &mut core);
                    self.add_evidence(latest, &mut core);
                    return Err(sorted(core));
                }
                for position in [first, last].into_iter().filter(|&at| at != NOBODY) {
                    zone.take(position, self.op(position));
                    if latest == NOBODY || self.op(position).invoke > self.op(latest).invoke {
                        (latest, latest_stage) = (position, stage);
                    }
                }
                Ok(())
            };
            if link.write == NOBODY {
                zone.first_completion = START;
                zone.last_invocation = zone.last_invocation.max(START);
            } else {
                check(link.write, link.write, &mut zone)?;
            }
            check(link.reads.first, link.reads.last, &mut zone)?;
            if link.next == NOBODY {
                return Ok(Block { zone, values: start..all.len() });
            }
            all.push(self.op(link.next).argument);
        }
    }

    /// Adds the writes of a part of a chain.
    fn add_links(&self, values: &[Value], from: usize, to: usize, core: &mut Core) {
        let writes = values[from..=to].iter().map(|&value| self.links[value].write);
        core.extend(writes.filter(|&write| write != NOBODY));
    }

    /// Swaps that lead back to where they began, so that none can be the first.
    fn circle(&self) -> Core {
        let mut on_chain: FxHashSet<Value> = FxHashSet::default();
        for link in self.links.items() {
            if link.expected.is_none() && self.took_effect(link) {
                let mut at = link.value;
                while on_chain.insert(at) && self.links[at].next != NOBODY {
                    at = self.op(self.links[at].next).argument;
                }
            }
        }
        let lost = |link: &&Link| !on_chain.contains(&link.value) && self.took_effect(link);
        let start = self.links.items().iter().filter(lost).map(|link| link.value).min();
        let mut core = Vec::new();
        let mut at = start;
        while let Some(value) = at {
            let link = &self.links[value];
            if core.contains(&link.write) {
                break;
            }
            core.push(link.write);
            self.add_evidence(link.write, &mut core);
            at = link.expected.filter(|&expected| self.links.get(expected).is_some());
        }
        sorted(core)
    }

    /// An order of all values, block by block.
    fn order(&self, blocks: Blocks) -> Result<Vec<Value>, Core> {
        let Blocks { list: mut blocks, values } = blocks;
        let zones =
            blocks.iter().map(|block| block.zone).filter(|zone| zone.first_completion != NEVER);
        if let Some((u, v)) = zones::first_conflict(zones.collect()) {
            let mut core = Vec::new();
            for zone in [u, v] {
                let ends = [zone.first, zone.last];
                let whole = blocks.iter().find(|block| block.zone == zone);
                let values = whole.map_or(&[][..], |block| &values[block.values.clone()]);
                let stages: Vec<usize> =
                    ends.iter().filter_map(|&end| self.stage(values, end)).collect();
                if let (Some(&from), Some(&to)) = (stages.iter().min(), stages.iter().max()) {
                    let from = if zone.first == NOBODY { 0 } else { from };
                    self.add_links(values, from, to, &mut core);
                }
                for end in ends.into_iter().filter(|&end| end != NOBODY) {
                    core.push(end);
                    self.add_evidence(end, &mut core);
                }
            }
            return Err(sorted(core));
        }
        blocks.sort_by_key(|block| block.zone.first_completion.min(block.zone.last_invocation));
        Ok(blocks.into_iter().flat_map(|block| &values[block.values]).copied().collect())
    }

    /// Where in a chain an operation stands.
    fn stage(&self, values: &[Value], position: u32) -> Option<usize> {
        if position == NOBODY {
            return None;
        }
        let operation = self.op(position);
        let value = if operation.f == F::Get { operation.result } else { operation.argument };
        values.iter().position(|&other| other == value)
    }

    /// The calls for the search: what took effect has to, no later than what saw it; what no
    /// read saw is there for the refused. Places are doubled to have room in between.
    fn guide(&self, values: &[Value]) -> (Vec<Call<RegisterOp>>, Order) {
        let mut ranks = vec![u32::MAX; self.operations.len()];
        let mut deadlines = vec![OPEN; self.links.len()];
        for (&value, rank) in values.iter().rev().zip((0..u32::MAX).rev()) {
            let link = &self.links[value];
            let end = |at: u32| if at == NOBODY { OPEN } else { self.op(at).complete };
            let next = if link.next == NOBODY {
                OPEN
            } else {
                deadlines[self.place(self.op(link.next).argument)]
            };
            let by_seen = end(link.reads.first).min(next);
            deadlines[self.place(value)] = end(link.write).min(by_seen);
            if link.write != NOBODY {
                ranks[link.write as usize] = rank;
            }
        }
        let mut calls = Vec::new();
        let mut call_ranks = Vec::new();
        for (position, operation) in (0u32..).zip(self.operations) {
            if operation.f == F::Get && operation.outcome != Outcome::Ok {
                continue;
            }
            let mut complete = (operation.complete != OPEN).then(|| 2 * operation.complete);
            let mut argument = operation.argument;
            if operation.f != F::Get && complete.is_none() {
                if self.took_effect(&self.links[argument]) {
                    let seen = deadlines[self.place(argument)];
                    complete = (seen != OPEN).then(|| 2 * seen - 1);
                } else if !self.refused.contains(&argument) {
                    argument = UNSEEN;
                }
            }
            let op = match operation.f {
                F::Get => RegisterOp::Read(operation.result),
                F::Cas if operation.refused => RegisterOp::Refused(operation.result),
                F::Cas => RegisterOp::Cas(operation.result, argument),
                _ => RegisterOp::Write(argument),
            };
            calls.push(Call { op, invoke: 2 * operation.invoke, complete });
            call_ranks.push(ranks[position as usize]);
        }
        (calls, Order::Ranked(call_ranks))
    }
}

fn sorted(mut core: Core) -> Core {
    core.sort_unstable();
    core.dedup();
    core
}

/// The calls of a contradiction, which stand by themselves. Its first links may be swaps of values that are not part of it;
/// they count as writes, which demand less.
#[cfg(test)]
pub(crate) fn core_calls(
    operations: &[&Operation],
    core: &[u32],
    initial: Value,
) -> Vec<Call<RegisterOp>> {
    let op = |position: &u32| operations[*position as usize];
    let written = |operation: &Operation| {
        (operation.f != F::Get && !operation.refused).then_some(operation.argument)
    };
    let there: FxHashSet<Value> =
        core.iter().map(op).filter_map(written).chain([initial]).collect();
    let anywhere: FxHashSet<Value> =
        operations.iter().filter_map(|operation| written(operation)).collect();
    let is_kept = |value: &Value| there.contains(value) || !anywhere.contains(value);
    let call = |operation: &Operation| {
        let op = match operation.f {
            F::Get => RegisterOp::Read(operation.result),
            F::Cas if operation.refused => RegisterOp::Refused(operation.result),
            F::Cas if is_kept(&operation.result) => {
                RegisterOp::Cas(operation.result, operation.argument)
            }
            _ => RegisterOp::Write(operation.argument),
        };
        let complete = (operation.complete != OPEN).then_some(operation.complete);
        Call { op, invoke: operation.invoke, complete }
    };
    core.iter().map(op).map(call).collect()
}

mod excerpt;
mod replay;
mod settle;
#[cfg(test)]
mod tests;
mod window;
