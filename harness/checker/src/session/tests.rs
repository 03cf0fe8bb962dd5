//! Weaker promises against their definitions, word for word, and against all interleavings.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::origins::{Origin, Origins};
use crate::budget::Budget;
use crate::check::Options;
use crate::event::{EventType, F};
use crate::history::History;
use crate::history::{Operation, Outcome, Recorder};
use crate::linearizable::oracle::{TextEvent, cases};
use crate::models::ModelName;
use crate::verdict::Verdict;
use crate::witness::Anomaly;

/// Random histories of each guarantee.
const CASES: u64 = 20_000;

fn check(promise: ModelName, history: &History, budget: &Budget<'_>) -> (Verdict, &'static str) {
    super::check(promise, history, budget, &|model, budget| {
        let options = Options { model, budget, ..Options::default() };
        crate::check(history, &options).verdict == Verdict::Valid
    })
}

/// One operation after another: process, function, key, what is written or read, how it ends.
type Step = (u64, F, &'static str, String, EventType);

fn record(steps: &[Step]) -> History {
    let mut recorder = Recorder::new();
    for (at, (process, f, key, value, end)) in (0..).zip(steps) {
        for (half, r#type) in [(0, EventType::Invoke), (1, *end)] {
            let index = 2 * at + half;
            let event = TextEvent {
                index,
                process: *process,
                r#type,
                f: *f,
                key,
                value: Some(value),
                expected: None,
                refused: false,
                node: None,
            };
            event.record(&mut recorder);
        }
    }
    recorder.finish().unwrap()
}

/// A few operations of a few processes; the reads return anything that was ever written to their
/// key, the less often the more `sane`.
fn random(rng: &mut ChaCha8Rng, unique: bool) -> Vec<Step> {
    let count = rng.random_range(2..=7);
    let sane = rng.random_range(0..=4);
    let mut steps: Vec<Step> = (1..=count)
        .map(|number| {
            let f = if rng.random_bool(0.45) { F::Put } else { F::Get };
            let key = if rng.random_bool(0.6) { "x" } else { "y" };
            let value = if unique { number } else { rng.random_range(1..=2) };
            let end = if rng.random_range(0..8) == 0 { EventType::Info } else { EventType::Ok };
            (rng.random_range(0..3), f, key, value.to_string(), end)
        })
        .collect();
    for at in 0..steps.len() {
        if steps[at].1 != F::Get {
            continue;
        }
        let of_key = |step: &&Step| step.1 == F::Put && step.2 == steps[at].2;
        let now = steps[..at].iter().rfind(of_key).map(|step| step.3.clone());
        let mut values: Vec<String> = steps.iter().filter(of_key).map(|s| s.3.clone()).collect();
        values.push(String::new());
        steps[at].3 = if rng.random_range(0..5) < sane {
            now.unwrap_or_default()
        } else {
            values[rng.random_range(0..values.len())].clone()
        };
    }
    steps
}

/// Whether some interleaving explains every answer: tries them all.
fn brute_force(history: &History) -> bool {
    fn extend<'a>(order: &mut Vec<&'a Operation>, left: &mut Vec<&'a Operation>) -> bool {
        if left.iter().all(|op| op.outcome != Outcome::Ok) {
            return true;
        }
        for at in 0..left.len() {
            let op = left[at];
            let waits = left[..at]
                .iter()
                .any(|before| before.process == op.process && before.outcome == Outcome::Ok);
            let held = order.iter().rfind(|other| other.f == F::Put && other.key == op.key);
            let held = held.map_or(crate::history::Value::EMPTY, |write| write.argument);
            if waits || (op.f == F::Get && held != op.result) {
                continue;
            }
            left.remove(at);
            order.push(op);
            let found = extend(order, left);
            order.pop();
            left.insert(at, op);
            if found {
                return true;
            }
        }
        false
    }
    let is_used = |op: &&Operation| op.f == F::Put || op.outcome == Outcome::Ok;
    let mut left: Vec<&Operation> = history.operations().iter().filter(is_used).collect();
    extend(&mut Vec::new(), &mut left)
}

/// The definition of a session guarantee, read by read.
fn keeps(history: &History, guarantee: ModelName) -> bool {
    let origins = Origins::new(history);
    let ops = history.operations();
    let at = |position: u32| &ops[position as usize];
    let positions = || 0..u32::try_from(ops.len()).unwrap();
    let reads_of = |process: u32, before: u32| {
        positions()
            .filter(move |&p| p < before && at(p).process == process)
            .filter_map(|p| origins.of(at(p)).map(|origin| (p, origin)))
    };
    let older = |c: Origin, a: u32| match c {
        Origin::Initial => true,
        Origin::Write(c) => at(c).process == at(a).process && c < a && at(c).outcome == Outcome::Ok,
        Origin::Nowhere => false,
    };
    let is_violated = |r2: u32, c: Origin| {
        let (process, key) = (at(r2).process, at(r2).key);
        if matches!(c, Origin::Write(w) if w > r2 && at(w).process == process) {
            return true;
        }
        let of_key = |a: u32| at(a).key == key;
        match guarantee {
            ModelName::ReadYourWrites => positions().any(|a| {
                let own = a < r2 && at(a).process == process && at(a).f == F::Put && of_key(a);
                own && at(a).outcome == Outcome::Ok && older(c, a)
            }),
            ModelName::MonotonicReads => reads_of(process, r2).any(|(r1, b)| {
                let Origin::Write(b) = b else { return false };
                let again = || reads_of(process, r1).any(|(_, a)| a == c && a != Origin::Write(b));
                of_key(b) && (older(c, b) || (c != Origin::Initial && again()))
            }),
            ModelName::MonotonicWrites => reads_of(process, r2).any(|(_, b)| {
                let Origin::Write(b) = b else { return false };
                positions().any(|a| {
                    let made = at(a).f == F::Put && at(a).process == at(b).process && of_key(a);
                    let before = a < b && at(a).outcome == Outcome::Ok;
                    made && ((before && older(c, a))
                        || (a == b && c != Origin::Initial && older(c, a)))
                })
            }),
            _ => reads_of(process, r2).any(|(_, b)| {
                let Origin::Write(b) = b else { return false };
                reads_of(at(b).process, b).any(|(_, a)| {
                    let Origin::Write(cause) = a else { return false };
                    of_key(cause)
                        && (older(c, cause) || (a == c && of_key(b) && a != Origin::Write(b)))
                })
            }),
        }
    };
    !positions().any(|r2| origins.of(at(r2)).is_some_and(|c| is_violated(r2, c)))
}

const SESSIONS: [ModelName; 4] = [
    ModelName::ReadYourWrites,
    ModelName::MonotonicReads,
    ModelName::MonotonicWrites,
    ModelName::WritesFollowReads,
];

#[test]
fn session_guarantees_are_what_their_definitions_say() {
    for guarantee in SESSIONS {
        let mut seen = [0_u64; 2];
        for seed in 0..cases(CASES) {
            let history = record(&random(&mut ChaCha8Rng::seed_from_u64(seed), true));
            let report = check(guarantee, &history, &Budget::default());
            let expected = keeps(&history, guarantee);
            let found = report.0 == Verdict::Valid;
            assert_eq!(found, expected, "{guarantee:?}, seed {seed}: {report:#?}, {history:#?}");
            seen[usize::from(found)] += 1;
        }
        assert!(seen.iter().all(|&count| count > CASES / 1000), "{guarantee:?}: {seen:?}");
    }
}

#[test]
fn sequential_consistency_is_decided_and_implies_the_session_guarantees() {
    for unique in [true, false] {
        let mut seen = [0_u64; 2];
        for seed in 0..cases(CASES) {
            let history = record(&random(&mut ChaCha8Rng::seed_from_u64(seed), unique));
            let report = check(ModelName::Sequential, &history, &Budget::default());
            let expected = brute_force(&history);
            let found = report.0 == Verdict::Valid;
            assert_eq!(found, expected, "seed {seed}: {report:#?}, {history:#?}");
            seen[usize::from(found)] += 1;
            for guarantee in SESSIONS.into_iter().filter(|_| expected) {
                let verdict = check(guarantee, &history, &Budget::default()).0;
                assert!(!matches!(verdict, Verdict::Invalid(_)), "seed {seed}: {verdict:#?}");
            }
        }
        assert!(seen.iter().all(|&count| count > CASES / 100), "{seen:?}");
    }
}

fn step(process: u64, f: F, key: &'static str, value: &str) -> Step {
    (process, f, key, value.to_owned(), EventType::Ok)
}

fn kind(guarantee: ModelName, steps: &[Step]) -> Option<Anomaly> {
    match check(guarantee, &record(steps), &Budget::default()).0 {
        Verdict::Invalid(witness) => Some(witness.anomaly),
        Verdict::Valid => None,
        Verdict::Unknown(reason) => panic!("{reason:?}"),
    }
}

#[test]
fn sequential_consistency_is_not_local() {
    // Each key alone has an order, and the store has none.
    let steps = [
        step(1, F::Put, "x", "1"),
        step(1, F::Get, "y", ""),
        step(2, F::Put, "y", "2"),
        step(2, F::Get, "x", ""),
    ];
    assert_eq!(kind(ModelName::Sequential, &steps), Some(Anomaly::NotLinearizable));
    for key in ["x", "y"] {
        let alone: Vec<Step> = steps.iter().filter(|step| step.2 == key).cloned().collect();
        assert_eq!(kind(ModelName::Sequential, &alone), None);
    }
}

#[test]
fn a_search_without_budget_says_so() {
    let steps = [step(1, F::Put, "x", "1"), step(1, F::Put, "x", "2"), step(2, F::Get, "x", "1")];
    let budget = Budget { steps: 1, ..Budget::default() };
    let report = check(ModelName::Sequential, &record(&steps), &budget);
    assert!(matches!(report.0, Verdict::Unknown(_)), "{report:?}");
}

#[test]
fn values_that_repeat_leave_sessions_undecided() {
    let steps = [step(1, F::Put, "x", "1"), step(2, F::Put, "x", "1"), step(2, F::Get, "x", "1")];
    for guarantee in SESSIONS {
        let report = check(guarantee, &record(&steps), &Budget::default());
        assert_eq!(report.0.name(), "unknown");
    }
}

#[test]
fn the_last_reads_must_agree() {
    let written = [step(1, F::Put, "x", "1"), step(2, F::Put, "x", "2")];
    let with = |reads: &[Step]| [&written[..], reads].concat();
    let late =
        with(&[step(3, F::Get, "x", "1"), step(3, F::Get, "x", "2"), step(4, F::Get, "x", "2")]);
    assert_eq!(kind(ModelName::Eventual, &late), None);
    let apart = with(&[step(3, F::Get, "x", "1"), step(4, F::Get, "x", "2")]);
    assert_eq!(kind(ModelName::Eventual, &apart), Some(Anomaly::DivergentReads));
    let lost = with(&[step(3, F::Get, "x", "")]);
    assert_eq!(kind(ModelName::Eventual, &lost), Some(Anomaly::LostWrite));
    let nowhere = with(&[step(3, F::Get, "x", "7")]);
    assert_eq!(kind(ModelName::Eventual, &nowhere), Some(Anomaly::GarbageRead));
    let unread = check(ModelName::Eventual, &record(&written), &Budget::default());
    assert_eq!(unread.0.name(), "unknown");
    let mut open = apart;
    open[0].4 = EventType::Info;
    let open = check(ModelName::Eventual, &record(&open), &Budget::default());
    assert_eq!(open.0.name(), "unknown");
}
