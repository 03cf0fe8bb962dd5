//! The testers against all permutations, and what becomes of a verdict on which they disagree.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    MOST_OPERATIONS, Object, Specification, Stateright, Tester, confirm, confirm_core,
    confirm_core_by, recursion,
};
use crate::budget::Limit;
use crate::check::{Options, check_with};
use crate::history::{Recorder, Value};
use crate::linearizable::oracle::{TextEvent, brute_force, cases, events, register_calls};
use crate::model::{Call, Model, Register, RegisterOp};
use crate::verdict::Verdict;
use crate::witness::Unconfirmed;

const MODEL: Register = Register { initial: Value::EMPTY };

/// A tester that is wrong about what contradicts.
#[derive(Clone, Copy)]
struct Lenient;

impl Tester for Lenient {
    fn accepts<S: Specification>(self, _: &S, _: &[Call<S::Op>]) -> bool {
        true
    }
}

fn call(op: RegisterOp, invoke: u32, complete: Option<u32>) -> Call<RegisterOp> {
    Call { op, invoke, complete }
}

/// A history of several keys, each with its calls, one key after the other.
fn verdict(keys: &[(&str, &[Call<RegisterOp>])], tester: impl Tester) -> Verdict {
    let mut recorder = Recorder::new();
    let (mut index, mut process) = (0, 0);
    for (key, calls) in keys {
        let (first, next) = (process, process + calls.len() as u64);
        events(calls, &mut |event| {
            let process = first + event.process;
            TextEvent { index, process, key, ..*event }.record(&mut recorder);
            index += 1;
        });
        process = next;
    }
    check_with(&recorder.finish().unwrap(), &Options::default(), tester).verdict
}

fn stale() -> Vec<Call<RegisterOp>> {
    vec![
        call(RegisterOp::Write(Value(1)), 0, Some(1)),
        call(RegisterOp::Write(Value(2)), 2, Some(3)),
        call(RegisterOp::Read(Value(1)), 4, Some(5)),
    ]
}

#[test]
fn what_both_testers_reject_is_an_accusation() {
    let Verdict::Invalid(witness) = verdict(&[("x", &stale())], Stateright) else { panic!() };
    assert_eq!(witness.confirmed, Some(true));
}

#[test]
fn what_a_tester_accepts_is_no_accusation() {
    let Verdict::Unknown(reason) = verdict(&[("x", &stale())], Lenient) else { panic!() };
    assert_eq!((&reason.key[..], reason.limit), ("x", Limit::Disagreement));
    let why = "the search finds that the operations at events 0, 2, 4 contradict one another, and an \
               independent tester finds that they do not";
    assert!(reason.explanation.contains(why), "{}", reason.explanation);
}

/// Two writes, and two that each found another one of them there afterwards.
fn divergent() -> Vec<Call<RegisterOp>> {
    vec![
        call(RegisterOp::Write(Value(1)), 0, Some(3)),
        call(RegisterOp::Write(Value(2)), 1, Some(2)),
        call(RegisterOp::Read(Value(1)), 4, Some(7)),
        call(RegisterOp::Read(Value(2)), 5, Some(6)),
    ]
}

#[test]
fn another_key_that_nobody_disputes_is_still_refuted() {
    /// Wrong about what has more than three operations.
    #[derive(Clone, Copy)]
    struct Partly;

    impl Tester for Partly {
        fn accepts<S: Specification>(self, object: &S, calls: &[Call<S::Op>]) -> bool {
            calls.len() > 3 || Stateright.accepts(object, calls)
        }
    }
    let (disputed, clear) = (divergent(), stale());
    let both = verdict(&[("x", &disputed), ("y", &clear)], Partly);
    let Verdict::Invalid(witness) = both else { panic!("{both:?}") };
    assert!(matches!(verdict(&[("x", &disputed)], Partly), Verdict::Unknown(_)));
    assert_eq!((&witness.key[..], witness.confirmed), ("y", Some(true)));
}

#[test]
fn the_testers_agree_with_all_permutations() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..cases(30_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, count, seed % 2 == 0, true);
        let expected = brute_force(&MODEL, &calls);
        // Reads without an answer are no calls.
        let calls: Vec<_> = calls
            .into_iter()
            .filter(|call| call.complete.is_some() || !MODEL.is_read_only(&call.op))
            .collect();
        assert_eq!(
            recursion(&Object::new(&MODEL), &calls),
            Some(expected),
            "seed {seed}: {calls:?}"
        );
        assert_eq!(
            Stateright.accepts(&Object::new(&MODEL), &calls),
            expected,
            "seed {seed}: {calls:?}"
        );
        let is_confirmed = Some(!expected);
        assert_eq!(confirm(&MODEL, &calls), is_confirmed, "seed {seed}: {calls:?}");
        if expected { valid += 1 } else { invalid += 1 }
    }
    assert!(valid > 5_000 && invalid > 5_000, "{valid} valid, {invalid} invalid");
}

#[test]
fn a_core_is_confirmed_only_where_the_others_make_no_difference() {
    let mut calls = stale();
    let core = [0, 1, 2];
    assert_eq!(confirm_core(&MODEL, &calls, &core), Some(true));
    // The value may have been written again.
    calls.push(call(RegisterOp::Write(Value(1)), 3, Some(9)));
    let answer =
        |must_contradict| confirm_core_by(Stateright, &MODEL, &calls, &core, must_contradict);
    assert_eq!(answer(false), Err(Unconfirmed::OtherAnswers));
    // A core that was said to contradict itself was chosen by mistake.
    assert_eq!(answer(true), Ok(false));
    // Others are none of its business, however many.
    calls.pop();
    for at in 0..20 {
        calls.push(call(RegisterOp::Write(Value(50 + at)), 3, None));
    }
    assert_eq!(confirm_core(&MODEL, &calls, &core), Some(true));
}

#[test]
fn nobody_is_asked_about_more_than_a_tester_can_bear() {
    let calls: Vec<_> = (0..=u32::try_from(MOST_OPERATIONS).unwrap())
        .map(|at| call(RegisterOp::Read(Value(1)), 2 * at, Some(2 * at + 1)))
        .collect();
    assert_eq!(confirm(&MODEL, &calls), None);
    assert_eq!(confirm(&MODEL, &calls[1..]), Some(true));
    let core: Vec<u32> = (0..).zip(&calls).map(|(at, _)| at).collect();
    let answer = confirm_core_by(Stateright, &MODEL, &calls, &core, false);
    assert_eq!(answer, Err(Unconfirmed::ManyOperations));
}
