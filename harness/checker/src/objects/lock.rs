//! Locks: `acquire` and `release`, one holder at a time.
//!
//! A process holds the lock for certain from the completion of its `acquire` to the invocation of
//! its next operation on it, or to the end. If nobody but holders releases, two such times that
//! meet are a contradiction of two operations, found in O(n log n). What remains is decided by the
//! search, exactly, for a lock that is free at first and that anybody may release (Knossos'
//! `mutex`). A lock that ends by itself is a lease ([`super::lease`]).

use rustc_hash::FxHashMap;

use super::finding::{Finding, Judgement, Kind, invalid, misfit, unknown};
use super::history::ObjectOperation;
use crate::budget::Budget;
use crate::model::{Call, Model};
use crate::own::{Linearization, linearizable};

/// Free or held; an operation is whether it acquires.
struct Mutex;

impl Model for Mutex {
    type Op = bool;
    type State = bool;

    fn initial(&self) -> bool {
        false
    }

    fn step(&self, is_held: &bool, acquire: &bool) -> Option<bool> {
        (is_held != acquire).then_some(*acquire)
    }
}

pub(super) fn judge(operations: &[&ObjectOperation], budget: Budget<'_>) -> Judgement {
    if let Some(op) = operations.iter().find(|op| op.f() != "acquire" && op.f() != "release") {
        return misfit(op, "acquire or release").into();
    }
    let calls = calls(operations, |op| op.f() == "acquire");
    let finding = match linearizable(&Mutex, &calls, budget) {
        Linearization::Order(_) => Finding::Valid,
        Linearization::Unknown(limit) => {
            unknown(operations, limit, "the search for an order was given up")
        }
        Linearization::Impossible => two_holders(operations).unwrap_or_else(|| {
            let (core, what) = first_impossible(operations, &Mutex, &calls, budget);
            invalid(Kind::NoOrder, &core, what)
        }),
    };
    finding.into()
}

/// The operations as calls of a model, with the places of their events by rank.
pub(super) fn calls<O>(
    operations: &[&ObjectOperation],
    mut op_of: impl FnMut(&ObjectOperation) -> O,
) -> Vec<Call<O>> {
    let mut places: Vec<u64> =
        operations.iter().flat_map(|op| [Some(op.invoke), op.complete()]).flatten().collect();
    places.sort_unstable();
    let rank = |place: u64| {
        let rank = places.partition_point(|&other| other < place);
        u32::try_from(rank).expect("fewer events than 2^32")
    };
    let call = |op: &&ObjectOperation| Call {
        op: op_of(op),
        invoke: rank(op.invoke),
        complete: op.complete().map(rank),
    };
    operations.iter().map(call).collect()
}

/// Two processes that held the lock at the same time, where each released what it held itself.
fn two_holders(operations: &[&ObjectOperation]) -> Option<Finding> {
    let mut next: FxHashMap<u64, u64> = FxHashMap::default();
    let mut holds: Vec<(u64, u64, &ObjectOperation)> = Vec::new();
    for &op in operations.iter().rev() {
        let until = next.insert(op.process, op.invoke).unwrap_or(u64::MAX);
        if op.f() == "acquire" && op.is_ok() {
            holds.push((op.end(), until, op));
        }
    }
    let mut held: FxHashMap<u64, bool> = FxHashMap::default();
    for op in operations {
        let before = held.insert(op.process, op.f() == "acquire" && op.is_ok()).unwrap_or(false);
        if op.f() == "release" && !before {
            return None;
        }
    }
    holds.sort_unstable_by_key(|&(from, ..)| from);
    let mut longest: Option<(u64, &ObjectOperation)> = None;
    for (from, until, op) in holds {
        if let Some((end, holder)) = longest
            && from < end
        {
            let what = "both hold the lock from the second answer on";
            return Some(invalid(Kind::TwoHolders, &[holder, op], what));
        }
        if longest.is_none_or(|(end, _)| until > end) {
            longest = Some((until, op));
        }
    }
    None
}

/// The shortest beginning, up to some completion, that has no order: what its last answer
/// contradicts. Operations not answered by then are open.
pub(super) fn first_impossible<'a, M: Model>(
    operations: &[&'a ObjectOperation],
    model: &M,
    calls: &[Call<M::Op>],
    budget: Budget<'_>,
) -> (Vec<&'a ObjectOperation>, &'static str) {
    let mut ends: Vec<u32> = calls.iter().filter_map(|call| call.complete).collect();
    ends.sort_unstable();
    let upto = |end: u32| -> Vec<Call<M::Op>> {
        let cut = |call: &Call<M::Op>| Call {
            op: call.op.clone(),
            invoke: call.invoke,
            complete: call.complete.filter(|&complete| complete <= end),
        };
        calls.iter().filter(|call| call.invoke < end).map(cut).collect()
    };
    // Longer beginnings of an impossible one are impossible too.
    let possible = ends.partition_point(|&end| {
        linearizable(model, &upto(end), budget) != Linearization::Impossible
    });
    let end = ends.get(possible).copied().unwrap_or(u32::MAX);
    let ended = calls.iter().position(|call| call.complete == Some(end)).unwrap_or_default();
    let begin = calls[ended].invoke;
    let near = |call: &&Call<M::Op>| {
        call.invoke < end && call.complete.is_none_or(|complete| complete >= begin)
    };
    let last_before = calls
        .iter()
        .enumerate()
        .filter(|(_, call)| call.complete.is_some_and(|complete| complete < begin))
        .max_by_key(|(_, call)| call.complete)
        .map(|(at, _)| at);
    let mut core: Vec<&ObjectOperation> =
        calls.iter().zip(operations).filter(|(call, _)| near(call)).map(|(_, &op)| op).collect();
    core.extend(last_before.map(|at| operations[at]));
    core.truncate(MOST_SHOWN);
    core.push(operations[ended]);
    (core, "no order of all operations up to the last of these gives their answers")
}

/// The most operations that a contradiction found by search shows.
const MOST_SHOWN: usize = 12;
