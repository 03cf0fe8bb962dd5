//! Objects against an oracle that tries all orders, and the shapes that each check must know.

use std::collections::{BTreeSet, VecDeque};

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::*;
use crate::model::{Call, Model};
use crate::oracle::{brute_force, cases, intervals};
use crate::own::{Linearization, linearizable};

/// Random histories of each object.
const CASES: u64 = 6_000;

/// An operation on any object, with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Op {
    f: &'static str,
    argument: Value,
    result: Value,
}

/// All objects in one, each in its own operations.
#[derive(Clone, Copy)]
struct Correct;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct State {
    set: BTreeSet<i64>,
    sum: i64,
    queue: VecDeque<i64>,
    held: bool,
}

impl State {
    /// Does an operation and returns its answer; none if it has to wait.
    fn apply(&mut self, f: &str, argument: &Value) -> Option<Value> {
        let number = argument.as_i64().unwrap_or_default();
        match f {
            "add" => {
                self.set.insert(number);
                Some(argument.clone())
            }
            "read" => Some(json!(self.set)),
            "count" => {
                self.sum += number;
                Some(argument.clone())
            }
            "total" => Some(json!(self.sum)),
            "enqueue" => {
                self.queue.push_back(number);
                Some(argument.clone())
            }
            "dequeue" => Some(json!(self.queue.pop_front())),
            _ => {
                let acquire = f == "acquire";
                let waits = acquire == self.held;
                self.held = acquire;
                (!waits).then_some(Value::Null)
            }
        }
    }
}

impl Model for Correct {
    type Op = Op;
    type State = State;

    fn initial(&self) -> State {
        State::default()
    }

    fn step(&self, state: &State, op: &Op) -> Option<State> {
        let mut after = state.clone();
        let answer = after.apply(op.f, &op.argument)?;
        (op.result == json!("unknown") || answer == op.result).then_some(after)
    }
}

/// A random history of an object with these functions, in some of which one answer is exchanged
/// for that of another operation.
fn random(rng: &mut ChaCha8Rng, fs: &[&'static str], most: usize) -> Vec<Call<Op>> {
    let count = rng.random_range(2..=most);
    let intervals = intervals(rng, count);
    let mut calls: Vec<Call<Op>> = (1..)
        .zip(&intervals)
        .map(|(number, &(invoke, complete))| {
            let f = fs[rng.random_range(0..fs.len())];
            let argument = match f {
                "add" | "enqueue" => json!(number),
                "count" => json!(rng.random_range(-1..=2)),
                _ => Value::Null,
            };
            Call { op: Op { f, argument, result: json!("unknown") }, invoke, complete }
        })
        .collect();
    let mut points: Vec<(u32, usize)> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        if call.complete.is_some() || rng.random_bool(0.5) {
            points.push((rng.random_range(call.invoke..call.complete.unwrap_or(30)), at));
        }
    }
    points.sort_unstable();
    let mut state = State::default();
    for (_, at) in points {
        let Call { op, complete, .. } = &mut calls[at];
        let answer = state.apply(op.f, &op.argument);
        if complete.is_some() {
            op.result = answer.unwrap_or_default();
        }
    }
    let (from, to) = (rng.random_range(0..count), rng.random_range(0..count));
    let same = calls[from].op.f == calls[to].op.f && calls[from].op.argument.is_null();
    if same && calls[from].complete.is_some() && calls[to].complete.is_some() {
        calls[to].op.result = calls[from].op.result.clone();
    }
    calls
}

/// The history that these calls make, each by a process of its own.
fn record(calls: &[Call<Op>]) -> ObjectHistory {
    let mut events: Vec<(u32, ObjectEvent<'_>)> = Vec::new();
    for (process, Call { op, invoke, complete }) in (0..).zip(calls) {
        let f = match op.f {
            "count" => "add",
            "total" => "read",
            f => f,
        };
        let event = |place: u32, r#type, value: &Value| {
            let value = value.clone();
            let index = Some(place.into());
            (
                place,
                ObjectEvent {
                    index,
                    time_ns: None,
                    process,
                    r#type,
                    f: f.into(),
                    key: None,
                    value,
                },
            )
        };
        events.push(event(*invoke, crate::EventType::Invoke, &op.argument));
        events.extend(complete.map(|place| event(place, crate::EventType::Ok, &op.result)));
    }
    events.sort_by_key(|(place, _)| *place);
    let mut recorder = ObjectRecorder::new();
    for (_, event) in events {
        recorder.record(&event).unwrap();
    }
    recorder.finish()
}

/// Asks about many random histories. Valid ones are never called invalid; with `exact`, no other
/// is called valid.
fn against_the_oracle(object: Object, fs: &[&'static str], exact: bool) {
    let mut seen = [0; 2];
    for seed in 0..cases(CASES) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let calls = random(&mut rng, fs, 6);
        let found = check(object, &record(&calls), &Budget::default()).verdict;
        let expected = brute_force(&Correct, &calls);
        if matches!(found, Finding::Unknown(_)) {
            assert!(calls.iter().all(|c| c.op.f != "read" || c.complete.is_none()), "seed {seed}");
            continue;
        }
        let is_valid = found == Finding::Valid;
        let agree = if exact { is_valid == expected } else { is_valid || !expected };
        assert!(agree, "seed {seed}: {expected}, found {found:#?} for {calls:#?}");
        seen[usize::from(is_valid)] += 1;
    }
    assert!(seen.iter().all(|&count| count > CASES / 100), "too one-sided: {seen:?}");
}

#[test]
fn sets_are_decided_exactly() {
    against_the_oracle(Object::Set, &["add", "read"], true);
}

#[test]
fn late_sets_are_never_wrongly_accused() {
    against_the_oracle(Object::SetEventual, &["add", "add", "read", "read", "read"], false);
}

#[test]
fn counters_are_never_wrongly_accused() {
    against_the_oracle(Object::Counter, &["count", "total"], false);
}

#[test]
fn queues_are_decided_exactly() {
    against_the_oracle(Object::Queue, &["enqueue", "dequeue"], true);
}

#[test]
fn queues_of_more_operations_are_decided_as_the_search_does() {
    let mut seen = [0; 3];
    let budget = Budget { steps: 20_000, ..Budget::default() };
    for seed in 0..cases(CASES) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let calls = random(&mut rng, &["enqueue", "enqueue", "dequeue"], 14);
        let history = record(&calls);
        let operations: Vec<&ObjectOperation> = history.operations().iter().collect();
        let found = queue::without_search(&operations);
        let expected = linearizable(&Correct, &calls, budget);
        let agrees = matches!(
            (&found, expected),
            (None, _)
                | (_, Linearization::Unknown(_))
                | (Some(Finding::Valid), Linearization::Order(_))
                | (Some(Finding::Invalid(_)), Linearization::Impossible)
        );
        assert!(agrees, "seed {seed}: {found:#?} for {calls:#?}");
        seen[found.map_or(0, |found| 1 + usize::from(found == Finding::Valid))] += 1;
    }
    assert!(seen.iter().all(|&count| count > 0), "too one-sided: {seen:?}");
}

#[test]
fn unordered_queues_are_never_wrongly_accused() {
    against_the_oracle(Object::UnorderedQueue, &["enqueue", "dequeue", "dequeue"], false);
}

#[test]
fn locks_are_decided_exactly() {
    against_the_oracle(Object::Lock, &["acquire", "release"], true);
}

/// All objects in one, after something.
struct After(State);

impl Model for After {
    type Op = Op;
    type State = State;

    fn initial(&self) -> State {
        self.0.clone()
    }

    fn step(&self, state: &State, op: &Op) -> Option<State> {
        Correct.step(state, op)
    }
}

/// Whether some order explains these calls with all but the shown struck: from the first state, or from
/// any that a lock can be in without what was over by `start`; and without what began after `end`.
fn has_order(calls: &[Call<Op>], shown: &[usize], start: Option<u32>, end: u32) -> bool {
    let strike = |(at, call): (usize, &Call<Op>)| {
        let (invoke, complete) =
            if shown.contains(&at) { (call.invoke, call.complete) } else { (0, None) };
        let complete = complete.filter(|&complete| complete <= end);
        Call { op: call.op.clone(), invoke, complete }
    };
    let counts = |call: &Call<Op>| {
        let is_over = call.complete.is_some_and(|complete| Some(complete) <= start);
        call.invoke < end && !is_over
    };
    let began = calls.iter().enumerate().filter(|(_, call)| counts(call));
    let struck = began.map(strike).collect::<Vec<_>>();
    let held = start.map(|_| State { held: true, ..State::default() });
    let mut states = std::iter::once(State::default()).chain(held);
    states.any(|state| brute_force(&After(state), &struck))
}

/// A contradiction that a search found is minimal: with all others struck it has no order, and with
/// any one of its own struck too it has.
fn minimal_against_the_oracle(object: Object, fs: &[&'static str]) {
    let mut seen = 0;
    for seed in 0..cases(CASES) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut calls = random(&mut rng, fs, 6);
        // Queues of different elements need no search.
        for value in calls.iter_mut().flat_map(|call| [&mut call.op.argument, &mut call.op.result])
        {
            if let Some(number) = value.as_i64() {
                *value = json!(number % 2);
            }
        }
        let found = check(object, &record(&calls), &Budget::default()).verdict;
        let Finding::Invalid(found) = found else { continue };
        if found.kind != Kind::NoOrder {
            continue;
        }
        assert!(found.explanation.contains("whenever the others"), "seed {seed}: {found:?}");
        // Each call is of a process of its own.
        let shown: Vec<usize> =
            found.operations.iter().map(|op| usize::try_from(op.process).unwrap()).collect();
        let first = shown.iter().map(|&at| calls[at].invoke).min().unwrap();
        let over = calls.iter().filter_map(|call| call.complete).filter(|&end| end < first);
        let starts: Vec<Option<u32>> = match object {
            Object::Lock => std::iter::once(None).chain(over.map(Some)).collect(),
            _ => vec![None],
        };
        let ends = shown.iter().filter_map(|&at| calls[at].complete);
        let mut spans = ends.flat_map(|end| starts.iter().map(move |&start| (start, end)));
        let is_minimal = |start, end| {
            shown.iter().all(|&one| {
                let fewer: Vec<usize> = shown.iter().copied().filter(|&at| at != one).collect();
                has_order(&calls, &fewer, start, end)
            })
        };
        let is_proof = spans
            .any(|(start, end)| !has_order(&calls, &shown, start, end) && is_minimal(start, end));
        assert!(is_proof, "seed {seed}: {found:#?} for {calls:#?}");
        seen += 1;
    }
    assert!(seen > 20, "only {seen}");
}

#[test]
fn what_is_shown_of_a_lock_or_a_queue_without_an_order_is_minimal() {
    minimal_against_the_oracle(Object::Lock, &["acquire", "release"]);
    minimal_against_the_oracle(Object::Queue, &["enqueue", "dequeue", "dequeue"]);
}

/// One event a word: `process type f value`, with `+` for invoke, `=` ok, `-` fail, `?` info.
fn told(events: &str) -> ObjectHistory {
    let mut reader = Reader::new(Form::Jsonl, false);
    reader.line(br#"{"schema":1}"#).unwrap();
    for (index, event) in events.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate()
    {
        let mut words = event.splitn(4, ' ');
        let process = words.next().unwrap();
        let r#type = match words.next().unwrap() {
            "+" => "invoke",
            "=" => "ok",
            "-" => "fail",
            _ => "info",
        };
        let (f, value) = (words.next().unwrap(), words.next().unwrap_or("null"));
        let place = format!(r#""index":{index},"time_ns":{index},"process":{process}"#);
        let line = format!(r#"{{{place},"type":"{type}","f":"{f}","value":{value}}}"#);
        reader.line(line.as_bytes()).unwrap();
    }
    reader.finish().0
}

fn verdict(object: Object, events: &str) -> Finding {
    check(object, &told(events), &Budget::default()).verdict
}

fn kind(object: Object, events: &str) -> Kind {
    match verdict(object, events) {
        Finding::Invalid(contradiction) => contradiction.kind,
        other => panic!("expected a contradiction, found {other:?}"),
    }
}

#[test]
fn what_a_set_does_wrong_has_its_kind() {
    let lost = "1 + add 1\n1 = add 1\n1 + read\n1 = read []";
    assert_eq!(kind(Object::Set, lost), Kind::Lost);
    assert_eq!(kind(Object::SetEventual, lost), Kind::Lost);
    let stale = format!("{lost}\n1 + read\n1 = read [1]");
    assert_eq!(kind(Object::Set, &stale), Kind::StaleRead);
    assert_eq!(verdict(Object::SetEventual, &stale), Finding::Valid);
    let twice = "1 + add 1\n1 = add 1\n1 + read\n1 = read [1, 1]";
    assert_eq!(kind(Object::Set, twice), Kind::Duplicated);
    let phantom = "1 + add 1\n1 - add 1\n1 + read\n1 = read [1]";
    assert_eq!(kind(Object::SetEventual, phantom), Kind::ValueFromNowhere);
    let unread = "1 + add 1\n1 = add 1";
    assert_eq!(verdict(Object::Set, unread).name(), "unknown");
}

#[test]
fn what_a_queue_does_wrong_has_its_kind() {
    let (put, take) = ("1 + enqueue 1\n1 = enqueue 1\n", "2 + dequeue\n2 = dequeue 1\n");
    let both = Object::UnorderedQueue;
    assert_eq!(kind(both, &format!("{put}{take}{take}")), Kind::Duplicated);
    assert_eq!(kind(both, take), Kind::ValueFromNowhere);
    assert_eq!(kind(both, &format!("{put}2 + drain\n2 = drain []")), Kind::Lost);
    let maybe = format!("{put}3 + dequeue\n3 ? dequeue\n2 + drain\n2 = drain []");
    assert_eq!(verdict(both, &maybe), Finding::Valid);
    assert_eq!(verdict(both, put), Finding::Valid);
    let swapped = format!(
        "{put}1 + enqueue 2\n1 = enqueue 2\n2 + dequeue\n2 = dequeue 2\n2 + dequeue\n2 = dequeue 1"
    );
    assert_eq!(verdict(both, &swapped), Finding::Valid);
    assert_eq!(kind(Object::Queue, &swapped), Kind::OutOfOrder);
}

#[test]
fn two_holders_are_named() {
    let both = "1 + acquire\n1 = acquire\n2 + acquire\n2 = acquire\n1 + release\n1 = release";
    assert_eq!(kind(Object::Lock, both), Kind::TwoHolders);
    let open = "1 + acquire\n1 = acquire\n1 + release\n1 ? release\n2 + acquire\n2 = acquire";
    assert_eq!(verdict(Object::Lock, open), Finding::Valid);
}

/// Grants by a lease of 300 ms, of which the last one comes so much too early; 0 for not at all.
fn leases(rng: &mut ChaCha8Rng, early_ms: u64) -> ObjectHistory {
    let mut recorder = ObjectRecorder::new();
    let mut now_ms = 10;
    let mut record = |time_ms: u64, process, r#type, f: &'static str, value: Value| {
        let (index, time_ns) = (None, Some(1_000_000 * time_ms));
        let f = f.into();
        let event = ObjectEvent { index, time_ns, process, r#type, f, key: None, value };
        recorder.record(&event).unwrap();
    };
    let last = rng.random_range(3..20);
    for grant in 0..=last {
        let (process, asked_ms) = (grant % 3, rng.random_range(1..20));
        record(now_ms, process, crate::EventType::Invoke, "acquire", json!(300));
        record(now_ms + asked_ms, process, crate::EventType::Ok, "acquire", json!(300));
        let over_ms = now_ms + 300;
        if grant == last {
            break;
        } else if grant + 1 == last && early_ms > 0 {
            now_ms = over_ms - (early_ms + 20).min(250);
        } else if rng.random_bool(0.5) {
            now_ms = over_ms;
        } else {
            now_ms += asked_ms + rng.random_range(1..250);
            record(now_ms, process, crate::EventType::Invoke, "release", Value::Null);
            record(now_ms, process, crate::EventType::Ok, "release", Value::Null);
        }
    }
    recorder.finish()
}

#[test]
fn a_lease_has_one_holder_by_the_clock() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let right = check(Object::Lease, &leases(&mut rng, 0), &Budget::default()).verdict;
        assert_eq!(right, Finding::Valid, "seed {seed}");
        let early_ms = rng.random_range(1..200);
        let found = check(Object::Lease, &leases(&mut rng, early_ms), &Budget::default()).verdict;
        let Finding::Invalid(found) = found else { panic!("seed {seed}: {found:?}") };
        assert_eq!((found.kind, found.operations.len()), (Kind::TwoHolders, 2), "seed {seed}");
    }
    let untimed = "1 + acquire 300\n1 = acquire 300\n2 + acquire 300\n2 = acquire 300";
    assert_eq!(verdict(Object::Lease, untimed).name(), "unknown");
}

#[test]
fn ids_and_balances() {
    let ids = "1 + generate\n2 + generate\n1 = generate 7\n2 = generate 7";
    assert_eq!(kind(Object::UniqueIds, ids), Kind::Duplicated);
    assert_eq!(verdict(Object::UniqueIds, &ids.replace("2 = generate 7", "")), Finding::Valid);
    let read = |balances: &str| format!("1 + read\n1 = read {balances}\n");
    let good = read(r#"{"a": 5, "b": 5}"#) + &read(r#"{"a": 12, "b": -2}"#);
    assert_eq!(kind(Object::Bank, &good), Kind::NegativeBalance);
    assert_eq!(verdict(Object::BankNegative, &good), Finding::Valid);
    let wrong = read("[5, 5]") + &read("[5, 6]");
    assert_eq!(kind(Object::Bank, &wrong), Kind::WrongTotal);
}

#[test]
fn a_counter_stays_within_its_bounds() {
    let add = "1 + add 2\n1 = add 2\n";
    let read = |value: u64| format!("{add}2 + add 3\n3 + read\n3 = read {value}\n");
    assert_eq!(verdict(Object::Counter, &read(2)), Finding::Valid);
    assert_eq!(verdict(Object::Counter, &read(5)), Finding::Valid);
    assert_eq!(kind(Object::Counter, &read(1)), Kind::OutOfBounds);
    assert_eq!(kind(Object::Counter, &read(6)), Kind::OutOfBounds);
    let fell = read(5) + "3 + read\n3 = read 2";
    assert_eq!(kind(Object::Counter, &fell), Kind::StaleRead);
}

#[test]
fn jepsens_edn_is_read_and_keys_are_apart() {
    let mut reader = Reader::new(Form::Edn, false);
    let text = "[{:process :nemesis, :type :info, :f :start, :value nil}\n\
                {:process 0, :type :invoke, :f :add, :value 1, :key :a}\n\
                {:process 0, :type :ok, :f :add, :value 1,\n :key :a}\n\
                {:process 1, :type :invoke, :f :read, :value nil, :key :b}\n\
                {:process 1, :type :ok, :f :read, :value #{}, :key :b}\n\
                {:process 1, :type :invoke, :f :read, :value nil, :key :a}\n\
                {:process 1, :type :ok, :f :read, :value #{1}, :key :a}]";
    for line in text.lines() {
        reader.line(line.as_bytes()).unwrap();
    }
    let (history, is_torn) = reader.finish();
    assert!(!is_torn);
    let report = check(Object::Set, &history, &Budget::default());
    assert_eq!((report.operations, report.verdict), (3, Finding::Valid));
}

#[test]
fn keys_in_values_are_taken_out_if_all_have_them() {
    let read = |text: &str| {
        let mut reader = Reader::new(Form::Edn, false);
        reader.line(text.as_bytes()).unwrap();
        reader.finish().0
    };
    let history = read(
        "{:process 0, :type :invoke, :f :enqueue, :value [:a 7]} \
         {:process 1, :type :invoke, :f :dequeue, :value [\"b\" nil]} \
         {:process 0, :type :ok, :f :enqueue, :value [:a 7]} \
         {:process 1, :type :info, :f :dequeue, :value nil}\
         {:process 2, :type :invoke, :f :dequeue, :value [:a nil]} \
         {:process 2, :type :ok, :f :dequeue, :value [:a 7]}",
    );
    let told =
        |op: &ObjectOperation| (op.key().to_owned(), format!("{} {}", op.argument, op.result));
    let told: Vec<(String, String)> = history.operations().iter().map(told).collect();
    let expected = [("a", "7 7"), ("b", "null null"), ("a", "null 7")];
    assert_eq!(told, expected.map(|(key, values)| (key.to_owned(), values.to_owned())));
    assert_eq!(check(Object::Queue, &history, &Budget::default()).verdict, Finding::Valid);

    let history = read(
        "{:process 0, :type :invoke, :f :add, :value [1 2]} \
         {:process 1, :type :invoke, :f :read, :value nil}",
    );
    assert_eq!(history.operations()[0].argument.to_string(), "[1,2]");
}

#[test]
fn strict_readers_refuse_what_lenient_ones_repair() {
    let lines = [
        r#"{"schema":1}"#,
        r#"{"index":0,"time_ns":5,"process":1,"type":"ok","f":"add","value":1}"#,
        r#"{"index":1,"time_ns":4,"process":1,"type":"invoke","f":"read"}"#,
        r#"{"index":2,"time_ns":6,"process":1,"type":"invoke","f":"read"}"#,
        r#"{"index":3,"time_ns":5,"process":1,"type":"ok","f":"read","value":[]}"#,
    ];
    let read = |is_lenient| {
        let mut reader = Reader::new(Form::Jsonl, is_lenient);
        let read = lines.iter().try_for_each(|line| reader.line(line.as_bytes()));
        read.map(|()| (reader.repairs(), reader.finish().0))
    };
    let refused = read(false).unwrap_err();
    assert!(matches!(refused, crate::format::ParseError::Pairing { line: 2, .. }), "{refused}");
    let (repairs, history) = read(true).unwrap();
    assert_eq!((repairs.dropped, repairs.left_open, repairs.reordered), (1, 1, 1));
    assert_eq!(check(Object::Set, &history, &Budget::default()).verdict, Finding::Valid);
}
