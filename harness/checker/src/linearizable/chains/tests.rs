//! The chains against all permutations.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Answer, check, core_calls};
use crate::budget::Budget;
use crate::history::{Operation, Value};
use crate::linearizable::oracle::{brute_force, cases, record, register_calls};
use crate::linearizable::search::{self, linearize_along};
use crate::model::{Call, Register, RegisterOp};

const MODEL: Register = Register { initial: Value::EMPTY };

#[test]
fn chains_agree_with_all_permutations() {
    let (mut by_chains, mut settled, mut by_search, mut contradictions) = (0, 0, 0, 0);
    for seed in 0..cases(400_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, count, true, true);
        let history = record(&calls);
        let operations: Vec<&Operation> = history.operations().iter().collect();
        let expected = brute_force(&MODEL, &calls);
        match check(&operations, Value::EMPTY, Budget::default()) {
            Answer::Linearizable(_) => {
                assert!(expected, "seed {seed}: {calls:?}");
                by_chains += 1;
                settled += u32::from(operations.iter().any(|op| op.refused));
            }
            Answer::Contradiction(core) => {
                assert!(!expected, "seed {seed}: {calls:?}");
                let core_calls = core_calls(&operations, &core, Value::EMPTY);
                let story = format!("seed {seed}: {core:?} is no contradiction in {calls:?}");
                assert!(!brute_force(&MODEL, &core_calls), "{story}");
                contradictions += 1;
            }
            Answer::UpToRefusals(calls, order) => {
                let found = linearize_along(&MODEL, &calls, &order, Budget::default()).answer;
                let found = found != search::Answer::NotLinearizable;
                assert_eq!(found, expected, "seed {seed}: {calls:?}");
                by_search += 1;
            }
            Answer::NotApplicable => {}
        }
    }
    let counts = [by_chains, settled, contradictions];
    assert!(counts.iter().zip([40_000, 20_000, 40_000]).all(|(n, least)| *n > least), "{counts:?}");
    assert!(by_search < cases(100), "{by_search}");
}

/// Operations one after another with some overlap; many are refused what was there a moment before
/// or is there a moment later, which may be wrong.
fn often_refused(rng: &mut ChaCha8Rng, count: u32) -> Vec<Call<RegisterOp>> {
    let reach = rng.random_range(2..24);
    let open = rng.random_range(0..4);
    let wrong = [0.0, 0.02, 0.2][rng.random_range(0..3)];
    let mut points: Vec<(u32, u32, Option<u32>)> = (0..count)
        .map(|at| {
            let point = 30 + 8 * at;
            let invoke = point - rng.random_range(1..=reach);
            let complete =
                (rng.random_range(0..20) >= open).then(|| point + rng.random_range(1..=reach));
            (point, invoke, complete)
        })
        .collect();
    // Distinct places in one order of events.
    let mut ends: Vec<(u32, u32, bool)> = Vec::new();
    for (at, &(_, invoke, complete)) in (0u32..).zip(&points) {
        ends.push((invoke, at, false));
        ends.extend(complete.map(|complete| (complete, at, true)));
    }
    ends.sort_unstable();
    for (place, &(_, at, is_end)) in (0u32..).zip(&ends) {
        let (_, invoke, complete) = &mut points[at as usize];
        if is_end { *complete = Some(place) } else { *invoke = place }
    }
    let mut state = Value::EMPTY;
    let mut recent = vec![state];
    let mut calls = Vec::new();
    for (fresh, (_, invoke, complete)) in (2..).zip(points) {
        let back = if rng.random_bool(wrong) { 1 } else { rng.random_range(2..=4) };
        let earlier = recent[recent.len().saturating_sub(back).min(recent.len() - 1)];
        let op = match rng.random_range(0..12) {
            0..2 => RegisterOp::Read(state),
            2..5 => RegisterOp::Write(Value(fresh)),
            5..8 => RegisterOp::Cas(state, Value(fresh)),
            _ if complete.is_none() => RegisterOp::Write(Value(fresh)),
            8 => RegisterOp::Refused(Value(fresh + 1)),
            _ if earlier == state && !rng.random_bool(wrong) => RegisterOp::Read(state),
            _ => RegisterOp::Refused(earlier),
        };
        let takes_effect = complete.is_some() || rng.random();
        if let (RegisterOp::Write(new) | RegisterOp::Cas(_, new), true) = (op, takes_effect) {
            state = new;
            recent.push(new);
        }
        calls.push(Call { op, invoke, complete });
    }
    calls.sort_by_key(|call| call.invoke);
    calls
}

#[test]
fn what_is_settled_agrees_with_the_search() {
    let (mut by_chains, mut contradictions, mut by_search) = (0, 0, 0);
    for seed in 0..cases(4_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(8..160);
        let calls = often_refused(&mut rng, count);
        let history = record(&calls);
        let operations: Vec<&Operation> = history.operations().iter().collect();
        let expected = || search::linearize(&MODEL, &calls, Budget::default()).answer;
        match check(&operations, Value::EMPTY, Budget::default()) {
            Answer::Linearizable(_) => {
                by_chains += 1;
            }
            Answer::Contradiction(core) => {
                let found = expected();
                assert_eq!(found, search::Answer::NotLinearizable, "seed {seed}: {core:?}");
                let calls = core_calls(&operations, &core, Value::EMPTY);
                let found = search::linearize(&MODEL, &calls, Budget::default()).answer;
                assert_eq!(found, search::Answer::NotLinearizable, "seed {seed}: {core:?} alone");
                contradictions += 1;
            }
            Answer::UpToRefusals(..) => by_search += 1,
            Answer::NotApplicable => {}
        }
    }
    let counts = [by_chains, contradictions, by_search];
    assert!(by_chains > 1_000 && contradictions > 200 && by_search < 100, "{counts:?}");
}
