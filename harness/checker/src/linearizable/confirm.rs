//! Each accusation is confirmed by independent code before it is made.
//!
//! Few operations that contradict one another are given to two more testers: the
//! `LinearizabilityTester` of `stateright`, which knows nothing of this crate but the model, and the
//! plainest recursion over all orders. If either finds an order, there is a mistake in this crate,
//! and no accusation is made: see [`disputed`].
//!
//! What is given to them must be evidence: leaving out operations can create a contradiction that
//! is not there. So the operations of a witness go together with all others, [struck](crate::linearizable::strike),
//! that could make a difference; where both are more than eight, no tester is asked. Neither is one where
//! the operations contradict one another only by what others were answered: [`Unconfirmed`] says why.
//!
//! Objects that are no registers, texts or lists have objects of their own for the testers: see
//! [`crate::objects::confirm`].

use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use rustc_hash::FxHashSet;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use crate::budget::{Budget, Limit};
use crate::linearizable::strike::{Left, Trial};
use crate::model::{Call, Model};
use crate::verdict::Reason;
use crate::witness::{Confirmation, Unconfirmed, Witness};

/// `stateright` remembers nothing of where it has been: more operations could take it for ever.
pub(crate) const MOST_OPERATIONS: usize = 8;

/// More than enough for so few.
const MOST_STEPS: u64 = 100_000;

/// An object as the testers see it. Operations carry their answers, so that there is nothing to return.
pub(crate) trait Specification:
    SequentialSpec<Op: Clone + Debug, Ret = ()> + Clone + Eq + Hash
{
}

impl<S: SequentialSpec<Op: Clone + Debug, Ret = ()> + Clone + Eq + Hash> Specification for S {}

/// A tester of linearizability that is not this crate's search.
pub(crate) trait Tester: Copy + Send + Sync {
    /// Whether at most [`MOST_OPERATIONS`] calls are linearizable.
    fn accepts<S: Specification>(self, object: &S, calls: &[Call<S::Op>]) -> bool;
}

/// The tester of `stateright`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stateright;

impl Tester for Stateright {
    fn accepts<S: Specification>(self, object: &S, calls: &[Call<S::Op>]) -> bool {
        // Two events in one place overlap: what begins there comes first.
        let mut events: Vec<(u32, bool, usize)> = Vec::new();
        for (at, call) in calls.iter().enumerate() {
            events.push((call.invoke, false, at));
            events.extend(call.complete.map(|complete| (complete, true, at)));
        }
        events.sort_unstable();
        let mut tester = LinearizabilityTester::new(object.clone());
        for (_, is_end, at) in events {
            let recorded = if is_end {
                tester.on_return(at, ())
            } else {
                tester.on_invoke(at, calls[at].op.clone())
            };
            recorded.expect("each call has a thread of its own, and begins before it ends");
        }
        tester.is_consistent()
    }
}

/// A model as `stateright` sees it.
struct Object<'m, M: Model> {
    model: &'m M,
    /// Nothing after an operation that was impossible. So an open one that is impossible somewhere is
    /// not of use there.
    state: Option<M::State>,
}

impl<M: Model> Clone for Object<'_, M> {
    fn clone(&self) -> Self {
        Object { model: self.model, state: self.state.clone() }
    }
}

impl<M: Model> PartialEq for Object<'_, M> {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}

impl<M: Model> Eq for Object<'_, M> {}

impl<M: Model> Hash for Object<'_, M> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.state.hash(hasher);
    }
}

impl<'m, M: Model> Object<'m, M> {
    fn new(model: &'m M) -> Self {
        Object { model, state: Some(model.initial()) }
    }
}

impl<M: Model> SequentialSpec for Object<'_, M> {
    type Op = M::Op;
    type Ret = ();

    fn invoke(&mut self, op: &M::Op) {
        self.state = self.state.as_ref().and_then(|state| self.model.step(state, op));
    }

    fn is_valid_step(&mut self, op: &M::Op, (): &()) -> bool {
        self.invoke(op);
        self.state.is_some()
    }
}

/// Whether both testers find that these calls, which are all on one object, are not linearizable.
/// `None` if they are too many to ask.
#[cfg(test)]
pub(crate) fn confirm<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Option<bool> {
    confirm_by(Stateright, &[Object::new(model)], calls).ok()
}

/// The same of a few of the calls on one object, by position in increasing order, together with
/// those of the others that could make a difference.
#[cfg(test)]
pub(crate) fn confirm_core<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    core: &[u32],
) -> Option<bool> {
    confirm_core_by(Stateright, model, calls, core, false).ok()
}

/// The same with this tester. Where a core `must_contradict` itself with all others struck, an order of
/// that, in whatever state it begins, says that the core was chosen by mistake.
pub(crate) fn confirm_core_by<M: Model>(
    tester: impl Tester,
    model: &M,
    calls: &[Call<M::Op>],
    core: &[u32],
    must_contradict: bool,
) -> Confirmation {
    match evidence(model, calls, core) {
        Evidence::Contradicts(left) => {
            let objects: Vec<Object<'_, M>> = left.models().iter().map(Object::new).collect();
            confirm_by(tester, &objects, &left.calls)
        }
        Evidence::Explained if must_contradict => Ok(false),
        Evidence::Explained => Err(Unconfirmed::OtherAnswers),
        Evidence::NotAsked(why) => Err(why),
    }
}

/// Whether this tester and the recursion find that these calls are not linearizable on any of the
/// objects, if they are not too many to ask.
pub(crate) fn confirm_by<S: Specification>(
    tester: impl Tester,
    objects: &[S],
    calls: &[Call<S::Op>],
) -> Confirmation {
    if calls.len() > MOST_OPERATIONS {
        return Err(Unconfirmed::ManyAround);
    }
    let accepts =
        |object: &S| tester.accepts(object, calls) || recursion(object, calls) != Some(false);
    Ok(!objects.iter().any(accepts))
}

/// What becomes of a core with all other calls struck.
enum Evidence<'a, M: Model> {
    /// It contradicts itself, together with this.
    Contradicts(Left<'a, M>),
    /// There is an order of it, wherever it begins.
    Explained,
    /// No tester can be asked.
    NotAsked(Unconfirmed),
}

/// The core and what is left around it, where that contradicts itself and is not too much: from the
/// first state on, or in any state from where one of the core began.
fn evidence<'a, M: Model>(model: &'a M, calls: &'a [Call<M::Op>], core: &[u32]) -> Evidence<'a, M> {
    if core.len() > MOST_OPERATIONS {
        return Evidence::NotAsked(Unconfirmed::ManyOperations);
    }
    let budget = Budget { steps: MOST_STEPS, ..Budget::default() };
    let trial = Trial::new(model, calls, budget);
    let mut unknown = None;
    for part in trial.parts(core) {
        let why = match trial.left(part, core) {
            None => Unconfirmed::ManyStates,
            Some(left) if left.calls.len() > MOST_OPERATIONS => Unconfirmed::ManyAround,
            Some(left) => match left.contradicts(budget) {
                Some(true) => return Evidence::Contradicts(left),
                Some(false) => continue,
                None => Unconfirmed::TooLong,
            },
        };
        unknown = unknown.or(Some(why));
    }
    unknown.map_or(Evidence::Explained, Evidence::NotAsked)
}

/// Whether at most 64 calls are linearizable: every order in real time is tried, but for what was
/// seen to fail (Wing and Gong, 1993). `None` if that takes too long.
fn recursion<S: Specification>(object: &S, calls: &[Call<S::Op>]) -> Option<bool> {
    let mut stack = vec![(0_u64, object.clone())];
    let mut seen = FxHashSet::default();
    while let Some((placed, state)) = stack.pop() {
        if seen.len() as u64 > MOST_STEPS {
            return None;
        }
        let left = || (0..).zip(calls).filter(|(at, _)| placed & (1_u64 << at) == 0);
        let Some(deadline) = left().filter_map(|(_, call)| call.complete).min() else {
            return Some(true);
        };
        for (at, call) in left().filter(|(_, call)| call.invoke < deadline) {
            let mut after = state.clone();
            if after.is_valid_step(&call.op, &()) {
                let next = (placed | (1 << at), after);
                if seen.insert(next.clone()) {
                    stack.push(next);
                }
            }
        }
    }
    Some(false)
}

/// Why nothing is said where the testers disagree.
pub(crate) fn disputed(witness: &Witness) -> Reason {
    let events: Vec<String> =
        witness.operations.iter().map(|op| op.invoke_index.to_string()).collect();
    let on_key =
        if witness.key.is_empty() { String::new() } else { format!(" on key {:?}", witness.key) };
    let explanation = format!(
        "undecided{on_key}: the search finds that the operations at events {} contradict one \
         another, and an independent tester finds that they do not. This is a bug of the checker",
        events.join(", ")
    );
    Reason {
        key: witness.key.clone(),
        limit: Limit::Disagreement,
        placed: 0,
        completed: witness.operations.iter().filter(|op| op.complete_index.is_some()).count(),
        explanation,
    }
}

#[cfg(test)]
mod tests;
