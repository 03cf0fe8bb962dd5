//! Counters against an oracle that tries all orders, and the shapes that were missed by bounds.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::linearizable::oracle::{brute_force, cases, intervals};
use crate::model::Model;
use crate::objects::exact::Scope;
use crate::objects::exact::least::least;
use crate::witness::Size;

/// A counter; the sum is none until it is told.
struct Counter(Option<i128>);

impl Model for Counter {
    type Op = Op;
    type State = Option<i128>;

    fn initial(&self) -> Option<i128> {
        self.0
    }

    fn step(&self, sum: &Option<i128>, op: &Op) -> Option<Option<i128>> {
        match *op {
            Op::Add(amount) => Some(sum.map(|sum| sum + amount)),
            Op::Read(value) => sum.is_none_or(|sum| sum == value).then_some(Some(value)),
            Op::AddAndGet { amount, after } => {
                sum.is_none_or(|sum| sum + amount == after).then_some(Some(after))
            }
        }
    }
}

/// As the model sees them: what was not answered tells nothing.
fn as_asked(calls: &[Call<Op>]) -> Vec<Call<Op>> {
    let asked = |call: &Call<Op>| match call.op {
        Op::AddAndGet { amount, .. } if call.complete.is_none() => {
            Some(Call { op: Op::Add(amount), ..*call })
        }
        Op::Read(_) if call.complete.is_none() => None,
        _ => Some(call.clone()),
    };
    calls.iter().filter_map(asked).collect()
}

/// A random history that mostly behaves, with amounts out of `amounts`.
fn random(rng: &mut ChaCha8Rng, initial: i128, amounts: &[i128], most: usize) -> Vec<Call<Op>> {
    let count = rng.random_range(1..=most);
    let reads = rng.random_range(2..=8);
    let tells = rng.random_bool(0.5);
    let mut calls: Vec<Call<Op>> = intervals(rng, count)
        .into_iter()
        .map(|(invoke, complete)| {
            let amount = amounts[rng.random_range(0..amounts.len())];
            let op = match rng.random_range(0..10) {
                at if at < reads => Op::Read(0),
                9 if tells => Op::AddAndGet { amount, after: 0 },
                _ => Op::Add(amount),
            };
            Call { op, invoke, complete }
        })
        .collect();
    let mut points: Vec<(u32, usize)> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        if call.complete.is_some() || rng.random_bool(0.6) {
            points.push((rng.random_range(call.invoke..call.complete.unwrap_or(60)), at));
        }
    }
    points.sort_unstable();
    let mut sum = initial;
    for (_, at) in points {
        match &mut calls[at].op {
            Op::Read(value) => *value = sum,
            Op::Add(amount) => sum += *amount,
            Op::AddAndGet { amount, after } => {
                sum += *amount;
                *after = sum;
            }
        }
    }
    for _ in 0..rng.random_range(0..3) {
        let at = rng.random_range(0..count);
        let by = amounts[rng.random_range(0..amounts.len())] * rng.random_range(-1..=1);
        if let Op::Read(told) | Op::AddAndGet { after: told, .. } = &mut calls[at].op {
            *told += by + i128::from(rng.random_range(0..8) == 0);
        }
    }
    calls
}

fn compare(amounts: &[i128], seed: u64, most: usize) {
    let mut seen = [0_u64; 2];
    let mut minimal = 0;
    let count = cases(4_000);
    for case in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed + case);
        let initial = rng.random_range(-2..=2);
        let calls = random(&mut rng, initial, amounts, most);
        let told = || format!("seed {} from {initial}: {calls:#?}", seed + case);
        let asked = as_asked(&calls);
        let expected = brute_force(&Counter(Some(initial)), &asked);
        match check(initial, &calls, Budget::default()) {
            Answer::Valid(order) => {
                assert!(expected, "{}", told());
                assert!(confirms(Some(initial), &calls, &order), "{order:?} {}", told());
            }
            Answer::Invalid(refutation) => {
                assert!(!expected, "{refutation:?} {}", told());
                minimal += u64::from(refutation.is_minimal);
                is_a_proof(initial, &calls, &refutation, &told);
            }
            Answer::Unknown(limit) => panic!("{limit:?} {}", told()),
        }
        let any = decide(None, &calls, &mut Meter::new(Budget::default()));
        let expected_any = brute_force(&Counter(None), &asked);
        assert_eq!(matches!(any, Decision::Order(_)), expected_any, "any state: {}", told());
        seen[usize::from(expected)] += 1;
    }
    let [invalid, valid] = seen;
    assert!(invalid.min(valid) > count / 20, "too one-sided: {seen:?}");
    assert_eq!(minimal, invalid);
}

/// The operations shown contradict one another with all others struck, or begun in any state.
fn is_a_proof(
    initial: i128,
    calls: &[Call<Op>],
    refutation: &crate::objects::exact::Refutation,
    told: &dyn Fn() -> String,
) {
    let kept = |at: usize| refutation.positions.contains(&u32::try_from(at).unwrap());
    let strike = |(at, call): (usize, &Call<Op>)| match call.op {
        _ if kept(at) => {
            let complete = call.complete.filter(|&complete| complete <= refutation.until);
            Some(Call { complete, ..call.clone() })
        }
        Op::Read(_) => None,
        Op::Add(amount) | Op::AddAndGet { amount, .. } => {
            Some(Call { op: Op::Add(amount), invoke: call.invoke, complete: None })
        }
    };
    // What was over before the first of them, or began when they were over, does not count.
    let any = refutation.scope == Scope::InAnyState;
    assert_eq!(any, refutation.from.is_some(), "{refutation:?} {}", told());
    let is_over = |call: &Call<Op>| {
        call.complete.is_some_and(|end| Some(end) <= refutation.from)
            || refutation.until < call.invoke
    };
    let struck: Vec<Call<Op>> =
        calls.iter().enumerate().filter(|(_, call)| !is_over(call)).filter_map(strike).collect();
    let model = Counter((!any).then_some(initial));
    assert!(!brute_force(&model, &as_asked(&struck)), "{refutation:?} {}", told());
}

#[test]
fn ones_are_decided_exactly() {
    compare(&[1], 0, 8);
    compare(&[-2], 10_000_000, 7);
    compare(&[1, 1, 1, 0], 20_000_000, 7);
}

#[test]
fn amounts_of_one_sign_are_decided_exactly() {
    compare(&[1, 2, 5], 30_000_000, 7);
    compare(&[-3, -1, 0], 40_000_000, 7);
    compare(&[4, 6, 10], 50_000_000, 7);
}

#[test]
fn amounts_of_both_signs_are_decided_exactly() {
    compare(&[1, -1], 60_000_000, 7);
    compare(&[1, -2, 3, 0], 70_000_000, 7);
    compare(&[10, -7], 80_000_000, 7);
}

#[test]
fn the_witness_is_the_least_there_is() {
    for case in 0..cases(300) {
        let mut rng = ChaCha8Rng::seed_from_u64(case);
        let amounts: &[i128] = if case % 2 == 0 { &[1] } else { &[1, 2, -1] };
        let calls = random(&mut rng, 0, amounts, 6);
        let Answer::Invalid(refutation) = check(0, &calls, Budget::default()) else { continue };
        let strike = |op: &Op| match *op {
            Op::Read(_) => None,
            Op::Add(amount) | Op::AddAndGet { amount, .. } => Some(Op::Add(amount)),
        };
        let contradicts = |any: bool, calls: &[Call<Op>]| {
            !brute_force(&Counter((!any).then_some(0)), &as_asked(calls))
        };
        let size = |kept: &[u32]| Size::of_calls(&calls, kept);
        let least = least(&calls, &strike, &contradicts, &size);
        assert_eq!(
            Some(size(&refutation.positions)),
            least,
            "seed {case}: {refutation:?} {calls:#?}"
        );
    }
}
