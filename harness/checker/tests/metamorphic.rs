//! Changes to a history that must not change its verdict, or only in one direction.

mod generate;

use checker::{Algorithm, Entry, EventType, F, ModelName, Options, Recorder, check};
use generate::{Mix, Shape};

/// An event that can be moved and changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Happening {
    time_ns: u64,
    process: u64,
    r#type: EventType,
    f: F,
    key: String,
    value: Option<String>,
    expected: Option<String>,
    refused: bool,
}

impl Happening {
    fn begins(&self) -> bool {
        self.r#type == EventType::Invoke
    }
}

const MIXES: [Mix; 3] = [Mix::Unique, Mix::UniqueCas, Mix::SmallCas];

fn random(shape: Shape) -> Vec<Happening> {
    let mut happenings = Vec::new();
    generate::each_event(shape, &mut |entry| {
        happenings.push(Happening {
            time_ns: entry.time_ns,
            process: entry.process,
            r#type: entry.r#type,
            f: entry.f,
            key: entry.key.to_owned(),
            value: entry.value.map(str::to_owned),
            expected: entry.expected.map(str::to_owned),
            refused: entry.refused,
        });
    });
    happenings
}

/// Every other history has a stale read; of each mix there are some of both kinds.
fn histories(seeds: u64) -> impl Iterator<Item = (String, Vec<Happening>)> {
    let mixes = MIXES.iter().flat_map(|&mix| [mix, mix]).cycle();
    (0..seeds).zip(mixes).map(|(seed, mix)| {
        let stale_at = (seed % 2 == 0).then_some(60);
        let (clients, keys) = (4, 2);
        let shape = Shape { operations: 120, clients, keys, unknown: 0.05, mix, stale_at, seed };
        (format!("seed {seed}, {mix:?}"), random(shape))
    })
}

fn is_valid(happenings: &[Happening]) -> bool {
    let mut recorder = Recorder::new();
    for (index, happening) in (0..).zip(happenings) {
        let entry = Entry {
            index,
            time_ns: happening.time_ns,
            process: happening.process,
            client: "",
            r#type: happening.r#type,
            f: happening.f,
            key: &happening.key,
            value: happening.value.as_deref(),
            expected: happening.expected.as_deref(),
            refused: happening.refused,
            node: None,
        };
        recorder.record(&entry).expect("events that fit together");
    }
    let options = Options { model: ModelName::Kv, witness: false, ..Options::default() };
    match check(&recorder.finish(), &options).verdict.name() {
        "valid" => true,
        "invalid" => false,
        other => panic!("{other}"),
    }
}

/// The same events in a new order get new times.
fn retimed(mut happenings: Vec<Happening>) -> Vec<Happening> {
    for (time_ns, happening) in (0..).zip(&mut happenings) {
        happening.time_ns = time_ns;
    }
    happenings
}

/// Exchanges each event at a multiple of `step` with the next if that widens an interval, or, with
/// `narrow`, if that narrows one.
fn shifted(mut happenings: Vec<Happening>, step: usize, narrow: bool) -> Vec<Happening> {
    for at in (0..happenings.len() - 1).step_by(step) {
        let (first, second) = (&happenings[at], &happenings[at + 1]);
        let widens = !first.begins() && second.begins();
        let narrows = first.begins() && !second.begins();
        if first.process != second.process && if narrow { narrows } else { widens } {
            happenings.swap(at, at + 1);
        }
    }
    retimed(happenings)
}

/// A new process writes a new value, and reads it.
fn and_then_some(mut happenings: Vec<Happening>) -> Vec<Happening> {
    let last = happenings.last().expect("a history").clone();
    for (f, kinds) in [F::Put, F::Get].map(|f| (f, [EventType::Invoke, EventType::Ok])) {
        for r#type in kinds {
            let value = Some("the last".to_owned());
            let (process, expected, refused) = (u64::MAX, None, false);
            happenings.push(Happening {
                process,
                r#type,
                f,
                value,
                expected,
                refused,
                ..last.clone()
            });
        }
    }
    happenings
}

#[test]
fn verdicts_survive_what_must_not_matter() {
    let (mut valid, mut invalid) = (0, 0);
    for (story, happenings) in histories(600) {
        let verdict = is_valid(&happenings);
        valid += u32::from(verdict);
        invalid += u32::from(!verdict);

        let mut later = happenings.clone();
        for happening in &mut later {
            happening.time_ns += 1_000_000_000;
        }
        assert_eq!(is_valid(&later), verdict, "{story}: shifted in time");

        let mut renamed = happenings.clone();
        for happening in &mut renamed {
            happening.process = happening.process * 7 + 3;
            happening.key.insert_str(0, "key ");
            for value in [&mut happening.value, &mut happening.expected].into_iter().flatten() {
                if !value.is_empty() {
                    value.insert_str(0, "value ");
                }
            }
        }
        assert_eq!(is_valid(&renamed), verdict, "{story}: renamed");
        let longer = and_then_some(happenings.clone());
        assert_eq!(is_valid(&longer), verdict, "{story}: with two operations more at the end");
    }
    assert!(valid > 150 && invalid > 100, "{valid} valid, {invalid} invalid");
}

#[test]
fn wider_intervals_never_contradict_and_narrower_ones_never_agree() {
    for (story, happenings) in histories(600) {
        let verdict = is_valid(&happenings);
        for step in [1, 2, 3] {
            let changed = shifted(happenings.clone(), step, !verdict);
            assert_eq!(is_valid(&changed), verdict, "{story}: every {step} moved");
        }
    }
}

#[test]
fn without_a_write_that_was_read_nothing_agrees() {
    let mut invalid = 0;
    for (story, mut happenings) in histories(600).filter(|(story, _)| !story.contains("Small")) {
        let is_answer = |event: &&Happening| {
            event.f == F::Get && event.r#type == EventType::Ok && event.value.as_deref() != Some("")
        };
        let Some(read) = happenings.iter().find(is_answer).cloned() else { continue };
        let before = is_valid(&happenings);
        // The values are all different, over all keys.
        happenings.retain(|event| event.f == F::Get || event.value != read.value);
        assert!(!is_valid(&retimed(happenings)), "{story}: valid without a write");
        invalid += u32::from(!before);
    }
    assert!(invalid > 50, "{invalid} were invalid before");
}

#[test]
fn what_was_cut_while_nothing_was_open_agrees_in_both_parts() {
    let mut cuts = 0;
    for (seed, mix) in (0..300).zip(MIXES.into_iter().cycle()) {
        let (unknown, stale_at) = (0.0, None);
        let happenings =
            random(Shape { operations: 40, clients: 2, keys: 1, unknown, mix, stale_at, seed });
        assert!(is_valid(&happenings), "seed {seed}");
        let mut open = 0;
        for at in 0..happenings.len() {
            open += if happenings[at].begins() { 1 } else { -1 };
            if open > 0 {
                continue;
            }
            cuts += 1;
            let (first, second) = happenings.split_at(at + 1);
            assert!(is_valid(first), "seed {seed}: the first {at} events");
            // Some value was there at the cut.
            let values = first.iter().map(|event| event.value.clone().unwrap_or_default());
            let agrees = values.chain([String::new()]).any(|value| {
                let write = |r#type| Happening {
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
