//! A contradiction that stands by itself: a few operations of a register or sequence with all that
//! is needed to see why.
//!
//! What minimizing leaves (see [`crate::linearizable::minimize`]) contradicts itself whatever the other operations
//! did, but does not say where the values came from that were seen: a write of each joins it; of a
//! sequence, all that it is made of. Then operations are left out as long as the rest still
//! contradicts with all others [struck](crate::linearizable::strike), each together with those that saw a value
//! which no other operation in the set wrote: a write alone cannot be left out, for its readers would hold a
//! value without a write. A read of a value that no operation of the whole history wrote stays without a write.
//! A compare-and-set that matters only for what it wrote counts as a write, and stays without
//! the write of what it expected.
//!
//! Begun in the first state, such a set cannot be linearizable by itself: an order of it would be one
//! of the struck history, in which the struck operations need not take effect. The reverse does not
//! hold, so it is not enough to try the set alone: a value may have another writer, and a refused
//! compare-and-set another reason.

use rustc_hash::FxHashSet;

use crate::budget::Budget;
use crate::history::Value;
use crate::linearizable::confirm;
use crate::linearizable::minimize::Core;
use crate::linearizable::search::{self, Answer};
use crate::linearizable::strike::{Left, Part, Trial};
use crate::model::{Call, Model, Register, RegisterOp, Sequence, SequenceOp};
use crate::witness::Size;

/// Larger sets are left as they are: they are of no use to people.
const MOST_OPERATIONS: usize = 48;

/// With more operations around them that could matter, from the first event on, only what
/// was around them at the time is looked at.
const MOST_AROUND: usize = 400;

/// What a sequence is made of is not shown where it is more than this.
const MOST_SOURCES: usize = 6;

/// The most steps that one trial may take.
const MOST_STEPS: u64 = 10_000;

/// Nothing more is left out after so much work.
const MOST_WORK: u64 = 500_000;

/// A model that may know where the values come from that an operation saw, so that they can be
/// shown with it.
pub(crate) trait Sources: Model {
    /// The calls that show it best, by position. None if there are too many.
    fn sources(&self, calls: &[Call<Self::Op>], of: usize) -> Option<Vec<u32>> {
        let _ = (calls, of);
        Some(Vec::new())
    }

    /// Whether what an operation saw can be made of what others wrote, in whatever order, so that it
    /// does not stand there as if it came from nowhere, or had been there at first.
    fn is_made_by(&self, op: &Self::Op, others: &[&Self::Op]) -> bool {
        let _ = (op, others);
        true
    }

    /// What an operation that sees and writes demands where it only writes.
    fn as_write(&self, op: &Self::Op) -> Option<Self::Op> {
        let _ = op;
        None
    }
}

/// Operations to be shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// Their positions, in increasing order.
    pub(crate) positions: Vec<u32>,
    /// Whether none is too many.
    pub(crate) is_minimal: bool,
}

/// Of several contradictions in one history the one that is shown: with the fewest operations, then
/// the shortest, then the earliest.
pub(crate) fn smallest<M: Sources>(
    model: &M,
    calls: &[Call<M::Op>],
    cores: Vec<Core>,
    budget: Budget<'_>,
) -> Option<Shown> {
    let shown = cores.into_iter().map(|core| shown(model, calls, core, budget));
    shown.min_by_key(|shown| Size::of_calls(calls, &shown.positions))
}

fn shown<M: Sources>(model: &M, calls: &[Call<M::Op>], core: Core, budget: Budget<'_>) -> Shown {
    let by_itself = Set::around(model, calls, &core, budget).and_then(Set::reduced);
    by_itself.unwrap_or(Shown { positions: core.kept, is_minimal: core.is_minimal })
}

/// A few calls, and those around them that could matter.
struct Set<'a, M: Model> {
    model: &'a M,
    budget: Budget<'a>,
    /// All of these, with their positions.
    calls: Vec<Call<M::Op>>,
    positions: Vec<u32>,
    /// Those that stand in the set, and of each whether what it saw has to be shown with it.
    chosen: Vec<u32>,
    needs: Vec<bool>,
    /// Where to look for the contradiction.
    parts: Vec<Part>,
}

impl<'a, M: Sources> Set<'a, M> {
    fn around(
        model: &'a M,
        calls: &'a [Call<M::Op>],
        core: &Core,
        budget: Budget<'a>,
    ) -> Option<Self> {
        if core.kept.len() > MOST_OPERATIONS {
            return None;
        }
        let budget = Budget { steps: budget.steps.min(MOST_STEPS), ..budget };
        let trial = Trial::new(model, calls, budget);
        let alone = trial.left(core.part, &core.kept)?;
        let needs = |&&at: &&u32| !acts_as_write(model, &alone, at, budget);
        let needing: Vec<u32> = core.kept.iter().filter(needs).copied().collect();
        let mut wanted = core.kept.clone();
        for &at in &needing {
            wanted.extend(model.sources(calls, at as usize)?);
            wanted.sort_unstable();
            wanted.dedup();
            if wanted.len() > MOST_OPERATIONS {
                return None;
            }
        }
        let (mut positions, mut parts) = (wanted.clone(), vec![]);
        let most = if wanted.len() <= confirm::MOST_OPERATIONS { usize::MAX } else { 1 };
        for part in [core.part].into_iter().chain(trial.parts(&wanted).take(most)) {
            let left = trial.left(part, &wanted);
            let Some(left) = left.filter(|left| left.positions.len() <= MOST_AROUND) else {
                continue;
            };
            positions.extend(left.positions);
            parts.push(part);
        }
        positions.sort_unstable();
        positions.dedup();
        let here =
            |at: &u32| positions.binary_search(at).ok().and_then(|at| u32::try_from(at).ok());
        let chosen = wanted.iter().filter_map(here).collect();
        let needs = positions.iter().map(|at| needing.contains(at)).collect();
        let calls = positions.iter().map(|&at| calls[at as usize].clone()).collect();
        Some(Set { model, budget, calls, positions, chosen, needs, parts })
    }

    /// Without all that can be left out. None if it is no contradiction at all.
    fn reduced(mut self) -> Option<Shown> {
        let trial = Trial::new(self.model, &self.calls, self.budget);
        let mut is_certain = true;
        let mut contradicts = |chosen: &[u32]| {
            let answers = self.parts.iter().map(|&part| trial.contradicts(part, chosen));
            let mut found = false;
            for answer in answers {
                is_certain &= answer.is_some();
                found |= answer == Some(true);
            }
            found
        };
        if !contradicts(&self.chosen) {
            return None;
        }
        let mut at = 0;
        while at < self.chosen.len() {
            if trial.is_exhausted(MOST_WORK) {
                is_certain = false;
                break;
            }
            let fewer = self.without(at);
            if contradicts(&fewer) {
                self.chosen = fewer;
                at = 0;
            } else {
                at += 1;
            }
        }
        let positions = self.chosen.iter().map(|&at| self.positions[at as usize]).collect();
        Some(Shown { positions, is_minimal: is_certain })
    }

    /// Without the operation in this place, and without those whose value is then unwritten.
    fn without(&self, place: usize) -> Vec<u32> {
        let mut fewer = self.chosen.clone();
        fewer.remove(place);
        let is_made = |at: u32, of: &[u32]| {
            let others: Vec<&M::Op> =
                of.iter().filter(|&&other| other != at).map(|&other| self.op(other)).collect();
            self.model.is_made_by(self.op(at), &others)
        };
        let is_lost = |&at: &u32, fewer: &[u32]| {
            self.needs[at as usize] && is_made(at, &self.chosen) && !is_made(at, fewer)
        };
        while let Some(lost) = fewer.iter().copied().find(|at| is_lost(at, &fewer)) {
            fewer.retain(|&at| at != lost);
        }
        fewer
    }

    fn op(&self, at: u32) -> &M::Op {
        &self.calls[at as usize].op
    }
}

/// Whether what is left around a core is a contradiction also if this call only writes.
fn acts_as_write<M: Sources>(
    model: &M,
    alone: &Left<'_, M>,
    position: u32,
    budget: Budget<'_>,
) -> bool {
    let Ok(at) = alone.positions.binary_search(&position) else { return true };
    let Some(write) = model.as_write(&alone.calls[at].op) else { return false };
    let mut weaker = alone.calls.clone();
    weaker[at].op = write;
    alone
        .models()
        .iter()
        .all(|model| search::linearize(model, &weaker, budget).answer == Answer::NotLinearizable)
}

impl Sources for Register {
    /// Of the writes of what was seen that began before the call was over: one that needs nothing
    /// itself, and the latest. If none did, the first that was over; but the first value needs no
    /// write.
    fn sources(&self, calls: &[Call<RegisterOp>], of: usize) -> Option<Vec<u32>> {
        let (RegisterOp::Read(value) | RegisterOp::Cas(value, _)) = calls[of].op else {
            return Some(Vec::new());
        };
        let end = calls[of].complete.unwrap_or(u32::MAX);
        let writes = (0u32..).zip(calls).filter(|&(at, call)| {
            let is_first = value == self.initial && call.invoke >= end;
            at as usize != of && written(&call.op) == Some(value) && !is_first
        });
        let best = writes.max_by_key(|(_, call)| {
            let is_plain = matches!(call.op, RegisterOp::Write(_));
            if call.invoke < end {
                (true, is_plain, call.complete.is_some(), call.invoke)
            } else {
                (false, false, false, u32::MAX - call.complete.unwrap_or(call.invoke))
            }
        });
        Some(best.map(|(at, _)| at).into_iter().collect())
    }

    fn is_made_by(&self, op: &RegisterOp, others: &[&RegisterOp]) -> bool {
        match *op {
            RegisterOp::Read(value) | RegisterOp::Cas(value, _) => {
                value == self.initial || others.iter().any(|op| written(op) == Some(value))
            }
            RegisterOp::Write(_) | RegisterOp::Refused(_) => true,
        }
    }

    fn as_write(&self, op: &RegisterOp) -> Option<RegisterOp> {
        match *op {
            RegisterOp::Cas(_, new) => Some(RegisterOp::Write(new)),
            _ => None,
        }
    }
}

fn written(op: &RegisterOp) -> Option<Value> {
    match *op {
        RegisterOp::Write(value) | RegisterOp::Cas(_, value) => Some(value),
        RegisterOp::Read(_) | RegisterOp::Refused(_) => None,
    }
}

impl<E: Clone + Eq + std::hash::Hash + std::fmt::Debug> Sources for Sequence<E> {
    /// All whose elements are in what was seen, side by side.
    fn sources(&self, calls: &[Call<SequenceOp<E>>], of: usize) -> Option<Vec<u32>> {
        let (SequenceOp::Get(seen) | SequenceOp::Cas(seen, _)) = &calls[of].op else {
            return Some(Vec::new());
        };
        let is_in =
            |part: &[E]| !part.is_empty() && seen.windows(part.len()).any(|window| window == part);
        let adds = |op: &SequenceOp<E>| match op {
            SequenceOp::Put(part) | SequenceOp::Append(part) | SequenceOp::Cas(_, part) => {
                is_in(part)
            }
            SequenceOp::Get(_) | SequenceOp::Refused(_) => false,
        };
        let sources = (0u32..).zip(calls).filter(|&(at, call)| at as usize != of && adds(&call.op));
        let sources: Vec<u32> = sources.map(|(at, _)| at).take(MOST_SOURCES + 1).collect();
        (sources.len() <= MOST_SOURCES).then_some(sources)
    }

    fn is_made_by(&self, op: &SequenceOp<E>, others: &[&SequenceOp<E>]) -> bool {
        let (SequenceOp::Get(seen) | SequenceOp::Cas(seen, _)) = op else { return true };
        // What is left to make, from the end.
        let mut left: Vec<&[E]> = vec![seen];
        let mut known = FxHashSet::default();
        while let Some(whole) = left.pop() {
            let begins = |op: &&&SequenceOp<E>| match op {
                SequenceOp::Put(all) | SequenceOp::Cas(_, all) => **all == *whole,
                _ => false,
            };
            if *whole == *self.initial || others.iter().any(|op| begins(&op)) {
                return true;
            }
            if known.insert(whole.len()) {
                left.extend(others.iter().filter_map(|op| match op {
                    SequenceOp::Append(part) if !part.is_empty() => whole.strip_suffix(&**part),
                    _ => None,
                }));
            }
        }
        false
    }

    fn as_write(&self, op: &SequenceOp<E>) -> Option<SequenceOp<E>> {
        match op {
            SequenceOp::Cas(_, new) => Some(SequenceOp::Put(new.clone())),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
