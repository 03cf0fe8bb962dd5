//! What is shown of operations that a search found no order for.

use super::finding::{Finding, Kind, invalid};
use super::history::ObjectOperation;
use crate::budget::Budget;
use crate::model::{Call, Model};
use crate::own::{Linearization, linearizable};
use crate::witness;

/// More operations than this are not struck one by one, of an object that may be begun in any state.
const MOST_TO_MINIMIZE: usize = 4_000;

/// And of one whose every beginning counts.
const MOST_FROM_THE_START: usize = 200;

/// The most operations that are shown of a contradiction that was not shown to be minimal.
const MOST_SHOWN: usize = 12;

/// The contradiction between calls that have no order: where they are not too many, what striking leaves
/// ([`witness::minimize_from`]), if that is minimal or at least short; else what surrounds the first answer
/// that nothing allows.
pub(super) fn no_order<M: Model>(
    operations: &[&ObjectOperation],
    model: &M,
    calls: &[Call<M::Op>],
    budget: Budget<'_>,
) -> Finding {
    let most = if model.starts(calls).is_some() { MOST_TO_MINIMIZE } else { MOST_FROM_THE_START };
    if calls.len() <= most {
        let (core, is_minimal, in_any_state) = witness::minimize_from(model, calls, budget);
        if is_minimal || core.len() <= MOST_SHOWN {
            let core: Vec<_> = core.iter().map(|&at| operations[at as usize]).collect();
            let what = if in_any_state {
                "no order gives these their answers, whatever state they found, and whenever the others \
                 beside them took effect"
            } else {
                "no order gives these their answers, whenever the others took effect"
            };
            return invalid(Kind::NoOrder, &core, what);
        }
    }
    let core = first_impossible(operations, model, calls, budget);
    let what = "no order of all operations up to the last of these gives their answers";
    invalid(Kind::NoOrder, &core, what)
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

/// The shortest beginning, up to some completion, that has no order: what its last answer
/// contradicts. Operations not answered by then are open.
fn first_impossible<'a, M: Model>(
    operations: &[&'a ObjectOperation],
    model: &M,
    calls: &[Call<M::Op>],
    budget: Budget<'_>,
) -> Vec<&'a ObjectOperation> {
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
    core
}
