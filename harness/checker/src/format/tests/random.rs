//! Random histories with typed values, which need not be consistent.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::datum::{Datum, Encoder, number};
use crate::event::{EventType, F};
use crate::history::{History, Line, Reading, Recorder};

/// What values a history has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// Texts, some of which look like something else.
    Texts,
    /// Whole numbers.
    Numbers,
    /// What JSON can say.
    Json,
    /// Anything.
    Any,
}

const TEXTS: [&str; 22] = [
    "",
    "a",
    "b c",
    " a ",
    "7",
    "07",
    "1.5",
    "-3",
    "nil",
    "null",
    "true",
    "[1]",
    "[",
    "{",
    "#{",
    "\"q\"",
    "\"",
    "a,b;c\td",
    "line\nend\r",
    "\u{1}\u{7f}",
    "ä😀\u{2028}",
    ":k",
];

const NUMBERS: [&str; 10] = [
    "0",
    "7",
    "-3",
    "1.5",
    "-0.25",
    "9223372036854775807",
    "-9223372036854775808",
    "1e400",
    "123456789012345678901234567890",
    "1.00000000000000000001",
];

/// The functions of a history: those of one model, or all.
const FUNCTIONS: [&[F]; 7] = [
    &[F::Get, F::Put],
    &[F::Get, F::Put, F::Cas],
    &[F::Get, F::Put, F::Cas, F::Append],
    &[F::Get, F::Add],
    &[F::Enqueue, F::Dequeue, F::Drain],
    &[F::Acquire, F::Release, F::Renew],
    &[
        F::Get,
        F::Put,
        F::Cas,
        F::Append,
        F::Add,
        F::Enqueue,
        F::Dequeue,
        F::Drain,
        F::Push,
        F::Pop,
        F::Insert,
        F::DeleteMin,
        F::Acquire,
        F::Release,
        F::Renew,
        F::Generate,
        F::Transfer,
    ],
];

pub(super) fn value(rng: &mut ChaCha8Rng, values: Values, depth: u32) -> Datum {
    let text = |rng: &mut ChaCha8Rng| Datum::text(TEXTS[rng.random_range(0..TEXTS.len())]);
    match values {
        Values::Texts => text(rng),
        Values::Numbers => Datum::Integer(rng.random_range(-2..300)),
        Values::Json | Values::Any => {
            let kinds = if values == Values::Any { 12 } else { 7 };
            let several = |rng: &mut ChaCha8Rng| -> Vec<Datum> {
                let count = if depth == 0 { 0 } else { rng.random_range(0..4) };
                (0..count).map(|_| value(rng, values, depth - 1)).collect()
            };
            match rng.random_range(0..kinds) {
                0 => Datum::Nil,
                1 => Datum::Bool(rng.random()),
                2 => Datum::Integer(rng.random_range(-3..100)),
                3 => number::parse(NUMBERS[rng.random_range(0..NUMBERS.len())]).unwrap(),
                4 => text(rng),
                5 => Datum::List(several(rng)),
                6 => {
                    let values = several(rng);
                    Datum::map(values.into_iter().map(|value| (text(rng), value)).collect())
                }
                7 => Datum::Keyword("k".into()),
                8 => Datum::Symbol("s".into()),
                9 => Datum::Char(['a', '\n', ' ', '😀'][rng.random_range(0..4)]),
                10 => Datum::set(several(rng)),
                _ => Datum::Tagged("t/x".into(), Box::new(several(rng).pop().unwrap_or_default())),
            }
        }
    }
}

/// A history, and whether its times have any order.
pub(super) fn history(rng: &mut ChaCha8Rng) -> History {
    let values =
        [Values::Texts, Values::Numbers, Values::Json, Values::Any][rng.random_range(0..4)];
    let keys: Vec<Option<Datum>> = match rng.random_range(0..4) {
        0 => vec![None],
        1 => vec![Some(Datum::text("x")), Some(Datum::text("7")), Some(Datum::text(""))],
        2 => vec![Some(1.into()), Some(2.into())],
        _ => vec![None, Some(value(rng, values, 1))],
    };
    let functions = FUNCTIONS[rng.random_range(0..FUNCTIONS.len())];
    let refuses = rng.random_bool(0.5);
    let mut recorder = Recorder::reading(Reading::default());
    if rng.random() {
        recorder.says_read();
    }
    let may_fail = rng.random_bool(0.6);
    let gaps = rng.random_bool(0.5);
    let steps = [0, 1, 1000][rng.random_range(0..3)];
    let (mut index, mut time_ns) = (0, 0_u64);
    let mut open: Vec<Option<(F, usize, Datum)>> = vec![None; 4];
    let mut processes: Vec<u64> = (0..4).collect();
    for _ in 0..rng.random_range(1..40) {
        let client = rng.random_range(0..4);
        index += if gaps { rng.random_range(1..4) } else { 1 };
        time_ns =
            (time_ns + rng.random_range(0..=steps)).saturating_sub(rng.random_range(0..20) / 19);
        let end = [EventType::Ok, EventType::Ok, EventType::Fail, EventType::Info];
        let (r#type, f, key, given) = match open[client].take() {
            Some((f, key, given)) => {
                let end = end[rng.random_range(0..4)];
                let end = if may_fail || end == EventType::Info { end } else { EventType::Ok };
                (end, f, key, given)
            }
            None => {
                let f = functions[rng.random_range(0..functions.len())];
                let key = rng.random_range(0..keys.len());
                let given = match f {
                    F::Cas => Datum::List(vec![value(rng, values, 2), value(rng, values, 2)]),
                    f if f.only_asks() => Datum::Nil,
                    _ => value(rng, values, 2),
                };
                open[client] = Some((f, key, given.clone()));
                (EventType::Invoke, f, key, given)
            }
        };
        let refused = f == F::Cas && r#type == EventType::Ok && refuses && rng.random();
        let told = match (r#type, f) {
            (EventType::Ok, F::Cas | F::Put | F::Append) | (EventType::Invoke, _) => given,
            (EventType::Ok, _) => value(rng, values, 2),
            _ => Datum::Nil,
        };
        let (told, key) = (Encoder::of(&told), keys[key].as_ref().map(Encoder::of));
        let line = Line {
            index,
            time_ns: Some(time_ns),
            process: processes[client],
            client: ["", "c", "\"ü\n"][client % 3],
            r#type,
            f,
            key: key.as_ref().map(|key| key.slice(0, key.at())),
            value: Some(told.slice(0, told.at())),
            refused,
            has_error: r#type == EventType::Fail && rng.random(),
            node: [None, Some("n,1")][rng.random_range(0..2)],
        };
        recorder.line(&line).unwrap();
        if r#type == EventType::Info && rng.random_bool(0.9) {
            processes[client] += 4;
        }
    }
    recorder.finish().unwrap()
}
