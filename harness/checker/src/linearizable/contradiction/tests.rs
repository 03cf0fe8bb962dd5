//! Every witness against its promise, by all permutations.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::check::{Options, check};
use crate::event::{EventType, F};
use crate::history::{History, Recorder, Value};
use crate::linearizable::oracle::{
    TextEvent, brute_force, cases, intervals, record, register_calls,
};
use crate::model::{Call, Model, Register, RegisterOp, Sequence, SequenceOp};
use crate::models::ModelName;
use crate::verdict::Verdict;
use crate::witness::Witness;

const MODEL: Register = Register { initial: Value::EMPTY };

/// A value that is in no history.
const OTHER: Value = Value(99);

fn witness(history: &History) -> Option<Box<Witness>> {
    let options = Options { model: ModelName::Kv, ..Options::default() };
    match check(history, &options).verdict {
        Verdict::Invalid(witness) => Some(witness),
        _ => None,
    }
}

/// The positions of its operations.
pub(crate) fn shown<O>(witness: &Witness, calls: &[Call<O>]) -> Vec<usize> {
    let is_in = |call: &Call<O>| {
        witness.operations.iter().any(|told| told.invoke_index == u64::from(call.invoke))
    };
    (0..calls.len()).filter(|&at| is_in(&calls[at])).collect()
}

/// Whether some calls contradict one another whatever the others did: from the first state on, or
/// from some event on in any of these states.
pub(crate) fn is_evidence<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    shown: &[usize],
    starts: &[M],
) -> bool {
    let events = (0..2 * u32::try_from(calls.len()).unwrap()).map(Some);
    [None].into_iter().chain(events).any(|after| {
        let is_over = |call: &Call<M::Op>| {
            after.is_some_and(|after| call.complete.is_some_and(|complete| complete <= after))
        };
        let mut left = Vec::new();
        for (at, call) in calls.iter().enumerate().filter(|(_, call)| !is_over(call)) {
            // What was under way when the part begins may have taken effect before.
            let is_within = after.is_none_or(|after| call.invoke > after);
            let complete = call.complete.filter(|_| is_within && shown.contains(&at));
            if complete.is_some() || !model.is_read_only(&call.op) {
                left.push(Call { complete, ..call.clone() });
            }
        }
        let starts = if after.is_none() { std::slice::from_ref(model) } else { starts };
        !starts.iter().any(|model| brute_force(model, &left))
    })
}

fn saw(op: &RegisterOp) -> Option<Value> {
    match *op {
        RegisterOp::Read(value) | RegisterOp::Cas(value, _) => Some(value),
        RegisterOp::Write(_) | RegisterOp::Refused(_) => None,
    }
}

fn wrote(op: &RegisterOp) -> Option<Value> {
    match *op {
        RegisterOp::Write(value) | RegisterOp::Cas(_, value) => Some(value),
        RegisterOp::Read(_) | RegisterOp::Refused(_) => None,
    }
}

/// Whether one of the others wrote what an operation saw.
fn is_made(calls: &[Call<RegisterOp>], at: usize, others: &[usize]) -> bool {
    let value = saw(&calls[at].op);
    value.is_none() || others.iter().any(|&other| other != at && wrote(&calls[other].op) == value)
}

/// Without one of the shown, and without those that saw a value which none of the others wrote then.
fn without(calls: &[Call<RegisterOp>], shown: &[usize], place: usize) -> Vec<usize> {
    let mut fewer = shown.to_vec();
    fewer.remove(place);
    let is_lost =
        |at: usize, fewer: &[usize]| is_made(calls, at, shown) && !is_made(calls, at, fewer);
    while let Some(lost) = fewer.iter().position(|&at| is_lost(at, &fewer)) {
        fewer.remove(lost);
    }
    fewer
}

/// Whether each value that was seen has a write there, if any other operation wrote it.
fn is_closed(calls: &[Call<RegisterOp>], chosen: &[usize]) -> bool {
    let all: Vec<usize> = (0..calls.len()).collect();
    chosen.iter().all(|&at| is_made(calls, at, chosen) || !is_made(calls, at, &all))
}

#[test]
fn each_witness_is_evidence_and_nothing_of_it_can_be_left_out() {
    let mut seen = [0; 4];
    // The last one has a value whose one writer, open, saw a value from nowhere.
    for seed in (0..cases(60_000)).chain([826_562]) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=7);
        let kind = usize::try_from(seed % 4).unwrap();
        let calls = register_calls(&mut rng, count, kind % 2 == 0, kind < 2);
        let Some(witness) = witness(&record(&calls)) else { continue };
        let shown = shown(&witness, &calls);
        let story = || format!("seed {seed}: {shown:?} of {calls:#?}");
        let alone: Vec<_> = shown.iter().map(|&at| calls[at].clone()).collect();
        assert!(!brute_force(&MODEL, &alone), "{}", story());
        let values = calls.iter().filter_map(|call| saw(&call.op)).chain([OTHER]);
        let starts: Vec<Register> = values.map(|initial| Register { initial }).collect();
        let is_evidence = |shown: &[usize]| is_evidence(&MODEL, &calls, shown, &starts);
        assert!(is_evidence(&shown), "no evidence: {}", story());
        for place in 0..shown.len() {
            let fewer = without(&calls, &shown, place);
            let is_less = is_closed(&calls, &fewer) && is_evidence(&fewer);
            assert!(!is_less, "{place} is too many: {}", story());
        }
        assert!(witness.minimal && witness.confirmed == Some(true), "{}", story());
        seen[kind] += 1;
    }
    assert!(seen.iter().all(|&seen| seen > 3_000), "{seen:?} witnesses");
}

/// Operations on a text of few letters, with one answer in some histories exchanged for another.
fn text_calls(rng: &mut ChaCha8Rng, count: usize) -> Vec<Call<SequenceOp<u8>>> {
    let mut letters = b'a'..;
    let repeats = rng.random_bool(0.3);
    let mut state: Vec<u8> = Vec::new();
    let mut calls = Vec::new();
    for (invoke, complete) in intervals(rng, count) {
        let letter = if repeats { rng.random_range(b'a'..=b'b') } else { letters.next().unwrap() };
        let op = match rng.random_range(0..8) {
            0 => SequenceOp::Put(Box::from([letter])),
            1 => SequenceOp::Cas(state.clone().into(), Box::from([letter])),
            2..5 => SequenceOp::Append(Box::from([letter])),
            _ => SequenceOp::Get(state.clone().into()),
        };
        match &op {
            SequenceOp::Put(text) | SequenceOp::Cas(_, text) => state = text.to_vec(),
            SequenceOp::Append(text) => state.extend(&**text),
            SequenceOp::Get(_) | SequenceOp::Refused(_) => {}
        }
        calls.push(Call { op, invoke, complete });
    }
    let at = rng.random_range(0..count);
    if let SequenceOp::Get(text) | SequenceOp::Cas(text, _) = &mut calls[at].op {
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
    calls
}

fn record_texts(calls: &[Call<SequenceOp<u8>>]) -> History {
    let mut events: Vec<(u32, usize, EventType)> = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        events.push((call.invoke, at, EventType::Invoke));
        events.extend(call.complete.map(|complete| (complete, at, EventType::Ok)));
    }
    events.sort_unstable_by_key(|&(place, ..)| place);
    let mut recorder = Recorder::new();
    for (place, at, r#type) in events {
        let text = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap();
        let (f, value, expected) = match &calls[at].op {
            SequenceOp::Get(seen) => (F::Get, text(seen), None),
            SequenceOp::Put(new) => (F::Put, text(new), None),
            SequenceOp::Append(new) => (F::Append, text(new), None),
            SequenceOp::Cas(old, new) => (F::Cas, text(new), Some(text(old))),
            SequenceOp::Refused(_) => unreachable!("none is made"),
        };
        let event = TextEvent {
            index: place.into(),
            process: at as u64,
            r#type,
            f,
            key: "k",
            value: (f != F::Get || r#type == EventType::Ok).then_some(&value[..]),
            expected: expected.as_deref(),
            refused: false,
            node: None,
        };
        event.record(&mut recorder);
    }
    recorder.finish().unwrap()
}

#[test]
fn each_witness_of_a_text_is_evidence() {
    let model = Sequence { initial: Box::default() };
    let (mut seen, mut confirmed) = (0, 0);
    for seed in 0..cases(20_000) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(1..=6);
        let calls = text_calls(&mut rng, count);
        if calls.iter().all(|call| !matches!(call.op, SequenceOp::Append(_))) {
            continue;
        }
        let Some(witness) = witness(&record_texts(&calls)) else { continue };
        let shown = shown(&witness, &calls);
        let story = || format!("seed {seed}: {shown:?} of {calls:#?}");
        let alone: Vec<_> = shown.iter().map(|&at| calls[at].clone()).collect();
        assert!(!brute_force(&model, &alone), "{}", story());
        let seen_texts = calls.iter().filter_map(|call| match &call.op {
            SequenceOp::Get(text) | SequenceOp::Cas(text, _) => Some(text),
            _ => None,
        });
        let parts = seen_texts.flat_map(|text| (0..=text.len()).map(|end| text[..end].into()));
        let other: Box<[u8]> = Box::from([b'~'; 9]);
        let starts: Vec<_> = parts.chain([other]).map(|initial| Sequence { initial }).collect();
        assert!(is_evidence(&model, &calls, &shown, &starts), "no evidence: {}", story());
        assert!(witness.minimal && witness.confirmed != Some(false), "{}", story());
        seen += 1;
        confirmed += u64::from(witness.confirmed == Some(true));
    }
    assert!(
        seen > cases(1_000) && confirmed > seen * 9 / 10,
        "{seen} witnesses, {confirmed} confirmed"
    );
}
