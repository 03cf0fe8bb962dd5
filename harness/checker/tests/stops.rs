//! Every decision gives up soon after it is told to stop: no way of deciding goes on for long without asking.

use std::sync::atomic::{AtomicU64, Ordering};

use checker::{
    Budget, Datum, Entry, EventType, F, History, ModelName, Options, Recorder, Verdict, check,
};

/// One operation after another, by seven processes.
fn history(count: u64, operation: impl Fn(u64) -> (F, Option<Datum>, Option<Datum>)) -> History {
    let mut recorder = Recorder::new();
    let key = Datum::text("x");
    let mut index = 0;
    for n in 0..count {
        let (f, asked, answered) = operation(n);
        for (r#type, value) in [(EventType::Invoke, &asked), (EventType::Ok, &answered)] {
            let entry = Entry {
                index,
                time_ns: index,
                process: n % 7,
                client: "c",
                r#type,
                f,
                key: Some(&key),
                value: value.as_ref(),
                refused: false,
                node: None,
            };
            recorder.record(&entry).expect("a history");
            index += 1;
        }
    }
    recorder.finish().expect("a history")
}

fn integer(n: u64) -> Datum {
    Datum::from(i64::try_from(n).expect("a small number"))
}

/// How many operations there are.
const COUNT: u64 = 3_000;

#[test]
fn a_long_list_is_given_up_between_any_two_steps() {
    let all = Datum::List((0..COUNT - 1).map(integer).collect());
    let appended = |n: u64| match n + 1 {
        COUNT => (F::Get, None, Some(all.clone())),
        _ => (F::Append, Some(integer(n)), Some(integer(n))),
    };
    let history = history(COUNT, appended);
    let verdict = |stop: &(dyn Fn() -> bool + Sync)| {
        let budget = Budget { stop, ..Budget::default() };
        check(&history, &Options { model: ModelName::ListRegister, budget, ..Options::default() })
            .verdict
    };
    let asked = AtomicU64::new(0);
    let never = || {
        asked.fetch_add(1, Ordering::Relaxed);
        false
    };
    assert_eq!(verdict(&never), Verdict::Valid);
    let asked = asked.into_inner();
    // Told to stop when it asks for the nth time, it never says anything wrong, and mostly nothing.
    let undecided = (0..asked).filter(|&last| {
        let left = AtomicU64::new(last);
        let soon = || {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_err()
        };
        match verdict(&soon) {
            Verdict::Unknown(_) => true,
            Verdict::Valid => false,
            wrong @ Verdict::Invalid(_) => panic!("stopped after {last}: {wrong:?}"),
        }
    });
    let undecided = undecided.count();
    assert!(undecided >= 5, "{undecided} of {asked}");
}
