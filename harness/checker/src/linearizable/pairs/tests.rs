//! The smallest contradiction against all subsets of operations.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::smallest;
use crate::history::{Operation, Value};
use crate::linearizable::oracle::{brute_force, cases, intervals, record, register_calls};
use crate::model::{Call, Register, RegisterOp};
use crate::witness::Size;

const MODEL: Register = Register { initial: Value::EMPTY };

fn saw(op: &RegisterOp) -> Option<Value> {
    match *op {
        RegisterOp::Read(value) | RegisterOp::Cas(value, _) => Some(value),
        RegisterOp::Write(_) | RegisterOp::Refused(_) => None,
    }
}

fn wrote(op: &RegisterOp) -> Option<Value> {
    match *op {
        RegisterOp::Write(value) | RegisterOp::Cas(_, value) => Some(value),
        RegisterOp::Read(_) | RegisterOp::Refused(_) => None,
    }
}

/// The smallest set in which each value that was seen has its write, if it has any, and that is
/// not linearizable.
fn by_subsets(calls: &[Call<RegisterOp>]) -> Option<Size> {
    let subset = |bits: u32| -> Vec<u32> {
        (0..u32::try_from(calls.len()).unwrap()).filter(|at| bits & (1 << at) != 0).collect()
    };
    let op = |at: &u32| &calls[*at as usize].op;
    let is_closed = |chosen: &[u32]| {
        chosen.iter().filter_map(|at| saw(op(at))).filter(|&value| value != MODEL.initial).all(
            |value| {
                chosen.iter().any(|at| wrote(op(at)) == Some(value))
                    || calls.iter().all(|call| wrote(&call.op) != Some(value))
            },
        )
    };
    let contradicts = |chosen: &[u32]| {
        let calls: Vec<_> = chosen.iter().map(|&at| calls[at as usize].clone()).collect();
        !brute_force(&MODEL, &calls)
    };
    let sets = (1..1_u32 << calls.len()).map(subset);
    let sets = sets.filter(|chosen| is_closed(chosen) && contradicts(chosen));
    sets.map(|chosen| Size::of_calls(calls, &chosen)).min()
}

/// Two writes, some of them slow or never answered, and reads of the two in turns.
fn divergent(rng: &mut ChaCha8Rng, count: usize) -> Vec<Call<RegisterOp>> {
    let mut calls: Vec<Call<RegisterOp>> = Vec::new();
    let value = |rng: &mut ChaCha8Rng| Value(rng.random_range(1..=2));
    for (at, (invoke, complete)) in intervals(rng, count).into_iter().enumerate() {
        let op = RegisterOp::Read(value(rng));
        let end = 4 * u32::try_from(count).unwrap();
        let complete = Some(complete.unwrap_or(end + u32::try_from(at).unwrap()));
        calls.push(Call { op, invoke, complete });
    }
    for (number, value) in [(0, Value(1)), (1, Value(2))] {
        if let Some(call) = calls.get_mut(number) {
            call.op = RegisterOp::Write(value);
            if rng.random() {
                call.complete = call.complete.filter(|_| rng.random());
            }
        }
    }
    // Places in one order of events again.
    let mut ends: Vec<(u32, usize, bool)> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        ends.push((call.invoke, at, false));
        ends.extend(call.complete.map(|complete| (complete, at, true)));
    }
    ends.sort_unstable();
    for (place, (_, at, is_end)) in (0u32..).zip(ends) {
        let call = &mut calls[at];
        if is_end { call.complete = Some(place) } else { call.invoke = place }
    }
    calls
}

#[test]
fn none_of_all_subsets_that_contradict_is_smaller() {
    let mut counts = [0; 7];
    for seed in 0..cases(60_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=8);
        let calls = match seed % 2 {
            0 => register_calls(&mut rng, count, true, false),
            _ => divergent(&mut rng, count),
        };
        let history = record(&calls);
        let operations: Vec<&Operation> = history.operations().iter().collect();
        let found = smallest(&operations, Value::EMPTY, &|| false);
        let found = found.map(|positions| Size::of_operations(&operations, &positions));
        assert_eq!(found, by_subsets(&calls), "seed {seed}: {calls:?}");
        if let Some(size) = found {
            counts[size.operations()] += 1;
        }
    }
    assert!(counts[1..].iter().all(|&count| count > 50), "{counts:?} by size");
}
