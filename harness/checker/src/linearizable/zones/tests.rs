//! The zones against all permutations, and each contradiction against its promises.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Answer, check};
use crate::history::{Operation, Value};
use crate::linearizable::oracle::{brute_force, cases, record, register_calls};
use crate::linearizable::pairs::smallest;
use crate::model::{Call, Register, RegisterOp};

const MODEL: Register = Register { initial: Value::EMPTY };

#[test]
fn zones_agree_with_all_permutations_and_contradictions_are_minimal() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..cases(200_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, count, true, false);
        let history = record(&calls);
        let operations: Vec<&Operation> = history.operations().iter().collect();
        let expected = brute_force(&MODEL, &calls);
        match check(&operations, Value::EMPTY) {
            Answer::Linearizable => {
                assert!(expected, "seed {seed}: {calls:?}");
                valid += 1;
            }
            Answer::Contradiction => {
                assert!(!expected, "seed {seed}: {calls:?}");
                let core = smallest(&operations, Value::EMPTY, &|| false).expect("a contradiction");
                assert_minimal(&calls, &core, seed);
                invalid += 1;
            }
            Answer::NotApplicable => panic!("seed {seed}: values are unique: {calls:?}"),
        }
    }
    assert!(valid > 50_000 && invalid > 20_000, "{valid} valid, {invalid} invalid");
}

/// The core is contradictory, and without any read, or any write and its readers, it is not.
fn assert_minimal(calls: &[Call<RegisterOp>], core: &[u32], seed: u64) {
    let core: Vec<&Call<RegisterOp>> = core.iter().map(|&at| &calls[at as usize]).collect();
    let without = |left_out: &dyn Fn(&Call<RegisterOp>) -> bool| -> bool {
        let left = core.iter().filter(|call| !left_out(call));
        brute_force(&MODEL, &left.copied().cloned().collect::<Vec<_>>())
    };
    assert!(!without(&|_| false), "seed {seed}: {core:?} is no contradiction");
    assert!(core.len() <= 6);
    for &call in &core {
        let resolved = match call.op {
            RegisterOp::Write(value) => {
                without(&|other| other == call || other.op == RegisterOp::Read(value))
            }
            _ => without(&|other| other == call),
        };
        assert!(resolved, "seed {seed}: {call:?} is too many in {core:?}");
    }
}

#[test]
fn zones_decline_values_written_twice() {
    let write = |invoke| Call { op: RegisterOp::Write(Value(7)), invoke, complete: None };
    let history = record(&[write(0), write(1)]);
    let operations: Vec<&Operation> = history.operations().iter().collect();
    assert_eq!(check(&operations, Value::EMPTY), Answer::NotApplicable);
}
