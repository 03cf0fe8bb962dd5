//! The chains against all permutations.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Answer, check, core_calls};
use crate::budget::Budget;
use crate::history::{Operation, Value};
use crate::model::Register;
use crate::oracle::{brute_force, cases, record, register_calls};
use crate::search::{self, linearize_along};

const MODEL: Register = Register { initial: Value::EMPTY };

#[test]
fn chains_agree_with_all_permutations() {
    let (mut by_chains, mut by_search, mut contradictions) = (0, 0, 0);
    for seed in 0..cases(400_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, count, true, true);
        let history = record(&calls);
        let operations: Vec<&Operation> = history.operations().iter().collect();
        let expected = brute_force(&MODEL, &calls);
        match check(&operations, Value::EMPTY) {
            Answer::Linearizable => {
                assert!(expected, "seed {seed}: {calls:?}");
                by_chains += 1;
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
    assert!(by_chains > 40_000 && by_search > 40_000 && contradictions > 40_000);
}
