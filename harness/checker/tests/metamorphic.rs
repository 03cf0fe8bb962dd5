//! Changes to a history that must not change its verdict, or only in one direction.

mod generate;

use checker::{Algorithm, EventType, F, ModelName, Options, Recorder, check};
use generate::{Mix, Shape, TextEvent};

fn begins(event: &TextEvent) -> bool {
    event.r#type == EventType::Invoke
}

const MIXES: [Mix; 3] = [Mix::Unique, Mix::UniqueCas, Mix::SmallCas];

fn random(shape: Shape) -> Vec<TextEvent> {
    let mut events = Vec::new();
    generate::each_event(shape, &mut |event| events.push(event.clone()));
    events
}

/// Every other history has a stale read; of each mix there are some of both kinds.
fn histories(seeds: u64) -> impl Iterator<Item = (String, Vec<TextEvent>)> {
    let mixes = MIXES.iter().flat_map(|&mix| [mix, mix]).cycle();
    (0..seeds).zip(mixes).map(|(seed, mix)| {
        let stale_at = (seed % 2 == 0).then_some(60);
        let (clients, keys) = (4, 2);
        let shape = Shape { operations: 120, clients, keys, unknown: 0.05, mix, stale_at, seed };
        (format!("seed {seed}, {mix:?}"), random(shape))
    })
}

fn is_valid(events: &[TextEvent]) -> bool {
    let mut recorder = Recorder::new();
    for (index, event) in (0..).zip(events) {
        TextEvent { index, ..event.clone() }.record(&mut recorder);
    }
    let options = Options { model: ModelName::Kv, witness: false, ..Options::default() };
    match check(&recorder.finish().expect("values that fit together"), &options).verdict.name() {
        "valid" => true,
        "invalid" => false,
        other => panic!("{other}"),
    }
}

/// The same events in a new order get new times.
fn retimed(mut events: Vec<TextEvent>) -> Vec<TextEvent> {
    for (time_ns, event) in (0..).zip(&mut events) {
        event.time_ns = time_ns;
    }
    events
}

/// Exchanges each event at a multiple of `step` with the next if that widens an interval, or, with
/// `narrow`, if that narrows one.
fn shifted(mut events: Vec<TextEvent>, step: usize, narrow: bool) -> Vec<TextEvent> {
    for at in (0..events.len() - 1).step_by(step) {
        let (first, second) = (&events[at], &events[at + 1]);
        let widens = !begins(first) && begins(second);
        let narrows = begins(first) && !begins(second);
        if first.process != second.process && if narrow { narrows } else { widens } {
            events.swap(at, at + 1);
        }
    }
    retimed(events)
}

/// A new process writes a new value, and reads it.
fn and_then_some(mut events: Vec<TextEvent>) -> Vec<TextEvent> {
    let last = events.last().expect("a history").clone();
    for (f, kinds) in [F::Put, F::Get].map(|f| (f, [EventType::Invoke, EventType::Ok])) {
        for r#type in kinds {
            let value = Some("the last".to_owned());
            let (process, expected, refused) = (u64::MAX, None, false);
            events.push(TextEvent { process, r#type, f, value, expected, refused, ..last.clone() });
        }
    }
    events
}

#[test]
fn verdicts_survive_what_must_not_matter() {
    let (mut valid, mut invalid) = (0, 0);
    for (story, events) in histories(600) {
        let verdict = is_valid(&events);
        valid += u32::from(verdict);
        invalid += u32::from(!verdict);

        let mut later = events.clone();
        for event in &mut later {
            event.time_ns += 1_000_000_000;
        }
        assert_eq!(is_valid(&later), verdict, "{story}: shifted in time");

        let mut renamed = events.clone();
        for event in &mut renamed {
            event.process = event.process * 7 + 3;
            event.key.insert_str(0, "key ");
            for value in [&mut event.value, &mut event.expected].into_iter().flatten() {
                if !value.is_empty() {
                    value.insert_str(0, "value ");
                }
            }
        }
        assert_eq!(is_valid(&renamed), verdict, "{story}: renamed");
        let longer = and_then_some(events.clone());
        assert_eq!(is_valid(&longer), verdict, "{story}: with two operations more at the end");
    }
    assert!(valid > 150 && invalid > 100, "{valid} valid, {invalid} invalid");
}

#[test]
fn wider_intervals_never_contradict_and_narrower_ones_never_agree() {
    for (story, events) in histories(600) {
        let verdict = is_valid(&events);
        for step in [1, 2, 3] {
            let changed = shifted(events.clone(), step, !verdict);
            assert_eq!(is_valid(&changed), verdict, "{story}: every {step} moved");
        }
    }
}

#[test]
fn without_a_write_that_was_read_nothing_agrees() {
    let mut invalid = 0;
    for (story, mut events) in histories(600).filter(|(story, _)| !story.contains("Small")) {
        let is_answer = |event: &&TextEvent| {
            event.f == F::Get && event.r#type == EventType::Ok && event.value.as_deref() != Some("")
        };
        let Some(read) = events.iter().find(is_answer).cloned() else { continue };
        let before = is_valid(&events);
        // The values are all different, over all keys.
        events.retain(|event| event.f == F::Get || event.value != read.value);
        assert!(!is_valid(&retimed(events)), "{story}: valid without a write");
        invalid += u32::from(!before);
    }
    assert!(invalid > 50, "{invalid} were invalid before");
}

#[test]
fn what_was_cut_while_nothing_was_open_agrees_in_both_parts() {
    let mut cuts = 0;
    for (seed, mix) in (0..300).zip(MIXES.into_iter().cycle()) {
        let (unknown, stale_at) = (0.0, None);
        let events =
            random(Shape { operations: 40, clients: 2, keys: 1, unknown, mix, stale_at, seed });
        assert!(is_valid(&events), "seed {seed}");
        let mut open = 0;
        for at in 0..events.len() {
            open += if begins(&events[at]) { 1 } else { -1 };
            if open > 0 {
                continue;
            }
            cuts += 1;
            let (first, second) = events.split_at(at + 1);
            assert!(is_valid(first), "seed {seed}: the first {at} events");
            // Some value was there at the cut.
            let values = first.iter().map(|event| event.value.clone().unwrap_or_default());
            let agrees = values.chain([String::new()]).any(|value| {
                let write = |r#type| TextEvent {
                    time_ns: 0,
                    r#type,
                    f: F::Put,
                    value: Some(value.clone()),
                    expected: None,
                    refused: false,
                    ..first[0].clone()
                };
                let start = [EventType::Invoke, EventType::Ok].map(write);
                is_valid(&retimed([&start, second].concat()))
            });
            assert!(agrees, "seed {seed}: after the first {at} events");
        }
    }
    assert!(cuts > 1_000, "{cuts} cuts");
}

#[test]
fn the_fast_algorithms_agree_with_the_search_on_longer_histories() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..300 {
        let mix = if seed % 2 == 0 { Mix::Unique } else { Mix::UniqueCas };
        let stale_at = (seed % 4 < 2).then_some(100 + seed);
        let clients = 2 + seed % 5;
        let shape = Shape { operations: 400, clients, keys: 1, unknown: 0.03, mix, stale_at, seed };
        let history = generate::history(shape);
        let verdict = |algorithm| {
            let options = Options { algorithm, witness: false, ..Options::default() };
            check(&history, &options).verdict.name()
        };
        let fast = if mix == Mix::Unique { Algorithm::Zones } else { Algorithm::Chains };
        let (fast, slow) = (verdict(fast), verdict(Algorithm::Search));
        assert_eq!(fast, slow, "seed {seed}");
        valid += u32::from(fast == "valid");
        invalid += u32::from(fast == "invalid");
    }
    assert!(valid > 50 && invalid > 50, "{valid} valid, {invalid} invalid");
}
