//! The smallest part of a contradiction that still is one.
//!
//! A history is made of *units*, given in order of time: an operation, or all operations on one
//! element. Leaving out a unit never makes a good history bad. So of the units from the first on,
//! the fewest are kept that contradict one another; of these, the fewest from the last back; of
//! what is left, delta debugging (Zeller and Hildebrandt, 2002) leaves out halves, then ever
//! smaller parts, down to single units. The result ends early and spans little time.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use crate::model::Call;

/// Keeps few of `units`, all of which contradict one another. `contradicts` says whether some, in
/// increasing order, do; none if that is too hard to say. Also returns whether each unit of the
/// result is certainly needed. Once `stop` says so, the rest is kept as it is.
pub(super) fn shrink(
    units: &[u32],
    stop: &dyn Fn() -> bool,
    contradicts: &mut dyn FnMut(&[u32]) -> Option<bool>,
) -> (Vec<u32>, bool) {
    let end = fewest(units.len(), &mut |count| contradicts(&units[..count]) == Some(true));
    let ended = &units[..end];
    let from_end = fewest(end, &mut |count| contradicts(&ended[end - count..]) == Some(true));
    leave_out(ended[end - from_end..].to_vec(), stop, contradicts)
}

/// The smallest count that is enough, where more are enough too, and all of them are.
pub(super) fn fewest(all: usize, is_enough: &mut dyn FnMut(usize) -> bool) -> usize {
    let (mut too_few, mut enough) = (0, all);
    while enough > too_few + 1 {
        let middle = usize::midpoint(too_few, enough);
        if is_enough(middle) { enough = middle } else { too_few = middle }
    }
    enough
}

/// Delta debugging from the earliest unit on, until no single one can be left out.
pub(super) fn leave_out(
    mut kept: Vec<u32>,
    stop: &dyn Fn() -> bool,
    contradicts: &mut dyn FnMut(&[u32]) -> Option<bool>,
) -> (Vec<u32>, bool) {
    let mut chunk = kept.len().div_ceil(2);
    loop {
        let (mut is_certain, mut has_shrunk) = (true, false);
        let mut start = 0;
        while start < kept.len() && kept.len() > 1 {
            if stop() {
                return (kept, false);
            }
            let end = (start + chunk).min(kept.len());
            let fewer = [&kept[..start], &kept[end..]].concat();
            match contradicts(&fewer) {
                Some(true) => {
                    kept = fewer;
                    has_shrunk = true;
                    continue;
                }
                answer => is_certain &= answer.is_some(),
            }
            start = end;
        }
        if chunk <= 1 && !has_shrunk {
            return (kept, is_certain);
        }
        chunk = chunk.div_ceil(2).min(kept.len().div_ceil(2)).max(1);
    }
}

/// No more parts are looked at to find the least one.
const MOST_PARTS: usize = 4_000;

/// The least of the parts that contradict themselves and lose that with any unit.
///
/// Of each part that is known, one unit after another is given up. If the rest still contradicts itself,
/// it has another such part (Reiter, "A theory of diagnosis from first principles", 1987). `first` is
/// one, with whether each unit of it is needed. When `is_enough` or `stop` says so, the least found so far
/// is taken.
pub(super) fn least<S: Ord>(
    units: &[u32],
    first: (Vec<u32>, bool),
    stop: &dyn Fn() -> bool,
    contradicts: &mut dyn FnMut(&[u32]) -> Option<bool>,
    size: &dyn Fn(&[u32]) -> S,
    is_enough: &dyn Fn() -> bool,
) -> (Vec<u32>, bool) {
    let mut known = vec![first];
    let mut given_up: VecDeque<Vec<u32>> = VecDeque::from([Vec::new()]);
    let mut seen: FxHashSet<Vec<u32>> = FxHashSet::default();
    while let Some(without) = given_up.pop_front() {
        let is_left = |unit: &u32| without.binary_search(unit).is_err();
        let at = match known.iter().position(|(part, _)| part.iter().all(is_left)) {
            Some(at) => at,
            None if stop() || is_enough() || seen.len() > MOST_PARTS => break,
            None => {
                let rest: Vec<u32> = units.iter().copied().filter(is_left).collect();
                if contradicts(&rest) != Some(true) {
                    continue;
                }
                known.push(shrink(&rest, stop, contradicts));
                known.len() - 1
            }
        };
        for &unit in &known[at].0 {
            let mut more = without.clone();
            more.insert(more.partition_point(|&other| other < unit), unit);
            if seen.insert(more.clone()) {
                given_up.push_back(more);
            }
        }
    }
    known.into_iter().min_by_key(|(part, _)| size(part)).unwrap_or_default()
}

/// The first answer that nothing before it allows, and what surrounds it: positions of at most so
/// many calls, and the place of that answer. `is_impossible` says whether there is no order of some
/// calls, up to some place. Once `stop` says so, a later answer is taken.
pub(super) fn nearby<O: Clone>(
    calls: &[Call<O>],
    most: usize,
    stop: &dyn Fn() -> bool,
    is_impossible: &mut dyn FnMut(&[Call<O>]) -> bool,
) -> (Vec<u32>, u32) {
    let mut ends: Vec<u32> = calls.iter().filter_map(|call| call.complete).collect();
    ends.sort_unstable();
    let count =
        fewest(ends.len(), &mut |count| !stop() && is_impossible(&upto(calls, ends[count - 1])));
    let Some(&end) = count.checked_sub(1).and_then(|last| ends.get(last)) else {
        return (Vec::new(), 0);
    };
    let last = calls.iter().position(|call| call.complete == Some(end)).unwrap_or_default();
    let begin = calls[last].invoke;
    let is_near = |call: &Call<O>| {
        call.invoke < end && call.complete.is_none_or(|complete| complete >= begin)
    };
    let near = (0u32..).zip(calls).filter(|(_, call)| is_near(call)).map(|(at, _)| at);
    let mut positions: Vec<u32> = near.take(most - 1).chain(u32::try_from(last)).collect();
    positions.sort_unstable();
    positions.dedup();
    (positions, end)
}

/// What was known at some place.
fn upto<O: Clone>(calls: &[Call<O>], end: u32) -> Vec<Call<O>> {
    let cut = |call: &Call<O>| Call {
        op: call.op.clone(),
        invoke: call.invoke,
        complete: call.complete.filter(|&complete| complete <= end),
    };
    calls.iter().filter(|call| call.invoke < end).map(cut).collect()
}
