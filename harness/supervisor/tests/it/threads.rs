//! Threads: who runs when is decided by the seed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::support::{compiled, run, run_with, same};
use supervisor::Settings;
use supervisor::time::SECOND;

#[test]
fn conditions_barriers_and_semaphores_are_the_same_each_time() {
    let Some(program) = compiled("conditions.c") else { return };
    let ran = same(10, &program, &[]);
    assert_eq!(ran.remarks, [] as [String; 0]);
    assert!(ran.output.lines().last().unwrap().starts_with("over at 1100."), "{}", ran.output);
    assert!((100 * SECOND..101 * SECOND).contains(&ran.end.0), "{ran:?}");
}

#[test]
fn the_seed_decides_a_race_and_each_outcome_can_be_had_again() {
    let Some(program) = compiled("race.c") else { return };
    let mut outcomes = BTreeMap::new();
    for seed in 0..60 {
        let ran = run(seed, &program, &[]);
        outcomes.entry(ran.output.clone()).or_insert((seed, ran));
    }
    assert!(outcomes.len() >= 6, "{:?}", outcomes.keys());
    for (seed, ran) in outcomes.values() {
        assert_eq!(run(*seed, &program, &[]), *ran);
    }
}

#[test]
fn a_thread_that_waits_without_a_call_sees_what_the_others_do() {
    let Some(program) = compiled("spin.c") else { return };
    let ran = same(5, &program, &[]);
    assert_eq!(ran.output, "hop hop hop \n", "{ran:?}");
    assert_eq!(ran.status.and_then(|status| status.code()), Some(0), "{ran:?}");
    assert_eq!(ran.remarks, [] as [String; 0]);
}

#[test]
fn a_thread_that_waits_without_a_call_and_in_vain_is_stuck() {
    let Some(program) = compiled("spin.c") else { return };
    let patience = Duration::from_millis(300);
    let ran = run_with(Settings { patience, ..Settings::default() }, &program, &["for ever"]);
    assert!(ran.is_stuck, "{ran:?}");
}

#[test]
fn a_first_thread_that_ends_before_the_others_ends_no_process() {
    let Some(program) = compiled("outlived.c") else { return };
    let ran = same(5, &program, &[]);
    assert_eq!(ran.output, "joined 0\nover\n", "{ran:?}");
    assert_eq!(ran.status.and_then(|status| status.code()), Some(5), "{ran:?}");
    assert!((3 * SECOND..4 * SECOND).contains(&ran.end.0), "{ran:?}");
    assert_eq!(ran.remarks, [] as [String; 0]);
}
