//! Changes to a history that must not change its verdict, or only in one direction.

mod generate;

use std::borrow::Cow;

use checker::{Algorithm, Event, EventType, F, ModelName, Options, Recorder, check};
use generate::{Mix, Shape};

fn events(seed: u64, mix: Mix, broken: bool) -> Vec<Event<'static>> {
    let stale_at = broken.then_some(60);
    let shape = Shape { operations: 120, clients: 4, keys: 2, unknown: 0.05, mix, stale_at, seed };
    let mut events = Vec::new();
    generate::each_event(shape, &mut |entry| {
        let own = |text: &str| Cow::Owned(text.to_owned());
        events.push(Event {
            index: entry.index,
            time_ns: entry.time_ns,
            process: entry.process,
            client: own(entry.client),
            r#type: entry.r#type,
            f: entry.f,
            key: own(entry.key),
            value: entry.value.map(own),
            node: None,
            error: None,
        });
    });
    events
}

fn is_valid(events: &[Event<'_>]) -> bool {
    let mut recorder = Recorder::new();
    for event in events {
        recorder.push(event).expect("events that fit together");
    }
    let options = Options { model: ModelName::Kv, witness: false, ..Options::default() };
    match check(&recorder.finish(), &options).verdict.name() {
        "valid" => true,
        "invalid" => false,
        other => panic!("{other}"),
    }
}

/// The same events in a new order get new indices and times.
fn renumbered(mut events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    for (index, event) in (0..).zip(&mut events) {
        (event.index, event.time_ns) = (index, index);
    }
    events
}

/// Exchanges each event at a multiple of `step` with the next if that widens an interval, or, with
/// `narrow`, if that narrows one.
fn shifted(mut events: Vec<Event<'static>>, step: usize, narrow: bool) -> Vec<Event<'static>> {
    for at in (0..events.len() - 1).step_by(step) {
        let (first, second) = (&events[at], &events[at + 1]);
        let begins = |event: &Event<'_>| event.r#type == EventType::Invoke;
        let widens = !begins(first) && begins(second);
        let narrows = begins(first) && !begins(second);
        if first.process != second.process && if narrow { narrows } else { widens } {
            events.swap(at, at + 1);
        }
    }
    renumbered(events)
}

#[test]
fn verdicts_survive_what_must_not_matter() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..400 {
        let events = events(seed, Mix::Unique, seed % 2 == 0);
        let verdict = is_valid(&events);
        valid += u32::from(verdict);
        invalid += u32::from(!verdict);

        let mut later = events.clone();
        for event in &mut later {
            event.time_ns += 1_000_000_000;
        }
        assert_eq!(is_valid(&later), verdict, "seed {seed}: shifted in time");

        let mut renamed = events.clone();
        for event in &mut renamed {
            event.process = event.process * 7 + 3;
            if let Some(value) = event.value.as_mut().filter(|value| !value.is_empty()) {
                *value = format!("value {value}").into();
            }
        }
        assert_eq!(is_valid(&renamed), verdict, "seed {seed}: renamed");

        for step in [1, 2, 3] {
            if verdict {
                let wider = shifted(events.clone(), step, false);
                assert!(is_valid(&wider), "seed {seed}: wider intervals contradict");
            } else {
                let narrower = shifted(events.clone(), step, true);
                assert!(!is_valid(&narrower), "seed {seed}: narrower intervals agree");
            }
        }

        if !verdict {
            let read = events.iter().find_map(|event| {
                (event.f == F::Get && event.r#type == EventType::Ok).then(|| event.value.clone())
            });
            let mut without = events.clone();
            without.retain(|event| event.f != F::Put || Some(&event.value) != read.as_ref());
            assert!(!is_valid(&renumbered(without)), "seed {seed}: valid without a write");
        }
    }
    assert!(valid > 100 && invalid > 50, "{valid} valid, {invalid} invalid");
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
