//! Every witness of a register against its promise, by all permutations.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{confirms, sees, writes};
use crate::check::{Options, check};
use crate::history::{History, Operation, Value};
use crate::model::{Call, Register, RegisterOp};
use crate::models::ModelName;
use crate::oracle::{brute_force, cases, record, register_calls};
use crate::verdict::Verdict;

const MODEL: Register = Register { initial: Value::EMPTY };

/// The operations of the witness, and how they were called.
fn witness(history: &History, calls: &[Call<RegisterOp>]) -> Option<Vec<(Operation, usize)>> {
    let options = Options { model: ModelName::Kv, ..Options::default() };
    let Verdict::Invalid(witness) = check(history, &options).verdict else { return None };
    assert!(witness.minimal, "{calls:?}: {witness:?}");
    let is_in = |op: &Operation| {
        witness.operations.iter().any(|told| told.invoke_index == op.invoke_index())
    };
    let numbered = history.operations().iter().zip(0..).filter(|(op, _)| is_in(op));
    Some(numbered.map(|(op, at)| (*op, at)).collect())
}

#[test]
fn without_any_operation_and_who_needs_it_the_rest_of_a_witness_is_linearizable() {
    let mut seen = 0;
    // The last one has a value whose one writer, open, saw a value from nowhere.
    for seed in (0..cases(60_000)).chain([826_562]) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, count, seed % 3 == 0, true);
        let Some(core) = witness(&record(&calls), &calls) else { continue };
        let agrees = |core: &[(Operation, usize)]| {
            let core: Vec<_> = core.iter().map(|&(_, at)| calls[at].clone()).collect();
            brute_force(&MODEL, &core)
        };
        assert!(!agrees(&core), "seed {seed}: {core:?} of {calls:?}");
        for at in 0..core.len() {
            let mut fewer = core.clone();
            fewer.remove(at);
            let is_lost = |fewer: &[(Operation, usize)], op: &Operation| {
                sees(op).is_some_and(|value| {
                    value != Value::EMPTY
                        && fewer.iter().all(|(other, _)| writes(other) != Some(value))
                })
            };
            while let Some(lost) = fewer.iter().position(|(op, _)| is_lost(&fewer, op)) {
                fewer.remove(lost);
            }
            assert!(agrees(&fewer), "seed {seed}: {core:?} without {at}, of {calls:?}");
        }
        seen += 1;
    }
    assert!(seen > 10_000, "{seen} witnesses");
}

#[test]
fn the_recursion_that_confirms_agrees_with_all_permutations() {
    for seed in 0..cases(60_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, count, seed % 2 == 0, true);
        assert_eq!(confirms(MODEL, &calls), Some(brute_force(&MODEL, &calls)), "seed {seed}");
    }
}
