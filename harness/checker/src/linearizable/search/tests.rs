//! The search against all permutations.

use rand::RngExt as _;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Answer, Order, Search, linearize};
use crate::budget::{Budget, Meter};
use crate::history::Value;
use crate::linearizable::oracle::{brute_force, cases, intervals, register_calls};
use crate::model::{Call, Model, Register, RegisterOp, Sequence, SequenceOp};

fn register_op(rng: &mut ChaCha8Rng) -> RegisterOp {
    let mut value = || Value(rng.random_range(0..4));
    let (a, b) = (value(), value());
    match rng.random_range(0..8) {
        0..3 => RegisterOp::Read(a),
        3..5 => RegisterOp::Write(a),
        5..7 => RegisterOp::Cas(a, b),
        _ => RegisterOp::Refused(a),
    }
}

fn text_op(rng: &mut ChaCha8Rng) -> SequenceOp<u8> {
    let text = |rng: &mut ChaCha8Rng, most| {
        let length = rng.random_range(0..=most);
        (0..length).map(|_| if rng.random_bool(0.5) { b'a' } else { b'b' }).collect()
    };
    match rng.random_range(0..8) {
        0..3 => SequenceOp::Get(text(rng, 3)),
        3 => SequenceOp::Put(text(rng, 1)),
        4 => SequenceOp::Cas(text(rng, 1), text(rng, 2)),
        5 => SequenceOp::Refused(text(rng, 1)),
        _ => SequenceOp::Append(text(rng, 1)),
    }
}

/// Checks an order by replaying it through the model.
fn replay<M: Model>(model: &M, calls: &[Call<M::Op>], order: &[u32]) {
    let mut state = model.initial();
    let mut left: Vec<u32> = (0u32..).zip(calls).map(|(position, _)| position).collect();
    for position in order {
        let call = &calls[*position as usize];
        let deadline = left.iter().filter_map(|&at| calls[at as usize].complete).min();
        assert!(deadline.is_none_or(|deadline| call.invoke < deadline));
        left.retain(|other| other != position);
        state = model.step(&state, &call.op).expect("an order of possible steps");
    }
    assert!(left.iter().all(|&at| calls[at as usize].complete.is_none()));
}

fn compare<M: Model>(model: &M, seed: u64, count: u64, op: impl Fn(&mut ChaCha8Rng) -> M::Op) {
    let count = cases(count);
    let mut valid = 0;
    for case in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(seed + case);
        let length = rng.random_range(1..=7);
        let calls: Vec<Call<M::Op>> = intervals(&mut rng, length)
            .into_iter()
            .map(|(invoke, complete)| Call { op: op(&mut rng), invoke, complete })
            .collect();
        let answer = linearize(model, &calls, Budget::default()).answer;
        let expected = brute_force(model, &calls);
        match answer {
            Answer::Linearizable(order) => {
                assert!(expected, "seed {}: {calls:?}", seed + case);
                replay(model, &calls, &order);
            }
            Answer::NotLinearizable => assert!(!expected, "seed {}: {calls:?}", seed + case),
            Answer::GivenUp(_) => panic!("seed {}: gave up on {calls:?}", seed + case),
        }
        valid += u64::from(expected);
    }
    assert!(valid > count / 20 && valid < count - count / 20, "{valid} of {count} were valid");
}

#[test]
fn search_agrees_with_all_permutations_on_registers() {
    compare(&Register { initial: Value(0) }, 1_000_000, 200_000, register_op);
}

#[test]
fn search_agrees_with_all_permutations_on_registers_that_mostly_behave() {
    let model = Register { initial: Value::EMPTY };
    for seed in 0..cases(200_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, count, seed % 2 == 0, true);
        let answer = linearize(&model, &calls, Budget::default()).answer;
        if let Answer::Linearizable(order) = &answer {
            replay(&model, &calls, order);
        }
        let found = answer != Answer::NotLinearizable;
        assert_eq!(found, brute_force(&model, &calls), "seed {seed}: {calls:?}");
    }
}

#[test]
fn search_agrees_with_all_permutations_on_strings() {
    compare(&Sequence { initial: Box::default() }, 2_000_000, 100_000, text_op);
}

/// Rounds of five overlapping writes of three values and a read after each, with nothing open in
/// between, and at the end a read of what is not there.
fn rounds(count: u32) -> Vec<Call<RegisterOp>> {
    let mut calls = Vec::new();
    for round in 0..count {
        let start = 20 * round;
        for at in 0..5 {
            let op = RegisterOp::Write(Value((at + round) % 3));
            calls.push(Call { op, invoke: start + at, complete: Some(start + 10 + at) });
        }
        let op = RegisterOp::Read(Value(round % 3));
        calls.push(Call { op, invoke: start + 16, complete: Some(start + 17) });
    }
    let end = 20 * count;
    calls.push(Call { op: RegisterOp::Read(Value(7)), invoke: end, complete: Some(end + 1) });
    calls.push(Call { op: RegisterOp::Write(Value(7)), invoke: end + 2, complete: Some(end + 3) });
    calls
}

/// Where nothing is open, a configuration is a state and nothing else, and gone into once. So the
/// search is cut there already: a contradiction behind many such points costs so many times what
/// it costs behind one, not a power of it.
#[test]
fn where_nothing_is_open_the_search_is_cut() {
    let steps = |count| {
        let calls = rounds(count);
        let model = Register { initial: Value(0) };
        let mut meter = Meter::new(Budget::default());
        let found = Search::new(&model, &calls, &Order::Completion).run(&mut meter);
        assert_eq!(found.answer, Answer::NotLinearizable);
        meter.steps
    };
    let (ten, thousand) = (steps(10), steps(1_000));
    assert!(thousand <= 120 * ten, "{ten} steps for ten rounds, {thousand} for a thousand");
}
