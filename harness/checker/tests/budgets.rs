//! Budgets: what is decided within them, and that nothing else than "not decided" comes of too little.

#[path = "generate/hard.rs"]
mod hard;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use checker::{
    Budget, Datum, Entry, EventType, F, History, KeyReport, KeyVerdict, Limit, ModelName, Options,
    Recorder, Report, Verdict, check,
};
use hard::{Hard, Shape};

const HARD: Shape =
    Shape { hard: Hard::Swaps, operations: 400, clients: 60, keys: 1, unknown: 0.05, seed: 3 };

const EASIER: Shape =
    Shape { hard: Hard::Registers, operations: 120, clients: 8, keys: 3, unknown: 0.0, seed: 1 };

fn checked(history: &History, budget: Budget<'_>, all_keys: bool) -> Report {
    let options = Options { model: ModelName::Kv, budget, all_keys, ..Options::default() };
    check(history, &options)
}

/// Ends a check when it has been asked so many times.
fn checked_for(history: &History, questions: u64, all_keys: bool) -> Report {
    let asked = AtomicU64::new(0);
    let stop = || asked.fetch_add(1, Relaxed) >= questions;
    let budget = Budget { steps: u64::MAX, stop: &stop, ..Budget::default() };
    checked(history, budget, all_keys)
}

/// Hard keys, and one on which three operations in a row contradict one another.
fn with_one_plainly_wrong(keys: u64) -> History {
    let mut recorder = Recorder::new();
    hard::each_entry(Shape { keys, ..HARD }, &mut |entry| {
        recorder.record(entry).expect("an event");
    });
    let key = Datum::text("wrong");
    let operations = [(F::Put, "1"), (F::Put, "2"), (F::Get, "1")];
    for ((f, value), at) in operations.into_iter().zip(0..) {
        for (r#type, half) in [(EventType::Invoke, 0), (EventType::Ok, 1)] {
            let value = Datum::text(value);
            let index = 1_000_000 + 2 * at + half;
            let entry = Entry {
                index,
                time_ns: 1_000 * index,
                process: 1_000_000 + at,
                client: "",
                r#type,
                f,
                key: Some(&key),
                value: (f == F::Put || half == 1).then_some(&value),
                refused: false,
                node: None,
            };
            recorder.record(&entry).expect("an event");
        }
    }
    recorder.finish().expect("a history")
}

#[test]
fn one_key_that_is_plainly_wrong_is_found_before_much_is_spent_on_many_that_are_hard() {
    let history = with_one_plainly_wrong(40);
    // A search asks every 64 steps; in the first round a key has some 4,000.
    let report = checked_for(&history, 40 * 4_000 / 64, false);
    let Verdict::Invalid(witness) = &report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!(witness.key, "wrong");
    assert!(report.invalid_keys == 1 && report.skipped_keys > 10, "{report:?}");
}

#[test]
fn keys_that_are_left_are_all_named() {
    let history = with_one_plainly_wrong(6);
    let report = checked_for(&history, 3_000, true);
    let unknown = report.keys.iter().filter(|key| key.verdict == KeyVerdict::Unknown).count();
    assert_eq!((report.keys.len(), unknown), (7, report.unknown_keys));
    assert!(report.invalid_keys == 1 && unknown > 2, "{report:?}");

    let report = checked_for(&history, 0, true);
    assert_eq!(report.unknown_keys, 7, "no key had its turn");
    let Verdict::Unknown(reason) = report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!(reason.limit, Limit::Stopped);
}

/// What was refuted stays refuted, with however little time to explain it. On one thread: on several, which key has
/// how many of the questions is a matter of chance.
#[test]
fn with_more_time_nothing_else_is_said_but_more() {
    let history = hard::history(EASIER);
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut before: Option<Report> = None;
    let mut questions = 1;
    loop {
        let report = one_thread.install(|| checked_for(&history, questions, true));
        for key in &report.keys {
            assert!([KeyVerdict::Unknown, KeyVerdict::Invalid].contains(&key.verdict), "{key:?}");
        }
        if let Some(before) = &before {
            assert!(before.invalid_keys <= report.invalid_keys, "after {questions} questions");
        }
        if matches!(&report.verdict, Verdict::Invalid(witness) if witness.minimal) {
            break;
        }
        before = Some(report);
        questions += questions.div_ceil(3);
    }
}

#[test]
fn with_more_memory_nothing_else_is_said_but_more() {
    let history = hard::history(Shape { keys: 1, ..EASIER });
    let mut is_refuted = false;
    for kilobytes in [0, 1, 10, 30, 60, 100, 200, 400, 800, 1_600, 3_200, 50_000] {
        let budget = Budget { memory_bytes: kilobytes * 1_000, ..Budget::default() };
        match checked(&history, budget, true).verdict {
            Verdict::Invalid(_) => is_refuted = true,
            Verdict::Unknown(reason) => {
                assert_eq!(reason.limit, Limit::Memory);
                assert!(!is_refuted, "with less it was");
            }
            Verdict::Valid => panic!("it is not"),
        }
    }
    assert!(is_refuted);
}

/// Keys that run out of memory while others have theirs are tried again alone.
#[test]
fn what_is_decided_does_not_depend_on_how_many_keys_are_decided_at_a_time() {
    let history = hard::history(Shape { keys: 9, ..EASIER });
    let on = |threads: usize, kilobytes: u64| -> Vec<KeyReport> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let budget =
            Budget { steps: u64::MAX, memory_bytes: kilobytes * 1_000, ..Budget::default() };
        pool.install(|| checked(&history, budget, true)).keys
    };
    let mut decided = Vec::new();
    for kilobytes in [80, 200, 20_000] {
        let alone = on(1, kilobytes);
        for threads in [2, 3, 8] {
            assert_eq!(on(threads, kilobytes), alone, "{threads} threads, {kilobytes} kB");
        }
        decided.push(alone.iter().filter(|key| key.verdict == KeyVerdict::Invalid).count());
    }
    assert!(decided[0] < decided[2], "{decided:?}");
}
