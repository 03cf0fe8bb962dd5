//! Locks against an oracle that tries all orders.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::linearizable::oracle::{brute_force, cases, intervals};
use crate::objects::exact::least::least;

/// The same locks, as a list of what was done and not undone, and the tokens handed out.
struct Plain(Rules);

/// The holders, one entry a hold; all tokens known so far, and that of the holder.
type Held = (Vec<u32>, Vec<i128>, Option<i128>);

impl Model for Plain {
    type Op = Op;
    type State = Held;

    fn initial(&self) -> Held {
        (vec![], vec![], None)
    }

    fn step(&self, (holders, tokens, current): &Held, op: &Op) -> Option<Held> {
        let (mut holders, mut tokens, mut current) = (holders.clone(), tokens.clone(), *current);
        match op.act {
            Act::Acquire(token) => {
                let again = !holders.is_empty();
                let is_same = self.0.is_owned && holders.iter().all(|&holder| holder == op.owner);
                if again && !(is_same && holders.len() < self.0.most_holds as usize) {
                    return None;
                }
                holders.push(op.owner);
                if let Some(token) = token.filter(|_| self.0.is_fenced) {
                    let is_right = match current {
                        Some(current) if again => current == token,
                        _ => tokens.iter().all(|&other| other < token),
                    };
                    if !is_right {
                        return None;
                    }
                    tokens.push(token);
                    current = Some(token);
                } else if !again {
                    current = None;
                }
            }
            Act::Release => {
                let holder = holders.pop()?;
                if self.0.is_owned && holder != op.owner {
                    return None;
                }
            }
        }
        Some((holders, tokens, current))
    }
}

/// A random history that mostly behaves: clients that acquire and release at random moments, with
/// some answers exchanged.
fn random(rng: &mut ChaCha8Rng, rules: Rules, most: usize) -> Vec<Call<Op>> {
    let count = rng.random_range(1..=most);
    let owners = rng.random_range(1..=3);
    let mut calls: Vec<Call<Op>> = intervals(rng, count)
        .into_iter()
        .map(|(invoke, complete)| {
            let act = if rng.random_bool(0.5) { Act::Release } else { Act::Acquire(None) };
            Call { op: Op { owner: rng.random_range(0..owners), act }, invoke, complete }
        })
        .collect();
    let mut points: Vec<(u32, usize)> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        if call.complete.is_some() || rng.random_bool(0.6) {
            points.push((rng.random_range(call.invoke..call.complete.unwrap_or(60)), at));
        }
    }
    points.sort_unstable();
    let model = Plain(rules);
    let (mut state, mut next) = (model.initial(), 0);
    for (_, at) in points {
        let call = &mut calls[at];
        // Of what can be done now, anything that fits.
        let mut acts = vec![Act::Release];
        if rng.random_bool(0.8) {
            next += rng.random_range(1..=2);
            acts.extend([Act::Acquire(state.2), Act::Acquire(Some(next))]);
        }
        acts.push(Act::Acquire(None));
        let at = rng.random_range(0..acts.len());
        acts.rotate_left(at);
        for act in acts {
            let op = Op { act, ..call.op };
            if let Some(after) = model.step(&state, &op) {
                (call.op, state) = (op, after);
                break;
            }
        }
    }
    for _ in 0..rng.random_range(0..3) {
        let at = rng.random_range(0..count);
        match &mut calls[at].op {
            Op { act: Act::Acquire(Some(token)), .. } => *token += rng.random_range(-1..=1),
            Op { owner, .. } if rng.random_bool(0.5) => *owner = rng.random_range(0..owners),
            Op { act, .. } => {
                *act = if *act == Act::Release { Act::Acquire(None) } else { Act::Release };
            }
        }
    }
    calls
}

fn compare(rules: Rules, seed: u64) {
    let mut seen = [0_u64; 2];
    let mut minimal = 0;
    let count = cases(4_000);
    for case in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed + case);
        let calls = random(&mut rng, rules, 8);
        let told = || format!("{rules:?} seed {}: {calls:#?}", seed + case);
        let plain = Plain(rules);
        let asked: Vec<Call<Op>> = calls
            .iter()
            .map(|call| {
                let act = match call.op.act {
                    Act::Acquire(_) if call.complete.is_none() => Act::Acquire(None),
                    act => act,
                };
                Call { op: Op { act, ..call.op }, ..*call }
            })
            .collect();
        let expected = brute_force(&plain, &asked);
        match check(rules, &calls, Budget::default()) {
            Answer::Valid(_) => assert!(expected, "{}", told()),
            Answer::Invalid(refutation) => {
                assert!(!expected, "{refutation:?} {}", told());
                minimal += u64::from(refutation.is_minimal);
                if refutation.scope == Scope::Alone {
                    let alone: Vec<Call<Op>> =
                        refutation.positions.iter().map(|&at| asked[at as usize].clone()).collect();
                    assert!(!brute_force(&plain, &alone), "{refutation:?} {}", told());
                }
            }
            Answer::Unknown(limit) => panic!("{limit:?} {}", told()),
        }
        seen[usize::from(expected)] += 1;
    }
    let [invalid, valid] = seen;
    assert!(invalid.min(valid) > count / 20, "too one-sided: {seen:?}");
    assert!(minimal * 100 > invalid * 99, "{minimal} of {invalid} are minimal");
}

#[test]
fn mutexes_are_decided_exactly() {
    compare(Rules::MUTEX, 0);
    compare(Rules { is_fenced: true, ..Rules::MUTEX }, 10_000_000);
}

#[test]
fn locks_with_owners_are_decided_exactly() {
    compare(Rules::OWNER, 20_000_000);
    compare(Rules::FENCED, 30_000_000);
}

#[test]
fn reentrant_locks_are_decided_exactly() {
    compare(Rules::REENTRANT, 40_000_000);
    compare(Rules { most_holds: 2, ..Rules::REENTRANT }, 50_000_000);
    compare(Rules::REENTRANT_FENCED, 60_000_000);
    compare(Rules { most_holds: 2, ..Rules::REENTRANT_FENCED }, 70_000_000);
}

#[test]
fn the_witness_is_the_least_there_is() {
    let all =
        [Rules::MUTEX, Rules::OWNER, Rules::FENCED, Rules::REENTRANT, Rules::REENTRANT_FENCED];
    for rules in all {
        for case in 0..cases(200) {
            let mut rng = ChaCha8Rng::seed_from_u64(case);
            let calls = random(&mut rng, rules, 6);
            let Answer::Invalid(refutation) = check(rules, &calls, Budget::default()) else {
                continue;
            };
            let lock = Lock { rules, initial: State::FREE };
            let counted: Vec<Call<Op>> = calls.iter().map(|call| lock.what_counts(call)).collect();
            let strike = |op: &Op| {
                let act = if op.act == Act::Release { Act::Release } else { Act::Acquire(None) };
                Some(Op { act, ..*op })
            };
            let contradicts = |any: bool, calls: &[Call<Op>]| {
                let starts =
                    if any { lock.starts(calls) } else { Some(vec![lock.begun(State::FREE)]) };
                starts.unwrap().iter().all(|start| !brute_force(start, calls))
            };
            let size = |kept: &[u32]| Size::of_calls(&calls, kept);
            let least = least(&counted, &strike, &contradicts, &size);
            let told = || format!("{rules:?} seed {case}: {refutation:?} {calls:#?}");
            let shown = size(&refutation.positions);
            // What stands alone may need fewer, because it is known when the others were over.
            let is_least = least.is_some_and(|least| shown == least)
                || (refutation.scope == Scope::Alone && least.is_none_or(|least| shown < least));
            assert!(is_least, "{least:?} {}", told());
        }
    }
}
