//! The objects for the testers against those that decide, on random histories.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Claim;
use crate::budget::{Budget, Limit};
use crate::check::{Options, check, check_with};
use crate::datum::Datum;
use crate::event::{EventType, F};
use crate::history::{Entry, History, Operation, Recorder};
use crate::linearizable::confirm::{Specification, Stateright, Tester};
use crate::linearizable::oracle::{cases, intervals};
use crate::model::Call;
use crate::models::ModelName;
use crate::objects::Subject;
use crate::verdict::Verdict;
use crate::witness::{Anomaly, Size, Witness};

/// What was asked of an object, and answered; nothing while it is not answered.
#[derive(Debug, Clone)]
struct Asked {
    process: u64,
    f: F,
    value: Option<Datum>,
    answer: Option<Datum>,
    invoke: u32,
    complete: Option<u32>,
}

fn record(asked: &[Asked]) -> History {
    let mut events: Vec<(u32, bool, &Asked)> = Vec::new();
    for asked in asked {
        events.push((asked.invoke, false, asked));
        events.extend(asked.complete.map(|complete| (complete, true, asked)));
    }
    events.sort_by_key(|&(place, ..)| place);
    let mut recorder = Recorder::new();
    for (index, is_end, asked) in events {
        let entry = Entry {
            index: index.into(),
            time_ns: u64::from(index) * 1_000_000,
            process: asked.process,
            client: "",
            r#type: if is_end { EventType::Ok } else { EventType::Invoke },
            f: asked.f,
            key: None,
            value: if is_end { asked.answer.as_ref() } else { asked.value.as_ref() },
            refused: false,
            node: None,
        };
        recorder.record(&entry).expect("events that fit together");
    }
    recorder.finish().expect("values that fit together")
}

const MODELS: [ModelName; 11] = [
    ModelName::Set,
    ModelName::Counter,
    ModelName::Queue,
    ModelName::UnorderedQueue,
    ModelName::Stack,
    ModelName::PriorityQueue,
    ModelName::Lock,
    ModelName::OwnerLock,
    ModelName::ReentrantLock,
    ModelName::FencedLock,
    ModelName::ReentrantFencedLock,
];

/// Random operations with random answers, a part of them near to what is right.
fn asked(rng: &mut ChaCha8Rng, model: ModelName, count: usize, most_values: i64) -> Vec<Asked> {
    let mut next = 0;
    let mut content: Vec<i64> = Vec::new();
    let is_unique = rng.random_bool(0.7);
    let mut token = 0;
    let mut all = Vec::new();
    for (at, (invoke, complete)) in intervals(rng, count).into_iter().enumerate() {
        next += 1;
        let fresh = if is_unique { next } else { rng.random_range(1..=most_values) };
        let some = rng.random_range(1..=next.max(2));
        let (f, value, answer) = match model {
            ModelName::Set if rng.random_bool(0.5) => (F::Add, Some(fresh), None),
            ModelName::Set => {
                let mut items: Vec<Datum> = content.iter().copied().map(Datum::Integer).collect();
                if rng.random_bool(0.3) && !items.is_empty() {
                    items.remove(rng.random_range(0..items.len()));
                }
                (F::Get, None, Some(Datum::set(items)))
            }
            ModelName::Counter if rng.random_bool(0.6) => {
                let amount = if is_unique { 1 } else { rng.random_range(-2..=3) };
                (F::Add, Some(amount), None)
            }
            ModelName::Counter => {
                let sum = content.iter().sum::<i64>() + rng.random_range(-1..=1);
                (F::Get, None, Some(Datum::Integer(sum)))
            }
            ModelName::Queue
            | ModelName::UnorderedQueue
            | ModelName::Stack
            | ModelName::PriorityQueue => {
                let [put, take] = match model {
                    ModelName::Stack => [F::Push, F::Pop],
                    ModelName::PriorityQueue => [F::Insert, F::DeleteMin],
                    _ => [F::Enqueue, F::Dequeue],
                };
                let has_drains = put == F::Enqueue;
                match rng.random_range(0..10) {
                    0..5 => (put, Some(fresh), None),
                    9 if has_drains => {
                        let mut items = content.clone();
                        if rng.random_bool(0.3) {
                            items.reverse();
                        }
                        content.clear();
                        let items = items.into_iter().map(Datum::Integer).collect();
                        (F::Drain, None, Some(Datum::List(items)))
                    }
                    8 => (take, None, Some(Datum::Nil)),
                    _ => (take, None, Some(Datum::Integer(some))),
                }
            }
            _ => {
                let is_fenced =
                    matches!(model, ModelName::FencedLock | ModelName::ReentrantFencedLock);
                if rng.random_bool(0.6) {
                    token += rng.random_range(0..=2);
                    let answer = (is_fenced && rng.random_bool(0.8)).then_some(token);
                    (F::Acquire, None, answer.map(Datum::Integer))
                } else {
                    (F::Release, None, None)
                }
            }
        };
        if matches!(f, F::Add | F::Enqueue | F::Push | F::Insert) {
            content.extend(value);
        }
        let process = match model.info().functions {
            [F::Acquire, ..] if rng.random_bool(0.7) => at as u64 % 2 + 100 * (at as u64 / 2),
            _ => at as u64,
        };
        let value = value.map(Datum::Integer);
        let answer = answer.or_else(|| value.clone());
        all.push(Asked { process, f, value, answer, invoke, complete });
    }
    all
}

/// The same where few processes do one thing after another.
fn of_processes(rng: &mut ChaCha8Rng, model: ModelName, count: usize) -> Vec<Asked> {
    let mut asked = asked(rng, model, count, 3);
    let processes = rng.random_range(1..=3);
    let mut busy_until = [Some(0); 3];
    asked.retain_mut(|asked| {
        let is_free = |&at: &usize| busy_until[at].is_some_and(|until| until <= asked.invoke);
        let Some(at) = (0..processes).rev().find(is_free) else { return false };
        busy_until[at] = asked.complete;
        asked.process = at as u64;
        true
    });
    asked
}

fn verdict(history: &History, model: ModelName) -> Verdict {
    check(history, &Options { model, ..Options::default() }).verdict
}

/// Whether something is added twice.
fn has_repeated(asked: &[Asked]) -> bool {
    let mut added: Vec<_> =
        asked.iter().filter(|asked| asked.f == F::Add).map(|asked| &asked.value).collect();
    added.sort();
    added.windows(2).any(|pair| pair[0] == pair[1])
}

/// Whether the tester rejects a whole history.
fn rejects(history: &History, model: ModelName) -> Option<bool> {
    let operations: Vec<&Operation> = history.operations().iter().collect();
    let subject = Subject { history, operations: &operations, budget: Budget::default() };
    let text = String::new();
    let all = Witness::new(history, Anomaly::NotLinearizable, &operations, false, text);
    Claim { is_alone: false, from: None }.confirm(model, subject, &all, Stateright).ok()
}

#[test]
fn both_objects_agree_about_whole_histories() {
    for model in MODELS {
        let (mut valid, mut invalid) = (0, 0);
        for seed in 0..cases(3_000) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let count = rng.random_range(1..=6);
            let asked = if seed % 2 == 0 {
                asked(&mut rng, model, count, 3)
            } else {
                of_processes(&mut rng, model, count + 2)
            };
            let history = record(&asked);
            let Some(is_rejected) = rejects(&history, model) else { continue };
            match verdict(&history, model) {
                Verdict::Invalid(_) => {
                    assert!(is_rejected, "{model:?}, seed {seed}: {asked:?}");
                    invalid += 1;
                }
                // Where an element is added twice, not all is seen.
                Verdict::Valid if model == ModelName::Set && has_repeated(&asked) => {}
                Verdict::Valid => {
                    assert!(!is_rejected, "{model:?}, seed {seed}: {asked:?}");
                    valid += 1;
                }
                Verdict::Unknown(reason) => {
                    assert_ne!(
                        reason.limit,
                        Limit::Disagreement,
                        "{model:?}, seed {seed}: {asked:?}"
                    );
                }
            }
        }
        assert!(valid > 200 && invalid > 200, "{model:?}: {valid} valid, {invalid} invalid");
    }
}

#[test]
fn no_true_accusation_is_disputed() {
    for model in MODELS {
        let (mut confirmed, mut others) = (0, 0);
        for seed in 0..cases(600) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let count = rng.random_range(2..=14);
            let asked = if seed % 2 == 0 {
                asked(&mut rng, model, count, 3)
            } else {
                of_processes(&mut rng, model, 2 * count)
            };
            match verdict(&record(&asked), model) {
                Verdict::Invalid(witness) => match witness.confirmed {
                    Some(true) => confirmed += 1,
                    Some(false) => panic!("{model:?}, seed {seed}: {asked:?}: {witness:?}"),
                    None => others += 1,
                },
                Verdict::Unknown(reason) => {
                    assert_ne!(
                        reason.limit,
                        Limit::Disagreement,
                        "{model:?}, seed {seed}: {asked:?}"
                    );
                }
                Verdict::Valid => {}
            }
        }
        assert!(confirmed > 5 * others && confirmed > 100, "{model:?}: {confirmed}, {others}");
    }
}

#[test]
fn the_witness_of_a_set_is_the_smallest_that_stands_by_itself() {
    let model = ModelName::Set;
    let mut seen = 0;
    for seed in 0..cases(3_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(2..=7);
        let asked = asked(&mut rng, model, count, 3);
        let history = record(&asked);
        let Verdict::Invalid(witness) = verdict(&history, model) else { continue };
        if has_repeated(&asked) {
            continue;
        }
        let operations: Vec<&Operation> = history.operations().iter().collect();
        let subject =
            Subject { history: &history, operations: &operations, budget: Budget::default() };
        let stands = (1..1_u32 << operations.len()).filter_map(|chosen| {
            let is_in = |&at: &usize| chosen & (1 << at) != 0;
            let chosen: Vec<&Operation> =
                (0..operations.len()).filter(is_in).map(|at| operations[at]).collect();
            let part = Witness::new(&history, Anomaly::Lost, &chosen, false, String::new());
            let answer = Claim::ALONE.confirm(model, subject, &part, Stateright).ok();
            (answer == Some(true)).then(|| Size::of_witness(&part))
        });
        assert_eq!(Some(Size::of_witness(&witness)), stands.min(), "seed {seed}: {witness:?}");
        seen += 1;
    }
    assert!(seen > 300, "{seen}");
}

/// A tester that is wrong about what contradicts.
#[derive(Clone, Copy)]
struct Lenient;

impl Tester for Lenient {
    fn accepts<S: Specification>(self, _: &S, _: &[Call<S::Op>]) -> bool {
        true
    }
}

#[test]
fn what_a_tester_accepts_is_no_accusation() {
    let one =
        |f, answer| Asked { process: 1, f, value: None, answer, invoke: 0, complete: Some(1) };
    let seven = || Some(Datum::Integer(7));
    let broken = [
        (ModelName::Set, one(F::Get, Some(Datum::List(vec![Datum::Integer(7)])))),
        (ModelName::Counter, one(F::Get, seven())),
        (ModelName::Queue, one(F::Dequeue, seven())),
        (ModelName::Lock, one(F::Release, None)),
    ];
    for (model, asked) in broken {
        let history = record(&[asked]);
        let options = Options { model, ..Options::default() };
        let Verdict::Invalid(witness) = verdict(&history, model) else { panic!("{model:?}") };
        assert_eq!(witness.confirmed, Some(true), "{model:?}");
        let disputed = check_with(&history, &options, Lenient).verdict;
        let Verdict::Unknown(reason) = disputed else { panic!("{model:?}: {disputed:?}") };
        assert_eq!(reason.limit, Limit::Disagreement, "{model:?}");
    }
}
