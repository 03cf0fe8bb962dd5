//! Each accusation of an object is confirmed by independent code before it is made.
//!
//! The objects are written here once more, each from its promise, knowing nothing of the algorithms that
//! decide: what an answer leads from, and to. The testers of [`crate::linearizable::confirm`] are asked
//! whether the operations of a witness have an order there. If they find one, there is a mistake in this
//! crate, and no accusation is made.
//!
//! What is given to them must be evidence: leaving out operations can create a contradiction that is not
//! there. So the witness goes together with all that was done
//!
//! - with the same parts: the elements of a container or set, the holders of a lock that has owners, the
//!   whole of a counter. An order of the whole history without the other parts is an order of the rest.
//! - by the end of the witness. What began later comes too late for it.
//! - since the beginning of the history; or since that of the witness, in whatever state the object was
//!   then, where that is claimed to be enough. What was under way then may be over by then, or not.
//!
//! Answers of other operations are left out where they change nothing. Each claim promises that such
//! operations have no order. Where they are more than eight, no tester is asked: [`Unconfirmed`] says why.

mod container;
mod counter;
mod lock;
mod set;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use stateright::semantics::SequentialSpec;

use super::Subject;
use crate::history::Operation;
use crate::linearizable::confirm::{self, MOST_OPERATIONS, Tester};
use crate::model::Call;
use crate::models::ModelName;
use crate::objects::exact::{Refutation, Scope};
use crate::witness::{Anomaly, Confirmation, Unconfirmed, Witness, WitnessOperation};

/// What is claimed of a witness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    /// Whether it contradicts itself as if nothing else had been done.
    is_alone: bool,
    /// The place from where on it does, in whatever state the object was. None if only from the first.
    from: Option<u32>,
}

impl Claim {
    /// The operations contradict one another by themselves.
    pub(super) const ALONE: Claim = Claim { is_alone: true, from: None };

    /// What a refutation claims. None if only all operations together contradict one another.
    pub(super) fn of(refutation: &Refutation) -> Option<Self> {
        let is_alone = refutation.scope == Scope::Alone;
        let from = refutation.from;
        (refutation.scope != Scope::Nearby).then_some(Claim { is_alone, from })
    }

    /// Whether this tester rejects the witness too, if it is asked.
    pub(crate) fn confirm(
        self,
        model: ModelName,
        subject: Subject<'_>,
        witness: &Witness,
        tester: impl Tester,
    ) -> Confirmation {
        if witness.operations.len() > MOST_OPERATIONS {
            return Err(Unconfirmed::ManyOperations);
        }
        let case = Case::new(subject, witness, self).ok_or(Unconfirmed::OtherAnswers)?;
        match model {
            ModelName::Set => case.ask(&set::Set::new(&case), tester),
            ModelName::Counter => {
                let counter = counter::Counter::new(&case).ok_or(Unconfirmed::OtherAnswers)?;
                case.ask(&counter, tester)
            }
            ModelName::Queue
            | ModelName::UnorderedQueue
            | ModelName::Stack
            | ModelName::PriorityQueue => {
                case.ask(&container::Container::new(model, &case), tester)
            }
            ModelName::Lock
            | ModelName::OwnerLock
            | ModelName::ReentrantLock
            | ModelName::FencedLock
            | ModelName::ReentrantFencedLock => case.ask(&lock::Lock::new(model, &case), tester),
            _ => Err(Unconfirmed::OtherAnswers),
        }
    }
}

/// A sequential object, which may do one of several things.
trait Object {
    type State: Clone + Ord + Hash + Debug;
    type Op: Clone + Debug;

    /// The states before everything; or all that the operations can tell apart.
    fn starts(&self, is_any: bool, calls: &[Call<Step<Self::Op>>]) -> BTreeSet<Self::State>;

    /// The states that an operation with its answer can lead to. None if it cannot have had that answer.
    fn after(&self, state: &Self::State, op: &Self::Op) -> Vec<Self::State>;

    /// What an operation did, in its order. One that is not of the witness may be left out if it
    /// changes nothing.
    fn acts(&self, op: &Operation, is_core: bool) -> Vec<Done<Self::Op>>;
}

/// Something that an operation did.
struct Done<O> {
    op: O,
    /// Whether it may also have happened after the operation was over, or never.
    is_open: bool,
}

/// A witness, the operations around it, and what is claimed of it.
struct Case<'a> {
    subject: Subject<'a>,
    /// The operations of the witness, in order of invocation.
    core: Vec<&'a Operation>,
    claim: Claim,
    anomaly: Anomaly,
    /// The last completion of the witness.
    end: u32,
}

impl<'a> Case<'a> {
    /// None if the witness names no operations, or others than the subject's.
    fn new(subject: Subject<'a>, witness: &Witness, claim: Claim) -> Option<Self> {
        let of = |shown: &WitnessOperation| {
            let invoke = |op: &&Operation| op.invoke_index();
            let at = subject.operations.binary_search_by_key(&shown.invoke_index, invoke).ok()?;
            Some(subject.operations[at])
        };
        let core: Vec<&Operation> = witness.operations.iter().map(of).collect::<Option<_>>()?;
        let ends = core.iter().filter_map(|op| op.complete_index()).max();
        let end = ends.and_then(|end| u32::try_from(end).ok())?;
        Some(Case { subject, core, claim, anomaly: witness.anomaly, end })
    }

    fn ask<O: Object>(&self, object: &O, tester: impl Tester) -> Confirmation {
        let beginnings = [None, self.claim.from];
        let beginnings = &beginnings[..if self.claim.from.is_some() { 2 } else { 1 }];
        let asked = beginnings.iter().find_map(|&after| {
            let calls = self.calls(object, after)?;
            let states = object.starts(after.is_some(), &calls);
            confirm::confirm_by(tester, &[Possible { object, states }], &calls).ok()
        });
        asked.ok_or(Unconfirmed::ManyAround)
    }

    /// What was done with the same parts after some place. None if that is too much.
    fn calls<O: Object>(&self, object: &O, after: Option<u32>) -> Option<Vec<Call<Step<O::Op>>>> {
        let mut calls = Vec::new();
        for op in self.subject.operations.iter().take_while(|op| op.invoke < self.end) {
            let is_core = self.core.iter().any(|core| core.invoke == op.invoke);
            let complete = op.complete_index().and_then(|end| u32::try_from(end).ok());
            if !is_core && after.is_some_and(|after| complete.is_some_and(|end| end <= after)) {
                continue;
            }
            let may_be_over = !is_core && after.is_some_and(|after| op.invoke <= after);
            for Done { op: what, is_open } in object.acts(op, is_core) {
                let complete = complete.filter(|_| !is_open);
                let step = Step { op: what, may_be_over };
                calls.push(Call { op: step, invoke: op.invoke, complete });
            }
            if calls.len() > MOST_OPERATIONS {
                return None;
            }
        }
        Some(calls)
    }
}

/// A step that the testers take.
#[derive(Debug, Clone)]
struct Step<O> {
    op: O,
    /// Whether it may have been done before.
    may_be_over: bool,
}

/// All states that an object can be in.
struct Possible<'o, O: Object> {
    object: &'o O,
    states: BTreeSet<O::State>,
}

impl<O: Object> Clone for Possible<'_, O> {
    fn clone(&self) -> Self {
        Possible { object: self.object, states: self.states.clone() }
    }
}

impl<O: Object> PartialEq for Possible<'_, O> {
    fn eq(&self, other: &Self) -> bool {
        self.states == other.states
    }
}

impl<O: Object> Eq for Possible<'_, O> {}

impl<O: Object> Hash for Possible<'_, O> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.states.hash(hasher);
    }
}

impl<O: Object> SequentialSpec for Possible<'_, O> {
    type Op = Step<O::Op>;
    type Ret = ();

    fn invoke(&mut self, step: &Step<O::Op>) {
        let before = std::mem::take(&mut self.states);
        self.states = before.iter().flat_map(|state| self.object.after(state, &step.op)).collect();
        if step.may_be_over {
            self.states.extend(before);
        }
    }

    fn is_valid_step(&mut self, step: &Step<O::Op>, (): &()) -> bool {
        self.invoke(step);
        !self.states.is_empty()
    }
}
