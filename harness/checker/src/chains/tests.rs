//! The chains against all permutations.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Answer, check, core_calls, order};
use crate::budget::Budget;
use crate::history::{Operation, Value};
use crate::model::Register;
use crate::oracle::{brute_force, cases, record, register_calls};
use crate::search::{self, linearize_along};

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
        match check(&operations, Value::EMPTY) {
            Answer::Linearizable => {
                assert!(expected, "seed {seed}: {calls:?}");
                by_chains += 1;
                // What is settled without a search, the search finds too.
                let Answer::UpToRefusals(calls, order) = order(&operations, Value::EMPTY) else {
                    panic!("seed {seed}: {calls:?}");
                };
                let found = linearize_along(&MODEL, &calls, &order, Budget::default()).answer;
                assert_ne!(found, search::Answer::NotLinearizable, "seed {seed}: {calls:?}");
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
    let counts = [by_chains, settled, by_search, contradictions];
    assert!(
        counts.iter().zip([40_000, 20_000, 1_000, 40_000]).all(|(n, least)| *n > least),
        "{counts:?}"
    );
}
