//! Online against the zones of each prefix.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Checker, Progress};
use crate::history::{Operation, Value};
use crate::linearizable::oracle::{cases, events, record, register_calls};
use crate::linearizable::zones;
use crate::model::RegisterOp;

#[test]
fn online_stops_exactly_at_the_first_prefix_that_the_zones_refuse() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..cases(60_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=if seed % 8 == 0 { 60 } else { 9 });
        let calls = register_calls(&mut rng, count, true, false);
        let mut checker = Checker::new();
        let mut stopped = None;
        events(&calls, &mut |event| {
            if let Progress::Contradicted { index, .. } = checker.push(&event.event()) {
                stopped.get_or_insert(*index);
            }
        });
        assert_eq!(stopped, first_refused_prefix(&calls), "seed {seed}: {calls:?}");
        if stopped.is_none() { valid += 1 } else { invalid += 1 }
    }
    assert!(valid > 10_000 && invalid > 10_000, "{valid} valid, {invalid} invalid");
}

/// The first event that makes the zones say no, with everything later cut off.
fn first_refused_prefix(calls: &[crate::model::Call<RegisterOp>]) -> Option<u64> {
    let mut completions: Vec<u32> = calls.iter().filter_map(|call| call.complete).collect();
    completions.sort_unstable();
    let refuses = |end: &u32| {
        let cut: Vec<_> = calls
            .iter()
            .filter(|call| call.invoke < *end)
            .map(|call| {
                let mut call = call.clone();
                call.complete = call.complete.filter(|complete| complete <= end);
                call
            })
            .collect();
        let history = record(&cut);
        let operations: Vec<&Operation> = history.operations().iter().collect();
        matches!(zones::check(&operations, Value::EMPTY), zones::Answer::Contradiction)
    };
    let at = completions.partition_point(|end| !refuses(end));
    completions.get(at).map(|&end| u64::from(end))
}

#[test]
fn what_has_passed_is_forgotten() {
    let mut checker = Checker::new();
    let mut most = 0;
    let calls: Vec<_> = (0..20_000)
        .map(|number: u32| crate::model::Call {
            op: RegisterOp::Write(Value(number + 1)),
            invoke: 2 * number,
            complete: Some(2 * number + 1),
        })
        .collect();
    events(&calls, &mut |event| {
        assert_eq!(*checker.push(&event.event()), Progress::Consistent);
        most = most.max(checker.registers[0].zones.len());
    });
    assert!(most <= 2 * super::FEW, "{most} values remembered");
}
