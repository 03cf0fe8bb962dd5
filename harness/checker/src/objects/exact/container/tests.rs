//! Containers against an oracle that tries all orders, all elements for each open take, and all
//! numbers of them for each open drain.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::linearizable::oracle::{brute_force, cases, intervals};
use crate::objects::exact::least::least;
use crate::objects::exact::{Refutation, Scope};
use crate::witness::Size;

/// Whether some order explains all calls. One that is left has the number of its steps done.
fn oracle(
    discipline: Discipline<'_>,
    calls: &[Call<Op>],
    done: &mut [usize],
    state: &mut [u32],
) -> bool {
    let length = |op: &Op| match op {
        Op::Drain(values) => values.len() + 1,
        _ => 1,
    };
    let is_known = |call: &Call<Op>| {
        call.complete.is_some() && !matches!(call.op, Op::TakeUnknown | Op::DrainUnknown)
    };
    let left = |at: usize, done: &[usize]| done[at] < length(&calls[at].op);
    let waiting = (0..calls.len()).filter(|&at| is_known(&calls[at]) && left(at, done));
    let Some(deadline) = waiting.filter_map(|at| calls[at].complete).min() else { return true };
    for at in 0..calls.len() {
        let call = &calls[at];
        let repeats = match call.op {
            Op::DrainUnknown => true,
            Op::Drain(_) => call.complete.is_none(),
            _ => false,
        };
        if call.invoke >= deadline || !(repeats || left(at, done)) {
            continue;
        }
        let step = match &call.op {
            Op::Put(value) => Some(Some(Op::Put(*value))),
            _ if !is_known(call) => None,
            Op::Take(value) => Some(Some(Op::Take(*value))),
            Op::Drain(values) => Some(Some(Op::Take(values.get(done[at]).copied()))),
            _ => None,
        };
        let choices: Vec<Vec<u32>> = match step.flatten() {
            Some(Op::Put(value)) => vec![[&state[..], &[value]].concat()],
            Some(Op::Take(None)) if state.is_empty() => vec![vec![]],
            Some(Op::Take(None)) => vec![],
            Some(Op::Take(Some(value))) => allowed(discipline, state)
                .filter(|&at| state[at] == value)
                .map(|at| without(state, at))
                .collect(),
            _ => allowed(discipline, state).map(|at| without(state, at)).collect(),
        };
        for mut after in choices {
            done[at] += 1;
            let found = oracle(discipline, calls, done, &mut after);
            done[at] -= 1;
            if found {
                return true;
            }
        }
    }
    false
}

fn without(state: &[u32], at: usize) -> Vec<u32> {
    let mut after = state.to_vec();
    after.remove(at);
    after
}

/// The places of what may come out next.
fn allowed<'a>(discipline: Discipline<'a>, state: &'a [u32]) -> impl Iterator<Item = usize> + 'a {
    let lowest = state.iter().map(|&value| discipline.rank(value)).min();
    (0..state.len()).filter(move |&at| match discipline {
        Discipline::Fifo => at == 0,
        Discipline::Lifo => at + 1 == state.len(),
        _ => Some(discipline.rank(state[at])) == lowest,
    })
}

fn is_possible(discipline: Discipline<'_>, calls: &[Call<Op>]) -> bool {
    oracle(discipline, calls, &mut vec![0; calls.len()], &mut [])
}

/// Which operations a random history has.
#[derive(Debug, Clone, Copy)]
struct Kinds {
    unique: bool,
    open: bool,
    drains: bool,
}

/// A random history that mostly behaves: operations take effect at random moments, and then
/// sometimes an answer is exchanged for another.
fn random(
    rng: &mut ChaCha8Rng,
    discipline: Discipline<'_>,
    kinds: Kinds,
    most: usize,
) -> Vec<Call<Op>> {
    let count = rng.random_range(1..=most);
    let puts = rng.random_range(2..=8);
    let mut fresh = 0;
    let mut value = |rng: &mut ChaCha8Rng| {
        fresh += 1;
        if kinds.unique { fresh - 1 } else { rng.random_range(0..3) }
    };
    let mut calls: Vec<Call<Op>> = intervals(rng, count)
        .into_iter()
        .map(|(invoke, complete)| {
            let op = match rng.random_range(0..10) {
                at if at < puts => Op::Put(value(rng)),
                9 if kinds.drains => Op::DrainUnknown,
                _ => Op::TakeUnknown,
            };
            let complete = complete.or((!kinds.open).then(|| 100 + invoke));
            Call { op, invoke, complete }
        })
        .collect();
    let mut points: Vec<(u32, usize)> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let last = call.complete.unwrap_or(200);
        if call.complete.is_some() || rng.random_bool(0.7) {
            let steps = if call.op == Op::DrainUnknown { rng.random_range(1..4) } else { 1 };
            points.extend((0..steps).map(|_| (rng.random_range(call.invoke..last), at)));
        }
    }
    points.sort_unstable();
    let mut state: Vec<u32> = Vec::new();
    let mut answers: Vec<Vec<Option<u32>>> = vec![vec![]; count];
    for (place, &(_, at)) in points.iter().enumerate() {
        let is_last = points[place + 1..].iter().all(|&(_, other)| other != at);
        match calls[at].op {
            Op::Put(value) => state.push(value),
            _ => loop {
                let out = allowed(discipline, &state).last();
                let taken = out.map(|out| state.remove(out));
                answers[at].push(taken);
                let is_drain = calls[at].op == Op::DrainUnknown && calls[at].complete.is_some();
                if taken.is_none() || !is_drain || !is_last {
                    break;
                }
            },
        }
    }
    for (call, answers) in calls.iter_mut().zip(&answers) {
        if call.complete.is_some() {
            match call.op {
                Op::TakeUnknown => call.op = Op::Take(answers.first().copied().flatten()),
                Op::DrainUnknown => {
                    call.op = Op::Drain(answers.iter().flatten().copied().collect());
                }
                _ => {}
            }
        }
    }
    for _ in 0..rng.random_range(0..4) {
        spoil(rng, &mut calls);
    }
    calls
}

/// Exchanges answers, or forgets one.
fn spoil(rng: &mut ChaCha8Rng, calls: &mut [Call<Op>]) {
    let (from, to) = (rng.random_range(0..calls.len()), rng.random_range(0..calls.len()));
    match (calls[from].op.clone(), calls[to].op.clone()) {
        (Op::Take(a), Op::Take(b)) if rng.random_bool(0.7) => {
            (calls[from].op, calls[to].op) = (Op::Take(b), Op::Take(a));
        }
        (Op::Take(_), _) if rng.random_bool(0.5) => calls[from].op = Op::Take(None),
        (Op::Take(_), _) => calls[from].op = Op::Take(Some(rng.random_range(0..4))),
        (Op::Drain(mut values), _) if values.len() > 1 && rng.random_bool(0.5) => {
            values.swap(0, 1);
            calls[from].op = Op::Drain(values);
        }
        (Op::Drain(values), _) => {
            calls[from].op = Op::Drain(values.iter().copied().skip(1).collect());
        }
        _ => {}
    }
}

/// The operations of a refutation by themselves.
fn alone(calls: &[Call<Op>], refutation: &Refutation) -> Vec<Call<Op>> {
    let mut kept: Vec<Call<Op>> =
        refutation.positions.iter().map(|&at| calls[at as usize].clone()).collect();
    let put = |value: u32, calls: &[Call<Op>]| calls.iter().any(|call| call.op == Op::Put(value));
    let known = kept.clone();
    for call in &mut kept {
        if let Op::Drain(values) = &mut call.op {
            *values = values
                .iter()
                .copied()
                .filter(|&value| put(value, &known) || !put(value, calls))
                .collect();
        }
    }
    kept
}

/// What is decided without search, where that must be possible; else what is expected.
fn is_decided(discipline: Discipline<'_>, kinds: Kinds, calls: &[Call<Op>]) -> Option<bool> {
    let parts = Parts::new(calls);
    let is_line = matches!(discipline, Discipline::Fifo | Discipline::Unordered);
    if !kinds.unique || (!is_line && (kinds.open || kinds.drains)) {
        return Some(is_possible(discipline, calls));
    }
    if witness::miscounted(&parts).is_some() {
        return Some(false);
    }
    match structure::decide(discipline, &parts, &parts.whole(), &|| false) {
        Structure::Order(steps) => replay::confirms(discipline, calls, &steps).then_some(true),
        Structure::Refuted(_) => Some(false),
        Structure::Undecided => None,
    }
}

fn compare(discipline: Discipline<'_>, kinds: Kinds, seed: u64, count: u64, most: usize) {
    let mut seen = [0_u64; 2];
    let mut minimal = 0;
    for case in 0..cases(count) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed + case);
        let calls = random(&mut rng, discipline, kinds, most);
        let expected = is_possible(discipline, &calls);
        let told = || format!("{discipline:?} {kinds:?} seed {}: {calls:#?}", seed + case);
        assert_eq!(is_decided(discipline, kinds, &calls), Some(expected), "{}", told());
        match check(discipline, &calls, Budget::default()) {
            Answer::Valid(_) => assert!(expected, "{}", told()),
            Answer::Invalid(refutation) => {
                assert!(!expected, "{refutation:?} {}", told());
                if refutation.scope == Scope::Alone {
                    let alone = alone(&calls, &refutation);
                    assert!(!is_possible(discipline, &alone), "{refutation:?} {}", told());
                }
                assert_ne!(refutation.scope, Scope::Nearby, "{}", told());
                minimal += u64::from(refutation.is_minimal);
            }
            Answer::Unknown(limit) => panic!("{limit:?} {}", told()),
        }
        seen[usize::from(expected)] += 1;
    }
    let [invalid, valid] = seen;
    assert!(invalid.min(valid) > cases(count) / 20, "too one-sided: {seen:?}");
    assert!(minimal * 10 > invalid * 9, "{minimal} of {invalid} are minimal");
}

const RANKS: [u32; 8] = [3, 1, 2, 1, 0, 2, 5, 3];

fn all(discipline: Discipline<'_>) {
    for (number, unique) in [true, false].into_iter().enumerate() {
        for (open, drains) in [(false, false), (true, false), (false, true), (true, true)] {
            let kinds = Kinds { unique, open, drains };
            let seed = 10_000_000 * (number as u64 * 4 + u64::from(open) * 2 + u64::from(drains));
            compare(discipline, kinds, seed, 600, 7);
        }
    }
}

#[test]
fn queues_are_decided_exactly() {
    all(Discipline::Fifo);
}

#[test]
fn stacks_are_decided_exactly() {
    all(Discipline::Lifo);
}

#[test]
fn priority_queues_are_decided_exactly() {
    all(Discipline::Priority(&RANKS));
    all(Discipline::Priority(&[]));
}

#[test]
fn bags_are_decided_exactly() {
    all(Discipline::Unordered);
}

#[test]
fn the_witness_is_the_least_there_is() {
    let disciplines =
        [Discipline::Fifo, Discipline::Lifo, Discipline::Priority(&RANKS), Discipline::Unordered];
    for discipline in disciplines {
        for case in 0..cases(300) {
            let mut rng = ChaCha8Rng::seed_from_u64(case);
            let kinds = Kinds { unique: true, open: case % 2 == 0, drains: false };
            let calls = random(&mut rng, discipline, kinds, 7);
            let Answer::Invalid(refutation) = check(discipline, &calls, Budget::default()) else {
                continue;
            };
            let parts = Parts::new(&calls);
            if witness::miscounted(&parts).is_some() {
                continue;
            }
            let (acts, sources) = model::acts(&parts, &parts.whole());
            let strike = |act: &model::Act| (*act != model::Act::Empty).then_some(*act);
            let contradicts = |any: bool, acts: &[Call<model::Act>]| {
                !any && !brute_force(&model::Container(discipline), acts)
            };
            // With what came out, what put it in.
            let size = |kept: &[u32]| {
                let mut shown: Vec<u32> = kept.iter().map(|&at| sources[at as usize]).collect();
                for &at in kept {
                    let put = |other: &u32| match acts[at as usize].op {
                        model::Act::Take(value) => calls[*other as usize].op == Op::Put(value),
                        _ => false,
                    };
                    shown.extend((0..u32::try_from(calls.len()).unwrap()).filter(put));
                }
                shown.sort_unstable();
                shown.dedup();
                Size::of_calls(&calls, &shown)
            };
            let least = least(&acts, &strike, &contradicts, &size);
            let shown = Size::of_calls(&calls, &refutation.positions);
            assert_eq!(Some(shown), least, "{discipline:?} seed {case}: {refutation:?} {calls:#?}");
        }
    }
}
