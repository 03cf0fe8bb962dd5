//! Each witness of a small history against all sets of its operations, by all permutations.

mod excerpts;

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::check::{Options, Report, check};
use crate::datum::Datum;
use crate::event::{EventType, F};
use crate::history::{Entry, History, Recorder, Value};
use crate::linearizable::contradiction::tests::{is_evidence, shown};
use crate::linearizable::oracle::{brute_force, cases, intervals, record, register_calls};
use crate::model::{Call, Model, Register, RegisterOp, Sequence, SequenceOp};
use crate::models::ModelName;
use crate::verdict::Verdict;

/// A value that is in no history.
const OTHER: Value = Value(99);

/// All sets of so many positions, those of fewer first.
fn sets(count: usize) -> Vec<Vec<usize>> {
    let set = |bits: u32| (0..count).filter(|at| bits & (1 << at) != 0).collect();
    let mut sets: Vec<Vec<usize>> = (1..1_u32 << count).map(set).collect();
    sets.sort_by_key(Vec::len);
    sets
}

/// What a model says of where values come from.
struct Origins<'a, O> {
    /// Whether some operations wrote what this one saw.
    is_made: &'a dyn Fn(&O, &[&O]) -> bool,
    /// The operation where it only writes.
    as_write: &'a dyn Fn(&O) -> Option<O>,
}

/// The size of the smallest set that contradicts itself, alone and with all others struck, and in which
/// each value that was seen has a write.
fn smallest<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    starts: &[M],
    origins: &Origins<'_, M::Op>,
) -> Option<usize> {
    let contradicts = |set: &Vec<usize>| {
        let others = |at: usize, among: &[usize]| {
            let others = among.iter().filter(|&&other| other != at);
            others.map(|&other| &calls[other].op).collect::<Vec<_>>()
        };
        let all: Vec<usize> = (0..calls.len()).collect();
        let mut weaker = calls.to_vec();
        for &at in set {
            let op = &calls[at].op;
            let made = |among: &[usize]| (origins.is_made)(op, &others(at, among));
            if !made(set) && made(&all) {
                let Some(write) = (origins.as_write)(op) else { return false };
                weaker[at].op = write;
            }
        }
        let alone: Vec<_> = set.iter().map(|&at| calls[at].clone()).collect();
        !brute_force(model, &alone) && is_evidence(model, &weaker, set, starts)
    };
    sets(calls.len()).iter().find(|set| contradicts(set)).map(Vec::len)
}

fn report(history: &History, model: ModelName) -> Report {
    check(history, &Options { model, ..Options::default() })
}

#[test]
fn of_registers_with_compare_and_set_none_is_smaller() {
    let model = Register { initial: Value::EMPTY };
    let origins = Origins::<RegisterOp> {
        is_made: &|op, others| match *op {
            RegisterOp::Read(value) | RegisterOp::Cas(value, _) => {
                let writes = |other: &&RegisterOp| matches!(**other, RegisterOp::Write(new) | RegisterOp::Cas(_, new) if new == value);
                value == Value::EMPTY || others.iter().any(writes)
            }
            RegisterOp::Write(_) | RegisterOp::Refused(_) => true,
        },
        as_write: &|op| match *op {
            RegisterOp::Cas(_, new) => Some(RegisterOp::Write(new)),
            _ => None,
        },
    };
    let mut counts = [0; 8];
    for seed in 0..cases(6_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let calls = register_calls(&mut rng, count, seed % 3 == 0, seed % 4 != 3);
        let Verdict::Invalid(witness) = report(&record(&calls), ModelName::Kv).verdict else {
            continue;
        };
        let values = calls.iter().filter_map(|call| match call.op {
            RegisterOp::Read(value) | RegisterOp::Cas(value, _) => Some(value),
            RegisterOp::Write(_) | RegisterOp::Refused(_) => None,
        });
        let starts = values.chain([OTHER]).map(|initial| Register { initial });
        let starts: Vec<Register> = starts.collect();
        let found = shown(&witness, &calls);
        let least = smallest(&model, &calls, &starts, &origins);
        let story = || format!("seed {seed}: {found:?} of {calls:#?}");
        // A value may have no write but one that needs the value itself.
        assert!(least.is_none_or(|least| found.len() <= least), "{least:?}, {}", story());
        assert!(witness.minimal, "{}", story());
        counts[found.len()] += 1;
    }
    assert!(counts[1..=3].iter().all(|&count| count > 10), "{counts:?} by size");
}

/// Which operations a text or list has.
#[derive(Debug, Clone, Copy)]
struct Mix {
    has_swaps: bool,
    has_puts: bool,
    /// How many different letters are written; none twice if there are as many as operations.
    letters: Option<u8>,
    least: usize,
    most: usize,
}

/// Operations that each take effect at a random place of their interval, with one answer in most
/// histories exchanged for another.
fn sequence_calls(rng: &mut ChaCha8Rng, mix: Mix) -> Vec<Call<SequenceOp<u8>>> {
    let count = rng.random_range(mix.least..=mix.most);
    let intervals = intervals(rng, count);
    let end = u32::try_from(2 * count).unwrap();
    let mut points: Vec<(u32, usize)> = Vec::new();
    for (at, &(invoke, complete)) in intervals.iter().enumerate() {
        points.push((rng.random_range(invoke..complete.unwrap_or(end).max(invoke + 1)), at));
    }
    points.sort_unstable();
    let mut state: Vec<u8> = Vec::new();
    let mut next = b'a'..;
    let mut ops: Vec<SequenceOp<u8>> = vec![SequenceOp::Get(Box::default()); count];
    for (_, at) in points {
        let letter = match mix.letters {
            Some(letters) => b'a' + rng.random_range(0..letters),
            None => next.next().unwrap(),
        };
        let op = match rng.random_range(0..10) {
            0 if mix.has_puts => SequenceOp::Put(Box::from([letter])),
            1 | 2 if mix.has_swaps => SequenceOp::Cas(state.clone().into(), Box::from([letter])),
            3..6 => SequenceOp::Append(Box::from([letter])),
            _ => SequenceOp::Get(state.clone().into()),
        };
        if intervals[at].1.is_some() || rng.random_bool(0.6) {
            match &op {
                SequenceOp::Put(text) | SequenceOp::Cas(_, text) => state = text.to_vec(),
                SequenceOp::Append(text) => state.extend(&**text),
                SequenceOp::Get(_) | SequenceOp::Refused(_) => {}
            }
        }
        ops[at] = op;
    }
    for _ in 0..rng.random_range(0..3) {
        disturb(rng, &mut ops);
    }
    let call = |((invoke, complete), op)| Call { op, invoke, complete };
    intervals.into_iter().zip(ops).map(call).collect()
}

fn disturb(rng: &mut ChaCha8Rng, ops: &mut [SequenceOp<u8>]) {
    let (one, other) = (rng.random_range(0..ops.len()), rng.random_range(0..ops.len()));
    if rng.random_bool(0.3) {
        ops.swap(one, other);
        return;
    }
    let (SequenceOp::Get(text) | SequenceOp::Cas(text, _)) = &mut ops[one] else { return };
    let mut changed = text.to_vec();
    match rng.random_range(0..4) {
        0 => drop(changed.pop()),
        1 => changed.reverse(),
        2 => changed.push(b'b'),
        _ => {
            changed.drain(..changed.len().min(1));
        }
    }
    *text = changed.into();
}

/// The history of these calls, each by a process of its own; of texts, or of lists of letters.
fn record_sequence(calls: &[Call<SequenceOp<u8>>], is_list: bool) -> History {
    let letter = |letter: u8| Datum::text(&char::from(letter).to_string());
    let whole = |text: &[u8]| {
        if is_list {
            Datum::List(text.iter().map(|&it| letter(it)).collect())
        } else {
            Datum::text(str::from_utf8(text).unwrap())
        }
    };
    let mut events: Vec<(u32, usize, EventType)> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        events.push((call.invoke, at, EventType::Invoke));
        events.extend(call.complete.map(|complete| (complete, at, EventType::Ok)));
    }
    events.sort_unstable_by_key(|&(place, ..)| place);
    let mut recorder = Recorder::new();
    for (place, at, r#type) in events {
        let (f, value) = match &calls[at].op {
            SequenceOp::Get(seen) => (F::Get, whole(seen)),
            SequenceOp::Put(new) => (F::Put, whole(new)),
            SequenceOp::Append(new) => (F::Append, letter(new[0])),
            SequenceOp::Cas(old, new) => (F::Cas, Datum::List(vec![whole(old), whole(new)])),
            SequenceOp::Refused(_) => unreachable!("none is made"),
        };
        let entry = Entry {
            index: place.into(),
            time_ns: u64::from(place) * 1_000_000,
            process: at as u64,
            client: "",
            r#type,
            f,
            key: Some(&Datum::text("k")),
            value: Some(&value).filter(|_| f != F::Get || r#type == EventType::Ok),
            refused: false,
            node: None,
        };
        recorder.record(&entry).expect("events that fit together");
    }
    recorder.finish().unwrap()
}

/// Whether what was seen can be made of what others wrote, in whatever order.
fn is_made(seen: &[u8], others: &[&SequenceOp<u8>]) -> bool {
    seen.is_empty()
        || others.iter().any(|other| match other {
            SequenceOp::Put(whole) | SequenceOp::Cas(_, whole) => **whole == *seen,
            SequenceOp::Append(part) => {
                seen.strip_suffix(&**part).is_some_and(|rest| is_made(rest, others))
            }
            SequenceOp::Get(_) | SequenceOp::Refused(_) => false,
        })
}

/// The size of the smallest set as above.
fn smallest_of_sequence(calls: &[Call<SequenceOp<u8>>]) -> Option<usize> {
    let origins = Origins::<SequenceOp<u8>> {
        is_made: &|op, others| match op {
            SequenceOp::Get(seen) | SequenceOp::Cas(seen, _) => is_made(seen, others),
            _ => true,
        },
        as_write: &|op| match op {
            SequenceOp::Cas(_, new) => Some(SequenceOp::Put(new.clone())),
            _ => None,
        },
    };
    let seen = calls.iter().filter_map(|call| match &call.op {
        SequenceOp::Get(text) | SequenceOp::Cas(text, _) => Some(text),
        _ => None,
    });
    let parts = seen.flat_map(|text| (0..=text.len()).map(|end| text[..end].into()));
    let other: Box<[u8]> = Box::from([b'~'; 9]);
    let starts: Vec<_> = parts.chain([other]).map(|initial| Sequence { initial }).collect();
    smallest(&Sequence { initial: Box::default() }, calls, &starts, &origins)
}

fn has_appends(calls: &[Call<SequenceOp<u8>>]) -> bool {
    calls.iter().any(|call| matches!(call.op, SequenceOp::Append(_)))
}

#[test]
fn of_texts_and_lists_with_compare_and_set_none_is_smaller() {
    let mut counts = [0; 8];
    for seed in 0..cases(3_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let letters = [None, Some(2), Some(4)][usize::try_from(seed % 3).unwrap()];
        let mix = Mix { has_swaps: true, has_puts: true, letters, least: 2, most: 6 };
        let calls = sequence_calls(&mut rng, mix);
        let is_swap = |call: &Call<_>| matches!(call.op, SequenceOp::Cas(..));
        if !has_appends(&calls) || !calls.iter().any(is_swap) {
            continue;
        }
        let is_list = seed % 2 == 0;
        let model = if is_list { ModelName::ListRegister } else { ModelName::Kv };
        let report = report(&record_sequence(&calls, is_list), model);
        let Verdict::Invalid(witness) = report.verdict else { continue };
        let found = shown(&witness, &calls);
        let story = || format!("seed {seed}: {found:?} of {calls:#?}");
        let least = smallest_of_sequence(&calls);
        // A compare-and-set may only write in one place, and not in another.
        assert!(least.is_none_or(|least| found.len() <= least), "{least:?}, {}", story());
        assert!(witness.minimal, "{}", story());
        counts[found.len()] += 1;
    }
    assert!(counts[1..=4].iter().all(|&count| count > 10), "{counts:?} by size");
}
